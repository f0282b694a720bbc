//! What a server answered, read from RESP2 or RESP3 bytes and shown in the notation of `.rtest` files.
//!
//! This is a reading of the protocol of its own: were it Larder's, a mistake in `larder-resp` could
//! hide itself. It must not know any command. The notation's other half, what a file expects, is
//! in `pattern`.

use std::fmt;

use anyhow::{Result, bail};

/// One decoded reply, with every difference that a client could see on the wire.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // The variants are RESP's own types.
pub enum Reply {
    Status(Vec<u8>),
    Error(Vec<u8>),
    Int(i64),
    Bulk(Vec<u8>),
    /// `$-1`, RESP2's missing value.
    NullBulk,
    /// `*-1`, RESP2's missing array.
    NullArray,
    /// `_`, RESP3's only null.
    Null,
    Bool(bool),
    /// A double, as the text that stood on the wire.
    Double(String),
    BigNumber(String),
    Verbatim(Vec<u8>),
    Array(Vec<Reply>),
    Set(Vec<Reply>),
    Push(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
}

impl Reply {
    /// The bytes of a string-like reply, or the digits of an integer.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Reply::Status(b) | Reply::Bulk(b) | Reply::Verbatim(b) => Some(b.clone()),
            Reply::Int(n) => Some(n.to_string().into_bytes()),
            Reply::Double(t) | Reply::BigNumber(t) => Some(t.clone().into_bytes()),
            _ => None,
        }
    }
}

/// Decodes one reply from the front of `input`: the reply and its length, or `None` if more bytes
/// are needed.
///
/// # Errors
/// When the bytes are not RESP.
pub fn decode(input: &[u8]) -> Result<Option<(Reply, usize)>> {
    let Some(end) = input.windows(2).position(|w| w == b"\r\n") else { return Ok(None) };
    let (kind, line, next) = (input[0], &input[1..end], end + 2);
    let text = || String::from_utf8_lossy(line).into_owned();
    let reply = match kind {
        b'+' => Reply::Status(line.to_vec()),
        b'-' => Reply::Error(line.to_vec()),
        b':' => Reply::Int(number(line)?),
        b'_' => Reply::Null,
        b'#' => Reply::Bool(line == b"t"),
        b',' => Reply::Double(text()),
        b'(' => Reply::BigNumber(text()),
        b'$' | b'=' | b'!' => return decode_bulk(kind, number(line)?, input, next),
        b'*' | b'~' | b'>' | b'%' | b'|' => {
            return decode_aggregate(kind, number(line)?, input, next);
        }
        _ => bail!("not RESP: a reply begins with {:?}", kind as char),
    };
    Ok(Some((reply, next)))
}

fn number(line: &[u8]) -> Result<i64> {
    let text = std::str::from_utf8(line)?;
    text.parse().map_err(|_| anyhow::anyhow!("not RESP: {text:?} where a number belongs"))
}

fn decode_bulk(kind: u8, len: i64, input: &[u8], at: usize) -> Result<Option<(Reply, usize)>> {
    let Ok(len) = usize::try_from(len) else { return Ok(Some((Reply::NullBulk, at))) };
    if input.len() < at + len + 2 {
        return Ok(None);
    }
    if &input[at + len..at + len + 2] != b"\r\n" {
        bail!("not RESP: a bulk of {len} bytes is not followed by CR LF");
    }
    let body = input[at..at + len].to_vec();
    let reply = match kind {
        b'!' => Reply::Error(body),
        b'=' if body.len() >= 4 => Reply::Verbatim(body[4..].to_vec()),
        b'=' => bail!("not RESP: a verbatim string without its format"),
        _ => Reply::Bulk(body),
    };
    Ok(Some((reply, at + len + 2)))
}

fn decode_aggregate(
    kind: u8,
    len: i64,
    input: &[u8],
    mut at: usize,
) -> Result<Option<(Reply, usize)>> {
    let Ok(len) = usize::try_from(len) else { return Ok(Some((Reply::NullArray, at))) };
    let count = if matches!(kind, b'%' | b'|') { len * 2 } else { len };
    let mut items = Vec::new();
    for _ in 0..count {
        let Some((item, used)) = decode(&input[at..])? else { return Ok(None) };
        items.push(item);
        at += used;
    }
    let reply = match kind {
        b'*' => Reply::Array(items),
        b'~' => Reply::Set(items),
        b'>' => Reply::Push(items),
        b'%' => Reply::Map(pairs(items)),
        // An attribute decorates the reply that follows it.
        _ => return Ok(decode(&input[at..])?.map(|(reply, used)| (reply, at + used))),
    };
    Ok(Some((reply, at)))
}

fn pairs(items: Vec<Reply>) -> Vec<(Reply, Reply)> {
    let mut items = items.into_iter();
    let mut pairs = Vec::new();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(f, true)
    }
}

impl Reply {
    fn show(&self, f: &mut fmt::Formatter<'_>, top: bool) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, open: &str, items: &[Reply]| {
            write!(f, "{open}")?;
            for (i, item) in items.iter().enumerate() {
                f.write_str(if i == 0 { "" } else { " " })?;
                item.show(f, false)?;
            }
            write!(f, "]")
        };
        match self {
            Reply::Status(s) if s == b"OK" || s == b"QUEUED" => f.write_str(&escape(s)),
            Reply::Status(s) => write!(f, "+{}", line_or_quoted(s, top)),
            Reply::Error(s) => write!(f, "-{}", line_or_quoted(s, top)),
            Reply::Int(n) => write!(f, "{n}"),
            Reply::Bulk(b) if is_bare(b) => f.write_str(&escape(b)),
            Reply::Bulk(b) => f.write_str(&quote(b)),
            Reply::NullBulk | Reply::Null => f.write_str("nil"),
            Reply::NullArray => f.write_str("nil[]"),
            Reply::Bool(b) => write!(f, "{b}"),
            Reply::Double(t) => write!(f, ",{t}"),
            Reply::BigNumber(t) => write!(f, "({t}"),
            Reply::Verbatim(b) => write!(f, "={}", quote(b)),
            Reply::Array(items) => list(f, "[", items),
            Reply::Set(items) => list(f, "~[", items),
            Reply::Push(items) => list(f, ">[", items),
            Reply::Map(pairs) => {
                f.write_str("{")?;
                for (i, (key, value)) in pairs.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { " " })?;
                    key.show(f, false)?;
                    f.write_str(" ")?;
                    value.show(f, false)?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Words that mean something else than themselves where a reply is expected.
pub(crate) const RESERVED: &[&str] =
    &["nil", "true", "false", "OK", "QUEUED", "any", "unordered", "one", "sample", "picks"];

/// Whether a bulk string may stand without quotes and still be read as itself.
fn is_bare(bytes: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_:@.-'|%&!?*".contains(b);
    let Some(first) = bytes.first() else { return false };
    (first.is_ascii_alphabetic() || *first == b'_')
        && bytes.iter().all(plain)
        && !RESERVED.iter().any(|word| word.as_bytes() == bytes)
}

/// Text that goes on to the end of the line where nothing in it would be read otherwise.
fn line_or_quoted(bytes: &[u8], top: bool) -> String {
    let plain = bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.iter().all(|b| (0x20..=0x7e).contains(b))
        && !bytes.ends_with(b"*")
        && !bytes.ends_with(b" ")
        && !bytes.windows(2).any(|w| w == b"$(");
    if top && plain { String::from_utf8_lossy(bytes).into_owned() } else { quote(bytes) }
}

/// `bytes` in double quotes, with Redis's escapes.
pub fn quote(bytes: &[u8]) -> String {
    format!("\"{}\"", escape(bytes))
}

fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for &b in bytes {
        match b {
            b'"' | b'\\' => out.extend(['\\', b as char]),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..=0x7e => out.push(b as char),
            _ => out.push_str(&format!("\\x{b:02x}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Reply {
        let (reply, used) = decode(bytes).unwrap().unwrap();
        assert_eq!(used, bytes.len());
        reply
    }

    #[test]
    fn reads_and_shows_every_type() {
        for (bytes, shown) in [
            (&b"+OK\r\n"[..], "OK"),
            (b"+PONG\r\n", "+PONG"),
            (b"-ERR no\r\n", "-ERR no"),
            (b":-7\r\n", "-7"),
            (b"$1\r\n7\r\n", "\"7\""),
            (b"$2\r\nOK\r\n", "\"OK\""),
            (b"$3\r\na\0b\r\n", "\"a\\x00b\""),
            (b"$-1\r\n", "nil"),
            (b"*-1\r\n", "nil[]"),
            (b"_\r\n", "nil"),
            (b"#t\r\n", "true"),
            (b",1.5\r\n", ",1.5"),
            (b"=7\r\ntxt:a b\r\n", "=\"a b\""),
            (b"*2\r\n:1\r\n*1\r\n$1\r\na\r\n", "[1 [a]]"),
            (b"*1\r\n-ERR no\r\n", "[-\"ERR no\"]"),
            (b"~1\r\n+a\r\n", "~[+\"a\"]"),
            (b">2\r\n$1\r\na\r\n:1\r\n", ">[a 1]"),
            (b"%1\r\n$1\r\na\r\n:1\r\n", "{a 1}"),
            (b"|1\r\n+ttl\r\n:1\r\n:5\r\n", "5"),
        ] {
            assert_eq!(read(bytes).to_string(), shown);
        }
    }

    #[test]
    fn waits_for_the_rest_and_refuses_what_is_not_resp() {
        let whole = b"*2\r\n$3\r\nabc\r\n%1\r\n+a\r\n:1\r\n";
        for end in 0..whole.len() {
            assert!(decode(&whole[..end]).unwrap().is_none(), "{end}");
        }
        assert!(decode(b"hello\r\n").is_err());
        assert!(decode(b"$x\r\n").is_err());
        assert!(decode(b"$1\r\nabc").is_err());
    }
}
