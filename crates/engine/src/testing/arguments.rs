//! Random requests, made of what SPEC says: its syntax line and where its keys stand.
//!
//! They are plausible, not always legal. Keys come from a small pool that all commands share, so
//! that they meet each other's values. Knows no command; the syntax line is read in
//! [`crate::commands::server::command`].

use crate::commands::server::command::arguments::{Argument, Shape, arguments_of};
use crate::commands::{Known, all};
use crate::keyspace::ValueRef;
use crate::spec::{Group, Spec, flag};
use crate::values::dump;
use fastrand::Rng;

/// Integers at which something ends, none that is legal and takes gigabytes; and one that is none.
const EDGES: &[&str] = &[
    "-9223372036854775808",
    "-1",
    "0",
    "1",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "nonsense",
];

/// Numbers that are not written as integers are.
const FLOATS: &[&str] = &["0.5", "-2.25", "0.10", "0.001", "1e2", "3e-300", "inf", "-inf"];

/// Ends of ranges of sorted sets.
const ENDS: &[&str] = &["-", "+", "[m1", "(m2", "[a", "(b", "(1", "-inf", "+inf"];
/// Widths of integers in bitmaps.
const ENCODINGS: &[&str] = &["u1", "i5", "u8", "i16", "u63", "i64", "#8"];

/// A source of random requests and their parts.
#[derive(Debug)]
pub struct Requests {
    /// What it draws from.
    pub rng: Rng,
    /// Keys of each group.
    pub keys: u32,
    /// The clock, for Unix times.
    pub now_ms: u64,
    groups: Vec<Group>,
}

impl Requests {
    /// A source with few keys.
    pub fn new(seed: u64, now_ms: u64) -> Self {
        let mut groups: Vec<Group> = all().iter().filter_map(group_of_values).collect();
        groups.sort_unstable();
        groups.dedup();
        Requests { rng: Rng::with_seed(seed), keys: 6, now_ms, groups }
    }

    /// A request for a command, its name included.
    pub fn request(&mut self, command: &Known) -> Vec<Vec<u8>> {
        self.named_request(command).0
    }

    /// The same, and what the syntax line calls each word: nothing for a name or a token.
    pub fn named_request(&mut self, command: &Known) -> (Vec<Vec<u8>>, Vec<String>) {
        let spec = command.entry.spec;
        let mut draft = Draft { words: Vec::new(), names: Vec::new() };
        command.name.split('|').for_each(|name| draft.push("", name.as_bytes().to_vec()));
        self.sequence(spec, &arguments_of(spec), &mut draft);
        draft.count();
        self.put_keys(spec, &mut draft.words);
        (draft.words, draft.names)
    }

    /// A key that mostly holds a value of the group's type; of any where the group has none.
    pub fn key(&mut self, group: Group) -> Vec<u8> {
        let any = !self.groups.contains(&group) || self.rng.u32(..16) == 0;
        let group = if any { self.groups[self.rng.usize(..self.groups.len())] } else { group };
        let mut key = format!("{}{}", group.name(), self.rng.u32(..self.keys)).into_bytes();
        if self.rng.u32(..64) == 0 {
            key.resize(5000, b'k');
        }
        key
    }

    /// Mostly short; a few are longer than an entry, or than what is copied.
    pub fn value(&mut self) -> Vec<u8> {
        let len = match self.rng.u32(..40) {
            0 => self.rng.usize(8000..12_000),
            1 => self.rng.usize(200..400),
            2 => 70_000,
            3..=20 => 1,
            _ => self.rng.usize(..20),
        };
        (0..len).map(|_| b'a' + self.rng.u8(..3)).collect()
    }

    /// What `DUMP` answers of some string.
    fn payload(&mut self) -> Vec<u8> {
        let text = self.value();
        let value = ValueRef::String(&text, false);
        dump::payload(value, dump::Choice::default(), false).unwrap_or_default()
    }

    /// One of some words.
    fn one_of(&mut self, words: &[&str]) -> Vec<u8> {
        words[self.rng.usize(..words.len())].as_bytes().to_vec()
    }

    /// A small integer.
    fn integer(&mut self) -> i64 {
        if self.rng.bool() { self.rng.i64(1..5) } else { self.rng.i64(-4..40) }
    }

    /// A time to live or, if `now_ms` is not 0, a Unix time, in units of so many milliseconds;
    /// it may have passed.
    fn time(&mut self, now_ms: u64, unit_ms: u64) -> i64 {
        let range = if unit_ms == 1 { -50..3000 } else { -1..4 };
        (now_ms / unit_ms) as i64 + self.rng.i64(range)
    }

    fn sequence(&mut self, spec: &Spec, list: &[Argument], draft: &mut Draft) {
        for argument in list {
            if !argument.optional || self.rng.u32(..3) == 0 {
                self.argument(spec, argument, draft);
            }
        }
    }

    fn argument(&mut self, spec: &Spec, argument: &Argument, draft: &mut Draft) {
        if let Some(token) = &argument.token {
            let lower = self.rng.u32(..4) == 0;
            let token = if lower { token.to_lowercase() } else { token.clone() };
            draft.push("", token.into_bytes());
        }
        let times = if argument.multiple { self.rng.u32(1..=3) } else { 1 };
        for _ in 0..times {
            match &argument.shape {
                Shape::Token => {}
                Shape::Value(kind) => {
                    let word = self.word(spec, kind, &argument.name);
                    draft.push(&argument.name, word);
                }
                Shape::OneOf(choices) => {
                    let chosen = &choices[self.rng.usize(..choices.len())];
                    self.argument(spec, chosen, draft);
                }
                Shape::Block(inner) => self.sequence(spec, inner, draft),
            }
        }
    }

    /// A word for a type and a name that the syntax line gives.
    fn word(&mut self, spec: &Spec, kind: &str, name: &str) -> Vec<u8> {
        let rare = self.rng.u32(..32) == 0;
        let number = match (kind, name) {
            ("key", _) => return self.key(spec.group),
            ("pattern", _) => return b"*[0-3]".to_vec(),
            (_, "min" | "max") if self.rng.bool() => return self.one_of(ENDS),
            // Of a bitmap, every offset is legal up to half a gigabyte.
            ("integer", "offset") if spec.group == Group::Bitmap => self.integer() * 100,
            ("string", "encoding") => return self.one_of(ENCODINGS),
            ("integer" | "unix-time", _) if rare => return self.one_of(EDGES),
            (_, "serialized-value") => return self.payload(),
            (_, "id" | "start" | "end" | "last-id") if spec.group == Group::Stream => {
                return self.stream_id();
            }
            (_, "group" | "consumer") => return format!("{name}{}", self.rng.u32(..3)).into(),
            (_, "threshold" | "entries-added" | "entries-read") => self.integer(),
            (_, "min-idle-time" | "ms") => self.time(0, 1),
            ("double", _) if self.rng.bool() => return self.one_of(FLOATS),
            ("double", _) => self.rng.i64(0..4),
            (_, "seconds") => self.time(0, 1000),
            (_, "milliseconds") => self.time(0, 1),
            (_, "unix-time-seconds") => self.time(self.now_ms, 1000),
            (_, "unix-time-milliseconds") => self.time(self.now_ms, 1),
            (_, "db" | "destination-db" | "index1" | "index2") => self.rng.i64(0..3),
            ("integer", _) => self.integer(),
            _ => return self.text(),
        };
        number.to_string().into_bytes()
    }

    /// A word of a type that the syntax line leaves open.
    fn text(&mut self) -> Vec<u8> {
        match self.rng.u32(..8) {
            0 if self.rng.u32(..8) == 0 => self.one_of(EDGES),
            0..=2 => self.integer().to_string().into_bytes(),
            3 => self.one_of(FLOATS),
            4 => format!("m{}", self.rng.u32(..300)).into_bytes(),
            _ => self.value(),
        }
    }

    /// An ID of an entry, as small as those of other entries or as large as the clock's.
    pub fn entry_id(&mut self) -> Vec<u8> {
        let (small, seq) = (self.rng.u64(..9), self.rng.u32(..12));
        let ms = if self.rng.bool() { self.now_ms } else { small };
        format!("{ms}-{seq}").into()
    }

    /// The same, or one of the words that stand for one.
    fn stream_id(&mut self) -> Vec<u8> {
        match self.rng.u32(..8) {
            0 => self.one_of(&["$", ">", "+", "-", "0", "0-0", "nonsense"]),
            1 => format!("({}-{}", self.rng.u32(..9), self.rng.u32(..3)).into(),
            2 => format!("{}-*", self.rng.u32(..9)).into(),
            3 => self.rng.u32(..9).to_string().into(),
            _ => self.entry_id(),
        }
    }

    /// Puts keys where SPEC says they stand, whatever the syntax line calls them.
    fn put_keys(&mut self, spec: &Spec, words: &mut [Vec<u8>]) {
        let mut positions = Vec::new();
        let slices: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        spec.each_key(&slices, |at, _| positions.push(at));
        for at in positions {
            words[at] = self.key(spec.group);
        }
    }
}

/// A request under construction.
struct Draft {
    words: Vec<Vec<u8>>,
    /// What the syntax line calls each word; nothing for a token.
    names: Vec<String>,
}

impl Draft {
    fn push(&mut self, name: &str, word: Vec<u8>) {
        self.names.push(name.to_owned());
        self.words.push(word);
    }

    /// Makes each `numkeys` the number of words after it that are called `key`, and so on.
    fn count(&mut self) {
        for at in 0..self.words.len() {
            let counted =
                self.names[at].strip_prefix("num").and_then(|name| name.strip_suffix('s'));
            let Some(counted) = counted else { continue };
            let count = self.names[at..].iter().filter(|name| *name == counted).count();
            if count > 0 {
                self.words[at] = count.to_string().into_bytes();
            }
        }
    }
}

/// The group whose type of value a command writes.
fn group_of_values(command: &Known) -> Option<Group> {
    let spec = command.entry.spec;
    let writes = spec.has(flag::WRITE) && !spec.keys.is_empty();
    (writes && spec.group != Group::Generic).then_some(spec.group)
}
