//! Large entries of a chunk, each in a box of its own.
//!
//! A box is the key's length (32 bits, little endian), the key, the value. Copies of a chunk
//! share the boxes. Knows no index. Next: [`super::chunk`].

use std::sync::Arc;

const LENGTH: usize = 4;

/// What an `Arc` takes beside its bytes.
pub(super) const COUNTS: usize = 16;

/// The boxes of a chunk by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Boxes {
    boxes: Vec<Option<Arc<[u8]>>>,
    /// Numbers that are free.
    free: Vec<u32>,
    /// Bytes of the boxes.
    bytes: u64,
}

impl Boxes {
    /// Bytes that the boxes take, and what holds them.
    pub(super) fn bytes(&self) -> u64 {
        let slots = self.boxes.capacity() * size_of::<Option<Arc<[u8]>>>()
            + self.free.capacity() * size_of::<u32>();
        self.bytes + (slots + size_of::<Self>() + COUNTS) as u64
    }

    /// Tells whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.boxes.len() == self.free.len()
    }

    /// Key and value of a box.
    pub(super) fn get(&self, number: u32) -> (&[u8], &[u8]) {
        let bytes = self.boxes.get(number as usize).and_then(Option::as_deref).unwrap_or_default();
        let Some((length, rest)) = bytes.split_first_chunk::<LENGTH>() else { return (&[], &[]) };
        rest.split_at((u32::from_le_bytes(*length) as usize).min(rest.len()))
    }

    /// The value of a box, to be overwritten.
    pub(super) fn value_mut(&mut self, number: u32) -> &mut [u8] {
        let Some(Some(bytes)) = self.boxes.get_mut(number as usize) else { return &mut [] };
        let bytes = Arc::make_mut(bytes);
        let Some((length, rest)) = bytes.split_first_chunk_mut::<LENGTH>() else {
            return &mut [];
        };
        let key_len = (u32::from_le_bytes(*length) as usize).min(rest.len());
        &mut rest[key_len..]
    }

    /// Boxes a key with its value; the number.
    pub(super) fn put(&mut self, key: &[u8], value: &[u8]) -> u32 {
        let length = (key.len() as u32).to_le_bytes();
        let mut bytes = Vec::with_capacity(LENGTH + key.len() + value.len());
        bytes.extend_from_slice(&length);
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
        self.put_shared(bytes.into())
    }

    /// The box of a number, to be shared with another chunk.
    pub(super) fn shared(&self, number: u32) -> Arc<[u8]> {
        self.boxes.get(number as usize).cloned().flatten().unwrap_or_default()
    }

    /// Takes a box in; its number.
    pub(super) fn put_shared(&mut self, shared: Arc<[u8]>) -> u32 {
        self.bytes += (shared.len() + COUNTS) as u64;
        if let Some(number) = self.free.pop() {
            self.boxes[number as usize] = Some(shared);
            return number;
        }
        self.boxes.push(Some(shared));
        (self.boxes.len() - 1) as u32
    }

    /// Gives a box up.
    pub(super) fn remove(&mut self, number: u32) {
        let Some(slot) = self.boxes.get_mut(number as usize) else { return };
        if let Some(shared) = slot.take() {
            self.bytes -= (shared.len() + COUNTS) as u64;
            self.free.push(number);
        }
    }
}
