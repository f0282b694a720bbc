//! Why a snapshot file cannot be read or written, in sentences for who has it. Knows no format.

use std::fmt;
use std::io;

/// Why a file cannot be read, or a snapshot not be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// What the system says.
    Io(io::Error),
    /// It does not begin as such a file does.
    NotRdb,
    /// A version that nobody knows here.
    Version(u32),
    /// It breaks the rules of its format.
    Corrupt {
        /// What is wrong, as a phrase.
        reason: String,
        /// Where, in bytes from the beginning.
        offset: u64,
        /// The key whose value it is, if it is one's.
        key: Option<Vec<u8>>,
    },
    /// It ends too early.
    Truncated {
        /// Bytes that there are.
        offset: u64,
    },
    /// Its bytes are not those that were written.
    Checksum {
        /// What stands at its end.
        expected: u64,
        /// What the bytes say.
        found: u64,
    },
    /// It holds a module's data.
    Module {
        /// The module's type, its nine letters.
        name: String,
        /// The key, or nothing where it belongs to none.
        key: Option<Vec<u8>>,
    },
    /// A value that the chosen version cannot hold.
    CannotHold {
        /// The version.
        version: u16,
    },
    /// The snapshot was given up while it was written.
    Aborted,
}

impl Error {
    /// Whether what was read so far may be right and only the end is missing.
    pub fn is_truncation(&self) -> bool {
        matches!(self, Error::Truncated { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(error) => write!(f, "{error}"),
            Error::NotRdb => f.write_str("not a snapshot file: it does not begin with REDIS"),
            Error::Version(version) => {
                write!(f, "a snapshot of version {version}, which this program cannot read")
            }
            Error::Corrupt { reason, offset, key } => {
                write!(f, "{reason} at byte {offset}")?;
                key.as_ref().map_or(Ok(()), |key| write!(f, ", in the value of {}", shown(key)))
            }
            Error::Truncated { offset } => write!(f, "it ends at byte {offset}, in the middle"),
            Error::Checksum { expected, found } => write!(
                f,
                "its checksum is wrong: {expected:016x} stands at its end, its bytes have \
                 {found:016x}"
            ),
            Error::Module { name, key } => {
                write!(f, "it holds data of the module type '{name}'")?;
                if let Some(key) = key {
                    write!(f, " (key {})", shown(key))?;
                }
                f.write_str(", which only that module can read")
            }
            Error::CannotHold { version } => write!(
                f,
                "fields of hashes have deadlines, which version {version} of the format cannot \
                 hold: set rdb-save-version to auto, 12 or valkey80"
            ),
            Error::Aborted => f.write_str("the snapshot was given up"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Io(error)
    }
}

/// A key as text: quoted, cut if it is long.
fn shown(key: &[u8]) -> String {
    const MOST: usize = 80;
    let (text, more) = if key.len() > MOST { (&key[..MOST], "…") } else { (key, "") };
    format!("'{}'{more}", text.escape_ascii())
}
