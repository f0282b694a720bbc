//! The unit that is packaged passes systemd's own check, with the program's path replaced by one
//! that exists. Without systemd-analyze on the machine only the text is looked at.
#![allow(clippy::disallowed_methods, reason = "a test that reads the packaged unit")]

use std::path::Path;
use std::process::Command;

const PROGRAM: &str = "/usr/bin/larder";

fn unit() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/systemd/larder.service");
    std::fs::read_to_string(path).expect("the unit")
}

#[test]
fn systemd_finds_nothing_to_complain_about() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("larder.service");
    std::fs::write(&path, unit().replace(PROGRAM, "/bin/true")).expect("a copy");
    let verify = Command::new("systemd-analyze").arg("verify").arg(&path).output();
    let Ok(output) = verify else {
        println!("systemd-analyze is not installed (package systemd): the unit was not verified");
        return;
    };
    let complaints = String::from_utf8_lossy(&output.stderr);
    let ours = complaints.lines().filter(|line| line.contains("larder"));
    assert_eq!(ours.collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(output.status.success(), "{complaints}");
}

#[test]
fn its_command_line_is_one_that_larder_reads() {
    let unit = unit();
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("ExecStart");
    let folder = tempfile::tempdir().expect("a folder");
    let conf = folder.path().join("larder.conf");
    std::fs::write(&conf, "requirepass x\n").expect("a configuration");
    let words: Vec<std::ffi::OsString> = line
        .split_whitespace()
        .map(|word| if word.ends_with(".conf") { conf.clone().into() } else { word.into() })
        .collect();
    let mut around = larder_server::cli::Surroundings {
        cwd: Path::new("/"),
        cpus: 1,
        stdin: &mut std::io::empty(),
    };
    let invocation = larder_server::cli::parse(&words, &mut around).expect("a good command line");
    let larder_server::cli::Invocation::Serve(options) = invocation else { panic!("no server") };
    assert_eq!(options.settings.dir(), Path::new("/var/lib/larder"));
    assert!(options.config().has_password());
}
