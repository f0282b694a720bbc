//! redis-benchmark as a test: every command of it must run clean on the server's binary.
//!
//! What it says of speed is not looked at; `bench` measures.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::server::Server;
use crate::setup;

/// As redis-benchmark names them.
const TESTS: &[&str] =
    &["get", "set", "incr", "lpush", "rpush", "lpop", "rpop", "sadd", "spop", "mset"];

/// Runs all of [`TESTS`] on `larder`; how many ran clean, and what is wrong with the others.
///
/// # Errors
/// When the tool is missing or the server does not start.
pub(crate) fn run(larder: &Path) -> Result<(usize, Vec<String>)> {
    setup::redis_tools()?;
    let mut server = Server::start(Command::new(larder))?;
    let mut benchmark = Command::new("redis-benchmark");
    benchmark.args(["-p", &server.address.port().to_string(), "-t", &TESTS.join(",")]);
    benchmark.args(["-P", "16", "-c", "50", "-n", "20000", "-q"]);
    let output = benchmark.output()?;
    let text = [output.stdout, output.stderr].concat();
    let (clean, mut complaints) = judge(&String::from_utf8_lossy(&text));
    if !output.status.success() {
        complaints.push(format!("redis-benchmark ended with {}", output.status));
    }
    if server.has_ended() {
        complaints.push(format!("the server has ended:\n{}", server.log()));
    }
    Ok((clean, complaints))
}

/// Tests that came to their end, and lines that should not be there. Progress is overwritten with
/// carriage returns.
fn judge(text: &str) -> (usize, Vec<String>) {
    let lines: Vec<&str> = text.split(['\r', '\n']).map(str::trim).collect();
    let done = |test: &str| {
        let name = format!("{} ", test.to_uppercase());
        let of_test = |line: &&&str| line.replace(':', " ").starts_with(&name);
        lines.iter().filter(of_test).any(|line| line.contains(" requests per second"))
    };
    let (clean, missing): (Vec<&str>, Vec<&str>) = TESTS.iter().partition(|test| done(test));
    let wrong = |line: &&&str| {
        let line = line.to_lowercase();
        line.contains("error") || line.contains("warning") || line.contains("could not")
    };
    let wrong = lines.iter().filter(wrong).map(|line| (*line).to_owned());
    let missing = missing.iter().map(|test| format!("{test} did not come to its end"));
    (clean.len(), wrong.chain(missing).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean_output() -> String {
        let of_test = |test: &&str| {
            let name = test.to_uppercase();
            format!("{name}: rps=0.0\r{name}: 1000.00 requests per second, p50=0.1 msec\n")
        };
        let text: String = TESTS.iter().map(of_test).collect();
        text.replace("MSET:", "MSET (10 keys):")
    }

    #[test]
    fn a_run_without_complaints_is_clean() {
        assert_eq!(judge(&clean_output()), (TESTS.len(), Vec::new()));
    }

    #[test]
    fn an_error_and_a_missing_test_are_found() {
        let text = clean_output().replace("SPOP", "Error from server: ERR unknown command");
        let (clean, complaints) = judge(&text);
        assert_eq!(clean, TESTS.len() - 1);
        assert!(complaints.iter().any(|c| c.starts_with("Error from server")), "{complaints:?}");
        assert!(complaints.iter().any(|c| c.starts_with("spop ")), "{complaints:?}");
    }
}
