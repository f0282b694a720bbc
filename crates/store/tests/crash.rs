//! Crashes at every point: of a scripted workload on a disk that knows what a crash may leave, every
//! state is recovered and compared. What comes back must be a prefix of what was done, whole
//! transactions, and hold everything that was acknowledged as the policy promises.

use larder_engine::config::Config;
use larder_engine::log::{Fate, LEAST_RING_BYTES, Stamp};
use larder_engine::testing::{TestEngine, send};
use larder_engine::{Durability, Engine, NoHost, Options, Session};
use larder_store::disk::double::{Double, Faults};
use larder_store::report::NoReport;
use larder_store::{Store, StoreOptions};
use std::sync::{Arc, Mutex};

const START_MS: u64 = 1_700_000_000_000;

/// A store on a disk, with an engine whose clock is moved by hand.
struct Life {
    test: TestEngine,
    store: Arc<Store>,
}

fn live(disk: &Double, fsync: &str, clock: Option<Arc<larder_engine::clock::FakeClock>>) -> Life {
    try_live(disk, fsync, clock).expect("recovers")
}

fn try_live(
    disk: &Double,
    fsync: &str,
    clock: Option<Arc<larder_engine::clock::FakeClock>>,
) -> Result<Life, String> {
    let clock = clock.unwrap_or_else(|| Arc::new(larder_engine::clock::FakeClock::new(START_MS)));
    let config = Config::default();
    for (name, value) in [("dir", "d"), ("appendonly", "yes"), ("appendfsync", fsync)] {
        config.set(name, &[value.as_bytes()]).unwrap();
    }
    let engine = Engine::new(Options {
        shards: 4,
        hash_seed: 7,
        random_seed: disk.operations(),
        clock: clock.clone(),
        config: Arc::new(config),
        host: Arc::new(NoHost),
    });
    let options = StoreOptions {
        disk: Arc::new(disk.clone()),
        report: Arc::new(NoReport),
        save_at_end: false,
    };
    let store = Store::open(&engine, options).map_err(|error| error.to_string())?;
    store.log().use_ring_of(LEAST_RING_BYTES);
    store.load(&mut |_, _| {}).map_err(|error| error.to_string())?;
    Ok(Life { test: TestEngine { engine, clock }, store })
}

impl Life {
    fn session(&self) -> Session {
        let mut session = self.test.session().0;
        session.trust();
        session
    }

    /// How many steps it has, if it is what so many steps leave.
    fn steps(&self) -> Result<u64, String> {
        let mut session = self.session();
        let mut ask = |line: &str| String::from_utf8(send(&mut session, line)).unwrap();
        let length: u64 = ask("LLEN log").trim()[1..].parse().unwrap();
        if length == 0 {
            return Ok(0);
        }
        for (at, wanted) in [(0, 1), (length - 1, length), (length / 2, length / 2 + 1)] {
            let found = ask(&format!("LINDEX log {at}"));
            let digits = wanted.to_string();
            if found != format!("${}\r\n{digits}\r\n", digits.len()) {
                return Err(format!("entry {at} of {length} is {found:?}"));
            }
        }
        let value = value_of(length);
        let found = ask("GET value");
        if found != format!("${}\r\n{value}\r\n", value.len()) {
            return Err(format!("the value of step {length} has {} bytes", found.len()));
        }
        let found = ask("GET n");
        let digits = length.to_string();
        if found != format!("${}\r\n{digits}\r\n", digits.len()) {
            return Err(format!("n is {found:?} after {length} steps"));
        }
        Ok(length)
    }
}

/// The value that a step sets: some hide whole sectors, some go by reference.
fn value_of(step: u64) -> String {
    let bytes = match step {
        _ if step.is_multiple_of(23) => 70_000,
        _ if step.is_multiple_of(7) => 3_000,
        _ => 20,
    };
    let letter = char::from(b'a' + (step % 26) as u8);
    letter.to_string().repeat(bytes)
}

/// A step: three changes as one.
fn step(session: &mut Session, number: u64) {
    let value = value_of(number);
    for line in ["MULTI", &format!("RPUSH log {number}"), "INCR n", &format!("SET value {value}")] {
        send(session, line);
    }
    let reply = String::from_utf8(send(session, "EXEC")).unwrap();
    assert!(reply.starts_with("*3"), "{reply}");
}

/// What was acknowledged, and when.
#[derive(Default)]
struct Ledger {
    done: u64,
    now_ms: u64,
    /// Steps with what their replies speak of, not yet acknowledged.
    waiting: Vec<(u64, Stamp)>,
    /// Steps that were acknowledged, with the time.
    acknowledged: Vec<(u64, u64)>,
    states: u64,
    worst_ms: u64,
}

impl Ledger {
    fn last_acknowledged(&self, by_ms: u64) -> u64 {
        let by = self.acknowledged.iter().rev().find(|(_, at_ms)| *at_ms <= by_ms);
        by.map_or(0, |(step, _)| *step)
    }

    fn acknowledge(&mut self, engine: &Engine) {
        while let Some((step, stamp)) = self.waiting.first().copied() {
            match engine.log().fate(stamp) {
                Fate::Released => self.acknowledged.push((step, self.now_ms)),
                Fate::Waits => return,
                Fate::Unknown => {}
            }
            self.waiting.remove(0);
        }
    }
}

/// Checks what a killed process leaves, and some of what a power failure may.
fn examine(disk: &Double, fsync: &'static str, ledger: &Mutex<Ledger>, seeds: u64) {
    let mut ledger = ledger.lock().unwrap();
    let (done, now_ms) = (ledger.done, ledger.now_ms);
    let all = ledger.last_acknowledged(u64::MAX);
    let left = live(&disk.killed(), fsync, None).steps();
    let left = left.unwrap_or_else(|why| panic!("killed after {done} steps: {why}"));
    assert!((all..=done).contains(&left), "killed: {left} of {all} acknowledged, {done} done");
    ledger.states += 1;
    for seed in 0..seeds {
        let seed = seed + disk.operations() * 31;
        let lost = disk.power_lost(seed);
        let left = try_live(&lost, fsync, None).and_then(|life| life.steps());
        let left = left.unwrap_or_else(|why| panic!("power, seed {seed}, {done} steps: {why}"));
        let promised = match fsync {
            "always" => all,
            "everysec" => ledger.last_acknowledged(now_ms.saturating_sub(1000)),
            _ => 0,
        };
        assert!(
            (promised..=done).contains(&left),
            "power, seed {seed}: {left} of {promised} promised, {done} done"
        );
        let first_lost = ledger.acknowledged.iter().find(|(step, _)| *step > left);
        let lost_ms = first_lost.map_or(0, |(_, at_ms)| now_ms - at_ms);
        ledger.worst_ms = ledger.worst_ms.max(lost_ms);
        ledger.states += 1;
    }
}

/// Plays steps, with passes, rewrites and crashes in between; what was seen.
fn play(fsync: &'static str, steps: u64, seeds: u64, faults: Option<Faults>) -> Ledger {
    let disk = Double::new();
    disk.create_root();
    let ledger = Arc::new(Mutex::new(Ledger { now_ms: START_MS, ..Ledger::default() }));
    if let Some(faults) = faults {
        disk.order(faults);
    }
    let life = live(&disk, fsync, None);
    let watched = ledger.clone();
    disk.watch(move |disk| examine(disk, fsync, &watched, seeds));
    let mut session = life.session();
    for number in 1..=steps {
        {
            let mut ledger = ledger.lock().unwrap();
            ledger.done = number;
            life.test.clock.advance_ms(90);
            ledger.now_ms += 90;
        }
        step(&mut session, number);
        {
            let mut ledger = ledger.lock().unwrap();
            ledger.waiting.push((number, session.take_stamp()));
            ledger.acknowledge(&life.test.engine);
        }
        if number % 3 == 0 || fsync == "everysec" {
            life.store.log().pass();
            ledger.lock().unwrap().acknowledge(&life.test.engine);
        }
        if number % 16 == 0 {
            assert!(life.store.log().rewrite_here());
            ledger.lock().unwrap().acknowledge(&life.test.engine);
        }
        disk.look();
    }
    disk.watch(|_| {});
    life.store.close();
    let left = live(&disk.power_lost(1), fsync, None).steps().unwrap();
    assert_eq!(left, steps, "a clean end loses nothing");
    Arc::try_unwrap(ledger).ok().unwrap().into_inner().unwrap()
}

fn matrix(fsync: &'static str, faults: Option<Faults>) {
    let many = std::env::var("LARDER_CRASHES").ok().and_then(|text| text.parse().ok());
    let ledger = play(fsync, 50, many.unwrap_or(1), faults);
    let Ledger { states, worst_ms, .. } = ledger;
    println!("{fsync}: {states} states, at most {worst_ms} ms of acknowledged steps lost to power");
}

#[test]
fn always_loses_nothing() {
    matrix("always", None);
}

#[test]
fn every_second_loses_a_second_at_most() {
    matrix("everysec", None);
}

#[test]
fn without_syncs_a_killed_process_loses_nothing() {
    matrix("no", None);
}

#[test]
fn without_a_ring_a_reply_waits_until_it_is_written() {
    matrix("everysec", Some(Faults { no_mapping: true, ..Faults::default() }));
}

#[test]
fn after_a_failed_sync_writes_are_refused_until_the_log_is_new() {
    let disk = Double::new();
    disk.create_root();
    let life = live(&disk, "always", None);
    let mut session = life.session();
    step(&mut session, 1);
    let first = session.take_stamp();
    life.store.log().pass();
    assert_eq!(life.test.engine.log().fate(first), Fate::Released);
    disk.order(Faults { syncs: 1, ..Faults::default() });
    step(&mut session, 2);
    let second = session.take_stamp();
    life.store.log().pass();
    assert_eq!(life.test.engine.log().fate(second), Fate::Unknown);
    let refused = String::from_utf8(send(&mut session, "SET a 1")).unwrap();
    assert!(refused.starts_with("-MISCONF Errors writing to the AOF file"), "{refused}");
    assert_eq!(send(&mut session, "GET n"), b"$1\r\n2\r\n");
    assert_eq!(life.test.engine.log().fate(session.take_stamp()), Fate::Released, "reads go on");
    let told = life.store.info();
    let status = told.iter().find(|(name, _)| *name == "aof_last_write_status").unwrap();
    assert_eq!(status.1, "err");
    assert!(life.store.log().rewrite_here());
    assert_eq!(send(&mut session, "SET a 1"), b"+OK\r\n");
    let stamp = session.take_stamp();
    life.store.log().pass();
    assert_eq!(life.test.engine.log().fate(stamp), Fate::Released);
    for seed in 0..50 {
        let left = live(&disk.power_lost(seed), "always", None);
        assert_eq!(left.steps(), Ok(2));
        assert_eq!(send(&mut left.session(), "GET a"), b"$1\r\n1\r\n");
    }
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room() {
    for fsync in ["always", "everysec"] {
        let disk = Double::new();
        disk.create_root();
        let life = live(&disk, fsync, None);
        let mut session = life.session();
        step(&mut session, 1);
        life.store.log().pass();
        disk.order(Faults { room: Some(40), ..Faults::default() });
        step(&mut session, 2);
        life.store.log().pass();
        let refused = String::from_utf8(send(&mut session, "SET a 1")).unwrap();
        assert!(refused.starts_with("-MISCONF Errors writing to the AOF file"), "{refused}");
        assert_eq!(send(&mut session, "GET n"), b"$1\r\n2\r\n");
        let left = live(&disk.killed(), fsync, None);
        assert_eq!(left.steps(), Ok(2), "what is not in the file is in the ring");
        disk.order(Faults::default());
        life.store.log().pass();
        step(&mut session, 3);
        life.store.log().pass();
        assert_eq!(live(&disk.killed(), fsync, None).steps(), Ok(3));
    }
}
