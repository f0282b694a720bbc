//! Presence: who is online.
//!
//! Each connection of a user holds a lease; a user is online while one of their leases lives.
//! Closing one tab, or a server that dies, never takes the others offline, and whoever stops
//! beating is gone when the lease ends, without anybody cleaning up. Counting and listing cost
//! O(leases of the topic), not O(users).
//!
//! Keys, all with the tag `{presence:<topic>}` and all with a TTL:
//! `…:leases` is the set of `<user length>:<user><connection>`, `…:lease:<member>` the lease with
//! the connection's metadata, `…:seen:<user>` an empty string whose TTL tells when
//! the user last beat.
//!
//! ```
//! use larder::{Larder, patterns::Presence};
//! let online = Presence::new(&Larder::open("memory:")?, "site");
//! assert!(online.join("ann", "tab-1").run()?.first);
//! assert!(!online.join("ann", "tab-2").run()?.first);
//! online.join("bob", "phone").run()?;
//! assert_eq!(online.count().run()?, 2);
//! assert!(!online.leave("ann", "tab-1").run()?.last);
//! assert!(online.is_online("ann").run()?);
//! # Ok::<(), larder::Error>(())
//! ```

use crate::commands::in_ms;
use crate::plan::{Plan, Requests, Step, request};
use crate::reply::{FromReply, refuse_errors};
use crate::{Error, Larder, Value};
use larder_engine::commands::generic::deadline::{Deadline, When};
use larder_engine::commands::generic::{del::Del, pexpire::PExpire, pttl::PTtl};
use larder_engine::commands::set::{sadd::Sadd, smembers::Smembers, srem::Srem};
use larder_engine::commands::string::{mget::MGet, set::Set};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a lease lives without a heartbeat, unless told otherwise: the document's five minutes
/// and ten seconds.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(310);

/// How long the time of a user's last beat is remembered.
pub const MEMORY: Duration = Duration::from_secs(30 * 24 * 3600);

/// A lease should live at least so many heartbeats.
pub const BEATS_PER_LEASE: u32 = 3;

/// Who is online in one topic.
#[derive(Debug, Clone)]
pub struct Presence {
    store: Larder,
    topic: String,
    lease: Duration,
}

/// What a join or heartbeat changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// The user had no other live connection: they came online.
    pub first: bool,
}

/// What a leave changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// The user has no live connection any more: they went offline.
    pub last: bool,
}

/// A live connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The user.
    pub user: String,
    /// The connection's name.
    pub connection: String,
    /// What the connection said of itself.
    pub metadata: Vec<u8>,
}

impl Presence {
    /// A topic (a site, a room, a document) with the default lease.
    #[must_use]
    pub fn new(store: &Larder, topic: &str) -> Self {
        Presence { store: store.clone(), topic: topic.to_owned(), lease: DEFAULT_LEASE }
    }

    /// Another lease; beat at least [`BEATS_PER_LEASE`] times in it.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_millis(1));
        self
    }

    /// A connection of a user begins.
    pub fn join(&self, user: &str, connection: &str) -> Plan<Joined> {
        self.join_with(user, connection, b"")
    }

    /// A connection begins and says something of itself (device, page, state).
    pub fn join_with(&self, user: &str, connection: &str, metadata: &[u8]) -> Plan<Joined> {
        let member = member(user, connection);
        let mut requests = vec![self.members_request()];
        requests.extend(self.beat_requests(user, &member, metadata));
        let (this, user) = (self.clone(), user.to_owned());
        self.plan(Step::all(requests, move |replies| {
            let others = this.others(replies, &user, &member)?;
            this.any_live(&others, |any| Joined { first: !any })
        }))
    }

    /// The connection is still there. A lease that has ended is made anew, metadata included.
    pub fn heartbeat(&self, user: &str, connection: &str, metadata: &[u8]) -> Plan<()> {
        let requests = self.beat_requests(user, &member(user, connection), metadata);
        self.plan(Step::all(requests, |mut replies| {
            replies.drain(..).try_for_each(|reply| refuse_errors(reply).map(drop))?;
            Ok(Step::Done(()))
        }))
    }

    /// A connection ends.
    pub fn leave(&self, user: &str, connection: &str) -> Plan<Left> {
        let member = member(user, connection);
        let requests = vec![
            self.members_request(),
            self.remove_request(&[&member]),
            request(&Del { keys: &[&self.lease_key(&member)] }),
        ];
        let (this, user) = (self.clone(), user.to_owned());
        self.plan(Step::all(requests, move |replies| {
            let others = this.others(replies, &user, &member)?;
            this.any_live(&others, |any| Left { last: !any })
        }))
    }

    /// Whether a user has a live connection.
    pub fn is_online(&self, user: &str) -> Plan<bool> {
        let user = user.to_owned();
        self.live(move |live| live.iter().any(|connection| connection.user == user))
    }

    /// Which of these users have a live connection, in their order.
    pub fn online_many(&self, users: &[&str]) -> Plan<Vec<bool>> {
        let users: Vec<String> = users.iter().map(|&user| user.to_owned()).collect();
        self.live(move |live| {
            let is_online = |user: &String| live.iter().any(|other| other.user == *user);
            users.iter().map(is_online).collect()
        })
    }

    /// How many users are online.
    pub fn count(&self) -> Plan<u64> {
        self.live(|live| users(&live).len() as u64)
    }

    /// The users who are online, by name.
    pub fn list(&self) -> Plan<Vec<String>> {
        self.live(|live| users(&live).into_iter().map(str::to_owned).collect())
    }

    /// Every live connection.
    pub fn connections(&self) -> Plan<Vec<Connection>> {
        self.live(|live| live)
    }

    /// How long ago a user last beat; `None` for longer than [`MEMORY`].
    pub fn last_seen(&self, user: &str) -> Plan<Option<Duration>> {
        let left = request(&PTtl { key: self.seen(user).as_bytes() });
        self.plan(Step::all(vec![left], |replies| {
            let left_ms = i64::from_reply(first(replies))?;
            let left = u64::try_from(left_ms).ok().map(Duration::from_millis);
            Ok(Step::Done(left.map(|left| MEMORY.saturating_sub(left))))
        }))
    }

    /// Reads the leases, takes members whose lease has ended out of the set, and answers from
    /// the live ones.
    fn live<T: Send + 'static>(
        &self,
        answer: impl FnOnce(Vec<Connection>) -> T + Send + 'static,
    ) -> Plan<T> {
        let this = self.clone();
        let requests = vec![self.members_request()];
        self.plan(Step::all(requests, move |replies| {
            let members = Vec::<Vec<u8>>::from_reply(first(replies))?;
            if members.is_empty() {
                return Ok(Step::Done(answer(Vec::new())));
            }
            Ok(Step::all(vec![this.leases_request(&members)], move |replies| {
                let leases = Vec::<Option<Vec<u8>>>::from_reply(first(replies))?;
                let (mut live, mut ended) = (Vec::new(), Vec::new());
                for (member, lease) in members.into_iter().zip(leases) {
                    match lease {
                        Some(metadata) => live.push(this.connection(&member, metadata)?),
                        None => ended.push(member),
                    }
                }
                Ok(this.forget(ended, answer(live)))
            }))
        }))
    }

    fn plan<T>(&self, step: Step<T>) -> Plan<T> {
        Plan::new(&self.store, step)
    }

    /// Takes ended leases out of the set. One that begins again at the same moment is put back:
    /// whether it did is read in the transaction that takes it out.
    fn forget<T: Send + 'static>(&self, ended: Vec<Vec<u8>>, result: T) -> Step<T> {
        if ended.is_empty() {
            return Step::Done(result);
        }
        let members: Vec<&[u8]> = ended.iter().map(Vec::as_slice).collect();
        let requests = vec![self.remove_request(&members), self.leases_request(&ended)];
        let this = self.clone();
        Step::all(requests, move |replies| {
            let leases = replies.into_iter().nth(1).unwrap_or(Value::Null);
            let leases = Vec::<Option<Vec<u8>>>::from_reply(leases)?;
            let again = ended.into_iter().zip(leases).filter(|(_, lease)| lease.is_some());
            let again: Vec<Vec<u8>> = again.map(|(member, _)| member).collect();
            if again.is_empty() {
                return Ok(Step::Done(result));
            }
            let members: Vec<&[u8]> = again.iter().map(Vec::as_slice).collect();
            let requests = vec![this.add_request(&members), this.expire_leases_request()];
            Ok(Step::all(requests, move |_| Ok(Step::Done(result))))
        })
    }

    /// Whether one of these leases lives.
    fn any_live<T: 'static>(
        &self,
        members: &[Vec<u8>],
        answer: impl FnOnce(bool) -> T + Send + 'static,
    ) -> Result<Step<T>, Error> {
        if members.is_empty() {
            return Ok(Step::Done(answer(false)));
        }
        Ok(Step::all(vec![self.leases_request(members)], move |replies| {
            let leases = Vec::<Option<Vec<u8>>>::from_reply(first(replies))?;
            Ok(Step::Done(answer(leases.iter().any(Option::is_some))))
        }))
    }

    /// From the replies of a join or leave: the user's other members. An error of any command of
    /// the transaction is the step's.
    fn others(&self, replies: Vec<Value>, user: &str, this: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let mut replies = replies.into_iter();
        let members = Vec::<Vec<u8>>::from_reply(replies.next().unwrap_or(Value::Null))?;
        replies.try_for_each(|reply| refuse_errors(reply).map(drop))?;
        let prefix = user_prefix(user);
        Ok(members
            .into_iter()
            .filter(|member| member.starts_with(prefix.as_bytes()) && member != this)
            .collect())
    }

    fn beat_requests(&self, user: &str, member: &[u8], metadata: &[u8]) -> Requests {
        let (lease, seen) = (self.lease_key(member), self.seen(user));
        let lease = Set { expiry: Some(in_ms(self.lease)), ..Set::new(&lease, metadata) };
        let seen = Set { expiry: Some(in_ms(MEMORY)), ..Set::new(seen.as_bytes(), b"") };
        vec![
            self.add_request(&[member]),
            self.expire_leases_request(),
            request(&lease),
            request(&seen),
        ]
    }

    fn members_request(&self) -> Vec<Vec<u8>> {
        request(&Smembers { key: self.leases().as_bytes() })
    }

    fn add_request(&self, members: &[&[u8]]) -> Vec<Vec<u8>> {
        request(&Sadd { key: self.leases().as_bytes(), members })
    }

    fn remove_request(&self, members: &[&[u8]]) -> Vec<Vec<u8>> {
        request(&Srem { key: self.leases().as_bytes(), members })
    }

    fn expire_leases_request(&self) -> Vec<Vec<u8>> {
        let (key, amount) = (self.leases(), in_ms(self.lease).amount);
        request(&PExpire(Deadline { key: key.as_bytes(), amount, when: When::default() }))
    }

    fn leases_request(&self, members: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let keys: Vec<Vec<u8>> = members.iter().map(|member| self.lease_key(member)).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        request(&MGet { keys: &keys })
    }

    fn leases(&self) -> String {
        format!("{{presence:{}}}:leases", self.topic)
    }

    fn seen(&self, user: &str) -> String {
        format!("{{presence:{}}}:seen:{user}", self.topic)
    }

    fn lease_key(&self, member: &[u8]) -> Vec<u8> {
        let mut key = format!("{{presence:{}}}:lease:", self.topic).into_bytes();
        key.extend_from_slice(member);
        key
    }

    fn connection(&self, member: &[u8], metadata: Vec<u8>) -> Result<Connection, Error> {
        let foreign = || Error::ForeignData { key: self.leases(), expected: "a set of leases" };
        let text = std::str::from_utf8(member).map_err(|_| foreign())?;
        let (length, names) = text.split_once(':').ok_or_else(foreign)?;
        let length: usize = length.parse().map_err(|_| foreign())?;
        let (user, connection) = names.split_at_checked(length).ok_or_else(foreign)?;
        Ok(Connection { user: user.to_owned(), connection: connection.to_owned(), metadata })
    }
}

/// The users of connections, by name.
fn users(live: &[Connection]) -> BTreeSet<&str> {
    live.iter().map(|connection| connection.user.as_str()).collect()
}

/// A connection as a member of the set of leases: no user's name can be taken for another's.
fn member(user: &str, connection: &str) -> Vec<u8> {
    format!("{}{connection}", user_prefix(user)).into_bytes()
}

fn user_prefix(user: &str) -> String {
    format!("{}:{user}", user.len())
}

fn first(replies: Vec<Value>) -> Value {
    replies.into_iter().next().unwrap_or(Value::Null)
}
