//! Changes at run time: several parameters, all or nothing, as `CONFIG SET` makes them.

use std::sync::PoisonError;

use super::error::ConfigError;
use super::kind::{Kind, Value};
use super::table::{Id, Mutable, ProtectedAction};
use super::values::{Config, Name, lookup};

/// What a change must know about the one who asks for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller {
    /// Connected from this machine.
    pub is_local: bool,
    /// Data is being loaded.
    pub loading: bool,
}

/// The parameters that a change gave another value, in the order in which they were named.
pub type Changed = Vec<Id>;

impl Config {
    /// Sets several parameters, or none.
    ///
    /// All names and values are checked first. Then `apply` is called once with the parameters
    /// whose values differ from before; when it refuses, the old values come back and `apply` is
    /// called again with the same parameters to undo its part. One change runs at a time; `apply`
    /// must not start another.
    ///
    /// # Errors
    /// [`ConfigError`], with Redis's texts.
    pub fn set_at_run_time(
        &self,
        pairs: &[(&[u8], &[u8])],
        caller: Caller,
        apply: &mut dyn FnMut(&[Id]) -> Result<(), ConfigError>,
    ) -> Result<Changed, ConfigError> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let names = self.admitted(pairs, caller)?;
        let before: Vec<Value> = names.iter().map(|name| self.value(name.id)).collect();
        let restore = || {
            for (name, value) in names.iter().zip(&before) {
                self.put(name.id, value.clone());
            }
        };
        for (name, (_, text)) in names.iter().zip(pairs) {
            match self.parse(name.id, &words_of(name.id, text)) {
                Ok(value) => self.put(name.id, value),
                Err(reason) => {
                    restore();
                    return Err(ConfigError::failed(name.spelling, reason));
                }
            }
        }
        let changed: Changed = names
            .iter()
            .zip(&before)
            .filter(|(name, value)| self.value(name.id) != **value)
            .map(|(name, _)| name.id)
            .collect();
        if changed.is_empty() {
            return Ok(changed);
        }
        apply(&changed).inspect_err(|_| {
            restore();
            // The old values were in force a moment ago; what still fails is the host's to log.
            let _ = apply(&changed);
        })?;
        Ok(changed)
    }

    /// Finds the parameters and refuses what may not be changed now, or not twice.
    fn admitted(&self, pairs: &[(&[u8], &[u8])], caller: Caller) -> Result<Vec<Name>, ConfigError> {
        let mut names: Vec<Name> = Vec::with_capacity(pairs.len());
        for (given, _) in pairs {
            let text = String::from_utf8_lossy(given);
            let Some(name) = lookup(given) else {
                return Err(ConfigError::UnknownOption { name: text.into() });
            };
            let param = name.id.param();
            match param.mutable {
                Mutable::AtStart => {
                    return Err(ConfigError::failed(text, "can't set immutable config"));
                }
                Mutable::IfUnprotected if !self.protected_admits(caller) => {
                    return Err(ConfigError::failed(text, "can't set protected config"));
                }
                _ => {}
            }
            if caller.loading && param.denied_while_loading {
                return Err(ConfigError::Loading);
            }
            if names.contains(&name) {
                return Err(ConfigError::failed(text, "duplicate parameter"));
            }
            names.push(name);
        }
        Ok(names)
    }

    fn protected_admits(&self, caller: Caller) -> bool {
        match ProtectedAction::from_value(self.int(Id::EnableProtectedConfigs)) {
            Some(ProtectedAction::Yes) => true,
            Some(ProtectedAction::Local) => caller.is_local,
            _ => false,
        }
    }
}

/// `CONFIG SET` gives one argument, which a setting of several words splits at every space.
fn words_of(id: Id, text: &[u8]) -> Vec<&[u8]> {
    match id.param().kind {
        Kind::OutputLimits if text.is_empty() => Vec::new(),
        kind if kind.takes_words() => text.split(|byte| *byte == b' ').collect::<Vec<_>>(),
        _ => vec![text],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Profile;

    fn change(config: &Config, pairs: &[(&str, &str)]) -> Result<Changed, String> {
        let pairs: Vec<(&[u8], &[u8])> =
            pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        config
            .set_at_run_time(&pairs, Caller::default(), &mut |_| Ok(()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn all_or_nothing() {
        let config = Config::new(Profile::Redis);
        let changed = change(&config, &[("timeout", "5"), ("maxclients", "10000")]).unwrap();
        assert_eq!(changed, [Id::Timeout]);
        let error = change(&config, &[("timeout", "9"), ("maxclients", "0")]).unwrap_err();
        assert_eq!(
            error,
            "CONFIG SET failed (possibly related to argument 'maxclients') - argument must be \
             between 1 and 4294967295 inclusive"
        );
        assert_eq!(config.timeout(), 5);
    }

    #[test]
    fn refusals_have_redis_s_words() {
        let config = Config::new(Profile::Redis);
        let failed = |name: &str, value: &str| {
            let error = change(&config, &[(name, value)]).unwrap_err();
            let start = format!("CONFIG SET failed (possibly related to argument '{name}') - ");
            error.strip_prefix(&start).unwrap_or(&error).to_string()
        };
        for (name, value, reason) in [
            ("databases", "3", "can't set immutable config"),
            ("dir", "/tmp", "can't set protected config"),
            ("maxmemory", "abc", "argument must be a memory value"),
            ("appendonly", "maybe", "argument must be 'yes' or 'no'"),
            ("timeout", "01", "argument couldn't be parsed into an integer"),
            ("save", "60  1", "Invalid save parameters"),
            (
                "loglevel",
                "foo",
                "argument(s) must be one of the following: debug, verbose, notice, warning, \
                 nothing",
            ),
            (
                "shutdown-on-sigint",
                "save nosave",
                "shutdown options SAVE and NOSAVE can't be used simultaneously",
            ),
            (
                "shutdown-on-sigint",
                "",
                "argument(s) must be one of the following: default, save, nosave, now, force",
            ),
            (
                "proto-max-bulk-len",
                "1",
                "argument must be between 1048576 and 9223372036854775807 inclusive",
            ),
            (
                "notify-keyspace-events",
                "q",
                "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.",
            ),
        ] {
            assert_eq!(failed(name, value), reason);
        }
        assert_eq!(
            change(&config, &[("timeout", "1"), ("xyz", "2")]).unwrap_err(),
            "Unknown option or number of arguments for CONFIG SET - 'xyz'"
        );
        assert_eq!(
            change(&config, &[("timeout", "1"), ("Timeout", "2")]).unwrap_err(),
            "CONFIG SET failed (possibly related to argument 'Timeout') - duplicate parameter"
        );
        assert_eq!(change(&config, &[("client-output-buffer-limit", "")]), Ok(vec![]));
        assert_eq!(change(&config, &[("save", "")]), Ok(vec![Id::Save]));
    }

    #[test]
    fn what_cannot_be_applied_is_taken_back() {
        let config = Config::new(Profile::Redis);
        let mut seen = Vec::new();
        let error = config
            .set_at_run_time(
                &[(b"port", b"7000"), (b"timeout", b"3")],
                Caller::default(),
                &mut |ids| {
                    seen.push((ids.to_vec(), config.port()));
                    match config.port() {
                        7000 => Err(ConfigError::failed("port", "Unable to listen on this port.")),
                        _ => Ok(()),
                    }
                },
            )
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this \
             port."
        );
        let ids = vec![Id::Port, Id::Timeout];
        assert_eq!(seen, [(ids.clone(), 7000), (ids, 6379)]);
        assert_eq!((config.port(), config.timeout()), (6379, 0));
    }

    #[test]
    fn protection_and_loading_are_asked() {
        let config = Config::new(Profile::Redis);
        config.set("enable-protected-configs", &[b"local"]).unwrap();
        let set = |name: &[u8], value: &[u8], caller| {
            config.set_at_run_time(&[(name, value)], caller, &mut |_| Ok(()))
        };
        let local = Caller { is_local: true, loading: false };
        assert_eq!(set(b"dbfilename", b"x.rdb", local), Ok(vec![Id::Dbfilename]));
        let far = Caller { is_local: false, loading: false };
        assert!(set(b"dbfilename", b"y.rdb", far).is_err());
        let loading = Caller { is_local: true, loading: true };
        assert_eq!(set(b"appendonly", b"yes", loading), Err(ConfigError::Loading));
        assert_eq!(set(b"timeout", b"1", loading), Ok(vec![Id::Timeout]));
    }
}
