//! Quoting in configuration files: words of a line, and a word that survives the way back.
//!
//! The rules are those of redis.conf and of inline commands: words are parted by white space;
//! `"…"` knows `\n \r \t \b \a \xHH` and takes any other escaped byte as itself; `'…'` knows only
//! `\'`. A closing quote must be followed by white space or the end.

use std::fmt::Write as _;

/// A quote was opened and not closed, or closed in the middle of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnbalancedQuotes;

/// Splits a line into its words.
///
/// # Errors
/// [`UnbalancedQuotes`] if the quotes do not pair up.
pub fn split_words(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return Ok(words);
        }
        let (word, after) = take_word(rest)?;
        words.push(word);
        rest = after;
    }
}

/// Writes a word so that [`split_words`] gives it back, always in double quotes.
#[must_use]
pub fn quote(word: &[u8]) -> String {
    let mut text = String::with_capacity(word.len() + 2);
    text.push('"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => {
                text.push('\\');
                text.push(byte as char);
            }
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            0x07 => text.push_str("\\a"),
            0x08 => text.push_str("\\b"),
            b' '..=b'~' => text.push(byte as char),
            _ => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text.push('"');
    text
}

/// Takes the word at the start of `line`, which is neither empty nor white space.
fn take_word(line: &[u8]) -> Result<(Vec<u8>, &[u8]), UnbalancedQuotes> {
    let mut word = Vec::new();
    let mut rest = line;
    loop {
        match rest {
            [] => return Ok((word, rest)),
            [byte, ..] if byte.is_ascii_whitespace() || *byte == 0 => return Ok((word, rest)),
            [b'"', after @ ..] => return take_quoted(word, after, b'"'),
            [b'\'', after @ ..] => return take_quoted(word, after, b'\''),
            [byte, after @ ..] => {
                word.push(*byte);
                rest = after;
            }
        }
    }
}

/// Goes on with `word` inside quotes, up to and with the closing one.
fn take_quoted(
    mut word: Vec<u8>,
    mut rest: &[u8],
    quote: u8,
) -> Result<(Vec<u8>, &[u8]), UnbalancedQuotes> {
    loop {
        let (byte, after) = match rest {
            [] => return Err(UnbalancedQuotes),
            [byte, after @ ..] if *byte == quote => {
                return match after {
                    [] => Ok((word, after)),
                    [next, ..] if next.is_ascii_whitespace() => Ok((word, after)),
                    _ => Err(UnbalancedQuotes),
                };
            }
            [b'\\', b'x', high, low, after @ ..]
                if quote == b'"' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                (hex(*high) << 4 | hex(*low), after)
            }
            [b'\\', byte, after @ ..] if quote == b'"' => (unescaped(*byte), after),
            [b'\\', b'\'', after @ ..] => (b'\'', after),
            [byte, after @ ..] => (*byte, after),
        };
        word.push(byte);
        rest = after;
    }
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_in_redis_conf() {
        let split = |line: &str| split_words(line.as_bytes()).unwrap();
        assert_eq!(split("save 60  1\t"), [&b"save"[..], b"60", b"1"]);
        assert_eq!(split("save \"\""), [&b"save"[..], b""]);
        assert_eq!(split(r#"a "b \"c\" \x41\n\q" 'it\'s \n'"#), [
            &b"a"[..],
            b"b \"c\" A\nq",
            b"it's \\n"
        ]);
        assert_eq!(split("   "), Vec::<Vec<u8>>::new());
        for bad in ["a \"b", "a 'b", "a \"b\"c", "a 'b'c", "a \"b\\"] {
            assert_eq!(split_words(bad.as_bytes()), Err(UnbalancedQuotes), "{bad}");
        }
    }

    #[test]
    fn any_bytes_survive_quoting() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(split_words(quote(&all).as_bytes()).unwrap(), [all]);
        assert_eq!(quote(b"p\"w\x01"), r#""p\"w\x01""#);
    }
}
