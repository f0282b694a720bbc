//! The patterns' contract, the same on every store: linked, our server, a real Valkey.
//!
//! Linked and served stores have a clock that the test moves; on Valkey time really passes, so
//! leases are short there. `cargo xtask test` names the Valkey binary in `LARDER_TEST_VALKEY`;
//! without it that store is left out, and says so.

use larder::engine::clock::FakeClock;
use larder::engine::config::Config;
use larder::engine::{Engine, NoHost, Options};
use larder::patterns::{DynData, Presence};
use larder::{Error, Larder};
use larder_net::{Listen, Server, ServerOptions};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// A store and the way to let time pass for it.
struct Place {
    name: &'static str,
    store: Larder,
    clock: Option<Arc<FakeClock>>,
    _server: Option<Server>,
    _valkey: Option<Valkey>,
}

/// A Valkey of this test's own, ended with it.
struct Valkey {
    child: Child,
    _dir: tempfile::TempDir,
}

impl Drop for Valkey {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Place {
    fn pass(&self, time: Duration) {
        match &self.clock {
            Some(clock) => clock.advance_ms(time.as_millis() as u64),
            None => std::thread::sleep(time),
        }
    }
}

fn engine() -> (Arc<Engine>, Arc<FakeClock>) {
    let clock = Arc::new(FakeClock::new(1_700_000_000_000));
    let engine = Engine::new(Options {
        shards: 16,
        hash_seed: 1,
        random_seed: 1,
        clock: clock.clone(),
        config: Arc::new(Config::default()),
        host: Arc::new(NoHost),
    });
    (engine, clock)
}

fn linked() -> Place {
    let (engine, clock) = engine();
    let store = Larder::over(engine);
    Place { name: "linked", store, clock: Some(clock), _server: None, _valkey: None }
}

fn served() -> Place {
    let (engine, clock) = engine();
    let listen = vec![Listen::Tcp { addr: ([127, 0, 0, 1], 0).into(), optional: false }];
    let server = Server::start(engine, ServerOptions { listen, ..ServerOptions::default() })
        .expect("a free port");
    let address = server.addresses()[0].to_string();
    let store = Larder::open(&format!("redis://{address}/0")).expect("a URL");
    Place { name: "served", store, clock: Some(clock), _server: Some(server), _valkey: None }
}

fn valkey() -> Option<Place> {
    let Some(binary) = std::env::var_os("LARDER_TEST_VALKEY") else {
        eprintln!("LARDER_TEST_VALKEY is not set: the contract is not checked on Valkey");
        return None;
    };
    let dir = tempfile::tempdir().expect("a folder");
    let socket = dir.path().join("valkey.sock");
    let child = Command::new(binary)
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .expect("Valkey starts");
    let valkey = Valkey { child, _dir: dir };
    let url = format!("unix://{}", socket.display());
    let store = Larder::open(&url).expect("a URL");
    for _ in 0..500 {
        if store.command(&["PING"]).is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Some(Place { name: "valkey", store, clock: None, _server: None, _valkey: Some(valkey) })
}

fn everywhere(contract: impl Fn(&Place)) {
    for place in [Some(linked()), Some(served()), valkey()].into_iter().flatten() {
        eprintln!("on {}", place.name);
        contract(&place);
    }
}

/// Short, because on Valkey it really passes.
const TTL: Duration = Duration::from_millis(120);
const HALF: Duration = Duration::from_millis(60);

#[test]
fn dyn_data_expires_unless_it_is_renewed() {
    everywhere(|place| {
        let data = DynData::new(&place.store).ttl(TTL);
        assert_eq!(data.int("7").run().unwrap(), None);
        data.mark("7", 100).run().unwrap();
        assert_eq!(data.int("7").run().unwrap(), Some(100));
        assert_eq!(data.get("7").run().unwrap().as_deref(), Some(&b"100"[..]));
        place.pass(HALF);
        data.mark("7", 0).run().unwrap();
        place.pass(HALF + Duration::from_millis(20));
        assert_eq!(data.int("7").run().unwrap(), Some(0), "renewed, and 0 is data");
        place.pass(TTL);
        assert_eq!(data.int("7").run().unwrap(), None, "never late");
    });
}

#[test]
fn updates_keep_the_ttl_and_touch_renews_it() {
    everywhere(|place| {
        let data = DynData::new(&place.store).ttl(TTL);
        assert!(!data.update("u", 1).run().unwrap(), "nothing to update");
        assert!(data.add("u", 1).run().unwrap());
        assert!(!data.add("u", 2).run().unwrap(), "there is a value");
        place.pass(HALF);
        assert!(data.update("u", 3).run().unwrap());
        assert!(data.time_left("u").run().unwrap().is_some_and(|left| left <= TTL - HALF));
        assert_eq!(data.incr("u", 4).run().unwrap(), 7);
        assert!(data.time_left("u").run().unwrap().is_some_and(|left| left <= TTL - HALF));
        assert!(data.touch("u").run().unwrap());
        assert!(data.time_left("u").run().unwrap().is_some_and(|left| left > TTL - HALF));
        assert!(data.delete("u").run().unwrap());
        assert!(!data.touch("u").run().unwrap());
        assert_eq!(data.time_left("u").run().unwrap(), None);
    });
}

#[test]
fn a_counter_that_begins_has_a_ttl() {
    everywhere(|place| {
        let data = DynData::new(&place.store).namespace("hits").ttl(TTL);
        assert_eq!(data.incr("x", 5).run().unwrap(), 5);
        assert!(data.time_left("x").run().unwrap().is_some());
        data.mark("text", "no number").run().unwrap();
        let error = data.incr("text", 1).run().unwrap_err();
        assert!(
            matches!(&error, Error::Refused(text) if text.contains("not an integer")),
            "{error}"
        );
        let error = data.int("text").run().unwrap_err();
        assert!(matches!(error, Error::ForeignData { .. }), "{error}");
    });
}

#[test]
fn missing_empty_and_zero_differ_and_many_are_read_at_once() {
    everywhere(|place| {
        let data = DynData::new(&place.store).namespace("many").ttl(TTL * 50);
        data.mark_many(&[("a", b"1"), ("b", b"")]).run().unwrap();
        let got = data.get_many(&["a", "b", "c"]).run().unwrap();
        assert_eq!(got, [Some(b"1".to_vec()), Some(Vec::new()), None]);
        assert!(data.get_many(&[]).run().unwrap().is_empty());
    });
}

#[test]
fn of_many_writers_that_compare_one_wins_each_round() {
    everywhere(|place| {
        let data = DynData::new(&place.store).namespace("cas").ttl(Duration::from_secs(60));
        data.mark("n", 0).run().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut won = 0;
                    while won < 25 {
                        let seen = data.int("n").run().unwrap().unwrap();
                        if data.compare_and_set("n", seen, seen + 1).run().unwrap() {
                            won += 1;
                        }
                    }
                });
            }
        });
        assert_eq!(data.int("n").run().unwrap(), Some(100));
        assert!(data.time_left("n").run().unwrap().is_some(), "the TTL is kept");
        assert!(!data.compare_and_set("missing", 0, 1).run().unwrap());
    });
}

#[test]
fn a_user_is_online_while_one_connection_is() {
    everywhere(|place| {
        let online = Presence::new(&place.store, "room").lease(Duration::from_secs(60));
        assert!(online.join("ann", "1").run().unwrap().first);
        assert!(!online.join("ann", "2").run().unwrap().first);
        assert!(online.join("bob", "1").run().unwrap().first);
        assert_eq!(online.count().run().unwrap(), 2);
        assert_eq!(online.list().run().unwrap(), ["ann", "bob"]);
        assert!(!online.leave("ann", "1").run().unwrap().last);
        assert!(online.is_online("ann").run().unwrap());
        assert!(online.leave("ann", "2").run().unwrap().last);
        assert_eq!(online.online_many(&["ann", "bob", "eve"]).run().unwrap(), [false, true, false]);
        assert_eq!(Presence::new(&place.store, "other").count().run().unwrap(), 0);
    });
}

#[test]
fn names_that_look_alike_are_different_users() {
    everywhere(|place| {
        let online = Presence::new(&place.store, "names").lease(Duration::from_secs(60));
        online.join("a", "b:c").run().unwrap();
        assert!(online.join("a:b", "c").run().unwrap().first);
        assert!(online.join("1:a", "").run().unwrap().first);
        assert_eq!(online.list().run().unwrap(), ["1:a", "a", "a:b"]);
    });
}

#[test]
fn whoever_stops_beating_is_gone_and_leaves_nothing() {
    everywhere(|place| {
        let online = Presence::new(&place.store, "beats").lease(TTL);
        online.join_with("ann", "1", b"phone").run().unwrap();
        online.join("bob", "1").run().unwrap();
        place.pass(HALF);
        online.heartbeat("ann", "1", b"tablet").run().unwrap();
        place.pass(HALF + Duration::from_millis(20));
        assert_eq!(online.list().run().unwrap(), ["ann"]);
        let connections = online.connections().run().unwrap();
        assert_eq!(connections[0].metadata, b"tablet");
        let members = place.store.command(&["SCARD", "{presence:beats}:leases"]).unwrap();
        assert_eq!(members, larder::Value::Int(1), "the ended lease was taken out");
        place.pass(TTL);
        assert_eq!(online.count().run().unwrap(), 0);
        assert!(online.last_seen("ann").run().unwrap().is_some());
        assert_eq!(online.last_seen("eve").run().unwrap(), None);
        online.heartbeat("ann", "1", b"again").run().unwrap();
        assert_eq!(online.connections().run().unwrap()[0].metadata, b"again");
    });
}

#[test]
fn every_key_of_a_pattern_expires() {
    everywhere(|place| {
        place.store.command(&["FLUSHALL"]).unwrap();
        let data = DynData::new(&place.store);
        data.mark("a", 1).run().unwrap();
        data.incr("b", 1).run().unwrap();
        data.add("c", "x").run().unwrap();
        let online = Presence::new(&place.store, "census");
        online.join("ann", "1").run().unwrap();
        online.join("bob", "1").run().unwrap();
        online.leave("bob", "1").run().unwrap();
        let larder::Value::Array(keys) = place.store.command(&["KEYS", "*"]).unwrap() else {
            panic!("KEYS answers an array");
        };
        assert!(keys.len() >= 6, "{keys:?}");
        for key in keys {
            let larder::Value::Bulk(key) = key else { panic!("a key is a string") };
            let ttl = place.store.command(&[&b"PTTL"[..], &key]).unwrap();
            assert!(matches!(ttl, larder::Value::Int(ms) if ms > 0), "{key:?} never expires");
        }
    });
}

#[tokio::test]
async fn the_same_calls_are_awaited() {
    for place in [linked(), served()] {
        let data = DynData::new(&place.store);
        data.mark("7", 100).await.unwrap();
        assert_eq!(data.int("7").await.unwrap(), Some(100));
        let online = Presence::new(&place.store, "async");
        assert!(online.join("ann", "1").await.unwrap().first);
        assert_eq!(online.count().await.unwrap(), 1);
        let store = place.store.asynchronous();
        store.set("k", "v").await.unwrap();
        assert_eq!(store.get("k").await.unwrap(), Some(b"v".to_vec()));
    }
}
