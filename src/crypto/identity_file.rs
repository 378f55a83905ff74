//! An identity as text, so that it can be looked at and moved: PEM blocks
//! ([RFC 7468](https://www.rfc-editor.org/rfc/rfc7468)) and nothing else.
//!
//! ```text
//!   in the clear                    under a passphrase                          of version 0.1
//!   SECURESTREAM KEY RECORD         SECURESTREAM KEY RECORD                     SECURESTREAM KEY RECORD
//!   SECURESTREAM STORAGE KEY        SECURESTREAM WRAPPED STORAGE KEY            PRIVATE KEY  (signing)
//!   PRIVATE KEY  (signing)          ENCRYPTED PRIVATE KEY  (signing)            PRIVATE KEY  (sealing)
//!   PRIVATE KEY  (sealing)          ENCRYPTED PRIVATE KEY  (sealing)
//! ```
//!
//! The storage key does not stand last: a file that was cut off is not to be taken for one of version 0.1.

use std::sync::Arc;

use pkcs8::{LineEnding, der::pem};
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::{
    backup,
    identity::IdentityError,
    passphrase::{self, ENCRYPTED_LABEL, Locked, PRIVATE_LABEL, Passphrase},
    provider::{CryptoProvider, ExportedKeys},
    record::RecordError,
    secret::Secret,
};
use crate::types::{
    Fingerprint, KeyRecord, MemberName, PublicKeys,
    wire::{self, Blob, Text, wire_struct},
};

const RECORD_LABEL: &str = "SECURESTREAM KEY RECORD";
const STORAGE_LABEL: &str = "SECURESTREAM STORAGE KEY";
const WRAPPED_LABEL: &str = "SECURESTREAM WRAPPED STORAGE KEY";

/// What a file says before anything in it is believed.
pub(super) struct Contents {
    pub(super) record: ReadRecord,
    pub(super) keys: ExportedKeys,
    /// Nothing in a file of version 0.1.
    pub(super) storage_key: Option<Secret<32>>,
    pub(super) protection: Protection,
}

/// The record of a file.
pub(super) enum ReadRecord {
    Current(KeyRecord),
    /// Of version 0.1, to be made anew.
    Earlier(EarlierRecord),
}

impl ReadRecord {
    pub(super) fn keys(&self) -> &PublicKeys {
        match self {
            Self::Current(record) => &record.keys,
            Self::Earlier(record) => &record.keys,
        }
    }
}

wire_struct! {
    /// A key record as version 0.1 wrote it.
    pub(super) struct EarlierRecord {
        pub(super) name: Text,
        pub(super) keys: PublicKeys,
        pub(super) sequence: u64,
        pub(super) signature: Blob,
    }
}

impl EarlierRecord {
    pub(super) fn is_signed(&self, provider: &dyn CryptoProvider) -> bool {
        let mut signed = b"securestream/v1/key-record".to_vec();
        wire::write_to(&mut signed, &(&self.name, &self.keys, self.sequence));
        provider.verify(&self.keys.signing, &signed, &self.signature)
    }
}

/// Whether the secrets of an identity stand in the clear in its file.
#[derive(Clone)]
pub(super) enum Protection {
    Plain,
    /// The three blocks after the record, as they stand in the file: they stay the same while only the record
    /// changes, so that no passphrase has to be kept for that.
    Passphrase(Arc<str>),
}

impl Protection {
    /// Encrypts the secrets of the identity that `owner` stands for. Takes a second with real keys.
    pub(super) fn new(
        provider: &dyn CryptoProvider,
        secrets: (&ExportedKeys, &Secret<32>),
        owner: Fingerprint,
        passphrase: &Passphrase,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, IdentityError> {
        let (cost, (keys, storage_key)) = (provider.passphrase_cost(), secrets);
        let wrapped = passphrase::wrap(storage_key, passphrase, owner, cost, rng)?;
        let signing = passphrase::encrypt_key(&keys.signing, passphrase, cost, rng)?;
        let sealing = passphrase::encrypt_key(&keys.sealing, passphrase, cost, rng)?;
        Ok(Self::Passphrase([block(WRAPPED_LABEL, &wrapped)?, signing, sealing].concat().into()))
    }
}

/// The file of an identity.
pub(super) fn write(
    record: &KeyRecord,
    keys: &ExportedKeys,
    storage_key: &Secret<32>,
    protection: &Protection,
) -> Result<Zeroizing<String>, IdentityError> {
    let record = block(RECORD_LABEL, &wire::to_bytes(record))?;
    if let Protection::Passphrase(secrets) = protection {
        return Ok(Zeroizing::new([&record, &**secrets].concat()));
    }
    let storage_key = Zeroizing::new(block(STORAGE_LABEL, &storage_key.0)?);
    Ok(Zeroizing::new([&record, &**storage_key, &**keys.signing, &**keys.sealing].concat()))
}

/// Takes a file apart.
///
/// # Errors
/// See [`IdentityError`]; whether what is in it fits together is not looked at.
pub(super) fn read(file: &[u8], passphrase: Option<&Passphrase>) -> Result<Contents, IdentityError> {
    if file.is_empty() {
        return Err(IdentityError::Empty);
    }
    let blocks = str::from_utf8(file).ok().and_then(blocks).ok_or(IdentityError::Malformed)?;
    let labels: Vec<&str> = blocks.iter().map(|block| block.label).collect();
    let [record, rest @ ..] = &blocks[..] else { return Err(IdentityError::Malformed) };
    let record = read_record(&record.content)?;
    match (&labels[..], rest) {
        ([RECORD_LABEL, PRIVATE_LABEL, PRIVATE_LABEL], [signing, sealing]) => {
            let keys = ExportedKeys { signing: signing.own(), sealing: sealing.own() };
            Ok(Contents { record, keys, storage_key: None, protection: Protection::Plain })
        }
        ([RECORD_LABEL, STORAGE_LABEL, PRIVATE_LABEL, PRIVATE_LABEL], [storage, signing, sealing]) => {
            let keys = ExportedKeys { signing: signing.own(), sealing: sealing.own() };
            let mut storage_key = Secret([0; 32]);
            if storage.content.len() != storage_key.0.len() {
                return Err(IdentityError::Malformed);
            }
            storage_key.0.copy_from_slice(&storage.content);
            Ok(Contents { record, keys, storage_key: Some(storage_key), protection: Protection::Plain })
        }
        ([RECORD_LABEL, WRAPPED_LABEL, ENCRYPTED_LABEL, ENCRYPTED_LABEL], [wrapped, signing, sealing]) => {
            let passphrase = passphrase.ok_or(IdentityError::PassphraseNeeded)?;
            let storage_key = passphrase::unwrap(&wrapped.content, passphrase, record.keys().fingerprint())?;
            // The passphrase is right: what fails now is damaged.
            let open = |block: &Block| {
                passphrase::decrypt_key(&block.content, passphrase).map_err(|_| IdentityError::Malformed)
            };
            let keys = ExportedKeys { signing: open(signing)?, sealing: open(sealing)? };
            let secrets = [wrapped.text, signing.text, sealing.text].concat().into();
            let protection = Protection::Passphrase(secrets);
            Ok(Contents { record, keys, storage_key: Some(storage_key), protection })
        }
        _ => Err(IdentityError::Malformed),
    }
}

/// What a file says about an identity to whoever has no passphrase. Nothing of it is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub name: MemberName,
    pub fingerprint: Fingerprint,
    /// See [`KeyRecord::sequence`].
    pub sequence: u64,
    /// The keys that it had before, oldest first.
    pub earlier: Vec<Fingerprint>,
    pub has_bundle: bool,
    /// Whether its secrets are under a passphrase.
    pub is_protected: bool,
}

impl Summary {
    /// Reads the open part of an identity file or of a backup.
    ///
    /// # Errors
    /// See [`IdentityError`]; the private keys are not looked at.
    pub fn read(file: &[u8]) -> Result<Self, IdentityError> {
        let (_, file) = backup::split(file)?;
        if file.is_empty() {
            return Err(IdentityError::Empty);
        }
        let blocks = str::from_utf8(file).ok().and_then(blocks).ok_or(IdentityError::Malformed)?;
        let labels: Vec<&str> = blocks.iter().map(|block| block.label).collect();
        let is_protected = match labels[..] {
            [RECORD_LABEL, PRIVATE_LABEL, PRIVATE_LABEL]
            | [RECORD_LABEL, STORAGE_LABEL, PRIVATE_LABEL, PRIVATE_LABEL] => false,
            [RECORD_LABEL, WRAPPED_LABEL, ENCRYPTED_LABEL, ENCRYPTED_LABEL] => true,
            _ => return Err(IdentityError::Malformed),
        };
        let record = read_record(&blocks[0].content)?;
        let fingerprint = record.keys().fingerprint();
        let (name, sequence, rotations, bundle) = match record {
            ReadRecord::Current(record) => (record.name, record.sequence, record.rotations, record.bundle),
            ReadRecord::Earlier(record) => (record.name, record.sequence, Vec::new(), None),
        };
        let name = name.parse().map_err(RecordError::Name)?;
        let earlier = rotations.iter().map(|rotation| rotation.keys.fingerprint()).collect();
        Ok(Self { name, fingerprint, sequence, earlier, has_bundle: bundle.is_some(), is_protected })
    }
}

fn read_record(bytes: &[u8]) -> Result<ReadRecord, IdentityError> {
    let current = KeyRecord::decode(bytes).map(ReadRecord::Current);
    current.or_else(|_| wire::from_bytes(bytes).map(ReadRecord::Earlier)).map_err(|_| IdentityError::Malformed)
}

fn block(label: &str, content: &[u8]) -> Result<String, IdentityError> {
    pem::encode_string(label, LineEnding::LF, content).map_err(|_| IdentityError::Malformed)
}

/// A block of a file.
pub(super) struct Block<'a> {
    label: &'a str,
    content: Zeroizing<Vec<u8>>,
    /// From its BEGIN line to the end of its END line.
    pub(super) text: &'a str,
}

impl Block<'_> {
    fn own(&self) -> Zeroizing<String> {
        Zeroizing::new(self.text.to_owned())
    }
}

/// The blocks of a file, if nothing else stands there.
pub(super) fn blocks(mut rest: &str) -> Option<Vec<Block<'_>>> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let end = rest.find("\n-----END ")? + 1;
        let length = end + rest[end..].find('\n')? + 1;
        let (text, after) = rest.split_at(length);
        let (label, content) = pem::decode_vec(text.as_bytes()).ok()?;
        found.push(Block { label, content: Zeroizing::new(content), text });
        rest = after;
    }
    Some(found)
}

impl From<Locked> for IdentityError {
    fn from(locked: Locked) -> Self {
        match locked {
            Locked::Malformed => Self::Malformed,
            Locked::WrongPassphrase => Self::WrongPassphrase,
        }
    }
}
