//! `MEMORY USAGE key [SAMPLES count]` · `STATS` · `DOCTOR` · `PURGE` · `MALLOC-STATS` · `HELP`
//!
//! USAGE: bytes that a key takes with everything that belongs to it, known exactly and so without
//! samples. STATS: the sums over all keys; a line is there only if it is true. DOCTOR says what
//! stands out in them. PURGE gives back what waits to be freed, before it answers. O(1) or
//! O(shards + clients); STATS and DOCTOR hold all locks for a moment.
//!
//! Difference: `MALLOC-STATS` has nothing to tell, as Redis without its own allocator.

use super::super::{help, nullary, subcommand};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keyspace::DATABASES;
use crate::reply::Reply;
use crate::spec::{Entry, Group, KeySpec, Spec, flag, key};

/// What is known of `MEMORY`.
pub const SPEC: Spec = Spec {
    name: "memory",
    summary: "A container for memory diagnostics commands.",
    since: "4.0.0",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    arity: -2,
    subcommands: &[
        subcommand!(plain SPEC_DOCTOR, Doctor),
        HELP,
        subcommand!(plain SPEC_MALLOC_STATS, MallocStats),
        subcommand!(plain SPEC_PURGE, Purge),
        subcommand!(plain SPEC_STATS, MemoryStats),
        subcommand!(SPEC_USAGE, Usage),
    ],
    ..Spec::BASE
};

const HELP: Entry = help::entry(&help::spec(Group::Server, "4.0.0", 0));

/// What is known of `MEMORY DOCTOR`.
pub const SPEC_DOCTOR: Spec =
    Spec { name: "doctor", summary: "Says what stands out about memory.", ..SPEC_STATS };

/// What is known of `MEMORY MALLOC-STATS`.
pub const SPEC_MALLOC_STATS: Spec = Spec {
    name: "malloc-stats",
    summary: "Returns statistics of the allocator.",
    flags: 0,
    ..SPEC_STATS
};

/// What is known of `MEMORY PURGE`.
pub const SPEC_PURGE: Spec = Spec {
    name: "purge",
    summary: "Gives back memory that waits to be freed.",
    flags: 0,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..SPEC_STATS
};

/// What is known of `MEMORY STATS`.
pub const SPEC_STATS: Spec = Spec {
    name: "stats",
    summary: "Returns details about memory usage.",
    since: "4.0.0",
    group: Group::Server,
    arity: 2,
    flags: flag::ALL_SHARDS,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..Spec::BASE
};

/// What is known of `MEMORY USAGE`.
pub const SPEC_USAGE: Spec = Spec {
    name: "usage",
    syntax: "key [SAMPLES count]",
    summary: "Estimates the memory usage of a key.",
    since: "4.0.0",
    group: Group::Server,
    arity: -3,
    flags: flag::READONLY,
    keys: &[KeySpec::one(2, key::RO)],
    ..Spec::BASE
};

/// `MEMORY USAGE`
#[derive(Debug, Clone, Copy)]
pub struct Usage<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Accepted; nothing is estimated here.
    pub samples: Option<i64>,
}

impl<'a> Command<'a> for Usage<'a> {
    const SPEC: &'static Spec = &SPEC_USAGE;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut usage = Usage { key: args.word()?, samples: None };
        while args.left() > 0 {
            if args.left() < 2 || !args.keyword("SAMPLES") {
                return Err(Error::Syntax);
            }
            usage.samples = Some(args.int()?);
            if usage.samples < Some(0) {
                return Err(Error::Syntax);
            }
        }
        Ok(usage)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        self.samples.iter().for_each(|samples| {
            words.keyword("SAMPLES").int(*samples);
        });
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        match ctx.keys.bytes_of(ctx.keys.db(), self.key) {
            Some(bytes) => reply.int(bytes.cast_signed()),
            None => reply.null(),
        }
        Ok(())
    }
}

/// `MEMORY STATS`
#[derive(Debug, Clone, Copy)]
pub struct MemoryStats;

nullary!(MemoryStats, SPEC_STATS, |ctx, reply| {
    let sums = Sums::of(ctx);
    let peak = ctx.engine.stats().peak(sums.total());
    reply.map(10 + sums.tables.len());
    let mut line = |name: &str, value: u64| {
        reply.bulk(name.as_bytes());
        reply.int(value.cast_signed());
    };
    line("peak.allocated", peak);
    line("total.allocated", sums.total());
    line("clients.normal", sums.clients);
    line("lazyfree.pending", sums.garbage);
    line("overhead.total", sums.overhead());
    line("keys.count", sums.keys);
    line("keys.bytes-per-key", sums.data.checked_div(sums.keys).unwrap_or(0));
    line("dataset.bytes", sums.data - sums.in_tables());
    let mut share = |name: &str, part: u64, whole: u64| {
        reply.bulk(name.as_bytes());
        reply.double(part as f64 * 100.0 / whole.max(1) as f64);
    };
    share("dataset.percentage", sums.data - sums.in_tables(), sums.total());
    share("peak.percentage", sums.total(), peak);
    for (db, bytes) in sums.tables {
        reply.bulk(format!("db.{db}").as_bytes());
        reply.map(1);
        reply.bulk(b"overhead.hashtable.main");
        reply.int(bytes.cast_signed());
    }
    Ok(())
});

/// `MEMORY DOCTOR`
#[derive(Debug, Clone, Copy)]
pub struct Doctor;

nullary!(Doctor, SPEC_DOCTOR, |ctx, reply| {
    let sums = Sums::of(ctx);
    let maxmemory = ctx.config().maxmemory();
    let clients = ctx.engine.clients.all().len() as u64;
    let mut findings = Vec::new();
    if maxmemory > 0 && sums.total() > maxmemory / 10 * 9 {
        findings.push("More than nine tenths of maxmemory are in use.");
    }
    if sums.clients / clients.max(1) > MANY_CLIENT_BYTES {
        findings.push("Clients take more than 200 KiB each; CLIENT LIST tells which.");
    }
    if sums.garbage > sums.total() / 2 && sums.garbage > LITTLE_BYTES {
        findings.push("More than half of the memory waits to be freed; MEMORY PURGE does it now.");
    }
    if sums.overhead() > sums.total() / 2 && sums.total() > LITTLE_BYTES {
        findings.push("More than half of the memory is not for data.");
    }
    let report = match &findings[..] {
        [] if sums.total() < LITTLE_BYTES => "There is too little data to tell anything.\n".into(),
        [] => "Nothing stands out.\n".into(),
        findings => findings.join("\n") + "\n",
    };
    reply.verbatim(*b"txt", report.as_bytes());
    Ok(())
});

/// `MEMORY PURGE`
#[derive(Debug, Clone, Copy)]
pub struct Purge;

nullary!(Purge, SPEC_PURGE, |ctx, reply| {
    while ctx.engine.garbage.is_any() {
        ctx.engine.free_garbage();
    }
    reply.ok();
    Ok(())
});

/// `MEMORY MALLOC-STATS`
#[derive(Debug, Clone, Copy)]
pub struct MallocStats;

nullary!(MallocStats, SPEC_MALLOC_STATS, |_, reply| {
    reply.bulk(b"Stats not supported for the current allocator");
    Ok(())
});

/// Below this nothing is worth a remark.
const LITTLE_BYTES: u64 = 5 << 20;

/// Clients that take more on average stand out.
const MANY_CLIENT_BYTES: u64 = 200 * 1024;

/// Bytes by what they are for.
struct Sums {
    /// Keys, values, and the tables that find them.
    data: u64,
    keys: u64,
    clients: u64,
    /// What waits to be freed.
    garbage: u64,
    /// Of each database with keys: its tables.
    tables: Vec<(usize, u64)>,
}

impl Sums {
    /// Needs all locks.
    fn of(ctx: &mut Ctx<'_, '_>) -> Sums {
        let mut data = 0;
        let mut keys = [0; DATABASES];
        let mut tables = [0; DATABASES];
        for shard in ctx.keys.shards() {
            data += shard.bytes();
            for db in 0..DATABASES {
                keys[db] += shard.len(db as u8).0;
                tables[db] += shard.bytes_of_table(db as u8);
            }
        }
        let tables = tables.into_iter().enumerate().filter(|(db, _)| keys[*db] > 0).collect();
        let clients = ctx.engine.clients.bytes();
        let garbage = ctx.engine.garbage.bytes();
        Sums { data, keys: keys.iter().sum(), clients, garbage, tables }
    }

    fn total(&self) -> u64 {
        self.data + self.clients + self.garbage
    }

    fn in_tables(&self) -> u64 {
        self.tables.iter().map(|(_, bytes)| bytes).sum()
    }

    fn overhead(&self) -> u64 {
        self.total() - self.data + self.in_tables()
    }
}
