//! The mutation gate: entries change only through it, so the calls below it stand in few files.
//!
//! Rust's visibility ends at the crate or the module; who may call what is listed here. A call is
//! known by its method's name, and by what stands before the point where the name is a common one.

use std::collections::BTreeSet;

use super::{Source, code_of, test_only};

/// Methods that only these files may call, and what to use elsewhere.
struct Rule {
    methods: &'static [&'static str],
    /// The first word of the receiver's last name; empty where the methods' names say enough.
    receiver: &'static str,
    /// Names of a type whose methods they are, for calls by their full path.
    of: &'static str,
    allowed: &'static [&'static str],
    instead: &'static str,
}

const SHARD: &str = "crates/engine/src/keyspace/shard.rs";
const GATE: &str = "crates/engine/src/keyspace/gate.rs";
const SNAPSHOT: &str = "crates/engine/src/keyspace/snapshot.rs";
const WHOLE: &str = "crates/engine/src/keyspace/whole.rs";
const ENTRY: &str = "crates/engine/src/keyspace/entry.rs";
const DETACHED: &str = "crates/engine/src/keyspace/detached.rs";

const RULES: &[Rule] = &[
    Rule {
        methods: &["hand_over", "change_object", "restamp"],
        receiver: "",
        of: "Shard",
        allowed: &[SHARD, GATE, SNAPSHOT, WHOLE, DETACHED],
        instead: "change the key through Keys::write, which opens the gate",
    },
    Rule {
        methods: &[
            "insert",
            "replace",
            "splice",
            "set_deadline",
            "remove",
            "clear",
            "flush",
            "swap",
            "mark",
            "walk",
        ],
        receiver: "shard",
        of: "Shard",
        allowed: &[SHARD, GATE, SNAPSHOT, WHOLE],
        instead: "change the key through Keys::write, which opens the gate",
    },
    Rule {
        methods: &["set_epoch", "set_deadline_ms", "take_pointee", "take_long_key", "overwrite"],
        receiver: "",
        of: "Entry",
        allowed: &[ENTRY, SHARD, DETACHED],
        instead: "an entry's bytes are changed by its shard alone",
    },
    Rule {
        methods: &["object_mut", "bytes_mut", "splice"],
        receiver: "entry",
        of: "Entry",
        allowed: &[ENTRY, SHARD],
        instead: "an entry's bytes are changed by its shard alone",
    },
    Rule {
        methods: &["shard_cell", "shard_mut_cell"],
        receiver: "",
        of: "Engine",
        allowed: &["crates/engine/src/engine.rs", "crates/engine/src/keys.rs"],
        instead: "shards are reached through Engine::with_keys",
    },
];

/// A complaint for each call past the gate.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let skipped = test_only(sources);
    let engine = |source: &&Source| {
        let path = &source.path;
        path.starts_with("crates/engine/src/") && path.ends_with(".rs") && !skipped.contains(path)
    };
    let broken = |source: &Source| broken(RULES, source);
    sources.iter().filter(engine).flat_map(broken).collect()
}

fn broken(rules: &[Rule], source: &Source) -> Vec<String> {
    let code = code_of(&source.text);
    let mut lines = BTreeSet::new();
    for rule in rules.iter().filter(|rule| !rule.allowed.contains(&source.path.as_str())) {
        for method in rule.methods {
            for at in calls(&code, method, rule) {
                let line = code[..at].lines().count();
                lines.insert((line, format!("{}({method}) — {}", rule.of, rule.instead)));
            }
        }
    }
    let complaint = |(line, text)| format!("{}:{line}: {text}", source.path);
    lines.into_iter().map(complaint).collect()
}

/// Where `code` calls a method of the rule.
fn calls(code: &str, method: &str, rule: &Rule) -> Vec<usize> {
    let by_point = format!(".{method}(");
    let by_path = format!("{}::{method}", rule.of);
    let ends = |at: usize| !code[at..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let points = code.match_indices(&by_point).map(|(at, _)| at);
    let points = points.filter(|&at| {
        let first = receiver(&code[..at]).split('_').next();
        rule.receiver.is_empty() || first == Some(rule.receiver)
    });
    let paths = code.match_indices(&by_path).map(|(at, found)| (at, at + found.len()));
    points.chain(paths.filter(|&(_, end)| ends(end)).map(|(at, _)| at)).collect()
}

/// The last name of the expression that `code` ends with: `shard` of `self.shard`, `shard_of` of
/// `keys.shard_of(&key)`, also where lines are broken before the point.
fn receiver(code: &str) -> &str {
    let mut end = code.trim_end().len();
    while let Some(close) = code[..end].chars().next_back().filter(|c| matches!(c, ')' | ']' | '?'))
    {
        end -= 1;
        if close == '?' {
            continue;
        }
        let mut depth = 1;
        while depth > 0 && end > 0 {
            end -= 1;
            match code.as_bytes()[end] {
                b')' | b']' => depth += 1,
                b'(' | b'[' => depth -= 1,
                _ => {}
            }
        }
    }
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    &code[code[..end].trim_end_matches(name).len()..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&[source(path, text)])
    }

    const COMMAND: &str = "crates/engine/src/commands/string/set.rs";

    #[test]
    fn a_call_past_the_gate_is_found() {
        for call in [
            "self.shard.insert(db)",
            "keys.shard_of(&key[..n]).remove(0, hash, found)",
            "keys\n    .shard_at(index)\n    // where it was\n    .set_deadline(db, found, None)",
            "let old = shard.clear(db)",
            "shard.swap(1, 2)",
            "home.hand_over(db, found)",
            "home.change_object(found, |o| o)",
            "Shard::replace(home, db)",
            "shards.iter_mut().for_each(Shard::restamp)",
            "entry.object_mut()?",
            "shard.entry(found).splice(cut, gap)",
            "any.set_epoch(3)",
            "engine.shard_cell(0)",
        ] {
            assert_eq!(found(COMMAND, &format!("fn f() {{\n{call}\n}}")).len(), 1, "{call}");
        }
        let told = found(COMMAND, "fn f() {\n  shard.remove(0)\n}");
        assert!(told[0].starts_with("crates/engine/src/commands/string/set.rs:2: "), "{told:?}");
    }

    #[test]
    fn what_only_looks_like_one_is_not() {
        for call in [
            "members.insert(member)",
            "shards.insert(at, shard)",
            "shard.watched.remove(key)",
            "shard.waiters.remove(db, key, &waiter)",
            "gate.set_deadline(None)",
            "bytes.clear()",
            "// shard.remove(0)",
            "self.notified.swap(true, Ordering::AcqRel)",
            "fn f() {}\n#[cfg(test)]\nmod tests { fn g() { shard.remove(0) } }",
        ] {
            assert_eq!(found(COMMAND, call), Vec::<String>::new(), "{call}");
        }
        assert!(found(GATE, "self.shard.remove(0)").is_empty());
        assert!(found("crates/net/src/server.rs", "door.hand_over(socket)").is_empty());
    }

    #[test]
    fn a_module_for_tests_may_do_anything() {
        let lib = || source("crates/engine/src/lib.rs", "#[cfg(all(test, x))]\nmod model;\n");
        let model = source("crates/engine/src/model.rs", "shard.remove(0)");
        assert!(check(&[lib(), model]).is_empty());
        let other = source("crates/engine/src/other.rs", "shard.remove(0)");
        assert_eq!(check(&[lib(), other]).len(), 1);
    }
}
