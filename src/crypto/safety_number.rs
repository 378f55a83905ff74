//! The number that two members compare to be sure that nobody stands between them.
//!
//! ```text
//!   t     = T("securestream/v1/safety-number", folded name, fingerprint)
//!   h(1)  = SHA-512(t),  h(n) = SHA-512(h(n-1) ‖ t)                        up to n = 5200
//!   half  = six times five digits: bytes 0–4, 5–9, … 25–29 of h(5200), big-endian, modulo 100,000
//!   number = the smaller half, then the other
//! ```
//!
//! The shape is that of the numeric fingerprints of Signal: 5,200 rounds make it dear to look for keys that give
//! nearly the same digits, and sorting gives both members the same number.

use std::fmt;

use sha2::{Digest as _, Sha512};

use super::transcript::{SAFETY_NUMBER, transcript};
use crate::types::{Fingerprint, MemberName};

/// How often each half is hashed.
const ROUNDS: u32 = 5200;

/// Digits in one group.
const GROUP: usize = 5;

/// Sixty digits that stand for two members and their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyNumber(String);

impl SafetyNumber {
    /// The number of two members, whichever is named first. Takes some milliseconds.
    #[must_use]
    pub fn of(one: (&MemberName, Fingerprint), other: (&MemberName, Fingerprint)) -> Self {
        let mut halves = [half(one.0, one.1), half(other.0, other.1)];
        halves.sort_unstable();
        Self(halves.concat())
    }

    /// The sixty digits without blanks.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn half(name: &MemberName, fingerprint: Fingerprint) -> String {
    let bytes = transcript(SAFETY_NUMBER, &[name.folded().as_bytes(), &fingerprint.0]);
    let mut hash = Sha512::digest(&bytes);
    for _ in 1..ROUNDS {
        hash = Sha512::new().chain_update(hash).chain_update(&bytes).finalize();
    }
    hash.chunks_exact(GROUP).take(6).map(five_digits).collect()
}

fn five_digits(chunk: &[u8]) -> String {
    let number = chunk.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{:05}", number % 100_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(one: (&str, u8), other: (&str, u8)) -> String {
        let name = |text: &str| text.parse::<MemberName>().unwrap();
        let of =
            SafetyNumber::of((&name(one.0), Fingerprint([one.1; 32])), (&name(other.0), Fingerprint([other.1; 32])));
        of.digits().to_owned()
    }

    #[test]
    fn both_members_see_the_same_sixty_digits() {
        let seen_by_alice = number(("alice", 0xa1), ("bob", 0xb0));
        assert_eq!(seen_by_alice, number(("BOB", 0xb0), ("Alice", 0xa1)));
        assert_eq!(seen_by_alice.len(), 60);
        assert!(seen_by_alice.bytes().all(|digit| digit.is_ascii_digit()));
    }

    #[test]
    fn another_key_or_name_on_either_side_is_another_number() {
        let good = number(("alice", 0xa1), ("bob", 0xb0));
        for other in [
            number(("alice", 0xa1), ("bob", 0xb1)),
            number(("alice", 0xa2), ("bob", 0xb0)),
            number(("alice", 0xa1), ("rob", 0xb0)),
            number(("alice", 0xb0), ("bob", 0xa1)),
        ] {
            assert_ne!(good, other);
        }
    }

    #[test]
    fn the_number_of_alice_and_bob_is_what_it_was() {
        assert_eq!(
            number(("alice", 0xa1), ("bob", 0xb0)),
            "693578070503926291514427258783869633941578046030753205126701"
        );
    }

    #[test]
    fn leading_zeros_stay() {
        assert_eq!(five_digits(&[0, 0, 0, 0, 7]), "00007");
        assert_eq!(five_digits(&[0, 0, 1, 0x86, 0xa1]), "00001", "100,001");
    }
}
