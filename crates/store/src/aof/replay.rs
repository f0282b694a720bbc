//! Commands of the log's files, played on an engine.
//!
//! A file is read once, in a window that grows with the largest command; nothing is believed of a
//! length that is announced beyond the file's end. Transactions are applied as one: what comes after a
//! `MULTI` without its `EXEC` was never applied, and does not count as good.
//!
//! How a file may end is [`End`]: what a crash leaves is told from other damage. Seals are checked
//! before what they seal is played. Knows no folder; see [`super::load`].

use super::encode::{SEAL, parse_seal};
use larder_engine::commands::transactions::{discard, exec, multi};
use larder_engine::{Flow, Session};
use larder_resp::{ArgVec, Limits, parse_whole};
use std::io::{self, Read};

/// First size of the window, and of each read.
const WINDOW_BYTES: usize = 256 * 1024;

/// Longest line that begins with `#` or names a length.
const MAX_LINE_BYTES: usize = 128;

/// What a disk writes at once.
const SECTOR: u64 = 512;

/// How a file ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With a whole command.
    Whole,
    /// In the middle of a command or of a transaction.
    Short,
    /// In sectors that a power failure has lost.
    Torn,
    /// Not at all: something else stands there.
    Damaged {
        /// The byte of the file.
        at: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Commands that were played.
    pub commands: u64,
    /// Commands that the engine answered with an error; Redis passes over them, too.
    pub refused: u64,
    /// Bytes that are good, from the file's beginning.
    pub good: u64,
    /// What comes after them.
    pub end: End,
}

/// Plays commands. `size` is the file's, of which `offset` bytes came before `input`; `progress`
/// hears how far it is, now and then.
///
/// # Errors
/// What the disk says.
pub fn replay(
    input: &mut dyn Read,
    (offset, size): (u64, u64),
    session: &mut Session,
    progress: &mut dyn FnMut(u64),
) -> io::Result<Replayed> {
    let window = Window { input, bytes: Vec::new(), at: 0, offset, size, ended: false };
    let done = Replayed { commands: 0, refused: 0, good: offset, end: End::Whole };
    Player { window, session, done, in_multi: false, reply: Vec::new(), sealed_to: 0 }
        .play(progress)
}

/// The bytes around the place that is read.
struct Window<'r> {
    input: &'r mut dyn Read,
    bytes: Vec<u8>,
    /// Bytes of the window that are done with.
    at: usize,
    /// The file's byte that `bytes[0]` is.
    offset: u64,
    size: u64,
    ended: bool,
}

impl Window<'_> {
    fn front(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// The file's byte at the front.
    fn place(&self) -> u64 {
        self.offset + self.at as u64
    }

    /// Makes the front hold `wanted` bytes; whether there are so many.
    fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        if self.front().len() >= wanted {
            return Ok(true);
        }
        if self.place() + wanted as u64 > self.size {
            // As much as there is, for whoever looks at the end.
            return self.read_to(self.size.saturating_sub(self.place()) as usize).map(|()| false);
        }
        self.read_to(wanted.max(WINDOW_BYTES.min((self.size - self.place()) as usize)))?;
        Ok(self.front().len() >= wanted)
    }

    fn read_to(&mut self, wanted: usize) -> io::Result<()> {
        if self.at > 0 {
            self.bytes.drain(..self.at);
            self.offset += self.at as u64;
            self.at = 0;
        }
        while self.bytes.len() < wanted && !self.ended {
            let missing = (wanted - self.bytes.len()).min(64 * WINDOW_BYTES) as u64;
            let read = Read::take(&mut *self.input, missing).read_to_end(&mut self.bytes)?;
            self.ended = read == 0;
        }
        Ok(())
    }
}

/// What stands at the front of a window.
#[derive(Debug, PartialEq, Eq)]
enum Scan {
    /// A command of so many bytes.
    Whole(usize),
    /// The beginning of one: at least so many bytes are needed.
    More(usize),
    /// Something else, from this byte on.
    Bad(usize, &'static str),
}

/// Looks at a command's form, strictly.
fn scan(bytes: &[u8]) -> Scan {
    let (count, mut at) = match length(bytes, 0, b'*') {
        Ok(found) => found,
        Err(other) => return other,
    };
    if count < 1 {
        return Scan::Bad(1, "a command of no words");
    }
    for _ in 0..count {
        let (word, start) = match length(bytes, at, b'$') {
            Ok(found) => found,
            Err(other) => return other,
        };
        let end = start.saturating_add(word as usize);
        match bytes.get(end..end.saturating_add(2)) {
            // A break that is half there may already be wrong.
            None if bytes.get(end).is_none_or(|&byte| byte == b'\r') => {
                return Scan::More(end.saturating_add(2));
            }
            Some(b"\r\n") => at = end + 2,
            _ => {
                let bad = end + usize::from(bytes[end] == b'\r');
                return Scan::Bad(bad, "a word does not end where it should");
            }
        }
    }
    Scan::Whole(at)
}

/// The number of a header line, and where the line ends.
fn length(bytes: &[u8], at: usize, kind: u8) -> Result<(u64, usize), Scan> {
    let line = bytes.get(at..).unwrap_or(&[]);
    match line.first() {
        None => return Err(Scan::More(at + 1)),
        Some(&first) if first != kind => return Err(Scan::Bad(at, "no command begins here")),
        Some(_) => {}
    }
    let digits = line[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = 1 + digits;
    match line.get(end..end + 2) {
        Some(b"\r\n") if (1..=18).contains(&digits) => {
            let number = line[1..end].iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0'));
            Ok((number, at + end + 2))
        }
        None if digits <= 18 && line.get(end).is_none_or(|&byte| byte == b'\r' && digits > 0) => {
            Err(Scan::More(at + end + 2))
        }
        _ => {
            let bad = end + usize::from(line.get(end) == Some(&b'\r'));
            Err(Scan::Bad(at + bad, "a length is no number"))
        }
    }
}

struct Player<'r, 's> {
    window: Window<'r>,
    session: &'s mut Session,
    done: Replayed,
    in_multi: bool,
    reply: Vec<u8>,
    /// The file's byte up to which a seal was checked.
    sealed_to: u64,
}

impl Player<'_, '_> {
    fn play(mut self, progress: &mut dyn FnMut(u64)) -> io::Result<Replayed> {
        let limits = Limits { max_bulk_bytes: u64::MAX, ..Limits::default() };
        let mut told = 0;
        while self.window.fill(1)? {
            if self.window.place() >= told {
                told = self.window.place() + 4 * WINDOW_BYTES as u64;
                progress(self.window.place());
            }
            let going_on = match self.window.front()[0] {
                b'#' => self.line()?,
                _ => self.command(&limits)?,
            };
            if !going_on {
                break;
            }
        }
        if self.done.end == End::Whole && self.in_multi {
            self.done.end = End::Short;
        }
        if self.in_multi {
            let _ = self.session.execute(&[discard::SPEC.name.as_bytes()], &mut Vec::new());
        }
        progress(self.done.good);
        Ok(self.done)
    }

    /// A line that is no command; whether to go on.
    fn line(&mut self) -> io::Result<bool> {
        self.window.fill(MAX_LINE_BYTES)?;
        let front = self.window.front();
        let shown = &front[..front.len().min(MAX_LINE_BYTES)];
        let Some(end) = shown.iter().position(|&byte| byte == b'\n') else {
            let zero = shown.iter().position(|&byte| byte == 0);
            return match (zero, shown.len() < MAX_LINE_BYTES) {
                (Some(zero), _) => self.end_at(zero, "a line of zeros"),
                (None, true) => Ok(self.end(End::Short)),
                (None, false) => self.end_at(0, "a line is too long"),
            };
        };
        let line = shown[..end].strip_suffix(b"\r").unwrap_or(&shown[..end]);
        let used = end + 1;
        if !line.starts_with(SEAL) {
            self.window.at += used;
            return Ok(self.advance());
        }
        let Some((bytes, crc)) = parse_seal(line) else {
            return self.end_at(0, "a seal cannot be read");
        };
        let Some(all) = usize::try_from(bytes).ok().and_then(|bytes| used.checked_add(bytes))
        else {
            return Ok(self.end(End::Short));
        };
        if !self.window.fill(all)? {
            return self.sealed_short(used);
        }
        if larder_codec::crc64::of(&self.window.front()[used..all]) != crc {
            // Only a lost sector leaves the form whole and the bytes wrong; of other damage there is
            // no telling, and what was sealed is not believed either way.
            let lost =
                lost_sector(&self.window.front()[used..all], self.window.place() + used as u64);
            return match lost {
                true => Ok(self.end(End::Torn)),
                false => self.end_at(used, "the bytes are not those that were sealed"),
            };
        }
        self.sealed_to = self.window.place() + all as u64;
        self.window.at += used;
        Ok(self.advance())
    }

    /// A seal for more than there is: the commands show whether the end is merely missing.
    fn sealed_short(&mut self, used: usize) -> io::Result<bool> {
        let mut at = used;
        loop {
            match scan(&self.window.front()[at..]) {
                Scan::Whole(length) => at += length,
                Scan::More(_) => return Ok(self.end(End::Short)),
                Scan::Bad(bad, reason) => return self.end_at(at + bad, reason),
            }
        }
    }

    /// A command; whether to go on.
    fn command(&mut self, limits: &Limits) -> io::Result<bool> {
        if let Some((played, length)) = self.quick(limits) {
            return self.after(played, length);
        }
        // The quick way does not know every form.
        match scan(self.window.front()) {
            Scan::Whole(length) => self.slow(length),
            Scan::More(wanted) if self.window.fill(wanted)? => Ok(true),
            Scan::More(_) => match scan(self.window.front()) {
                Scan::Bad(at, reason) => self.end_at(at, reason),
                Scan::Whole(_) => Ok(true),
                Scan::More(_) => Ok(self.end(End::Short)),
            },
            Scan::Bad(at, reason) => self.end_at(at, reason),
        }
    }

    /// Plays a command that is there whole.
    fn quick(&mut self, limits: &Limits) -> Option<(Result<bool, String>, usize)> {
        let mut words = ArgVec::new();
        let length = parse_whole(self.window.front(), limits, &mut words)?;
        if words.is_empty() {
            return None;
        }
        let played = play_one(self.session, &words, &mut self.in_multi, &mut self.reply);
        Some((played, length))
    }

    fn slow(&mut self, length: usize) -> io::Result<bool> {
        let mut words: Vec<&[u8]> = Vec::new();
        let bytes = &self.window.bytes[self.window.at..self.window.at + length];
        let (count, mut at) = match self::length(bytes, 0, b'*') {
            Ok(found) => found,
            Err(_) => return Ok(self.end(End::Short)),
        };
        for _ in 0..count {
            if let Ok((word, start)) = self::length(bytes, at, b'$') {
                let end = start + word as usize;
                words.push(&bytes[start..end]);
                at = end + 2;
            }
        }
        let played = play_one(self.session, &words, &mut self.in_multi, &mut self.reply);
        self.after(played, length)
    }

    fn after(&mut self, played: Result<bool, String>, length: usize) -> io::Result<bool> {
        match played {
            Ok(refused) => self.done.refused += u64::from(refused),
            Err(reason) => {
                let at = self.window.place();
                return Ok(self.end(End::Damaged { at, reason }));
            }
        }
        self.done.commands += 1;
        self.window.at += length;
        Ok(self.advance())
    }

    /// What was read is good, unless a transaction is open.
    fn advance(&mut self) -> bool {
        if !self.in_multi && self.window.place() >= self.sealed_to {
            self.done.good = self.window.place();
        }
        true
    }

    /// The end of what can be read.
    fn end(&mut self, end: End) -> bool {
        self.done.end = end;
        false
    }

    /// The end, at a byte from the front that should be another: zeros up to the end of its sector
    /// are what a power failure leaves.
    fn end_at(&mut self, at: usize, reason: &'static str) -> io::Result<bool> {
        let place = self.window.place() + at as u64;
        let sector_end = (place + 1).next_multiple_of(SECTOR).min(self.window.size);
        self.window.fill((sector_end - self.window.place()) as usize)?;
        let rest = self.window.front();
        let rest = &rest[at.min(rest.len())..rest.len().min((sector_end - place) as usize + at)];
        let torn = !rest.is_empty() && rest.iter().all(|&byte| byte == 0);
        let end =
            if torn { End::Torn } else { End::Damaged { at: place, reason: reason.to_owned() } };
        Ok(self.end(end))
    }
}

/// Whether the end of some sector of these bytes, which begin at a byte of the file, is zeros.
fn lost_sector(bytes: &[u8], place: u64) -> bool {
    let first = ((place + 1).next_multiple_of(SECTOR) - place) as usize;
    let ends = (first..=bytes.len()).step_by(SECTOR as usize).chain([bytes.len()]);
    let zero = |end: usize| end >= 1 && bytes[..end].iter().rev().take(8).all(|&byte| byte == 0);
    ends.into_iter().any(|end| end <= bytes.len() && zero(end))
}

/// Plays a command: whether the engine refused it, or why the log cannot hold it.
fn play_one(
    session: &mut Session,
    words: &[&[u8]],
    in_multi: &mut bool,
    reply: &mut Vec<u8>,
) -> Result<bool, String> {
    let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    reply.clear();
    let flow = session.execute(words, reply);
    match words[0] {
        name if is(name, multi::SPEC.name) => *in_multi = true,
        name if is(name, exec::SPEC.name) || is(name, discard::SPEC.name) => {
            *in_multi = false;
        }
        _ => {}
    }
    match flow {
        Flow::Continue => {}
        Flow::Blocked => session.cancel_wait(),
        other => {
            let name = String::from_utf8_lossy(words[0]);
            return Err(format!("{name} cannot be played ({other:?})"));
        }
    }
    if reply.first() != Some(&b'-') {
        return Ok(false);
    }
    let text = String::from_utf8_lossy(&reply[1..]);
    if text.starts_with("ERR unknown command") || text.starts_with("EXECABORT") {
        return Err(text.trim_end().to_owned());
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_engine::testing::TestEngine;

    fn play(bytes: &[u8]) -> (Replayed, TestEngine) {
        let test = TestEngine::new(4);
        let (mut session, _) = test.session();
        session.replay();
        test.engine.set_loading(true);
        let mut input = bytes;
        let size = bytes.len() as u64;
        let done = replay(&mut input, (0, size), &mut session, &mut |_| {}).unwrap();
        test.engine.set_loading(false);
        (done, test)
    }

    fn get(test: &TestEngine, line: &str) -> String {
        String::from_utf8(larder_engine::testing::send(&mut test.session().0, line)).unwrap()
    }

    const SET: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";

    #[test]
    fn every_cut_leaves_whole_commands() {
        let file = [SET, b"#TS:170\r\n", b"*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n", SET].concat();
        let ends = [0, SET.len(), SET.len() + 9, SET.len() + 9 + 21, file.len()];
        for cut in 0..=file.len() {
            let (done, _) = play(&file[..cut]);
            let good = *ends.iter().rfind(|&&end| end <= cut).unwrap() as u64;
            let end = if good == cut as u64 { End::Whole } else { End::Short };
            assert_eq!((done.good, done.end), (good, end), "cut at {cut}");
        }
    }

    #[test]
    fn an_open_transaction_never_happened() {
        let multi = b"*1\r\n$5\r\nMULTI\r\n";
        let (done, test) = play(&[SET, multi, b"*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n"].concat());
        assert_eq!((done.good, done.end), (SET.len() as u64, End::Short));
        assert_eq!(get(&test, "GET k"), "$1\r\nv\r\n");
        let (done, test) =
            play(&[SET, multi, b"*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n*1\r\n$4\r\nEXEC\r\n"].concat());
        assert_eq!(done.end, End::Whole);
        assert_eq!(get(&test, "GET k"), "$-1\r\n");
    }

    #[test]
    fn damage_is_told_from_what_a_crash_leaves() {
        let torn = [SET, &[0; 600]].concat();
        assert_eq!(play(&torn).0.end, End::Torn);
        let inside = [SET, b"*3\r\n$3\r\nSET", &[0; 900]].concat();
        assert_eq!(play(&inside).0.end, End::Torn);
        for (bad, word) in [
            (&b"!!!"[..], "begins"),
            (b"*x\r\n", "number"),
            (b"*0\r\n", "no words"),
            (b"*1\r\n$4\r\nPINGxx", "end where"),
            (b"*1\r\n$6\r\nNOSUCH\r\n", "unknown command"),
            (b"*1\r\n$99999999999999999999\r\n", "number"),
            (b"*1\r\n+a\r\n", "begins"),
        ] {
            let (done, _) = play(&[SET, bad, SET].concat());
            let End::Damaged { at, reason } = done.end else { panic!("{bad:?}: {done:?}") };
            assert!(reason.contains(word), "{reason}");
            assert!(done.good == SET.len() as u64 && at >= done.good);
        }
        assert_eq!(play(b"*2\r\n$3\r\nGET\r\n$999999999999\r\nx").0.end, End::Short);
    }

    #[test]
    fn a_sector_lost_inside_a_value_is_seen() {
        use crate::aof::encode::Encoder;
        use larder_engine::log::{Frame, Head};
        let mut payload = Vec::new();
        larder_resp::encode_request(&mut payload, &[&b"SET"[..], b"big", &[b'x'; 4000]]);
        let bytes = payload.len();
        let frame = Frame { start: 0, end: 0, head: Head::default(), payload, bytes };
        let mut file = SET.to_vec();
        Encoder { db: Some(0), time_s: 0 }.add(&frame, false, &mut file);
        assert_eq!(play(&file).0.end, End::Whole);
        for cut in SET.len() + 1..file.len() {
            let (done, _) = play(&file[..cut]);
            assert_eq!((done.good, done.end), (SET.len() as u64, End::Short), "{cut}");
        }
        file[1024..1536].fill(0);
        let (done, test) = play(&file);
        assert_eq!((done.good, done.end), (SET.len() as u64, End::Torn));
        assert_eq!(get(&test, "EXISTS big"), ":0\r\n");
    }

    #[test]
    fn what_was_said_of_a_key_before_its_end_is_not_said_of_another() {
        let file =
            b"*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\na\r\n*3\r\n$9\r\nPEXPIREAT\r\n$1\r\nl\r\n\
                     $4\r\n5000\r\n*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\nb\r\n";
        let (done, test) = play(file);
        assert_eq!(done.end, End::Whole);
        assert_eq!(get(&test, "LLEN l"), ":0\r\n");
    }
}
