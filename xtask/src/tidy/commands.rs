//! Commands: a quoted name stands in one file only, and each command has an rtest file and a doc.
//!
//! The names come from the engine's table. It must not know any command by itself.

use std::collections::BTreeSet;

use super::{Source, code_of, test_only};
use crate::docs::Known;

const COMMANDS: &str = "crates/engine/src/commands/";

/// Names that are also something else, such as a type or another command's option, and where: below
/// the path, their quotes say nothing of the command.
const ALSO_WORDS: &[(&str, &str)] = &[
    // The option of SET.
    ("get", COMMANDS),
    // The type, the group and its encodings.
    ("set", "crates/engine/src/keyspace/"),
    ("set", "crates/engine/src/spec.rs"),
    // An event of LATENCY.
    ("command", "crates/engine/src/session/"),
    // A type of clients, a group of commands.
    ("pubsub", "crates/engine/src/commands/connection/"),
    ("pubsub", "crates/engine/src/config/"),
    ("pubsub", "crates/engine/src/spec.rs"),
    // A level of the log, a way to load a replica's data.
    ("debug", "crates/engine/src/config/"),
    ("swapdb", "crates/engine/src/config/"),
    // Options of MIGRATE.
    ("copy", "crates/engine/src/commands/generic/migrate.rs"),
    ("keys", "crates/engine/src/commands/generic/migrate.rs"),
    // A global of scripts.
    ("keys", "crates/lua/"),
    // An option of GETEX and INCREX.
    ("persist", COMMANDS),
    // A fact of HELLO and INFO.
    ("role", COMMANDS),
    // Operations of BITFIELD.
    ("incrby", "crates/engine/src/commands/bitmap/bitfield.rs"),
    ("set", "crates/engine/src/commands/bitmap/bitfield.rs"),
    // An option of XCLAIM.
    ("time", "crates/engine/src/commands/stream/"),
    // Policies of FUNCTION RESTORE; a field of FUNCTION STATS.
    ("append", "crates/engine/src/commands/scripting/function/restore.rs"),
    ("command", "crates/engine/src/commands/scripting/function/stats.rs"),
    // An option of SHUTDOWN; a setting.
    ("save", "crates/engine/src/commands/server/shutdown.rs"),
    ("save", "crates/engine/src/config/table.rs"),
    // An option of ZADD.
    ("incr", "crates/engine/src/commands/sorted_set/zadd.rs"),
    // An option, a fact of COMMAND.
    ("type", COMMANDS),
];

/// A complaint for each command whose quoted name stands in a second file.
pub(super) fn names(known: &[Known], sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    let skipped = test_only(sources);
    for name in top_level(known) {
        let quoted = [format!("\"{name}\""), format!("\"{}\"", name.to_uppercase())];
        let spec = format!("name: \"{name}\"");
        let own = |s: &&Source| s.path.starts_with(COMMANDS) && s.text.contains(&spec);
        let homes: Vec<&str> = sources.iter().filter(own).map(|s| s.path.as_str()).collect();
        if homes.is_empty() {
            complaints.push(format!("{name}: no file below {COMMANDS} has its SPEC"));
        }
        let word = |path: &str| ALSO_WORDS.iter().any(|(w, p)| *w == name && path.starts_with(p));
        let others = sources.iter().filter(|s| {
            is_code(&s.path) && !skipped.contains(&s.path) && !homes.contains(&&*s.path)
        });
        for source in others.filter(|s| !word(&s.path)) {
            let code = code_of(&source.text);
            // In lower case many names are common words outside of the engine.
            let engine = source.path.starts_with("crates/engine/");
            if code.contains(&quoted[1]) || (engine && code.contains(&quoted[0])) {
                complaints.push(format!("{}: quotes {}", source.path, name.to_uppercase()));
            }
        }
    }
    complaints
}

/// A complaint for each command without an rtest file or without a doc that names it.
pub(super) fn companions(known: &[Known], sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for command in known.iter().filter(|command| !command.name.contains(' ')) {
        let (name, group) = (&command.name, &command.group);
        // Folders are named as modules are.
        let test = format!("tests/rtest/{}/{name}.rtest", group.replace('-', "_"));
        if !sources.iter().any(|source| source.path == test) {
            complaints.push(format!("{name}: {test} is missing"));
        }
        let spec = format!("name: \"{name}\"");
        let home = sources.iter().find(|s| s.path.starts_with(COMMANDS) && s.text.contains(&spec));
        let doc = home.map_or(String::new(), |home| doc_of(&home.text));
        if home.is_some() && !doc.contains(&name.to_uppercase()) {
            complaints.push(format!("{name}: the //! of its file does not speak of it"));
        }
    }
    complaints
}

fn top_level(known: &[Known]) -> BTreeSet<&str> {
    let names = known.iter().map(|command| command.name.split(' ').next().unwrap_or(""));
    names.collect()
}

/// Sources of the product: neither its tests nor its fuzz targets.
fn is_code(path: &str) -> bool {
    let source = path.starts_with("crates/") && path.contains("/src/") && path.ends_with(".rs");
    source && !path.ends_with("tests.rs") && !path.contains("/tests/")
}

fn doc_of(text: &str) -> String {
    text.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source;

    fn known() -> Vec<Known> {
        let of = |name: &str| Known {
            name: name.into(),
            group: "string".into(),
            since: "1.0.0".into(),
            summary: String::new(),
            container: false,
        };
        vec![of("get")]
    }

    const GET: &str = "//! `GET key`\nname: \"get\"\n";

    #[test]
    fn a_name_in_a_second_file_is_found() {
        let home = || source("crates/engine/src/commands/string/get.rs", GET);
        let second = source("crates/engine/src/log.rs", "if name == \"get\" {}");
        let third = source("crates/net/src/lib.rs", "send(b\"GET\")");
        assert_eq!(names(&known(), &[home(), second, third]).len(), 2);
        let comment =
            source("crates/engine/src/log.rs", "// \"get\"\n#[cfg(test)]\nmod tests {\n\"GET\"}");
        let word = source("crates/net/src/lib.rs", "method(\"get\")");
        assert!(names(&known(), &[home(), comment, word]).is_empty());
        assert_eq!(names(&known(), &[]).len(), 1);
    }

    #[test]
    fn a_command_without_test_or_doc_is_found() {
        let home = source("crates/engine/src/commands/string/get.rs", GET);
        let test = source("tests/rtest/string/get.rtest", "");
        assert!(companions(&known(), &[home, test]).is_empty());
        let mute = source("crates/engine/src/commands/string/get.rs", "//! Reads.\nname: \"get\"");
        assert_eq!(companions(&known(), &[mute]).len(), 2);
    }
}
