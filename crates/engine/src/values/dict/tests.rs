//! The table against simple models.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

/// Keys of all forms: short, long, boxed.
fn key(number: u32) -> Vec<u8> {
    let len = match number % 97 {
        0 => 125,
        1 => 126,
        2 => 500,
        3 => 513,
        4 => 3000,
        other => other as usize % 13,
    };
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(len.max(4), b'x');
    bytes
}

fn value(rng: &mut fastrand::Rng) -> Vec<u8> {
    let len = match rng.u32(..50) {
        0 => 254,
        1 => 255,
        2 => 509,
        3 => 2000,
        _ => rng.usize(..20),
    };
    vec![rng.u8(..); len]
}

fn contents(dict: &Dict) -> Model {
    let owned = |(key, value): (&[u8], Value<'_>)| {
        (key.to_vec(), (value.value.to_vec(), value.deadline_ms))
    };
    dict.iter().map(owned).collect()
}

/// Everything that the table says of itself is so.
fn check(dict: &Dict) {
    let chunk_bytes: u64 = dict.chunks.iter().map(Chunk::bytes).sum();
    assert_eq!(dict.chunk_bytes, chunk_bytes);
    assert_eq!(dict.len, dict.chunks.iter().map(Chunk::len).sum::<usize>());
    assert!(dict.chunks.iter().all(|chunk| chunk.slots() <= dict.widest as usize));
    let deepest = dict.chunks.iter().filter(|chunk| chunk.depth == dict.depth).count();
    assert_eq!(dict.deepest as usize, deepest);
    assert!(deepest > 0);
    for (at, chunk) in dict.chunks.iter().enumerate() {
        assert_eq!(dict.minima.of(at), chunk.earliest(dict.values));
        for (key, _) in entries_of(chunk, dict.values) {
            assert_eq!(dict.chunk_of(dict.hash.of(key)), at);
        }
    }
    let expected = if dict.depth == 0 { 0 } else { 1 << dict.depth };
    assert_eq!(dict.directory.len(), expected);
}

/// One random change, to the table and to its model.
fn change(dict: &mut Dict, model: &mut Model, rng: &mut fastrand::Rng, keys: u32, grows: bool) {
    let key = key(rng.u32(..keys));
    let there = model.get(&key).cloned();
    match rng.u32(..10) {
        0 => {
            let deadline_ms = rng.bool().then(|| rng.u64(1..1000));
            assert_eq!(dict.set_deadline(&key, deadline_ms), there.is_some());
            if let Some((value, _)) = there {
                model.insert(key, (value, deadline_ms));
            }
        }
        1 => {
            let (value, deadline_ms) = (value(rng), rng.bool().then(|| rng.u64(1..1000)));
            assert_eq!(dict.insert_until(&key, &value, deadline_ms), there.is_none());
            model.insert(key, (value, deadline_ms));
        }
        2 => {
            let (value, old) = (value(rng), there.clone().and_then(|(_, deadline)| deadline));
            assert_eq!(dict.insert_keeping_deadline(&key, &value), there.is_none());
            model.insert(key, (value, old));
        }
        3 => {
            let held = dict.value_mut(&key).map(|value| {
                value.fill(7);
                value.to_vec()
            });
            assert_eq!(held.is_some(), there.is_some());
            if let (Some(held), Some((_, deadline_ms))) = (held, there) {
                model.insert(key, (held, deadline_ms));
            }
        }
        other if (other < 9) == grows => {
            let value = value(rng);
            assert_eq!(dict.insert(&key, &value), there.is_none());
            model.insert(key, (value, None));
        }
        _ => {
            assert_eq!(dict.remove(&key), model.remove(&key).is_some());
        }
    }
}

#[test]
fn behaves_as_a_map_while_it_grows_and_shrinks() {
    let mut rng = fastrand::Rng::with_seed(11);
    let mut dict = Dict::new(KeyHash::new(3));
    let mut model = Model::new();
    for round in 0..8 {
        for _ in 0..6000 {
            change(&mut dict, &mut model, &mut rng, 6000, round % 2 == 0);
        }
        check(&dict);
        assert_eq!(contents(&dict), model);
        for number in 0..6000 {
            let key = key(number);
            let held = dict.get(&key).map(|held| (held.value.to_vec(), held.deadline_ms));
            assert_eq!(held.as_ref(), model.get(&key));
            assert_eq!(dict.contains(&key), model.contains_key(&key));
        }
        let earliest = model.values().filter_map(|(_, deadline_ms)| *deadline_ms).min();
        assert_eq!(dict.next_deadline_ms(), earliest);
    }
    model.keys().for_each(|key| assert!(dict.remove(key)));
    check(&dict);
    assert!(dict.is_empty() && dict.chunks.len() == 1 && dict.chunk_bytes == 0);
    assert_eq!(dict.scan(0, |_, _| panic!("nothing is left")), 0);
}

#[test]
fn a_directory_that_must_not_grow_makes_great_chunks() {
    let mut rng = fastrand::Rng::with_seed(12);
    let mut dict = Dict { max_depth: 1, ..Dict::new(KeyHash::new(3)) };
    let mut model = Model::new();
    for round in 0..4 {
        for _ in 0..12_000 {
            change(&mut dict, &mut model, &mut rng, 6000, round % 2 == 0);
        }
        check(&dict);
        assert_eq!(contents(&dict), model);
    }
}

#[test]
fn a_table_with_another_hash_holds_the_same() {
    let mut rng = fastrand::Rng::with_seed(14);
    let mut dict = Dict::new(KeyHash::new(3));
    let mut model = Model::new();
    for _ in 0..3 {
        (0..3000).for_each(|_| change(&mut dict, &mut model, &mut rng, 3000, true));
        dict.rekey();
        check(&dict);
        assert_eq!(contents(&dict), model);
    }
}

#[test]
fn tables_of_keys_and_of_one_width_hold_them() {
    let mut scores = Dict::of_width(KeyHash::new(5), 8);
    let mut names = Dict::of_keys(KeyHash::new(5));
    for number in 0..5000u32 {
        let key = key(number);
        assert!(scores.insert(&key, &f64::from(number).to_le_bytes()));
        assert!(names.insert(&key, b""));
        assert!(!names.insert(&key, b""));
    }
    for number in (0..5000).step_by(2) {
        let key = key(number);
        scores.value_mut(&key).unwrap().copy_from_slice(&0.5f64.to_le_bytes());
        assert!(names.remove(&key));
    }
    for number in 0..5000u32 {
        let key = key(number);
        let expected = if number % 2 == 0 { 0.5 } else { f64::from(number) };
        assert_eq!(scores.get(&key).unwrap().value, expected.to_le_bytes());
        assert_eq!(names.get_entry(&key).is_some(), number % 2 == 1);
    }
    check(&scores);
    check(&names);
}

#[test]
fn a_copy_is_the_table_of_its_moment() {
    let mut rng = fastrand::Rng::with_seed(13);
    let mut dict = Dict::new(KeyHash::new(3));
    let mut model = Model::new();
    let mut copies: Vec<(Dict, Model)> = Vec::new();
    for round in 0..12 {
        for _ in 0..1500 {
            change(&mut dict, &mut model, &mut rng, 4000, round % 3 != 2);
        }
        copies.push((dict.clone(), model.clone()));
        let (copy, _) = &mut copies[round / 2];
        copy.insert(b"only in the copy", b"1");
        copy.remove(b"only in the copy");
    }
    for (copy, then) in &copies {
        check(copy);
        assert_eq!(&contents(copy), then);
    }
}

#[test]
fn what_is_due_is_taken_by_and_by() {
    let mut dict = Dict::new(KeyHash::new(3));
    for number in 0..10_000u32 {
        let deadline_ms = (number % 5 != 0).then(|| u64::from(number % 1000) + 1);
        dict.insert_until(&key(number), b"v", deadline_ms);
    }
    let mut left: BTreeSet<Vec<u8>> = (0..10_000).map(key).collect();
    for now_ms in [0, 1, 2, 500, 999, 2000] {
        let due = dict.count_due(now_ms);
        let mut taken = 0;
        loop {
            let keys = dict.take_due(now_ms, 37);
            taken += keys.len();
            assert!(keys.iter().all(|key| left.remove(key)));
            if keys.len() < 37 {
                break;
            }
        }
        assert_eq!(taken, due);
        assert!(dict.next_deadline_ms().is_none_or(|at_ms| at_ms > now_ms));
        check(&dict);
    }
    assert_eq!(left.len(), 2000);
    assert_eq!(dict.len(), 2000);
    assert!(left.iter().all(|key| dict.contains(key)));
}

#[test]
fn a_table_that_shrank_gives_its_memory_back() {
    let mut dict = Dict::of_keys(KeyHash::new(3));
    (0..100_000u32).for_each(|n| {
        dict.insert(&n.to_le_bytes(), b"");
    });
    let full = dict.bytes();
    (100..100_000u32).for_each(|n| {
        dict.remove(&n.to_le_bytes());
    });
    check(&dict);
    assert!((0..100u32).all(|n| dict.contains(&n.to_le_bytes())));
    assert!(dict.bytes() < full / 100, "{} of {full}", dict.bytes());
}

#[test]
fn an_entry_takes_little_over_its_bytes() {
    for (entries, most) in [(129u32, 12.0), (1000, 7.0), (10_000, 6.5), (100_000, 6.5)] {
        let mut dict = Dict::of_keys(KeyHash::new(3));
        let mut payload = 0;
        for n in 0..entries {
            let key = format!("member:{n}");
            payload += key.len();
            dict.insert(key.as_bytes(), b"");
        }
        let over = (dict.bytes() as f64 - payload as f64) / f64::from(entries);
        assert!(over < most, "{over} bytes an entry over its own, of {entries}");
    }
}

#[test]
fn random_entries_are_drawn_evenly() {
    let mut rng = fastrand::Rng::with_seed(5);
    for (entries, tries) in [(200u32, 200_000u32), (3000, 600_000)] {
        let mut dict = Dict::of_keys(KeyHash::new(3));
        (0..entries).for_each(|n| {
            dict.insert(&n.to_le_bytes(), b"");
        });
        let mut counts = vec![0f64; entries as usize];
        for _ in 0..tries {
            let (key, _) = dict.random(|bound| rng.u64(..bound)).unwrap();
            counts[u32::from_le_bytes(*key.first_chunk().unwrap()) as usize] += 1.0;
        }
        let mean = f64::from(tries) / f64::from(entries);
        let chi: f64 = counts.iter().map(|count| (count - mean).powi(2) / mean).sum();
        let degrees = f64::from(entries - 1);
        assert!((chi - degrees).abs() < 5.0 * (2.0 * degrees).sqrt(), "{chi} of {degrees}");
    }
}

#[test]
fn the_end_of_a_table_may_be_spread_over_steps() {
    let mut dict = Dict::new(KeyHash::new(3));
    (0..20_000).for_each(|n| {
        dict.insert(&key(n), b"v");
    });
    let mut steps = 1;
    while !dict.free_some(1000) {
        steps += 1;
    }
    assert!(steps > 10);
    assert_eq!((dict.len(), dict.chunk_bytes), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_scan_meets_everything_that_stays(
        stay in 1u32..3000,
        churn in 0u32..300,
        shrinks in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut dict = Dict::new(KeyHash::new(u128::from(seed)));
        (0..stay).for_each(|n| { dict.insert(&key(n), b"v"); });
        if shrinks {
            (stay..12_000).for_each(|n| { dict.insert_until(&key(n), b"v", Some(u64::from(n))); });
        }
        let (mut met, mut cursor, mut steps) = (BTreeSet::new(), 0, 0);
        loop {
            cursor = dict.scan(cursor, |key, _| { met.insert(key.to_vec()); });
            if cursor == 0 {
                break;
            }
            steps += 1;
            if shrinks && steps % 3 == 0 {
                dict.take_due(12_000, 100);
            }
            for _ in 0..churn {
                let other = key(stay + rng.u32(..5000));
                if rng.u32(..5) < 3 {
                    dict.insert(&other, b"v");
                } else {
                    dict.remove(&other);
                }
            }
        }
        prop_assert!((0..stay).all(|n| met.contains(&key(n))));
    }
}
