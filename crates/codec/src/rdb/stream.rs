//! The parts of a stream in the RDB form, both ways.
//!
//! ```text
//! number of nodes, nodes: id (string of 16 bytes, big endian), listpack
//! live entries, last id (ms, seq)
//! since 7.0: first id, greatest deleted id, entries added
//! number of groups, groups: name, last id, since 7.0: entries read,
//!   number pending, each: id (16 bytes), delivered (moment), deliveries
//!   number of consumers, each: name, seen (moment), since 7.2: active (moment),
//!     number pending, each: id (16 bytes)
//! ```
//! A node's listpack: live, deleted, number of fields, fields, 0; then entries: flags (1 deleted, 2
//! has the node's fields), ms and seq as differences from the node's id, unless flag 2: number of
//! fields and each with its value, else: values; number of elements of the entry.
//!
//! Ids ascend, in a node and over all of them. What is counted here is right; what only the writer
//! could know is taken as it stands. Knows no stream that is in use.

use super::read::Reader;
use super::{Version, Writer, form};
use crate::{Corrupt, listpack};
use std::borrow::Cow;

/// Milliseconds and sequence number of an entry.
pub type Id = (u64, u64);

/// Bytes of an id.
const ID_BYTES: usize = 16;

const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

/// The number of entries that a group has read, where it is not known.
const UNKNOWN: u64 = u64::MAX;

/// A stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stream<'a> {
    /// Listpacks by their ids, ascending; each with at least one live entry.
    pub nodes: Vec<(Id, Cow<'a, [u8]>)>,
    /// Live entries.
    pub length: u64,
    /// The id that was given last.
    pub last_id: Id,
    /// The first live entry's; zero without one.
    pub first_id: Id,
    /// The greatest id that was deleted.
    pub max_deleted_id: Id,
    /// Entries that were ever added.
    pub entries_added: u64,
    /// Consumer groups, by their names.
    pub groups: Vec<Group<'a>>,
}

/// A consumer group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group<'a> {
    /// Its name.
    pub name: Cow<'a, [u8]>,
    /// The last id that it was given.
    pub last_id: Id,
    /// Entries that it has read; `None` where that is not known.
    pub entries_read: Option<u64>,
    /// What was delivered and not acknowledged, by id.
    pub pending: Vec<Pending>,
    /// Its consumers, by their names.
    pub consumers: Vec<Consumer<'a>>,
}

/// An entry that was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pending {
    /// Its id.
    pub id: Id,
    /// When it was delivered last, in Unix milliseconds.
    pub delivered_ms: i64,
    /// How often.
    pub deliveries: u64,
    /// To whom: a place in [`Group::consumers`].
    pub consumer: usize,
}

/// A consumer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Consumer<'a> {
    /// Its name.
    pub name: Cow<'a, [u8]>,
    /// When it asked last, in Unix milliseconds.
    pub seen_ms: i64,
    /// When it was given something last; -1 never.
    pub active_ms: i64,
}

impl Stream<'_> {
    /// The form that a version has for streams.
    pub fn form(version: Version) -> u8 {
        if version == Version::V10 { form::STREAM_2 } else { form::STREAM_3 }
    }

    /// Writes the stream in [`Stream::form`].
    pub fn write(&self, writer: &mut Writer<'_>, version: Version) {
        writer.number(self.nodes.len() as u64);
        for (id, lp) in &self.nodes {
            writer.string(&id_bytes(*id));
            writer.string(lp);
        }
        writer.number(self.length);
        for id in [self.last_id, self.first_id, self.max_deleted_id] {
            write_id(writer, id);
        }
        writer.number(self.entries_added);
        writer.number(self.groups.len() as u64);
        for group in &self.groups {
            group.write(writer, version);
        }
    }
}

impl Group<'_> {
    fn write(&self, writer: &mut Writer<'_>, version: Version) {
        writer.string(&self.name);
        write_id(writer, self.last_id);
        writer.number(self.entries_read.unwrap_or(UNKNOWN));
        writer.number(self.pending.len() as u64);
        for pending in &self.pending {
            writer.bytes(&id_bytes(pending.id));
            writer.moment(pending.delivered_ms);
            writer.number(pending.deliveries);
        }
        writer.number(self.consumers.len() as u64);
        let mut owned: Vec<Vec<Id>> = vec![Vec::new(); self.consumers.len()];
        for pending in &self.pending {
            if let Some(owned) = owned.get_mut(pending.consumer) {
                owned.push(pending.id);
            }
        }
        for (consumer, ids) in self.consumers.iter().zip(owned) {
            writer.string(&consumer.name);
            writer.moment(consumer.seen_ms);
            if Stream::form(version) == form::STREAM_3 {
                writer.moment(consumer.active_ms);
            }
            writer.number(ids.len() as u64);
            ids.into_iter().for_each(|id| writer.bytes(&id_bytes(id)));
        }
    }
}

/// Reads a stream of one of the three forms.
pub(super) fn read<'a>(reader: &mut Reader<'a>, form: u8) -> Result<Stream<'a>, Corrupt> {
    let mut stream = Stream::default();
    let counted = read_nodes(reader, &mut stream)?;
    stream.length = reader.number()?;
    stream.last_id = read_id(reader)?;
    if form == form::STREAM {
        stream.entries_added = stream.length;
    } else {
        stream.first_id = read_id(reader)?;
        stream.max_deleted_id = read_id(reader)?;
        stream.entries_added = reader.number()?;
    }
    if stream.length != counted.live || counted.greatest > stream.last_id {
        return Err(reader.corrupt("a stream that states other entries than it has"));
    }
    stream.first_id = counted.first_live.unwrap_or_default();
    for _ in 0..reader.count()? {
        let group = read_group(reader, form, &stream)?;
        stream.groups.push(group);
    }
    stream.groups.sort_by(|one, other| one.name.cmp(&other.name));
    if stream.groups.windows(2).any(|pair| pair[0].name == pair[1].name) {
        return Err(reader.corrupt("a consumer group that comes twice"));
    }
    Ok(stream)
}

/// What the nodes hold.
#[derive(Debug, Default)]
struct Counted {
    live: u64,
    first_live: Option<Id>,
    greatest: Id,
    /// Entries of any kind were met.
    any: bool,
}

fn read_nodes<'a>(reader: &mut Reader<'a>, stream: &mut Stream<'a>) -> Result<Counted, Corrupt> {
    for _ in 0..reader.count()? {
        let id = reader.string()?;
        let id = id.first_chunk().filter(|_| id.len() == ID_BYTES).map(id_of);
        let id = id.ok_or_else(|| reader.corrupt("a stream's node without an id"))?;
        let lp = reader.string()?;
        listpack::validate(&lp)?;
        stream.nodes.push((id, lp));
    }
    stream.nodes.sort_by_key(|(id, _)| *id);
    if stream.nodes.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(reader.corrupt("a stream's node that comes twice"));
    }
    let mut counted = Counted::default();
    let mut sound = true;
    stream.nodes.retain(|(id, lp)| {
        let before = counted.live;
        sound = sound && check_node(lp, *id, &mut counted).is_some();
        counted.live > before
    });
    if !sound {
        return Err(reader.corrupt("a stream's node that breaks the rules"));
    }
    Ok(counted)
}

/// Walks over a node's entries, if all of it is sound.
fn check_node(lp: &[u8], node: Id, counted: &mut Counted) -> Option<()> {
    let mut elements = Elements(listpack::iter(lp));
    let (live, deleted) = (elements.count()?, elements.count()?);
    let node_fields = elements.count()?;
    elements.skip(node_fields)?;
    if elements.int()? != 0 {
        return None;
    }
    let (mut live_met, mut deleted_met) = (0, 0);
    for _ in 0..live.checked_add(deleted)? {
        let flags = elements.int()?;
        let (ms, seq) = (elements.int()?, elements.int()?);
        // Distances are 64-bit integers without a sign, which a listpack shows with one.
        let id = (node.0.wrapping_add_signed(ms), node.1.wrapping_add_signed(seq));
        if counted.any && id <= counted.greatest || id < node {
            return None;
        }
        (counted.any, counted.greatest) = (true, id);
        let (before, fields) = if flags & SAME_FIELDS == 0 {
            let fields = elements.count()?;
            elements.skip(fields)?;
            elements.skip(fields)?;
            (fields.checked_mul(2)?.checked_add(4)?, 0)
        } else {
            elements.skip(node_fields)?;
            (3, node_fields)
        };
        if elements.count()? != before.checked_add(fields)? {
            return None;
        }
        if flags & DELETED == 0 {
            live_met += 1;
            counted.first_live.get_or_insert(id);
        } else {
            deleted_met += 1;
        }
    }
    counted.live += live_met;
    ((live_met, deleted_met) == (live, deleted) && elements.0.next().is_none()).then_some(())
}

/// Elements of a listpack that must be there.
struct Elements<'a>(listpack::Iter<'a>);

impl Elements<'_> {
    fn int(&mut self) -> Option<i64> {
        match self.0.next()? {
            listpack::Entry::Int(value) => Some(value),
            listpack::Entry::Str(_) => None,
        }
    }

    fn count(&mut self) -> Option<u64> {
        u64::try_from(self.int()?).ok()
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        (0..count).try_for_each(|_| self.0.next().map(drop))
    }
}

fn read_group<'a>(
    reader: &mut Reader<'a>,
    form: u8,
    stream: &Stream<'_>,
) -> Result<Group<'a>, Corrupt> {
    let name = reader.string()?;
    let last_id = read_id(reader)?;
    let entries_read = match form {
        form::STREAM => stream.read_up_to(last_id),
        _ => Some(reader.number()?).filter(|&read| read != UNKNOWN),
    };
    let mut group = Group { name, last_id, entries_read, ..Group::default() };
    for _ in 0..reader.count()? {
        let id = raw_id(reader)?;
        let (delivered_ms, deliveries) = (reader.moment()?, reader.number()?);
        let consumer = usize::MAX;
        group.pending.push(Pending { id, delivered_ms, deliveries, consumer });
    }
    group.pending.sort_by_key(|pending| pending.id);
    if group.pending.windows(2).any(|pair| pair[0].id == pair[1].id) {
        return Err(reader.corrupt("a pending entry that comes twice"));
    }
    for _ in 0..reader.count()? {
        read_consumer(reader, form, &mut group)?;
    }
    if group.pending.iter().any(|pending| pending.consumer == usize::MAX) {
        return Err(reader.corrupt("a pending entry without a consumer"));
    }
    order_consumers(&mut group);
    if group.consumers.windows(2).any(|pair| pair[0].name == pair[1].name) {
        return Err(reader.corrupt("a consumer that comes twice"));
    }
    Ok(group)
}

fn read_consumer<'a>(
    reader: &mut Reader<'a>,
    form: u8,
    group: &mut Group<'a>,
) -> Result<(), Corrupt> {
    let name = reader.string()?;
    let seen_ms = reader.moment()?;
    let active_ms = if form == form::STREAM_3 { reader.moment()? } else { seen_ms };
    let consumer = group.consumers.len();
    group.consumers.push(Consumer { name, seen_ms, active_ms });
    for _ in 0..reader.count()? {
        let id = raw_id(reader)?;
        let found = group.pending.binary_search_by_key(&id, |pending| pending.id);
        let pending = found.ok().map(|at| &mut group.pending[at]);
        let free = pending.filter(|pending| pending.consumer == usize::MAX);
        let free = free.ok_or_else(|| reader.corrupt("an entry pending for two or for none"))?;
        free.consumer = consumer;
    }
    Ok(())
}

/// Puts the consumers in the order of their names.
fn order_consumers(group: &mut Group<'_>) {
    let mut order: Vec<usize> = (0..group.consumers.len()).collect();
    order.sort_by(|&one, &other| group.consumers[one].name.cmp(&group.consumers[other].name));
    let mut place = vec![0; order.len()];
    order.iter().enumerate().for_each(|(now, &before)| place[before] = now);
    group.pending.iter_mut().for_each(|pending| pending.consumer = place[pending.consumer]);
    group.consumers.sort_by(|one, other| one.name.cmp(&other.name));
}

impl Stream<'_> {
    /// How many entries were read by who read up to `id`, in a stream whose writer did not count.
    fn read_up_to(&self, id: Id) -> Option<u64> {
        if self.length == 0 || id == self.last_id {
            return (id <= self.last_id).then_some(self.length);
        }
        match id.cmp(&self.first_id) {
            std::cmp::Ordering::Less => Some(0),
            std::cmp::Ordering::Equal => Some(1),
            std::cmp::Ordering::Greater => None,
        }
    }
}

fn read_id(reader: &mut Reader<'_>) -> Result<Id, Corrupt> {
    Ok((reader.number()?, reader.number()?))
}

fn write_id(writer: &mut Writer<'_>, (ms, seq): Id) {
    writer.number(ms);
    writer.number(seq);
}

fn raw_id(reader: &mut Reader<'_>) -> Result<Id, Corrupt> {
    let bytes = reader.bytes(ID_BYTES)?;
    bytes.first_chunk().map(id_of).ok_or_else(|| reader.corrupt("cut off"))
}

fn id_of(bytes: &[u8; ID_BYTES]) -> Id {
    let both = u128::from_be_bytes(*bytes);
    ((both >> 64) as u64, both as u64)
}

fn id_bytes((ms, seq): Id) -> [u8; ID_BYTES] {
    (u128::from(ms) << 64 | u128::from(seq)).to_be_bytes()
}
