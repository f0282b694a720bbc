//! One body for blocking and async callers: a pattern says what it asks and what it makes of the
//! answers; who carries it out, and how it waits, is the caller's choice.

use crate::reply::FromReply;
use crate::{Error, Larder, Value};
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

/// The words of a request.
macro_rules! request {
    ($($word:expr),* $(,)?) => { vec![$(crate::plan::ToWord::to_word(&$word)),*] };
}
pub(crate) use request;

/// Something that stands as a word in a request.
pub(crate) trait ToWord {
    fn to_word(&self) -> Vec<u8>;
}

impl ToWord for &str {
    fn to_word(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}
impl ToWord for String {
    fn to_word(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}
impl ToWord for Vec<u8> {
    fn to_word(&self) -> Vec<u8> {
        self.clone()
    }
}
impl ToWord for &[u8] {
    fn to_word(&self) -> Vec<u8> {
        self.to_vec()
    }
}
impl ToWord for i64 {
    fn to_word(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}
impl ToWord for u64 {
    fn to_word(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}
