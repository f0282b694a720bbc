//! Fetches the official suites: Debian's source packages, through an apt configuration of its own.
//!
//! What lies in `target/conformance` is never committed, and the system's apt lists and settings
//! are never touched: its entries are copied with the suite's name changed, its proxies and keys
//! are used as they are. It must not know what is done with a suite; that is `suite`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::suite::Suite;
use crate::setup;
use crate::step::{capture, exists, must};

/// The upstream archive of a suite, fetched where it is not there yet.
///
/// # Errors
/// When it cannot be had; the message names what is missing.
pub(super) fn archive(root: &Path, suite: Suite) -> Result<PathBuf> {
    let folder = root.join("target/conformance");
    let archive = folder.join(suite.archive());
    if !archive.is_file() {
        fetch(&folder, suite)?;
        ensure!(archive.is_file(), "Debian's {} has no {}", suite.release(), suite.archive());
    }
    Ok(archive)
}

/// Unpacks the archive as it is into `to`, without its outermost folder.
///
/// # Errors
/// When tar fails.
pub(super) fn unpack(archive: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(archive).arg("-C").arg(to).arg("--strip-components=1");
    ensure!(capture(&mut tar)?.succeeded, "tar cannot unpack {}", archive.display());
    Ok(())
}

/// The interpreter of the suites.
///
/// # Errors
/// When it is missing and may not be installed.
pub(super) fn tcl() -> Result<()> {
    let names = ["tclsh8.5", "tclsh8.6", "tclsh8.7", "tclsh9.0"];
    match names.iter().any(|name| exists(name)) {
        true => Ok(()),
        false => setup::debian_package("tcl", "the suites are written in Tcl"),
    }
}

fn fetch(folder: &Path, suite: Suite) -> Result<()> {
    if !exists("apt-get") {
        bail!("{} comes from Debian's source packages: apt-get is missing", suite.archive());
    }
    let own = folder.join("apt");
    for part in ["etc", "lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(own.join(part))?;
    }
    let entries = entries_of_machine(suite.release())?;
    fs::write(own.join(format!("etc/{}.sources", suite.release())), entries)?;
    let title = format!("{} of Debian {}", suite.package(), suite.release());
    let mut update = apt(&own)?;
    must(&format!("{title}: list"), update.arg("update"))?;
    let mut source = apt(&own)?;
    let wanted = format!("{}={}", suite.package(), version(&own, suite)?);
    source.current_dir(folder).args(["source", "--download-only", &wanted]);
    must(&title, &mut source)?;
    Ok(())
}

/// The version of Debian's whose upstream part is the one we ask for.
fn version(own: &Path, suite: Suite) -> Result<String> {
    let mut show = Command::new("apt-cache");
    show.args(options(own)?).args(["showsrc", "--only-source", suite.package()]);
    let text = capture(&mut show)?.text;
    let mut versions = text.lines().filter_map(|line| line.strip_prefix("Version: "));
    let upstream = |version: &&str| {
        let version = version.split_once(':').map_or(*version, |(_epoch, rest)| rest);
        version.rsplit_once('-').is_some_and(|(upstream, _)| upstream == suite.version())
    };
    let found = versions.find(upstream).map(str::to_owned);
    found.with_context(|| {
        let (package, version) = (suite.package(), suite.version());
        format!("Debian {} no longer has {package} {version}: {text}", suite.release())
    })
}

fn apt(own: &Path) -> Result<Command> {
    let mut apt = Command::new("apt-get");
    apt.args(options(own)?).arg("--quiet");
    Ok(apt)
}

/// Everything that apt would write goes below `own`, and its sources come from there.
fn options(own: &Path) -> Result<Vec<String>> {
    let own = own.canonicalize()?;
    let at = |name: &str, part: &str| format!("-o{name}={}", own.join(part).display());
    Ok(vec![
        "-oDir::Etc::sourcelist=/dev/null".to_owned(),
        at("Dir::Etc::sourceparts", "etc"),
        at("Dir::State::lists", "lists"),
        at("Dir::Cache", "cache"),
        // The folder may be closed to apt's own user, who needs no entry to what root reads.
        "-oAPT::Sandbox::User=root".to_owned(),
    ])
}

/// The machine's entries for its own release of Debian, asking for sources of `release`.
fn entries_of_machine(release: &str) -> Result<String> {
    let codename = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let codename = codename
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .unwrap_or("stable")
        .trim_matches('"');
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    let parts = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    files.extend(parts.map(|entry| entry.path()));
    let mut entries = String::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap_or_default();
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("sources") => entries.extend(stanzas(&text, codename, release)),
            Some("list") => entries.extend(lines(&text, codename, release)),
            _ => {}
        }
    }
    ensure!(!entries.is_empty(), "no entry for Debian {codename} in /etc/apt/sources.list.d");
    Ok(entries)
}

/// Whether the names of suites hold the release itself, and not only its updates.
fn names_release(suites: &str, codename: &str) -> bool {
    let known = [codename, "stable", "testing", "unstable", "sid"];
    suites.split_whitespace().any(|suite| known.contains(&suite))
}

/// The entries of a file of stanzas.
fn stanzas(text: &str, codename: &str, release: &str) -> Vec<String> {
    let chosen = |stanza: &&str| {
        let suites = stanza.lines().find_map(|line| line.strip_prefix("Suites:"));
        suites.is_some_and(|suites| names_release(suites, codename))
    };
    let ours = |stanza: &str| {
        let kept = |line: &&str| {
            let replaced = ["Types:", "Suites:", "Components:", "Architectures:", "#"];
            !replaced.iter().any(|name| line.starts_with(name)) && !line.trim().is_empty()
        };
        let rest: Vec<&str> = stanza.lines().filter(kept).collect();
        let head = format!("Types: deb-src\nSuites: {release}\nComponents: main");
        format!("{head}\n{}\n\n", rest.join("\n"))
    };
    text.split("\n\n").filter(chosen).map(ours).collect()
}

/// The entries of a file of lines: `deb [options] URI suite components`.
fn lines(text: &str, codename: &str, release: &str) -> Vec<String> {
    let ours = |line: &str| {
        let rest = line.trim().strip_prefix("deb ")?.trim();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(open) => open.split_once(']')?,
            None => ("", rest),
        };
        let mut words = rest.split_whitespace();
        let (uri, suite) = (words.next()?, words.next()?);
        let option = |name: &str| {
            let found = options.split_whitespace().find_map(|word| word.strip_prefix(name));
            found.map(str::to_owned)
        };
        let mut stanza = format!("Types: deb-src\nSuites: {release}\nComponents: main\n");
        stanza += &format!("URIs: {uri}\n");
        for (name, field) in [("signed-by=", "Signed-By"), ("trusted=", "Trusted")] {
            stanza += &option(name).map(|value| format!("{field}: {value}\n")).unwrap_or_default();
        }
        names_release(suite, codename).then_some(stanza + "\n")
    };
    text.lines().filter_map(ours).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stanza_is_kept_with_another_suite() {
        let text = "Types: deb\n# a remark\nURIs: http://mirror/debian\n\
                    Suites: bookworm bookworm-updates\nComponents: main contrib\nSigned-By: /k\n\n\
                    Types: deb\nURIs: http://mirror/security\nSuites: bookworm-security\n";
        assert_eq!(
            stanzas(text, "bookworm", "sid").concat(),
            "Types: deb-src\nSuites: sid\nComponents: main\nURIs: http://mirror/debian\n\
             Signed-By: /k\n\n"
        );
    }

    #[test]
    fn a_line_becomes_a_stanza() {
        let text = "# remark\ndeb [arch=amd64 signed-by=/k] http://mirror/debian bookworm main\n\
                    deb http://mirror/security bookworm-security main\n";
        assert_eq!(
            lines(text, "bookworm", "sid").concat(),
            "Types: deb-src\nSuites: sid\nComponents: main\nURIs: http://mirror/debian\n\
             Signed-By: /k\n\n"
        );
    }
}
