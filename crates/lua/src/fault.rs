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
        /// Where it was raised: source and line, if that is known.
        at: Option<(String, u32)>,
        /// A command of the script's has counted the error already.
        counted: bool,
    },
    /// It was told to end.
    Killed,
    /// It took more memory than it may; the interpreter is to be thrown away.
    Memory,
}

impl Fault {
    /// An error without a place.
    pub(crate) fn plain(text: impl Into<Vec<u8>>) -> Fault {
        Fault::Raised { text: text.into(), at: None, counted: false }
    }
}
