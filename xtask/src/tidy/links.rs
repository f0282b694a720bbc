//! Links in Markdown lead somewhere: to a file or folder of the project, and to a heading that is there.
//!
//! It must not follow links out of the project.

use super::Source;

/// A complaint for each link that leads nowhere. `exists` asks for a path below the root.
pub(super) fn check(sources: &[Source], exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".md")) {
        for (line, target) in links(&source.text) {
            if let Some(problem) = problem(source, &target, sources, exists) {
                complaints.push(format!("{}:{line}: {target}: {problem}", source.path));
            }
        }
    }
    complaints
}

fn problem(
    source: &Source,
    target: &str,
    sources: &[Source],
    exists: &dyn Fn(&str) -> bool,
) -> Option<&'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => source.path.clone(),
        _ => match resolve(&source.path, file) {
            Some(path) => path,
            None => return Some("leads out of the project"),
        },
    };
    if !exists(&path) && !sources.iter().any(|other| other.path == path) {
        return Some("no such file");
    }
    let text = sources.iter().find(|other| other.path == path).map(|other| other.text.as_str());
    let found = heading.is_empty() || text.is_none_or(|text| has_heading(text, heading));
    (!found).then_some("no such heading")
}

/// The targets of `[text](target)` and their lines, outside of code.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second piece between backticks is code.
        for prose in line.split('`').step_by(2) {
            for rest in prose.split("](").skip(1) {
                if let Some(end) = rest.find(')') {
                    let target = rest[..end].split(' ').next().unwrap_or("");
                    found.push((index + 1, target.to_owned()));
                }
            }
        }
    }
    found
}

/// `file` as seen from `from`, below the root.
fn resolve(from: &str, file: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether a heading has this anchor: lower case, spaces as dashes, other punctuation dropped.
fn has_heading(text: &str, anchor: &str) -> bool {
    text.lines().filter(|line| line.starts_with('#')).any(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).eq(anchor.chars())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source;

    fn complaints(text: &str) -> Vec<String> {
        let files = [source("docs/a.md", text), source("README.md", "# Our house\n")];
        check(&files, &|path| path == "docs/folder")
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let found = complaints("x\n[a](b.md) [c](../README.md#no) [d](../../x)\n");
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], "docs/a.md:2: b.md: no such file");
        assert!(found[1].ends_with("no such heading"));
        assert!(found[2].ends_with("leads out of the project"));
    }

    #[test]
    fn good_links_and_code_are_left_alone() {
        let text = "[a](../README.md#our-house) [b](folder) [c](https://x.org/y) `[d](e)`\n\
                    ```\n[f](g)\n```\n";
        assert!(complaints(text).is_empty(), "{:?}", complaints(text));
    }
}
