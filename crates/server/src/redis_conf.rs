//! Reads redis.conf: files, `include`, standard input and the settings of a command line become
//! one [`Settings`], or a list of [`Problem`]s with file, line, reason and what to do.
//!
//! Types and bounds are the table's, in [`larder_engine::config`]. What would silently change
//! security or meaning (TLS, ACL users, cluster, modules, replication) is refused; what merely has
//! no meaning here is collected, to be named once in the log. Writing the file back is
//! [`rewrite_file`]. Next: `cli`, which decides what is read.
#![allow(clippy::disallowed_methods, reason = "the server's edge reads and writes this file")]

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use larder_engine::config::{self, Apply, Config, Id, Kind, Profile, Value, lookup, quote};
use larder_engine::renames::{RenameError, Renames};
use larder_resp::split_quoted;
use sha2::{Digest, Sha256};

/// Files that include each other, at most so deep.
const MAX_INCLUDE_DEPTH: usize = 16;

/// Directives that are no parameters, for the search of a similar name.
const DIRECTIVES: [&str; 4] = ["include", "rename-command", "user", "loadmodule"];

/// Directives that Redis itself accepts and ignores.
const IGNORED: [&str; 3] =
    ["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"];

/// What was read.
#[derive(Debug)]
pub struct Settings {
    /// The values.
    pub config: Arc<Config>,
    /// Where each value that was set comes from.
    pub origins: HashMap<Id, Origin>,
    /// What was set and has no meaning here, each once, in the order of appearance.
    pub not_applied: Vec<&'static str>,
    /// What the `rename-command` lines say.
    pub renames: Renames,
    /// Commands of Redis that such lines name and that are not here anyway.
    pub absent_commands: Vec<String>,
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    source: Source,
    /// The line's number, or the option's, from 1.
    line: usize,
    /// The setting as written, without secrets.
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    File(PathBuf),
    Stdin,
    CommandLine,
}

/// Something that keeps the server from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting, if one is to blame.
    pub origin: Option<Origin>,
    /// What is wrong; of a bad value, in Redis's words.
    pub reason: String,
    /// What to do about it.
    pub advice: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::File(path) => write!(f, "{}, line {}", path.display(), self.line),
            Source::Stdin => write!(f, "standard input, line {}", self.line),
            Source::CommandLine => f.write_str("command line"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: '{}': ", origin.text)?;
        }
        f.write_str(&self.reason)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "; {}", self.advice) }
    }
}

/// The problems as the start prints them: one sentence a line, and for a process that was started
/// as Redis also the lines that tools look for in Redis's output.
#[must_use]
pub fn report(problems: &[Problem], profile: Profile) -> String {
    let mut text = String::new();
    let first = problems.first().and_then(|problem| Some((problem.origin.as_ref()?, problem)));
    if let (Profile::Redis, Some((origin, problem))) = (profile, first) {
        let version = crate::cli::REDIS_VERSION;
        text = format!(
            "\n*** FATAL CONFIG FILE ERROR (Redis {version}) ***\nReading the configuration \
             file, at line {}\n>>> '{}'\n{}\n\n",
            origin.line, origin.text, problem.reason
        );
    }
    for problem in problems {
        text.push_str(&format!("larder: {problem}\n"));
    }
    text
}

impl Settings {
    /// A problem that came up later, when the value of `id` was put to use (a port in use, a log
    /// file that cannot be opened), with the place where the value was set.
    #[must_use]
    pub fn problem(&self, id: Id, reason: impl Into<String>, advice: &str) -> Problem {
        let origin = self.origins.get(&id).cloned();
        let reason = match origin {
            Some(_) => reason.into(),
            None => format!("{}: {}", id.param().name, reason.into()),
        };
        Problem { origin, reason, advice: advice.into() }
    }

    /// A path that a setting names, relative to `dir` as in Redis; `None` when it is not set.
    #[must_use]
    pub fn path(&self, id: Id) -> Option<PathBuf> {
        let name = self.config.string(id)?;
        Some(self.dir().join(name))
    }

    /// The data folder, absolute.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        PathBuf::from(std::ffi::OsStr::from_bytes(&self.config.text(Id::Dir)))
    }

    /// Makes sure that the data folder is there and can be written. With Larder's defaults it is
    /// made if it is missing, for this user only; Redis expects it to be there. Redis's working
    /// folder, which nobody named, need not be writable.
    ///
    /// # Errors
    /// The [`Problem`] that names the setting, the folder and what to do.
    pub fn prepare_dir(&self) -> Result<PathBuf, Problem> {
        let dir = self.dir();
        let shown = dir.display().to_string();
        if self.config.profile() == Profile::Larder && !dir.exists() {
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir);
            made.map_err(|error| {
                let reason = format!("the data folder {shown} cannot be made: {}", plain(&error));
                self.problem(Id::Dir, reason, "name a folder that this user may make with dir")
            })?;
        }
        let missing = |error: &io::Error| {
            let reason = format!("the data folder {shown} cannot be used: {}", plain(error));
            self.problem(Id::Dir, reason, "make it, or name another one with dir")
        };
        let facts = std::fs::metadata(&dir).map_err(|error| missing(&error))?;
        if !facts.is_dir() {
            return Err(missing(&io::Error::from(io::ErrorKind::NotADirectory)));
        }
        if self.config.profile() == Profile::Larder || self.origins.contains_key(&Id::Dir) {
            writable(&dir).map_err(|error| {
                let reason =
                    format!("the data folder {shown} cannot be written: {}", plain(&error));
                let advice = "give this user the right to, or name another with dir";
                self.problem(Id::Dir, reason, advice)
            })?;
        }
        Ok(dir)
    }
}

/// Reads the sources one after the other; what comes later wins.
#[derive(Debug)]
pub struct Reader {
    settings: Settings,
    problems: Vec<Problem>,
    /// Where relative paths start: the working folder until a `dir` line moves it, as in Redis.
    base: PathBuf,
    /// Hashes of the default user's password, to be compared with requirepass at the end.
    hashes: Vec<(Vec<u8>, Origin)>,
}

impl Reader {
    /// Starts with the defaults of `profile`, in the folder `cwd`, on a machine where the process
    /// may use `cpus` processors.
    #[must_use]
    pub fn new(profile: Profile, cwd: &Path, cpus: usize) -> Self {
        let config = Config::new(profile);
        let dir = config.string(Id::Dir).unwrap_or_default();
        let dir = absolute(cwd, Path::new(&dir));
        config.set_default(Id::Dir, Value::Text(dir.as_os_str().as_bytes().into()));
        let loops = i64::try_from(cpus.clamp(1, 128)).unwrap_or(1);
        config.set_default(Id::IoThreads, Value::Int(loops));
        let settings = Settings {
            config: Arc::new(config),
            origins: HashMap::new(),
            not_applied: Vec::new(),
            renames: Renames::default(),
            absent_commands: Vec::new(),
        };
        Self { settings, problems: Vec::new(), base: cwd.into(), hashes: Vec::new() }
    }

    /// Reads a file.
    pub fn file(&mut self, path: &Path) {
        let path = absolute(&self.base, path);
        match std::fs::read(&path) {
            Ok(text) => self.text(&text, &Source::File(path), 0),
            Err(error) => self.problems.push(unreadable(&path, &error, None)),
        }
    }

    /// Reads standard input, or what stands for it.
    pub fn stdin(&mut self, input: &mut dyn Read) {
        let mut text = Vec::new();
        match input.read_to_end(&mut text) {
            Ok(_) => self.text(&text, &Source::Stdin, 0),
            Err(error) => self.problems.push(Problem {
                origin: None,
                reason: format!("standard input cannot be read: {}", plain(&error)),
                advice: "give the name of a file instead of -".into(),
            }),
        }
    }

    /// Takes one setting of a command line: its name and its values. `number` counts from 1.
    pub fn option(&mut self, words: &[Vec<u8>], number: usize) {
        let Some((name, values)) = words.split_first() else { return };
        let mut text = String::from_utf8_lossy(name).into_owned();
        for value in values {
            text.push(' ');
            text.push_str(&quote(value));
        }
        let origin = origin(Source::CommandLine, number, &text, name);
        self.directive(words, origin, 0);
    }

    /// The end: what was read, or all that is wrong with it.
    ///
    /// # Errors
    /// At least one [`Problem`].
    pub fn finish(mut self) -> Result<Settings, Vec<Problem>> {
        let password = self.settings.config.text(Id::Requirepass);
        for (hash, origin) in std::mem::take(&mut self.hashes) {
            if hash != hex(&Sha256::digest(&password)) {
                self.refuse(
                    origin,
                    "this is not the hash of requirepass",
                    "write the password with requirepass and remove this line",
                );
            }
        }
        if self.problems.is_empty() { Ok(self.settings) } else { Err(self.problems) }
    }

    fn text(&mut self, text: &[u8], source: &Source, depth: usize) {
        for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let shown = String::from_utf8_lossy(line);
            let first = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            let origin = origin(source.clone(), number + 1, &shown, first);
            match split_quoted(line) {
                Ok(words) if words.is_empty() => {}
                Ok(words) => self.directive(&words, origin, depth),
                Err(_) => self.refuse(
                    origin,
                    "Unbalanced quotes in configuration line",
                    "close the quote, with a blank after it",
                ),
            }
        }
    }

    fn directive(&mut self, words: &[Vec<u8>], origin: Origin, depth: usize) {
        let Some((name, values)) = words.split_first() else { return };
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        if let Some(found) = lookup(name.as_bytes()) {
            self.parameter(found.id, &name, values, origin);
            return;
        }
        match (name.as_str(), values) {
            ("include", [pattern]) => self.include(pattern, &origin, depth),
            ("rename-command", [command, to]) => self.rename(command, to, origin),
            ("user", [_, ..]) => self.user(values, origin),
            ("loadmodule", [_, ..]) => self.refuse(
                origin,
                "modules cannot be loaded into Larder",
                "remove the line, or keep Redis for what needs the module",
            ),
            ("sentinel", _) => self.refuse(
                origin,
                "Larder is not a Sentinel",
                "remove the line, and run redis-sentinel for that",
            ),
            (other, [_]) if IGNORED.contains(&other) => {
                let known = IGNORED.iter().find(|name| **name == other);
                self.settings.not_applied.extend(known);
            }
            _ => {
                let advice = match nearest(&name) {
                    Some(near) if name.contains('=') => {
                        format!("did you mean {near}? (values stand behind a blank)")
                    }
                    Some(near) => format!("did you mean {near}?"),
                    None if name.contains('.') => "it belongs to a module: remove it".into(),
                    None => "no setting has this name: remove it".into(),
                };
                self.refuse(origin, "Bad directive or wrong number of arguments", &advice);
            }
        }
    }

    fn parameter(&mut self, id: Id, name: &str, values: &[Vec<u8>], origin: Origin) {
        let mut values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        let moved;
        if let (Id::Dir, [dir]) = (id, values.as_slice()) {
            moved = absolute(&self.base, Path::new(std::ffi::OsStr::from_bytes(dir)));
            values = vec![moved.as_os_str().as_bytes()];
            self.base.clone_from(&moved);
        }
        match self.settings.config.set(name, &values) {
            Ok(_) => {
                let param = id.param();
                if param.apply == Apply::Nothing && !self.settings.not_applied.contains(&param.name)
                {
                    self.settings.not_applied.push(param.name);
                }
                self.settings.origins.insert(id, origin);
            }
            Err(error) => {
                let advice = advice(id, &values);
                self.refuse(origin, error.reason(), &advice);
            }
        }
    }

    fn include(&mut self, pattern: &[u8], origin: &Origin, depth: usize) {
        if depth >= MAX_INCLUDE_DEPTH {
            let reason = format!("files include each other more than {MAX_INCLUDE_DEPTH} deep");
            self.refuse(origin.clone(), &reason, "remove the include that leads back");
            return;
        }
        let path = absolute(&self.base, Path::new(std::ffi::OsStr::from_bytes(pattern)));
        let has_wildcard = pattern.iter().any(|byte| b"*?[".contains(byte));
        // A pattern that fits no file is an empty folder of additions, not a mistake.
        let paths = if has_wildcard { expand(&path) } else { vec![path] };
        for path in paths {
            match std::fs::read(&path) {
                Ok(text) => self.text(&text, &Source::File(path), depth + 1),
                Err(error) => self.problems.push(unreadable(&path, &error, Some(origin))),
            }
        }
    }

    fn rename(&mut self, command: &[u8], to: &[u8], origin: Origin) {
        let Err(error) = self.settings.renames.add(command, to) else { return };
        let name = String::from_utf8_lossy(command).to_ascii_lowercase();
        match error {
            // Hardened files take commands away that are not here yet; that wish is fulfilled.
            RenameError::NoSuchCommand if commands_of_redis().any(|known| known == name) => {
                self.settings.absent_commands.push(name);
            }
            RenameError::NoSuchCommand => {
                let near = nearest_of(&name, commands_of_redis());
                let advice =
                    near.map_or("correct the name".into(), |near| format!("did you mean {near}?"));
                self.refuse(origin, &error.to_string(), &advice);
            }
            other => self.refuse(origin, &other.to_string(), "choose another name"),
        }
    }

    /// An ACL user. Only the default user with all rights is what Larder has; Redis writes such
    /// lines by itself in CONFIG REWRITE.
    fn user(&mut self, words: &[Vec<u8>], origin: Origin) {
        let is_default = words[0].eq_ignore_ascii_case(b"default");
        let mut rights = [false; 3];
        let mut on = false;
        let mut fits = is_default;
        for rule in &words[1..] {
            match rule.as_slice() {
                b"on" => on = true,
                b"nopass" | b"resetpass" | b"sanitize-payload" | b"skip-sanitize-payload" => {}
                b"~*" | b"allkeys" => rights[0] = true,
                b"&*" | b"allchannels" => rights[1] = true,
                b"+@all" | b"allcommands" => rights[2] = true,
                [b'#', hash @ ..] => self.hashes.push((hash.to_ascii_lowercase(), origin.clone())),
                [b'>', password @ ..] => {
                    self.settings.config.set_text(Id::Requirepass, password);
                    self.settings.origins.insert(Id::Requirepass, origin.clone());
                }
                _ => fits = false,
            }
        }
        if !(fits && on && rights == [true; 3]) {
            self.refuse(
                origin,
                "ACL users are not there yet: only the default user with all rights is",
                "remove the line and use requirepass",
            );
        }
    }

    fn refuse(&mut self, origin: Origin, reason: &str, advice: &str) {
        self.problems.push(Problem {
            origin: Some(origin),
            reason: reason.into(),
            advice: advice.into(),
        });
    }
}

/// Writes the values of `config` into its file, as `CONFIG REWRITE` does: a new file takes the
/// place of the old one in one step and keeps its permissions; a file that is not there yet is
/// readable by this user only, because it may hold a password.
///
/// # Errors
/// What the system says.
pub fn rewrite_file(path: &Path, config: &Config) -> io::Result<()> {
    // Through a link, the file it points to is replaced, not the link.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let (old, mode) = match std::fs::read(path) {
        Ok(text) => (text, std::fs::metadata(path)?.permissions().mode() & 0o7777),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), 0o600),
        Err(error) => return Err(error),
    };
    let text = config::rewrite(&String::from_utf8_lossy(&old), config);
    let mut name = path.as_os_str().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(name);
    let written = (|| {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => sync_folder(folder),
            _ => sync_folder(Path::new(".")),
        }
    })();
    if written.is_err() {
        // It may never have been made; the error that counts is the first one.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// Whether this process may make files in a folder.
///
/// # Errors
/// What the system says: it may not, or it is no folder.
pub fn writable(dir: &Path) -> io::Result<()> {
    if !std::fs::metadata(dir)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    Ok(rustix::fs::access(dir, access)?)
}

/// An error of the system without its number.
#[must_use]
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

fn origin(source: Source, line: usize, text: &str, name: &[u8]) -> Origin {
    let secret = lookup(name).is_some_and(|name| name.id.param().sensitive)
        || name.eq_ignore_ascii_case(b"user");
    let text = match text.split_once(char::is_whitespace) {
        Some((name, _)) if secret => format!("{name} (value not shown)"),
        _ => text.to_string(),
    };
    Origin { source, line, text }
}

fn unreadable(path: &Path, error: &io::Error, included_by: Option<&Origin>) -> Problem {
    Problem {
        origin: included_by.cloned(),
        reason: format!("can't open config file '{}': {}", path.display(), plain(error)),
        advice: "give the path of a file that this user may read".into(),
    }
}

fn advice(id: Id, values: &[&[u8]]) -> String {
    let param = id.param();
    if values.len() > 1 && values[1].starts_with(b"#") {
        return "a comment needs a line of its own".into();
    }
    if param.only_default.is_some() {
        return String::new();
    }
    let default = param.default_text(Profile::Redis);
    match param.kind {
        Kind::Memory { .. } => "write it as 512mb or 1gb".into(),
        Kind::MemoryOrPercent => "write it as 512mb or 5%".into(),
        Kind::Octal => "write it as 700 or 770".into(),
        Kind::Save => "write it as save 3600 1, or save \"\" for none".into(),
        Kind::Bool | Kind::Choice(_) | Kind::Flags(_) | Kind::Notify => "correct it".into(),
        _ if default.is_empty() => format!("it takes one value: {}", param.doc),
        _ => format!("write it as {} {default}", param.name),
    }
}

/// The name that was probably meant: at most a third of its letters differ.
fn nearest(written: &str) -> Option<&'static str> {
    let (name, has_value) = written.split_once('=').map_or((written, false), |(n, _)| (n, true));
    let names = config::TABLE
        .iter()
        .filter(|param| !param.hidden)
        .flat_map(|param| std::iter::once(&param.name).chain(param.aliases).copied());
    // The directive itself is known; then only its arguments are wrong.
    nearest_of(name, names.chain(DIRECTIVES)).filter(|known| *known != name || has_value)
}

fn nearest_of<'n>(written: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let measured = names.map(|known| (distance(written, known), known));
    let (distance, known) = measured.min_by_key(|(distance, _)| *distance)?;
    (distance * 3 <= known.len()).then_some(known)
}

/// Every command of Redis 7.2, whether Larder has it or not.
fn commands_of_redis() -> impl Iterator<Item = &'static str> {
    include_str!("redis_conf/commands.txt").split_whitespace()
}

/// How many letters must be inserted, removed, replaced or swapped with the next one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (&a.as_bytes()[..a.len().min(64)], b.as_bytes());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let moved = if swapped { rows[i - 2][j - 2] + 1 } else { replaced };
                replaced.min(moved).min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1)
            };
        }
    }
    rows[a.len()][b.len()]
}

/// `path` from `base`, without `.` parts; links and `..` stay for the system to follow.
pub(crate) fn absolute(base: &Path, path: &Path) -> PathBuf {
    base.join(path).components().filter(|part| part.as_os_str() != ".").collect()
}

/// The files that a path with `* ? […]` in its parts names, sorted. Wildcards do not match a
/// leading dot.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let part = part.as_os_str();
        if !part.as_bytes().iter().any(|byte| b"*?[".contains(byte)) {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        let mut next = Vec::new();
        for folder in found {
            let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
            names.sort();
            names.retain(|name| {
                let (name, part) = (name.as_bytes(), part.as_bytes());
                (name[0] != b'.' || part[0] == b'.') && config::glob_matches(part, name)
            });
            next.extend(names.into_iter().map(|name| folder.join(name)));
        }
        found = next;
    }
    found.retain(|path| path.is_file());
    found
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

#[cfg(test)]
mod tests;
