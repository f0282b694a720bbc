//! `SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]
//! [STORE destination]`, and `SORT_RO` without `STORE`
//!
//! Answers the elements of a list, set or sorted set in order: as numbers, with `ALPHA` as bytes;
//! by themselves or, `BY` a pattern, by what stands at other keys, `*` being the element and
//! `key->field` a field of a hash. `BY` a pattern without `*` leaves the order as it is. With `GET`
//! it answers what stands at other keys, `#` being the element itself. `STORE` makes a list of it
//! instead, whatever was there, and answers its length. A missing key is empty. O(n + m log m),
//! n elements of which m are answered.
//!
//! Patterns reach for keys that nobody names: with them it runs under all locks. Elements that
//! compare as equal stay as they were, those of a set in a table follow as bytes, so that a stored
//! list is the same on every replay (and an unordered set is stored in the order of its bytes).
//!
//! Effect: the command, unless nothing was stored where nothing was.

mod elements;
mod order;
mod pattern;

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::config::notify;
use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::locks::ShardSet;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeyFlags, KeySpec, Spec, acl, flag, key};
use crate::values::list::{self, End, Limits};
use elements::{Source, Texts};
use order::{By, Order};
use pattern::Pattern;

/// What is known of `SORT`.
pub const SPEC: Spec = Spec {
    name: "sort",
    syntax: "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] \
             [ALPHA] [STORE destination]",
    summary: "Sorts the elements in a list, a set, or a sorted set, optionally storing the result.",
    group: Group::Generic,
    complexity: "O(N+M*log(M)) in the elements and those answered; O(N) without an order",
    arity: -2,
    flags: flag::WRITE | flag::DENYOOM,
    acl: acl::SET | acl::SORTED_SET | acl::LIST | acl::DANGEROUS,
    keys: &[
        KeySpec::one(1, key::RO | key::ACCESS),
        KeySpec::unknown(key::RO | key::ACCESS),
        KeySpec::unknown(key::OW | key::UPDATE),
    ],
    find_keys: Some(find_keys),
    more_shards: Some(|_, words| shards_of::<false>(words)),
    events: Events::named("sortstore").in_class(notify::LIST),
    ..Spec::BASE
};

/// What is known of `SORT_RO`.
pub const SPEC_RO: Spec = Spec {
    name: "sort_ro",
    syntax: "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] \
             [ALPHA]",
    summary: "Returns the sorted elements of a list, a set, or a sorted set.",
    since: "7.0.0",
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS), KeySpec::unknown(key::RO | key::ACCESS)],
    find_keys: None,
    more_shards: Some(|_, words| shards_of::<true>(words)),
    ..SPEC
};

/// `SORT`, or `SORT_RO`.
#[derive(Debug, Clone)]
pub struct Sorting<'a, const READ_ONLY: bool> {
    /// The key.
    pub key: &'a [u8],
    /// The order.
    pub order: Order<'a>,
    /// What is answered of each element; the element if nothing is named.
    pub gets: Vec<Pattern<'a>>,
    /// Where the result goes, if not to the caller.
    pub store: Option<&'a [u8]>,
}

/// `SORT`
pub type Sort<'a> = Sorting<'a, false>;
/// `SORT_RO`
pub type SortRo<'a> = Sorting<'a, true>;

impl<'a, const READ_ONLY: bool> Command<'a> for Sorting<'a, READ_ONLY> {
    const SPEC: &'static Spec = if READ_ONLY { &SPEC_RO } else { &SPEC };

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let (mut order, mut gets, mut store) = (Order::default(), Vec::new(), None);
        while args.left() > 0 {
            if args.keyword("ASC") {
                order.descending = false;
            } else if args.keyword("DESC") {
                order.descending = true;
            } else if args.keyword("ALPHA") {
                order.alpha = true;
            } else if args.left() > 2 && args.keyword("LIMIT") {
                order.limit = Some((args.int()?, args.int()?));
            } else if !READ_ONLY && args.left() > 1 && args.keyword("STORE") {
                store = Some(args.word()?);
            } else if args.left() > 1 && args.keyword("BY") {
                order.by(Pattern::of(args.word()?));
            } else if args.left() > 1 && args.keyword("GET") {
                gets.push(Pattern::of(args.word()?));
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(Sorting { key, order, gets, store })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        let Order { by, limit, descending, alpha } = &self.order;
        match by {
            By::Element => {}
            By::Weight(pattern) => drop(words.keyword("BY").push(&pattern.text())),
            By::Nothing => drop(words.keyword("BY").keyword("nosort")),
        }
        if let Some((offset, count)) = limit {
            words.keyword("LIMIT").int(*offset).int(*count);
        }
        for pattern in &self.gets {
            words.keyword("GET").push(&pattern.text());
        }
        if *descending {
            words.keyword("DESC");
        }
        if *alpha {
            words.keyword("ALPHA");
        }
        if let Some(store) = self.store {
            words.keyword("STORE").push(store);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
        if let Some(store) = self.store {
            visit(store);
        }
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let source = Source::of(ctx.keys.read(self.key))?;
        let mut order = self.order;
        let is_kept = self.store.is_some() || ctx.keys.changes.runs_scripts;
        if order.by == By::Nothing && is_kept && source.is_set() {
            order = Order { by: By::Element, alpha: true, ..order };
        }
        let window = order.window(source.len());
        let (is_table, elements) = (
            source.is_table(),
            match order.by {
                By::Nothing => source.load(window.clone(), order.descending),
                _ => source.load(0..source.len(), false),
            },
        );
        if self.store.is_some() {
            self.meet_deadlines(ctx.keys, &elements);
        }
        let chosen = match order.by {
            By::Nothing => (0..elements.len()).collect(),
            _ => order.sort(&elements, window, is_table, ctx.keys)?,
        };
        match self.store {
            None => self.answer(&elements, &chosen, ctx.keys, reply),
            Some(store) => {
                let rows = self.rows(&elements, &chosen, ctx.keys);
                let limits = Limits::of(ctx.config());
                let mut gate = ctx.keys.write(store);
                gate.remove();
                if rows.len() > 0 {
                    let rows: Vec<&[u8]> = rows.iter().collect();
                    list::push(&mut gate, End::Tail, &rows, &limits)?;
                }
                reply.int(rows.len() as i64);
            }
        }
        Ok(())
    }
}

impl<const READ_ONLY: bool> Sorting<'_, READ_ONLY> {
    fn reaches_others(&self) -> bool {
        let by = matches!(self.order.by, By::Weight(_));
        by || self.gets.iter().any(Pattern::reaches_others)
    }

    fn answer(&self, elements: &Texts, chosen: &[usize], keys: &Keys<'_>, reply: &mut dyn Reply) {
        reply.array(chosen.len() * self.gets.len().max(1));
        let mut name = Vec::new();
        for element in chosen.iter().map(|&at| elements.get(at)) {
            if self.gets.is_empty() {
                reply.bulk(element);
            }
            for pattern in &self.gets {
                reply.bulk_or_null(pattern.value(keys, element, &mut name).as_deref());
            }
        }
    }

    /// What is answered, to be stored; nothing is an empty string there.
    fn rows(&self, elements: &Texts, chosen: &[usize], keys: &Keys<'_>) -> Texts {
        let (mut rows, mut name) = (Texts::default(), Vec::new());
        for element in chosen.iter().map(|&at| elements.get(at)) {
            if self.gets.is_empty() {
                rows.push(element);
            }
            for pattern in &self.gets {
                rows.push(&pattern.value(keys, element, &mut name).unwrap_or_default());
            }
        }
        rows
    }

    /// Removes keys that patterns reach and whose time has come. That is logged before the command
    /// is, which finds the same when it is replayed.
    fn meet_deadlines(&self, keys: &mut Keys<'_>, elements: &Texts) {
        let mut name = Vec::new();
        let by = match &self.order.by {
            By::Weight(pattern) => Some(pattern),
            _ => None,
        };
        for pattern in self.gets.iter().chain(by).filter(|pattern| pattern.reaches_others()) {
            for element in elements.iter() {
                pattern.meet_deadline(keys, element, &mut name);
            }
        }
    }
}

/// All shards for a request whose patterns reach for other keys.
fn shards_of<const READ_ONLY: bool>(words: &[&[u8]]) -> ShardSet {
    let words = words.get(1..).unwrap_or_default();
    match Sorting::<READ_ONLY>::parse(&mut Args::new(words)) {
        Ok(sort) if sort.reaches_others() => ShardSet::All,
        _ => ShardSet::None,
    }
}

/// The key, and the one behind the last `STORE` that is an option.
fn find_keys(words: &[&[u8]], visit: &mut dyn FnMut(usize, KeyFlags)) -> bool {
    let (mut at, mut store) = (2, None);
    while let Some(word) = words.get(at) {
        let left = words.len() - at - 1;
        let is = |option: &str| word.eq_ignore_ascii_case(option.as_bytes());
        if is("STORE") && left > 0 {
            store = Some(at + 1);
        }
        at += match left {
            2.. if is("LIMIT") => 3,
            1.. if is("STORE") || is("BY") || is("GET") => 2,
            _ => 1,
        };
    }
    if words.len() > 1 {
        visit(1, key::RO | key::ACCESS);
    }
    if let Some(store) = store {
        visit(store, key::OW | key::UPDATE);
    }
    true
}
