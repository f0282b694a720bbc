//! The three encodings of a set behind one face: [`SetRef`] to read, [`SetBuf`] to build.
//!
//! | encoding | holds | until |
//! |---|---|---|
//! | `intset` | integers, sorted | 512 members, or one that is no integer |
//! | `listpack` | up to 128 members of up to 64 bytes, one after the other | more, or longer ones |
//! | `hashtable` | [`Members`] | – |
//!
//! A set only ever moves to the right, as in Redis 7.2; what is built anew starts at the left. Both
//! packed forms are bytes of the key's entry. Knows no keyspace but their bound; next: [`super`].

use super::members::{self, Members};
use crate::config::Config;
use crate::keyspace::entry::MAX_PACKED;
use crate::keyspace::{Expiry, Gate, KeyHash, Kind, NewValue, OwnedValue};
use crate::reply::Reply;
use crate::values::Object;
use fastrand::Rng;
use larder_codec::integer::{MAX_TEXT, format_i64, parse_i64_canonical};
use larder_codec::{intset, listpack};

/// Most integers of a packed set in any case: 8 bytes each after a header of 8.
const MAX_INTS: usize = (MAX_PACKED - 8) / 8;

/// Bounds of the packed encodings.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `set-max-intset-entries`, no more than a packed set may hold
    pub ints: usize,
    /// `set-max-listpack-entries`
    pub entries: usize,
    /// `set-max-listpack-value`, in bytes
    pub value: usize,
}

impl Limits {
    /// What the settings say.
    pub fn of(config: &Config) -> Limits {
        Limits {
            ints: config.set_max_intset_entries().min(MAX_INTS),
            entries: config.set_max_listpack_entries(),
            value: config.set_max_listpack_value(),
        }
    }
}

/// What a set takes from the engine it lives in.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Bounds of the packed encodings.
    pub limits: Limits,
    /// How members hash.
    pub hash: KeyHash,
}

impl Rules {
    /// The encoding of a set that begins with `member` and may get `expected` members at once.
    pub(super) fn first_kind(&self, member: Member<'_>, expected: usize) -> Kind {
        if expected <= self.limits.ints && member.number().is_some() {
            Kind::SetInts
        } else if expected <= self.limits.entries && member.text_len() <= self.limits.value {
            Kind::SetPack
        } else {
            Kind::SetTable
        }
    }

    /// The encoding of a set of this kind when `expected` members may come at once.
    pub(super) fn widened(&self, kind: Kind, expected: usize) -> Kind {
        match kind {
            Kind::SetInts if expected <= self.limits.ints => kind,
            Kind::SetPack if expected <= self.limits.entries => kind,
            _ => Kind::SetTable,
        }
    }
}

/// A member: an integer set holds no text.
#[derive(Debug, Clone, Copy)]
pub enum Member<'a> {
    /// The integer whose canonical text it is.
    Int(i64),
    /// The text, of an integer or not.
    Text(&'a [u8]),
}

impl<'a> Member<'a> {
    /// The integer that the member is, if it is one.
    pub fn number(&self) -> Option<i64> {
        match *self {
            Member::Int(value) => Some(value),
            Member::Text(text) => parse_i64_canonical(text),
        }
    }

    /// The text; that of an integer is written into `digits`.
    pub fn text<'b>(&self, digits: &'b mut [u8; MAX_TEXT]) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Member::Int(value) => format_i64(value, digits),
            Member::Text(text) => text,
        }
    }

    /// Answers the member.
    pub fn answer(&self, reply: &mut dyn Reply) {
        reply.bulk(self.text(&mut [0; MAX_TEXT]));
    }

    fn text_len(&self) -> usize {
        self.text(&mut [0; MAX_TEXT]).len()
    }
}

impl<'a> From<listpack::Entry<'a>> for Member<'a> {
    fn from(entry: listpack::Entry<'a>) -> Self {
        match entry {
            listpack::Entry::Int(value) => Member::Int(value),
            listpack::Entry::Str(text) => Member::Text(text),
        }
    }
}

/// A set to read.
#[derive(Debug, Clone, Copy)]
pub enum SetRef<'a> {
    /// Bytes of an intset.
    Ints(&'a [u8]),
    /// Bytes of a listpack.
    Pack(&'a [u8]),
    /// A hash table.
    Table(&'a Members),
}

impl<'a> SetRef<'a> {
    /// The kind of entry that holds it.
    pub fn kind(self) -> Kind {
        match self {
            SetRef::Ints(_) => Kind::SetInts,
            SetRef::Pack(_) => Kind::SetPack,
            SetRef::Table(_) => Kind::SetTable,
        }
    }

    /// Members. O(1).
    pub fn len(self) -> usize {
        match self {
            SetRef::Ints(bytes) => intset::len(bytes),
            SetRef::Pack(bytes) => listpack::len(bytes),
            SetRef::Table(members) => members.len(),
        }
    }

    /// Tells whether there is no member; no stored set is empty.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Tells whether `member` is in the set. O(log n), O(n), O(1) by encoding.
    pub fn contains(self, member: Member<'_>) -> bool {
        match self {
            SetRef::Ints(bytes) => {
                member.number().is_some_and(|value| intset::contains(bytes, value))
            }
            SetRef::Pack(bytes) => place_in_pack(bytes, member).is_some(),
            SetRef::Table(members) => members.contains(member.text(&mut [0; MAX_TEXT])),
        }
    }

    /// Every member once.
    pub fn iter(self) -> Iter<'a> {
        match self {
            SetRef::Ints(bytes) => Iter::Ints(intset::iter(bytes)),
            SetRef::Pack(bytes) => Iter::Pack(listpack::iter(bytes)),
            SetRef::Table(members) => Iter::Table(members.iter()),
        }
    }

    /// One member, each with the same chance; none of an empty set.
    pub fn random(self, rng: &mut Rng) -> Option<Member<'a>> {
        match self {
            SetRef::Table(members) => members.random(|bound| rng.u64(..bound)).map(Member::Text),
            _ if self.is_empty() => None,
            SetRef::Ints(bytes) => intset::get(bytes, rng.usize(..self.len())).map(Member::Int),
            SetRef::Pack(bytes) => {
                let place = listpack::seek(bytes, rng.usize(..self.len()) as i64)?;
                Some(listpack::entry(bytes, place).into())
            }
        }
    }

    /// Visits about `count` members from `cursor` on; returns the next cursor, 0 after the last. A
    /// packed set is visited whole.
    pub fn scan(self, mut cursor: u64, count: u64, mut visit: impl FnMut(Member<'a>)) -> u64 {
        let SetRef::Table(members) = self else {
            self.iter().for_each(visit);
            return 0;
        };
        // Buckets may be empty in a table that has shrunk: their number is bounded as well.
        let (mut visited, mut buckets) = (0, 0);
        loop {
            cursor = members.scan(cursor, |member| {
                visited += 1;
                visit(Member::Text(member));
            });
            buckets += 1;
            if cursor == 0 || visited >= count || buckets > count.saturating_mul(10) {
                return cursor;
            }
        }
    }
}

/// Members of a set; see [`SetRef::iter`].
pub enum Iter<'a> {
    /// Of an intset, ascending.
    Ints(intset::Iter<'a>),
    /// Of a listpack, in the order in which they came.
    Pack(listpack::Iter<'a>),
    /// Of a table, in no order.
    Table(members::Iter<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        match self {
            Iter::Ints(iter) => iter.next().map(Member::Int),
            Iter::Pack(iter) => iter.next().map(Member::from),
            Iter::Table(iter) => iter.next().map(Member::Text),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Iter::Ints(iter) => iter.size_hint(),
            Iter::Pack(iter) => iter.size_hint(),
            Iter::Table(iter) => iter.size_hint(),
        }
    }
}

/// A set of one's own, in the encoding that its members ask for.
#[derive(Debug)]
pub struct SetBuf {
    form: Form,
    rules: Rules,
}

#[derive(Debug)]
enum Form {
    Ints(Vec<u8>),
    Pack(Vec<u8>),
    Table(Members),
}

impl SetBuf {
    /// An empty set that begins in the encoding of `kind`.
    pub fn new(kind: Kind, rules: Rules) -> SetBuf {
        let form = match kind {
            Kind::SetInts => Form::Ints(intset::new()),
            Kind::SetPack => Form::Pack(listpack::new()),
            _ => Form::Table(Members::new(rules.hash)),
        };
        SetBuf { form, rules }
    }

    /// A copy of a set.
    pub fn copy_of(set: SetRef<'_>, rules: Rules) -> SetBuf {
        let form = match set {
            SetRef::Ints(bytes) => Form::Ints(bytes.to_vec()),
            SetRef::Pack(bytes) => Form::Pack(bytes.to_vec()),
            SetRef::Table(members) => Form::Table(members.clone()),
        };
        SetBuf { form, rules }
    }

    /// The set to read.
    pub fn as_set(&self) -> SetRef<'_> {
        match &self.form {
            Form::Ints(bytes) => SetRef::Ints(bytes),
            Form::Pack(bytes) => SetRef::Pack(bytes),
            Form::Table(members) => SetRef::Table(members),
        }
    }

    /// Adds `member`; `false` when it was there already.
    pub fn add(&mut self, member: Member<'_>) -> bool {
        loop {
            let limits = &self.rules.limits;
            let step = match &mut self.form {
                Form::Ints(bytes) => add_packed(Kind::SetInts, bytes, member, limits),
                Form::Pack(bytes) => add_packed(Kind::SetPack, bytes, member, limits),
                Form::Table(members) => return members.insert(member.text(&mut [0; MAX_TEXT])),
            };
            match step {
                Step::Added => return true,
                Step::Present => return false,
                Step::Outgrown => self.outgrow(member),
            }
        }
    }

    /// Takes `member` out; `false` when it was not there.
    pub fn remove(&mut self, member: Member<'_>) -> bool {
        match &mut self.form {
            Form::Ints(bytes) => remove_packed(Kind::SetInts, bytes, member),
            Form::Pack(bytes) => remove_packed(Kind::SetPack, bytes, member),
            Form::Table(members) => members.remove(member.text(&mut [0; MAX_TEXT])),
        }
    }

    /// The set in a hash table from now on.
    pub fn into_table(mut self) -> SetBuf {
        self.become_table();
        self
    }

    /// The set as an intset from now on, where that holds it.
    pub fn into_ints(self) -> SetBuf {
        let set = self.as_set();
        let fits = set.len() <= self.rules.limits.ints
            && set.kind() != Kind::SetInts
            && set.iter().all(|member| member.number().is_some());
        if !fits {
            return self;
        }
        let mut ints = SetBuf::new(Kind::SetInts, self.rules);
        for member in set.iter() {
            ints.add(member);
        }
        ints
    }

    /// Makes it the value of the gate's key.
    pub fn put(self, gate: &mut Gate<'_>, expiry: Expiry) {
        match self.form {
            Form::Ints(bytes) => gate.put(NewValue::Bytes(Kind::SetInts, &bytes), expiry),
            Form::Pack(bytes) => gate.put(NewValue::Bytes(Kind::SetPack, &bytes), expiry),
            Form::Table(members) => {
                gate.put(NewValue::Object(Box::new(Object::Set(members))), expiry);
            }
        }
    }

    /// The set as a value.
    pub fn into_owned(self) -> OwnedValue {
        match self.form {
            Form::Ints(bytes) => OwnedValue::Bytes(Kind::SetInts, bytes),
            Form::Pack(bytes) => OwnedValue::Bytes(Kind::SetPack, bytes),
            Form::Table(members) => OwnedValue::Object(Box::new(Object::Set(members))),
        }
    }

    /// Makes room for a member that the present encoding cannot take.
    fn outgrow(&mut self, member: Member<'_>) {
        let Limits { entries, value, .. } = self.rules.limits;
        match &self.form {
            Form::Ints(bytes)
                if member.number().is_none()
                    && intset::len(bytes) < entries
                    && self.as_set().iter().all(|old| old.text_len() <= value) =>
            {
                let mut pack = listpack::with_capacity(bytes.len());
                for old in intset::iter(bytes) {
                    // An intset of an entry is far below what a listpack may have.
                    let _ = listpack::push_back_entry(&mut pack, listpack::Entry::Int(old));
                }
                self.form = Form::Pack(pack);
            }
            _ => self.become_table(),
        }
    }

    fn become_table(&mut self) {
        if matches!(self.form, Form::Table(_)) {
            return;
        }
        let mut members = Members::new(self.rules.hash);
        for member in self.as_set().iter() {
            members.insert(member.text(&mut [0; MAX_TEXT]));
        }
        self.form = Form::Table(members);
    }
}

/// What became of a member that was to be added to a packed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Added,
    Present,
    /// The encoding cannot take it; nothing was changed.
    Outgrown,
}

/// Adds to a set of a packed kind.
pub(super) fn add_packed(
    kind: Kind,
    bytes: &mut Vec<u8>,
    member: Member<'_>,
    limits: &Limits,
) -> Step {
    if kind == Kind::SetInts { add_int(bytes, member, limits) } else { add(bytes, member, limits) }
}

/// Takes out of a set of a packed kind; `false` when it was not there.
pub(super) fn remove_packed(kind: Kind, bytes: &mut Vec<u8>, member: Member<'_>) -> bool {
    if kind == Kind::SetInts {
        return member.number().is_some_and(|value| intset::remove(bytes, value));
    }
    match place_in_pack(bytes, member) {
        Some(place) => {
            listpack::remove(bytes, place);
            true
        }
        None => false,
    }
}

/// An empty set of a packed kind.
pub(super) fn empty_packed(kind: Kind) -> Vec<u8> {
    if kind == Kind::SetInts { intset::new() } else { listpack::new() }
}

fn add_int(bytes: &mut Vec<u8>, member: Member<'_>, limits: &Limits) -> Step {
    match member.number() {
        Some(value) if intset::contains(bytes, value) => Step::Present,
        Some(value) if intset::len(bytes) < limits.ints => {
            intset::insert(bytes, value);
            Step::Added
        }
        _ => Step::Outgrown,
    }
}

fn add(bytes: &mut Vec<u8>, member: Member<'_>, limits: &Limits) -> Step {
    if place_in_pack(bytes, member).is_some() {
        return Step::Present;
    }
    let mut digits = [0; MAX_TEXT];
    let text = member.text(&mut digits);
    let fits = listpack::len(bytes) < limits.entries
        && text.len() <= limits.value
        && bytes.len() + listpack::encoded_size(text) <= MAX_PACKED;
    if fits && listpack::push_back(bytes, text).is_ok() { Step::Added } else { Step::Outgrown }
}

fn place_in_pack(bytes: &[u8], member: Member<'_>) -> Option<listpack::Pos> {
    let first = listpack::first(bytes)?;
    listpack::find(bytes, first, member.text(&mut [0; MAX_TEXT]), 0)
}
