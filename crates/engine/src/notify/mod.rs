//! Keyspace notifications: what happened to which key, told on channels.
//!
//! No command tells anything by hand. While somebody may listen (`notify-keyspace-events`), the
//! gate records what it did to each key; after the command the record is told by the names in its
//! SPEC ([`names`]), and before the locks are given back all events go out through
//! [`crate::pubsub`], in their order. What comes besides a command's own name follows from the
//! record:
//!
//! * `new`: the key came into being. First of all for commands of no type, else right before the
//!   name.
//! * `expire`, `persist`: a command of some type set or removed the deadline as well.
//! * `del`: the key is gone, after the name of a command that takes out elements, or alone.
//! * `expired`, `hexpired`, `keymiss`: told as they happen.
//!
//! While nobody may listen a command pays one load.

pub mod names;

use crate::commands::generic::{del, expire, persist};
use crate::config::notify;
use crate::pubsub::PubSub;
use crate::spec::{Group, KeyFlags, Spec, key};
use hashbrown::HashMap;
use names::{Class, Events, Name, Told, When, class_of};
use smallvec::SmallVec;
use std::cell::RefCell;

/// Changed keys from which on they are found by a table.
const INDEXED_FROM: usize = 8;

const NEW: &str = "new";
const EXPIRED: &str = "expired";
/// The time of fields of a hash has come.
pub(crate) const FIELDS_EXPIRED: &str = "hexpired";
const KEY_MISS: &str = "keymiss";

/// What the running command did to keys, and the events so far.
#[derive(Default)]
pub(crate) struct Notices {
    /// Classes that are told; 0 while nobody may listen.
    classes: Class,
    changed: Vec<Changed>,
    /// Where to find a changed key once there are many.
    index: HashMap<(u8, Box<[u8]>), usize>,
    /// The command of the latest effect: names what happens outside of any command.
    pub(crate) effect: Option<&'static Spec>,
    /// Events to publish; reads add to it, too.
    queue: RefCell<Vec<Event>>,
}

/// An event on its way.
struct Event {
    class: Class,
    db: u8,
    name: &'static str,
    key: Box<[u8]>,
}

/// A key that the gate changed.
struct Changed {
    db: u8,
    key: Box<[u8]>,
    existed: bool,
    exists: bool,
    written: bool,
    deadline: Deadline,
    /// The command noted something of it.
    noted: bool,
    /// Something was told of it.
    told: bool,
    /// The number of the [`Told`] that last told something of it.
    told_by: Option<usize>,
    /// It is gone, and that is still to be told.
    owes_end: bool,
}

/// What became of a key's deadline, apart from its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deadline {
    Untouched,
    Set,
    Removed,
}

/// One step of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The value is another; the deadline went along.
    Written,
    /// The value is another, and the deadline was named with it.
    WrittenDue,
    /// A deadline was set.
    DeadlineSet,
    /// The deadline was removed.
    DeadlineRemoved,
    /// The key is gone.
    Removed,
}

/// The names of a request's events, found in its words.
#[derive(Clone)]
pub(crate) struct Naming {
    spec: &'static Spec,
    /// Of each [`Told`].
    names: SmallVec<[&'static str; 2]>,
}

impl Naming {
    /// The command that is named for.
    pub(crate) fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// The names for a request, its command's name first.
    pub(crate) fn of(spec: &'static Spec, words: &[&[u8]]) -> Naming {
        let mut after_keys = 0;
        spec.each_key(words, |at, _| after_keys = after_keys.max(at + 1));
        let own = own_name(spec);
        let name = |told: &Told| told.name.of_request(words, after_keys, own);
        Naming { spec, names: spec.events.told.unwrap_or_default().iter().map(name).collect() }
    }
}

impl Notices {
    /// A command begins under these settings.
    #[inline(always)]
    pub(crate) fn begin(&mut self, settings: i64) {
        self.classes =
            if settings & (notify::KEYSPACE | notify::KEYEVENT) == 0 { 0 } else { settings };
    }

    /// Whether somebody may listen.
    #[inline(always)]
    pub(crate) fn on(&self) -> bool {
        self.classes != 0
    }

    /// Whether the gate changed something that is not told yet.
    #[inline(always)]
    pub(crate) fn any(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The gate is about to change a key.
    #[cold]
    pub(crate) fn before(&mut self, db: u8, key: &[u8], exists: bool) {
        if self.find(db, key).is_some() {
            return;
        }
        let at = self.changed.len();
        self.changed.push(Changed {
            db,
            key: key.into(),
            existed: exists,
            exists,
            written: false,
            deadline: Deadline::Untouched,
            noted: false,
            told: false,
            told_by: None,
            owes_end: false,
        });
        if at == INDEXED_FROM {
            let all = self.changed.iter().enumerate();
            self.index.extend(all.map(|(at, change)| ((change.db, change.key.clone()), at)));
        } else if at > INDEXED_FROM {
            self.index.insert((db, key.into()), at);
        }
    }

    /// The gate has changed a key.
    #[cold]
    pub(crate) fn after(&mut self, db: u8, key: &[u8], step: Step) {
        let Some(at) = self.find(db, key) else { return };
        let change = &mut self.changed[at];
        match step {
            Step::Written | Step::WrittenDue => {
                change.exists = true;
                change.written = true;
                if step == Step::WrittenDue {
                    change.deadline = Deadline::Set;
                }
            }
            Step::DeadlineSet => change.deadline = Deadline::Set,
            Step::DeadlineRemoved => change.deadline = Deadline::Removed,
            Step::Removed => change.exists = false,
        }
    }

    /// The command notes something of a key that it changed.
    pub(crate) fn note(&mut self, db: u8, key: &[u8]) {
        if let Some(at) = self.find(db, key) {
            self.changed[at].noted = true;
        }
    }

    /// A key's time has come.
    #[inline]
    pub(crate) fn expired(&self, db: u8, key: &[u8]) {
        if self.on() {
            self.push(notify::EXPIRED, db, EXPIRED, key);
        }
    }

    /// The time of some fields of a hash has come, and the key went with the last of them.
    #[inline]
    pub(crate) fn fields_expired(&self, db: u8, key: &[u8], gone: bool) {
        if self.on() {
            self.push(notify::HASH, db, FIELDS_EXPIRED, key);
            if gone {
                self.push(notify::GENERIC, db, del::SPEC.name, key);
            }
        }
    }

    /// A key was looked for and is not there.
    #[inline]
    pub(crate) fn miss(&self, db: u8, key: &[u8]) {
        if self.classes & notify::KEY_MISS != 0 {
            self.push(notify::KEY_MISS, db, KEY_MISS, key);
        }
    }

    /// Turns what was recorded into the events of a command with these words.
    #[cold]
    pub(crate) fn tell(&mut self, spec: &'static Spec, words: &[&[u8]]) {
        let mut keys: SmallVec<[(usize, &[u8]); 4]> = SmallVec::new();
        spec.each_key_by_role(words, |role, at| keys.push((role, words[at])));
        self.tell_as(&Naming::of(spec, words), &keys);
    }

    /// The same for keys in their roles.
    #[cold]
    pub(crate) fn tell_as(&mut self, naming: &Naming, keys: &[(usize, &[u8])]) {
        let spec = naming.spec;
        let mut changed = std::mem::take(&mut self.changed);
        if spec.group == Group::Generic {
            changed.iter_mut().for_each(|change| self.tell_new(spec.events, change));
        }
        let own_name = own_name(spec);
        let own =
            [Told { role: None, when: When::Changed, name: Name::Fixed(own_name), effect: None }];
        let told = spec.events.told.unwrap_or(&own);
        let effect = self.effect.map(|effect| effect.name);
        let has_effect = |told: &Told| told.effect.is_none_or(|wanted| wanted.fits(effect));
        for (number, told) in told.iter().enumerate().filter(|(_, told)| has_effect(told)) {
            let name = naming.names.get(number).copied().unwrap_or(own_name);
            for &(role, key) in keys {
                let flags = spec.keys[role].flags;
                let is_meant = told.role.map_or(flags & WRITING != 0, |of| of == role);
                if is_meant {
                    let what = (number, told.when, name);
                    self.tell_key(&mut changed, (key, flags), what, spec);
                }
            }
        }
        for change in changed.iter().filter(|change| change.owes_end) {
            self.push(notify::GENERIC, change.db, del::SPEC.name, &change.key);
        }
        let flags = spec.keys.first().map_or(0, |keys| keys.flags);
        let name = told
            .iter()
            .position(|told| told.role.is_none())
            .map(|number| naming.names.get(number).copied().unwrap_or(own_name));
        for change in changed.iter_mut().filter(|change| !change.told) {
            self.tell_change(change, flags, name, When::Changed, spec);
        }
        changed.clear();
        self.changed = changed;
        self.index.clear();
    }

    /// Tells what is left: changes that no command made, by the name of their effect.
    #[cold]
    pub(crate) fn tell_rest(&mut self) {
        if let Some(spec) = self.effect.take().filter(|_| self.any()) {
            self.tell_as(&Naming::of(spec, &[]), &[]);
        }
        self.changed.clear();
        self.index.clear();
    }

    /// Publishes all events.
    pub(crate) fn publish(&mut self, pubsub: &PubSub) {
        let mut channel = Vec::new();
        for Event { class, db, name, key } in self.queue.get_mut().drain(..) {
            if class & self.classes == 0 {
                continue;
            }
            let mut channel_of = |kind: &str, what: &[u8]| {
                channel.clear();
                channel.extend_from_slice(format!("__{kind}@{db}__:").as_bytes());
                channel.extend_from_slice(what);
                std::mem::take(&mut channel)
            };
            if self.classes & notify::KEYSPACE != 0 {
                pubsub.publish(&channel_of("keyspace", &key), name.as_bytes());
            }
            if self.classes & notify::KEYEVENT != 0 {
                pubsub.publish(&channel_of("keyevent", name.as_bytes()), &key);
            }
        }
    }

    /// Tells an event of a key that the words name, in every database where it was changed.
    fn tell_key(
        &self,
        changed: &mut [Changed],
        (name_of_key, flags): (&[u8], KeyFlags),
        (number, when, name): (usize, When, &'static str),
        spec: &Spec,
    ) {
        let indexed = self.index.len() > INDEXED_FROM;
        let at = indexed.then(|| self.find_in_any(name_of_key)).flatten();
        let meant = match at {
            Some(at) => &mut changed[at..=at],
            None if indexed => &mut [],
            None => changed,
        };
        for change in meant.iter_mut().filter(|change| *change.key == *name_of_key) {
            let is_meant = match when {
                When::Changed | When::Always => true,
                When::Written => change.exists && change.written,
                When::Removed => !change.exists,
                When::Noted => change.noted,
            };
            // Only who overwrites does it again where a key is named again.
            let is_again = change.told_by == Some(number) && flags & key::OW == 0;
            if is_meant && !is_again {
                change.told_by = Some(number);
                self.tell_change(change, flags, Some(name), when, spec);
            }
        }
    }

    /// Tells one change, under a name if the command has one for it.
    fn tell_change(
        &self,
        change: &mut Changed,
        flags: KeyFlags,
        name: Option<&'static str>,
        when: When,
        spec: &Spec,
    ) {
        let again = std::mem::replace(&mut change.told, true);
        let class = spec.events.class.unwrap_or_else(|| class_of(spec.group));
        let tell = |class, name| self.push(class, change.db, name, &change.key);
        if !change.exists && when == When::Always {
            change.owes_end = change.existed;
            if let (true, Some(name)) = (change.existed, name) {
                tell(class, name);
            }
            return;
        }
        if !change.exists {
            if !change.existed || again {
                return;
            }
            let takes = flags & TAKING == TAKING || when == When::Removed;
            if let Some(name) = name.filter(|name| takes && *name != del::SPEC.name) {
                tell(class, name);
            }
            if when != When::Removed {
                tell(notify::GENERIC, del::SPEC.name);
            }
            return;
        }
        let is_generic = spec.group == Group::Generic;
        if !again && !is_generic {
            self.tell_new(spec.events, change);
        }
        if let Some(name) = name.filter(|_| change.written || is_generic) {
            self.push(class, change.db, name, &change.key);
        }
        match change.deadline {
            _ if is_generic => {}
            Deadline::Set => self.push(notify::GENERIC, change.db, expire::SPEC.name, &change.key),
            Deadline::Removed if !change.written && !again => {
                self.push(notify::GENERIC, change.db, persist::SPEC.name, &change.key);
            }
            _ => {}
        }
    }

    fn tell_new(&self, events: Events, change: &mut Changed) {
        if change.exists && change.written && (!change.existed || events.renews) {
            self.push(notify::NEW, change.db, NEW, &change.key);
        }
    }

    fn find(&self, db: u8, key: &[u8]) -> Option<usize> {
        let is = |change: &Changed| change.db == db && *change.key == *key;
        let last = self.changed.len().checked_sub(1)?;
        if is(&self.changed[last]) {
            return Some(last);
        }
        if self.changed.len() <= INDEXED_FROM {
            return self.changed.iter().position(is);
        }
        self.index.get(&(db, Box::from(key))).copied()
    }

    /// Commands that change so many keys do so in one database.
    fn find_in_any(&self, key: &[u8]) -> Option<usize> {
        let db = self.index.keys().next()?.0;
        self.index.get(&(db, Box::from(key))).copied()
    }

    fn push(&self, class: Class, db: u8, name: &'static str, key: &[u8]) {
        if class & self.classes != 0 && !name.is_empty() {
            self.queue.borrow_mut().push(Event { class, db, name, key: key.into() });
        }
    }
}

/// The name of the event for every key that a command changed, if its SPEC says nothing else.
fn own_name(spec: &'static Spec) -> &'static str {
    spec.events.name.unwrap_or(spec.name)
}

/// Flags of keys that a command may change.
const WRITING: KeyFlags = key::RW | key::OW | key::RM;

/// Flags of keys that a command takes elements out of.
const TAKING: KeyFlags = key::RW | key::DELETE;
