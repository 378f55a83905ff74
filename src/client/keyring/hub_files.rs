//! What a member keeps about each hub: other members' keys, and the directory as it last was.
//!
//! ```text
//!   <members>/<folded name>/pins-<hub>               a snapshot, a pin appended for each change
//!                           head-<hub>               the directory at the end of the last visit
//!                           equivocation-<epoch>.json    that the hub lied, and how
//! ```
//!
//! `<hub>` is the start of the SHA-256 of its address.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::{Keyring, KeyringError};
use crate::{
    client::trust::{Evidence, Keep, Pin, Pins, decode_pins, encode_pin, encode_pins},
    storage::Storage,
    types::{DirectoryHead, DirectorySequence, Fingerprint, Head},
};

/// Pins at the end of the file above which a new snapshot is written: 160 kB.
const MAX_APPENDED: usize = 1024;

/// Digits that stand for a hub in the names of its files.
const MARK: usize = 16;

const HEAD_MAGIC: &str = "securestream head 1\n";

/// The files about the hub of this visit.
pub(super) struct HubFiles {
    hub: String,
    pins_file: String,
    head_file: String,
    pins: Pins,
    /// Pins at the end of the file.
    appended: usize,
    /// There is no file, or an append failed half way: nothing may be added behind it.
    torn: bool,
}

/// What was kept of a hub.
#[derive(Clone, Debug, Default)]
pub struct KeptOfHub {
    pub pins: Pins,
    /// The directory when this member last looked.
    pub head: Option<DirectoryHead>,
}

impl Keyring {
    /// Reads what is kept about the hub with this address and keeps what comes in its files from now on.
    ///
    /// # Errors
    /// When a file is damaged or the disk refuses.
    pub fn open_hub(&mut self, hub: &str) -> Result<KeptOfHub, KeyringError> {
        // Any hash is written like a fingerprint.
        let mark = Fingerprint(Sha256::digest(hub).into()).to_string();
        let mark = &mark[..MARK];
        let (pins_file, head_file) = (format!("pins-{mark}"), format!("head-{mark}"));
        let pins = match self.storage.read(&pins_file)? {
            Some(file) => {
                decode_pins(&file).map_err(|source| KeyringError::Pins { file: self.path_of(&pins_file), source })?
            }
            None => Pins::default(),
        };
        let head = match self.storage.read(&head_file)? {
            Some(file) => {
                Some(decode_head(&file).ok_or_else(|| KeyringError::Head { file: self.path_of(&head_file) })?)
            }
            None => None,
        };
        let kept = KeptOfHub { pins: pins.clone(), head };
        let hub = hub.to_owned();
        self.hub = Some(HubFiles { hub, pins_file, head_file, pins, appended: 0, torn: true });
        Ok(kept)
    }

    /// Keeps something for good. `now` is in milliseconds since 1970-01-01 UTC. Gives the file where a user may want to
    /// look at it; there is none for guests, who keep nothing.
    ///
    /// # Errors
    /// When the disk refuses: what was kept before is then still there.
    pub fn keep(&mut self, keep: Keep, now: u64) -> Result<Option<PathBuf>, KeyringError> {
        let Some(files) = &mut self.hub else { return Ok(None) };
        match keep {
            Keep::Pins(pins) => files.put(pins, now, self.storage.as_mut()).map(|()| None),
            Keep::Head(head) => {
                self.storage.replace(&files.head_file, encode_head(head).as_bytes())?;
                Ok(None)
            }
            Keep::Evidence(evidence) => self.keep_evidence(&evidence, now),
        }
    }

    fn keep_evidence(&mut self, evidence: &Evidence, now: u64) -> Result<Option<PathBuf>, KeyringError> {
        if self.folder.is_none() {
            return Ok(None);
        }
        let hub = self.hub.as_ref().map_or("", |files| &files.hub);
        let me = (self.identity.name(), self.identity.fingerprint());
        let (name, content) = (evidence.file_name(), evidence.to_json(hub, me, now));
        self.storage.replace(&name, &content)?;
        Ok(Some(self.path_of(&name)))
    }

    fn path_of(&self, file: &str) -> PathBuf {
        self.folder.clone().unwrap_or_default().join(file)
    }
}

impl HubFiles {
    fn put(&mut self, pins: Vec<Pin>, now: u64, storage: &mut dyn Storage) -> Result<(), KeyringError> {
        let (count, mut entries) = (pins.len(), Vec::new());
        for mut pin in pins {
            let same = self.pins.find(&pin.name).filter(|known| known.fingerprint == pin.fingerprint);
            pin.since = same.map_or(now, |known| known.since);
            entries.extend(encode_pin(&pin));
            self.pins.put(pin);
        }
        if self.torn || self.appended >= MAX_APPENDED {
            storage.replace(&self.pins_file, &encode_pins(&self.pins))?;
            (self.torn, self.appended) = (false, 0);
            return Ok(());
        }
        self.torn = true;
        storage.append(&self.pins_file, &entries)?;
        self.torn = false;
        self.appended += count;
        Ok(())
    }
}

fn encode_head(head: DirectoryHead) -> String {
    format!("{HEAD_MAGIC}{} {}\n", head.epoch.0, head.head)
}

fn decode_head(file: &[u8]) -> Option<DirectoryHead> {
    let line = str::from_utf8(file).ok()?.strip_prefix(HEAD_MAGIC)?.strip_suffix('\n')?;
    let (epoch, head) = line.split_once(' ')?;
    let Fingerprint(head) = head.parse().ok()?;
    Some(DirectoryHead { epoch: DirectorySequence(epoch.parse().ok()?), head: Head(head) })
}
