//! The real program, started as a user, an init system or another program's tests start it.
//!
//! Each test has its own folder and ports; a server is killed when its value is dropped. Waiting
//! is for a line, a message or a reply, and has an end. What the settings mean in detail is tested
//! with the parser, the HTTP service in `http.rs`.
#![allow(clippy::disallowed_methods, reason = "tests that start processes and read their files")]

#[path = "binary/running.rs"]
mod running;

use running::{Folder, PATIENCE, Running, free_port, http, larder, redis_server};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

#[test]
fn a_plain_start_says_where_it_is_and_ends_well() {
    let folder = Folder::new();
    let (port, http_port) = (free_port(), free_port());
    let settings =
        ["--port", &port.to_string(), "--http-listen", &format!("127.0.0.1:{http_port}")];
    let mut server = Running::start(larder(&folder).arg("serve").args(settings));
    server.line("Ready to accept connections tcp");
    let greeting = server.said();
    for part in [
        "compatible with Redis 7.2.4",
        &format!("127.0.0.1:{port}"),
        &format!("http://127.0.0.1:{http_port}/"),
        "larder-data, every write is logged, on disk within a second",
        &format!("REDIS_URL  redis://localhost:{port}/0"),
        &format!("redis-cli -p {port} SET"),
    ] {
        assert!(greeting.contains(part), "{part} is missing in\n{greeting}");
    }
    let data = folder.path().join("larder-data");
    assert_eq!(std::fs::metadata(&data).expect("data").permissions().mode() & 0o777, 0o700);
    let socket = data.join("larder-users.sock");
    assert_eq!(std::fs::metadata(&socket).expect("socket").permissions().mode() & 0o777, 0o600);
    assert_eq!(server.ask(port, "PING"), "+PONG");
    assert!(http(http_port, "GET", "/", "", "").starts_with("HTTP/1.1 200"));
    assert_eq!(server.listening(), [port, http_port].into());

    // The folder is taken, also for one that would open no HTTP.
    let other = free_port().to_string();
    let second = larder(&folder)
        .args(["serve", "--port", &other, "--http-listen", ""])
        .output()
        .expect("ran");
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    let owner = format!("process {}, on 127.0.0.1:{port}", server.pid());
    let expected = format!("another Larder ({owner}) serves the data folder");
    assert!(text.contains(&expected) && text.contains("--dir"), "{text}");
    assert_eq!((second.status.code(), text.lines().count()), (Some(1), 1), "{text}");

    assert_eq!(server.ask(port, "SET k v"), "+OK");
    server.signal("INT");
    assert_eq!(server.status().code(), Some(0));
    let said = server.said();
    assert!(said.contains("Received SIGINT scheduling shutdown..."), "{said}");
    assert!(said.contains("DB saved on disk"), "{said}");
    assert!(data.join("dump.rdb").exists());
    assert!(said.contains("bye bye..."), "{said}");
    assert!(!socket.exists());
}

#[test]
fn a_busy_port_is_one_sentence_with_another_port_and_its_url() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port();
    let settings = ["--port", &port.to_string(), "--http-listen", ""];
    let output = larder(&folder).arg("serve").args(settings).output().expect("ran");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{text}");
    assert!(text.contains(&format!("another program listens on 127.0.0.1:{port}")), "{text}");
    let url = text.split("REDIS_URL=").nth(1).expect("a URL").trim();
    let other = text.split("--port ").nth(1).and_then(|t| t.split(' ').next()).expect("a port");
    assert_eq!(url, format!("redis://localhost:{other}/0"));
    let mut server =
        Running::start(larder(&folder).args(["serve", "--port", other, "--http-listen", ""]));
    server.line("Ready to accept connections tcp");

    let mut as_redis = redis_server(&folder);
    let settings = ["--bind", "127.0.0.1", "--port", &port.to_string()];
    let output = as_redis.args(settings).output().expect("ran");
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = format!(
        "Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address already in \
         use"
    );
    assert!(log.contains(&expected), "{log}");
    assert_eq!(output.status.code(), Some(1));

    let listen = format!("127.0.0.1:{port}");
    let free = free_port().to_string();
    let mut line = larder(&folder);
    line.args(["serve", "--dir", "other", "--port", &free, "--http-listen", &listen]);
    let output = line.output().expect("ran");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains(&format!("the HTTP service cannot listen on {listen}")), "{text}");
    assert!(text.contains("--http-listen 127.0.0.1:"), "{text}");
}

#[test]
fn debians_file_with_the_documents_edits_is_accepted_and_done_under_systemd() {
    let Ok(stock) = std::fs::read_to_string("/etc/redis/redis.conf") else {
        println!("/etc/redis/redis.conf is not here (package redis-server): nothing was tested");
        return;
    };
    let folder = Folder::new();
    let port = free_port();
    let at = |name: &str| folder.path().join(name);
    let log = folder.fifo("redis.log");
    let conf = folder.write(
        "redis.conf",
        &format!(
            "{stock}\nsupervised systemd\nrequirepass 0rJ+anges==\n\
             port {port}\ndir {}\nlogfile {}\npidfile {}\n",
            folder.path().display(),
            log.display(),
            at("redis.pid").display(),
        ),
    );
    let notify = UnixDatagram::bind(at("notify")).expect("a socket");
    notify.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let message = || {
        let mut buffer = [0; 500];
        let length = loop {
            match notify.recv(&mut buffer) {
                // A signal meant for somebody else of this process.
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                received => break received.expect("a message"),
            }
        };
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let mut line = redis_server(&folder);
    line.arg(&conf).env("NOTIFY_SOCKET", at("notify")).env("WATCHDOG_USEC", "200000");
    let mut server = Running::start_logging_to(&mut line, &log);

    assert_eq!(message(), "STATUS=Larder is loading...\n");
    assert!(message().starts_with("READY=1\nSTATUS=Ready to accept connections on 127.0.0.1:"));
    assert_eq!(message(), "WATCHDOG=1\n");
    assert_eq!(message(), "STATUS=0 keys, 0 clients\n");
    server.line("Ready to accept connections tcp");
    let said = server.said();
    assert!(said.contains("settings have no meaning here: "), "{said}");
    assert_eq!(said.matches("have no meaning here").count(), 1, "{said}");
    assert_eq!(
        std::fs::read_to_string(at("redis.pid")).expect("a pid file").trim(),
        server.pid().to_string(),
        "it did not go to the background",
    );
    assert_eq!(server.ask(port, "PING"), "-NOAUTH Authentication required.");
    assert_eq!(server.ask(port, "AUTH 0rJ+anges=="), "+OK");
    assert_eq!(server.listening(), [port].into());

    server.signal("TERM");
    let last = std::iter::repeat_with(message).find(|text| text.starts_with("STOPPING=1"));
    assert_eq!(last.expect("the end is told"), "STOPPING=1\nSTATUS=Ending\n");
    assert_eq!(server.status().code(), Some(0));
    assert!(server.said().contains("bye bye..."));
    assert!(!at("redis.pid").exists());
}

#[test]
fn a_link_named_redis_server_is_one() {
    let folder = Folder::new();
    let port = free_port();
    let settings = ["--port", &port.to_string(), "--save", "", "--appendonly", "no"];
    let mut server = Running::start(redis_server(&folder).args(settings));
    let ready = server.line("Ready to accept connections tcp");
    assert!(ready.contains(&format!("{}:M ", server.pid())), "{ready}");
    let said = server.said();
    assert!(said.contains(&format!("Running mode=standalone, port={port}.")), "{said}");
    assert!(said.contains("Server initialized"), "{said}");
    assert_eq!(server.listening(), [port].into(), "no HTTP");
    assert!(!folder.path().join("larder-data").exists());
    assert_eq!(server.ask(port, "CONFIG GET appendonly"), "*2");
    drop(server);

    let port = free_port();
    let conf = folder.write("stdin.conf", &format!("port {port}\nbind 127.0.0.1\nsave \"\"\n"));
    let conf = std::fs::File::open(conf).expect("it was written");
    let mut server = Running::start(redis_server(&folder).arg("-").stdin(conf));
    server.line("Ready to accept connections tcp");
    assert_eq!(server.ask(port, "PING"), "+PONG");
    server.signal("TERM");
    assert_eq!(server.status().code(), Some(0));

    let version = redis_server(&folder).arg("-v").output().expect("ran");
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("Redis server v=7.2.4 "));
}

#[test]
fn daemonize_detaches_and_leaves_a_log_and_a_pid_file() {
    let folder = Folder::new();
    let port = free_port();
    let log = folder.fifo("log");
    let pid_path = folder.path().join("larder.pid");
    let conf = folder.write(
        "daemon.conf",
        &format!(
            "daemonize yes\nport {port}\nbind 127.0.0.1\nsave \"\"\ndir {}\nlogfile log\n\
             pidfile larder.pid\n",
            folder.path().display(),
        ),
    );
    let mut starter = Running::start_logging_to(larder(&folder).arg(&conf), &log);
    starter.line("Ready to accept connections tcp");
    assert_eq!(starter.child_status().code(), Some(0), "the starter ends");
    let pid: u32 =
        std::fs::read_to_string(&pid_path).expect("a pid file").trim().parse().expect("a number");
    assert_ne!(pid, starter.pid());
    assert_eq!(starter.ask(port, "PING"), "+PONG");
    let daemon = running::Killed(pid);
    daemon.signal("TERM");
    starter.line("bye bye...");
    starter.end_of_output();
    assert!(!pid_path.exists());
    std::mem::forget(daemon);

    // What goes wrong in the background is in the log.
    let taken = TcpListener::bind(("127.0.0.1", port)).expect("the port is free again");
    let mut starter = Running::start_logging_to(larder(&folder).arg(&conf), &log);
    starter.line(&format!("another program listens on 127.0.0.1:{port}"));
    starter.end_of_output();
    drop(taken);
}

#[test]
fn bad_settings_are_named_with_file_line_and_reason() {
    let folder = Folder::new();
    let conf = folder.write("bad.conf", "# mine\nport 70000\nmaxmemry 1gb\nappendonly maybe\n");
    let shown = conf.display();
    for mut line in [larder(&folder), redis_server(&folder)] {
        let output = line.arg(&conf).output().expect("ran");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1));
        for expected in [
            format!("{shown}, line 2: 'port 70000': argument must be between 0 and 65535"),
            format!("{shown}, line 3: 'maxmemry 1gb': Bad directive"),
            "did you mean maxmemory?".to_owned(),
            format!("{shown}, line 4: 'appendonly maybe': argument must be 'yes' or 'no'"),
            "*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***".to_owned(),
            "Reading the configuration file, at line 2\n>>> 'port 70000'\n".to_owned(),
        ] {
            assert!(text.contains(&expected), "{expected} is missing in\n{text}");
        }
    }
    let output = larder(&folder).args(["serve", "--prot", "1"]).output().expect("ran");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("did you mean port?") && !text.contains("FATAL"), "{text}");
}

#[test]
fn folders_and_files_that_cannot_be_used_are_refused() {
    let folder = Folder::new();
    let conf = folder.write("c.conf", "port 0\nunixsocket x.sock\ndir /proc/no/such\n");
    let output = redis_server(&folder).arg(&conf).output().expect("ran");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("c.conf, line 3: 'dir /proc/no/such': the data folder"), "{text}");
    assert!(text.contains("No such file or directory"), "{text}");

    let output = larder(&folder).args(["serve", "--logfile", "/no/log"]).output().expect("ran");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("the log file cannot be opened: No such file"), "{text}");

    let locked = folder.path().join("locked");
    std::fs::create_dir(&locked).expect("a folder");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o555)).expect("closed");
    let mut line = larder(&folder);
    line.args(["serve", "--port", "0", "--dir"]).arg(&locked);
    folder.open_to_nobody();
    running::without_privileges(&mut line);
    let output = line.output().expect("ran");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("cannot be written: Permission denied"), "{text}");
    assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{text}");
}

#[test]
fn strangers_are_let_in_with_a_password_only() {
    let folder = Folder::new();
    let output = larder(&folder).args(["serve", "--bind", "0.0.0.0"]).output().expect("ran");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("other machines could connect, and there is no password"), "{text}");
    assert!(text.contains("larder init"), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn init_makes_a_password_that_works_and_no_other_does() {
    let folder = Folder::new();
    let output = larder(&folder).arg("init").output().expect("ran");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    let conf = folder.path().join("larder.conf");
    assert_eq!(std::fs::metadata(&conf).expect("made").permissions().mode() & 0o777, 0o600);
    let url = told.lines().find_map(|line| line.trim().strip_prefix("REDIS_URL=")).expect("a URL");
    let password = url
        .strip_prefix("redis://:")
        .and_then(|rest| rest.strip_suffix("@localhost:6379/0"))
        .expect("a URL with a password");
    assert_eq!(password.len(), 43, "256 bits");
    assert!(larder::url::Target::parse(url).is_ok());
    let again = larder(&folder).arg("init").output().expect("ran");
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists and is not touched"));

    let port = free_port();
    let settings = ["--port", &port.to_string(), "--http-listen", ""];
    let mut server = Running::start(larder(&folder).arg("serve").arg("larder.conf").args(settings));
    server.line("Ready to accept connections tcp");
    assert!(!server.said().contains(password), "the password is not shown");
    assert_eq!(server.ask(port, "GET k"), "-NOAUTH Authentication required.");
    assert_eq!(
        server.ask(port, "AUTH wrong"),
        "-WRONGPASS invalid username-password pair or user is disabled."
    );
    let mut client = server.client(port);
    assert_eq!(client.ask(&format!("AUTH {password}")), "+OK");
    assert_eq!(client.ask("SET k v"), "+OK");
    let store = larder::Larder::open(&url.replace("6379", &port.to_string())).expect("a store");
    assert_eq!(store.get("k").expect("the URL works"), Some(b"v".to_vec()));
}

#[test]
fn users_are_added_to_the_running_service() {
    let folder = Folder::new();
    let add = |name: &str, password: &str, more: &[&str]| {
        let input = folder.write("input", password);
        let mut line = larder(&folder);
        line.args(["user", "add", name]).args(more);
        line.stdin(std::fs::File::open(input).expect("written"));
        let output = line.output().expect("ran");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).expect("text"))
    };
    let (code, text) = add("ann", "good password\n", &[]);
    assert_eq!(code, Some(1));
    assert!(text.contains("no Larder with an HTTP service answers at"), "{text}");

    let (port, http_port) = (free_port(), free_port());
    let listen = format!("127.0.0.1:{http_port}");
    let settings = ["--port", &port.to_string(), "--http-listen", &listen];
    let mut server = Running::start(larder(&folder).arg("serve").args(settings));
    server.line("Ready to accept connections tcp");
    let created = (Some(0), "created the administrator ann\n".to_owned());
    assert_eq!(add("ann", "good password\n", &["--admin"]), created);
    let (code, text) = add("ann", "good password\n", &[]);
    assert_eq!((code, text.contains("exists already")), (Some(1), true), "{text}");
    let (code, text) = add("bob", "short\n", &[]);
    assert_eq!((code, text.contains("8 to 1024 bytes")), (Some(1), true), "{text}");
    let (code, text) = add("bob", "", &[]);
    assert_eq!(code, Some(0));
    let made = text.split("password: ").nth(1).expect("a password").trim();

    let login = "/api/v01/user/login";
    for (name, password, code) in
        [("ann", "good password", 0), ("bob", made, 0), ("bob", "wrong password", 10004)]
    {
        let body = format!("{{\"user_name\":\"{name}\",\"password\":\"{password}\"}}");
        let reply = http(http_port, "POST", login, "", &body);
        assert!(reply.contains(&format!("\"error_code\":{code},")), "{name}: {reply}");
    }
    assert_eq!(server.ask(port, "FLUSHALL"), "+OK");
    assert_eq!(server.ask(port, "KEYS *"), "*0");
    let body = "{\"user_name\":\"ann\",\"password\":\"good password\"}";
    assert!(http(http_port, "POST", login, "", body).contains("\"error_code\":0,"));
}

#[test]
fn a_long_path_of_the_data_folder_has_users_too() {
    let folder = Folder::new();
    let long = folder.path().join("d".repeat(60)).join("e".repeat(60));
    let (port, http_port) = (free_port(), free_port());
    let mut line = larder(&folder);
    line.args(["serve", "--port", &port.to_string(), "--dir"]).arg(&long);
    line.args(["--http-listen", &format!("127.0.0.1:{http_port}")]);
    let mut server = Running::start(&mut line);
    server.line("Ready to accept connections tcp");
    let mut line = larder(&folder);
    let output =
        line.args(["user", "add", "ann", "--dir"]).arg(&long).stdin(Stdio::null()).output();
    assert!(output.expect("ran").status.success());
}

#[test]
fn the_command_shutdown_ends_the_process() {
    let folder = Folder::new();
    let port = free_port();
    let settings = ["--port", &port.to_string(), "--bind", "127.0.0.1"];
    let mut server = Running::start(redis_server(&folder).args(settings));
    server.line("Ready to accept connections tcp");
    let mut client = server.client(port);
    assert_eq!(client.ask("SHUTDOWN ABORT"), "-ERR No shutdown in progress.");
    assert_eq!(
        client.ask("CONFIG SET dbfilename missing"),
        "-ERR CONFIG SET failed (possibly \
        related to argument 'dbfilename') - can't set protected config"
    );
    std::fs::create_dir(folder.path().join("dump.rdb")).expect("a folder in its place");
    assert_eq!(client.ask("SHUTDOWN SAVE"), "-ERR Errors trying to SHUTDOWN. Check logs.");
    assert_eq!(client.ask("SET k v"), "+OK", "writes go on");
    assert_eq!(client.ask("SHUTDOWN NOSAVE"), "", "closed without a reply");
    assert_eq!(server.status().code(), Some(0));
    assert!(server.said().contains("User requested shutdown..."));
}

#[test]
fn what_was_asked_before_a_signal_is_answered() {
    for signal in ["INT", "TERM"] {
        let folder = Folder::new();
        let port = free_port();
        let settings = ["--port", &port.to_string(), "--bind", "127.0.0.1", "--io-threads", "1"];
        let mut server = Running::start(redis_server(&folder).args(settings));
        server.line("Ready to accept connections tcp");
        let mut reader = server.client(port);
        let big = "x".repeat(32 * 1024);
        assert_eq!(reader.ask(&format!("SET big {big}")), "+OK");
        // More than the sockets hold: most of it waits in the server.
        let replies = 1000;
        reader.send(&"GET big\r\n".repeat(replies));
        let mut other = server.client(port);
        other.await_info("clients", "connected_clients:2");
        other.await_info("commandstats", &format!("cmdstat_get:calls={replies},"));
        server.signal(signal);
        for _ in 0..replies {
            assert_eq!(reader.line(), "$32768");
            assert_eq!(reader.line(), big);
        }
        assert_eq!(reader.line(), "", "and then the end");
        assert_eq!(server.status().code(), Some(0));
    }
}

#[test]
fn settings_are_applied_while_the_server_runs() {
    let folder = Folder::new();
    let (port, next_port) = (free_port(), free_port());
    std::fs::create_dir(folder.path().join("moved")).expect("a folder");
    let conf = folder.write(
        "r.conf",
        &format!(
            "port {port}\nbind 127.0.0.1\nenable-protected-configs yes\nlogfile log\n\
             rename-command FLUSHALL wipe\nrename-command KEYS \"\"\n"
        ),
    );
    let mut server = Running::start(redis_server(&folder).arg(&conf));
    let mut client = server.client_when_ready(port);
    assert!(client.ask("FLUSHALL").starts_with("-ERR unknown command 'FLUSHALL'"));
    assert!(client.ask("KEYS *").starts_with("-ERR unknown command 'KEYS'"));
    assert_eq!(client.ask("WIPE"), "+OK");

    let failed = |name: &str, reason: &str| {
        format!("-ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
    };
    assert_eq!(client.ask("CONFIG SET dir missing"), failed("dir", "No such file or directory"));
    assert_eq!(client.ask("CONFIG SET dir moved"), "+OK");
    let moved = folder.path().join("moved");
    assert_eq!(client.config("dir"), moved.display().to_string());
    assert_eq!(client.ask("CONFIG SET dir .."), "+OK");
    assert_eq!(client.ask("CONFIG SET dir moved"), "+OK");

    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let busy = taken.local_addr().expect("bound").port();
    let refused = failed("port", "Unable to listen on this port. Check server logs.");
    assert_eq!(client.ask(&format!("CONFIG SET port {busy}")), refused);
    assert_eq!(client.config("port"), port.to_string());
    assert_eq!(client.ask(&format!("CONFIG SET port {next_port}")), "+OK");
    assert_eq!(server.ask(next_port, "PING"), "+PONG");
    assert_eq!(server.listening(), [next_port].into());

    let refused = client.ask("CONFIG SET maxclients 4000000000");
    assert!(refused.contains("not able to handle the specified number of clients"), "{refused}");
    assert_eq!(client.ask("CONFIG SET maxclients 1"), "+OK");
    assert_eq!(server.ask(next_port, "PING"), "-ERR max number of clients reached");
    assert_eq!(client.ask("CONFIG SET maxclients 100"), "+OK");

    let score = || std::fs::read_to_string(format!("/proc/{}/oom_score_adj", server.pid()));
    let before: i32 = score().expect("a score").trim().parse().expect("a number");
    assert_eq!(client.ask("CONFIG SET oom-score-adj-values '7 200 800'"), "+OK");
    assert_eq!(client.ask("CONFIG SET oom-score-adj relative"), "+OK");
    assert_eq!(score().expect("a score").trim(), (before + 7).min(1000).to_string());

    assert_eq!(client.ask("CONFIG REWRITE"), "+OK");
    let rewritten = std::fs::read_to_string(&conf).expect("the file");
    assert!(rewritten.contains(&format!("port {next_port}\n")), "{rewritten}");
    assert!(rewritten.contains("rename-command FLUSHALL wipe"), "{rewritten}");
}

#[test]
fn a_log_that_is_rotated_is_written_anew() {
    let folder = Folder::new();
    let port = free_port();
    let mut line = redis_server(&folder);
    line.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--logfile", "log"]);
    line.args(["--enable-debug-command", "local"]);
    let mut server = Running::start(&mut line);
    let mut client = server.client_when_ready(port);
    let log = folder.path().join("log");
    std::fs::rename(&log, folder.path().join("log.1")).expect("rotated");
    server.signal("HUP");
    // Each of these logs a line, until one finds the new file.
    let began = std::time::Instant::now();
    while !log.exists() && began.elapsed() < PATIENCE {
        assert_eq!(client.ask("DEBUG LOG one"), "+OK");
    }
    assert_eq!(client.ask("DEBUG LOG another"), "+OK");
    assert!(std::fs::read_to_string(&log).expect("a new log").contains("another"));
    assert_eq!(client.ask("PING"), "+PONG");
}

#[test]
fn keys_are_handed_over_from_one_server_to_another() {
    let folder = Folder::new();
    let (from, to) = (free_port(), free_port());
    let mut servers = Vec::new();
    for (port, more) in [(from, ""), (to, "secret")] {
        let mut command = redis_server(&folder);
        command.args(["--port", &port.to_string(), "--requirepass", more]);
        let mut server = Running::start(&mut command);
        server.line("Ready to accept connections tcp");
        servers.push(server);
    }
    let mut here = servers[0].client(from);
    let mut there = servers[1].client(to);
    assert_eq!(there.ask("AUTH secret"), "+OK");
    assert_eq!(here.ask("SET k v PX 100000"), "+OK");
    assert_eq!(here.ask("RPUSH l a b c"), ":3");
    let refusal = "-ERR Target instance replied with error: NOAUTH Authentication required.";
    assert_eq!(here.ask(&format!("MIGRATE 127.0.0.1 {to} k 3 5000")), refusal);
    assert_eq!(here.ask(&format!("MIGRATE 127.0.0.1 {to} k 3 5000 COPY AUTH secret")), "+OK");
    assert_eq!(here.ask("EXISTS k l"), ":2");
    let all = format!("MIGRATE 127.0.0.1 {to} \"\" 3 5000 AUTH secret KEYS k l none");
    let busy = "-ERR Target instance replied with error: BUSYKEY Target key name already exists.";
    assert_eq!(here.ask(&all), busy);
    assert_eq!(here.ask("EXISTS l"), ":0", "what was taken has gone");
    let all = format!("MIGRATE 127.0.0.1 {to} \"\" 3 5000 REPLACE AUTH2 default secret KEYS k l");
    assert_eq!(here.ask(&all), "+OK");
    assert_eq!(here.ask("DBSIZE"), ":0");
    assert_eq!(there.ask("SELECT 3"), "+OK");
    assert_eq!((there.ask("LLEN l"), there.ask("EXPIRE k 100 GT")), (":3".into(), ":1".into()));
    let nobody = format!("MIGRATE 127.0.0.1 {} k 0 500", free_port());
    assert_eq!(here.ask(&nobody), "+NOKEY");
    assert_eq!(here.ask("SET k v"), "+OK");
    assert_eq!(here.ask(&nobody), "-IOERR error or timeout writing to target instance");
}
