//! One message for many members: one body, and for each member a slot with the key to it.
//!
//! ```text
//!   ┌───────┬──────────┬─────────────────────────────────────┬────────────┬──────────┐
//!   │ suite │ count    │ count slots, sorted by prefix:      │ commitment │ body     │
//!   │ 1 B   │ u16 (BE) │ prefix 8 B ‖ key block 384 B        │ 32 B       │          │
//!   └───────┴──────────┴─────────────────────────────────────┴────────────┴──────────┘
//!                                      RSA-OAEP(content key 32 B ‖ slot key 32 B, label "securestream/v1/group")
//! ```
//!
//! The header, which `h` covers, is count and slots. The prefix is that of a member's fingerprint: as everyone is a
//! receiver it tells nothing, and a member spends RSA on its own slot only. The slot key, another for each
//! member, makes its receipt its own.

use rand::CryptoRng;
use zeroize::Zeroizing;

use super::{
    envelope::{self, Closed, HeaderHash},
    identity::Identity,
    letter::{self, Address, Draft, Opened, Stream},
    provider::{CryptoProvider, KeyUnusable},
    receipt::ReceiptSecret,
    record::VerifiedRecord,
    seal::{SealError, check_size},
    secret::Secret,
    transcript,
};
use crate::types::Fingerprint;

const COUNT: usize = 2;
const PREFIX: usize = 8;

/// A sealed message to a group, to be posted as [`SealKind::Group`](crate::types::SealKind::Group), the identical
/// bytes again until all have it or it failed.
#[derive(Clone, Debug)]
pub struct SealedGroup {
    /// The drawn layout; at most [`MAX_SEALED`](super::MAX_SEALED) bytes.
    pub bytes: Vec<u8>,
    /// For each receiver, for [`ExpectedReceipts::expect`](super::ExpectedReceipts::expect).
    pub receipts: Vec<(Fingerprint, ReceiptSecret)>,
}

/// Seals `draft` for every member in `to`; one who is named twice counts once. Costs one private operation and as
/// many public ones as there are receivers: 0.15 s for 1,000 at 3072 bits.
///
/// # Errors
/// See [`SealError`].
pub fn seal_group(
    provider: &dyn CryptoProvider,
    from: &Identity,
    to: &[&VerifiedRecord],
    draft: &Draft<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<SealedGroup, SealError> {
    let mut to = to.to_vec();
    to.sort_unstable_by_key(|member| member.fingerprint());
    to.dedup_by_key(|member| member.fingerprint());
    let count = u16::try_from(to.len()).unwrap_or(u16::MAX);
    if count == 0 {
        return Err(SealError::NoReceivers);
    }
    check_size(provider, header_length(provider, to.len()), draft.text.len())?;

    let content_key = Secret::random(rng);
    let shared = ReceiptSecret::random(rng);
    let mut header = Vec::with_capacity(header_length(provider, to.len()));
    header.extend_from_slice(&count.to_be_bytes());
    let mut receipts = Vec::with_capacity(to.len());
    for member in &to {
        let slot_key = Secret::random(rng);
        push_slot(&mut header, provider, member, &content_key, &slot_key, rng)?;
        receipts.push((member.fingerprint(), shared.of_member(&slot_key, member.fingerprint())));
    }

    let h = HeaderHash::new(transcript::GROUP_HEADER, provider.suite(), &header);
    let fingerprints: Vec<_> = to.iter().map(|member| member.fingerprint()).collect();
    let address = Address { to: letter::audience_hash(&fingerprints), stream: Stream::Group, h };
    let content = letter::write(from, &address, draft, &shared, rng)?;
    Ok(SealedGroup { bytes: envelope::close(provider.suite(), &header, h, &content_key, &content), receipts })
}

/// Opens what stands behind the suite, if there is a slot for this member.
pub(super) fn open(
    provider: &dyn CryptoProvider,
    me: &Identity,
    rest: &[u8],
    rng: &mut dyn CryptoRng,
) -> Option<Opened> {
    let count = usize::from(u16::from_be_bytes(*rest.first_chunk::<COUNT>()?));
    let (header, behind) = rest.split_at_checked(header_length(provider, count))?;
    let closed = Closed::parse(behind)?;
    let block = header[COUNT..]
        .chunks_exact(PREFIX + provider.block_size())
        .find_map(|slot| slot.strip_prefix(&me.fingerprint().0[..PREFIX]))?;
    let h = HeaderHash::new(transcript::GROUP_HEADER, provider.suite(), header);
    let keys: Secret<64> = me.unwrap_block(transcript::GROUP, block, rng);
    let (mut content_key, mut slot_key) = (Secret([0; 32]), Secret([0; 32]));
    content_key.0.copy_from_slice(&keys.0[..32]);
    slot_key.0.copy_from_slice(&keys.0[32..]);
    let content = closed.open(h, &content_key)?;
    let own = |shared: &ReceiptSecret| shared.of_member(&slot_key, me.fingerprint());
    Opened::read(&content, h, Stream::Group, me.fingerprint(), own)
}

/// Bytes of count and slots.
fn header_length(provider: &dyn CryptoProvider, receivers: usize) -> usize {
    COUNT + receivers * (PREFIX + provider.block_size())
}

/// Adds one member's slot to the header.
fn push_slot(
    header: &mut Vec<u8>,
    provider: &dyn CryptoProvider,
    member: &VerifiedRecord,
    content_key: &Secret<32>,
    slot_key: &Secret<32>,
    rng: &mut dyn CryptoRng,
) -> Result<(), KeyUnusable> {
    let mut keys = Zeroizing::new([0; 64]);
    keys[..32].copy_from_slice(&content_key.0);
    keys[32..].copy_from_slice(&slot_key.0);
    let block = provider.encrypt(&member.record().keys.sealing, transcript::GROUP, &keys[..], rng)?;
    header.extend_from_slice(&member.fingerprint().0[..PREFIX]);
    header.extend_from_slice(&block);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crypto::{rsa_provider::RsaProvider, seal::longest_text},
        types::limits::MAX_TEXT,
    };

    #[test]
    fn the_documented_numbers_of_receivers_fit() {
        let provider = RsaProvider::default();
        let room = |receivers| longest_text(&provider, header_length(&provider, receivers));
        assert_eq!((room(0), room(80)), (Some(MAX_TEXT), Some(MAX_TEXT)));
        assert!(room(81) < Some(MAX_TEXT));
        assert!(room(200) > Some(950_000) && room(1000) > Some(630_000), "{:?} {:?}", room(200), room(1000));
        assert!(room(2669) > Some(600) && room(2670).is_none() && room(usize::from(u16::MAX)).is_none());
    }
}
