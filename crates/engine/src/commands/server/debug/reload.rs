//! `DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]`: all data into the form of files, out of memory, and
//! back again, the way a restart would go.
//!
//! Through the snapshot file where there is a folder, otherwise through bytes in memory, which are
//! kept for `NOSAVE`. All of it is read before anything is removed, so that an error changes
//! nothing. Keys that are due are removed before.

use crate::args::Args;
use crate::command::{Ctx, Words};
use crate::durability::Durability;
use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::snapshot::{SavedEntry, Uses};
use crate::keyspace::{DATABASES, Freeing, OwnedValue};
use crate::reply::Reply;
use crate::values::dump::{Rules, read, write};
use larder_codec::Corrupt;
use larder_codec::rdb::{Reader, Version, Writer};

/// What `RELOAD` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reload {
    /// `MERGE`: replace keys that are there.
    pub merge: bool,
    /// `NOFLUSH`: leave what is there.
    pub keep: bool,
    /// `NOSAVE`: read what was written the last time.
    pub old: bool,
}

/// What can say all of any value.
const VERSION: Version = Version::V12;

const BAD_OPTION: Error =
    Error::text("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");

const NOT_LOADED: Error = Error::text("ERR Error trying to load the RDB dump, check server logs.");

const NOT_SAVED: Error =
    Error::text("ERR Error trying to save the RDB dump, a save is running already.");

/// Entries that are walked over at once.
const STEP: usize = 256;

/// A key on its way back.
struct Loaded {
    db: u8,
    key: Vec<u8>,
    deadline_ms: Option<u64>,
    access: Access,
    value: OwnedValue,
}

/// What is known of a key's uses.
enum Access {
    /// As its entry had it.
    Bits(u32),
    /// As a file tells it.
    Told(Uses),
}

impl Reload {
    pub(super) fn parse(args: &mut Args<'_>) -> Result<Self, Error> {
        let mut reload = Reload::default();
        while args.left() > 0 {
            if args.keyword("MERGE") {
                reload.merge = true;
            } else if args.keyword("NOFLUSH") {
                reload.keep = true;
            } else if args.keyword("NOSAVE") {
                reload.old = true;
            } else {
                return Err(BAD_OPTION);
            }
        }
        Ok(reload)
    }

    pub(super) fn words(&self, words: &mut Words<'_>) {
        let Reload { merge, keep, old } = *self;
        for (given, word) in [(merge, "MERGE"), (keep, "NOFLUSH"), (old, "NOSAVE")] {
            if given {
                words.keyword(word);
            }
        }
    }

    pub(super) fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let loaded = match ctx.engine.durability() {
            Some(durability) => self.through_file(ctx, &**durability)?,
            None => self.through_memory(ctx)?,
        };
        let there = |loaded: &Loaded| ctx.keys.peek(loaded.db, &loaded.key).is_some();
        if self.keep && !self.merge && loaded.iter().any(there) {
            return Err(NOT_LOADED);
        }
        if !self.keep {
            ctx.keys.flush(None, Freeing::Sync);
        }
        for Loaded { db, key, deadline_ms, access, value } in loaded {
            let mut gate = ctx.keys.write_in(db, &key);
            if deadline_ms.is_none_or(|deadline_ms| deadline_ms > gate.now_ms()) {
                gate.put_owned(value, deadline_ms);
                match access {
                    Access::Bits(bits) => gate.restore_access(bits),
                    Access::Told(uses) => gate.restore_uses(uses),
                }
            }
        }
        ctx.keys.no_effect();
        reply.ok();
        Ok(())
    }

    fn through_file(
        &self,
        ctx: &mut Ctx<'_, '_>,
        durability: &dyn Durability,
    ) -> Result<Vec<Loaded>, Error> {
        if !self.old {
            let selected = ctx.keys.db;
            expire(ctx.keys);
            ctx.keys.db = selected;
            let snapshot = ctx.keys.begin_snapshot(ctx.engine).map_err(|_| NOT_SAVED)?;
            let keys = &mut *ctx.keys;
            durability.save_held(snapshot, &mut |snapshot| snapshot.step_in(keys, STEP))?;
        }
        let mut loaded = Vec::new();
        durability.read_saved(&mut |entry| {
            let SavedEntry { db, key, value, deadline_ms, uses } = entry;
            let (key, access) = (key.into_vec(), Access::Told(uses));
            loaded.push(Loaded { db, key, deadline_ms, access, value });
        })?;
        Ok(loaded)
    }

    fn through_memory(&self, ctx: &mut Ctx<'_, '_>) -> Result<Vec<Loaded>, Error> {
        let selected = ctx.keys.db;
        let mut image = ctx.engine.take_image();
        if !self.old {
            expire(ctx.keys);
            image = Some(save(ctx.keys));
            ctx.keys.db = selected;
        }
        let image = image.ok_or(NOT_LOADED)?;
        let rules = Rules::new(ctx.config(), *ctx.engine.hash());
        let loaded = load(&image, &rules).map_err(|_| NOT_LOADED);
        ctx.engine.put_image(image);
        loaded
    }
}

/// Removes what is due.
fn expire(keys: &mut Keys<'_>) {
    for db in 0..DATABASES as u8 {
        keys.db = db;
        let mut due = Vec::new();
        for shard in 0..keys.shard_count() {
            let mut cursor = 0;
            loop {
                cursor = keys.scan_bucket(shard, cursor, |met| {
                    if met.due {
                        due.push(met.key.to_vec());
                    }
                });
                if cursor == 0 {
                    break;
                }
            }
        }
        for key in &due {
            keys.write(key);
        }
    }
}

/// Everything, each key as: database, deadline or -1, access bits, key, value.
fn save(keys: &mut Keys<'_>) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), true);
    for db in 0..DATABASES as u8 {
        keys.db = db;
        let keys = &*keys;
        keys.each_key(|key| {
            let Some(value) = keys.peek(db, key) else { return };
            let deadline_ms = keys.deadline_ms(key).flatten();
            writer.byte(db);
            writer.moment(deadline_ms.map_or(-1, u64::cast_signed));
            writer.number(u64::from(keys.access_bits(key).unwrap_or(0)));
            writer.string(key);
            write(value, VERSION, &mut writer);
        });
    }
    writer.into_bytes()
}

fn load(image: &[u8], rules: &Rules) -> Result<Vec<Loaded>, Corrupt> {
    let mut reader = Reader::new(image);
    let mut loaded = Vec::new();
    while reader.left() > 0 {
        let db = reader.byte()?;
        let deadline_ms = u64::try_from(reader.moment()?).ok();
        let access = Access::Bits(reader.number()? as u32);
        let key = reader.string()?.into_owned();
        let value = read(&mut reader, VERSION, rules)?;
        loaded.push(Loaded { db, key, deadline_ms, access, value });
    }
    Ok(loaded)
}
