//! rtest: commands and expected replies in plain files, played on every backend.
//!
//! `script` reads a file (its format is in `tests/rtest/README.md`), `play` plays one test on a
//! `backend`, `suite` plays many in parallel, `fill` writes a reference's replies into a file.
//! Nothing here may know a particular command, beyond the few the runner itself needs.

// A test runner lives at the edge: it reads files and waits for real servers.
#![allow(clippy::disallowed_methods)]

pub mod backend;
pub mod commands;
pub mod divergence;
pub mod fill;
pub mod pattern;
pub mod play;
pub mod reply;
pub mod script;
pub mod suite;
pub mod words;
