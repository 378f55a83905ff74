//! XChaCha20-Poly1305 ([draft-irtf-cfrg-xchacha](https://datatracker.ietf.org/doc/html/draft-irtf-cfrg-xchacha-03)).

use chacha20poly1305::{AeadInOut as _, KeyInit as _, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::secret::Secret;

/// Bytes that encrypting adds.
pub(super) const TAG: usize = 16;

/// The nonce of every encryption here: zeros. Each key is fresh and encrypts one text, so there is never a
/// second nonce to keep apart, and none travels.
pub(super) const SINGLE_USE: [u8; 24] = [0; 24];

/// Encrypts `text` in place and puts the tag behind it.
pub(super) fn encrypt(key: &Secret<32>, nonce: [u8; 24], aad: &[u8], text: &mut Vec<u8>) {
    let cipher = XChaCha20Poly1305::new(&key.0.into());
    let done = cipher.encrypt_in_place(&XNonce::from(nonce), aad, text);
    // It fails above 256 GiB only.
    debug_assert!(done.is_ok(), "a record is never that long");
}

/// The text of `sealed`, `None` when key, nonce, `aad` or any bit of it is not what it was.
pub(super) fn decrypt(key: &Secret<32>, nonce: [u8; 24], aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = XChaCha20Poly1305::new(&key.0.into());
    let mut text = Zeroizing::new(sealed.to_vec());
    cipher.decrypt_in_place(&XNonce::from(nonce), aad, &mut *text).ok()?;
    Some(text)
}
