//! Writes the reference's replies under commands that have none yet, for the author to judge.
//!
//! It must not decide anything: what it writes is what Valkey answered over RESP2 and RESP3.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::play::{Answer, Player, expectation};
use crate::script::Script;
use crate::suite::{Binaries, Kind};

/// Fills `file` in, in place. Returns the number of steps that got a reply.
///
/// # Errors
/// When the file cannot be read, or the reference fails a reply that is already there.
pub fn fill(file: &Path, binaries: &Binaries) -> Result<usize> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let script = Script::parse(&file.to_string_lossy(), &text, false)?;
    let resp2 = answers(&script, Kind::ValkeyResp2, binaries)?;
    let resp3 = answers(&script, Kind::ValkeyResp3, binaries)?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let filled: Vec<_> = resp2.iter().zip(&resp3).collect();
    for ((line, two), (_, three)) in filled.iter().rev() {
        lines.insert(*line, expectation(two, three));
    }
    std::fs::write(file, lines.join("\n") + "\n")?;
    Ok(filled.len())
}

fn answers(script: &Script, kind: Kind, binaries: &Binaries) -> Result<Vec<(usize, Answer)>> {
    let mut backend = kind.start(binaries)?;
    let mut player = Player::new(backend.as_mut(), None);
    for test in &script.tests {
        if let Some(failure) = player.play(script, test).first() {
            bail!("{}:{} on {kind}: {}", script.name, failure.line, failure.message);
        }
    }
    Ok(player.answers)
}
