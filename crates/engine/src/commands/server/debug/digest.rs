//! Digests of data, as Redis 7.2 makes them, so that equal data here and there has equal digests.
//!
//! ```text
//! xor(d, x)  d ^ SHA1(x)                      what has no order
//! mix(d, x)  SHA1(d ^ SHA1(x))                what has one
//! value      mix(0, type as u32 big endian); then by type
//!   string   mix text · list: mix each · set: xor each
//!   hash     xor (mix field, mix value) of each · sorted set: xor (mix member, mix score)
//!   stream   mix "ms.seq", then mix each field and value
//!   and xor "!!expire!!" where the key has a TTL
//! everything for each database with keys: mix its number (u32 big endian),
//!            xor (mix key, then value) of each key
//! ```

use crate::keys::Keys;
use crate::keyspace::{Type, ValueRef};
use crate::values::elements::{Element, each};
use larder_resp::double::format_shortest;
use sha1::{Digest as _, Sha1};

const BYTES: usize = 20;

/// Where keys with a TTL differ from keys without.
const EXPIRES: &[u8] = b"!!expire!!";

/// The digest of all data, in hexadecimal digits. Needs all locks.
pub(super) fn of_everything(keys: &mut Keys<'_>) -> String {
    let selected = keys.db;
    let mut digest = Digest::default();
    for db in 0..crate::keyspace::DATABASES as u8 {
        keys.db = db;
        let (keys, mut of_db) = (&*keys, Digest::default());
        let mut any = false;
        keys.each_key(|key| {
            any = true;
            let mut of_key = Digest::default();
            of_key.mix(key);
            of_key.add_value(keys, key);
            of_db.xor(&of_key.0);
        });
        if any {
            digest.mix(&u32::from(db).to_be_bytes());
            digest.join(&of_db);
        }
    }
    keys.db = selected;
    digest.text()
}

/// The digest of a key's value, all zeros without one.
pub(super) fn of_value(keys: &Keys<'_>, key: &[u8]) -> String {
    let mut digest = Digest::default();
    digest.add_value(keys, key);
    digest.text()
}

#[derive(Default)]
struct Digest([u8; BYTES]);

impl Digest {
    /// Adds something that has no order.
    fn xor(&mut self, bytes: &[u8]) {
        self.join(&Digest(Sha1::digest(bytes).into()));
    }

    /// Adds something that comes after what was added before.
    fn mix(&mut self, bytes: &[u8]) {
        self.xor(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    fn join(&mut self, other: &Digest) {
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own ^= other);
    }

    fn add_value(&mut self, keys: &Keys<'_>, key: &[u8]) {
        let Some(value) = keys.peek(keys.db(), key) else { return };
        self.mix(&number_of(value.type_of()).to_be_bytes());
        self.add_elements(value, keys.now_ms());
        if keys.deadline_ms(key).flatten().is_some() {
            self.xor(EXPIRES);
        }
    }

    fn add_elements(&mut self, value: ValueRef<'_>, now_ms: u64) {
        each(value, now_ms, &mut |element| match element {
            Element::Text(text) => self.mix(text),
            Element::Member(member) => self.xor(member),
            Element::Field(field, value) => self.xor_pair(field, value),
            Element::Scored(member, score) => {
                self.xor_pair(member, format_shortest(score).as_bytes());
            }
            Element::Entry((ms, seq)) => self.mix(format!("{ms}.{seq}").as_bytes()),
        });
    }

    fn xor_pair(&mut self, first: &[u8], second: &[u8]) {
        let mut pair = Digest::default();
        pair.mix(first);
        pair.mix(second);
        self.xor(&pair.0);
    }

    fn text(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The number that Redis has for a type.
fn number_of(type_of: Type) -> u32 {
    match type_of {
        Type::String => 0,
        Type::List => 1,
        Type::Set => 2,
        Type::SortedSet => 3,
        Type::Hash => 4,
        Type::Stream => 6,
    }
}
