//! One session: Olm's double ratchet, and around it a hash chain each way that began with the post-quantum secret of the
//! hello.
//!
//! ```text
//!   tagged record:  tag_n 16 B ‖ nonce 24 B ‖ XChaCha20-Poly1305(key_n, nonce,
//!                       aad = "securestream/v1/tagged" ‖ tag_n, padded(content))
//!   content:        length u32 ‖ Olm message ‖ zeros up to the length of its note + 100
//! ```
//!
//! The zeros hide how long Olm writes its numbers, which is how many messages there were. Each key seals one record; the
//! nonce is random all the same, so that a member whose disk was set back to an older state does not seal two texts
//! with one key and one nonce. vodozemac draws its ratchet keys from the system's randomness itself.

use std::fmt;

use rand::CryptoRng;
use vodozemac::olm::{Message, OlmMessage, Session as OlmSession, SessionPickle};
use zeroize::Zeroizing;

use super::{
    SessionId,
    chain::{ChainKey, Link, ReceivingChain, Role, SendingChain, Skipped, TAG},
    limits::{MAX_AGE, MAX_SENT, MAX_SILENCE, MAX_UNACKNOWLEDGED},
};
use crate::{
    crypto::{
        aead,
        envelope::HeaderHash,
        padding,
        provider::KeyUnusable,
        secret::{Secret, SecretBytes},
        transcript,
    },
    types::{
        CurveKey, Fingerprint, MessageId,
        wire::{self, wire_struct},
    },
};

const NONCE: usize = 24;
const LENGTH: usize = 4;
/// What Olm adds to a text at most, rounded up: version, ratchet key, counter, block padding and check.
const OLM: usize = 96;
/// Bytes of an encoded session that nobody skipped messages of, rounded up; of each skipped message.
const ENCODED: usize = 4096;
const ENCODED_SKIPPED: usize = 256;

/// A message that was sent and is not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unacknowledged {
    id: MessageId,
    /// In milliseconds since 1970-01-01 UTC.
    sent: u64,
}

/// How a session came to be.
pub(super) struct Origin {
    pub(super) peer: Fingerprint,
    /// The peer's Olm identity key: another one is another folder, which does not have this session.
    pub(super) identity: CurveKey,
    pub(super) role: Role,
    /// In milliseconds since 1970-01-01 UTC.
    pub(super) made: u64,
    /// Its place among all that happened to this member's sessions.
    pub(super) order: u64,
}

/// See the module.
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) origin: Origin,
    /// When the peer last showed that it has the session, in the same count as `order`.
    pub(super) heard: Option<u64>,
    pub(super) sending: SendingChain,
    pub(super) receiving: ReceivingChain,
    unacknowledged: Vec<Unacknowledged>,
    olm: OlmSession,
}

wire_struct! {
    /// A session as it is kept. What is not acknowledged is kept as its number only.
    pub(super) struct SavedSession {
        id: SessionId,
        peer: Fingerprint,
        identity: CurveKey,
        initiator: bool,
        made: u64,
        order: u64,
        heard: Option<u64>,
        sending: Secret<32>,
        sent: u32,
        receiving: Secret<32>,
        received: u32,
        skipped: Vec<Skipped>,
        unacknowledged: Vec<SavedUnacknowledged>,
        olm: SecretBytes,
    }
}

wire_struct! {
    struct SavedUnacknowledged { id: MessageId, sent: u64 }
}

impl SavedSession {
    /// Bytes of its encoding, rounded up.
    pub(super) fn room(&self) -> usize {
        512 + 64 * self.skipped.len() + 32 * self.unacknowledged.len() + self.olm.0.len()
    }
}

impl Session {
    /// A session that a hello with this header and secret begins.
    pub(super) fn new(origin: Origin, kem_secret: &Secret<32>, h: HeaderHash, olm: OlmSession) -> Self {
        let chain = |sender| ChainKey::root(kem_secret, sender, h);
        Self {
            id: SessionId::of(h),
            sending: SendingChain::new(chain(origin.role)),
            receiving: ReceivingChain::new(chain(origin.role.other())),
            origin,
            heard: None,
            unacknowledged: Vec::new(),
            olm,
        }
    }

    /// Whether a message to the owner of `identity` may go by it.
    pub(super) fn is_fit(&self, identity: CurveKey, now: u64) -> bool {
        let is_answered = self.unacknowledged.first().is_none_or(|oldest| oldest.sent.abs_diff(now) < MAX_SILENCE);
        self.heard.is_some()
            && self.origin.identity == identity
            && self.unacknowledged.len() < MAX_UNACKNOWLEDGED
            && is_answered
            && self.sending.next < MAX_SENT
            && self.origin.made.abs_diff(now) < MAX_AGE
    }

    /// Counts a message that goes by it, or that began it.
    pub(super) fn sent(&mut self, id: MessageId, now: u64) {
        self.unacknowledged.push(Unacknowledged { id, sent: now });
    }

    /// The peer has this message: it and those before are no longer waited for. False when it is of another session.
    pub(super) fn acknowledged(&mut self, id: MessageId) -> bool {
        let place = self.unacknowledged.iter().position(|message| message.id == id);
        place.map(|place| self.unacknowledged.drain(..=place)).is_some()
    }

    /// The next tagged record.
    pub(super) fn seal(&mut self, note: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>, KeyUnusable> {
        let Link { tag, key } = self.sending.take();
        let message = self.ratchet(note)?;
        let mut content = Zeroizing::new(Vec::with_capacity(LENGTH + note.len() + OLM));
        content.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
        content.extend_from_slice(&message);
        content.resize(LENGTH + note.len() + OLM, 0);
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let mut body = padding::pad(&content, aead::TAG);
        aead::encrypt(&key, nonce, &[transcript::TAGGED, &tag.0].concat(), &mut body);
        Ok([&tag.0[..], &nonce, &body].concat())
    }

    /// The note in a record whose tag was expected as number `index`, and the session after it.
    pub(super) fn open(&self, index: u32, record: &[u8]) -> Option<(Zeroizing<Vec<u8>>, Self, Vec<u32>)> {
        let (tag, rest) = record.split_first_chunk::<TAG>()?;
        let (nonce, body) = rest.split_first_chunk::<NONCE>()?;
        let aad = [transcript::TAGGED, tag].concat();
        let padded = aead::decrypt(self.receiving.key_of(index)?, *nonce, &aad, body)?;
        let (length, content) = padding::unpad(&padded)?.split_first_chunk::<LENGTH>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        self.received(index, content.get(..length)?)
    }

    /// Opens Olm's part of message `index`; the session is another one after it, and this one stays as it was.
    pub(super) fn received(&self, index: u32, message: &[u8]) -> Option<(Zeroizing<Vec<u8>>, Self, Vec<u32>)> {
        let message = Message::from_bytes(message).ok()?;
        let mut after = self.clone();
        let text = after.olm.decrypt(&OlmMessage::Normal(message)).ok()?;
        let missing = after.receiving.take(index);
        Some((Zeroizing::new(text), after, missing))
    }

    /// Olm's message. Until the peer wrote, Olm puts the keys that began the session in front; the peer has them.
    pub(super) fn ratchet(&mut self, text: &[u8]) -> Result<Vec<u8>, KeyUnusable> {
        match self.olm.encrypt(text) {
            Ok(OlmMessage::Normal(message)) => Ok(message.to_bytes()),
            Ok(OlmMessage::PreKey(message)) => Ok(message.message().to_bytes()),
            Err(_) => Err(KeyUnusable("the peer's ratchet key gives no secret")),
        }
    }

    /// Whether Olm can go on from what the peer wrote: a ratchet key of low order gives no secret.
    pub(super) fn can_answer(&self) -> bool {
        self.clone().ratchet(&[]).is_ok()
    }

    pub(super) fn save(&self) -> SavedSession {
        let capacity = ENCODED + ENCODED_SKIPPED * self.receiving.skipped.len();
        let mut olm = SecretBytes(Zeroizing::new(Vec::with_capacity(capacity)));
        wire::write_to(&mut olm.0, &self.olm.pickle());
        SavedSession {
            id: self.id,
            peer: self.origin.peer,
            identity: self.origin.identity,
            initiator: self.origin.role == Role::Initiator,
            made: self.origin.made,
            order: self.origin.order,
            heard: self.heard,
            sending: self.sending.key.0.clone(),
            sent: self.sending.next,
            receiving: self.receiving.key.0.clone(),
            received: self.receiving.next,
            skipped: self.receiving.skipped.clone(),
            unacknowledged: self
                .unacknowledged
                .iter()
                .map(|message| SavedUnacknowledged { id: message.id, sent: message.sent })
                .collect(),
            olm,
        }
    }

    pub(super) fn load(saved: SavedSession) -> Option<Self> {
        let SavedSession { id, peer, identity, initiator, made, order, heard, .. } = saved;
        let role = if initiator { Role::Initiator } else { Role::Responder };
        let olm = OlmSession::from_pickle(wire::from_own_bytes::<SessionPickle>(&saved.olm.0).ok()?);
        let unacknowledged = saved.unacknowledged.into_iter();
        Some(Self {
            id,
            origin: Origin { peer, identity, role, made, order },
            heard,
            sending: SendingChain { key: ChainKey(saved.sending), next: saved.sent },
            receiving: ReceivingChain::resume(ChainKey(saved.receiving), saved.received, saved.skipped),
            unacknowledged: unacknowledged.map(|saved| Unacknowledged { id: saved.id, sent: saved.sent }).collect(),
            olm,
        })
    }
}

impl Clone for Session {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            origin: Origin { ..self.origin },
            heard: self.heard,
            sending: self.sending.clone(),
            receiving: self.receiving.clone(),
            unacknowledged: self.unacknowledged.clone(),
            olm: OlmSession::from_pickle(self.olm.pickle()),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sent, received) = (self.sending.next, self.receiving.next);
        write!(f, "Session({} with {}, {sent} sent, {received} received)", self.id, self.origin.peer)
    }
}
