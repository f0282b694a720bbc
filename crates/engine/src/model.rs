//! Models for the checker: every order of steps of a few threads that it can think of, seeded.
//!
//! `cargo test -p larder-engine --features shuttle --lib model::` runs them; with that feature the
//! primitives of [`crate::sync`] are the checker's, and other tests cannot run. A thread that
//! waits for what never comes is a deadlock, which the checker reports with the schedule.

use crate::keyspace::locks::{Acquired, Locks, ShardSet, Wait};
use crate::mailbox::{Event, Mailbox, Notify, Recipients};
use crate::sync::{AtomicBool, AtomicU32, Mutex, Ordering};
use crate::testing::TestEngine;
use crate::{Flow, Origin, Session};
use shuttle::sync::Condvar;
use shuttle::thread;
use std::sync::Arc;
use std::task::{Wake, Waker};

const SCHEDULES: usize = 3000;
const ENGINE_SCHEDULES: usize = 400;

/// Runs a model under random schedules, and under those that change threads seldom but anywhere.
fn check(schedules: usize, model: impl Fn() + Send + Sync + Copy + 'static) {
    shuttle::check_random(model, schedules);
    shuttle::check_pct(model, schedules, 3);
}

/// A bell that somebody sleeps by.
#[derive(Default)]
struct Bell {
    rung: shuttle::sync::Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap() = true;
        self.changed.notify_all();
    }

    fn sleep(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = self.changed.wait(rung).unwrap();
        }
        *rung = false;
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}

impl Notify for Arc<Bell> {
    fn notify(&self) {
        self.ring();
    }
}

fn set(shards: &[u16]) -> ShardSet {
    let mut set = ShardSet::None;
    shards.iter().for_each(|&shard| set.add(shard));
    set
}

/// Acquires as an executor's task does: lets go, sleeps until woken, tries again.
fn acquire_as_task(locks: &Locks, set: &ShardSet) -> Acquired {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(bell.clone());
    loop {
        match locks.acquire(set, Wait::Wake(&waker)) {
            Acquired::Retry => bell.sleep(),
            done => return done,
        }
    }
}

/// One count a shard, raised in two steps by whoever holds its lock.
struct Counted {
    locks: Locks,
    counts: Vec<AtomicU32>,
}

impl Counted {
    fn new(shards: u16) -> Arc<Self> {
        let counts = (0..shards).map(|_| AtomicU32::new(0)).collect();
        Arc::new(Counted { locks: Locks::new(shards), counts })
    }

    fn raise(&self, held: &ShardSet) {
        for shard in held.iter(self.locks.count()) {
            let count = &self.counts[usize::from(shard)];
            let seen = count.load(Ordering::Relaxed);
            thread::yield_now();
            count.store(seen + 1, Ordering::Relaxed);
        }
    }

    fn counts(&self) -> Vec<u32> {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

#[test]
fn locks_exclude_and_wake() {
    check(SCHEDULES, || {
        let counted = Counted::new(3);
        let wanted: [(&[u16], bool); 4] =
            [(&[0, 2], false), (&[1, 2], true), (&[0, 1, 2], false), (&[2], true)];
        let threads = wanted.map(|(shards, task)| {
            let counted = counted.clone();
            thread::spawn(move || {
                let set = set(shards);
                let done = if task {
                    acquire_as_task(&counted.locks, &set)
                } else {
                    counted.locks.acquire(&set, Wait::Park)
                };
                assert_eq!(done, Acquired::Granted);
                counted.raise(&set);
                counted.locks.release(&set);
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(counted.counts(), [2, 2, 4]);
    });
}

#[test]
fn a_script_escapes_into_held_shards() {
    check(SCHEDULES, || {
        let counted = Counted::new(3);
        let script = {
            let counted = counted.clone();
            thread::spawn(move || {
                let first = set(&[2]);
                assert_eq!(counted.locks.acquire(&first, Wait::Park), Acquired::Granted);
                counted.locks.escape(0);
                counted.locks.escape(1);
                counted.raise(&ShardSet::All);
                counted.locks.release(&ShardSet::All);
            })
        };
        let others = [(&[0u16, 2][..], true), (&[0, 1, 2], false)].map(|(shards, task)| {
            let counted = counted.clone();
            thread::spawn(move || {
                let set = set(shards);
                let done = if task {
                    acquire_as_task(&counted.locks, &set)
                } else {
                    counted.locks.acquire(&set, Wait::Park)
                };
                assert_eq!(done, Acquired::Granted);
                counted.raise(&set);
                counted.locks.release(&set);
            })
        });
        script.join().unwrap();
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(counted.counts(), [3, 2, 3]);
    });
}

#[test]
fn busy_turns_everybody_away() {
    check(SCHEDULES, || {
        let counted = Counted::new(2);
        let first = set(&[1]);
        assert_eq!(counted.locks.acquire(&first, Wait::Park), Acquired::Granted);
        let others =
            [(&[0u16, 1][..], true), (&[1], false), (&[0, 1], false)].map(|(shards, task)| {
                let counted = counted.clone();
                thread::spawn(move || {
                    let set = set(shards);
                    let done = if task {
                        acquire_as_task(&counted.locks, &set)
                    } else {
                        counted.locks.acquire(&set, Wait::Park)
                    };
                    // The lock is not given back before all of them have an answer.
                    assert_eq!(done, Acquired::Busy);
                })
            });
        counted.locks.set_busy(true);
        others.into_iter().for_each(|other| other.join().unwrap());
        counted.locks.set_busy(false);
        counted.locks.release(&first);
        assert_eq!(counted.locks.acquire(&ShardSet::All, Wait::Park), Acquired::Granted);
    });
}

#[test]
fn a_mailbox_loses_nothing_and_keeps_order() {
    check(SCHEDULES, || {
        let bell = Arc::new(Bell::default());
        let mailbox = Mailbox::new(Box::new(bell.clone()));
        let posters = [1u64, 2].map(|poster| {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                for number in 0..3 {
                    mailbox.post(Recipients::One(poster * 10 + number), Event::Nudge);
                }
            })
        });
        let mut seen = Vec::new();
        while seen.len() < 6 {
            bell.sleep();
            let mut events = Vec::new();
            mailbox.take(&mut events);
            for (to, _) in events {
                let Recipients::One(id) = to else { panic!("posted to one") };
                seen.push(id);
            }
        }
        posters.into_iter().for_each(|poster| poster.join().unwrap());
        for poster in [1u64, 2] {
            let own: Vec<u64> = seen.iter().copied().filter(|id| id / 10 == poster).collect();
            assert_eq!(own, [poster * 10, poster * 10 + 1, poster * 10 + 2]);
        }
        assert_eq!(mailbox.waiting_bytes(), 0);
    });
}

/// A session whose owner sleeps until its mailbox is posted to.
struct Client {
    session: Session,
    mailbox: Arc<Mailbox>,
    bell: Arc<Bell>,
}

impl Client {
    fn new(t: &TestEngine) -> Self {
        let bell = Arc::new(Bell::default());
        let mailbox = Mailbox::new(Box::new(bell.clone()));
        let session = Session::new(t.engine.clone(), Origin::Linked, mailbox.clone());
        Client { session, mailbox, bell }
    }

    fn send(&mut self, line: &str) -> (Flow, String) {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let mut out = Vec::new();
        let flow = self.session.execute(&words, &mut out);
        (flow, String::from_utf8(out).unwrap())
    }

    /// The reply, waited for if need be.
    fn ask(&mut self, line: &str) -> String {
        let (flow, mut reply) = self.send(line);
        if flow == Flow::Blocked {
            while self.session.is_blocked() {
                self.bell.sleep();
                reply.push_str(&self.heard());
            }
        }
        reply
    }

    fn heard(&mut self) -> String {
        let (mut events, mut out) = (Vec::new(), Vec::new());
        self.mailbox.take(&mut events);
        for (_, event) in events {
            let _ = self.session.deliver(&event, &mut out);
        }
        String::from_utf8(out).unwrap()
    }
}

/// Two writers ready the two keys of one waiter; it is served once, the other element stays.
#[test]
fn two_writers_serve_one_waiter_once() {
    check(ENGINE_SCHEDULES, || {
        let t = Arc::new(TestEngine::new(4));
        let mut taker = Client::new(&t);
        let writers = ["RPUSH k1 x", "RPUSH k2 x"].map(|line| {
            let t = t.clone();
            thread::spawn(move || assert_eq!(Client::new(&t).ask(line), ":1\r\n"))
        });
        let reply = taker.ask("BLPOP k1 k2 0");
        assert!(reply.starts_with("*2\r\n"), "{reply}");
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        let left = taker.ask("LLEN k1") + &taker.ask("LLEN k2");
        assert_eq!(left.matches(":1").count(), 1, "{left}");
    });
}

/// A chain over three shards with a writer in its middle: whatever the order, nobody sleeps on.
#[test]
fn a_chain_is_served_whoever_comes_first() {
    check(ENGINE_SCHEDULES, || {
        let t = Arc::new(TestEngine::new(4));
        let others = ["BLMOVE k1 k2 LEFT LEFT 0", "BLPOP k2 0", "RPUSH k1 x"].map(|line| {
            let t = t.clone();
            thread::spawn(move || Client::new(&t).ask(line))
        });
        let replies = others.map(|other| other.join().unwrap());
        assert_eq!(replies, ["$1\r\nx\r\n", "*2\r\n$2\r\nk2\r\n$1\r\nx\r\n", ":1\r\n"]);
    });
}

/// Writer, deadline, unblocking and going away race for a wait: one of them ends it, and the
/// element is either delivered or still there.
#[test]
fn a_wait_ends_once() {
    check(ENGINE_SCHEDULES, || {
        let t = Arc::new(TestEngine::new(2));
        let delivered = Arc::new(AtomicBool::new(false));
        let mut taker = Client::new(&t);
        let id = taker.session.id();
        let (flow, _) = taker.send("BLPOP k1 k2 0.001");
        assert_eq!(flow, Flow::Blocked);
        let writer = {
            let t = t.clone();
            thread::spawn(move || drop(Client::new(&t).ask("RPUSH k2 x")))
        };
        let unblocker = {
            let t = t.clone();
            thread::spawn(move || drop(Client::new(&t).ask(&format!("CLIENT UNBLOCK {id}"))))
        };
        let owner = {
            let (t, delivered) = (t.clone(), delivered.clone());
            thread::spawn(move || {
                let mut out = Vec::new();
                let up = taker.session.time_out(t.engine.now_us() / 1000 + 1, &mut out);
                thread::yield_now();
                let reply = taker.heard();
                assert!(!(up && reply.contains('x')), "ended twice");
                delivered.store(reply.contains('x'), Ordering::SeqCst);
            })
        };
        writer.join().unwrap();
        unblocker.join().unwrap();
        owner.join().unwrap();
        let left = Client::new(&t).ask("LLEN k2");
        let expected = if delivered.load(Ordering::SeqCst) { ":0\r\n" } else { ":1\r\n" };
        assert_eq!(left, expected);
    });
}

/// A transaction over two shards and waiters on both: each wakes, and sees all of it.
#[test]
fn a_transaction_wakes_all_it_readied() {
    check(ENGINE_SCHEDULES, || {
        let t = Arc::new(TestEngine::new(4));
        let log = Arc::new(Mutex::new(Vec::new()));
        let takers = ["BLPOP k1 0", "BRPOP k3 k2 0"].map(|line| {
            let (t, log) = (t.clone(), log.clone());
            thread::spawn(move || {
                let reply = Client::new(&t).ask(line);
                log.lock().push(reply.contains("$1\r\nx") || reply.contains("$1\r\ny"));
            })
        });
        let mut writer = Client::new(&t);
        for line in "MULTI;RPUSH k1 x;RPUSH k2 y;EXEC".split(';') {
            writer.ask(line);
        }
        takers.into_iter().for_each(|taker| taker.join().unwrap());
        assert_eq!(*log.lock(), [true, true]);
    });
}

/// One session reads a key and caches it while another changes it twice: once all is delivered,
/// what is cached is what is there. An invalidation that overtook its value would leave the old one.
#[test]
fn an_invalidation_comes_after_what_it_makes_invalid() {
    check(ENGINE_SCHEDULES, || {
        let t = Arc::new(TestEngine::new(2));
        let mut reader = Client::new(&t);
        reader.ask("HELLO 3");
        reader.ask("CLIENT TRACKING ON");
        let writer = {
            let t = t.clone();
            thread::spawn(move || {
                let mut writer = Client::new(&t);
                writer.ask("SET k 1");
                writer.ask("SET k 2");
            })
        };
        let mut cached = None;
        for _ in 0..2 {
            let value = reader.ask("GET k");
            cached = Some(value);
            thread::yield_now();
            if reader.heard().contains("invalidate") {
                cached = None;
            }
        }
        writer.join().unwrap();
        if reader.heard().contains("invalidate") {
            cached = None;
        }
        assert!(cached.is_none_or(|value| value == "$1\r\n2\r\n"));
    });
}

/// The last session that tracks leaves while another begins: what that one reads stays remembered.
#[test]
fn who_begins_to_track_is_not_forgotten_with_who_leaves() {
    check(ENGINE_SCHEDULES, || {
        let t = Arc::new(TestEngine::new(2));
        let mut leaver = Client::new(&t);
        leaver.ask("CLIENT TRACKING ON");
        let mut reader = Client::new(&t);
        reader.ask("HELLO 3");
        let leaver = thread::spawn(move || drop(leaver.ask("CLIENT TRACKING OFF")));
        reader.ask("CLIENT TRACKING ON");
        reader.ask("GET k");
        leaver.join().unwrap();
        Client::new(&t).ask("SET k 1");
        assert!(reader.heard().contains("invalidate"));
    });
}
