//! One body for blocking and async callers: a pattern says what it asks and what it makes of the
//! answers; who carries it out, and how it waits, is the caller's choice.

use crate::reply::FromReply;
use crate::{Error, Larder, Value};
use larder_engine::command::{Command, Words};
use std::future::{Future, IntoFuture};
use std::pin::Pin;

/// Requests of which each is a command's words.
pub(crate) type Requests = Vec<Vec<Vec<u8>>>;

/// What follows from the replies to the requests.
pub(crate) type Then<T> = Box<dyn FnOnce(Vec<Value>) -> Result<Step<T>, Error> + Send>;

/// A step of a pattern.
pub(crate) enum Step<T> {
    /// Ask this, as one transaction, and go on from the replies.
    Ask(Requests, Then<T>),
    /// The result.
    Done(T),
}

impl<T: 'static> Step<T> {
    /// One request whose reply is the result.
    pub(crate) fn one(words: Vec<Vec<u8>>) -> Step<T>
    where
        T: FromReply,
    {
        Step::Ask(
            vec![words],
            Box::new(|mut replies| {
                Ok(Step::Done(T::from_reply(replies.pop().unwrap_or(Value::Null))?))
            }),
        )
    }

    /// Several requests in one transaction, and what to make of their replies.
    pub(crate) fn all(
        requests: Requests,
        then: impl FnOnce(Vec<Value>) -> Result<Step<T>, Error> + Send + 'static,
    ) -> Step<T> {
        Step::Ask(requests, Box::new(then))
    }
}

/// An operation of a pattern, ready to be carried out: [`Plan::run`] it, or `.await` it.
#[must_use = "a plan does nothing until it is run or awaited"]
pub struct Plan<T> {
    store: Larder,
    step: Step<T>,
}

impl<T> std::fmt::Debug for Plan<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("store", &self.store).finish_non_exhaustive()
    }
}

impl<T> Plan<T> {
    pub(crate) fn new(store: &Larder, step: Step<T>) -> Self {
        Plan { store: store.clone(), step }
    }

    /// Carries it out and blocks this thread until it is done.
    ///
    /// # Errors
    /// What the store or the connection to it says.
    pub fn run(self) -> Result<T, Error> {
        self.store.run(self.step)
    }
}

impl<T: Send + 'static> IntoFuture for Plan<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.store.run_async(self.step).await })
    }
}

/// Typed commands that are carried out as one, in MULTI and EXEC.
///
/// ```
/// use larder::engine::commands::string::{incrby::IncrBy, set::Set};
/// let store = larder::Larder::open("memory:")?;
/// let mut batch = larder::Batch::new();
/// batch.add(&Set::new(b"a", b"1")).add(&IncrBy { key: b"a", increment: 2 });
/// assert_eq!(store.atomically(&batch)?[1], larder::Value::Int(3));
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub(crate) requests: Requests,
}

impl Batch {
    /// No commands yet.
    #[must_use]
    pub fn new() -> Self {
        Batch::default()
    }

    /// Adds a command.
    pub fn add<'a, C: Command<'a>>(&mut self, command: &C) -> &mut Self {
        self.requests.push(request(command));
        self
    }
}

/// The words of a command, as a request.
pub(crate) fn request<'a, C: Command<'a>>(command: &C) -> Vec<Vec<u8>> {
    let mut words = Words::new();
    words.keyword(C::SPEC.name);
    command.words(&mut words);
    words.as_slices().into_iter().map(<[u8]>::to_vec).collect()
}
