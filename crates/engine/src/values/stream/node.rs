//! One node of a stream: a listpack of entries that share a master entry.
//!
//! ```text
//! master  live │ deleted │ n │ field 1 … field n │ 0
//! entry   flags │ Δms │ Δseq │ [n │ field 1 │] value 1 │ … │ value n │ elements before this one
//! ```
//! The bytes are those of the RDB form. The node's ID, its first entry's, is the key under which it
//! lies; other IDs are differences to it. An entry whose fields are the master's (flag 2) has
//! values only. A deleted entry (flag 1) stays until its node goes. The last element of an entry
//! says how many elements to go back for its beginning.
//!
//! The buffer is shared by copies and copied by whoever changes it first. It grows by an eighth.
//! Bytes from outside pass [`Node::from_bytes`] before anything else reads them. Knows no other
//! node.

use super::id::Id;
use super::ordered::ARC_BYTES;
use larder_codec::Corrupt;
use larder_codec::listpack::{self, Encoded, Entry, Pos};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// The entry is deleted.
const DELETED: i64 = 1;
/// The entry's fields are the master's.
const SAME_FIELDS: i64 = 2;

/// The least that a buffer grows by.
const LEAST_STEP: usize = 32;

/// A node.
#[derive(Debug, Clone)]
pub(super) struct Node {
    buffer: Arc<[u8]>,
    /// Bytes in use.
    end: u32,
}

/// An entry in a node.
#[derive(Debug, Clone)]
pub struct EntryRef<'a> {
    /// Its ID.
    pub id: Id,
    deleted: bool,
    /// Pairs of field and value.
    pairs: usize,
    /// The master's fields where the entry has none of its own.
    fields: Option<listpack::Iter<'a>>,
    /// Values, or fields and values in turn.
    rest: listpack::Iter<'a>,
}

/// Pairs of field and value of an entry.
#[derive(Debug, Clone)]
pub struct Pairs<'a> {
    left: usize,
    fields: Option<listpack::Iter<'a>>,
    rest: listpack::Iter<'a>,
}

/// The master entry.
#[derive(Debug, Clone, Copy)]
struct Master {
    live: u64,
    deleted: u64,
    fields: usize,
    /// Where the fields begin.
    first_field: Pos,
    /// Where the first entry begins.
    first_entry: Pos,
}

impl Node {
    /// A node of one entry.
    pub(super) fn begin(pairs: &[&[u8]]) -> Node {
        let fields = pairs.len() / 2;
        let mut elements: SmallVec<[Encoded<'_>; 24]> = SmallVec::new();
        let number = |number: usize| Encoded::new(Entry::Int(number as i64));
        elements.extend([number(1), number(0), number(fields)]);
        elements.extend(pairs.iter().step_by(2).map(|field| Encoded::of(field)));
        elements.push(number(0));
        elements.extend([Encoded::new(Entry::Int(SAME_FIELDS)), number(0), number(0)]);
        elements.extend(pairs.iter().skip(1).step_by(2).map(|value| Encoded::of(value)));
        elements.push(number(fields + 3));
        let mut node = Node::of(&listpack::new());
        node.append_elements(&elements, 0);
        node
    }

    /// The node of bytes from outside that lie under an ID.
    ///
    /// # Errors
    /// The bytes are no listpack, or none of a stream's node with at least one live entry, or IDs
    /// do not ascend from the node's own.
    pub(super) fn from_bytes(master_id: Id, lp: &[u8]) -> Result<Node, Corrupt> {
        listpack::validate(lp)?;
        if lp.len() > listpack::MAX_BYTES {
            return Err(Corrupt::new("stream node is too large", lp.len()));
        }
        check(master_id, lp)?;
        Ok(Node::of(lp))
    }

    fn of(lp: &[u8]) -> Node {
        Node { buffer: lp.into(), end: lp.len() as u32 }
    }

    /// The listpack.
    #[inline]
    pub(super) fn lp(&self) -> &[u8] {
        &self.buffer[..self.end as usize]
    }

    /// Bytes of memory.
    #[inline]
    pub(super) fn bytes(&self) -> u64 {
        (ARC_BYTES + self.buffer.len()) as u64
    }

    /// Entries that are not deleted.
    #[inline]
    pub(super) fn live(&self) -> u64 {
        self.counts().0
    }

    /// Entries that are not deleted, and those that are.
    #[inline]
    pub(super) fn counts(&self) -> (u64, u64) {
        let mut elements = listpack::iter(self.lp());
        let mut next = || elements.next().map_or(0, |element| int(element).cast_unsigned());
        (next(), next())
    }

    /// Adds an entry behind the last one.
    pub(super) fn append(&mut self, master_id: Id, id: Id, pairs: &[&[u8]], most_bytes: usize) {
        let lp = self.lp();
        let master = Master::of(lp);
        let same = master.fields * 2 == pairs.len() && {
            let own = listpack::iter_from(lp, master.first_field);
            own.zip(pairs.iter().step_by(2)).all(|(own, field)| own.eq_bytes(field))
        };
        let number = |number: u64| Encoded::new(Entry::Int(number.cast_signed()));
        let mut elements: SmallVec<[Encoded<'_>; 24]> = SmallVec::new();
        elements.push(number(if same { SAME_FIELDS as u64 } else { 0 }));
        elements.push(number(id.ms.wrapping_sub(master_id.ms)));
        elements.push(number(id.seq.wrapping_sub(master_id.seq)));
        if same {
            elements.extend(pairs.iter().skip(1).step_by(2).map(|value| Encoded::of(value)));
        } else {
            elements.push(number(pairs.len() as u64 / 2));
            elements.extend(pairs.iter().map(|word| Encoded::of(word)));
        }
        elements.push(number(elements.len() as u64));
        self.append_elements(&elements, most_bytes);
        self.set_counts(master.live + 1, master.deleted);
    }

    /// Marks an entry as deleted; whether it was there.
    pub(super) fn delete(&mut self, master_id: Id, id: Id) -> bool {
        let mut at = None;
        each_place(self.lp(), master_id, |place, entry_id, deleted| {
            if deleted || entry_id < id {
                return true;
            }
            at = (entry_id == id).then_some(place);
            false
        });
        let Some(at) = at else { return false };
        self.mark_deleted(&[at]);
        true
    }

    /// Marks entries as deleted from the first on, as long as `goes` says so of each live one; how
    /// many.
    pub(super) fn delete_leading(
        &mut self,
        master_id: Id,
        mut goes: impl FnMut(Id) -> bool,
    ) -> u64 {
        let mut places: SmallVec<[Pos; 128]> = SmallVec::new();
        each_place(self.lp(), master_id, |place, id, deleted| {
            let more = deleted || goes(id);
            if more && !deleted {
                places.push(place);
            }
            more
        });
        self.mark_deleted(&places);
        places.len() as u64
    }

    /// Gives slack back: for a node that will hardly grow.
    pub(super) fn trim(&mut self) {
        if self.buffer.len() > self.end as usize {
            self.buffer = self.lp().into();
        }
    }

    /// All entries, deleted ones too.
    pub(super) fn entries(&self, master_id: Id) -> NodeEntries<'_> {
        let master = Master::of(self.lp());
        NodeEntries::new(self.lp(), master_id, master)
    }

    fn mark_deleted(&mut self, places: &[Pos]) {
        let master = Master::of(self.lp());
        // From the last on, should an element change its length.
        for &place in places.iter().rev() {
            let flags = int(listpack::entry(self.lp(), place));
            self.set(place, flags | DELETED);
        }
        let gone = places.len() as u64;
        self.set_counts(master.live.saturating_sub(gone), master.deleted + gone);
    }

    fn set_counts(&mut self, live: u64, deleted: u64) {
        let Some(first) = listpack::first(self.lp()) else { return };
        if let Some(second) = listpack::next(self.lp(), first) {
            self.set(second, deleted.cast_signed());
        }
        self.set(first, live.cast_signed());
    }

    /// Puts a number in the place of an element.
    fn set(&mut self, place: Pos, number: i64) {
        let cut = listpack::span(self.lp(), place);
        if int(listpack::entry(self.lp(), place)) == number {
            return;
        }
        let (at, entry) = (cut.start, Encoded::new(Entry::Int(number)));
        let lp = self.splice(cut, entry.len(), 0);
        entry.write_over(&mut lp[at..at + entry.len()]);
        listpack::restate(lp, 0, 0);
    }

    fn append_elements(&mut self, elements: &[Encoded<'_>], most_bytes: usize) {
        let room = elements.iter().map(Encoded::len).sum();
        let mut at = self.end as usize - 1;
        let lp = self.splice(at..at, room, most_bytes);
        for element in elements {
            element.write_over(&mut lp[at..at + element.len()]);
            at += element.len();
        }
        listpack::restate(lp, elements.len(), 0);
    }

    /// Puts `gap` bytes in place of the listpack's bytes `cut`; the listpack, to be written.
    fn splice(&mut self, cut: Range<usize>, gap: usize, most_bytes: usize) -> &mut [u8] {
        let (len, rest) = (self.end as usize, cut.start + gap);
        let new_len = len - cut.len() + gap;
        self.end = new_len as u32;
        if new_len > self.buffer.len() {
            let grown = new_len + (new_len / 8).max(LEAST_STEP);
            let room = if most_bytes == 0 { new_len } else { grown.min(most_bytes.max(new_len)) };
            let old = std::mem::replace(&mut self.buffer, std::iter::repeat_n(0, room).collect());
            let fresh = Arc::make_mut(&mut self.buffer);
            fresh[..cut.start].copy_from_slice(&old[..cut.start]);
            fresh[rest..new_len].copy_from_slice(&old[cut.end..len]);
        } else {
            let buffer = Arc::make_mut(&mut self.buffer);
            if cut.end != rest {
                buffer.copy_within(cut.end..len, rest);
            }
        }
        &mut Arc::make_mut(&mut self.buffer)[..new_len]
    }
}

impl Master {
    fn of(lp: &[u8]) -> Master {
        let end = listpack::end(lp);
        let after = |pos: Pos| listpack::next(lp, pos).unwrap_or(end);
        let number = |pos: Pos| int(listpack::entry(lp, pos)).cast_unsigned();
        let live = listpack::first(lp).unwrap_or(end);
        let deleted = after(live);
        let fields = after(deleted);
        let first_field = after(fields);
        let count = number(fields) as usize;
        let terminator = (0..count).fold(first_field, |pos, _| after(pos));
        Master {
            live: number(live),
            deleted: number(deleted),
            fields: count,
            first_field,
            first_entry: after(terminator),
        }
    }
}

/// Visits the place, ID and deletion of each entry, until the visitor says no.
fn each_place(lp: &[u8], master_id: Id, mut visit: impl FnMut(Pos, Id, bool) -> bool) {
    let master = Master::of(lp);
    let end = listpack::end(lp);
    let mut at = master.first_entry;
    while at != end {
        let mut next = at;
        let mut number = || {
            let value = int(listpack::entry(lp, next));
            next = listpack::next(lp, next).unwrap_or(end);
            value
        };
        let (flags, ms, seq) = (number(), number(), number());
        let values = match flags & SAME_FIELDS {
            0 => 2 * number().max(0) as usize,
            _ => master.fields,
        };
        if !visit(at, id_of(master_id, ms, seq), flags & DELETED != 0) {
            return;
        }
        // The values, and the number of elements.
        at = (0..=values).fold(next, |pos, _| listpack::next(lp, pos).unwrap_or(end));
    }
}

/// Entries of a node, deleted ones too, from either end.
#[derive(Debug, Clone)]
pub(super) struct NodeEntries<'a> {
    lp: &'a [u8],
    master_id: Id,
    master: Master,
    fields: listpack::Iter<'a>,
    front: listpack::Iter<'a>,
    /// Entries that neither end has given yet.
    left: u64,
    back: Pos,
}

impl<'a> NodeEntries<'a> {
    fn new(lp: &'a [u8], master_id: Id, master: Master) -> Self {
        NodeEntries {
            lp,
            master_id,
            master,
            fields: listpack::iter_from(lp, master.first_field),
            front: listpack::iter_from(lp, master.first_entry),
            left: master.live + master.deleted,
            back: listpack::end(lp),
        }
    }

    /// The entry that begins here, but for its values.
    fn head(&self, elements: &mut listpack::Iter<'a>) -> Option<EntryRef<'a>> {
        let flags = int(elements.next()?);
        let (ms, seq) = (int(elements.next()?), int(elements.next()?));
        let same = flags & SAME_FIELDS != 0;
        let pairs = if same { self.master.fields } else { int(elements.next()?).max(0) as usize };
        Some(EntryRef {
            id: id_of(self.master_id, ms, seq),
            deleted: flags & DELETED != 0,
            pairs,
            fields: same.then(|| self.fields.clone()),
            rest: elements.clone(),
        })
    }
}

impl<'a> Iterator for NodeEntries<'a> {
    type Item = EntryRef<'a>;

    fn next(&mut self) -> Option<EntryRef<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut elements = self.front.clone();
        let entry = self.head(&mut elements)?;
        let values = if entry.fields.is_some() { entry.pairs } else { 2 * entry.pairs };
        // The values, and the number of elements.
        elements.nth(values)?;
        self.front = elements;
        Some(entry)
    }
}

impl DoubleEndedIterator for NodeEntries<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let mut at = listpack::prev(self.lp, self.back)?;
        for _ in 0..int(listpack::entry(self.lp, at)).max(0) {
            at = listpack::prev(self.lp, at)?;
        }
        self.back = at;
        self.head(&mut listpack::iter_from(self.lp, at))
    }
}

impl<'a> EntryRef<'a> {
    /// Whether it was deleted: only what looks at nodes meets such entries.
    pub fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// How many pairs of field and value it has.
    pub fn len(&self) -> usize {
        self.pairs
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.pairs == 0
    }

    /// Its pairs of field and value.
    pub fn pairs(&self) -> Pairs<'a> {
        Pairs { left: self.pairs, fields: self.fields.clone(), rest: self.rest.clone() }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Entry<'a>, Entry<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let field = match &mut self.fields {
            Some(fields) => fields.next()?,
            None => self.rest.next()?,
        };
        Some((field, self.rest.next()?))
    }
}

/// A number of the structure. Where a stranger's bytes have a text, [`check`] has refused them.
#[inline]
fn int(entry: Entry<'_>) -> i64 {
    match entry {
        Entry::Int(value) => value,
        Entry::Str(_) => 0,
    }
}

#[inline]
fn id_of(master_id: Id, ms: i64, seq: i64) -> Id {
    Id {
        ms: master_id.ms.wrapping_add(ms.cast_unsigned()),
        seq: master_id.seq.wrapping_add(seq.cast_unsigned()),
    }
}

/// Checks that a sound listpack is a node.
fn check(master_id: Id, lp: &[u8]) -> Result<(), Corrupt> {
    let wrong = |why| Corrupt::new(why, 0);
    let mut elements = listpack::iter(lp);
    let number = |elements: &mut listpack::Iter<'_>| match elements.next() {
        Some(Entry::Int(value)) => Ok(value),
        _ => Err(wrong("stream node has no number where one belongs")),
    };
    let count = |elements: &mut listpack::Iter<'_>| {
        let value = number(elements)?;
        usize::try_from(value).map_err(|_| wrong("stream node has a negative count"))
    };
    // No count is larger than the bytes, so that skipping ends.
    let skip = |elements: &mut listpack::Iter<'_>, values: usize| match values.checked_sub(1) {
        Some(last) if values <= lp.len() && elements.nth(last).is_some() => Ok(()),
        None => Ok(()),
        _ => Err(wrong("stream node is cut off")),
    };
    let (live, deleted, fields) =
        (count(&mut elements)?, count(&mut elements)?, count(&mut elements)?);
    skip(&mut elements, fields)?;
    if number(&mut elements)? != 0 {
        return Err(wrong("stream node has no end of its master entry"));
    }
    let (mut seen, mut seen_deleted, mut last) = (0, 0, None);
    while elements.clone().next().is_some() {
        let flags = number(&mut elements)?;
        let id = id_of(master_id, number(&mut elements)?, number(&mut elements)?);
        if flags & !(DELETED | SAME_FIELDS) != 0 {
            return Err(wrong("stream entry has unknown flags"));
        }
        // A deleted one may be larger than those that follow: `XSETID` can go back behind it.
        let is_live = flags & DELETED == 0;
        if is_live && (id < master_id || last.is_some_and(|last| last >= id)) {
            return Err(wrong("stream entries do not ascend"));
        }
        let (values, head) = match flags & SAME_FIELDS {
            0 => {
                let pairs = count(&mut elements)?;
                (pairs.checked_mul(2).ok_or(wrong("stream entry is cut off"))?, 4)
            }
            _ => (fields, 3),
        };
        skip(&mut elements, values)?;
        if count(&mut elements)? != values + head {
            return Err(wrong("stream entry has a wrong number of elements"));
        }
        last = if is_live { Some(id) } else { last };
        seen += 1;
        seen_deleted += usize::from(flags & DELETED != 0);
    }
    if live == 0 || seen_deleted != deleted || seen - seen_deleted != live {
        return Err(wrong("stream node has a wrong number of entries"));
    }
    Ok(())
}
