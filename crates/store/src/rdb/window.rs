//! The bytes around the place that is read: as many as one value takes, not more.
//!
//! Counts and sums up what it was given. Memory grows with what has come, never with what a
//! number claims. Knows no form; next: [`super::extent`].

use super::error::Error;
use larder_codec::crc64;
use std::io::{self, Read};

/// Bytes that are asked for at once.
const PIECE: usize = 256 * 1024;

/// A window over a stream of bytes.
pub(super) struct Window<'i> {
    input: &'i mut dyn Read,
    bytes: Vec<u8>,
    /// Of `bytes`: what was passed, and what is filled.
    at: usize,
    filled: usize,
    /// Bytes before those.
    before: u64,
    ended: bool,
    sum: Option<crc64::Running>,
    /// Of `bytes`: what is in the sum.
    summed: usize,
    /// Told how many bytes were taken in so far.
    progress: Option<&'i mut dyn FnMut(u64)>,
}

impl<'i> Window<'i> {
    pub(super) fn new(input: &'i mut dyn Read, progress: Option<&'i mut dyn FnMut(u64)>) -> Self {
        Window {
            input,
            bytes: Vec::new(),
            at: 0,
            filled: 0,
            before: 0,
            ended: false,
            sum: Some(crc64::Running::new()),
            summed: 0,
            progress,
        }
    }

    /// Place of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.before + self.at as u64
    }

    /// What is there from the next byte on.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.at..self.filled]
    }

    /// Sees to it that `count` bytes are there from the next byte on.
    pub(super) fn need(&mut self, count: usize) -> Result<(), Error> {
        while self.filled - self.at < count {
            if self.ended || !self.fill(count)? {
                self.ended = true;
                return Err(Error::Truncated { offset: self.before + self.filled as u64 });
            }
        }
        Ok(())
    }

    /// The next `count` bytes, which are passed.
    pub(super) fn take(&mut self, count: usize) -> Result<&[u8], Error> {
        self.need(count)?;
        self.at += count;
        Ok(&self.bytes[self.at - count..self.at])
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// So many bytes in an array.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let bytes = self.take(N)?;
        let mut array = [0; N];
        array.copy_from_slice(bytes);
        Ok(array)
    }

    /// Passes `count` bytes that are there.
    pub(super) fn pass(&mut self, count: usize) {
        self.at += count.min(self.filled - self.at);
    }

    /// Passes any number of bytes.
    pub(super) fn skip(&mut self, mut count: u64) -> Result<(), Error> {
        while count > 0 {
            self.need(1)?;
            let some = self.rest().len().min(usize::try_from(count).unwrap_or(usize::MAX));
            self.pass(some);
            count -= some as u64;
        }
        Ok(())
    }

    /// The checksum of all bytes that were passed.
    pub(super) fn sum(&mut self) -> u64 {
        self.add_to_sum();
        self.sum.as_ref().map_or(0, crc64::Running::value)
    }

    /// Sums up no longer.
    pub(super) fn stop_summing(&mut self) {
        self.sum = None;
    }

    /// Takes in more; whether there was any.
    fn fill(&mut self, wanted: usize) -> Result<bool, Error> {
        self.make_room(wanted);
        let read = loop {
            match self.input.read(&mut self.bytes[self.filled..]) {
                Ok(read) => break read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        };
        self.filled += read;
        if let Some(progress) = &mut self.progress {
            progress(self.before + self.filled as u64);
        }
        Ok(read > 0)
    }

    /// Forgets what was passed, and grows by as much as is there if even that is not enough.
    fn make_room(&mut self, wanted: usize) {
        if self.filled == self.bytes.len() || self.at > PIECE {
            self.add_to_sum();
            self.bytes.copy_within(self.at..self.filled, 0);
            self.before += self.at as u64;
            self.filled -= self.at;
            (self.at, self.summed) = (0, 0);
        }
        if self.filled == self.bytes.len() {
            let more = wanted.min(self.filled * 2).max(self.filled + PIECE);
            self.bytes.resize(more, 0);
        } else if self.bytes.len() > 4 * PIECE && self.filled < PIECE && wanted < PIECE {
            self.bytes.truncate(2 * PIECE);
            self.bytes.shrink_to_fit();
        }
    }

    fn add_to_sum(&mut self) {
        if let Some(sum) = &mut self.sum {
            sum.add(&self.bytes[self.summed..self.at]);
        }
        self.summed = self.at;
    }

    /// What was taken in and not passed.
    pub(super) fn into_rest(self) -> Vec<u8> {
        self.bytes[self.at..self.filled].to_vec()
    }
}
