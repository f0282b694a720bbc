//! What the running command has changed so far: the one place where the outcome of a write
//! becomes what will be logged and replicated.
//!
//! The gate counts changes. After a command that changed something, its own words are its effect,
//! unless it named others: relative times become absolute, random choices their result. A
//! command that changed nothing has no effect. Values that left the keyspace wait here and are
//! freed after the locks.

use crate::commands::connection::select;
use crate::commands::generic::del;
use crate::commands::hash::hdel;
use crate::freeing::Discarded;
use crate::keyspace::access::Access;
use crate::keyspace::whole::Flushed;
use crate::notify::Notices;
use crate::tracking::Invalidations;
use larder_resp::encode_request;
use smallvec::SmallVec;

/// The running command's changes.
#[derive(Default)]
pub(crate) struct Changes {
    /// Time of the command, in Unix milliseconds.
    pub(crate) now_ms: u64,
    /// When the command began, in Unix microseconds: read once its locks were held.
    pub(crate) began_us: u64,
    /// What the clock showed a moment ago, 0 if nobody looked: taken for the command's beginning
    /// unless it has to wait for locks.
    pub(crate) seen_us: u64,
    /// Something is due, and nothing is removed before somebody touches it: clients are paused, or
    /// `DEBUG` has halted it.
    pub(crate) keeps_due: bool,
    /// These are the housekeeper's own, who needs not be told of what he finds.
    pub(crate) keeps_house: bool,
    /// Scripts may run: one at a time may change data, and reach for keys that it did not name.
    pub(crate) runs_scripts: bool,
    /// The session's reads leave no trace on keys (`CLIENT NO-TOUCH`).
    pub(crate) no_touch: bool,
    /// How access bits are kept now.
    pub(crate) access: Access,
    /// Changes that went through the gate.
    pub(crate) count: u64,
    /// Commands that changed something, those of served waiters among them.
    pub(crate) commands: u64,
    /// Keys of this command that a waiter may be served from, in the order they were readied.
    pub(crate) ready: SmallVec<[(u8, Box<[u8]>); 2]>,
    /// Values to free after the locks.
    pub(crate) garbage: Vec<Discarded>,
    /// What FLUSHALL and FLUSHDB removed, to free after the locks.
    pub(crate) flushed: Option<Box<Flushed>>,
    /// Bytes for values under change; kept for its capacity.
    pub(crate) scratch: Vec<u8>,
    /// How often the log had failed and recovered before the effects were written, and whether some
    /// were written while it failed.
    pub(crate) log_epoch: u64,
    pub(crate) doubt: bool,
    /// Effects of this command or transaction.
    pub(crate) effects: Effects,
    /// What keyspace notifications will tell.
    pub(crate) notices: Notices,
    /// What others have cached and must drop.
    pub(crate) invalidations: Invalidations,
}

/// Commands in the log's form.
#[derive(Default)]
pub(crate) struct Effects {
    /// Whether anybody listens; nothing is written otherwise.
    pub(crate) on: bool,
    /// The database of the first command, and the one that the last command was for.
    first_db: u8,
    db: u8,
    commands: u32,
    /// The running command named its effects itself.
    pub(crate) named: bool,
    payload: Vec<u8>,
}

impl Changes {
    /// A key's waiters may be served after the command.
    pub(crate) fn ready(&mut self, db: u8, key: &[u8]) {
        if !self.ready.iter().any(|(d, k)| *d == db && **k == *key) {
            self.ready.push((db, key.into()));
        }
    }

    /// A key's time has come.
    pub(crate) fn expired(&mut self, db: u8, key: &[u8]) {
        self.effects.write(db, &[del::SPEC.name.as_bytes(), key]);
        self.notices.expired(db, key);
    }

    /// The time of some fields of a hash has come, of all that are left where none is named; the key
    /// went with the last of them.
    pub(crate) fn fields_expired(&mut self, db: u8, key: &[u8], fields: &[Vec<u8>], gone: bool) {
        if self.effects.on {
            let name = if fields.is_empty() { del::SPEC.name } else { hdel::SPEC.name };
            let mut words = vec![name.as_bytes(), key];
            words.extend(fields.iter().map(Vec::as_slice));
            self.effects.write(db, &words);
        }
        self.notices.fields_expired(db, key, gone);
    }
}

impl Effects {
    /// Adds a command.
    pub(crate) fn write(&mut self, db: u8, words: &[&[u8]]) {
        if !self.on {
            return;
        }
        if self.commands == 0 {
            self.first_db = db;
        } else if self.db != db {
            let number = db.to_string();
            encode_request(&mut self.payload, &[select::SPEC.name.as_bytes(), number.as_bytes()]);
        }
        self.db = db;
        self.commands += 1;
        encode_request(&mut self.payload, words);
    }

    /// The database that the last command was for.
    pub(crate) fn last_db(&self) -> u8 {
        self.db
    }

    /// Takes what was written: database, number of commands, bytes.
    pub(crate) fn take(&mut self) -> Option<(u8, u32, Vec<u8>)> {
        if self.commands == 0 {
            return None;
        }
        let commands = std::mem::take(&mut self.commands);
        Some((self.first_db, commands, std::mem::take(&mut self.payload)))
    }
}
