//! Frames as bytes of the log: `SELECT` where the database changes, `MULTI` and `EXEC` around a
//! transaction, times where they are asked for, and a seal before what the form alone cannot prove.
//!
//! ```text
//! #TS:1700000000                 with aof-timestamp-enabled, once a second at most
//! #CRC64:<bytes>:<16 digits>     before a frame that could hide a lost sector inside a value
//! *2 $6 SELECT $1 3 …            commands
//! ```
//! Lines that begin with `#` are passed over by Redis 7. A sector that a power failure lost breaks
//! the form of small commands, but may lie inside a value of [`SEALED_FROM`] bytes or more: those are
//! sealed with a CRC-64 of the bytes that follow the line. The same frames from the same state give the
//! same bytes: recovery compares them with what a file holds.

use larder_engine::commands::connection::select;
use larder_engine::commands::transactions::{exec, multi};
use larder_engine::log::{Frame, flags};
use larder_resp::encode_request;

/// Payloads of so many bytes are sealed: a sector is never inside a smaller value.
pub const SEALED_FROM: usize = 512;

/// The line of a seal begins so.
pub const SEAL: &[u8] = b"#CRC64:";

/// The line of a time.
pub const TIME: &[u8] = b"#TS:";

/// What the next frame's bytes depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Encoder {
    /// The database that a reader has selected, if that is known.
    pub db: Option<u8>,
    /// The last time that was written, in Unix seconds.
    pub time_s: u64,
}

impl Encoder {
    /// Adds a frame's bytes.
    pub fn add(&mut self, frame: &Frame, timestamps: bool, out: &mut Vec<u8>) {
        let time_s = frame.head.time_ms / 1000;
        if timestamps && time_s > self.time_s {
            self.time_s = time_s;
            out.extend_from_slice(format!("#TS:{time_s}\r\n").as_bytes());
        }
        if frame.payload.len() < SEALED_FROM {
            return self.commands(frame, out);
        }
        // The seal comes first: its room is kept until what it seals is there.
        let line = out.len();
        let mut body = Vec::with_capacity(frame.payload.len() + 128);
        self.commands(frame, &mut body);
        let seal = seal(&body);
        out.reserve(body.len() + seal.len());
        out.extend_from_slice(&seal);
        out.extend_from_slice(&body);
        debug_assert!(out.len() > line);
    }

    fn commands(&mut self, frame: &Frame, out: &mut Vec<u8>) {
        let head = frame.head;
        if self.db != Some(head.db) {
            let number = head.db.to_string();
            encode_request(out, &[&*select::SPEC.name.to_ascii_uppercase(), &number]);
        }
        self.db = Some(head.last_db);
        if head.flags & flags::TRANSACTION == 0 {
            return out.extend_from_slice(&frame.payload);
        }
        encode_request(out, &[multi::SPEC.name.to_ascii_uppercase()]);
        out.extend_from_slice(&frame.payload);
        encode_request(out, &[exec::SPEC.name.to_ascii_uppercase()]);
    }
}

/// The line that seals some bytes.
fn seal(body: &[u8]) -> Vec<u8> {
    let crc = larder_codec::crc64::of(body);
    format!("#CRC64:{}:{crc:016x}\r\n", body.len()).into_bytes()
}

/// Reads the line of a seal, without its end: how many bytes it seals, and their checksum.
#[must_use]
pub fn parse_seal(line: &[u8]) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(line.strip_prefix(SEAL)?).ok()?;
    let (bytes, crc) = text.split_once(':')?;
    Some((bytes.parse().ok()?, u64::from_str_radix(crc, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_engine::log::Head;

    fn frame(head: Head, payload: &[u8]) -> Frame {
        Frame { start: 0, end: 0, head, payload: payload.to_vec(), bytes: payload.len() }
    }

    #[test]
    fn databases_transactions_and_times() {
        let mut encoder = Encoder::default();
        let mut out = Vec::new();
        let head = Head { db: 3, last_db: 4, flags: flags::TRANSACTION, time_ms: 5_900 };
        encoder.add(&frame(head, b"<a>"), true, &mut out);
        encoder.add(
            &frame(Head { db: 4, last_db: 4, flags: 0, time_ms: 5_999 }, b"<b>"),
            true,
            &mut out,
        );
        encoder.add(
            &frame(Head { db: 0, last_db: 0, flags: 0, time_ms: 6_000 }, b"<c>"),
            false,
            &mut out,
        );
        let text = String::from_utf8(out).unwrap().replace("\r\n", " ");
        assert_eq!(
            text,
            "#TS:5 *2 $6 SELECT $1 3 *1 $5 MULTI <a>*1 $4 EXEC <b>*2 $6 SELECT $1 0 <c>"
        );
    }

    #[test]
    fn what_could_hide_a_lost_sector_is_sealed() {
        let mut out = Vec::new();
        Encoder { db: Some(0), time_s: 0 }.add(&frame(Head::default(), &[7; 600]), false, &mut out);
        let end = out.iter().position(|&byte| byte == b'\r').unwrap();
        let (bytes, crc) = parse_seal(&out[..end]).unwrap();
        assert_eq!(bytes, 600);
        assert_eq!(crc, larder_codec::crc64::of(&out[end + 2..]));
        assert_eq!(parse_seal(b"#TS:12"), None);
    }
}
