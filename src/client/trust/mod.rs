//! What a member makes of what the hub tells it about others: whose keys it knows, and whether all see the same
//! directory. Pure: the session asks, the keyring keeps.
//!
//! ```text
//!   directory entry ──▶ Pins ──▶ Standing       may this key be written to, is this sender who it was
//!   stamp of a letter ▶ HeadLog ▶ Agreement     has its sender the directory that we have
//!   Heads of the hub ─▶ reconcile ▶ Reconciled  did the directory come from what it was at the last visit
//!                                      │
//!                                      ▼
//!                                  Evidence      a file that others can check
//! ```

mod evidence;
mod heads;
mod pin;
mod pins;
mod pins_file;
mod standing;

pub use evidence::{Evidence, Proof, Witness};
pub use heads::{Agreement, HeadLog, Reconciled, reconcile};
pub use pin::Pin;
pub use pins::Pins;
pub use pins_file::{PinsFileError, decode_pins, encode_pin, encode_pins};
pub use standing::{Standing, standing};

use crate::types::{DirectoryHead, MemberName};

/// Which members' keys are taken for theirs without a word of the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The first key that is seen under a name.
    #[default]
    FirstUse,
    /// Only keys that are pinned already, or that the user trusts by hand.
    Known,
}

/// What follows when the hub is caught at showing members different directories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnEquivocation {
    /// The session ends: nobody reads a script's warnings in time.
    #[default]
    End,
    /// A loud warning; reading goes on, nothing more is sent.
    Warn,
}

/// What a member knows about a hub's other members when a visit begins.
#[derive(Clone, Debug, Default)]
pub struct MemberTrust {
    pub pins: Pins,
    pub policy: Policy,
    pub on_equivocation: OnEquivocation,
    /// The directory at the end of the visit before.
    pub last_seen: Option<DirectoryHead>,
}

/// What is told when a member's known keys vouch for its new ones.
#[must_use]
pub fn rotation_text(name: &MemberName) -> String {
    format!("{name} has new keys, and the old ones vouch for them")
}

/// Something that has to be on the disk.
#[derive(Clone, Debug)]
pub enum Keep {
    /// Each in place of what was known under its name.
    Pins(Vec<Pin>),
    /// The directory as it is now.
    Head(DirectoryHead),
    /// That the hub lied.
    Evidence(Box<Evidence>),
}
