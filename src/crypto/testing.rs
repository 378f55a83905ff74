//! A provider for simulations with a thousand members: **no security at all**, and microseconds for each operation.
//!
//! Nothing that a user can choose leads here, and its seals begin with another suite byte than real ones, so
//! that neither opens the other's. It still tells keys, messages and forgeries apart by hashing, as long as no
//! one sets out to break it.

use pkcs8::{LineEnding, der::pem};
use rand::CryptoRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{
    provider::{CryptoProvider, ExportedKeys, KeyUnusable, SecretKeys, WeakKey},
    transcript::transcript,
};
use crate::types::{PublicKeys, wire::Blob};

const BLOCK: usize = 256;
const ROOM: usize = 64;
/// Stands in a block before random bytes, length and masked secret.
const CHECK: usize = 31;
/// As for real keys, so that files of both have the same form; what is in it tells them apart.
const LABEL: &str = "PRIVATE KEY";
const MARK: &[u8] = b"securestream INSECURE test key ";

/// See the module's warning.
#[derive(Clone, Copy, Debug, Default)]
pub struct InsecureProvider;

impl CryptoProvider for InsecureProvider {
    fn suite(&self) -> u8 {
        0xff
    }

    fn block_size(&self) -> usize {
        BLOCK
    }

    fn passphrase_cost(&self) -> u8 {
        1
    }

    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn SecretKeys>, KeyUnusable> {
        let mut make = || {
            let mut seed = [0; 32];
            rng.fill_bytes(&mut seed);
            public_key(&seed)
        };
        Ok(Box::new(InsecureKeys { public: PublicKeys { signing: make(), sealing: make() } }))
    }

    fn import(&self, pem: &ExportedKeys) -> Result<Box<dyn SecretKeys>, KeyUnusable> {
        let load = |text: &str| -> Result<Blob, KeyUnusable> {
            let (label, key) = pem::decode_vec(text.as_bytes()).map_err(|_| KeyUnusable("it is no test key"))?;
            if label != LABEL || self.check(&key).is_err() {
                return Err(KeyUnusable("it is no test key"));
            }
            Ok(key.into())
        };
        Ok(Box::new(InsecureKeys { public: PublicKeys { signing: load(&pem.signing)?, sealing: load(&pem.sealing)? } }))
    }

    fn check(&self, public: &[u8]) -> Result<(), WeakKey> {
        let digits = public.strip_prefix(MARK).ok_or(WeakKey::Malformed)?;
        if digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit) { Ok(()) } else { Err(WeakKey::Malformed) }
    }

    fn verify(&self, public: &[u8], message: &[u8], signature: &[u8]) -> bool {
        signature == signature_of(public, message)
    }

    fn encrypt(
        &self,
        public: &[u8],
        label: &[u8],
        secret: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, KeyUnusable> {
        let length = u8::try_from(secret.len()).map_err(|_| KeyUnusable("it is too small"))?;
        let mut block = [0; BLOCK];
        rng.fill_bytes(&mut block[..32]);
        block[32] = length;
        let room = block.get_mut(33..33 + secret.len()).filter(|room| room.len() <= ROOM);
        room.ok_or(KeyUnusable("it is too small"))?.copy_from_slice(secret);
        mask(&mut block, public, label);
        let check = check_of(&block, public, label);
        block[BLOCK - CHECK..].copy_from_slice(&check[..CHECK]);
        Ok(block.to_vec())
    }
}

/// "Private" keys that know no more than the public ones.
struct InsecureKeys {
    public: PublicKeys,
}

impl SecretKeys for InsecureKeys {
    fn public(&self) -> &PublicKeys {
        &self.public
    }

    fn sign(&self, message: &[u8], _rng: &mut dyn CryptoRng) -> Result<Vec<u8>, KeyUnusable> {
        Ok(signature_of(&self.public.signing, message))
    }

    fn decrypt(&self, label: &[u8], block: &[u8], _rng: &mut dyn CryptoRng) -> Option<Zeroizing<Vec<u8>>> {
        let mut block: [u8; BLOCK] = block.try_into().ok()?;
        if block[BLOCK - CHECK..] != check_of(&block, &self.public.sealing, label)[..CHECK] {
            return None;
        }
        mask(&mut block, &self.public.sealing, label);
        block.get(33..33 + usize::from(block[32])).map(|secret| Zeroizing::new(secret.to_vec()))
    }

    fn export(&self) -> Result<ExportedKeys, KeyUnusable> {
        let text = |key: &[u8]| {
            let text = pem::encode_string(LABEL, LineEnding::LF, key);
            text.map(Zeroizing::new).map_err(|_| KeyUnusable("it cannot be written down"))
        };
        Ok(ExportedKeys { signing: text(&self.public.signing)?, sealing: text(&self.public.sealing)? })
    }
}

fn public_key(seed: &[u8; 32]) -> Blob {
    let mut key = MARK.to_vec();
    key.extend(seed.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()));
    key.into()
}

fn signature_of(public: &[u8], message: &[u8]) -> Vec<u8> {
    let hash = Sha256::digest(transcript(b"insecure signature", &[public, message]));
    hash.iter().copied().cycle().take(BLOCK).collect()
}

/// Covers or uncovers length and secret, which stand behind the random bytes.
fn mask(block: &mut [u8; BLOCK], public: &[u8], label: &[u8]) {
    for half in 0..7u8 {
        let pad = Sha256::digest(transcript(b"insecure mask", &[public, label, &block[..32], &[half]]));
        let from = 32 + 32 * usize::from(half);
        let to = (from + 32).min(BLOCK - CHECK);
        block[from..to].iter_mut().zip(pad.iter()).for_each(|(byte, cover)| *byte ^= cover);
    }
}

fn check_of(block: &[u8; BLOCK], public: &[u8], label: &[u8]) -> [u8; 32] {
    Sha256::digest(transcript(b"insecure check", &[public, label, &block[..BLOCK - CHECK]])).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::fixtures::rng;

    #[test]
    fn it_tells_keys_messages_and_labels_apart() {
        let provider = InsecureProvider;
        let alice = provider.generate(&mut rng(1)).unwrap();
        let bob = provider.generate(&mut rng(2)).unwrap();
        let signature = alice.sign(b"m", &mut rng(0)).unwrap();
        assert!(provider.verify(&alice.public().signing, b"m", &signature));
        assert!(!provider.verify(&alice.public().signing, b"n", &signature));
        assert!(!provider.verify(&bob.public().signing, b"m", &signature));
        for length in [0, 1, 32, 64] {
            let block = provider.encrypt(&bob.public().sealing, b"l", &vec![9; length], &mut rng(3)).unwrap();
            assert_eq!(**bob.decrypt(b"l", &block, &mut rng(0)).as_deref().unwrap(), vec![9; length]);
            assert!(bob.decrypt(b"x", &block, &mut rng(0)).is_none());
            assert!(alice.decrypt(b"l", &block, &mut rng(0)).is_none());
        }
        assert!(provider.encrypt(&bob.public().sealing, b"l", &[9; 65], &mut rng(3)).is_err());
    }

    #[test]
    fn its_keys_survive_export_and_are_no_real_ones() {
        let keys = InsecureProvider.generate(&mut rng(1)).unwrap();
        let again = InsecureProvider.import(&keys.export().unwrap()).unwrap();
        assert_eq!(keys.public(), again.public());
        InsecureProvider.check(&again.public().signing).unwrap();
        assert!(crate::crypto::RsaProvider::default().check(&again.public().signing).is_err());
    }
}
