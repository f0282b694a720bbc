//! Every Rust file opens with `//!`: what it holds, what it must not know, where to read next.

use super::Source;

/// A complaint for each file that does not.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let rust = sources.iter().filter(|source| source.path.ends_with(".rs"));
    rust.filter(|source| !source.text.starts_with("//! "))
        .map(|source| format!("{}: must begin with //! and what it holds", source.path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source;

    #[test]
    fn a_file_without_its_header_is_found() {
        let good = source("a.rs", "//! Holds.\n");
        let bad = source("b.rs", "use std::fmt;\n//! Late.\n");
        assert_eq!(check(&[good, bad]), ["b.rs: must begin with //! and what it holds"]);
    }
}
