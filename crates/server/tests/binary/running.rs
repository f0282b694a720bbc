//! A started program and its clients, for the tests of `binary.rs`: lines it says, replies it
//! gives, sockets it listens on. Nothing here waits without an end.
#![allow(unreachable_pub, reason = "a module of one test program")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Longer than anything may take here, on a busy machine too; a test that waits so long fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A folder of a test's own.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// A named pipe: a log that can be waited for.
    pub fn fifo(&self, name: &str) -> PathBuf {
        let path = self.path().join(name);
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        path
    }

    /// Lets every user of the machine look into the folder.
    pub fn open_to_nobody(&self) {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.path(), mode).expect("opened");
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let probe = TcpListener::bind("127.0.0.1:0").expect("a port");
    probe.local_addr().expect("bound").port()
}

/// The program, in a folder.
pub fn larder(folder: &Folder) -> Command {
    program(Path::new(env!("CARGO_BIN_EXE_larder")), folder)
}

/// The program through a link named `redis-server`.
pub fn redis_server(folder: &Folder) -> Command {
    let link = folder.path().join("redis-server");
    if !link.exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_larder"), &link).expect("a link");
    }
    program(&link, folder)
}

fn program(path: &Path, folder: &Folder) -> Command {
    let mut command = Command::new(path);
    command.current_dir(folder.path()).stdin(Stdio::null());
    // Whoever runs the tests may be supervised.
    command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC").env_remove("UPSTART_JOB");
    command
}

/// Root may write everywhere; the program then runs as somebody else.
pub fn without_privileges(command: &mut Command) {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    if status.lines().any(|line| line.starts_with("Uid:\t0\t")) {
        command.uid(65534).gid(65534);
    }
}

/// A process that is killed when this is dropped.
pub struct Killed(pub u32);

impl Killed {
    pub fn signal(&self, name: &str) {
        let (option, pid) = (format!("-{name}"), self.0.to_string());
        assert!(Command::new("kill").args([option, pid]).status().expect("kill").success());
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", &self.0.to_string()]).status();
    }
}

/// A started program.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

impl Running {
    /// Starts it; its lines are those of its output and of its errors.
    pub fn start(command: &mut Command) -> Self {
        let (sender, lines) = channel();
        Self::spawn(command, sender, lines)
    }

    /// The same for a program that logs to a named pipe.
    pub fn start_logging_to(command: &mut Command, fifo: &Path) -> Self {
        let (sender, lines) = channel();
        let (fifo, log) = (fifo.to_owned(), sender.clone());
        std::thread::spawn(move || read_lines(File::open(fifo).expect("a pipe"), &log));
        Self::spawn(command, sender, lines)
    }

    fn spawn(command: &mut Command, sender: Sender<String>, lines: Receiver<String>) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let errors = sender.clone();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        std::thread::spawn(move || read_lines(stdout.expect("piped"), &sender));
        std::thread::spawn(move || read_lines(stderr.expect("piped"), &errors));
        Running { child, lines, said: String::new() }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line that contains `part`.
    pub fn line(&mut self, part: &str) -> String {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.said.push_str(&line);
            self.said.push('\n');
            if line.contains(part) {
                return line;
            }
        }
        panic!("it did not say {part:?}, but\n{}", self.said);
    }

    /// Everything that was waited for so far, and what has come since.
    pub fn said(&mut self) -> String {
        while let Ok(line) = self.lines.try_recv() {
            self.said.push_str(&line);
            self.said.push('\n');
        }
        self.said.clone()
    }

    /// Waits until nobody can say anything any more.
    pub fn end_of_output(&mut self) {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.said.push_str(&line);
                    self.said.push('\n');
                }
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
                Err(_) => panic!("it goes on after\n{}", self.said),
            }
        }
    }

    pub fn signal(&self, name: &str) {
        let (option, pid) = (format!("-{name}"), self.pid().to_string());
        assert!(Command::new("kill").args([option, pid]).status().expect("kill").success());
    }

    /// Waits for the end of the program.
    pub fn status(&mut self) -> ExitStatus {
        self.end_of_output();
        self.child_status()
    }

    /// Waits for the end of the process that was started; others may go on.
    pub fn child_status(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }

    /// The first line that answers a command on a connection of its own.
    pub fn ask(&self, port: u16, command: &str) -> String {
        self.client(port).ask(command)
    }

    pub fn client(&self, port: u16) -> Client {
        Client::connect(port).expect("a connection")
    }

    /// A connection, as soon as there is one: for a server whose lines go to a file.
    pub fn client_when_ready(&mut self, port: u16) -> Client {
        let began = Instant::now();
        loop {
            if let Ok(client) = Client::connect(port) {
                return client;
            }
            let gone = self.child.try_wait().expect("a child");
            assert!(gone.is_none() && began.elapsed() < PATIENCE, "{gone:?}\n{}", self.said());
            std::thread::yield_now();
        }
    }

    /// TCP ports on which the process listens.
    pub fn listening(&self) -> BTreeSet<u16> {
        let fds = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("/proc");
        let links = fds.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
        let own: BTreeSet<String> = links
            .filter_map(|link| {
                Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
            })
            .collect();
        let tables =
            ["tcp", "tcp6"].map(|name| std::fs::read_to_string(format!("/proc/net/{name}")));
        let port = |line: &str| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let listens = columns.get(3) == Some(&"0A") && own.contains(*columns.get(9)?);
            let hex = columns.get(1)?.rsplit_once(':')?.1;
            listens.then(|| u16::from_str_radix(hex, 16).ok())?
        };
        tables.iter().flatten().flat_map(|table| table.lines().filter_map(port)).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended; whoever asserts on that has waited.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(from: impl Read, to: &Sender<String>) {
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        if to.send(line).is_err() {
            return;
        }
    }
}

/// A RESP client that speaks inline commands.
pub struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Client(BufReader::new(stream)))
    }

    pub fn send(&mut self, bytes: &str) {
        self.0.get_mut().write_all(bytes.as_bytes()).expect("sent");
    }

    /// A line; empty when the connection was closed.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(_) => line.trim_end_matches(['\r', '\n']).to_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => String::new(),
            Err(error) => panic!("no reply: {error}"),
        }
    }

    /// The first line that answers a command.
    pub fn ask(&mut self, command: &str) -> String {
        self.send(&format!("{command}\r\n"));
        self.line()
    }

    /// The value of a setting.
    pub fn config(&mut self, name: &str) -> String {
        assert_eq!(self.ask(&format!("CONFIG GET {name}")), "*2");
        (0..4).map(|_| self.line()).last().expect("four lines")
    }

    /// Asks for a section of INFO until a line of it begins so.
    pub fn await_info(&mut self, section: &str, start: &str) {
        let began = Instant::now();
        loop {
            let length = self.ask(&format!("INFO {section}"));
            let length: usize = length.trim_start_matches('$').parse().expect("a length");
            let mut text = vec![0; length + 2];
            self.0.read_exact(&mut text).expect("the section");
            let text = String::from_utf8(text).expect("text");
            if text.lines().any(|line| line.starts_with(start)) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "no {start} in\n{text}");
        }
    }
}

/// An HTTP reply, head and body.
pub fn http(port: u16, method: &str, path: &str, authorization: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let authorization = match authorization {
        "" => String::new(),
        value => format!("Authorization: {value}\r\n"),
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{authorization}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    reply
}
