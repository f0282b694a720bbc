//! `differential`: random sequences on Larder, Valkey and Redis 7.0, replies and keys compared.
//!
//! `generate` makes sequences out of the command table, `play` plays them and judges replies by
//! `compare`, `state` and `carry` look at the keys afterwards, `minimise` shortens those that show a difference; `accepted` reads
//! `tests/differential.toml`. `cargo xtask soak differential` builds and starts it. This file knows
//! the command line only.

// It starts servers, measures time and prints.
#![allow(clippy::disallowed_methods)]

mod accepted;
mod carry;
mod compare;
mod generate;
mod minimise;
mod peer;
mod play;
mod sequence;
mod state;
mod templates;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use larder_engine::commands::{Known, all};

use accepted::Accepted;
use generate::{Generator, SETTINGS, is_wanted};
use minimise::minimise;
use play::{Difference, Peers};
use sequence::Sequence;

/// Differences that are shown before a run gives up.
const MOST_SHOWN: usize = 40;

/// Plays random sequences on Larder and its references and says where they differ.
#[derive(Parser)]
struct Options {
    /// Larder's binary.
    #[arg(long)]
    larder: PathBuf,
    /// Valkey's binary, the reference.
    #[arg(long)]
    valkey: PathBuf,
    /// The binary of Redis 7.0, shown beside it.
    #[arg(long)]
    redis: Option<PathBuf>,
    /// How long to go on.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// How many sequences at most.
    #[arg(long)]
    sequences: Option<u64>,
    /// The first sequence's seed; the next one's is one more.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Mostly these commands, such as `lpos` or `object encoding`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Plays a file with one sequence, as this program prints them, instead of random ones.
    #[arg(long)]
    replay: Option<PathBuf>,
    /// Also shows where Redis 7.0 answers otherwise than the other two.
    #[arg(long)]
    newer: bool,
}

fn main() -> ExitCode {
    match start(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}

fn start(options: &Options) -> Result<bool> {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../differential.toml");
    let table = std::fs::read_to_string(&table).context("tests/differential.toml")?;
    let mut binaries = vec![("larder", options.larder.as_path()), ("valkey", &options.valkey)];
    binaries.extend(options.redis.as_deref().map(|redis| ("redis", redis)));
    let settings: Vec<&str> = SETTINGS.iter().map(|(name, _)| *name).collect();
    let mut peers = Peers::start(&binaries, Accepted::parse(&table)?, &settings)?;
    if let Some(file) = &options.replay {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let found = peers.play(&Sequence::parse(&text)?)?;
        println!("{}", found.as_ref().map_or("no difference", |found| &found.text));
        return Ok(found.is_none());
    }
    let found = search(options, &mut peers)?;
    if options.newer {
        println!("Redis 7.0 answers otherwise than Larder and Valkey:");
        peers.newer.values().for_each(|example| println!("{example}"));
    }
    println!("accepted:");
    peers.accepted().iter().for_each(|line| println!("{line}"));
    Ok(found.is_empty())
}

/// Plays sequences until the time is over; what was found, and how often.
fn search(options: &Options, peers: &mut Peers) -> Result<BTreeMap<String, u64>> {
    let commands = commands(peers)?;
    let settings: Vec<String> = peers.settings().map(str::to_owned).collect();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    println!(
        "{} commands, {} settings, first seed {}",
        commands.len(),
        settings.len(),
        options.seed
    );
    let began = Instant::now();
    let limit = Duration::from_secs(options.minutes * 60);
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    let mut played = 0;
    while began.elapsed() < limit
        && options.sequences.is_none_or(|most| played < most)
        && found.len() < MOST_SHOWN
    {
        let seed = options.seed.wrapping_add(played);
        let sequence = Generator::new(seed, &commands, &settings, &options.only).sequence();
        played += 1;
        let Some(difference) = peers.play(&sequence)? else { continue };
        let count = found.entry(difference.signature.clone()).or_default();
        *count += 1;
        if *count == 1 {
            show(peers, seed, sequence, &difference)?;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{played} sequences, {} replies compared, {seconds:.0} s", peers.compared);
    for (signature, count) in &found {
        println!("{count:>7} × {signature}");
    }
    println!("{} differences", found.len());
    Ok(found)
}

/// The commands that sequences are made of.
fn commands(peers: &mut Peers) -> Result<Vec<&'static Known>> {
    let wanted: Vec<&'static Known> = all().iter().filter(|known| is_wanted(known)).collect();
    let names: Vec<&str> = wanted.iter().map(|known| known.name.as_str()).collect();
    let known = peers.known_to_valkey(&names)?;
    let (both, only): (Vec<_>, Vec<_>) = wanted.into_iter().zip(known).partition(|(_, k)| *k);
    if !only.is_empty() {
        let names: Vec<&str> = only.iter().map(|(known, _)| known.name.as_str()).collect();
        println!("Valkey does not know {}", names.join(", "));
    }
    Ok(both.into_iter().map(|(known, _)| known).collect())
}

/// Minimises a sequence and prints what it shows.
fn show(peers: &mut Peers, seed: u64, sequence: Sequence, found: &Difference) -> Result<()> {
    let mut sequence = sequence;
    sequence.steps.truncate(found.steps);
    let mut last = found.clone();
    let shows = |candidate: &Sequence| {
        let again = peers.play(candidate)?;
        let same = again.filter(|again| again.signature == found.signature);
        let shown = same.is_some();
        last = same.unwrap_or_else(|| last.clone());
        Ok(shown)
    };
    let least = minimise(sequence, shows)?;
    println!("── {} · seed {seed}", found.signature);
    println!("{least}{}\n", last.text);
    Ok(())
}
