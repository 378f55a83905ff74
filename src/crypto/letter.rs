//! What stands inside a sealed message, signed by its sender.
//!
//! One MessagePack array:
//!
//! ```text
//!   [ from bin32, to bin32, epoch bin8, head bin32, id bin16, stream u8, sequence bin8, time bin8,
//!     receipt tag bin16, receipt key bin32, text str, signature bin ]
//! ```
//!
//! The signature is over a domain, the hash of the record's header, and every field, each length-prefixed: a letter
//! cannot be taken out of its record, nor wrapped again for someone else. Numbers have 8 bytes whatever their
//! value, so that a count of messages does not show in a length.

use std::fmt;

use rand::CryptoRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{
    envelope::HeaderHash,
    identity::Identity,
    provider::{CryptoProvider, KeyUnusable},
    receipt::{ReceiptSecret, ReceiptTag},
    record::VerifiedRecord,
    secret::Secret,
    transcript,
};
use crate::types::{
    DirectoryHead, DirectorySequence, Fingerprint, Head, MessageId,
    limits::MAX_TEXT,
    wire::{self, Blob, Text, fixed_bytes, wire_struct},
};

/// What a member wants to say, before it is sealed.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    /// Names the post; the same when it is posted again.
    pub id: MessageId,
    /// From [`Counters`](super::Counters): each number once for each audience, ascending.
    pub sequence: u64,
    /// Milliseconds since 1970-01-01 UTC by the sender's clock; shown, never relied on.
    pub time: u64,
    /// The directory as the sender knows it.
    pub stamp: DirectoryHead,
    /// At most [`MAX_TEXT`] bytes; may be empty.
    pub text: &'a str,
}

/// Which of a sender's rows of numbers a message counts in: replays are judged for each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// To one member.
    Direct,
    /// To all.
    Group,
}

impl Stream {
    /// The number that stands for it in bytes.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Direct => 0,
            Self::Group => 1,
        }
    }

    /// The stream with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Direct, Self::Group].into_iter().find(|stream| stream.number() == number)
    }
}

/// A message that is proven to come from its sender and to be for this member.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// Who wrote and signed it.
    pub from: Fingerprint,
    /// Whether it came to this member alone.
    pub stream: Stream,
    /// The sender's name for it, which a receipt repeats.
    pub id: MessageId,
    /// For [`Replay`](super::Replay).
    pub sequence: u64,
    /// Milliseconds since 1970-01-01 UTC by the sender's clock.
    pub time: u64,
    /// The directory as its sender knew it.
    pub stamp: DirectoryHead,
    /// As it was typed: escape it before it reaches a terminal.
    pub text: String,
    /// How to acknowledge it.
    pub receipt: ReceiptSecret,
    pub(super) to: Hash32,
}

impl Letter {
    /// Whether a letter to a group went to exactly these members (this one among them), in any order.
    #[must_use]
    pub fn is_to_group(&self, members: &[Fingerprint]) -> bool {
        self.stream == Stream::Group && self.to.0 == audience_hash(members)
    }
}

impl fmt::Debug for Letter {
    /// Leaves the text out, so that it does not end up in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, stream, id, sequence, text, .. } = self;
        write!(f, "Letter({id} from {from}, {stream:?} {sequence}, {} bytes)", text.len())
    }
}

/// Why an opened message is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// A mistake of the caller, or of the directory it asked.
    #[error("the key record is not the sender's")]
    OtherSender,
    /// Its receiver passed it on as if it had been to this member.
    #[error("it was written to someone else and wrapped again")]
    NotForMe,
    /// Forged, or taken out of another record.
    #[error("it is not signed by its sender")]
    Signature,
    /// A hello whose session cannot be joined: made for keys that are gone, or never good.
    #[error("the session that it begins cannot be joined")]
    Session,
    /// No sender that keeps the rules makes one.
    #[error("its text is longer than {MAX_TEXT} bytes")]
    TooLong,
}

/// A message that opened, whose sender is not proven yet.
pub struct Opened {
    inner: Inner,
    h: HeaderHash,
    stream: Stream,
    me: Fingerprint,
    receipt: ReceiptSecret,
}

impl Opened {
    /// Who claims to have written it: whose key record [`Opened::verify`] needs.
    #[must_use]
    pub fn sender(&self) -> Fingerprint {
        self.inner.from
    }

    /// What its sender signed, text and all, and the signature: with the sender's key all that others need to see that
    /// it said so.
    #[must_use]
    pub fn signed(&self) -> (Vec<u8>, Blob) {
        (self.inner.signed_bytes(self.h).to_vec(), self.inner.signature.clone())
    }

    /// Proves who wrote it, and to whom.
    ///
    /// # Errors
    /// See [`LetterError`]; the message is then dropped and nothing is sent.
    pub fn verify(self, provider: &dyn CryptoProvider, sender: &VerifiedRecord) -> Result<Letter, LetterError> {
        let Self { inner, h, stream, me, receipt } = self;
        if sender.fingerprint() != inner.from {
            return Err(LetterError::OtherSender);
        }
        if stream == Stream::Direct && inner.to.0 != me.0 {
            return Err(LetterError::NotForMe);
        }
        if !provider.verify(&sender.record().keys.signing, &inner.signed_bytes(h), &inner.signature) {
            return Err(LetterError::Signature);
        }
        if inner.text.len() > MAX_TEXT {
            return Err(LetterError::TooLong);
        }
        let (sequence, time) = (inner.sequence.number(), inner.time.number());
        let stamp = DirectoryHead { epoch: DirectorySequence(inner.epoch.number()), head: inner.head };
        let Inner { from, to, id, text: Text(text), .. } = inner;
        Ok(Letter { from, stream, id, sequence, time, stamp, text, receipt, to })
    }

    /// Reads what a body held. `own` turns the receipt secret in it into this member's.
    pub(super) fn read(
        content: &[u8],
        h: HeaderHash,
        stream: Stream,
        me: Fingerprint,
        own: impl FnOnce(&ReceiptSecret) -> ReceiptSecret,
    ) -> Option<Self> {
        let inner: Inner = wire::from_bytes(content).ok()?;
        if inner.stream != stream.number() {
            return None;
        }
        let receipt = own(&ReceiptSecret { tag: inner.receipt_tag, key: inner.receipt_key.clone() });
        Some(Self { inner, h, stream, me, receipt })
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened(claims to be from {})", self.inner.from)
    }
}

/// To whom a letter goes, and in which record.
pub(super) struct Address {
    pub(super) to: [u8; 32],
    pub(super) stream: Stream,
    pub(super) h: HeaderHash,
}

/// Signs and encodes a letter.
pub(super) fn write(
    from: &Identity,
    address: &Address,
    draft: &Draft<'_>,
    receipt: &ReceiptSecret,
    rng: &mut dyn CryptoRng,
) -> Result<Zeroizing<Vec<u8>>, KeyUnusable> {
    let mut inner = Inner {
        from: from.fingerprint(),
        to: Hash32(address.to),
        epoch: Eight::of(draft.stamp.epoch.0),
        head: draft.stamp.head,
        id: draft.id,
        stream: address.stream.number(),
        sequence: Eight::of(draft.sequence),
        time: Eight::of(draft.time),
        receipt_tag: receipt.tag,
        receipt_key: receipt.key.clone(),
        text: draft.text.into(),
        signature: Blob::default(),
    };
    inner.signature = from.keys().sign(&inner.signed_bytes(address.h), rng)?.into();
    // Room for all of it, so that no outgrown copy of the key stays behind.
    let length = encoded_length(draft.text.len(), inner.signature.len());
    let mut content = Zeroizing::new(Vec::with_capacity(length));
    wire::write_to(&mut content, &inner);
    Ok(content)
}

/// Bytes of an encoded letter, or a few more: those of its text and signature, and all else.
pub(super) fn encoded_length(text: usize, signature: usize) -> usize {
    const ARRAY_AND_STREAM: usize = 2;
    const FIXED: usize = 4 * 32 + 2 * 16 + 3 * 8 + 9 * 2;
    const LONGEST_HEADERS: usize = 5 + 3;
    ARRAY_AND_STREAM + FIXED + LONGEST_HEADERS + text + signature
}

/// What a group letter has in place of one receiver: a hash over all of them, sorted.
pub(super) fn audience_hash(members: &[Fingerprint]) -> [u8; 32] {
    let mut members = members.to_vec();
    members.sort_unstable();
    members.dedup();
    let parts: Vec<&[u8]> = members.iter().map(|member| &member.0[..]).collect();
    Sha256::digest(transcript::transcript(transcript::AUDIENCE, &parts)).into()
}

fixed_bytes! {
    /// A hash, or a fingerprint in a place that holds either.
    pub(super) struct Hash32(32);
}

fixed_bytes! {
    /// A number in 8 bytes, big-endian.
    pub(super) struct Eight(8);
}

impl Eight {
    pub(super) fn of(number: u64) -> Self {
        Self(number.to_be_bytes())
    }

    pub(super) fn number(self) -> u64 {
        u64::from_be_bytes(self.0)
    }
}

impl fmt::Display for Hash32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Fingerprint(self.0).fmt(f)
    }
}

impl fmt::Display for Eight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

wire_struct! {
    /// The array at the top of this file.
    struct Inner {
        from: Fingerprint,
        to: Hash32,
        epoch: Eight,
        head: Head,
        id: MessageId,
        stream: u8,
        sequence: Eight,
        time: Eight,
        receipt_tag: ReceiptTag,
        receipt_key: Secret<32>,
        text: Text,
        signature: Blob,
    }
}

impl Inner {
    fn signed_bytes(&self, h: HeaderHash) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(transcript::transcript(
            transcript::LETTER,
            &[
                &h.0,
                &self.from.0,
                &self.to.0,
                &self.epoch.0,
                &self.head.0,
                &self.id.0,
                &[self.stream],
                &self.sequence.0,
                &self.time.0,
                &self.receipt_tag.0,
                &self.receipt_key.0,
                self.text.as_bytes(),
            ],
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::fixtures::{member, rng};

    const H: HeaderHash = HeaderHash([1; 32]);

    fn written(text: &str) -> Zeroizing<Vec<u8>> {
        let address = Address { to: [2; 32], stream: Stream::Direct, h: H };
        let draft = Draft { id: MessageId([3; 16]), sequence: 4, time: 5, stamp: DirectoryHead::FIRST, text };
        write(&member("alice"), &address, &draft, &ReceiptSecret::random(&mut rng(1)), &mut rng(2)).unwrap()
    }

    #[test]
    fn the_length_is_foreseen() {
        for length in [0, 31, 32, 255, 256, 65_535, 65_536, 100_000] {
            let actual = written(&"x".repeat(length)).len();
            let foreseen = encoded_length(length, 256);
            assert!(foreseen >= actual && foreseen <= actual + 5, "{length}: {foreseen} for {actual}");
        }
    }

    #[test]
    fn a_letter_is_read_for_the_stream_it_was_written_for() {
        let content = written("hello");
        let read = |stream| Opened::read(&content, H, stream, Fingerprint([2; 32]), Clone::clone);
        assert_eq!(read(Stream::Direct).unwrap().sender(), member("alice").fingerprint());
        assert!(read(Stream::Group).is_none());
    }

    #[test]
    fn debug_shows_neither_text_nor_secret() {
        let content = written("a private matter");
        let opened = Opened::read(&content, H, Stream::Direct, Fingerprint([2; 32]), Clone::clone).unwrap();
        assert!(!format!("{opened:?}").contains("private"));
        let alice = crate::crypto::fixtures::verified(&member("alice"));
        let letter = opened.verify(&crate::crypto::testing::InsecureProvider, &alice).unwrap();
        let shown = format!("{letter:?}");
        assert!(shown.ends_with("Direct 4, 16 bytes)") && !shown.contains("private"), "{shown}");
    }

    #[test]
    fn an_audience_is_a_set() {
        let (a, b) = (Fingerprint([1; 32]), Fingerprint([2; 32]));
        assert_eq!(audience_hash(&[a, b]), audience_hash(&[b, a, b]));
        assert_ne!(audience_hash(&[a]), audience_hash(&[a, b]));
    }
}
