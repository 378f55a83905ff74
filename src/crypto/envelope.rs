//! The part that seals and group records share: a header that lets its receivers find the content key, then a
//! body under keys derived from both.
//!
//! ```text
//!   suite ‖ header ‖ commitment ‖ body
//!
//!   h          = SHA-256(domain ‖ suite u8 ‖ length of header u32 ‖ header)
//!   prk        = HKDF-Extract(salt = h, content key)                                RFC 5869, SHA-256
//!   key        = HKDF-Expand(prk, "securestream/v1/body-key", 32)
//!   commitment = HKDF-Expand(prk, "securestream/v1/commitment", 32)
//!   body       = XChaCha20-Poly1305(key, nonce 0, aad = h ‖ commitment, padded content)
//! ```
//!
//! XChaCha20-Poly1305 alone lets one ciphertext be made that opens under two keys; the commitment does not.

use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{aead, padding, secret::Secret, transcript};

/// Bytes of `commitment`.
const COMMITMENT: usize = 32;

/// Bytes of a record with a header of that length, without its padded content.
pub(super) fn outer_length(header: usize) -> usize {
    1 + header + COMMITMENT + aead::TAG
}

/// `h` above. The inner signature covers it, and so all that stands outside of the body.
#[derive(Clone, Copy)]
pub(super) struct HeaderHash(pub(super) [u8; 32]);

impl HeaderHash {
    pub(super) fn new(domain: &[u8], suite: u8, header: &[u8]) -> Self {
        let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
        let hash = Sha256::new().chain_update(domain).chain_update([suite]).chain_update(length.to_be_bytes());
        Self(hash.chain_update(header).finalize().into())
    }
}

/// The whole record.
pub(super) fn close(suite: u8, header: &[u8], h: HeaderHash, content_key: &Secret<32>, content: &[u8]) -> Vec<u8> {
    let keys = BodyKeys::derive(content_key, h);
    let mut body = padding::pad(content, aead::TAG);
    aead::encrypt(&keys.key, aead::SINGLE_USE, &keys.aad(h), &mut body);
    let mut record = Vec::with_capacity(1 + header.len() + COMMITMENT + body.len());
    record.push(suite);
    record.extend_from_slice(header);
    record.extend_from_slice(&keys.commitment);
    record.extend_from_slice(&body);
    record
}

/// What stands behind the header of a record.
#[derive(Clone, Copy)]
pub(super) struct Closed<'a> {
    commitment: &'a [u8; COMMITMENT],
    body: &'a [u8],
}

impl<'a> Closed<'a> {
    /// `None` when the lengths cannot be right, which anyone may see.
    pub(super) fn parse(behind_header: &'a [u8]) -> Option<Self> {
        let (commitment, body) = behind_header.split_first_chunk()?;
        padding::is_padded_length(body.len().checked_sub(aead::TAG)?).then_some(Self { commitment, body })
    }

    /// The content. A wrong key and a wrong body take the same steps up to the one answer.
    pub(super) fn open(self, h: HeaderHash, content_key: &Secret<32>) -> Option<Zeroizing<Vec<u8>>> {
        let keys = BodyKeys::derive(content_key, h);
        let committed = keys.commitment.ct_eq(self.commitment);
        let padded = aead::decrypt(&keys.key, aead::SINGLE_USE, &keys.aad(h), self.body);
        let padded = padded.filter(|_| committed.into())?;
        padding::unpad(&padded).map(|content| Zeroizing::new(content.to_vec()))
    }
}

struct BodyKeys {
    key: Secret<32>,
    commitment: [u8; COMMITMENT],
}

impl BodyKeys {
    fn derive(content_key: &Secret<32>, h: HeaderHash) -> Self {
        let prk = Hkdf::<Sha256>::new(Some(&h.0), &content_key.0);
        let mut keys = Self { key: Secret([0; 32]), commitment: [0; COMMITMENT] };
        expand(&prk, transcript::BODY_KEY, &mut keys.key.0);
        expand(&prk, transcript::COMMITMENT, &mut keys.commitment);
        keys
    }

    fn aad(&self, h: HeaderHash) -> [u8; 64] {
        let mut aad = [0; 64];
        aad[..32].copy_from_slice(&h.0);
        aad[32..].copy_from_slice(&self.commitment);
        aad
    }
}

/// HKDF-Expand into a short output.
pub(super) fn expand(prk: &Hkdf<Sha256>, info: &[u8], output: &mut [u8]) {
    let done = prk.expand(info, output);
    debug_assert!(done.is_ok(), "HKDF gives 8160 bytes, and at most 64 are asked for");
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Secret<32> = Secret([7; 32]);

    fn hash(header: &[u8]) -> HeaderHash {
        HeaderHash::new(b"domain", 1, header)
    }

    #[test]
    fn a_record_has_the_drawn_layout_and_opens() {
        let record = close(1, b"header", hash(b"header"), &KEY, b"content");
        assert_eq!(record.len(), outer_length(6) + padding::padded_length(7));
        assert_eq!(record[..7], *b"\x01header");
        let closed = Closed::parse(&record[7..]).unwrap();
        assert_eq!(**closed.open(hash(b"header"), &KEY).unwrap(), *b"content");
        assert!(closed.open(hash(b"headex"), &KEY).is_none());
        assert!(closed.open(hash(b"header"), &Secret([8; 32])).is_none());
    }

    #[test]
    fn a_commitment_from_another_record_is_refused() {
        let one = close(1, b"", hash(b""), &KEY, b"content");
        let other = close(1, b"", hash(b""), &Secret([9; 32]), b"content");
        let mut mixed = one.clone();
        mixed[1..33].copy_from_slice(&other[1..33]);
        for key in [&KEY, &Secret([9; 32])] {
            assert!(Closed::parse(&mixed[1..]).unwrap().open(hash(b""), key).is_none());
        }
    }

    #[test]
    fn lengths_that_padding_never_gives_are_refused_unopened() {
        let record = close(1, b"", hash(b""), &KEY, b"content");
        for length in [0, 31, 32, 47, 48, record.len() - 2] {
            assert!(Closed::parse(&record[1..=length]).is_none(), "{length}");
        }
    }
}
