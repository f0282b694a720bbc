//! The one list of commands.

use super::entry;
use super::generic::del;
use super::string::{get, set};
use crate::spec::Entry;

/// Every command; containers hold their subcommands.
pub static COMMANDS: &[Entry] = &[
    // generic
    entry!(del::Del),
    // string
    entry!(get::Get),
    entry!(set::Set),
];
