//! Going to the background, with a real child process: this program starts itself again, and that
//! process calls [`larder_server::supervise::daemonize`] before it has any thread.
#![allow(clippy::disallowed_methods, reason = "a test that watches processes")]

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use larder_server::supervise::{PidFile, daemonize};

const SOCKET: &str = "LARDER_TEST_DAEMON_SOCKET";

fn main() {
    if let Ok(socket) = std::env::var(SOCKET) {
        return in_the_background(Path::new(&socket));
    }
    // What test runners ask of a harness: the list of its tests, and of those to be ignored.
    let asked = |option: &str| std::env::args().any(|argument| argument == option);
    match (asked("--list"), asked("--ignored")) {
        (true, true) => {}
        (true, false) => println!("a_daemon_is_detached_and_its_starter_ends_well: test"),
        (false, _) => a_daemon_is_detached_and_its_starter_ends_well(),
    }
}

/// What the daemon does: writes its number, reports how it stands, and ends when told.
fn in_the_background(socket: &Path) {
    daemonize().expect("one thread only");
    let pid_file = PidFile::write(&socket.with_extension("pid")).expect("a pid file");
    let fd = |number: u32| std::fs::read_link(format!("/proc/self/fd/{number}"));
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc");
    // Behind the name: state, parent, group, session, terminal.
    let parts: Vec<&str> = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().collect())
        .unwrap_or_default();
    let report = format!(
        "{} {} {} {:?} {:?} {:?}",
        std::process::id(),
        parts[3],
        parts[4],
        fd(0),
        fd(1),
        fd(2)
    );
    let own = UnixDatagram::bind(socket.with_extension("daemon")).expect("a socket");
    own.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    own.send_to(report.as_bytes(), socket).expect("the test listens");
    // The answer lets it go; without one it ends by itself.
    let _ = own.recv(&mut [0; 8]);
    drop(pid_file);
    let _ = own.send_to(b"gone", socket);
}

fn a_daemon_is_detached_and_its_starter_ends_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.socket");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    let starter = Command::new(std::env::current_exe().expect("this program"))
        .env(SOCKET, &path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let starter_pid = starter.id();
    // Its streams end although the daemon lives on, because the daemon holds none of them.
    let output = starter.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");

    let mut buffer = [0; 300];
    let length = receive(&socket, &mut buffer).expect("the daemon reports");
    let report = String::from_utf8_lossy(&buffer[..length]).into_owned();
    let words: Vec<&str> = report.split(' ').collect();
    let (pid, session, terminal) = (words[0], words[1], words[2]);
    assert_ne!(pid, starter_pid.to_string());
    assert_eq!(session, pid, "it leads a session of its own");
    assert_eq!(terminal, "0", "it has no terminal");
    assert_eq!(report.matches("Ok(\"/dev/null\")").count(), 3, "{report}");
    let pid_file = path.with_extension("pid");
    assert_eq!(std::fs::read_to_string(&pid_file).expect("a pid file").trim(), pid);

    socket.send_to(b"end", path.with_extension("daemon")).expect("the daemon listens");
    let length = receive(&socket, &mut buffer).expect("the daemon says farewell");
    assert_eq!(&buffer[..length], b"gone");
    assert!(!pid_file.exists());
    println!("a_daemon_is_detached_and_its_starter_ends_well ... ok");
}

/// Receives a message, however many signals come meanwhile.
fn receive(socket: &UnixDatagram, buffer: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match socket.recv(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            received => return received,
        }
    }
}
