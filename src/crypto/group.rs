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
//!
//! For a member that is known to have a session with the sender the block is a session's, see `session/slot.rs`: forward
//! secret, without RSA, and to everyone else the same random bytes. All blocks have their top bit clear.

use rand::CryptoRng;

use super::{
    envelope::{self, Closed, HeaderHash},
    identity::Identity,
    key_block,
    letter::{self, Address, Draft, Letter, LetterError, Opened, Stream},
    provider::{CryptoProvider, KeyUnusable},
    receipt::ReceiptSecret,
    record::VerifiedRecord,
    seal::{SealError, check_size},
    secret::Secret,
    session::{Position, Sessions, Step},
    transcript,
};
use crate::types::{Fingerprint, MessageId, wire::Blob};

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
    let mut slots = Slots { provider, by: None, id: draft.id, step: Step::default() };
    seal(from, to, draft, &mut slots, rng)
}

/// As [`seal_group`], by sessions with those that are known to have one. Costs no public operation for these. Post the
/// record only once the step is kept and committed. `now` is in milliseconds since 1970-01-01 UTC.
///
/// # Errors
/// See [`SealError`].
pub fn seal_group_in_sessions(
    provider: &dyn CryptoProvider,
    (from, sessions): (&Identity, &Sessions),
    to: &[&VerifiedRecord],
    draft: &Draft<'_>,
    now: u64,
    rng: &mut dyn CryptoRng,
) -> Result<(SealedGroup, Step), SealError> {
    let mut slots = Slots { provider, by: Some((sessions, now)), id: draft.id, step: Step::default() };
    let sealed = seal(from, to, draft, &mut slots, rng)?;
    Ok((sealed, slots.step))
}

fn seal(
    from: &Identity,
    to: &[&VerifiedRecord],
    draft: &Draft<'_>,
    slots: &mut Slots<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<SealedGroup, SealError> {
    let provider = slots.provider;
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
        header.extend_from_slice(&member.fingerprint().0[..PREFIX]);
        header.extend_from_slice(&slots.block(member, &content_key, &slot_key, rng)?);
        receipts.push((member.fingerprint(), shared.of_member(&slot_key, member.fingerprint())));
    }

    let h = HeaderHash::new(transcript::GROUP_HEADER, provider.suite(), &header);
    let fingerprints: Vec<_> = to.iter().map(|member| member.fingerprint()).collect();
    let address = Address { to: letter::audience_hash(&fingerprints), stream: Stream::Group, h };
    let content = letter::write(from, &address, draft, &shared, rng)?;
    Ok(SealedGroup { bytes: envelope::close(provider.suite(), &header, h, &content_key, &content), receipts })
}

/// A group record that opened by a session, whose letter is not proven yet: every receiver has the key to the body, so
/// until then anyone of them may have written it around another's slots.
#[derive(Debug)]
pub struct OpenedInSession {
    opened: Opened,
    /// This member's block.
    block: Vec<u8>,
    /// Where the sender's own letter stands in the session.
    pub position: Position,
}

impl OpenedInSession {
    /// Who claims to have written it.
    #[must_use]
    pub fn sender(&self) -> Fingerprint {
        self.opened.sender()
    }

    /// See [`Opened::signed`].
    #[must_use]
    pub fn signed(&self) -> (Vec<u8>, Blob) {
        self.opened.signed()
    }

    /// Proves who wrote it. The step, from how the sessions are now, is to be kept and committed before the letter is
    /// shown: the slot will not open again. It is empty when the slot was used up meanwhile.
    ///
    /// # Errors
    /// See [`LetterError`]; the message is then dropped, and the slot stays good for the letter that belongs to it.
    pub fn verify(
        self,
        provider: &dyn CryptoProvider,
        sessions: &Sessions,
        sender: &VerifiedRecord,
    ) -> Result<(Letter, Step), LetterError> {
        let letter = self.opened.verify(provider, sender)?;
        let unwrapped = sessions.unwrap(&self.block).filter(|unwrapped| unwrapped.peer == letter.from);
        Ok((letter, unwrapped.map_or_else(Step::default, |unwrapped| unwrapped.step)))
    }
}

/// Opens a group record in whose slot for this member there is a message of one of its sessions. Nothing for any other:
/// that is for [`open`](super::open) to try.
#[must_use]
pub fn open_group_in_session(
    provider: &dyn CryptoProvider,
    (me, sessions): (&Identity, &Sessions),
    sealed: &[u8],
) -> Option<OpenedInSession> {
    let (_, rest) = sealed.split_first().filter(|(suite, _)| **suite == provider.suite())?;
    let own = OwnSlot::find(provider, me.fingerprint(), rest)?;
    let unwrapped = sessions.unwrap(own.block)?;
    let opened = own.open(provider, me.fingerprint(), &unwrapped.keys)?;
    // The slot proves the other end of the session, the letter its sender: they are one, or somebody moved the slot.
    let is_of_peer = opened.sender() == unwrapped.peer;
    is_of_peer.then(|| OpenedInSession { opened, block: own.block.to_vec(), position: unwrapped.position })
}

/// Opens what stands behind the suite, if there is a slot for this member.
pub(super) fn open(
    provider: &dyn CryptoProvider,
    me: &Identity,
    rest: &[u8],
    rng: &mut dyn CryptoRng,
) -> Option<Opened> {
    let own = OwnSlot::find(provider, me.fingerprint(), rest)?;
    let keys = me.unwrap_block(transcript::GROUP, own.block, rng);
    own.open(provider, me.fingerprint(), &keys)
}

/// A record, and in it the block that is for one member.
struct OwnSlot<'a> {
    header: &'a [u8],
    block: &'a [u8],
    closed: Closed<'a>,
}

impl<'a> OwnSlot<'a> {
    fn find(provider: &dyn CryptoProvider, me: Fingerprint, rest: &'a [u8]) -> Option<Self> {
        let count = usize::from(u16::from_be_bytes(*rest.first_chunk::<COUNT>()?));
        let (header, behind) = rest.split_at_checked(header_length(provider, count))?;
        let closed = Closed::parse(behind)?;
        let mut slots = header[COUNT..].chunks_exact(PREFIX + provider.block_size());
        let block = slots.find_map(|slot| slot.strip_prefix(&me.0[..PREFIX]))?;
        Some(Self { header, block, closed })
    }

    fn open(&self, provider: &dyn CryptoProvider, me: Fingerprint, keys: &Secret<64>) -> Option<Opened> {
        let h = HeaderHash::new(transcript::GROUP_HEADER, provider.suite(), self.header);
        let (mut content_key, mut slot_key) = (Secret([0; 32]), Secret([0; 32]));
        content_key.0.copy_from_slice(&keys.0[..32]);
        slot_key.0.copy_from_slice(&keys.0[32..]);
        let content = self.closed.open(h, &content_key)?;
        let own = |shared: &ReceiptSecret| shared.of_member(&slot_key, me);
        Opened::read(&content, h, Stream::Group, me, own)
    }
}

/// Bytes of count and slots.
fn header_length(provider: &dyn CryptoProvider, receivers: usize) -> usize {
    COUNT + receivers * (PREFIX + provider.block_size())
}

/// Makes the blocks of one record.
struct Slots<'a> {
    provider: &'a dyn CryptoProvider,
    /// Sessions that may be used, and the time.
    by: Option<(&'a Sessions, u64)>,
    id: MessageId,
    step: Step,
}

impl Slots<'_> {
    fn block(
        &mut self,
        member: &VerifiedRecord,
        content_key: &Secret<32>,
        slot_key: &Secret<32>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, KeyUnusable> {
        let mut keys = Secret([0; 64]);
        keys.0[..32].copy_from_slice(&content_key.0);
        keys.0[32..].copy_from_slice(&slot_key.0);
        let size = self.provider.block_size();
        if let Some((sessions, now)) = self.by
            && let Some(block) = sessions.wrap(member, &keys, size, (self.id, now), &mut self.step, rng)
        {
            return Ok(block);
        }
        let sealing = &member.record().keys.sealing;
        key_block::wrap_hidden(self.provider, sealing, transcript::GROUP, &keys.0, rng)
    }
}

/// The same record around another body, which any receiver by RSA can make: all but the signature is right.
#[cfg(test)]
pub(crate) fn forged(provider: &dyn CryptoProvider, insider: &Identity, sealed: &[u8], texts: [&str; 2]) -> Vec<u8> {
    let own = OwnSlot::find(provider, insider.fingerprint(), &sealed[1..]).unwrap();
    let keys: Secret<64> = insider.unwrap_block(transcript::GROUP, own.block, &mut super::fixtures::rng(1));
    let content_key = Secret(*keys.0.first_chunk().unwrap());
    let h = HeaderHash::new(transcript::GROUP_HEADER, provider.suite(), own.header);
    let mut content = own.closed.open(h, &content_key).unwrap().to_vec();
    let at = content.windows(texts[0].len()).position(|part| part == texts[0].as_bytes()).unwrap();
    content[at..at + texts[0].len()].copy_from_slice(texts[1].as_bytes());
    envelope::close(provider.suite(), own.header, h, &content_key, &content)
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
