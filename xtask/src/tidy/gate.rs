//! The mutation gate: entries change only through it, so the calls below it stand in few files.
//!
//! The engine's visibility guards most of this; what Rust cannot say is listed here by pattern.

use super::Source;

/// A call that only these files may contain (a folder ends in `/`), and what to use elsewhere.
struct Rule {
    pattern: &'static str,
    allowed: &'static [&'static str],
    instead: &'static str,
}

const RULES: &[Rule] = &[];

/// A complaint for each call past the gate.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    broken(RULES, sources)
}

fn broken(rules: &[Rule], sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    let engine = |source: &&Source| {
        source.path.starts_with("crates/engine/src/") && source.path.ends_with(".rs")
    };
    for source in sources.iter().filter(engine) {
        let allowed = |rule: &&Rule| !rule.allowed.iter().any(|path| source.path.starts_with(path));
        for rule in rules.iter().filter(allowed) {
            for (index, line) in source.text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or("");
                if code.contains(rule.pattern) {
                    let (line, pattern, instead) = (index + 1, rule.pattern, rule.instead);
                    complaints.push(format!("{}:{line}: {pattern} — {instead}", source.path));
                }
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source;

    #[test]
    fn a_call_past_the_gate_is_found() {
        let rules = [Rule {
            pattern: "table.insert(",
            allowed: &["crates/engine/src/keyspace/"],
            instead: "write through Shard::write",
        }];
        let sources = [
            source("crates/engine/src/keyspace/gate.rs", "self.table.insert(k)"),
            source(
                "crates/engine/src/commands/set.rs",
                "// table.insert(k)\nshard.table.insert(k)",
            ),
        ];
        let found = broken(&rules, &sources);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/engine/src/commands/set.rs:2"));
    }
}
