//! Commands under other names than their own: `rename-command`, for what clients send.
//!
//! A request is given its command's own name before anything else sees it, so that queues,
//! effects and logs know no other. Linked callers are not concerned: what the process itself asks
//! for goes on. Where the lines stand in a file is not known here; see [`crate::session`].

use crate::commands;
use hashbrown::HashMap;
use std::fmt;

/// The names that differ from the table's.
#[derive(Debug, Clone, Default)]
pub struct Renames {
    /// Names in lower case; `None` for those that mean nothing any more.
    names: HashMap<Vec<u8>, Option<&'static str>>,
}

/// Why a command cannot be renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RenameError {
    /// No command has the old name.
    NoSuchCommand,
    /// A command has the new name already.
    Taken,
}

impl fmt::Display for RenameError {
    /// The texts are Redis's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RenameError::NoSuchCommand => "No such command in rename-command",
            RenameError::Taken => "Target command name already exists",
        })
    }
}

impl std::error::Error for RenameError {}

/// What a name stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// What the table says.
    Table,
    /// The command of this name in the table.
    Other(&'static str),
    /// Nothing.
    Nothing,
}

impl Renames {
    /// Gives the command that is called `from` at this point the name `to`; an empty one takes the
    /// command away. Letters' case does not matter.
    ///
    /// # Errors
    /// [`RenameError`]; nothing has changed then.
    pub fn add(&mut self, from: &[u8], to: &[u8]) -> Result<(), RenameError> {
        let (from, to) = (from.to_ascii_lowercase(), to.to_ascii_lowercase());
        let own = self.command(&from).ok_or(RenameError::NoSuchCommand)?;
        if to != from && self.command(&to).is_some() {
            return Err(RenameError::Taken);
        }
        self.names.insert(from, None);
        if !to.is_empty() {
            self.names.insert(to, Some(own));
        }
        Ok(())
    }

    /// Whether every command has its own name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// What a client means by a name.
    pub(crate) fn meaning(&self, name: &[u8]) -> Meaning {
        match self.names.get(&name.to_ascii_lowercase()) {
            None => Meaning::Table,
            Some(Some(own)) => Meaning::Other(own),
            Some(None) => Meaning::Nothing,
        }
    }

    /// The own name of the command that is called so.
    fn command(&self, name: &[u8]) -> Option<&'static str> {
        match self.names.get(name) {
            Some(known) => *known,
            None => commands::find(name).map(|entry| entry.spec.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestEngine, send};
    use crate::{Origin, Session};

    #[test]
    fn lines_are_taken_one_after_the_other() {
        let mut renames = Renames::default();
        assert!(renames.is_empty());
        assert_eq!(renames.add(b"nosuch", b""), Err(RenameError::NoSuchCommand));
        assert_eq!(renames.add(b"get", b"SET"), Err(RenameError::Taken));
        assert_eq!(renames.add(b"GET", b"fetch"), Ok(()));
        assert_eq!(renames.add(b"get", b""), Err(RenameError::NoSuchCommand));
        assert_eq!(renames.add(b"set", b"get"), Ok(()));
        assert_eq!(renames.add(b"fetch", b"take"), Ok(()));
        assert_eq!(renames.add(b"incr", b"INCR"), Ok(()));
        let meanings = ["get", "TAKE", "fetch", "set", "incr", "del"];
        let meanings = meanings.map(|name| renames.meaning(name.as_bytes()));
        let other = Meaning::Other;
        let nothing = Meaning::Nothing;
        let expected =
            [other("set"), other("get"), Meaning::Nothing, nothing, other("incr"), Meaning::Table];
        assert_eq!(meanings, expected);
    }

    #[test]
    fn clients_see_the_other_names_and_linked_callers_do_not() {
        let test = TestEngine::new(1);
        let mut renames = Renames::default();
        renames.add(b"set", b"put").unwrap();
        renames.add(b"del", b"").unwrap();
        assert!(test.engine.rename_commands(renames.clone()));
        assert!(!test.engine.rename_commands(renames), "once");
        let (mut linked, mailbox) = test.session();
        let origin = Origin::Unix("socket".to_owned());
        let mut client = Session::new(test.engine.clone(), origin, mailbox);
        let mut ask = |line: &str| String::from_utf8(send(&mut client, line)).unwrap();
        assert_eq!(ask("PUT k v"), "+OK\r\n");
        assert!(ask("set k v").starts_with("-ERR unknown command 'set'"));
        assert!(ask("DEL k").starts_with("-ERR unknown command 'DEL'"));
        assert_eq!(ask("put k"), "-ERR wrong number of arguments for 'set' command\r\n");
        assert_eq!(ask("multi"), "+OK\r\n");
        assert_eq!(ask("put k w"), "+QUEUED\r\n");
        assert_eq!(ask("get k"), "+QUEUED\r\n");
        assert_eq!(ask("exec"), "*2\r\n+OK\r\n$1\r\nw\r\n");
        assert_eq!(ask("multi"), "+OK\r\n");
        assert!(ask("del k").starts_with("-ERR unknown"));
        assert!(ask("exec").starts_with("-EXECABORT"));
        assert_eq!(send(&mut linked, "DEL k"), b":1\r\n");
    }
}
