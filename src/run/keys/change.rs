//! New keys, and passphrases.

use serde_json::json;

use super::{Said, hold};
use crate::{
    cli::{KeysOptions, NewPassphrase, Whose},
    client::{event::Failure, work::failure_of},
    crypto::RsaProvider,
    driver::clock,
    run::passphrase::choose,
};

pub(super) fn rotate(options: &KeysOptions, whose: &Whose) -> Result<Said, Failure> {
    let mut held = hold(options, whose)?;
    let old = held.keyring.identity().fingerprint();
    let (now, passphrase) = (clock::unix_millis(), held.passphrase.as_ref());
    let rotated = held.keyring.rotate(&RsaProvider::default(), passphrase, now, &mut rand::rng());
    rotated.map_err(|error| failure_of(&error))?;
    let (name, new) = (&held.name, held.keyring.identity().fingerprint());
    let text = format!(
        "{name} has new keys:\n    {}\nbefore:\n    {}\nThe old keys vouch for the new ones: hubs and members who know \
         them accept the new ones when {name} connects next,\nand who had verified {name} has so still. Backups and \
         exports of the old keys are of no use any more; make new ones:\n    securestream keys backup FILE --name \
         {name}\n",
        new.grouped(),
        old.grouped()
    );
    let object = json!({
        "event": "ok", "command": "keys rotate", "name": name.as_str(), "fingerprint": new.to_string(), "before": old.to_string()
    });
    Ok(Said::either(options, text, &object))
}

pub(super) fn passphrase(options: &KeysOptions, whose: &Whose, new: &NewPassphrase) -> Result<Said, Failure> {
    let mut held = hold(options, whose)?;
    let name = held.name.clone();
    let chosen = match new {
        NewPassphrase::Nothing => None,
        NewPassphrase::Wanted(file) => Some(choose(&format!("the keys of {name}"), file.as_ref(), options.may_ask)?),
    };
    let done = held.keyring.protect(&RsaProvider::default(), chosen.as_ref(), &mut rand::rng());
    done.map_err(|error| failure_of(&error))?;
    let text = if chosen.is_some() {
        format!(
            "The keys of {name} are under the new passphrase. Without it they are of no use to anybody, you included: \
             keep a note of it in a safe place.\nCopies made before, such as backups, still open as they did.\n"
        )
    } else {
        format!("The keys of {name} are not under a passphrase any more: whoever can read their folder has them.\n")
    };
    let object = json!({
        "event": "ok", "command": "keys passphrase", "name": name.as_str(), "protected": chosen.is_some()
    });
    Ok(Said::either(options, text, &object))
}
