//! A message that one member can open, and of which no one else can say for whom it is.
//!
//! ```text
//!   ┌───────┬─────────────┬───────────────┬─────────────────────────────────────┐
//!   │ suite │ key block   │ commitment    │ body                                │
//!   │ 1 B   │ 384 B       │ 32 B          │ padded letter, then a tag of 16 B   │
//!   └───────┴─────────────┴───────────────┴─────────────────────────────────────┘
//!     1 = RSA-OAEP-SHA256, HKDF-SHA256, XChaCha20-Poly1305, RSA-PSS-SHA256
//! ```
//!
//! The key block is RSA-OAEP of 32 random bytes with the label `securestream/v1/seal`, as long as the modulus (384
//! bytes at 3072 bits), drawn again until its top bit is 0. What follows from it is in `envelope.rs`, what is in the
//! body in `letter.rs` and `padding.rs`.

use rand::CryptoRng;

use super::{
    envelope::{self, Closed, HeaderHash},
    identity::Identity,
    key_block,
    letter::{self, Address, Draft, Opened, Stream},
    padding,
    provider::{CryptoProvider, KeyUnusable},
    receipt::ReceiptSecret,
    record::VerifiedRecord,
    secret::Secret,
    transcript,
};
use crate::types::{
    Code,
    limits::{MAX_RECORD, MAX_TEXT},
};

/// Longest sealed record in bytes: leaves 1 kB for the message that carries it.
pub const MAX_SEALED: usize = MAX_RECORD - 1024;

/// A sealed message, to be posted as [`SealKind::Seal`](crate::types::SealKind::Seal), the identical bytes again
/// until it is delivered.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The drawn layout; at most [`MAX_SEALED`] bytes.
    pub bytes: Vec<u8>,
    /// For [`ExpectedReceipts::expect`](super::ExpectedReceipts::expect).
    pub receipt: ReceiptSecret,
}

/// Why a message cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The text does not fit a record; for a group, the more receivers, the less room.
    #[error("the text has {bytes} bytes where {limit} fit")]
    TooLarge { bytes: usize, limit: usize },
    /// A group of none.
    #[error("there is no one to send it to")]
    NoReceivers,
    /// A key broke, or the system's randomness.
    #[error(transparent)]
    Key(#[from] KeyUnusable),
}

impl SealError {
    /// What the member is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::MessageTooLarge,
            Self::NoReceivers => Code::NoSuchMember,
            Self::Key(_) => Code::Internal,
        }
    }
}

/// Seals `draft` for one member. Costs one private operation and two or three public ones.
///
/// # Errors
/// See [`SealError`].
pub fn seal(
    provider: &dyn CryptoProvider,
    from: &Identity,
    to: &VerifiedRecord,
    draft: &Draft<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<Sealed, SealError> {
    check_size(provider, provider.block_size(), draft.text.len())?;
    let content_key = Secret::random(rng);
    let block = key_block::wrap_hidden(provider, &to.record().keys.sealing, transcript::SEAL, &content_key.0, rng)?;
    let h = HeaderHash::new(transcript::SEAL_HEADER, provider.suite(), &block);
    let receipt = ReceiptSecret::random(rng);
    let address = Address { to: to.fingerprint().0, stream: Stream::Direct, h };
    let content = letter::write(from, &address, draft, &receipt, rng)?;
    Ok(Sealed { bytes: envelope::close(provider.suite(), &block, h, &content_key, &content), receipt })
}

/// Opens what stands behind the suite, if it is for this member.
pub(super) fn open(
    provider: &dyn CryptoProvider,
    me: &Identity,
    rest: &[u8],
    rng: &mut dyn CryptoRng,
) -> Option<Opened> {
    let (block, rest) = rest.split_at_checked(provider.block_size())?;
    let closed = Closed::parse(rest)?;
    if !key_block::is_hidden(block) {
        return None;
    }
    let h = HeaderHash::new(transcript::SEAL_HEADER, provider.suite(), block);
    let content_key = me.unwrap_block(transcript::SEAL, block, rng);
    let content = closed.open(h, &content_key)?;
    Opened::read(&content, h, Stream::Direct, me.fingerprint(), Clone::clone)
}

/// Whether a text fits behind a header of `header` bytes.
pub(super) fn check_size(provider: &dyn CryptoProvider, header: usize, text: usize) -> Result<(), SealError> {
    match longest_text(provider, header) {
        Some(limit) if text <= limit => Ok(()),
        limit => Err(SealError::TooLarge { bytes: text, limit: limit.unwrap_or(0) }),
    }
}

/// Bytes of the longest text behind such a header; `None` when not even an empty one fits.
pub(super) fn longest_text(provider: &dyn CryptoProvider, header: usize) -> Option<usize> {
    let room = MAX_SEALED.checked_sub(envelope::outer_length(header))?;
    let longest = padding::longest_content(room)?.checked_sub(letter::encoded_length(0, provider.block_size()))?;
    Some(longest.min(MAX_TEXT))
}
