//! Receipts: how a receiver tells a sender that a message arrived, without RSA and without naming either.
//!
//! ```text
//!   ┌───────────┬───────────────────────────────────────────┐
//!   │ tag 16 B  │ XChaCha20-Poly1305(key, nonce 0,          │     48 bytes in all
//!   │           │   aad = "securestream/v1/receipt" ‖ tag,  │
//!   │           │   message id 16 B)                        │
//!   └───────────┴───────────────────────────────────────────┘
//! ```
//!
//! Tag and key travel inside the sealed message. To everyone but its sender a receipt is random bytes; the sender
//! finds the message by the tag. Acknowledging again gives the same bytes, so a key never encrypts two texts.

use std::{collections::HashMap, fmt};

use hkdf::Hkdf;
use rand::CryptoRng;
use sha2::Sha256;

use super::{aead, envelope::expand, secret::Secret, transcript};
use crate::types::{Fingerprint, MessageId, wire::fixed_bytes};

/// Bytes of a receipt.
pub const RECEIPT_LENGTH: usize = TAG + 16 + aead::TAG;
const TAG: usize = 16;

fixed_bytes! {
    /// What a sender finds its message by.
    pub(super) struct ReceiptTag(16);
}

impl fmt::Display for ReceiptTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What one receiver needs to acknowledge one message, and its sender to recognise that. Wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiptSecret {
    pub(super) tag: ReceiptTag,
    pub(super) key: Secret<32>,
}

impl ReceiptSecret {
    pub(super) fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut tag = [0; TAG];
        rng.fill_bytes(&mut tag);
        Self { tag: ReceiptTag(tag), key: Secret::random(rng) }
    }

    /// The secret of one member of a group. All of them know `self`, only this one and the sender know `slot`: none
    /// can acknowledge for another, and no two encrypt under one key.
    pub(super) fn of_member(&self, slot: &Secret<32>, member: Fingerprint) -> Self {
        let prk = Hkdf::<Sha256>::new(Some(&slot.0), &self.key.0);
        let mut output = Secret([0; TAG + 32]);
        expand(&prk, &transcript::transcript(transcript::RECEIPT, &[&self.tag.0, &member.0]), &mut output.0);
        let mut own = Self { tag: ReceiptTag([0; TAG]), key: Secret([0; 32]) };
        own.tag.0.copy_from_slice(&output.0[..TAG]);
        own.key.0.copy_from_slice(&output.0[TAG..]);
        own
    }

    /// The receipt for message `id`, to be posted as [`SealKind::Tagged`](crate::types::SealKind::Tagged).
    #[must_use]
    pub fn receipt(&self, id: MessageId) -> Vec<u8> {
        let mut text = id.0.to_vec();
        aead::encrypt(&self.key, aead::SINGLE_USE, &self.aad(), &mut text);
        let mut receipt = self.tag.0.to_vec();
        receipt.append(&mut text);
        receipt
    }

    fn aad(&self) -> Vec<u8> {
        [transcript::RECEIPT, &self.tag.0].concat()
    }

    fn opens(&self, sealed: &[u8], id: MessageId) -> bool {
        aead::decrypt(&self.key, aead::SINGLE_USE, &self.aad(), sealed).is_some_and(|text| **text == id.0)
    }
}

impl fmt::Debug for ReceiptSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiptSecret([secret])")
    }
}

/// The receipts that a sender waits for. What is not for it costs one look into a table.
#[derive(Debug, Default)]
pub struct ExpectedReceipts {
    by_tag: HashMap<ReceiptTag, Expected>,
}

#[derive(Debug)]
struct Expected {
    secret: ReceiptSecret,
    message: MessageId,
    by: Fingerprint,
}

impl ExpectedReceipts {
    /// Waits for `by` to acknowledge `message`.
    pub fn expect(&mut self, message: MessageId, by: Fingerprint, secret: ReceiptSecret) {
        self.by_tag.insert(secret.tag, Expected { secret, message, by });
    }

    /// Takes in a tagged record: which message arrived, and at whom. `None` for anything else, such as others'
    /// receipts, forged ones and a receipt that was taken before.
    pub fn take(&mut self, record: &[u8]) -> Option<(MessageId, Fingerprint)> {
        let (tag, sealed) = record.split_first_chunk()?;
        let tag = ReceiptTag(*tag);
        let expected = self.by_tag.get(&tag)?;
        if !expected.secret.opens(sealed, expected.message) {
            return None;
        }
        self.by_tag.remove(&tag).map(|expected| (expected.message, expected.by))
    }

    /// Waits no longer for receipts of `message`.
    pub fn forget(&mut self, message: MessageId) {
        self.by_tag.retain(|_, expected| expected.message != message);
    }

    /// How many receipts are waited for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_tag.len()
    }

    /// Whether none is waited for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_tag.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::fixtures::rng;

    const ID: MessageId = MessageId([3; 16]);
    const BOB: Fingerprint = Fingerprint([0xb; 32]);
    const CAROL: Fingerprint = Fingerprint([0xc; 32]);

    #[test]
    fn a_receipt_is_recognised_once() {
        let secret = ReceiptSecret::random(&mut rng(1));
        let mut expected = ExpectedReceipts::default();
        expected.expect(ID, BOB, secret.clone());
        let receipt = secret.receipt(ID);
        assert_eq!(receipt.len(), RECEIPT_LENGTH);
        assert_eq!(receipt, secret.receipt(ID), "acknowledging again gives the same bytes");
        assert_eq!(expected.take(&receipt), Some((ID, BOB)));
        assert_eq!(expected.take(&receipt), None);
        assert!(expected.is_empty());
    }

    #[test]
    fn forged_and_foreign_receipts_are_not_taken() {
        let secret = ReceiptSecret::random(&mut rng(1));
        let mut expected = ExpectedReceipts::default();
        expected.expect(ID, BOB, secret.clone());
        let good = secret.receipt(ID);
        for bit in 0..good.len() * 8 {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(expected.take(&flipped), None, "bit {bit}");
        }
        for wrong in [&[][..], &good[..15], &good[..47], &secret.receipt(MessageId([4; 16]))] {
            assert_eq!(expected.take(wrong), None);
        }
        assert_eq!(expected.take(&good), Some((ID, BOB)), "none of these used it up");
    }

    #[test]
    fn members_of_a_group_cannot_acknowledge_for_one_another() {
        let (shared, slots) = (ReceiptSecret::random(&mut rng(1)), [Secret([1; 32]), Secret([2; 32])]);
        let bob = shared.of_member(&slots[0], BOB);
        let carol = shared.of_member(&slots[1], CAROL);
        let forged = shared.of_member(&slots[1], BOB);
        let mut expected = ExpectedReceipts::default();
        expected.expect(ID, BOB, bob.clone());
        expected.expect(ID, CAROL, carol.clone());
        assert_eq!(expected.take(&forged.receipt(ID)), None);
        assert_eq!(expected.take(&bob.receipt(ID)), Some((ID, BOB)));
        expected.forget(ID);
        assert_eq!(expected.take(&carol.receipt(ID)), None);
        assert_eq!(expected.len(), 0);
    }

    #[test]
    fn debug_shows_no_secret() {
        let secret = ReceiptSecret { tag: ReceiptTag([0xaa; 16]), key: Secret([0xbb; 32]) };
        let mut expected = ExpectedReceipts::default();
        expected.expect(ID, BOB, secret.clone());
        for text in [format!("{secret:?}"), format!("{expected:?}")] {
            assert!(!text.contains("bb, ") && !text.contains("187") && !text.contains("bbbb"), "{text}");
        }
    }
}
