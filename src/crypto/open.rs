//! Opens what the hub relays, whatever kind it is.

use rand::CryptoRng;

use super::{group, identity::Identity, letter::Opened, provider::CryptoProvider, seal};
use crate::types::SealKind;

/// Tries to open a relayed record of kind seal or group; costs one private operation unless its outside shows
/// that it cannot be opened.
///
/// `None` says nothing of why: not for this member, damaged, or made to probe it.
#[must_use]
pub fn open(
    provider: &dyn CryptoProvider,
    me: &Identity,
    kind: SealKind,
    sealed: &[u8],
    rng: &mut dyn CryptoRng,
) -> Option<Opened> {
    let (suite, rest) = sealed.split_first()?;
    if *suite != provider.suite() {
        return None;
    }
    match kind {
        SealKind::Seal => seal::open(provider, me, rest, rng),
        SealKind::Group => group::open(provider, me, rest, rng),
        SealKind::Hello | SealKind::Tagged | SealKind::Other(_) => None,
    }
}
