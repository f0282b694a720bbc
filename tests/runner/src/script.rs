//! Reads an `.rtest` file into tests and steps. The format is described in `tests/rtest/README.md`.
//!
//! It must not know backends. Playing is in `play`; words and expected replies have their own
//! modules, `words` and `pattern`.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::backend::Place;
use crate::pattern::{Pattern, Protocol, open_brackets};
use crate::words::{Expr, Scope, Template, split};

/// The longest that one test may really wait on a server whose clock cannot be moved.
pub const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// One `.rtest` file.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its path below `tests/rtest`, such as `string/set.rtest`.
    pub name: String,
    /// Its tests, in the order of the file.
    pub tests: Vec<Test>,
}

/// One test: steps on an empty keyspace.
#[derive(Clone, Debug)]
pub struct Test {
    /// The text behind `==`.
    pub name: String,
    /// The line of `==`, counted from 1.
    pub line: usize,
    /// Where it is played.
    pub conditions: Vec<Condition>,
    /// What is done and expected.
    pub steps: Vec<Step>,
}

/// `only …: reason` or `not …: reason`.
#[derive(Clone, Debug)]
pub struct Condition {
    only: bool,
    places: Vec<Place>,
}

/// A step and its line, counted from 1.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it stands.
    pub line: usize,
    /// As it is written.
    pub text: String,
    /// What it does.
    pub action: Action,
    /// What is expected then, each consuming one reply of the step's client.
    pub expected: Vec<Expected>,
}

/// What a step does.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Action {
    Send { client: String, words: Vec<Template> },
    SendRaw { client: String, bytes: Template },
    Receive { client: String },
    Close { client: String },
    Advance(Duration),
    Let { name: String, value: Expr },
    Config { name: Template, value: Template },
    Effects(Vec<Vec<Template>>),
}

/// One line of expectation, possibly of one protocol only.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The line it begins on.
    pub line: usize,
    /// As it is written.
    pub text: String,
    /// The only protocol it is meant for.
    pub protocol: Option<Protocol>,
    /// What must come.
    pub outcome: Outcome,
}

/// What is expected of a client.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// This reply.
    Reply(Pattern),
    /// `(blocks)`: no reply, the client waits inside its command.
    Blocks,
    /// `(nothing)`: no reply and no message.
    Nothing,
    /// `(closed)`: the server ends the connection.
    Closed,
}

impl Test {
    /// Whether the test is meant for a backend with this nature.
    pub fn runs_on(&self, is: impl Fn(Place) -> bool) -> bool {
        self.conditions.iter().all(|c| c.only == c.places.iter().any(|p| is(*p)))
    }

    /// How far the clock is moved in the whole test.
    pub fn advances(&self) -> Duration {
        let of = |step: &Step| match step.action {
            Action::Advance(by) => by,
            _ => Duration::ZERO,
        };
        self.steps.iter().map(of).sum()
    }
}

impl Script {
    /// Reads `text`, the content of the file called `name`. `complete` asks for a reply under each
    /// command; without it commands may stand bare, to be filled in.
    ///
    /// # Errors
    /// With the line that could not be read.
    pub fn parse(name: &str, text: &str, complete: bool) -> Result<Script> {
        let mut reader = Reader { lines: text.lines().collect(), at: 0 };
        let mut script = Script { name: name.into(), tests: Vec::new() };
        let mut for_all = Vec::new();
        while let Some((number, line)) = reader.next() {
            let at = || format!("{name}:{number}");
            if let Some(title) = line.strip_prefix("==") {
                let test = reader
                    .test(title.trim(), number, &for_all)
                    .map_err(|(line, error)| error.context(format!("{name}:{line}")))?;
                script.tests.push(test);
            } else if let Some(condition) = Condition::parse(line).with_context(at)? {
                for_all.push(condition);
            } else {
                bail!("{}: before the first == only comments, only and not may stand", at());
            }
        }
        script.check(complete)?;
        Ok(script)
    }

    fn check(&self, complete: bool) -> Result<()> {
        let name = &self.name;
        ensure!(!self.tests.is_empty(), "{name}: no test (a test begins with ==)");
        for (i, test) in self.tests.iter().enumerate() {
            let at = format!("{name}:{}", test.line);
            ensure!(!test.name.is_empty(), "{at}: a test needs a name");
            let twin = self.tests[..i].iter().any(|other| other.name == test.name);
            ensure!(!twin, "{at}: another test of this file has this name");
            let on_valkey = |protocol| {
                let is = [Place::Valkey, Place::Socket, protocol];
                test.runs_on(|place| is.contains(&place))
            };
            let waits = on_valkey(Place::Resp2) || on_valkey(Place::Resp3);
            ensure!(
                !waits || test.advances() <= LONGEST_WAIT,
                "{at}: advances {:?} in all, which a real server would have to wait; \
                 write `only larder: needs a fake clock`",
                test.advances()
            );
            for step in &test.steps {
                let asks = matches!(step.action, Action::Send { .. } | Action::Receive { .. });
                ensure!(
                    !complete || !asks || !step.expected.is_empty(),
                    "{name}:{}: no reply is expected under this step",
                    step.line
                );
            }
        }
        Ok(())
    }
}

impl Condition {
    /// `None` when the line is not a condition.
    fn parse(line: &str) -> Result<Option<Condition>> {
        let (only, rest) = match line.split_once(' ') {
            Some(("only", rest)) => (true, rest),
            Some(("not", rest)) => (false, rest),
            _ => return Ok(None),
        };
        let (places, reason) = rest.split_once(':').context("write the reason behind a colon")?;
        ensure!(!reason.trim().is_empty(), "a reason must stand behind the colon");
        let places = places.split(',').map(|p| Place::parse(p.trim())).collect::<Result<_>>()?;
        Ok(Some(Condition { only, places }))
    }
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
}

type WithLine<T> = std::result::Result<T, (usize, anyhow::Error)>;

impl<'a> Reader<'a> {
    /// The next line that is neither empty nor a comment, and its number from 1.
    fn peek(&mut self) -> Option<(usize, &'a str)> {
        while let Some(line) = self.lines.get(self.at) {
            let bare = line.trim();
            if !bare.is_empty() && !bare.starts_with('#') {
                return Some((self.at + 1, line.trim_end()));
            }
            self.at += 1;
        }
        None
    }

    fn next(&mut self) -> Option<(usize, &'a str)> {
        let found = self.peek();
        self.at += usize::from(found.is_some());
        found
    }

    fn test(&mut self, name: &str, line: usize, for_all: &[Condition]) -> WithLine<Test> {
        let mut test =
            Test { name: name.into(), line, conditions: for_all.to_vec(), steps: Vec::new() };
        while let Some((number, text)) = self.peek() {
            if text.starts_with("==") {
                break;
            }
            self.at += 1;
            let with_line = |error| (number, error);
            if let Some(condition) = Condition::parse(text).map_err(with_line)? {
                test.conditions.push(condition);
            } else if let Some(action) = self.action(text).map_err(with_line)? {
                let expected = Vec::new();
                test.steps.push(Step { line: number, text: text.into(), action, expected });
            } else {
                let expected = self.expected(number, text).map_err(with_line)?;
                let step = test.steps.last_mut();
                let step = step.filter(|s| s.takes_replies());
                let no_step = || anyhow::anyhow!("a reply without a command above it");
                step.ok_or_else(|| with_line(no_step()))?.expected.push(expected);
            }
        }
        Ok(test)
    }

    /// `None` when the line is no step but an expected reply.
    fn action(&mut self, text: &str) -> Result<Option<Action>> {
        if let Some((client, sign, rest)) = client_line(text) {
            let client = client.to_owned();
            return Ok(Some(match sign {
                '<' => Action::Receive { client },
                _ => {
                    let words = split(rest)?;
                    ensure!(!words.is_empty(), "a command is missing");
                    Action::Send { client, words }
                }
            }));
        }
        // A bare `close` or `config` is a reply; only `effects` may stand alone.
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        if rest.is_empty() && verb != "effects" {
            return Ok(None);
        }
        Ok(Some(match verb {
            "advance" => Action::Advance(duration(rest)?),
            "close" => Action::Close { client: rest.trim().into() },
            "let" => {
                let (name, value) = rest.split_once('=').context("write let name = now+5")?;
                Action::Let { name: name.trim().into(), value: Expr::parse(value.trim())? }
            }
            "config" => match &split(rest)?[..] {
                [name, value] => Action::Config { name: name.clone(), value: value.clone() },
                _ => bail!("write config name value"),
            },
            "raw" => match &split(rest)?[..] {
                [bytes] => Action::SendRaw { client: String::new(), bytes: bytes.clone() },
                [client, bytes] => {
                    let client = String::from_utf8(client.bytes(&Scope::default())?)?;
                    Action::SendRaw { client, bytes: bytes.clone() }
                }
                _ => bail!("write raw \"bytes\", or raw a \"bytes\""),
            },
            "effects" if rest.trim() == "none" => Action::Effects(Vec::new()),
            "effects" if rest.is_empty() => Action::Effects(self.indented()?),
            _ => return Ok(None),
        }))
    }

    fn indented(&mut self) -> Result<Vec<Vec<Template>>> {
        let mut lines = Vec::new();
        while let Some((_, line)) = self.peek().filter(|(_, line)| line.starts_with("  ")) {
            lines.push(split(line)?);
            self.at += 1;
        }
        ensure!(!lines.is_empty(), "indented effects must follow, or write effects none");
        Ok(lines)
    }

    fn expected(&mut self, line: usize, first: &str) -> Result<Expected> {
        let mut text = first.trim().to_owned();
        while open_brackets(strip_protocol(&text).1) > 0 {
            let (_, more) = self.next().context("a bracket is not closed")?;
            text.push('\n');
            text.push_str(more.trim());
        }
        parse_expected(line, &text)
    }
}

impl Step {
    fn takes_replies(&self) -> bool {
        use Action::{Receive, Send, SendRaw};
        matches!(self.action, Send { .. } | SendRaw { .. } | Receive { .. })
    }
}

/// Reads one expectation, all of `text`.
pub(crate) fn parse_expected(line: usize, text: &str) -> Result<Expected> {
    let (protocol, rest) = strip_protocol(text);
    let outcome = match rest {
        "(blocks)" => Outcome::Blocks,
        "(nothing)" => Outcome::Nothing,
        "(closed)" => Outcome::Closed,
        _ => Outcome::Reply(Pattern::parse(rest)?),
    };
    Ok(Expected { line, text: text.into(), protocol, outcome })
}

fn strip_protocol(text: &str) -> (Option<Protocol>, &str) {
    if let Some(rest) = text.strip_prefix("resp2:") {
        (Some(Protocol::Resp2), rest.trim_start())
    } else if let Some(rest) = text.strip_prefix("resp3:") {
        (Some(Protocol::Resp3), rest.trim_start())
    } else {
        (None, text)
    }
}

/// `> SET k v`, `a> GET k` or `a<`: the client's name, the sign and what follows.
fn client_line(text: &str) -> Option<(&str, char, &str)> {
    let len = text.find(|c: char| !c.is_ascii_alphanumeric())?;
    let sign = text[len..].chars().next().filter(|c| matches!(c, '<' | '>'))?;
    let rest = &text[len + 1..];
    let plain = rest.is_empty() || rest.starts_with(' ');
    plain.then_some((&text[..len], sign, rest))
}

/// `1500ms`, `2s`, `5m`, `1h` or `3d`.
fn duration(text: &str) -> Result<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().context("write 1500ms, 2s, 5m, 1h or 3d")?;
    let unit_ms = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => bail!("write 1500ms, 2s, 5m, 1h or 3d"),
    };
    Ok(Duration::from_millis(number * unit_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Script> {
        Script::parse("x.rtest", text, true)
    }

    fn error(text: &str) -> String {
        format!("{:#}", parse(text).unwrap_err())
    }

    #[test]
    fn reads_steps_with_their_lines() {
        let script = parse(
            "# about\n== one\n\n> SET k v\nOK\na> BLPOP l 0\n(blocks)\nadvance 1500ms\n\
             a<\n[l\n x]\neffects\n  SET k v\n  DEL k\n== two\nonly resp3: maps\n\
             > CONFIG GET x\nresp2: []\nresp3: {}\n",
        )
        .unwrap();
        let lines: Vec<usize> = script.tests[0].steps.iter().map(|s| s.line).collect();
        assert_eq!(lines, [4, 6, 8, 9, 12]);
        assert_eq!(script.tests[0].steps[3].expected[0].line, 10);
        assert_eq!(script.tests[0].advances(), Duration::from_millis(1500));
        let Action::Effects(effects) = &script.tests[0].steps[4].action else { panic!() };
        assert_eq!(effects.len(), 2);
        assert!(script.tests[1].runs_on(|p| p == Place::Resp3));
        assert!(!script.tests[1].runs_on(|p| p == Place::Resp2));
        assert_eq!(script.tests[1].steps[0].expected.len(), 2);
    }

    #[test]
    fn names_the_line_of_a_mistake() {
        assert!(error("== a\n> GET \"k\nOK").starts_with("x.rtest:2"));
        assert!(error("== a\n> GET k\n[1").contains("bracket"));
        assert!(error("== a\n> GET k\n> GET k\nnil").starts_with("x.rtest:2: no reply"));
        assert!(error("== a\nOK").contains("without a command"));
        assert!(error("== a\nonly larder\n").contains("reason"));
        assert!(error("== a\nonly moon: x\n").contains("moon"));
        assert!(error("== a\n> PING\n+PONG\n== a\n> PING\n+PONG").contains("this name"));
        assert!(error("").contains("no test"));
    }

    #[test]
    fn long_waits_need_a_fake_clock() {
        assert!(error("== a\n> PING\n+PONG\nadvance 1m\n").contains("fake clock"));
        assert!(parse("== a\nonly larder: long\n> PING\n+PONG\nadvance 1m\n").is_ok());
        assert!(parse("== a\nnot valkey: long\n> PING\n+PONG\nadvance 1m\n").is_ok());
    }
}
