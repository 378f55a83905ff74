//! The track of sound of one file: where each of its packets is, and when it is heard.
//!
//! One track is sent with a play, whatever renditions are shown, so it stands beside the index of pictures.

use std::ops::Range;

use bytes::Bytes;

use super::pieces::{Pieces, Run};
use crate::types::{Codec, MediaTime, limits::MAX_PART};

/// Most packets of sound that are indexed: twelve hours of AAC at 44,100 samples a second. Each takes 32 bytes.
pub(super) const MAX_SOUND_PACKETS: usize = 2_000_000;

/// Lowest rate that is passed on, in samples a second: half of what a telephone carries. A rate of a few samples a
/// second would make hours of sound of a packet.
pub(super) const MIN_SAMPLE_RATE: u32 = 4_000;

/// Highest rate that is passed on, in samples a second: twice what studios record.
pub(super) const MAX_SAMPLE_RATE: u32 = 384_000;

/// Most channels that are passed on: 22.2, the largest layout in use.
pub(super) const MAX_CHANNELS: u16 = 24;

/// Longest configuration of a decoder of sound, in bytes. Real ones have some tens.
pub(super) const MAX_SOUND_EXTRADATA: usize = 64 * 1024;

/// Furthest apart that the pieces of a packet may lie, in bytes: a second of pictures of 8 Mb/s between them.
const MAX_SPAN: u64 = 1024 * 1024;

/// Most packets of one read, 1.4 s of AAC.
const MOST_IN_ONE_READ: usize = 64;

/// And most bytes of them, unless one packet alone has more.
const MOST_BYTES_IN_ONE_READ: u64 = 32 * 1024;

/// And most bytes that are read for them, with what lies between pieces, unless one packet alone takes more.
const MOST_SPANNED_IN_ONE_READ: u64 = 256 * 1024;

/// From where before a place decoding begins, so that the sound at that place is whole: Opus asks for 80 ms
/// (RFC 7845, 4.6), AAC for one packet.
const RUN_IN: MediaTime = MediaTime(80_000);

/// What a decoder of sound must know before the first packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundFormat {
    pub codec: Codec,
    /// In samples a second, as the container has it; what the decoder finds counts.
    pub sample_rate: u32,
    /// As the container has it; what the decoder finds counts.
    pub channels: u16,
    /// The codec's configuration as FFmpeg takes it for `extradata`; for AAC the `AudioSpecificConfig`.
    pub extradata: Bytes,
}

impl SoundFormat {
    /// Whether it can be what it says: a decoder may be opened for it.
    ///
    /// # Errors
    /// When it claims what no sound has.
    pub fn check(&self) -> Result<(), NoSound> {
        let Self { sample_rate, channels, extradata, .. } = self;
        if !(MIN_SAMPLE_RATE..=MAX_SAMPLE_RATE).contains(sample_rate) || !(1..=MAX_CHANNELS).contains(channels) {
            return Err(NoSound::Format { sample_rate: *sample_rate, channels: *channels });
        }
        if extradata.len() > MAX_SOUND_EXTRADATA {
            return Err(NoSound::Damaged("its configuration is larger than 64 kB".to_owned()));
        }
        Ok(())
    }
}

/// One compressed packet of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundPacket {
    /// From the start of the file, in bytes; where its first piece begins if it is scattered.
    pub offset: u64,
    /// In bytes, from 1 to [`MAX_PART`]: it travels whole.
    pub size: u32,
    /// When its first sample is due on the clock of the title's pictures, after the edit list; negative for what is
    /// decoded and not heard.
    pub pts: MediaTime,
    /// How long it sounds.
    pub duration: MediaTime,
}

impl SoundPacket {
    /// Where it lies in the file, in bytes, if it lies in one piece; [`SoundTrack::span`] knows.
    #[must_use]
    pub fn bytes(&self) -> Range<u64> {
        self.offset..self.offset + u64::from(self.size)
    }

    /// When its last sample is over.
    #[must_use]
    pub fn end(&self) -> MediaTime {
        self.pts + self.duration
    }
}

/// Why a file with sound is played without it, in words that go on "its sound is left out: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSound {
    /// By the name that the container has for it, escaped.
    #[error("its codec \"{0}\" is not passed on")]
    Codec(String),
    #[error("it is encrypted")]
    Encrypted,
    #[error("it claims {sample_rate} samples a second on {channels} channels")]
    Format { sample_rate: u32, channels: u16 },
    /// In bytes.
    #[error("one of its packets has {0} bytes; up to {MAX_PART} are sent")]
    PacketTooLarge(u32),
    #[error("it has more than {MAX_SOUND_PACKETS} packets, or more than the file can hold")]
    TooManyPackets,
    #[error("a packet has no bytes, or begins before the one ahead of it")]
    OutOfOrder,
    #[error("none of it is heard")]
    Nothing,
    #[error("a packet of it does not stand in the file as it is decoded")]
    NotInFile,
    #[error("its packets are cut into too many pieces, or pieces too far apart")]
    TooScattered,
    #[error("its clock does not jump where that of the pictures does")]
    ClockJumps,
    #[error("{0}")]
    Damaged(String),
}

/// The packets of one file's track of sound, in order, and what of them is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundTrack {
    format: SoundFormat,
    packets: Vec<SoundPacket>,
    pieces: Pieces,
    heard: Range<MediaTime>,
}

impl SoundTrack {
    /// From packets in the order of their times. Samples outside of `heard` only help to decode; what lies before the
    /// title's first picture is never heard.
    ///
    /// # Errors
    /// When it cannot be sent, or nothing of it is heard.
    pub fn new(format: SoundFormat, packets: Vec<SoundPacket>, heard: Range<MediaTime>) -> Result<Self, NoSound> {
        format.check()?;
        if packets.len() > MAX_SOUND_PACKETS {
            return Err(NoSound::TooManyPackets);
        }
        if let Some(large) = packets.iter().find(|packet| packet.size as usize > MAX_PART) {
            return Err(NoSound::PacketTooLarge(large.size));
        }
        if packets.iter().any(|packet| packet.size == 0) || !packets.is_sorted_by_key(|packet| packet.pts) {
            return Err(NoSound::OutOfOrder);
        }
        let end = packets.last().map_or(MediaTime::ZERO, SoundPacket::end);
        let heard = heard.start.max(MediaTime::ZERO)..heard.end.min(end);
        if heard.is_empty() {
            return Err(NoSound::Nothing);
        }
        Ok(Self { format, packets, pieces: Pieces::default(), heard })
    }

    /// The same with packets that do not lie in one piece.
    ///
    /// # Errors
    /// When one lies so far apart that to read many of them would keep a disk busy.
    pub(super) fn scattered(self, pieces: Pieces) -> Result<Self, NoSound> {
        let track = Self { pieces, ..self };
        let mut spans = (0..track.packets.len()).map(|position| track.span(position));
        let is_near = spans.all(|span| span.is_some_and(|span| span.end - span.start <= MAX_SPAN));
        if is_near { Ok(track) } else { Err(NoSound::TooScattered) }
    }

    /// The pieces of the packet at a position; none when it lies in one.
    pub(super) fn pieces(&self, position: usize) -> &[Run] {
        self.pieces.of(position)
    }

    /// From the first to the last byte of the packet at a position, which may have others in between.
    #[must_use]
    pub fn span(&self, position: usize) -> Option<Range<u64>> {
        let packet = self.packets.get(position)?;
        self.pieces.span(position, packet.bytes())
    }

    /// How the packets are coded.
    #[must_use]
    pub fn format(&self) -> &SoundFormat {
        &self.format
    }

    /// All packets.
    #[must_use]
    pub fn packets(&self) -> &[SoundPacket] {
        &self.packets
    }

    /// Which times of the title it sounds at.
    #[must_use]
    pub fn heard(&self) -> Range<MediaTime> {
        self.heard.clone()
    }

    /// The packets from one on that are read together. They end where those do of whoever began elsewhere, so that
    /// several who hear a title ask for the same ones.
    #[must_use]
    pub fn read_together(&self, from: usize) -> Range<usize> {
        let start = from - from % MOST_IN_ONE_READ;
        let end = (start + MOST_IN_ONE_READ).min(self.packets.len());
        let (mut bytes, mut spanned) = (0, 0);
        for (position, packet) in (start..end).zip(self.packets.get(start..end).unwrap_or_default()) {
            let size = u64::from(packet.size);
            let span = self.span(position).map_or(size, |span| span.end - span.start);
            (bytes, spanned) = (bytes + size, spanned + span);
            if bytes > MOST_BYTES_IN_ONE_READ || spanned > MOST_SPANNED_IN_ONE_READ {
                if position > from {
                    return from..position;
                }
                (bytes, spanned) = (size, span);
            }
        }
        from..end.max(from)
    }

    /// The packets that are needed to hear a part of the title, with those before it that a decoder runs in with.
    #[must_use]
    pub fn needed_for(&self, part: &Range<MediaTime>) -> Range<usize> {
        let from = part.start.max(self.heard.start) - RUN_IN;
        let until = part.end.min(self.heard.end);
        // The packet that sounds at `from` is the last one that begins at or before it.
        let first = self.packets.partition_point(|packet| packet.pts <= from).saturating_sub(1);
        let end = self.packets.partition_point(|packet| packet.pts < until);
        if part.start >= until { end..end } else { first..end.max(first) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: SoundFormat =
        SoundFormat { codec: Codec::AAC, sample_rate: 48_000, channels: 2, extradata: Bytes::new() };

    /// Packets of 20 ms, the first one before the title.
    fn packets(count: i64) -> Vec<SoundPacket> {
        let packet = |number: i64| SoundPacket {
            offset: 100 * number.unsigned_abs(),
            size: 100,
            pts: MediaTime((number - 1) * 20_000),
            duration: MediaTime(20_000),
        };
        (0..count).map(packet).collect()
    }

    fn all() -> Range<MediaTime> {
        MediaTime(i64::MIN)..MediaTime(i64::MAX)
    }

    #[test]
    fn what_is_heard_lies_within_the_title_and_the_packets() {
        let track = SoundTrack::new(FORMAT, packets(51), all()).unwrap();
        assert_eq!(track.heard(), MediaTime::ZERO..MediaTime(1_000_000));
        let cut = MediaTime(10_000)..MediaTime(500_000);
        assert_eq!(SoundTrack::new(FORMAT, packets(51), cut.clone()).unwrap().heard(), cut);
        assert_eq!(SoundTrack::new(FORMAT, packets(1), all()), Err(NoSound::Nothing));
        assert_eq!(SoundTrack::new(FORMAT, Vec::new(), all()), Err(NoSound::Nothing));
    }

    #[test]
    fn a_part_is_decoded_from_some_packets_before_it() {
        let track = SoundTrack::new(FORMAT, packets(51), all()).unwrap();
        let needed = |from, until| track.needed_for(&(MediaTime(from)..MediaTime(until)));
        assert_eq!(needed(0, i64::MAX), 0..51);
        assert_eq!(needed(500_000, 600_000), 22..31, "80 ms before, up to the last that begins before the end");
        assert_eq!(needed(505_000, 600_001), 22..32);
        assert_eq!(needed(2_000_000, 3_000_000).len(), 0);
        assert_eq!(needed(500_000, 500_000).len(), 0);
        assert_eq!(needed(i64::MIN, i64::MAX), 0..51);
    }

    #[test]
    fn what_is_read_together_ends_at_the_same_packets_wherever_it_begins() {
        for size in [100, 700, MAX_PART / 3, MAX_PART] {
            let bytes = u32::try_from(size).unwrap();
            let packets = packets(1000).into_iter().map(|packet| SoundPacket { size: bytes, ..packet }).collect();
            let track = SoundTrack::new(FORMAT, packets, all()).unwrap();
            let edges = |mut from: usize| {
                let mut edges = vec![from];
                while from < 1000 {
                    let read = track.read_together(from);
                    assert!(read.start == from && !read.is_empty() && read.len() <= 64, "{read:?}");
                    assert!(read.len() * size <= 32 * 1024, "{read:?} of {size} bytes");
                    from = read.end;
                    edges.push(from);
                }
                edges
            };
            let all = edges(0);
            for start in 0..1000 {
                assert!(edges(start)[1..].iter().all(|edge| all.contains(edge)), "from {start}");
            }
            assert!(track.read_together(1000).is_empty() && track.read_together(5000).is_empty());
        }
    }

    #[test]
    fn attack_pieces_far_apart_do_not_make_one_read_many_large_ones() {
        for apart in [1_000, 20_000, 100_000, 500_000, MAX_SPAN - 50] {
            let mut pieces = Pieces::default();
            for (position, packet) in packets(200).iter().enumerate() {
                let (first, second) = (packet.offset, packet.offset + apart);
                pieces.push(position, &[Run::one(first, 50), Run::one(second, 50)]);
            }
            let track = SoundTrack::new(FORMAT, packets(200), all()).unwrap().scattered(pieces).unwrap();
            let ends = |from| track.read_together(from).end;
            let edges: Vec<_> =
                std::iter::successors(Some(0), |&from| Some(ends(from)).filter(|end| *end < 200)).collect();
            for from in 0..200 {
                let read = track.read_together(from);
                let spanned: u64 = read.clone().filter_map(|at| track.span(at)).map(|span| span.end - span.start).sum();
                assert!(spanned <= 256 * 1024 || read.len() == 1, "{read:?} spans {spanned}");
                assert!(read.start == from && (read.end == 200 || edges.contains(&read.end)), "{read:?}");
            }
        }
    }

    #[test]
    fn bad_input_50_what_cannot_be_sent_is_refused() {
        for (change, wanted) in [
            (SoundFormat { channels: 0, ..FORMAT }, NoSound::Format { sample_rate: 48_000, channels: 0 }),
            (
                SoundFormat { sample_rate: 1_000_000_000, ..FORMAT },
                NoSound::Format { sample_rate: 1_000_000_000, channels: 2 },
            ),
            (SoundFormat { sample_rate: 0, ..FORMAT }, NoSound::Format { sample_rate: 0, channels: 2 }),
            (SoundFormat { sample_rate: 3_999, ..FORMAT }, NoSound::Format { sample_rate: 3_999, channels: 2 }),
        ] {
            assert_eq!(SoundTrack::new(change, packets(9), all()), Err(wanted));
        }
        let huge = SoundFormat { extradata: vec![0; MAX_SOUND_EXTRADATA + 1].into(), ..FORMAT };
        assert!(matches!(SoundTrack::new(huge, packets(9), all()), Err(NoSound::Damaged(_))));
        let mut large = packets(9);
        large[3].size = 32 * 1024 + 1;
        assert_eq!(SoundTrack::new(FORMAT, large, all()), Err(NoSound::PacketTooLarge(32 * 1024 + 1)));
        let mut swapped = packets(9);
        swapped.swap(2, 3);
        assert_eq!(SoundTrack::new(FORMAT, swapped, all()), Err(NoSound::OutOfOrder));
    }
}
