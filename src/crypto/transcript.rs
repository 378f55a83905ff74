//! What is signed or hashed: a domain, then parts, each behind its length, so that no two lists of parts give
//! the same bytes and nothing that was signed for one purpose serves another.

/// OAEP label of the key block in a seal.
pub(super) const SEAL: &[u8] = b"securestream/v1/seal";
/// OAEP label of the key blocks in a group record.
pub(super) const GROUP: &[u8] = b"securestream/v1/group";
/// Domain of the hash over a seal's header.
pub(super) const SEAL_HEADER: &[u8] = b"securestream/v1/seal-header";
/// Domain of the hash over a group record's header.
pub(super) const GROUP_HEADER: &[u8] = b"securestream/v1/group-header";
/// Info of the key that a body is encrypted under.
pub(super) const BODY_KEY: &[u8] = b"securestream/v1/body-key";
/// Info of the value that ties a body to one key.
pub(super) const COMMITMENT: &[u8] = b"securestream/v1/commitment";
/// Domain of the signature inside a sealed message.
pub(super) const LETTER: &[u8] = b"securestream/v1/letter";
/// Domain of the hash that stands for the receivers of a group record.
pub(super) const AUDIENCE: &[u8] = b"securestream/v1/audience";
/// Additional data of a receipt, and info of a group member's receipt key.
pub(super) const RECEIPT: &[u8] = b"securestream/v1/receipt";
/// Domain of the signature that registers a member.
pub(super) const REGISTRATION: &[u8] = b"securestream/v1/registration";
/// Domain of the hash over a hello's header.
pub(super) const HELLO_HEADER: &[u8] = b"securestream/v1/hello-header";
/// Domain of the signature inside a hello.
pub(super) const HELLO: &[u8] = b"securestream/v1/hello";
/// Domain of the info of the two chains that a hello begins.
pub(super) const CHAIN: &[u8] = b"securestream/v1/chain";
/// Info of each step of a chain.
pub(super) const CHAIN_STEP: &[u8] = b"securestream/v1/chain-step";
/// Begins the additional data of a tagged record.
pub(super) const TAGGED: &[u8] = b"securestream/v1/tagged";
/// Begins the additional data of a session's slot in a group record.
pub(super) const SESSION_SLOT: &[u8] = b"securestream/v1/session-slot";
/// Info of the key that sessions are kept under, and domain of what is kept.
pub(super) const SESSIONS_AT_REST: &[u8] = b"securestream/v1/sessions-at-rest";
/// Domain of the hashes behind a safety number.
pub(super) const SAFETY_NUMBER: &[u8] = b"securestream/v1/safety-number";
/// Domain of the signature by which old keys vouch for new ones.
pub(super) const ROTATION: &[u8] = b"securestream/v1/rotation";
/// Info of the key that a backup's files are encrypted under, and their additional data.
pub(super) const BACKUP: &[u8] = b"securestream/v1/backup";
/// Additional data of a storage key that is wrapped under a passphrase.
pub(super) const STORAGE_KEY: &[u8] = b"securestream/v1/storage-key";
/// Salt of the key that stands in when a block cannot be decrypted.
pub(super) const REJECTION: &[u8] = b"securestream/v1/rejection";

/// `domain` and `parts`, each behind its length as 4 bytes, big-endian. A part has less than 4 GiB: it comes
/// out of a record or goes into one.
pub(super) fn transcript(domain: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let length = domain.len() + parts.iter().map(|part| part.len() + 4).sum::<usize>() + 4;
    let mut bytes = Vec::with_capacity(length);
    for part in std::iter::once(&domain).chain(parts) {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_be_shifted_into_one_another() {
        assert_eq!(transcript(b"d", &[b"ab", b""]), b"\0\0\0\x01d\0\0\0\x02ab\0\0\0\0");
        assert_ne!(transcript(b"d", &[b"ab", b"c"]), transcript(b"d", &[b"a", b"bc"]));
        assert_ne!(transcript(b"d", &[b"a"]), transcript(b"da", &[]));
    }
}
