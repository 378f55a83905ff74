//! What the words after `keys` mean.

use std::path::PathBuf;

use super::{
    CliError, Surroundings,
    args::{KeysArgs, KeysVerb},
};
use crate::{
    client::hub_address::{HubAddress, HubAddressError},
    types::{HubKey, HubKeyError},
};

/// What to do about keys, and where they are.
#[derive(Clone, Debug, PartialEq)]
pub struct KeysOptions {
    /// The folder with `members` and `known-hubs`.
    pub folder: PathBuf,
    pub command: KeysCommand,
}

/// What to do about keys.
#[derive(Clone, Debug, PartialEq)]
pub enum KeysCommand {
    /// Trust a hub's key; `hub` is `host:port`.
    TrustHub { hub: String, key: HubKey },
}

pub(super) fn options(args: KeysArgs, surroundings: &Surroundings) -> Result<KeysOptions, CliError> {
    let command = match args.verb {
        KeysVerb::TrustHub { hub, key } => trust_hub(&hub, &key)?,
        KeysVerb::Show { .. }
        | KeysVerb::Rotate { .. }
        | KeysVerb::Export { .. }
        | KeysVerb::Import { .. }
        | KeysVerb::Backup { .. } => {
            let hint = "keys are made by the first connect and lie in the data folder";
            return Err(CliError::not_yet("handling keys", hint));
        }
    };
    let folder = match args.data_dir {
        Some(folder) => folder,
        None => surroundings.data_folder()?,
    };
    Ok(KeysOptions { folder, command })
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
