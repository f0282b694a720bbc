//! Tests of reading redis.conf: Debian's own file, every refusal, includes, rewriting.

use super::*;

fn read(text: &str) -> Result<Settings, Vec<Problem>> {
    let mut reader = Reader::new(Profile::Redis, Path::new("/srv"), 4);
    reader.stdin(&mut text.as_bytes());
    reader.finish()
}

fn refused(text: &str) -> String {
    let problems = read(text).expect_err(text);
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

fn shown(settings: &Settings, name: &str) -> String {
    let id = lookup(name.as_bytes()).expect(name).id;
    String::from_utf8(settings.config.show(id)).unwrap()
}

/// Debian's stock file, with the two edits of the document. Where it is not installed, a file of
/// every setting at its default stands in.
#[test]
fn debians_stock_file_with_the_documents_two_edits_is_accepted() {
    let text = std::fs::read_to_string("/etc/redis/redis.conf").unwrap_or_else(|_| every_default());
    let text = format!("{text}\nsupervised systemd\nrequirepass 0r/anges+==\n");
    let settings = read(&text).unwrap();
    assert_eq!(shown(&settings, "supervised"), "systemd");
    assert_eq!(shown(&settings, "requirepass"), "0r/anges+==");
    assert_eq!(shown(&settings, "databases"), "16");
    assert_eq!(settings.config.profile(), Profile::Redis);
    assert!(settings.not_applied.contains(&"activerehashing"), "{:?}", settings.not_applied);
    let unique: std::collections::HashSet<_> = settings.not_applied.iter().collect();
    assert_eq!(unique.len(), settings.not_applied.len());
}

#[test]
fn a_file_of_every_default_is_accepted() {
    let settings = read(&every_default()).unwrap();
    for id in Id::ALL.into_iter().filter(|id| !matches!(id, Id::Dir | Id::IoThreads)) {
        let expected = Config::new(Profile::Redis).value(id);
        assert_eq!(settings.config.value(id), expected, "{}", id.param().name);
    }
}

fn every_default() -> String {
    let one = |param: &config::Param| match (param.kind, param.redis) {
        (Kind::ReplicaOf, _) => String::new(),
        (kind, text) if kind.takes_words() && !text.is_empty() => {
            format!("{} {text}\n", param.name)
        }
        (_, text) => format!("{} \"{text}\"\n", param.name),
    };
    config::TABLE.iter().map(one).collect()
}

#[test]
fn the_last_line_wins_and_says_where_it_stands() {
    let mut reader = Reader::new(Profile::Redis, Path::new("/srv"), 4);
    reader.stdin(&mut &b"port 1\nport 2\r\n  # comment\nTIMEOUT 5"[..]);
    reader.option(&[b"port".to_vec(), b"3".to_vec()], 1);
    let settings = reader.finish().unwrap();
    assert_eq!(shown(&settings, "port"), "3");
    assert_eq!(shown(&settings, "timeout"), "5");
    assert_eq!(shown(&settings, "io-threads"), "4");
    let later = |id| settings.problem(id, "the port is in use", "take another").to_string();
    assert_eq!(later(Id::Port), "command line: 'port \"3\"': the port is in use; take another");
    assert_eq!(
        later(Id::Timeout),
        "standard input, line 4: 'TIMEOUT 5': the port is in use; take another"
    );
    assert_eq!(later(Id::Bind), "bind: the port is in use; take another");
}

#[test]
fn each_problem_is_one_sentence_with_place_reason_and_remedy() {
    for (line, sentence) in [
        ("prot 1", "Bad directive or wrong number of arguments; did you mean port?"),
        (
            "qwertyuiop 1",
            "Bad directive or wrong number of arguments; no setting has this name: \
                          remove it",
        ),
        (
            "search.x 1",
            "Bad directive or wrong number of arguments; it belongs to a module: \
                        remove it",
        ),
        ("maxmemory 12x", "argument must be a memory value; write it as 512mb or 1gb"),
        ("port 6379 # the port", "wrong number of arguments; a comment needs a line of its own"),
        ("port", "wrong number of arguments; write it as port 6379"),
        ("daemonize maybe", "argument must be 'yes' or 'no'; correct it"),
        (
            "logfile \"x",
            "Unbalanced quotes in configuration line; close the quote, with a blank \
                         after it",
        ),
        (
            "loadmodule /x.so",
            "modules cannot be loaded into Larder; remove the line, or keep \
                              Redis for what needs the module",
        ),
        (
            "sentinel monitor x",
            "Larder is not a Sentinel; remove the line, and run \
                                redis-sentinel for that",
        ),
        (
            "cluster-enabled yes",
            "needs cluster mode, which Larder does not have: use a Redis or \
                                 Valkey Cluster there; the larder library reaches it by URL",
        ),
    ] {
        assert_eq!(refused(line), format!("standard input, line 1: '{line}': {sentence}"));
    }
    assert!(refused("replicaof 10.0.0.1 6379").contains("needs replication"));
    assert!(refused("tls-port 6380").contains("needs TLS"));
    assert!(refused("aclfile /etc/users.acl").contains("needs ACL users"));
    assert!(refused("min-replicas-to-write 1").contains("needs replication"));
    assert!(refused("http-listen 8379").contains("127.0.0.1:8379"));
    // All of them are named, not only the first.
    assert_eq!(refused("a 1\nport x\nport 1\n").lines().count(), 2);
}

#[test]
fn secrets_are_not_repeated() {
    let text = refused("requirepass s3cret and more\nuser eve on >s3cret ~x\nmasterauth s3cret x");
    assert!(!text.contains("s3cret"), "{text}");
    assert!(text.contains("'requirepass (value not shown)': wrong number of arguments"), "{text}");
}

#[test]
fn harmless_values_of_what_is_not_there_are_accepted() {
    let text = "cluster-enabled no\ntls-port 0\nreplicaof no one\naclfile \"\"\n\
                list-max-ziplist-entries 512\nreplica-priority 5\nslave-priority 6\n";
    let settings = read(text).unwrap();
    assert_eq!(
        settings.not_applied,
        ["cluster-enabled", "tls-port", "list-max-ziplist-entries", "replica-priority"]
    );
}

#[test]
fn the_default_user_that_redis_writes_is_understood() {
    let all = "user default on nopass sanitize-payload ~* &* +@all";
    assert!(!read(all).unwrap().config.has_password());
    let plain = read("user default on >pw ~* &* +@all").unwrap();
    assert_eq!(shown(&plain, "requirepass"), "pw");
    let hash = String::from_utf8(hex(&Sha256::digest(b"pw"))).unwrap();
    let rewritten = format!("user default on #{hash} ~* &* +@all\nrequirepass \"pw\"\n");
    assert!(read(&rewritten).unwrap().config.has_password());
    assert!(refused(&rewritten.replace("\"pw\"", "other")).contains("not the hash of requirepass"));
    for other in [
        "eve on nopass ~* &* +@all",
        "default on nopass ~* &* +@all -flushall",
        "default off nopass ~* &* +@all",
        "default on nopass ~x* &* +@all",
    ] {
        assert!(refused(&format!("user {other}")).contains("ACL users"), "{other}");
    }
}

#[test]
fn commands_are_renamed_and_a_slip_is_not_overlooked() {
    let settings = read("rename-command SET \"\"\nrename-command get fetch").unwrap();
    assert!(!settings.renames.is_empty() && settings.absent_commands.is_empty());
    // Whoever misspells a command that is to be taken away would leave it to everybody.
    let text = refused("port 1\nrename-command FLUSHAL \"\"");
    assert_eq!(
        text,
        "standard input, line 2: 'rename-command FLUSHAL \"\"': No such command in \
         rename-command; did you mean flushall?"
    );
    assert!(refused("rename-command SET GET").contains("Target command name already exists"));
    let settings = read("rename-command RESTORE-ASKING \"\"").unwrap();
    assert_eq!(settings.absent_commands, ["restore-asking"]);
}

#[test]
fn includes_follow_patterns_and_relative_paths() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("conf.d")).unwrap();
    write("main.conf", "timeout 1\ninclude conf.d/*.conf\ninclude nothing-*.conf\nport 9\n");
    write("conf.d/10.conf", "timeout 10\nhz 20\n");
    write("conf.d/20.conf", "timeout 20\nport 8\n");
    write("conf.d/.hidden.conf", "timeout 99\n");
    write("conf.d/30.off", "timeout 30\n");
    let read = |name: &str| {
        let mut reader = Reader::new(Profile::Redis, folder.path(), 1);
        reader.file(Path::new(name));
        reader.finish()
    };
    let settings = read("main.conf").unwrap();
    assert_eq!(shown(&settings, "timeout"), "20");
    assert_eq!(shown(&settings, "port"), "9");
    let at = settings.problem(Id::Timeout, "x", "").to_string();
    assert!(at.contains("conf.d/20.conf, line 1"), "{at}");

    write("loop.conf", "timeout 3\ninclude loop.conf\n");
    let problems = read("loop.conf").unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].reason.contains("include each other"));

    write("bad.conf", "port 1\ninclude missing.conf\n");
    let problem = read("bad.conf").unwrap_err().remove(0).to_string();
    assert!(problem.contains("bad.conf, line 2"), "{problem}");
    assert!(problem.contains("missing.conf': No such file or directory"), "{problem}");
    assert!(read("none.conf").unwrap_err()[0].reason.starts_with("can't open config file '/"));
}

#[test]
fn paths_start_at_the_data_folder() {
    let settings = read("logfile a.log\ndir ./x\npidfile /run/p\n").unwrap();
    assert_eq!(settings.dir(), Path::new("/srv/x"));
    assert_eq!(settings.path(Id::Logfile), Some("/srv/x/a.log".into()));
    assert_eq!(settings.path(Id::Pidfile), Some("/run/p".into()));
    assert_eq!(settings.path(Id::Unixsocket), None);
    assert_eq!(read("").unwrap().dir(), Path::new("/srv"));
}

#[test]
fn the_data_folder_is_made_or_missed() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Reader::new(Profile::Larder, folder.path(), 1).finish().unwrap();
    let dir = ours.prepare_dir().unwrap();
    assert_eq!(dir, folder.path().join("larder-data"));
    assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);

    let mut reader = Reader::new(Profile::Redis, folder.path(), 1);
    reader.stdin(&mut &b"dir missing"[..]);
    let problem = reader.finish().unwrap().prepare_dir().unwrap_err().to_string();
    assert!(problem.starts_with("standard input, line 1: 'dir missing': the data folder /"));
    assert!(problem.ends_with("No such file or directory; make it, or name another one with dir"));

    std::fs::write(folder.path().join("file"), "").unwrap();
    let mut reader = Reader::new(Profile::Larder, folder.path(), 1);
    reader.stdin(&mut &b"dir file"[..]);
    let problem = reader.finish().unwrap().prepare_dir().unwrap_err().to_string();
    assert!(problem.contains("cannot be used"), "{problem}");
}

#[test]
fn started_as_redis_the_report_has_the_lines_of_redis() {
    let problems = read("port 6379\nport 70000\n").unwrap_err();
    let text = report(&problems, Profile::Redis);
    assert!(text.starts_with(
        "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\nReading the configuration file, at \
         line 2\n>>> 'port 70000'\nargument must be between 0 and 65535 inclusive\n\nlarder: "
    ));
    assert!(!report(&problems, Profile::Larder).contains("FATAL"));
}

#[test]
fn rewriting_replaces_the_file_in_one_step_and_keeps_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.conf");
    std::fs::write(&path, "# mine\nport 1\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let mut reader = Reader::new(Profile::Redis, folder.path(), 1);
    reader.file(&path);
    reader.option(&[b"port".to_vec(), b"2".to_vec()], 1);
    let config = reader.finish().unwrap().config;
    rewrite_file(&path, &config).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# mine\nport 2\n"), "{text}");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let fresh = folder.path().join("fresh.conf");
    rewrite_file(&fresh, &config).unwrap();
    assert_eq!(std::fs::metadata(&fresh).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(rewrite_file(&folder.path().join("no/such.conf"), &config).is_err());
}
