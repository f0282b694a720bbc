//! The commands, one file each, and the way from a name to one.
//!
//! [`table`] is the one list. A command's name stands in its own file's SPEC and nowhere else.

pub mod generic;
mod help;
pub mod server;
pub mod set;
pub mod string;
pub mod table;

use crate::command::Ctx;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::Entry;
use hashbrown::HashMap;
use std::sync::OnceLock;

/// Parses a request's words and runs the command under the locks that the context holds.
pub type Invoke = for<'a> fn(&mut Ctx<'_, '_>, &'a [&'a [u8]], &mut dyn Reply) -> Result<(), Error>;

/// Longest name of a command.
const MAX_NAME: usize = 32;

/// How much of a name, and of arguments, an error about an unknown command repeats.
const MAX_ECHO: usize = 128;

/// Makes a table entry of a command's SPEC and type (`plain` for a type that borrows nothing), or
/// of a container's SPEC alone.
macro_rules! entry {
    (plain $module:ident :: $type:ident) => {
        crate::spec::Entry {
            spec: &$module::SPEC,
            invoke: Some(|ctx, words, reply| {
                crate::command::invoke::<$module::$type>(ctx, words, 1, reply)
            }),
        }
    };
    ($module:ident :: $type:ident) => {
        crate::spec::Entry {
            spec: &$module::SPEC,
            invoke: Some(|ctx, words, reply| {
                crate::command::invoke::<$module::$type<'_>>(ctx, words, 1, reply)
            }),
        }
    };
    (container $module:ident) => {
        crate::spec::Entry { spec: &$module::SPEC, invoke: None }
    };
}
/// Makes the entry of a subcommand that stands in its container's file.
macro_rules! subcommand {
    (plain $spec:expr, $type:ident) => {
        crate::spec::Entry {
            spec: &$spec,
            invoke: Some(|ctx, words, reply| crate::command::invoke::<$type>(ctx, words, 2, reply)),
        }
    };
    ($spec:expr, $type:ident) => {
        crate::spec::Entry {
            spec: &$spec,
            invoke: Some(|ctx, words, reply| {
                crate::command::invoke::<$type<'_>>(ctx, words, 2, reply)
            }),
        }
    };
}
pub(crate) use {entry, subcommand};

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
    if entry.spec.subcommands.is_empty() {
        return Some(entry);
    }
    find_subcommand(entry, words.get(1)?)
}

/// `name` or `container|subcommand`.
pub(crate) fn full_name(words: &[&[u8]], entry: &Entry) -> String {
    match words.first().and_then(|word| find(word)) {
        Some(first) if !std::ptr::eq(first, entry) => {
            format!("{}|{}", first.spec.name, entry.spec.name)
        }
        _ => entry.spec.name.to_owned(),
    }
}

pub(crate) fn arity_error(words: &[&[u8]], entry: &Entry) -> Error {
    Error::Arity(full_name(words, entry).into())
}

pub(crate) fn unknown_error(words: &[&[u8]]) -> Error {
    let name = words.first().copied().unwrap_or_default();
    let mut text = format!(
        "ERR unknown command '{}', with args beginning with: ",
        String::from_utf8_lossy(&name[..name.len().min(MAX_ECHO)]),
    );
    let mut echoed = 0;
    for word in words.iter().skip(1) {
        if echoed >= MAX_ECHO {
            break;
        }
        let part = &word[..word.len().min(MAX_ECHO - echoed)];
        echoed += part.len();
        text.push_str(&format!("'{}' ", String::from_utf8_lossy(part)));
    }
    Error::owned(text)
}

pub(crate) fn unknown_subcommand_error(container: &Entry, name: &[u8]) -> Error {
    Error::owned(format!(
        "ERR unknown subcommand '{}'. Try {} HELP.",
        String::from_utf8_lossy(&name[..name.len().min(MAX_ECHO)]),
        container.spec.name.to_uppercase(),
    ))
}
