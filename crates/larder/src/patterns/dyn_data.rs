//! Dynamic data: a value per user (or thing) that is gone when nobody renews it.
//!
//! The document's pair `mark_dyn_data` / `get_dyn_data`, made whole. One string per id at
//! `<namespace>/<id>`, with a TTL that [`DynData::mark`] renews. Writing and expiring are one
//! step; an update keeps the TTL unless it says otherwise; missing, empty and zero are three
//! different things.
//!
//! ```
//! use larder::{Larder, patterns::DynData};
//! use std::time::Duration;
//!
//! let dyn_data = DynData::new(&Larder::open("memory:")?);
//! dyn_data.mark("7", 100).run()?;
//! assert_eq!(dyn_data.int("7").run()?, Some(100));
//! assert_eq!(dyn_data.int("8").run()?, None);
//! # Ok::<(), larder::Error>(())
//! ```

use crate::commands::in_ms;
use crate::plan::{Plan, Step, request};
use crate::reply::{FromReply, refuse_errors};
use crate::{Error, Larder, Value};
use larder_engine::commands::generic::deadline::{Deadline, When};
use larder_engine::commands::generic::{del::Del, pexpire::PExpire, pttl::PTtl};
use larder_engine::commands::scripting::eval::{Eval, Given};
use larder_engine::commands::string::set::{Condition, Set};
use larder_engine::commands::string::{get::Get, incrby::IncrBy, mget::MGet};
use std::time::Duration;

/// The namespace of the document's functions.
pub const DEFAULT_NAMESPACE: &str = "dyn_data";

/// The document's time to live.
pub const DEFAULT_TTL: Duration = Duration::from_secs(60);

/// Values of one namespace, each with a TTL.
#[derive(Debug, Clone)]
pub struct DynData {
    store: Larder,
    namespace: String,
    ttl: Duration,
}

/// A value to keep: bytes, or a number as its digits.
pub trait Data {
    /// The bytes that are stored.
    fn into_bytes(self) -> Vec<u8>;
}

impl Data for i64 {
    fn into_bytes(self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}
impl Data for &str {
    fn into_bytes(self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}
impl Data for &[u8] {
    fn into_bytes(self) -> Vec<u8> {
        self.to_vec()
    }
}

impl DynData {
    /// The document's namespace and TTL: `dyn_data/<id>`, 60 seconds.
    #[must_use]
    pub fn new(store: &Larder) -> Self {
        DynData { store: store.clone(), namespace: DEFAULT_NAMESPACE.to_owned(), ttl: DEFAULT_TTL }
    }

    /// Another namespace. Ids of different namespaces never meet as long as none is a prefix of
    /// another followed by a slash.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// Another TTL; at least a millisecond.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl.max(Duration::from_millis(1));
        self
    }

    /// Sets an id's value and begins its TTL anew. One command.
    pub fn mark(&self, id: &str, data: impl Data) -> Plan<()> {
        let (key, data) = (self.key(id), data.into_bytes());
        self.plan(Step::one(request(&self.set(&key, &data))))
    }

    /// The value, as it was marked.
    pub fn get(&self, id: &str) -> Plan<Option<Vec<u8>>> {
        self.plan(Step::one(request(&Get { key: self.key(id).as_bytes() })))
    }

    /// The value as an integer. A value that is none is an error, not a missing one.
    pub fn int(&self, id: &str) -> Plan<Option<i64>> {
        let key = self.key(id);
        let get = request(&Get { key: key.as_bytes() });
        self.plan(Step::all(vec![get], move |replies| {
            let value = Option::<Vec<u8>>::from_reply(first(replies))?;
            value.map(|bytes| int_of(&key, &bytes)).transpose().map(Step::Done)
        }))
    }

    /// Sets the value only if the id has none; whether it did.
    pub fn add(&self, id: &str, data: impl Data) -> Plan<bool> {
        let (key, data) = (self.key(id), data.into_bytes());
        let add = Set { condition: Condition::Missing, ..self.set(&key, &data) };
        self.plan(Step::one(request(&add)))
    }

    /// Changes the value of an id that has one and keeps its TTL; whether it had one.
    pub fn update(&self, id: &str, data: impl Data) -> Plan<bool> {
        let (key, data) = (self.key(id), data.into_bytes());
        let set = Set::new(key.as_bytes(), &data);
        let update = Set { condition: Condition::Present, keep_ttl: true, ..set };
        self.plan(Step::one(request(&update)))
    }

    /// Adds to a number; one that is not there begins at 0 with a fresh TTL, one that is keeps
    /// its own. The sum. One transaction.
    pub fn incr(&self, id: &str, by: i64) -> Plan<i64> {
        let key = self.key(id);
        let begin = Set { condition: Condition::Missing, ..self.set(&key, b"0") };
        let add = IncrBy { key: key.as_bytes(), increment: by };
        let requests = vec![request(&begin), request(&add)];
        self.plan(Step::all(requests, |mut replies| {
            let sum = replies.pop().unwrap_or(Value::Null);
            i64::from_reply(sum).map(Step::Done)
        }))
    }

    /// Changes the value if it is what the caller believes it to be, and keeps the TTL; whether
    /// it was. Of a hundred writers that read the same value one succeeds.
    pub fn compare_and_set(&self, id: &str, old: impl Data, new: impl Data) -> Plan<bool> {
        let (key, old, new) = (self.key(id), old.into_bytes(), new.into_bytes());
        let set = Set {
            condition: Condition::Equals(&old),
            keep_ttl: true,
            ..Set::new(key.as_bytes(), &new)
        };
        let words = request(&set);
        let given = Given { keys: &[key.as_bytes()], args: &[&old, &new] };
        let fallback = request(&Eval { script: COMPARE_AND_SET.as_bytes(), given });
        self.plan(Step::all(vec![words], move |replies| match refuse_errors(first(replies)) {
            // A server without IFEQ has scripts.
            Err(Error::Refused(text)) if text.contains("syntax") => Ok(Step::one(fallback)),
            Err(error) => Err(error),
            Ok(value) => bool::from_reply(value).map(Step::Done),
        }))
    }

    /// Begins the TTL anew without changing the value; whether there was one.
    pub fn touch(&self, id: &str) -> Plan<bool> {
        let (key, when) = (self.key(id), When::default());
        let amount = in_ms(self.ttl).amount;
        self.plan(Step::one(request(&PExpire(Deadline { key: key.as_bytes(), amount, when }))))
    }

    /// How long the value lives if nobody renews it.
    pub fn time_left(&self, id: &str) -> Plan<Option<Duration>> {
        let left = request(&PTtl { key: self.key(id).as_bytes() });
        self.plan(Step::all(vec![left], |replies| {
            let ms = i64::from_reply(first(replies))?;
            Ok(Step::Done(u64::try_from(ms).ok().map(Duration::from_millis)))
        }))
    }

    /// Forgets the value; whether there was one.
    pub fn delete(&self, id: &str) -> Plan<bool> {
        self.plan(Step::one(request(&Del { keys: &[self.key(id).as_bytes()] })))
    }

    /// The values of several ids at one moment, in their order. On a cluster the ids must share
    /// a hash tag.
    pub fn get_many(&self, ids: &[&str]) -> Plan<Vec<Option<Vec<u8>>>> {
        if ids.is_empty() {
            return self.plan(Step::Done(Vec::new()));
        }
        let keys: Vec<String> = ids.iter().map(|id| self.key(id)).collect();
        let keys: Vec<&[u8]> = keys.iter().map(String::as_bytes).collect();
        self.plan(Step::one(request(&MGet { keys: &keys })))
    }

    /// Marks several ids at one moment.
    pub fn mark_many(&self, values: &[(&str, &[u8])]) -> Plan<()> {
        if values.is_empty() {
            return self.plan(Step::Done(()));
        }
        let set = |(id, data): &(&str, &[u8])| request(&self.set(&self.key(id), data));
        let requests = values.iter().map(set).collect();
        self.plan(Step::all(requests, |replies| {
            for reply in replies {
                refuse_errors(reply)?;
            }
            Ok(Step::Done(()))
        }))
    }

    /// The key of an id.
    #[must_use]
    pub fn key(&self, id: &str) -> String {
        format!("{}/{id}", self.namespace)
    }

    /// `SET` with this namespace's TTL.
    fn set<'a>(&self, key: &'a str, data: &'a [u8]) -> Set<'a> {
        Set { expiry: Some(in_ms(self.ttl)), ..Set::new(key.as_bytes(), data) }
    }

    fn plan<T>(&self, step: Step<T>) -> Plan<T> {
        Plan::new(&self.store, step)
    }
}

/// [`DynData::compare_and_set`] for servers whose SET has no IFEQ.
const COMPARE_AND_SET: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
    redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL') return 1 end return 0";

fn first(replies: Vec<Value>) -> Value {
    replies.into_iter().next().unwrap_or(Value::Null)
}

fn int_of(key: &str, bytes: &[u8]) -> Result<i64, Error> {
    let text = std::str::from_utf8(bytes).ok();
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::ForeignData { key: key.to_owned(), expected: "an integer" })
}
