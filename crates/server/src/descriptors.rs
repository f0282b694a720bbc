//! File descriptors: the process's limit is raised until all clients fit, or fewer clients are
//! promised.
//!
//! Knows no socket. Numbers come as parameters; what is done about them is said to the log.

use crate::logging::Log;
use larder_engine::config::{Config, Id};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are no clients': listeners, polls, the log, the supervisor's socket.
const OWN: u64 = 32;

/// Of these, what each loop thread takes.
const PER_LOOP: u64 = 4;

/// Descriptors that the process needs beside its RESP clients.
#[must_use]
pub fn reserved(loops: usize, http_connections: usize) -> u64 {
    OWN + PER_LOOP * loops as u64 + http_connections as u64
}

/// Makes room for `maxclients` clients at the start; where there is none, fewer are admitted.
///
/// # Errors
/// A sentence, when not even one client fits.
pub fn fit(config: &Config, reserved: u64, log: &Log) -> Result<(), String> {
    let wanted = config.maxclients() as u64;
    let before = limit();
    let allowed = raise(wanted.saturating_add(reserved));
    if allowed > before {
        log.verbose(&format!("the limit of open files was raised from {before} to {allowed}"));
    }
    let room = allowed.saturating_sub(reserved);
    if room == 0 {
        return Err(format!(
            "this process may open {allowed} files, too few to serve anybody: raise the limit with \
             ulimit -n {}",
            wanted.saturating_add(reserved),
        ));
    }
    if room < wanted {
        config
            .set(Id::Maxclients.param().name, &[room.to_string().as_bytes()])
            .map_err(|error| error.to_string())?;
        log.warning(&format!(
            "maxclients is {room} instead of {wanted}, because this process may open {allowed} \
             files only: ulimit -n {} admits all",
            wanted.saturating_add(reserved),
        ));
    }
    Ok(())
}

/// Raises the limit to `wanted` descriptors if that is allowed; how many there may be then.
pub fn raise(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let now = current.unwrap_or(u64::MAX);
    if now >= wanted {
        return now;
    }
    let set = |current, maximum| {
        setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum }).is_ok()
    };
    match maximum {
        Some(most) if most < wanted => {
            // Root may raise the greatest limit, too.
            let _ = set(wanted, Some(wanted)) || set(most, maximum);
        }
        _ => {
            let _ = set(wanted, maximum);
        }
    }
    limit()
}

fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_engine::config::{LogLevel, Profile};

    #[test]
    fn all_clients_fit_or_fewer_are_admitted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = Log::open(LogLevel::Notice, Some(&path)).unwrap();
        let config = Config::new(Profile::Redis);
        config.set("maxclients", &[b"16"]).unwrap();
        fit(&config, reserved(2, 8), &log).unwrap();
        assert_eq!(config.maxclients(), 16);
        assert!(limit() >= 16 + 48);
        // More than any kernel admits (fs.nr_open is at most 2^31).
        config.set("maxclients", &[b"4294967295"]).unwrap();
        fit(&config, 48, &log).unwrap();
        assert_eq!(config.maxclients() as u64, limit() - 48);
        assert!(fit(&config, u64::MAX, &log).unwrap_err().contains("ulimit -n"));
    }
}
