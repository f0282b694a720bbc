//! A snapshot is the keyspace at its mark, whatever is written while it is taken.

mod common;

use common::grammar::Grammar;
use common::{assert_same, dump};
use larder_engine::clock::FakeClock;
use larder_engine::keyspace::snapshot::{SavedEntry, SnapshotRefused};
use larder_engine::testing::{TestEngine, send};
use larder_engine::{Flow, Session};
use std::collections::HashSet;
use std::sync::Arc;

const START_MS: u64 = 1_700_000_000_000;

/// An engine under random writes.
struct Busy {
    test: TestEngine,
    session: Session,
    grammar: Grammar,
    now_ms: u64,
    fresh: u64,
}

impl Busy {
    fn new(shards: u16, seed: u64) -> Busy {
        let test = TestEngine::new(shards);
        let (session, _) = test.session();
        let grammar = Grammar::new(seed, START_MS).with_keys(40);
        Busy { test, session, grammar, now_ms: START_MS, fresh: 0 }
    }

    /// A random write, growth, or a step of the clock.
    fn disturb(&mut self) {
        match self.grammar.rng().u32(..200) {
            0 => {
                for _ in 0..300 {
                    self.fresh += 1;
                    let key = format!("fresh:{}", self.fresh);
                    send(&mut self.session, &format!("SET {key} {}", self.fresh));
                }
            }
            1..=4 => {
                let ms = self.grammar.rng().u64(..400);
                self.test.clock.advance_ms(ms);
                self.now_ms += ms;
            }
            5..=8 => {
                self.test.engine.expire_due(&mut Default::default());
            }
            9..=12 => {
                let db = self.grammar.rng().u8(..3);
                self.session.select(db);
            }
            _ => self.write(),
        }
    }

    fn write(&mut self) {
        self.grammar.set_now_ms(self.now_ms);
        let command = self.grammar.write();
        let words: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        let flow = self.session.execute(&words, &mut Vec::new());
        if flow == Flow::Blocked {
            self.session = self.test.session().0;
        }
    }

    /// Begins a snapshot, checks what it finds against what was there; writes go on meanwhile.
    fn check_snapshot(&mut self) -> usize {
        let at_mark = dump(&self.test);
        let marked_ms = self.now_ms;
        let mut snapshot = self.test.engine.begin_snapshot().unwrap();
        let refused = self.test.engine.begin_snapshot().unwrap_err();
        assert_eq!(refused, SnapshotRefused::Running);
        let mut saved: Vec<SavedEntry> = Vec::new();
        loop {
            for _ in 0..self.grammar.rng().u32(..60) {
                self.disturb();
            }
            let budget = self.grammar.rng().usize(1..80);
            match snapshot.step(budget) {
                Some(entries) => saved.extend(entries),
                None => break,
            }
        }
        let keys: HashSet<_> = saved.iter().map(|entry| (entry.db, entry.key.clone())).collect();
        assert_eq!(keys.len(), saved.len(), "something was saved twice");
        assert_eq!(saved.len(), at_mark.len(), "what was due at the mark was saved");
        let copy = TestEngine::with_clock(4, Arc::new(FakeClock::new(marked_ms)));
        copy.engine.load(saved);
        assert_same(&at_mark, &dump(&copy), "at the mark / in the snapshot");
        at_mark.len()
    }
}

fn snapshots_equal_their_marks(shards: u16) {
    for seed in 0..12 {
        let mut busy = Busy::new(shards, seed);
        let mut keys = 0;
        for _ in 0..6 {
            for _ in 0..busy.grammar.rng().u32(..1500) {
                busy.disturb();
            }
            keys += busy.check_snapshot();
        }
        assert!(keys > 100, "seed {seed} checks next to nothing: {keys} keys");
    }
}

#[test]
fn snapshots_equal_their_marks_on_one_shard() {
    snapshots_equal_their_marks(1);
}

#[test]
fn snapshots_equal_their_marks_on_sixteen_shards() {
    snapshots_equal_their_marks(16);
}

/// The stamp of an epoch has eight bits: after 256 snapshots that were given up half-way it comes
/// round, and entries from long ago must not look saved.
#[test]
fn the_epoch_comes_round_without_losing_entries() {
    for aborted in [254, 255, 256, 257, 600] {
        let mut busy = Busy::new(2, aborted);
        for _ in 0..3000 {
            busy.disturb();
        }
        for _ in 0..aborted {
            let mut snapshot = busy.test.engine.begin_snapshot().unwrap();
            let budget = busy.grammar.rng().usize(1..30);
            snapshot.step(budget);
            busy.write();
        }
        busy.check_snapshot();
    }
}

/// What is due at the mark is gone for every reader, so it is for the snapshot.
#[test]
fn what_is_due_at_the_mark_is_not_saved() {
    let test = TestEngine::new(1);
    let (mut session, _mailbox) = test.session();
    for number in 0..500 {
        let ttl = if number % 5 == 0 { 1000 } else { 10 };
        send(&mut session, &format!("SET key:{number} value PX {ttl}"));
    }
    test.clock.advance_ms(10);
    let mut snapshot = test.engine.begin_snapshot().unwrap();
    let mut saved = snapshot.step(40).unwrap();
    send(&mut session, "SET key:1 value");
    while let Some(entries) = snapshot.step(40) {
        saved.extend(entries);
    }
    assert_eq!(saved.len(), 100);
}

/// A flush while a snapshot runs takes shards and databases away as they are.
#[test]
fn flushed_databases_stay_in_the_snapshot() {
    for (flush, shards) in [("FLUSHALL", 1), ("FLUSHALL ASYNC", 8), ("FLUSHDB", 1), ("FLUSHDB", 8)]
    {
        let test = TestEngine::new(shards);
        let (mut session, _mailbox) = test.session();
        for number in 0..500 {
            session.select((number % 2) as u8);
            send(&mut session, &format!("SET key:{number} value"));
        }
        let at_mark = dump(&test);
        let mut snapshot = test.engine.begin_snapshot().unwrap();
        let mut saved = snapshot.step(100).unwrap();
        send(&mut session, "SWAPDB 0 1");
        send(&mut session, flush);
        while let Some(entries) = snapshot.step(50) {
            saved.extend(entries);
        }
        assert_eq!(saved.len(), 500);
        let copy = TestEngine::new(4);
        copy.engine.load(saved);
        assert_same(&at_mark, &dump(&copy), flush);
    }
}
