//! Splitting of a line into words by Redis's quoting rules: inline requests, lines of redis.conf
//! and of test files. Knows no request and no setting.

use std::error::Error;
use std::fmt;

/// A quote was not closed, or something other than a blank follows a closing quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnbalancedQuotes;

impl fmt::Display for UnbalancedQuotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unbalanced quotes")
    }
}

impl Error for UnbalancedQuotes {}

/// Splits a line (without its line break) into words at blanks.
///
/// In double quotes `\n \r \t \b \a` and `\xHH` stand for the byte they name, and `\` before any
/// other byte for that byte. In single quotes only `\'` is special, outside quotes nothing is.
/// A quote may open inside a word, but a closing quote ends it.
///
/// # Errors
///
/// [`UnbalancedQuotes`] when a quote stays open or text follows a closing quote.
///
/// ```
/// let words = larder_resp::split_quoted(br#"set key "a\x00b" 'it\'s'"#).unwrap();
/// assert_eq!(words, [&b"set"[..], b"key", b"a\0b", b"it's"]);
/// ```
pub fn split_quoted(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let mut words = Vec::new();
    let mut rest = line;
    while let Some(start) = first_word(rest) {
        let mut word = Vec::new();
        rest = take_word(start, &mut word)?;
        words.push(word);
    }
    Ok(words)
}

/// The line from its first word on, or `None` when only blanks are left.
pub(crate) fn first_word(line: &[u8]) -> Option<&[u8]> {
    line.iter().position(|&byte| !is_blank(byte)).map(|start| &line[start..])
}

/// Appends the unescaped word at the front of `line` to `out` and returns what follows the word.
pub(crate) fn take_word<'a>(
    line: &'a [u8],
    out: &mut Vec<u8>,
) -> Result<&'a [u8], UnbalancedQuotes> {
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        at += 1;
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => break,
            b'"' => return closed(take_double_quoted(&line[at..], out)?),
            b'\'' => return closed(take_single_quoted(&line[at..], out)?),
            _ => out.push(byte),
        }
    }
    Ok(&line[at..])
}

/// Whether a line holds a quote at all; if not, its words are plain slices of it.
pub(crate) fn has_quotes(line: &[u8]) -> bool {
    line.iter().any(|&byte| byte == b'"' || byte == b'\'')
}

/// Where the plain word at the front of an unquoted line ends.
pub(crate) fn plain_word_end(line: &[u8]) -> usize {
    line.iter().position(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).unwrap_or(line.len())
}

fn take_double_quoted<'a>(text: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    let mut rest = text;
    loop {
        match rest {
            [] => return Err(UnbalancedQuotes),
            [b'"', after @ ..] => return Ok(after),
            [b'\\', b'x', high, low, after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                out.push(hex_digit(*high) << 4 | hex_digit(*low));
                rest = after;
            }
            [b'\\', escaped, after @ ..] => {
                out.push(unescape(*escaped));
                rest = after;
            }
            [byte, after @ ..] => {
                out.push(*byte);
                rest = after;
            }
        }
    }
}

fn take_single_quoted<'a>(text: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    let mut rest = text;
    loop {
        match rest {
            [] => return Err(UnbalancedQuotes),
            [b'\'', after @ ..] => return Ok(after),
            [b'\\', b'\'', after @ ..] => {
                out.push(b'\'');
                rest = after;
            }
            [byte, after @ ..] => {
                out.push(*byte);
                rest = after;
            }
        }
    }
}

fn closed(after: &[u8]) -> Result<&[u8], UnbalancedQuotes> {
    match after.first() {
        Some(&byte) if !is_blank(byte) => Err(UnbalancedQuotes),
        _ => Ok(after),
    }
}

/// The blanks of C's `isspace`, which has the vertical tab that Rust's ASCII test lacks.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(line: &str) -> Vec<String> {
        split_quoted(line.as_bytes())
            .unwrap()
            .into_iter()
            .map(|word| String::from_utf8(word).unwrap())
            .collect()
    }

    #[test]
    fn plain_words_and_blanks() {
        assert_eq!(words("  set \t a\x0bb\x0c c\r\n"), ["set", "a\x0bb\x0c", "c"]);
        assert!(words(" \t\r\n\x0b").is_empty());
        assert!(words("").is_empty());
        assert_eq!(words(r"a\nb c\"), [r"a\nb", r"c\"]);
    }

    #[test]
    fn double_quotes_unescape() {
        assert_eq!(words(r#""\n\r\t\b\a\\\"\q""#), ["\n\r\t\x08\x07\\\"q"]);
        assert_eq!(split_quoted(br#""\x0g\xfF\xAb""#).unwrap(), [b"x0g\xff\xab"]);
        assert_eq!(words(r#""" "a b" 'c "d'"#), ["", "a b", "c \"d"]);
    }

    #[test]
    fn single_quotes_know_one_escape() {
        assert_eq!(words(r"'it\'s' 'a\nb' ''"), ["it's", r"a\nb", ""]);
    }

    #[test]
    fn quote_inside_a_word() {
        assert_eq!(words(r#"foo"bar baz" q'x y'"#), ["foobar baz", "qx y"]);
    }

    #[test]
    fn unbalanced() {
        for line in [r#""a"#, "'a", r#""a"b"#, "'a'b", r#""a\"#, r#""a\""#, r"'a\'", r#"x "" ""y"#]
        {
            assert_eq!(split_quoted(line.as_bytes()), Err(UnbalancedQuotes), "{line}");
        }
    }

    proptest! {
        #[test]
        fn escaped_words_come_back(
            words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
        ) {
            let mut line = Vec::new();
            for word in &words {
                line.push(b' ');
                line.push(b'"');
                for byte in word {
                    line.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
                }
                line.push(b'"');
            }
            prop_assert_eq!(split_quoted(&line), Ok(words));
        }

        #[test]
        fn unquoted_fast_path_agrees(line in "[a-c\\\\ \t\x0b]{0,30}") {
            let line = line.as_bytes();
            let mut plain = Vec::new();
            let mut rest = line;
            while let Some(start) = first_word(rest) {
                let end = plain_word_end(start);
                plain.push(start[..end].to_vec());
                rest = &start[end..];
            }
            prop_assert_eq!(split_quoted(line), Ok(plain));
        }
    }
}
