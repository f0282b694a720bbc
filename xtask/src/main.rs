//! The project's own tools: `cargo xtask test | tidy | docs | bench | wheel | conformance | soak`.
//!
//! It links nothing of Larder, so that a broken engine does not break the tools. Each subcommand has a module
//! of its name; `setup` fetches what tests and benches need, `step` runs and times commands.

// Tools live at the edge: they read files, run programs and measure time.
#![allow(clippy::disallowed_methods)]

mod bench;
mod benchmark;
mod conformance;
mod docs;
mod server;
mod setup;
mod soak;
mod step;
mod test;
mod tidy;
mod wheel;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::wheel::Profile;

/// Tests, checks and measures Larder.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetches what the tests need and runs every test.
    Test {
        /// The developer's loop: no clients, rtest on the linked engine and RESP2 only.
        #[arg(long)]
        quick: bool,
    },
    /// Checks what a reader relies on: directions, names in one place, links, generated files.
    Tidy,
    /// Writes the generated documents.
    Docs,
    /// Measures Larder and its peers in one run.
    Bench {
        /// Which table.
        table: bench::Table,
        /// Fewer requests and repetitions.
        #[arg(long)]
        quick: bool,
        /// Writes the table into bench/RESULTS.md.
        #[arg(long)]
        write: bool,
        /// Leaves Larder out.
        #[arg(long)]
        peers_only: bool,
    },
    /// Builds the Python wheel and its source distribution into target/wheels.
    Wheel {
        /// A debug build, in target/wheels/debug.
        #[arg(long)]
        debug: bool,
    },
    /// Runs the official test suites of Valkey and Redis against our server.
    Conformance(conformance::Options),
    /// Runs for long what finds rare mistakes: property tests, fuzz targets, random sequences beside
    /// real servers, and AddressSanitizer.
    Soak {
        /// Which of them; all if left out.
        part: Option<soak::Part>,
        /// How long each fuzz target runs, and the random sequences.
        #[arg(long, default_value_t = 10)]
        minutes: u64,
        /// The seed of the rest; a new one is drawn and printed if left out.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Sends requests to a server; `bench` runs it pinned to its own core.
    #[command(hide = true)]
    Load(bench::load::Options),
}

fn main() -> ExitCode {
    let root = root();
    let done = match Options::parse().command {
        Command::Test { quick } => test::run(&root, quick),
        Command::Tidy => tidy::run(&root),
        Command::Docs => docs::run(&root),
        Command::Bench { table, quick, write, peers_only } => {
            bench::run(&root, table, bench::Scope { quick, write, peers_only })
        }
        Command::Wheel { debug } => {
            wheel::run(&root, if debug { Profile::Debug } else { Profile::Release })
        }
        Command::Conformance(options) => conformance::run(&root, &options),
        Command::Soak { part, minutes, seed } => soak::run(&root, part, minutes, seed),
        Command::Load(options) => bench::load::run(&options).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}
