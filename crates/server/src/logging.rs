//! The log, in the form of Redis: `pid:role dd Mon yyyy hh:mm:ss.ms level message`.
//!
//! It goes to standard output or to a file that is appended to, and to syslog if asked. The lines
//! that tools wait for are functions here ([`ready`], [`banner`], …), so that their words stand in
//! one place. Nothing here decides what is worth a line.
#![allow(clippy::disallowed_methods, reason = "the log stamps its lines with the host's clock")]

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use larder_engine::config::LogLevel;

use crate::cli::{LARDER_VERSION, REDIS_VERSION};
use crate::supervise::{LocalTime, local_time};

/// The role that stands behind the process's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Before the engine is up, or in a child.
    Starting = b'C',
    /// A master.
    Master = b'M',
    /// A replica.
    Replica = b'S',
}

/// A log; clones write to the same place.
#[derive(Clone, Debug)]
pub struct Log {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    level: AtomicI64,
    role: AtomicU8,
    sink: Mutex<Sink>,
    syslog: Option<Syslog>,
    now: fn() -> Duration,
}

#[derive(Debug)]
enum Sink {
    Stdout,
    File { file: File, path: PathBuf },
}

#[derive(Debug)]
struct Syslog {
    socket: UnixDatagram,
    path: PathBuf,
    ident: String,
    facility: u8,
}

impl Log {
    /// A log of `level` and above, to the file at `path`, or to standard output.
    ///
    /// # Errors
    /// What the system says when the file cannot be opened for appending.
    pub fn open(level: LogLevel, path: Option<&Path>) -> io::Result<Self> {
        let sink = match path {
            Some(path) => Sink::File { file: append_to(path)?, path: path.into() },
            None => Sink::Stdout,
        };
        Ok(Self::with(level, sink, None, since_epoch))
    }

    /// The same log, to syslog as well: `facility` is the number of RFC 5424.
    ///
    /// # Errors
    /// What the system says when no socket can be made.
    pub fn with_syslog(self, ident: &str, facility: u8) -> io::Result<Self> {
        self.with_syslog_at(Path::new("/dev/log"), ident, facility)
    }

    /// Writes a line, if `level` is high enough.
    pub fn log(&self, level: LogLevel, message: &str) {
        let inner = &self.inner;
        if level == LogLevel::Nothing || (level as i64) < inner.level.load(Ordering::Relaxed) {
            return;
        }
        let message = escaped(message);
        if let Some(syslog) = &inner.syslog {
            syslog.send(level, &message);
        }
        let role = inner.role.load(Ordering::Relaxed);
        let line = line(std::process::id(), role, (inner.now)(), level, &message);
        let mut sink = inner.sink.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written has nowhere to complain.
        let _ = match &mut *sink {
            Sink::Stdout => io::stdout().write_all(line.as_bytes()),
            Sink::File { file, .. } => file.write_all(line.as_bytes()),
        };
    }

    /// Logs what is of use when a fault is searched.
    pub fn debug(&self, message: &str) {
        self.log(LogLevel::Debug, message);
    }

    /// Logs what is rarely of use.
    pub fn verbose(&self, message: &str) {
        self.log(LogLevel::Verbose, message);
    }

    /// Logs what one wants to see in production.
    pub fn notice(&self, message: &str) {
        self.log(LogLevel::Notice, message);
    }

    /// Logs what is important or critical.
    pub fn warning(&self, message: &str) {
        self.log(LogLevel::Warning, message);
    }

    /// Sets the least level that is written.
    pub fn set_level(&self, level: LogLevel) {
        self.inner.level.store(level as i64, Ordering::Relaxed);
    }

    /// Sets the role that lines show.
    pub fn set_role(&self, role: Role) {
        self.inner.role.store(role as u8, Ordering::Relaxed);
    }

    /// Opens the file again if its path has come to mean another one, as after a rotation by
    /// renaming. Never called by the log itself.
    ///
    /// # Errors
    /// What the system says when the new file cannot be opened; the old one stays in use.
    pub fn reopen_if_moved(&self) -> io::Result<()> {
        let mut sink = self.inner.sink.lock().unwrap_or_else(PoisonError::into_inner);
        if let Sink::File { file, path } = &mut *sink {
            let ours = file.metadata()?;
            let there = std::fs::metadata(&*path);
            let same = there.is_ok_and(|at| (at.dev(), at.ino()) == (ours.dev(), ours.ino()));
            if !same {
                *file = append_to(path)?;
            }
        }
        Ok(())
    }

    fn with_syslog_at(self, path: &Path, ident: &str, facility: u8) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // Losing a line is better than stopping for a syslog that does not read.
        socket.set_nonblocking(true)?;
        let syslog = Syslog { socket, path: path.into(), ident: ident.into(), facility };
        let inner = Arc::try_unwrap(self.inner).map_err(|_| {
            io::Error::new(io::ErrorKind::ResourceBusy, "the log is in use already")
        })?;
        let inner = Inner { syslog: Some(syslog), ..inner };
        Ok(Self { inner: Arc::new(inner) })
    }

    fn with(level: LogLevel, sink: Sink, syslog: Option<Syslog>, now: fn() -> Duration) -> Self {
        let inner = Inner {
            level: AtomicI64::new(level as i64),
            role: AtomicU8::new(Role::Starting as u8),
            sink: Mutex::new(sink),
            syslog,
            now,
        };
        Self { inner: Arc::new(inner) }
    }
}

impl Syslog {
    fn send(&self, level: LogLevel, message: &str) {
        let severity = match level {
            LogLevel::Debug => 7,
            LogLevel::Verbose => 6,
            LogLevel::Notice => 5,
            LogLevel::Warning | LogLevel::Nothing => 4,
        };
        let priority = u16::from(self.facility) * 8 + severity;
        let text = format!("<{priority}>{}[{}]: {message}", self.ident, std::process::id());
        // A machine without syslog, or one that is busy, misses the line; the file has it.
        let _ = self.socket.send_to(text.as_bytes(), &self.path);
    }
}

/// The first lines of a start, before the settings are in force.
#[must_use]
pub fn starting(settings_given: bool) -> Vec<(LogLevel, String)> {
    let pid = std::process::id();
    let settings = match settings_given {
        true => (LogLevel::Notice, "Configuration loaded".to_string()),
        false => (LogLevel::Notice, "No configuration file given: the defaults hold".to_string()),
    };
    vec![
        (LogLevel::Notice, "oO0OoO0OoO0Oo Larder is starting oO0OoO0OoO0Oo".to_string()),
        (
            LogLevel::Notice,
            format!(
                "Larder version={LARDER_VERSION}, Redis version={REDIS_VERSION}, bits={}, \
                 pid={pid}, just started",
                usize::BITS
            ),
        ),
        settings,
    ]
}

/// The line that Redis logs in place of its logo.
#[must_use]
pub fn running_mode(port: u16) -> String {
    format!("Running mode=standalone, port={port}.")
}

/// One line with what tools read from Redis's logo, for `always-show-logo yes`.
#[must_use]
pub fn banner(port: u16) -> String {
    format!(
        "Larder {LARDER_VERSION} (Redis {REDIS_VERSION}) Running in standalone mode Port: {port} \
         PID: {}",
        std::process::id()
    )
}

/// Logged when all is set up and data is about to be loaded.
pub const INITIALIZED: &str = "Server initialized";

/// Logged once for each kind of listener (`tcp`, `unix`) when clients can connect.
#[must_use]
pub fn ready(listener: &str) -> String {
    format!("Ready to accept connections {listener}")
}

/// Logged when a signal asks for the end.
#[must_use]
pub fn signal_received(signal: &str) -> String {
    format!("Received {signal} scheduling shutdown...")
}

/// Logged when a client or a signal has begun the end.
pub const SHUTDOWN_REQUESTED: &str = "User requested shutdown...";

/// The last line.
pub const BYE: &str = "Larder is now ready to exit, bye bye...";

/// Names once what was set and has no meaning here; `None` when there is nothing to name.
#[must_use]
pub fn not_applied(names: &[&str]) -> Option<String> {
    let count = names.len();
    let (noun, verb) = if count == 1 { ("setting", "has") } else { ("settings", "have") };
    (count > 0).then(|| format!("{count} {noun} {verb} no meaning here: {}", names.join(", ")))
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn line(pid: u32, role: u8, now: Duration, level: LogLevel, message: &str) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let LocalTime { year, month, day, hour, minute, second } = local_time(now.as_secs());
    let sign = match level {
        LogLevel::Debug => '.',
        LogLevel::Verbose => '-',
        LogLevel::Notice => '*',
        LogLevel::Warning | LogLevel::Nothing => '#',
    };
    format!(
        "{pid}:{} {day:02} {} {year} {hour:02}:{minute:02}:{second:02}.{:03} {sign} {message}\n",
        char::from(role),
        MONTHS.get(month).unwrap_or(&"???"),
        now.subsec_millis(),
    )
}

/// One event is one line: nobody who can name a key can write a line of his own.
fn escaped(message: &str) -> String {
    message
        .chars()
        .flat_map(|letter| {
            let control = letter.is_control() && letter != '\t';
            let escaped = control.then(|| letter.escape_default());
            let plain = (!control).then_some(letter);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_to(path: &Path, level: LogLevel) -> Log {
        let sink = Sink::File { file: append_to(path).unwrap(), path: path.into() };
        Log::with(level, sink, None, || Duration::from_millis(1_700_000_000_042))
    }

    #[test]
    fn lines_have_the_form_of_redis() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "before\n").unwrap();
        let log = log_to(&path, LogLevel::Notice);
        log.debug("hidden");
        log.verbose("hidden");
        log.notice(&ready("tcp"));
        log.set_role(Role::Master);
        log.warning("a\nb\x1b[1m\u{e9}");
        log.set_level(LogLevel::Debug);
        log.debug("shown");
        log.set_level(LogLevel::Nothing);
        log.warning("hidden");
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let pid = std::process::id();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(lines[0], "before");
        assert!(lines[1].starts_with(&format!("{pid}:C ")), "{text}");
        // The day and hour depend on the zone of the machine.
        assert!(lines[1].contains(" Nov 2023 ") && lines[1].contains(":20.042 * Ready to accept"));
        assert!(lines[1].ends_with(" * Ready to accept connections tcp"), "{text}");
        assert!(lines[2].starts_with(&format!("{pid}:M ")), "{text}");
        assert!(lines[2].ends_with(" # a\\nb\\u{1b}[1m\u{e9}"), "{text}");
        assert!(lines[3].ends_with(" . shown"), "{text}");
    }

    #[test]
    fn a_rotated_file_is_left_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("log"), folder.path().join("log.1"));
        let log = log_to(&path, LogLevel::Notice);
        log.notice("one");
        std::fs::rename(&path, &old).unwrap();
        log.notice("two");
        log.reopen_if_moved().unwrap();
        log.notice("three");
        log.reopen_if_moved().unwrap();
        log.notice("four");
        let count = |path| std::fs::read_to_string(path).unwrap().lines().count();
        assert_eq!((count(&old), count(&path)), (2, 2));
    }

    #[test]
    fn a_log_that_cannot_be_opened_is_an_error() {
        assert!(Log::open(LogLevel::Notice, Some(Path::new("/no/such/folder/log"))).is_err());
        assert!(Log::open(LogLevel::Notice, None).is_ok());
    }

    #[test]
    fn syslog_gets_priority_and_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dev-log");
        let server = UnixDatagram::bind(&path).unwrap();
        let log = log_to(&folder.path().join("log"), LogLevel::Notice)
            .with_syslog_at(&path, "larder", 16)
            .unwrap();
        log.warning("careful");
        let mut buffer = [0; 200];
        let length = server.recv(&mut buffer).unwrap();
        let expected = format!("<132>larder[{}]: careful", std::process::id());
        assert_eq!(&buffer[..length], expected.as_bytes());
    }

    #[test]
    fn what_tools_wait_for() {
        assert_eq!(running_mode(6379), "Running mode=standalone, port=6379.");
        let banner = banner(7000);
        assert!(banner.contains(&format!(" PID: {}", std::process::id())));
        assert!(banner.contains(" Port: 7000 "));
        assert!(starting(true)[1].1.contains("Redis version=7.2.4, bits=64"));
        assert_eq!(not_applied(&[]), None);
        assert_eq!(not_applied(&["hz"]).unwrap(), "1 setting has no meaning here: hz");
        assert_eq!(not_applied(&["hz", "x"]).unwrap(), "2 settings have no meaning here: hz, x");
    }
}
