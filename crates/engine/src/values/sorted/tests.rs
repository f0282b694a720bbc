//! The tree against a sorted vector, a big sorted set against a map.

use super::big::Big;
use super::range::{ScoreEnd, ScoreRange};
use super::score::Key;
use super::tree::Tree;
use crate::keyspace::KeyHash;
use fastrand::Rng;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Model = Vec<(f64, Vec<u8>)>;

fn key((score, member): &(f64, Vec<u8>)) -> Key<'_> {
    Key::new(*score, member)
}

fn rank(model: &Model, sought: &Key<'_>) -> usize {
    model.partition_point(|held| key(held).is_before(sought))
}

/// An element of few scores and members, so that they meet, or of many.
fn element(rng: &mut Rng, few: bool) -> (f64, Vec<u8>) {
    let scores = [f64::NEG_INFINITY, -0.0, 0.0, 1.0, 1.5, 0.1, 1e15, f64::INFINITY];
    let score = if few { scores[rng.usize(..scores.len())] } else { f64::from(rng.i32(..)) / 8.0 };
    let member = match rng.u32(..60) {
        0 => vec![b'a' + rng.u8(..3); rng.usize(510..700)],
        1..=20 => vec![b'x'; rng.usize(..200)],
        _ => format!("member:{:04}", rng.u32(..if few { 3000 } else { 1_000_000 })).into_bytes(),
    };
    (score, member)
}

fn assert_same(tree: &Tree, model: &Model) {
    assert_eq!(tree.len(), model.len());
    assert_eq!(tree.checked_bytes() as u64, tree.bytes());
    assert!(tree.iter().eq(model.iter().map(key)));
}

/// Every way of reading agrees with the model.
fn assert_reads(tree: &Tree, model: &Model, rng: &mut Rng) {
    for _ in 0..20 {
        let few = rng.bool();
        let sought = match model.get(rng.usize(..=model.len())) {
            Some(held) if rng.bool() => held.clone(),
            _ => element(rng, few),
        };
        assert_eq!(tree.rank(&key(&sought)), rank(model, &key(&sought)));
        let from = rng.usize(..=model.len());
        let to = rng.usize(from..=model.len());
        assert_eq!(tree.get(from), model.get(from).map(key));
        assert!(tree.range(from..to, false).eq(model[from..to].iter().map(key)));
        assert!(tree.range(from..to, true).eq(model[from..to].iter().rev().map(key)));
        assert_eq!(tree.range(from..to, true).len(), to - from);
    }
}

/// One random change of both.
fn change(tree: &mut Tree, model: &mut Model, rng: &mut Rng, few: bool, growing: bool) {
    let fresh = element(rng, few);
    let at = rank(model, &key(&fresh));
    let is_there = model.get(at).is_some_and(|held| key(held) == key(&fresh));
    match rng.u32(..100) {
        0 if !growing && !model.is_empty() => {
            let from = rng.usize(..model.len());
            let to = rng.usize(from..=(from + model.len() / 3).min(model.len()));
            tree.remove_range(from..to);
            model.drain(from..to);
        }
        1..=30 if !model.is_empty() => {
            let old = model.remove(rng.usize(..model.len()));
            let score = if rng.bool() { old.0 + 0.5 } else { fresh.0 };
            let new = (score, old.1.clone());
            let at = rank(model, &key(&new));
            if model.get(at).is_some_and(|held| key(held) == key(&new)) {
                assert!(tree.remove(&key(&old)));
            } else {
                tree.rescore(&key(&old), score);
                model.insert(at, new);
            }
        }
        31..=65 if !growing && !model.is_empty() => {
            let old = model.remove(rng.usize(..model.len()));
            assert!(tree.remove(&key(&old)));
        }
        _ if is_there => {
            assert!(tree.remove(&key(&fresh)));
            model.remove(at);
        }
        _ => {
            assert!(!tree.remove(&key(&fresh)));
            tree.insert(&key(&fresh));
            model.insert(at, fresh);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_tree_is_a_sorted_vector(seed in any::<u64>(), few in any::<bool>()) {
        let mut rng = Rng::with_seed(seed);
        let (mut tree, mut model) = (Tree::default(), Model::new());
        for step in 0..3000 {
            change(&mut tree, &mut model, &mut rng, few, step / 1000 == 0);
            if step % 250 == 0 {
                assert_same(&tree, &model);
                assert_reads(&tree, &model, &mut rng);
            }
        }
        assert_same(&tree, &model);
        assert_reads(&tree, &model, &mut rng);
    }

    #[test]
    fn a_copy_stays_what_the_tree_was(seed in any::<u64>()) {
        let mut rng = Rng::with_seed(seed);
        let (mut tree, mut model) = (Tree::default(), Model::new());
        let mut copies = Vec::new();
        for step in 0..2500 {
            change(&mut tree, &mut model, &mut rng, false, step < 1500);
            if step % 400 == 399 {
                copies.push((tree.clone(), model.clone()));
            }
        }
        assert_same(&tree, &model);
        copies.iter().for_each(|(tree, model)| assert_same(tree, model));
        // A copy is a tree like any other.
        let (mut copy, mut model) = copies.swap_remove(2);
        (0..500).for_each(|_| change(&mut copy, &mut model, &mut rng, false, false));
        assert_same(&copy, &model);
    }
}

#[test]
fn ascending_and_descending_elements_fill_their_pages() {
    for descending in [false, true] {
        let mut tree = Tree::default();
        let mut payload = 0;
        for n in 0..60_000i32 {
            let n = if descending { -n } else { n };
            let member = format!("member:{n:07}");
            payload += member.len() + 2;
            tree.insert(&Key::new(f64::from(n), member.as_bytes()));
        }
        assert_eq!(tree.checked_bytes() as u64, tree.bytes());
        let over = (tree.bytes() as f64 - payload as f64) / 60_000.0;
        assert!(over < 3.7, "{over} bytes over an element's own");
    }
}

#[test]
fn random_elements_leave_little_slack() {
    let mut rng = Rng::with_seed(7);
    let mut tree = Tree::default();
    let mut payload = 0;
    for n in 0..60_000u32 {
        let member = format!("member:{n:07}");
        payload += member.len() + 2;
        tree.insert(&Key::new(rng.f64(), member.as_bytes()));
    }
    let over = (tree.bytes() as f64 - payload as f64) / 60_000.0;
    assert!(over < 11.0, "{over} bytes over an element's own, its score of 8 among them");
}

#[test]
fn a_tree_is_freed_in_steps_and_shared_nodes_stay() {
    let mut rng = Rng::with_seed(7);
    let (mut tree, mut model) = (Tree::default(), Model::new());
    (0..30_000).for_each(|_| change(&mut tree, &mut model, &mut rng, false, true));
    let copy = tree.clone();
    assert!(tree.free_some(1), "all of it is shared");
    assert_same(&copy, &model);
    let mut tree = copy;
    let mut steps = 0;
    while !tree.free_some(2000) {
        steps += 1;
    }
    assert!(steps > 5, "{steps} steps");
    assert!(tree.is_empty());
}

/// Both halves of a big set, tree and table.
#[test]
fn a_member_of_a_big_set_takes_little_over_its_bytes() {
    let mut rng = Rng::with_seed(7);
    for (fractions, most) in [(false, 46.0), (true, 57.0)] {
        let mut big = Big::new(KeyHash::new(5));
        for n in 0..100_000u32 {
            let score = if fractions { rng.f64() } else { f64::from(n) };
            big.put(format!("member:{n:07}").as_bytes(), None, score);
        }
        let bytes = big.bytes() as f64 / 100_000.0;
        assert!(bytes < most, "{bytes} bytes for a member of 14 with its score");
    }
}

/// Tree and table say the same, whatever comes and goes.
#[test]
fn a_big_set_is_a_map_in_order() {
    let mut rng = Rng::with_seed(9);
    let mut big = Big::new(KeyHash::new(5));
    let mut model: BTreeMap<Vec<u8>, f64> = BTreeMap::new();
    let mut copies = Vec::new();
    for step in 0..20_000 {
        let member = format!("m{}", rng.u32(..4000)).into_bytes();
        let score = f64::from(rng.i32(-50..50)) / 4.0;
        match rng.u32(..200) {
            0 => {
                let from = rng.usize(..=big.len());
                let ranks = from..(from + rng.usize(..100)).min(big.len());
                for key in big.tree().range(ranks.clone(), false) {
                    model.remove(key.member);
                }
                big.remove_ranks(ranks);
            }
            1..=60 => assert_eq!(big.remove(&member), model.remove(&member)),
            _ => {
                let old = big.score(&member);
                assert_eq!(old, model.get(&member).copied());
                big.put(&member, old, score);
                model.insert(member, score);
            }
        }
        if step % 4000 == 0 {
            copies.push((big.clone(), model.clone()));
        }
    }
    copies.push((big, model));
    for (big, model) in &copies {
        assert_eq!(big.len(), model.len());
        let mut ordered: Vec<_> = model.iter().map(|(m, s)| Key::new(*s, m)).collect();
        ordered.sort_by(Key::order);
        assert!(big.tree().iter().eq(ordered.iter().copied()));
        for (rank, key) in ordered.iter().enumerate() {
            assert_eq!(big.rank(key.member), Some((rank, key.score)));
        }
        let (min, max) = (-3.25, 4.5);
        for (min_open, max_open) in [(false, false), (true, false), (false, true), (true, true)] {
            let range = ScoreRange {
                min: ScoreEnd { score: min, open: min_open },
                max: ScoreEnd { score: max, open: max_open },
            };
            let is = |key: &&Key<'_>| range.begins_by(key.score) && range.reaches(key.score);
            assert_eq!(big.ranks_of_scores(&range).len(), ordered.iter().filter(is).count());
        }
    }
}
