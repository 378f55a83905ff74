//! Strict MessagePack: arrays with positions, never maps; bytes as `bin`, text as `str`; surplus elements
//! skipped so that fields can be appended; nothing after the value; bounded depth.
//!
//! serde's derives are not used for what travels, because they accept maps and refuse an appended field.
//! `wire_struct!` writes the visitor instead. Follows the
//! [MessagePack specification](https://github.com/msgpack/msgpack/blob/master/spec.md).

use std::{fmt, ops::Deref};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, IgnoredAny, SeqAccess, Visitor},
};

use super::limits::MAX_DEPTH;

/// Why bytes are not a value of the type that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are no MessagePack, or of another type, or end too early.
    #[error("malformed: {0}")]
    Malformed(#[from] rmp_serde::decode::Error),
    /// A whole value, then more.
    #[error("bytes after the end of the value")]
    Trailing,
}

/// Encodes `value`. Encoding into memory cannot fail for the types of this crate: they are all arrays,
/// numbers, text and bytes.
#[must_use]
pub fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    write_to(&mut out, value);
    out
}

/// Appends the encoding of `value` to `out`.
pub fn write_to<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let written = value.serialize(&mut rmp_serde::Serializer::new(out));
    debug_assert!(written.is_ok(), "a Vec takes every write: {written:?}");
}

/// Decodes one value that fills `bytes` exactly.
///
/// # Errors
/// When `bytes` are anything else. Memory taken is bounded by the length of `bytes`, and depth by
/// [`MAX_DEPTH`], whatever their headers claim.
pub fn from_bytes<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
    deserializer.set_max_depth(MAX_DEPTH);
    let value = T::deserialize(&mut deserializer)?;
    // The deserializer does not tell its position; at the end of the input, and only there, nothing more can
    // be read, not even a marker.
    match IgnoredAny::deserialize(&mut deserializer) {
        Err(rmp_serde::decode::Error::InvalidMarkerRead(_)) => Ok(value),
        _ => Err(DecodeError::Trailing),
    }
}

/// Decodes what this program wrote itself and kept where nobody else can change it: a library's state, whose own
/// shape may nest deeper than messages do.
///
/// # Errors
/// When `bytes` are no such value.
pub fn from_own_bytes<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    Ok(rmp_serde::from_slice(bytes)?)
}

/// The next field of an array, or an error that names it.
pub(crate) fn field<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
    seq: &mut A,
    name: &'static str,
) -> Result<T, A::Error> {
    seq.next_element()?.ok_or_else(|| A::Error::missing_field(name))
}

/// Skips what a newer version appended.
pub(crate) fn skip_surplus<'de, A: SeqAccess<'de>>(seq: &mut A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Defines a struct that travels as a MessagePack array of its fields in order.
macro_rules! wire_struct {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $vis struct $name { $($(#[$field_meta])* $field_vis $field: $type),* }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeTuple as _;
                const FIELDS: &[&str] = &[$(stringify!($field)),*];
                let mut array = serializer.serialize_tuple(FIELDS.len())?;
                $(array.serialize_element(&self.$field)?;)*
                array.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ArrayVisitor;
                impl<'de> serde::de::Visitor<'de> for ArrayVisitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("an array of the fields of ", stringify!($name)))
                    }

                    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                        let value = $name { $($field: $crate::types::wire::field(&mut seq, stringify!($field))?),* };
                        $crate::types::wire::skip_surplus(&mut seq)?;
                        Ok(value)
                    }
                }
                deserializer.deserialize_any(ArrayVisitor)
            }
        }
    };
}
pub(crate) use wire_struct;

/// Defines a newtype over a fixed number of bytes that travels as `bin`.
macro_rules! fixed_bytes {
    ($(#[$meta:meta])* $vis:vis struct $name:ident($length:literal);) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $name(pub [u8; $length]);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let bytes = $crate::types::wire::Blob::deserialize(deserializer)?;
                <[u8; $length]>::try_from(&bytes[..])
                    .map(Self)
                    .map_err(|_| serde::de::Error::invalid_length(bytes.len(), &concat!(stringify!($length), " bytes")))
            }
        }
    };
}
pub(crate) use fixed_bytes;

/// Defines an enum that travels as a number and is named in events; numbers of a newer version are kept.
macro_rules! numbered {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$variant_meta:meta])* $number:literal => $variant:ident $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "a variant without a doc says all in its name")]
        $vis enum $name {
            $($(#[$variant_meta])* $variant,)*
            /// A number that this version does not know.
            Other(u16),
        }

        impl $name {
            /// Every value that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The number on the wire.
            #[must_use]
            pub fn number(self) -> u16 {
                match self {
                    $(Self::$variant => $number,)*
                    Self::Other(number) => number,
                }
            }

            /// The value with this number on the wire.
            #[must_use]
            pub fn from_number(number: u16) -> Self {
                match number {
                    $($number => Self::$variant,)*
                    other => Self::Other(other),
                }
            }

            /// The name in events and scripts.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(_) => "other",
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u16(self.number())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                u16::deserialize(deserializer).map(Self::from_number)
            }
        }
    };
}
pub(crate) use numbered;

/// Bytes that travel as `bin` and as nothing else; cheap to clone and to share between outboxes.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Blob(pub Bytes);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl Deref for Blob {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<T: Into<Bytes>> From<T> for Blob {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BinVisitor;
        impl Visitor<'_> for BinVisitor {
            type Value = Blob;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bin")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(Bytes::copy_from_slice(bytes)))
            }
        }
        deserializer.deserialize_bytes(BinVisitor)
    }
}

/// Text that travels as `str` and as nothing else: valid UTF-8, of any length that its record allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(pub String);

impl Deref for Text {
    type Target = String;
    fn deref(&self) -> &String {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Text {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrVisitor;
        impl Visitor<'_> for StrVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("str")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
        }
        deserializer.deserialize_str(StrVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    wire_struct! {
        struct Pair { number: u32, data: Blob }
    }

    #[test]
    fn a_struct_is_an_array_and_surplus_elements_are_skipped() {
        let pair = Pair { number: 7, data: vec![1, 2].into() };
        assert_eq!(to_bytes(&pair), [0x92, 7, 0xc4, 2, 1, 2]);
        assert_eq!(from_bytes::<Pair>(&[0x93, 7, 0xc4, 2, 1, 2, 0xc0]).unwrap(), pair);
    }

    #[test]
    fn what_is_not_that_array_is_refused() {
        let refused: &[(&str, &[u8])] = &[
            ("a map", &[0x82, 0xa6, b'n', b'u', b'm', b'b', b'e', b'r', 7, 0xa4, b'd', b'a', b't', b'a', 0xc4, 0]),
            ("a missing field", &[0x91, 7]),
            ("text for bytes", &[0x92, 7, 0xa2, 1, 2]),
            ("trailing bytes", &[0x92, 7, 0xc4, 0, 0]),
            ("a trailing reserved byte", &[0x92, 7, 0xc4, 0, 0xc1]),
            ("a number too large", &[0x92, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0, 0xc4, 0]),
            ("nothing", &[]),
        ];
        for (what, bytes) in refused {
            assert!(from_bytes::<Pair>(bytes).is_err(), "{what}");
        }
    }

    #[test]
    fn text_is_utf8_and_no_bytes() {
        assert_eq!(from_bytes::<Text>(&[0xa1, b'x']).unwrap(), Text::from("x"));
        assert!(from_bytes::<Text>(&[0xc4, 1, b'x']).is_err());
        assert!(from_bytes::<Text>(&[0xa2, 0xc0, 0xaf]).is_err(), "overlong");
        assert!(from_bytes::<Text>(&[0xa3, 0xed, 0xa0, 0x80]).is_err(), "a surrogate");
    }
}
