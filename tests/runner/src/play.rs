//! Plays one test on one backend and says what was not as expected.
//!
//! It must not know which backends exist. Steps come from `script`, accepted differences from
//! `divergence`.

use std::collections::HashMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::backend::{Backend, Client, Received};
use crate::divergence::Divergences;
use crate::pattern::Protocol;
use crate::reply::{Reply, quote};
use crate::script::{Action, Expected, Outcome, Script, Step, Test};
use crate::words::{Scope, Template};

/// How long a reply may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a filling run waits for a further message.
const MORE: Duration = Duration::from_millis(5);

/// Something that was not as expected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// The line of the expectation, or of the step.
    pub line: usize,
    /// The step as written.
    pub step: String,
    /// What is wrong, in one or several lines.
    pub message: String,
}

/// What a command without an expectation answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This reply.
    Reply(Reply),
    /// It blocks.
    Blocks,
}

/// Plays tests of one file on a backend.
pub struct Player<'a> {
    /// Where.
    pub backend: &'a mut dyn Backend,
    /// The accepted differences, when the backend is the reference.
    pub divergences: Option<&'a Divergences>,
    /// Answers to commands under which nothing is expected, by line.
    pub answers: Vec<(usize, Answer)>,
}

impl<'a> Player<'a> {
    /// A player on `backend`.
    pub fn new(backend: &'a mut dyn Backend, divergences: Option<&'a Divergences>) -> Self {
        Player { backend, divergences, answers: Vec::new() }
    }

    /// Plays `test` and leaves the backend clean.
    pub fn play(&mut self, script: &Script, test: &Test) -> Vec<Failure> {
        let mut run = Run {
            script,
            test,
            clients: HashMap::new(),
            scope: Scope::default(),
            settings: Vec::new(),
            failures: Vec::new(),
            player: self,
        };
        if let Err(error) = run.player.backend.reset() {
            run.fail(test.line, "==", format!("{error:#}"));
            return run.failures;
        }
        for step in &test.steps {
            if let Err(error) = run.step(step) {
                run.fail(step.line, &step.text, format!("{error:#}"));
                break;
            }
        }
        run.finish()
    }
}

struct Run<'r, 'a> {
    script: &'r Script,
    test: &'r Test,
    clients: HashMap<String, Box<dyn Client>>,
    scope: Scope,
    settings: Vec<(Vec<u8>, Vec<u8>)>,
    failures: Vec<Failure>,
    player: &'r mut Player<'a>,
}

impl Run<'_, '_> {
    fn fail(&mut self, line: usize, step: &str, message: String) {
        self.failures.push(Failure { line, step: step.into(), message });
    }

    /// Plays a step. A reply that differs is noted and the test goes on; an error ends it.
    fn step(&mut self, step: &Step) -> Result<()> {
        self.scope.now_ms = self.player.backend.now_ms();
        match &step.action {
            Action::Send { client, words } => {
                let mut line = Vec::new();
                for word in words {
                    line.extend(word.words(&self.scope)?);
                }
                self.player.backend.effects();
                self.client(client)?.send(&line)?;
                self.expect(client, step)
            }
            Action::SendRaw { client, bytes } => {
                let bytes = bytes.bytes(&self.scope)?;
                self.client(client)?.send_raw(&bytes)?;
                self.expect(client, step)
            }
            Action::Receive { client } => {
                ensure!(self.clients.contains_key(client), "there is no client {client} yet");
                self.expect(client, step)
            }
            Action::Close { client } => {
                let closed = self.clients.remove(client);
                let closed = closed.ok_or_else(|| anyhow!("there is no client {client}"))?;
                let id = closed.id();
                drop(closed);
                self.player.backend.kill(id);
                Ok(())
            }
            Action::Advance(by) => {
                self.player.backend.effects();
                self.player.backend.advance(*by)
            }
            Action::Let { name, value } => {
                let value = value.value(&self.scope)?;
                self.scope.vars.insert(name.clone(), value);
                Ok(())
            }
            Action::Config { name, value } => self.configure(name, value),
            Action::Effects(expected) => self.check_effects(step, expected),
        }
    }

    fn client(&mut self, name: &str) -> Result<&mut dyn Client> {
        if !self.clients.contains_key(name) {
            let client = self.player.backend.open()?;
            self.scope.ids.insert(name.into(), client.id());
            self.clients.insert(name.into(), client);
        }
        let client = self.clients.get_mut(name).context("just opened")?;
        Ok(client.as_mut())
    }

    fn expect(&mut self, client: &str, step: &Step) -> Result<()> {
        if step.expected.is_empty() {
            return self.record(client, step.line);
        }
        let protocol = self.player.backend.protocol();
        let meant = |e: &&Expected| e.protocol.is_none_or(|p| p == protocol);
        let own: Vec<&Expected> = step.expected.iter().filter(meant).collect();
        let nth = self.test.steps.iter().filter(|s| s.text == step.text && s.line <= step.line);
        let accepted = self
            .player
            .divergences
            .and_then(|d| d.find(&self.script.name, &self.test.name, &step.text, nth.count()))
            .map(|lines| lines.iter().filter(meant).collect::<Vec<_>>())
            .filter(|lines| !lines.is_empty());
        match accepted {
            Some(accepted) => self.expect_difference(client, step, &own, &accepted),
            None => {
                for expected in own {
                    self.expect_one(client, step, expected)?;
                }
                Ok(())
            }
        }
    }

    fn expect_one(&mut self, client: &str, step: &Step, expected: &Expected) -> Result<()> {
        let got = match &expected.outcome {
            Outcome::Reply(pattern) => {
                let reply = self.receive(client)?;
                let protocol = self.player.backend.protocol();
                if pattern.check(&reply, &mut self.scope, protocol)? {
                    return Ok(());
                }
                shorten(&reply.to_string())
            }
            Outcome::Blocks => return self.expect_block(client),
            Outcome::Nothing => match self.pending(client)? {
                None => return Ok(()),
                Some(got) => got,
            },
            Outcome::Closed => match self.client(client)?.receive(PATIENCE)? {
                Received::Closed => return Ok(()),
                Received::Nothing => "(nothing)".into(),
                Received::Reply(reply) => shorten(&reply.to_string()),
            },
        };
        let message = format!("expected  {}\ngot       {got}", shorten(&expected.text));
        self.fail(expected.line, &step.text, message);
        Ok(())
    }

    /// Checks a step on which the reference is known to differ.
    fn expect_difference(
        &mut self,
        client: &str,
        step: &Step,
        own: &[&Expected],
        accepted: &[&Expected],
    ) -> Result<()> {
        let protocol = self.player.backend.protocol();
        let mut replies = Vec::new();
        for _ in accepted {
            replies.push(self.receive(client)?);
        }
        let fits = |lines: &[&Expected], scope: &mut Scope| -> Result<bool> {
            for (line, reply) in lines.iter().zip(&replies) {
                let Outcome::Reply(pattern) = &line.outcome else { return Ok(false) };
                if !pattern.check(reply, scope, protocol)? {
                    return Ok(false);
                }
            }
            Ok(lines.len() == replies.len())
        };
        if fits(own, &mut self.scope)? {
            let message = "tests/divergences.toml says that Valkey differs here; it does not";
            self.fail(step.line, &step.text, message.into());
        } else if !fits(accepted, &mut self.scope)? {
            let got: Vec<String> = replies.iter().map(Reply::to_string).collect();
            let expected: Vec<&str> = accepted.iter().map(|e| e.text.as_str()).collect();
            let message = format!(
                "expected  {} (of Valkey, in tests/divergences.toml)\ngot       {}",
                shorten(&expected.join("\n")),
                shorten(&got.join("\n"))
            );
            self.fail(step.line, &step.text, message);
        }
        Ok(())
    }

    fn receive(&mut self, client: &str) -> Result<Reply> {
        match self.client(client)?.receive(PATIENCE)? {
            Received::Reply(reply) => Ok(reply),
            Received::Nothing => bail!("no reply in {PATIENCE:?}"),
            Received::Closed => bail!("the connection was closed"),
        }
    }

    /// Waits until the client is blocked, so that the next step comes after it.
    fn expect_block(&mut self, client: &str) -> Result<()> {
        match self.reply_or_block(client)? {
            Answer::Blocks => Ok(()),
            Answer::Reply(reply) => bail!("expected to block\ngot       {reply}"),
        }
    }

    fn reply_or_block(&mut self, client: &str) -> Result<Answer> {
        let deadline = Instant::now() + PATIENCE;
        let id = self.client(client)?.id();
        while Instant::now() < deadline {
            let blocked = self.player.backend.is_blocked(id)?;
            match self.client(client)?.receive(Duration::ZERO)? {
                Received::Reply(reply) => return Ok(Answer::Reply(reply)),
                Received::Closed => bail!("the connection was closed"),
                Received::Nothing if blocked => return Ok(Answer::Blocks),
                Received::Nothing => sleep(Duration::from_millis(1)),
            }
        }
        bail!("neither a reply nor a blocked client in {PATIENCE:?}")
    }

    /// What has come for a client beyond what it asked for.
    fn pending(&mut self, name: &str) -> Result<Option<String>> {
        let id = self.client(name)?.id();
        let barrier = !self.player.backend.is_blocked(id)?;
        let client = self.client(name)?;
        if barrier {
            client.send(&[b"PING".to_vec()])?;
        }
        let patience = if barrier { PATIENCE } else { Duration::ZERO };
        Ok(match client.receive(patience)? {
            Received::Reply(reply) if barrier && is_pong(&reply) => None,
            Received::Reply(reply) => Some(shorten(&reply.to_string())),
            Received::Nothing if barrier => Some("no answer to PING".into()),
            Received::Nothing => None,
            Received::Closed => Some("(closed)".into()),
        })
    }

    fn record(&mut self, client: &str, line: usize) -> Result<()> {
        let answer = self.reply_or_block(client)?;
        let more = matches!(answer, Answer::Reply(_));
        self.player.answers.push((line, answer));
        while more && let Received::Reply(reply) = self.client(client)?.receive(MORE)? {
            self.player.answers.push((line, Answer::Reply(reply)));
        }
        Ok(())
    }

    fn configure(&mut self, name: &Template, value: &Template) -> Result<()> {
        let (name, value) = (name.bytes(&self.scope)?, value.bytes(&self.scope)?);
        let old = match self.player.backend.control(&[b"CONFIG", b"GET", &name])? {
            Reply::Array(pair) if pair.len() == 2 => pair[1].bytes(),
            other => bail!("CONFIG GET: {other}"),
        };
        let set = self.player.backend.control(&[b"CONFIG", b"SET", &name, &value])?;
        ensure!(set == Reply::Status(b"OK".to_vec()), "CONFIG SET: {set}");
        self.settings.push((name, old.unwrap_or_default()));
        Ok(())
    }

    fn check_effects(&mut self, step: &Step, expected: &[Vec<Template>]) -> Result<()> {
        let Some(got) = self.player.backend.effects() else { return Ok(()) };
        let mut want = Vec::new();
        for line in expected {
            let mut words = Vec::new();
            for word in line {
                words.extend(word.words(&self.scope)?);
            }
            want.push(words);
        }
        if want != got {
            let message = format!("expected  {}\ngot       {}", lines(&want), lines(&got));
            self.fail(step.line, &step.text, message);
        }
        Ok(())
    }

    fn finish(mut self) -> Vec<Failure> {
        let names: Vec<String> = self.clients.keys().cloned().collect();
        for name in names {
            let Some(mut client) = self.clients.remove(&name) else { continue };
            if self.failures.is_empty()
                && let Ok(Received::Reply(reply)) = client.receive(Duration::ZERO)
            {
                let message = format!("client {name:?} ends with an unread reply: {reply}");
                self.fail(self.test.line, "==", message);
            }
            let id = client.id();
            drop(client);
            self.player.backend.kill(id);
        }
        for (name, value) in self.settings.iter().rev() {
            // A server that cannot take it any more fails the next test by itself.
            let _ = self.player.backend.control(&[b"CONFIG", b"SET", name, value]);
        }
        if !self.failures.is_empty()
            && let Some(words) = self.player.backend.last_words()
        {
            self.fail(self.test.line, "==", words);
        }
        self.failures
    }
}

fn is_pong(reply: &Reply) -> bool {
    let first = match reply {
        Reply::Array(items) | Reply::Push(items) => items.first(),
        other => Some(other),
    };
    let word = first.and_then(Reply::bytes).unwrap_or_default();
    word.eq_ignore_ascii_case(b"PONG") || word.eq_ignore_ascii_case(b"QUEUED")
}

fn lines(effects: &[Vec<Vec<u8>>]) -> String {
    let word = |w: &Vec<u8>| {
        let plain = !w.is_empty() && w.iter().all(|b| b.is_ascii_graphic() && *b != b'"');
        if plain { String::from_utf8_lossy(w).into_owned() } else { quote(w) }
    };
    let line = |e: &Vec<Vec<u8>>| e.iter().map(word).collect::<Vec<_>>().join(" ");
    match effects.is_empty() {
        true => "no effects".into(),
        false => effects.iter().map(line).collect::<Vec<_>>().join("\n          "),
    }
}

/// At most so much of a reply is shown.
fn shorten(text: &str) -> String {
    const MOST: usize = 800;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], text.len()),
        None => text.into(),
    }
}

/// What a filled-in line says, given the answers over RESP2 and RESP3.
pub fn expectation(resp2: &Answer, resp3: &Answer) -> String {
    let (two, three) = match (resp2, resp3) {
        (Answer::Reply(two), Answer::Reply(three)) => (two, three),
        _ => return "(blocks)".into(),
    };
    if *two == Reply::NullArray {
        return "nil[]".into();
    }
    let fits = |shown: &str| {
        let mut scope = Scope::default();
        let pattern = crate::pattern::Pattern::parse(shown);
        pattern.and_then(|p| p.check(two, &mut scope, Protocol::Resp2)).unwrap_or(false)
    };
    match three.to_string() {
        shown if fits(&shown) => shown,
        shown => format!("resp2: {two}\nresp3: {shown}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(two: Reply, three: Reply) -> String {
        expectation(&Answer::Reply(two), &Answer::Reply(three))
    }

    #[test]
    fn a_filled_in_line_serves_both_protocols_where_it_can() {
        let bulk = |b: &[u8]| Reply::Bulk(b.to_vec());
        let flat = Reply::Array(vec![bulk(b"a"), Reply::Int(1)]);
        let map = Reply::Map(vec![(bulk(b"a"), Reply::Int(1))]);
        assert_eq!(filled(flat.clone(), map), "{a 1}");
        assert_eq!(filled(Reply::NullArray, Reply::Null), "nil[]");
        assert_eq!(filled(Reply::NullBulk, Reply::Null), "nil");
        let nested = Reply::Array(vec![flat.clone()]);
        assert_eq!(filled(flat, nested), "resp2: [a 1]\nresp3: [[a 1]]");
        assert_eq!(expectation(&Answer::Blocks, &Answer::Blocks), "(blocks)");
    }
}
