//! What a store tells the person who runs it. Knows no log file; who prints the lines is the
//! embedding program's choice.

use std::fmt::Debug;

/// Takes lines for the log.
pub trait Report: Debug + Send + Sync {
    /// Something went as it should.
    fn notice(&self, line: &str);

    /// Somebody should look.
    fn warning(&self, line: &str);
}

/// Lets every line go: a library whose program asked for none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoReport;

impl Report for NoReport {
    fn notice(&self, _line: &str) {}
    fn warning(&self, _line: &str) {}
}
