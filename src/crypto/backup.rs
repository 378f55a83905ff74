//! An identity with what its member keeps, in one file.
//!
//! ```text
//!   SECURESTREAM BACKUP        nonce 24 ‖ XChaCha20-Poly1305(key, [[name, content] …]), tied to the fingerprint
//!   the identity as in its own file, see `identity_file`
//! ```
//!
//! The key comes from the storage key of the identity, so the files are protected as well as the private keys are. The
//! identity stands last: a backup that was cut off is not to be taken for an identity alone.

use hkdf::Hkdf;
use pkcs8::{LineEnding, der::pem};
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::{
    aead, envelope,
    identity::{Identity, IdentityError},
    passphrase::Passphrase,
    provider::CryptoProvider,
    secret::Secret,
    transcript::{self, transcript},
};
use crate::types::wire::{self, Blob, Text, wire_struct};

const LABEL: &str = "SECURESTREAM BACKUP";
const BEGIN: &str = "-----BEGIN SECURESTREAM BACKUP-----\n";
const END: &str = "-----END SECURESTREAM BACKUP-----\n";
const NONCE: usize = 24;

wire_struct! {
    /// A file that is kept beside an identity.
    pub struct KeptFile {
        pub name: Text,
        pub content: Blob,
    }
}

wire_struct! {
    struct Kept {
        files: Vec<KeptFile>,
    }
}

impl Identity {
    /// The identity and these files as one text, as secret as [`Identity::to_pem`]. Wiped when dropped.
    ///
    /// # Errors
    /// When the keys cannot be written down.
    pub fn to_backup(&self, files: Vec<KeptFile>, rng: &mut dyn CryptoRng) -> Result<Zeroizing<String>, IdentityError> {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let mut sealed = wire::to_bytes(&Kept { files });
        aead::encrypt(&backup_key(self), nonce, &tie(self), &mut sealed);
        let block = pem::encode_string(LABEL, LineEnding::LF, &[&nonce[..], &sealed].concat());
        let block = block.map_err(|_| IdentityError::Malformed)?;
        Ok(Zeroizing::new([block.as_str(), &self.to_pem()?].concat()))
    }

    /// Reads what [`Identity::to_backup`] or [`Identity::to_pem`] gave; the latter comes without files.
    ///
    /// # Errors
    /// As [`Identity::from_pem`]; also when the files are damaged.
    pub fn from_backup(
        provider: &dyn CryptoProvider,
        file: &[u8],
        passphrase: Option<&Passphrase>,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Vec<KeptFile>), IdentityError> {
        let (kept, identity) = split(file)?;
        let identity = Self::from_pem(provider, identity, passphrase, now, rng)?;
        let files = kept.map_or(Ok(Vec::new()), |kept| open(&identity, kept).ok_or(IdentityError::Malformed))?;
        Ok((identity, files))
    }
}

/// The block of files, if there is one, and the identity.
pub(super) fn split(file: &[u8]) -> Result<(Option<&str>, &[u8]), IdentityError> {
    if !file.starts_with(BEGIN.as_bytes()) {
        return Ok((None, file));
    }
    let text = str::from_utf8(file).map_err(|_| IdentityError::Malformed)?;
    let end = text.find(END).ok_or(IdentityError::Malformed)? + END.len();
    let (kept, identity) = text.split_at(end);
    // Empty is a word for a file of which nothing is there.
    if identity.is_empty() { Err(IdentityError::Malformed) } else { Ok((Some(kept), identity.as_bytes())) }
}

fn open(identity: &Identity, block: &str) -> Option<Vec<KeptFile>> {
    let (_, block) = pem::decode_vec(block.as_bytes()).ok()?;
    let (nonce, sealed) = block.split_first_chunk::<NONCE>()?;
    let files = aead::decrypt(&backup_key(identity), *nonce, &tie(identity), sealed)?;
    wire::from_bytes::<Kept>(&files).ok().map(|kept| kept.files)
}

fn backup_key(identity: &Identity) -> Secret<32> {
    let mut key = Secret([0; 32]);
    envelope::expand(&Hkdf::new(None::<&[u8]>, &identity.storage_key().0), transcript::BACKUP, &mut key.0);
    key
}

fn tie(identity: &Identity) -> Vec<u8> {
    transcript(transcript::BACKUP, &[&identity.fingerprint().0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{
        fixtures::{NOW, member, passphrase, rng},
        testing::InsecureProvider,
    };

    const FAST: InsecureProvider = InsecureProvider;

    fn files() -> Vec<KeptFile> {
        let file = |name: &str, content: &[u8]| KeptFile { name: name.into(), content: content.to_vec().into() };
        vec![file("marks", b"alice 7, carol 9"), file("counters", b"")]
    }

    fn read(file: &[u8]) -> Result<(Identity, Vec<KeptFile>), IdentityError> {
        Identity::from_backup(&FAST, file, Some(&passphrase("correct horse")), NOW, &mut rng(9))
    }

    #[test]
    fn a_backup_brings_back_the_identity_and_its_files() {
        let bob = member("bob");
        let protected = bob.protected(&FAST, Some(&passphrase("correct horse")), &mut rng(1)).unwrap();
        for identity in [&bob, &protected] {
            let backup = identity.to_backup(files(), &mut rng(2)).unwrap();
            let (again, kept) = read(backup.as_bytes()).unwrap();
            assert_eq!((again.record(), kept), (bob.record(), files()));
            assert_eq!((again.storage_key(), again.is_protected()), (bob.storage_key(), identity.is_protected()));
            let (_, kept) = read(identity.to_pem().unwrap().as_bytes()).unwrap();
            assert_eq!(kept, [], "an identity alone is taken too");
        }
        let backup = protected.to_backup(files(), &mut rng(2)).unwrap();
        let locked = Identity::from_backup(&FAST, backup.as_bytes(), None, NOW, &mut rng(9));
        assert_eq!(locked.unwrap_err(), IdentityError::PassphraseNeeded);
    }

    #[test]
    fn whom_a_member_writes_to_is_not_read_from_a_backup() {
        let backup = member("bob").to_backup(files(), &mut rng(2)).unwrap();
        let (_, block) = pem::decode_vec(split(backup.as_bytes()).unwrap().0.unwrap().as_bytes()).unwrap();
        assert!(!block.windows(5).any(|bytes| bytes == b"alice" || bytes == b"marks"));
    }

    #[test]
    fn bad_input_60_a_backup_cut_off_anywhere_or_changed_is_refused() {
        let (bob, file) = (member("bob"), member("bob").to_backup(files(), &mut rng(2)).unwrap());
        assert_eq!(read(b"").unwrap_err(), IdentityError::Empty);
        for length in 1..file.len() {
            assert_eq!(read(&file.as_bytes()[..length]).unwrap_err(), IdentityError::Malformed, "{length} bytes");
        }
        for at in 0..file.len() {
            let mut changed = file.as_bytes().to_vec();
            changed[at] ^= 1;
            if let Ok((identity, kept)) = read(&changed) {
                assert_eq!((identity.record(), kept), (bob.record(), files()), "byte {at}");
            }
        }
    }

    #[test]
    fn the_files_of_another_member_s_backup_do_not_fit() {
        let bob = member("bob").to_backup(files(), &mut rng(2)).unwrap();
        let carol = member("carol").to_pem().unwrap();
        let mixed = [split(bob.as_bytes()).unwrap().0.unwrap(), &carol].concat();
        assert_eq!(read(mixed.as_bytes()).unwrap_err(), IdentityError::Malformed);
    }
}
