//! URLs of stores in this process: `memory:`, `memory:name`, `memory:name/2?protocol=3`.
//!
//! What is behind `?` is for redis-py's connections and is looked at there.

use crate::errors::{NotSupportedError, UrlError};
use larder::url::{Options, Target};
use pyo3::prelude::*;

/// Takes a URL apart: the store's name, the database if there is one, and what is behind `?`.
#[pyfunction]
pub(crate) fn parse_url(url: &str) -> PyResult<(String, Option<u32>, Options)> {
    if let Some((scheme, rest)) = url.split_once(':')
        && scheme.eq_ignore_ascii_case("memory")
    {
        return memory(rest);
    }
    match Target::parse(url) {
        Ok(Target::Folder { path, .. }) => Err(NotSupportedError::new_err(format!(
            "{url}: stores in a folder are not in this version, so nothing would be kept in {}; \
             use memory: for a store that ends with the process, or redis://… for a server",
            path.display(),
        ))),
        Ok(_) => Err(UrlError::new_err(format!("{url}: not a store in this process"))),
        Err(error) => Err(UrlError::new_err(error.to_string())),
    }
}

fn memory(rest: &str) -> PyResult<(String, Option<u32>, Options)> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.strip_prefix("//").unwrap_or(path);
    let (name, db) = path.split_once('/').unwrap_or((path, ""));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !name.bytes().all(is_plain) {
        return Err(UrlError::new_err(format!(
            "memory:{rest}: a store's name is made of letters, digits, '.', '_' and '-', and '{name}' \
             is not",
        )));
    }
    let db = match db.trim_end_matches('/') {
        "" => None,
        digits => Some(digits.parse().map_err(|_| {
            UrlError::new_err(format!("memory:{rest}: '{digits}' is not the number of a database"))
        })?),
    };
    match Target::parse(&format!("memory:?{query}")) {
        Ok(Target::Memory { options }) => Ok((name.to_owned(), db, options)),
        Ok(_) => Err(UrlError::new_err(format!("memory:{rest}"))),
        Err(error) => Err(UrlError::new_err(error.to_string())),
    }
}
