//! ML-KEM-768 ([FIPS 203](https://csrc.nist.gov/pubs/fips/203/final)) by aws-lc, which draws its own randomness.

use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768};
use zeroize::Zeroizing;

use crate::{
    crypto::{
        provider::KeyUnusable,
        secret::{Secret, SecretBytes},
    },
    types::wire::{Blob, wire_struct},
};

/// Bytes of a ciphertext. It tells nothing of the key that it is for.
pub(super) const CIPHERTEXT: usize = 1088;

const BROKEN: KeyUnusable = KeyUnusable("no post-quantum key can be made");

wire_struct! {
    /// Both halves of a key, as they are kept.
    pub(super) struct KemPair {
        /// 1,184 bytes.
        pub(super) public: Blob,
        /// 2,400 bytes.
        private: SecretBytes,
    }
}

impl KemPair {
    pub(super) fn generate() -> Result<Self, KeyUnusable> {
        let key = DecapsulationKey::generate(&ML_KEM_768).map_err(|_| BROKEN)?;
        let public = key.encapsulation_key().and_then(|public| public.key_bytes()).map_err(|_| BROKEN)?;
        let private = key.key_bytes().map_err(|_| BROKEN)?;
        let private = SecretBytes(Zeroizing::new(private.as_ref().to_vec()));
        Ok(Self { public: public.as_ref().to_vec().into(), private })
    }

    /// The secret in `ciphertext`; for another key's ciphertext an unpredictable one, as the standard has it.
    pub(super) fn decapsulate(&self, ciphertext: &[u8; CIPHERTEXT]) -> Option<Secret<32>> {
        let key = DecapsulationKey::new(&ML_KEM_768, &self.private.0).ok()?;
        let shared = key.decapsulate(Ciphertext::from(&ciphertext[..])).ok()?;
        shared.as_ref().try_into().ok().map(Secret)
    }
}

/// A fresh secret, and the ciphertext that tells it to the owner of `public`.
pub(super) fn encapsulate(public: &[u8]) -> Result<([u8; CIPHERTEXT], Secret<32>), KeyUnusable> {
    const UNFIT: KeyUnusable = KeyUnusable("it is no post-quantum key");
    let key = EncapsulationKey::new(&ML_KEM_768, public).map_err(|_| UNFIT)?;
    let (ciphertext, shared) = key.encapsulate().map_err(|_| UNFIT)?;
    let secret = shared.as_ref().try_into().map(Secret).map_err(|_| UNFIT)?;
    Ok((ciphertext.as_ref().try_into().map_err(|_| UNFIT)?, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_have_the_secret_and_nobody_else() {
        let (bob, carol) = (KemPair::generate().unwrap(), KemPair::generate().unwrap());
        assert_eq!((bob.public.len(), bob.private.0.len()), (1184, 2400));
        let (ciphertext, secret) = encapsulate(&bob.public).unwrap();
        assert_eq!(bob.decapsulate(&ciphertext).as_ref(), Some(&secret));
        assert_ne!(carol.decapsulate(&ciphertext).as_ref(), Some(&secret));
        assert_ne!(encapsulate(&bob.public).unwrap().1, secret, "fresh each time");
    }

    #[test]
    fn keys_that_are_none_are_refused() {
        for unfit in [vec![], vec![0; 1183], vec![0xff; 1184], vec![7; 2400]] {
            assert!(encapsulate(&unfit).is_err(), "{} bytes", unfit.len());
        }
    }

    #[test]
    fn debug_shows_no_private_key() {
        assert!(format!("{:?}", KemPair::generate().unwrap()).contains("private: [secret]"));
    }
}
