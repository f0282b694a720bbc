//! From replies to what callers asked for.

use crate::{Error, Value};

/// A type that a reply can be.
pub(crate) trait FromReply: Sized {
    fn from_reply(value: Value) -> Result<Self, Error>;
}

/// An error reply as an error.
pub(crate) fn refuse_errors(value: Value) -> Result<Value, Error> {
    match value {
        Value::Error(text) => Err(Error::Refused(String::from_utf8_lossy(&text).into_owned())),
        value => Ok(value),
    }
}

fn unexpected<T>(value: &Value, wanted: &str) -> Result<T, Error> {
    Err(Error::UnexpectedReply(format!("{wanted} was expected, {value:?} came")))
}

impl FromReply for () {
    fn from_reply(value: Value) -> Result<Self, Error> {
        refuse_errors(value).map(drop)
    }
}

impl FromReply for Vec<u8> {
    fn from_reply(value: Value) -> Result<Self, Error> {
        match refuse_errors(value)? {
            Value::Bulk(bytes) | Value::Simple(bytes) => Ok(bytes),
            other => unexpected(&other, "a string"),
        }
    }
}

impl<T: FromReply> FromReply for Option<T> {
    fn from_reply(value: Value) -> Result<Self, Error> {
        match value {
            Value::Null => Ok(None),
            value => T::from_reply(value).map(Some),
        }
    }
}

impl FromReply for i64 {
    fn from_reply(value: Value) -> Result<Self, Error> {
        match refuse_errors(value)? {
            Value::Int(n) => Ok(n),
            other => unexpected(&other, "an integer"),
        }
    }
}

impl FromReply for u64 {
    fn from_reply(value: Value) -> Result<Self, Error> {
        let n = i64::from_reply(value)?;
        u64::try_from(n)
            .map_err(|_| Error::UnexpectedReply(format!("a count was expected, {n} came")))
    }
}

impl FromReply for bool {
    fn from_reply(value: Value) -> Result<Self, Error> {
        match refuse_errors(value)? {
            Value::Int(n) => Ok(n != 0),
            Value::Boolean(b) => Ok(b),
            Value::Simple(_) => Ok(true),
            Value::Null => Ok(false),
            other => unexpected(&other, "yes or no"),
        }
    }
}

impl<T: FromReply> FromReply for Vec<T>
where
    Vec<T>: NotBytes,
{
    fn from_reply(value: Value) -> Result<Self, Error> {
        match refuse_errors(value)? {
            Value::Array(items) | Value::Set(items) => {
                items.into_iter().map(T::from_reply).collect()
            }
            other => unexpected(&other, "an array"),
        }
    }
}

/// Lists that are not a string of bytes.
pub(crate) trait NotBytes {}
impl NotBytes for Vec<Vec<u8>> {}
impl NotBytes for Vec<Option<Vec<u8>>> {}
impl NotBytes for Vec<bool> {}
