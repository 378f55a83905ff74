//! What a member publishes about itself.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::{
    Fingerprint,
    limits::MAX_KEY_RECORD,
    wire::{self, Blob, DecodeError, Text, fixed_bytes, wire_struct},
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

fixed_bytes! {
    /// A Curve25519 public key ([RFC 7748](https://www.rfc-editor.org/rfc/rfc7748)).
    pub struct CurveKey(32);
}

impl fmt::Display for CurveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

wire_struct! {
    /// What others begin a session with a member with.
    pub struct Bundle {
        /// Olm's identity key: the same for as long as the member keeps its folder.
        pub identity: CurveKey,
        /// Stands in for a one-time key; replaced every week.
        pub fallback: CurveKey,
        /// An ML-KEM-768 encapsulation key of 1,184 bytes ([FIPS 203](https://csrc.nist.gov/pubs/fips/203/final)); replaced
        /// with the fallback.
        pub kem: Blob,
    }
}

wire_struct! {
    /// Keys that a member had before, and their word for those that came next.
    pub struct Rotation {
        /// The keys that were given up.
        pub keys: PublicKeys,
        /// By the signing key among them, over the change: see `crypto`.
        pub signature: Blob,
    }
}

wire_struct! {
    /// A member's name and keys, signed by the signing key in it. The name is as it was typed: whoever takes
    /// a record in checks it, see [`MemberName`](super::MemberName).
    pub struct KeyRecord {
        pub name: Text,
        pub keys: PublicKeys,
        /// Grows with every change that the member makes to its record: the clock in milliseconds since 1970, or one
        /// more than before.
        pub sequence: u64,
        /// The changes of keys that led here, oldest first; at most [`MAX_ROTATIONS`](super::limits::MAX_ROTATIONS).
        pub rotations: Vec<Rotation>,
        /// Nothing when its member takes sealed messages only.
        pub bundle: Option<Bundle>,
        /// RSA-PSS-SHA256 over [`KeyRecord::signed_bytes`].
        pub signature: Blob,
    }
}

/// Why bytes are taken for no key record.
#[derive(Debug, thiserror::Error)]
pub enum KeyRecordError {
    /// Nothing in it was looked at.
    #[error("the key record has {0} bytes, more than the {MAX_KEY_RECORD} that are taken")]
    TooLarge(usize),
    /// Not what [`wire::to_bytes`] gives for a record.
    #[error("the key record is not one")]
    Malformed(#[from] DecodeError),
}

impl KeyRecord {
    /// Reads a record that came from elsewhere.
    ///
    /// # Errors
    /// Before anything is decoded when `bytes` are more than [`MAX_KEY_RECORD`].
    pub fn decode(bytes: &[u8]) -> Result<Self, KeyRecordError> {
        if bytes.len() > MAX_KEY_RECORD {
            return Err(KeyRecordError::TooLarge(bytes.len()));
        }
        Ok(wire::from_bytes(bytes)?)
    }

    /// What the signature covers: a domain, then all other fields as one MessagePack array.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = b"securestream/v1/key-record".to_vec();
        wire::write_to(&mut bytes, &(&self.name, &self.keys, self.sequence, &self.rotations, &self.bundle));
        bytes
    }

    /// What stands for the keys of this record.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.keys.fingerprint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_more_bytes_than_are_taken_is_not_looked_at() {
        let mut record = KeyRecord {
            name: "bob".into(),
            keys: PublicKeys { signing: vec![1; 422].into(), sealing: vec![2; 422].into() },
            sequence: 1,
            rotations: Vec::new(),
            bundle: None,
            signature: vec![3; 384].into(),
        };
        let small = wire::to_bytes(&record);
        assert_eq!(KeyRecord::decode(&small).unwrap(), record);
        record.signature = vec![3; 384 + MAX_KEY_RECORD - small.len()].into();
        assert_eq!(KeyRecord::decode(&wire::to_bytes(&record)).unwrap(), record);
        record.signature = vec![3; 385 + MAX_KEY_RECORD - small.len()].into();
        let refused = KeyRecord::decode(&wire::to_bytes(&record));
        assert!(matches!(refused, Err(KeyRecordError::TooLarge(bytes)) if bytes == MAX_KEY_RECORD + 1));
        assert!(matches!(KeyRecord::decode(&small[1..]), Err(KeyRecordError::Malformed(_))));
    }
}
