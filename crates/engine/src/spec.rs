//! What the engine knows of a command without running it: SPEC, and everything derived from it.
//!
//! One constant per command, beside the command. Arity, key extraction, locks, gates, `COMMAND`,
//! the help of container commands and COMPATIBILITY.md read it; nothing keeps a list of its own.

use crate::commands::Invoke;
use crate::keys::Keys;
use crate::keyspace::locks::ShardSet;
use crate::notify::names::Events;

/// Flags of a command, with Redis's names; see [`flag`].
pub type Flags = u32;

/// Bits of [`Flags`].
pub mod flag {
    use super::Flags;
    /// May change data.
    pub const WRITE: Flags = 1;
    /// Only reads data.
    pub const READONLY: Flags = 1 << 1;
    /// May grow memory: refused when it is full.
    pub const DENYOOM: Flags = 1 << 2;
    /// For administrators.
    pub const ADMIN: Flags = 1 << 3;
    /// Of publish and subscribe.
    pub const PUBSUB: Flags = 1 << 4;
    /// Not from scripts.
    pub const NOSCRIPT: Flags = 1 << 5;
    /// May block its session.
    pub const BLOCKING: Flags = 1 << 6;
    /// Allowed while data is loaded.
    pub const LOADING: Flags = 1 << 7;
    /// Allowed on a replica with stale data.
    pub const STALE: Flags = 1 << 8;
    /// Not shown to MONITOR.
    pub const SKIP_MONITOR: Flags = 1 << 9;
    /// Not in the slow log.
    pub const SKIP_SLOWLOG: Flags = 1 << 10;
    /// O(1) or O(log n).
    pub const FAST: Flags = 1 << 11;
    /// Allowed before AUTH.
    pub const NO_AUTH: Flags = 1 << 12;
    /// May be replicated though it writes no data.
    pub const MAY_REPLICATE: Flags = 1 << 13;
    /// Not inside MULTI.
    pub const NO_MULTI: Flags = 1 << 14;
    /// Keys stand where only the command itself can tell.
    pub const MOVABLE_KEYS: Flags = 1 << 15;
    /// Answered while a script is over its time.
    pub const ALLOW_BUSY: Flags = 1 << 16;
    /// Not while data is loaded in the background.
    pub const NO_ASYNC_LOADING: Flags = 1 << 17;
    /// Touches keys it does not name: runs under all locks.
    pub const ALL_SHARDS: Flags = 1 << 18;
    /// Runs the queue of MULTI, under the locks of all its keys.
    pub const EXEC: Flags = 1 << 19;
    /// Runs at once inside MULTI instead of being queued.
    pub const NOT_QUEUED: Flags = 1 << 20;
    /// Allowed in RESP2 while subscribed.
    pub const WHILE_SUBSCRIBED: Flags = 1 << 21;

    /// Refused unless the settings admit it.
    pub const PROTECTED: Flags = 1 << 22;

    /// May be sent without any key.
    pub const NO_MANDATORY_KEYS: Flags = 1 << 24;
    /// Runs a script.
    pub const SCRIPT: Flags = 1 << 23;

    /// Flags that `COMMAND` shows, with the names it gives them.
    pub const SHOWN: &[(Flags, &str)] = &[
        (WRITE, "write"),
        (READONLY, "readonly"),
        (DENYOOM, "denyoom"),
        (ADMIN, "admin"),
        (PUBSUB, "pubsub"),
        (NOSCRIPT, "noscript"),
        (BLOCKING, "blocking"),
        (LOADING, "loading"),
        (STALE, "stale"),
        (SKIP_MONITOR, "skip_monitor"),
        (SKIP_SLOWLOG, "skip_slowlog"),
        (FAST, "fast"),
        (NO_AUTH, "no_auth"),
        (NO_MANDATORY_KEYS, "no_mandatory_keys"),
        (NO_MULTI, "no_multi"),
        (MOVABLE_KEYS, "movablekeys"),
        (ALLOW_BUSY, "allow_busy"),
        (NO_ASYNC_LOADING, "no_async_loading"),
    ];
}

/// ACL categories that do not follow from the flags or the group.
pub type Categories = u32;

/// Bits of [`Categories`], with Redis's names.
pub mod acl {
    use super::Categories;
    /// `@keyspace`
    pub const KEYSPACE: Categories = 1;
    /// `@dangerous`
    pub const DANGEROUS: Categories = 1 << 1;
    /// `@connection`
    pub const CONNECTION: Categories = 1 << 2;
    /// `@transaction`
    pub const TRANSACTION: Categories = 1 << 3;
    /// `@scripting`
    pub const SCRIPTING: Categories = 1 << 4;
    /// `@admin`
    pub const ADMIN: Categories = 1 << 5;
    /// `@set`
    pub const SET: Categories = 1 << 6;
    /// `@sortedset`
    pub const SORTED_SET: Categories = 1 << 7;
    /// `@list`
    pub const LIST: Categories = 1 << 8;
}

/// The group in which a command is documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the group of that name")]
pub enum Group {
    Generic,
    String,
    List,
    Set,
    SortedSet,
    Hash,
    Stream,
    Bitmap,
    Hyperloglog,
    Geo,
    Scripting,
    Transactions,
    Pubsub,
    Connection,
    Server,
}

impl Group {
    /// The group's name in `COMMAND DOCS`.
    pub fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::List => "list",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Hash => "hash",
            Group::Stream => "stream",
            Group::Bitmap => "bitmap",
            Group::Hyperloglog => "hyperloglog",
            Group::Geo => "geo",
            Group::Scripting => "scripting",
            Group::Transactions => "transactions",
            Group::Pubsub => "pubsub",
            Group::Connection => "connection",
            Group::Server => "server",
        }
    }
}

/// How a command uses a key, as in Redis's key specifications.
pub type KeyFlags = u16;

/// Bits of [`KeyFlags`].
pub mod key {
    use super::KeyFlags;
    /// Reads the value, does not change it.
    pub const RO: KeyFlags = 1;
    /// Changes the value.
    pub const RW: KeyFlags = 1 << 1;
    /// Overwrites the value.
    pub const OW: KeyFlags = 1 << 2;
    /// Removes the key.
    pub const RM: KeyFlags = 1 << 3;
    /// Returns, copies or uses data of the value.
    pub const ACCESS: KeyFlags = 1 << 4;
    /// Changes data of the value.
    pub const UPDATE: KeyFlags = 1 << 5;
    /// Adds data.
    pub const INSERT: KeyFlags = 1 << 6;
    /// Deletes data.
    pub const DELETE: KeyFlags = 1 << 7;
    /// Is not a key, only treated as one.
    pub const NOT_KEY: KeyFlags = 1 << 8;
    /// May find fewer keys than there are.
    pub const INCOMPLETE: KeyFlags = 1 << 9;
    /// Which flags hold depends on the arguments.
    pub const VARIABLE_FLAGS: KeyFlags = 1 << 10;

    /// Names of the bits, in the order in which Redis lists them.
    pub const NAMES: &[(KeyFlags, &str)] = &[
        (RO, "RO"),
        (RW, "RW"),
        (OW, "OW"),
        (RM, "RM"),
        (ACCESS, "access"),
        (UPDATE, "update"),
        (INSERT, "insert"),
        (DELETE, "delete"),
        (NOT_KEY, "not_key"),
        (INCOMPLETE, "incomplete"),
        (VARIABLE_FLAGS, "variable_flags"),
    ];
}

/// Where keys begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At this word; the command's name is word 0.
    Index(usize),
    /// After a keyword, looked for from word `from` (from the end if negative).
    Keyword(&'static str, i32),
    /// Where no specification can tell: `COMMAND INFO` says so; what is found is what
    /// [`Spec::find_keys`] finds.
    Unknown,
}

/// Which words from there on are keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Find {
    /// Up to `last` (0 the first only, -1 the last word, -2 the one before it), each `step`th.
    Range {
        /// Last key, relative to the first, or from the end if negative.
        last: i32,
        /// Distance between keys.
        step: usize,
        /// If not 0, and the last is counted from the end, only this part (2: half) of the words
        /// from the first on are keys.
        limit: usize,
    },
    /// A word holds their number.
    KeyNum {
        /// The word with the number, relative to the beginning.
        at: usize,
        /// The first key, relative to the beginning.
        first: usize,
        /// Distance between keys.
        step: usize,
    },
}

/// One run of keys in a command's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpec {
    /// How they are used; see [`key`].
    pub flags: KeyFlags,
    /// Where they begin.
    pub begin: Begin,
    /// Which they are.
    pub find: Find,
}

impl KeySpec {
    /// One key at word `index`.
    pub const fn one(index: usize, flags: KeyFlags) -> KeySpec {
        KeySpec::range(index, 0, 1, flags)
    }

    /// Every word from `index` on.
    pub const fn rest(index: usize, flags: KeyFlags) -> KeySpec {
        KeySpec::range(index, -1, 1, flags)
    }

    /// From `index` to `last`, each `step`th.
    pub const fn range(index: usize, last: i32, step: usize, flags: KeyFlags) -> KeySpec {
        KeySpec { flags, begin: Begin::Index(index), find: Find::Range { last, step, limit: 0 } }
    }

    /// Keys that no specification can find.
    pub const fn unknown(flags: KeyFlags) -> KeySpec {
        KeySpec { begin: Begin::Unknown, ..KeySpec::one(0, flags) }
    }

    /// A number at word `index`, and as many keys after it.
    pub const fn numbered(index: usize, flags: KeyFlags) -> KeySpec {
        KeySpec::numbered_by(index, 1, flags)
    }

    /// A number at word `index`, and after it as many keys, each `step`th word.
    pub const fn numbered_by(index: usize, step: usize, flags: KeyFlags) -> KeySpec {
        KeySpec { flags, begin: Begin::Index(index), find: Find::KeyNum { at: 0, first: 1, step } }
    }
}

/// Shards that a command needs beside those of its keys and of who waits for them, seen from the shards that are held; asked
/// again after each widening, with the database selected. Once it names nothing new the command
/// runs.
pub type MoreShards = fn(&Keys<'_>, &[&[u8]]) -> ShardSet;

/// Visits the keys among a request's words, position and use, where key specifications may miss
/// some or take others for them; `false` when the words make no sense.
pub type FindKeys = fn(&[&[u8]], &mut dyn FnMut(usize, KeyFlags)) -> bool;

/// How a request uses its keys, of a command whose key specs say [`key::VARIABLE_FLAGS`].
pub type KeyUse = fn(&[&[u8]]) -> KeyFlags;

/// What is known of a command.
#[derive(Debug)]
pub struct Spec {
    /// Its name, in lower case; of a subcommand, only the second word.
    pub name: &'static str,
    /// Its arguments as documentation writes them, without the name.
    pub syntax: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// The version of Redis that had it first.
    pub since: &'static str,
    /// Its group.
    pub group: Group,
    /// What it costs in this engine.
    pub complexity: &'static str,
    /// Words with the name (and the subcommand); at least so many if negative.
    pub arity: i32,
    /// See [`flag`].
    pub flags: Flags,
    /// Categories beside those that follow from flags and group; see [`acl`].
    pub acl: Categories,
    /// Where its keys stand.
    pub keys: &'static [KeySpec],
    /// How its keys are found, where `keys` is only what clients can be told of it.
    pub find_keys: Option<FindKeys>,
    /// How a request uses its keys, where that depends on its other words.
    pub key_use: Option<KeyUse>,
    /// Which shards it needs beside those of its keys, for one that reaches for others and yet
    /// does not always need all of them.
    pub more_shards: Option<MoreShards>,
    /// Hints for clients and proxies, as Redis documents them.
    pub tips: &'static [&'static str],
    /// What keyspace notifications call what it does to its keys.
    pub events: Events,
    /// Of a container, its subcommands.
    pub subcommands: &'static [Entry],
}

impl Spec {
    /// A spec to fill the rest of a constant from.
    pub const BASE: Spec = Spec {
        name: "",
        syntax: "",
        summary: "",
        since: "1.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        arity: 1,
        flags: 0,
        acl: 0,
        keys: &[],
        find_keys: None,
        key_use: None,
        more_shards: None,
        tips: &[],
        events: Events::OWN_NAME,
        subcommands: &[],
    };

    /// Whether all of some flags are set.
    #[inline(always)]
    pub const fn has(&self, flags: Flags) -> bool {
        self.flags & flags == flags
    }

    /// Whether a request of so many words has the right number.
    #[inline(always)]
    pub fn accepts(&self, words: usize) -> bool {
        if self.arity >= 0 {
            words == self.arity as usize
        } else {
            words >= self.arity.unsigned_abs() as usize
        }
    }

    /// Visits the keys among a request's words: position and use. `false` when a number of keys
    /// in the words makes no sense; what is visited then is what could be found.
    #[inline]
    pub fn each_key(&self, words: &[&[u8]], mut visit: impl FnMut(usize, KeyFlags)) -> bool {
        if let Some(find) = self.find_keys {
            return find(words, &mut visit);
        }
        let mut sensible = true;
        for spec in self.keys {
            sensible &= spec.each(words, &mut visit);
        }
        sensible
    }

    /// Visits the keys among a request's words: the number of their key spec, and their position.
    pub(crate) fn each_key_by_role(&self, words: &[&[u8]], mut visit: impl FnMut(usize, usize)) {
        if let Some(find) = self.find_keys {
            find(words, &mut |at, _| visit(0, at));
            return;
        }
        for (role, spec) in self.keys.iter().enumerate() {
            spec.each(words, &mut |at, _| visit(role, at));
        }
    }

    /// All ACL categories, by name.
    pub fn categories(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        let mut say = |on: bool, name| {
            if on {
                names.push(name);
            }
        };
        say(self.acl & acl::KEYSPACE != 0, "@keyspace");
        say(self.has(flag::READONLY) && self.acl & acl::SCRIPTING == 0, "@read");
        say(self.has(flag::WRITE), "@write");
        say(self.group == Group::Set || self.acl & acl::SET != 0, "@set");
        say(self.group == Group::SortedSet || self.acl & acl::SORTED_SET != 0, "@sortedset");
        say(self.group == Group::List || self.acl & acl::LIST != 0, "@list");
        say(self.group == Group::Hash, "@hash");
        say(self.group == Group::String, "@string");
        say(self.group == Group::Bitmap, "@bitmap");
        say(self.group == Group::Hyperloglog, "@hyperloglog");
        say(self.group == Group::Geo, "@geo");
        say(self.group == Group::Stream && self.subcommands.is_empty(), "@stream");
        say(self.has(flag::PUBSUB), "@pubsub");
        say(self.has(flag::ADMIN) || self.acl & acl::ADMIN != 0, "@admin");
        say(self.has(flag::FAST), "@fast");
        say(!self.has(flag::FAST), "@slow");
        say(self.has(flag::BLOCKING), "@blocking");
        say(self.has(flag::ADMIN) || self.acl & acl::DANGEROUS != 0, "@dangerous");
        say(self.acl & acl::CONNECTION != 0, "@connection");
        say(self.acl & acl::TRANSACTION != 0, "@transaction");
        say(self.acl & acl::SCRIPTING != 0, "@scripting");
        names
    }
}

impl KeySpec {
    fn each(&self, words: &[&[u8]], visit: &mut impl FnMut(usize, KeyFlags)) -> bool {
        let Some(first) = self.first(words) else { return true };
        match self.find {
            Find::Range { last, step, limit } => {
                let last = if last < 0 && limit > 0 {
                    (first + (words.len() - first) / limit) as i64 + i64::from(last)
                } else if last < 0 {
                    words.len() as i64 + i64::from(last)
                } else {
                    first as i64 + i64::from(last)
                };
                let mut at = first;
                while at as i64 <= last && at < words.len() {
                    visit(at, self.flags);
                    at += step;
                }
                true
            }
            Find::KeyNum { at, first: offset, step } => {
                let Some(count) = words.get(first + at).and_then(|word| number(word)) else {
                    return false;
                };
                let from = first + offset;
                let room = words.len().saturating_sub(from).div_ceil(step);
                (0..count.min(room)).for_each(|key| visit(from + key * step, self.flags));
                (1..=room).contains(&count)
            }
        }
    }

    fn first(&self, words: &[&[u8]]) -> Option<usize> {
        match self.begin {
            Begin::Index(index) => (index < words.len()).then_some(index),
            Begin::Keyword(word, from) => {
                let is = |index: &usize| words[*index].eq_ignore_ascii_case(word.as_bytes());
                let found = if from >= 0 {
                    (from as usize..words.len()).find(is)
                } else {
                    let end = words.len().saturating_sub(from.unsigned_abs() as usize - 1);
                    (1..end).rev().find(is)
                };
                found.map(|index| index + 1).filter(|&index| index < words.len())
            }
            Begin::Unknown => None,
        }
    }
}

fn number(word: &[u8]) -> Option<usize> {
    larder_codec::integer::parse_i64_canonical(word).and_then(|n| usize::try_from(n).ok())
}

/// A command in the table: its spec and the way to run it.
#[derive(Debug)]
pub struct Entry {
    /// What is known of it.
    pub spec: &'static Spec,
    /// Parses and runs it; a container has none.
    pub invoke: Option<Invoke>,
    /// Parses a request and writes it again; where there is a type.
    #[cfg(test)]
    pub(crate) round_trip: Option<crate::command::RoundTripOf>,
}
