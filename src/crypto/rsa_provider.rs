//! The provider that members and hubs use: crate `rsa`, which blinds private operations.

use rand::CryptoRng;
use rsa::{
    Oaep, Pss, RsaPrivateKey, RsaPublicKey,
    pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding},
    traits::PublicKeyParts as _,
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{
    policy::{self, ModulusSize},
    provider::{CryptoProvider, ExportedKeys, KeyUnusable, SecretKeys, WeakKey},
};
use crate::types::{PublicKeys, wire::Blob};

/// Bytes of salt in a signature: as many as the hash has, as RFC 8017 recommends.
const SALT: usize = 32;

/// RSA with keys of one size, 3072 bits unless told otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct RsaProvider {
    size: ModulusSize,
}

impl RsaProvider {
    /// A provider that makes and takes keys of this size only.
    #[must_use]
    pub fn new(size: ModulusSize) -> Self {
        Self { size }
    }

    fn load(self, pem: &str) -> Result<RsaPrivateKey, KeyUnusable> {
        let key = RsaPrivateKey::from_pkcs8_pem(pem).map_err(|_| KeyUnusable("it is no RSA private key"))?;
        if key.n().bits() as usize != self.size.bits() {
            return Err(KeyUnusable("it does not have the size that is in use now"));
        }
        Ok(key)
    }
}

impl CryptoProvider for RsaProvider {
    fn suite(&self) -> u8 {
        1
    }

    fn block_size(&self) -> usize {
        self.size.bytes()
    }

    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn SecretKeys>, KeyUnusable> {
        let mut make = || RsaPrivateKey::new(rng, self.size.bits()).map_err(|_| KeyUnusable("it could not be made"));
        Ok(Box::new(RsaKeys::new(make()?, make()?)?))
    }

    fn import(&self, pem: &ExportedKeys) -> Result<Box<dyn SecretKeys>, KeyUnusable> {
        let keys = RsaKeys::new(self.load(&pem.signing)?, self.load(&pem.sealing)?)?;
        for public in [&keys.public.signing, &keys.public.sealing] {
            self.check(public).map_err(|_| KeyUnusable("it is weak"))?;
        }
        Ok(Box::new(keys))
    }

    fn check(&self, public: &[u8]) -> Result<(), WeakKey> {
        policy::check(public, self.size)
    }

    fn verify(&self, public: &[u8], message: &[u8], signature: &[u8]) -> bool {
        RsaPublicKey::from_public_key_der(public).is_ok_and(|key| pss_verify(&key, message, signature))
    }

    fn encrypt(
        &self,
        public: &[u8],
        label: &[u8],
        secret: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, KeyUnusable> {
        let key = RsaPublicKey::from_public_key_der(public).map_err(|_| KeyUnusable("it is no RSA public key"))?;
        key.encrypt(rng, Oaep::<Sha256>::new_with_label(label), secret)
            .map_err(|_| KeyUnusable("it is too small for what is to be encrypted"))
    }
}

/// Two keys of one member. The crate wipes them when they are dropped.
struct RsaKeys {
    signing: RsaPrivateKey,
    sealing: RsaPrivateKey,
    public: PublicKeys,
}

impl RsaKeys {
    fn new(signing: RsaPrivateKey, sealing: RsaPrivateKey) -> Result<Self, KeyUnusable> {
        let public = PublicKeys { signing: public_der(&signing)?, sealing: public_der(&sealing)? };
        Ok(Self { signing, sealing, public })
    }
}

impl SecretKeys for RsaKeys {
    fn public(&self) -> &PublicKeys {
        &self.public
    }

    fn sign(&self, message: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>, KeyUnusable> {
        self.signing
            .sign_with_rng(rng, Pss::<Sha256>::new_blinded_with_salt(SALT), &Sha256::digest(message))
            .map_err(|_| KeyUnusable("signing went wrong"))
    }

    fn decrypt(&self, label: &[u8], block: &[u8], rng: &mut dyn CryptoRng) -> Option<Zeroizing<Vec<u8>>> {
        oaep_decrypt(&self.sealing, label, block, rng)
    }

    fn export(&self) -> Result<ExportedKeys, KeyUnusable> {
        Ok(ExportedKeys { signing: private_pem(&self.signing)?, sealing: private_pem(&self.sealing)? })
    }
}

/// Apart from the provider so that test vectors with keys of other sizes go the same way.
pub(super) fn pss_verify(key: &RsaPublicKey, message: &[u8], signature: &[u8]) -> bool {
    key.verify(Pss::<Sha256>::new_with_salt(SALT), &Sha256::digest(message), signature).is_ok()
}

/// Apart from the keys for the same reason.
pub(super) fn oaep_decrypt(
    key: &RsaPrivateKey,
    label: &[u8],
    block: &[u8],
    rng: &mut dyn CryptoRng,
) -> Option<Zeroizing<Vec<u8>>> {
    key.decrypt_blinded(rng, Oaep::<Sha256>::new_with_label(label), block).ok().map(Zeroizing::new)
}

fn public_der(key: &RsaPrivateKey) -> Result<Blob, KeyUnusable> {
    let der = key.to_public_key().to_public_key_der().map_err(|_| KeyUnusable("it has no public half"))?;
    Ok(der.into_vec().into())
}

fn private_pem(key: &RsaPrivateKey) -> Result<Zeroizing<String>, KeyUnusable> {
    key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyUnusable("it cannot be written down"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::fixtures::{rng, rsa_keys};

    const PROVIDER: RsaProvider = RsaProvider { size: ModulusSize::Bits2048 };

    #[test]
    fn signatures_hold_for_their_key_and_message_only() {
        let [alice, bob] = rsa_keys();
        let mut signature = alice.sign(b"message", &mut rng(1)).unwrap();
        assert_eq!(signature.len(), PROVIDER.block_size());
        assert!(PROVIDER.verify(&alice.public().signing, b"message", &signature));
        assert!(!PROVIDER.verify(&alice.public().signing, b"massage", &signature));
        assert!(!PROVIDER.verify(&bob.public().signing, b"message", &signature));
        assert!(!PROVIDER.verify(&alice.public().sealing, b"message", &signature));
        assert!(!PROVIDER.verify(b"no key", b"message", &signature));
        for wrong in [&signature[1..], &[], &[0; 256], &[0xff; 256]] {
            assert!(!PROVIDER.verify(&alice.public().signing, b"message", wrong));
        }
        signature[17] ^= 1;
        assert!(!PROVIDER.verify(&alice.public().signing, b"message", &signature));
    }

    #[test]
    fn blocks_open_with_their_key_and_label_only() {
        let [alice, bob] = rsa_keys();
        let block = PROVIDER.encrypt(&bob.public().sealing, b"label", &[7; 64], &mut rng(2)).unwrap();
        assert_eq!(block.len(), PROVIDER.block_size());
        assert_eq!(**bob.decrypt(b"label", &block, &mut rng(3)).as_deref().unwrap(), [7; 64]);
        assert!(bob.decrypt(b"lapel", &block, &mut rng(3)).is_none());
        assert!(alice.decrypt(b"label", &block, &mut rng(3)).is_none());
        for wrong in [&block[1..], &[], &[0; 256], &[0xff; 256]] {
            assert!(bob.decrypt(b"label", wrong, &mut rng(3)).is_none());
        }
    }

    #[test]
    fn keys_survive_their_text_form() {
        let [alice, _] = rsa_keys();
        let text = alice.export().unwrap();
        assert!(text.signing.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        let again = PROVIDER.import(&text).unwrap();
        assert_eq!(again.public(), alice.public());
        PROVIDER.check(&again.public().signing).unwrap();
        let larger = RsaProvider::default().import(&text);
        assert!(matches!(larger, Err(KeyUnusable(why)) if why.contains("size")));
        let broken = ExportedKeys { signing: Zeroizing::new(text.signing[..200].to_owned()), ..text };
        assert!(PROVIDER.import(&broken).is_err());
    }
}
