//! Key records that were checked.

use super::{
    provider::{CryptoProvider, WeakKey},
    rotation::{self, RotationError},
};
use crate::types::{Fingerprint, KeyRecord, MemberName, NameError};

/// A key record whose name, keys and own signature are good. Sealing and verifying ask for this type, so that an
/// unchecked key is never used.
///
/// It says that whoever signed it holds the signing key, not who that is: the name is a claim.
#[derive(Clone, Debug)]
pub struct VerifiedRecord {
    name: MemberName,
    fingerprint: Fingerprint,
    /// The keys that it had before, oldest first.
    ancestors: Vec<Fingerprint>,
    record: KeyRecord,
}

impl VerifiedRecord {
    /// The name that the member gives itself.
    #[must_use]
    pub fn name(&self) -> &MemberName {
        &self.name
    }

    /// What stands for its keys.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether whoever holds these keys is who held the keys behind `earlier`: the same keys, or some that vouched for
    /// those that led here.
    #[must_use]
    pub fn descends_from(&self, earlier: Fingerprint) -> bool {
        self.fingerprint == earlier || self.ancestors.contains(&earlier)
    }

    /// The same keys with another record, which their owner has just signed.
    pub(super) fn renewed(&self, record: KeyRecord) -> Self {
        Self { record, ..self.clone() }
    }

    /// The record as it came.
    #[must_use]
    pub fn record(&self) -> &KeyRecord {
        &self.record
    }
}

/// What is wrong with a key record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is another member's, or the directory was wrong.
    #[error("the keys have the fingerprint {found} where {expected} was asked for")]
    OtherKeys { expected: Fingerprint, found: Fingerprint },
    /// Not a name that the directory takes.
    #[error("the name does not do: {0}")]
    Name(#[from] NameError),
    /// One of the keys breaks the policy.
    #[error(transparent)]
    Weak(#[from] WeakKey),
    /// Changed by someone without the key, or damaged.
    #[error("the record is not signed by its own key")]
    Signature,
    /// It tells of changes of keys that did not happen.
    #[error(transparent)]
    Rotation(#[from] RotationError),
}

/// Checks a record that was fetched for `expected`, a fingerprint from the directory.
///
/// # Errors
/// See [`RecordError`]. Nothing expensive is done before fingerprint and key sizes are known to be right, and nothing
/// about earlier keys before the record is known to be of whoever holds the keys in it.
pub fn verify_record(
    provider: &dyn CryptoProvider,
    record: KeyRecord,
    expected: Fingerprint,
) -> Result<VerifiedRecord, RecordError> {
    let found = record.fingerprint();
    if found == expected { verify(provider, record) } else { Err(RecordError::OtherKeys { expected, found }) }
}

/// Checks a record by itself.
pub(super) fn verify(provider: &dyn CryptoProvider, record: KeyRecord) -> Result<VerifiedRecord, RecordError> {
    let name: MemberName = record.name.parse()?;
    provider.check(&record.keys.signing)?;
    provider.check(&record.keys.sealing)?;
    if record.keys.signing == record.keys.sealing {
        return Err(WeakKey::SameKey.into());
    }
    if !provider.verify(&record.keys.signing, &record.signed_bytes(), &record.signature) {
        return Err(RecordError::Signature);
    }
    let ancestors = rotation::verify_all(provider, &name, &record)?;
    Ok(VerifiedRecord { name, fingerprint: record.fingerprint(), ancestors, record })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{
        fixtures::{member, rng},
        testing::InsecureProvider,
    };

    fn check(record: KeyRecord) -> Result<VerifiedRecord, RecordError> {
        let expected = record.fingerprint();
        verify_record(&InsecureProvider, record, expected)
    }

    #[test]
    fn a_member_s_own_record_holds() {
        let bob = member("bob");
        let verified = check(bob.record().clone()).unwrap();
        assert_eq!(verified.name().as_str(), "bob");
        assert_eq!(verified.fingerprint(), bob.fingerprint());
        assert_eq!(verified.record(), bob.record());
    }

    #[test]
    fn bad_input_63_a_record_for_another_fingerprint_is_refused() {
        let (bob, mallory) = (member("bob"), member("mallory"));
        let answer = verify_record(&InsecureProvider, mallory.record().clone(), bob.fingerprint());
        let error = RecordError::OtherKeys { expected: bob.fingerprint(), found: mallory.fingerprint() };
        assert_eq!(answer.unwrap_err(), error);
    }

    #[test]
    fn each_part_of_a_record_is_signed() {
        let (bob, mallory) = (member("bob"), member("mallory"));
        let good = bob.record().clone();
        let mut other_name = good.clone();
        other_name.name = "rob".into();
        let mut other_sequence = good.clone();
        other_sequence.sequence += 1;
        let mut other_keys = good.clone();
        other_keys.keys.sealing = mallory.record().keys.sealing.clone();
        let mut no_signature = good.clone();
        no_signature.signature = Vec::new().into();
        for record in [other_name, other_sequence, other_keys, no_signature] {
            assert_eq!(check(record).unwrap_err(), RecordError::Signature);
        }
    }

    #[test]
    fn bad_names_and_keys_are_refused_for_what_they_are() {
        let mut record = member("bob").record().clone();
        record.name = "a/b".into();
        assert_eq!(check(record).unwrap_err(), RecordError::Name(NameError::Forbidden('/')));

        let mut record = member("bob").record().clone();
        record.keys.signing = b"short".to_vec().into();
        assert_eq!(check(record).unwrap_err(), RecordError::Weak(WeakKey::Malformed));

        // One key for both purposes, signed as it should be.
        let bob = member("bob");
        let mut record = bob.record().clone();
        record.keys.sealing = record.keys.signing.clone();
        record.signature = bob.keys().sign(&record.signed_bytes(), &mut rng(0)).unwrap().into();
        assert_eq!(check(record).unwrap_err(), RecordError::Weak(WeakKey::SameKey));
    }
}
