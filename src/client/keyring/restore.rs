//! Brings an identity back into a member's folder.

use std::path::Path;

use rand::CryptoRng;
use zeroize::Zeroizing;

use super::{COUNTERS, Fault, IDENTITY, KeyringError, MARKS, is_kept, sessions::SESSIONS};
use crate::{
    crypto::{Counters, Identity, KeptFile, Replay, Summary},
    storage::{DiskStorage, Storage, is_file_name},
};

/// What is to be brought back.
pub struct Return {
    pub identity: Identity,
    /// From a backup; none with an identity alone.
    pub files: Vec<KeptFile>,
    /// Put it in the place of an identity that is there, whatever state that is in.
    pub replace: bool,
}

/// What bringing it back did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// The files under which that stands now which was there before.
    pub set_aside: Vec<String>,
    /// Files of the backup that are in use again.
    pub files: Vec<String>,
    /// Those that the folder had already, which are newer.
    pub stayed: Vec<String>,
}

/// Puts an identity into the folder of its name in `members`. Its record gets a new sequence, and no bundle: the keys
/// behind the old one are where the sessions were. Marks, counters and pins that are there stay, since they are newer
/// than any backup; sessions are removed. `now` is in milliseconds since 1970-01-01 UTC, `stamp` is the word for it in the names of files.
///
/// # Errors
/// When there is an identity and it is not to be replaced, when it is a newer one of the same member, when the backup
/// holds what it should not, or when the disk refuses; the identity that was there and its sessions are then untouched,
/// unless the sessions are all that could not be removed.
pub fn restore(
    members: &Path,
    back: Return,
    (now, stamp): (u64, &str),
    rng: &mut dyn CryptoRng,
) -> Result<Restored, KeyringError> {
    let folder = members.join(back.identity.name().folded());
    let mut storage = DiskStorage::open(&folder)?;
    restore_on(&mut storage, back, (now, stamp), rng).map_err(|fault| fault.in_folder(&folder))
}

/// As [`restore`], on any storage.
pub(super) fn restore_on(
    storage: &mut dyn Storage,
    back: Return,
    (now, stamp): (u64, &str),
    rng: &mut dyn CryptoRng,
) -> Result<Restored, Fault> {
    check(&back.files, now)?;
    let present = storage.read(IDENTITY)?.map(Zeroizing::new);
    let present = present.as_ref().map(|file| Summary::read(file));
    if present.is_some() && !back.replace {
        return Err(Fault::Exists);
    }
    let present = present.and_then(Result::ok);
    if present.as_ref().is_some_and(|present| present.earlier.contains(&back.identity.fingerprint())) {
        return Err(Fault::Outdated);
    }
    let after = present.map_or(now, |present| now.max(present.sequence.saturating_add(1)));
    let identity = back.identity.with_bundle(None, after, rng).map_err(Fault::Generate)?;
    let file = identity.to_pem().map_err(Fault::Generate)?;

    let set_aside = set_aside(storage, stamp)?.into_iter().collect();
    let mut done = Restored { set_aside, ..Restored::default() };
    for kept in back.files {
        if storage.read(&kept.name)?.is_some() {
            done.stayed.push(kept.name.to_string());
        } else {
            storage.replace(&kept.name, &kept.content)?;
            done.files.push(kept.name.to_string());
        }
    }
    storage.replace(IDENTITY, file.as_bytes())?;
    // Sessions go last, and no copy of them stays: it would open what was recorded. As long as the new record has no
    // bundle they are taken as absent, should this be cut short.
    storage.remove(SESSIONS)?;
    Ok(done)
}

/// Copies the identity that the new one takes the place of.
fn set_aside(storage: &mut dyn Storage, stamp: &str) -> Result<Option<String>, Fault> {
    let Some(content) = storage.read(IDENTITY)?.map(Zeroizing::new) else { return Ok(None) };
    let copy = free_name(storage, &format!("identity-{stamp}"), ".pem")?;
    storage.replace(&copy, &content)?;
    Ok(Some(copy))
}

/// A name that no file has: what was set aside a moment ago stays.
fn free_name(storage: &dyn Storage, start: &str, end: &str) -> Result<String, Fault> {
    let taken = storage.names()?;
    let numbered = (2..).map(|number: u64| format!("{start}-{number}{end}"));
    let free = std::iter::once(format!("{start}{end}")).chain(numbered).find(|name| !taken.contains(name));
    Ok(free.unwrap_or_default())
}

/// Whether a backup's files are such as are kept, and can be used.
fn check(files: &[KeptFile], now: u64) -> Result<(), Fault> {
    for KeptFile { name, content } in files {
        if !is_kept(name) || !is_file_name(name) {
            return Err(Fault::Foreign(name.escape_debug().to_string()));
        }
        match name.as_str() {
            MARKS => drop(Replay::decode(content).map_err(Fault::Marks)?),
            COUNTERS => drop(Counters::resume(Some(content), now).map_err(Fault::Counters)?),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
