//! Plays a sequence on all peers and finds the first difference that nobody has accepted.
//!
//! Larder is judged by Valkey. Redis 7.0 is shown beside them as long as it has answered like
//! Valkey; afterwards its keys may differ. What the keys hold at the end is read in `state`. It must
//! not know how sequences are made.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::{scope, sleep};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rtest::reply::Reply;

use crate::accepted::{Accepted, Seen};
use crate::carry::{Lost, carry};
use crate::compare::{same, same_exec, spec_of};
use crate::peer::Peer;
use crate::sequence::{Sequence, Step, line_of};
use crate::state;

/// Requests that are sent in one go.
const BATCH: usize = 64;

/// The servers, Larder first.
pub(crate) struct Peers {
    peers: Vec<Peer>,
    accepted: Accepted,
    defaults: Vec<(String, String)>,
    /// How often each accepted difference was met.
    pub(crate) met: Vec<u64>,
    /// Where Larder answers like Valkey and Redis 7.0 otherwise: an example by signature.
    pub(crate) newer: BTreeMap<String, String>,
    /// Requests that were compared.
    pub(crate) compared: u64,
}

/// Replies of all peers to one request.
pub(crate) type Row = Vec<Reply>;

/// Two replies that should mean the same.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// What it is, whatever the keys and values are.
    pub(crate) signature: String,
    /// The request and every reply, for people.
    pub(crate) text: String,
    /// Steps that were played up to it.
    pub(crate) steps: usize,
}

/// What is known while a sequence is played.
struct Progress {
    queued: Option<Vec<Vec<Vec<u8>>>>,
    redis_in_step: bool,
    /// Names of the commands so far.
    commands: Vec<String>,
    ended: bool,
    steps: usize,
    /// What was sent last over the second connection and has not been compared.
    beside: Option<Vec<Vec<u8>>>,
}

impl Peers {
    /// Starts the servers; `settings` are those that sequences change.
    ///
    /// # Errors
    /// When one does not start.
    pub(crate) fn start(
        binaries: &[(&'static str, &Path)],
        accepted: Accepted,
        settings: &[&str],
    ) -> Result<Peers> {
        let start = |(name, path): &(&'static str, &Path)| Peer::start(name, path);
        let mut peers: Vec<Peer> = binaries.iter().map(start).collect::<Result<_>>()?;
        let mut defaults = Vec::new();
        for name in settings {
            let request: Vec<Vec<u8>> = [b"CONFIG", b"GET" as &[u8], name.as_bytes()]
                .iter()
                .map(|word| word.to_vec())
                .collect();
            // A setting that one of the two does not have cannot be changed on both.
            let both: Vec<Reply> =
                peers[..2].iter_mut().map(|p| first(p.ask(&[&request]))).collect::<Result<_>>()?;
            if let [Reply::Array(ours), Reply::Array(theirs)] = &both[..]
                && let [_, Reply::Bulk(_)] = &ours[..]
                && let [_, Reply::Bulk(value)] = &theirs[..]
            {
                defaults.push(((*name).to_owned(), String::from_utf8_lossy(value).into_owned()));
            }
        }
        Ok(Peers {
            peers,
            accepted,
            defaults,
            met: Vec::new(),
            newer: BTreeMap::new(),
            compared: 0,
        })
    }

    /// The settings that sequences may change.
    pub(crate) fn settings(&self) -> impl Iterator<Item = &str> {
        self.defaults.iter().map(|(name, _)| name.as_str())
    }

    /// Which of some commands Valkey knows too.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) fn known_to_valkey(&mut self, names: &[&str]) -> Result<Vec<bool>> {
        let word = |word: &&str| word.as_bytes().to_vec();
        let request: Vec<_> = ["COMMAND", "INFO"].iter().chain(names).map(word).collect();
        match first(self.peers[1].ask(&[&request]))? {
            Reply::Array(rows) => Ok(rows.iter().map(|r| matches!(r, Reply::Array(_))).collect()),
            other => bail!("COMMAND INFO: {other}"),
        }
    }

    /// Plays a sequence on empty servers.
    ///
    /// # Errors
    /// When a server cannot be started again.
    pub(crate) fn play(&mut self, sequence: &Sequence) -> Result<Option<Difference>> {
        self.prepare(sequence)?;
        let mut progress = Progress {
            queued: None,
            redis_in_step: true,
            commands: Vec::new(),
            ended: false,
            steps: 0,
            beside: None,
        };
        let mut batch: Vec<&[Vec<u8>]> = Vec::new();
        for step in &sequence.steps {
            if let Step::Send(words) = step {
                batch.push(words);
                if batch.len() < BATCH {
                    continue;
                }
            }
            let mut found = self.exchange(&batch, &mut progress)?;
            batch.clear();
            if found.is_none() && !progress.ended {
                found = self.beside(step, &mut progress)?;
            }
            if found.is_some() || progress.ended {
                return Ok(found);
            }
        }
        let mut found = self.exchange(&batch, &mut progress)?;
        if found.is_none() && !progress.ended {
            found = self.finish_beside(&mut progress)?;
        }
        if found.is_none() && !progress.ended {
            found = self.compare_events(sequence, &mut progress);
        }
        if found.is_some() || progress.ended {
            return Ok(found);
        }
        self.compare_states(sequence, &mut progress)
    }

    /// Takes a step that is no request of the first connection.
    fn beside(&mut self, step: &Step, progress: &mut Progress) -> Result<Option<Difference>> {
        let words = match step {
            Step::Send(_) => return Ok(None),
            Step::Pass(time) => {
                progress.steps += 1;
                sleep(*time);
                return Ok(None);
            }
            Step::Beside(words) => words,
        };
        let found = self.finish_beside(progress)?;
        progress.steps += 1;
        if found.is_some() || progress.ended {
            return Ok(found);
        }
        let begun: Result<Vec<bool>> =
            self.peers.iter_mut().map(|peer| peer.begin_beside(words)).collect();
        progress.beside = Some(words.clone());
        match begun {
            Err(error) => Ok(Some(self.silence(&[], &error, progress))),
            // What was answered may be a difference after which no further one counts.
            Ok(answered) if answered.contains(&true) => self.finish_beside(progress),
            Ok(_) => Ok(None),
        }
    }

    /// Compares the replies to the last request of the second connection.
    fn finish_beside(&mut self, progress: &mut Progress) -> Result<Option<Difference>> {
        let Some(words) = progress.beside.take() else { return Ok(None) };
        let ends: Result<Vec<Option<Reply>>> =
            self.peers.iter_mut().map(Peer::end_beside).collect();
        match ends {
            Err(error) => Ok(Some(self.silence(&[], &error, progress))),
            Ok(row) => {
                let row: Row = row.into_iter().flatten().collect();
                let queued = progress.queued.take();
                let found = self.judge(&words, &row, progress);
                progress.queued = queued;
                Ok(found)
            }
        }
    }

    fn prepare(&mut self, sequence: &Sequence) -> Result<()> {
        let mut requests = opening(sequence.resp3);
        for (name, value) in self.defaults.iter().chain(&sequence.settings) {
            requests.push(words(&["CONFIG", "SET", name, value]));
        }
        requests.push(words(&["FLUSHALL"]));
        let requests: Vec<&[Vec<u8>]> = requests.iter().map(Vec::as_slice).collect();
        let opening = opening(sequence.resp3);
        let opening: Vec<&[Vec<u8>]> = opening.iter().map(Vec::as_slice).collect();
        for peer in &mut self.peers {
            let mut renew = || {
                peer.renew_beside(&opening)?;
                peer.ask(&requests)?;
                peer.events()
            };
            if renew().is_err() {
                peer.restart()?;
                peer.renew_beside(&opening)?;
                peer.ask(&requests)?;
            }
        }
        Ok(())
    }

    /// Asks all peers at once; a row of replies for each request, or what the first of them that
    /// did not answer says.
    pub(crate) fn ask(&mut self, requests: &[&[Vec<u8>]]) -> Result<Vec<Row>> {
        let columns: Vec<Result<Vec<Reply>>> = scope(|threads| {
            let asked: Vec<_> =
                self.peers.iter_mut().map(|p| threads.spawn(move || p.ask(requests))).collect();
            asked.into_iter().map(|thread| thread.join().expect("a peer's thread")).collect()
        });
        let columns: Vec<Vec<Reply>> = columns.into_iter().collect::<Result<_>>()?;
        let row = |at: usize| columns.iter().map(|column| column[at].clone()).collect();
        Ok((0..requests.len()).map(row).collect())
    }

    fn exchange(
        &mut self,
        requests: &[&[Vec<u8>]],
        progress: &mut Progress,
    ) -> Result<Option<Difference>> {
        let rows = match self.ask(requests) {
            Ok(rows) => rows,
            Err(error) => return Ok(Some(self.silence(requests, &error, progress))),
        };
        for (request, row) in requests.iter().zip(&rows) {
            progress.steps += 1;
            let found = self.judge(request, row, progress);
            if found.is_some() || progress.ended {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// A server has ended or does not answer.
    fn silence(
        &mut self,
        requests: &[&[Vec<u8>]],
        error: &anyhow::Error,
        progress: &Progress,
    ) -> Difference {
        let text = format!("{error:#}");
        let who = text.split(':').next().unwrap_or("").to_owned();
        Difference {
            signature: format!("no reply from {who}"),
            text,
            steps: progress.steps + requests.len(),
        }
    }

    /// Compares the replies to one request.
    fn judge(
        &mut self,
        request: &[Vec<u8>],
        row: &[Reply],
        progress: &mut Progress,
    ) -> Option<Difference> {
        self.compared += 1;
        let name = spec_of(request).map_or_else(String::new, |(_, name)| name);
        let queued = match name.as_str() {
            "exec" | "discard" => progress.queued.take(),
            _ => None,
        };
        match &row[0] {
            Reply::Status(status) if status == b"QUEUED" => {
                progress.queued.get_or_insert_default().push(request.to_vec());
            }
            _ => {}
        }
        let alike = |left: &Reply, right: &Reply| match &queued {
            Some(queued) => same_exec(queued, left, right),
            None => same(request, left, right),
        };
        let (larder, valkey) = (&row[0], &row[1]);
        let redis_alike = row.get(2).is_none_or(|redis| alike(valkey, redis));
        let found = if alike(larder, valkey) {
            if !redis_alike && progress.redis_in_step {
                self.note_newer(request, row);
            }
            None
        } else {
            let (request, row) = inner(request, queued.as_deref(), row);
            self.weigh(&request, &row, progress)
        };
        progress.redis_in_step &= redis_alike;
        progress.commands.push(name);
        found
    }

    /// A difference, unless it is accepted.
    fn weigh(
        &mut self,
        request: &[Vec<u8>],
        row: &[Reply],
        progress: &mut Progress,
    ) -> Option<Difference> {
        let (command, line) = (command_of(request), line_of(request));
        let (larder, valkey) = (row[0].to_string(), row[1].to_string());
        let redis = row.get(2).filter(|_| progress.redis_in_step).map(Reply::to_string);
        let seen = Seen {
            command: &command,
            request: &line,
            larder: &larder,
            valkey: &valkey,
            redis: redis.as_deref(),
            before: &progress.commands,
        };
        if let Some(verdict) = self.accepted.find(seen) {
            self.meet(verdict.entry);
            progress.ended |= verdict.ends;
            return None;
        }
        let mut text = format!("> {line}\n  larder  {larder}\n  valkey  {valkey}\n");
        if let Some(redis) = row.get(2) {
            let note = if progress.redis_in_step { "" } else { " (its keys may differ)" };
            text += &format!("  redis   {redis}{note}\n");
        }
        let signature = signature(&command, row);
        Some(Difference { signature, text, steps: progress.steps })
    }

    fn note_newer(&mut self, request: &[Vec<u8>], row: &[Reply]) {
        // That it lacks a command tells nothing.
        if matches!(&row[2], Reply::Error(text) if text.starts_with(b"ERR unknown command")) {
            return;
        }
        let key = signature(&command_of(request), &row[1..]);
        self.newer.entry(key).or_insert_with(|| {
            format!("> {}\n  larder, valkey  {}\n  redis  {}", line_of(request), row[1], row[2])
        });
    }

    /// Compares what was told of keys, one event after the other.
    fn compare_events(
        &mut self,
        sequence: &Sequence,
        progress: &mut Progress,
    ) -> Option<Difference> {
        let all: Result<Vec<Vec<String>>> = self.peers.iter_mut().map(Peer::events).collect();
        let all = match all {
            Ok(all) => all,
            Err(error) => return Some(self.silence(&[], &error, progress)),
        };
        if sequence.steps.iter().any(|step| matches!(step, Step::Pass(_))) {
            // When a key that is due is found to be so is the server's choice.
            return None;
        }
        let at = (0..).find(|&at| {
            let events: Vec<_> = all[..2].iter().map(|events| events.get(at)).collect();
            events[0] != events[1] || events[0].is_none()
        })?;
        let shown = |events: &Vec<String>| match events.get(at) {
            Some(event) => Reply::Bulk(event.clone().into_bytes()),
            None => Reply::Null,
        };
        let row: Vec<Reply> = all.iter().map(shown).collect();
        if row[0] == row[1] {
            return None;
        }
        let mut found = self.weigh(&words(&["events"]), &row, progress)?;
        for (peer, events) in self.peers.iter().zip(&all) {
            let end = events.len().min(at + 8);
            let shown = events[at.saturating_sub(3).min(end)..end].join(", ");
            found.text += &format!("  {} tells  {shown}\n", peer.name);
        }
        Some(found)
    }

    fn compare_states(
        &mut self,
        sequence: &Sequence,
        progress: &mut Progress,
    ) -> Result<Option<Difference>> {
        let mut reader = state::Reader::new(opening(sequence.resp3));
        while let Some(requests) = reader.next_requests() {
            let slices: Vec<&[Vec<u8>]> = requests.iter().map(Vec::as_slice).collect();
            let rows = match self.ask(&slices) {
                Ok(rows) => rows,
                Err(error) => return Ok(Some(self.silence(&slices, &error, progress))),
            };
            for (request, row) in requests.iter().zip(&rows) {
                // What each connection is greeted with names versions.
                if command_of(request) == "hello" {
                    continue;
                }
                let found = self.judge(request, row, progress);
                if found.is_some() || progress.ended {
                    return Ok(found);
                }
            }
            reader.take(&requests, &rows);
        }
        self.carry_keys(&reader, progress)
    }

    fn carry_keys(
        &mut self,
        reader: &state::Reader,
        progress: &Progress,
    ) -> Result<Option<Difference>> {
        let keys = reader.keys();
        let [larder, valkey, ..] = &mut self.peers[..] else { return Ok(None) };
        let there = carry(larder, valkey, keys);
        let back = carry(valkey, larder, keys);
        match there.and_then(|there| Ok((there, back?))) {
            Ok((there, back)) => {
                let lost = there.into_iter().chain(back);
                Ok(lost.filter_map(|lost| self.weigh_lost(lost, progress)).next())
            }
            Err(error) => Ok(Some(self.silence(&[], &error, progress))),
        }
    }

    /// A value that did not arrive, unless that is accepted.
    fn weigh_lost(&mut self, lost: Lost, progress: &Progress) -> Option<Difference> {
        let seen = Seen {
            command: "restore",
            request: &lost.what,
            larder: &lost.reply,
            valkey: &lost.reply,
            redis: None,
            before: &progress.commands,
        };
        match self.accepted.find(seen) {
            Some(verdict) => {
                self.meet(verdict.entry);
                None
            }
            None => {
                Some(Difference { signature: lost.what, text: lost.text, steps: progress.steps })
            }
        }
    }

    fn meet(&mut self, entry: usize) {
        let len = self.met.len().max(entry + 1);
        self.met.resize(len, 0);
        self.met[entry] += 1;
    }

    /// The accepted differences and how often each was met.
    pub(crate) fn accepted(&self) -> Vec<String> {
        self.accepted.describe(&self.met)
    }
}

/// The requests that make a connection new.
fn opening(resp3: bool) -> Vec<Vec<Vec<u8>>> {
    let mut requests = vec![words(&["RESET"])];
    if resp3 {
        requests.push(words(&["HELLO", "3"]));
    }
    requests
}

pub(crate) fn words(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn first(replies: Result<Vec<Reply>>) -> Result<Reply> {
    replies?.into_iter().next().context("no reply")
}

fn command_of(request: &[Vec<u8>]) -> String {
    match spec_of(request) {
        Some((_, name)) => name,
        None => String::from_utf8_lossy(&request[0]).to_lowercase(),
    }
}

/// Of a transaction, the first request whose replies differ, and those.
fn inner(
    request: &[Vec<u8>],
    queued: Option<&[Vec<Vec<u8>>]>,
    row: &[Reply],
) -> (Vec<Vec<u8>>, Vec<Reply>) {
    let element = |reply: &Reply, at: usize| match reply {
        Reply::Array(items) => items.get(at).cloned(),
        _ => None,
    };
    for (at, words) in queued.unwrap_or(&[]).iter().enumerate() {
        let row: Option<Vec<Reply>> = row[..2].iter().map(|reply| element(reply, at)).collect();
        if let Some(row) = row
            && !same(words, &row[0], &row[1])
        {
            return (words.clone(), row);
        }
    }
    (request.to_vec(), row.to_vec())
}

/// The command and the kinds of the replies of Larder and Valkey.
fn signature(command: &str, row: &[Reply]) -> String {
    let kind = |reply: &Reply| match reply {
        Reply::Error(text) => {
            let text = String::from_utf8_lossy(text);
            let text: String =
                text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
            format!("-{}", text.chars().take(60).collect::<String>())
        }
        Reply::Status(text) => String::from_utf8_lossy(text).into_owned(),
        Reply::Int(_) => "integer".into(),
        Reply::Bulk(text) if text.len() < 12 && command == "object encoding" => {
            String::from_utf8_lossy(text).into_owned()
        }
        Reply::Bulk(text) if command == "events" => {
            let text = String::from_utf8_lossy(text);
            text.split([':', ' ']).nth(1).unwrap_or("").to_owned()
        }
        Reply::Bulk(_) | Reply::Verbatim(_) => "bulk".into(),
        Reply::NullBulk | Reply::NullArray | Reply::Null => "null".into(),
        Reply::Bool(_) => "boolean".into(),
        Reply::Double(_) => "double".into(),
        Reply::BigNumber(_) => "big number".into(),
        Reply::Array(_) => "array".into(),
        Reply::Set(_) => "set".into(),
        Reply::Push(_) => "push".into(),
        Reply::Map(_) => "map".into(),
    };
    format!("{command}: {} | {}", kind(&row[0]), kind(&row[1]))
}

/// How long a step lets pass in which a key becomes due.
pub(crate) const A_MOMENT: Duration = Duration::from_millis(5);
