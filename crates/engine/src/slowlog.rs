//! Commands that took long: what `SLOWLOG` shows. Newest first, bounded by a setting; long
//! commands are cut, secrets left out. Knows no command.

use crate::sync::Mutex;
use std::collections::VecDeque;

/// Words of a command that are kept.
const MAX_WORDS: usize = 32;

/// Bytes of a word that are kept.
const MAX_WORD: usize = 128;

/// What stands in the place of a secret.
const REDACTED: &[u8] = b"(redacted)";

/// The log of slow commands.
#[derive(Debug, Default)]
pub(crate) struct SlowLog(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    next_id: u64,
    newest_first: VecDeque<Slow>,
}

/// A command that took long.
#[derive(Debug, Clone)]
pub(crate) struct Slow {
    /// Number of the entry, from 0 on as long as the engine lives.
    pub(crate) id: u64,
    /// When it was logged, in Unix microseconds.
    pub(crate) at_us: u64,
    /// How long it took, in microseconds.
    pub(crate) took_us: u64,
    /// Its words, cut.
    pub(crate) words: Vec<Vec<u8>>,
    /// The client's address and name.
    pub(crate) client: (String, String),
}

impl SlowLog {
    /// Adds a command and drops the oldest beyond `max_len`.
    pub(crate) fn add(
        &self,
        max_len: usize,
        (at_us, took_us): (u64, u64),
        (words, redacted): (&[&[u8]], &[u16]),
        client: (String, String),
    ) {
        let words = cut(words, redacted);
        let mut entries = self.0.lock();
        let id = entries.next_id;
        entries.next_id += 1;
        entries.newest_first.push_front(Slow { id, at_us, took_us, words, client });
        entries.newest_first.truncate(max_len);
    }

    /// The newest entries.
    pub(crate) fn newest(&self, count: usize) -> Vec<Slow> {
        self.0.lock().newest_first.iter().take(count).cloned().collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().newest_first.len()
    }

    /// Forgets all of them.
    pub(crate) fn clear(&self) {
        self.0.lock().newest_first.clear();
    }
}

/// The words as they are kept.
fn cut(words: &[&[u8]], redacted: &[u16]) -> Vec<Vec<u8>> {
    let shown = if words.len() > MAX_WORDS { MAX_WORDS - 1 } else { words.len() };
    let word = |(at, word): (usize, &&[u8])| -> Vec<u8> {
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
}
