//! How a track's packets are coded: its first sample description (ISO/IEC 14496-12, 12.1).
//!
//! ```text
//!   stsd: version, flags, count, then entries; the first is
//!         size  name   24 bytes  width  height  50 bytes   boxes: avcC, hvcC, av1C, pasp, …
//!         4     4                2      2
//! ```
//!
//! What is in avcC and hvcC is in ISO/IEC 14496-15, in av1C in the AV1 binding for ISO media files; none of it
//! is looked into here.

use bytes::Bytes;

use crate::{
    types::Codec,
    video::{index::VideoFormat, pixel_aspect::PixelAspect},
};

use super::{
    boxes::{BoxType, Fields, boxes, find, require},
    error::IndexError,
    limits::{MAX_DIMENSION, MAX_EXTRADATA},
};

/// Length of a visual sample entry in front of the boxes in it, in bytes.
const VISUAL_ENTRY: usize = 78;

/// Reads the format out of a sample table, and the shape of the pixels where it says that.
pub(super) fn format(stbl: &[u8]) -> Result<(VideoFormat, Option<PixelAspect>), IndexError> {
    let (_, _, mut fields) = Fields::full(require(stbl, *b"stsd", "it has no sample description (stsd)")?)?;
    fields.u32()?;
    let (name, entry) =
        boxes(fields.rest()).next().ok_or(IndexError::Malformed("its sample description (stsd) is empty"))??;
    let (codec, configuration) = codec(name)?;
    let (head, inner) =
        entry.split_at_checked(VISUAL_ENTRY).ok_or(IndexError::Malformed("its sample description is too short"))?;
    let mut size = Fields::new(head.get(24..).unwrap_or_default());
    let (width, height) = (u32::from(size.u16()?), u32::from(size.u16()?));
    if !(1..=MAX_DIMENSION).contains(&width) || !(1..=MAX_DIMENSION).contains(&height) {
        return Err(IndexError::Dimensions { width, height });
    }
    let extradata = match configuration {
        Some(name) => require(inner, name, "it has no codec configuration (avcC, hvcC, av1C)")?,
        None => &[],
    };
    if extradata.len() > MAX_EXTRADATA {
        return Err(IndexError::Malformed("its codec configuration is larger than 64 kB"));
    }
    let format = VideoFormat { codec, width, height, extradata: Bytes::copy_from_slice(extradata) };
    Ok((format, pixels(inner)))
}

/// The shape of a pixel: the spacing from one to the next, across and down (pasp, 12.1.4). Damage in it is not worth a
/// title.
fn pixels(inner: &[u8]) -> Option<PixelAspect> {
    let mut fields = Fields::new(find(inner, *b"pasp").ok()??);
    PixelAspect::new(fields.u32().ok()?, fields.u32().ok()?)
}

/// The codec of a sample entry, and the box with the configuration that its decoder needs.
fn codec(name: BoxType) -> Result<(Codec, Option<BoxType>), IndexError> {
    match &name {
        b"avc1" | b"avc3" => Ok((Codec::H264, Some(*b"avcC"))),
        b"hvc1" | b"hev1" => Ok((Codec::HEVC, Some(*b"hvcC"))),
        // A VP9 stream says all in its frames; FFmpeg's decoder takes no extradata.
        b"vp09" => Ok((Codec::VP9, None)),
        b"av01" => Ok((Codec::AV1, Some(*b"av1C"))),
        b"encv" => Err(IndexError::Encrypted),
        other => Err(IndexError::Codec(other.escape_ascii().to_string())),
    }
}

/// Whether a track holds pictures.
pub(super) fn is_video(mdia: &[u8]) -> Result<bool, IndexError> {
    let Some(hdlr) = find(mdia, *b"hdlr")? else { return Ok(false) };
    let (_, _, mut fields) = Fields::full(hdlr)?;
    fields.u32()?;
    Ok(fields.take()? == *b"vide")
}
