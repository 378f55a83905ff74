//! Who gets a post, what it is from outside, and why someone left.

use super::wire::numbered;

numbered! {
    /// How the hub passes posts on.
    pub enum RelayMode {
        /// To every member: a record does not say for whom it is.
        0 => Broadcast "broadcast",
        /// To the receiver that the post names: less traffic, and the hub learns the receiver.
        1 => Direct "direct",
    }
}

numbered! {
    /// What a posted record is, as far as its outside says.
    pub enum SealKind {
        /// One sealed message; costs every member one RSA operation to try.
        0 => Seal "seal",
        /// One body with a key slot for each member.
        1 => Group "group",
        /// The start of a session; its place is kept, no member sends one yet.
        2 => Hello "hello",
        /// A 16-byte tag that its receiver expects, then bytes that only it can open: a receipt.
        3 => Tagged "tagged",
    }
}

numbered! {
    /// Why a member is no longer in the directory.
    pub enum LeaveReason {
        /// It said so.
        0 => Quit "quit",
        /// Its link broke or fell silent, and it did not come back within the grace.
        1 => Lost "lost",
        /// It did not read what was sent to it.
        2 => Slow "slow",
        /// It broke the protocol.
        3 => Refused "refused",
        /// The operator removed it.
        4 => Kicked "kicked",
        /// The operator removed it for good.
        5 => Banned "banned",
        /// The same member came in over another link.
        6 => TakenOver "taken_over",
    }
}
