//! A member's sessions, in one encrypted file: each change is on the disk before it is relied upon.

use rand::CryptoRng;

use super::error::Fault;
use crate::{
    crypto::{
        Identity,
        session::{Journal, JournalError, Sessions, Step},
    },
    storage::{Storage, StorageError},
};

pub(super) const SESSIONS: &str = "sessions";

/// Bytes of changes at the end of the file after which a new snapshot is written, and how long they stay at most, in
/// milliseconds. Whoever takes the file reads in each earlier state what that state could read, so these two are how
/// much of what was read is not forward secret yet.
const MAX_APPENDED: usize = 64 * 1024;
const MAX_KEPT: u64 = 3_600_000;

/// Largest snapshot, in bytes: with what is added behind it the file stays one that is read back.
const MAX_SNAPSHOT: usize = 16 * 1024 * 1024;

/// Sessions and the file that they are kept in.
pub(super) struct KeptSessions {
    sessions: Sessions,
    journal: Journal,
    /// Bytes behind the snapshot.
    appended: usize,
    /// When the snapshot was written, in milliseconds since 1970-01-01 UTC.
    rewritten: u64,
    /// An append failed half way, or a crash tore the end: nothing may be added behind it.
    torn: bool,
}

impl KeptSessions {
    /// What is in `storage`, without the states that were before it; when there is nothing, new keys for others to begin
    /// sessions with.
    pub(super) fn open(
        storage: &mut dyn Storage,
        owner: &Identity,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, Fault> {
        let read = match storage.read(SESSIONS)?.map(|file| Journal::read(owner, &file)) {
            // Of the identity that this one took the place of: it has published no keys that would be lost.
            Some(Err(JournalError::OtherKey)) if owner.record().bundle.is_none() => None,
            read => read,
        };
        let Some(read) = read else {
            let sessions = Sessions::new(owner.fingerprint(), now).map_err(|error| Fault::Generate(error.into()))?;
            return Self::begin(sessions, Journal::new(owner), storage, now, rng);
        };
        let (journal, entries, _) = read.map_err(Fault::Journal)?;
        let mut sessions = Sessions::load(entries.iter().map(|entry| entry.as_slice())).map_err(Fault::Sessions)?;
        sessions.belong_to(owner.fingerprint());
        Self::begin(sessions, journal, storage, now, rng)
    }

    fn begin(
        sessions: Sessions,
        journal: Journal,
        storage: &mut dyn Storage,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, Fault> {
        let mut kept = Self { sessions, journal, appended: 0, rewritten: now, torn: true };
        kept.rewrite(storage, now, rng)?;
        Ok(kept)
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(super) fn sessions_mut(&mut self) -> &mut Sessions {
        &mut self.sessions
    }

    /// Keeps a step, then makes it happen. What could be read before it is then forgotten on the disk too, if it is
    /// time, and always with a key of the account that is used up or given up.
    pub(super) fn commit(
        &mut self,
        storage: &mut dyn Storage,
        step: Step,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), StorageError> {
        if step.is_empty() {
            return Ok(());
        }
        if self.torn {
            self.rewrite(storage, now, rng)?;
        }
        let entry = self.journal.entry(&step.entry(), rng);
        self.torn = true;
        storage.append(SESSIONS, &entry)?;
        self.torn = false;
        self.appended += entry.len();
        let changes_keys = step.changes_account();
        self.sessions.commit(step);
        if changes_keys || self.appended >= MAX_APPENDED {
            self.rewrite_or_later(storage, now, rng);
        } else {
            self.forget(storage, now, rng);
        }
        Ok(())
    }

    /// Writes a new snapshot if there are changes behind one that is an hour old.
    pub(super) fn forget(&mut self, storage: &mut dyn Storage, now: u64, rng: &mut dyn CryptoRng) {
        // A clock that was set back counts as well.
        if self.appended > 0 && self.rewritten.abs_diff(now) >= MAX_KEPT {
            self.rewrite_or_later(storage, now, rng);
        }
    }

    /// What was to be kept is. When the disk refuses now, the next step begins with this again, or fails.
    fn rewrite_or_later(&mut self, storage: &mut dyn Storage, now: u64, rng: &mut dyn CryptoRng) {
        if let Err(error) = self.rewrite(storage, now, rng) {
            log::warn!("earlier states of sessions are still on the disk: {error}");
        }
    }

    /// A snapshot with nothing behind it; also what removes an end that was torn.
    fn rewrite(&mut self, storage: &mut dyn Storage, now: u64, rng: &mut dyn CryptoRng) -> Result<(), StorageError> {
        let file = self.journal.begin(&self.sessions.snapshot_within(MAX_SNAPSHOT), rng);
        self.torn = true;
        storage.replace(SESSIONS, &file)?;
        self.torn = false;
        (self.appended, self.rewritten) = (0, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
