//! Codecs, by name: an open set, because the hub passes on what it cannot decode.

use std::{fmt, str};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::wire::Text;

/// Longest name in bytes; FFmpeg's longest has 17.
const MAX_NAME: usize = 24;

/// A codec of pictures or of sound, called as FFmpeg calls it (`ffmpeg -codecs`): `h264`, `aac`. Travels as `str`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Codec {
    /// Filled up with zeros.
    name: [u8; MAX_NAME],
}

/// Not 1 to 24 of `a`–`z`, `0`–`9`, `_` and `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a codec's name has 1 to {MAX_NAME} small letters, digits, _ and -")]
pub struct CodecNameError;

impl Codec {
    /// ITU-T H.264, packets as in MP4.
    pub const H264: Self = Self::known(b"h264");
    /// ITU-T H.265.
    pub const HEVC: Self = Self::known(b"hevc");
    /// VP9.
    pub const VP9: Self = Self::known(b"vp9");
    /// AV1.
    pub const AV1: Self = Self::known(b"av1");
    /// MPEG-4 Advanced Audio Coding (ISO/IEC 14496-3).
    pub const AAC: Self = Self::known(b"aac");
    /// MPEG-1 and 2 Audio Layer III.
    pub const MP3: Self = Self::known(b"mp3");
    /// Opus (RFC 6716).
    pub const OPUS: Self = Self::known(b"opus");
    /// Dolby Digital (ETSI TS 102 366).
    pub const AC3: Self = Self::known(b"ac3");
    /// Dolby Digital Plus (ETSI TS 102 366, annex E).
    pub const EAC3: Self = Self::known(b"eac3");
    /// Free Lossless Audio Codec (RFC 9639).
    pub const FLAC: Self = Self::known(b"flac");
    /// Apple Lossless.
    pub const ALAC: Self = Self::known(b"alac");

    const fn known(text: &[u8]) -> Self {
        let mut name = [0; MAX_NAME];
        let mut at = 0;
        while at < text.len() {
            name[at] = text[at];
            at += 1;
        }
        Self { name }
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self.name.iter().position(|byte| *byte == 0).unwrap_or(MAX_NAME);
        // Only ASCII gets in.
        self.name.get(..end).and_then(|name| str::from_utf8(name).ok()).unwrap_or_default()
    }
}

impl str::FromStr for Codec {
    type Err = CodecNameError;

    fn from_str(text: &str) -> Result<Self, CodecNameError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(fits) {
            return Err(CodecNameError);
        }
        Ok(Self::known(text.as_bytes()))
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Codec({self})")
    }
}

impl Serialize for Codec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Codec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::wire::{from_bytes, to_bytes};

    #[test]
    fn a_codec_is_its_name() {
        let longest = "a".repeat(MAX_NAME);
        for name in ["h264", "adpcm_ima_cunning", "4xm", longest.as_str()] {
            let codec: Codec = name.parse().unwrap();
            assert_eq!((codec.as_str(), codec.to_string().as_str()), (name, name));
            assert_eq!(from_bytes::<Codec>(&to_bytes(&codec)).unwrap(), codec);
        }
        assert_eq!("hevc".parse(), Ok(Codec::HEVC));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in ["", "H264", "a b", "é", "a\0", &"a".repeat(MAX_NAME + 1)] {
            assert_eq!(name.parse::<Codec>(), Err(CodecNameError), "{name}");
            assert!(from_bytes::<Codec>(&to_bytes(&Text::from(name))).is_err(), "{name}");
        }
    }
}
