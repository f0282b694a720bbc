//! Requests as they arrive: many at once, in pieces, too long, malformed, unfinished.

mod common;

use common::{Client, TestServer, request, until};
use larder_net::Limits;
use std::io::Read;
use std::sync::atomic::Ordering;

#[test]
fn a_long_pipeline_is_answered_in_order() {
    let server = TestServer::start();
    let mut client = server.client();
    let (mut requests, mut replies) = (Vec::new(), Vec::new());
    for n in 0..20_000 {
        let (key, value) = (format!("key:{}", n % 100), format!("value-{n}"));
        requests.extend(request(&["SET", &key, &value]));
        requests.extend(request(&["GET", &key]));
        replies.extend_from_slice(b"+OK\r\n");
        replies.extend(format!("${}\r\n{value}\r\n", value.len()).into_bytes());
    }
    let mut writer = Client::new(client.socket.try_clone().unwrap());
    let writing = std::thread::spawn(move || writer.write(requests));
    client.expect(replies);
    writing.join().unwrap();
}

#[test]
fn a_pipeline_may_be_sent_whole_before_a_reply_is_read() {
    let server = TestServer::start();
    let mut client = server.client();
    let value = "x".repeat(10_000);
    client.ask(&["SET", "k", &value], "+OK\r\n");
    let asked = 3_000;
    client.write(request(&["GET", "k"]).repeat(asked));
    client.expect(format!("$10000\r\n{value}\r\n").repeat(asked));
}

#[test]
fn one_byte_at_a_time_is_as_good_as_all_at_once() {
    let server = TestServer::start();
    let mut client = server.client();
    let requests = [request(&["SET", "key", "a value"]), b"GET key\r\n".to_vec()].concat();
    for byte in requests {
        client.write([byte]);
        // The server has met this byte: it answers another client's request after it.
        server.client().ask(&["PING"], "+PONG\r\n");
    }
    client.expect("+OK\r\n$7\r\na value\r\n");
}

#[test]
fn requests_cut_anywhere_are_put_together() {
    let server = TestServer::start();
    let mut client = server.client();
    let value = "v".repeat(50_000);
    let one = request(&["SET", "key", &value]);
    let whole = one.repeat(20);
    for chunk in whole.chunks(9_973) {
        client.write(chunk);
    }
    client.expect("+OK\r\n".repeat(20));
}

#[test]
fn big_values_go_in_and_out() {
    let server = TestServer::start();
    let mut client = server.client();
    let value: String = (0..4_000_000).map(|n| format!("{:08}", n * 7)).collect();
    let mut writer = Client::new(client.socket.try_clone().unwrap());
    let sent = request(&["SET", "big", &value]);
    let writing = std::thread::spawn(move || writer.write(sent));
    client.expect("+OK\r\n");
    writing.join().unwrap();
    client.ask(&["STRLEN", "big"], ":32000000\r\n");
    client.send(&["GET", "big"]);
    assert!(client.bulk() == value);
    client.ask(&["PING"], "+PONG\r\n");
}

#[test]
fn an_announced_gigabyte_takes_no_memory() {
    let limits = Limits::default();
    limits.max_bulk_bytes.store(2 << 30, Ordering::Relaxed);
    let server = TestServer::with(1, limits);
    let mut liar = server.client();
    liar.ask(&["CLIENT", "SETNAME", "liar"], "+OK\r\n");
    liar.write(b"*2\r\n$4\r\nECHO\r\n$1073741824\r\n");
    liar.write(vec![b'x'; 300_000]);
    let mut client = server.client();
    // Seen once all of it has arrived: the buffer grows with what arrives, not with the claim.
    until(|| buffers(&mut client, "liar").0 >= 300_000);
    let (used, free) = buffers(&mut client, "liar");
    assert!(used + free < 1_000_000, "{used} + {free}");
}

/// Bytes of requests that wait, and room for more, of a named client.
fn buffers(client: &mut Client, name: &str) -> (usize, usize) {
    client.send(&["CLIENT", "LIST"]);
    let list = client.bulk();
    let line = list.lines().find(|line| line.contains(&format!("name={name} "))).unwrap();
    let figure = |field: &str| -> usize {
        let text = line.split(' ').find_map(|word| word.strip_prefix(field)).unwrap();
        text.parse().unwrap()
    };
    (figure("qbuf="), figure("qbuf-free="))
}

#[test]
fn an_unfinished_request_has_a_limit() {
    let limits = Limits::default();
    limits.query_buffer_bytes.store(1 << 20, Ordering::Relaxed);
    let server = TestServer::with(1, limits);
    let mut client = server.client();
    client.write(b"*2\r\n$4\r\nECHO\r\n$9000000\r\n");
    let mut writer = client.socket.try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        let chunk = [b'x'; 4096];
        // Ends when the server has closed the connection.
        while std::io::Write::write_all(&mut writer, &chunk).is_ok() {}
    });
    client.expect_end("");
    writing.join().unwrap();
    server.wait_for_connections(0);
}

#[test]
fn a_breach_of_the_protocol_is_answered_and_ends_the_connection() {
    let server = TestServer::start();
    for (sent, reply) in [
        ("*1\r\n!3\r\n", "-ERR Protocol error: expected '$', got '!'\r\n"),
        ("*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
        ("*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        ("SET \"k\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"),
    ] {
        let mut client = server.client();
        client.write(format!("PING\r\n{sent}"));
        client.expect_end(format!("+PONG\r\n{reply}"));
    }
    server.wait_for_connections(0);
}

#[test]
fn strangers_may_send_little() {
    let server = TestServer::start();
    server.client().ask(&["CONFIG", "SET", "requirepass", "secret"], "+OK\r\n");
    let mut client = server.client();
    client.ask(&["GET", "k"], "-NOAUTH Authentication required.\r\n");
    client.write(b"*2\r\n$3\r\nGET\r\n$20000\r\n");
    client.expect_end("-ERR Protocol error: unauthenticated bulk length\r\n");
    let mut client = server.client();
    let value = "v".repeat(20_000);
    client.write([request(&["AUTH", "secret"]), request(&["SET", "k", &value])].concat());
    client.expect("+OK\r\n+OK\r\n");
}

#[test]
fn http_is_turned_away() {
    let server = TestServer::start();
    for line in ["POST / HTTP/1.1\r\n", "host: 127.0.0.1\r\n"] {
        let mut client = server.client();
        client.write(format!("{line}SET owned 1\r\n"));
        client.expect_end("");
    }
    server.client().ask(&["EXISTS", "owned"], ":0\r\n");
}

#[test]
fn a_client_that_ends_its_side_still_gets_its_replies() {
    let server = TestServer::start();
    let mut client = server.client();
    client.write("SET k v\r\nGET k\r\nGE");
    client.socket.shutdown(std::net::Shutdown::Write).unwrap();
    client.expect_end("+OK\r\n$1\r\nv\r\n");
}

#[test]
fn quit_answers_what_came_before_it_and_nothing_after() {
    let server = TestServer::start();
    let mut client = server.client();
    client.write("PING\r\nQUIT\r\nPING\r\n");
    client.expect_end("+PONG\r\n+OK\r\n");
}

#[test]
fn two_thousand_half_open_requests_leave_nothing_behind() {
    half_open(2_000, 500);
}

/// Takes minutes: `cargo test -p larder-net --test requests -- --ignored`.
#[test]
#[ignore = "a soak"]
fn a_hundred_thousand_half_open_requests_leave_nothing_behind() {
    half_open(100_000, 5_000);
}

/// Opens so many connections, each with half a request, so many at a time.
fn half_open(all: usize, at_a_time: usize) {
    let wanted = 2 * at_a_time as u64 + 200;
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(limit.maximum.map_or(wanted, |most| most.min(wanted)));
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    }
    let server = TestServer::start();
    for round in 0..all / at_a_time {
        let clients: Vec<Client> = (0..at_a_time)
            .map(|n| {
                let mut client = server.client();
                let whole = request(&["SET", &format!("key-{round}-{n}"), "some value"]);
                client.write(&whole[..1 + (n + round) % (whole.len() - 1)]);
                client
            })
            .collect();
        server.client().ask(&["DBSIZE"], ":0\r\n");
        until(|| server.server.connections() >= clients.len());
        drop(clients);
        server.wait_for_connections(0);
    }
}

#[test]
fn the_sockets_of_a_full_server_are_refused_in_words() {
    let limits = Limits::default();
    limits.max_clients.store(2, Ordering::Relaxed);
    let server = TestServer::with(2, limits);
    let mut first = server.client();
    first.ask(&["PING"], "+PONG\r\n");
    let mut second = server.client();
    second.ask(&["PING"], "+PONG\r\n");
    server.client().expect_end("-ERR max number of clients reached\r\n");
    drop(second);
    server.wait_for_connections(1);
    server.client().ask(&["PING"], "+PONG\r\n");
    server.server.limits().max_clients.store(100, Ordering::Relaxed);
    let mut more: Vec<Client> = (0..50).map(|_| server.client()).collect();
    more.iter_mut().for_each(|client| client.ask(&["PING"], "+PONG\r\n"));
    first.ask(&["PING"], "+PONG\r\n");
}

#[test]
fn the_stream_is_over_at_its_end() {
    let server = TestServer::start();
    let mut client = server.client();
    client.ask(&["PING"], "+PONG\r\n");
    client.socket.shutdown(std::net::Shutdown::Both).unwrap();
    let mut nothing = [0];
    assert_eq!(client.socket.read(&mut nothing).unwrap(), 0);
    server.wait_for_connections(0);
}
