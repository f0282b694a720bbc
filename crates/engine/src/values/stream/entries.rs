//! The entries of a stream: nodes by their ID, and the figures that Redis keeps beside them.
//!
//! Adding is O(1) amortised; finding an entry is two binary searches and a walk through one node.
//! Whole nodes fall out when the stream is trimmed; who trims gives them back when there is time.
//! Knows no consumer group.

use super::id::Id;
use super::node::{EntryRef, Node, NodeEntries};
use super::ordered::{self, Ordered};
use crate::config::Config;
use larder_codec::Corrupt;

/// Most bytes of fields and values of an entry, and of a node.
pub const MAX_BYTES: usize = 1 << 30;

/// Nodes that fall out one by one are freed at once; from so many on, when there is time.
const FREE_AT_ONCE: usize = 8;

/// How much a node may hold: `stream-node-max-bytes` and `stream-node-max-entries`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub bytes: usize,
    /// Entries, deleted ones too; 0 for no limit.
    pub entries: u64,
}

/// What is to be trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// So many entries, the newest.
    Newest(u64),
    /// Entries of this ID and above.
    From(Id),
}

/// How to trim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trimming {
    /// What stays.
    pub keep: Keep,
    /// Only whole nodes go.
    pub whole_nodes: bool,
    /// No more entries than these go; 0 for no limit.
    pub limit: u64,
}

/// The figures of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// The largest ID that an entry was ever given, or that was set.
    pub last_id: Id,
    /// The largest ID that was deleted by itself; 0-0 if none was.
    pub max_deleted_id: Id,
    /// How many entries were ever added.
    pub entries_added: u64,
}

/// The entries of a stream.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    nodes: Ordered<Id, Node>,
    /// Bytes of the nodes.
    node_bytes: u64,
    len: u64,
    first_id: Id,
    figures: Figures,
}

impl Limits {
    /// As the settings say.
    pub fn of(config: &Config) -> Limits {
        let bytes = match config.stream_node_max_bytes() {
            0 => MAX_BYTES,
            bytes => bytes.min(MAX_BYTES),
        };
        Limits { bytes, entries: config.stream_node_max_entries() }
    }

    /// How many entries one approximate trimming takes out at most, if nobody says.
    pub fn approximate(self) -> u64 {
        match self.entries.saturating_mul(100) {
            0 => 10_000,
            entries => entries.min(1_000_000),
        }
    }
}

impl Entries {
    /// The entries of nodes from outside.
    ///
    /// # Errors
    /// Bytes that are no node, nodes out of order, or figures that cannot be.
    pub(super) fn of_parts<B: AsRef<[u8]>>(
        nodes: impl IntoIterator<Item = (Id, B)>,
        figures: Figures,
    ) -> Result<Entries, Corrupt> {
        let mut entries = Entries { figures, ..Entries::default() };
        for (id, lp) in nodes {
            let last = entries.last().map(|entry| entry.id);
            let after_all = entries.nodes.last().is_none_or(|(last, _)| *last < id)
                && last.is_none_or(|last| last < id);
            if !after_all {
                return Err(Corrupt::new("stream nodes do not ascend", 0));
            }
            entries.push_node(id, Node::from_bytes(id, lp.as_ref())?);
        }
        entries.len = entries.nodes.iter().map(|(_, node)| node.live()).sum();
        entries.first_id = entries.first().map_or(Id::MIN, |entry| entry.id);
        if entries.last().is_some_and(|entry| entry.id > figures.last_id) {
            return Err(Corrupt::new("stream has entries behind its last ID", 0));
        }
        Ok(entries)
    }

    /// Entries.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first entry's ID; 0-0 if there is none.
    pub fn first_id(&self) -> Id {
        self.first_id
    }

    /// The largest ID that was ever given.
    pub fn last_id(&self) -> Id {
        self.figures.last_id
    }

    /// What is kept beside the entries.
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// Sets them: `XSETID`.
    pub fn set_figures(&mut self, figures: Figures) {
        self.figures = figures;
    }

    /// Nodes, and chunks of the directory above them.
    pub fn node_counts(&self) -> (usize, usize) {
        (self.nodes.len(), self.nodes.chunks())
    }

    /// Bytes beside the struct itself.
    pub(super) fn bytes(&self) -> u64 {
        self.nodes.bytes() + self.node_bytes
    }

    /// The nodes for saving: ID and listpack.
    pub fn nodes(&self) -> impl Iterator<Item = (Id, &[u8])> {
        self.nodes.iter().map(|(id, node)| (*id, node.lp()))
    }

    /// Adds an entry behind all others. Its ID must be larger than the last one, and there must be
    /// pairs of field and value of no more than [`MAX_BYTES`].
    pub fn append(&mut self, id: Id, pairs: &[&[u8]], limits: Limits) {
        let bytes: usize = pairs.iter().map(|word| word.len()).sum();
        let has_room = |node: &Node| {
            let (live, deleted) = node.counts();
            node.lp().len() + bytes < limits.bytes
                && (limits.entries == 0 || live + deleted < limits.entries)
        };
        match self.nodes.last_mut() {
            Some((master_id, node)) if has_room(node) => {
                let before = node.bytes();
                node.append(*master_id, id, pairs, limits.bytes);
                self.node_bytes = self.node_bytes - before + node.bytes();
            }
            last => {
                if let Some((_, node)) = last {
                    let before = node.bytes();
                    node.trim();
                    self.node_bytes = self.node_bytes - before + node.bytes();
                }
                self.push_node(id, Node::begin(pairs));
            }
        }
        self.len += 1;
        if self.len == 1 {
            self.first_id = id;
        }
        self.figures.last_id = id;
        self.figures.entries_added += 1;
    }

    /// Deletes an entry; whether it was there.
    pub fn delete(&mut self, id: Id) -> bool {
        if self.get(id).is_none() {
            return false;
        }
        let Some((&node_id, node)) = self.nodes.up_to(&id).next_back() else { return false };
        if node.live() == 1 {
            self.remove_node(node_id);
        } else if let Some(node) = self.nodes.get_mut(&node_id) {
            let before = node.bytes();
            node.delete(node_id, id);
            self.node_bytes = self.node_bytes - before + node.bytes();
        }
        self.len -= 1;
        if id == self.first_id {
            self.find_first();
        }
        self.figures.max_deleted_id = self.figures.max_deleted_id.max(id);
        true
    }

    /// Whether trimming would take anything out.
    pub fn would_trim(&self, trimming: Trimming) -> bool {
        let Some((id, node)) = self.nodes.first() else { return false };
        if !trimming.whole_nodes {
            return match trimming.keep {
                Keep::Newest(most) => self.len > most,
                Keep::From(first) => self.first_id < first,
            };
        }
        let live = node.live();
        (trimming.limit == 0 || live <= trimming.limit)
            && match trimming.keep {
                Keep::Newest(most) => self.len > most && self.len - live >= most,
                Keep::From(first) => {
                    node.entries(*id).next_back().is_none_or(|entry| entry.id < first)
                }
            }
    }

    /// Trims from the first entry on; how many went. `fallen` gets nodes to be freed later.
    pub fn trim(&mut self, trimming: Trimming, fallen: &mut Option<Box<Entries>>) -> u64 {
        let before = self.len;
        if let Keep::Newest(most) = trimming.keep
            && self.len <= most
        {
            return 0;
        }
        let nodes_before = self.nodes.len();
        while let Some((&id, node)) = self.nodes.first() {
            let live = node.live();
            if matches!(trimming.keep, Keep::Newest(most) if self.len <= most)
                || trimming.limit > 0 && before - self.len + live > trimming.limit
            {
                break;
            }
            let goes = match trimming.keep {
                Keep::Newest(most) => self.len - live >= most,
                Keep::From(first) => {
                    node.entries(id).next_back().is_none_or(|entry| entry.id < first)
                }
            };
            if !goes {
                if !trimming.whole_nodes {
                    self.trim_in_first_node(id, trimming.keep);
                }
                break;
            }
            self.len -= live;
            if nodes_before - self.nodes.len() < FREE_AT_ONCE {
                self.remove_node(id);
            } else if let Some((id, node)) = self.nodes.pop_first() {
                self.node_bytes -= node.bytes();
                fallen.get_or_insert_default().push_node(id, node);
            }
        }
        if self.len < before {
            self.find_first();
        }
        before - self.len
    }

    /// Entries from one ID to another, both included.
    pub fn range(&self, from: Id, to: Id) -> Range<'_> {
        // The node that begins before may hold the first.
        let first_node = self.nodes.up_to(&from).next_back().map_or(from, |(id, _)| *id);
        let nodes =
            if from <= to { self.nodes.from(&first_node) } else { self.nodes.from(&Id::MAX) };
        Range { nodes, node: None, from, to }
    }

    /// The same from the last to the first.
    pub fn range_back(&self, from: Id, to: Id) -> RangeBack<'_> {
        RangeBack { nodes: self.nodes.up_to(&to), node: None, from, to }
    }

    /// How many entries there are from one ID to another, counted up to `most` (0: all).
    pub fn count(&self, from: Id, to: Id, most: u64) -> u64 {
        let most = if most == 0 { u64::MAX } else { most };
        if from > to {
            return 0;
        }
        if from <= self.first_id && self.last_id() <= to {
            return self.len.min(most);
        }
        let first_node = self.nodes.up_to(&from).next_back().map_or(from, |(id, _)| *id);
        let mut nodes = self.nodes.from(&first_node).peekable();
        let mut count = 0;
        while let Some((&id, node)) = nodes.next()
            && id <= to
            && count < most
        {
            let next = nodes.peek().map_or(self.last_id().next(), |(next, _)| Some(**next));
            // All of it lies before the next node.
            let whole = id >= from && next.is_some_and(|next| next.previous() <= Some(to));
            count += if whole {
                node.live()
            } else {
                let live = node.entries(id).filter(|entry| !entry.is_deleted());
                let inside = live.skip_while(|entry| entry.id < from);
                let inside = inside.take_while(|entry| entry.id <= to);
                inside.take((most - count).min(1 << 31) as usize).count() as u64
            };
        }
        count.min(most)
    }

    /// One entry.
    pub fn get(&self, id: Id) -> Option<EntryRef<'_>> {
        let (&master_id, node) = self.nodes.up_to(&id).next_back()?;
        let mut live = node.entries(master_id).filter(|entry| !entry.is_deleted());
        live.find(|entry| entry.id >= id).filter(|entry| entry.id == id)
    }

    /// The first entry.
    pub fn first(&self) -> Option<EntryRef<'_>> {
        self.range(Id::MIN, Id::MAX).next()
    }

    /// The last entry.
    pub fn last(&self) -> Option<EntryRef<'_>> {
        self.range_back(Id::MIN, Id::MAX).next()
    }

    /// The ID where the first node's entries begin, deleted ones too.
    pub fn first_id_of_all(&self) -> Option<Id> {
        let (id, node) = self.nodes.first()?;
        node.entries(*id).next().map(|entry| entry.id)
    }

    /// Whether an entry of this ID or above was deleted by itself.
    pub fn has_gaps_from(&self, id: Id) -> bool {
        self.len > 0 && self.figures.max_deleted_id != Id::MIN && id <= self.figures.max_deleted_id
    }

    /// How many entries were ever added up to and with an ID, as far as that can be told without
    /// counting: at the ends of a stream, and where nothing was deleted by itself.
    pub fn added_up_to(&self, id: Id) -> Option<u64> {
        let Figures { last_id, max_deleted_id, entries_added } = self.figures;
        if entries_added == 0 {
            return Some(0);
        }
        if self.len == 0 && id <= last_id {
            return Some(entries_added);
        }
        if id != Id::MIN && id < max_deleted_id || id > last_id {
            return None;
        }
        if id == last_id {
            return Some(entries_added);
        }
        let no_gaps = max_deleted_id == Id::MIN || max_deleted_id < self.first_id;
        let before_first = entries_added.wrapping_sub(self.len);
        match id.cmp(&self.first_id) {
            std::cmp::Ordering::Less if no_gaps => Some(before_first),
            std::cmp::Ordering::Equal if no_gaps => Some(before_first.wrapping_add(1)),
            _ => None,
        }
    }

    /// Gives back about so many entries' worth of nodes; whether nothing is left.
    pub(super) fn free_some(&mut self, budget: &mut usize) -> bool {
        while *budget > 0
            && let Some((id, node)) = self.nodes.last()
        {
            *budget = budget.saturating_sub(node.live().max(1) as usize);
            let id = *id;
            self.remove_node(id);
        }
        self.nodes.is_empty()
    }

    fn push_node(&mut self, id: Id, node: Node) {
        self.node_bytes += node.bytes();
        self.nodes.insert(id, node);
    }

    fn remove_node(&mut self, id: Id) {
        if let Some(node) = self.nodes.remove(&id) {
            self.node_bytes -= node.bytes();
        }
    }

    fn trim_in_first_node(&mut self, id: Id, keep: Keep) {
        let len = self.len;
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let before = node.bytes();
        let mut gone = 0;
        node.delete_leading(id, |entry_id| {
            let goes = match keep {
                Keep::Newest(most) => len - gone > most,
                Keep::From(first) => entry_id < first,
            };
            gone += u64::from(goes);
            goes
        });
        self.node_bytes = self.node_bytes - before + node.bytes();
        self.len -= gone;
        if node.live() == 0 {
            self.remove_node(id);
        }
    }

    fn find_first(&mut self) {
        self.first_id = self.first().map_or(Id::MIN, |entry| entry.id);
    }

    /// How many nodes a copy does not share.
    #[cfg(test)]
    pub(super) fn own_nodes(&self, copy: &Entries) -> usize {
        let shared = |id: &Id, node: &Node| {
            copy.nodes.get(id).is_some_and(|other| node.lp().as_ptr() == other.lp().as_ptr())
        };
        self.nodes.iter().filter(|(id, node)| !shared(id, node)).count()
    }

    /// Counts everything anew.
    #[cfg(test)]
    pub(super) fn check(&self) {
        self.nodes.check();
        assert_eq!(self.node_bytes, self.nodes.iter().map(|(_, node)| node.bytes()).sum::<u64>());
        assert_eq!(self.len, self.range(Id::MIN, Id::MAX).count() as u64);
        let again = Entries::of_parts(self.nodes(), self.figures).expect("sound nodes");
        assert_eq!((again.len, again.first_id), (self.len, self.first_id));
    }
}

/// Entries in order; see [`Entries::range`].
#[derive(Debug, Clone)]
pub struct Range<'a> {
    nodes: ordered::Iter<'a, Id, Node>,
    node: Option<NodeEntries<'a>>,
    from: Id,
    to: Id,
}

impl<'a> Iterator for Range<'a> {
    type Item = EntryRef<'a>;

    fn next(&mut self) -> Option<EntryRef<'a>> {
        loop {
            for entry in self.node.iter_mut().flatten() {
                if entry.is_deleted() || entry.id < self.from {
                    continue;
                }
                if entry.id <= self.to {
                    return Some(entry);
                }
                (self.from, self.to) = (Id::MAX, Id::MIN);
                return None;
            }
            let (&id, node) = self.nodes.next()?;
            if id > self.to {
                return None;
            }
            self.node = Some(node.entries(id));
        }
    }
}

/// Entries from the last to the first; see [`Entries::range_back`].
#[derive(Debug, Clone)]
pub struct RangeBack<'a> {
    nodes: ordered::Iter<'a, Id, Node>,
    node: Option<NodeEntries<'a>>,
    from: Id,
    to: Id,
}

impl<'a> Iterator for RangeBack<'a> {
    type Item = EntryRef<'a>;

    fn next(&mut self) -> Option<EntryRef<'a>> {
        loop {
            for entry in self.node.iter_mut().flat_map(Iterator::rev) {
                if entry.is_deleted() || entry.id > self.to {
                    continue;
                }
                if entry.id >= self.from {
                    return Some(entry);
                }
                (self.from, self.to) = (Id::MAX, Id::MIN);
                return None;
            }
            let (&id, node) = self.nodes.next_back()?;
            self.node = Some(node.entries(id));
        }
    }
}
