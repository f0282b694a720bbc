//! Values of every form: bytes that real servers wrote, round trips, and hostile input.

use super::value::{Field, Node, Value, read};
use super::*;
use crate::{intset, listpack};
use proptest::prelude::*;

const STRICT: Leniency = Leniency { any_checksum: false, any_version: false };

/// What a form reads as, in words that can be compared; it must use up all bytes.
fn shown(form: u8, bytes: &[u8], version: Version) -> Result<String, crate::Corrupt> {
    let mut reader = Reader::new(bytes);
    let shown = match read(&mut reader, form, version)? {
        Value::String(text) => text.escape_ascii().to_string(),
        Value::List(nodes) => {
            let nodes: Result<Vec<_>, _> = nodes.collect();
            let nodes = nodes?.into_iter().flat_map(|node| match node {
                Node::Packed(lp) => elements(&lp),
                Node::Plain(text) => vec![text.escape_ascii().to_string()],
            });
            nodes.collect::<Vec<_>>().join(" ")
        }
        Value::SetInts(ints) => {
            intset::iter(&ints).map(|n| n.to_string()).collect::<Vec<_>>().join(" ")
        }
        Value::SetPack(lp) | Value::HashPack(lp) | Value::SortedPack(lp) => elements(&lp).join(" "),
        Value::Set(members) => {
            let members: Result<Vec<_>, _> = members.collect();
            let members = members?.into_iter().map(|member| member.escape_ascii().to_string());
            members.collect::<Vec<_>>().join(" ")
        }
        Value::Hash(fields) => {
            let fields: Result<Vec<_>, _> = fields.collect();
            let shown = |Field { name, value, deadline_ms }: Field<'_>| {
                let (name, value) = (name.escape_ascii(), value.escape_ascii());
                deadline_ms.map_or(format!("{name}={value}"), |ms| format!("{name}={value}@{ms}"))
            };
            fields?.into_iter().map(shown).collect::<Vec<_>>().join(" ")
        }
        Value::Sorted(members) => {
            let members: Result<Vec<_>, _> = members.collect();
            let members = members?.into_iter();
            members.map(|(m, s)| format!("{}={s}", m.escape_ascii())).collect::<Vec<_>>().join(" ")
        }
        Value::Stream(stream) => format!("{stream:?}"),
    };
    assert_eq!(reader.left(), 0, "{shown}");
    Ok(shown)
}

fn elements(lp: &[u8]) -> Vec<String> {
    listpack::iter(lp).map(|entry| entry.to_cow().escape_ascii().to_string()).collect()
}

fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), true);
    write(&mut writer);
    writer.into_bytes()
}

/// A `DUMP` payload opens and reads as this.
fn assert_dump(payload: &[u8], expected: &str) {
    let (value, version) = open(payload, STRICT).expect("the payload is sealed");
    assert_eq!(shown(value[0], &value[1..], version).as_deref(), Ok(expected));
}

#[test]
fn payloads_of_redis_7_0() {
    let one = b"\x00\xc0\x01\x0a\x00&x\xe7\xb6\xd1\x01\x11\xfc";
    assert_dump(one, "1");
    let xs = b"\x00\xc3\x09@d\x01xx\xe0W\x00\x01xx\x0a\x00]\xb7\xf6c\xbb\x08b_";
    assert_dump(xs, &"x".repeat(100));
    let list = b"\x12\x01\x02\x0c\x0c\x00\x00\x00\x02\x00\x81a\x02\x01\x01\xff\x0a\x00\x94\x96+#\
                 \xac\x17\xaa\x85";
    assert_dump(list, "a 1");
    assert_dump(b"\x02\x02\x01a\x01b\x0a\x00\xfed!%\xeb\x03=\x0d", "a b");
    let zset = b"\x11\x0f\x0f\x00\x00\x00\x02\x00\x81a\x02\x831.5\x04\xff\x0a\x00\x08\x0cn\x19\
                 \x80\x8e}\x98";
    assert_dump(zset, "a 1.5");
    let zset = b"\x05\x02\x01b\x00\x00\x00\x00\x00\x00\x00@\x01a\x00\x00\x00\x00\x00\x00\xf8?\
                 \x0a\x00\xe7|\x0b\x13\x9fNg\x1e";
    assert_dump(zset, "b=2 a=1.5");
}

#[test]
fn payloads_of_valkey_9_1() {
    let set = b"\x14\x0d\x0d\x00\x00\x00\x02\x00\x81a\x02\x81b\x02\xffP\x00\xac\x19~V*nX)";
    assert_dump(set, "a b");
    let ints = b"\x0b\x0c\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\x02\x00P\x00\xa0S\xf1\x20\xaa\
                 \xb9G\xda";
    assert_dump(ints, "1 2");
    let hash = b"\x10\x0d\x0d\x00\x00\x00\x02\x00\x81f\x02\x81v\x02\xffP\x00\xef\xdb\xf4\xd5\xbd\
                 \x06oi";
    assert_dump(hash, "f v");
    let expiring = b"\x16\x01\x01f\x01v\xff\x9frN\x18\x09\x00\x00P\x00\xc3\xfa\xb5\xcc\xc1\x06\xab\
                     \x8b";
    assert_dump(expiring, "f=v@9999999999999");
}

#[test]
fn streams_of_both() {
    let redis = b"\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01\
                  \x1d\x1d\x00\x00\x00\x0a\x00\x01\x01\x00\x01\x01\x01\x81f\x02\x00\x01\x02\x01\
                  \x00\x01\x00\x01\x81v\x02\x04\x01\xff\x01\x05\x01\x05\x01\x00\x00\x01\x01\x01g\
                  \x00\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x0a\x00\x00\x9bJK;\x16Ml";
    let valkey = b"\x15\x01\x10\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01\
                   \x1d\x1d\x00\x00\x00\x0a\x00\x01\x01\x00\x01\x01\x01\x81f\x02\x00\x01\x02\x01\
                   \x00\x01\x00\x01\x81v\x02\x04\x01\xff\x01\x05\x01\x05\x01\x00\x00\x01\x01\x01g\
                   \x00\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00P\x00\xec)\x17\x20\x0b\x89Z\
                   \x0c";
    for payload in [&redis[..], valkey] {
        let (bytes, version) = open(payload, STRICT).unwrap();
        let mut reader = Reader::new(&bytes[1..]);
        let Ok(Value::Stream(stream)) = read(&mut reader, bytes[0], version) else {
            panic!("no stream")
        };
        assert_eq!((stream.length, stream.first_id, stream.last_id), (1, (5, 1), (5, 1)));
        let mut again = vec![bytes[0]];
        let mut writer = Writer::new(std::mem::take(&mut again), true);
        let version = if bytes[0] == form::STREAM_2 { Version::V10 } else { Version::Valkey80 };
        stream.write(&mut writer, version);
        let mut again = writer.into_bytes();
        seal(&mut again, version);
        assert_eq!(again, payload);
    }
}

#[test]
fn numbers_in_every_width() {
    for (number, bytes) in [
        (0, &b"\x00"[..]),
        (63, b"\x3f"),
        (64, b"\x40\x40"),
        (16383, b"\x7f\xff"),
        (16384, b"\x80\x00\x00\x40\x00"),
        (u64::from(u32::MAX), b"\x80\xff\xff\xff\xff"),
        (1 << 32, b"\x81\x00\x00\x00\x01\x00\x00\x00\x00"),
        (u64::MAX, b"\x81\xff\xff\xff\xff\xff\xff\xff\xff"),
    ] {
        assert_eq!(written(|writer| writer.number(number)), bytes);
        assert_eq!(Reader::new(bytes).number(), Ok(number));
    }
    assert!(Reader::new(b"\x82\0\0\0\0").number().is_err());
    assert!(Reader::new(b"\xc0\x01").number().is_err());
    assert!(Reader::new(b"").number().is_err());
}

#[test]
fn strings_in_every_form() {
    for (text, bytes) in [
        (&b""[..], &b"\x00"[..]),
        (b"abc", b"\x03abc"),
        (b"12", b"\xc0\x0c"),
        (b"-129", b"\xc1\x7f\xff"),
        (b"70000", b"\xc2\x70\x11\x01\x00"),
        (b"012", b"\x03012"),
        (b"4294967296", b"\x0a4294967296"),
        (&[b'x'; 100], b"\xc3\x09\x40\x64\x01xx\xe0\x57\x00\x01xx"),
    ] {
        assert_eq!(written(|writer| writer.string(text)), bytes);
        assert_eq!(Reader::new(bytes).string().as_deref(), Ok(text));
    }
    assert_eq!(written(|writer| writer.string_of(1 << 40)), b"\x0d1099511627776");
    // Claims beyond the input cost nothing.
    assert!(Reader::new(b"\x81\x00\x00\x00\x00\x20\x00\x00\x00x").string().is_err());
    assert!(Reader::new(b"\xc3\x01\x80\x1f\xff\xff\xff\x00").string().is_err());
    assert!(Reader::new(b"\xc4").string().is_err());
}

#[test]
fn forms_of_former_times() {
    let ziplist = b"\x19\0\0\0\x13\0\0\0\x04\0\0\x01a\x03\xf2\x02\xc0\xff\x7f\x04\x03end\xff";
    let text = written(|writer| writer.string(ziplist));
    assert_eq!(shown(form::LIST_ZIPLIST, &text, Version::V10).unwrap(), "a 1 32767 end");
    assert_eq!(shown(form::HASH_ZIPLIST, &text, Version::V10).unwrap(), "a 1 32767 end");
    let quick = [b"\x02".to_vec(), text.clone(), text].concat();
    let twice = "a 1 32767 end a 1 32767 end";
    assert_eq!(shown(form::LIST_QUICKLIST, &quick, Version::V10).unwrap(), twice);
    let zipmap = b"\x02\x03foo\x03\x00bar\x05hello\x05\x01world!\xff";
    let text = written(|writer| writer.string(zipmap));
    assert_eq!(shown(form::HASH_ZIPMAP, &text, Version::V10).unwrap(), "foo bar hello world");
    let zset = b"\x03\x01a\x031.5\x01b\xfe\x01c\xff";
    assert_eq!(shown(form::ZSET, zset, Version::V10).unwrap(), "a=1.5 b=inf c=-inf");
    assert!(shown(form::ZSET, b"\x01\x01a\xfd", Version::V10).is_err(), "NaN");
    assert_eq!(shown(form::LIST, b"\x02\x01a\xc0\x05", Version::V10).unwrap(), "a 5");
}

#[test]
fn expiring_fields_of_both_dialects() {
    let valkey = b"\x02\x01a\x011\x00\x01\0\0\0\0\0\0\x01b\x012\xff\xff\xff\xff\xff\xff\xff\xff";
    let valkey80 = Version::Valkey80;
    assert_eq!(shown(form::HASH_EXPIRY, valkey, valkey80).unwrap(), "a=1@256 b=2");
    assert!(shown(form::HASH_EXPIRY, valkey, Version::V12).is_err());
    let redis = b"\x00\x01\0\0\0\0\0\0\x03\x01\x01a\x011\x00\x01b\x012\x03\x01c\x013";
    assert_eq!(shown(form::HASH_METADATA, redis, Version::V12).unwrap(), "a=1@256 b=2 c=3@258");
    assert!(shown(form::HASH_METADATA, redis, valkey80).is_err());
    let mut lp = listpack::new();
    for element in [&b"a"[..], b"1", b"256", b"b", b"2", b"0"] {
        listpack::push_back(&mut lp, element).unwrap();
    }
    let packed = written(|writer| {
        writer.moment(256);
        writer.string(&lp);
    });
    assert_eq!(shown(form::HASH_LISTPACK_EX, &packed, Version::V12).unwrap(), "a=1@256 b=2");
}

#[test]
fn duplicates_and_incomplete_elements_are_refused() {
    let packed = |elements: &[&[u8]]| {
        let mut lp = listpack::new();
        elements.iter().for_each(|element| listpack::push_back(&mut lp, element).unwrap());
        written(|writer| writer.string(&lp))
    };
    let v11 = Version::V11;
    assert!(shown(form::SET_LISTPACK, &packed(&[b"a", b"b"]), v11).is_ok());
    assert!(shown(form::SET_LISTPACK, &packed(&[b"a", b"b", b"a"]), v11).is_err());
    assert!(shown(form::SET_LISTPACK, &packed(&[]), v11).is_err());
    assert!(shown(form::HASH_LISTPACK, &packed(&[b"a", b"1", b"b", b"1"]), v11).is_ok());
    assert!(shown(form::HASH_LISTPACK, &packed(&[b"a", b"1", b"a", b"2"]), v11).is_err());
    assert!(shown(form::HASH_LISTPACK, &packed(&[b"a", b"1", b"b"]), v11).is_err());
    assert!(shown(form::ZSET_LISTPACK, &packed(&[b"a", b"x"]), v11).is_err());
    assert!(shown(form::ZSET_LISTPACK, &packed(&[b"a", b"nan"]), v11).is_err());
    // The same text as a number and as a string.
    let mut lp = listpack::new();
    listpack::push_back(&mut lp, b"5").unwrap();
    listpack::push_back_entry(&mut lp, listpack::Entry::Str(b"5")).unwrap();
    let text = written(|writer| writer.string(&lp));
    assert!(shown(form::SET_LISTPACK, &text, v11).is_err());
}

#[test]
fn a_sorted_set_out_of_order_comes_element_by_element() {
    let packed = |elements: &[&[u8]]| {
        let mut lp = listpack::new();
        elements.iter().for_each(|element| listpack::push_back(&mut lp, element).unwrap());
        written(|writer| writer.string(&lp))
    };
    let ordered = packed(&[b"b", b"1", b"a", b"1.5", b"c", b"1.5"]);
    assert_eq!(shown(form::ZSET_LISTPACK, &ordered, Version::V10).unwrap(), "b 1 a 1.5 c 1.5");
    let other = packed(&[b"b", b"2", b"a", b"1.5"]);
    assert_eq!(shown(form::ZSET_LISTPACK, &other, Version::V10).unwrap(), "b=2 a=1.5");
}

fn node(entries: &[(i64, i64, bool)]) -> Vec<u8> {
    let mut lp = listpack::new();
    let mut int = |value: i64| {
        listpack::push_back_entry(&mut lp, listpack::Entry::Int(value)).unwrap();
    };
    let live = entries.iter().filter(|(_, _, deleted)| !deleted).count();
    [live as i64, (entries.len() - live) as i64, 1, 7, 0].into_iter().for_each(&mut int);
    for (at, (ms, seq, deleted)) in entries.iter().enumerate() {
        let flags = i64::from(*deleted);
        match at % 2 {
            0 => [flags | 2, *ms, *seq, 9, 4].iter().for_each(|&value| int(value)),
            _ => [flags, *ms, *seq, 1, 8, 9, 6].iter().for_each(|&value| int(value)),
        }
    }
    lp
}

fn a_stream() -> stream::Stream<'static> {
    let group = stream::Group {
        name: b"g".into(),
        last_id: (5, 1),
        entries_read: None,
        pending: vec![
            stream::Pending { id: (5, 0), delivered_ms: 77, deliveries: 2, consumer: 1 },
            stream::Pending { id: (5, 1), delivered_ms: 78, deliveries: 1, consumer: 0 },
        ],
        consumers: vec![
            stream::Consumer { name: b"ann".into(), seen_ms: 80, active_ms: 79 },
            stream::Consumer { name: b"bob".into(), seen_ms: 81, active_ms: -1 },
        ],
    };
    stream::Stream {
        nodes: vec![
            ((5, 0), node(&[(0, 0, false), (0, 1, true), (3, 0, false)]).into()),
            ((9, 9), node(&[(0, 0, false)]).into()),
        ],
        length: 3,
        last_id: (10, 0),
        first_id: (5, 0),
        max_deleted_id: (5, 1),
        entries_added: 5,
        groups: vec![group],
    }
}

fn stream_bytes(stream: &stream::Stream<'_>, version: Version) -> Vec<u8> {
    written(|writer| stream.write(writer, version))
}

#[test]
fn streams_come_back() {
    let stream = a_stream();
    for version in [Version::V10, Version::V11] {
        let bytes = stream_bytes(&stream, version);
        let mut reader = Reader::new(&bytes);
        let read = read(&mut reader, stream::Stream::form(version), version).unwrap();
        let Value::Stream(mut back) = read else { panic!("no stream") };
        if version == Version::V10 {
            back.groups[0].consumers[0].active_ms = 79;
            back.groups[0].consumers[1].active_ms = -1;
        }
        assert_eq!(back, stream);
    }
}

#[test]
fn unsound_streams_are_refused() {
    let refused = |change: fn(&mut stream::Stream<'static>)| {
        let mut stream = a_stream();
        change(&mut stream);
        let bytes = stream_bytes(&stream, Version::V11);
        read(&mut Reader::new(&bytes), form::STREAM_3, Version::V11).is_err()
    };
    assert!(!refused(|_| ()));
    assert!(refused(|stream| stream.length = 4));
    assert!(refused(|stream| stream.last_id = (8, 0)));
    assert!(refused(|stream| stream.nodes[1].0 = (8, 0)));
    assert!(refused(|stream| stream.nodes[1].0 = (5, 0)));
    assert!(refused(|stream| stream.nodes[0].1 = listpack::new().into()));
    assert!(refused(|stream| stream.nodes[0].1 = node(&[(0, 1, false), (0, 1, false)]).into()));
    assert!(refused(|stream| stream.groups[0].pending[1].id = (5, 0)));
    assert!(refused(|stream| stream.groups[0].pending[1].consumer = 9));
    assert!(refused(|stream| stream.groups[0].consumers[1].name = b"ann".into()));
    assert!(refused(|stream| stream.groups.push(stream.groups[0].clone())));
}

#[test]
fn payloads_with_another_end_are_refused() {
    let mut payload = vec![form::STRING, 1, b'x'];
    seal(&mut payload, Version::V10);
    assert_eq!(open(&payload, STRICT), Some((&[form::STRING, 1, b'x'][..], Version::V10)));
    for at in 0..payload.len() {
        let mut other = payload.clone();
        other[at] ^= 1;
        assert_eq!(open(&other, STRICT), None);
        assert_eq!(open(&payload[..at], STRICT), None);
    }
    let mut payload = vec![form::STRING, 1, b'x', 13, 0];
    let crc = crate::crc64::of(&payload);
    payload.extend_from_slice(&crc.to_le_bytes());
    assert_eq!(open(&payload, STRICT), None, "a version that nobody knows");
    let lenient = Leniency { any_version: true, ..STRICT };
    assert_eq!(open(&payload, lenient), Some((&[form::STRING, 1, b'x'][..], Version::V12)));
}

proptest! {
    #[test]
    fn strings_come_back(text in prop::collection::vec(any::<u8>(), 0..300), number: i64, plain: bool) {
        let mut writer = Writer::new(Vec::new(), !plain);
        writer.string(&text);
        writer.string_of(number);
        writer.string(number.to_string().as_bytes());
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        let (text_back, one, other) = (reader.string(), reader.string(), reader.string());
        prop_assert_eq!(text_back.as_deref(), Ok(&text[..]));
        let digits = number.to_string();
        prop_assert_eq!(one.as_deref(), Ok(digits.as_bytes()));
        prop_assert_eq!(other, one);
        prop_assert_eq!(reader.left(), 0);
    }

    /// Any bytes as any form: no panic, and no memory that only a number asks for.
    #[test]
    fn any_bytes_read_or_are_refused(
        form in 0u8..28,
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        valkey: bool,
    ) {
        let version = if valkey { Version::Valkey80 } else { Version::V12 };
        let mut reader = Reader::new(&bytes);
        match read(&mut reader, form, version) {
            Ok(Value::List(nodes)) => nodes.for_each(drop),
            Ok(Value::Set(members)) => members.for_each(drop),
            Ok(Value::Hash(fields)) => fields.for_each(drop),
            Ok(Value::Sorted(members)) => members.for_each(drop),
            _ => {}
        }
    }

    /// Single bytes of a sound stream changed: no panic.
    #[test]
    fn a_damaged_stream_reads_or_is_refused(at: prop::sample::Index, to: u8) {
        let mut bytes = stream_bytes(&a_stream(), Version::V11);
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = read(&mut Reader::new(&bytes), form::STREAM_3, Version::V11);
    }

    /// Single bytes of old encodings changed: what is accepted is a listpack.
    #[test]
    fn damaged_old_encodings_read_or_are_refused(at: prop::sample::Index, to: u8) {
        let mut ziplist =
            b"\x19\0\0\0\x13\0\0\0\x04\0\0\x01a\x03\xf2\x02\xc0\xff\x7f\x04\x03end\xff".to_vec();
        let place = at.index(ziplist.len());
        ziplist[place] = to;
        if let Ok(lp) = ziplist::to_listpack(&ziplist) {
            prop_assert_eq!(listpack::validate(&lp), Ok(()));
        }
        let mut zipmap = b"\x02\x03foo\x03\x00bar\x05hello\x05\x01world!\xff".to_vec();
        let place = at.index(zipmap.len());
        zipmap[place] = to;
        if let Ok(lp) = zipmap::to_listpack(&zipmap) {
            prop_assert_eq!(listpack::validate(&lp), Ok(()));
        }
    }
}
