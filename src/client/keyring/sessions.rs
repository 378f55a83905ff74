//! A member's sessions, in one encrypted file: each change is on the disk before it is relied upon.

use rand::CryptoRng;

use super::error::Fault;
use crate::{
    crypto::{
        Identity,
        session::{Journal, Sessions, Step},
    },
    storage::{Storage, StorageError},
};

pub(super) const SESSIONS: &str = "sessions";

/// Bytes of changes at the end of the file above which a new snapshot is written, unless that is larger.
const MAX_APPENDED: usize = 4 * 1024 * 1024;

/// Sessions and the file that they are kept in.
pub(super) struct KeptSessions {
    sessions: Sessions,
    journal: Journal,
    /// Bytes behind the snapshot, and those of it.
    appended: usize,
    snapshot: usize,
    /// An append failed half way, or a crash tore the end: nothing may be added behind it.
    torn: bool,
}

impl KeptSessions {
    /// What is in `storage`; when there is nothing, new keys for others to begin sessions with.
    pub(super) fn open(
        storage: &mut dyn Storage,
        owner: &Identity,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, Fault> {
        let Some(file) = storage.read(SESSIONS)? else {
            let sessions = Sessions::new(owner.fingerprint(), now).map_err(|error| Fault::Generate(error.into()))?;
            let mut kept = Self { sessions, journal: Journal::new(owner), appended: 0, snapshot: 0, torn: true };
            kept.rewrite(storage, rng)?;
            return Ok(kept);
        };
        let (journal, entries, torn) = Journal::read(owner, &file).map_err(Fault::Journal)?;
        let mut sessions = Sessions::load(entries.iter().map(|entry| entry.as_slice())).map_err(Fault::Sessions)?;
        let changed = sessions.belong_to(owner.fingerprint());
        let mut kept = Self { sessions, journal, appended: file.len(), snapshot: 0, torn };
        if changed {
            kept.rewrite(storage, rng)?;
        }
        Ok(kept)
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(super) fn sessions_mut(&mut self) -> &mut Sessions {
        &mut self.sessions
    }

    /// Keeps a step, then makes it happen.
    pub(super) fn commit(
        &mut self,
        storage: &mut dyn Storage,
        step: Step,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), StorageError> {
        if step.is_empty() {
            return Ok(());
        }
        if self.torn || self.appended > MAX_APPENDED.max(self.snapshot) {
            self.rewrite(storage, rng)?;
        }
        let entry = self.journal.entry(&step.entry(), rng);
        self.torn = true;
        storage.append(SESSIONS, &entry)?;
        self.torn = false;
        self.appended += entry.len();
        self.sessions.commit(step);
        Ok(())
    }

    /// A snapshot with nothing behind it; also what removes an end that was torn.
    fn rewrite(&mut self, storage: &mut dyn Storage, rng: &mut dyn CryptoRng) -> Result<(), StorageError> {
        let file = self.journal.begin(&self.sessions.snapshot(), rng);
        self.torn = true;
        storage.replace(SESSIONS, &file)?;
        self.torn = false;
        (self.appended, self.snapshot) = (0, file.len());
        Ok(())
    }
}
