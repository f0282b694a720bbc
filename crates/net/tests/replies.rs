//! Replies and their readers: slow ones, the limits, blocked and idle connections, pub/sub.

mod common;

use common::{TestServer, request, until};
use larder_net::Limits;
use std::sync::atomic::Ordering;

#[test]
fn a_slow_reader_gets_every_byte() {
    let server = TestServer::start();
    let mut client = server.client();
    let value = "0123456789".repeat(100_000);
    client.ask(&["SET", "k", &value], "+OK\r\n");
    client.write(request(&["GET", "k"]).repeat(20));
    let reply = format!("$1000000\r\n{value}\r\n");
    for _ in 0..20 {
        for part in reply.as_bytes().chunks(77_777) {
            client.expect(part);
        }
    }
    client.ask(&["PING"], "+PONG\r\n");
}

#[test]
fn a_reader_beyond_the_hard_limit_is_cut_off() {
    let limits = Limits::default();
    limits.normal.set(20 << 20, 0, 0);
    let server = TestServer::with(1, limits);
    let mut client = server.client();
    let value = "x".repeat(1 << 20);
    client.ask(&["SET", "k", &value], "+OK\r\n");
    client.write(request(&["GET", "k"]).repeat(200));
    server.wait_for_connections(0);
    assert!(client.rest().len() < 100 << 20);
}

/// Redis adds a reply to the client's list and closes before it writes: no part of it arrives, even
/// where the socket would have taken it. Tests of clients count on that.
#[test]
fn a_reply_beyond_the_hard_limit_is_not_begun() {
    let limits = Limits::default();
    limits.normal.set(100_000, 0, 0);
    let server = TestServer::with(1, limits);
    let mut client = server.client();
    client.ask(&["SET", "k", &"x".repeat(150_000)], "+OK\r\n");
    client.send(&["GET", "k"]);
    assert!(client.rest().is_empty());
    let mut other = server.client();
    other.ask(&["SET", "k", &"x".repeat(90_000)], "+OK\r\n");
    other.send(&["GET", "k"]);
    assert_eq!(other.bulk().len(), 90_000);
}

/// A number of random members is the client's to choose: a billion of them would be gigabytes under
/// a lock, for a reader that is cut off anyway.
#[test]
fn a_reply_beyond_the_hard_limit_is_not_made_whole() {
    let limits = Limits::default();
    limits.normal.set(100_000, 0, 0);
    let server = TestServer::with(1, limits);
    for (fill, ask) in [
        (&["SADD", "s", "m"][..], &["SRANDMEMBER", "s", "-999999999"][..]),
        (&["HSET", "h", "f", "v"], &["HRANDFIELD", "h", "-999999999", "WITHVALUES"]),
        (&["ZADD", "z", "1", "m"], &["ZRANDMEMBER", "z", "-999999999", "WITHSCORES"]),
    ] {
        let mut client = server.client();
        client.ask(fill, ":1\r\n");
        client.send(ask);
        assert!(client.rest().is_empty());
    }
}

/// CVE-2025-21605: who never gives the password and never reads could fill the server's memory with
/// refusals, for the limit of normal clients is none.
#[test]
fn refusals_do_not_pile_up_for_a_stranger_who_does_not_read() {
    let server = TestServer::start();
    server.client().ask(&["CONFIG", "SET", "requirepass", "secret"], "+OK\r\n");
    let mut stranger = server.client();
    stranger.write(request(&["GET", "k"]).repeat(10_000));
    let refusal = "-NOAUTH Authentication required.\r\n";
    assert!(stranger.rest().len() < 10_000 * refusal.len());
    let mut client = server.client();
    client.write(request(&["GET", "k"]).repeat(100));
    client.write(request(&["AUTH", "secret"]));
    (0..100).for_each(|_| client.expect(refusal));
    client.expect("+OK\r\n");
}

#[test]
fn a_reader_beyond_the_soft_limit_has_some_seconds() {
    let limits = Limits::default();
    limits.normal.set(0, 1 << 20, 10);
    let server = TestServer::with(1, limits);
    let mut client = server.client();
    let value = "x".repeat(1 << 20);
    client.ask(&["SET", "k", &value], "+OK\r\n");
    client.write(request(&["GET", "k"]).repeat(50));
    let mut other = server.client();
    // More than the limit waits: it shows.
    until(|| {
        other.send(&["CLIENT", "LIST"]);
        let list = other.bulk();
        let waiting = list.split(' ').filter_map(|word| word.strip_prefix("omem="));
        waiting.filter_map(|bytes| bytes.parse::<u64>().ok()).any(|bytes| bytes > 1 << 20)
    });
    server.engine.clock.advance_ms(9_000);
    other.ask(&["PING"], "+PONG\r\n");
    assert_eq!(server.server.connections(), 2);
    server.engine.clock.advance_ms(1_500);
    server.wait_for_connections(1);
    other.ask(&["PING"], "+PONG\r\n");
}

#[test]
fn a_wait_ends_at_its_deadline() {
    let server = TestServer::start();
    let mut client = server.client();
    client.write([request(&["BLPOP", "k", "5"]), request(&["PING"])].concat());
    let mut other = server.client();
    wait_for_blocked(&mut other, 1);
    server.engine.clock.advance_ms(5_001);
    client.expect("*-1\r\n+PONG\r\n");
    client.ask(&["PING"], "+PONG\r\n");
}

#[test]
fn a_wait_is_served_from_another_loop_and_the_pipeline_goes_on() {
    let server = TestServer::start();
    let (mut client, mut other) = (server.client(), server.client());
    for n in 0..100 {
        client.write([request(&["BLPOP", "k", "0"]), request(&["ECHO", "after"])].concat());
        if n % 2 == 0 {
            wait_for_blocked(&mut other, 1);
        }
        other.ask(&["LPUSH", "k", "v"], ":1\r\n");
        client.expect("*2\r\n$1\r\nk\r\n$1\r\nv\r\n$5\r\nafter\r\n");
    }
}

#[test]
fn who_goes_away_while_waiting_takes_nothing() {
    let server = TestServer::start();
    let mut client = server.client();
    client.send(&["BLPOP", "k", "0"]);
    let mut other = server.client();
    wait_for_blocked(&mut other, 1);
    drop(client);
    server.wait_for_connections(1);
    other.ask(&["LPUSH", "k", "v"], ":1\r\n");
    other.ask(&["LLEN", "k"], ":1\r\n");
}

#[test]
fn a_killed_connection_is_closed_also_while_it_waits() {
    let server = TestServer::start();
    let mut client = server.client();
    client.send(&["CLIENT", "ID"]);
    let mut reply = client.take(1);
    while !reply.ends_with(b"\r\n") {
        reply.extend(client.take(1));
    }
    let id = String::from_utf8(reply).unwrap()[1..].trim().to_owned();
    client.send(&["BLPOP", "k", "0"]);
    let mut other = server.client();
    wait_for_blocked(&mut other, 1);
    other.ask(&["CLIENT", "KILL", "ID", &id], ":1\r\n");
    client.expect_end("");
    server.wait_for_connections(1);
}

#[test]
fn paused_requests_wait_until_the_end_of_the_pause() {
    let server = TestServer::start();
    let (mut client, mut other) = (server.client(), server.client());
    other.ask(&["CLIENT", "PAUSE", "10000", "WRITE"], "+OK\r\n");
    client.write([request(&["SET", "k", "v"]), request(&["GET", "k"])].concat());
    other.ask(&["EXISTS", "k"], ":0\r\n");
    other.ask(&["CLIENT", "UNPAUSE"], "+OK\r\n");
    client.expect("+OK\r\n$1\r\nv\r\n");
    other.ask(&["CLIENT", "PAUSE", "10000", "WRITE"], "+OK\r\n");
    client.send(&["SET", "k", "w"]);
    other.ask(&["GET", "k"], "$1\r\nv\r\n");
    server.engine.clock.advance_ms(10_001);
    client.expect("+OK\r\n");
}

#[test]
fn messages_reach_subscribers_of_every_loop_in_order() {
    let server = TestServer::with(3, Limits::default());
    let mut subscribers: Vec<_> = (0..30).map(|_| server.client()).collect();
    for subscriber in &mut subscribers {
        subscriber.ask(&["SUBSCRIBE", "news"], "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    }
    let mut publisher = server.client();
    let mut requests = Vec::new();
    let mut heard = String::new();
    for n in 100..300 {
        requests.extend(request(&["PUBLISH", "news", &n.to_string()]));
        heard += &format!("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\n{n}\r\n");
    }
    publisher.write(requests);
    publisher.expect(":30\r\n".repeat(200));
    subscribers.iter_mut().for_each(|subscriber| subscriber.expect(&heard));
}

#[test]
fn a_subscriber_that_does_not_read_is_cut_off_and_others_are_not() {
    let limits = Limits::default();
    limits.pubsub.set(4 << 20, 0, 0);
    let server = TestServer::with(2, limits);
    let subscribed = "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n";
    let mut deaf = server.client();
    deaf.ask(&["SUBSCRIBE", "c"], subscribed);
    let mut publisher = server.client();
    publisher.ask(&["PING"], "+PONG\r\n");
    let message = "m".repeat(100_000);
    let mut sent = 0;
    while server.server.connections() == 2 {
        publisher.send(&["PUBLISH", "c", &message]);
        publisher.take(4);
        sent += 1;
        assert!(sent < 10_000, "{sent} messages of 100 kB wait");
    }
    publisher.ask(&["PUBLISH", "c", "nobody"], ":0\r\n");
    assert!(deaf.rest().len() < 100 << 20);
}

#[test]
fn silent_connections_are_closed_if_asked_to() {
    let limits = Limits::default();
    limits.idle_seconds.store(60, Ordering::Relaxed);
    let server = TestServer::with(1, limits);
    let mut silent = server.client();
    silent.ask(&["PING"], "+PONG\r\n");
    let mut waiting = server.client();
    waiting.send(&["BLPOP", "k", "0"]);
    let mut hearing = server.client();
    hearing.ask(&["SUBSCRIBE", "c"], "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    let mut other = server.client();
    wait_for_blocked(&mut other, 1);
    server.engine.clock.advance_ms(50_000);
    other.ask(&["PING"], "+PONG\r\n");
    server.engine.clock.advance_ms(12_000);
    silent.expect_end("");
    other.ask(&["LPUSH", "k", "v"], ":1\r\n");
    waiting.expect("*2\r\n$1\r\nk\r\n$1\r\nv\r\n");
    assert_eq!(server.server.connections(), 3);
}

/// Waits until so many clients are blocked.
fn wait_for_blocked(client: &mut common::Client, wanted: usize) {
    until(|| {
        client.send(&["INFO", "clients"]);
        client.bulk().contains(&format!("blocked_clients:{wanted}\r\n"))
    });
}
