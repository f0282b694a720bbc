//! MULTI, EXEC, WATCH: several commands as one.
//!
//! EXEC takes the locks of all queued commands' keys and of all watched keys at once, so that a
//! transaction is atomic over shards and the check of the watches belongs to it.

use super::state::Multi;
use super::{Flow, Session, more_shards_of, shards_of};
use crate::command::Ctx;
use crate::commands;
use crate::error::Error;
use crate::keys::Hashes;
use crate::keyspace::locks::{Acquired, ShardSet, Wait};
use crate::reply::Reply;
use crate::spec::Entry;
use smallvec::SmallVec;

impl Session {
    pub(super) fn exec(&mut self, reply: &mut dyn Reply, wait: Wait<'_>) -> Flow {
        let Some(multi) = self.state.multi.take() else {
            return self.refuse(&Error::text("ERR EXEC without MULTI"), reply);
        };
        if multi.aborted {
            self.discard();
            let error = Error::text("EXECABORT Transaction discarded because of previous errors.");
            return self.refuse(&error, reply);
        }
        let flow = self.exec_queue(&multi, reply, wait);
        if flow == Flow::Retry {
            self.state.multi = Some(multi);
        } else {
            self.discard();
        }
        flow
    }

    fn exec_queue(&mut self, multi: &Multi, reply: &mut dyn Reply, wait: Wait<'_>) -> Flow {
        let queue: Vec<(&'static Entry, SmallVec<[&[u8]; 8]>)> = multi
            .queue
            .iter()
            .filter_map(|words| {
                let words: SmallVec<[&[u8]; 8]> = words.iter().map(Vec::as_slice).collect();
                Some((commands::resolve(&words)?, words))
            })
            .collect();
        let mut hashes = Hashes::default();
        let mut set = ShardSet::None;
        for (entry, words) in &queue {
            let more = shards_of(&self.engine, entry, words, &mut hashes);
            if more == ShardSet::All {
                set = ShardSet::All;
            }
            more.iter(self.engine.shard_count()).for_each(|shard| set.add(shard));
        }
        for (_, key) in &self.state.watched {
            set.add(self.engine.shard_index(self.engine.hash().of(key)));
        }
        let Session { engine, state, changes, .. } = self;
        let db = state.db;
        let done = engine.with_keys(
            set,
            &hashes,
            changes,
            wait,
            |keys| {
                let mut set = ShardSet::None;
                for (entry, words) in &queue {
                    more_shards_of(keys, db, entry, words)
                        .iter(keys.engine.shard_count())
                        .for_each(|shard| set.add(shard));
                }
                set
            },
            |keys| {
                if state.is_touched() {
                    reply.null_array();
                    return;
                }
                reply.array(queue.len());
                for (entry, words) in &queue {
                    let Some(invoke) = entry.invoke else { continue };
                    keys.db = state.db;
                    let mut ctx = Ctx::new(engine, keys, state, false);
                    if let Err(error) = invoke(&mut ctx, words, reply) {
                        engine.stats.error(&error.to_string());
                        reply.error(&error);
                    }
                }
            },
        );
        match done {
            Ok(((), position)) => {
                self.position = self.position.max(position);
                self.state.flow.take().unwrap_or(Flow::Continue)
            }
            Err(Acquired::Busy) => self.refuse(&super::BUSY, reply),
            Err(_) => Flow::Retry,
        }
    }

    /// Forgets the queue and the watches.
    pub(crate) fn discard(&mut self) {
        self.state.multi = None;
        self.state.client.facts.lock().multi = -1;
        self.unwatch();
    }

    /// Forgets the watches.
    pub(crate) fn unwatch(&mut self) {
        self.state.unwatch(&self.engine);
    }
}
