//! What a command's SPEC says of its keyspace notifications: the names of its events, as data.
//!
//! Most commands need to say nothing: a key that was written gets an event of the command's own
//! name, in the class of its group. Knows no command and no key; who reads it is [`super`].

use crate::config::notify;
use crate::spec::Group;

/// One bit of `notify-keyspace-events`; see [`crate::config::notify`].
pub type Class = i64;

/// The events of a command.
#[derive(Debug, Clone, Copy)]
pub struct Events {
    /// The class of the names below, where it is not that of the command's group.
    pub class: Option<Class>,
    /// The name for every key that it changed, where it is not the command's own.
    pub name: Option<&'static str>,
    /// What is told of its keys instead, in this order.
    pub told: Option<&'static [Told]>,
    /// A key that it overwrites counts as removed and made anew: it is told as new.
    pub renews: bool,
}

/// An event of the keys in one role.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// Number of the key spec that finds the keys, or those of any that writes.
    pub role: Option<usize>,
    /// What must have happened to a key.
    pub when: When,
    /// How the event is called; nothing is told without a name.
    pub name: Name,
    /// Where the effect that the command named says what happened.
    pub effect: Option<Effect>,
}

/// What an event speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The key was changed. Of one that was removed it is told only where the key spec says that
    /// the command takes out elements; the key's own end is told besides.
    Changed,
    /// The key was written and is there.
    Written,
    /// The key is gone; nothing else is told of that.
    Removed,
    /// The key was changed, or is gone: that is told besides, after all names.
    Always,
    /// The key was changed, and the command noted of it what not every such change is
    /// ([`crate::keys::Keys::note`]).
    Noted,
}

/// Which command must, or must not, have been named as the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// This one.
    Is(&'static str),
    /// Another one, or none.
    IsNot(&'static str),
}

impl Effect {
    /// Whether the command that was named fits.
    pub(super) fn fits(self, named: Option<&str>) -> bool {
        match self {
            Effect::Is(command) => named == Some(command),
            Effect::IsNot(command) => named != Some(command),
        }
    }
}

/// The name of an event.
#[derive(Debug, Clone, Copy)]
pub enum Name {
    /// Always the same.
    Fixed(&'static str),
    /// The one for every key that the command changed: [`Events::name`], or the command's own.
    Own,
    /// By the words from here on, as far as they are among the choices: the first of them that
    /// has a name.
    Chosen {
        /// Where the words begin.
        from: From,
        /// Words in any case, each with the name it chooses or none.
        choices: &'static [(&'static str, Option<&'static str>)],
        /// The name if no word chooses another.
        otherwise: &'static str,
    },
}

/// Where words begin that choose a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// At this word; the command's name is word 0.
    Word(usize),
    /// After the last key.
    AfterKeys,
}

impl Events {
    /// The command's own name.
    pub const OWN_NAME: Events = Events { class: None, name: None, told: None, renews: false };

    /// Nothing but that keys come and go.
    pub const NONE: Events = Events::told(&[]);

    /// Another name.
    pub const fn named(name: &'static str) -> Events {
        Events { name: Some(name), ..Events::OWN_NAME }
    }

    /// These.
    pub const fn told(told: &'static [Told]) -> Events {
        Events { told: Some(told), ..Events::OWN_NAME }
    }

    /// The same in another class.
    #[must_use]
    pub const fn in_class(self, class: Class) -> Events {
        Events { class: Some(class), ..self }
    }

    /// The same, with overwritten keys told as new.
    #[must_use]
    pub const fn renewing(self) -> Events {
        Events { renews: true, ..self }
    }
}

impl Told {
    /// A name for the keys of one key spec.
    pub const fn of(role: usize, name: &'static str) -> Told {
        Told { role: Some(role), when: When::Changed, name: Name::Fixed(name), effect: None }
    }

    /// The command's own name for whatever keys it changed, before other events.
    pub const OWN_NAME: Told =
        Told { role: None, when: When::Changed, name: Name::Own, effect: None };

    /// A name for the keys of one key spec, where the command notes that it is meant.
    pub const fn noted(role: usize, name: &'static str) -> Told {
        Told { when: When::Noted, ..Told::of(role, name) }
    }

    /// A name for whatever keys the command changed, by the words after the keys.
    pub const fn by_option(
        choices: &'static [(&'static str, Option<&'static str>)],
        otherwise: &'static str,
    ) -> Told {
        let name = Name::Chosen { from: From::AfterKeys, choices, otherwise };
        Told { role: None, when: When::Changed, name, effect: None }
    }

    /// A name for the keys of one key spec, by one word of the request.
    pub const fn by_word(
        role: usize,
        word: usize,
        choices: &'static [(&'static str, Option<&'static str>)],
    ) -> Told {
        let name = Name::Chosen { from: From::Word(word), choices, otherwise: "" };
        Told { role: Some(role), when: When::Changed, name, effect: None }
    }

    /// The same, only by the effect that was named.
    #[must_use]
    pub const fn where_effect(self, effect: Effect) -> Told {
        Told { effect: Some(effect), ..self }
    }

    /// The same, only of keys to which this happened.
    #[must_use]
    pub const fn when(self, when: When) -> Told {
        Told { when, ..self }
    }
}

impl Name {
    /// The name for a request whose keys end before word `after_keys`.
    pub(super) fn of_request(
        self,
        words: &[&[u8]],
        after_keys: usize,
        own: &'static str,
    ) -> &'static str {
        let (from, choices, otherwise) = match self {
            Name::Fixed(name) => return name,
            Name::Own => return own,
            Name::Chosen { from, choices, otherwise } => (from, choices, otherwise),
        };
        let from = match from {
            From::Word(word) => word,
            From::AfterKeys => after_keys,
        };
        let choice = |word: &&[u8]| {
            choices.iter().find(|(choice, _)| word.eq_ignore_ascii_case(choice.as_bytes()))
        };
        let words = words.get(from..).unwrap_or_default();
        words.iter().map_while(choice).find_map(|(_, name)| *name).unwrap_or(otherwise)
    }
}

/// The class of a group's events.
pub(super) fn class_of(group: Group) -> Class {
    match group {
        Group::String | Group::Bitmap | Group::Hyperloglog => notify::STRING,
        Group::List => notify::LIST,
        Group::Set => notify::SET,
        Group::Hash => notify::HASH,
        Group::SortedSet | Group::Geo => notify::ZSET,
        Group::Stream => notify::STREAM,
        _ => notify::GENERIC,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_chosen_by_a_leading_option() {
        const NAME: Name = Name::Chosen {
            from: From::AfterKeys,
            choices: &[("nx", None), ("ch", None), ("incr", Some("zincr"))],
            otherwise: "zadd",
        };
        let of = |words: &str| {
            let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
            NAME.of_request(&words, 2, "own")
        };
        assert_eq!(of("zadd k 1 incr"), "zadd");
        assert_eq!(of("zadd k NX Incr 1 m"), "zincr");
        assert_eq!(of("zadd k ch 1 m incr"), "zadd");
        assert_eq!(of("zadd k"), "zadd");
    }
}
