//! The running server: engine, sockets, HTTP and supervisor, from the first line of the log to the
//! last.
//!
//! Wires what others hold; decides nothing about commands or settings. The order of a start is the
//! order of [`run`] and [`serve`]: what a user at a terminal should see comes before the process
//! goes to the background, that before any thread, and whatever can be refused before anybody is
//! told that the server is ready.

use crate::announce::{self, Places};
use crate::cli::ServeOptions;
use crate::descriptors;
use crate::host::{ServerHost, Stop};
use crate::http;
use crate::http_thread::HttpThread;
use crate::logging::{self, Log, Role};
use crate::persistence::Persistence;
use crate::redis_conf::{Problem, plain, report};
use crate::sockets;
use crate::supervise::{DEFAULT_PID_FILE, PidFile, Supervision, daemonize};
use crate::trace;
use larder::engine::commands::server::info::Info;
use larder::{Error, Larder, Value};
use larder_engine::config::{Id, OomScoreAdj, Profile};
use larder_net::{Bound, Server};
use larder_store::folder_lock::{FolderLock, NotOurs};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// How often a supervisor's status line is made anew, signs of life are checked, and the log's
/// file is looked after.
const BEAT: Duration = Duration::from_secs(1);

/// Serves until a signal or a command ends it. An error is a text for standard error.
///
/// # Errors
/// Why the server cannot start, in sentences that say what to do.
pub fn run(options: &ServeOptions) -> Result<(), String> {
    let refuse = |problem: Problem| report(&[problem], options.profile);
    let config = options.config();
    if let Some(problem) = announce::open_to_strangers(options) {
        return Err(refuse(problem));
    }
    let dir = options.settings.prepare_dir().map_err(refuse)?;
    let lock = take_folder(options, &dir).map_err(refuse)?;
    let log = open_log(options)?;
    let (supervision, warning) =
        Supervision::detect(config.supervised(), &|name| std::env::var_os(name));
    if config.flag(Id::Daemonize) && !supervision.is_supervised() {
        daemonize().map_err(|error| format!("larder: cannot go to the background: {error}\n"))?;
    }
    trace::install(&log);
    let lock = RefCell::new(lock);
    let start = Start { options, dir, lock, supervision, log: log.clone() };
    start.sign_lock(None);
    start.serve(warning).inspect_err(|text| {
        if options.settings.path(Id::Logfile).is_some() {
            text.lines().filter(|line| !line.is_empty()).for_each(|line| log.warning(line));
        }
    })
}

/// What a start has found out before it opens anything.
struct Start<'o> {
    options: &'o ServeOptions,
    dir: PathBuf,
    lock: RefCell<Option<FolderLock>>,
    supervision: Supervision,
    log: Log,
}

impl Start<'_> {
    /// Opens everything, waits for the end, and closes everything.
    fn serve(&self, warning: Option<String>) -> Result<(), String> {
        let Start { options, dir, supervision, log, .. } = self;
        self.begin_log(warning);
        let pid_file = RefCell::new(self.write_pid_file());
        let config = options.config();
        let http_connections = if options.http.is_some() { http::MAX_CONNECTIONS } else { 0 };
        let reserved = descriptors::reserved(config.count(Id::IoThreads), http_connections);
        descriptors::fit(config, reserved, log).map_err(|error| format!("larder: {error}\n"))?;

        let (stop, stopped) = mpsc::channel();
        let host =
            ServerHost::new(options, log.clone(), reserved, supervision.word(), stop.clone());
        if config.oom_score_adj() != OomScoreAdj::No
            && let Err(error) = host.adjust_oom_score()
        {
            log.warning(&format!("oom-score-adj cannot be applied: {error}"));
        }
        let store = Larder::with_config(options.settings.config.clone(), host.clone())
            .map_err(|error| format!("larder: cannot start: {error}\n"))?;
        if let Some(engine) = store.linked_engine() {
            engine.rename_commands(options.settings.renames.clone());
        }
        let data = Persistence::open(&store, log)?;
        let server = sockets::start(config, &store)?;
        host.attach(server.clone());
        sockets::open(options, &server, log)?;
        self.sign_lock(server.addresses().first());
        catch_signals(stop, self.hang_up())?;
        self.tell(supervision.status("Larder is loading..."));
        data.load(&mut || {
            let is_over = stopped.try_recv().is_ok();
            if is_over {
                drop(pid_file.take());
            }
            is_over
        })?;
        let http = HttpThread::start(options, dir, &store, log)?;
        let places =
            Places { resp: server.addresses(), http: http.as_ref().map(HttpThread::address), dir };
        announce::ready(options, &places, log);
        self.tell(supervision.ready(&announce::status_line(&places)));

        while let Stop::Signal(name) = self.wait(&stopped, &store, &server) {
            log.warning(&logging::signal_received(name));
            if data.save_at_signal(name) {
                break;
            }
            // As in Redis: what could not be saved is not thrown away. A second signal ends it.
            log.warning(&format!("{name} received but errors trying to shut down the server"));
        }
        self.tell(supervision.stopping("Ending"));
        log.warning(logging::SHUTDOWN_REQUESTED);
        drop(http);
        server.shut_down();
        data.close();
        if let Ok(keys @ 1..) = keys_held(&store)
            && data.is_behind()
        {
            log.warning(&format!("{keys} keys were not saved and end with this process"));
        }
        drop(pid_file);
        log.warning(logging::BYE);
        Ok(())
    }

    /// The first lines of the log.
    fn begin_log(&self, warning: Option<String>) {
        let Start { options, dir, log, .. } = self;
        if options.profile == Profile::Redis {
            for (level, line) in logging::starting(!options.origins().is_empty()) {
                log.log(level, &line);
            }
        }
        log.set_role(Role::Master);
        if let Some(line) = logging::not_applied(options.not_applied()) {
            log.notice(&line);
        }
        for line in warning.into_iter().chain(announce::warnings(options, dir)) {
            log.warning(&line);
        }
    }

    /// Writes into the folder's lock who has it.
    fn sign_lock(&self, address: Option<&Bound>) {
        let address = address.map(ToString::to_string);
        if let Some(lock) = &mut *self.lock.borrow_mut()
            && let Err(error) = lock.sign(address.as_deref())
        {
            self.log.warning(&format!("the folder's lock cannot name this process: {error}"));
        }
    }

    fn write_pid_file(&self) -> Option<PidFile> {
        let named = self.options.settings.path(Id::Pidfile);
        let config = self.options.config();
        let background = config.flag(Id::Daemonize) && !self.supervision.is_supervised();
        let path = named.or_else(|| background.then(|| DEFAULT_PID_FILE.into()))?;
        match PidFile::write(&path) {
            Ok(file) => Some(file),
            Err(error) => {
                // As in Redis: a server without its pid file is better than none.
                let path = path.display();
                self.log.warning(&format!("Failed to write PID file {path}: {}", plain(&error)));
                None
            }
        }
    }

    /// What SIGHUP asks for: the end, if that is a terminal that closes; otherwise the log's file
    /// anew, as tools that rotate logs expect.
    fn hang_up(&self) -> HangUp {
        let config = self.options.config();
        let at_terminal = self.options.profile == Profile::Larder
            && self.options.settings.path(Id::Logfile).is_none()
            && !config.flag(Id::Daemonize)
            && !self.supervision.is_supervised();
        if at_terminal { HangUp::Ends } else { HangUp::ReopensLog(self.log.clone()) }
    }

    /// Sleeps until somebody ends the server; gives the supervisor signs of life meanwhile.
    fn wait(&self, stopped: &mpsc::Receiver<Stop>, store: &Larder, server: &Server) -> Stop {
        let watchdog = self.supervision.watchdog_interval();
        let beat = watchdog.map_or(BEAT, |interval| BEAT.min(interval / 2));
        loop {
            match stopped.recv_timeout(beat) {
                Ok(stop) => return stop,
                Err(mpsc::RecvTimeoutError::Disconnected) => return Stop::Command,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            reopen_log(&self.log);
            if !self.supervision.is_supervised() {
                continue;
            }
            // A command that takes every lock: a server that hangs gives no sign of life. One
            // that refuses it because a script is busy is alive.
            let status = match keys_held(store) {
                Ok(keys) => format!("{keys} keys, {} clients", server.connections()),
                Err(Error::Refused(reason)) => reason,
                Err(_) => continue,
            };
            // Nobody is told of a message that nobody takes.
            let _ = self.supervision.watchdog();
            let _ = self.supervision.status(&status);
        }
    }

    fn tell(&self, told: std::io::Result<()>) {
        if let Err(error) = told {
            self.log.warning(&format!("the supervisor cannot be told: {error}"));
        }
    }
}

/// What SIGHUP does.
enum HangUp {
    Ends,
    ReopensLog(Log),
}

/// With Larder's own settings the data folder is this server's alone.
fn take_folder(options: &ServeOptions, dir: &Path) -> Result<Option<FolderLock>, Problem> {
    if options.profile == Profile::Redis {
        return Ok(None);
    }
    let shown = dir.display();
    let (reason, advice) = match FolderLock::take(dir) {
        Ok(lock) => return Ok(Some(lock)),
        Err(NotOurs::Taken(owner)) => (
            format!("another Larder ({owner}) serves the data folder {shown}"),
            "use that one, stop it, or name another folder with --dir",
        ),
        Err(NotOurs::Failed(error)) => (
            format!("the data folder {shown} cannot be locked: {}", plain(&error)),
            "name another folder with --dir",
        ),
    };
    Err(options.settings.problem(Id::Dir, reason, advice))
}

fn open_log(options: &ServeOptions) -> Result<Log, String> {
    let config = options.config();
    let path = options.settings.path(Id::Logfile);
    let log = Log::open(config.loglevel(), path.as_deref()).map_err(|error| {
        let problem = options.settings.problem(
            Id::Logfile,
            format!("the log file cannot be opened: {}", plain(&error)),
            "name a file that this user may write, or none for standard output",
        );
        report(&[problem], options.profile)
    })?;
    if !config.flag(Id::SyslogEnabled) {
        return Ok(log);
    }
    let ident = config.string(Id::SyslogIdent).unwrap_or_default();
    let facility = u8::try_from(config.int(Id::SyslogFacility)).unwrap_or(16);
    log.with_syslog(&ident, facility).map_err(|error| {
        format!("larder: syslog-enabled: no socket to syslog can be made: {error}\n")
    })
}

fn catch_signals(stop: mpsc::Sender<Stop>, hang_up: HangUp) -> Result<(), String> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])
        .map_err(|error| format!("larder: signals cannot be caught: {error}\n"))?;
    let spawned = std::thread::Builder::new().name("larder-signals".to_owned()).spawn(move || {
        let mut seen = 0;
        for signal in signals.forever() {
            let name = match (signal, &hang_up) {
                (SIGHUP, HangUp::ReopensLog(log)) => {
                    reopen_log(log);
                    continue;
                }
                (SIGHUP, HangUp::Ends) => "SIGHUP",
                (SIGINT, _) => "SIGINT",
                _ => "SIGTERM",
            };
            seen += 1;
            if seen > 1 {
                // Whoever asks twice does not want to wait.
                std::process::exit(1);
            }
            if stop.send(Stop::Signal(name)).is_err() {
                return;
            }
        }
    });
    spawned.map(drop).map_err(|error| format!("larder: a thread cannot be started: {error}\n"))
}

fn reopen_log(log: &Log) {
    if let Err(error) = log.reopen_if_moved() {
        log.warning(&format!("the log's file cannot be opened anew: {}", plain(&error)));
    }
}

/// How many keys there are in all databases.
fn keys_held(store: &Larder) -> Result<u64, Error> {
    let info = store.call(&Info { sections: &[b"keyspace"] })?;
    let text = match &info {
        Value::Bulk(text) => String::from_utf8_lossy(text),
        Value::Verbatim { text, .. } => String::from_utf8_lossy(text),
        _ => return Ok(0),
    };
    let counts = text
        .lines()
        .filter_map(|line| line.split_once(":keys=")?.1.split(',').next()?.parse::<u64>().ok());
    Ok(counts.sum())
}
