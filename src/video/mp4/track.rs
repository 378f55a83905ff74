//! From a file to the index of its video track.

use crate::{
    types::{MediaTime, limits::MAX_PACKET},
    video::{
        index::{Index, Packet, VideoFormat},
        pixel_aspect::PixelAspect,
        rotation::Rotation,
    },
};

use super::{
    boxes::{Fields, boxes, require},
    edit::{Edit, edit},
    error::IndexError,
    format::{format, is_video},
    fragment::Fragments,
    input::Input,
    layout::{Layout, layout},
    samples::{Sample, samples},
    sound::{Origin, sound},
};

/// A video track, its times in ticks of its own clock.
struct Track {
    format: VideoFormat,
    /// Ticks a second.
    scale: u32,
    edit: Edit,
    rotation: Rotation,
    pixels: Option<PixelAspect>,
    samples: Vec<Sample>,
}

/// Indexes the first video track with a codec that is played.
pub(crate) fn read(input: &(impl Input + ?Sized)) -> Result<Index, IndexError> {
    let layout = layout(input)?;
    let mut reason = IndexError::NoVideo;
    for entry in boxes(&layout.moov) {
        if let (name, trak) = entry?
            && name == *b"trak"
        {
            match track(&layout, trak, input.size()) {
                Ok(Some(track)) => {
                    let origin = track.origin();
                    let index = track.index(input.size())?;
                    // Whatever is wrong with the sound, the pictures play.
                    return Ok(match sound(&layout, origin, input.size()) {
                        Some(sound) => index.with_sound(sound),
                        None => index,
                    });
                }
                Ok(None) => {}
                Err(error) => reason = error,
            }
        }
    }
    Err(reason)
}

/// Reads one track; nothing when it holds no pictures.
fn track(layout: &Layout, trak: &[u8], file_size: u64) -> Result<Option<Track>, IndexError> {
    let mdia = require(trak, *b"mdia", "a track has no media (mdia)")?;
    if !is_video(mdia)? {
        return Ok(None);
    }
    let minf = require(mdia, *b"minf", "a track has no media (minf)")?;
    let stbl = require(minf, *b"stbl", "a track has no sample table (stbl)")?;
    let (format, pixels) = format(stbl)?;
    let scale = timescale(require(mdia, *b"mdhd", "a track has no clock (mdhd)")?)?;
    let movie_scale = timescale(require(&layout.moov, *b"mvhd", "it has no clock (mvhd)")?)?;
    let edit = edit(trak, movie_scale, scale)?;
    let (id, rotation) = head(trak)?;
    let mut fragments = Fragments::new(id, &layout.moov, samples(stbl, file_size)?, file_size)?;
    for (start, moof) in &layout.fragments {
        fragments.add(*start, moof)?;
    }
    Ok(Some(Track { format, scale, edit, rotation, pixels, samples: fragments.finish() }))
}

/// The ticks a second of mvhd or mdhd: behind two dates.
pub(super) fn timescale(body: &[u8]) -> Result<u32, IndexError> {
    let (version, _, mut fields) = Fields::full(body)?;
    fields.u32_or_u64(version)?;
    fields.u32_or_u64(version)?;
    match fields.u32()? {
        0 => Err(IndexError::Malformed("one of its clocks stands still (mvhd, mdhd)")),
        scale => Ok(scale),
    }
}

/// A track's number, and how its pictures are to be turned (tkhd).
pub(super) fn head(trak: &[u8]) -> Result<(u32, Rotation), IndexError> {
    let (version, _, mut fields) = Fields::full(require(trak, *b"tkhd", "a track has no head (tkhd)")?)?;
    fields.u32_or_u64(version)?;
    fields.u32_or_u64(version)?;
    let id = fields.u32()?;
    Ok((id, rotation(fields, version).unwrap_or_default()))
}

/// Behind the duration, layer, group and volume stands the matrix.
fn rotation(mut fields: Fields<'_>, version: u8) -> Result<Rotation, IndexError> {
    fields.u32()?;
    fields.u32_or_u64(version)?;
    for _ in 0..4 {
        fields.u32()?;
    }
    let mut matrix = [0; 9];
    for value in &mut matrix {
        *value = fields.i32()?;
    }
    Ok(Rotation::from_matrix(matrix))
}

impl Track {
    /// Where the title begins on the movie's timeline: with the first picture that is shown, less the pause before it.
    fn origin(&self) -> Origin {
        let shown = self.samples.iter().filter(|sample| sample.size > 0 && self.edit.shows(sample.cts));
        let first = shown.map(|sample| sample.cts).min().unwrap_or_default();
        let start = if self.edit.start == i64::MIN { 0 } else { self.edit.start };
        Origin(MediaTime::from_ticks(first.saturating_sub(start), self.scale.into()))
    }

    fn index(mut self, file_size: u64) -> Result<Index, IndexError> {
        // A packet without bytes decodes to nothing; writers use it to prolong the one before.
        self.samples.retain(|sample| sample.size > 0);
        for sample in &self.samples {
            let end = sample.offset.saturating_add(sample.size.into());
            if end > file_size {
                return Err(IndexError::Truncated { have: file_size, need: end });
            }
            if sample.size as usize > MAX_PACKET {
                return Err(IndexError::PacketTooLarge(sample.size));
            }
        }
        let shown = || self.samples.iter().filter(|sample| self.edit.shows(sample.cts));
        let first = shown().map(|sample| sample.cts).min().ok_or(IndexError::NoPictures)?;
        let end = shown().map(|sample| sample.cts.saturating_add(sample.duration.max(1).into())).max();
        let end = end.unwrap_or(first).min(self.edit.end);
        let ticks = |ticks: i64| MediaTime::from_ticks(ticks, self.scale.into());
        // The first picture that is shown is where the title begins, wherever its clock stands then.
        let zero = first.saturating_sub(self.edit.delay);
        let time = |at: i64| ticks(at.saturating_sub(zero));
        let packets = self.samples.iter().map(|sample| Packet {
            offset: sample.offset,
            size: sample.size,
            keyframe: sample.keyframe,
            pts: time(sample.cts),
            dts: time(sample.dts),
            duration: ticks(sample.duration.into()),
        });
        let index = Index::new(self.format, packets.collect(), time(first)..time(end));
        index.map(|index| index.rotated(self.rotation).stretched(self.pixels)).ok_or(IndexError::NoPictures)
    }
}

#[cfg(test)]
mod tests;
