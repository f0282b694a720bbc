//! What a start says: where the server is and what to try, and what its settings will not do.
//!
//! Every sentence is true of this process, or it is not said. Nothing is decided here but one
//! thing: Larder's own settings do not open to other machines without a password.
#![allow(clippy::disallowed_methods, reason = "looks at the kernel's settings in /proc")]

use crate::cli::{LARDER_VERSION, REDIS_VERSION, ServeOptions};
use crate::logging::{self, Log};
use crate::redis_conf::Problem;
use larder_engine::config::{AppendFsync, BindAddress, Config, Id, Profile};
use larder_net::Bound;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// Where the server is, once it serves.
#[derive(Debug)]
pub struct Places<'a> {
    /// RESP.
    pub resp: Vec<Bound>,
    /// HTTP.
    pub http: Option<SocketAddr>,
    /// The data folder.
    pub dir: &'a Path,
}

/// Larder's own settings open to other machines only with a password. (Started as a Redis,
/// protected mode answers strangers.)
#[must_use]
pub fn open_to_strangers(options: &ServeOptions) -> Option<Problem> {
    let config = options.config();
    let open = config.port() != 0 && !config.bind().iter().all(BindAddress::is_loopback);
    if options.profile == Profile::Redis || !open || !config.protected_mode() {
        return None;
    }
    let reason = "other machines could connect, and there is no password";
    let advice = "make one with `larder init` and start with the file that it makes, give one with \
                  requirepass, or bind 127.0.0.1 only";
    (!config.has_password()).then(|| options.settings.problem(Id::Bind, reason, advice))
}

/// Says where the server listens, where data is, and what to try; and the lines that tools wait
/// for.
pub fn ready(options: &ServeOptions, places: &Places<'_>, log: &Log) {
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
        print!("{}", hello(config, places));
    } else {
        hello(config, places).lines().filter(|line| !line.is_empty()).for_each(|line| {
            log.notice(line.trim());
        });
    }
    if places.resp.iter().any(|bound| matches!(bound, Bound::Tcp(_))) {
        log.notice(&logging::ready("tcp"));
    }
    if places.resp.iter().any(|bound| matches!(bound, Bound::Unix(_))) {
        log.notice(&logging::ready("unix"));
    }
}

/// What a supervisor shows.
#[must_use]
pub fn status_line(places: &Places<'_>) -> String {
    let http = places.http.map(|http| format!(", HTTP on {http}")).unwrap_or_default();
    format!("Ready to accept connections on {}{http}", joined(&places.resp))
}

/// What is true of this start and not what one would expect.
#[must_use]
pub fn warnings(options: &ServeOptions, dir: &Path) -> Vec<String> {
    let config = options.config();
    let mut said = Vec::new();
    let log = dir.join(config.string(Id::Appenddirname).unwrap_or_default());
    if !config.flag(Id::Appendonly) && log != dir && log.exists() {
        said.push(format!(
            "{} is left alone and not loaded: appendonly is off, so this server begins with the \
             snapshot",
            log.display()
        ));
    }
    let backlog = config.int(Id::TcpBacklog);
    if config.port() != 0
        && let Some(most) = somaxconn().filter(|most| *most < backlog)
    {
        said.push(format!(
            "tcp-backlog {backlog} has the effect of {most}, the value of \
             /proc/sys/net/core/somaxconn"
        ));
    }
    let open = config.port() != 0 && !config.bind().iter().all(BindAddress::is_loopback);
    if open && !config.has_password() && !config.protected_mode() {
        said.push(
            "everybody who reaches this machine can read and change all data: there is no \
             password, and protected-mode is off"
                .to_owned(),
        );
    }
    if options.http.is_some_and(|http| !http.ip().is_loopback()) {
        said.push(
            "http-listen is open to other machines, and passwords cross the network in the clear: \
             let a proxy with TLS stand in front"
                .to_owned(),
        );
    }
    if !options.settings.absent_commands.is_empty() {
        said.push(format!(
            "rename-command names what is not here anyway: {}",
            options.settings.absent_commands.join(", ")
        ));
    }
    said
}

fn hello(config: &Config, places: &Places<'_>) -> String {
    let mut text = format!("Larder {LARDER_VERSION}, compatible with Redis {REDIS_VERSION}\n\n");
    let mut row = |name: &str, value: &str| text.push_str(&format!("  {name:<11}{value}\n"));
    row("RESP", &joined(&places.resp));
    if let Some(http) = places.http {
        row("HTTP", &format!("http://{http}/"));
    }
    let dir = places.dir.display();
    let lasts = match (config.flag(Id::Appendonly), config.appendfsync()) {
        (false, _) => "saved when the server ends",
        (true, AppendFsync::Always) => "every write is on disk before its reply",
        (true, AppendFsync::EverySec) => "every write is logged, on disk within a second",
        (true, AppendFsync::No) => "every write is logged",
    };
    row("data", &format!("{dir}, {lasts}"));
    let (user, arguments) = if config.has_password() {
        row("password", "the one in the configuration");
        (":PASSWORD@", " -a PASSWORD")
    } else {
        row("password", "none, so only this machine is served; `larder init` makes one");
        ("", "")
    };
    if let Some((host, port)) = reached_at(&places.resp) {
        row("REDIS_URL", &format!("redis://{user}{host}:{port}/0"));
        let at = if port == 6379 { String::new() } else { format!(" -p {port}") };
        row("try", &format!("redis-cli{at}{arguments} SET greeting hello EX 60"));
    }
    row("stop", "Ctrl-C");
    text.push('\n');
    text
}

/// A host and port by which a program on this machine reaches the server.
fn reached_at(resp: &[Bound]) -> Option<(String, u16)> {
    let addresses = || {
        resp.iter().filter_map(|bound| match bound {
            Bound::Tcp(addr) => Some(*addr),
            Bound::Unix(_) => None,
        })
    };
    let here = |addr: &SocketAddr| addr.ip().is_loopback() || addr.ip().is_unspecified();
    if let Some(addr) = addresses().find(here) {
        return Some(("localhost".to_owned(), addr.port()));
    }
    let addr = addresses().next()?;
    let host = match addr.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    Some((host, addr.port()))
}

fn joined(resp: &[Bound]) -> String {
    if resp.is_empty() {
        return "nowhere".to_owned();
    }
    resp.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn somaxconn() -> Option<i64> {
    std::fs::read_to_string("/proc/sys/net/core/somaxconn").ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Invocation, Surroundings, parse};

    fn options(line: &str) -> ServeOptions {
        let words: Vec<_> = line.split(' ').map(Into::into).collect();
        let cwd = Path::new("/w");
        let mut around = Surroundings { cwd, cpus: 1, stdin: &mut std::io::empty() };
        match parse(&words, &mut around) {
            Ok(Invocation::Serve(options)) => *options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn larder_does_not_open_to_strangers_without_a_password() {
        let refused = open_to_strangers(&options("larder serve --bind 0.0.0.0")).unwrap();
        let text = refused.to_string();
        assert!(text.starts_with("command line: 'bind \"0.0.0.0\"': other machines could connect"));
        assert!(text.contains("larder init"), "{text}");
        for line in [
            "larder",
            "larder serve --bind 0.0.0.0 --requirepass x",
            "larder serve --bind 0.0.0.0 --protected-mode no",
            "larder serve --bind 0.0.0.0 --port 0",
            "redis-server --port 7000",
        ] {
            assert!(open_to_strangers(&options(line)).is_none(), "{line}");
        }
    }

    #[test]
    fn warnings_are_given_where_they_are_true() {
        let folder = tempfile::tempdir().unwrap();
        let said = |line: &str| warnings(&options(line), folder.path()).join("\n");
        let backlog = |text: &str| text.lines().filter(|line| !line.contains("backlog")).count();
        assert_eq!(backlog(&said("larder")), 0);
        assert_eq!(backlog(&said("redis-server --save  --appendonly no --port 7000")), 0);
        assert_eq!(backlog(&said("redis-server")), 0);
        assert!(said("redis-server --protected-mode no").contains("there is no password"));
        assert!(!said("redis-server --protected-mode no --requirepass x").contains("password"));
        assert!(said("larder serve --http-listen 0.0.0.0:80").contains("TLS"));
        assert!(said("larder serve --tcp-backlog 2000000000").contains("somaxconn"));
        std::fs::create_dir(folder.path().join("appendonlydir")).unwrap();
        assert!(said("redis-server").contains("appendonlydir is left alone and not loaded"));
        assert!(!said("larder").contains("left alone"));
    }

    #[test]
    fn the_greeting_names_a_url_that_works() {
        let tcp = |text: &str| Bound::Tcp(text.parse().unwrap());
        let url = |resp: Vec<Bound>| {
            let config = Config::new(Profile::Larder);
            let text = hello(&config, &Places { resp, http: None, dir: Path::new("/d") });
            let line = text.lines().find_map(|line| line.trim().strip_prefix("REDIS_URL"));
            line.map(|line| line.trim().to_owned())
        };
        let some = |text: &str| Some(text.to_owned());
        let both = vec![tcp("127.0.0.1:6379"), tcp("[::1]:6379")];
        assert_eq!(url(both), some("redis://localhost:6379/0"));
        assert_eq!(url(vec![tcp("0.0.0.0:1")]), some("redis://localhost:1/0"));
        assert_eq!(url(vec![tcp("10.0.0.1:1")]), some("redis://10.0.0.1:1/0"));
        assert_eq!(url(vec![tcp("[fe80::1]:1")]), some("redis://[fe80::1]:1/0"));
        assert_eq!(url(vec![Bound::Unix("/x".into())]), None);
    }
}
