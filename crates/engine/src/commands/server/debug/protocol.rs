//! `DEBUG PROTOCOL type`: a reply of each kind, for tests of clients' parsers.

use super::super::super::string::set;
use crate::error::Error;
use crate::reply::Reply;
use larder_resp::Protocol;

const UNKNOWN: Error = Error::text(
    "ERR Wrong protocol type name. Please use one of the following: \
     string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
);

/// As in Redis; no constant of mathematics is meant.
#[allow(clippy::approx_constant, reason = "clients' tests know these digits")]
const DOUBLE: f64 = 3.141;

/// Answers a value of a type.
///
/// # Errors
/// For an unknown type, and for a push in RESP2.
pub(super) fn answer(name: &[u8], reply: &mut dyn Reply) -> Result<(), Error> {
    match &name.to_ascii_lowercase()[..] {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.int(12345),
        b"double" => reply.double(DOUBLE),
        b"bignum" => reply.big_number(b"1234567999999999999999999999999999999"),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|number| reply.int(number));
        }
        name if name == set::SPEC.name.as_bytes() => {
            reply.set(3);
            (0..3).for_each(|number| reply.int(number));
        }
        b"map" => {
            reply.map(3);
            for number in 0..3 {
                reply.int(number);
                reply.boolean(number == 1);
            }
        }
        b"attrib" => {
            if reply.protocol() == Protocol::Resp3 {
                reply.attribute(1);
                reply.bulk(b"key-popularity");
                reply.array(2);
                reply.bulk(b"key:123");
                reply.int(90);
            }
            reply.bulk(b"Some real reply following the attribute");
        }
        b"push" if reply.protocol() == Protocol::Resp2 => {
            return Err(Error::text("ERR RESP2 is not supported by this command"));
        }
        b"push" => {
            reply.push(2);
            reply.bulk(b"server-cpu-usage");
            reply.int(42);
            // A client that drops what was pushed still has a reply to wait for.
            reply.bulk(b"Some real reply following the push reply");
        }
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        b"verbatim" => reply.verbatim(*b"txt", b"This is a verbatim\nstring"),
        _ => return Err(UNKNOWN),
    }
    Ok(())
}
