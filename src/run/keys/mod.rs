//! Looks after keys.

mod carry;
mod change;
mod hubs;
mod people;
mod show;

use serde::Serialize;

use super::passphrase::Unlocking;
use crate::{
    cli::{CliError, Ending, KeysCommand, KeysOptions, Whose},
    client::{
        event::Failure,
        keyring::{Keyring, KeyringError},
    },
    crypto::{Passphrase, RsaProvider},
    driver::clock,
    types::{ExitCode, MemberName},
};

/// Does it, and says what was done.
pub(super) fn keys(options: &KeysOptions) -> Ending {
    let done = match &options.command {
        KeysCommand::Show { name } => show::show(options, name.as_ref()),
        KeysCommand::Rotate(whose) => change::rotate(options, whose),
        KeysCommand::Passphrase { whose, new } => change::passphrase(options, whose, new),
        KeysCommand::Export(carried) => carry::export(options, carried),
        KeysCommand::Backup(carried) => carry::backup(options, carried),
        KeysCommand::Import { file, name, replace, passphrase_file } => {
            let unlocking = Unlocking { file: passphrase_file.as_deref(), may_ask: options.may_ask };
            carry::import(options, file, name.as_ref(), *replace, &unlocking)
        }
        KeysCommand::TrustHub { hub, key } => hubs::trust_hub(options, hub, *key),
    };
    match done {
        Ok(said) => Ending { exit: ExitCode::Fine, stdout: said.stdout, stderr: said.stderr },
        Err(Failure { code, message, hint, .. }) => {
            let error = CliError { code, message, hint: hint.unwrap_or_default(), exit: code.exit() };
            error.told(options.json, options.protocol)
        }
    }
}

/// What a command says once it is done.
#[derive(Debug, Default)]
struct Said {
    stdout: String,
    stderr: String,
}

impl Said {
    /// The text for people, or the object for programs.
    fn either(options: &KeysOptions, text: String, object: &impl Serialize) -> Self {
        let stdout = if options.json { json_line(object) } else { text };
        Self { stdout, stderr: String::new() }
    }
}

fn json_line(object: &impl Serialize) -> String {
    // Text, numbers and lists of them, which always can be written.
    serde_json::to_string(object).unwrap_or_default() + "\n"
}

/// A member's folder that is held, with what opened it.
struct Held {
    keyring: Keyring,
    passphrase: Option<Passphrase>,
    name: MemberName,
}

/// Opens the folder of a member that is there.
fn hold(options: &KeysOptions, whose: &Whose) -> Result<Held, Failure> {
    let name = people::find(&options.folder, whose.name.as_ref())?;
    let unlocking = Unlocking { file: whose.passphrase_file.as_deref(), may_ask: options.may_ask };
    let (keyring, passphrase) = unlocking.open(name.as_str(), |passphrase| open(options, &name, passphrase))?;
    Ok(Held { keyring, passphrase, name })
}

fn open(options: &KeysOptions, name: &MemberName, passphrase: Option<&Passphrase>) -> Result<Keyring, KeyringError> {
    let (provider, members, now) = (RsaProvider::default(), people::members(&options.folder), clock::unix_millis());
    let opened = match passphrase {
        None => Keyring::open(&provider, &members, name, now, &mut rand::rng()),
        Some(passphrase) => Keyring::unlock(&provider, &members, name, passphrase, now, &mut rand::rng()),
    };
    opened.map(|(keyring, _)| keyring)
}
