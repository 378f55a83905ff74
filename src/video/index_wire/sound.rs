//! A track of sound as a part of an index in bytes.

use crate::types::{
    Codec, MediaTime,
    limits::MAX_PART,
    wire::{Blob, wire_struct},
};

use super::{
    IndexWireError, MAX_RUNS,
    bounded::{Bounded, Counted},
    ensure, is_time,
    scattered::{Scattered, ScatteredRecord, scattered},
};
use crate::video::sound_track::{MAX_SOUND_PACKETS, SoundFormat, SoundPacket, SoundTrack};

wire_struct! {
    pub(super) struct SoundRecord {
        codec: Codec,
        sample_rate: u32,
        channels: u16,
        extradata: Blob,
        heard_from: MediaTime,
        heard_until: MediaTime,
        packets: Bounded<SoundPacketRecord, MAX_SOUND_PACKETS>,
        /// As many as have [`MAX_RUNS`] runs together.
        scattered: Bounded<ScatteredRecord, MAX_RUNS>,
    }
}

wire_struct! {
    struct SoundPacketRecord {
        /// From the end of the packet before; the first from 0.
        gap: i64,
        size: u32,
        /// From the pts of the packet before; the first from 0.
        pts_step: i64,
        duration: i64,
    }
}

impl Counted for SoundPacketRecord {}

impl SoundRecord {
    pub(super) fn of(track: &SoundTrack) -> Self {
        let SoundFormat { codec, sample_rate, channels, extradata } = track.format().clone();
        let (mut end, mut pts) = (0_u64, 0_i64);
        let packets = track.packets().iter().map(|packet| {
            let record = SoundPacketRecord {
                gap: packet.offset.wrapping_sub(end).cast_signed(),
                size: packet.size,
                pts_step: packet.pts.0.wrapping_sub(pts),
                duration: packet.duration.0,
            };
            (end, pts) = (packet.bytes().end, packet.pts.0);
            record
        });
        let packets = packets.collect();
        let scattered = scattered(track.packets().len(), |position| track.pieces(position));
        let (heard_from, heard_until) = (track.heard().start, track.heard().end);
        let extradata = extradata.into();
        Self { codec, sample_rate, channels, extradata, heard_from, heard_until, packets, scattered }
    }

    /// The track, of a file of `file_size` bytes.
    pub(super) fn track(self, file_size: u64) -> Result<SoundTrack, IndexWireError> {
        let (mut end, mut pts) = (0_u64, 0_i64);
        let mut packets = Vec::with_capacity(self.packets.len());
        let mut scattered = Scattered::new(&self.scattered);
        for (position, one) in (0_u32..).zip(self.packets.iter()) {
            let packet = SoundPacket {
                offset: end.wrapping_add_signed(one.gap),
                size: one.size,
                pts: MediaTime(pts.wrapping_add(one.pts_step)),
                duration: MediaTime(one.duration),
            };
            ensure((1..=MAX_PART).contains(&(packet.size as usize)), "size of a packet of sound")?;
            ensure(is_time(packet.pts) && is_time(packet.duration), "time of a packet of sound")?;
            let last = scattered.end_of(position, packet.offset, packet.size)?;
            ensure(last.is_some_and(|last| last <= file_size), "place of a packet of sound")?;
            (end, pts) = (packet.offset.wrapping_add(packet.size.into()), packet.pts.0);
            packets.push(packet);
        }
        let pieces = scattered.pieces()?;
        ensure(is_time(self.heard_from), "start of what is heard")?;
        let format = SoundFormat {
            codec: self.codec,
            sample_rate: self.sample_rate,
            channels: self.channels,
            extradata: self.extradata.0,
        };
        let heard = self.heard_from..self.heard_until;
        let track = SoundTrack::new(format, packets, heard).and_then(|track| track.scattered(pieces));
        track.map_err(|_| IndexWireError::Impossible("sound"))
    }
}

#[cfg(test)]
mod tests {
    use crate::video::pieces::{Pieces, Run};

    use super::*;

    fn track() -> SoundTrack {
        let packet = |number: i64| SoundPacket {
            offset: 1000 + 400 * number.unsigned_abs(),
            size: 371,
            pts: MediaTime((number - 1) * 23_220),
            duration: MediaTime(23_220),
        };
        let format = SoundFormat { codec: Codec::AAC, sample_rate: 44_100, channels: 2, extradata: vec![0x12].into() };
        SoundTrack::new(format, (0..100).map(packet).collect(), MediaTime(0)..MediaTime(2_000_000)).unwrap()
    }

    /// The same with its second packet in three pieces.
    fn cut() -> SoundTrack {
        let mut pieces = Pieces::default();
        pieces.push(1, &[Run { offset: 1400, length: 150, stride: 188, count: 2 }, Run::one(1776, 71)]);
        track().scattered(pieces).unwrap()
    }

    #[test]
    fn scattered_packets_come_back_as_they_were() {
        let end = cut().packets().last().unwrap().bytes().end;
        assert_eq!(SoundRecord::of(&cut()).track(end).unwrap(), cut());
        assert_eq!(cut().span(1), Some(1400..1847));
        let changed = |change: fn(&mut SoundRecord)| {
            let mut record = SoundRecord::of(&cut());
            change(&mut record);
            record.track(1 << 40).is_err()
        };
        assert!(changed(|record| record.scattered[0].position = 100));
        assert!(changed(|record| record.scattered[0].runs[0].count = 3));
        assert!(changed(|record| record.scattered[0].runs[1].offset = 1400));
        assert!(changed(|record| record.scattered[0].runs[0].offset = u64::MAX));
        // Whole, but 3 MB apart.
        assert!(changed(|record| record.scattered[0].runs[1].offset = 3_000_000));
    }

    #[test]
    fn a_track_comes_back_as_it_was_and_only_from_its_file() {
        let end = track().packets().last().unwrap().bytes().end;
        assert_eq!(SoundRecord::of(&track()).track(end).unwrap(), track());
        assert!(SoundRecord::of(&track()).track(end - 1).is_err());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let changed = |change: fn(&mut SoundRecord)| {
            let mut record = SoundRecord::of(&track());
            change(&mut record);
            record.track(1 << 40).is_err()
        };
        assert!(changed(|record| record.channels = 0));
        assert!(changed(|record| record.packets[5].gap = i64::MIN));
        assert!(changed(|record| record.packets[5].size = u32::MAX));
        assert!(changed(|record| record.packets[5].pts_step = i64::MIN));
        assert!(changed(|record| record.heard_until = MediaTime(i64::MIN)));
    }
}
