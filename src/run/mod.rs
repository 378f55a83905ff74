//! Puts the parts together: here, and only here, concrete implementations are chosen.

mod connect;
mod descriptors;
mod hub;
mod hub_data;
mod hub_tls;
mod index_shelf;
mod keys;
mod link;
mod own_memory;
mod passphrase;
mod printer;
mod refusal;
mod serve;
mod stage;
mod videos;

use std::io::{self, Write as _};

use log::LevelFilter;

use crate::{
    cli::Invocation,
    types::ExitCode,
    video::{compat, render},
};

/// Does what the command line asks for; the process then ends with this status.
#[must_use]
pub fn run(invocation: Invocation) -> ExitCode {
    match invocation {
        Invocation::Serve(options) => {
            log_from(options.log);
            serve::serve(&options)
        }
        Invocation::Connect(options) => {
            // A member's screen is for its conversation; SECURESTREAM_LOG shows the rest.
            log_from(LevelFilter::Warn);
            connect::connect(options)
        }
        Invocation::Hub(options) => {
            log_from(LevelFilter::Warn);
            hub::hub(&options)
        }
        Invocation::Keys(options) => {
            log_from(LevelFilter::Warn);
            let ending = keys::keys(&options);
            // Whoever closed these does not want to know.
            let _ = io::stdout().write_all(ending.stdout.as_bytes());
            let _ = io::stderr().write_all(ending.stderr.as_bytes());
            ending.exit
        }
        Invocation::ProbeWindow => of_child(render::probe_main()),
        Invocation::IndexVideo => of_child(compat::index_main()),
    }
}

/// How this process ends that was run as a child for one thing.
fn of_child(ended: std::process::ExitCode) -> ExitCode {
    if ended == std::process::ExitCode::SUCCESS { ExitCode::Fine } else { ExitCode::CommandFailed }
}

/// Starts logging on standard error. `SECURESTREAM_LOG` overrules the level.
fn log_from(level: LevelFilter) {
    let environment = env_logger::Env::new().filter("SECURESTREAM_LOG");
    env_logger::Builder::new()
        .filter_level(level)
        .parse_env(environment)
        .format_timestamp_secs()
        .format_target(false)
        .init();
}
