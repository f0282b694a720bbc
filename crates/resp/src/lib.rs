//! RESP2 and RESP3, both directions: bytes to words and replies to bytes on the server's side,
//! words to bytes and bytes to values on the client's side.
//!
//! This crate knows no command and no socket; it turns buffers into words and values and back.
//! A server reads [`request`] (parser of one connection) and [`encode`] (replies); a client reads
//! [`encode_request`] and [`decode`](mod@decode); what may be how big stands in [`limits`].
//!
//! # The protocol
//!
//! A request is an array of bulk strings, or one inline line of words (see [`split_quoted`]).
//! A reply is one value; its first byte is its type. Every line ends with `\r\n`.
//!
//! | RESP3 form | value | what RESP2 gets |
//! |---|---|---|
//! | `+text` | simple string | the same |
//! | `-CODE text` | error | the same |
//! | `:-12` | integer | the same |
//! | `$3`, `abc` | bulk string | the same |
//! | `*2`, 2 values | array | the same |
//! | `_` | null | `$-1`, or `*-1` where an array was due |
//! | `,1.5` | double | bulk string |
//! | `#t`, `#f` | boolean | `:1`, `:0` |
//! | `(123` | big number | bulk string |
//! | `=7`, `txt:abc` | verbatim string | bulk string without its format |
//! | `!5`, `E abc` | error that may hold line breaks | simple error |
//! | `%1`, key, value | map | flat array |
//! | `~2`, 2 values | set | array |
//! | `>2`, 2 values | push, out of band | array |
//! | <code>&#124;1</code>, key, value, a value | attribute of the last value | that value alone |
//!
//! The streamed forms of RESP3 (`$?`, `*?`) are sent by no server of this family and are refused.
#![forbid(unsafe_code)]

pub mod decode;
pub mod double;
pub mod encode;
mod grisu;
mod inline;
pub mod limits;
mod number;
pub mod request;
pub mod value;

pub use decode::{DecodeError, ValueScanner, decode};
pub use double::{DoubleText, format_double};
pub use encode::{Protocol, encode_request};
pub use inline::{UnbalancedQuotes, split_quoted};
pub use limits::Limits;
pub use request::{ArgVec, Parsed, ProtocolError, RequestParser, parse_whole};
pub use value::Value;
