//! Configuration: one table of parameters, and the values that a process holds for them.
//!
//! [`table`] says what there is, [`kind`] and [`special`] how words become values, [`Config`]
//! holds the values and changes them, [`rewrite`] brings a file up to date. All of it is text to
//! text: it reads no file, no environment and no clock, and knows neither sockets nor commands.
//! Who applies a value is told by [`Apply`]; reading redis.conf and the command line is the
//! server's.

mod change;
mod error;
mod kind;
mod quoting;
mod rewrite;
mod special;
mod table;
mod values;

/// Matches a pattern of `CONFIG GET`, and of an `include` line in a file.
pub use larder_codec::glob::matches as glob_matches;

pub use change::{Caller, Changed};
pub use error::ConfigError;
pub use kind::{Kind, Reason, TextRule, Value, integer, memory, memory_text};
pub use quoting::quote;
pub use rewrite::{SIGNATURE, rewrite};
pub use special::{
    BindAddress, BindHost, ClientClass, OutputLimit, OutputLimits, SavePoint, notify,
};
pub use table::{
    AclPubsubDefault, AppendFsync, Apply, Id, LogLevel, MaxmemoryPolicy, Mutable, OomScoreAdj,
    Param, Profile, ProtectedAction, RdbSaveVersion, RdbVersionCheck, Supervised, SyslogFacility,
    TABLE, shutdown,
};
pub use values::{Config, Name, lookup};
