//! Bytes that are wiped when dropped and never shown.

use std::fmt;

use rand::CryptoRng;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, Visitor},
};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// `N` secret bytes: wiped when dropped, compared in constant time, left out of `Debug`. Travels as `bin`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Secret<const N: usize>(pub(super) [u8; N]);

impl<const N: usize> Secret<N> {
    pub(super) fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut secret = Self([0; N]);
        rng.fill_bytes(&mut secret.0);
        secret
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> Serialize for Secret<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Secret<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Copies straight into place, so that no other copy stays behind.
        struct BinVisitor<const N: usize>;
        impl<const N: usize> Visitor<'_> for BinVisitor<N> {
            type Value = Secret<N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{N} bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Secret<N>, E> {
                bytes.try_into().map(Secret).map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }
        deserializer.deserialize_bytes(BinVisitor::<N>).map_err(D::Error::custom)
    }
}

/// Any number of secret bytes, treated as [`Secret`] is.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct SecretBytes(pub(super) Zeroizing<Vec<u8>>);

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Serialize for SecretBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BinVisitor;
        impl Visitor<'_> for BinVisitor {
            type Value = SecretBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bin")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<SecretBytes, E> {
                Ok(SecretBytes(Zeroizing::new(bytes.to_vec())))
            }
        }
        deserializer.deserialize_bytes(BinVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::wire;

    #[test]
    fn a_secret_is_not_shown_and_has_one_length() {
        assert_eq!(format!("{:?}", Secret([0x41; 32])), "[secret]");
        let bytes = wire::to_bytes(&Secret([7; 16]));
        assert_eq!(bytes[..2], [0xc4, 16]);
        assert_eq!(wire::from_bytes::<Secret<16>>(&bytes).unwrap(), Secret([7; 16]));
        assert!(wire::from_bytes::<Secret<32>>(&bytes).is_err());
        assert_eq!(wire::from_bytes::<SecretBytes>(&bytes).unwrap().0.len(), 16);
        assert_ne!(Secret([7; 16]), Secret([8; 16]));
        let many = SecretBytes(Zeroizing::new(vec![7; 16]));
        assert_eq!((format!("{many:?}"), wire::to_bytes(&many)), ("[secret]".to_owned(), bytes));
    }
}
