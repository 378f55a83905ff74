//! The hash chains that give each tagged record its tag and its outer key.
//!
//! ```text
//!   ck_0 = HKDF(KEM secret, T("securestream/v1/chain", "initiator" | "responder", h))     one chain each way
//!   tag_n 16 B ‖ key_n 32 B ‖ ck_{n+1} 32 B = HKDF(ck_n, "securestream/v1/chain-step")    no salt
//! ```
//!
//! What is used is wiped, so that nobody can go back along a chain.

use std::{collections::VecDeque, fmt};

use hkdf::Hkdf;
use sha2::Sha256;

use super::limits::WINDOW;
use crate::{
    crypto::{
        envelope::{HeaderHash, expand},
        secret::Secret,
        transcript,
    },
    types::wire::{fixed_bytes, wire_struct},
};

/// Bytes of a tag.
pub(super) const TAG: usize = 16;

fixed_bytes! {
    /// What a tagged record is recognised by.
    pub(super) struct Tag(16);
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which end of a session somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Initiator,
    Responder,
}

impl Role {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }

    fn name(self) -> &'static [u8] {
        match self {
            Self::Initiator => b"initiator",
            Self::Responder => b"responder",
        }
    }
}

/// What one record is sealed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) tag: Tag,
    pub(super) key: Secret<32>,
}

/// Where a chain goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChainKey(pub(super) Secret<32>);

impl ChainKey {
    /// The start of the chain that `sender` seals with.
    pub(super) fn root(kem_secret: &Secret<32>, sender: Role, h: HeaderHash) -> Self {
        let info = transcript::transcript(transcript::CHAIN, &[sender.name(), &h.0]);
        let mut key = Secret([0; 32]);
        expand(&Hkdf::<Sha256>::new(None, &kem_secret.0), &info, &mut key.0);
        Self(key)
    }

    /// The link here, and the key after it.
    pub(super) fn step(&self) -> (Link, Self) {
        let mut output = Secret([0; TAG + 64]);
        expand(&Hkdf::<Sha256>::new(None, &self.0.0), transcript::CHAIN_STEP, &mut output.0);
        let (mut link, mut next) = (Link { tag: Tag([0; TAG]), key: Secret([0; 32]) }, Self(Secret([0; 32])));
        link.tag.0.copy_from_slice(&output.0[..TAG]);
        link.key.0.copy_from_slice(&output.0[TAG..TAG + 32]);
        next.0.0.copy_from_slice(&output.0[TAG + 32..]);
        (link, next)
    }
}

/// The chain that this member sends with.
#[derive(Clone, Debug)]
pub(super) struct SendingChain {
    pub(super) key: ChainKey,
    /// Messages that were sent.
    pub(super) next: u32,
}

impl SendingChain {
    pub(super) fn new(key: ChainKey) -> Self {
        Self { key, next: 0 }
    }

    /// Uses up the next link.
    pub(super) fn take(&mut self) -> Link {
        let (link, key) = self.key.step();
        self.key = key;
        self.next = self.next.saturating_add(1);
        link
    }
}

wire_struct! {
    /// A link whose record did not come yet, though a later one did.
    pub(super) struct Skipped {
        pub(super) index: u32,
        tag: Tag,
        key: Secret<32>,
    }
}

/// The chain that the peer sends with: what is expected next, and what was skipped.
#[derive(Clone, Debug)]
pub(super) struct ReceivingChain {
    /// Before the first of `ahead`.
    pub(super) key: ChainKey,
    /// The number of the first of `ahead`.
    pub(super) next: u32,
    ahead: VecDeque<Link>,
    /// Behind the last of `ahead`.
    tip: ChainKey,
    /// At most [`WINDOW`], none older than that many behind `next`.
    pub(super) skipped: Vec<Skipped>,
}

impl ReceivingChain {
    pub(super) fn new(key: ChainKey) -> Self {
        Self::resume(key, 0, Vec::new())
    }

    /// As it was when `key` came next.
    pub(super) fn resume(key: ChainKey, next: u32, skipped: Vec<Skipped>) -> Self {
        let mut chain = Self { tip: key.clone(), key, next, ahead: VecDeque::new(), skipped };
        for _ in 0..WINDOW {
            chain.extend();
        }
        chain
    }

    /// Every tag that is expected, with its number.
    pub(super) fn expected(&self) -> impl Iterator<Item = (Tag, u32)> {
        let ahead = self.ahead.iter().zip(self.next..).map(|(link, index)| (link.tag, index));
        ahead.chain(self.skipped.iter().map(|skipped| (skipped.tag, skipped.index)))
    }

    /// The key of an expected record.
    pub(super) fn key_of(&self, index: u32) -> Option<&Secret<32>> {
        match index.checked_sub(self.next) {
            Some(ahead) => self.ahead.get(ahead as usize).map(|link| &link.key),
            None => self.skipped.iter().find(|skipped| skipped.index == index).map(|skipped| &skipped.key),
        }
    }

    /// Uses up an expected record's key. Gives the numbers that were skipped by it and were not before.
    pub(super) fn take(&mut self, index: u32) -> Vec<u32> {
        let mut missing = Vec::new();
        self.skipped.retain(|skipped| skipped.index != index);
        while self.next <= index {
            let Some(Link { tag, key }) = self.ahead.pop_front() else { break };
            if self.next < index {
                missing.push(self.next);
                self.skipped.push(Skipped { index: self.next, tag, key });
            }
            self.key = self.key.step().1;
            self.next += 1;
            self.extend();
        }
        let oldest = self.next.saturating_sub(WINDOW + 1);
        self.skipped.retain(|skipped| skipped.index >= oldest);
        missing
    }

    fn extend(&mut self) {
        let (link, tip) = self.tip.step();
        self.ahead.push_back(link);
        self.tip = tip;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chains() -> (SendingChain, ReceivingChain) {
        let root = || ChainKey::root(&Secret([1; 32]), Role::Initiator, HeaderHash([2; 32]));
        (SendingChain::new(root()), ReceivingChain::new(root()))
    }

    #[test]
    fn each_end_and_each_hello_has_chains_of_its_own() {
        let root = |secret, role, h| ChainKey::root(&Secret([secret; 32]), role, HeaderHash([h; 32]));
        let one = root(1, Role::Initiator, 2);
        assert_eq!(one, root(1, Role::Initiator, 2));
        for other in [root(1, Role::Responder, 2), root(9, Role::Initiator, 2), root(1, Role::Initiator, 9)] {
            assert_ne!(one, other);
        }
        assert_eq!(Role::Initiator.other().other(), Role::Initiator);
    }

    #[test]
    fn the_next_32_are_expected_and_32_behind() {
        let (mut sending, mut receiving) = chains();
        let links: Vec<_> = (0..100).map(|_| sending.take()).collect();
        assert!(links.iter().zip(links.iter().skip(1)).all(|(one, next)| one.tag != next.tag && one.key != next.key));
        let tags = |chain: &ReceivingChain| chain.expected().collect::<std::collections::BTreeMap<_, _>>();
        assert_eq!(tags(&receiving), links[..32].iter().zip(0..).map(|(link, index)| (link.tag, index)).collect());
        assert_eq!(receiving.take(31), (0..31).collect::<Vec<_>>());
        assert_eq!(tags(&receiving).len(), 32 + 31);
        assert_eq!(receiving.key_of(7), Some(&links[7].key));
        assert!(receiving.take(7).is_empty());
        assert_eq!(receiving.key_of(7), None, "used up");
        assert_eq!(receiving.take(33), [32]);
        assert_eq!(receiving.key_of(0), None, "33 behind the last");
        assert_eq!(receiving.key_of(1), Some(&links[1].key), "32 behind the last");
        assert_eq!(receiving.key_of(65), Some(&links[65].key));
        assert_eq!(receiving.key_of(66), None);
        assert!(receiving.skipped.len() <= 32);
    }

    #[test]
    fn a_chain_goes_on_where_it_was() {
        let (_, mut receiving) = chains();
        receiving.take(5);
        receiving.take(3);
        let again = ReceivingChain::resume(receiving.key.clone(), receiving.next, receiving.skipped.clone());
        assert!(again.expected().eq(receiving.expected()));
        assert!((0..60).all(|index| again.key_of(index) == receiving.key_of(index)));
    }
}
