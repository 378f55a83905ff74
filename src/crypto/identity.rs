//! A member as it knows itself: name, private keys, and the record that others get.

use std::{fmt, sync::Arc};

use rand::CryptoRng;
use zeroize::Zeroizing;

use super::{
    identity_file::{self, Protection, ReadRecord},
    key_block::BlockOpener,
    passphrase::Passphrase,
    provider::{CryptoProvider, KeyUnusable, SecretKeys},
    record::{self, RecordError, VerifiedRecord},
    registration::Challenge,
    rotation,
    secret::Secret,
};
use crate::types::{Bundle, Fingerprint, KeyRecord, MemberName, Rotation, limits::MAX_ROTATIONS, wire::Blob};

/// A member's own keys. `Debug` shows name and fingerprint only.
pub struct Identity {
    keys: Arc<dyn SecretKeys>,
    opener: BlockOpener,
    record: VerifiedRecord,
    storage_key: Secret<32>,
    protection: Protection,
}

/// Why a file is no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// As a full disk or a crash of another program leaves it.
    #[error("it is empty")]
    Empty,
    /// Not the blocks of an identity, or one of them is damaged.
    #[error("it is not an identity file, or ends too early")]
    Malformed,
    /// Its secrets are encrypted.
    #[error("it is protected by a passphrase")]
    PassphraseNeeded,
    /// It does not open what it should. A damaged file cannot be told from that.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// A private key is damaged, or made for another provider or size.
    #[error(transparent)]
    Key(#[from] KeyUnusable),
    /// The record would not be taken by others either.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Blocks of two files were mixed.
    #[error("its key record belongs to other keys")]
    OtherKeys,
}

impl Identity {
    /// Makes new keys and signs a record of them. `now` is in milliseconds since 1970-01-01 UTC. Takes about half a
    /// second at 3072 bits.
    ///
    /// # Errors
    /// When the system's randomness is broken.
    pub fn generate(
        provider: &dyn CryptoProvider,
        name: &MemberName,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, IdentityError> {
        let keys: Arc<dyn SecretKeys> = provider.generate(rng)?.into();
        let record = unsigned(name.as_str(), &*keys, next_sequence(0, now));
        let record = signed(record, &*keys, rng)?;
        Self::assemble(provider, keys, record, Secret::random(rng))
    }

    /// Reads what [`Identity::to_pem`] gave, or what version 0.1 wrote; that one gets a storage key and, if its record
    /// is of that version too, a new record. Then [`Identity::to_pem`] gives something else than `file`.
    ///
    /// # Errors
    /// See [`IdentityError`]; each part is checked as if it came from someone else.
    pub fn from_pem(
        provider: &dyn CryptoProvider,
        file: &[u8],
        passphrase: Option<&Passphrase>,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, IdentityError> {
        let contents = identity_file::read(file, passphrase)?;
        let keys: Arc<dyn SecretKeys> = provider.import(&contents.keys)?.into();
        if contents.record.keys() != keys.public() {
            return Err(IdentityError::OtherKeys);
        }
        let record = match contents.record {
            ReadRecord::Current(record) => record,
            ReadRecord::Earlier(record) if !record.is_signed(provider) => return Err(RecordError::Signature.into()),
            ReadRecord::Earlier(record) => {
                signed(unsigned(&record.name, &*keys, next_sequence(record.sequence, now)), &*keys, rng)?
            }
        };
        let storage_key = contents.storage_key.unwrap_or_else(|| Secret::random(rng));
        let identity = Self::assemble(provider, keys, record, storage_key)?;
        Ok(Self { protection: contents.protection, ..identity })
    }

    /// The identity as a file: private keys in the clear unless it is protected. Wiped when dropped.
    ///
    /// # Errors
    /// When the keys cannot be written down.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, IdentityError> {
        identity_file::write(self.record(), &self.keys.export()?, self.storage_key(), &self.protection)
    }

    /// The same identity with its secrets encrypted in its file, or, without a passphrase, in the clear. Takes a second
    /// with real keys.
    ///
    /// # Errors
    /// When the keys cannot be written down.
    pub fn protected(
        &self,
        provider: &dyn CryptoProvider,
        passphrase: Option<&Passphrase>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, IdentityError> {
        let protection = match passphrase {
            None => Protection::Plain,
            Some(passphrase) => {
                let secrets = (&self.keys.export()?, &self.storage_key);
                Protection::new(provider, secrets, self.fingerprint(), passphrase, rng)?
            }
        };
        Ok(Self { protection, ..self.copy() })
    }

    /// Whether the file of this identity asks for a passphrase.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        matches!(self.protection, Protection::Passphrase(_))
    }

    /// The same member with new keys, for which the old ones vouch. Bundle and storage key stay; `passphrase` protects
    /// the new keys if the old ones were protected, else it is not needed.
    ///
    /// # Errors
    /// [`IdentityError::PassphraseNeeded`] rather than secrets in the clear that were not before; else when the system's
    /// randomness is broken.
    pub fn rotate(
        &self,
        provider: &dyn CryptoProvider,
        passphrase: Option<&Passphrase>,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, IdentityError> {
        if self.is_protected() && passphrase.is_none() {
            return Err(IdentityError::PassphraseNeeded);
        }
        let keys: Arc<dyn SecretKeys> = provider.generate(rng)?.into();
        let newest = rotation::vouch(self.keys(), self.name(), keys.public().fingerprint(), rng)?;
        let known = &self.record().rotations;
        let forgotten = (known.len() + 1).saturating_sub(MAX_ROTATIONS);
        let rotations: Vec<Rotation> = known.iter().skip(forgotten).cloned().chain([newest]).collect();
        let sequence = next_sequence(self.record().sequence, now);
        let record = KeyRecord { keys: keys.public().clone(), sequence, rotations, ..self.record().clone() };
        let record = signed(record, &*keys, rng)?;
        let rotated = Self::assemble(provider, keys, record, self.storage_key.clone())?;
        if self.is_protected() { rotated.protected(provider, passphrase, rng) } else { Ok(rotated) }
    }

    /// The same keys with another bundle in their record, or none, and a higher sequence.
    ///
    /// # Errors
    /// When signing goes wrong.
    pub fn with_bundle(
        &self,
        bundle: Option<Bundle>,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, IdentityError> {
        let sequence = next_sequence(self.record().sequence, now);
        let record = signed(KeyRecord { sequence, bundle, ..self.record().clone() }, self.keys(), rng)?;
        Ok(Self { record: self.record.renewed(record), ..self.copy() })
    }

    /// The name as it was typed when the identity was made.
    #[must_use]
    pub fn name(&self) -> &MemberName {
        self.record.name()
    }

    /// What stands for the keys.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.record.fingerprint()
    }

    /// What others get.
    #[must_use]
    pub fn record(&self) -> &KeyRecord {
        self.record.record()
    }

    /// The record as others hold it once they checked it, for sealing to oneself.
    #[must_use]
    pub fn verified_record(&self) -> &VerifiedRecord {
        &self.record
    }

    /// Answers a hub's challenge: proof that the keys in the record are held here.
    ///
    /// # Errors
    /// When signing goes wrong.
    pub fn prove(&self, challenge: &Challenge, rng: &mut dyn CryptoRng) -> Result<Vec<u8>, KeyUnusable> {
        self.keys.sign(&challenge.signed_bytes(self.record()), rng)
    }

    /// Keys and a record that need not belong together: a forger's.
    #[cfg(test)]
    pub(super) fn from_parts(keys: Box<dyn SecretKeys>, record: VerifiedRecord) -> Self {
        let opener = BlockOpener::new(keys.as_ref()).unwrap();
        Self { keys: keys.into(), opener, record, storage_key: Secret([0; 32]), protection: Protection::Plain }
    }

    pub(super) fn keys(&self) -> &dyn SecretKeys {
        self.keys.as_ref()
    }

    /// What this member keeps at rest is encrypted under this. It outlives rotations.
    pub(super) fn storage_key(&self) -> &Secret<32> {
        &self.storage_key
    }

    /// See [`BlockOpener::unwrap`].
    pub(super) fn unwrap_block<const N: usize>(
        &self,
        label: &[u8],
        block: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Secret<N> {
        self.opener.unwrap(self.keys(), label, block, rng)
    }

    fn assemble(
        provider: &dyn CryptoProvider,
        keys: Arc<dyn SecretKeys>,
        record: KeyRecord,
        storage_key: Secret<32>,
    ) -> Result<Self, IdentityError> {
        let record = record::verify(provider, record)?;
        let opener = BlockOpener::new(keys.as_ref())?;
        Ok(Self { keys, opener, record, storage_key, protection: Protection::Plain })
    }

    fn copy(&self) -> Self {
        Self {
            keys: Arc::clone(&self.keys),
            opener: self.opener.clone(),
            record: self.record.clone(),
            storage_key: self.storage_key.clone(),
            protection: self.protection.clone(),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} {})", self.name(), self.fingerprint())
    }
}

/// Higher than `last` even when the clock was set back; as a clock, higher than what a backup knows.
fn next_sequence(last: u64, now: u64) -> u64 {
    last.saturating_add(1).max(now)
}

/// A first record of these keys.
fn unsigned(name: &str, keys: &dyn SecretKeys, sequence: u64) -> KeyRecord {
    KeyRecord {
        name: name.into(),
        keys: keys.public().clone(),
        sequence,
        rotations: Vec::new(),
        bundle: None,
        signature: Blob::default(),
    }
}

fn signed(mut record: KeyRecord, keys: &dyn SecretKeys, rng: &mut dyn CryptoRng) -> Result<KeyRecord, KeyUnusable> {
    record.signature = keys.sign(&record.signed_bytes(), rng)?.into();
    Ok(record)
}

#[cfg(test)]
mod tests;
