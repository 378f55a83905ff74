//! What an entry of the directory is to this member: one decision for what is sent and what comes.

use super::{Pin, Policy};
use crate::{
    crypto::VerifiedRecord,
    types::{DirectoryEntry, Fingerprint},
};

/// What is known of whoever has these keys under this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A guest under a name that nobody here is known by. Never pinned.
    Guest,
    /// Never had to do with: pinned at the first message, or to be trusted by hand first.
    New { must_be_trusted: bool },
    /// The keys are those that are known.
    Known { verified: bool },
    /// The keys are other ones; whether the known ones vouch for them stands in a key record that is not here yet.
    Unproven,
    /// The keys are other ones, and those that are known vouch for them.
    Rotated { old: Fingerprint },
    /// The keys are other ones, and nothing speaks for them.
    Changed { old: Fingerprint, was_verified: bool },
}

/// What `entry` is to a member that knows `pin` under its name, or nothing. `record` is the key record behind the
/// entry, once it is here.
#[must_use]
pub fn standing(
    entry: &DirectoryEntry,
    pin: Option<&Pin>,
    policy: Policy,
    record: Option<&VerifiedRecord>,
) -> Standing {
    let Some(pin) = pin.filter(|pin| pin.known) else {
        let must_be_trusted = policy == Policy::Known;
        return if entry.guest && !must_be_trusted { Standing::Guest } else { Standing::New { must_be_trusted } };
    };
    if pin.fingerprint == entry.fingerprint {
        return Standing::Known { verified: pin.verified };
    }
    match record {
        // Whoever vouches for its next keys stays a member: a guest under a known name is somebody else.
        Some(record) if !entry.guest && record.descends_from(pin.fingerprint) => {
            Standing::Rotated { old: pin.fingerprint }
        }
        None if !entry.guest => Standing::Unproven,
        _ => Standing::Changed { old: pin.fingerprint, was_verified: pin.verified },
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::{super::pins::tests::pin, *};
    use crate::crypto::{Identity, testing::InsecureProvider};

    const FIRST: Policy = Policy::FirstUse;
    const KNOWN: Policy = Policy::Known;

    fn entry(number: u8, guest: bool) -> DirectoryEntry {
        DirectoryEntry { name: "bob".parse().unwrap(), fingerprint: Fingerprint([number; 32]), guest }
    }

    fn record() -> VerifiedRecord {
        let mut rng = StdRng::seed_from_u64(1);
        let bob = Identity::generate(&InsecureProvider, &"bob".parse().unwrap(), 1, &mut rng).unwrap();
        bob.verified_record().clone()
    }

    #[test]
    fn who_was_never_seen_is_new_and_a_guest_is_a_guest() {
        assert_eq!(standing(&entry(1, false), None, FIRST, None), Standing::New { must_be_trusted: false });
        assert_eq!(standing(&entry(1, false), None, KNOWN, None), Standing::New { must_be_trusted: true });
        assert_eq!(standing(&entry(1, true), None, FIRST, None), Standing::Guest);
        assert_eq!(standing(&entry(1, true), None, KNOWN, None), Standing::New { must_be_trusted: true });
        let blocked = Pin { known: false, blocked: true, ..pin("bob", 2) };
        assert_eq!(standing(&entry(1, false), Some(&blocked), FIRST, None), Standing::New { must_be_trusted: false });
    }

    #[test]
    fn the_same_keys_are_known_under_either_policy() {
        for (policy, guest) in [(FIRST, false), (KNOWN, false), (FIRST, true), (KNOWN, true)] {
            for verified in [true, false] {
                let pin = Pin { verified, ..pin("bob", 1) };
                assert_eq!(standing(&entry(1, guest), Some(&pin), policy, None), Standing::Known { verified });
            }
        }
    }

    #[test]
    fn bad_input_23_other_keys_are_never_accepted_by_themselves() {
        let verified = Pin { verified: true, ..pin("bob", 1) };
        let changed = Standing::Changed { old: Fingerprint([1; 32]), was_verified: true };
        assert_eq!(standing(&entry(2, false), Some(&verified), FIRST, None), Standing::Unproven);
        assert_eq!(standing(&entry(2, false), Some(&verified), FIRST, Some(&record())), changed);
        assert_eq!(standing(&entry(2, true), Some(&verified), FIRST, None), changed, "a guest under a known name");
        assert_eq!(standing(&entry(2, true), Some(&verified), FIRST, Some(&record())), changed);
    }
}
