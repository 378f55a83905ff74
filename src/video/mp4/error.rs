//! Why a file cannot be indexed.

use std::{fmt, io};

use crate::types::limits::MAX_PACKET;

use super::limits::{MAX_BOXES, MAX_DIMENSION, MAX_HEADER, MAX_PACKETS};

/// Why a file cannot be indexed, in words for the one who put it into the folder. It never names the file.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// 0 bytes.
    #[error("it is empty: still being copied?")]
    Empty,
    /// It does not begin with a box that such a file begins with.
    #[error("it is not an MP4 or MOV file, whatever its name says")]
    NotMp4,
    /// All boxes are there and none is the header: recorders write it last.
    #[error("it has no moov box: still being copied, or its recording was not finished")]
    NoHeader,
    /// A box or a packet reaches beyond the end of the file. In bytes.
    #[error("it ends after {} of {}: still being copied?", Megabytes(*.have), Megabytes(*.need))]
    Truncated { have: u64, need: u64 },
    /// In bytes.
    #[error("its header of {} is larger than {}", Megabytes(*.0), Megabytes(MAX_HEADER))]
    HeaderTooLarge(u64),
    #[error("it is cut into more than {MAX_BOXES} boxes")]
    TooManyBoxes,
    /// What contradicts the format, by the name of its box where that helps.
    #[error("its header is damaged: {0}")]
    Malformed(&'static str),
    #[error("it has no video track")]
    NoVideo,
    #[error("its video is encrypted")]
    Encrypted,
    /// By its four-character code, escaped.
    #[error("its video codec \"{0}\" is not one of H.264, HEVC, VP9, AV1")]
    Codec(String),
    /// More than one sample description is in use.
    #[error("it changes its codec settings on the way")]
    SeveralFormats,
    #[error("its edit list puts several parts together: export it anew as one piece")]
    SeveralEdits,
    #[error("its pictures claim to be {width}x{height} pixels; up to {MAX_DIMENSION}x{MAX_DIMENSION} are played")]
    Dimensions { width: u32, height: u32 },
    /// How many it claims; also fewer than the limit when the file is too small for them.
    #[error("its header claims {0} pictures, more than the file can hold or than {MAX_PACKETS}")]
    TooManyPackets(u64),
    /// In bytes.
    #[error("one of its packets claims {}; up to {} are played", Megabytes(u64::from(*.0)), Megabytes(MAX_PACKET as u64))]
    PacketTooLarge(u32),
    /// Or its edit list shows none of them.
    #[error("its video track has no pictures to show")]
    NoPictures,
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl IndexError {
    /// Whether another reader may take the file: what is refused is more than this one understands, or less than
    /// certain to be wrong.
    pub(crate) fn is_of_this_reader(&self) -> bool {
        match self {
            Self::NotMp4
            | Self::HeaderTooLarge(_)
            | Self::TooManyBoxes
            | Self::Malformed(_)
            | Self::Codec(_)
            | Self::SeveralFormats
            | Self::SeveralEdits => true,
            Self::Empty
            | Self::NoHeader
            | Self::Truncated { .. }
            | Self::NoVideo
            | Self::Encrypted
            | Self::Dimensions { .. }
            | Self::TooManyPackets(_)
            | Self::PacketTooLarge(_)
            | Self::NoPictures
            | Self::Io(_) => false,
        }
    }
}

/// Shown in MB with one digit behind the point, as file managers do; small sizes in bytes.
struct Megabytes(u64);

impl fmt::Display for Megabytes {
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit behind the point")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 100_000 { write!(f, "{} bytes", self.0) } else { write!(f, "{:.1} MB", self.0 as f64 / 1e6) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_as_a_person_would() {
        let error = IndexError::Truncated { have: 1_234_567, need: 3_400_000 };
        assert_eq!(error.to_string(), "it ends after 1.2 MB of 3.4 MB: still being copied?");
        let error = IndexError::Truncated { have: 12, need: 99 };
        assert_eq!(error.to_string(), "it ends after 12 bytes of 99 bytes: still being copied?");
    }
}
