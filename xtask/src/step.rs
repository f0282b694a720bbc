//! Runs programs as named steps: prints each with its time, keeps their output until it is needed.
//!
//! It must not know what the programs do; who counts their tests is `test`.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

/// What a program left behind.
pub(crate) struct Output {
    pub(crate) succeeded: bool,
    /// Its standard output.
    pub(crate) text: String,
}

/// Runs `command`, letting it complain on standard error, and keeps its standard output.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn capture(command: &mut Command) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
    let output = child.wait_with_output().with_context(|| name)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(Output { succeeded: output.status.success(), text })
}

/// Runs `command` as a step that must succeed.
///
/// # Errors
/// When it cannot be started or fails; the message holds its output.
pub(crate) fn must(title: &str, command: &mut Command) -> Result<String> {
    timed(title, || {
        let output = capture(command)?;
        ensure!(output.succeeded, "{title}: failed\n{}", output.text);
        Ok(output.text)
    })
}

/// Runs `work` and prints its title with the time it took.
///
/// # Errors
/// Those of `work`.
pub(crate) fn timed<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    println!("… {title}");
    let result = work();
    let mark = if result.is_ok() { "✓" } else { "✗" };
    println!("{mark} {title}: {:.1} s", began.elapsed().as_secs_f64());
    result
}

/// Whether a program of this name is found.
pub(crate) fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
