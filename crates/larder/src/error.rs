//! What can go wrong between an app and its store.

use crate::url::UrlError;

/// Why a call has no result.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// The URL cannot be used.
    Url(UrlError),
    /// The store answered with an error; its text begins with a code such as `WRONGTYPE`.
    Refused(String),
    /// There is no connection to the store: where, and why.
    Connection {
        /// The store's address, without password.
        address: String,
        /// What the system says.
        cause: String,
    },
    /// A data folder cannot be used: which one, and why.
    Folder {
        /// The folder.
        path: std::path::PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// No answer within the deadline, or what was written may be lost. The command may have been executed or not.
    OutcomeUnknown {
        /// The store's address, without password.
        address: String,
        /// What the system says.
        cause: String,
    },
    /// The store answered something that this call cannot mean.
    UnexpectedReply(String),
    /// The handle was used before it was attached to a store.
    NotAttached,
    /// Data of a pattern was written by something else.
    ForeignData {
        /// The key.
        key: String,
        /// What was expected there.
        expected: &'static str,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Url(error) => error.fmt(f),
            Error::Refused(text) => write!(f, "the store refused: {text}"),
            Error::Connection { address, cause } => {
                write!(f, "no connection to {address}: {cause}; is the server running there?")
            }
            Error::Folder { path, cause } => {
                write!(f, "the data folder {} cannot be used: {cause}", path.display())
            }
            Error::OutcomeUnknown { address, cause } => write!(
                f,
                "{address} did not answer ({cause}); the command may or may not have been executed",
            ),
            Error::UnexpectedReply(what) => write!(f, "unexpected reply: {what}"),
            Error::NotAttached => f.write_str(
                "this handle has no store yet: call attach(url) before the app serves requests",
            ),
            Error::ForeignData { key, expected } => {
                write!(f, "the value at {key:?} is not {expected}; something else writes this key")
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<UrlError> for Error {
    fn from(error: UrlError) -> Self {
        Error::Url(error)
    }
}
