//! A whole value out of bytes, in today's encodings whatever it was written in.
//!
//! Small collections come as checked listpack or intset bytes, larger ones element by element out
//! of the reader ([`Value`]). What this crate cannot see, whoever builds the value checks: that
//! no element of a streamed set, hash or sorted set comes twice. Knows no limits of encodings.

use super::read::parse_double;
use super::{EMPTY_COLLECTION, Reader, Version, form, stream, ziplist, zipmap};
use crate::integer::parse_i64_canonical;
use crate::{Corrupt, intset, listpack};
use std::borrow::Cow;
use std::vec::IntoIter;

/// Bytes of the input, or made of them.
type Bytes<'a> = Cow<'a, [u8]>;

/// A value; collections have at least one element.
#[derive(Debug)]
pub enum Value<'r, 'a> {
    /// A string.
    String(Bytes<'a>),
    /// A list; see [`Nodes`].
    List(Nodes<'r, 'a>),
    /// A set in an intset.
    SetInts(Bytes<'a>),
    /// A set in a listpack.
    SetPack(Bytes<'a>),
    /// A set, member by member.
    Set(Members<'r, 'a>),
    /// A hash in a listpack of field, value, field, value.
    HashPack(Bytes<'a>),
    /// A hash, field by field.
    Hash(Fields<'r, 'a>),
    /// A sorted set in a listpack of member, score, in ascending order.
    SortedPack(Bytes<'a>),
    /// A sorted set, member by member, in any order.
    Sorted(Scored<'r, 'a>),
    /// A stream.
    Stream(stream::Stream<'a>),
}

/// Reads the value of a form.
///
/// # Errors
/// [`Corrupt`] for an unknown form, an empty collection, and whatever breaks the rules of the
/// form. What is read element by element is checked as it is read.
pub fn read<'r, 'a>(
    reader: &'r mut Reader<'a>,
    form: u8,
    version: Version,
) -> Result<Value<'r, 'a>, Corrupt> {
    let redis = version != Version::Valkey80;
    Ok(match form {
        form::STRING => Value::String(reader.string()?),
        form::LIST | form::LIST_QUICKLIST | form::LIST_QUICKLIST_2 => {
            let left = elements(reader)?;
            Value::List(Nodes { reader, left, form })
        }
        form::LIST_ZIPLIST => Value::List(Nodes { reader, left: 1, form }),
        form::SET => {
            let left = elements(reader)?;
            Value::Set(Members { reader, left })
        }
        form::SET_INTSET => Value::SetInts(ints(reader)?),
        form::SET_LISTPACK => Value::SetPack(pack(reader, 1)?),
        form::HASH | form::HASH_EXPIRY if form == form::HASH || !redis => {
            let left = elements(reader)?;
            Value::Hash(Fields { source: Source::Reader(reader), left, form, earliest_ms: 0 })
        }
        form::HASH_METADATA if redis => {
            let earliest_ms = reader.moment()?;
            let left = elements(reader)?;
            Value::Hash(Fields { source: Source::Reader(reader), left, form, earliest_ms })
        }
        form::HASH_LISTPACK_EX if redis => {
            reader.moment()?;
            let fields = expiring_fields(&pack(reader, 3)?, reader)?;
            let left = fields.len() as u64;
            let source = Source::Made(fields.into_iter());
            Value::Hash(Fields { source, left, form, earliest_ms: 0 })
        }
        form::HASH_ZIPMAP => Value::HashPack(old_pack(reader, zipmap::to_listpack)?),
        form::HASH_ZIPLIST => Value::HashPack(old_pack(reader, ziplist::to_listpack)?),
        form::HASH_LISTPACK => Value::HashPack(pack(reader, 2)?),
        form::ZSET | form::ZSET_2 => {
            let left = elements(reader)?;
            Value::Sorted(Scored { source: Source::Reader(reader), left, form })
        }
        form::ZSET_ZIPLIST => {
            let lp = old_pack(reader, ziplist::to_listpack)?;
            scored_pack(lp, reader)?
        }
        form::ZSET_LISTPACK => {
            let lp = pack(reader, 2)?;
            scored_pack(lp, reader)?
        }
        form::STREAM | form::STREAM_2 | form::STREAM_3 => {
            Value::Stream(stream::read(reader, form)?)
        }
        _ => return Err(reader.corrupt("a value of an unknown form")),
    })
}

/// Where elements come from: the input, or a small collection that was read at once.
#[derive(Debug)]
enum Source<'r, 'a, T> {
    Reader(&'r mut Reader<'a>),
    Made(IntoIter<T>),
}

/// One or many elements of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node<'a> {
    /// A listpack, which may be empty; so may all of them.
    Packed(Bytes<'a>),
    /// An element.
    Plain(Bytes<'a>),
}

/// The elements of a list, in order.
#[derive(Debug)]
pub struct Nodes<'r, 'a> {
    reader: &'r mut Reader<'a>,
    left: u64,
    form: u8,
}

impl<'a> Nodes<'_, 'a> {
    fn read(&mut self) -> Result<Node<'a>, Corrupt> {
        let reader = &mut *self.reader;
        let is_plain = match self.form {
            form::LIST => true,
            form::LIST_QUICKLIST_2 => match reader.number()? {
                1 => true,
                2 => false,
                _ => return Err(reader.corrupt("a list's node of an unknown kind")),
            },
            _ => false,
        };
        let bytes = reader.string()?;
        if is_plain {
            if bytes.is_empty() && self.form == form::LIST_QUICKLIST_2 {
                return Err(reader.corrupt("an empty element in a node of its own"));
            }
            return Ok(Node::Plain(bytes));
        }
        if self.form == form::LIST_QUICKLIST_2 {
            listpack::validate(&bytes)?;
            return Ok(Node::Packed(bytes));
        }
        ziplist::to_listpack(&bytes).map(|lp| Node::Packed(Cow::Owned(lp)))
    }
}

impl<'a> Iterator for Nodes<'_, 'a> {
    type Item = Result<Node<'a>, Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.read())
    }
}

/// The members of a set, in no order.
#[derive(Debug)]
pub struct Members<'r, 'a> {
    reader: &'r mut Reader<'a>,
    left: u64,
}

impl Members<'_, '_> {
    /// Members that are left, as the input claims.
    pub fn left(&self) -> u64 {
        self.left
    }
}

impl<'a> Iterator for Members<'_, 'a> {
    type Item = Result<Bytes<'a>, Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.reader.string())
    }
}

/// A field of a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name.
    pub name: Bytes<'a>,
    /// Its value.
    pub value: Bytes<'a>,
    /// When it expires, in Unix milliseconds.
    pub deadline_ms: Option<u64>,
}

/// The fields of a hash, in no order.
#[derive(Debug)]
pub struct Fields<'r, 'a> {
    source: Source<'r, 'a, Field<'static>>,
    left: u64,
    form: u8,
    /// What deadlines are counted from in [`form::HASH_METADATA`].
    earliest_ms: i64,
}

impl<'a> Fields<'_, 'a> {
    /// Fields that are left, as the input claims.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Whether fields of this form may expire.
    pub fn may_expire(&self) -> bool {
        self.form != form::HASH
    }

    fn read(&mut self) -> Result<Field<'a>, Corrupt> {
        let reader = match &mut self.source {
            Source::Reader(reader) => reader,
            Source::Made(fields) => {
                return fields.next().ok_or(Corrupt::new("a hash without fields", 0));
            }
        };
        let before = match self.form {
            form::HASH_METADATA => reader.number()?,
            _ => 0,
        };
        let (name, value) = (reader.string()?, reader.string()?);
        let deadline_ms = match self.form {
            form::HASH_EXPIRY => match reader.moment()? {
                -1 => None,
                ms => Some(deadline(Some(ms), reader)?),
            },
            form::HASH_METADATA if before > 0 => {
                let after = i64::try_from(before - 1).ok();
                let ms = after.and_then(|after| self.earliest_ms.checked_add(after));
                Some(deadline(ms, reader)?)
            }
            _ => None,
        };
        Ok(Field { name, value, deadline_ms })
    }
}

impl<'a> Iterator for Fields<'_, 'a> {
    type Item = Result<Field<'a>, Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.read())
    }
}

/// The members of a sorted set with their scores, none of which is NaN; in any order.
#[derive(Debug)]
pub struct Scored<'r, 'a> {
    source: Source<'r, 'a, (Bytes<'static>, f64)>,
    left: u64,
    form: u8,
}

impl<'a> Scored<'_, 'a> {
    /// Members that are left, as the input claims.
    pub fn left(&self) -> u64 {
        self.left
    }

    fn read(&mut self) -> Result<(Bytes<'a>, f64), Corrupt> {
        let reader = match &mut self.source {
            Source::Reader(reader) => reader,
            Source::Made(members) => {
                return members.next().ok_or(Corrupt::new("a sorted set without members", 0));
            }
        };
        let member = reader.string()?;
        let score = if self.form == form::ZSET { reader.double_text() } else { reader.double() }?;
        if score.is_nan() {
            return Err(reader.corrupt("a score that is no number"));
        }
        Ok((member, score))
    }
}

impl<'a> Iterator for Scored<'_, 'a> {
    type Item = Result<(Bytes<'a>, f64), Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.read())
    }
}

/// The number of elements of a collection: not 0.
fn elements(reader: &mut Reader<'_>) -> Result<u64, Corrupt> {
    match reader.count()? {
        0 => Err(reader.corrupt(EMPTY_COLLECTION)),
        count => Ok(count),
    }
}

fn deadline(ms: Option<i64>, reader: &Reader<'_>) -> Result<u64, Corrupt> {
    let ms = ms.and_then(|ms| u64::try_from(ms).ok());
    ms.ok_or_else(|| reader.corrupt("a deadline out of range"))
}

fn ints<'a>(reader: &mut Reader<'a>) -> Result<Bytes<'a>, Corrupt> {
    let bytes = reader.string()?;
    intset::validate(&bytes)?;
    if intset::is_empty(&bytes) {
        return Err(reader.corrupt(EMPTY_COLLECTION));
    }
    Ok(bytes)
}

/// A listpack of groups of `step` entries whose first entries are all different.
fn pack<'a>(reader: &mut Reader<'a>, step: usize) -> Result<Bytes<'a>, Corrupt> {
    let bytes = reader.string()?;
    listpack::validate(&bytes)?;
    check_pack(&bytes, step, reader)?;
    Ok(bytes)
}

/// The same out of an encoding of former times, in pairs.
fn old_pack<'a>(
    reader: &mut Reader<'a>,
    to_listpack: fn(&[u8]) -> Result<Vec<u8>, Corrupt>,
) -> Result<Bytes<'a>, Corrupt> {
    let bytes = to_listpack(&reader.string()?)?;
    check_pack(&bytes, 2, reader)?;
    Ok(Cow::Owned(bytes))
}

fn check_pack(lp: &[u8], step: usize, reader: &Reader<'_>) -> Result<(), Corrupt> {
    let count = listpack::iter(lp).count();
    if count == 0 {
        return Err(reader.corrupt(EMPTY_COLLECTION));
    }
    if !count.is_multiple_of(step) {
        return Err(reader.corrupt("a collection whose last element is incomplete"));
    }
    let mut names: Vec<_> = listpack::iter(lp).step_by(step).map(canonical).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(reader.corrupt("an element that comes twice"));
    }
    Ok(())
}

/// An element in an order of our own: equal texts are equal, however they are held.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Text<'a> {
    Int(i64),
    Str(&'a [u8]),
}

fn canonical(entry: listpack::Entry<'_>) -> Text<'_> {
    match entry {
        listpack::Entry::Int(value) => Text::Int(value),
        listpack::Entry::Str(text) => parse_i64_canonical(text).map_or(Text::Str(text), Text::Int),
    }
}

/// Fields, values and deadlines of a listpack.
fn expiring_fields(lp: &[u8], reader: &Reader<'_>) -> Result<Vec<Field<'static>>, Corrupt> {
    let mut fields = Vec::new();
    let mut entries = listpack::iter(lp);
    while let (Some(name), Some(value), Some(at)) = (entries.next(), entries.next(), entries.next())
    {
        let listpack::Entry::Int(ms) = at else {
            return Err(reader.corrupt("a deadline that is no number"));
        };
        let deadline_ms = if ms == 0 { None } else { Some(deadline(Some(ms), reader)?) };
        fields.push(Field { name: owned(name), value: owned(value), deadline_ms });
    }
    Ok(fields)
}

/// A sorted set in a listpack; element by element if that is not in order.
fn scored_pack<'r, 'a>(lp: Bytes<'a>, reader: &Reader<'_>) -> Result<Value<'r, 'a>, Corrupt> {
    let mut members = Vec::new();
    let mut entries = listpack::iter(&lp);
    while let (Some(member), Some(score)) = (entries.next(), entries.next()) {
        let score = match score {
            listpack::Entry::Int(value) => Some(value as f64),
            listpack::Entry::Str(text) => parse_double(text),
        };
        let score = score.filter(|score| !score.is_nan());
        members.push((member, score.ok_or_else(|| reader.corrupt("a score that is no number"))?));
    }
    let ascends = |pair: &[(listpack::Entry<'_>, f64)]| {
        pair[0].1 < pair[1].1 || pair[0].1 == pair[1].1 && pair[0].0.to_cow() < pair[1].0.to_cow()
    };
    if members.windows(2).all(ascends) {
        return Ok(Value::SortedPack(lp));
    }
    let members: Vec<_> =
        members.into_iter().map(|(member, score)| (owned(member), score)).collect();
    let left = members.len() as u64;
    let source = Source::Made(members.into_iter());
    Ok(Value::Sorted(Scored { source, left, form: form::ZSET_2 }))
}

fn owned(entry: listpack::Entry<'_>) -> Bytes<'static> {
    Cow::Owned(entry.to_cow().into_owned())
}
