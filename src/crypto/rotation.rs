//! A member's change of keys, vouched for by the keys that it gives up.
//!
//! A record tells of the last changes, oldest first. Each is signed by the signing key that was given up then, over a
//! domain, the folded name, the fingerprint of the old keys and that of the keys that came next. So whoever knew one
//! of the old keys can tell that the record is the same member's.

use std::collections::HashSet;

use rand::CryptoRng;

use super::{
    provider::{CryptoProvider, KeyUnusable, SecretKeys, WeakKey},
    transcript,
};
use crate::types::{Fingerprint, KeyRecord, MemberName, PublicKeys, Rotation, limits::MAX_ROTATIONS};

/// What is wrong with the changes of keys that a record tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotationError {
    /// Each costs whoever checks it a signature.
    #[error("the record tells of {0} changes of keys, more than the {MAX_ROTATIONS} that are taken")]
    TooMany(usize),
    /// A key that was given up breaks the policy: anybody could have signed with it.
    #[error("keys that were given up are weak: {0}")]
    Weak(#[from] WeakKey),
    /// A member that goes back to earlier keys, or uses one twice.
    #[error("a key occurs twice in the record")]
    RepeatedKey,
    /// Not by the keys that were given up, for another name, or a change in between is missing.
    #[error("a change of keys is not signed by the keys that were given up")]
    Signature,
}

/// The old keys' word for the new ones.
pub(super) fn vouch(
    old: &dyn SecretKeys,
    name: &MemberName,
    new: Fingerprint,
    rng: &mut dyn CryptoRng,
) -> Result<Rotation, KeyUnusable> {
    let keys = old.public().clone();
    let signature = old.sign(&signed_bytes(name, keys.fingerprint(), new), rng)?.into();
    Ok(Rotation { keys, signature })
}

/// The fingerprints that the record of `name` had before, oldest first. Costs a signature check for each, none before
/// all of the keys keep the policy.
pub(super) fn verify_all(
    provider: &dyn CryptoProvider,
    name: &MemberName,
    record: &KeyRecord,
) -> Result<Vec<Fingerprint>, RotationError> {
    let rotations = &record.rotations;
    if rotations.len() > MAX_ROTATIONS {
        return Err(RotationError::TooMany(rotations.len()));
    }
    let all: Vec<&PublicKeys> = rotations.iter().map(|rotation| &rotation.keys).chain([&record.keys]).collect();
    let mut seen = HashSet::new();
    if !all.iter().flat_map(|keys| [&*keys.signing, &*keys.sealing]).all(|key| seen.insert(key)) {
        return Err(RotationError::RepeatedKey);
    }
    for rotation in rotations {
        provider.check(&rotation.keys.signing)?;
        provider.check(&rotation.keys.sealing)?;
    }
    let fingerprints: Vec<Fingerprint> = all.iter().map(|keys| keys.fingerprint()).collect();
    let steps = rotations.iter().zip(fingerprints.windows(2));
    for (rotation, step) in steps {
        let signed = signed_bytes(name, step[0], step[1]);
        if !provider.verify(&rotation.keys.signing, &signed, &rotation.signature) {
            return Err(RotationError::Signature);
        }
    }
    Ok(fingerprints[..rotations.len()].to_vec())
}

fn signed_bytes(name: &MemberName, old: Fingerprint, new: Fingerprint) -> Vec<u8> {
    transcript::transcript(transcript::ROTATION, &[name.folded().as_bytes(), &old.0, &new.0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crypto::{
            Identity,
            fixtures::{NOW, member, rng, sign_record},
            record::{RecordError, VerifiedRecord, verify_record},
            testing::InsecureProvider,
        },
        types::{limits::MAX_KEY_RECORD, wire},
    };

    const FAST: InsecureProvider = InsecureProvider;

    /// Bob with this many changes of keys, and every identity that he had, oldest first.
    fn rotated(changes: u64) -> Vec<Identity> {
        let mut all = vec![member("Bob")];
        for change in 0..changes {
            let next = all[all.len() - 1].rotate(&FAST, None, NOW + change, &mut rng(100 + change)).unwrap();
            all.push(next);
        }
        all
    }

    fn check(record: KeyRecord) -> Result<VerifiedRecord, RecordError> {
        let expected = record.fingerprint();
        verify_record(&FAST, record, expected)
    }

    /// The last of `all` with its record changed and signed again, as only the owner of its keys can.
    fn resigned(all: &[Identity], change: impl FnOnce(&mut KeyRecord)) -> RecordError {
        let newest = &all[all.len() - 1];
        let mut record = newest.record().clone();
        change(&mut record);
        sign_record(newest, &mut record);
        check(record).unwrap_err()
    }

    #[test]
    fn a_record_descends_from_the_keys_that_it_had() {
        let all = rotated(3);
        let record = check(all[3].record().clone()).unwrap();
        for identity in &all {
            assert!(record.descends_from(identity.fingerprint()), "{identity:?}");
        }
        assert!(!record.descends_from(member("mallory").fingerprint()));
        let first = check(all[0].record().clone()).unwrap();
        assert!(first.descends_from(all[0].fingerprint()));
        assert!(!first.descends_from(all[1].fingerprint()), "not from what came later");
    }

    #[test]
    fn the_oldest_changes_are_forgotten() {
        let all = rotated(6);
        let record = check(all[6].record().clone()).unwrap();
        assert_eq!(record.record().rotations.len(), MAX_ROTATIONS);
        let known: Vec<_> = all.iter().map(|identity| record.descends_from(identity.fingerprint())).collect();
        assert_eq!(known, [false, false, true, true, true, true, true]);
    }

    #[test]
    fn sequences_grow_with_each_change_whatever_the_clock_says() {
        let bob = member("bob");
        let later = bob.rotate(&FAST, None, NOW + 7, &mut rng(1)).unwrap();
        assert_eq!(later.record().sequence, NOW + 7);
        let set_back = later.rotate(&FAST, None, 5, &mut rng(2)).unwrap();
        assert_eq!(set_back.record().sequence, NOW + 8);
    }

    #[test]
    fn a_chain_that_was_tampered_with_is_refused() {
        let all = rotated(3);
        let mallory = member("mallory");
        let twin = vouch(mallory.keys(), all[3].name(), all[3].fingerprint(), &mut rng(0)).unwrap();
        let other_name = vouch(all[2].keys(), mallory.name(), all[3].fingerprint(), &mut rng(0)).unwrap();
        let refused = |what: &str, change: &dyn Fn(&mut KeyRecord)| {
            let error = resigned(&all, |record| change(record));
            assert_eq!(error, RecordError::Rotation(RotationError::Signature), "{what}");
        };
        refused("a change left out", &|record| _ = record.rotations.remove(1));
        refused("the newest left out", &|record| _ = record.rotations.pop());
        refused("two changed places", &|record| record.rotations.swap(0, 1));
        refused("someone else's keys put before", &|record| {
            record.rotations.insert(0, Rotation { keys: mallory.record().keys.clone(), ..record.rotations[0].clone() });
        });
        refused("someone else's word at the end", &|record| record.rotations.push(twin.clone()));
        refused("a word for another name", &|record| record.rotations[2] = other_name.clone());
        refused("a bit of a signature", &|record| {
            let mut signature = record.rotations[0].signature.to_vec();
            signature[9] ^= 1;
            record.rotations[0].signature = signature.into();
        });
        refused("no signature", &|record| record.rotations[1].signature = Vec::new().into());
        refused("one of two keys", &|record| {
            record.rotations[1].keys.sealing = mallory.record().keys.sealing.clone();
        });
        // The oldest may be left out: that is what happens to them anyway.
        let mut shorter = all[3].record().clone();
        shorter.rotations.remove(0);
        sign_record(&all[3], &mut shorter);
        assert!(!check(shorter).unwrap().descends_from(all[0].fingerprint()));
    }

    #[test]
    fn rotations_are_covered_by_the_record_s_own_signature() {
        let mut record = rotated(2).remove(2).record().clone();
        record.rotations.clear();
        assert_eq!(check(record).unwrap_err(), RecordError::Signature);
    }

    #[test]
    fn more_changes_than_are_taken() {
        let all = rotated(5);
        let error = resigned(&all, |record| {
            let oldest = vouch(all[0].keys(), all[0].name(), all[1].fingerprint(), &mut rng(0)).unwrap();
            record.rotations.insert(0, oldest);
        });
        assert_eq!(error, RecordError::Rotation(RotationError::TooMany(5)));
    }

    #[test]
    fn a_key_that_comes_back_is_refused() {
        let all = rotated(2);
        let repeated = RecordError::Rotation(RotationError::RepeatedKey);
        // Bob gives his newest keys up for the very same keys.
        let circle = vouch(all[2].keys(), all[2].name(), all[2].fingerprint(), &mut rng(0)).unwrap();
        assert_eq!(resigned(&all, |record| record.rotations.push(circle)), repeated);
        let again = vouch(all[0].keys(), all[0].name(), all[2].fingerprint(), &mut rng(0)).unwrap();
        assert_eq!(resigned(&all, |record| record.rotations.push(again)), repeated);
        let one_for_both = resigned(&all, |record| {
            record.rotations[0].keys.sealing = record.rotations[0].keys.signing.clone();
        });
        assert_eq!(one_for_both, repeated);
    }

    #[test]
    fn a_record_with_all_that_it_may_hold_is_not_too_large() {
        use crate::{
            crypto::{ModulusSize, RsaProvider},
            types::{Bundle, CurveKey},
        };
        // Keys of 2048 bits are made in no time; what larger ones would add is added by hand.
        let provider = RsaProvider::new(ModulusSize::Bits2048);
        let mut identity = Identity::generate(&provider, &"x".repeat(64).parse().unwrap(), NOW, &mut rng(1)).unwrap();
        for seed in 0..4 {
            identity = identity.rotate(&provider, None, NOW, &mut rng(2 + seed)).unwrap();
        }
        let bundle = Bundle { identity: CurveKey([1; 32]), fallback: CurveKey([2; 32]), kem: vec![3; 1184].into() };
        let identity = identity.with_bundle(Some(bundle), NOW, &mut rng(9)).unwrap();
        let bytes = wire::to_bytes(identity.record());
        let larger = bytes.len() + 5 * 3 * (512 - 256);
        assert!(larger < MAX_KEY_RECORD, "{} bytes, {larger} with keys of 4096 bits", bytes.len());
        assert_eq!(KeyRecord::decode(&bytes).unwrap(), *identity.record());
    }
}
