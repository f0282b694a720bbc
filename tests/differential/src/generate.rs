//! Makes sequences: requests derived from SPEC, templates, and words that end in themselves.
//!
//! What would differ by nature is tamed here: times lie far away or in the past, random choices
//! take everything, nothing waits long, nothing takes gigabytes. It must not know any server.

use fastrand::Rng;
use larder_engine::commands::{Known, find};
use larder_engine::spec::{Group, flag};
use larder_engine::testing::Requests;

use crate::play::A_MOMENT;
use crate::sequence::{Sequence, Step};
use crate::templates::TEMPLATES;

/// Words at which reading a number, or something that looks like one, ends.
const ODD_NUMBERS: &[&str] = &[
    "0",
    "-0",
    "+1",
    "01",
    " 1",
    "1 ",
    "",
    "1.0",
    "1.5",
    "-1",
    "1e3",
    "0x10",
    "nan",
    "inf",
    "-inf",
    "+inf",
    "infinity",
    "1e400",
    "5e-324",
    "2147483647",
    "4294967295",
    "9223372036854775806",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775807",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "170141183460469231731687303715884105728",
    "3.0000000000000001",
    "0.1",
    "1234567890123456789012345678901234567890",
    "nonsense",
    "(1",
    "[a",
    "#1",
    "~",
];
/// Lengths around which encodings change.
const ODD_LENGTHS: &[usize] = &[0, 1, 19, 20, 21, 43, 44, 45, 62, 63, 64, 65, 127, 128, 300, 4096];
/// Integers around which the widths of intsets, listpacks and quicklists change.
const ODD_INTEGERS: &[i64] = &[
    -4096,
    -4097,
    127,
    128,
    -128,
    -129,
    4095,
    8191,
    32767,
    32768,
    -32768,
    -32769,
    8388607,
    8388608,
    2147483647,
    2147483648,
    -2147483648,
    -2147483649,
    9223372036854775807,
    -9223372036854775808,
];
/// Ids of stream entries.
const IDS: &[&str] = &[
    "0",
    "0-0",
    "0-1",
    "1",
    "1-0",
    "1-1",
    "1-2",
    "2-1",
    "2-*",
    "3",
    "3-*",
    "5-5",
    "7",
    "9-1",
    "9-*",
    "-",
    "+",
    "$",
    ">",
    "1-x",
    "-1",
    "18446744073709551615-18446744073709551615",
    "18446744073709551615-*",
];
/// What BITFIELD does.
const BITFIELD: &[&str] = &[
    "set u8 0 255",
    "set i8 #1 -100",
    "get u63 3",
    "get i64 0",
    "incrby u2 100 1",
    "incrby i5 100 9",
    "set u16 #3 70000",
    "incrby i64 0 9223372036854775807",
    "get u64 0",
    "set u1 7 2",
];

/// Settings that move the limits of encodings, and values for them.
pub(crate) const SETTINGS: &[(&str, &[&str])] = &[
    ("set-max-intset-entries", &["10", "512"]),
    ("set-max-listpack-entries", &["0", "4", "128"]),
    ("set-max-listpack-value", &["5", "64"]),
    ("hash-max-listpack-entries", &["0", "4", "128"]),
    ("hash-max-listpack-value", &["5", "64"]),
    ("zset-max-listpack-entries", &["0", "4", "128"]),
    ("zset-max-listpack-value", &["5", "64"]),
    ("list-max-listpack-size", &["1", "4", "-1", "-2"]),
    ("list-compress-depth", &["0", "1"]),
    ("stream-node-max-entries", &["1", "3", "100"]),
    ("stream-node-max-bytes", &["40", "4096"]),
    ("hll-sparse-max-bytes", &["10", "200", "3000"]),
    ("proto-max-bulk-len", &["1048576"]),
    ("notify-keyspace-events", &["EA", "EAmn", "Eg$lshzxd"]),
];

/// A source of sequences.
pub(crate) struct Generator {
    requests: Requests,
    commands: Vec<&'static Known>,
    /// Those that may wait.
    waiting: Vec<&'static Known>,
    templates: Vec<&'static str>,
    settings: Vec<(&'static str, &'static [&'static str])>,
    /// Only these commands, if any are named.
    only: Vec<String>,
}

/// Whether sequences are made of this command.
pub(crate) fn is_wanted(known: &Known) -> bool {
    let spec = known.entry.spec;
    let data = matches!(
        spec.group,
        Group::String
            | Group::List
            | Group::Set
            | Group::SortedSet
            | Group::Hash
            | Group::Stream
            | Group::Bitmap
            | Group::Hyperloglog
            | Group::Geo
    );
    let whole_databases =
        spec.group == Group::Server && (spec.keys.is_empty() && spec.has(flag::WRITE));
    let waits_for_replicas = spec.has(flag::BLOCKING) && spec.keys.is_empty();
    let listed = spec.group == Group::Server && spec.name == "dbsize";
    // DEBUG's relatives and what is bound to one server's files or bytes.
    let own = matches!(
        known.name.as_str(),
        "migrate"
            | "dump"
            | "restore"
            | "restore-asking"
            | "object|freq"
            | "object|idletime"
            | "pfdebug"
            | "pfselftest"
    );
    let is_command = known.entry.invoke.is_some() && spec.name != "help";
    is_command
        && !waits_for_replicas
        && !own
        && (data || whole_databases || listed || spec.group == Group::Generic)
}

impl Generator {
    /// A source that uses some commands and settings.
    pub(crate) fn new(
        seed: u64,
        commands: &[&'static Known],
        settings: &[&str],
        only: &[String],
    ) -> Generator {
        let name_of = |template: &&str| template.split(' ').next().unwrap_or("").to_owned();
        let usable = |template: &&&str| {
            let name = name_of(template);
            let known = commands.iter().any(|c| c.name.split('|').next() == Some(&name));
            (known || find(name.as_bytes()).is_none() && name == "nonsense")
                && (only.is_empty() || only.contains(&name))
        };
        Generator {
            requests: {
                let mut requests = Requests::new(seed, 0);
                requests.keys = 3;
                requests
            },
            commands: commands.to_vec(),
            waiting: commands
                .iter()
                .filter(|c| c.entry.spec.has(flag::BLOCKING))
                .copied()
                .collect(),
            templates: TEMPLATES.iter().filter(usable).copied().collect(),
            settings: SETTINGS
                .iter()
                .filter(|(name, _)| settings.contains(name))
                .copied()
                .collect(),
            only: only.to_vec(),
        }
    }

    /// The next sequence.
    pub(crate) fn sequence(&mut self) -> Sequence {
        let resp3 = self.rng().bool();
        let mut settings = Vec::new();
        if self.rng().bool() {
            for (name, values) in self.settings.clone() {
                if self.rng().u32(..3) == 0 {
                    let value = values[self.rng().usize(..values.len())];
                    settings.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        let focus = self.focus();
        let mut steps = Vec::new();
        for _ in 0..self.rng().usize(10..90) {
            match self.rng().u32(..120) {
                0 | 1 => self.transaction(&focus, &mut steps),
                2 => {
                    let db = self.rng().u32(..3).to_string();
                    steps.push(send(&["SELECT", &db]));
                }
                3 => {
                    let key = self.requests.key(Group::Generic);
                    let words = [b"PEXPIRE".to_vec(), key, b"1".to_vec()];
                    steps.extend([Step::Send(words.to_vec()), Step::Pass(A_MOMENT)]);
                }
                4..=7 => {
                    let request = self.beside(&focus);
                    steps.push(Step::Beside(request));
                }
                _ => steps.push(Step::Send(self.request(&focus))),
            }
        }
        // The others count keys that are due and not yet removed.
        if steps.iter().any(|step| matches!(step, Step::Pass(_))) {
            steps.retain(|step| !matches!(step, Step::Send(words) if words[0] == b"dbsize"));
        }
        Sequence { resp3, settings, steps }
    }

    fn rng(&mut self) -> &mut Rng {
        &mut self.requests.rng
    }

    /// The commands that this sequence is mostly made of.
    fn focus(&mut self) -> Vec<&'static Known> {
        let at = self.requests.rng.usize(..self.commands.len());
        let group = self.commands[at].entry.spec.group;
        let wanted = |known: &&&'static Known| match self.only.is_empty() {
            true => known.entry.spec.group == group,
            false => self.only.contains(&known.name.replace('|', " ")),
        };
        let focus: Vec<_> = self.commands.iter().filter(wanted).copied().collect();
        if focus.is_empty() { self.commands.clone() } else { focus }
    }

    /// A request for the second connection: half of them wait, if there is such a command.
    fn beside(&mut self, focus: &[&'static Known]) -> Vec<Vec<u8>> {
        let waits = |known: &&&'static Known| known.entry.spec.has(flag::BLOCKING);
        let near: Vec<_> = focus.iter().filter(waits).copied().collect();
        let list = if near.is_empty() { &self.waiting } else { &near };
        if list.is_empty() || self.requests.rng.bool() {
            return self.request(focus);
        }
        let known = list[self.requests.rng.usize(..list.len())];
        let (mut words, names) = self.requests.named_request(known);
        tame(&known.name, &mut words, &names, &mut self.requests.rng);
        for (at, name) in names.iter().enumerate() {
            let blocks = at > 0 && words[at - 1].eq_ignore_ascii_case(b"block");
            if name == "timeout" || name == "milliseconds" && blocks {
                words[at] = b"0".to_vec();
            }
        }
        words
    }

    fn transaction(&mut self, focus: &[&'static Known], steps: &mut Vec<Step>) {
        if self.rng().bool() {
            let key = self.requests.key(Group::Generic);
            steps.push(Step::Send(vec![b"WATCH".to_vec(), key]));
            if self.rng().u32(..3) == 0 {
                steps.push(Step::Send(self.request(focus)));
            }
        }
        steps.push(send(&["MULTI"]));
        for _ in 0..self.rng().usize(0..6) {
            steps.push(Step::Send(self.request(focus)));
        }
        let end = if self.rng().u32(..8) == 0 { "DISCARD" } else { "EXEC" };
        steps.push(send(&[end]));
    }

    fn request(&mut self, focus: &[&'static Known]) -> Vec<Vec<u8>> {
        if self.rng().u32(..3) == 0 && !self.templates.is_empty() {
            let at = self.requests.rng.usize(..self.templates.len());
            return self.fill(self.templates[at]);
        }
        loop {
            let all = self.only.is_empty() && self.rng().u32(..3) == 0;
            let list = if all { &self.commands } else { focus };
            let known = list[self.requests.rng.usize(..list.len())];
            let spec = known.entry.spec;
            let rare = spec.keys.is_empty() && spec.has(flag::WRITE) || spec.has(flag::BLOCKING);
            if rare && self.rng().u32(..8) != 0 {
                continue;
            }
            let (mut words, names) = self.requests.named_request(known);
            self.season(&mut words, &names);
            tame(&known.name, &mut words, &names, self.rng());
            // Elsewhere a number could come to be a time that is soon over.
            let timed = names.iter().any(|name| name.contains("seconds"));
            if !timed && self.rng().u32(..20) == 0 {
                self.spoil(&known.name, &mut words);
            }
            return words;
        }
    }

    /// Puts odd words where plain ones are.
    fn season(&mut self, words: &mut [Vec<u8>], names: &[String]) {
        for (word, name) in words.iter_mut().zip(names) {
            let name = name.as_str();
            if matches!(name, "" | "key" | "pattern") || name.starts_with("num") {
                continue;
            }
            let number = std::str::from_utf8(word).is_ok_and(|text| text.parse::<f64>().is_ok());
            match self.rng().u32(..16) {
                0 if number => *word = self.odd_number(),
                1..=5 if !number => *word = self.member(),
                6 if !number => *word = self.value(),
                _ => {}
            }
        }
    }

    /// Makes a request that is probably wrong.
    fn spoil(&mut self, name: &str, words: &mut Vec<Vec<u8>>) {
        // Fewer words may mean a random choice, or an endless wait.
        let fixed = matches!(name, "spop" | "scan" | "sscan" | "hscan" | "zscan");
        let first = 1 + name.matches('|').count();
        if words.len() <= first || fixed {
            return;
        }
        let at = self.rng().usize(first..words.len());
        match self.rng().u32(..4) {
            0 => drop(words.remove(at)),
            1 => {
                let word = words[at].clone();
                words.insert(at, word);
            }
            2 => {
                let other = self.rng().usize(first..words.len());
                words.swap(at, other);
            }
            _ => words.push(self.member()),
        }
        if name.starts_with('b') || name.starts_with("xread") {
            // A timeout may have come to stand elsewhere, or a 0 to mean for ever.
            for word in words.iter_mut().skip(first) {
                if word.iter().all(|b| b"0.+-x1".contains(b)) {
                    *word = b"0.01".to_vec();
                }
                *word = tamed_timeout(word);
            }
        }
    }

    fn fill(&mut self, template: &str) -> Vec<Vec<u8>> {
        let mut words = Vec::new();
        for word in template.split(' ') {
            self.fill_word(word, &mut words);
        }
        words
    }

    fn fill_word(&mut self, word: &str, words: &mut Vec<Vec<u8>>) {
        let Some(hole) = word.find('$').filter(|at| at + 1 < word.len()) else {
            return words.push(word.into());
        };
        let (before, after) = (&word[..hole], &word[hole + 2..]);
        let many = if self.rng().u32(..4) == 0 { 130 } else { 12 };
        let many = self.rng().usize(1..=many);
        let mut filled = match word.as_bytes()[hole + 1] {
            b's' => self.requests.key(Group::String),
            b'l' => self.requests.key(Group::List),
            b'S' => self.requests.key(Group::Set),
            b'h' => self.requests.key(Group::Hash),
            b'z' => self.requests.key(Group::SortedSet),
            b'x' => self.requests.key(Group::Stream),
            b'b' => self.requests.key(Group::Bitmap),
            b'p' => self.requests.key(Group::Hyperloglog),
            b'g' => self.requests.key(Group::Geo),
            b'k' => self.requests.key(Group::Generic),
            b'v' => self.value(),
            b'm' => self.member(),
            b'i' => self.rng().i32(-4..14).to_string().into(),
            b'j' => self.rng().u32(..3).to_string().into(),
            b'n' => self.odd_number(),
            b'f' => self.score(),
            b'd' => one_of(self.rng(), IDS).into(),
            b'o' => {
                let words_of = one_of(self.rng(), BITFIELD);
                return words.extend(words_of.split(' ').map(Into::into));
            }
            b'M' => return words.extend((0..many).map(|_| self.wide_member())),
            b'I' => {
                let bits = self.rng().u32(4..20);
                return words.extend((0..many).map(|_| self.integer(bits)));
            }
            b'V' => return words.extend((0..many).map(|_| self.value())),
            b'P' => {
                return (0..many).for_each(|_| {
                    let pair = [self.wide_member(), self.value()];
                    words.extend(pair);
                });
            }
            b'Z' => {
                return (0..many).for_each(|_| {
                    let pair = [self.score(), self.wide_member()];
                    words.extend(pair);
                });
            }
            other => unreachable!("${} in a template", other as char),
        };
        filled.splice(..0, before.bytes());
        filled.extend(after.bytes());
        words.push(filled);
    }

    /// One of few, so that it is met again.
    fn member(&mut self) -> Vec<u8> {
        match self.rng().u32(..12) {
            0 => self.value(),
            1 | 2 => self.rng().i32(-3..9).to_string().into(),
            _ => format!("m{}", self.rng().u32(..8)).into(),
        }
    }

    /// One of many.
    fn wide_member(&mut self) -> Vec<u8> {
        match self.rng().u32(..60) {
            0 => self.value(),
            1 => self.odd_number(),
            _ => format!("m{}", self.rng().u32(..400)).into(),
        }
    }

    fn integer(&mut self, bits: u32) -> Vec<u8> {
        if self.rng().u32(..12) == 0 {
            let at = self.rng().usize(..ODD_INTEGERS.len());
            return ODD_INTEGERS[at].to_string().into();
        }
        self.rng().i64(-(1 << bits)..(1 << bits)).to_string().into()
    }

    fn score(&mut self) -> Vec<u8> {
        match self.rng().u32(..8) {
            0 => self.odd_number(),
            1 | 2 => format!("{}.{}", self.rng().i32(-3..9), self.rng().u32(..1000)).into(),
            _ => self.rng().i32(-3..9).to_string().into(),
        }
    }

    fn odd_number(&mut self) -> Vec<u8> {
        one_of(self.rng(), ODD_NUMBERS).into()
    }

    fn value(&mut self) -> Vec<u8> {
        match self.rng().u32(..10) {
            0 => {
                let at = self.rng().usize(..ODD_LENGTHS.len());
                let letter = b"ab1"[self.rng().usize(..3)];
                vec![letter; ODD_LENGTHS[at]]
            }
            1 => self.odd_number(),
            2 => {
                let at = self.rng().usize(..ODD_INTEGERS.len());
                ODD_INTEGERS[at].to_string().into()
            }
            3 => (0..self.rng().usize(1..6)).map(|_| self.rng().u8(..)).collect(),
            4..=6 => self.member(),
            _ => self.requests.value(),
        }
    }
}

fn one_of<'w>(rng: &mut Rng, words: &[&'w str]) -> &'w str {
    words[rng.usize(..words.len())]
}

fn send(words: &[&str]) -> Step {
    Step::Send(words.iter().map(|word| word.as_bytes().to_vec()).collect())
}

/// Takes from a request what would differ by nature, or take too long.
fn tame(command: &str, words: &mut Vec<Vec<u8>>, names: &[String], rng: &mut Rng) {
    for at in 0..words.len() {
        let before = at.checked_sub(1).map(|at| words[at].to_ascii_lowercase());
        let blocks = before.is_some_and(|word| word == b"block");
        let word = &mut words[at];
        let value = integer_in(word);
        match names[at].as_str() {
            "milliseconds" if blocks => *word = b"5".to_vec(),
            "timeout" => *word = tamed_timeout(word),
            "seconds" => *word = tamed_time(word, rng, 10_000, 0),
            "milliseconds" => *word = tamed_time(word, rng, 10_000_000, 0),
            "unix-time-seconds" => *word = tamed_time(word, rng, 4_102_444_800, 1),
            "unix-time-milliseconds" => *word = tamed_time(word, rng, 4_102_444_800_000, 1),
            "min-idle-time" | "min-idle-ms" => {
                *word = if rng.u32(..4) == 0 { b"100000000".to_vec() } else { b"0".to_vec() };
            }
            "ms" => *word = b"100000000".to_vec(),
            "cursor" if reads_as_number(word) => *word = b"0".to_vec(),
            "offset" if value.is_some_and(|n| (100_000..1 << 32).contains(&n)) => {
                *word = b"77".to_vec();
            }
            "count" if is_scan(command) && value.is_some_and(|n| n > 0) => {
                *word = b"100000".to_vec();
            }
            "count" if command == "spop" && value.is_some_and(|n| n > 0) => {
                *word = b"100000".to_vec();
            }
            "count" if value.is_some_and(|n| n < -1000 && n != i64::MIN) => {
                *word = b"-7".to_vec();
            }
            _ if command == "xadd" && word == b"*" => *word = one_of(rng, IDS).into(),
            "id" | "start" | "end" | "lastid" | "last-id" | "max-deleted-id" | "threshold"
                if command.starts_with('x') && rng.u32(..4) != 0 =>
            {
                *word = one_of(rng, IDS).into();
            }
            "group" => *word = format!("g{}", rng.u32(..3)).into(),
            "consumer" => *word = format!("c{}", rng.u32(..3)).into(),
            _ => {}
        }
    }
    let by_name = command.ends_with("bylex") || command == "zlexcount" || says(words, "bylex");
    if by_name && words.len() > 2 {
        // An order by name is one only where all scores are the same.
        let at = if command == "zrangestore" { 2 } else { 1 };
        words[at] = format!("lex{}", rng.u32(..3)).into();
    }
    if command == "sort" && ["by", "alpha", "store"].iter().all(|word| says(words, word)) {
        // Texts of equal weight stand in any order, which STORE would keep.
        words.retain(|word| !word.eq_ignore_ascii_case(b"alpha"));
    }
    if command == "spop" && words.len() == 2 {
        words.push(b"100000".to_vec());
    }
    if is_scan(command) && !says(words, "count") {
        words.extend([b"COUNT".to_vec(), b"100000".to_vec()]);
    }
}

fn says(words: &[Vec<u8>], keyword: &str) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(keyword.as_bytes()))
}

fn is_scan(command: &str) -> bool {
    matches!(command, "scan" | "sscan" | "hscan" | "zscan")
}

/// Whether somebody may read a number here, of whatever size.
fn reads_as_number(word: &[u8]) -> bool {
    word.iter().any(u8::is_ascii_digit)
}

fn integer_in(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// A time that lies far away or in the past; words that are none stay.
fn tamed_time(word: &[u8], rng: &mut Rng, far: i64, past: i64) -> Vec<u8> {
    let value = match integer_in(word) {
        Some(n) if n > 0 && n < far * 1000 => far + rng.i64(..4),
        Some(0) => past,
        _ => return word.to_vec(),
    };
    value.to_string().into()
}

/// A timeout that ends at once; words that are none stay.
fn tamed_timeout(word: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(word).unwrap_or("").trim();
    if text.starts_with("0x") {
        return b"0x1p-6".to_vec();
    }
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..1e12).contains(&seconds) => b"0.01".to_vec(),
        _ => word.to_vec(),
    }
}
