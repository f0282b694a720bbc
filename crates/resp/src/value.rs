//! One value of the protocol, owned: what a client receives, and what tests compare.
//!
//! Knows nothing of replies' meaning. Reading: [`decode`](mod@crate::decode); the functions that
//! write each type: [`encode`].

use crate::encode::{self, Protocol};

/// A value of RESP2 or RESP3.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing; also RESP2's null bulk string and null array.
    Null,
    /// An integer.
    Int(i64),
    /// A string of any bytes.
    Bulk(Vec<u8>),
    /// A short status text without line breaks.
    Simple(Vec<u8>),
    /// An error, its code first.
    Error(Vec<u8>),
    /// Values in order.
    Array(Vec<Value>),
    /// Pairs in the order they came.
    Map(Vec<(Value, Value)>),
    /// Values without order; kept as they came.
    Set(Vec<Value>),
    /// An out-of-band message.
    Push(Vec<Value>),
    /// A floating-point number.
    Double(f64),
    /// A truth value.
    Boolean(bool),
    /// An integer of any size: decimal digits with an optional sign.
    BigNumber(Vec<u8>),
    /// A text for people.
    Verbatim {
        /// `txt`, `mkd` or another three-letter name.
        format: [u8; 3],
        /// The text.
        text: Vec<u8>,
    },
    /// A value with remarks about it.
    Attribute {
        /// The remarks.
        pairs: Vec<(Value, Value)>,
        /// What they belong to.
        value: Box<Value>,
    },
}

impl Value {
    /// Appends the value in the form that `proto` knows. Attributes are left out for RESP2.
    ///
    /// An error with line breaks becomes a blob error in RESP3; in RESP2, and in simple strings,
    /// line breaks become spaces.
    pub fn encode(&self, out: &mut Vec<u8>, proto: Protocol) {
        match self {
            Value::Null => encode::null(out, proto),
            Value::Int(value) => encode::int(out, *value),
            Value::Bulk(bytes) => encode::bulk(out, bytes),
            Value::Simple(text) => encode::simple(out, text),
            Value::Error(text) => encode_error(out, proto, text),
            Value::Array(values) => {
                encode::array(out, values.len());
                encode_all(out, proto, values);
            }
            Value::Map(pairs) => {
                encode::map(out, proto, pairs.len());
                encode_pairs(out, proto, pairs);
            }
            Value::Set(values) => {
                encode::set(out, proto, values.len());
                encode_all(out, proto, values);
            }
            Value::Push(values) => {
                encode::push(out, proto, values.len());
                encode_all(out, proto, values);
            }
            Value::Double(value) => encode::double(out, proto, *value),
            Value::Boolean(value) => encode::boolean(out, proto, *value),
            Value::BigNumber(digits) => encode::big_number(out, proto, digits),
            Value::Verbatim { format, text } => encode::verbatim(out, proto, *format, text),
            Value::Attribute { pairs, value } => {
                if proto == Protocol::Resp3 {
                    encode::attribute(out, pairs.len());
                    encode_pairs(out, proto, pairs);
                }
                value.encode(out, proto);
            }
        }
    }
}

fn encode_error(out: &mut Vec<u8>, proto: Protocol, text: &[u8]) {
    let has_breaks = text.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
    if proto == Protocol::Resp3 && has_breaks {
        encode::blob_error(out, text);
    } else {
        encode::error(out, text);
    }
}

fn encode_all(out: &mut Vec<u8>, proto: Protocol, values: &[Value]) {
    for value in values {
        value.encode(out, proto);
    }
}

fn encode_pairs(out: &mut Vec<u8>, proto: Protocol, pairs: &[(Value, Value)]) {
    for (key, value) in pairs {
        key.encode(out, proto);
        value.encode(out, proto);
    }
}
