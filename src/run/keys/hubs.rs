//! Trusts the keys of hubs.

use serde_json::json;

use super::Said;
use crate::{
    cli::KeysOptions,
    client::{
        event::Failure,
        known_hubs::{Day, KnownHubs, KnownHubsError},
    },
    driver::clock,
    storage::DiskStorage,
    types::{Code, HubKey},
};

pub(super) fn trust_hub(options: &KeysOptions, hub: &str, key: HubKey) -> Result<Said, Failure> {
    let replace = || -> Result<(), KnownHubsError> {
        let mut storage = DiskStorage::open_in_turn(&options.folder)?;
        let mut hubs = KnownHubs::load(&storage)?;
        hubs.trust(hub, key, Day::of_unix_millis(clock::unix_millis()));
        hubs.save(&mut storage)
    };
    replace().map_err(|error| Failure::new(Code::DataUnusable, error.to_string(), error.hint()))?;
    let text = format!("From now on the key of {hub} is\n    {}\n", key.grouped());
    let object = json!({"event": "ok", "command": "keys trust-hub", "hub": hub, "fingerprint": key.to_string()});
    Ok(Said::either(options, text, &object))
}
