//! The entry: one allocation with header, optional expiry, key and value.
//!
//! ```text
//! header, 8 bytes                                 with TTL, 16 bytes       then
//! ┌──────┬───────┬────────┬───────────┬──────┬──────┐┌──────────┬──────┬──────┐┌─────┬─────┬─────┬───────┐
//! │ kind │ epoch │ access │ namespace │ klen │ vlen ││ deadline │ prev │ next ││klen?│vlen?│ key │ value │
//! │  8   │   8   │   24   │     8     │  8   │  8   ││    64    │  32  │  32  ││ 32  │ 32  │     │       │
//! └──────┴───────┴────────┴───────────┴──────┴──────┘└──────────┴──────┴──────┘└─────┴─────┴─────┴───────┘
//! ```
//! * kind: [`Kind`] in four bits, bit 4 "a packed collection stands outside", bit 6 "has a TTL".
//! * epoch: the snapshot epoch in which the entry was last written or saved.
//! * access: LRU clock or LFU counter, 24 bits as in Redis.
//! * namespace: number of the namespace whose budget the entry counts in.
//! * klen, vlen: lengths up to 254; 255 says that a 32-bit length follows.
//! * deadline: milliseconds since the Unix epoch; prev and next link entries of one slot of the
//!   [`super::wheel`].
//! * A key above [`MAX_INLINE_KEY`] stands as a pointer. The value of an entry whose
//!   [`Entry::holds_pointer`] is the pointer of reference-counted bytes (a string or a packed
//!   collection above [`MAX_INLINE_VALUE`]) or of an object.
//!
//! **Invariant:** nothing outside of `keyspace` writes an entry.
#![allow(unsafe_code)]

use super::access::Access;
use super::arena::{Arena, Offset};
use super::gate::OwnedValue;
use crate::values::Object;
use crate::values::hash::Fields;
use std::ops::Range;
use std::sync::Arc;

/// A key longer than this is kept outside of the arena.
pub(crate) const MAX_INLINE_KEY: usize = 4096;

/// A value longer than this is kept outside of the arena.
pub(crate) const MAX_INLINE_VALUE: usize = 8192;

/// No packed collection is longer than this, whatever the settings allow; the bound of Redis's
/// listpacks.
pub(crate) const MAX_PACKED: usize = 1 << 30;

const HEADER: usize = 8;
const EXPIRY: usize = 16;
const POINTER: usize = 8;
const KIND: u64 = 0xf;
const OUTSIDE: u64 = 1 << 4;
const HAS_TTL: u64 = 1 << 6;
const KIND_MASK: u64 = 0x3f;

/// Bytes of a value that are shared instead of copied.
pub type SharedBytes = Arc<Vec<u8>>;

/// What a value is and how it is held. The numbers are internal; files have their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A string; its encoding name follows from its bytes.
    String = 0,
    /// A string that was changed in place (`APPEND`, `SETRANGE`), which Redis calls `raw`.
    RawString = 1,
    /// A string above [`MAX_INLINE_VALUE`], reference-counted.
    SharedString = 2,
    /// A list in one listpack.
    ListPack = 3,
    /// A list in chunks.
    ListChunks = 4,
    /// A set of integers, sorted.
    SetInts = 5,
    /// A set in one listpack.
    SetPack = 6,
    /// A set in a hash table.
    SetTable = 7,
    /// A hash in one listpack: field, value, field, value.
    HashPack = 8,
    /// A hash in a hash table, where fields may expire.
    HashTable = 9,
    /// A sorted set in one listpack: member, score, member, score, by score.
    SortedPack = 10,
    /// A sorted set in a tree with a table of its members.
    SortedTree = 11,
    /// A stream.
    Stream = 12,
}

/// The type of a value, as `TYPE` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// `string`
    String,
    /// `list`
    List,
    /// `set`
    Set,
    /// `hash`
    Hash,
    /// `zset`
    SortedSet,
    /// `stream`
    Stream,
}

impl Type {
    /// The name that `TYPE` answers.
    pub fn name(self) -> &'static str {
        match self {
            Type::String => "string",
            Type::List => "list",
            Type::Set => "set",
            Type::Hash => "hash",
            Type::SortedSet => "zset",
            Type::Stream => "stream",
        }
    }
}

impl Kind {
    /// By number; what a header cannot hold stands as a string.
    const ALL: [Kind; 16] = [
        Kind::String,
        Kind::RawString,
        Kind::SharedString,
        Kind::ListPack,
        Kind::ListChunks,
        Kind::SetInts,
        Kind::SetPack,
        Kind::SetTable,
        Kind::HashPack,
        Kind::HashTable,
        Kind::SortedPack,
        Kind::SortedTree,
        Kind::Stream,
        Kind::String,
        Kind::String,
        Kind::String,
    ];

    /// The type that this kind holds.
    pub fn type_of(self) -> Type {
        match self {
            Kind::String | Kind::RawString | Kind::SharedString => Type::String,
            Kind::ListPack | Kind::ListChunks => Type::List,
            Kind::SetInts | Kind::SetPack | Kind::SetTable => Type::Set,
            Kind::HashPack | Kind::HashTable => Type::Hash,
            Kind::SortedPack | Kind::SortedTree => Type::SortedSet,
            Kind::Stream => Type::Stream,
        }
    }

    /// Whether the value is a small collection in bytes, which may stand in the entry or outside.
    pub(crate) fn is_packed(self) -> bool {
        use Kind::{HashPack, ListPack, SetInts, SetPack, SortedPack};
        matches!(self, ListPack | SetInts | SetPack | HashPack | SortedPack)
    }

    /// Whether the value is an [`Object`] of its own.
    pub(crate) fn is_object(self) -> bool {
        matches!(
            self,
            Kind::ListChunks | Kind::SetTable | Kind::HashTable | Kind::SortedTree | Kind::Stream
        )
    }
}

/// What an entry's value is about to be.
#[derive(Debug)]
pub enum NewValue<'a> {
    /// Bytes that are copied into the entry (or shared, when they are many).
    Bytes(Kind, &'a [u8]),
    /// A [`Kind::SharedString`] or a packed collection above [`MAX_INLINE_VALUE`], shared and not
    /// copied.
    Shared(Kind, SharedBytes),
    /// A collection with memory of its own.
    Object(Box<Object>),
}

/// A value as a reader sees it.
#[derive(Debug, Clone, Copy)]
pub enum ValueRef<'a> {
    /// A string's bytes; the flag says that it was changed in place.
    String(&'a [u8], bool),
    /// A small collection in bytes of the kind's encoding.
    Packed(Kind, &'a [u8]),
    /// A collection with memory of its own.
    Object(Kind, &'a Object),
}

impl<'a> ValueRef<'a> {
    /// Bytes of a kind that is no object's.
    pub(crate) fn of_bytes(kind: Kind, bytes: &'a [u8]) -> ValueRef<'a> {
        match kind.type_of() {
            Type::String => ValueRef::String(bytes, kind != Kind::String),
            _ => ValueRef::Packed(kind, bytes),
        }
    }

    /// The value's type.
    pub fn type_of(&self) -> Type {
        match self {
            ValueRef::String(..) => Type::String,
            ValueRef::Packed(kind, _) | ValueRef::Object(kind, _) => kind.type_of(),
        }
    }
}

/// An entry in an arena. The one who makes it vouches that the offset is a live entry's.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    at: *mut u8,
}

/// Where things stand in an entry.
struct Layout {
    key: usize,
    klen: usize,
    value: usize,
    vlen: usize,
}

impl Entry {
    /// The entry at `offset`.
    ///
    /// # Safety
    /// `offset` is a live entry of `arena`, which outlives every use of what is returned, and
    /// nobody else writes to it meanwhile (the shard's lock is held).
    #[inline(always)]
    pub(crate) unsafe fn at(arena: &Arena, offset: Offset) -> Entry {
        Entry { at: arena.at(offset) }
    }

    /// Address of the header, for prefetching.
    #[inline(always)]
    pub(crate) fn address(self) -> *const u8 {
        self.at
    }

    #[inline(always)]
    fn header(self) -> u64 {
        // SAFETY: `Entry::at`'s contract; blocks are 8-byte aligned.
        unsafe { self.at.cast::<u64>().read() }
    }

    #[inline(always)]
    fn set_header(self, header: u64) {
        // SAFETY: as above.
        unsafe { self.at.cast::<u64>().write(header) }
    }

    #[inline(always)]
    pub(crate) fn kind(self) -> Kind {
        Kind::ALL[(self.header() & KIND) as usize]
    }

    /// Whether the value's bytes in the entry are a pointer.
    #[inline(always)]
    pub(crate) fn holds_pointer(self) -> bool {
        self.holds_shared() || self.kind().is_object()
    }

    /// Whether that is the pointer of reference-counted bytes.
    #[inline(always)]
    fn holds_shared(self) -> bool {
        self.header() & OUTSIDE != 0 || self.kind() == Kind::SharedString
    }

    #[inline(always)]
    pub(crate) fn has_ttl(self) -> bool {
        self.header() & HAS_TTL != 0
    }

    pub(crate) fn epoch(self) -> u8 {
        (self.header() >> 8) as u8
    }

    pub(crate) fn set_epoch(self, epoch: u8) {
        self.set_header(self.header() & !(0xff << 8) | u64::from(epoch) << 8);
    }

    /// LRU clock or LFU counter.
    pub(crate) fn access(self) -> u32 {
        (self.header() >> 16) as u32 & 0xff_ffff
    }

    #[inline(always)]
    pub(crate) fn set_access(self, access: u32) {
        let kept = self.header() & !(0xff_ffff << 16);
        self.set_header(kept | u64::from(access & 0xff_ffff) << 16);
    }

    /// Notes that the value was replaced or changed.
    #[inline(always)]
    pub(crate) fn note_written(self, access: Access) {
        self.set_access(access.written(self.access()));
    }

    #[inline(always)]
    fn layout(self) -> Layout {
        let header = self.header();
        let (mut klen, mut vlen) = ((header >> 48) as usize & 0xff, (header >> 56) as usize);
        let mut at = HEADER + if header & HAS_TTL != 0 { EXPIRY } else { 0 };
        if klen == 255 {
            // SAFETY: a klen of 255 says that a 32-bit length stands here.
            klen = unsafe { self.at.add(at).cast::<u32>().read_unaligned() } as usize;
            at += 4;
        }
        if vlen == 255 {
            // SAFETY: a vlen of 255 says that a 32-bit length stands here.
            vlen = unsafe { self.at.add(at).cast::<u32>().read_unaligned() } as usize;
            at += 4;
        }
        let stored = if klen > MAX_INLINE_KEY { POINTER } else { klen };
        Layout { key: at, klen, value: at + stored, vlen }
    }

    #[inline(always)]
    pub(crate) fn key<'a>(self) -> &'a [u8] {
        let layout = self.layout();
        // SAFETY: the key's bytes, or the pointer that `init` wrote, stand at `layout.key`.
        unsafe {
            let at = self.at.add(layout.key);
            let from = if layout.klen > MAX_INLINE_KEY {
                at.cast::<*const u8>().read_unaligned()
            } else {
                at
            };
            std::slice::from_raw_parts(from, layout.klen)
        }
    }

    /// Whether this entry's key is `key`, and nothing else read.
    #[inline(always)]
    pub(crate) fn key_is(self, key: &[u8]) -> bool {
        self.key() == key
    }

    #[inline(always)]
    pub(crate) fn value<'a>(self) -> ValueRef<'a> {
        let kind = self.kind();
        // SAFETY: each kind's form is what `init` wrote for it.
        unsafe {
            match kind {
                Kind::String => ValueRef::String(self.bytes(), false),
                Kind::RawString => ValueRef::String(self.bytes(), true),
                Kind::SharedString => {
                    let shared: *const Vec<u8> = self.pointer().cast();
                    ValueRef::String((*shared).as_slice(), true)
                }
                _ if kind.is_object() => ValueRef::Object(kind, &*self.pointer().cast::<Object>()),
                _ if self.holds_shared() => {
                    let shared: *const Vec<u8> = self.pointer().cast();
                    ValueRef::Packed(kind, (*shared).as_slice())
                }
                _ => ValueRef::Packed(kind, self.bytes()),
            }
        }
    }

    /// Whether nothing of the entry lives outside of the arena.
    #[inline(always)]
    pub(crate) fn is_all_inside(self) -> bool {
        let header = self.header();
        let klen8 = (header >> 48) as u8;
        !self.holds_pointer() && (klen8 < 255 || self.layout().klen <= MAX_INLINE_KEY)
    }

    /// The value's bytes in the entry (which are a pointer for some kinds).
    #[inline(always)]
    pub(crate) fn bytes<'a>(self) -> &'a [u8] {
        let layout = self.layout();
        // SAFETY: `init` wrote `vlen` bytes there.
        unsafe { std::slice::from_raw_parts(self.at.add(layout.value), layout.vlen) }
    }

    /// The value's bytes, to be overwritten in place.
    pub(crate) fn bytes_mut<'a>(self) -> &'a mut [u8] {
        let layout = self.layout();
        // SAFETY: as in `bytes`; the gate that calls this holds the shard's lock.
        unsafe { std::slice::from_raw_parts_mut(self.at.add(layout.value), layout.vlen) }
    }

    fn pointer(self) -> *mut u8 {
        debug_assert!(self.holds_pointer());
        let layout = self.layout();
        // SAFETY: such a value is the eight bytes that `init` wrote.
        unsafe { self.at.add(layout.value).cast::<*mut u8>().read_unaligned() }
    }

    /// A copy of the value; bytes that stand outside are shared.
    pub(crate) fn copy(self) -> OwnedValue {
        match self.shared() {
            Some(shared) => OwnedValue::Shared(self.kind(), shared),
            None => OwnedValue::copy_of(self.value()),
        }
    }

    /// The bytes that stand outside, one count more.
    pub(crate) fn shared(self) -> Option<SharedBytes> {
        if !self.holds_shared() {
            return None;
        }
        let raw: *const Vec<u8> = self.pointer().cast();
        // SAFETY: the entry owns one count of this Arc; we add one before taking one.
        unsafe {
            Arc::increment_strong_count(raw);
            Some(Arc::from_raw(raw))
        }
    }

    /// The bytes that stand outside, to be changed; those that somebody else shares are copied
    /// first.
    pub(crate) fn shared_mut<'a>(self) -> Option<&'a mut Vec<u8>> {
        if !self.holds_shared() {
            return None;
        }
        let layout = self.layout();
        // SAFETY: the entry owns one count of this Arc; it is lent to `make_mut`, which may
        // exchange it for another, and goes back into the entry before anything can fail.
        let raw = unsafe {
            let mut shared = Arc::from_raw(self.pointer().cast::<Vec<u8>>());
            Arc::make_mut(&mut shared);
            let raw = Arc::into_raw(shared).cast_mut();
            self.at.add(layout.value).cast::<*mut Vec<u8>>().write_unaligned(raw);
            raw
        };
        // SAFETY: nobody else has a count, and the caller holds the shard's lock.
        Some(unsafe { &mut *raw })
    }

    /// Notes that a string in the entry was changed in place.
    pub(crate) fn mark_raw(self) {
        debug_assert!(!self.holds_pointer() && self.kind().type_of() == Type::String);
        self.set_header(self.header() & !KIND_MASK | Kind::RawString as u64);
    }

    /// The object of an object kind, to be changed.
    pub(crate) fn object_mut<'a>(self) -> Option<&'a mut Object> {
        if !self.kind().is_object() {
            return None;
        }
        // SAFETY: the entry owns the box; the caller holds the shard's lock.
        Some(unsafe { &mut *self.pointer().cast::<Object>() })
    }

    /// Takes out what the entry points at; it must be freed or overwritten next.
    pub(crate) fn take_pointee(self) -> Option<Pointee> {
        if self.holds_shared() {
            // SAFETY: the entry owned this count, and gives it up here.
            return Some(Pointee::Shared(unsafe { Arc::from_raw(self.pointer().cast()) }));
        }
        if self.kind().is_object() {
            // SAFETY: the entry owned this box, and gives it up here.
            return Some(Pointee::Object(unsafe { Box::from_raw(self.pointer().cast()) }));
        }
        None
    }

    /// Takes a long key's box out; the entry must be freed next.
    pub(crate) fn take_long_key(self) -> Option<Box<[u8]>> {
        let key = self.key();
        if key.len() <= MAX_INLINE_KEY {
            return None;
        }
        // SAFETY: `init` leaked exactly this box; the entry is freed next.
        Some(unsafe { Box::from_raw(std::ptr::from_ref(key).cast_mut()) })
    }

    // Expiry and its links: only entries with a TTL have them.

    #[inline(always)]
    pub(crate) fn deadline_ms(self) -> Option<u64> {
        // SAFETY: the flag says that the expiry block stands after the header.
        self.has_ttl().then(|| unsafe { self.at.add(HEADER).cast::<u64>().read() })
    }

    /// Whether for every reader at `now_ms` the key is not there: it is due, or all fields of the
    /// hash that it holds are. Where what is due is kept, a hash without readable fields is there.
    #[inline(always)]
    pub(crate) fn is_gone(self, now_ms: u64, keeps_due: bool) -> bool {
        self.deadline_ms().is_some_and(|deadline_ms| deadline_ms <= now_ms)
            || self.kind() == Kind::HashTable
                && !keeps_due
                && self.fields().is_some_and(|fields| fields.all_due(now_ms))
    }

    /// Whether the entry holds a hash with fields that are due at `now_ms`.
    pub(crate) fn has_due_fields(self, now_ms: u64) -> bool {
        self.kind() == Kind::HashTable && self.fields().is_some_and(|fields| fields.any_due(now_ms))
    }

    fn fields<'a>(self) -> Option<&'a Fields> {
        match self.value() {
            ValueRef::Object(_, Object::Hash(fields)) => Some(fields),
            _ => None,
        }
    }

    pub(crate) fn set_deadline_ms(self, deadline_ms: u64) {
        debug_assert!(self.has_ttl());
        // SAFETY: as above.
        unsafe { self.at.add(HEADER).cast::<u64>().write(deadline_ms) }
    }

    pub(crate) fn links(self) -> (Offset, Offset) {
        debug_assert!(self.has_ttl());
        // SAFETY: as above.
        unsafe {
            let at = self.at.add(HEADER + 8).cast::<u32>();
            (at.read(), at.add(1).read())
        }
    }

    pub(crate) fn set_prev(self, prev: Offset) {
        debug_assert!(self.has_ttl());
        // SAFETY: as above.
        unsafe { self.at.add(HEADER + 8).cast::<u32>().write(prev) }
    }

    pub(crate) fn set_next(self, next: Offset) {
        debug_assert!(self.has_ttl());
        // SAFETY: as above.
        unsafe { self.at.add(HEADER + 12).cast::<u32>().write(next) }
    }

    /// Bytes that the entry was allocated with.
    pub(crate) fn size(self) -> usize {
        let layout = self.layout();
        layout.value + layout.vlen
    }

    /// Writes a whole entry into a fresh block of at least [`size_of_entry`] bytes.
    ///
    /// # Safety
    /// The block is that long and nobody else's.
    pub(crate) unsafe fn init(self, key: &[u8], form: &Form<'_>, meta: Meta, ttl: bool) {
        let vlen = form.stored_len();
        let klen8 = key.len().min(255) as u64;
        let vlen8 = vlen.min(255) as u64;
        let flag = if ttl { HAS_TTL } else { 0 };
        self.set_header(
            form.tag()
                | flag
                | u64::from(meta.epoch) << 8
                | u64::from(meta.access & 0xff_ffff) << 16
                | u64::from(meta.namespace) << 40
                | klen8 << 48
                | vlen8 << 56,
        );
        let mut at = HEADER + if ttl { EXPIRY } else { 0 };
        // SAFETY: the caller vouches for the block's length, which `size_of_entry` computed from
        // the same lengths.
        unsafe {
            if klen8 == 255 {
                self.at.add(at).cast::<u32>().write_unaligned(key.len() as u32);
                at += 4;
            }
            if vlen8 == 255 {
                self.at.add(at).cast::<u32>().write_unaligned(vlen as u32);
                at += 4;
            }
            if key.len() > MAX_INLINE_KEY {
                let leaked: *mut [u8] = Box::into_raw(key.into());
                self.at.add(at).cast::<*mut u8>().write_unaligned(leaked.cast());
                at += POINTER;
            } else {
                std::ptr::copy_nonoverlapping(key.as_ptr(), self.at.add(at), key.len());
                at += key.len();
            }
            form.write(self.at.add(at));
        }
    }

    /// Writes another value over the old one; the block must be long enough for it and the key
    /// an inline one. The old value's pointee must have been taken before.
    pub(crate) fn overwrite(self, form: &Form<'_>) {
        let old = self.layout();
        let vlen = form.stored_len();
        debug_assert!(old.klen <= MAX_INLINE_KEY);
        let wide = |vlen: usize| if vlen >= 255 { 4 } else { 0 };
        let (value_at, key_at) =
            (old.value + wide(vlen) - wide(old.vlen), old.key + wide(vlen) - wide(old.vlen));
        // SAFETY: the caller vouches for the block's length; the value's source is not this
        // entry (a moved pointer is eight bytes by value).
        unsafe {
            if key_at != old.key {
                std::ptr::copy(self.at.add(old.key), self.at.add(key_at), old.klen);
            }
            if vlen >= 255 {
                self.at.add(key_at - 4).cast::<u32>().write_unaligned(vlen as u32);
            }
            form.write(self.at.add(value_at));
        }
        let kept = self.header() & !(KIND_MASK | 0xff << 56);
        self.set_header(kept | form.tag() | (vlen.min(255) as u64) << 56);
    }

    /// Puts `gap` bytes of any content in place of the value's bytes `cut`, where the value
    /// stands. The block must be long enough, and the length stay on its side of 255.
    pub(crate) fn splice(self, cut: Range<usize>, gap: usize) {
        let old = self.layout();
        let vlen = old.vlen - cut.len() + gap;
        assert!(!self.holds_pointer() && (vlen >= 255) == (old.vlen >= 255));
        // SAFETY: `cut` lies within the value (its end was subtracted from the length), and the
        // caller vouches for the block's length.
        unsafe {
            let value = self.at.add(old.value);
            let tail = value.add(cut.end);
            std::ptr::copy(tail, value.add(cut.start + gap), old.vlen - cut.end);
            if vlen >= 255 {
                // The key, and its length if that is wide too, follow the value's length.
                let at = old.key - 4;
                self.at.add(at).cast::<u32>().write_unaligned(vlen as u32);
            }
        }
        let kept = self.header() & !(0xff << 56);
        self.set_header(kept | (vlen.min(255) as u64) << 56);
    }

    /// The bookkeeping that survives an entry's move into another block.
    pub(crate) fn meta(self) -> Meta {
        let header = self.header();
        Meta { epoch: self.epoch(), access: self.access(), namespace: (header >> 40) as u8 }
    }
}

/// Bookkeeping bits of an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meta {
    pub(crate) epoch: u8,
    pub(crate) access: u32,
    pub(crate) namespace: u8,
}

/// What was outside of the arena; dropping it frees a value.
#[derive(Debug)]
pub(crate) enum Pointee {
    /// Reference-counted bytes: a string, or a packed collection.
    Shared(SharedBytes),
    /// A collection.
    Object(Box<Object>),
}

impl Pointee {
    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Pointee::Shared(shared) => shared.capacity() as u64,
            Pointee::Object(object) => object.bytes(),
        }
    }
}

/// A value in the form in which it goes into an entry. A pointer form owns what it points at
/// until an entry has taken it over.
pub(crate) enum Form<'a> {
    Bytes(Kind, &'a [u8]),
    Pointer(Kind, *mut u8),
    /// What stands before and behind a gap of so many bytes, which somebody fills next.
    Gapped(Kind, [&'a [u8]; 2], usize),
}

impl<'a> Form<'a> {
    /// Decides how a value is held.
    pub(crate) fn of(value: NewValue<'a>) -> Form<'a> {
        match value {
            NewValue::Bytes(kind, bytes) if bytes.len() <= MAX_INLINE_VALUE => {
                Form::Bytes(kind, bytes)
            }
            NewValue::Bytes(kind, bytes) => {
                let kind = if kind.is_packed() { kind } else { Kind::SharedString };
                Form::of(NewValue::Shared(kind, Arc::new(bytes.to_vec())))
            }
            NewValue::Shared(kind, shared) => {
                debug_assert!(kind.is_packed() || kind == Kind::SharedString);
                Form::Pointer(kind, Arc::into_raw(shared).cast_mut().cast())
            }
            NewValue::Object(object) => Form::Pointer(object.kind(), Box::into_raw(object).cast()),
        }
    }

    /// The same bytes of an entry once more, pointers included: for an entry that moves.
    pub(crate) fn moved(entry: Entry) -> Form<'a> {
        if entry.holds_pointer() {
            Form::Pointer(entry.kind(), entry.pointer())
        } else {
            Form::Bytes(entry.kind(), entry.bytes())
        }
    }

    /// The kind, and whether a packed collection stands outside, as bits of the header.
    fn tag(&self) -> u64 {
        match self {
            Form::Bytes(kind, _) | Form::Gapped(kind, ..) => *kind as u64,
            Form::Pointer(kind, _) if kind.is_packed() => *kind as u64 | OUTSIDE,
            Form::Pointer(kind, _) => *kind as u64,
        }
    }

    pub(crate) fn stored_len(&self) -> usize {
        match self {
            Form::Bytes(_, bytes) => bytes.len(),
            Form::Pointer(..) => POINTER,
            Form::Gapped(_, [before, behind], gap) => before.len() + gap + behind.len(),
        }
    }

    /// Writes the value.
    ///
    /// # Safety
    /// `at` has room for [`Form::stored_len`] bytes.
    unsafe fn write(&self, at: *mut u8) {
        // SAFETY: the caller vouches for the room.
        unsafe {
            match self {
                Form::Bytes(_, bytes) => std::ptr::copy(bytes.as_ptr(), at, bytes.len()),
                Form::Pointer(_, pointer) => at.cast::<*mut u8>().write_unaligned(*pointer),
                Form::Gapped(_, [before, behind], gap) => {
                    std::ptr::copy(before.as_ptr(), at, before.len());
                    at.add(before.len()).write_bytes(0, *gap);
                    let rest = at.add(before.len() + gap);
                    std::ptr::copy(behind.as_ptr(), rest, behind.len());
                }
            }
        }
    }
}

/// Bytes of an entry with a key of `klen` and a stored value of `vlen` bytes.
#[inline(always)]
pub(crate) fn size_of_entry(klen: usize, vlen: usize, ttl: bool) -> usize {
    let stored_key = if klen > MAX_INLINE_KEY { POINTER } else { klen };
    HEADER
        + if ttl { EXPIRY } else { 0 }
        + if klen >= 255 { 4 } else { 0 }
        + if vlen >= 255 { 4 } else { 0 }
        + stored_key
        + vlen
}
