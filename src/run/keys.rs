//! Looks after keys.

use super::refusal::{OrRefuse as _, Refusal};
use crate::{
    cli::{Ending, KeysCommand, KeysOptions},
    client::known_hubs::{Day, KnownHubs, KnownHubsError},
    driver::clock,
    storage::DiskStorage,
    types::{Code, ExitCode, HubKey},
};

/// Does it, and says what was done.
pub(super) fn keys(options: &KeysOptions) -> Ending {
    let done = match &options.command {
        KeysCommand::TrustHub { hub, key } => trust_hub(options, hub, *key),
    };
    match done {
        Ok(stdout) => Ending { exit: ExitCode::Fine, stdout, stderr: String::new() },
        Err(refusal) => {
            let stderr = format!("error: {}\n\n  {}\n", refusal.message(), refusal.hint);
            Ending { exit: refusal.code.exit(), stdout: String::new(), stderr }
        }
    }
}

fn trust_hub(options: &KeysOptions, hub: &str, key: HubKey) -> Result<String, Refusal> {
    let replace = || -> Result<(), KnownHubsError> {
        let mut storage = DiskStorage::open_in_turn(&options.folder)?;
        let mut hubs = KnownHubs::load(&storage)?;
        hubs.trust(hub, key, Day::of_unix_millis(clock::unix_millis()));
        hubs.save(&mut storage)
    };
    let replaced = replace();
    let hint = replaced.as_ref().err().map_or("", KnownHubsError::hint);
    replaced.map_err(anyhow::Error::from).or_refuse(Code::DataUnusable, hint)?;
    Ok(format!("From now on the key of {hub} is\n    {}\n", key.grouped()))
}
