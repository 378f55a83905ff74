//! What a member publishes about itself.

use sha2::{Digest as _, Sha256};

use super::{
    Fingerprint,
    wire::{self, Blob, Text, wire_struct},
};

wire_struct! {
    /// A member's two public keys, each an RSA `SubjectPublicKeyInfo` in DER
    /// ([RFC 5280](https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.7)).
    pub struct PublicKeys {
        /// Verifies what the member signs (RSA-PSS-SHA256).
        pub signing: Blob,
        /// Seals what only the member can open (RSA-OAEP-SHA256).
        pub sealing: Blob,
    }
}

impl PublicKeys {
    /// SHA-256 over a domain and both keys, each behind its length as 4 bytes, big-endian.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        for part in [&b"securestream/v1/fingerprint"[..], &self.signing, &self.sealing] {
            hash.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            hash.update(part);
        }
        Fingerprint(hash.finalize().into())
    }
}

wire_struct! {
    /// A member's name and keys, signed by the signing key in it. The name is as it was typed: whoever takes
    /// a record in checks it, see [`MemberName`](super::MemberName).
    pub struct KeyRecord {
        pub name: Text,
        pub keys: PublicKeys,
        /// Grows with every change that the member makes to its record.
        pub sequence: u64,
        /// RSA-PSS-SHA256 over [`KeyRecord::signed_bytes`].
        pub signature: Blob,
    }
}

impl KeyRecord {
    /// What the signature covers: a domain, then name, keys and sequence as one MessagePack array.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = b"securestream/v1/key-record".to_vec();
        wire::write_to(&mut bytes, &(&self.name, &self.keys, self.sequence));
        bytes
    }

    /// What stands for the keys of this record.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.keys.fingerprint()
    }
}
