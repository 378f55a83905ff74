//! The members that this one knows on a hub, by name.

use std::collections::BTreeMap;

use super::Pin;
use crate::types::{Fingerprint, MemberName};

/// Members that are remembered on one hub: their file stays below the largest that is read back.
pub(super) const MAX_PINS: usize = 65_536;

/// Pins by name. Guests have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    members: BTreeMap<MemberName, Pin>,
}

impl Pins {
    /// What is known under this name.
    #[must_use]
    pub fn find(&self, name: &MemberName) -> Option<&Pin> {
        self.members.get(name)
    }

    /// Everybody, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = &Pin> {
        self.members.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nobody is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Puts `pin` in place of what was known under its name. When there are too many, the one that was taken in
    /// longest ago goes, but none that a user had a say in.
    pub fn put(&mut self, pin: Pin) {
        // The key is the name as it was typed, like the value: an insert alone would keep the old one.
        self.members.remove(&pin.name);
        if self.members.len() >= MAX_PINS {
            self.forget_oldest();
        }
        self.members.insert(pin.name.clone(), pin);
    }

    /// Whether nothing of whoever holds these keys is shown, whatever it calls itself.
    #[must_use]
    pub fn is_blocked(&self, fingerprint: &Fingerprint) -> bool {
        self.members.values().any(|pin| pin.blocked && pin.fingerprint == *fingerprint)
    }

    fn forget_oldest(&mut self) {
        let dispensable = self.members.values().filter(|pin| !pin.verified && !pin.blocked);
        let oldest = dispensable.min_by_key(|pin| pin.since).map(|pin| pin.name.clone());
        oldest.and_then(|name| self.members.remove(&name));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::client::trust) fn pin(name: &str, number: u8) -> Pin {
        Pin {
            name: name.parse().unwrap(),
            fingerprint: Fingerprint([number; 32]),
            sequence: 3,
            since: 1_790_000_000_000,
            known: true,
            verified: false,
            blocked: false,
        }
    }

    #[test]
    fn twins_of_a_name_are_one_member() {
        let mut pins = Pins::default();
        pins.put(pin("Zoë", 1));
        pins.put(pin("ZOE\u{308}", 2));
        assert_eq!(pins.len(), 1);
        let found = pins.find(&"zoë".parse().unwrap()).unwrap();
        assert_eq!((found.name.as_str(), found.fingerprint), ("ZOË", Fingerprint([2; 32])));
    }

    #[test]
    fn blocked_keys_stay_blocked_under_another_name() {
        let mut pins = Pins::default();
        pins.put(Pin { blocked: true, ..pin("bob", 1) });
        pins.put(pin("carol", 2));
        assert!(pins.is_blocked(&Fingerprint([1; 32])) && !pins.is_blocked(&Fingerprint([2; 32])));
    }

    #[test]
    fn of_too_many_the_oldest_goes_but_none_that_matters() {
        let mut pins = Pins::default();
        pins.put(Pin { since: 1, verified: true, ..pin("verified", 1) });
        pins.put(Pin { since: 2, blocked: true, ..pin("blocked", 1) });
        pins.put(Pin { since: 3, ..pin("oldest", 1) });
        for number in 3..=MAX_PINS {
            pins.put(pin(&format!("m{number}"), 1));
        }
        assert_eq!(pins.len(), MAX_PINS);
        let knows = |name: &str| pins.find(&name.parse().unwrap()).is_some();
        assert!(knows("verified") && knows("blocked") && !knows("oldest") && knows("m3"));
    }
}
