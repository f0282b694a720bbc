//! `AUTH [username] password`
//!
//! Lets the session in; answers OK. There is one user, `default`, whose password is the setting
//! `requirepass`. Costs two hashes of the password, whatever it is. No effect.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::config::Config;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What is known of `AUTH`.
pub const SPEC: Spec = Spec {
    name: "auth",
    syntax: "[username] password",
    summary: "Authenticates the connection.",
    group: Group::Connection,
    complexity: "O(N) where N is the length of the password",
    arity: -2,
    flags: flag::NOSCRIPT
        | flag::LOADING
        | flag::STALE
        | flag::FAST
        | flag::NO_AUTH
        | flag::ALLOW_BUSY,
    acl: acl::CONNECTION,
    ..Spec::BASE
};

/// The only user.
pub(crate) const DEFAULT_USER: &str = "default";

/// A wrong name and a wrong password are not told apart.
const WRONG: Error = Error::text("WRONGPASS invalid username-password pair or user is disabled.");

/// `AUTH`
#[derive(Debug, Clone)]
pub struct Auth<'a> {
    /// The user; `default` if none is named.
    pub user: Option<&'a [u8]>,
    /// The password.
    pub password: &'a [u8],
}

impl<'a> Command<'a> for Auth<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let first = args.word()?;
        match args.left() {
            0 => Ok(Auth { user: None, password: first }),
            _ => Ok(Auth { user: Some(first), password: args.word()? }),
        }
    }

    fn words(&self, words: &mut Words<'_>) {
        self.user.iter().for_each(|user| {
            words.push(user);
        });
        words.push(self.password);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        ctx.session.redacted.extend([1, 2]);
        if self.user.is_none() && !ctx.config().has_password() {
            return Err(Error::text(
                "ERR AUTH <password> called without any password configured for the default \
                 user. Are you sure your configuration is correct?",
            ));
        }
        let user = self.user.unwrap_or(DEFAULT_USER.as_bytes());
        check(ctx.config(), user, self.password)?;
        ctx.session.authenticated = true;
        reply.ok();
        Ok(())
    }
}

/// Whether this is the password of that user.
///
/// # Errors
/// If it is not.
pub(super) fn check(config: &Config, user: &[u8], password: &[u8]) -> Result<(), Error> {
    let right = match config.requirepass() {
        // Hashes are of one length, so that not even the password's length shows in the time.
        Some(wanted) => Sha256::digest(password).ct_eq(&Sha256::digest(&*wanted)).into(),
        None => true,
    };
    if right && user == DEFAULT_USER.as_bytes() { Ok(()) } else { Err(WRONG) }
}
