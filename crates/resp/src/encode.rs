//! Replies to bytes: one function per type of the protocol, each appends to a buffer.
//!
//! Functions that take a [`Protocol`] choose the form that version knows; the others are the same
//! in both. Knows nothing of what the values mean. Whole values: [`Value`](crate::Value).

use crate::double::{as_plain_integer, format_double};
use crate::request::ProtocolError;

/// The version of the protocol a connection has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Protocol {
    /// Version 2, with which every connection starts.
    #[default]
    Resp2,
    /// Version 3, chosen by `HELLO 3`.
    Resp3,
}

/// `+OK`.
#[inline]
pub fn ok(out: &mut Vec<u8>) {
    out.extend_from_slice(b"+OK\r\n");
}

/// A simple string. Line breaks in `text` become spaces.
#[inline]
pub fn simple(out: &mut Vec<u8>, text: impl AsRef<[u8]>) {
    out.push(b'+');
    push_line(out, text.as_ref());
}

/// An error; `text` starts with its code (`ERR`, `WRONGTYPE`, …). Line breaks at its ends are
/// dropped, inside it they become spaces.
pub fn error(out: &mut Vec<u8>, text: impl AsRef<[u8]>) {
    let mut text = text.as_ref();
    while let [b'\r' | b'\n', rest @ ..] | [rest @ .., b'\r' | b'\n'] = text {
        text = rest;
    }
    out.push(b'-');
    push_line(out, text);
}

/// The error that goes out before a connection is closed for a breach of the protocol.
pub fn protocol_error(out: &mut Vec<u8>, breach: &ProtocolError) {
    let mut text = b"ERR Protocol error: ".to_vec();
    match breach {
        // The byte goes out as it came, also where it is no text.
        ProtocolError::ExpectedBulk(byte) => {
            text.extend_from_slice(b"expected '$', got '");
            text.extend_from_slice(&[*byte, b'\'']);
        }
        other => text.extend_from_slice(other.to_string().as_bytes()),
    }
    error(out, text);
}

/// An integer.
#[inline]
pub fn int(out: &mut Vec<u8>, value: i64) {
    // The commonest replies, in one copy.
    match value {
        0 => out.extend_from_slice(b":0\r\n"),
        1 => out.extend_from_slice(b":1\r\n"),
        _ => number_line(out, b':', value),
    }
}

/// A bulk string.
#[inline]
pub fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + MAX_HEADER_BYTES + 2);
    header(out, b'$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// An integer as a bulk string.
#[inline]
pub fn bulk_int(out: &mut Vec<u8>, value: i64) {
    bulk(out, itoa::Buffer::new().format(value).as_bytes());
}

/// Nothing, where a string was asked for.
#[inline]
pub fn null(out: &mut Vec<u8>, proto: Protocol) {
    out.extend_from_slice(match proto {
        Protocol::Resp2 => b"$-1\r\n",
        Protocol::Resp3 => b"_\r\n",
    });
}

/// Nothing, where an array was asked for.
#[inline]
pub fn null_array(out: &mut Vec<u8>, proto: Protocol) {
    out.extend_from_slice(match proto {
        Protocol::Resp2 => b"*-1\r\n",
        Protocol::Resp3 => b"_\r\n",
    });
}

/// The header of an array; `len` values follow.
#[inline]
pub fn array(out: &mut Vec<u8>, len: usize) {
    header(out, b'*', len);
}

/// The header of a map; `len` pairs, that is `2 * len` values, follow.
#[inline]
pub fn map(out: &mut Vec<u8>, proto: Protocol, len: usize) {
    match proto {
        Protocol::Resp2 => header(out, b'*', 2 * len),
        Protocol::Resp3 => header(out, b'%', len),
    }
}

/// The header of a set; `len` values follow.
#[inline]
pub fn set(out: &mut Vec<u8>, proto: Protocol, len: usize) {
    aggregate(out, proto, b'~', len);
}

/// The header of an out-of-band message; `len` values follow.
#[inline]
pub fn push(out: &mut Vec<u8>, proto: Protocol, len: usize) {
    aggregate(out, proto, b'>', len);
}

/// The header of an attribute; `len` pairs and then the value it belongs to follow. RESP3 only:
/// for RESP2 leave out the header and the pairs.
#[inline]
pub fn attribute(out: &mut Vec<u8>, len: usize) {
    header(out, b'|', len);
}

/// A floating-point number, printed by [`format_double`].
pub fn double(out: &mut Vec<u8>, proto: Protocol, value: f64) {
    match (proto, as_plain_integer(value)) {
        (Protocol::Resp2, Some(whole)) => bulk_int(out, whole),
        (Protocol::Resp3, Some(whole)) => number_line(out, b',', whole),
        (_, None) => double_text(out, proto, format_double(value).as_bytes()),
    }
}

/// A double by its digits, where the shortest text that means it is not what is wanted.
pub fn double_text(out: &mut Vec<u8>, proto: Protocol, text: impl AsRef<[u8]>) {
    match proto {
        Protocol::Resp2 => bulk(out, text.as_ref()),
        Protocol::Resp3 => {
            out.push(b',');
            out.extend_from_slice(text.as_ref());
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// A truth value; 1 or 0 for RESP2.
pub fn boolean(out: &mut Vec<u8>, proto: Protocol, value: bool) {
    out.extend_from_slice(match (proto, value) {
        (Protocol::Resp2, true) => b":1\r\n",
        (Protocol::Resp2, false) => b":0\r\n",
        (Protocol::Resp3, true) => b"#t\r\n",
        (Protocol::Resp3, false) => b"#f\r\n",
    });
}

/// An integer of any size, given by its decimal digits and an optional sign.
pub fn big_number(out: &mut Vec<u8>, proto: Protocol, digits: impl AsRef<[u8]>) {
    match proto {
        Protocol::Resp2 => bulk(out, digits.as_ref()),
        Protocol::Resp3 => {
            out.push(b'(');
            push_line(out, digits.as_ref());
        }
    }
}

/// A text for people, with its format (`txt`, `mkd`); RESP2 gets the text alone.
pub fn verbatim(out: &mut Vec<u8>, proto: Protocol, format: [u8; 3], text: &[u8]) {
    match proto {
        Protocol::Resp2 => bulk(out, text),
        Protocol::Resp3 => {
            header(out, b'=', text.len() + 4);
            out.extend_from_slice(&format);
            out.push(b':');
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// An error that may hold line breaks. RESP3 only: for RESP2 use [`error`].
pub fn blob_error(out: &mut Vec<u8>, text: &[u8]) {
    header(out, b'!', text.len());
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

/// A request: an array of bulk strings.
///
/// ```
/// let mut out = Vec::new();
/// larder_resp::encode_request(&mut out, &["GET", "k"]);
/// assert_eq!(out, b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
/// ```
pub fn encode_request<W: AsRef<[u8]>>(out: &mut Vec<u8>, words: &[W]) {
    array(out, words.len());
    for word in words {
        bulk(out, word.as_ref());
    }
}

/// A type byte, 20 digits and a line break.
const MAX_HEADER_BYTES: usize = 24;

#[inline]
fn aggregate(out: &mut Vec<u8>, proto: Protocol, resp3_type: u8, len: usize) {
    let type_byte = if proto == Protocol::Resp2 { b'*' } else { resp3_type };
    header(out, type_byte, len);
}

/// A type byte, a length and a line break. Nearly all are short: copies of a size that the compiler
/// knows cost a few stores.
#[inline]
fn header(out: &mut Vec<u8>, type_byte: u8, len: usize) {
    match len {
        0..=9 => out.extend_from_slice(&[type_byte, b'0' + len as u8, b'\r', b'\n']),
        10..=99 => {
            let (tens, ones) = (b'0' + (len / 10) as u8, b'0' + (len % 10) as u8);
            out.extend_from_slice(&[type_byte, tens, ones, b'\r', b'\n']);
        }
        _ => number_line(out, type_byte, len),
    }
}

/// A type byte, any number and a line break, in one copy.
#[inline]
fn number_line(out: &mut Vec<u8>, type_byte: u8, number: impl itoa::Integer) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number).as_bytes();
    let mut line = [0; MAX_HEADER_BYTES];
    line[0] = type_byte;
    line[1..=digits.len()].copy_from_slice(digits);
    line[digits.len() + 1..digits.len() + 3].copy_from_slice(b"\r\n");
    out.extend_from_slice(&line[..digits.len() + 3]);
}

#[inline]
fn push_line(out: &mut Vec<u8>, text: &[u8]) {
    let start = out.len();
    out.extend_from_slice(text);
    for byte in &mut out[start..] {
        if matches!(byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::Protocol::{Resp2, Resp3};
    use super::*;

    fn encoded(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn same_in_both() {
        assert_eq!(encoded(ok), "+OK\r\n");
        assert_eq!(encoded(|out| simple(out, "QUEUED")), "+QUEUED\r\n");
        assert_eq!(encoded(|out| simple(out, "a\r\nb")), "+a  b\r\n");
        assert_eq!(encoded(|out| error(out, "\r\nERR a\nb\r\n")), "-ERR a b\r\n");
        assert_eq!(encoded(|out| error(out, "\n")), "-\r\n");
        for value in [0, 1, -1, 42, i64::MIN, i64::MAX] {
            assert_eq!(encoded(|out| int(out, value)), format!(":{value}\r\n"));
        }
        assert_eq!(encoded(|out| bulk(out, b"a\r\nb")), "$4\r\na\r\nb\r\n");
        assert_eq!(encoded(|out| bulk(out, b"")), "$0\r\n\r\n");
        assert_eq!(encoded(|out| bulk_int(out, -10)), "$3\r\n-10\r\n");
        assert_eq!(encoded(|out| array(out, 12)), "*12\r\n");
        assert_eq!(encoded(|out| attribute(out, 1)), "|1\r\n");
        assert_eq!(encoded(|out| array(out, usize::MAX)), format!("*{}\r\n", usize::MAX));
    }

    #[test]
    fn by_version() {
        type Write = fn(&mut Vec<u8>, Protocol);
        let table: &[(Write, &str, &str)] = &[
            (null, "$-1\r\n", "_\r\n"),
            (null_array, "*-1\r\n", "_\r\n"),
            (|out, proto| map(out, proto, 2), "*4\r\n", "%2\r\n"),
            (|out, proto| set(out, proto, 2), "*2\r\n", "~2\r\n"),
            (|out, proto| push(out, proto, 3), "*3\r\n", ">3\r\n"),
            (|out, proto| double(out, proto, 1.5), "$3\r\n1.5\r\n", ",1.5\r\n"),
            (|out, proto| double(out, proto, -f64::INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n"),
            (|out, proto| boolean(out, proto, true), ":1\r\n", "#t\r\n"),
            (|out, proto| boolean(out, proto, false), ":0\r\n", "#f\r\n"),
            (|out, proto| big_number(out, proto, "-123"), "$4\r\n-123\r\n", "(-123\r\n"),
            (|out, proto| verbatim(out, proto, *b"txt", b"a"), "$1\r\na\r\n", "=5\r\ntxt:a\r\n"),
        ];
        for (write, resp2, resp3) in table {
            assert_eq!(encoded(|out| write(out, Resp2)), *resp2);
            assert_eq!(encoded(|out| write(out, Resp3)), *resp3);
        }
    }

    #[test]
    fn protocol_error_keeps_the_byte() {
        let mut out = Vec::new();
        protocol_error(&mut out, &ProtocolError::ExpectedBulk(0xff));
        assert_eq!(out, b"-ERR Protocol error: expected '$', got '\xff'\r\n");
        out.clear();
        protocol_error(&mut out, &ProtocolError::ExpectedBulk(b'\r'));
        assert_eq!(out, b"-ERR Protocol error: expected '$', got ' '\r\n");
        out.clear();
        protocol_error(&mut out, &ProtocolError::InvalidBulkLength);
        assert_eq!(out, b"-ERR Protocol error: invalid bulk length\r\n");
    }
}
