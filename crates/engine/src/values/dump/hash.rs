//! Hashes in their RDB forms, both ways. Knows no key; next: [`super::read`], [`super::write`].

use crate::config::Config;
use crate::keyspace::entry::MAX_PACKED;
use crate::keyspace::{KeyHash, Kind, OwnedValue};
use crate::values::Object;
use crate::values::hash::{Fields, HashRef, Limits};
use larder_codec::rdb::value;
use larder_codec::rdb::{Version, Writer, form};
use larder_codec::{Corrupt, listpack};

/// What hashes take from the engine they will live in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    limits: Limits,
    hash: KeyHash,
}

impl Rules {
    pub(super) fn new(config: &Config, hash: KeyHash) -> Rules {
        Rules { limits: Limits::of(config), hash }
    }
}

/// Whether only some versions can say all of a hash.
pub(super) fn may_expire(fields: &Fields) -> bool {
    fields.dict().next_deadline_ms().is_some()
}

/// The form of a table: Redis 7.4 and Valkey have one each for fields that expire, older versions
/// have none and lose the deadlines.
pub(super) fn form_of(fields: &Fields, version: Version) -> u8 {
    match version {
        _ if !may_expire(fields) => form::HASH,
        Version::V10 | Version::V11 => form::HASH,
        Version::V12 => form::HASH_METADATA,
        Version::Valkey80 => form::HASH_EXPIRY,
    }
}

/// Writes a table in that form.
pub(super) fn write(fields: &Fields, version: Version, writer: &mut Writer<'_>) {
    let dict = fields.dict();
    let earliest_ms = dict.next_deadline_ms().unwrap_or(0);
    let form = form_of(fields, version);
    if form == form::HASH_METADATA {
        writer.moment(earliest_ms.cast_signed());
    }
    writer.number(dict.len() as u64);
    for (name, held) in dict.iter() {
        if form == form::HASH_METADATA {
            writer.number(held.deadline_ms.map_or(0, |at_ms| at_ms - earliest_ms + 1));
        }
        writer.string(name);
        writer.string(held.value);
        if form == form::HASH_EXPIRY {
            writer.moment(held.deadline_ms.map_or(-1, u64::cast_signed));
        }
    }
}

/// The hash of a listpack.
pub(super) fn read_pack(lp: Vec<u8>, rules: &Rules) -> OwnedValue {
    let hash = HashRef::Pack(&lp);
    let admitted = |text: listpack::Entry<'_>| text.text_len() <= rules.limits.value;
    let fits = hash.len() <= rules.limits.entries
        && lp.len() <= MAX_PACKED
        && hash.iter().all(|(field, value)| admitted(field) && admitted(value));
    if fits {
        return OwnedValue::Bytes(Kind::HashPack, lp);
    }
    table(Fields::of_pack(&lp, rules.hash))
}

/// The hash of a sequence of fields; packed if it may be.
pub(super) fn read_fields(
    read: value::Fields<'_, '_>,
    rules: &Rules,
) -> Result<OwnedValue, Corrupt> {
    let mut fields = Fields::new(rules.hash);
    let mut room = listpack::HEADER + 1;
    let mut fits = true;
    for field in read {
        let value::Field { name, value, deadline_ms } = field?;
        fits &= deadline_ms.is_none() && rules.limits.admit(&[&name, &value]);
        room += listpack::encoded_size(&name) + listpack::encoded_size(&value);
        if !fields.dict_mut().insert_until(&name, &value, deadline_ms) {
            return Err(Corrupt::new("a field that comes twice", 0));
        }
    }
    if !fits || room > MAX_PACKED || fields.dict().len() > rules.limits.entries {
        return Ok(table(fields));
    }
    let mut lp = listpack::with_capacity(room);
    for (name, held) in fields.dict().iter() {
        // Both fit far below what a listpack may have.
        let _ = listpack::push_back(&mut lp, name);
        let _ = listpack::push_back(&mut lp, held.value);
    }
    Ok(OwnedValue::Bytes(Kind::HashPack, lp))
}

fn table(fields: Fields) -> OwnedValue {
    OwnedValue::Object(Box::new(Object::Hash(Box::new(fields))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_codec::rdb::Reader;

    fn read_back(fields: &Fields, version: Version) -> OwnedValue {
        let mut writer = Writer::new(Vec::new(), false);
        writer.byte(form_of(fields, version));
        write(fields, version, &mut writer);
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        let form = reader.byte().unwrap();
        let limits = Limits { entries: 10, value: 64 };
        let rules = Rules { limits, hash: KeyHash::new(1) };
        match value::read(&mut reader, form, version).unwrap() {
            value::Value::Hash(fields) => read_fields(fields, &rules).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn fields_of(value: &OwnedValue) -> Vec<(Vec<u8>, Vec<u8>, Option<u64>)> {
        let OwnedValue::Object(object) = value else { panic!("{value:?}") };
        let Object::Hash(fields) = &**object else { panic!("{object:?}") };
        let all = fields.dict().iter();
        let owned = all.map(|(name, held)| (name.into(), held.value.into(), held.deadline_ms));
        let mut all: Vec<_> = owned.collect();
        all.sort();
        all
    }

    #[test]
    fn both_forms_hold_values_and_deadlines() {
        let mut fields = Fields::new(KeyHash::new(7));
        let expected: Vec<_> = (0..300u64)
            .map(|n| (format!("f{n:03}").into_bytes(), vec![b'v'; n as usize * 7], n))
            .map(|(name, value, n)| (name, value, (n % 3 > 0).then_some(1_000_000 + n * n)))
            .collect();
        for (name, value, deadline_ms) in &expected {
            fields.dict_mut().insert_until(name, value, *deadline_ms);
        }
        for version in [Version::V12, Version::Valkey80] {
            assert_eq!(fields_of(&read_back(&fields, version)), expected);
        }
        let without = expected.iter().map(|(name, value, _)| (name.clone(), value.clone(), None));
        let lost = read_back(&fields, Version::V11);
        assert_eq!(fields_of(&lost), without.collect::<Vec<_>>());
    }

    #[test]
    fn a_small_hash_without_deadlines_comes_back_packed() {
        let mut fields = Fields::new(KeyHash::new(7));
        for n in 0..10u8 {
            fields.dict_mut().insert(&[b'f', n], b"12");
        }
        let OwnedValue::Bytes(Kind::HashPack, lp) = read_back(&fields, Version::V10) else {
            panic!("not packed")
        };
        assert_eq!(HashRef::Pack(&lp).len(), 10);
        fields.dict_mut().insert(b"one more", b"");
        assert_eq!(fields_of(&read_back(&fields, Version::V10)).len(), 11);
    }
}
