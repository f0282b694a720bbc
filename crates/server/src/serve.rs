//! The running server: engine, sockets, HTTP and supervisor, from the first line of the log to the
//! last.
//!
//! Wires what others hold; decides nothing about commands or settings. The order of a start is the
//! order of [`run`]: whatever forks comes before any thread, whatever can be refused before
//! anybody is told that the server is ready.

use crate::cli::{LARDER_VERSION, REDIS_VERSION, ServeOptions};
use crate::host::{ServerHost, Stop};
use crate::http_thread::HttpThread;
use crate::logging::{self, Log, Role};
use crate::redis_conf::{Problem, report};
use crate::supervise::{DEFAULT_PID_FILE, OomScore, PidFile, Supervision, daemonize};
use larder::Larder;
use larder_engine::config::{BindHost, Config, Id, LogLevel, Profile};
use larder_net::{Bound, Limits, Listen, ListenError, Server, ServerOptions, StartError};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// How often a supervisor's status line is made anew, and signs of life are checked.
const BEAT: Duration = Duration::from_secs(1);

/// Ports tried, one after the other, to name a free one when the wanted one is taken.
const PORTS_TRIED: u16 = 20;

/// Serves until a signal or a command ends it. An error is a text for standard error.
///
/// # Errors
/// Why the server cannot start, in sentences that say what to do.
pub fn run(options: ServeOptions) -> Result<(), String> {
    let config = options.settings.config.clone();
    let profile = options.profile;
    let refuse = |problem: Problem| report(&[problem], profile);
    let (supervision, warning) =
        Supervision::detect(config.supervised(), &|name| std::env::var_os(name));
    if config.flag(Id::Daemonize) && !supervision.is_supervised() {
        daemonize().map_err(|error| format!("cannot go to the background: {error}\n"))?;
    }
    let log = open_log(&options)?;
    for (level, line) in logging::starting(!options.origins().is_empty()) {
        if profile == Profile::Redis {
            log.log(level, &line);
        }
    }
    log.set_role(Role::Master);
    let dir = options.settings.prepare_dir().map_err(refuse)?;
    let pid_file = write_pid_file(&options, &log, supervision.is_supervised());
    if let Some(line) = logging::not_applied(options.not_applied()) {
        log.notice(&line);
    }
    warning.iter().for_each(|warning| log.warning(warning));
    adjust_oom_score(&config, &log);

    let (stop, stopped) = mpsc::channel();
    let host = ServerHost::new(config.clone(), log.clone(), &options, stop.clone());
    let store = Larder::with_config(config.clone(), host.clone())
        .map_err(|error| format!("cannot start: {error}\n"))?;
    let server = start_sockets(&options, &store)?;
    host.attach(server.clone());
    let http = HttpThread::start(&options, &dir, &store, &log)?;
    catch_signals(stop)?;
    announce(&options, &server, http.as_ref(), &dir, &log);
    let status = status_line(&server, http.as_ref());
    tell(&log, supervision.ready(&status));

    let reason = wait(&supervision, &stopped, &store, &server);
    tell(&log, supervision.stopping("Ending"));
    match reason {
        Stop::Signal(name) => log.warning(&logging::signal_received(name)),
        Stop::Command => log.warning(logging::SHUTDOWN_REQUESTED),
    }
    drop(http);
    server.shut_down();
    drop(pid_file);
    log.warning(logging::BYE);
    Ok(())
}

/// The limits of connections as the settings have them.
pub(crate) fn apply_limits(config: &Config, limits: &Limits) {
    use larder_engine::config::ClientClass;
    limits.max_clients.store(config.maxclients() as u64, Ordering::Relaxed);
    limits.idle_seconds.store(config.timeout(), Ordering::Relaxed);
    limits.keepalive_seconds.store(config.tcp_keepalive(), Ordering::Relaxed);
    limits.query_buffer_bytes.store(config.client_query_buffer_limit(), Ordering::Relaxed);
    limits.max_bulk_bytes.store(config.proto_max_bulk_len(), Ordering::Relaxed);
    limits.protected_mode.store(config.protected_mode(), Ordering::Relaxed);
    for (class, limit) in [
        (ClientClass::Normal, &limits.normal),
        (ClientClass::Replica, &limits.replica),
        (ClientClass::PubSub, &limits.pubsub),
    ] {
        let wanted = config.output_limit(class);
        limit.set(wanted.hard_bytes, wanted.soft_bytes, wanted.soft_seconds);
    }
}

/// The addresses that the settings name.
///
/// # Errors
/// A name in `bind` that has no address.
pub(crate) fn listen(config: &Config, unix: Option<&Path>) -> Result<Vec<Listen>, String> {
    let mut listen = Vec::new();
    let port = config.port();
    if port != 0 {
        for address in config.bind().iter() {
            let optional = address.optional();
            let ips: Vec<IpAddr> = match address.host() {
                BindHost::AnyV4 => vec![Ipv4Addr::UNSPECIFIED.into()],
                BindHost::AnyV6 => vec![Ipv6Addr::UNSPECIFIED.into()],
                BindHost::Ip(ip) => vec![ip],
                BindHost::Name(name) => match (name, port).to_socket_addrs() {
                    Ok(found) => found.map(|found| found.ip()).take(1).collect(),
                    Err(_) if optional => Vec::new(),
                    Err(error) => return Err(format!("bind {name}: {error}")),
                },
            };
            let tcp = |ip| Listen::Tcp { addr: SocketAddr::new(ip, port), optional };
            listen.extend(ips.into_iter().map(tcp));
        }
    }
    if let Some(path) = unix {
        let mode = match config.int(Id::Unixsocketperm) {
            0 => 0o777,
            mode => u32::try_from(mode).unwrap_or(0o700),
        };
        listen.push(Listen::Unix { path: path.to_owned(), mode });
    }
    Ok(listen)
}

fn open_log(options: &ServeOptions) -> Result<Log, String> {
    let config = options.config();
    let path = options.settings.path(Id::Logfile);
    let log = Log::open(config.loglevel(), path.as_deref()).map_err(|error| {
        let problem = options.settings.problem(
            Id::Logfile,
            format!("the log file cannot be opened: {error}"),
            "name a file that this user may write, or none for standard output",
        );
        report(&[problem], options.profile)
    })?;
    if !config.flag(Id::SyslogEnabled) {
        return Ok(log);
    }
    let ident = config.string(Id::SyslogIdent).unwrap_or_default();
    let facility = u8::try_from(config.int(Id::SyslogFacility)).unwrap_or(16);
    log.with_syslog(&ident, facility)
        .map_err(|error| format!("syslog-enabled: no socket to syslog can be made: {error}\n"))
}

fn write_pid_file(options: &ServeOptions, log: &Log, supervised: bool) -> Option<PidFile> {
    let named = options.settings.path(Id::Pidfile);
    let background = options.config().flag(Id::Daemonize) && !supervised;
    let path = named.or_else(|| background.then(|| DEFAULT_PID_FILE.into()))?;
    match PidFile::write(&path) {
        Ok(file) => Some(file),
        Err(error) => {
            // As in Redis: a server without its pid file is better than none.
            log.warning(&format!("Failed to write PID file {}: {error}", path.display()));
            None
        }
    }
}

fn adjust_oom_score(config: &Config, log: &Log) {
    let [master, ..] = config.oom_score_adj_values();
    let set =
        OomScore::of_this_process().and_then(|score| score.set(config.oom_score_adj(), master));
    if let Err(error) = set {
        log.warning(&format!("oom-score-adj cannot be applied: {error}"));
    }
}

fn start_sockets(options: &ServeOptions, store: &Larder) -> Result<Arc<Server>, String> {
    let config = options.config();
    let unix = options.settings.path(Id::Unixsocket);
    let listen = listen(config, unix.as_deref()).map_err(|error| format!("{error}\n"))?;
    let limits = Arc::new(Limits::default());
    apply_limits(config, &limits);
    let Some(engine) = store.linked_engine() else {
        return Err("only a store of this process can be served\n".to_owned());
    };
    let options_of_net = ServerOptions {
        listen,
        threads: config.count(Id::IoThreads).max(1),
        backlog: u16::try_from(config.int(Id::TcpBacklog)).unwrap_or(u16::MAX),
        limits,
    };
    match Server::start(engine.clone(), options_of_net) {
        Ok(server) => Ok(Arc::new(server)),
        Err(StartError::Listen(error)) => Err(cannot_listen(options, &error)),
        Err(error) => Err(format!("{error}\n")),
    }
}

/// One clear sentence for a port that is taken, with another one to try.
fn cannot_listen(options: &ServeOptions, error: &ListenError) -> String {
    let busy = error.source.kind() == std::io::ErrorKind::AddrInUse;
    if let (true, Listen::Tcp { addr, .. }) = (busy, &error.address) {
        let free = (1..=PORTS_TRIED)
            .filter_map(|step| addr.port().checked_add(step))
            .find(|port| std::net::TcpListener::bind((addr.ip(), *port)).is_ok());
        if let Some(port) = free {
            let problem = options.settings.problem(
                Id::Port,
                format!("another program listens on {addr} (Debian's own Redis often does)"),
                &format!(
                    "stop it, or start Larder with --port {port} and use \
                     REDIS_URL=redis://localhost:{port}/0",
                ),
            );
            return report(&[problem], options.profile);
        }
    }
    let id = if matches!(error.address, Listen::Unix { .. }) { Id::Unixsocket } else { Id::Bind };
    let reason = format!("cannot listen on {}: {}", error.address, error.source);
    let problem = options.settings.problem(id, reason, error.advice());
    report(&[problem], options.profile)
}

fn catch_signals(stop: mpsc::Sender<Stop>) -> Result<(), String> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
        .map_err(|error| format!("signals cannot be caught: {error}\n"))?;
    let spawned = std::thread::Builder::new().name("larder-signals".to_owned()).spawn(move || {
        let mut seen = 0;
        for signal in signals.forever() {
            seen += 1;
            if seen > 1 {
                // Whoever asks twice does not want to wait.
                std::process::exit(1);
            }
            let name = if signal == SIGINT { "SIGINT" } else { "SIGTERM" };
            if stop.send(Stop::Signal(name)).is_err() {
                return;
            }
        }
    });
    spawned.map(drop).map_err(|error| format!("a thread cannot be started: {error}\n"))
}

/// Says where the server listens, where data is, and what to try.
fn announce(
    options: &ServeOptions,
    server: &Server,
    http: Option<&HttpThread>,
    dir: &Path,
    log: &Log,
) {
    let config = options.config();
    if options.profile == Profile::Redis {
        let line = if config.flag(Id::AlwaysShowLogo) {
            logging::banner(config.port())
        } else {
            logging::running_mode(config.port())
        };
        log.notice(&line);
        log.notice(logging::INITIALIZED);
    } else if options.settings.path(Id::Logfile).is_none() {
        say_hello(config, server, http, dir);
    }
    let bound = server.addresses();
    if bound.iter().any(|bound| matches!(bound, Bound::Tcp(_))) {
        log.notice(&logging::ready("tcp"));
    }
    if bound.iter().any(|bound| matches!(bound, Bound::Unix(_))) {
        log.notice(&logging::ready("unix"));
    }
}

fn say_hello(config: &Config, server: &Server, http: Option<&HttpThread>, dir: &Path) {
    let places: Vec<String> = server.addresses().iter().map(ToString::to_string).collect();
    println!("Larder {LARDER_VERSION} speaks Redis {REDIS_VERSION} on {}", places.join(" and "));
    if let Some(http) = http {
        println!("HTTP service   http://{}/", http.address());
    }
    println!(
        "data           in memory only, gone when Larder ends ({} holds its socket)",
        dir.display()
    );
    let port = server.addresses().iter().find_map(|bound| match bound {
        Bound::Tcp(addr) => Some(addr.port()),
        Bound::Unix(_) => None,
    });
    let password = if config.has_password() { ":PASSWORD@" } else { "" };
    if let Some(port) = port {
        println!("REDIS_URL      redis://{password}localhost:{port}/0");
        println!("try            redis-cli -p {port} SET greeting hello EX 60");
    }
    if !config.has_password() {
        println!("password       none, so only this machine is served; `larder init` makes one");
    }
}

fn status_line(server: &Server, http: Option<&HttpThread>) -> String {
    let places: Vec<String> = server.addresses().iter().map(ToString::to_string).collect();
    let http = http.map(|http| format!(", HTTP on {}", http.address())).unwrap_or_default();
    format!("Ready to accept connections on {}{http}", places.join(", "))
}

/// Sleeps until somebody ends the server; gives the supervisor signs of life meanwhile.
fn wait(
    supervision: &Supervision,
    stopped: &mpsc::Receiver<Stop>,
    store: &Larder,
    server: &Server,
) -> Stop {
    let beat = supervision.watchdog_interval().map_or(BEAT, |interval| BEAT.min(interval / 2));
    loop {
        match stopped.recv_timeout(beat) {
            Ok(stop) => return stop,
            Err(mpsc::RecvTimeoutError::Disconnected) => return Stop::Command,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if supervision.is_supervised() {
            // A command through the engine: a server that hangs gives no sign of life.
            let keys = store.command(&["DBSIZE"]);
            if let Ok(larder::Value::Int(keys)) = keys {
                let clients = server.connections();
                // Nobody is told of a message that nobody takes.
                let _ = supervision.watchdog();
                let _ = supervision.status(&format!("{keys} keys, {clients} clients"));
            }
        }
    }
}

fn tell(log: &Log, told: std::io::Result<()>) {
    if let Err(error) = told {
        log.log(LogLevel::Warning, &format!("the supervisor cannot be told: {error}"));
    }
}
