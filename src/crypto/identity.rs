//! A member as it knows itself: name, private keys, and the record that others get.
//!
//! Its file is text, so that it can be looked at and moved, in three PEM blocks
//! ([RFC 7468](https://www.rfc-editor.org/rfc/rfc7468)): the key record, the signing key and the sealing key.

use std::fmt;

use pkcs8::{LineEnding, der::pem};
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::{
    key_block::BlockOpener,
    provider::{CryptoProvider, ExportedKeys, KeyUnusable, SecretKeys},
    record::{self, RecordError, VerifiedRecord},
    registration::Challenge,
    secret::Secret,
};
use crate::types::{
    Fingerprint, KeyRecord, MemberName,
    wire::{self, Blob},
};

const RECORD_LABEL: &str = "SECURESTREAM KEY RECORD";

/// A member's own keys. `Debug` shows name and fingerprint only.
pub struct Identity {
    keys: Box<dyn SecretKeys>,
    opener: BlockOpener,
    record: VerifiedRecord,
}

/// Why a file is no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// As a full disk or a crash of another program leaves it.
    #[error("it is empty")]
    Empty,
    /// Not the three blocks, or one of them is damaged.
    #[error("it is not an identity file, or ends too early")]
    Malformed,
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
    /// Makes new keys and signs a record of them. Takes about half a second at 3072 bits.
    ///
    /// # Errors
    /// When the system's randomness is broken.
    pub fn generate(
        provider: &dyn CryptoProvider,
        name: &MemberName,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, IdentityError> {
        let keys = provider.generate(rng)?;
        let mut record = KeyRecord {
            name: name.as_str().into(),
            keys: keys.public().clone(),
            sequence: 1,
            rotations: Vec::new(),
            bundle: None,
            signature: Blob::default(),
        };
        record.signature = keys.sign(&record.signed_bytes(), rng)?.into();
        Self::assemble(provider, keys, record)
    }

    /// Reads what [`Identity::to_pem`] gave.
    ///
    /// # Errors
    /// See [`IdentityError`]; each part is checked as if it came from someone else.
    pub fn from_pem(provider: &dyn CryptoProvider, file: &[u8]) -> Result<Self, IdentityError> {
        if file.is_empty() {
            return Err(IdentityError::Empty);
        }
        let text = str::from_utf8(file).map_err(|_| IdentityError::Malformed)?;
        let [record, signing, sealing] = blocks(text).ok_or(IdentityError::Malformed)?;
        let (label, record) = pem::decode_vec(record.as_bytes()).map_err(|_| IdentityError::Malformed)?;
        let record: KeyRecord = wire::from_bytes(&record).map_err(|_| IdentityError::Malformed)?;
        if label != RECORD_LABEL {
            return Err(IdentityError::Malformed);
        }
        let own = |block: &str| Zeroizing::new(block.to_owned());
        let keys = provider.import(&ExportedKeys { signing: own(signing), sealing: own(sealing) })?;
        if record.keys != *keys.public() {
            return Err(IdentityError::OtherKeys);
        }
        Self::assemble(provider, keys, record)
    }

    /// The identity as a file, private keys in the clear. Wiped when dropped.
    ///
    /// # Errors
    /// When the keys cannot be written down.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, IdentityError> {
        let keys = self.keys.export()?;
        let record = wire::to_bytes(self.record.record());
        let record = pem::encode_string(RECORD_LABEL, LineEnding::LF, &record).map_err(|_| IdentityError::Malformed)?;
        let mut text = Zeroizing::new(String::with_capacity(record.len() + keys.signing.len() + keys.sealing.len()));
        text.push_str(&record);
        text.push_str(&keys.signing);
        text.push_str(&keys.sealing);
        Ok(text)
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
        Self { keys, opener, record }
    }

    pub(super) fn keys(&self) -> &dyn SecretKeys {
        self.keys.as_ref()
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
        keys: Box<dyn SecretKeys>,
        record: KeyRecord,
    ) -> Result<Self, IdentityError> {
        let record = record::verify(provider, record)?;
        let opener = BlockOpener::new(keys.as_ref())?;
        Ok(Self { keys, opener, record })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} {})", self.name(), self.fingerprint())
    }
}

/// The three blocks of a file, each from its BEGIN line to the end of its END line; nothing else stands there.
fn blocks(text: &str) -> Option<[&str; 3]> {
    let mut rest = text;
    let mut found = [""; 3];
    for block in &mut found {
        let end = rest.find("\n-----END ")? + 1;
        let length = end + rest[end..].find('\n')? + 1;
        (*block, rest) = rest.split_at(length);
    }
    rest.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{
        fixtures::{member, rng, rsa_member},
        policy::ModulusSize,
        rsa_provider::RsaProvider,
        testing::InsecureProvider,
    };

    fn read(file: &[u8]) -> Result<Identity, IdentityError> {
        Identity::from_pem(&InsecureProvider, file)
    }

    #[test]
    fn an_identity_survives_its_file() {
        let bob = member("Bob");
        let again = read(bob.to_pem().unwrap().as_bytes()).unwrap();
        assert_eq!(again.record(), bob.record());
        assert_eq!(again.name().as_str(), "Bob");

        let provider = RsaProvider::new(ModulusSize::Bits2048);
        let real = rsa_member(0);
        let file = real.to_pem().unwrap();
        assert_eq!(file.matches("-----BEGIN PRIVATE KEY-----").count(), 2);
        assert_eq!(Identity::from_pem(&provider, file.as_bytes()).unwrap().record(), real.record());
        assert!(matches!(read(file.as_bytes()), Err(IdentityError::Key(_))), "the test provider takes no real keys");
        let insecure = bob.to_pem().unwrap();
        assert!(matches!(Identity::from_pem(&provider, insecure.as_bytes()), Err(IdentityError::Key(_))));
    }

    #[test]
    fn bad_input_60_an_identity_cut_off_anywhere_is_refused() {
        let file = member("bob").to_pem().unwrap();
        assert_eq!(read(b"").unwrap_err(), IdentityError::Empty);
        for length in 1..file.len() {
            assert_eq!(read(&file.as_bytes()[..length]).unwrap_err(), IdentityError::Malformed, "{length} bytes");
        }
        assert_eq!(read(&[file.as_bytes(), b"x"].concat()).unwrap_err(), IdentityError::Malformed);
        assert_eq!(read(&[0xff; 100]).unwrap_err(), IdentityError::Malformed);
    }

    #[test]
    fn bad_input_60_a_changed_byte_never_gives_another_identity() {
        let bob = member("bob");
        let file = bob.to_pem().unwrap();
        for at in 0..file.len() {
            let mut changed = file.as_bytes().to_vec();
            changed[at] ^= 1;
            if let Ok(read) = read(&changed) {
                assert_eq!(read.record(), bob.record(), "byte {at}");
            }
        }
    }

    #[test]
    fn a_record_of_other_keys_is_refused() {
        let (bob, carol) = (member("bob").to_pem().unwrap(), member("carol").to_pem().unwrap());
        let [record, ..] = blocks(&bob).unwrap();
        let [_, signing, sealing] = blocks(&carol).unwrap();
        let mixed = [record, signing, sealing].concat();
        assert_eq!(read(mixed.as_bytes()).unwrap_err(), IdentityError::OtherKeys);
    }

    #[test]
    fn debug_shows_name_and_fingerprint_only() {
        let bob = rsa_member(0);
        assert_eq!(format!("{bob:?}"), format!("Identity(member0 {})", bob.fingerprint()));
    }

    #[test]
    fn two_identities_differ() {
        let one = Identity::generate(&InsecureProvider, &"bob".parse().unwrap(), &mut rng(1)).unwrap();
        let two = Identity::generate(&InsecureProvider, &"bob".parse().unwrap(), &mut rng(2)).unwrap();
        assert_ne!(one.fingerprint(), two.fingerprint());
    }

    #[test]
    fn identities_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Identity>();
    }
}
