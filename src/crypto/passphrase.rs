//! What a passphrase protects: private keys as encrypted PKCS#8, and the storage key under a key of its own.
//!
//! Keys are derived with scrypt ([RFC 7914](https://www.rfc-editor.org/rfc/rfc7914)), r = 8 and p = 1. A private key is
//! encrypted as PBES2 says, with AES-256-CBC ([RFC 8018 § 6.2](https://www.rfc-editor.org/rfc/rfc8018#section-6.2)), a
//! form that others know (OpenSSL grants scrypt less memory than this takes). It does not tell a wrong passphrase from a
//! right one for certain. The storage key is encrypted with XChaCha20-Poly1305, which does.

use std::fmt;

use pkcs8::{
    EncryptedPrivateKeyInfoOwned, LineEnding,
    der::{Decode as _, Encode as _, asn1::OctetString, pem},
    pkcs5::{EncryptionScheme, pbes2::Parameters, scrypt},
};
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::{
    aead,
    provider::KeyUnusable,
    secret::Secret,
    transcript::{self, transcript},
};
use crate::types::Fingerprint;

/// PEM label of an encrypted PKCS#8 key.
pub(super) const ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";
/// PEM label of a PKCS#8 key.
pub(super) const PRIVATE_LABEL: &str = "PRIVATE KEY";

const BLOCK_SIZE: u32 = 8;
const SALT: usize = 16;
const NONCE: usize = 24;

/// Costs above which a file is refused, as log₂ of scrypt's N: 1 GiB. One that asks for more was not written here.
const MAX_COST: u8 = 20;

/// What its owner types to use protected keys: at least one byte. Wiped when dropped, not shown.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Nothing when `text` is empty: that protects nothing.
    #[must_use]
    pub fn new(text: Zeroizing<String>) -> Option<Self> {
        (!text.is_empty()).then_some(Self(text))
    }

    fn key(&self, salt: &[u8], cost: u8) -> Option<Secret<32>> {
        let mut key = Secret([0; 32]);
        scrypt::scrypt(self.0.as_bytes(), salt, &parameters(cost)?, &mut key.0).ok()?;
        Some(key)
    }
}

impl PartialEq for Passphrase {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Passphrase {}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[passphrase]")
    }
}

/// Why what is protected stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Locked {
    /// Not what protecting gives, or not anything that will be tried.
    Malformed,
    /// Or a bit of it has changed.
    WrongPassphrase,
}

/// `key` under `passphrase`: cost u8 ‖ salt 16 ‖ nonce 24 ‖ XChaCha20-Poly1305(key) 48, tied to `owner`.
pub(super) fn wrap(
    key: &Secret<32>,
    passphrase: &Passphrase,
    owner: Fingerprint,
    cost: u8,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, KeyUnusable> {
    let (mut salt, mut nonce) = ([0; SALT], [0; NONCE]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut nonce);
    let under = passphrase.key(&salt, cost).ok_or(KeyUnusable("it cannot be protected"))?;
    // With room for the tag, so that no copy stays behind.
    let mut sealed = Vec::with_capacity(key.0.len() + aead::TAG);
    sealed.extend_from_slice(&key.0);
    aead::encrypt(&under, nonce, &tie(owner), &mut sealed);
    Ok([&[cost][..], &salt, &nonce, &sealed].concat())
}

/// The key that [`wrap`] was given.
pub(super) fn unwrap(wrapped: &[u8], passphrase: &Passphrase, owner: Fingerprint) -> Result<Secret<32>, Locked> {
    let (cost, rest) = wrapped.split_first().ok_or(Locked::Malformed)?;
    let (salt, rest) = rest.split_first_chunk::<SALT>().ok_or(Locked::Malformed)?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(Locked::Malformed)?;
    if sealed.len() != 32 + aead::TAG || *cost > MAX_COST {
        return Err(Locked::Malformed);
    }
    let under = passphrase.key(salt, *cost).ok_or(Locked::Malformed)?;
    let key = aead::decrypt(&under, *nonce, &tie(owner), sealed).ok_or(Locked::WrongPassphrase)?;
    let mut copy = Secret([0; 32]);
    copy.0.copy_from_slice(&key);
    Ok(copy)
}

/// A PKCS#8 key in PEM as an encrypted one.
pub(super) fn encrypt_key(
    key: &str,
    passphrase: &Passphrase,
    cost: u8,
    rng: &mut dyn CryptoRng,
) -> Result<String, KeyUnusable> {
    const FAILED: KeyUnusable = KeyUnusable("it cannot be protected");
    let (_, key) = pem::decode_vec(key.as_bytes()).map_err(|_| FAILED)?;
    let key = Zeroizing::new(key);
    let (mut salt, mut vector) = ([0; SALT], [0; 16]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut vector);
    let scheme = Parameters::generate_scrypt_aes256cbc(parameters(cost).ok_or(FAILED)?, &salt, vector);
    let scheme = scheme.map_err(|_| FAILED)?;
    let encrypted = scheme.encrypt(&*passphrase.0, &key).map_err(|_| FAILED)?;
    let info = EncryptedPrivateKeyInfoOwned {
        encryption_algorithm: scheme.into(),
        encrypted_data: OctetString::new(encrypted).map_err(|_| FAILED)?,
    };
    let der = info.to_der().map_err(|_| FAILED)?;
    pem::encode_string(ENCRYPTED_LABEL, LineEnding::LF, &der).map_err(|_| FAILED)
}

/// The PKCS#8 key in PEM that [`encrypt_key`] was given. A wrong passphrase gives an error in 255 of 256 cases, else a
/// key that is none.
pub(super) fn decrypt_key(encrypted: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<String>, Locked> {
    let info = EncryptedPrivateKeyInfoOwned::from_der(encrypted).map_err(|_| Locked::Malformed)?;
    if !is_affordable(&info.encryption_algorithm) {
        return Err(Locked::Malformed);
    }
    let key = info.encryption_algorithm.decrypt(&*passphrase.0, info.encrypted_data.as_bytes());
    let key = Zeroizing::new(key.map_err(|_| Locked::WrongPassphrase)?);
    let text = pem::encode_string(PRIVATE_LABEL, LineEnding::LF, &key).map_err(|_| Locked::Malformed)?;
    Ok(Zeroizing::new(text))
}

/// Whether deriving the key that a file asks for takes no more than is ever asked for here.
fn is_affordable(scheme: &EncryptionScheme) -> bool {
    let derived = scheme.pbes2().and_then(|scheme| scheme.kdf.scrypt());
    derived.is_some_and(|scrypt| {
        scrypt.cost_parameter <= 1 << MAX_COST
            && u32::from(scrypt.block_size) == BLOCK_SIZE
            && scrypt.parallelization == 1
    })
}

fn parameters(cost: u8) -> Option<scrypt::Params> {
    scrypt::Params::new(cost, BLOCK_SIZE, 1).ok()
}

fn tie(owner: Fingerprint) -> Vec<u8> {
    transcript(transcript::STORAGE_KEY, &[&owner.0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::fixtures::{passphrase, rng, rsa_keys};

    const OWNER: Fingerprint = Fingerprint([7; 32]);
    const COST: u8 = 4;

    #[test]
    fn a_storage_key_opens_with_its_passphrase_and_owner_only() {
        let key = Secret([9; 32]);
        let wrapped = wrap(&key, &passphrase("correct horse"), OWNER, COST, &mut rng(1)).unwrap();
        assert_eq!(wrapped.len(), 89);
        assert_eq!(unwrap(&wrapped, &passphrase("correct horse"), OWNER), Ok(key));
        for (phrase, owner) in [("correct horsE", OWNER), ("correct horse", Fingerprint([8; 32]))] {
            assert_eq!(unwrap(&wrapped, &passphrase(phrase), owner), Err(Locked::WrongPassphrase));
        }
    }

    #[test]
    fn a_wrapped_key_with_a_changed_byte_or_length_stays_closed() {
        let phrase = passphrase("correct horse");
        let wrapped = wrap(&Secret([9; 32]), &phrase, OWNER, COST, &mut rng(1)).unwrap();
        for length in 0..wrapped.len() {
            assert_eq!(unwrap(&wrapped[..length], &phrase, OWNER), Err(Locked::Malformed), "{length}");
        }
        for at in 1..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert_eq!(unwrap(&changed, &phrase, OWNER), Err(Locked::WrongPassphrase), "{at}");
        }
        let expensive = [&[MAX_COST + 1], &wrapped[1..]].concat();
        assert_eq!(unwrap(&expensive, &phrase, OWNER), Err(Locked::Malformed), "no gigabytes for a file that asks");
    }

    #[test]
    fn a_private_key_comes_back_with_its_passphrase() {
        let key = rsa_keys()[0].export().unwrap().signing;
        let phrase = passphrase("correct horse");
        let text = encrypt_key(&key, &phrase, COST, &mut rng(1)).unwrap();
        let (label, encrypted) = pem::decode_vec(text.as_bytes()).unwrap();
        assert_eq!(label, ENCRYPTED_LABEL);
        assert_eq!(decrypt_key(&encrypted, &phrase).unwrap(), key);
        assert_ne!(decrypt_key(&encrypted, &passphrase("another")).ok(), Some(key));
        for length in 0..encrypted.len() {
            assert_eq!(decrypt_key(&encrypted[..length], &phrase), Err(Locked::Malformed), "{length}");
        }
    }

    #[test]
    fn a_file_cannot_make_its_reader_work_for_hours() {
        let phrase = passphrase("correct horse");
        let scheme = |log_n, r, p| -> EncryptionScheme {
            let parameters = scrypt::Params::new(log_n, r, p).unwrap();
            Parameters::generate_scrypt_aes256cbc(parameters, &[1; 16], [2; 16]).unwrap().into()
        };
        assert!(is_affordable(&scheme(17, 8, 1)));
        for (log_n, r, p) in [(21, 8, 1), (17, 800, 1), (17, 8, 1000)] {
            assert!(!is_affordable(&scheme(log_n, r, p)));
        }
        let iterated = Parameters::generate_pbkdf2_sha256_aes256cbc(1_000_000, &[1; 16], [2; 16]).unwrap();
        let info = EncryptedPrivateKeyInfoOwned {
            encryption_algorithm: iterated.into(),
            encrypted_data: OctetString::new(vec![0; 32]).unwrap(),
        };
        assert_eq!(decrypt_key(&info.to_der().unwrap(), &phrase), Err(Locked::Malformed));
    }

    #[test]
    fn a_passphrase_is_not_shown_and_not_empty() {
        assert_eq!(format!("{:?}", passphrase("correct horse")), "[passphrase]");
        assert_eq!(Passphrase::new(Zeroizing::new(String::new())), None);
    }
}
