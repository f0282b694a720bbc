//! The `larder` binary: reads the command line and does what it says.

use larder_server::cli::{self, Failure, Invocation};
use larder_server::{check, import, init, serve, user_socket};
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = cli::from_process().and_then(|invocation| match invocation {
        Invocation::Serve(options) => {
            serve::run(&options).map(|()| String::new()).map_err(|text| Failure { text, code: 1 })
        }
        Invocation::Check(options) => check::check(&options),
        Invocation::Import(options) => import::import(&options),
        Invocation::Init(options) => init::init(&options.dir),
        Invocation::UserAdd(options) => user_socket::user_add(&options),
        Invocation::PrintAndExit(text) => Ok(text),
    });
    match done {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(Failure { text, code }) => {
            eprint!("{text}");
            ExitCode::from(code)
        }
    }
}
