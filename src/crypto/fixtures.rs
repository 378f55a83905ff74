//! What the tests of this folder share: seeded randomness and members.

use std::sync::LazyLock;

use rand::{SeedableRng as _, rngs::StdRng};
use sha2::{Digest as _, Sha256};

use super::{
    identity::Identity,
    passphrase::Passphrase,
    policy::ModulusSize,
    provider::{CryptoProvider as _, SecretKeys},
    record::VerifiedRecord,
    rsa_provider::RsaProvider,
    testing::InsecureProvider,
};
use crate::types::KeyRecord;

/// Milliseconds since 1970 at which the members here are made.
pub(super) const NOW: u64 = 1_790_000_000_000;

pub(super) fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// A member of the insecure provider; the same name gives the same keys.
pub(super) fn member(name: &str) -> Identity {
    let mut rng = StdRng::from_seed(Sha256::digest(name).into());
    Identity::generate(&InsecureProvider, &name.parse().unwrap(), NOW, &mut rng).unwrap()
}

pub(super) fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned().into()).unwrap()
}

/// Signs a record that was changed, as only the owner of its keys can.
pub(super) fn sign_record(owner: &Identity, record: &mut KeyRecord) {
    record.signature = owner.keys().sign(&record.signed_bytes(), &mut rng(0)).unwrap().into();
}

pub(super) fn verified(member: &Identity) -> VerifiedRecord {
    member.verified_record().clone()
}

/// Two members' real keys of 2048 bits, made once.
pub(super) fn rsa_keys() -> &'static [Box<dyn SecretKeys>; 2] {
    static KEYS: LazyLock<[Box<dyn SecretKeys>; 2]> = LazyLock::new(|| {
        let provider = RsaProvider::new(ModulusSize::Bits2048);
        [11, 12].map(|seed| provider.generate(&mut rng(seed)).unwrap())
    });
    &KEYS
}

/// Two members, `member0` and `member1`, with real keys of 2048 bits, made once.
pub(super) fn rsa_member(number: usize) -> &'static Identity {
    static MEMBERS: LazyLock<[Identity; 2]> = LazyLock::new(|| {
        let provider = RsaProvider::new(ModulusSize::Bits2048);
        [0, 1].map(|number| {
            let name = format!("member{number}").parse().unwrap();
            Identity::generate(&provider, &name, NOW, &mut rng(21 + number)).unwrap()
        })
    });
    &MEMBERS[number]
}
