//! Serves an empty engine on a loopback port, for measuring the loops:
//! `cargo run --release -p larder-net --example serve -- PORT [THREADS]`. Ends with its standard
//! input.

use larder_engine::clock::Clock;
use larder_engine::config::Config;
use larder_engine::{Engine, NoHost, Options};
use larder_net::{Listen, Server, ServerOptions};
use std::error::Error;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "an example is an edge")]
    fn now_us(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_micros() as u64
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().as_deref().unwrap_or("7379").parse()?;
    let threads: usize = arguments.next().as_deref().unwrap_or("1").parse()?;
    let engine = Engine::new(Options {
        shards: 16,
        hash_seed: u128::from(std::process::id()) << 64 | u128::from(SystemClock.now_us()),
        random_seed: SystemClock.now_us(),
        clock: Arc::new(SystemClock),
        config: Arc::new(Config::default()),
        host: Arc::new(NoHost),
    });
    let addr = ([127, 0, 0, 1], port).into();
    let options = ServerOptions {
        listen: vec![Listen::Tcp { addr, optional: false }],
        threads,
        ..ServerOptions::default()
    };
    let server = Server::start(engine, options)?;
    for address in server.addresses() {
        println!("listens on {address}");
    }
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}
