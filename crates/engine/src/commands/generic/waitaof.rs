//! `WAITAOF numlocal numreplicas timeout`
//!
//! Answers two numbers once this session's writes are where it wants them: whether they are on this
//! machine's disk, and how many replicas have them on theirs. The disk is not waited for: the log is
//! synced here and now. An engine has no replica, so that waiting for one ends with the timeout (in
//! milliseconds, 0 for none). O(1) and a sync.

use crate::args::Args;
use crate::blocking::Waiting;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::Keys;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `WAITAOF`.
pub const SPEC: Spec = Spec {
    name: "waitaof",
    syntax: "numlocal numreplicas timeout",
    summary: "Waits until the session's writes are on disk, here and on replicas.",
    since: "7.2.0",
    group: Group::Generic,
    complexity: "O(1)",
    arity: 4,
    flags: flag::BLOCKING,
    acl: acl::CONNECTION,
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    ..Spec::BASE
};

const LOG_IS_OFF: Error =
    Error::text("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");

/// `WAITAOF`
#[derive(Debug, Clone)]
pub struct WaitAof {
    /// Whether this machine's disk counts.
    pub local: bool,
    /// How many replicas.
    pub replicas: i64,
    /// How long at most, in milliseconds; 0 without end.
    pub timeout_ms: u64,
}

impl<'a> Command<'a> for WaitAof {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        const RANGE: Error = Error::text("ERR value is out of range, value must between 0 and 1");
        const POSITIVE: Error = Error::text("ERR value is out of range, must be positive");
        let local = args.int()?;
        if !(0..=1).contains(&local) {
            return Err(RANGE);
        }
        let replicas = args.int_or(POSITIVE)?;
        if replicas < 0 {
            return Err(POSITIVE);
        }
        let timeout_ms =
            args.int_or(Error::text("ERR timeout is not an integer or out of range"))?;
        let timeout_ms =
            u64::try_from(timeout_ms).map_err(|_| Error::text("ERR timeout is negative"))?;
        Ok(WaitAof { local: local == 1, replicas, timeout_ms })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.int(i64::from(self.local)).int(self.replicas).int(self.timeout_ms.cast_signed());
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let log = ctx.engine.durability().filter(|durability| durability.is_logging());
        if self.local && log.is_none() {
            return Err(LOG_IS_OFF);
        }
        let on_disk = log.is_some_and(|log| log.sync_log());
        if self.replicas == 0 || !ctx.may_block {
            answer(on_disk, reply);
        } else {
            ctx.wait_for(Box::new(ForReplicas { on_disk }), self.timeout_ms);
        }
        Ok(())
    }
}

fn answer(on_disk: bool, reply: &mut dyn Reply) {
    reply.array(2);
    reply.int(i64::from(on_disk));
    reply.int(0);
}

/// A wait that only its timeout ends.
struct ForReplicas {
    on_disk: bool,
}

impl Waiting for ForReplicas {
    fn keys(&self) -> &[Box<[u8]>] {
        &[]
    }

    fn is_ready(&self, _: &Keys<'_>, _: &[u8]) -> bool {
        false
    }

    fn serve(&self, _: &mut Keys<'_>, _: &mut dyn Reply) {}

    fn time_out(&self, reply: &mut dyn Reply) {
        answer(self.on_disk, reply);
    }
}
