//! Values that outgrew their entry, each with memory of its own.
//!
//! One module a type, always in this order: structure, encodings, keyspace-aware API. Commands
//! use the last only.

pub mod bits;
pub mod dict;
pub mod dump;
pub mod elements;
pub mod geo;
pub mod hash;
pub mod hyperloglog;
pub mod lcs;
pub mod list;
pub mod long_double;
pub mod partial_sort;
pub mod set;
pub mod sorted;
pub mod stream;
pub mod string;

use crate::keyspace::Kind;

/// Elements that share a block of memory in a hash table or a tree, at least.
const ELEMENTS_A_BLOCK: usize = 32;

/// A collection with memory of its own.
#[derive(Debug, Clone)]
pub enum Object {
    /// A hash in a table of fields; apart, so that other collections do not grow with it.
    Hash(Box<hash::Fields>),
    /// A list in chunks.
    List(list::Chunks),
    /// A set in a hash table.
    Set(set::Members),
    /// A sorted set in a tree; apart, so that other collections' objects do not grow with it.
    Sorted(Box<sorted::Big>),
    /// A stream.
    Stream(Box<stream::Stream>),
}

impl Object {
    /// The kind of entry that holds it.
    pub fn kind(&self) -> Kind {
        match self {
            Object::Hash(_) => Kind::HashTable,
            Object::List(_) => Kind::ListChunks,
            Object::Set(_) => Kind::SetTable,
            Object::Sorted(_) => Kind::SortedTree,
            Object::Stream(_) => Kind::Stream,
        }
    }

    /// Bytes that it takes, known exactly at any time.
    pub fn bytes(&self) -> u64 {
        match self {
            Object::Hash(fields) => fields.bytes(),
            Object::List(list) => list.bytes(),
            Object::Set(set) => set.bytes(),
            Object::Sorted(set) => set.bytes(),
            Object::Stream(stream) => stream.bytes(),
        }
    }

    /// The table in which a request's element is most likely looked up, and that element.
    pub(crate) fn lookup<'w>(&self, words: &[&'w [u8]]) -> Option<(&dict::Dict, &'w [u8])> {
        match self {
            Object::Hash(fields) => Some((fields.dict(), words.get(2)?)),
            Object::Set(set) => Some((set.dict(), words.get(2)?)),
            // Scores stand before their members.
            Object::Sorted(set) => Some((set.scores(), words.last()?)),
            Object::List(_) | Object::Stream(_) => None,
        }
    }

    /// Parts that are freed one by one, as Redis counts them.
    pub(crate) fn parts(&self) -> usize {
        match self {
            Object::Hash(fields) => fields.dict().len(),
            Object::List(list) => list.nodes().len(),
            Object::Set(set) => set.len(),
            Object::Sorted(set) => set.len(),
            Object::Stream(stream) => {
                let pending = |(_, group): (&[u8], &stream::Group)| 1 + group.pending_count();
                stream.entries().nodes().count() + stream.groups().map(pending).sum::<usize>()
            }
        }
    }

    /// Gives back about so many blocks of memory; whether next to nothing is left. The value is
    /// good for nothing else afterwards.
    pub(crate) fn free_some(&mut self, blocks: usize) -> bool {
        match self {
            Object::Hash(fields) => fields.dict_mut().free_some(blocks * ELEMENTS_A_BLOCK),
            Object::List(list) => list.free_some(blocks),
            Object::Set(set) => set.free_some(blocks * ELEMENTS_A_BLOCK),
            Object::Sorted(set) => set.free_some(blocks * ELEMENTS_A_BLOCK),
            Object::Stream(stream) => stream.free_some(blocks * ELEMENTS_A_BLOCK),
        }
    }
}
