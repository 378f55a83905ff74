//! What a file may claim, each with its reason.

/// Largest header read into memory, moov and all moof boxes together, in bytes. A header takes some 20 bytes
/// for a packet: this fits [`MAX_PACKETS`].
pub(super) const MAX_HEADER: u64 = 64 * 1024 * 1024;

/// Boxes at the top of a file that are looked at. Ten hours in fragments of a second have some 110,000.
pub(super) const MAX_BOXES: usize = 1_000_000;

/// Most packets that are indexed: 9 hours at 60 pictures a second. Each takes 40 bytes of memory.
pub(crate) const MAX_PACKETS: usize = 2_000_000;

/// Largest width and height in pixels: what the codecs of today can say, and 16 times the area of 4K.
pub(crate) const MAX_DIMENSION: u32 = 16_384;

/// Longest codec configuration in bytes: it travels in one record. Real ones have less than 1 kB.
pub(crate) const MAX_EXTRADATA: usize = 64 * 1024;
