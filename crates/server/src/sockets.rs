//! The RESP sockets: from the settings to where the server listens, its limits, and the sentences
//! for what stands in the way.
//!
//! Opening and serving them is the net's. Used at the start and by `CONFIG SET`.
#![allow(clippy::disallowed_methods, reason = "reads the process's umask from /proc")]

use crate::cli::ServeOptions;
use crate::logging::Log;
use crate::redis_conf::{plain, report};
use larder::Larder;
use larder_engine::config::{BindHost, ClientClass, Config, Id, Profile};
use larder_net::{Limits, Listen, ListenError, Server, ServerOptions};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Ports tried, one after the other, to name a free one when the wanted one is taken.
const PORTS_TRIED: u16 = 20;

/// Starts the threads that will serve; nobody can connect before [`open`].
///
/// # Errors
/// Why not, as a text for standard error.
pub fn start(config: &Config, store: &Larder) -> Result<Arc<Server>, String> {
    let limits = Arc::new(Limits::default());
    apply_limits(config, &limits);
    let Some(engine) = store.linked_engine() else {
        return Err("larder: only a store of this process can be served\n".to_owned());
    };
    let options = ServerOptions {
        listen: Vec::new(),
        threads: config.count(Id::IoThreads).max(1),
        backlog: u16::try_from(config.int(Id::TcpBacklog)).unwrap_or(u16::MAX),
        limits,
    };
    let started = Server::start(engine.clone(), options);
    started.map(Arc::new).map_err(|error| format!("larder: {error}\n"))
}

/// Opens the sockets that the settings name.
///
/// # Errors
/// Why not, as a text for standard error.
pub fn open(options: &ServeOptions, server: &Server, log: &Log) -> Result<(), String> {
    let unix = options.settings.path(Id::Unixsocket);
    let listen = listen(options.config(), unix.as_deref()).map_err(|reason| {
        let advice = "correct the name, or give an address";
        report(&[options.settings.problem(Id::Bind, reason, advice)], options.profile)
    })?;
    if listen.is_empty() && options.http.is_none() {
        let advice = "give a port, or name a unixsocket";
        let problem = options.settings.problem(Id::Port, "nothing is listened on", advice);
        return Err(report(&[problem], options.profile));
    }
    server.rebind(&listen).map_err(|error| cannot_listen(options, &error, log))
}

/// The limits of connections as the settings have them.
pub fn apply_limits(config: &Config, limits: &Limits) {
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
pub fn listen(config: &Config, unix: Option<&Path>) -> Result<Vec<Listen>, String> {
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
                    Err(error) => return Err(format!("{name} has no address: {error}")),
                },
            };
            let tcp = |ip| Listen::Tcp { addr: SocketAddr::new(ip, port), optional };
            listen.extend(ips.into_iter().map(tcp));
        }
    }
    if let Some(path) = unix {
        let mode = match config.int(Id::Unixsocketperm) {
            0 => 0o777 & !umask(),
            mode => u32::try_from(mode).unwrap_or(0o700),
        };
        listen.push(Listen::Unix { path: path.to_owned(), mode });
    }
    Ok(listen)
}

/// The first port above `addr`'s that is free.
#[must_use]
pub fn free_port_above(addr: SocketAddr) -> Option<u16> {
    (1..=PORTS_TRIED)
        .filter_map(|step| addr.port().checked_add(step))
        .find(|port| TcpListener::bind((addr.ip(), *port)).is_ok())
}

/// One clear sentence for a port that is taken, with another one to try.
fn cannot_listen(options: &ServeOptions, error: &ListenError, log: &Log) -> String {
    let busy = error.source.kind() == std::io::ErrorKind::AddrInUse;
    let (id, reason, advice) = match &error.address {
        Listen::Tcp { addr, .. } if busy => {
            let reason =
                format!("another program listens on {addr} (Debian's own Redis often does)");
            let advice = match free_port_above(*addr) {
                Some(port) => format!(
                    "stop it, or start Larder with --port {port} and use \
                     REDIS_URL=redis://localhost:{port}/0"
                ),
                None => "stop it, or start Larder with another --port".to_owned(),
            };
            (Id::Port, reason, advice)
        }
        address => {
            let id = match address {
                Listen::Tcp { .. } => Id::Bind,
                Listen::Unix { .. } => Id::Unixsocket,
            };
            let reason = format!("cannot listen on {address}: {}", plain(&error.source));
            (id, reason, error.advice().to_owned())
        }
    };
    if options.profile == Profile::Redis {
        // The words by which tools know that they should try another port.
        let cause = plain(&error.source);
        if let Listen::Tcp { addr, .. } = &error.address {
            log.warning(&format!(
                "Could not create server TCP listening socket {addr}: bind: {cause}"
            ));
            log.warning(&format!("Failed listening on port {} (tcp), aborting.", addr.port()));
        }
    }
    // The setting is well-formed: this is no fault of the file's.
    report(&[options.settings.problem(id, reason, &advice)], Profile::Larder)
}

/// The permissions that new files of this process lack.
fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    umask.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok()).unwrap_or(0o077)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_without_permissions_has_those_that_the_umask_leaves() {
        let config = Config::new(Profile::Redis);
        config.set("port", &[b"0"]).unwrap();
        let mode = |config: &Config| match &listen(config, Some(Path::new("/x"))).unwrap()[..] {
            [Listen::Unix { mode, .. }] => *mode,
            other => panic!("{other:?}"),
        };
        assert_eq!(mode(&config), 0o777 & !umask());
        config.set("unixsocketperm", &[b"770"]).unwrap();
        assert_eq!(mode(&config), 0o770);
    }

    #[test]
    fn names_and_stars_become_addresses() {
        let config = Config::new(Profile::Redis);
        config.set("port", &[b"7000"]).unwrap();
        let shown = |config: &Config| -> Vec<String> {
            listen(config, None).unwrap().iter().map(ToString::to_string).collect()
        };
        assert_eq!(shown(&config), ["0.0.0.0:7000", "[::]:7000"]);
        config.set("bind", &[b"127.0.0.1", b"-no.such.host.invalid"]).unwrap();
        assert_eq!(shown(&config), ["127.0.0.1:7000"]);
        config.set("bind", &[b"no.such.host.invalid"]).unwrap();
        assert!(listen(&config, None).unwrap_err().contains("no.such.host.invalid has no address"));
    }
}
