//! Random changes to a stream against a model of plain maps, with small nodes and with large ones;
//! copies that keep what they had; parts for files, sound and broken.

use super::*;
use crate::config::Config;
use crate::keyspace::{KeyHash, Kind, OwnedValue};
use crate::values::dump;
use fastrand::Rng;
use larder_codec::rdb::{Reader, Version, Writer};
use std::collections::BTreeMap;

type Fields = Vec<Vec<u8>>;

/// What a stream should be.
#[derive(Debug, Clone, Default)]
struct Model {
    entries: BTreeMap<Id, Fields>,
    figures: Figures,
    groups: BTreeMap<Vec<u8>, ModelGroup>,
}

#[derive(Debug, Clone, Default)]
struct ModelGroup {
    last_id: Id,
    pending: BTreeMap<Id, (Vec<u8>, u64, u64)>,
    consumers: BTreeMap<Vec<u8>, u64>,
}

fn fields_of(entry: &EntryRef<'_>) -> Fields {
    entry.pairs().flat_map(|(field, value)| [field, value]).map(|e| e.to_cow().into()).collect()
}

fn shown<'a>(range: impl Iterator<Item = EntryRef<'a>>) -> Vec<(Id, Fields)> {
    range.map(|entry| (entry.id, fields_of(&entry))).collect()
}

fn random_pairs(rng: &mut Rng) -> Fields {
    let value = |rng: &mut Rng| match rng.u32(..8) {
        0 => rng.i64(..).to_string().into_bytes(),
        1 => vec![b'x'; rng.usize(..300)],
        2 => vec![],
        _ => rng.u32(..500).to_string().into_bytes(),
    };
    match rng.u32(..4) {
        0 => (0..2 * rng.usize(1..6)).map(|_| value(rng)).collect(),
        1 => vec![b"7".to_vec(), value(rng)],
        _ => vec![b"sensor".to_vec(), value(rng), b"temperature".to_vec(), value(rng)],
    }
}

fn random_id(rng: &mut Rng, model: &Model) -> Id {
    let near = rng.usize(..=model.entries.len());
    let known = model.entries.keys().nth(near).copied().unwrap_or(model.figures.last_id);
    match rng.u32(..6) {
        0 => known.next().unwrap_or(Id::MAX),
        1 => known.previous().unwrap_or(Id::MIN),
        2 => Id::new(rng.u64(..=model.figures.last_id.ms + 2), rng.u64(..3)),
        _ => known,
    }
}

fn append(rng: &mut Rng, stream: &mut Stream, model: &mut Model, limits: Limits) {
    let last = model.figures.last_id;
    let id = match rng.u32(..3) {
        0 => Id::new(last.ms + rng.u64(1..4), rng.u64(..3)),
        1 => Id::new(last.ms + 1, 0),
        _ => Id::new(last.ms, last.seq + rng.u64(1..3)),
    };
    let pairs = random_pairs(rng);
    let slices: Vec<&[u8]> = pairs.iter().map(Vec::as_slice).collect();
    stream.entries_mut().append(id, &slices, limits);
    model.entries.insert(id, pairs);
    model.figures.last_id = id;
    model.figures.entries_added += 1;
}

fn delete(rng: &mut Rng, stream: &mut Stream, model: &mut Model) {
    let id = random_id(rng, model);
    let was_there = model.entries.remove(&id).is_some();
    assert_eq!(stream.entries_mut().delete(id), was_there);
    if was_there {
        model.figures.max_deleted_id = model.figures.max_deleted_id.max(id);
    }
}

fn trim(rng: &mut Rng, stream: &mut Stream, model: &mut Model) {
    let keep = if rng.bool() {
        Keep::Newest(rng.u64(..=model.entries.len() as u64 + 3))
    } else {
        Keep::From(random_id(rng, model))
    };
    let limit = if rng.bool() { 0 } else { rng.u64(1..200) };
    let whole_nodes = limit > 0 || rng.bool();
    let trimming = Trimming { keep, whole_nodes, limit };
    let would = stream.entries().would_trim(trimming);
    let mut fallen = None;
    let gone = stream.entries_mut().trim(trimming, &mut fallen);
    assert_eq!(would, gone > 0, "{trimming:?}");
    assert!(limit == 0 || gone <= limit);
    let before = model.entries.len();
    for _ in 0..gone {
        let (id, _) = model.entries.pop_first().unwrap();
        assert!(!matches!(keep, Keep::From(first) if id >= first));
    }
    match keep {
        Keep::Newest(most) if whole_nodes => {
            assert!(gone == 0 || model.entries.len() as u64 >= most);
        }
        Keep::Newest(most) => assert_eq!(model.entries.len(), before.min(most as usize)),
        Keep::From(first) if !whole_nodes => {
            assert!(model.entries.keys().next().is_none_or(|id| *id >= first));
        }
        Keep::From(_) => {}
    }
}

fn change_group(rng: &mut Rng, stream: &mut Stream, model: &mut Model) {
    let name = format!("g{}", rng.u32(..3)).into_bytes();
    let consumer = format!("c{}", rng.u32(..4)).into_bytes();
    let now_ms = rng.u64(1..1000);
    let (id, upper) = (random_id(rng, model), rng.usize(1..20));
    let Some(own) = model.groups.get_mut(&name) else {
        assert!(stream.add_group(&name, Group::new(id, None)));
        assert!(!stream.add_group(&name, Group::new(id, None)));
        model.groups.insert(name, ModelGroup { last_id: id, ..ModelGroup::default() });
        return;
    };
    let enter = |group: &mut Group| match group.consumer(&consumer) {
        Some((number, _)) => number,
        None => group.add_consumer(&consumer, now_ms),
    };
    match rng.u32(..12) {
        0 => {
            assert!(stream.remove_group(&name).is_some());
            model.groups.remove(&name);
        }
        1 => {
            let removed = stream.edit_group(&name, |group, _| group.remove_consumer(&consumer));
            let pending = own.pending.len();
            own.pending.retain(|_, record| record.0 != consumer);
            let had = own.consumers.remove(&consumer).map(|_| pending - own.pending.len());
            assert_eq!(removed, Some(had));
        }
        2..=4 => {
            let ids: Vec<Id> = own.pending.range(id..).map(|(id, _)| *id).take(upper).collect();
            for id in ids.into_iter().chain([id]) {
                let done = stream.edit_group(&name, |group, _| group.acknowledge(id));
                assert_eq!(done, Some(own.pending.remove(&id).is_some()));
            }
        }
        5 => {
            stream.edit_group(&name, |group, _| {
                let number = enter(group);
                let delivery = Delivery { consumer: number, at_ms: now_ms, count: 9 };
                group.deliver(id, delivery);
            });
            own.pending.insert(id, (consumer.clone(), now_ms, 9));
            own.consumers.entry(consumer).or_insert(now_ms);
        }
        _ => {
            let from = own.last_id;
            let new = model.entries.range(from.next().unwrap_or(Id::MAX)..).take(upper);
            let ids: Vec<Id> = new.map(|(id, _)| *id).collect();
            stream.edit_group(&name, |group, entries| {
                let number = enter(group);
                for &id in &ids {
                    group.advance(id, entries);
                    group.deliver(id, Delivery { consumer: number, at_ms: now_ms, count: 1 });
                }
            });
            for id in ids {
                own.pending.insert(id, (consumer.clone(), now_ms, 1));
                own.last_id = id;
            }
            own.consumers.entry(consumer).or_insert(now_ms);
        }
    }
}

fn compare(stream: &Stream, model: &Model, rng: &mut Rng) {
    stream.check();
    let entries = stream.entries();
    assert_eq!(entries.len(), model.entries.len() as u64);
    assert_eq!(entries.figures(), model.figures);
    assert_eq!(entries.first_id(), model.entries.keys().next().copied().unwrap_or(Id::MIN));
    let (one, other) = (random_id(rng, model), random_id(rng, model));
    for (from, to) in [(Id::MIN, Id::MAX), (one.min(other), one.max(other)), (one, one)] {
        let expected: Vec<(Id, Fields)> =
            model.entries.range(from..=to).map(|(id, fields)| (*id, fields.clone())).collect();
        assert_eq!(shown(entries.range(from, to)), expected);
        let mut back = shown(entries.range_back(from, to));
        back.reverse();
        assert_eq!(back, expected);
        let most = rng.u64(..9);
        let count = if most == 0 { expected.len() } else { expected.len().min(most as usize) };
        assert_eq!(entries.count(from, to, most), count as u64);
    }
    assert_eq!(entries.get(one).map(|entry| entry.id), model.entries.get(&one).map(|_| one));
    assert_eq!(stream.group_count(), model.groups.len());
    for (name, own) in &model.groups {
        let group = stream.group(name).unwrap();
        let name_of = |delivery: Delivery| group.consumer_of(delivery.consumer).unwrap().name();
        let pending: BTreeMap<Id, (Vec<u8>, u64, u64)> = group
            .pending()
            .map(|(id, own)| (id, (name_of(own).to_vec(), own.at_ms, own.count)))
            .collect();
        assert_eq!(pending, own.pending);
        assert_eq!(group.last_id(), own.last_id);
        let consumers: Vec<&[u8]> = group.consumers().map(|(_, own)| own.name()).collect();
        assert_eq!(consumers, own.consumers.keys().map(Vec::as_slice).collect::<Vec<_>>());
    }
}

/// A stream out of the bytes of another.
fn reloaded(stream: &Stream) -> Stream {
    let object = Object::Stream(Box::new(stream.clone()));
    let mut writer = Writer::new(Vec::new(), false);
    dump::write(ValueRef::Object(Kind::Stream, &object), Version::V11, &mut writer);
    let (bytes, rules) =
        (writer.into_bytes(), dump::Rules::new(&Config::default(), KeyHash::new(1)));
    match dump::read(&mut Reader::new(&bytes), Version::V11, &rules) {
        Ok(OwnedValue::Object(object)) => match *object {
            Object::Stream(stream) => *stream,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// A stream of the parts of another.
fn again(stream: &Stream) -> Result<Stream, Corrupt> {
    let groups: Vec<GroupParts> =
        stream.groups().map(|(name, group)| group.to_parts(name)).collect();
    Stream::of_parts(stream.entries().nodes(), stream.entries().figures(), &groups)
}

#[test]
fn equals_a_model_and_copies_keep_what_they_had() {
    for (seed, limits) in [
        (1, Limits { bytes: 4096, entries: 100 }),
        (2, Limits { bytes: 400, entries: 5 }),
        (3, Limits { bytes: 100_000, entries: 0 }),
        (4, Limits { bytes: 1 << 20, entries: 300 }),
    ] {
        let mut rng = Rng::with_seed(seed);
        let (mut stream, mut model) = (Stream::default(), Model::default());
        let (mut copy, mut kept) = (stream.clone(), model.clone());
        for step in 0..6000 {
            match rng.u32(..100) {
                0 => trim(&mut rng, &mut stream, &mut model),
                1..=25 => delete(&mut rng, &mut stream, &mut model),
                26..=50 => change_group(&mut rng, &mut stream, &mut model),
                _ => append(&mut rng, &mut stream, &mut model, limits),
            }
            if step % 150 == 0 {
                compare(&stream, &model, &mut rng);
                compare(&copy, &kept, &mut rng);
                compare(&again(&stream).unwrap(), &model, &mut rng);
                compare(&reloaded(&stream), &model, &mut rng);
                (copy, kept) = (stream.clone(), model.clone());
            }
        }
        compare(&stream, &model, &mut rng);
        while !stream.free_some(100) {}
        assert_eq!(stream.bytes(), Stream::default().bytes() + capacity_left(&stream));
    }
}

/// Directories keep a little room.
fn capacity_left(stream: &Stream) -> u64 {
    stream.entries.bytes() + stream.groups.bytes()
}

/// Whatever is wrong with the bytes of a node, it is refused or read without a panic.
#[test]
fn broken_nodes_are_refused_or_harmless() {
    let mut rng = Rng::with_seed(5);
    let limits = Limits { bytes: 4096, entries: 12 };
    let mut refused = 0;
    for _ in 0..4000 {
        let (mut stream, mut model) = (Stream::default(), Model::default());
        for _ in 0..rng.usize(1..10) {
            append(&mut rng, &mut stream, &mut model, limits);
        }
        delete(&mut rng, &mut stream, &mut model);
        let figures = stream.entries().figures();
        let nodes = stream.entries().nodes().map(|(id, lp)| (id, lp.to_vec()));
        let mut nodes: Vec<(Id, Vec<u8>)> = nodes.collect();
        let Some((_, lp)) = nodes.last_mut() else { continue };
        for _ in 0..rng.usize(1..3) {
            let at = rng.usize(4..lp.len() - 1);
            lp[at] = rng.u8(..);
        }
        match Stream::of_parts(nodes, figures, &[]) {
            Err(_) => refused += 1,
            Ok(mut stream) => {
                shown(stream.entries().range(Id::MIN, Id::MAX));
                let ids: Vec<Id> =
                    stream.entries().range_back(Id::MIN, Id::MAX).map(|entry| entry.id).collect();
                stream.check();
                for id in ids {
                    assert!(stream.entries_mut().delete(id));
                }
                assert!(stream.entries().is_empty());
            }
        }
    }
    assert!(refused > 1000, "{refused}");
}

#[test]
fn contradictions_between_parts_are_refused() {
    let mut stream = Stream::default();
    let limits = Limits { bytes: 4096, entries: 2 };
    for ms in 1..6 {
        stream.entries_mut().append(Id::new(ms, 0), &[b"f", b"v"], limits);
    }
    let nodes = |stream: &Stream| -> Vec<(Id, Vec<u8>)> {
        stream.entries().nodes().map(|(id, lp)| (id, lp.to_vec())).collect()
    };
    let figures = stream.entries().figures();
    let of = |nodes: Vec<(Id, Vec<u8>)>, figures| Stream::of_parts(nodes, figures, &[]);
    assert!(of(nodes(&stream), figures).is_ok());
    let mut swapped = nodes(&stream);
    swapped.swap(0, 1);
    assert!(of(swapped, figures).is_err());
    let early = Figures { last_id: Id::new(4, 0), ..figures };
    assert!(of(nodes(&stream), early).is_err());

    let consumer = |name: &str, ids: &[u64]| ConsumerParts {
        name: name.into(),
        pending: ids.iter().map(|ms| Id::new(*ms, 0)).collect(),
        ..ConsumerParts::default()
    };
    let group = |consumers: Vec<ConsumerParts>| GroupParts {
        name: b"g".to_vec(),
        pending: vec![(Id::new(1, 0), 7, 1), (Id::new(2, 0), 7, 1)],
        consumers,
        ..GroupParts::default()
    };
    let of = |groups: &[GroupParts]| Stream::of_parts(nodes(&stream), figures, groups);
    let sound = group(vec![consumer("a", &[1]), consumer("b", &[2])]);
    assert!(of(std::slice::from_ref(&sound)).is_ok());
    assert!(of(&[sound.clone(), sound]).is_err());
    assert!(of(&[group(vec![consumer("a", &[1])])]).is_err());
    assert!(of(&[group(vec![consumer("a", &[1, 2]), consumer("b", &[2])])]).is_err());
    assert!(of(&[group(vec![consumer("a", &[1]), consumer("a", &[2])])]).is_err());
    assert!(of(&[group(vec![consumer("a", &[1, 3])])]).is_err());
}

/// The bytes are Redis's: a node of two entries with the same fields and one with others.
#[test]
fn nodes_lie_as_in_redis() {
    let mut stream = Stream::default();
    let limits = Limits { bytes: 4096, entries: 100 };
    stream.entries_mut().append(Id::new(10, 1), &[b"f", b"1"], limits);
    stream.entries_mut().append(Id::new(10, 2), &[b"f", b"x"], limits);
    stream.entries_mut().append(Id::new(12, 0), &[b"g", b"y"], limits);
    stream.entries_mut().delete(Id::new(10, 2));
    let (id, lp) = stream.entries().nodes().next().unwrap();
    assert_eq!(id, Id::new(10, 1));
    let elements = larder_codec::listpack::iter(lp).map(|entry| entry.to_cow().into_owned());
    let elements: Vec<String> =
        elements.map(|element| String::from_utf8(element).unwrap()).collect();
    let expected = "2 1 1 f 0  2 0 0 1 4  3 0 1 x 4  0 2 -1 1 g y 6";
    assert_eq!(elements, expected.split_whitespace().collect::<Vec<_>>());
}

/// A copy shares everything; a change to one of the two touches a node or chunk only.
#[test]
fn a_change_after_a_copy_copies_little() {
    let mut stream = Stream::default();
    let limits = Limits { bytes: 4096, entries: 100 };
    stream.add_group(b"g", Group::new(Id::MIN, None));
    for ms in 1..100_000 {
        stream.entries_mut().append(Id::new(ms, 0), &[b"field", b"value"], limits);
    }
    stream.edit_group(b"g", |group, entries| {
        let number = group.add_consumer(b"c", 0);
        for entry in entries.range(Id::MIN, Id::MAX) {
            group.deliver(entry.id, Delivery { consumer: number, at_ms: 1, count: 1 });
        }
    });
    let copy = stream.clone();
    let changes = |stream: &mut Stream| {
        stream.entries_mut().append(Id::new(100_000, 0), &[b"field", b"value"], limits);
        stream.entries_mut().delete(Id::new(50_000, 0));
        stream.edit_group(b"g", |group, _| group.acknowledge(Id::new(70_000, 0)));
    };
    changes(&mut stream);
    assert!(stream.entries.own_nodes(&copy.entries) <= 2);
    let (own, other) = (stream.group(b"g").unwrap(), copy.group(b"g").unwrap());
    assert!(own.own_chunks(other) <= 4);
    assert_eq!(copy.entries().len(), 99_999);
    assert_eq!(other.pending_count(), 99_999);
    copy.check();
    stream.check();
}
