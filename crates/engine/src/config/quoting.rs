//! Quoting: a word that survives the way through a configuration file. The way back is
//! [`larder_resp::split_quoted`], which has the rules.

use std::fmt::Write as _;

/// Writes a word so that [`larder_resp::split_quoted`] gives it back, always in double quotes.
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

#[cfg(test)]
mod tests {
    use super::*;
    use larder_resp::split_quoted;

    #[test]
    fn any_bytes_survive_quoting() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(split_quoted(quote(&all).as_bytes()).unwrap(), [all]);
        assert_eq!(quote(b"p\"w\x01"), r#""p\"w\x01""#);
        assert_eq!(quote(b""), "\"\"");
    }
}
