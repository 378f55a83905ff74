//! An index as bytes: what the indexing child tells its hub, and what a hub keeps of a file.
//!
//! MessagePack, an array of the fields below. Times and places of packets are written as distances, so that a packet
//! takes some 15 bytes. Whoever wrote the bytes is not trusted: what they claim is held against the limits and
//! against the file's size before it is an [`Index`].

use crate::types::{
    Codec, MediaTime,
    limits::MAX_PACKET,
    wire::{Blob, DecodeError, Text, from_bytes, to_bytes, wire_struct},
};

use self::{
    bounded::{Bounded, Counted},
    scattered::{Scattered, ScatteredRecord, scattered},
    sound::SoundRecord,
};
use super::{
    index::{Index, Packet, VideoFormat},
    mp4::limits::{MAX_DIMENSION, MAX_EXTRADATA, MAX_PACKETS},
    pieces::Pieces,
    pixel_aspect::PixelAspect,
    rotation::Rotation,
    sound_track::NoSound,
};

mod bounded;
mod scattered;
mod sound;

/// Raised when a field changes its meaning. Bytes of another version are read anew from the file.
const VERSION: u16 = 3;

/// Most runs of scattered packets: 30 hours of a transport stream of 5 Mbit/s. Each takes 24 bytes of memory.
pub(crate) const MAX_RUNS: usize = 4_000_000;

/// Furthest that a time may be from the start of a title, either way: 1000 hours.
const MAX_TIME: i64 = 1000 * 3600 * 1_000_000;

wire_struct! {
    struct IndexRecord {
        version: u16,
        codec: Codec,
        width: u32,
        height: u32,
        extradata: Blob,
        rotation: u16,
        /// The shape of a pixel; 0 where the file does not say.
        pixel_width: u32,
        pixel_height: u32,
        compat: bool,
        shown_from: MediaTime,
        shown_until: MediaTime,
        packets: Bounded<PacketRecord, MAX_PACKETS>,
        /// As many as have [`MAX_RUNS`] runs together.
        scattered: Bounded<ScatteredRecord, MAX_RUNS>,
        sound: Option<SoundRecord>,
        /// Why the sound is left out; empty where it is not.
        no_sound: Text,
        /// How long the file says it is, when it ends before that.
        claimed: Option<MediaTime>,
    }
}

wire_struct! {
    struct PacketRecord {
        /// From the end of the packet before; the first from 0.
        gap: i64,
        size: u32,
        keyframe: bool,
        /// From the dts of the packet before; the first from 0.
        dts_step: i64,
        pts_minus_dts: i64,
        duration: i64,
    }
}

impl Counted for PacketRecord {}

/// Longest reason of somebody who is not trusted that is passed on, in characters.
const MAX_REASON: usize = 160;

/// A reason as it is passed on: of bounded length, and without what a terminal would obey.
pub(crate) fn passed_on(reason: &str) -> String {
    reason.chars().filter(|character| !character.is_control()).take(MAX_REASON).collect()
}

/// Why bytes are no index.
#[derive(Debug, thiserror::Error)]
pub enum IndexWireError {
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    #[error("it is of version {0}")]
    Version(u16),
    /// By the name of the field.
    #[error("its {0} is not possible")]
    Impossible(&'static str),
}

impl Index {
    /// Writes it down.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`Index::to_bytes`] wrote of a file of `file_size` bytes.
    ///
    /// # Errors
    /// When it is none, or points beyond the file or out of what is played.
    pub fn from_bytes(bytes: &[u8], file_size: u64) -> Result<Self, IndexWireError> {
        decode(bytes, file_size)
    }
}

fn encode(index: &Index) -> Vec<u8> {
    let format = index.format();
    let (pixel_width, pixel_height) = index.pixels().map_or((0, 0), PixelAspect::ratio);
    let (mut end, mut dts) = (0_u64, 0_i64);
    let packets = index.packets().iter().map(|packet| {
        let record = PacketRecord {
            gap: packet.offset.wrapping_sub(end).cast_signed(),
            size: packet.size,
            keyframe: packet.keyframe,
            dts_step: packet.dts.0.wrapping_sub(dts),
            pts_minus_dts: packet.pts.0.wrapping_sub(packet.dts.0),
            duration: packet.duration.0,
        };
        (end, dts) = (packet.bytes().end, packet.dts.0);
        record
    });
    let packets = packets.collect();
    let scattered = scattered(index.packets().len(), |position| index.pieces(position));
    to_bytes(&IndexRecord {
        version: VERSION,
        codec: format.codec,
        width: format.width,
        height: format.height,
        extradata: format.extradata.clone().into(),
        rotation: index.rotation().degrees(),
        pixel_width,
        pixel_height,
        compat: index.is_compat(),
        shown_from: index.shown().start,
        shown_until: index.shown().end,
        packets,
        scattered,
        sound: index.sound().map(|track| SoundRecord::of(track)),
        no_sound: index.no_sound().map(ToString::to_string).unwrap_or_default().into(),
        claimed: index.claimed(),
    })
}

fn decode(bytes: &[u8], file_size: u64) -> Result<Index, IndexWireError> {
    let record: IndexRecord = from_bytes(bytes)?;
    if record.version != VERSION {
        return Err(IndexWireError::Version(record.version));
    }
    let sizes = 1..=MAX_DIMENSION;
    ensure(sizes.contains(&record.width) && sizes.contains(&record.height), "size in pixels")?;
    ensure(record.extradata.len() <= MAX_EXTRADATA, "codec configuration")?;
    let shown = record.shown_from..record.shown_until;
    ensure(is_time(shown.start) && is_time(shown.end) && shown.start < shown.end, "start or end")?;
    let rotation = Rotation::from_degrees(record.rotation).ok_or(IndexWireError::Impossible("rotation"))?;
    let (packets, pieces) = packets(&record, file_size)?;
    let format =
        VideoFormat { codec: record.codec, width: record.width, height: record.height, extradata: record.extradata.0 };
    let index = Index::new(format, packets, shown).ok_or(IndexWireError::Impossible("first picture"))?;
    let pixels = PixelAspect::new(record.pixel_width, record.pixel_height);
    let index = index.rotated(rotation).stretched(pixels).scattered(pieces);
    let index = if record.compat { index.compat() } else { index };
    // Only the operator is told of it.
    let index = index.cut_short(record.claimed.filter(|claimed| is_time(*claimed)));
    let sound = match record.sound {
        Some(sound) => Ok(sound.track(file_size)?),
        None if record.no_sound.is_empty() => return Ok(index),
        None => Err(NoSound::Damaged(passed_on(&record.no_sound))),
    };
    Ok(index.with_sound(sound))
}

fn ensure(holds: bool, field: &'static str) -> Result<(), IndexWireError> {
    if holds { Ok(()) } else { Err(IndexWireError::Impossible(field)) }
}

fn is_time(time: MediaTime) -> bool {
    (-MAX_TIME..=MAX_TIME).contains(&time.0)
}

/// The packets, and the pieces of those that are scattered.
fn packets(record: &IndexRecord, file_size: u64) -> Result<(Vec<Packet>, Pieces), IndexWireError> {
    let mut scattered = Scattered::new(&record.scattered);
    let mut packets = Vec::with_capacity(record.packets.len());
    let (mut end, mut dts) = (0_u64, 0_i64);
    for (position, one) in (0_u32..).zip(record.packets.iter()) {
        let packet = Packet {
            offset: end.wrapping_add_signed(one.gap),
            size: one.size,
            keyframe: one.keyframe,
            dts: MediaTime(dts.wrapping_add(one.dts_step)),
            pts: MediaTime(dts.wrapping_add(one.dts_step).wrapping_add(one.pts_minus_dts)),
            duration: MediaTime(one.duration),
        };
        ensure((1..=MAX_PACKET).contains(&(packet.size as usize)), "packet's size")?;
        ensure(is_time(packet.pts) && is_time(packet.dts) && (0..=MAX_TIME).contains(&one.duration), "packet's time")?;
        let last = scattered.end_of(position, packet.offset, packet.size)?;
        ensure(last.is_some_and(|last| last <= file_size), "packet's place")?;
        (end, dts) = (packet.offset.wrapping_add(packet.size.into()), packet.dts.0);
        packets.push(packet);
    }
    Ok((packets, scattered.pieces()?))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

    use crate::video::{mp4::read, pieces::Run};

    use super::{scattered::RunRecord, *};

    fn sample(name: &str) -> (u64, Index) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
        let file = std::fs::read(path).unwrap();
        (file.len() as u64, read(&file[..]).unwrap())
    }

    /// Three packets, the second in three pieces.
    fn scattered() -> Index {
        let packet = |offset, size, number: i64| Packet {
            offset,
            size,
            keyframe: number == 0,
            pts: MediaTime(number * 40_000),
            dts: MediaTime(number * 40_000 - 80_000),
            duration: MediaTime(40_000),
        };
        let format =
            VideoFormat { codec: Codec::H264, width: 16, height: 16, extradata: bytes::Bytes::from_static(b"abc") };
        let packets = vec![packet(100, 50, 0), packet(4, 17, 1), packet(200, 1, 2)];
        let mut pieces = Pieces::default();
        pieces.push(1, &[Run { offset: 4, length: 7, stride: 8, count: 2 }, Run::one(30, 3)]);
        let index = Index::new(format, packets, MediaTime(0)..MediaTime(120_000)).unwrap();
        index.scattered(pieces).rotated(Rotation::Left).compat().cut_short(Some(MediaTime(9_000_000)))
    }

    fn assert_same(one: &Index, other: &Index) {
        assert_eq!((one.format(), one.packets(), one.shown()), (other.format(), other.packets(), other.shown()));
        assert_eq!((one.rotation(), one.is_compat()), (other.rotation(), other.is_compat()));
        assert_eq!(one.pixels(), other.pixels());
        assert_eq!(one.claimed(), other.claimed());
        assert_eq!(one.sound(), other.sound());
        for position in 0..one.packets().len() {
            assert_eq!(one.pieces(position), other.pieces(position), "{position}");
        }
    }

    #[test]
    fn an_index_comes_back_as_it_was() {
        for name in ["unaligned_120p.mp4", "edited.mp4", "fragmented.mp4", "av1.mp4"] {
            let (size, index) = sample(name);
            let bytes = encode(&index);
            assert_same(&decode(&bytes, size).unwrap(), &index);
            assert!(bytes.len() < 200 + 24 * index.packets().len(), "{name}: {}", bytes.len());
            assert!(decode(&bytes, size / 2).is_err(), "{name}: it points beyond the file");
        }
        assert_same(&decode(&encode(&scattered()), 201).unwrap(), &scattered());
        assert!(decode(&encode(&scattered()), 200).is_err());
    }

    #[test]
    fn attack_the_reason_for_no_sound_is_short_and_clean() {
        let mut record: IndexRecord = from_bytes(&encode(&scattered())).unwrap();
        record.no_sound = format!("no \x1b[2J{}", "x".repeat(99_999)).into();
        let index = decode(&to_bytes(&record), 1000).unwrap();
        let reason = index.no_sound().unwrap().to_string();
        assert!(reason.starts_with("no [2Jxxx") && reason.len() == MAX_REASON, "{reason}");
    }

    #[test]
    fn attack_an_index_of_too_many_packets_or_pieces_is_given_up_before_it_takes_memory() {
        let runs = |count: usize| ScatteredRecord {
            position: 0,
            runs: std::iter::repeat_n(RunRecord { offset: 0, length: 0, stride: 0, count: 0 }, count).collect(),
        };
        assert_eq!((runs(0).count(), runs(1).count(), runs(5).count()), (1, 1, 5));
        // The list claims one packet too many; behind the last that is taken comes what is no packet.
        let mut record: IndexRecord = from_bytes(&encode(&scattered())).unwrap();
        record.packets.truncate(1);
        record.scattered.clear();
        let (bytes, one) = (to_bytes(&record), to_bytes(&record.packets[0]));
        let place = bytes.windows(one.len()).position(|part| part == one).unwrap();
        let mut many = bytes[..place - 1].to_vec();
        many.push(0xdd);
        many.extend_from_slice(&u32::MAX.to_be_bytes());
        many.extend(one.repeat(MAX_PACKETS + 1));
        let error = decode(&many, 1000).unwrap_err().to_string();
        assert!(error.contains(&format!("a list of up to {MAX_PACKETS}")), "{error}");
        // And one list of pieces too many, each of which counts for one, even if it has none.
        record.scattered.push(ScatteredRecord { position: u32::MAX, ..runs(0) });
        let (bytes, one) = (to_bytes(&record), to_bytes(&record.scattered[0]));
        let place = bytes.windows(one.len()).position(|part| part == one).unwrap();
        let mut many = bytes[..place - 1].to_vec();
        many.push(0xdd);
        many.extend_from_slice(&u32::MAX.to_be_bytes());
        many.extend(to_bytes(&runs(0)).repeat(MAX_RUNS + 1));
        let error = decode(&many, 1000).unwrap_err().to_string();
        assert!(error.contains(&format!("a list of up to {MAX_RUNS}")), "{error}");
    }

    #[test]
    fn what_is_not_possible_is_refused() {
        let whole: IndexRecord = from_bytes(&encode(&scattered())).unwrap();
        let refused = |change: &dyn Fn(&mut IndexRecord)| {
            let mut record = whole.clone();
            change(&mut record);
            decode(&to_bytes(&record), 1000).unwrap_err().to_string()
        };
        assert_eq!(refused(&|record| record.version = 1), "it is of version 1");
        assert_eq!(refused(&|record| record.width = 0), "its size in pixels is not possible");
        assert_eq!(refused(&|record| record.height = 65_535), "its size in pixels is not possible");
        assert_eq!(refused(&|record| record.rotation = 45), "its rotation is not possible");
        assert_eq!(
            refused(&|record| record.extradata = vec![0; 70_000].into()),
            "its codec configuration is not possible"
        );
        assert_eq!(refused(&|record| record.shown_until = record.shown_from), "its start or end is not possible");
        assert_eq!(refused(&|record| record.shown_until.0 = i64::MAX), "its start or end is not possible");
        assert_eq!(refused(&|record| record.packets.clear()), "its order of pieces is not possible");
        assert_eq!(refused(&|record| record.packets[0].size = 0), "its packet's size is not possible");
        assert_eq!(refused(&|record| record.packets[0].gap = -1), "its packet's place is not possible");
        assert_eq!(refused(&|record| record.packets[0].dts_step = i64::MIN), "its packet's time is not possible");
        assert_eq!(refused(&|record| record.packets[2].duration = -1), "its packet's time is not possible");
        assert_eq!(refused(&|record| record.scattered[0].runs[0].count = 3), "its packet's place is not possible");
        assert_eq!(refused(&|record| record.scattered[0].runs[1].offset = 3), "its packet's place is not possible");
        assert_eq!(refused(&|record| record.scattered[0].position = 9), "its order of pieces is not possible");
        assert!(decode(&[], 1000).is_err());
        let mut boasts = whole.clone();
        boasts.claimed = Some(MediaTime(i64::MAX));
        assert_eq!(decode(&to_bytes(&boasts), 1000).unwrap().claimed(), None);
    }

    #[test]
    fn bad_input_47_damaged_bytes_are_an_error_or_an_index_within_the_file() {
        let (size, index) = sample("unaligned_120p.mp4");
        let (mut sound, mut refused) = (0, 0);
        for (original, size) in [(encode(&index), size), (encode(&scattered()), 201)] {
            for seed in 0..2000 {
                let mut rng = StdRng::seed_from_u64(seed);
                let mut bytes = original.clone();
                for _ in 0..rng.random_range(1..4) {
                    let at = rng.random_range(0..bytes.len());
                    bytes[at] = rng.random();
                }
                let Ok(index) = decode(&bytes, size) else {
                    refused += 1;
                    continue;
                };
                sound += 1;
                assert!((0..index.packets().len()).all(|position| index.span(position).unwrap().end <= size));
            }
        }
        assert!(sound > 100 && refused > 100, "{sound} were sound, {refused} refused");
    }
}
