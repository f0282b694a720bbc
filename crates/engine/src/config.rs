//! Settings.
use std::sync::atomic::{AtomicBool, Ordering};
/// Settings.
#[derive(Debug, Default)]
pub struct Config {
    pw: AtomicBool,
}
/// Number of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Id {}
/// Why not.
#[derive(Debug, Clone)]
pub struct ConfigError(pub String);
impl Config {
    pub(crate) fn has_password(&self) -> bool {
        self.pw.load(Ordering::Relaxed)
    }
}
