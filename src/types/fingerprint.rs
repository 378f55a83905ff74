//! What stands for a member's keys.

use std::fmt;

use super::wire::fixed_bytes;

fixed_bytes! {
    /// SHA-256 over both public keys of a member, see [`PublicKeys::fingerprint`](super::PublicKeys::fingerprint).
    /// Shown as 64 lower-case hexadecimal digits.
    pub struct Fingerprint(32);
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
