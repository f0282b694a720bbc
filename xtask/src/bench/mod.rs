//! `cargo xtask bench`: Larder and its peers, measured in one run on one machine.
//!
//! `server`, `memory`, `embedded` and `python` hold one table each; `peer` starts servers, `load` sends
//! requests, `machine` names the facts, `results` prints and keeps. Only ratios from one run count.

mod embedded;
mod hearers;
pub(crate) mod load;
mod machine;
mod memory;
mod peer;
mod python;
mod results;
mod server;

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

use crate::soak::exclusive;

/// The tables that can be made.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Table {
    /// CPU time of the server process per request.
    Server,
    /// Resident bytes per key.
    Memory,
    /// Time per call of linked stores.
    Embedded,
    /// Time per call from Python.
    Python,
}

/// How much is measured and what becomes of it.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    pub(crate) quick: bool,
    pub(crate) write: bool,
    pub(crate) peers_only: bool,
}

/// Makes a table, prints it and writes it down if asked.
///
/// # Errors
/// When a contender does not start or answer.
pub(crate) fn run(root: &Path, table: Table, scope: Scope) -> Result<bool> {
    let _alone = exclusive(root)?;
    let table = match table {
        Table::Server => server::measure(root, scope)?,
        Table::Memory => memory::measure(root, scope)?,
        Table::Embedded => embedded::measure(root, scope)?,
        Table::Python => python::measure(root, scope)?,
    };
    let text = table.markdown(&machine::facts());
    println!("\n{text}");
    if scope.write {
        results::write(root, table.title, &text)?;
    }
    Ok(true)
}

/// The middle value; `None` of nothing.
fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 0 => Some(f64::midpoint(values[middle - 1], values[middle])),
        _ => Some(values[middle]),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(super::median(&[]), None);
        assert_eq!(super::median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(super::median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
