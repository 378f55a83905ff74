//! Numbers and byte strings that name things, kept apart by type.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::wire::fixed_bytes;

/// Names one link of this process for as long as it runs; never used again, so that an answer that comes late
/// finds nobody instead of somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// A member's own number for one of its plays, unique among the plays of one link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlayId(pub u32);

/// Counts the seeks of one play: packets of an older epoch are stale and dropped by both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlayEpoch(pub u32);

impl PlayEpoch {
    /// The epoch after the next seek.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// Counts the changes of the directory: every join and every leave has the next number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DirectorySequence(pub u64);

impl DirectorySequence {
    /// The number of the next change.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

fixed_bytes! {
    /// Names one post: 16 random bytes, drawn by its sender and the same when it is posted again.
    pub struct MessageId(16);
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for PlayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
