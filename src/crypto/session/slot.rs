//! A session's slot in a group record, in the place of an RSA block and as long.
//!
//! ```text
//!   nonce 24 B, top bit 0 ‖ tag_n 16 B ‖ XChaCha20-Poly1305(key_n, nonce, aad = "securestream/v1/session-slot" ‖ tag_n,
//!                                             length u8 ‖ Olm message ‖ zeros)
//! ```
//!
//! To everyone but its receiver it is the same random bytes as an RSA block, whose top bit is 0 as well: a record does
//! not show with whom its sender has sessions.

use rand::CryptoRng;
use zeroize::Zeroizing;

use super::{chain::TAG, one::Session};
use crate::crypto::{aead, provider::KeyUnusable, secret::Secret, transcript};

const NONCE: usize = 24;

/// Content key and slot key.
pub(super) type SlotKeys = Secret<64>;

/// Which tag a block has if it is a session's.
pub(super) fn tag_of(block: &[u8]) -> Option<[u8; TAG]> {
    block.get(NONCE..NONCE + TAG)?.try_into().ok()
}

/// A block of `size` bytes.
pub(super) fn wrap(
    session: &mut Session,
    keys: &SlotKeys,
    size: usize,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, KeyUnusable> {
    const TOO_SMALL: KeyUnusable = KeyUnusable("a slot is too small for a session's message");
    let link = session.sending.take();
    let message = session.ratchet(&keys.0)?;
    let room = size.checked_sub(NONCE + TAG + aead::TAG).filter(|room| *room > message.len()).ok_or(TOO_SMALL)?;
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    nonce[0] &= 0x7f;
    let mut body = Zeroizing::new(Vec::with_capacity(room + aead::TAG));
    body.push(u8::try_from(message.len()).map_err(|_| TOO_SMALL)?);
    body.extend_from_slice(&message);
    body.resize(room, 0);
    aead::encrypt(&link.key, nonce, &aad(link.tag.0), &mut body);
    Ok([&nonce[..], &link.tag.0, &body].concat())
}

/// The keys in a block whose tag was expected as number `index`, and the session after it.
pub(super) fn unwrap(session: &Session, index: u32, block: &[u8]) -> Option<(SlotKeys, Session, Vec<u32>)> {
    let (nonce, rest) = block.split_first_chunk::<NONCE>()?;
    let (tag, body) = rest.split_first_chunk::<TAG>()?;
    let content = aead::decrypt(session.receiving.key_of(index)?, *nonce, &aad(*tag), body)?;
    let (length, message) = content.split_first()?;
    let (text, after, missing) = session.received(index, message.get(..usize::from(*length))?)?;
    Some((text.as_slice().try_into().map(Secret).ok()?, after, missing))
}

fn aad(tag: [u8; TAG]) -> Vec<u8> {
    [transcript::SESSION_SLOT, &tag].concat()
}
