//! What a member keeps about each hub: other members' keys, and the directory as it last was.
//!
//! ```text
//!   <members>/<folded name>/pins-<hub>               a snapshot, a pin appended for each change
//!                           head-<hub>               the directory at the end of the last visit
//!                           places-<hub>             where titles were left, see [`Keyring::places`]
//!                           equivocation-<hub>-<epoch>.json    that somebody says that the hub lied, and how
//! ```
//!
//! `<hub>` is the start of the SHA-256 of its address; for the head, of its address and key: a hub that was set up anew,
//! and whose new key was accepted, begins another directory.

use std::{collections::BTreeSet, path::PathBuf};

use sha2::{Digest as _, Sha256};

use super::{HEADS, Keyring, KeyringError, PINS};
use crate::{
    client::trust::{Evidence, Keep, Pin, Pins, decode_pins, encode_pin, encode_pins},
    storage::Storage,
    types::{DirectoryHead, DirectorySequence, Fingerprint, Head, HubKey},
};

/// Pins at the end of the file above which a new snapshot is written: 160 kB.
const MAX_APPENDED: usize = 1024;

/// Digits that stand for a hub in the names of its files.
const MARK: usize = 16;

/// Files of evidence in one visit, and of one change of the directory: a hub or a member could make up any number.
const MAX_EVIDENCE: usize = 16;

const HEAD_MAGIC: &str = "securestream head 1\n";

/// The files about the hub of this visit.
pub(super) struct HubFiles {
    hub: String,
    pub(super) mark: String,
    /// Files of evidence written in this visit.
    evidence: usize,
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
    /// Reads what is kept about the hub with this address, and this key if it is known by one, and keeps what comes in its
    /// files from now on.
    ///
    /// # Errors
    /// When a file is damaged or the disk refuses.
    pub fn open_hub(&mut self, hub: &str, key: Option<HubKey>) -> Result<KeptOfHub, KeyringError> {
        let mark = mark_of(hub);
        let head_mark = key.map_or_else(|| mark.clone(), |key| mark_of(&format!("{hub}#{key}")));
        let (pins_file, head_file) = (format!("{PINS}{mark}"), format!("{HEADS}{head_mark}"));
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
        self.hub = Some(HubFiles { hub, mark, evidence: 0, pins_file, head_file, pins, appended: 0, torn: true });
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
        let Some(files) = self.hub.as_mut().filter(|files| files.evidence < MAX_EVIDENCE) else { return Ok(None) };
        // What was kept before may be all that shows an earlier lie.
        let taken: BTreeSet<String> = self.storage.names()?.into_iter().collect();
        let mut names = (1..=MAX_EVIDENCE).map(|number| evidence.file_name(&files.mark, number));
        let Some(name) = names.find(|name| !taken.contains(name)) else { return Ok(None) };
        let me = (self.identity.name(), self.identity.fingerprint());
        self.storage.replace(&name, &evidence.to_json(&files.hub, me, now))?;
        files.evidence += 1;
        Ok(Some(self.path_of(&name)))
    }

    fn path_of(&self, file: &str) -> PathBuf {
        self.folder.clone().unwrap_or_default().join(file)
    }
}

fn mark_of(hub: &str) -> String {
    // Any hash is written like a fingerprint.
    let mut mark = Fingerprint(Sha256::digest(hub).into()).to_string();
    mark.truncate(MARK);
    mark
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

#[cfg(test)]
mod tests {
    use std::fs;

    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::{
        client::trust::Witness,
        crypto::testing::InsecureProvider,
        storage::{FailingStorage, Fault, MemoryStorage},
        types::Code,
    };

    const HUB: &str = "tls://hub.example.org:9999";
    const NOW: u64 = 1_790_000_000_000;
    const HEAD: DirectoryHead = DirectoryHead { epoch: DirectorySequence(7), head: Head([0x4d; 32]) };

    fn open(folder: &std::path::Path) -> Keyring {
        let (name, mut rng) = ("bob".parse().unwrap(), StdRng::seed_from_u64(1));
        Keyring::open(&InsecureProvider, folder, &name, NOW, &mut rng).unwrap().0
    }

    fn pin(name: &str, number: u8) -> Pin {
        let fingerprint = Fingerprint([number; 32]);
        let name = name.parse().unwrap();
        Pin { name, fingerprint, sequence: 1, since: 0, known: true, verified: false, blocked: false }
    }

    fn fingerprint_of(pins: &Pins, name: &str) -> Option<u8> {
        pins.find(&name.parse().unwrap()).map(|pin| pin.fingerprint.0[0])
    }

    #[test]
    fn what_is_kept_of_one_hub_is_found_again_and_not_on_another() {
        let folder = tempfile::tempdir().unwrap();
        let mut keyring = open(folder.path());
        assert!(keyring.open_hub(HUB, None).unwrap().pins.is_empty());
        keyring.keep(Keep::Pins(vec![pin("alice", 1), pin("carol", 2)]), NOW).unwrap();
        keyring.keep(Keep::Pins(vec![pin("alice", 3)]), NOW + 1).unwrap();
        keyring.keep(Keep::Head(HEAD), NOW).unwrap();
        drop(keyring);
        let mut keyring = open(folder.path());
        assert!(keyring.open_hub("tls://other:9999", None).unwrap().pins.is_empty());
        let KeptOfHub { pins, head } = keyring.open_hub(HUB, None).unwrap();
        assert_eq!((fingerprint_of(&pins, "ALICE"), fingerprint_of(&pins, "carol")), (Some(3), Some(2)));
        assert_eq!(head, Some(HEAD));
    }

    #[test]
    fn a_hub_with_a_new_key_begins_another_directory_and_its_members_stay_known() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (Some(HubKey([1; 32])), Some(HubKey([2; 32])));
        let mut keyring = open(folder.path());
        keyring.open_hub(HUB, old).unwrap();
        keyring.keep(Keep::Pins(vec![pin("alice", 1)]), NOW).unwrap();
        keyring.keep(Keep::Head(HEAD), NOW).unwrap();
        let kept = keyring.open_hub(HUB, new).unwrap();
        assert_eq!((fingerprint_of(&kept.pins, "alice"), kept.head), (Some(1), None));
        assert_eq!(keyring.open_hub(HUB, old).unwrap().head, Some(HEAD), "going back to it is noticed");
    }

    #[test]
    fn a_pin_remembers_since_when_its_key_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let mut keyring = open(folder.path());
        keyring.open_hub(HUB, None).unwrap();
        for (pin, now) in [
            (pin("alice", 1), NOW),
            (Pin { verified: true, ..pin("alice", 1) }, NOW + 5),
            (pin("carol", 2), NOW),
            (pin("carol", 3), NOW + 5),
        ] {
            keyring.keep(Keep::Pins(vec![pin]), now).unwrap();
        }
        let pins = keyring.open_hub(HUB, None).unwrap().pins;
        let since = |name: &str| pins.find(&name.parse().unwrap()).unwrap().since;
        assert_eq!((since("alice"), since("carol")), (NOW, NOW + 5));
    }

    #[test]
    fn many_changes_do_not_make_the_file_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let mut keyring = open(folder.path());
        keyring.open_hub(HUB, None).unwrap();
        let file = keyring.hub.as_ref().unwrap().pins_file.clone();
        let mut longest = 0;
        for _ in 0..30 {
            keyring.keep(Keep::Pins(vec![pin("alice", 1); 100]), NOW).unwrap();
            longest = longest.max(fs::metadata(folder.path().join("bob").join(&file)).unwrap().len());
        }
        assert!(longest < 2 * 160 * MAX_APPENDED as u64, "{longest} bytes");
        assert_eq!(fingerprint_of(&keyring.open_hub(HUB, None).unwrap().pins, "alice"), Some(1));
    }

    #[test]
    fn bad_input_59_a_full_disk_refuses_a_pin_and_leaves_the_others() {
        let with_writes = |writes| {
            let (name, mut rng) = ("bob".parse().unwrap(), StdRng::seed_from_u64(1));
            let storage = FailingStorage::new(MemoryStorage::default(), writes, Fault::NoSpace);
            Keyring::with_storage(&InsecureProvider, Box::new(storage), &name, NOW, &mut rng)
        };
        let to_open = (0..100).find(|writes| with_writes(*writes).is_ok()).unwrap();
        let mut keyring = with_writes(to_open + 1).unwrap().0;
        keyring.open_hub(HUB, None).unwrap();
        keyring.keep(Keep::Pins(vec![pin("alice", 1)]), NOW).unwrap();
        let error = keyring.keep(Keep::Pins(vec![pin("alice", 2)]), NOW).unwrap_err();
        assert_eq!(error.code(), Code::DataUnusable);
        assert_eq!(fingerprint_of(&keyring.open_hub(HUB, None).unwrap().pins, "alice"), Some(1));
    }

    #[test]
    fn damage_is_told_with_its_file_and_never_taken_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut keyring = open(folder.path());
        keyring.open_hub(HUB, None).unwrap();
        keyring.keep(Keep::Pins(vec![pin("alice", 1)]), NOW).unwrap();
        keyring.keep(Keep::Head(HEAD), NOW).unwrap();
        let files = keyring.hub.as_ref().unwrap();
        for file in [files.head_file.clone(), files.pins_file.clone()] {
            let path = folder.path().join("bob").join(&file);
            fs::write(&path, b"nonsense").unwrap();
            let error = keyring.open_hub(HUB, None).unwrap_err();
            assert_eq!(error.code(), Code::DataUnusable);
            assert!(error.to_string().contains(&file) && error.hint().contains(&file), "{error}: {}", error.hint());
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn evidence_is_a_private_file_of_members_and_none_of_guests() {
        let evidence =
            || Keep::Evidence(Box::new(Evidence { theirs: HEAD, ours: None, witness: Witness::Hub { stored: HEAD } }));
        let folder = tempfile::tempdir().unwrap();
        let mut keyring = open(folder.path());
        keyring.open_hub(HUB, None).unwrap();
        let file = keyring.keep(evidence(), NOW).unwrap().unwrap();
        let mark = keyring.hub.as_ref().unwrap().mark.clone();
        assert_eq!(file, folder.path().join(format!("bob/equivocation-{mark}-7.json")));
        assert!(fs::read_to_string(&file).unwrap().contains(HUB));
        let (name, mut rng) = ("gil".parse().unwrap(), StdRng::seed_from_u64(1));
        let mut guest = Keyring::ephemeral(&InsecureProvider, &name, NOW, &mut rng).unwrap();
        guest.open_hub(HUB, None).unwrap();
        assert_eq!(guest.keep(evidence(), NOW).unwrap(), None);
    }

    #[test]
    fn evidence_is_neither_overwritten_nor_without_end() {
        let evidence = |number: u8| {
            let ours = Some(Head([number; 32]));
            Keep::Evidence(Box::new(Evidence { theirs: HEAD, ours, witness: Witness::Hub { stored: HEAD } }))
        };
        let folder = tempfile::tempdir().unwrap();
        let mut keyring = open(folder.path());
        let mut files = Vec::new();
        for hub in [HUB, "tls://other:9999"] {
            keyring.open_hub(hub, None).unwrap();
            files.extend((0..100).filter_map(|number| keyring.keep(evidence(number), NOW).unwrap()));
            keyring.open_hub(hub, None).unwrap();
            assert_eq!(keyring.keep(evidence(0), NOW).unwrap(), None, "nor with the next visit");
        }
        assert_eq!(files.len(), 2 * MAX_EVIDENCE);
        for (number, file) in files.iter().enumerate() {
            let ours = Head([u8::try_from(number % MAX_EVIDENCE).unwrap(); 32]).to_string();
            assert!(fs::read_to_string(file).unwrap().contains(&ours), "{}", file.display());
        }
    }
}
