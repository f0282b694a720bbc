//! Lists of both encodings against a plain vector, through the gate.

use super::*;
use crate::changes::Changes;
use crate::keyspace::hash::KeyHash;
use crate::keyspace::shard::Shard;

type Model = Vec<Vec<u8>>;

const KEY: &[u8] = b"k";

fn with_gate<R>(shard: &mut Shard, work: impl FnOnce(&mut Gate<'_>) -> R) -> R {
    let hash = shard.hash.of(KEY);
    work(&mut Gate::open(shard, &mut Changes::default(), 0, hash, KEY))
}

fn elements(list: ListRef<'_>) -> Model {
    let mut all = Model::new();
    list.each(0, End::Tail, usize::MAX, |element| all.push(element.to_vec()));
    all
}

/// Every way of reading agrees with the model, each chunk is a valid listpack within its limits,
/// and the figures are true.
fn check(shard: &mut Shard, model: &Model, limits: &Limits, rng: &mut fastrand::Rng) {
    let outside = with_gate(shard, |gate| {
        let list = list_of(gate.value()).unwrap();
        let Some(list) = list else {
            assert!(model.is_empty());
            return 0;
        };
        assert_eq!(list.len(), model.len());
        assert_eq!(elements(list), *model);
        for _ in 0..4 {
            let index = rng.usize(..model.len());
            assert!(list.get(index).unwrap().eq_bytes(&model[index]), "index {index}");
            let towards = if rng.bool() { End::Head } else { End::Tail };
            let mut got = Model::new();
            list.each(index, towards, 3, |element| got.push(element.to_vec()));
            let want: Model = match towards {
                End::Tail => model[index..].iter().take(3).cloned().collect(),
                End::Head => model[..=index].iter().rev().take(3).cloned().collect(),
            };
            assert_eq!(got, want, "from {index} {towards:?}");
        }
        assert!(list.get(model.len()).is_none());
        match list {
            ListRef::Packed(lp) => {
                assert_eq!(listpack::validate(lp), Ok(()));
                gate.outside().map_or(0, |bytes| bytes.len() as u64)
            }
            ListRef::Chunks(chunks) => {
                assert_eq!(chunks.recounted(), (chunks.len(), chunks.bytes()));
                for node in chunks.nodes() {
                    match node {
                        Node::Packed(lp) => {
                            assert_eq!(listpack::validate(lp), Ok(()));
                            assert!(!listpack::is_empty(lp));
                            let count = listpack::len(lp);
                            assert!(count <= limits.count);
                            // A short list goes beyond by what its last elements take as entries.
                            let slack = 300 * 11;
                            assert!(count == 1 || lp.len() <= limits.bytes + slack);
                        }
                        Node::Plain(element) => assert!(element.len() > limits.bytes),
                    }
                }
                chunks.bytes()
            }
        }
    });
    assert_eq!(shard.outside_bytes(), outside);
}

fn element(rng: &mut fastrand::Rng, limits: &Limits) -> Vec<u8> {
    match rng.u8(..20) {
        0..6 => rng.i64(-3..10).to_string().into_bytes(),
        6..9 => rng.i64(..).to_string().into_bytes(),
        9 => vec![b'l'; rng.usize(..limits.bytes * 2)],
        10 => vec![b'e'; limits.bytes - rng.usize(..20)],
        _ => vec![rng.u8(b'a'..b'e'); rng.usize(..60)],
    }
}

fn step(gate: &mut Gate<'_>, model: &mut Model, limits: &Limits, rng: &mut fastrand::Rng) {
    let end = if rng.bool() { End::Head } else { End::Tail };
    let other = if rng.bool() { End::Head } else { End::Tail };
    let grows = rng.u8(..10) < 6;
    match rng.u8(..12) {
        0..6 if grows || model.is_empty() => {
            let most = if rng.u8(..20) == 0 { 300 } else { 4 };
            let new: Model = (0..rng.usize(1..most)).map(|_| element(rng, limits)).collect();
            let words: Vec<&[u8]> = new.iter().map(Vec::as_slice).collect();
            for element in &new {
                let at = if end == End::Head { 0 } else { model.len() };
                model.insert(at, element.clone());
            }
            assert_eq!(push(gate, end, &words, limits), Ok(model.len()));
        }
        0..6 => {
            let most = if rng.u8(..20) == 0 { 400 } else { 6 };
            let count = rng.usize(1..most);
            remove_at_end(gate, end, count, limits);
            let left = model.len() - count.min(model.len());
            match end {
                End::Head => drop(model.drain(..model.len() - left)),
                End::Tail => model.truncate(left),
            }
        }
        _ if model.is_empty() => {}
        6 => {
            let (index, element) = (rng.usize(..model.len()), element(rng, limits));
            set(gate, index, &element, limits);
            model[index] = element;
        }
        7 | 8 => {
            let (index, element) = (rng.usize(..=model.len()), element(rng, limits));
            insert(gate, index, &element, limits);
            model.insert(index, element);
        }
        9 => {
            let most = if rng.bool() { usize::MAX } else { rng.usize(1..4) };
            let gone = model[rng.usize(..model.len())].clone();
            let mut indexes: Vec<usize> =
                (0..model.len()).filter(|&index| model[index] == gone).collect();
            if end == End::Tail {
                indexes.reverse();
            }
            indexes.truncate(most);
            assert_eq!(remove_equal(gate, end, most, &gone, limits), indexes.len());
            let mut index = 0;
            model.retain(|_| {
                index += 1;
                !indexes.contains(&(index - 1))
            });
        }
        10 => {
            let moved = if end == End::Head { model.remove(0) } else { model.pop().unwrap() };
            rotate(gate, end, other, &moved, limits);
            let at = if other == End::Head { 0 } else { model.len() };
            model.insert(at, moved);
        }
        _ => {
            let cut = model.len() / 4;
            let kept = rng.usize(..=cut)..model.len() - rng.usize(..=cut);
            trim(gate, kept.clone(), limits);
            model.truncate(kept.end);
            model.drain(..kept.start);
        }
    }
}

#[test]
fn lists_of_every_limit_equal_a_vector() {
    for (seed, setting) in [-2, -1, -5, 128, 4, 1].into_iter().enumerate() {
        let mut rng = fastrand::Rng::with_seed(seed as u64);
        let limits = Limits::from_setting(setting);
        let mut shard = Shard::new(KeyHash::new(1));
        let mut model = Model::new();
        for _ in 0..3000 {
            with_gate(&mut shard, |gate| step(gate, &mut model, &limits, &mut rng));
            check(&mut shard, &model, &limits, &mut rng);
        }
        with_gate(&mut shard, |gate| assert_eq!(gate.remove(), !model.is_empty()));
        assert_eq!(shard.outside_bytes(), 0);
    }
}

/// A copy shares its chunks with the list it was made from, and neither sees the other's changes.
#[test]
fn a_copy_is_independent() {
    let limits = Limits::from_setting(-2);
    let mut rng = fastrand::Rng::with_seed(9);
    let mut shard = Shard::new(KeyHash::new(1));
    let mut model = Model::new();
    for _ in 0..3000 {
        let element = rng.u64(..).to_string().into_bytes();
        with_gate(&mut shard, |gate| push(gate, End::Tail, &[&element], &limits)).unwrap();
        model.push(element);
    }
    let copy = with_gate(&mut shard, |gate| match list_of(gate.value()) {
        Ok(Some(ListRef::Chunks(chunks))) => chunks.clone(),
        other => panic!("{other:?}"),
    });
    let at_copy = model.clone();
    for _ in 0..500 {
        with_gate(&mut shard, |gate| step(gate, &mut model, &limits, &mut rng));
        check(&mut shard, &model, &limits, &mut rng);
    }
    assert_eq!(elements(ListRef::Chunks(&copy)), at_copy);
}

#[test]
fn a_list_changes_its_encoding_where_redis_does() {
    let limits = Limits::from_setting(4);
    let mut shard = Shard::new(KeyHash::new(1));
    let is_long = |shard: &mut Shard| {
        with_gate(shard, |gate| matches!(list_of(gate.value()), Ok(Some(ListRef::Chunks(_)))))
    };
    let push_one = |shard: &mut Shard| {
        with_gate(shard, |gate| push(gate, End::Tail, &[b"a"], &limits)).unwrap();
    };
    (0..4).for_each(|_| push_one(&mut shard));
    assert!(!is_long(&mut shard));
    push_one(&mut shard);
    assert!(is_long(&mut shard));
    // Two chunks, then one of four, three and two elements.
    for left in [4, 3] {
        with_gate(&mut shard, |gate| remove_at_end(gate, End::Tail, 1, &limits));
        assert!(is_long(&mut shard), "{left} left");
    }
    with_gate(&mut shard, |gate| remove_at_end(gate, End::Tail, 1, &limits));
    assert!(!is_long(&mut shard));
}

#[test]
fn pushing_at_a_full_head_moves_no_chunk() {
    // Time would tell on a slow machine only sometimes; the bytes that the buffers take do always:
    // chunks that are done growing hold little more than their elements.
    let limits = Limits::from_setting(-2);
    for end in [End::Head, End::Tail] {
        let mut chunks = Chunks::default();
        for _ in 0..100_000 {
            chunks.push(end, b"xxx", &limits);
        }
        let elements = 100_000 * 5;
        assert!(chunks.bytes() < elements + elements / 50 + 16384, "{}", chunks.bytes());
    }
}

#[test]
fn large_elements_stand_alone_and_free_what_they_took() {
    let limits = Limits::from_setting(-2);
    let mut chunks = Chunks::default();
    let empty = chunks.bytes();
    let large = vec![b'x'; 100_000];
    for _ in 0..10 {
        chunks.push(End::Head, &large, &limits);
        chunks.push(End::Head, b"small", &limits);
    }
    assert_eq!(chunks.nodes().count(), 20);
    assert!(chunks.remove_at_end(End::Tail, 19, &limits).is_some());
    assert!(chunks.bytes() - empty < 2000);
    assert_eq!(chunks.get(0), Some(Entry::Str(b"small")));
}
