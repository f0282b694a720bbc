//! Commands worth a note: slow ones, large requests, large replies. What `COMMANDLOG` shows, and of
//! the slow ones `SLOWLOG`. Newest first, bounded by settings; long commands are cut, secrets left
//! out. Knows no command.

use crate::config::{Config, Id};
use crate::sync::Mutex;
use std::collections::VecDeque;

/// Words of a command that are kept.
const MAX_WORDS: usize = 32;

/// Bytes of a word that are kept.
const MAX_WORD: usize = 128;

/// What stands in the place of a secret.
const REDACTED: &[u8] = b"(redacted)";

/// Why a command is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remarkable {
    /// It took long; measured in microseconds.
    Slow,
    /// Its request is large; measured in bytes.
    LargeRequest,
    /// Its reply is large; measured in bytes.
    LargeReply,
}

impl Remarkable {
    /// All of them.
    pub(crate) const ALL: [Remarkable; 3] =
        [Remarkable::Slow, Remarkable::LargeRequest, Remarkable::LargeReply];

    /// The setting that says from which figure on a command is kept; below 0 none is.
    pub(crate) fn threshold(self) -> Id {
        match self {
            Remarkable::Slow => Id::SlowlogLogSlowerThan,
            Remarkable::LargeRequest => Id::CommandlogRequestLargerThan,
            Remarkable::LargeReply => Id::CommandlogReplyLargerThan,
        }
    }

    fn max_len(self) -> Id {
        match self {
            Remarkable::Slow => Id::SlowlogMaxLen,
            Remarkable::LargeRequest => Id::CommandlogLargeRequestMaxLen,
            Remarkable::LargeReply => Id::CommandlogLargeReplyMaxLen,
        }
    }
}

/// The logs of all kinds.
#[derive(Debug, Default)]
pub(crate) struct CommandLog([Mutex<Entries>; 3]);

#[derive(Debug, Default)]
struct Entries {
    next_id: u64,
    newest_first: VecDeque<Kept>,
}

/// A command that is kept.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// Number of the entry, from 0 on as long as the engine lives.
    pub(crate) id: u64,
    /// When it was kept, in Unix microseconds.
    pub(crate) at_us: u64,
    /// How long it took, or how large it is.
    pub(crate) figure: u64,
    /// Its words, cut.
    pub(crate) words: Vec<Vec<u8>>,
    /// The client's address and name.
    pub(crate) client: (String, String),
}

impl CommandLog {
    /// Adds a command whose words were [`cut`], and drops the oldest beyond the bound.
    pub(crate) fn add(
        &self,
        config: &Config,
        why: Remarkable,
        (at_us, figure): (u64, u64),
        words: Vec<Vec<u8>>,
        client: (String, String),
    ) {
        let max_len = config.count(why.max_len());
        if max_len == 0 {
            return;
        }
        let mut entries = self.0[why as usize].lock();
        let id = entries.next_id;
        entries.next_id += 1;
        entries.newest_first.push_front(Kept { id, at_us, figure, words, client });
        entries.newest_first.truncate(max_len);
    }

    /// The newest entries.
    pub(crate) fn newest(&self, why: Remarkable, count: usize) -> Vec<Kept> {
        self.0[why as usize].lock().newest_first.iter().take(count).cloned().collect()
    }

    /// How many there are.
    pub(crate) fn len(&self, why: Remarkable) -> usize {
        self.0[why as usize].lock().newest_first.len()
    }

    /// Forgets all of a kind.
    pub(crate) fn clear(&self, why: Remarkable) {
        self.0[why as usize].lock().newest_first.clear();
    }
}

/// The words of a command as they are kept.
pub(crate) fn cut<W: AsRef<[u8]>>(words: &[W], redacted: &[u16]) -> Vec<Vec<u8>> {
    let shown = if words.len() > MAX_WORDS { MAX_WORDS - 1 } else { words.len() };
    let word = |(at, word): (usize, &W)| -> Vec<u8> {
        let word = word.as_ref();
        if redacted.iter().any(|&hidden| usize::from(hidden) == at) {
            REDACTED.to_vec()
        } else if word.len() > MAX_WORD {
            let more = format!("... ({} more bytes)", word.len() - MAX_WORD);
            [&word[..MAX_WORD], more.as_bytes()].concat()
        } else {
            word.to_vec()
        }
    };
    let mut kept: Vec<Vec<u8>> = words[..shown].iter().enumerate().map(word).collect();
    if shown < words.len() {
        kept.push(format!("... ({} more arguments)", words.len() - shown).into_bytes());
    }
    kept
}

/// Bytes of a request in the protocol.
pub(crate) fn request_bytes(words: &[&[u8]]) -> u64 {
    let digits = |len: usize| len.checked_ilog10().map_or(1, |log10| log10 as usize + 1);
    let word = |word: &&[u8]| 5 + digits(word.len()) + word.len();
    (3 + digits(words.len()) + words.iter().map(word).sum::<usize>()) as u64
}

/// No request of these words has fewer bytes: a figure that is had in passing.
#[inline]
pub(crate) fn least_bytes(words: &[&[u8]]) -> u64 {
    words.iter().map(|word| word.len() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_commands_are_cut_and_secrets_hidden() {
        let long = [b'x'; 130];
        let mut words: Vec<&[u8]> = vec![b"cmd", &long, b"secret"];
        let kept = cut(&words, &[2]);
        assert_eq!(kept[1], [&[b'x'; 128][..], b"... (2 more bytes)"].concat());
        assert_eq!(kept[2], REDACTED);
        words.resize(40, b"w");
        let kept = cut(&words, &[]);
        assert_eq!(kept.len(), 32);
        assert_eq!(kept[31], b"... (9 more arguments)");
    }

    #[test]
    fn requests_are_as_large_as_the_protocol_makes_them() {
        let long = [b'x'; 100];
        for words in [&[&b"PING"[..]][..], &[b"SET", b"", &long], &[&b"A"[..]; 10]] {
            let mut bytes = Vec::new();
            larder_resp::encode_request(&mut bytes, words);
            assert_eq!(request_bytes(words), bytes.len() as u64);
            assert!(least_bytes(words) < bytes.len() as u64);
        }
    }
}
