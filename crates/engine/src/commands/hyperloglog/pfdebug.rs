//! `PFDEBUG <GETREG | DECODE | ENCODING | TODENSE> key`
//!
//! Looks into a HyperLogLog: the ranks of its registers (and makes it dense, as Redis does), its
//! runs as text (`z` short and `Z` long runs of zeros, `v:rank,length` others), its encoding; or
//! makes it dense, answering 1 where it was not. O(registers).
//!
//! Effect: the command, where it made it dense.
//!
//! Valkey's `SIMD` is not there: nothing here can be switched by it.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hyperloglog::{self, REGISTERS, Registers, Sketch, dense, sketch_of, sparse};

/// What is known of `PFDEBUG`.
pub const SPEC: Spec = Spec {
    name: "pfdebug",
    syntax: "<GETREG | DECODE | ENCODING | TODENSE> key",
    summary: "Internal commands for debugging HyperLogLog values.",
    since: "2.8.9",
    group: Group::Hyperloglog,
    complexity: "O(N) in the number of registers",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::ADMIN,
    keys: &[KeySpec::one(2, key::RW | key::ACCESS)],
    events: Events::NONE,
    ..Spec::BASE
};

/// `PFDEBUG`
#[derive(Debug, Clone)]
pub struct PfDebug<'a> {
    /// What to do, in any case; unknown words are told after a look at the key.
    pub subcommand: &'a [u8],
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for PfDebug<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(PfDebug { subcommand: args.word()?, key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.subcommand).push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Some(sketch) = sketch_of(ctx.keys.peek(ctx.keys.db(), self.key))? else {
            return Err(Error::text("ERR The specified key does not exist"));
        };
        let is = |word: &str| self.subcommand.eq_ignore_ascii_case(word.as_bytes());
        if is("GETREG") {
            hyperloglog::make_dense(ctx.keys, self.key)?;
            return self.registers(ctx, reply);
        }
        if is("DECODE") {
            let Registers::Sparse(runs) = sketch.registers() else {
                return Err(Error::text("ERR HLL encoding is not sparse"));
            };
            reply.bulk(decoded(runs).as_bytes());
        } else if is("ENCODING") {
            reply.simple(match sketch.registers() {
                Registers::Dense(_) => "dense",
                Registers::Sparse(_) => "sparse",
            });
        } else if is("TODENSE") {
            let was_sparse = hyperloglog::make_dense(ctx.keys, self.key)?;
            reply.int(i64::from(was_sparse));
        } else {
            return Err(Error::owned(format!(
                "ERR Unknown PFDEBUG subcommand '{}'",
                String::from_utf8_lossy(&self.subcommand[..self.subcommand.len().min(128)])
            )));
        }
        Ok(())
    }
}

impl PfDebug<'_> {
    fn registers(&self, ctx: &Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let sketch = sketch_of(ctx.keys.peek(ctx.keys.db(), self.key))?;
        if let Some(Registers::Dense(registers)) = sketch.map(Sketch::registers) {
            reply.array(REGISTERS);
            dense::each(registers, |rank| reply.int(i64::from(rank)));
        }
        Ok(())
    }
}

fn decoded(runs: &[u8]) -> String {
    let runs = sparse::runs(runs).map(|run| match run.rank {
        0 if run.is_long() => format!("Z:{}", run.len),
        0 => format!("z:{}", run.len),
        rank => format!("v:{rank},{}", run.len),
    });
    runs.collect::<Vec<_>>().join(" ")
}
