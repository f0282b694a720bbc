//! The parser of one connection's requests: arrays of bulk strings and inline lines, in place.
//!
//! Knows no command and no socket: the caller owns the buffer, keeps the bytes of an unfinished
//! request at its front, and drops them once the request is complete. Bounds: [`Limits`];
//! quoting of inline lines: [`split_quoted`](crate::split_quoted).

use std::error::Error;
use std::fmt;

use smallvec::SmallVec;

use crate::inline::{first_word, has_quotes, plain_word_end, take_word};
use crate::limits::{Limits, UNAUTHENTICATED_MAX_ARGS, UNAUTHENTICATED_MAX_BULK_BYTES};
use crate::number::parse_canonical;

/// The words of one request, borrowed from the connection's buffer.
pub type ArgVec<'a> = SmallVec<[&'a [u8]; 8]>;

/// What [`RequestParser::parse`] found at the front of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// One whole request. Its words may be none (a blank inline line, `*0`, `*-1`): nothing to
    /// run, no reply.
    Request {
        /// Length of the request in bytes, from the front of the buffer.
        consumed: usize,
    },
    /// More bytes are needed.
    Incomplete {
        /// Length of the buffer in bytes without which no progress is possible, or 0 if unknown.
        /// Claimed by the client and bounded only by [`Limits::max_bulk_bytes`]: read into a
        /// buffer of this size, but do not fill it in advance.
        want: usize,
    },
}

/// A breach of the protocol, after which the connection has no known position and must be closed.
///
/// Its text is what Redis says after `-ERR Protocol error: `; on the wire use
/// [`encode::protocol_error`](crate::encode::protocol_error), which keeps bytes that are not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The count after `*` is no number or above the limit.
    InvalidMultibulkLength,
    /// The length after `$` is no number, negative or above the limit.
    InvalidBulkLength,
    /// A bulk string was due and this byte came.
    ExpectedBulk(u8),
    /// No line break within the limit after `*`.
    TooBigMbulkCountString,
    /// No line break within the limit after `$`.
    TooBigBulkCountString,
    /// No line break within the limit of an inline request.
    TooBigInlineRequest,
    /// More arguments than a client may send before it has authenticated.
    UnauthenticatedMultibulkLength,
    /// A longer argument than a client may send before it has authenticated.
    UnauthenticatedBulkLength,
    /// A quote of an inline request is open or badly closed.
    UnbalancedQuotes,
    /// A header or a bulk string ends in other bytes than a carriage return and a newline.
    InvalidLineBreak,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProtocolError::InvalidMultibulkLength => "invalid multibulk length",
            ProtocolError::InvalidBulkLength => "invalid bulk length",
            ProtocolError::ExpectedBulk(byte) => {
                return write!(f, "expected '$', got '{}'", char::from(*byte));
            }
            ProtocolError::TooBigMbulkCountString => "too big mbulk count string",
            ProtocolError::TooBigBulkCountString => "too big bulk count string",
            ProtocolError::TooBigInlineRequest => "too big inline request",
            ProtocolError::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            ProtocolError::UnauthenticatedBulkLength => "unauthenticated bulk length",
            ProtocolError::UnbalancedQuotes => "unbalanced quotes in request",
            ProtocolError::InvalidLineBreak => "invalid CRLF in request",
        })
    }
}

impl Error for ProtocolError {}

/// Parses the request at the front of `buf` if it is an array that is there whole and breaks no
/// rule: its length in bytes. Anything else is left to a [`RequestParser`], `args` are void then.
///
/// Needs no state, so that several requests can be looked at before the first is run. Not for
/// the rest of a request whose front a parser has begun with.
///
/// ```
/// use larder_resp::{ArgVec, Limits, parse_whole};
/// let (mut args, limits) = (ArgVec::new(), Limits::default());
/// assert_eq!(parse_whole(b"*1\r\n$4\r\nPING\r\n", &limits, &mut args), Some(14));
/// assert_eq!(args[..], [&b"PING"[..]]);
/// assert_eq!(parse_whole(b"*1\r\n$4\r\nPI", &limits, &mut args), None);
/// assert_eq!(parse_whole(b"PING\r\n", &limits, &mut args), None);
/// ```
#[inline]
pub fn parse_whole<'a>(buf: &'a [u8], limits: &Limits, args: &mut ArgVec<'a>) -> Option<usize> {
    args.clear();
    if buf.first() != Some(&b'*') {
        return None;
    }
    let (count, pos) = fast_length(buf, 1)?;
    check_count(count, limits).ok()?;
    let mut cursor = Cursor { pos, remaining: count, bulk: None, scanned: 0 };
    let whole = cursor.advance(buf, limits, |start, len| args.push(&buf[start..start + len]));
    whole.ok()?.then_some(cursor.pos)
}

/// The state of one connection between reads.
///
/// The buffer given to [`parse`](Self::parse) always starts at the first byte of the current
/// request; its bytes may move between calls, its front must not change until the request is
/// complete. A request that is there whole is parsed in one pass without touching this state.
/// Otherwise the position is kept, so that no byte is searched again when more arrive.
#[derive(Debug, Default)]
pub struct RequestParser {
    /// Bytes at the front known to hold no end of the first line.
    scanned: usize,
    /// Position in an array whose first line has been read.
    partial: Option<Cursor>,
    /// Arguments complete so far of a partial request, as (start, length).
    spans: Vec<(usize, usize)>,
    /// Unescaped words of an inline request with quotes.
    unescaped: Vec<u8>,
}

impl RequestParser {
    /// A parser at the start of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses the request at the front of `buf` into `args` (cleared first).
    ///
    /// The words borrow from `buf`, or from the parser where an inline line had quotes: make a
    /// new [`ArgVec`] for each request, it costs nothing.
    ///
    /// # Errors
    ///
    /// [`ProtocolError`]; the parser is of no use after it.
    ///
    /// # Complexity
    ///
    /// Linear in the request's bytes over all calls; arguments are skipped over, not read.
    ///
    /// ```
    /// use larder_resp::{ArgVec, Limits, Parsed, RequestParser};
    /// let (mut parser, mut args) = (RequestParser::new(), ArgVec::new());
    /// let buf = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n";
    /// let parsed = parser.parse(buf, &Limits::default(), &mut args).unwrap();
    /// assert_eq!(parsed, Parsed::Request { consumed: 20 });
    /// assert_eq!(args[..], [&b"GET"[..], b"k"]);
    /// ```
    #[inline]
    pub fn parse<'a>(
        &'a mut self,
        buf: &'a [u8],
        limits: &Limits,
        args: &mut ArgVec<'a>,
    ) -> Result<Parsed, ProtocolError> {
        args.clear();
        match buf.first() {
            Some(b'*') if self.partial.is_none() => self.start_array(buf, limits, args),
            Some(b'*') => self.resume_array(buf, limits, args),
            Some(_) => self.parse_inline(buf, limits, args),
            None => Ok(Parsed::Incomplete { want: 0 }),
        }
    }

    /// Whether the buffer's front is part of a request that [`parse`](Self::parse) has begun.
    pub fn in_request(&self) -> bool {
        self.partial.is_some() || self.scanned > 0
    }

    /// Heap bytes held between calls, for the accounting of the client's memory.
    pub fn heap_bytes(&self) -> usize {
        self.spans.capacity() * size_of::<(usize, usize)>() + self.unescaped.capacity()
    }

    /// Gives back what only an unfinished or the last inline request needed; for connections
    /// that go idle. Does not lose the position in an unfinished request.
    pub fn shrink(&mut self) {
        self.unescaped = Vec::new();
        self.spans.shrink_to_fit();
    }

    #[inline]
    fn start_array<'a>(
        &mut self,
        buf: &'a [u8],
        limits: &Limits,
        args: &mut ArgVec<'a>,
    ) -> Result<Parsed, ProtocolError> {
        // A header that was cut in two goes on where its first part ended, on the slow path.
        let header = if self.scanned == 0 { fast_length(buf, 1) } else { None };
        let (count, pos) = match header {
            Some(header) => header,
            None => match self.slow_array_header(buf, limits)? {
                Some(header) => header,
                None => return Ok(Parsed::Incomplete { want: 0 }),
            },
        };
        check_count(count, limits)?;
        let mut cursor = Cursor { pos, remaining: count, bulk: None, scanned: 0 };
        if cursor.advance(buf, limits, |start, len| args.push(&buf[start..start + len]))? {
            self.scanned = 0;
            return Ok(Parsed::Request { consumed: cursor.pos });
        }
        Ok(self.suspend(buf, cursor, args))
    }

    /// Saves an array that began in this call and is not complete.
    #[cold]
    fn suspend<'a>(&mut self, buf: &'a [u8], cursor: Cursor, args: &mut ArgVec<'a>) -> Parsed {
        let base = buf.as_ptr().addr();
        self.spans.clear();
        self.spans.extend(args.iter().map(|arg| (arg.as_ptr().addr() - base, arg.len())));
        args.clear();
        self.scanned = 0;
        self.partial = Some(cursor);
        Parsed::Incomplete { want: cursor.want() }
    }

    #[cold]
    fn resume_array<'a>(
        &mut self,
        buf: &'a [u8],
        limits: &Limits,
        args: &mut ArgVec<'a>,
    ) -> Result<Parsed, ProtocolError> {
        let Some(mut cursor) = self.partial else {
            return self.start_array(buf, limits, args);
        };
        let spans = &mut self.spans;
        if !cursor.advance(buf, limits, |start, len| spans.push((start, len)))? {
            self.partial = Some(cursor);
            return Ok(Parsed::Incomplete { want: cursor.want() });
        }
        args.extend(spans.iter().map(|&(start, len)| &buf[start..start + len]));
        self.spans = Vec::new();
        self.partial = None;
        Ok(Parsed::Request { consumed: cursor.pos })
    }

    /// The array's header when it is not plain digits at hand: incomplete, signed or wrong.
    #[cold]
    fn slow_array_header(
        &mut self,
        buf: &[u8],
        limits: &Limits,
    ) -> Result<Option<(u64, usize)>, ProtocolError> {
        let too_big = ProtocolError::TooBigMbulkCountString;
        let Some(end) = find_line_end(buf, &mut self.scanned, limits, too_big)? else {
            return Ok(None);
        };
        let count = parse_canonical(&buf[1..end]).ok_or(ProtocolError::InvalidMultibulkLength)?;
        Ok(Some((u64::try_from(count).unwrap_or(0), end + 2)))
    }

    #[cold]
    fn parse_inline<'a>(
        &'a mut self,
        buf: &'a [u8],
        limits: &Limits,
        args: &mut ArgVec<'a>,
    ) -> Result<Parsed, ProtocolError> {
        let within = &buf[..buf.len().min(limits.max_inline_bytes.saturating_add(1))];
        let Some(newline) = find_byte(within, self.scanned, b'\n') else {
            if buf.len() > limits.max_inline_bytes {
                return Err(ProtocolError::TooBigInlineRequest);
            }
            self.scanned = buf.len();
            return Ok(Parsed::Incomplete { want: 0 });
        };
        self.scanned = 0;
        let line = &buf[..newline];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if has_quotes(line) {
            self.split_into_own_bytes(line, args)?;
        } else {
            let mut rest = line;
            while let Some(start) = first_word(rest) {
                let end = plain_word_end(start);
                args.push(&start[..end]);
                rest = &start[end..];
            }
        }
        Ok(Parsed::Request { consumed: newline + 1 })
    }

    fn split_into_own_bytes<'a>(
        &'a mut self,
        line: &[u8],
        args: &mut ArgVec<'a>,
    ) -> Result<(), ProtocolError> {
        self.unescaped.clear();
        let mut ends: SmallVec<[usize; 8]> = SmallVec::new();
        let mut rest = line;
        while let Some(start) = first_word(rest) {
            rest = take_word(start, &mut self.unescaped)
                .map_err(|_| ProtocolError::UnbalancedQuotes)?;
            ends.push(self.unescaped.len());
        }
        let mut start = 0;
        for end in ends {
            args.push(&self.unescaped[start..end]);
            start = end;
        }
        Ok(())
    }
}

/// The position inside an array of bulk strings.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    /// Start of the next header, or of the next bulk's bytes when `bulk` is known.
    pos: usize,
    /// Arguments that are still missing.
    remaining: u64,
    /// Length of the next bulk, once its header has been read.
    bulk: Option<usize>,
    /// Bytes from `pos` on known to hold no end of the next header.
    scanned: usize,
}

impl Cursor {
    /// Walks on; true when no argument is missing any more.
    #[inline(always)]
    fn advance(
        &mut self,
        buf: &[u8],
        limits: &Limits,
        mut found: impl FnMut(usize, usize),
    ) -> Result<bool, ProtocolError> {
        while self.remaining > 0 {
            let len = match self.bulk {
                Some(len) => len,
                None => match self.bulk_header(buf, limits)? {
                    Some(len) => len,
                    None => return Ok(false),
                },
            };
            if buf.len() - self.pos < len.saturating_add(2) {
                self.bulk = Some(len);
                return Ok(false);
            }
            if buf[self.pos + len..self.pos + len + 2] != *b"\r\n" {
                return Err(ProtocolError::InvalidLineBreak);
            }
            found(self.pos, len);
            self.bulk = None;
            self.pos += len + 2;
            self.remaining -= 1;
        }
        Ok(true)
    }

    /// Reads the header at `pos` and moves behind it; `None` when it is not there whole.
    #[inline(always)]
    fn bulk_header(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        let header = match buf.get(self.pos) {
            Some(b'$') if self.scanned == 0 => fast_length(buf, self.pos + 1),
            _ => None,
        };
        let (len, pos) = match header {
            Some(header) => header,
            None => match self.slow_bulk_header(buf, limits)? {
                Some(header) => header,
                None => return Ok(None),
            },
        };
        check_bulk_length(len, limits)?;
        self.pos = pos;
        self.scanned = 0;
        usize::try_from(len).map(Some).map_err(|_| ProtocolError::InvalidBulkLength)
    }

    #[cold]
    #[inline(never)]
    fn slow_bulk_header(
        &mut self,
        buf: &[u8],
        limits: &Limits,
    ) -> Result<Option<(u64, usize)>, ProtocolError> {
        let line = &buf[self.pos..];
        let too_big = ProtocolError::TooBigBulkCountString;
        let Some(end) = find_line_end(line, &mut self.scanned, limits, too_big)? else {
            return Ok(None);
        };
        if line[0] != b'$' {
            return Err(ProtocolError::ExpectedBulk(line[0]));
        }
        let len = parse_canonical(&line[1..end]).and_then(|len| u64::try_from(len).ok());
        let len = len.ok_or(ProtocolError::InvalidBulkLength)?;
        Ok(Some((len, self.pos + end + 2)))
    }

    fn want(&self) -> usize {
        self.bulk.map_or(0, |len| self.pos.saturating_add(len).saturating_add(2))
    }
}

/// Reads plain digits from `pos` up to a line break: the value and the position behind the break.
/// `None` for anything else, incomplete, wrong or unusual; the slow path tells which.
#[inline(always)]
fn fast_length(buf: &[u8], pos: usize) -> Option<(u64, usize)> {
    /// Digits that cannot overflow.
    const MAX_DIGITS: usize = 18;
    let text = buf.get(pos..)?;
    let first = text.first()?.wrapping_sub(b'0');
    if first > 9 {
        return None;
    }
    let mut value = u64::from(first);
    let mut len = 1;
    loop {
        let byte = *text.get(len)?;
        if byte == b'\r' {
            break;
        }
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 || len == MAX_DIGITS || first == 0 {
            return None;
        }
        value = value * 10 + u64::from(digit);
        len += 1;
    }
    (text.get(len + 1) == Some(&b'\n')).then_some((value, pos + len + 2))
}

fn check_count(count: u64, limits: &Limits) -> Result<(), ProtocolError> {
    if count > limits.max_args {
        return Err(ProtocolError::InvalidMultibulkLength);
    }
    if !limits.authenticated && count > UNAUTHENTICATED_MAX_ARGS {
        return Err(ProtocolError::UnauthenticatedMultibulkLength);
    }
    Ok(())
}

fn check_bulk_length(len: u64, limits: &Limits) -> Result<(), ProtocolError> {
    if len > limits.max_bulk_bytes {
        return Err(ProtocolError::InvalidBulkLength);
    }
    if !limits.authenticated && len > UNAUTHENTICATED_MAX_BULK_BYTES {
        return Err(ProtocolError::UnauthenticatedBulkLength);
    }
    Ok(())
}

/// Header lines of this length are taken whatever the limit for lines is: the fast path, which
/// knows no limit, takes them too.
const MIN_HEADER_LINE_BYTES: usize = 32;

/// Finds the carriage return of a header line, with the newline behind it. The outcome depends
/// on the line's bytes only, not on how they were cut into reads.
fn find_line_end(
    line: &[u8],
    scanned: &mut usize,
    limits: &Limits,
    too_big: ProtocolError,
) -> Result<Option<usize>, ProtocolError> {
    let max_bytes = limits.max_inline_bytes.max(MIN_HEADER_LINE_BYTES);
    let within = &line[..line.len().min(max_bytes.saturating_add(1))];
    match find_byte(within, *scanned, b'\r') {
        Some(end) if end + 1 < line.len() => {
            *scanned = 0;
            match line[end + 1] {
                b'\n' => Ok(Some(end)),
                _ => Err(ProtocolError::InvalidLineBreak),
            }
        }
        Some(end) => {
            *scanned = end;
            Ok(None)
        }
        None if line.len() > max_bytes => Err(too_big),
        None => {
            *scanned = line.len();
            Ok(None)
        }
    }
}

fn find_byte(bytes: &[u8], from: usize, wanted: u8) -> Option<usize> {
    let tail = bytes.get(from..)?;
    tail.iter().position(|&byte| byte == wanted).map(|at| from + at)
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
