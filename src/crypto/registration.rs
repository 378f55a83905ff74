//! How a member proves to a hub that it holds the keys it registers, and a hub checks that.
//!
//! The proof is a signature over a domain, the link, the hub's nonce, the name and the hash of the key record. It
//! holds for one link and one nonce: it cannot be replayed, and where links are TLS it cannot be passed on.

use sha2::{Digest as _, Sha256};

use super::{
    provider::CryptoProvider,
    record::{self, RecordError, VerifiedRecord},
    rotation::RotationError,
    transcript,
};
use crate::types::{Code, KeyRecord, wire};

/// What a proof answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// What only the two ends of this link share, such as a TLS exporter; empty on a link that has none.
    pub channel_binding: Vec<u8>,
    /// Drawn by the hub for this link.
    pub nonce: [u8; 32],
}

impl Challenge {
    /// What the proof signs: domain, binding, nonce, name, SHA-256 of the encoded record; each length-prefixed.
    pub(super) fn signed_bytes(&self, record: &KeyRecord) -> Vec<u8> {
        let hash = Sha256::digest(wire::to_bytes(record));
        let parts = [&self.channel_binding, &self.nonce[..], record.name.as_bytes(), &hash];
        transcript::transcript(transcript::REGISTRATION, &parts)
    }
}

/// Why a registration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// The record by itself will not do.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Wrong, made for another link or nonce, or replayed.
    #[error("the proof is not for this link, name and keys")]
    BadProof,
}

impl RegistrationError {
    /// What the member is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Record(RecordError::Weak(_) | RecordError::Rotation(RotationError::Weak(_))) => Code::WeakKey,
            Self::Record(RecordError::Name(_)) => Code::BadName,
            Self::Record(_) | Self::BadProof => Code::BadProof,
        }
    }
}

/// Checks a registration: the record by itself, then the proof. Costs two signature checks and one for each
/// rotation, about 0.1 ms each at 3072 bits, none of them before the keys keep the policy.
///
/// # Errors
/// See [`RegistrationError`].
pub fn verify_registration(
    provider: &dyn CryptoProvider,
    record: KeyRecord,
    challenge: &Challenge,
    proof: &[u8],
) -> Result<VerifiedRecord, RegistrationError> {
    let signed = challenge.signed_bytes(&record);
    let verified = record::verify(provider, record)?;
    if provider.verify(&verified.record().keys.signing, &signed, proof) {
        Ok(verified)
    } else {
        Err(RegistrationError::BadProof)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{
        fixtures::{member, rng, rsa_member},
        identity::Identity,
        policy::ModulusSize,
        provider::WeakKey,
        rsa_provider::RsaProvider,
        testing::InsecureProvider,
    };

    fn challenge(number: u8) -> Challenge {
        Challenge { channel_binding: vec![7; 32], nonce: [number; 32] }
    }

    fn register(record: &KeyRecord, challenge: &Challenge, proof: &[u8]) -> Result<VerifiedRecord, RegistrationError> {
        verify_registration(&InsecureProvider, record.clone(), challenge, proof)
    }

    fn prove(identity: &Identity, challenge: &Challenge) -> Vec<u8> {
        identity.prove(challenge, &mut rng(1)).unwrap()
    }

    #[test]
    fn a_proof_for_this_challenge_registers() {
        let bob = member("bob");
        let verified = register(bob.record(), &challenge(1), &prove(&bob, &challenge(1))).unwrap();
        assert_eq!(verified.fingerprint(), bob.fingerprint());

        let (provider, real) = (RsaProvider::new(ModulusSize::Bits2048), rsa_member(0));
        let proof = prove(real, &challenge(2));
        verify_registration(&provider, real.record().clone(), &challenge(2), &proof).unwrap();
        let again = verify_registration(&provider, real.record().clone(), &challenge(3), &proof);
        assert_eq!(again.unwrap_err(), RegistrationError::BadProof);
    }

    #[test]
    fn bad_input_28_proofs_that_are_wrong_or_for_another_challenge_or_link() {
        let (bob, mallory) = (member("bob"), member("mallory"));
        let good = prove(&bob, &challenge(1));
        let other_link = Challenge { channel_binding: vec![8; 32], ..challenge(1) };
        let no_link = Challenge { channel_binding: vec![], ..challenge(1) };
        for (what, challenge, proof) in [
            ("nothing", challenge(1), vec![]),
            ("truncated", challenge(1), good[1..].to_vec()),
            ("another member's", challenge(1), prove(&mallory, &challenge(1))),
            ("the record's signature", challenge(1), bob.record().signature.to_vec()),
            ("another nonce", challenge(2), good.clone()),
            ("another link", other_link, good.clone()),
            ("a link without binding", no_link, good.clone()),
        ] {
            let error = register(bob.record(), &challenge, &proof).unwrap_err();
            assert_eq!(error, RegistrationError::BadProof, "{what}");
            assert_eq!(error.code(), Code::BadProof);
        }
    }

    #[test]
    fn bad_input_29_a_proof_replayed_on_a_new_connection() {
        let bob = member("bob");
        let proof = prove(&bob, &challenge(1));
        register(bob.record(), &challenge(1), &proof).unwrap();
        // A new connection has a nonce of its own.
        assert_eq!(register(bob.record(), &challenge(2), &proof).unwrap_err(), RegistrationError::BadProof);
    }

    #[test]
    fn a_proof_does_not_serve_for_another_record_of_the_same_keys() {
        let bob = member("bob");
        let proof = prove(&bob, &challenge(1));
        let mut renamed = bob.record().clone();
        renamed.name = "rob".into();
        renamed.signature = bob.keys().sign(&renamed.signed_bytes(), &mut rng(0)).unwrap().into();
        assert_eq!(register(&renamed, &challenge(1), &proof).unwrap_err(), RegistrationError::BadProof);
    }

    #[test]
    fn bad_input_25_weak_keys_are_told_as_such() {
        let small = rsa_member(0);
        let larger = RsaProvider::default();
        let proof = prove(small, &challenge(1));
        let error = verify_registration(&larger, small.record().clone(), &challenge(1), &proof).unwrap_err();
        let size = WeakKey::ModulusSize { bits: 2048, wanted: 3072 };
        assert_eq!(error, RegistrationError::Record(RecordError::Weak(size)));
        assert_eq!(error.code(), Code::WeakKey);
    }

    #[test]
    fn bad_input_15_a_record_with_a_bad_name_is_told_as_such() {
        let mut record = member("bob").record().clone();
        record.name = "".into();
        assert_eq!(register(&record, &challenge(1), &[]).unwrap_err().code(), Code::BadName);
    }
}
