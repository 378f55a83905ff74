//! What a member keeps: its identity, which messages it took in, and how far it has counted its own.
//!
//! One folder for each name, held by one process at a time:
//!
//! ```text
//!   <members>/<folded name>/identity.pem    made once; written again when keys, passphrase or bundle change
//!                           marks           a snapshot, a mark appended for each message taken in
//!                           counters        written once for 256 messages sent
//!                           sessions        encrypted: a snapshot, a change appended for each message
//! ```
//!
//! What it keeps about each hub is in files of its own, see [`Keyring::open_hub`].
//! An identity can leave in a backup and come back by [`restore`].
//!
//! Each write is on the disk before its effect is seen: a number before it is used, a mark before its message is
//! shown. So a crash at any point shows no message twice and uses no number twice.
//!
//! ```
//! use securestream::{client::keyring::Keyring, crypto::{Audience, testing::InsecureProvider}};
//!
//! let now = 1_790_000_000_000;
//! let mut guest = Keyring::ephemeral(&InsecureProvider, &"bob".parse()?, now, &mut rand::rng())?;
//! assert_eq!(guest.next_sequence(Audience::Group)?, now);
//! assert_eq!(guest.next_sequence(Audience::Group)?, now + 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod hub_files;
mod places;
mod restore;
mod sessions;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rand::CryptoRng;

pub use error::KeyringError;
pub use hub_files::KeptOfHub;
pub use restore::{Restored, Return, restore};

use self::{error::Fault, hub_files::HubFiles, sessions::KeptSessions};
use crate::{
    crypto::{
        Audience, Counters, CryptoProvider, Identity, IdentityError, Judgement, KeptFile, KeyUnusable, Letter,
        Passphrase, Replay,
        session::{Sessions, Step},
    },
    storage::{DiskStorage, MemoryStorage, Storage, StorageError},
    types::{Fingerprint, MemberName, MessageId},
};

/// The file of an identity.
pub const IDENTITY: &str = "identity.pem";
const MARKS: &str = "marks";
const COUNTERS: &str = "counters";
/// How the names of the files of pins begin, one for each hub.
const PINS: &str = "pins-";
/// The same for what was last seen of a hub's directory.
const HEADS: &str = "head-";
/// The same for places in titles.
const PLACES: &str = "places-";

/// Marks at the end of the file above which a new snapshot is written: about 180 kB.
const MAX_APPENDED: usize = 4096;

/// How a member came by its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was there.
    Loaded,
    /// It was made now.
    Created,
}

/// A member's identity with all that has to outlive a run.
pub struct Keyring {
    /// Holds the lock for as long as the keyring lives.
    storage: Box<dyn Storage>,
    identity: Arc<Identity>,
    counters: Counters,
    replay: Replay,
    /// Marks at the end of the file.
    appended: usize,
    /// An append failed half way: nothing may be added behind it.
    torn: bool,
    sessions: KeptSessions,
    /// What is kept about the hub of this visit.
    hub: Option<HubFiles>,
    /// Where all of it lies, if that is a place that outlives the process.
    folder: Option<PathBuf>,
}

impl Keyring {
    /// Opens the folder of `name` in `members`, making it and the keys in it if they are not there. `now` is in
    /// milliseconds since 1970-01-01 UTC. New keys take about half a second.
    ///
    /// # Errors
    /// When the folder is in use or what is in it cannot be used, see [`KeyringError`].
    pub fn open(
        provider: &dyn CryptoProvider,
        members: &Path,
        name: &MemberName,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Origin), KeyringError> {
        Self::open_folder(provider, members, (name, None), now, rng)
    }

    /// As [`Keyring::open`], with the passphrase of an identity that has one; others do not need it.
    ///
    /// # Errors
    /// See [`KeyringError`]; a wrong passphrase changes nothing.
    pub fn unlock(
        provider: &dyn CryptoProvider,
        members: &Path,
        name: &MemberName,
        passphrase: &Passphrase,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Origin), KeyringError> {
        Self::open_folder(provider, members, (name, Some(passphrase)), now, rng)
    }

    fn open_folder(
        provider: &dyn CryptoProvider,
        members: &Path,
        who: (&MemberName, Option<&Passphrase>),
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Origin), KeyringError> {
        let folder = members.join(who.0.folded());
        let storage = DiskStorage::open(&folder)?;
        let (keyring, origin) =
            Self::on(provider, Box::new(storage), who, now, rng).map_err(|fault| fault.in_folder(&folder))?;
        Ok((Self { folder: Some(folder), ..keyring }, origin))
    }

    /// A guest's: fresh keys, nothing read or kept.
    ///
    /// # Errors
    /// When no keys can be made.
    pub fn ephemeral(
        provider: &dyn CryptoProvider,
        name: &MemberName,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, KeyringError> {
        Self::with_storage(provider, Box::new(MemoryStorage::default()), name, now, rng).map(|(keyring, _)| keyring)
    }

    /// As [`Keyring::open`], on any storage.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub fn with_storage(
        provider: &dyn CryptoProvider,
        storage: Box<dyn Storage>,
        name: &MemberName,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Origin), KeyringError> {
        Self::on(provider, storage, (name, None), now, rng).map_err(without_path)
    }

    /// The identity, to be shared with whoever does its private operations.
    #[must_use]
    pub fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// The number of the next message to `audience`.
    ///
    /// # Errors
    /// When the disk refuses; no number is used up then.
    pub fn next_sequence(&mut self, audience: Audience) -> Result<u64, KeyringError> {
        let storage = &mut self.storage;
        Ok(self.counters.take(audience, |content| storage.replace(COUNTERS, content))?)
    }

    /// Whether a letter was never taken in. Changes nothing.
    #[must_use]
    pub fn is_fresh(&self, letter: &Letter) -> bool {
        self.replay.judge(letter.from, letter.stream, letter.sequence) == Judgement::Fresh
    }

    /// Judges a letter and, if it is fresh, remembers it for good. Show it only when this says
    /// [`Judgement::Fresh`]; acknowledge it in both cases.
    ///
    /// # Errors
    /// When the disk refuses: the letter is then neither remembered nor to be shown.
    pub fn take_in(&mut self, letter: &Letter) -> Result<Judgement, KeyringError> {
        let (sender, stream, sequence) = (letter.from, letter.stream, letter.sequence);
        let judgement = self.replay.judge(sender, stream, sequence);
        if judgement == Judgement::Fresh {
            if self.torn || self.appended >= MAX_APPENDED {
                self.rewrite_marks()?;
            }
            self.torn = true;
            self.storage.append(MARKS, &Replay::entry(sender, stream, sequence))?;
            self.torn = false;
            self.appended += 1;
            self.replay.mark(sender, stream, sequence);
        }
        Ok(judgement)
    }

    /// Replaces the keys by new ones, for which the old ones vouch. An identity with a passphrase needs it: the new
    /// keys get the same.
    ///
    /// # Errors
    /// When the passphrase is missing or the disk refuses; the identity is then as before.
    pub fn rotate(
        &mut self,
        provider: &dyn CryptoProvider,
        passphrase: Option<&Passphrase>,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), KeyringError> {
        self.renew(|identity| identity.rotate(provider, passphrase, now, rng)).map_err(without_path)
    }

    /// Puts the secrets of the identity under a passphrase, or, without one, in the clear.
    ///
    /// # Errors
    /// When the disk refuses; the identity is then as before.
    pub fn protect(
        &mut self,
        provider: &dyn CryptoProvider,
        passphrase: Option<&Passphrase>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), KeyringError> {
        self.renew(|identity| identity.protected(provider, passphrase, rng)).map_err(without_path)
    }

    /// What goes into a backup beside the identity: marks, counters and pins. Not the state of sessions, which would
    /// use keys a second time when it is brought back.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn kept_files(&self) -> Result<Vec<KeptFile>, KeyringError> {
        let mut files = Vec::new();
        for name in self.storage.names()?.into_iter().filter(|name| is_kept(name)) {
            let content = self.storage.read(&name)?.unwrap_or_default().into();
            files.push(KeptFile { name: name.as_str().into(), content });
        }
        Ok(files)
    }

    /// Makes another identity of this one, and keeps it once it is on the disk.
    fn renew(&mut self, change: impl FnOnce(&Identity) -> Result<Identity, IdentityError>) -> Result<(), Fault> {
        let renewed = change(&self.identity).map_err(Fault::Generate)?;
        let file = renewed.to_pem().map_err(Fault::Generate)?;
        self.storage.replace(IDENTITY, file.as_bytes())?;
        self.identity = Arc::new(renewed);
        Ok(())
    }

    /// The sessions with other members. What comes of them is to be [committed](Self::commit).
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        self.sessions.sessions()
    }

    /// Keeps a change of the sessions and makes it happen: only then send or show what came with it. `now` is in
    /// milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// When the disk refuses: then nothing has changed.
    pub fn commit(&mut self, step: Step, now: u64, rng: &mut dyn CryptoRng) -> Result<(), KeyringError> {
        Ok(self.sessions.commit(self.storage.as_mut(), step, now, rng)?)
    }

    /// Somebody has acknowledged a message, and so has the session that it went by.
    pub fn acknowledged(&mut self, by: Fingerprint, message: MessageId) {
        self.sessions.sessions_mut().acknowledged(by, message);
    }

    /// Publishes new keys for sessions when the old ones have been for a week. Gives the identity with the new record, if
    /// so; its record is to be told to the hub.
    ///
    /// # Errors
    /// When the disk refuses, or no keys can be made.
    pub fn renew_bundle(&mut self, now: u64, rng: &mut dyn CryptoRng) -> Result<Option<Arc<Identity>>, KeyringError> {
        let renewed = self.publish_bundle(now, rng).map_err(without_path)?;
        Ok(renewed.then(|| Arc::clone(&self.identity)))
    }

    /// Sees to it that the key record has the bundle of today.
    fn publish_bundle(&mut self, now: u64, rng: &mut dyn CryptoRng) -> Result<bool, Fault> {
        let broken = |error: KeyUnusable| Fault::Generate(error.into());
        if let Some(step) = self.sessions().renew(now).map_err(broken)? {
            self.sessions.commit(self.storage.as_mut(), step, now, rng)?;
        }
        self.sessions.forget(self.storage.as_mut(), now, rng);
        let bundle = self.sessions().bundle();
        if self.identity.record().bundle.as_ref() == Some(&bundle) {
            return Ok(false);
        }
        // Its private keys are on the disk by now; published before that they could be lost.
        self.renew(|identity| identity.with_bundle(Some(bundle), now, rng))?;
        Ok(true)
    }

    /// Everything but the paths for messages.
    fn on(
        provider: &dyn CryptoProvider,
        mut storage: Box<dyn Storage>,
        who: (&MemberName, Option<&Passphrase>),
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Origin), Fault> {
        let (identity, origin) = load_or_make(provider, storage.as_mut(), who, now, rng)?;
        let counters = Counters::resume(storage.read(COUNTERS)?.as_deref(), now).map_err(Fault::Counters)?;
        let replay = match storage.read(MARKS)? {
            Some(file) => Replay::decode(&file).map_err(Fault::Marks)?.0,
            None => Replay::default(),
        };
        let identity = Arc::new(identity);
        let sessions = KeptSessions::open(storage.as_mut(), &identity, now, rng)?;
        let mut keyring =
            Self { storage, identity, counters, replay, appended: 0, torn: true, sessions, hub: None, folder: None };
        keyring.rewrite_marks()?;
        keyring.publish_bundle(now, rng)?;
        Ok((keyring, origin))
    }

    /// A snapshot without marks at its end; also what removes an end that was torn.
    fn rewrite_marks(&mut self) -> Result<(), StorageError> {
        self.storage.replace(MARKS, &self.replay.encode())?;
        self.appended = 0;
        self.torn = false;
        Ok(())
    }
}

/// Whether a file of this name is worth keeping elsewhere.
fn is_kept(name: &str) -> bool {
    matches!(name, MARKS | COUNTERS) || name.starts_with(PINS) || name.starts_with(HEADS)
}

/// The identity in `storage`; a new one only when there is no file at all.
fn load_or_make(
    provider: &dyn CryptoProvider,
    storage: &mut dyn Storage,
    (name, passphrase): (&MemberName, Option<&Passphrase>),
    now: u64,
    rng: &mut dyn CryptoRng,
) -> Result<(Identity, Origin), Fault> {
    if let Some(file) = storage.read(IDENTITY)?.map(zeroize::Zeroizing::new) {
        let identity = Identity::from_pem(provider, &file, passphrase, now, rng).map_err(Fault::Identity)?;
        if identity.name() != name {
            return Err(Fault::OtherName { found: identity.name().clone() });
        }
        // A file of an earlier version gets the form of this one, once.
        let current = identity.to_pem().map_err(Fault::Identity)?;
        if current.as_bytes() != &**file {
            storage.replace(IDENTITY, current.as_bytes())?;
        }
        return Ok((identity, Origin::Loaded));
    }
    let identity = Identity::generate(provider, name, now, rng).map_err(Fault::Generate)?;
    let file = identity.to_pem().map_err(Fault::Generate)?;
    storage.replace(IDENTITY, file.as_bytes())?;
    Ok((identity, Origin::Created))
}

/// For those who know which folder it is.
fn without_path(fault: Fault) -> KeyringError {
    fault.in_folder(Path::new(""))
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keyring({:?})", self.identity)
    }
}
