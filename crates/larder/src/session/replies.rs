//! Replies as values, in the shapes of the protocol that the session speaks, recorded flat: one
//! list of items and one buffer of bytes, both used again for the next reply.
//!
//! Written under the locks of keys, so it calls nobody; read without them, item by item.

use larder_engine::Error;
use larder_engine::reply::Reply;
use larder_resp::double::format_double;
use larder_resp::{Protocol, Value};

/// Bytes of replies that wait, after which no more are recorded.
pub const MOST_BYTES: usize = 1 << 32;

/// Room that is kept for the next reply.
const KEPT_BYTES: usize = 256 * 1024;
const KEPT_ITEMS: usize = KEPT_BYTES / size_of::<Token>();

/// Replies that have not been read.
#[derive(Debug, Default)]
pub struct Replies {
    /// What the next reply is recorded for.
    pub(super) protocol: Protocol,
    tokens: Vec<Token>,
    bytes: Vec<u8>,
    /// The first token that has not been read.
    next: usize,
}

/// A place in [`Replies`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    tokens: usize,
    bytes: usize,
}

/// A part of a reply. Aggregates say how much follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Item<'r> {
    /// A fixed word such as `OK`.
    Simple(&'r [u8]),
    /// An error, its code first.
    Error(&'r [u8]),
    /// An integer.
    Int(i64),
    /// A string.
    Bulk(&'r [u8]),
    /// No value.
    Null,
    /// An array: so many items follow.
    Array(usize),
    /// A set: so many items follow.
    Set(usize),
    /// A map: so many pairs follow.
    Map(usize),
    /// A message that nobody asked for: so many items follow.
    Push(usize),
    /// A double.
    Double(f64),
    /// A truth value.
    Boolean(bool),
    /// An integer of any length, in digits.
    BigNumber(&'r [u8]),
    /// Text for people.
    Verbatim(&'r [u8]),
    /// Facts about the item that follows them: so many pairs.
    Attribute(usize),
}

#[derive(Debug, Clone, Copy)]
enum Token {
    Simple(Range),
    Error(Range),
    Int(i64),
    Bulk(Range),
    Null,
    Array(usize),
    Set(usize),
    Map(usize),
    Push(usize),
    Double(f64),
    Boolean(bool),
    BigNumber(Range),
    Verbatim(Range),
    Attribute(usize),
}

/// A part of the buffer of bytes.
#[derive(Debug, Clone, Copy)]
struct Range {
    start: usize,
    len: usize,
}

impl Replies {
    /// None yet.
    pub fn new(protocol: Protocol) -> Self {
        Replies { protocol, ..Replies::default() }
    }

    /// Whether everything has been read.
    pub fn is_empty(&self) -> bool {
        self.next == self.tokens.len()
    }

    /// Whether the next reply is a message that nobody asked for.
    pub fn is_push(&self) -> bool {
        matches!(self.tokens.get(self.next), Some(Token::Push(_)))
    }

    /// The next item.
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        let token = *self.tokens.get(self.next)?;
        self.next += 1;
        let text = |range: Range| &self.bytes[range.start..range.start + range.len];
        Some(match token {
            Token::Simple(range) => Item::Simple(text(range)),
            Token::Error(range) => Item::Error(text(range)),
            Token::Int(value) => Item::Int(value),
            Token::Bulk(range) => Item::Bulk(text(range)),
            Token::Null => Item::Null,
            Token::Array(len) => Item::Array(len),
            Token::Set(len) => Item::Set(len),
            Token::Map(len) => Item::Map(len),
            Token::Push(len) => Item::Push(len),
            Token::Double(value) => Item::Double(value),
            Token::Boolean(value) => Item::Boolean(value),
            Token::BigNumber(range) => Item::BigNumber(text(range)),
            Token::Verbatim(range) => Item::Verbatim(text(range)),
            Token::Attribute(len) => Item::Attribute(len),
        })
    }

    /// Where the next item is, for [`rewind`](Self::rewind).
    pub fn position(&self) -> usize {
        self.next
    }

    /// Back to an earlier [`position`](Self::position).
    pub fn rewind(&mut self, position: usize) {
        self.next = position.min(self.next);
    }

    /// Gives room back once everything has been read.
    pub fn recycle(&mut self) {
        if self.is_empty() {
            self.tokens.clear();
            self.bytes.clear();
            self.next = 0;
            if self.bytes.capacity() > KEPT_BYTES || self.tokens.capacity() > KEPT_ITEMS {
                self.tokens.shrink_to(KEPT_ITEMS);
                self.bytes.shrink_to(KEPT_BYTES);
            }
        }
    }

    /// Adds what others hold and nobody has read.
    pub(super) fn append(&mut self, other: &Replies) {
        self.recycle();
        self.protocol = other.protocol;
        if other.is_empty() {
            return;
        }
        let by = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.tokens.extend(other.tokens[other.next..].iter().map(|token| token.moved(by)));
    }

    pub(super) fn end(&self) -> Mark {
        Mark { tokens: self.tokens.len(), bytes: self.bytes.len() }
    }

    pub(super) fn truncate(&mut self, end: Mark) {
        self.tokens.truncate(end.tokens);
        self.bytes.truncate(end.bytes);
    }

    pub(super) fn is_overfull(&self) -> bool {
        self.bytes.len() + self.tokens.len() * size_of::<Token>() > MOST_BYTES
    }

    /// Adds a value that came in bytes.
    pub(super) fn add(&mut self, value: &Value) {
        match value {
            Value::Null => self.null(),
            Value::Int(value) => self.int(*value),
            Value::Bulk(bytes) => self.bulk(bytes),
            Value::Simple(text) => self.text(Token::Simple, text),
            Value::Error(text) => self.text(Token::Error, text),
            Value::Array(items) => {
                self.array(items.len());
                items.iter().for_each(|item| self.add(item));
            }
            Value::Set(items) => {
                self.set(items.len());
                items.iter().for_each(|item| self.add(item));
            }
            Value::Push(items) => {
                self.push(items.len());
                items.iter().for_each(|item| self.add(item));
            }
            Value::Map(pairs) => {
                self.map(pairs.len());
                self.add_pairs(pairs);
            }
            Value::Double(value) => self.double(*value),
            Value::Boolean(value) => self.boolean(*value),
            Value::BigNumber(digits) => self.big_number(digits),
            Value::Verbatim { format, text } => self.verbatim(*format, text),
            Value::Attribute { pairs, value } => {
                self.attribute(pairs.len());
                self.add_pairs(pairs);
                self.add(value);
            }
        }
    }

    fn add_pairs(&mut self, pairs: &[(Value, Value)]) {
        for (key, value) in pairs {
            self.add(key);
            self.add(value);
        }
    }

    #[inline]
    fn text(&mut self, token: fn(Range) -> Token, text: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        self.tokens.push(token(Range { start, len: text.len() }));
    }

    fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }
}

impl Token {
    /// The same with its bytes further back in the buffer.
    fn moved(self, by: usize) -> Token {
        let moved = |Range { start, len }: Range| Range { start: start + by, len };
        match self {
            Token::Simple(range) => Token::Simple(moved(range)),
            Token::Error(range) => Token::Error(moved(range)),
            Token::Bulk(range) => Token::Bulk(moved(range)),
            Token::BigNumber(range) => Token::BigNumber(moved(range)),
            Token::Verbatim(range) => Token::Verbatim(moved(range)),
            other => other,
        }
    }
}

impl Reply for Replies {
    fn simple(&mut self, text: &str) {
        self.text(Token::Simple, text.as_bytes());
    }
    fn error(&mut self, error: &Error) {
        let text = error.to_string();
        // As on a connection: one line.
        let line = text.trim_matches(['\r', '\n']).replace(['\r', '\n'], " ");
        self.text(Token::Error, line.as_bytes());
    }
    fn int(&mut self, value: i64) {
        self.tokens.push(Token::Int(value));
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.text(Token::Bulk, bytes);
    }
    fn null(&mut self) {
        self.tokens.push(Token::Null);
    }
    fn null_array(&mut self) {
        self.tokens.push(Token::Null);
    }
    fn array(&mut self, len: usize) {
        self.tokens.push(Token::Array(len));
    }
    fn map(&mut self, len: usize) {
        self.tokens.push(if self.is_resp3() { Token::Map(len) } else { Token::Array(2 * len) });
    }
    fn set(&mut self, len: usize) {
        self.tokens.push(if self.is_resp3() { Token::Set(len) } else { Token::Array(len) });
    }
    fn push(&mut self, len: usize) {
        self.tokens.push(if self.is_resp3() { Token::Push(len) } else { Token::Array(len) });
    }
    fn double(&mut self, value: f64) {
        match self.is_resp3() {
            true => self.tokens.push(Token::Double(value)),
            false => self.bulk(format_double(value).as_bytes()),
        }
    }
    fn big_number(&mut self, digits: &[u8]) {
        self.text(if self.is_resp3() { Token::BigNumber } else { Token::Bulk }, digits);
    }
    fn attribute(&mut self, len: usize) {
        self.tokens.push(Token::Attribute(len));
    }
    fn double_text(&mut self, text: &str) {
        match self.is_resp3() {
            true => self.tokens.push(Token::Double(text.parse().unwrap_or(f64::NAN))),
            false => self.bulk(text.as_bytes()),
        }
    }
    fn boolean(&mut self, value: bool) {
        match self.is_resp3() {
            true => self.tokens.push(Token::Boolean(value)),
            false => self.int(i64::from(value)),
        }
    }
    fn verbatim(&mut self, _: [u8; 3], text: &[u8]) {
        self.text(if self.is_resp3() { Token::Verbatim } else { Token::Bulk }, text);
    }
    fn protocol(&self) -> Protocol {
        self.protocol
    }
    fn is_full(&self) -> bool {
        self.is_overfull()
    }
    fn switch(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }
}
