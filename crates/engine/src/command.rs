//! A command as a type: its arguments, the way from words to them and back, and what it does.

use crate::args::{Args, NO_SUCH_DATABASE};
use crate::blocking::{Waiter, Waiting};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::Error;
use crate::keys::Keys;
use crate::monitor::{Moment, Source};
use crate::notify::Naming;
use crate::reply::Reply;
use crate::session::SessionState;
use crate::spec::{Spec, flag};
use std::borrow::Cow;
use std::sync::Arc;

/// A command with its arguments, borrowed from the words or from a typed caller.
pub trait Command<'a>: Sized {
    /// What is known of it.
    const SPEC: &'static Spec;

    /// Reads the words after the name; arity was checked. Words that are left over are a syntax
    /// error of the caller's making.
    ///
    /// # Errors
    /// The wire error for words that make no sense.
    fn parse(args: &mut Args<'a>) -> Result<Self, Error>;

    /// The inverse: the words after the name.
    fn words(&self, words: &mut Words<'_>);

    /// The keys, in the order of the words: the same that SPEC finds in them.
    fn keys(&self, visit: &mut dyn FnMut(&'a [u8]));

    /// Does it, and writes one reply unless it fails.
    ///
    /// # Errors
    /// The wire error; a command that fails has changed nothing.
    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error>;
}

/// Words under construction.
#[derive(Debug, Default)]
pub struct Words<'w> {
    list: Vec<Cow<'w, [u8]>>,
}

impl<'w> Words<'w> {
    /// No words yet.
    pub fn new() -> Self {
        Words::default()
    }

    /// Adds a copy of a word.
    pub fn push(&mut self, word: &[u8]) -> &mut Self {
        self.list.push(Cow::Owned(word.to_vec()));
        self
    }

    /// Adds a keyword or another fixed word.
    pub fn keyword(&mut self, word: &'static str) -> &mut Self {
        self.list.push(Cow::Borrowed(word.as_bytes()));
        self
    }

    /// Adds a number.
    pub fn int(&mut self, value: i64) -> &mut Self {
        self.list.push(Cow::Owned(value.to_string().into_bytes()));
        self
    }

    /// Adds several words.
    pub fn all(&mut self, words: &[&[u8]]) -> &mut Self {
        words.iter().for_each(|word| {
            self.push(word);
        });
        self
    }

    /// The words.
    pub fn as_slices(&self) -> Vec<&[u8]> {
        self.list.iter().map(AsRef::as_ref).collect()
    }
}

/// What a running command works with.
pub struct Ctx<'c, 'k> {
    /// The keys whose locks it holds.
    pub keys: &'c mut Keys<'k>,
    /// The engine.
    pub engine: &'c Arc<Engine>,
    /// The session that sent it.
    pub session: &'c mut SessionState,
    /// Whether it may wait (not inside MULTI).
    pub may_block: bool,
    /// Who sends it, as `MONITOR` shows it.
    pub(crate) source: Source,
    pub(crate) block: Option<(Box<dyn Waiting>, Option<u64>)>,
}

impl<'c, 'k> Ctx<'c, 'k> {
    pub(crate) fn new(
        engine: &'c Arc<Engine>,
        keys: &'c mut Keys<'k>,
        session: &'c mut SessionState,
        may_block: bool,
    ) -> Self {
        Ctx { keys, engine, session, may_block, source: Source::Client, block: None }
    }

    /// The settings.
    pub fn config(&self) -> &'c Config {
        self.engine.config()
    }

    /// Checks that the settings have a database.
    ///
    /// # Errors
    /// The index is out of range.
    pub fn check_database(&self, db: u8) -> Result<(), Error> {
        let there = usize::from(db) < self.config().databases();
        if there { Ok(()) } else { Err(NO_SUCH_DATABASE) }
    }

    /// Makes the session wait until one of the keys is ready or, if `timeout_ms` is not 0, so many
    /// milliseconds have passed. The command writes no reply. Only where [`Ctx::may_block`].
    pub fn wait_for(&mut self, waiting: Box<dyn Waiting>, timeout_ms: u64) {
        let deadline_ms = (timeout_ms > 0).then(|| self.keys.now_ms().saturating_add(timeout_ms));
        self.block = Some((waiting, deadline_ms));
    }

    /// Enters a wait into the queues of its keys, whose locks are held. From then on others see
    /// that the session waits.
    pub(crate) fn begin_wait(
        &mut self,
        waiting: Box<dyn Waiting>,
        what: (usize, Naming),
    ) -> Arc<Waiter> {
        let waiter = Waiter::new(self.engine, self.session, waiting, what);
        for key in waiter.waiting.keys() {
            self.keys.shard_of(key).waiters.add(waiter.db, key, &waiter);
        }
        *self.session.client.waiter.lock() = Some(waiter.clone());
        waiter
    }
}

/// Parses a command from its words and runs it: what the table calls.
pub(crate) fn invoke<'a, C: Command<'a>>(
    ctx: &mut Ctx<'_, '_>,
    words: &'a [&'a [u8]],
    name_words: usize,
    reply: &mut dyn Reply,
) -> Result<(), Error> {
    let moment = const { Moment::of(C::SPEC) };
    if moment == Moment::Before {
        show(ctx, words);
    }
    let result = parse_and_perform::<C>(ctx, words, name_words, reply);
    if moment == Moment::After {
        show(ctx, words);
    }
    result
}

/// Shows a command to those who look at all.
#[inline(always)]
fn show(ctx: &Ctx<'_, '_>, words: &[&[u8]]) {
    if ctx.engine.monitors.is_on() {
        ctx.engine.monitors.show(ctx.engine, ctx.session, ctx.source, words);
    }
}

fn parse_and_perform<'a, C: Command<'a>>(
    ctx: &mut Ctx<'_, '_>,
    words: &'a [&'a [u8]],
    name_words: usize,
    reply: &mut dyn Reply,
) -> Result<(), Error> {
    let mut args = Args::of_request(words, name_words);
    let command = match C::parse(&mut args).and_then(|command| args.end().map(|()| command)) {
        Ok(command) => command,
        Err(error) => {
            if C::SPEC.flags & flag::NO_AUTH != 0 {
                // What makes no sense may hold a password, and nobody knows where.
                ctx.session.redacted.extend(1..words.len() as u16);
            }
            return Err(error);
        }
    };
    perform(&command, ctx, reply, Some(words))
}

/// The words of a command, its name first.
pub(crate) fn words_of<'a, C: Command<'a>>(command: &C) -> Words<'static> {
    let mut words = Words::new();
    words.keyword(C::SPEC.name);
    command.words(&mut words);
    words
}

/// Runs a command and turns what it changed into its effect.
pub(crate) fn perform<'a, C: Command<'a>>(
    command: &C,
    ctx: &mut Ctx<'_, '_>,
    reply: &mut dyn Reply,
    words: Option<&[&[u8]]>,
) -> Result<(), Error> {
    let before = ctx.keys.changes.count;
    ctx.keys.changes.effects.named = false;
    let result = command.run(ctx, reply);
    // A script has read what its commands have, not what it names.
    let reads = const { C::SPEC.flags & (flag::READONLY | flag::SCRIPT) == flag::READONLY };
    if reads && ctx.session.remembers {
        remember(command, ctx);
    }
    let Keys { changes, db, .. } = &mut *ctx.keys;
    if changes.effects.on && changes.count != before && !changes.effects.named {
        match words {
            Some(words) => changes.effects.write(*db, words),
            None => changes.effects.write(*db, &words_of(command).as_slices()),
        }
    }
    changes.commands += u64::from(changes.count != before);
    if changes.notices.any() {
        match words {
            Some(words) => changes.notices.tell(C::SPEC, words),
            None => changes.notices.tell(C::SPEC, &words_of(command).as_slices()),
        }
    }
    result
}

/// Remembers what a session has read, to tell it when that changes.
#[cold]
fn remember<'a, C: Command<'a>>(command: &C, ctx: &mut Ctx<'_, '_>) {
    let client = &ctx.session.client;
    let keys = &mut *ctx.keys;
    command.keys(&mut |key| keys.remember(key, client));
}

/// What a request means to its command.
#[cfg(test)]
#[derive(Debug, PartialEq)]
pub(crate) struct RoundTrip {
    /// The words that it makes of itself, its name first as it was given.
    pub(crate) words: Vec<Vec<u8>>,
    /// The keys that it names.
    pub(crate) keys: Vec<Vec<u8>>,
    /// Its arguments, printed: equal for the same meaning.
    pub(crate) shown: String,
}

/// [`round_trip`] of a type.
#[cfg(test)]
pub(crate) type RoundTripOf = fn(&[&[u8]]) -> Result<RoundTrip, Error>;

/// Parses a request and writes it again.
#[cfg(test)]
pub(crate) fn round_trip<'a, C: Command<'a> + std::fmt::Debug>(
    request: &'a [&'a [u8]],
    name_words: usize,
) -> Result<RoundTrip, Error> {
    let mut args = Args::of_request(request, name_words);
    let command = C::parse(&mut args)?;
    args.end()?;
    let mut written = Words::new();
    written.all(&request[..name_words]);
    command.words(&mut written);
    let mut keys = Vec::new();
    command.keys(&mut |key| keys.push(key.to_vec()));
    let words = written.as_slices().into_iter().map(<[u8]>::to_vec).collect();
    Ok(RoundTrip { words, keys, shown: format!("{command:?}") })
}
