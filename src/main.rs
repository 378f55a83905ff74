//! Reads the command line, starts logging, runs, and ends with an exit status.

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
};

use securestream::{
    cli::{self, Surroundings},
    proto::VERSIONS,
    run,
    video::render,
};

fn main() -> ExitCode {
    render::quiet();
    let surroundings = Surroundings::of_process(VERSIONS.last().copied().unwrap_or_default());
    let exit = match cli::parse(env::args_os().collect(), &surroundings) {
        Ok(invocation) => run::run(invocation),
        Err(ending) => {
            // Whoever closed these does not want to know.
            let _ = io::stdout().write_all(ending.stdout.as_bytes());
            let _ = io::stderr().write_all(ending.stderr.as_bytes());
            ending.exit
        }
    };
    ExitCode::from(exit as u8)
}
