//! Errors as they go over the wire, with Redis's exact texts.

use std::borrow::Cow;

/// Why a command was refused. `Display` is the text after the `-` of a RESP error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The key holds another type.
    WrongType,
    /// The arguments do not fit the command's syntax.
    Syntax,
    /// Not an integer, or not a 64-bit one.
    NotInteger,
    /// Not a number.
    NotFloat,
    /// The sum does not fit 64 bits.
    Overflow,
    /// A value would be put where it is taken from.
    SameObject,
    /// The key must exist for this command.
    NoSuchKey,
    /// An index beyond the value.
    IndexOutOfRange,
    /// The password is missing.
    NoAuth,
    /// The wrong number of words, for the named command.
    Arity(Cow<'static, str>),
    /// `WATCH` inside `MULTI` and the like.
    Custom(Cow<'static, str>),
}

impl Error {
    /// An error with a text of the command's own, its code (`ERR`) included.
    pub const fn text(text: &'static str) -> Error {
        Error::Custom(Cow::Borrowed(text))
    }

    /// The same, made at run time.
    pub fn owned(text: String) -> Error {
        Error::Custom(Cow::Owned(text))
    }

    /// The expire time given to a command is out of range.
    pub fn invalid_expire(command: &str) -> Error {
        Error::owned(format!("ERR invalid expire time in '{command}' command"))
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Error::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            Error::Syntax => "ERR syntax error",
            Error::NotInteger => "ERR value is not an integer or out of range",
            Error::NotFloat => "ERR value is not a valid float",
            Error::Overflow => "ERR increment or decrement would overflow",
            Error::SameObject => "ERR source and destination objects are the same",
            Error::NoSuchKey => "ERR no such key",
            Error::IndexOutOfRange => "ERR index out of range",
            Error::NoAuth => "NOAUTH Authentication required.",
            Error::Arity(name) => {
                return write!(f, "ERR wrong number of arguments for '{name}' command");
            }
            Error::Custom(text) => text,
        })
    }
}

impl std::error::Error for Error {}
