//! Where a server listens, how that changes, and how it ends.

mod common;

use common::{Client, DEADLINE, TestServer, any_port, request};
use larder_engine::testing::TestEngine;
use larder_net::{Bound, Listen, Server, ServerOptions};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

fn tcp(addr: SocketAddr) -> Listen {
    Listen::Tcp { addr, optional: false }
}

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("larder-net-{name}-{}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&folder.0).unwrap();
        folder
    }

    fn socket(&self, mode: u32) -> Listen {
        Listen::Unix { path: self.0.join("socket"), mode }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn start(listen: Vec<Listen>) -> Result<Server, larder_net::StartError> {
    let options = ServerOptions { listen, ..ServerOptions::default() };
    Server::start(TestEngine::new(1).engine, options)
}

fn unix_client(path: &Path) -> Client<UnixStream> {
    let socket = UnixStream::connect(path).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    Client::new(socket)
}

#[test]
fn a_unix_socket_has_its_mode_and_leaves_no_file() {
    let folder = Folder::new("mode");
    let path = folder.0.join("socket");
    for mode in [0o600, 0o777] {
        let server = start(vec![folder.socket(mode)]).unwrap();
        assert_eq!(server.addresses(), [Bound::Unix(path.clone())]);
        let metadata = std::fs::metadata(&path).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o777, mode);
        let mut client = unix_client(&path);
        client.ask(&["PING"], "+PONG\r\n");
        client.write(request(&["SET", "k", &"v".repeat(3_000_000)]));
        client.expect("+OK\r\n");
        client.ask(&["STRLEN", "k"], ":3000000\r\n");
        drop(server);
        assert!(!path.exists());
    }
}

#[test]
fn a_stale_socket_is_replaced_and_anything_else_respected() {
    let folder = Folder::new("stale");
    let path = folder.0.join("socket");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let server = start(vec![folder.socket(0o600)]).unwrap();
    unix_client(&path).ask(&["PING"], "+PONG\r\n");
    let refused = start(vec![folder.socket(0o600)]).unwrap_err().to_string();
    assert!(refused.contains("in use"), "{refused}");
    unix_client(&path).ask(&["PING"], "+PONG\r\n");
    drop(server);
    std::os::unix::fs::symlink("/nowhere", &path).unwrap();
    let refused = start(vec![folder.socket(0o600)]).unwrap_err().to_string();
    assert!(refused.contains("no socket"), "{refused}");
}

#[test]
fn a_busy_port_is_refused_in_one_sentence() {
    let server = TestServer::start();
    let error = start(vec![any_port(), tcp(server.addr())]).unwrap_err().to_string();
    let address = server.addr();
    assert!(error.starts_with(&format!("cannot listen on {address}: the address is in use: ")));
    assert_eq!(error.lines().count(), 1);
}

#[test]
fn an_optional_address_may_be_missing() {
    // Set aside for documentation: no machine has it.
    let foreign: SocketAddr = "[2001:db8::1]:0".parse().unwrap();
    let listen = |optional| vec![any_port(), Listen::Tcp { addr: foreign, optional }];
    assert_eq!(start(listen(true)).unwrap().addresses().len(), 1);
    let error = start(listen(false)).unwrap_err().to_string();
    assert!(error.starts_with("cannot listen on [2001:db8::1]:0: "), "{error}");
}

#[test]
fn rebinding_moves_the_port_and_keeps_connections() {
    let server = TestServer::start();
    let old = server.addr();
    let mut client = server.client();
    client.ask(&["PING"], "+PONG\r\n");
    server
        .server
        .rebind(&[Listen::Tcp { addr: "127.0.0.2:0".parse().unwrap(), optional: false }])
        .unwrap();
    assert!(TcpStream::connect_timeout(&old, DEADLINE).is_err());
    client.ask(&["PING"], "+PONG\r\n");
    server.client().ask(&["PING"], "+PONG\r\n");
    assert_ne!(server.addr(), old);
}

#[test]
fn a_listener_in_the_way_of_its_successor_is_closed_first() {
    let server = TestServer::start();
    let addr = server.addr();
    // Another request for the same address, as `0.0.0.0` with the same port would be.
    let successor = Listen::Tcp { addr, optional: true };
    server.server.rebind(std::slice::from_ref(&successor)).unwrap();
    Client::connect(addr).ask(&["PING"], "+PONG\r\n");
    let other = TestServer::start();
    // It comes back where the rest of the change fails.
    server.server.rebind(&[tcp(addr), tcp(other.addr())]).unwrap_err();
    Client::connect(addr).ask(&["PING"], "+PONG\r\n");
    assert_eq!(server.server.addresses(), [Bound::Tcp(addr)]);
}

#[test]
fn a_rebind_that_fails_changes_nothing() {
    let (server, other) = (TestServer::start(), TestServer::start());
    let old = server.addr();
    let elsewhere: SocketAddr = ([127, 0, 0, 2], old.port()).into();
    let error = server.server.rebind(&[tcp(elsewhere), tcp(other.addr())]).unwrap_err();
    assert_eq!(error.address, tcp(other.addr()));
    assert_eq!(server.server.addresses(), [Bound::Tcp(old)]);
    Client::connect(old).ask(&["PING"], "+PONG\r\n");
    assert!(TcpStream::connect_timeout(&elsewhere, DEADLINE).is_err());
}

#[test]
fn a_shutdown_lets_replies_leave() {
    let server = TestServer::start();
    let mut client = server.client();
    let value = "x".repeat(16 << 20);
    client.ask(&["SET", "k", &value], "+OK\r\n");
    client.send(&["GET", "k"]);
    client.expect("$16777216\r\n");
    let addr = server.addr();
    let ending = std::thread::spawn(move || server.server.shut_down());
    assert!(client.rest() == (value + "\r\n").into_bytes());
    ending.join().unwrap();
    assert!(TcpStream::connect_timeout(&addr, DEADLINE).is_err());
}

#[test]
fn a_shutdown_does_not_wait_for_those_who_wait() {
    let server = TestServer::start();
    let mut client = server.client();
    client.ask(&["PING"], "+PONG\r\n");
    client.send(&["BLPOP", "k", "0"]);
    server.server.shut_down();
    server.server.shut_down();
    client.expect_end("");
}
