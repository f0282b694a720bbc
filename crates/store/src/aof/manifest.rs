//! The manifest: which files are the log, in which order.
//!
//! ```text
//! file appendonly.aof.2.base.rdb seq 2 type b
//! file appendonly.aof.1.incr.aof seq 1 type h
//! file appendonly.aof.4.incr.aof seq 4 type i
//! ```
//! The base is loaded first, then the increments in their order; what is of type `h` was replaced
//! and waits to be removed. Words that are not known yet come in pairs and are passed over. Holds
//! text only: who reads and writes it is [`super::folder`].

use std::fmt::Write as _;

/// A file of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name inside the log's folder.
    pub name: String,
    /// Its number among those of its kind.
    pub seq: u64,
}

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// What everything begins with.
    pub base: Option<Part>,
    /// What was logged since, oldest first.
    pub increments: Vec<Part>,
    /// What is to be removed.
    pub history: Vec<Part>,
}

/// Why a manifest cannot be read: the line's number, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadManifest {
    /// Counted from 1; 0 for the whole.
    pub line: usize,
    /// In a few words.
    pub reason: &'static str,
}

/// Longest line.
const MAX_LINE_BYTES: usize = 1024;

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// What is wrong where.
    pub fn parse(text: &[u8]) -> Result<Manifest, BadManifest> {
        let mut manifest = Manifest::default();
        let bad = |line, reason| BadManifest { line, reason };
        if text.is_empty() {
            return Err(bad(0, "Found an empty AOF manifest"));
        }
        if text.last() != Some(&b'\n') {
            let line = text.split(|&byte| byte == b'\n').count();
            return Err(bad(line, "Invalid AOF manifest file format: the last line has no end"));
        }
        for (at, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let number = at + 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() && text.len() > 1 && at > 0 {
                continue;
            }
            if line.first() == Some(&b'#') {
                continue;
            }
            if line.len() > MAX_LINE_BYTES {
                return Err(bad(number, "The AOF manifest file contains too long line"));
            }
            manifest.add(line).map_err(|reason| bad(number, reason))?;
        }
        Ok(manifest)
    }

    fn add(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let words = larder_resp::split_quoted(line)
            .map_err(|_| "Invalid AOF manifest file format: quotes are not balanced")?;
        if words.len() < 6 || !words.len().is_multiple_of(2) {
            return Err("Invalid AOF manifest file format: no pairs of words");
        }
        let (mut name, mut seq, mut kind) = (None, None, None);
        for pair in words.chunks(2) {
            let value = std::str::from_utf8(&pair[1])
                .map_err(|_| "Invalid AOF manifest file format: no text")?;
            if pair[0].eq_ignore_ascii_case(b"file") {
                name = Some(base_name(value)?);
            } else if pair[0].eq_ignore_ascii_case(b"seq") {
                seq = Some(
                    value
                        .parse()
                        .map_err(|_| "Invalid AOF manifest file format: seq is no number")?,
                );
            } else if pair[0].eq_ignore_ascii_case(b"type") {
                kind = value.chars().next();
            }
        }
        let part = Part {
            name: name.ok_or("Invalid AOF manifest file format: file is missing")?.to_owned(),
            seq: seq
                .filter(|&seq| seq > 0)
                .ok_or("Invalid AOF manifest file format: seq is missing or 0")?,
        };
        match kind {
            Some('b') if self.base.is_some() => {
                return Err("Found duplicate base file information");
            }
            Some('b') => self.base = Some(part),
            Some('h') => self.history.push(part),
            Some('i') if self.increments.last().is_some_and(|last| last.seq >= part.seq) => {
                return Err("Found a non-monotonic sequence number");
            }
            Some('i') => self.increments.push(part),
            _ => return Err("Unknown AOF file type"),
        }
        Ok(())
    }

    /// The manifest as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut add = |part: &Part, kind| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "file {} seq {} type {kind}", quoted(&part.name), part.seq);
        };
        self.base.iter().for_each(|part| add(part, 'b'));
        self.history.iter().for_each(|part| add(part, 'h'));
        self.increments.iter().for_each(|part| add(part, 'i'));
        text
    }

    /// The number for the next base.
    #[must_use]
    pub fn next_base(&self) -> u64 {
        self.base.as_ref().map_or(0, |base| base.seq) + 1
    }

    /// The number for the next increment.
    #[must_use]
    pub fn next_increment(&self) -> u64 {
        let history = self.history.iter().filter(|part| part.name.ends_with(".incr.aof"));
        self.increments.iter().chain(history).map(|part| part.seq).max().unwrap_or(0) + 1
    }

    /// The increment of a number.
    #[must_use]
    pub fn increment(&self, seq: u64) -> Option<&Part> {
        self.increments.iter().find(|part| part.seq == seq)
    }
}

fn base_name(name: &str) -> Result<&str, &'static str> {
    match name {
        "" | "." | ".." => Err("File can't be a path, just a filename"),
        name if name.contains(['/', '\0']) => Err("File can't be a path, just a filename"),
        name => Ok(name),
    }
}

/// A name as one word.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '\\');
    if name.chars().all(plain) {
        return name.to_owned();
    }
    let mut word = "\"".to_owned();
    for byte in name.bytes() {
        match byte {
            b'"' | b'\\' => word.extend(['\\', char::from(byte)]),
            b' '..=b'~' => word.push(char::from(byte)),
            _ => {
                let _ = write!(word, "\\x{byte:02x}");
            }
        }
    }
    word + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_writes_is_read_and_written_back() {
        let text = "file appendonly.aof.2.base.rdb seq 2 type b\n\
                    file appendonly.aof.1.incr.aof seq 1 type h\n\
                    file appendonly.aof.3.incr.aof seq 3 type i\n\
                    file \"a b\\\".4.incr.aof\" seq 4 type i\n";
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(manifest.base.as_ref().unwrap().seq, 2);
        assert_eq!(manifest.increments[1].name, "a b\".4.incr.aof");
        assert_eq!((manifest.next_base(), manifest.next_increment()), (3, 5));
        assert_eq!(manifest.to_text(), text);
        let with_comment = format!("# of ours\n{text}");
        assert_eq!(Manifest::parse(with_comment.as_bytes()).unwrap(), manifest);
        let later = "file a.1.incr.aof seq 1 type i startoffset 0\n";
        assert!(Manifest::parse(later.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, line, word) in [
            ("", 0, "empty"),
            ("\n", 1, "pairs"),
            ("file a seq 1 type b", 1, "no end"),
            ("file a seq 1 type b\nfile c seq 1 type b\n", 2, "duplicate base"),
            ("file a seq 2 type i\nfile c seq 1 type i\n", 2, "monotonic"),
            ("file a/b seq 1 type b\n", 1, "path"),
            ("file a seq 0 type b\n", 1, "seq"),
            ("file a seq x type b\n", 1, "number"),
            ("file a seq 1 type x\n", 1, "Unknown"),
            ("file \"a seq 1 type b\n", 1, "quotes"),
            ("seq 1 type b x y\n", 1, "file"),
        ] {
            let error = Manifest::parse(text.as_bytes()).expect_err(text);
            assert!(error.line == line && error.reason.contains(word), "{text}: {error:?}");
        }
    }
}
