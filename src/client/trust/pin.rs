//! What is known about one member.

use crate::types::{Fingerprint, MemberName, wire::wire_struct};

wire_struct! {
    /// A member's name with the keys that it had when this member first had to do with it.
    pub struct Pin {
        pub name: MemberName,
        pub fingerprint: Fingerprint,
        /// Of the newest key record seen; an older one is not used any more. 0 when none was seen.
        pub sequence: u64,
        /// When this fingerprint was taken in, in milliseconds since 1970 by this machine's clock.
        pub since: u64,
        /// Whether these keys are taken for the member's. Not so when all that happened is that it was blocked.
        pub known: bool,
        /// Whether the two compared their safety number.
        pub verified: bool,
        /// Whether nothing of this member is shown.
        pub blocked: bool,
    }
}
