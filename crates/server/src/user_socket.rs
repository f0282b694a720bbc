//! The socket in the data folder by which `larder user add` talks to the running service.
//!
//! Mode 0600: whoever may open it is the user that the service runs as. One request a connection:
//! a line of JSON, answered by a line of JSON. Both ends are here.
#![allow(clippy::disallowed_methods, reason = "a file of the server's, at its edge")]

use crate::cli::{Failure, UserAdd};
use crate::http::{Accounts, NewUser};
use crate::redis_conf::plain;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::watch;

/// Name of the socket in the data folder.
pub const SOCKET_NAME: &str = "larder-users.sock";

/// Longest path of a socket in bytes, as the kernel has it.
const MAX_PATH_BYTES: usize = 107;

/// Longest request or reply, in bytes.
const MAX_LINE_BYTES: u64 = 16 * 1024;

/// Time for a request, and for its answer.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
struct AddRequest {
    name: String,
    password: String,
    admin: bool,
}

#[derive(Serialize, Deserialize)]
struct AddReply {
    id: Option<u64>,
    error: Option<String>,
}

/// The listening end.
#[derive(Debug)]
pub struct UserSocket {
    listener: std::os::unix::net::UnixListener,
    path: PathBuf,
}

impl UserSocket {
    /// Makes the socket. One that nobody serves any more is replaced.
    ///
    /// # Errors
    /// A sentence: another service uses the folder, or the socket cannot be made.
    pub fn bind(dir: &Path) -> Result<Self, String> {
        let path = dir.join(SOCKET_NAME);
        let shown = path.display();
        if connect(dir).is_ok() {
            return Err(format!(
                "another Larder serves the data folder {}; stop it, or name another folder with \
                 --dir",
                dir.display(),
            ));
        }
        // Nobody answers: what lies there was left behind.
        let _ = std::fs::remove_file(&path);
        let cannot = |error: std::io::Error| {
            format!("the socket {shown} cannot be made: {error}; name another folder with --dir")
        };
        // Made under another name and moved once its mode is right, so that nobody else can ever
        // open it.
        let name = format!("{SOCKET_NAME}.{}", std::process::id());
        let fresh = dir.join(&name);
        let listener = Reach::to(dir, &name)
            .and_then(|reach| std::os::unix::net::UnixListener::bind(&reach.path))
            .map_err(cannot)?;
        std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))
            .and_then(|()| std::fs::rename(&fresh, &path))
            .and_then(|()| listener.set_nonblocking(true))
            .map_err(cannot)?;
        Ok(UserSocket { listener, path })
    }

    /// Serves requests until `stop` changes; removes the socket then.
    pub async fn serve(self, accounts: Arc<Accounts>, mut stop: watch::Receiver<bool>) {
        let UserSocket { listener, path } = self;
        let Ok(listener) = UnixListener::from_std(listener) else { return };
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let accounts = accounts.clone();
                        tokio::spawn(tokio::time::timeout(TIMEOUT, answer(stream, accounts)));
                    }
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
                _ = stop.changed() => break,
            }
        }
        let _ = std::fs::remove_file(&path);
    }
}

async fn answer(stream: tokio::net::UnixStream, accounts: Arc<Accounts>) {
    let (input, mut output) = stream.into_split();
    let mut line = String::new();
    let mut input = tokio::io::BufReader::new(input.take(MAX_LINE_BYTES));
    if input.read_line(&mut line).await.is_err() {
        return;
    }
    let reply = match serde_json::from_str::<AddRequest>(&line) {
        Ok(request) => tokio::task::spawn_blocking(move || add(&accounts, &request)).await,
        Err(error) => Ok(AddReply { id: None, error: Some(error.to_string()) }),
    };
    if let Ok(reply) = reply
        && let Ok(mut line) = serde_json::to_string(&reply)
    {
        line.push('\n');
        // Whoever asked and went away does not hear the answer.
        let _ = output.write_all(line.as_bytes()).await;
    }
}

fn add(accounts: &Accounts, request: &AddRequest) -> AddReply {
    let AddRequest { name, password, admin } = request;
    match accounts.create(&NewUser { name, password, admin: *admin, active: true }) {
        Ok(user) => AddReply { id: Some(user.id), error: None },
        Err(error) => AddReply { id: None, error: Some(error.to_string()) },
    }
}

/// `larder user add`: asks for a password, or makes one, and has the running service create the
/// user. What to print.
///
/// # Errors
/// The [`Failure`] to print: no service, a name that is taken, …
pub fn user_add(options: &UserAdd) -> Result<String, Failure> {
    let path = options.dir.join(SOCKET_NAME);
    let open = || {
        connect(&options.dir).map_err(|error| {
            failure(&format!(
                "no Larder with an HTTP service answers at {} ({}); start one with `larder`, or \
                 name the data folder of the one that runs with --dir",
                path.display(),
                plain(&error),
            ))
        })
    };
    // Before anybody types a password; it is not kept, because typing may take its time.
    drop(open()?);
    let (password, made) = password()?;
    let request =
        AddRequest { name: options.name.clone(), password: password.clone(), admin: options.admin };
    let reply = ask(open()?, &request).map_err(|error| {
        failure(&format!("the service at {} did not answer: {error}", path.display()))
    })?;
    if let Some(error) = reply.error {
        return Err(failure(&error));
    }
    let role = if options.admin { "administrator" } else { "user" };
    let mut text = format!("created the {role} {}\n", options.name);
    if made {
        let _ = writeln!(text, "password: {password}");
    }
    Ok(text)
}

/// A connection to the service that has this data folder.
fn connect(dir: &Path) -> std::io::Result<UnixStream> {
    Reach::to(dir, SOCKET_NAME).and_then(|reach| UnixStream::connect(&reach.path))
}

/// A path of a socket that is short enough for the kernel.
struct Reach {
    path: PathBuf,
    /// Open as long as the path leads through it.
    _dir: Option<std::fs::File>,
}

impl Reach {
    /// Leads through the folder's descriptor where the folder's own path is too long.
    fn to(dir: &Path, name: &str) -> std::io::Result<Self> {
        let path = dir.join(name);
        if path.as_os_str().len() <= MAX_PATH_BYTES {
            return Ok(Reach { path, _dir: None });
        }
        let dir = std::fs::File::open(dir)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{name}", dir.as_raw_fd()));
        Ok(Reach { path, _dir: Some(dir) })
    }
}

fn ask(mut stream: UnixStream, request: &AddRequest) -> std::io::Result<AddReply> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut reply = String::new();
    BufReader::new(stream.take(MAX_LINE_BYTES)).read_line(&mut reply)?;
    Ok(serde_json::from_str(&reply)?)
}

/// A password from the terminal, from standard input, or a new one; and whether it is new.
fn password() -> Result<(String, bool), Failure> {
    let asked = std::io::stdin().is_terminal();
    let typed = read_password(asked, "password (empty: make one): ")?;
    if !typed.is_empty() {
        if asked && read_password(asked, "again: ")? != typed {
            return Err(failure("these were two different passwords; nobody was created"));
        }
        return Ok((typed, false));
    }
    let mut random = [0; 18];
    getrandom::fill(&mut random)
        .map_err(|error| failure(&format!("the system gives no random bytes: {error}")))?;
    Ok((URL_SAFE_NO_PAD.encode(random), true))
}

/// A line of standard input; at a terminal after a prompt, and without showing it.
fn read_password(asked: bool, prompt: &str) -> Result<String, Failure> {
    let mut line = String::new();
    let hidden = asked.then(HiddenInput::begin);
    if asked {
        eprint!("{prompt}");
    }
    let read = std::io::stdin().lock().take(MAX_LINE_BYTES).read_line(&mut line);
    drop(hidden);
    if asked {
        eprintln!();
    }
    read.map_err(|error| failure(&format!("the password cannot be read: {error}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A terminal that does not show what is typed, until this is dropped.
struct HiddenInput(Option<rustix::termios::Termios>);

impl HiddenInput {
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let stdin = std::io::stdin();
        let shown = tcgetattr(&stdin).ok();
        if let Some(shown) = &shown {
            let mut hidden = shown.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            // A terminal that cannot hide shows.
            let _ = tcsetattr(&stdin, OptionalActions::Now, &hidden);
        }
        HiddenInput(shown)
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(shown) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, shown);
        }
    }
}

fn failure(sentence: &str) -> Failure {
    Failure { text: format!("larder: {sentence}\n"), code: 1 }
}
