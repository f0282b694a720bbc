//! `COMMAND` · `COMMAND INFO [name ...]` · `COMMAND COUNT`

use super::super::super::nullary;
use super::{SUB, by_name, commands, known};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::Known;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Begin, Entry, Find, KeyFlags, KeySpec, Spec, flag, key};

/// What is known of `COMMAND INFO`.
pub(super) const SPEC_INFO: Spec = Spec {
    name: "info",
    syntax: "[command-name [command-name ...]]",
    summary: "Returns information about one, multiple or all commands.",
    since: "2.8.13",
    complexity: "O(N) where N is the number of commands to look up",
    ..SUB
};

/// What is known of `COMMAND COUNT`.
pub(super) const SPEC_COUNT: Spec = Spec {
    name: "count",
    summary: "Returns a count of commands.",
    since: "2.8.13",
    complexity: "O(1)",
    arity: 2,
    tips: &[],
    ..SUB
};

/// `COMMAND`
#[derive(Debug, Clone, Copy)]
pub struct Describe;

nullary!(Describe, super::SPEC, |_, reply| {
    describe_all(reply);
    Ok(())
});

/// `COMMAND COUNT`
#[derive(Debug, Clone, Copy)]
pub struct Count;

nullary!(Count, SPEC_COUNT, |_, reply| {
    reply.int(commands().count() as i64);
    Ok(())
});

/// `COMMAND INFO`
#[derive(Debug, Clone)]
pub struct Info<'a> {
    /// The commands; none means all.
    pub names: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Info<'a> {
    const SPEC: &'static Spec = &SPEC_INFO;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Info { names: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.names);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, _: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        if self.names.is_empty() {
            describe_all(reply);
            return Ok(());
        }
        reply.array(self.names.len());
        for name in self.names {
            match by_name(name) {
                Some(known) => describe(known, reply),
                None => reply.null(),
            }
        }
        Ok(())
    }
}

fn describe_all(reply: &mut dyn Reply) {
    reply.array(commands().count());
    commands().for_each(|known| describe(known, reply));
}

/// Name, arity, flags, first key, last key, step, categories, tips, key specs, subcommands.
fn describe(known: &Known, reply: &mut dyn Reply) {
    let spec = known.entry.spec;
    let Range { first, last, step, movable } = range_of(spec);
    let movable = if movable { flag::MOVABLE_KEYS } else { 0 };
    let flags: Vec<&str> = flag::SHOWN
        .iter()
        .filter(|(bit, _)| (spec.flags | movable) & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    reply.array(10);
    reply.bulk(known.name.as_bytes());
    reply.int(i64::from(spec.arity));
    words(&flags, reply);
    [first, last, step].into_iter().for_each(|n| reply.int(n));
    words(&spec.categories(), reply);
    reply.set(spec.tips.len());
    spec.tips.iter().for_each(|tip| reply.bulk(tip.as_bytes()));
    reply.set(spec.keys.len());
    spec.keys.iter().for_each(|keys| describe_keys(keys, reply));
    reply.array(spec.subcommands.len());
    spec.subcommands.iter().for_each(|sub| describe_sub(sub, reply));
}

fn describe_sub(entry: &'static Entry, reply: &mut dyn Reply) {
    describe(known(entry), reply);
}

fn words(list: &[&str], reply: &mut dyn Reply) {
    reply.set(list.len());
    list.iter().for_each(|word| reply.simple(word));
}

/// The names of a key's uses.
pub(super) fn uses(flags: KeyFlags) -> Vec<&'static str> {
    key::NAMES.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name).collect()
}

fn describe_keys(keys: &KeySpec, reply: &mut dyn Reply) {
    let number = |reply: &mut dyn Reply, name: &str, value: i64| {
        reply.bulk(name.as_bytes());
        reply.int(value);
    };
    let method = |reply: &mut dyn Reply, kind: &str, facts: usize| {
        reply.map(2);
        reply.bulk(b"type");
        reply.bulk(kind.as_bytes());
        reply.bulk(b"spec");
        reply.map(facts);
    };
    reply.map(3);
    reply.bulk(b"flags");
    words(&uses(keys.flags), reply);
    reply.bulk(b"begin_search");
    match keys.begin {
        Begin::Index(index) => {
            method(reply, "index", 1);
            number(reply, "index", index as i64);
        }
        Begin::Keyword(word, from) => {
            method(reply, "keyword", 2);
            reply.bulk(b"keyword");
            reply.bulk(word.as_bytes());
            number(reply, "startfrom", i64::from(from));
        }
        Begin::Unknown => {
            method(reply, "unknown", 0);
            reply.bulk(b"find_keys");
            method(reply, "unknown", 0);
            return;
        }
    }
    reply.bulk(b"find_keys");
    match keys.find {
        Find::Range { last, step, limit } => {
            method(reply, "range", 3);
            number(reply, "lastkey", i64::from(last));
            number(reply, "keystep", step as i64);
            number(reply, "limit", limit as i64);
        }
        Find::KeyNum { at, first, step } => {
            method(reply, "keynum", 3);
            number(reply, "keynumidx", at as i64);
            number(reply, "firstkey", first as i64);
            number(reply, "keystep", step as i64);
        }
    }
}

/// Where keys are for clients that know only one range.
#[derive(Debug, Default, PartialEq, Eq)]
struct Range {
    first: i64,
    last: i64,
    step: i64,
    /// The range does not say it all.
    movable: bool,
}

fn range_of(spec: &Spec) -> Range {
    let mut range = Range::default();
    for keys in spec.keys {
        range.movable |= keys.flags & key::INCOMPLETE != 0;
        let (Begin::Index(index), Find::Range { last, step, .. }) = (keys.begin, keys.find) else {
            range.movable = true;
            continue;
        };
        let (index, step) = (index as i64, step as i64);
        let last = if last < 0 { i64::from(last) } else { index + i64::from(last) };
        let goes_on = range.last == index - 1 && range.step == 1 && step == 1;
        if range.step == 0 {
            range = Range { first: index, last, step, movable: range.movable };
        } else if goes_on {
            range.last = last;
        } else {
            range.movable = true;
        }
    }
    range
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::find;

    #[test]
    fn one_range_stands_for_what_it_can() {
        let range = |name: &str| range_of(find(name.as_bytes()).unwrap().spec);
        assert_eq!(range("get"), Range { first: 1, last: 1, step: 1, movable: false });
        assert_eq!(range("del"), Range { first: 1, last: -1, step: 1, movable: false });
        assert_eq!(range("ping"), Range::default());
        const TWO: &[KeySpec] = &[KeySpec::one(1, key::RW), KeySpec::one(2, key::OW)];
        let spec = Spec { keys: TWO, ..Spec::BASE };
        assert_eq!(range_of(&spec), Range { first: 1, last: 2, step: 1, movable: false });
    }
}
