//! The command line: Larder's own, and Redis's for a process that is started as a `redis-server`.
//!
//! [`parse`] turns the arguments into an [`Invocation`] or a [`Failure`] to print; it starts
//! nothing. Larder's own commands are clap's; Redis's way of writing settings (`--save 60 1
//! --port 0`) is read by hand, word for word as Redis does. The settings themselves go through
//! [`crate::redis_conf`].

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand};
use larder_engine::config::{Config, Id, Profile, lookup};
use larder_resp::split_quoted;

use crate::check::CheckOptions;
use crate::import::ImportOptions;
use crate::redis_conf::{Origin, Problem, Reader, Settings, report};

/// The version of Redis that Larder is compatible with, as `INFO` and `-v` say it.
pub const REDIS_VERSION: &str = "7.2.4";

/// Larder's own version.
pub const LARDER_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The allocator of the binary, for `-v` and `INFO`.
pub const ALLOCATOR: &str = "libc";

/// What the process is to do.
#[derive(Debug)]
pub enum Invocation {
    /// Serve until told to stop.
    Serve(Box<ServeOptions>),
    /// Make a configuration with a password.
    Init(InitOptions),
    /// Look whether files can be read.
    Check(CheckOptions),
    /// Take over the keys of a file or a server.
    Import(ImportOptions),
    /// Ask the running service for another user.
    UserAdd(UserAdd),
    /// Print this on standard output and leave with status 0.
    PrintAndExit(String),
}

/// How to serve.
#[derive(Debug)]
pub struct ServeOptions {
    /// Whose defaults hold; [`Profile::Redis`] for Redis's command line.
    pub profile: Profile,
    /// All settings, and where they come from.
    pub settings: Settings,
    /// The file that was read, absolute; `CONFIG REWRITE` writes it.
    pub config_file: Option<PathBuf>,
    /// Where the HTTP service listens; `None` for no HTTP.
    pub http: Option<SocketAddr>,
}

impl ServeOptions {
    /// The values of all parameters.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.settings.config
    }

    /// Settings that were given and have no meaning here, to be named once in the log.
    #[must_use]
    pub fn not_applied(&self) -> &[&'static str] {
        &self.settings.not_applied
    }

    /// Where the values come from that were set.
    #[must_use]
    pub fn origins(&self) -> &HashMap<Id, Origin> {
        &self.settings.origins
    }

    /// Larder's defaults, as plain `larder` starts.
    #[must_use]
    fn of(profile: Profile, settings: Settings, config_file: Option<PathBuf>) -> Self {
        let http = settings.config.string(Id::HttpListen).and_then(|text| text.parse().ok());
        Self { profile, settings, config_file, http }
    }
}

/// The arguments of `larder init`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct InitOptions {
    /// Folder that gets larder.conf, and larder-data beside it.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

/// The arguments of `larder user add`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct UserAdd {
    /// Name of the user, as typed at login.
    pub name: String,
    /// May manage other users.
    #[arg(long)]
    pub admin: bool,
    /// Data folder of the running service, where it can be reached.
    #[arg(long, value_name = "DIR", default_value = "./larder-data")]
    pub dir: PathBuf,
}

/// Why the process ends at once: a text for standard error, and the exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to print, with its last line break.
    pub text: String,
    /// The status to leave with.
    pub code: u8,
}

/// What parsing needs to know about the process.
pub struct Surroundings<'a> {
    /// The working folder.
    pub cwd: &'a Path,
    /// How many CPUs the process may use.
    pub cpus: usize,
    /// Standard input, read only when `-` asks for it.
    pub stdin: &'a mut dyn Read,
}

/// Reads the command line of this process.
///
/// # Errors
/// The [`Failure`] to print.
pub fn from_process() -> Result<Invocation, Failure> {
    let args: Vec<OsString> = std::env::args_os().collect();
    let cwd = std::env::current_dir()
        .map_err(|error| failure(format!("the working folder cannot be found: {error}")))?;
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    parse(&args, &mut Surroundings { cwd: &cwd, cpus, stdin: &mut std::io::stdin().lock() })
}

/// Decides what a command line asks for. The first argument is the name of the program.
///
/// # Errors
/// The [`Failure`] to print.
pub fn parse(args: &[OsString], around: &mut Surroundings<'_>) -> Result<Invocation, Failure> {
    // The name as it was called, never what a link points to: Debian's is one to another tool.
    let program = args.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    let rest = args.get(1..).unwrap_or_default();
    if program == "redis-sentinel" || rest.iter().any(|word| word == "--sentinel") {
        return Err(failure("Larder is not a Sentinel: run redis-sentinel of Redis for that"));
    }
    if program == "redis-server" || program == "valkey-server" {
        return match redis_answer(rest) {
            Some(answer) => answer,
            None => serve_as_redis(rest, around),
        };
    }
    match rest.first() {
        None => serve_as_larder(&[], around),
        Some(first) if opens_redis_line(first, around.cwd) => serve_as_redis(rest, around),
        Some(_) => larder_command(args, around),
    }
}

/// Larder's own command line.
#[derive(Parser)]
#[command(
    name = "larder",
    bin_name = "larder",
    version = concat!(env!("CARGO_PKG_VERSION"), " (speaks Redis 7.2.4)"),
    about = "Larder keeps the dynamic data of a web app, and speaks Redis.",
    after_help = TEACH,
    override_usage = "larder [COMMAND]\n       larder CONFIG [--SETTING VALUE…]"
)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve RESP on 127.0.0.1:6379 and HTTP on 127.0.0.1:8379, data in ./larder-data
    #[command(
        after_help = SERVE_HELP,
        override_usage = "larder serve [--SETTING VALUE…] [CONFIG]"
    )]
    Serve {
        /// Settings, and the file to read before them (`-` for standard input)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "SETTINGS")]
        words: Vec<OsString>,
    },
    /// Look whether a snapshot file, or those of a data folder, can be read
    Check(CheckOptions),
    /// Take over the keys of a snapshot file or of a running Redis, Valkey or Larder
    Import(ImportOptions),
    /// Make larder.conf with a strong password, and print the REDIS_URL that goes with it
    Init(InitOptions),
    /// Manage the users of the HTTP service
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
}

#[derive(Subcommand)]
enum UserCommand {
    /// Add a user to the running service; asks for the password, or makes one
    Add(UserAdd),
}

const TEACH: &str = "\
Start here:
  larder                              serve with safe defaults, for this machine only
  redis-cli ping                      any Redis client can talk to it
  larder init                         make a password; prints the REDIS_URL for your app
  larder serve larder.conf            serve with that password
  larder import redis://OTHER:6379    take over all keys of a running server

In a Flask app nothing changes: REDIS_URL = \"redis://:PASSWORD@localhost:6379/0\"

In place of a redis-server, with its defaults and its command line:
  larder /etc/redis/redis.conf        a file of Redis, as it is
  larder --port 7000 --save \"\"        settings as options, any number of them
  larder - < redis.conf               the file on standard input
or call the program redis-server or valkey-server (a link is enough).";

const SERVE_HELP: &str = "\
Every setting of redis.conf is an option. Those that one needs first:
  --port 6379                         RESP port; 0 for none
  --bind \"127.0.0.1 -::1\"             addresses; a leading - means: only if there is one
  --requirepass PASSWORD              better in a file that `larder init` makes
  --dir ./larder-data                 folder of the data
  --http-listen 127.0.0.1:8379        HTTP service; \"\" for none
  --maxmemory 512mb                   memory for data; 0 for no limit
  --appendfsync everysec              or always, or no
  --unixsocket PATH                   a Unix socket as well

Settings on the command line win over the file. Defaults are Larder's: this machine only,
protected, nothing thrown away. Redis's hold when the file comes first:
  larder /etc/redis/redis.conf";

fn larder_command(args: &[OsString], around: &mut Surroundings<'_>) -> Result<Invocation, Failure> {
    let line = match Line::try_parse_from(args) {
        Ok(line) => line,
        Err(error) if error.use_stderr() => {
            return Err(Failure { text: error.render().to_string(), code: 2 });
        }
        Err(help) => return Ok(Invocation::PrintAndExit(help.render().to_string())),
    };
    match line.command {
        Command::Serve { words } => serve_as_larder(&words, around),
        Command::Check(options) => Ok(Invocation::Check(options)),
        Command::Import(options) => Ok(Invocation::Import(options)),
        Command::Init(options) => Ok(Invocation::Init(options)),
        Command::User { command: UserCommand::Add(user) } => Ok(Invocation::UserAdd(user)),
    }
}

/// True if an argument in the first place makes the line one of Redis's: a file, `-`, a setting.
fn opens_redis_line(first: &OsStr, cwd: &Path) -> bool {
    let bytes = first.as_bytes();
    if bytes == b"-" {
        return true;
    }
    if bytes.starts_with(b"--") {
        // A setting that does not exist is best refused where settings are known.
        return first != "--help" && first != "--version";
    }
    if bytes.starts_with(b"-") {
        return false;
    }
    let is_command = Line::command().get_subcommands().any(|command| command.get_name() == first);
    let looks_like_path = bytes.contains(&b'/') || bytes.ends_with(b".conf");
    !is_command && first != "help" && (looks_like_path || cwd.join(first).is_file())
}

/// What Redis answers without serving, asked in the first place.
fn redis_answer(rest: &[OsString]) -> Option<Result<Invocation, Failure>> {
    let print = |text: String| Some(Ok(Invocation::PrintAndExit(text)));
    match rest.first()?.as_bytes() {
        b"-v" | b"--version" => print(redis_version_line()),
        b"-h" | b"--help" => print(REDIS_HELP.into()),
        b"--test-memory" => Some(Err(failure(
            "Larder does not test the machine's memory: use memtester or memtest86+ for that",
        ))),
        b"--check-system" => Some(Err(failure(
            "Larder does not check the system: it needs no setting of the kernel",
        ))),
        _ => None,
    }
}

/// The version in the form of Redis, which tools search for `v=`.
#[must_use]
pub fn redis_version_line() -> String {
    format!(
        "Redis server v={REDIS_VERSION} sha=00000000:0 malloc={ALLOCATOR} bits={} \
         build=larder-{LARDER_VERSION}\n",
        usize::BITS
    )
}

const REDIS_HELP: &str = "\
This is Larder, started as a redis-server.

Usage: redis-server [FILE] [--SETTING VALUE…] [-]

  redis-server                                  Redis's defaults
  redis-server /etc/redis/redis.conf            settings of a file
  redis-server - < redis.conf                   settings of standard input
  redis-server --port 7000 --save 60 1 --save 300 10
  redis-server redis.conf --loglevel verbose    the command line wins over the file
  redis-server -v | --version
  redis-server -h | --help

Larder's own command line: larder --help
";

/// Redis's command line: a file or `-` first, then settings, then perhaps `-`.
fn serve_as_redis(rest: &[OsString], around: &mut Surroundings<'_>) -> Result<Invocation, Failure> {
    let profile = Profile::Redis;
    let mut reader = Reader::new(profile, around.cwd, around.cpus);
    let mut words = rest;
    let mut config_file = None;
    if let [first, others @ ..] = rest
        && !first.as_bytes().starts_with(b"-")
    {
        words = others;
        config_file = Some(around.cwd.join(first));
        reader.file(Path::new(first));
    }
    let mut from_stdin = false;
    if let [first, others @ ..] = words
        && config_file.is_none()
        && first == "-"
    {
        (from_stdin, words) = (true, others);
    }
    if let [others @ .., last] = words
        && last == "-"
    {
        (from_stdin, words) = (true, others);
    }
    if from_stdin {
        reader.stdin(around.stdin);
    }
    for (number, option) in redis_options(words)?.iter().enumerate() {
        reader.option(option, number + 1);
    }
    finish(reader, profile, config_file)
}

/// Groups the words of Redis's command line into settings with their values.
///
/// After the name of a setting the next word is always a value, even if it starts with `--`;
/// after that, a word that starts with `--` is the next name. `"--port 7000"` as one word is both.
/// Only `--save` can stand without a value, because scripts leave it out for none.
fn redis_options(words: &[OsString]) -> Result<Vec<Vec<Vec<u8>>>, Failure> {
    let mut options: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut needs_value = false;
    for (at, word) in words.iter().enumerate() {
        let bytes = word.as_bytes();
        let name = bytes.strip_prefix(b"--").filter(|_| !needs_value);
        match (name, options.last_mut()) {
            (Some(name), _) => {
                let mut option = split_quoted(name)
                    .map_err(|_| failure(format!("{}: unbalanced quotes", word.display())))?;
                let next = words.get(at + 1).map(|next| next.as_bytes());
                let next_is_name = next.is_none_or(|next| next.starts_with(b"--"));
                needs_value = option.len() == 1 && next.is_some();
                if next_is_name && option.len() == 1 && option[0].eq_ignore_ascii_case(b"save") {
                    option.push(Vec::new());
                    needs_value = false;
                }
                options.push(option);
            }
            (None, Some(option)) => {
                option.push(bytes.to_vec());
                needs_value = false;
            }
            (None, None) => {
                return Err(failure(format!(
                    "'{}' is no setting: settings start with --, as in --port 7000",
                    word.display()
                )));
            }
        }
    }
    Ok(options)
}

/// Larder's own `serve`: settings as options, and one file, wherever it stands.
fn serve_as_larder(
    words: &[OsString],
    around: &mut Surroundings<'_>,
) -> Result<Invocation, Failure> {
    let profile = Profile::Larder;
    let (options, file) = larder_options(words)?;
    let mut reader = Reader::new(profile, around.cwd, around.cpus);
    let mut config_file = None;
    match file {
        Some(dash) if dash == "-" => reader.stdin(around.stdin),
        Some(path) => {
            config_file = Some(around.cwd.join(path));
            reader.file(Path::new(path));
        }
        None => {}
    }
    for (number, option) in options.iter().enumerate() {
        reader.option(option, number + 1);
    }
    finish(reader, profile, config_file)
}

type LarderOptions<'a> = (Vec<Vec<Vec<u8>>>, Option<&'a OsStr>);

/// Takes one value after each setting, or all up to the next one where a setting is a list.
fn larder_options(words: &[OsString]) -> Result<LarderOptions<'_>, Failure> {
    let mut options = Vec::new();
    let mut file: Option<&OsStr> = None;
    let mut rest = words;
    while let [word, after @ ..] = rest {
        rest = after;
        let Some(option) = word.as_bytes().strip_prefix(b"--") else {
            if let Some(first) = file {
                return Err(failure(format!(
                    "'{}' and '{}' cannot both be the configuration file: name one, or include \
                     the other in it",
                    first.display(),
                    word.display()
                )));
            }
            file = Some(word);
            continue;
        };
        let (name, joined) = match option.iter().position(|byte| *byte == b'=') {
            Some(at) => (&option[..at], Some(&option[at + 1..])),
            None => (option, None),
        };
        let mut option = vec![name.to_vec()];
        let is_list = lookup(name).is_some_and(|name| name.id.param().kind.takes_words());
        if let Some(value) = joined {
            option.extend(list_words(value, is_list));
        } else {
            let next_name = rest.iter().position(|word| word.as_bytes().starts_with(b"--"));
            let limit = if is_list { next_name.unwrap_or(rest.len()) } else { rest.len().min(1) };
            let (values, others) = rest.split_at(limit);
            option.extend(values.iter().flat_map(|value| list_words(value.as_bytes(), is_list)));
            rest = others;
        }
        options.push(option);
    }
    Ok((options, file))
}

/// A list may be given as one quoted argument: `--bind "127.0.0.1 -::1"`.
fn list_words(value: &[u8], is_list: bool) -> Vec<Vec<u8>> {
    if is_list && !value.is_empty() {
        value.split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect()
    } else {
        vec![value.to_vec()]
    }
}

fn finish(
    reader: Reader,
    profile: Profile,
    config_file: Option<PathBuf>,
) -> Result<Invocation, Failure> {
    match reader.finish() {
        Ok(settings) => {
            Ok(Invocation::Serve(Box::new(ServeOptions::of(profile, settings, config_file))))
        }
        Err(problems) => Err(Failure { text: report(&problems, profile), code: 1 }),
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        failure(problem.to_string())
    }
}

fn failure(sentence: impl Into<String>) -> Failure {
    Failure { text: format!("larder: {}\n", sentence.into()), code: 1 }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests write files of their own")]
mod tests {
    use super::*;

    fn run_with(words: &[&str], mut stdin: &[u8]) -> Result<Invocation, Failure> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        parse(&words, &mut Surroundings { cwd: Path::new("/w"), cpus: 2, stdin: &mut stdin })
    }

    fn run(words: &[&str]) -> Result<Invocation, Failure> {
        run_with(words, b"")
    }

    fn served(result: Result<Invocation, Failure>) -> ServeOptions {
        match result {
            Ok(Invocation::Serve(options)) => *options,
            other => panic!("{other:?}"),
        }
    }

    fn printed(words: &[&str]) -> String {
        match run(words) {
            Ok(Invocation::PrintAndExit(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    fn shown(options: &ServeOptions, name: &str) -> String {
        let id = lookup(name.as_bytes()).expect(name).id;
        String::from_utf8(options.config().show(id)).unwrap()
    }

    #[test]
    fn plain_larder_serves_with_its_own_defaults() {
        for words in [&["larder"][..], &["/usr/bin/larder", "serve"]] {
            let options = served(run(words));
            assert_eq!(options.profile, Profile::Larder);
            assert_eq!(options.http, Some("127.0.0.1:8379".parse().unwrap()));
            assert_eq!(shown(&options, "dir"), "/w/larder-data");
            assert_eq!(shown(&options, "io-threads"), "2");
            assert_eq!(options.config_file, None);
        }
    }

    #[test]
    fn serve_takes_settings_and_one_file_in_any_order() {
        let folder = tempfile::tempdir().unwrap();
        let conf = folder.path().join("l.conf");
        std::fs::write(&conf, "port 1\nhttp-listen \"\"\nsave 60 1\n").unwrap();
        let conf = conf.to_str().unwrap();
        for words in [
            &["larder", "serve", conf, "--port", "7000", "--bind", "10.0.0.1", "-::1"][..],
            &["larder", "serve", "--bind=10.0.0.1 -::1", "--port=7000", conf],
            &["larder", "serve", "--bind", "10.0.0.1 -::1", "--port", "7000", conf],
        ] {
            let options = served(run(words));
            assert_eq!(shown(&options, "port"), "7000");
            assert_eq!(shown(&options, "bind"), "10.0.0.1 -::1");
            assert_eq!(options.http, None);
            assert_eq!(shown(&options, "appendonly"), "yes");
            assert_eq!(options.config_file.as_deref(), Some(Path::new(conf)));
        }
        let from_stdin = served(run_with(&["larder", "serve", "-"], b"port 5"));
        assert_eq!(shown(&from_stdin, "port"), "5");
        let text = run(&["larder", "serve", "a", "b"]).unwrap_err().text;
        assert!(text.contains("'a' and 'b' cannot both"), "{text}");
        let text = run(&["larder", "serve", "--prot", "1"]).unwrap_err().text;
        assert_eq!(
            text,
            "larder: command line: 'prot \"1\"': Bad directive or wrong number of arguments; did \
             you mean port?\n"
        );
    }

    #[test]
    fn redis_s_command_line_brings_redis_s_defaults() {
        for words in [
            &["redis-server"][..],
            &["/x/redis-server", "--port", "7000", "--save", ""],
            &["larder", "--port", "7000"],
            &["larder", "--port 7000"],
            &["larder", "-"],
        ] {
            let options = served(run(words));
            assert_eq!(options.profile, Profile::Redis, "{words:?}");
            assert_eq!(options.http, None);
            assert_eq!(shown(&options, "bind"), "* -::*");
            assert_eq!(shown(&options, "dir"), "/w");
        }
        let told = served(run(&["redis-server", "--http-listen", "127.0.0.1:1"]));
        assert_eq!(told.http, Some("127.0.0.1:1".parse().unwrap()));
    }

    #[test]
    fn values_go_up_to_the_next_setting() {
        let line = "redis-server --port 7000 --save 60 1 --save 300 10 --bind 127.0.0.1 -::1";
        let options = served(run(&line.split(' ').collect::<Vec<_>>()));
        assert_eq!(shown(&options, "save"), "60 1 300 10");
        assert_eq!(shown(&options, "bind"), "127.0.0.1 -::1");

        let options = served(run(&["redis-server", "--save", "--port", "1", "--save"]));
        assert_eq!(shown(&options, "save"), "");
        let options = served(run(&["redis-server", "--requirepass", "--secret", "--port", "3"]));
        assert_eq!(shown(&options, "requirepass"), "--secret");
        assert_eq!(shown(&options, "port"), "3");
        let options = served(run(&["redis-server", "--shutdown-on-sigint", "now", "force"]));
        assert_eq!(shown(&options, "shutdown-on-sigint"), "now force");
    }

    #[test]
    fn file_then_standard_input_then_settings() {
        let folder = tempfile::tempdir().unwrap();
        let conf = folder.path().join("r.conf");
        std::fs::write(&conf, "port 1\ntimeout 1\nhz 11\nsave 60 1\n").unwrap();
        let conf = conf.to_str().unwrap();
        let line = ["redis-server", conf, "--port", "3", "--save", "", "-"];
        let options = served(run_with(&line, b"port 2\ntimeout 2\n"));
        let values = ["port", "timeout", "hz", "save"].map(|name| shown(&options, name));
        assert_eq!(values, ["3", "2", "11", ""]);
        assert_eq!(options.config_file.as_deref(), Some(Path::new(conf)));
        let same = served(run(&["larder", conf]));
        assert_eq!((same.profile, shown(&same, "port")), (Profile::Redis, "1".into()));
    }

    #[test]
    fn what_redis_refuses_is_refused_in_its_words() {
        for (words, line, reason) in [
            (&["redis-server", "--port"][..], ">>> 'port'", "wrong number of arguments"),
            (
                &["redis-server", "--bla", "--blabla"],
                ">>> 'bla \"--blabla\"'",
                "Bad directive or wrong number of arguments",
            ),
            (
                &["redis-server", "--daemonize", "maybe"],
                ">>> 'daemonize \"maybe\"'",
                "argument must be 'yes' or 'no'",
            ),
            (&["redis-server", "--save", "1"], ">>> 'save \"1\"'", "Invalid save parameters"),
        ] {
            let text = run(words).unwrap_err().text;
            assert!(text.contains(&format!("{line}\n{reason}\n")), "{text}");
        }
        let text = run(&["redis-server", "/no/such.conf"]).unwrap_err().text;
        assert!(text.contains("can't open config file '/no/such.conf': No such file"), "{text}");
        for words in [
            &["redis-server", "x.conf", "--sentinel"][..],
            &["redis-sentinel"],
            &["larder", "--sentinel"],
        ] {
            assert!(run(words).unwrap_err().text.contains("not a Sentinel"));
        }
        assert!(
            run(&["redis-server", "--test-memory", "9"]).unwrap_err().text.contains("memtester")
        );
    }

    #[test]
    fn versions_and_help() {
        let line = printed(&["redis-server", "-v"]);
        assert!(line.starts_with("Redis server v=7.2.4 sha=00000000:0 malloc="), "{line}");
        assert!(line.contains(" bits=64 build=larder-"), "{line}");
        assert_eq!(printed(&["redis-server", "--version"]), line);
        assert!(printed(&["redis-server", "-h"]).contains("Usage: redis-server"));
        assert!(printed(&["larder", "--version"]).starts_with("larder 0."));
        assert!(printed(&["larder", "-V"]).contains("speaks Redis 7.2.4"));
        let help = printed(&["larder", "--help"]);
        for word in ["larder init", "REDIS_URL", "serve", "user", "redis.conf"] {
            assert!(help.contains(word), "{help}");
        }
        assert!(printed(&["larder", "serve", "--help"]).contains("--http-listen"));
        assert!(printed(&["larder", "help", "serve"]).contains("--maxmemory"));
    }

    #[test]
    fn larder_s_other_commands() {
        let Ok(Invocation::Init(init)) = run(&["larder", "init", "--dir", "/etc/larder"]) else {
            panic!("no init");
        };
        assert_eq!(init.dir, Path::new("/etc/larder"));
        let Ok(Invocation::UserAdd(user)) = run(&["larder", "user", "add", "ann", "--admin"])
        else {
            panic!("no user");
        };
        assert_eq!((user.name.as_str(), user.admin), ("ann", true));
        let Failure { text, code } = run(&["larder", "intt"]).unwrap_err();
        assert!(code == 2 && text.contains("init"), "{text}");
        assert!(run(&["larder", "init", "--force"]).is_err());
    }
}
