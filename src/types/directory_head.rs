//! What stands for a directory and all that it was before.

use std::fmt;

use super::{
    DirectorySequence,
    wire::{fixed_bytes, wire_struct},
};

fixed_bytes! {
    /// A hash over the whole directory after one of its changes, see `directory`.
    pub struct StateHash(32);
}

fixed_bytes! {
    /// The end of the hash chain over all states of a directory so far.
    pub struct Head(32);
}

impl Head {
    /// Before the first change.
    pub const FIRST: Self = Self([0; 32]);
}

wire_struct! {
    /// A directory as somebody saw it. Two heads for one epoch are two directories.
    #[derive(Copy)]
    pub struct DirectoryHead {
        /// The number of the last change.
        pub epoch: DirectorySequence,
        /// The chain's end after it.
        pub head: Head,
    }
}

impl DirectoryHead {
    /// Of a directory that nobody has entered yet.
    pub const FIRST: Self = Self { epoch: DirectorySequence(0), head: Head::FIRST };
}

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
