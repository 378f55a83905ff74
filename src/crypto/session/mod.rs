//! Sessions: forward secret, healing after a theft, and with a post-quantum layer around all.
//!
//! ```text
//!            sender                                       receiver
//!   Draft ── Sessions::seal ──► hello, tagged ──► hub ──► open_hello ──► OpenedHello ── join ──► Letter
//!                │                                        open_tagged ─────────────────────────► Letter
//!              Step ─► keep its entry ─► commit             │
//!                                                         Step ─► keep its entry ─► commit
//! ```
//!
//! The first message to somebody is a hello and begins a session with the keys in the receiver's bundle. Once the receiver
//! showed that it has it (by a receipt or a message), messages are tagged: found by their tag in one table, opened by a
//! key that is used once. Every change is a [`Step`]: nothing moves on before a record has opened whole, and nothing
//! is relied upon before its step is kept.
//!
//! Compositions only: the ratchet is Olm's by vodozemac, ML-KEM-768 is aws-lc's. These two draw their keys from the
//! system's randomness themselves; all other randomness, and the time, are arguments.

mod account;
mod chain;
mod hello;
mod journal;
mod kem;
mod limits;
mod note;
mod one;
#[cfg(test)]
mod schedule_tests;
mod sessions;
mod slot;
mod step;
mod tags;
#[cfg(test)]
mod tests;

use std::fmt;

pub use hello::OpenedHello;
pub use journal::{Journal, JournalError};
pub use limits::ONE_TIME_KEYS;
pub use sessions::{Received, SealedInSession, Sessions, SessionsError};
pub use step::Step;

use super::envelope::HeaderHash;
use crate::types::wire::fixed_bytes;

fixed_bytes! {
    /// Names a session at both of its ends.
    pub struct SessionId(16);
}

impl SessionId {
    /// Of the session that a hello with this header begins.
    fn of(h: HeaderHash) -> Self {
        let mut id = Self([0; 16]);
        id.0.copy_from_slice(&h.0[..16]);
        id
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Where a message stands among those of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The session.
    pub session: SessionId,
    /// Counts the peer's tagged messages from 0.
    pub index: u32,
    /// Messages before it that have not come, and that no earlier one told of.
    pub missing: Vec<u32>,
}
