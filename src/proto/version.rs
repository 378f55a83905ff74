//! Which versions of the protocol are spoken, and which one two ends agree on.

/// The versions that this program speaks, best last.
pub const VERSIONS: &[u16] = &[1];

/// The highest version that both ends speak, if there is one.
///
/// ```
/// assert_eq!(securestream::proto::negotiate(&[1, 2, 9]), Some(1));
/// assert_eq!(securestream::proto::negotiate(&[9]), None);
/// ```
#[must_use]
pub fn negotiate(offered: &[u16]) -> Option<u16> {
    VERSIONS.iter().copied().filter(|version| offered.contains(version)).max()
}
