//! Why a command of Redis 7.2 is not here, as `missing.toml` has it.
//!
//! Every command that is missing must have exactly one entry, and every entry a command. The text is
//! made in `mod.rs`.

use serde::Deserialize;

/// Commands that share their reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// Names; a `*` at the end stands for any rest.
    commands: Vec<String>,
    /// Whether they will come.
    pub(super) planned: bool,
    pub(super) why: String,
}

/// The entries of the file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Missing {
    #[serde(default)]
    missing: Vec<Entry>,
}

impl Missing {
    /// Each entry with the names among `absent` that it speaks of.
    pub(super) fn sorted<'a>(&'a self, absent: &[&'a str]) -> Vec<(&'a Entry, Vec<&'a str>)> {
        let of = |entry: &Entry| absent.iter().copied().filter(|name| entry.names(name)).collect();
        self.missing.iter().map(|entry| (entry, of(entry))).collect()
    }

    /// What the entries lack, say twice, or say of nothing.
    pub(super) fn complaints(&self, absent: &[&str]) -> Vec<String> {
        let entries = |name: &str| self.missing.iter().filter(|entry| entry.names(name)).count();
        let mut complaints = Vec::new();
        for name in absent {
            match entries(name) {
                0 => {
                    complaints.push(format!("`{name}` is absent and missing.toml has no reason"));
                }
                1 => {}
                _ => complaints.push(format!("missing.toml has more than one entry for `{name}`")),
            }
        }
        for name in self.missing.iter().flat_map(|entry| &entry.commands) {
            if !absent.iter().any(|absent| matches(name, absent)) {
                complaints.push(format!("missing.toml: `{name}` is here, or no command"));
            }
        }
        complaints
    }
}

impl Entry {
    fn names(&self, name: &str) -> bool {
        self.commands.iter().any(|pattern| matches(pattern, name))
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(commands: &[&str]) -> Missing {
        let entry = |name: &&str| Entry {
            commands: vec![(*name).to_owned()],
            planned: true,
            why: "soon".to_owned(),
        };
        Missing { missing: commands.iter().map(entry).collect() }
    }

    #[test]
    fn each_missing_command_has_one_reason() {
        assert!(missing(&["acl *", "save"]).complaints(&["acl cat", "save"]).is_empty());
        assert_eq!(missing(&[]).complaints(&["save"]).len(), 1);
        assert_eq!(missing(&["sa*", "save"]).complaints(&["save"]).len(), 1);
    }

    #[test]
    fn an_entry_of_a_command_that_has_come_is_named() {
        assert_eq!(
            missing(&["acl *"]).complaints(&[]),
            ["missing.toml: `acl *` is here, or no command"]
        );
    }
}
