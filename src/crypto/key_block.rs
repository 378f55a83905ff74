//! Content keys in RSA blocks, and what happens when a block does not open.

use hkdf::Hkdf;
use rand::CryptoRng;
use sha2::Sha256;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::{
    envelope::expand,
    provider::{CryptoProvider, KeyUnusable, SecretKeys},
    secret::Secret,
    transcript,
};

/// Draws before giving up on a random source that gives the same bytes again and again. One draw in two does.
const MAX_DRAWS: usize = 128;

/// Encrypts `secret` so that the block does not tell whose it is: drawn again until its top bit is 0, which
/// every modulus of the same size allows. Otherwise many blocks would show how large the modulus is.
pub(super) fn wrap_hidden(
    provider: &dyn CryptoProvider,
    public: &[u8],
    label: &[u8],
    secret: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, KeyUnusable> {
    for _ in 0..MAX_DRAWS {
        let block = provider.encrypt(public, label, secret, rng)?;
        if is_hidden(&block) {
            return Ok(block);
        }
    }
    Err(KeyUnusable("the system's randomness does not change"))
}

/// Whether a block has its top bit clear.
pub(super) fn is_hidden(block: &[u8]) -> bool {
    block.first().is_some_and(|top| *top < 0x80)
}

/// Opens blocks for one member without telling whether they opened.
#[derive(Clone)]
pub(super) struct BlockOpener {
    rejection: Secret<32>,
}

impl BlockOpener {
    /// The stand-in keys come from the private key itself, so that they need no storage of their own.
    pub(super) fn new(keys: &dyn SecretKeys) -> Result<Self, KeyUnusable> {
        let text = keys.export()?;
        let prk = Hkdf::<Sha256>::new(Some(transcript::REJECTION), text.sealing.as_bytes());
        let mut rejection = Secret([0; 32]);
        expand(&prk, transcript::REJECTION, &mut rejection.0);
        Ok(Self { rejection })
    }

    /// The `N` bytes in `block`; when it does not open, or holds another number, `N` bytes that only this member
    /// could guess and that are the same for the same block each time. The work does not depend on which.
    pub(super) fn unwrap<const N: usize>(
        &self,
        keys: &dyn SecretKeys,
        label: &[u8],
        block: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Secret<N> {
        let mut secret = Secret([0; N]);
        expand(&Hkdf::<Sha256>::new(Some(&self.rejection.0), block), label, &mut secret.0);
        let decrypted = keys.decrypt(label, block, rng);
        let opened = Choice::from(u8::from(decrypted.is_some()));
        let decrypted = decrypted.unwrap_or_default();
        let right = opened & decrypted.len().ct_eq(&N);
        let mut candidate = Zeroizing::new([0; N]);
        candidate.iter_mut().zip(decrypted.iter()).for_each(|(to, from)| *to = *from);
        for (byte, other) in secret.0.iter_mut().zip(candidate.iter()) {
            *byte = u8::conditional_select(byte, other, right);
        }
        secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{
        fixtures::{rng, rsa_keys},
        policy::ModulusSize,
        rsa_provider::RsaProvider,
    };

    fn provider() -> RsaProvider {
        RsaProvider::new(ModulusSize::Bits2048)
    }

    #[test]
    fn hidden_blocks_have_a_clear_top_bit_whoever_they_are_for() {
        let mut rng = rng(5);
        for keys in rsa_keys() {
            for _ in 0..20 {
                let block =
                    wrap_hidden(&provider(), &keys.public().sealing, transcript::SEAL, &[1; 32], &mut rng).unwrap();
                assert_eq!(block.len(), 256);
                assert!(block[0] < 0x80);
            }
        }
    }

    #[test]
    fn bad_input_35_a_block_that_fails_gives_a_key_all_the_same() {
        let [alice, bob] = rsa_keys();
        let opener = |keys: &dyn SecretKeys| BlockOpener::new(keys).unwrap();
        let block = wrap_hidden(&provider(), &bob.public().sealing, transcript::SEAL, &[1; 32], &mut rng(6)).unwrap();
        let open = |keys: &dyn SecretKeys, label: &[u8], block: &[u8]| -> Secret<32> {
            opener(keys).unwrap(keys, label, block, &mut rng(7))
        };
        let (alice, bob) = (alice.as_ref(), bob.as_ref());
        assert_eq!(open(bob, transcript::SEAL, &block), Secret([1; 32]));

        let stand_in = open(alice, transcript::SEAL, &block);
        assert_eq!(stand_in, open(alice, transcript::SEAL, &block), "the same for the same block");
        assert_ne!(stand_in, open(bob, transcript::GROUP, &block), "another member's differs");
        let mut other = block.clone();
        other[100] ^= 1;
        assert_ne!(open(bob, transcript::SEAL, &other), open(bob, transcript::SEAL, &block));

        // A block that opens to another number of bytes counts as one that does not.
        let long: Secret<64> = opener(bob).unwrap(bob, transcript::SEAL, &block, &mut rng(7));
        assert_ne!(long.0[..32], [1; 32]);
    }
}
