//! How fast a snapshot file is loaded on one core, to be set beside the line `DB loaded from disk` of
//! a redis-server that loads the same file.
//!
//! `cargo run --release -p larder-store --example load -- dump.rdb`
#![allow(clippy::disallowed_methods, reason = "measures")]

use larder_engine::testing::TestEngine;
use larder_store::rdb::{ReadOptions, load};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("the name of a snapshot file is missing")?;
    let test = TestEngine::new(16);
    let mut file = std::fs::File::open(path)?;
    let began = Instant::now();
    let options = ReadOptions { now_ms: 0, ..ReadOptions::of(&test.engine) };
    let summary = load(&mut file, &test.engine, options)?;
    let seconds = began.elapsed().as_secs_f64();
    let (keys, megabytes) = (summary.keys as f64, summary.bytes as f64 / 1e6);
    println!(
        "{} keys in {seconds:.3} seconds: {:.2} million keys, {:.0} MB a second",
        summary.keys,
        keys / seconds / 1e6,
        megabytes / seconds
    );
    Ok(())
}
