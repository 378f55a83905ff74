//! How long a session lasts and how much of it is kept, each with its reason.

/// Messages that are expected ahead of the last one that came, and keys kept of those that were skipped behind it:
/// what may be lost or reordered on its way.
pub(super) const WINDOW: u32 = 32;

/// Messages without an answer after which a session begins anew: the next would be out of its receiver's window.
pub(super) const MAX_UNACKNOWLEDGED: usize = WINDOW as usize;

/// A message that was not acknowledged for this many milliseconds shows that its receiver does not know the session
/// any more, as after losing its folder: the next message begins anew. A receipt takes half a second.
pub(super) const MAX_SILENCE: u64 = 60_000;

/// Messages that a member sends in one session, and how old it gets, in milliseconds: after that its post-quantum secret
/// is replaced.
pub(super) const MAX_SENT: u32 = 1000;
pub(super) const MAX_AGE: u64 = 24 * 3_600_000;

/// Sessions with one member that are kept of those that it began; and of this member's own, the last that it may send in.
/// Both ends count in the order in which they were made, so neither sends in one that the other dropped.
pub(super) const KEPT: usize = 4;

/// Own sessions with one member that are kept to receive in: its answer may be to a hello that many more followed.
pub(super) const KEPT_OWN: usize = 32;

/// Sessions that are kept in all: those of 512 members who talked last. Each has some 2 kB.
pub(super) const MAX_SESSIONS: usize = 4096;

/// How long the keys of a bundle are published, in milliseconds, and how long they are kept after that for hellos on
/// their way: a week each.
pub(super) const PUBLISHED: u64 = 7 * 24 * 3_600_000;
pub(super) const GRACE: u64 = 7 * 24 * 3_600_000;

/// One-time keys that a member keeps at a hub that relays directly.
pub const ONE_TIME_KEYS: usize = 50;
