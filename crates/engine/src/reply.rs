//! Where a command's reply goes: bytes of RESP2 or RESP3, or a value for a linked caller.
//!
//! A command says what it answers in RESP3's terms; the sink turns that into its own form.
//! Aggregates announce their length first, then their elements follow.

use crate::error::Error;
use larder_resp::{Protocol, Value, encode, format_double};

/// A sink for one reply.
pub trait Reply {
    /// `+text`; for fixed words such as `OK`.
    fn simple(&mut self, text: &str);
    /// An error.
    fn error(&mut self, error: &Error);
    /// An integer.
    fn int(&mut self, value: i64);
    /// A string.
    fn bulk(&mut self, bytes: &[u8]);
    /// No value.
    fn null(&mut self);
    /// No array (RESP2 tells it from [`Reply::null`]).
    fn null_array(&mut self);
    /// An array of `len` elements.
    fn array(&mut self, len: usize);
    /// A map of `len` pairs, keys and values in turn; RESP2 sees an array.
    fn map(&mut self, len: usize);
    /// A set of `len` elements; RESP2 sees an array.
    fn set(&mut self, len: usize);
    /// Out-of-band data; RESP2 sees an array.
    fn push(&mut self, len: usize);
    /// A double; RESP2 sees a string.
    fn double(&mut self, value: f64);
    /// An integer of any length, in digits; RESP2 sees a string.
    fn big_number(&mut self, digits: &[u8]);
    /// Facts about the value that follows, keys and values in turn. Only for RESP3.
    fn attribute(&mut self, len: usize);
    /// A double with these digits; RESP2 sees them as a string.
    fn double_text(&mut self, text: &str);
    /// A truth value; RESP2 sees 1 or 0.
    fn boolean(&mut self, value: bool);
    /// Text for people; RESP2 sees a string.
    fn verbatim(&mut self, format: [u8; 3], text: &[u8]);
    /// The protocol of the reader, where a command answers differently by it.
    fn protocol(&self) -> Protocol;
    /// Whether more waits than the reader may leave unread: it is cut off, and a command that
    /// answers without end need not go on.
    fn is_full(&self) -> bool {
        false
    }
    /// What follows is for a reader of another protocol (`HELLO`, `RESET`).
    fn switch(&mut self, protocol: Protocol);

    /// `+OK`
    fn ok(&mut self) {
        self.simple("OK");
    }

    /// A string, or none.
    fn bulk_or_null(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    /// A number as a string.
    fn bulk_int(&mut self, value: i64) {
        let mut digits = [0; 20];
        self.bulk(larder_codec::integer::format_i64(value, &mut digits));
    }
}

/// Replies as bytes for a connection.
#[derive(Debug)]
pub struct WireReply<'o> {
    out: &'o mut Vec<u8>,
    protocol: Protocol,
    /// Length of `out` above which it is full.
    most: usize,
}

impl<'o> WireReply<'o> {
    /// Appends replies to `out`.
    pub fn new(out: &'o mut Vec<u8>, protocol: Protocol) -> Self {
        WireReply { out, protocol, most: usize::MAX }
    }

    /// The same, full after so many bytes more.
    pub fn within(mut self, bytes: usize) -> Self {
        self.most = self.out.len().saturating_add(bytes);
        self
    }
}

impl Reply for WireReply<'_> {
    fn is_full(&self) -> bool {
        self.out.len() > self.most
    }
    fn simple(&mut self, text: &str) {
        encode::simple(self.out, text);
    }
    fn error(&mut self, error: &Error) {
        encode::error(self.out, error.to_string());
    }
    fn int(&mut self, value: i64) {
        encode::int(self.out, value);
    }
    fn bulk(&mut self, bytes: &[u8]) {
        encode::bulk(self.out, bytes);
    }
    fn null(&mut self) {
        encode::null(self.out, self.protocol);
    }
    fn null_array(&mut self) {
        encode::null_array(self.out, self.protocol);
    }
    fn array(&mut self, len: usize) {
        encode::array(self.out, len);
    }
    fn map(&mut self, len: usize) {
        encode::map(self.out, self.protocol, len);
    }
    fn set(&mut self, len: usize) {
        encode::set(self.out, self.protocol, len);
    }
    fn push(&mut self, len: usize) {
        encode::push(self.out, self.protocol, len);
    }
    fn double(&mut self, value: f64) {
        encode::double(self.out, self.protocol, value);
    }
    fn big_number(&mut self, digits: &[u8]) {
        encode::big_number(self.out, self.protocol, digits);
    }
    fn attribute(&mut self, len: usize) {
        encode::attribute(self.out, len);
    }
    fn double_text(&mut self, text: &str) {
        encode::double_text(self.out, self.protocol, text);
    }
    fn boolean(&mut self, value: bool) {
        encode::boolean(self.out, self.protocol, value);
    }
    fn verbatim(&mut self, format: [u8; 3], text: &[u8]) {
        encode::verbatim(self.out, self.protocol, format, text);
    }
    fn protocol(&self) -> Protocol {
        self.protocol
    }
    fn switch(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }
}

/// A reply as a value.
#[derive(Debug)]
pub struct ValueReply {
    protocol: Protocol,
    open: Vec<Open>,
    /// An attribute that waits for its value.
    attribute: Option<Vec<(Value, Value)>>,
    done: Option<Value>,
}

impl Default for ValueReply {
    fn default() -> Self {
        ValueReply::of(Protocol::Resp3)
    }
}

#[derive(Debug)]
struct Open {
    shape: Shape,
    missing: usize,
    items: Vec<Value>,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Array,
    Map,
    Set,
    Push,
    Attribute,
}

impl ValueReply {
    /// An empty sink for a value in RESP3's terms.
    pub fn new() -> Self {
        ValueReply::default()
    }

    /// An empty sink for a value as a client of this protocol would get it.
    pub fn of(protocol: Protocol) -> Self {
        ValueReply { protocol, open: Vec::new(), attribute: None, done: None }
    }

    fn is_resp2(&self) -> bool {
        self.protocol == Protocol::Resp2
    }

    /// The value, once the reply is whole.
    pub fn into_value(self) -> Option<Value> {
        self.done
    }

    fn open(&mut self, shape: Shape, missing: usize) {
        let open = Open { shape, missing, items: Vec::with_capacity(missing.min(1024)) };
        self.open.push(open);
        self.close_full();
    }

    fn add(&mut self, value: Value) {
        let value = match self.attribute.take() {
            Some(pairs) => Value::Attribute { pairs, value: Box::new(value) },
            None => value,
        };
        match self.open.last_mut() {
            Some(open) => {
                open.items.push(value);
                open.missing -= 1;
                self.close_full();
            }
            None => self.done = Some(value),
        }
    }

    fn close_full(&mut self) {
        if self.open.last().is_some_and(|open| open.missing == 0)
            && let Some(full) = self.open.pop()
        {
            if let Shape::Attribute = full.shape {
                self.attribute = Some(pairs(full.items));
            } else {
                self.add(full.into_value());
            }
        }
    }
}

impl Open {
    fn into_value(self) -> Value {
        match self.shape {
            Shape::Array => Value::Array(self.items),
            Shape::Set => Value::Set(self.items),
            Shape::Push => Value::Push(self.items),
            Shape::Map | Shape::Attribute => Value::Map(pairs(self.items)),
        }
    }
}

/// Keys and values in turn, as pairs.
fn pairs(items: Vec<Value>) -> Vec<(Value, Value)> {
    let mut items = items.into_iter();
    let mut pairs = Vec::with_capacity(items.len() / 2);
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}

impl Reply for ValueReply {
    fn simple(&mut self, text: &str) {
        self.add(Value::Simple(text.into()));
    }
    fn error(&mut self, error: &Error) {
        self.add(Value::Error(error.to_string().into()));
    }
    fn int(&mut self, value: i64) {
        self.add(Value::Int(value));
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.add(Value::Bulk(bytes.to_vec()));
    }
    fn null(&mut self) {
        self.add(Value::Null);
    }
    fn null_array(&mut self) {
        self.add(Value::Null);
    }
    fn array(&mut self, len: usize) {
        self.open(Shape::Array, len);
    }
    fn map(&mut self, len: usize) {
        self.open(if self.is_resp2() { Shape::Array } else { Shape::Map }, len * 2);
    }
    fn set(&mut self, len: usize) {
        self.open(if self.is_resp2() { Shape::Array } else { Shape::Set }, len);
    }
    fn push(&mut self, len: usize) {
        self.open(if self.is_resp2() { Shape::Array } else { Shape::Push }, len);
    }
    fn double(&mut self, value: f64) {
        if self.is_resp2() {
            return self.add(Value::Bulk(format_double(value).as_bytes().to_vec()));
        }
        self.add(Value::Double(value));
    }
    fn big_number(&mut self, digits: &[u8]) {
        self.add(Value::BigNumber(digits.to_vec()));
    }
    fn attribute(&mut self, len: usize) {
        self.open(Shape::Attribute, len * 2);
    }
    fn double_text(&mut self, text: &str) {
        self.add(Value::Double(text.parse().unwrap_or(f64::NAN)));
    }
    fn boolean(&mut self, value: bool) {
        if self.is_resp2() {
            return self.add(Value::Int(value.into()));
        }
        self.add(Value::Boolean(value));
    }
    fn verbatim(&mut self, format: [u8; 3], text: &[u8]) {
        if self.is_resp2() {
            return self.bulk(text);
        }
        self.add(Value::Verbatim { format, text: text.to_vec() });
    }
    fn protocol(&self) -> Protocol {
        self.protocol
    }
    fn switch(&mut self, _: Protocol) {}
}
