//! `WAIT numreplicas timeout`
//!
//! Answers how many replicas have everything that this session wrote. An engine has no replica, so
//! that is 0: at once when none is asked for, where the session may not wait, or else when
//! the timeout (in milliseconds, 0 for none) is over.

use crate::args::Args;
use crate::blocking::Waiting;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::Keys;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `WAIT`.
pub const SPEC: Spec = Spec {
    name: "wait",
    syntax: "numreplicas timeout",
    summary: "Waits until the session's writes have reached so many replicas.",
    since: "3.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    arity: 3,
    flags: flag::BLOCKING,
    acl: acl::CONNECTION,
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    ..Spec::BASE
};

/// `WAIT`
#[derive(Debug, Clone)]
pub struct Wait {
    /// How many replicas.
    pub replicas: i64,
    /// How long at most, in milliseconds; 0 without end.
    pub timeout_ms: u64,
}

impl<'a> Command<'a> for Wait {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let replicas = args.int()?;
        let timeout_ms =
            args.int_or(Error::text("ERR timeout is not an integer or out of range"))?;
        let timeout_ms =
            u64::try_from(timeout_ms).map_err(|_| Error::text("ERR timeout is negative"))?;
        Ok(Wait { replicas, timeout_ms })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.int(self.replicas).int(self.timeout_ms.cast_signed());
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        if self.replicas <= 0 || !ctx.may_block {
            reply.int(0);
        } else {
            ctx.wait_for(Box::new(ForReplicas), self.timeout_ms);
        }
        Ok(())
    }
}

/// A wait that only its timeout ends.
struct ForReplicas;

impl Waiting for ForReplicas {
    fn keys(&self) -> &[Box<[u8]>] {
        &[]
    }

    fn is_ready(&self, _: &Keys<'_>, _: &[u8]) -> bool {
        false
    }

    fn serve(&self, _: &mut Keys<'_>, _: &mut dyn Reply) {}

    fn time_out(&self, reply: &mut dyn Reply) {
        reply.int(0);
    }
}
