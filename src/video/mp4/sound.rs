//! The track of sound of a file: its sample description (ISO/IEC 14496-12, 12.2) and its packets.
//!
//! ```text
//!   stsd: version, flags, count, then entries; the first is
//!         size  name   8 bytes  version  6 bytes  channels  6 bytes  rate 16.16   more in versions 1, 2   boxes
//!         4     4               2                 2                  4            16, 36
//! ```
//!
//! What a decoder needs stands in boxes behind it: `esds` (ISO/IEC 14496-14), `dOps` (Opus), `dfLa` (FLAC), `alac`.

use crate::{
    types::{Codec, MediaTime, limits::MAX_PART},
    video::sound_track::{MAX_SOUND_EXTRADATA, NoSound, SoundFormat, SoundPacket, SoundTrack},
};

use super::{
    boxes::{BoxType, Fields, boxes, find, require},
    edit::{Edit, edit},
    error::IndexError,
    fragment::Fragments,
    layout::Layout,
    samples::{Sample, samples},
    track::{head, timescale},
};

/// Length of an audio sample entry in front of what its versions add, in bytes.
const AUDIO_ENTRY: usize = 28;

/// Where the title's first moment lies on the movie's timeline: what times of sound are counted from.
#[derive(Clone, Copy)]
pub(super) struct Origin(pub(super) MediaTime);

/// The first track of sound, or why it is left out; nothing for a file without sound.
pub(super) fn sound(layout: &Layout, origin: Origin, file_size: u64) -> Option<Result<SoundTrack, NoSound>> {
    let tracks = boxes(&layout.moov).map_while(Result::ok).filter(|(name, _)| name == b"trak");
    let mut tracks = tracks.map(|(_, trak)| trak).filter(|trak| is_sound(trak));
    tracks.next().map(|trak| track(layout, trak, origin, file_size))
}

fn is_sound(trak: &[u8]) -> bool {
    let handler = || -> Result<BoxType, IndexError> {
        let hdlr = require(require(trak, *b"mdia", "")?, *b"hdlr", "")?;
        let (_, _, mut fields) = Fields::full(hdlr)?;
        fields.u32()?;
        fields.take()
    };
    handler().is_ok_and(|handler| handler == *b"soun")
}

fn track(layout: &Layout, trak: &[u8], origin: Origin, file_size: u64) -> Result<SoundTrack, NoSound> {
    let mdia = require(trak, *b"mdia", "a track has no media (mdia)")?;
    let minf = require(mdia, *b"minf", "a track has no media (minf)")?;
    let stbl = require(minf, *b"stbl", "a track has no sample table (stbl)")?;
    let format = format(stbl)?;
    let scale = timescale(require(mdia, *b"mdhd", "a track has no clock (mdhd)")?)?;
    let movie_scale = timescale(require(&layout.moov, *b"mvhd", "it has no clock (mvhd)")?)?;
    let edit = edit(trak, movie_scale, scale)?;
    let mut fragments = Fragments::new(head(trak)?.0, &layout.moov, samples(stbl, file_size)?, file_size)?;
    for (start, moof) in &layout.fragments {
        fragments.add(*start, moof)?;
    }
    on_title(format, &fragments.finish(), edit, scale, origin, file_size)
}

/// Brings the packets to the clock of the title.
fn on_title(
    format: SoundFormat,
    samples: &[Sample],
    edit: Edit,
    scale: u32,
    origin: Origin,
    file_size: u64,
) -> Result<SoundTrack, NoSound> {
    let time = |ticks: i64| {
        let start = if edit.start == i64::MIN { 0 } else { edit.start };
        let ticks = ticks.saturating_sub(start).saturating_add(edit.delay);
        MediaTime::from_ticks(ticks, scale.into()) - origin.0
    };
    let mut packets = Vec::with_capacity(samples.len());
    for sample in samples.iter().filter(|sample| sample.size > 0) {
        if sample.size as usize > MAX_PART {
            return Err(NoSound::PacketTooLarge(sample.size));
        }
        if sample.offset.saturating_add(sample.size.into()) > file_size {
            return Err(NoSound::Damaged("it reaches beyond the end of the file".to_owned()));
        }
        let pts = time(sample.cts);
        let duration = time(sample.cts.saturating_add(sample.duration.into())) - pts;
        packets.push(SoundPacket { offset: sample.offset, size: sample.size, pts, duration });
    }
    let bound = |edge: i64| if edge == i64::MIN || edge == i64::MAX { MediaTime(edge) } else { time(edge) };
    SoundTrack::new(format, packets, bound(edit.start)..bound(edit.end))
}

impl From<IndexError> for NoSound {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::TooManyPackets(_) => Self::TooManyPackets,
            IndexError::Encrypted => Self::Encrypted,
            other => Self::Damaged(other.to_string()),
        }
    }
}

/// Reads the format out of a sample table.
fn format(stbl: &[u8]) -> Result<SoundFormat, NoSound> {
    let (_, _, mut fields) = Fields::full(require(stbl, *b"stsd", "it has no sample description (stsd)")?)?;
    fields.u32()?;
    let empty = IndexError::Malformed("its sample description (stsd) is empty");
    let (name, entry) = boxes(fields.rest()).next().ok_or(empty)??;
    let short = || IndexError::Malformed("its sample description is too short");
    let mut head = Fields::new(entry.get(8..).unwrap_or_default());
    let version = head.u16()?;
    head.take::<6>()?;
    let channels = head.u16()?;
    head.take::<6>()?;
    let sample_rate = head.u32()? >> 16;
    let more = match version {
        0 => 0,
        1 => 16,
        2 => 36,
        _ => return Err(NoSound::Damaged("its sample description is of an unknown version".to_owned())),
    };
    let mut inner = entry.get(AUDIO_ENTRY + more..).ok_or_else(short)?;
    // QuickTime has the boxes one level deeper.
    if let Some(wave) = find(inner, *b"wave").ok().flatten() {
        inner = wave;
    }
    let (codec, extradata) = configuration(name, inner)?;
    if extradata.len() > MAX_SOUND_EXTRADATA {
        return Err(NoSound::Damaged("its configuration is larger than 64 kB".to_owned()));
    }
    // The field has no room for rates from 65,536 on, and version 2 has its own: the decoder finds it out.
    let sample_rate = if version == 2 || sample_rate == 0 { 48_000 } else { sample_rate };
    Ok(SoundFormat { codec, sample_rate, channels, extradata: extradata.into() })
}

/// The codec of a sample entry, and its configuration as FFmpeg takes it.
fn configuration(name: BoxType, inner: &[u8]) -> Result<(Codec, Vec<u8>), NoSound> {
    match &name {
        b"mp4a" => elementary_stream(require(inner, *b"esds", "its sound has no configuration (esds)")?),
        b".mp3" => Ok((Codec::MP3, Vec::new())),
        b"ac-3" => Ok((Codec::AC3, Vec::new())),
        b"ec-3" => Ok((Codec::EAC3, Vec::new())),
        b"Opus" => Ok((Codec::OPUS, opus_head(require(inner, *b"dOps", "its sound has no configuration (dOps)")?)?)),
        b"fLaC" => {
            let blocks = require(inner, *b"dfLa", "its sound has no configuration (dfLa)")?;
            // Version and flags, then the head of the first block, which describes the stream in 34 bytes.
            let is_first = blocks.get(4).is_some_and(|kind| matches!(kind, 0 | 0x80));
            let stream = blocks.get(8..42).filter(|_| is_first);
            let stream = stream.ok_or(IndexError::Malformed("its sound has no stream description (dfLa)"))?;
            Ok((Codec::FLAC, stream.to_vec()))
        }
        b"alac" => {
            let cookie = require(inner, *b"alac", "its sound has no configuration (alac)")?;
            let length = u32::try_from(cookie.len() + 8).unwrap_or(u32::MAX);
            // FFmpeg wants the box with its head.
            Ok((Codec::ALAC, [&length.to_be_bytes()[..], b"alac", cookie].concat()))
        }
        b"enca" => Err(NoSound::Encrypted),
        other => Err(NoSound::Codec(other.escape_ascii().to_string())),
    }
}

/// What `dOps` says, as the head of an Ogg stream says it (RFC 7845, 5.1): the same fields, numbers the other way round.
fn opus_head(body: &[u8]) -> Result<Vec<u8>, IndexError> {
    let mut fields = Fields::new(body);
    let [_, channels] = fields.take::<2>()?;
    let (skip, rate, gain) = (fields.u16()?, fields.u32()?, fields.u16()?);
    let head = [
        &b"OpusHead"[..],
        &[1, channels],
        &skip.to_le_bytes(),
        &rate.to_le_bytes(),
        &gain.to_le_bytes(),
        fields.rest(),
    ];
    Ok(head.concat())
}

/// The codec and configuration in an `esds` box: descriptors within one another (ISO/IEC 14496-1, 7.2.6).
fn elementary_stream(esds: &[u8]) -> Result<(Codec, Vec<u8>), NoSound> {
    let (_, _, fields) = Fields::full(esds)?;
    let (stream, _) = descriptor(fields.rest(), 3)?;
    let mut fields = Fields::new(stream);
    fields.u16()?;
    let [flags] = fields.take()?;
    if flags & 0x80 != 0 {
        fields.u16()?;
    }
    if flags & 0x40 != 0 {
        let [length] = fields.take()?;
        fields = Fields::new(fields.rest().get(usize::from(length)..).unwrap_or_default());
    }
    if flags & 0x20 != 0 {
        fields.u16()?;
    }
    let (config, _) = descriptor(fields.rest(), 4)?;
    let mut fields = Fields::new(config);
    let [kind, ..] = fields.take::<13>()?;
    let specific = || descriptor(fields.rest(), 5).map(|(specific, _)| specific.to_vec());
    match kind {
        0x40 | 0x66..=0x68 => Ok((Codec::AAC, specific()?)),
        0x69 | 0x6b => Ok((Codec::MP3, Vec::new())),
        0xa5 => Ok((Codec::AC3, Vec::new())),
        0xa6 => Ok((Codec::EAC3, Vec::new())),
        other => Err(NoSound::Codec(format!("mp4a.{other:02x}"))),
    }
}

/// The first descriptor in `bytes`, which must be of this kind, and what follows it.
fn descriptor(bytes: &[u8], kind: u8) -> Result<(&[u8], &[u8]), IndexError> {
    let mut fields = Fields::new(bytes);
    loop {
        let [found] = fields.take()?;
        let mut length = 0_usize;
        // Seven bits at a time, at most four times.
        for _ in 0..4 {
            let [byte] = fields.take()?;
            length = length << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let damaged = IndexError::Malformed("its sound's configuration (esds) is cut off");
        let (body, rest) = fields.rest().split_at_checked(length).ok_or(damaged)?;
        if found == kind {
            return Ok((body, rest));
        }
        fields = Fields::new(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor_of(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind, 0x80, 0x80, u8::try_from(body.len()).unwrap()][..], body].concat()
    }

    fn esds(kind: u8, flags: u8, between: &[u8], specific: &[u8]) -> Vec<u8> {
        let config = [&[kind][..], &[0; 12], &descriptor_of(5, specific)].concat();
        let stream = [&[0, 1, flags][..], between, &descriptor_of(4, &config)].concat();
        [&[0; 4][..], &descriptor_of(3, &stream)].concat()
    }

    #[test]
    fn the_configuration_of_aac_is_found_behind_whatever_stands_before_it() {
        let expected = (Codec::AAC, vec![0x12, 0x10]);
        assert_eq!(elementary_stream(&esds(0x40, 0, &[], &[0x12, 0x10])).unwrap(), expected);
        let optional = [9, 9, 2, b'u', b'l', 7, 7];
        assert_eq!(elementary_stream(&esds(0x40, 0xe0, &optional, &[0x12, 0x10])).unwrap(), expected);
        assert_eq!(elementary_stream(&esds(0x6b, 0, &[], &[])).unwrap().0, Codec::MP3);
        assert_eq!(elementary_stream(&esds(0xdd, 0, &[], &[])), Err(NoSound::Codec("mp4a.dd".to_owned())));
    }

    #[test]
    fn bad_input_47_a_configuration_cut_anywhere_is_an_error() {
        let whole = esds(0x40, 0xe0, &[9, 9, 2, b'u', b'l', 7, 7], &[0x12, 0x10]);
        for end in 0..whole.len() {
            assert!(elementary_stream(&whole[..end]).is_err(), "{end}");
        }
        let endless = [&[0; 4][..], &[3, 0xff, 0xff, 0xff, 0xff, 0xff]].concat();
        assert!(elementary_stream(&endless).is_err());
    }

    #[test]
    fn opus_is_described_as_in_ogg() {
        let head = opus_head(&[0, 2, 0x01, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0]).unwrap();
        assert_eq!(head, b"OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00");
        assert!(opus_head(&[0, 2, 1]).is_err());
    }
}
