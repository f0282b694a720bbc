//! The engine's command table as JSON, for `cargo xtask docs` and `tidy`, which do not link it.

use anyhow::Result;
use larder_engine::commands::table::COMMANDS;
use larder_engine::spec::Spec;
use serde::Serialize;

#[derive(Serialize)]
struct Known {
    name: String,
    group: &'static str,
    since: &'static str,
    summary: &'static str,
    container: bool,
}

/// Every command and subcommand; of a subcommand the name has two words.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn json() -> Result<String> {
    let known = |name: String, spec: &'static Spec| Known {
        name,
        group: spec.group.name(),
        since: spec.since,
        summary: spec.summary,
        container: false,
    };
    let mut all = Vec::new();
    for entry in COMMANDS {
        let container = entry.invoke.is_none();
        all.push(Known { container, ..known(entry.spec.name.into(), entry.spec) });
        for sub in entry.spec.subcommands {
            all.push(known(format!("{} {}", entry.spec.name, sub.spec.name), sub.spec));
        }
    }
    Ok(serde_json::to_string(&all)?)
}
