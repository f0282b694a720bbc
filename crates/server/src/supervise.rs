//! The process among others: systemd and Upstart, going to the background, the file with its
//! number, its out-of-memory score, the machine's time zone.
//!
//! The one file of this crate that may use `unsafe`: fork and localtime have no safe form. Knows
//! no setting's name; the values come as parameters, the environment as a function.
#![allow(unsafe_code, reason = "fork and localtime_r")]
#![allow(clippy::disallowed_methods, reason = "files of the process, at the server's edge")]

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::time::Duration;

use larder_engine::config::{OomScoreAdj, Supervised};

/// Who supervises this process, and how he is told.
#[derive(Debug)]
pub enum Supervision {
    /// Nobody.
    None,
    /// systemd, or whoever set `NOTIFY_SOCKET`.
    Systemd(Notifier),
    /// Upstart, which waits until the process stops itself.
    Upstart,
}

impl Supervision {
    /// Finds the supervisor that `mode` names or, with `auto`, that the environment names. The
    /// second value is a warning to log: a supervisor was named and is not there.
    ///
    /// A supervised process must not go to the background, whatever `daemonize` says.
    pub fn detect(
        mode: Supervised,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> (Self, Option<String>) {
        let set = |name| environment(name).filter(|value| !value.is_empty());
        let may = |wanted| mode == wanted || mode == Supervised::Auto;
        if may(Supervised::Upstart) && set("UPSTART_JOB").is_some() {
            return (Self::Upstart, None);
        }
        if may(Supervised::Systemd)
            && let Some(path) = set("NOTIFY_SOCKET")
        {
            return match Notifier::new(&path, environment) {
                Ok(notifier) => (Self::Systemd(notifier), None),
                Err(error) => {
                    let path = path.display();
                    (Self::None, Some(format!("NOTIFY_SOCKET {path} cannot be used: {error}")))
                }
            };
        }
        let warning = match mode {
            Supervised::Systemd => Some(
                "supervised systemd: NOTIFY_SOCKET is not set, so nobody is told when the \
                 server is ready",
            ),
            Supervised::Upstart => Some(
                "supervised upstart: UPSTART_JOB is not set, so nobody is told when the server \
                 is ready",
            ),
            Supervised::Auto | Supervised::No => None,
        };
        (Self::None, warning.map(str::to_string))
    }

    /// True if somebody supervises.
    #[must_use]
    pub fn is_supervised(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// What INFO calls it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::None => Supervised::No.word(),
            Self::Systemd(_) => Supervised::Systemd.word(),
            Self::Upstart => Supervised::Upstart.word(),
        }
    }

    /// Tells that clients can connect. Under Upstart the process stops until it is let go on.
    ///
    /// # Errors
    /// What the system says when the message cannot be sent.
    pub fn ready(&self, status: &str) -> io::Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Systemd(notifier) => {
                notifier.send(&format!("READY=1\nSTATUS={}\n", one_line(status)))
            }
            Self::Upstart => {
                use rustix::process::{Signal, getpid, kill_process};
                kill_process(getpid(), Signal::STOP).map_err(io::Error::from)
            }
        }
    }

    /// Sets the line that `systemctl status` shows.
    ///
    /// # Errors
    /// What the system says when the message cannot be sent.
    pub fn status(&self, status: &str) -> io::Result<()> {
        self.send(&format!("STATUS={}\n", one_line(status)))
    }

    /// Tells that the end has begun.
    ///
    /// # Errors
    /// What the system says when the message cannot be sent.
    pub fn stopping(&self, status: &str) -> io::Result<()> {
        self.send(&format!("STOPPING=1\nSTATUS={}\n", one_line(status)))
    }

    /// A sign of life, to be given twice in each [`watchdog_interval`](Self::watchdog_interval).
    ///
    /// # Errors
    /// What the system says when the message cannot be sent.
    pub fn watchdog(&self) -> io::Result<()> {
        self.send("WATCHDOG=1\n")
    }

    /// Asks for `more` time, from now, for a start or an end that takes long.
    ///
    /// # Errors
    /// What the system says when the message cannot be sent.
    pub fn extend_timeout(&self, more: Duration) -> io::Result<()> {
        self.send(&format!("EXTEND_TIMEOUT_USEC={}\n", more.as_micros()))
    }

    /// How long the process may be silent before it is killed; `None` if nobody watches.
    #[must_use]
    pub fn watchdog_interval(&self) -> Option<Duration> {
        match self {
            Self::Systemd(notifier) => notifier.watchdog,
            Self::None | Self::Upstart => None,
        }
    }

    fn send(&self, message: &str) -> io::Result<()> {
        match self {
            Self::Systemd(notifier) => notifier.send(message),
            Self::None | Self::Upstart => Ok(()),
        }
    }
}

/// Sends messages of `sd_notify(3)`.
#[derive(Debug)]
pub struct Notifier {
    socket: UnixDatagram,
    address: SocketAddr,
    watchdog: Option<Duration>,
}

impl Notifier {
    fn new(path: &OsStr, environment: &dyn Fn(&str) -> Option<OsString>) -> io::Result<Self> {
        let address = match path.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(path)?,
            _ => return Err(io::Error::new(io::ErrorKind::Unsupported, "not a Unix socket")),
        };
        let number = |name: &str| environment(name)?.to_str()?.parse::<u64>().ok();
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let micros = number("WATCHDOG_USEC").filter(|micros| *micros > 0 && ours);
        let socket = UnixDatagram::unbound()?;
        Ok(Self { socket, address, watchdog: micros.map(Duration::from_micros) })
    }

    fn send(&self, message: &str) -> io::Result<()> {
        self.socket.send_to_addr(message.as_bytes(), &self.address).map(|_| ())
    }
}

/// Goes on in the background: the caller's process ends with status 0, a child of it returns from
/// here without a terminal, with `/dev/null` for the three standard streams.
///
/// # Errors
/// When threads have been started already (they would not exist in the child), or when the system
/// refuses.
pub fn daemonize() -> io::Result<()> {
    if thread_count()? != 1 {
        return Err(io::Error::other("threads are running already"));
    }
    io::stdout().flush()?;
    // SAFETY: the check above says that this is the only thread, so the child is a whole process:
    // no lock is held by a thread that is missing there.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => detach(),
        _ => std::process::exit(0),
    }
}

/// A file with the number of this process, there as long as this value is.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    pid: u32,
}

/// Where Redis writes its number when it runs in the background and nothing else is said.
pub const DEFAULT_PID_FILE: &str = "/var/run/redis.pid";

impl PidFile {
    /// Writes the file.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(path: &Path) -> io::Result<Self> {
        let pid = std::process::id();
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o644).open(path)?;
        file.write_all(format!("{pid}\n").as_bytes())?;
        Ok(Self { path: path.into(), pid })
    }

    /// Removes the file, if it is still this process's.
    pub fn remove(&self) {
        let number = std::fs::read_to_string(&self.path);
        if number.is_ok_and(|text| text.trim() == self.pid.to_string()) {
            // Somebody else's cleaning is as good as ours.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            self.remove();
        }
    }
}

/// The kernel's out-of-memory score of this process, and what it was at the start.
#[derive(Debug)]
pub struct OomScore {
    file: PathBuf,
    at_start: i32,
}

impl OomScore {
    /// Reads the score that the process was given.
    ///
    /// # Errors
    /// What the system says; not every kernel has the file.
    pub fn of_this_process() -> io::Result<Self> {
        Self::of(PathBuf::from("/proc/self/oom_score_adj"))
    }

    /// Sets the score to `value`, which is added to the first score unless `mode` is absolute.
    /// Off gives the first score back. Values outside of -1000 to 1000 are cut.
    ///
    /// # Errors
    /// What the system says: lowering a score needs a privilege.
    pub fn set(&self, mode: OomScoreAdj, value: i32) -> io::Result<()> {
        let score = match mode {
            OomScoreAdj::No => self.at_start,
            OomScoreAdj::Relative => self.at_start.saturating_add(value),
            OomScoreAdj::Absolute => value,
        };
        let score = score.clamp(-1000, 1000);
        OpenOptions::new().write(true).open(&self.file)?.write_all(score.to_string().as_bytes())
    }

    fn of(file: PathBuf) -> io::Result<Self> {
        let text = std::fs::read_to_string(&file)?;
        let at_start = text.trim().parse().map_err(io::Error::other)?;
        Ok(Self { file, at_start })
    }
}

/// A point in time in the machine's zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalTime {
    /// The year of the common era.
    pub year: i64,
    /// 0 for January.
    pub month: usize,
    /// From 1.
    pub day: i32,
    /// From 0.
    pub hour: i32,
    /// From 0.
    pub minute: i32,
    /// From 0; 60 in a leap second.
    pub second: i32,
}

/// The local time of a Unix time in seconds.
#[must_use]
pub fn local_time(unix_seconds: u64) -> LocalTime {
    let Ok(seconds) = libc::time_t::try_from(unix_seconds) else {
        return LocalTime::default();
    };
    // SAFETY: `tm` holds numbers and a pointer, for which all zeros are valid.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of the right types, and localtime_r keeps neither.
    // It reads the environment's TZ, which nothing in this process writes.
    let found = unsafe { libc::localtime_r(&raw const seconds, &raw mut parts) };
    if found.is_null() {
        return LocalTime::default();
    }
    LocalTime {
        year: 1900 + i64::from(parts.tm_year),
        month: usize::try_from(parts.tm_mon).unwrap_or_default(),
        day: parts.tm_mday,
        hour: parts.tm_hour,
        minute: parts.tm_min,
        second: parts.tm_sec,
    }
}

fn detach() -> io::Result<()> {
    rustix::process::setsid()?;
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

fn thread_count() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

/// A line break would begin another message.
fn one_line(status: &str) -> String {
    status.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 500];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    fn environment(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> + use<> {
        let pairs: Vec<(String, OsString)> =
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        move |asked| pairs.iter().find(|(name, _)| name == asked).map(|(_, value)| value.clone())
    }

    #[test]
    fn systemd_hears_ready_status_watchdog_and_stopping() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let environment =
            environment(&[("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "3000000")]);
        for mode in [Supervised::Systemd, Supervised::Auto] {
            let (supervision, warning) = Supervision::detect(mode, &environment);
            assert_eq!(warning, None);
            assert!(supervision.is_supervised());
            assert_eq!(supervision.watchdog_interval(), Some(Duration::from_secs(3)));
            supervision.status("Larder is loading...").unwrap();
            assert_eq!(receive(&socket), "STATUS=Larder is loading...\n");
            supervision.ready("Ready to accept connections\non 6379").unwrap();
            assert_eq!(receive(&socket), "READY=1\nSTATUS=Ready to accept connections on 6379\n");
            supervision.watchdog().unwrap();
            assert_eq!(receive(&socket), "WATCHDOG=1\n");
            supervision.extend_timeout(Duration::from_secs(30)).unwrap();
            assert_eq!(receive(&socket), "EXTEND_TIMEOUT_USEC=30000000\n");
            supervision.stopping("Saving...").unwrap();
            assert_eq!(receive(&socket), "STOPPING=1\nSTATUS=Saving...\n");
        }
    }

    #[test]
    fn abstract_sockets_are_reached_too() {
        let name = format!("larder-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        let environment = environment(&[("NOTIFY_SOCKET", &format!("@{name}"))]);
        let (supervision, _) = Supervision::detect(Supervised::Auto, &environment);
        supervision.ready("x").unwrap();
        assert_eq!(receive(&socket), "READY=1\nSTATUS=x\n");
        assert_eq!(supervision.watchdog_interval(), None);
    }

    #[test]
    fn a_supervisor_that_is_not_there_is_a_warning() {
        let nothing = environment(&[]);
        for (mode, word) in
            [(Supervised::Systemd, "NOTIFY_SOCKET"), (Supervised::Upstart, "UPSTART_JOB")]
        {
            let (supervision, warning) = Supervision::detect(mode, &nothing);
            assert!(!supervision.is_supervised());
            assert!(warning.unwrap().contains(word));
        }
        for mode in [Supervised::Auto, Supervised::No] {
            let (supervision, warning) = Supervision::detect(mode, &nothing);
            assert!(!supervision.is_supervised() && warning.is_none());
            supervision.ready("nobody hears").unwrap();
        }
        let both = environment(&[("NOTIFY_SOCKET", "vsock:1:2"), ("UPSTART_JOB", "x")]);
        let (none, warning) = Supervision::detect(Supervised::Systemd, &both);
        assert!(!none.is_supervised() && warning.unwrap().contains("vsock:1:2"));
        let (upstart, _) = Supervision::detect(Supervised::Auto, &both);
        assert!(matches!(upstart, Supervision::Upstart));
        let (none, _) = Supervision::detect(Supervised::No, &both);
        assert!(!none.is_supervised());
    }

    #[test]
    fn the_watchdog_of_another_process_is_not_ours() {
        let path = "/nowhere";
        let other =
            environment(&[("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "5"), ("WATCHDOG_PID", "1")]);
        let (supervision, _) = Supervision::detect(Supervised::Systemd, &other);
        assert_eq!(supervision.watchdog_interval(), None);
        assert!(supervision.ready("x").is_err());
    }

    #[test]
    fn the_pid_file_goes_with_its_process_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pid");
        let file = PidFile::write(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
        drop(file);
        assert!(!path.exists());
        let file = PidFile::write(&path).unwrap();
        std::fs::write(&path, "1\n").unwrap();
        file.remove();
        assert!(path.exists());
        assert!(PidFile::write(&folder.path().join("no/x.pid")).is_err());
    }

    #[test]
    fn scores_are_added_replaced_and_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("oom_score_adj");
        std::fs::write(&path, "100\n").unwrap();
        let score = OomScore::of(path.clone()).unwrap();
        let after = |mode, value| {
            std::fs::write(&path, "").unwrap();
            score.set(mode, value).unwrap();
            std::fs::read_to_string(&path).unwrap()
        };
        assert_eq!(after(OomScoreAdj::Relative, 200), "300");
        assert_eq!(after(OomScoreAdj::Absolute, 200), "200");
        assert_eq!(after(OomScoreAdj::Relative, 2000), "1000");
        assert_eq!(after(OomScoreAdj::No, 5), "100");
        assert!(OomScore::of_this_process().is_ok());
    }

    #[test]
    fn local_time_differs_from_utc_by_whole_minutes() {
        let time = local_time(1_700_000_000);
        assert_eq!((time.year, time.month, time.second), (2023, 10, 20));
        assert!((14..=15).contains(&time.day));
    }

    #[test]
    fn a_process_with_threads_does_not_fork() {
        // The harness runs this test in a thread of its own.
        if thread_count().unwrap() > 1 {
            assert_eq!(daemonize().unwrap_err().to_string(), "threads are running already");
        }
    }
}
