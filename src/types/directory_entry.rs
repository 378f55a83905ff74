//! A member as others see it.

use super::{Fingerprint, MemberName, wire::wire_struct};

wire_struct! {
    /// A line of the directory: a name and what stands for its keys.
    pub struct DirectoryEntry {
        pub name: MemberName,
        pub fingerprint: Fingerprint,
        pub guest: bool,
    }
}
