//! URLs of stores.

/// Where a URL says that the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// `memory:`
    Memory,
    /// A server, as the client library reads it.
    Redis(String),
}

/// Why a URL cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlError(String);

impl std::fmt::Display for UrlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<Target, UrlError> {
        match url.split_once(':') {
            Some(("memory", _)) => Ok(Target::Memory),
            Some(("redis" | "unix" | "redis+unix", _)) => Ok(Target::Redis(url.to_owned())),
            _ => Err(UrlError(format!("{url}: no store has a URL like this"))),
        }
    }

    pub(crate) fn unsupported(&self) -> UrlError {
        UrlError("this kind of store is not there yet".to_owned())
    }
}
