//! The HTTP service over real sockets: clients that are slow, too big, or do not go away. Its
//! limits are shortened here; what the requests mean is tested at the router, in `http.rs`.

use larder::Larder;
use larder_server::http::{Accounts, Limits, MAX_HEAD_BYTES, NewUser, Service};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longer than anything here may take; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<std::io::Result<()>>,
}

/// A service with the user `ann` and these limits.
async fn start(limits: Limits) -> Running {
    let store = Larder::open("memory:").unwrap();
    let accounts = Accounts::new(Larder::open("memory:").unwrap()).unwrap();
    let ann = NewUser { name: "ann", password: "password", admin: false, active: true };
    accounts.create(&ann).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = Service::new(&store, Arc::new(accounts), Some(address.ip()), &[]);
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(service.with_limits(limits).serve(listener, stopped));
    Running { address, stop, task }
}

/// Only heads must be quick, or only the rest: on a busy machine nothing else is.
fn heads_within(ms: u64) -> Limits {
    Limits { head: Duration::from_millis(ms), ..Limits::default() }
}

fn bodies_within(ms: u64) -> Limits {
    Limits { request: Duration::from_millis(ms), ..Limits::default() }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What a connection answers to these bytes before it is closed.
    async fn until_closed(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // A peer that sent more than was wanted may see a reset after the answer.
    let _ = read.expect("the connection is closed");
    String::from_utf8(answer).unwrap()
}

/// Reads one reply whose length is announced.
async fn one_reply(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    loop {
        let mut part = [0; 4096];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut part)).await;
        let length = read.expect("a reply").unwrap();
        assert_ne!(length, 0, "closed after {text}");
        text.push_str(std::str::from_utf8(&part[..length]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let wanted = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if wanted.is_some_and(|wanted| body.len() >= wanted.parse::<usize>().unwrap()) {
            return text;
        }
    }
}

#[tokio::test]
async fn whoever_sends_no_whole_head_is_closed() {
    let running = start(heads_within(100)).await;
    assert_eq!(running.until_closed(b"").await, "");
    let answer = running.until_closed(b"GET / HTTP/1.1\r\nHost: local").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    // One byte at a time does not gain any.
    let mut stream = running.connect().await;
    let slow = async {
        while stream.write_all(b"G").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, slow).await.expect("closed");
}

#[tokio::test]
async fn a_connection_serves_many_requests_and_ends_when_it_is_idle() {
    let running = start(heads_within(1000)).await;
    let mut stream = running.connect().await;
    for _ in 0..3 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        assert!(one_reply(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
    }
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_408() {
    let running = start(bodies_within(100)).await;
    let answer = running
        .until_closed(
            b"POST /api/v01/user/login HTTP/1.1\r\nHost: localhost\r\nAccept-Language: en\r\n\
              Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"user_name\"",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("the request did not arrive in time"), "{answer}");
}

#[tokio::test]
async fn what_is_too_big_is_refused_before_it_has_come() {
    let running = start(Limits::default()).await;
    let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}", "x".repeat(MAX_HEAD_BYTES));
    let answer = running.until_closed(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let mut stream = running.connect().await;
    stream
        .write_all(
            b"POST /api/v01/user/login HTTP/1.1\r\nHost: localhost\r\nAccept-Language: en\r\n\
              Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n",
        )
        .await
        .unwrap();
    let answer = one_reply(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("\"error_code\":10003") && answer.contains("65536 bytes"), "{answer}");
}

#[tokio::test]
async fn methods_and_versions_that_browsers_and_tools_send() {
    let running = start(Limits::default()).await;
    let ask = async |head: &str| {
        running.until_closed(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes()).await
    };
    let head = ask("HEAD / HTTP/1.1\r\nHost: localhost").await;
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    let options = ask("OPTIONS /api/v01/user/dyn HTTP/1.1\r\nHost: localhost").await;
    assert!(options.starts_with("HTTP/1.1 405"), "{options}");
    let allow = options.lines().find(|line| line.starts_with("allow: ")).expect("an allow header");
    assert!(["GET", "HEAD", "POST"].iter().all(|method| allow.contains(method)), "{allow}");
    assert!(!options.contains("access-control"), "{options}");
    let old = ask("GET / HTTP/1.0\r\nHost: localhost").await;
    assert!(old.starts_with("HTTP/1.0 200"), "{old}");
    assert!(ask("GET / HTTP/1.0\r\nX: y").await.starts_with("HTTP/1.0 421"));
    let page = ask("GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example").await;
    assert!(page.starts_with("HTTP/1.1 421"), "{page}");
    assert!(running.until_closed(b"SET a b\r\n\r\n").await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn a_stop_does_not_wait_for_connections_that_are_idle() {
    let running = start(Limits { head: PATIENCE * 3, request: PATIENCE }).await;
    let mut idle = running.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    one_reply(&mut idle).await;
    let mut silent = running.connect().await;
    let began = tokio::time::Instant::now();
    running.stop.send(true).unwrap();
    tokio::time::timeout(PATIENCE, running.task).await.expect("it ends").unwrap().unwrap();
    assert!(began.elapsed() < larder_server::http::GRACE, "it waited for nobody");
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut silent).await, "");
}
