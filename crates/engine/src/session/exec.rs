//! MULTI, EXEC, WATCH: several commands as one.
//!
//! EXEC takes the locks of all queued commands' keys and of all watched keys at once, so that a
//! transaction is atomic over shards and the check of the watches belongs to it.

use super::noting::note_run;
use super::state::{Multi, Queued};
use super::{Flow, Session, SessionState, more_shards_of, shards_of};
use crate::command::Ctx;
use crate::engine::Engine;
use crate::error::Error;
use crate::keys::{Hashes, Keys};
use crate::keyspace::locks::{Acquired, ShardSet, Wait};
use crate::monitor::Source;
use crate::reply::Reply;
use crate::spec::{Entry, flag};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A queued command with its words as commands take them.
type Step<'q> = (&'static Entry, SmallVec<[&'q [u8]; 8]>);

impl Session {
    pub(super) fn exec(
        &mut self,
        entry: &'static Entry,
        words: &[&[u8]],
        reply: &mut dyn Reply,
        wait: Wait<'_>,
    ) -> Flow {
        let Some(multi) = self.state.multi.take() else {
            self.note_at_once(entry);
            show(&self.engine, &self.state, words);
            self.fail(Some(entry), &Error::text("ERR EXEC without MULTI"), reply);
            return Flow::Continue;
        };
        if multi.aborted {
            self.state.discard();
            self.note_at_once(entry);
            show(&self.engine, &self.state, words);
            let error = Error::text("EXECABORT Transaction discarded because of previous errors.");
            self.fail(Some(entry), &error, reply);
            return Flow::Continue;
        }
        match self.exec_queue((entry, words), &multi, reply, wait) {
            Ok(flow) => {
                self.state.discard();
                flow
            }
            Err(refused) => {
                self.state.multi = Some(multi);
                match refused {
                    Acquired::Busy => {
                        let busy = self.engine.scripts.running.busy();
                        self.refuse(Some(entry), &busy, reply)
                    }
                    _ => Flow::Retry,
                }
            }
        }
    }

    /// Runs the queue under all of its locks, unless a watched key has changed.
    fn exec_queue(
        &mut self,
        (entry, words): (&'static Entry, &[&[u8]]),
        multi: &Multi,
        reply: &mut dyn Reply,
        wait: Wait<'_>,
    ) -> Result<Flow, Acquired> {
        let steps: Vec<Step<'_>> = multi
            .queue
            .iter()
            .map(|Queued { entry, words }| (*entry, words.iter().map(Vec::as_slice).collect()))
            .collect();
        let mut hashes = Hashes::default();
        let set = self.shards_of_queue(&steps, &mut hashes);
        let Session { engine, state, changes, .. } = self;
        let db = state.db;
        changes.no_touch = state.client.facts.no_touch.load(Ordering::Relaxed);
        changes.runs_scripts = steps.iter().any(|(entry, _)| entry.spec.has(flag::SCRIPT));
        let mut now_us = 0;
        let (began_us, position) = engine.with_keys(
            set,
            &hashes,
            changes,
            wait,
            |keys| {
                let mut set = ShardSet::None;
                for (entry, words) in &steps {
                    more_shards_of(keys, db, entry, words)
                        .iter(keys.engine.shard_count())
                        .for_each(|shard| set.add(shard));
                }
                set
            },
            |keys| {
                let began_us = keys.changes.began_us;
                if is_touched(keys, state) {
                    reply.null_array();
                    show(engine, state, words);
                    return began_us;
                }
                reply.array(steps.len());
                now_us = began_us;
                for (entry, words) in &steps {
                    now_us = step(engine, keys, state, (*entry, words), reply, now_us);
                }
                state.redacted.clear();
                show(engine, state, words);
                began_us
            },
        )?;
        self.note_position(position);
        let now_us = now_us.max(began_us);
        self.ended_us = now_us;
        self.state.client.active_ms.store(now_us / 1000, Ordering::Relaxed);
        note_run(&self.engine, &self.state, entry, words, began_us, now_us);
        Ok(self.state.flow.take().unwrap_or(Flow::Continue))
    }

    fn shards_of_queue(&self, steps: &[Step<'_>], hashes: &mut Hashes) -> ShardSet {
        let mut set = ShardSet::None;
        for (entry, words) in steps {
            let more = shards_of(&self.engine, entry, words, hashes, None);
            // What a command needs to know of shards, those before it in the queue may change.
            if more == ShardSet::All || entry.spec.more_shards.is_some() {
                return ShardSet::All;
            }
            more.iter(self.engine.shard_count()).for_each(|shard| set.add(shard));
        }
        for (_, key) in &self.state.watched {
            set.add(self.engine.shard_index(self.engine.hash().of(key)));
        }
        set
    }
}

/// Shows EXEC to those who look, after its queue.
fn show(engine: &Engine, state: &SessionState, words: &[&[u8]]) {
    if engine.monitors.is_on() {
        engine.monitors.show(engine, state, Source::Client, words);
    }
}

/// Whether a watched key has changed, or has come to its end since it was watched.
fn is_touched(keys: &mut Keys<'_>, state: &SessionState) -> bool {
    for (db, key) in &state.watched {
        // Opening the gate removes a key that is due, and that marks its watchers.
        keys.write_in(*db, key);
    }
    state.is_touched()
}

/// Runs one command of the queue; the time after it.
fn step(
    engine: &Arc<Engine>,
    keys: &mut Keys<'_>,
    state: &mut SessionState,
    (entry, words): (&'static Entry, &[&[u8]]),
    reply: &mut dyn Reply,
    began_us: u64,
) -> u64 {
    let Some(invoke) = entry.invoke else { return began_us };
    keys.db = state.db;
    state.redacted.clear();
    let mut ctx = Ctx::new(engine, keys, state, false);
    let result = invoke(&mut ctx, words, reply);
    let now_us = engine.now_us();
    note_run(engine, state, entry, words, began_us, now_us);
    if let Err(error) = result {
        engine.stats.failed(crate::commands::number_of(entry));
        engine.stats.error(&error.to_string());
        reply.error(&error);
    }
    now_us
}
