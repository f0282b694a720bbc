//! `MONITOR`: sessions that see every command, in the order in which commands run.
//!
//! A command is shown once it has run and before its locks are given back, so that commands of one
//! key are seen in the order of their effects: [`crate::command`] is the one place that shows them,
//! whoever sends them. Secrets among the words are not shown, commands of administrators
//! not at all. While nobody looks, a command pays one load.

use crate::clients::{Client, Origin};
use crate::config::quote;
use crate::engine::Engine;
use crate::mailbox::{Event, Groups};
use crate::session::SessionState;
use crate::spec::{Spec, flag};
use crate::sync::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Stands for a word that is a secret.
const REDACTED: &[u8] = b"(redacted)";

/// Who sends a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Source {
    /// The session's client.
    #[default]
    Client,
    /// A script that it runs.
    Script,
}

/// Whether a command is shown.
pub(crate) const fn shows(spec: &Spec) -> bool {
    spec.flags & (flag::ADMIN | flag::SKIP_MONITOR) == 0
}

/// The sessions that look.
#[derive(Debug, Default)]
pub(crate) struct Monitors {
    count: AtomicU32,
    clients: Mutex<Vec<Arc<Client>>>,
}

impl Monitors {
    /// Whether somebody looks.
    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// A session begins to look; false if it does already.
    pub(crate) fn add(&self, client: &Arc<Client>) -> bool {
        let begins = !client.facts.monitors.swap(true, Ordering::Relaxed);
        if begins {
            self.clients.lock().push(client.clone());
            self.count.fetch_add(1, Ordering::SeqCst);
        }
        begins
    }

    /// A session looks no more.
    pub(crate) fn remove(&self, client: &Client) {
        if client.facts.monitors.swap(false, Ordering::Relaxed) {
            self.clients.lock().retain(|other| other.id != client.id);
            self.count.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Shows a command to all who look.
    #[cold]
    pub(crate) fn show(
        &self,
        engine: &Engine,
        session: &SessionState,
        source: Source,
        words: &[&[u8]],
    ) {
        let line: Arc<[u8]> = line(engine.now_us(), session, source, words).into();
        let clients = self.clients.lock();
        let mut groups = Groups::default();
        clients.iter().for_each(|client| groups.add(&client.mailbox, client.id));
        groups.post(|| Event::Monitored(line.clone()));
    }
}

/// A command as a line: time, database and sender, its words in quotes.
fn line(now_us: u64, session: &SessionState, source: Source, words: &[&[u8]]) -> Vec<u8> {
    let sender = match (source, &session.client.origin) {
        (Source::Script, _) => "lua".to_owned(),
        (Source::Client, Origin::Unix(path)) => format!("unix:{path}"),
        (Source::Client, origin) => origin.peer(),
    };
    let (seconds, us) = (now_us / 1_000_000, now_us % 1_000_000);
    let mut line = format!("+{seconds}.{us:06} [{} {sender}]", session.db);
    for (at, word) in words.iter().enumerate() {
        let is_secret = session.redacted.iter().any(|&place| usize::from(place) == at);
        line.push(' ');
        line.push_str(&quote(if is_secret { REDACTED } else { word }));
    }
    line.push_str("\r\n");
    line.into_bytes()
}
