//! The hash chain over all states of a directory: whoever has the same head at an epoch has seen the same
//! directory, now and before.
//!
//! ```text
//!   head = SHA-256(T("securestream/v1/directory-head", head before, epoch u64 (BE), state))
//! ```
//!
//! Epochs grow, and may leave numbers out: a hub that starts again goes on well above what it may have told
//! before it ended.

use std::collections::VecDeque;

use sha2::{Digest as _, Sha256};

use crate::types::{DirectoryHead, DirectorySequence, Head, StateHash, limits::MAX_HEADS};

const HEAD: &[u8] = b"securestream/v1/directory-head";

/// The head after a change that led to `state` and has the number `epoch`.
#[must_use]
pub fn advance(before: Head, epoch: DirectorySequence, state: StateHash) -> DirectoryHead {
    let mut hash = Sha256::new();
    for part in [HEAD, &before.0, &epoch.0.to_be_bytes(), &state.0] {
        hash.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(part);
    }
    DirectoryHead { epoch, head: Head(hash.finalize().into()) }
}

/// A link of the chain: the number of a change and the state after it.
pub type Link = (DirectorySequence, StateHash);

/// The end of a chain, with its last [`MAX_HEADS`] links.
#[derive(Clone, Debug)]
pub struct Chain {
    end: DirectoryHead,
    /// Before the last change.
    previous: Head,
    /// Before the oldest link that is kept.
    base: DirectoryHead,
    links: VecDeque<Link>,
}

impl Default for Chain {
    fn default() -> Self {
        Self::from(DirectoryHead::FIRST)
    }
}

impl From<DirectoryHead> for Chain {
    /// A chain that goes on from there; what was before is not known.
    fn from(end: DirectoryHead) -> Self {
        Self { end, previous: end.head, base: end, links: VecDeque::new() }
    }
}

impl Chain {
    /// The end of the chain.
    #[must_use]
    pub fn end(&self) -> DirectoryHead {
        self.end
    }

    /// The end of the chain before the oldest link that is kept.
    #[must_use]
    pub fn base(&self) -> DirectoryHead {
        self.base
    }

    /// The links that are kept, oldest first.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.iter()
    }

    /// The head before the last change.
    #[must_use]
    pub fn previous(&self) -> Head {
        self.previous
    }

    /// Adds a change.
    pub fn push(&mut self, epoch: DirectorySequence, state: StateHash) {
        self.previous = self.end.head;
        self.end = advance(self.end.head, epoch, state);
        self.links.push_back((epoch, state));
        if self.links.len() > MAX_HEADS
            && let Some((oldest, state)) = self.links.pop_front()
        {
            self.base = advance(self.base.head, oldest, state);
        }
    }

    /// The links after `epoch`; `None` when the chain was never there, or no longer knows it.
    #[must_use]
    pub fn after(&self, epoch: DirectorySequence) -> Option<impl Iterator<Item = &Link>> {
        let known = epoch == self.base.epoch || self.links.iter().any(|(number, _)| *number == epoch);
        known.then(|| self.links.iter().filter(move |(number, _)| *number > epoch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: fn(u8) -> StateHash = |number| StateHash([number; 32]);

    fn chain(states: &[u8]) -> Chain {
        let mut chain = Chain::default();
        for (number, state) in (1..).zip(states) {
            chain.push(DirectorySequence(number), STATE(*state));
        }
        chain
    }

    #[test]
    fn two_histories_never_meet_again() {
        let (one, other) = (chain(&[1, 2, 3, 3]), chain(&[1, 9, 3, 3]));
        assert_eq!(one.end().epoch, other.end().epoch);
        assert_ne!(one.end().head, other.end().head);
        assert_eq!(one.end(), chain(&[1, 2, 3, 3]).end());
        assert_ne!(
            advance(Head::FIRST, DirectorySequence(1), STATE(1)),
            advance(Head::FIRST, DirectorySequence(2), STATE(1))
        );
    }

    #[test]
    fn whoever_was_away_folds_the_links_since_and_gets_the_same_head() {
        let chain = chain(&[1, 2, 3, 4]);
        let mut seen = Chain::default();
        seen.push(DirectorySequence(1), STATE(1));
        seen.push(DirectorySequence(2), STATE(2));
        let mut head = seen.end();
        for (epoch, state) in chain.after(head.epoch).unwrap() {
            head = advance(head.head, *epoch, *state);
        }
        assert_eq!(head, chain.end());
        assert_eq!(advance(chain.previous(), DirectorySequence(4), STATE(4)), chain.end());
    }

    #[test]
    fn the_links_that_are_kept_have_an_end() {
        let mut long = Chain::default();
        for number in 1..=MAX_HEADS as u64 + 10 {
            long.push(DirectorySequence(2 * number), STATE(1));
        }
        assert!(long.after(DirectorySequence(0)).is_none(), "forgotten");
        assert!(long.after(DirectorySequence(101)).is_none(), "never there");
        assert_eq!(long.after(DirectorySequence(20)).unwrap().count(), MAX_HEADS);
        assert_eq!(long.after(long.end().epoch).unwrap().count(), 0);
        let mut again = Chain::from(long.base());
        for (epoch, state) in long.links() {
            again.push(*epoch, *state);
        }
        assert_eq!((again.end(), again.previous()), (long.end(), long.previous()));
    }
}
