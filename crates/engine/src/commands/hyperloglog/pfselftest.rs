//! `PFSELFTEST`
//!
//! Checks the registers of HyperLogLogs in both encodings against an array, and estimates against
//! true numbers up to 100,000; answers OK, or an error that says what is wrong. A few milliseconds.
//!
//! Effect: none.

use crate::commands::nullary;
use crate::error::Error;
use crate::spec::{Group, Spec, flag};
use crate::values::hyperloglog;

/// What is known of `PFSELFTEST`.
pub const SPEC: Spec = Spec {
    name: "pfselftest",
    summary: "An internal command for testing HyperLogLog values.",
    since: "2.8.9",
    group: Group::Hyperloglog,
    complexity: "O(1)",
    flags: flag::ADMIN,
    ..Spec::BASE
};

/// `PFSELFTEST`
#[derive(Debug, Clone, Copy)]
pub struct PfSelfTest;

nullary!(PfSelfTest, SPEC, |_, reply| {
    hyperloglog::self_test().map_err(|wrong| Error::owned(format!("TESTFAILED {wrong}")))?;
    reply.ok();
    Ok(())
});
