//! Blocking commands between several sessions of one engine, with a clock that stands still.

use larder_engine::mailbox::{Event, Mailbox, Recipients};
use larder_engine::testing::{TestEngine, send};
use larder_engine::{Flow, Session};
use std::sync::Arc;

/// A session and what has arrived for it.
struct Client {
    session: Session,
    mailbox: Arc<Mailbox>,
}

impl Client {
    fn new(t: &TestEngine) -> Self {
        let (session, mailbox) = t.session();
        Client { session, mailbox }
    }

    fn run(&mut self, line: &str) -> (Flow, String) {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let mut out = Vec::new();
        let flow = self.session.execute(&words, &mut out);
        (flow, text(&out))
    }

    /// Sends a command that is answered at once.
    fn ask(&mut self, line: &str) -> String {
        let (flow, reply) = self.run(line);
        assert_eq!(flow, Flow::Continue, "{line}");
        reply
    }

    /// Sends a command that waits.
    fn wait(&mut self, line: &str) {
        assert_eq!(self.run(line), (Flow::Blocked, String::new()), "{line}");
        assert!(self.session.is_blocked());
    }

    /// Events that were posted, not delivered.
    fn events(&mut self) -> Vec<Event> {
        let mut events: Vec<(Recipients, Event)> = Vec::new();
        self.mailbox.take(&mut events);
        events.into_iter().map(|(_, event)| event).collect()
    }

    /// What has arrived.
    fn heard(&mut self) -> String {
        let mut out = Vec::new();
        for event in self.events() {
            assert_eq!(self.session.deliver(&event, &mut out), Flow::Continue);
        }
        text(&out)
    }

    fn time_out(&mut self, t: &TestEngine) -> Option<String> {
        let mut out = Vec::new();
        let now_ms = t.engine.now_us() / 1000;
        self.session.time_out(now_ms, &mut out).then(|| text(&out))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", " ").trim_end().to_owned()
}

/// The effects that were logged since, one line each frame.
fn effects(t: &TestEngine) -> Vec<String> {
    std::iter::from_fn(|| t.engine.log().next_frame())
        .map(|frame| {
            let text = text(&frame.payload);
            let words: Vec<&str> =
                text.split(' ').filter(|word| !word.starts_with(['*', '$'])).collect();
            words.join(" ")
        })
        .collect()
}

fn clients<const N: usize>(shards: u16) -> (TestEngine, [Client; N]) {
    let t = TestEngine::new(shards);
    t.engine.log().listen();
    let clients = std::array::from_fn(|_| Client::new(&t));
    (t, clients)
}

const NONE: &str = "";

#[test]
fn first_come_first_served() {
    for shards in [1, 16] {
        let (_t, [mut a, mut b, mut c]) = clients(shards);
        a.wait("BLPOP k 0");
        b.wait("BRPOP other k 0");
        assert_eq!(c.ask("RPUSH k 1 2 3"), ":3");
        assert_eq!(a.heard(), "*2 $1 k $1 1");
        assert_eq!(b.heard(), "*2 $1 k $1 3");
        assert!(!a.session.is_blocked() && !b.session.is_blocked());
        assert_eq!(c.ask("LRANGE k 0 -1"), "*1 $1 2");
        assert_eq!(c.ask("RPUSH other x"), ":1");
        assert_eq!(b.heard(), NONE);
    }
}

#[test]
fn keys_are_tried_in_their_order_whichever_was_readied_first() {
    let (_t, [mut a, mut c]) = clients(16);
    a.wait("BLPOP k1 k2 0");
    for line in ["MULTI", "RPUSH k2 2", "RPUSH k1 1"] {
        c.ask(line);
    }
    assert_eq!(c.ask("EXEC"), "*2 :1 :1");
    assert_eq!(a.heard(), "*2 $2 k1 $1 1");
    assert_eq!(c.ask("LLEN k2"), ":1");
}

#[test]
fn a_wrong_type_is_no_list_but_stands_in_the_way_of_one() {
    let (_t, [mut a, mut c]) = clients(16);
    a.wait("BLPOP k1 k2 0");
    c.ask("SET k1 x");
    assert_eq!(a.heard(), NONE);
    c.ask("RPUSH k2 x");
    assert!(a.heard().starts_with("-WRONGTYPE"));
    assert_eq!(c.ask("LLEN k2"), ":1");
    assert!(a.ask("BLPOP k1 k2 0").starts_with("-WRONGTYPE"));
    assert_eq!(a.ask("BLPOP k2 k1 0"), "*2 $2 k2 $1 x");
}

#[test]
fn the_time_is_up_exactly_then() {
    let (t, [mut a, mut c]) = clients(16);
    a.wait("BLPOP k1 k2 1.5");
    assert_eq!(a.session.deadline_ms(), Some(1_700_000_001_500));
    t.clock.advance_ms(1499);
    assert_eq!(a.time_out(&t), None);
    t.clock.advance_ms(1);
    assert_eq!(a.time_out(&t).as_deref(), Some("*-1"));
    assert_eq!(a.time_out(&t), None);
    c.ask("RPUSH k1 x");
    c.ask("RPUSH k2 x");
    assert_eq!((c.ask("LLEN k1"), c.ask("LLEN k2")), (":1".into(), ":1".into()));
    assert_eq!(a.heard(), NONE);
    a.wait("BLMOVE src dst LEFT LEFT 0.001");
    t.clock.advance_ms(1);
    assert_eq!(a.time_out(&t).as_deref(), Some("*-1"));
}

#[test]
fn who_is_served_in_time_does_not_time_out() {
    let (t, [mut a, mut c]) = clients(16);
    a.wait("BLPOP k 1");
    c.ask("RPUSH k x");
    t.clock.advance_ms(5000);
    assert_eq!(a.time_out(&t), None);
    assert_eq!(a.heard(), "*2 $1 k $1 x");
}

#[test]
fn a_transaction_neither_waits_nor_serves_before_its_end() {
    let (_t, [mut a, mut c]) = clients(16);
    for line in ["MULTI", "BLPOP k 0", "BLMOVE k d LEFT LEFT 0", "BLMPOP 0 1 k LEFT"] {
        c.ask(line);
    }
    assert_eq!(c.ask("EXEC"), "*3 *-1 $-1 *-1");
    a.wait("BLPOP k 0");
    for line in ["MULTI", "RPUSH k x", "DEL k", "EXEC"] {
        c.ask(line);
    }
    assert_eq!(a.heard(), NONE);
    for line in ["MULTI", "RPUSH k x", "LPUSH k y", "LSET k 0 z"] {
        c.ask(line);
    }
    assert_eq!(c.ask("EXEC"), "*3 :1 :2 +OK");
    assert_eq!(a.heard(), "*2 $1 k $1 z");
}

#[test]
fn chains_are_served_to_their_end_in_one_frame() {
    for shards in [1, 2, 64] {
        let (t, [mut a, mut b, mut c, mut d]) = clients(shards);
        a.wait("BLMOVE k1 k2 LEFT RIGHT 0");
        b.wait("BRPOPLPUSH k2 k3 0");
        c.wait("BLMPOP 0 2 k4 k3 LEFT COUNT 5");
        assert_eq!(d.ask("RPUSH k1 x"), ":1");
        assert_eq!(a.heard(), "$1 x");
        assert_eq!(b.heard(), "$1 x");
        assert_eq!(c.heard(), "*2 $2 k3 *1 $1 x");
        for key in ["k1", "k2", "k3", "k4"] {
            assert_eq!(d.ask(&format!("LLEN {key}")), ":0");
        }
        let chain = "RPUSH k1 x lmove k1 k2 LEFT RIGHT rpoplpush k2 k3 lpop k3 1";
        assert_eq!(effects(&t), [chain]);
    }
}

#[test]
fn a_circle_of_waiters_ends() {
    let (_t, [mut a, mut b, mut d]) = clients(16);
    a.wait("BLMOVE k1 k2 LEFT LEFT 0");
    b.wait("BLMOVE k2 k1 LEFT LEFT 0");
    d.ask("RPUSH k1 x");
    assert_eq!((a.heard(), b.heard()), ("$1 x".into(), "$1 x".into()));
    assert_eq!(d.ask("LRANGE k1 0 -1"), "*1 $1 x");
    a.wait("BRPOPLPUSH own own 0");
    d.ask("RPUSH own x");
    assert_eq!(a.heard(), "$1 x");
    assert_eq!(d.ask("LRANGE own 0 -1"), "*1 $1 x");
}

#[test]
fn a_destination_of_another_type_is_answered() {
    let (t, [mut a, mut b, mut c]) = clients(16);
    a.wait("BLMOVE src dst LEFT LEFT 0");
    b.wait("BLPOP src 0");
    c.ask("SET dst x");
    effects(&t);
    c.ask("RPUSH src 1");
    assert!(a.heard().starts_with("-WRONGTYPE"));
    assert_eq!(b.heard(), "*2 $3 src $1 1");
    assert_eq!(effects(&t), ["RPUSH src 1 lpop src"]);
}

#[test]
fn effects_of_what_is_taken_at_once() {
    let (t, [mut a]) = clients(16);
    a.ask("RPUSH k 1 2 3 4 5 6 7");
    effects(&t);
    for line in [
        "BLPOP none k 0",
        "BRPOP k 0",
        "BLMPOP 0 2 none k RIGHT COUNT 2",
        "LMPOP 1 k LEFT",
        "BLMOVE k d RIGHT LEFT 0",
        "BRPOPLPUSH k d 0",
        "LMPOP 1 d LEFT COUNT 99",
    ] {
        a.ask(line);
    }
    let expected = [
        "lpop k",
        "rpop k",
        "rpop k 2",
        "lpop k 1",
        "lmove k d RIGHT LEFT",
        "rpoplpush k d",
        "lpop d 2",
    ];
    assert_eq!(effects(&t), expected);
}

#[test]
fn whoever_goes_away_while_waiting_takes_nothing() {
    let (_t, [mut a, b, mut c]) = clients(16);
    let mut b = Some(b);
    b.as_mut().unwrap().wait("BLPOP k1 k2 0");
    drop(b);
    a.wait("BLPOP k2 0");
    a.session.cancel_wait();
    assert!(!a.session.is_blocked());
    c.ask("RPUSH k2 x");
    assert_eq!(a.heard(), NONE);
    assert_eq!(c.ask("LLEN k2"), ":1");
    assert_eq!(a.ask("LPOP k2"), "$1 x");
}

/// A session that is dropped after a writer has served it, but before its owner has delivered the
/// reply, once lost its element.
#[test]
fn whoever_goes_away_after_being_served_gives_back() {
    let (t, [a, mut b, mut c]) = clients(16);
    let mut a = Some(a);
    a.as_mut().unwrap().wait("BLMPOP 0 1 k LEFT COUNT 2");
    c.ask("RPUSH k 1 2 3");
    assert_eq!(c.ask("LRANGE k 0 -1"), "*1 $1 3");
    effects(&t);
    drop(a);
    assert_eq!(c.ask("LRANGE k 0 -1"), "*3 $1 1 $1 2 $1 3");
    assert_eq!(effects(&t), ["lpush k 2 1"]);
    // To the next in the queue, and never twice.
    b.wait("BRPOP l 0");
    let mut d = Client::new(&t);
    d.wait("BLPOP l 0");
    c.ask("RPUSH l x");
    b.session.cancel_wait();
    assert_eq!(d.heard(), "*2 $1 l $1 x");
    assert_eq!(effects(&t), ["RPUSH l x rpop l", "rpush l x lpop l"]);
    assert_eq!(b.heard(), NONE);
    // What has become something else is not overwritten.
    b.wait("BLPOP m 0");
    c.ask("RPUSH m x");
    c.ask("SET m y");
    b.session.cancel_wait();
    assert_eq!(c.ask("GET m"), "$1 y");
    // A delivered reply is nobody's business any more.
    b.wait("BLPOP n 0");
    c.ask("RPUSH n x");
    assert_eq!(b.heard(), "*2 $1 n $1 x");
    drop(b);
    assert_eq!(c.ask("LLEN n"), ":0");
}

/// The reply of a wait that was cancelled lay in the mailbox and was taken for the next one's.
#[test]
fn a_cancelled_wait_does_not_answer_the_next() {
    let (_t, [mut a, mut c]) = clients(16);
    a.wait("BLPOP k 0");
    c.ask("RPUSH k x");
    a.session.cancel_wait();
    a.wait("BLPOP other 0");
    assert_eq!(a.heard(), NONE);
    assert!(a.session.is_blocked());
    c.ask("RPUSH other y");
    assert_eq!(a.heard(), "*2 $5 other $1 y");
    assert_eq!(c.ask("LRANGE k 0 -1"), "*1 $1 x");
}

/// A session that ended while a script was over its time waited for the script's locks, which its
/// own thread may hold.
#[test]
fn a_session_ends_while_the_store_is_busy() {
    let (t, [a, b, mut c, mut d]) = clients(1);
    let (mut a, mut b) = (Some(a), Some(b));
    assert_eq!(d.ask("WATCH k"), "+OK");
    a.as_mut().unwrap().wait("BLPOP k 0");
    b.as_mut().unwrap().wait("BLPOP l 0");
    c.ask("RPUSH l x");
    let all = larder_engine::keyspace::locks::ShardSet::All;
    let granted = t.engine.locks().acquire(&all, larder_engine::keyspace::locks::Wait::Park);
    assert_eq!(granted, larder_engine::keyspace::locks::Acquired::Granted);
    t.engine.locks().set_busy(true);
    drop(a.take());
    drop(b.take());
    drop(d);
    t.engine.locks().set_busy(false);
    t.engine.locks().release(&all);
    assert!(t.engine.expire_due(&mut Default::default()).is_none());
    c.ask("RPUSH k y");
    assert_eq!(c.ask("LLEN k"), ":1");
    assert_eq!(c.ask("LRANGE l 0 -1"), "*1 $1 x");
}

#[test]
fn a_key_named_twice_is_waited_for_once() {
    let (_t, [mut a, mut b, mut c]) = clients(16);
    a.wait("BLPOP k other k 0");
    b.wait("BLPOP k 0");
    c.ask("RPUSH k x y");
    assert_eq!(a.heard(), "*2 $1 k $1 x");
    assert_eq!(b.heard(), "*2 $1 k $1 y");
}

#[test]
fn databases_do_not_mix() {
    let (_t, [mut a, mut b, mut c]) = clients(16);
    a.ask("SELECT 1");
    a.wait("BLPOP k 0");
    b.wait("BLPOP k 0");
    c.ask("RPUSH k 0");
    assert_eq!(a.heard(), NONE);
    assert_eq!(b.heard(), "*2 $1 k $1 0");
    for line in ["MULTI", "SELECT 1", "RPUSH k 1", "EXEC"] {
        c.ask(line);
    }
    assert_eq!(a.heard(), "*2 $1 k $1 1");
}

#[test]
fn every_way_to_make_a_list_readies_it() {
    let (_t, [mut a, mut c]) = clients(16);
    for (prepare, make) in [
        ("RPUSH from x", "RENAME from k"),
        ("RPUSH from x", "RENAMENX from k"),
        ("RPUSH from x", "COPY from k"),
        ("RPUSH from x", "LMOVE from k LEFT LEFT"),
    ] {
        c.ask("DEL from");
        c.ask(prepare);
        a.wait("BLPOP k 0");
        c.ask(make);
        assert_eq!(a.heard(), "*2 $1 k $1 x", "{make}");
    }
}

#[test]
fn a_database_that_is_swapped_in_or_moved_into_readies_its_lists() {
    let (_t, [mut a, mut c]) = clients(16);
    c.ask("SELECT 1");
    c.ask("RPUSH k x");
    a.wait("BLPOP k 0");
    assert_eq!(c.ask("SWAPDB 0 1"), "+OK");
    assert_eq!(a.heard(), "*2 $1 k $1 x");
    a.wait("BLPOP k 0");
    c.ask("RPUSH k y");
    assert_eq!(c.ask("MOVE k 0"), ":1");
    assert_eq!(a.heard(), "*2 $1 k $1 y");
}

#[test]
fn a_reply_that_is_to_be_skipped_is_the_late_one() {
    let (t, [mut a, mut c]) = clients(16);
    assert_eq!(a.ask("CLIENT REPLY SKIP"), NONE);
    a.wait("BLPOP k 0");
    c.ask("RPUSH k x");
    assert_eq!(a.heard(), NONE);
    assert!(!a.session.is_blocked());
    assert_eq!(a.ask("LLEN k"), ":0");
    a.ask("CLIENT REPLY SKIP");
    a.wait("BLPOP k 1");
    t.clock.advance_ms(1000);
    assert_eq!(a.time_out(&t).as_deref(), Some(NONE));
    assert_eq!(a.ask("LLEN k"), ":0");
}

#[test]
fn client_unblock_ends_a_wait_once() {
    let (_t, [mut a, mut c]) = clients(16);
    let id = a.session.id();
    assert_eq!(c.ask(&format!("CLIENT UNBLOCK {id}")), ":0");
    a.wait("BLMOVE k d LEFT LEFT 0");
    assert_eq!(c.ask(&format!("CLIENT UNBLOCK {id}")), ":1");
    assert_eq!(c.ask(&format!("CLIENT UNBLOCK {id}")), ":0");
    c.ask("RPUSH k x");
    assert_eq!(a.heard(), "*-1");
    assert_eq!(c.ask("LLEN k"), ":1");
    a.wait("BLPOP l 0");
    assert_eq!(c.ask(&format!("CLIENT UNBLOCK {id} ERROR")), ":1");
    assert_eq!(a.heard(), "-UNBLOCKED client unblocked via CLIENT UNBLOCK");
    a.wait("BLPOP l 0");
    c.ask("RPUSH l x");
    assert_eq!(c.ask(&format!("CLIENT UNBLOCK {id} ERROR")), ":0");
    assert_eq!(a.heard(), "*2 $1 l $1 x");
}

/// Elements are neither lost nor doubled while writers, takers, movers, deadlines and sessions
/// that go away meet on the same keys from several threads.
#[test]
fn many_threads_lose_nothing() {
    let t = Arc::new(TestEngine::new(4));
    let taken = Arc::new(std::sync::Mutex::new(Vec::new()));
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let takers: Vec<_> = (0..3u64)
        .map(|seed| {
            let (t, taken, done) = (t.clone(), taken.clone(), done.clone());
            std::thread::spawn(move || take(&t, seed, &taken, &done))
        })
        .collect();
    let mut writer = Client::new(&t);
    let mut pushed = Vec::new();
    for n in 0..3000 {
        let key = ["a", "b", "c"][n % 3];
        if n % 7 == 0 {
            for line in ["MULTI", &format!("RPUSH a {n}"), &format!("RPUSH b {n}x"), "EXEC"] {
                writer.ask(line);
            }
            pushed.push(format!("{n}x"));
        } else {
            writer.ask(&format!("RPUSH {key} {n}"));
        }
        pushed.push(n.to_string());
    }
    done.store(true, std::sync::atomic::Ordering::SeqCst);
    takers.into_iter().for_each(|taker| taker.join().unwrap());
    let mut all = std::mem::take(&mut *taken.lock().unwrap());
    for key in ["a", "b", "c"] {
        loop {
            let reply = writer.ask(&format!("LPOP {key}"));
            let Some((_, element)) = reply.split_once(' ') else { break };
            all.push(element.to_owned());
        }
    }
    all.sort_unstable();
    pushed.sort_unstable();
    assert_eq!(all, pushed);
}

fn take(
    t: &TestEngine,
    seed: u64,
    taken: &std::sync::Mutex<Vec<String>>,
    done: &std::sync::atomic::AtomicBool,
) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut client = Client::new(t);
    let finished = || done.load(std::sync::atomic::Ordering::SeqCst);
    while !finished() {
        let line = ["BLPOP a b c 0", "BRPOP c a 0", "BLMOVE b c LEFT RIGHT 0", "BLPOP b 0"]
            [rng.usize(..4)];
        let (flow, mut reply) = client.run(line);
        if flow == Flow::Blocked {
            for _ in 0..rng.usize(..200) {
                std::thread::yield_now();
            }
            match rng.u8(..4) {
                0 => client.session.cancel_wait(),
                1 => client = Client::new(t),
                _ => {
                    while reply.is_empty() && client.session.is_blocked() && !finished() {
                        reply = client.heard();
                        std::thread::yield_now();
                    }
                    client.session.cancel_wait();
                }
            }
        }
        if reply.starts_with("*2") {
            let element = reply.rsplit(' ').next().unwrap_or_default();
            taken.lock().unwrap().push(element.to_owned());
        }
    }
}

#[test]
fn words_as_the_wire_sends_them_are_understood() {
    let t = TestEngine::new(4);
    let (mut s, _mailbox) = t.session();
    let error = |line: &str, s: &mut Session| {
        String::from_utf8(send(s, line)).unwrap().trim_end().to_owned()
    };
    assert_eq!(error("BLPOP k x", &mut s), "-ERR timeout is not a float or out of range");
    assert_eq!(error("BLPOP k -1", &mut s), "-ERR timeout is negative");
    assert_eq!(error("BLPOP k 9223372036854774", &mut s), "-ERR timeout is out of range");
    assert_eq!(error("BLMPOP x 0 k LEFT", &mut s), "-ERR numkeys should be greater than 0");
    assert_eq!(error("BLMOVE a b LEFT UP x", &mut s), "-ERR syntax error");
}
