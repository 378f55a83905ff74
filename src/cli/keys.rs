//! What the words after `keys` mean.

use std::path::PathBuf;

use super::{
    CliError, Surroundings,
    args::{CarryArgs, KeysArgs, KeysVerb, WhoArgs},
    connect::member_name,
};
use crate::{
    client::hub_address::{HubAddress, HubAddressError},
    types::{HubKey, HubKeyError, MemberName},
};

/// What to do about keys, and where they are.
#[derive(Clone, Debug, PartialEq)]
pub struct KeysOptions {
    /// The folder with `members` and `known-hubs`.
    pub folder: PathBuf,
    pub command: KeysCommand,
    /// Whether to answer in JSON.
    pub json: bool,
    /// Whether somebody is there to be asked for a passphrase.
    pub may_ask: bool,
    /// The newest version of the protocol that this program speaks.
    pub protocol: u16,
}

/// What to do about keys.
#[derive(Clone, Debug, PartialEq)]
pub enum KeysCommand {
    /// Tell about one member's keys, or all.
    Show { name: Option<MemberName> },
    /// Take new keys.
    Rotate(Whose),
    /// Protect them otherwise.
    Passphrase { whose: Whose, new: NewPassphrase },
    /// Write the identity alone.
    Export(Carry),
    /// Write the identity and what is kept.
    Backup(Carry),
    /// Bring back what one of these two wrote.
    Import { file: PathBuf, name: Option<MemberName>, replace: bool, passphrase_file: Option<PathBuf> },
    /// Trust a hub's key; `hub` is `host:port`.
    TrustHub { hub: String, key: HubKey },
}

/// Whose keys; nobody's where there is one member only.
#[derive(Clone, Debug, PartialEq)]
pub struct Whose {
    pub name: Option<MemberName>,
    pub passphrase_file: Option<PathBuf>,
}

/// What is to protect the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewPassphrase {
    Nothing,
    /// From the file, else from the environment, else from a person.
    Wanted(Option<PathBuf>),
}

/// What is written where.
#[derive(Clone, Debug, PartialEq)]
pub struct Carry {
    pub whose: Whose,
    /// `-` is standard output.
    pub file: PathBuf,
    pub new: NewPassphrase,
}

pub(super) fn options(args: KeysArgs, surroundings: &Surroundings) -> Result<KeysOptions, CliError> {
    let KeysArgs { data_dir, json, verb } = args;
    let reads_standard_input = matches!(&verb, KeysVerb::Import { file, .. } if file.as_os_str() == "-");
    let command = command(verb)?;
    let folder = match data_dir {
        Some(folder) => folder,
        None => surroundings.data_folder()?,
    };
    // The question goes to the terminal itself, wherever standard input and output go.
    let may_ask = !json && (surroundings.stdin_is_terminal || reads_standard_input && surroundings.stdout_is_terminal);
    Ok(KeysOptions { folder, command, json, may_ask, protocol: surroundings.protocol })
}

fn command(verb: KeysVerb) -> Result<KeysCommand, CliError> {
    let named = |name: Option<String>| name.as_deref().map(member_name).transpose();
    Ok(match verb {
        KeysVerb::Show { name } => KeysCommand::Show { name: named(name)? },
        KeysVerb::Rotate(who) => KeysCommand::Rotate(whose(who)?),
        KeysVerb::Passphrase { who, remove, new } => {
            KeysCommand::Passphrase { whose: whose(who)?, new: new_passphrase(remove, new.new_passphrase_file) }
        }
        KeysVerb::Export(carried) => KeysCommand::Export(carry(carried)?),
        KeysVerb::Backup(carried) => KeysCommand::Backup(carry(carried)?),
        KeysVerb::Import { file, name, replace, passphrase_file } => {
            KeysCommand::Import { file, name: named(name)?, replace, passphrase_file }
        }
        KeysVerb::TrustHub { hub, key } => trust_hub(&hub, &key)?,
    })
}

fn whose(args: WhoArgs) -> Result<Whose, CliError> {
    let name = args.name.as_deref().map(member_name).transpose()?;
    Ok(Whose { name, passphrase_file: args.passphrase_file })
}

fn carry(args: CarryArgs) -> Result<Carry, CliError> {
    let new = new_passphrase(args.plain, args.new.new_passphrase_file);
    Ok(Carry { whose: whose(args.who)?, file: args.file, new })
}

fn new_passphrase(none: bool, file: Option<PathBuf>) -> NewPassphrase {
    if none { NewPassphrase::Nothing } else { NewPassphrase::Wanted(file) }
}

fn trust_hub(hub: &str, key: &[String]) -> Result<KeysCommand, CliError> {
    let refused = |error: HubAddressError| CliError::usage(format!("the hub {hub}: {error}"), error.hint());
    let address: HubAddress = hub.parse().map_err(refused)?;
    let known_as = address.known_as().ok_or_else(|| {
        CliError::usage(format!("{address} shows no key"), "only a hub at tls://HOST:PORT has a key to trust")
    })?;
    let key = key.join(" ").parse().map_err(|error: HubKeyError| {
        CliError::usage(error.to_string(), "copy the whole key: the operator runs securestream hub fingerprint")
    })?;
    Ok(KeysCommand::TrustHub { hub: known_as, key })
}
