//! The commands, one file each, and the way from a name to one.
//!
//! [`table`] is the one list. A command's name stands in its own file's SPEC and nowhere else.

pub mod bitmap;
pub mod connection;
pub mod generic;
pub mod geo;
pub mod hash;
mod help;
pub mod hyperloglog;
#[cfg(test)]
mod inverse;
pub mod list;
pub mod pubsub;
pub mod scripting;
pub mod server;
pub mod set;
pub mod sorted_set;
pub mod stream;
pub mod string;
pub mod table;
pub mod transactions;

use crate::command::Ctx;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Entry, Spec};
use hashbrown::HashMap;
use std::sync::OnceLock;

/// Parses a request's words and runs the command under the locks that the context holds.
pub type Invoke = for<'a> fn(&mut Ctx<'_, '_>, &'a [&'a [u8]], &mut dyn Reply) -> Result<(), Error>;

/// Longest name of a command.
const MAX_NAME: usize = 32;

/// How much of a name, and of arguments, an error about an unknown command repeats.
const MAX_ECHO: usize = 128;

/// Makes a table entry of a command's SPEC and type (`plain` for a type that borrows nothing), or
/// of a container's SPEC alone; twins name their own SPEC beside the type.
macro_rules! entry {
    (plain $module:ident :: $type:ident) => {
        crate::commands::entry_of!($module::SPEC, $module::$type, 1)
    };
    ($module:ident :: $type:ident) => {
        crate::commands::entry_of!($module::SPEC, $module::$type<'_>, 1)
    };
    ($module:ident :: $type:ident, $spec:ident) => {
        crate::commands::entry_of!($module::$spec, $module::$type<'_>, 1)
    };
    (container $module:ident) => {
        crate::spec::Entry {
            spec: &$module::SPEC,
            invoke: None,
            #[cfg(test)]
            round_trip: None,
        }
    };
}
/// Makes the entry of a subcommand that stands in its container's file.
macro_rules! subcommand {
    (plain $spec:expr, $type:ident) => {
        crate::commands::entry_of!($spec, $type, 2)
    };
    ($spec:expr, $type:ident) => {
        crate::commands::entry_of!($spec, $type<'_>, 2)
    };
}
/// Makes the entry of a type whose name has so many words.
macro_rules! entry_of {
    ($spec:expr, $type:ty, $name_words:literal) => {
        crate::spec::Entry {
            spec: &$spec,
            invoke: Some(|ctx, words, reply| {
                crate::command::invoke::<$type>(ctx, words, $name_words, reply)
            }),
            #[cfg(test)]
            round_trip: Some(|words| crate::command::round_trip::<$type>(words, $name_words)),
        }
    };
}
/// Makes a command of a type without arguments: what it knows and what it does.
macro_rules! nullary {
    ($type:ident, $spec:expr, $run:expr) => {
        impl<'a> crate::command::Command<'a> for $type {
            const SPEC: &'static crate::spec::Spec = &$spec;
            fn parse(_: &mut crate::args::Args<'a>) -> Result<Self, crate::error::Error> {
                Ok($type)
            }
            fn words(&self, _: &mut crate::command::Words<'_>) {}
            fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}
            fn run(
                &self,
                ctx: &mut crate::command::Ctx<'_, '_>,
                reply: &mut dyn crate::reply::Reply,
            ) -> Result<(), crate::error::Error> {
                type Run = fn(
                    &mut crate::command::Ctx<'_, '_>,
                    &mut dyn crate::reply::Reply,
                ) -> Result<(), crate::error::Error>;
                let run: Run = $run;
                run(ctx, reply)
            }
        }
    };
}
pub(crate) use {entry, entry_of, nullary, subcommand};

/// A command as the table as a whole knows it.
#[derive(Debug)]
pub struct Known {
    /// `name`, or `container|name`.
    pub name: String,
    /// The command.
    pub entry: &'static Entry,
    /// Whether it is a subcommand.
    pub is_sub: bool,
}

/// Every command and subcommand, by its number; the commands come first, as in the table.
pub fn all() -> &'static [Known] {
    static ALL: OnceLock<Vec<Known>> = OnceLock::new();
    ALL.get_or_init(|| {
        let known = |name: String, entry, is_sub| Known { name, entry, is_sub };
        let commands = table::COMMANDS.iter();
        let subcommands = table::COMMANDS.iter().flat_map(|entry| {
            let name = move |sub: &Entry| format!("{}|{}", entry.spec.name, sub.spec.name);
            entry.spec.subcommands.iter().map(move |sub| known(name(sub), sub, true))
        });
        commands
            .map(|entry| known(entry.spec.name.to_owned(), entry, false))
            .chain(subcommands)
            .collect()
    })
}

/// The number of an entry of the table: its place in [`all`].
#[inline]
pub(crate) fn number_of(entry: &'static Entry) -> usize {
    let distance = std::ptr::from_ref(entry).addr().wrapping_sub(table::COMMANDS.as_ptr().addr());
    let number = distance / size_of::<Entry>();
    if number < table::COMMANDS.len() { number } else { number_of_subcommand(entry) }
}

fn number_of_subcommand(entry: &'static Entry) -> usize {
    static NUMBERS: OnceLock<HashMap<usize, usize>> = OnceLock::new();
    let address = |entry: &'static Entry| std::ptr::from_ref(entry).addr();
    let numbers = NUMBERS.get_or_init(|| {
        all().iter().enumerate().map(|(number, known)| (address(known.entry), number)).collect()
    });
    numbers.get(&address(entry)).copied().unwrap_or(0)
}

/// The number of the command that a spec belongs to; none for a subcommand's.
pub(crate) fn number_of_spec(spec: &Spec) -> Option<usize> {
    let entry = find(spec.name.as_bytes())?;
    (entry.spec.summary == spec.summary).then(|| number_of(entry))
}

/// The command of a name, in any case.
#[inline]
pub fn find(name: &[u8]) -> Option<&'static Entry> {
    static BY_NAME: OnceLock<HashMap<&'static [u8], &'static Entry>> = OnceLock::new();
    let by_name = BY_NAME.get_or_init(|| {
        table::COMMANDS.iter().map(|entry| (entry.spec.name.as_bytes(), entry)).collect()
    });
    let mut lower = [0u8; MAX_NAME];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    by_name.get(&*lower).copied()
}

/// A container's subcommand, in any case.
pub fn find_subcommand(container: &'static Entry, name: &[u8]) -> Option<&'static Entry> {
    let subcommands = container.spec.subcommands;
    subcommands.iter().find(|sub| name.eq_ignore_ascii_case(sub.spec.name.as_bytes()))
}

/// The entry that runs a request of these words.
pub fn resolve(words: &[&[u8]]) -> Option<&'static Entry> {
    let entry = find(words.first()?)?;
    match words.get(1) {
        Some(name) if !entry.spec.subcommands.is_empty() => find_subcommand(entry, name),
        _ => Some(entry),
    }
}

/// `name` or `container|subcommand`.
pub(crate) fn full_name(entry: &'static Entry) -> &'static str {
    &all()[number_of(entry)].name
}

pub(crate) fn arity_error(entry: &'static Entry) -> Error {
    Error::Arity(full_name(entry).into())
}

pub(crate) fn unknown_error(words: &[&[u8]]) -> Error {
    let name = words.first().copied().unwrap_or_default();
    let mut text = format!(
        "ERR unknown command '{}', with args beginning with: ",
        String::from_utf8_lossy(&name[..name.len().min(MAX_ECHO)]),
    );
    let mut echo = String::new();
    for word in words.iter().skip(1) {
        if echo.len() >= MAX_ECHO {
            break;
        }
        let part = &word[..word.len().min(MAX_ECHO - echo.len())];
        echo.push_str(&format!("'{}' ", String::from_utf8_lossy(part)));
    }
    text.push_str(&echo);
    Error::owned(text)
}

/// A subcommand, named as it was given, with words that it does not take.
pub(crate) fn subcommand_usage_error(container: &Spec, name: &[u8]) -> Error {
    Error::owned(format!(
        "ERR unknown subcommand or wrong number of arguments for '{}'. Try {} HELP.",
        String::from_utf8_lossy(&name[..name.len().min(MAX_ECHO)]),
        container.name.to_uppercase(),
    ))
}

pub(crate) fn unknown_subcommand_error(container: &Entry, name: &[u8]) -> Error {
    Error::owned(format!(
        "ERR unknown subcommand '{}'. Try {} HELP.",
        String::from_utf8_lossy(&name[..name.len().min(MAX_ECHO)]),
        container.spec.name.to_uppercase(),
    ))
}
