//! Why a script ended without a reply.

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is no Lua: the compiler's words.
    Syntax(String),
    /// It raised an error.
    Raised {
        /// The error's text, its code first.
        text: Vec<u8>,
        /// Where it was raised, if that is known.
        at: Option<Place>,
        /// A command of the script's has counted the error already.
        counted: bool,
    },
    /// It was told to end.
    Killed {
        /// Where it was.
        at: Option<Place>,
    },
    /// It took more memory than it may; the interpreter is to be thrown away.
    Memory,
}

/// A line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What the chunk is called: `@user_script`.
    pub source: String,
    /// Counted from 1.
    pub line: u32,
}

impl Fault {
    /// An error without a place.
    pub(crate) fn plain(text: impl Into<Vec<u8>>) -> Fault {
        Fault::Raised { text: text.into(), at: None, counted: false }
    }
}
