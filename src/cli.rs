//! The command line: what is typed, what follows from it, and the answer when it cannot be followed.
//!
//! [`parse`] checks everything that can be known before a socket or a file is opened. Every option of
//! `connect` and `serve` can also be set by an environment variable, `SECURESTREAM_` and its name.

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _},
    path::PathBuf,
};

use clap::{FromArgMatches as _, error::ErrorKind};

mod args;
mod connect;
mod ending;
mod hub;
mod keys;
mod serve;

pub use args::{Admit, ColorChoice, TrustHub};
use args::{Cli, Verb};
pub use connect::{ConnectOptions, Interaction, Keeping, ScriptSource, Sending, SoundChoice};
pub use ending::{CliError, Ending};
pub use hub::HubOptions;
pub use keys::{Carry, KeysCommand, KeysOptions, NewPassphrase, Whose};
pub use serve::{GivenCertificate, ServeOptions, VideosFolder};

use crate::types::{Code, ExitCode};

/// What the process is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Invocation {
    Serve(ServeOptions),
    Connect(ConnectOptions),
    /// Ask something of a running hub.
    Hub(HubOptions),
    Keys(KeysOptions),
    /// Open a window and close it again; exit 0 when that works. Run as a child, because a failure aborts.
    ProbeWindow,
    /// Take apart the video that is standard input. Run as a child, because it may not end well.
    IndexVideo,
}

/// What the command line depends on beside its words.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each a yes or no")]
pub struct Surroundings {
    pub stdin_is_terminal: bool,
    pub stdout_is_terminal: bool,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_DATA_HOME`; counts only when absolute, as the XDG base directory specification says.
    pub data_home: Option<PathBuf>,
    /// `TERM` is `dumb`.
    pub dumb_terminal: bool,
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `SECURESTREAM_JSON` asks for JSON; counts for errors in the other options.
    pub json: bool,
    /// The newest version of the protocol that this program speaks.
    pub protocol: u16,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_process(protocol: u16) -> Self {
        let filled = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            stdin_is_terminal: io::stdin().is_terminal(),
            stdout_is_terminal: io::stdout().is_terminal(),
            home: filled("HOME").map(PathBuf::from),
            data_home: filled("XDG_DATA_HOME").map(PathBuf::from),
            dumb_terminal: filled("TERM").is_some_and(|term| term == "dumb"),
            no_color: filled("NO_COLOR").is_some(),
            json: filled("SECURESTREAM_JSON")
                .is_some_and(|value| !["0", "n", "no", "f", "false", "off"].map(OsString::from).contains(&value)),
            protocol,
        }
    }

    /// `$XDG_DATA_HOME/securestream`.
    fn data_folder(&self) -> Result<PathBuf, CliError> {
        let data_home = self.data_home.clone().filter(|path| path.is_absolute());
        let data_home = data_home.or_else(|| self.home.as_ref().map(|home| home.join(".local/share")));
        data_home.map(|path| path.join("securestream")).ok_or_else(|| {
            let message = "there is no place for keys and data: neither XDG_DATA_HOME nor HOME is set";
            CliError::new(Code::DataUnusable, message, "say where with --data-dir DIR")
        })
    }
}

/// Reads a command line; the first word is the program itself.
///
/// # Errors
/// What to print and the exit code when nothing is to be done: after `--help`, or because the command line
/// cannot be followed. Then an `error` and a `bye` stand on standard output if JSON was asked for.
pub fn parse(words: Vec<OsString>, surroundings: &Surroundings) -> Result<Invocation, Ending> {
    let asked = ending::Audience::of(&words, surroundings);
    let matches = match args::command().try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) => return Err(not_understood(&error, asked)),
    };
    let cli = Cli::from_arg_matches(&matches).map_err(|error| not_understood(&error, asked))?;
    let invocation = match cli.verb {
        Verb::Serve(args) => serve::options(*args, surroundings).map(Invocation::Serve),
        Verb::Connect(args) => connect::options(*args, surroundings).map(Invocation::Connect),
        Verb::ProbeWindow => Ok(Invocation::ProbeWindow),
        Verb::IndexVideo => Ok(Invocation::IndexVideo),
        Verb::Hub(args) => hub::options(args, surroundings).map(Invocation::Hub),
        Verb::Keys(args) => keys::options(args, surroundings).map(Invocation::Keys),
    };
    invocation.map_err(|error| error.ending(asked))
}

fn not_understood(error: &clap::Error, asked: ending::Audience) -> Ending {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            Ending { exit: ExitCode::Fine, stdout: text, stderr: String::new() }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Ending { exit: ExitCode::Usage, stdout: String::new(), stderr: text }
        }
        _ => {
            let first = text.split("\n\nUsage:").next().unwrap_or(&text).trim_start_matches("error: ");
            let message = first.split_whitespace().collect::<Vec<_>>().join(" ");
            Ending { stderr: text, ..CliError::new(Code::Usage, message, asked.help_hint()).ending(asked) }
        }
    }
}

#[cfg(test)]
mod tests;
