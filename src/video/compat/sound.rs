//! The track of sound of a file that libavformat takes apart.

use std::io;

use ffmpeg::{Packet as AvPacket, Rational, format::context, media};

use crate::{
    types::{Codec, MediaTime, limits::MAX_PART},
    video::{
        ffi,
        index_wire::MAX_RUNS,
        mp4::FileInput,
        pieces::{Pieces, Run},
        sound_track::{MAX_SOUND_PACKETS, NoSound, SoundFormat, SoundPacket, SoundTrack},
    },
};

use super::{
    demux::micros,
    locate::Locator,
    times::{MAX_STEP, OneClock, Said},
};

/// A track of sound as it is read.
pub(super) struct Sound<'a> {
    pub(super) number: usize,
    format: Result<SoundFormat, NoSound>,
    base: Rational,
    locator: Locator<'a, FileInput<'a>>,
    /// Their times on the container's clock.
    packets: Vec<SoundPacket>,
    pieces: Pieces,
    refused: Option<NoSound>,
}

impl<'a> Sound<'a> {
    /// The best track of sound, if there is one.
    pub(super) fn of(input: &context::Input, file: &'a FileInput<'a>) -> Option<Self> {
        let stream = input.streams().best(media::Type::Audio)?;
        let parameters = stream.parameters();
        let name = parameters.id().name();
        let codec = name.parse::<Codec>().map_err(|_| NoSound::Codec(name.escape_default().to_string()));
        let (rate, channels) = ffi::sound_shape(&parameters);
        let format = codec.map(|codec| SoundFormat {
            codec,
            sample_rate: u32::try_from(rate).unwrap_or_default(),
            channels: u16::try_from(channels).unwrap_or_default(),
            extradata: ffi::extradata(&parameters).into(),
        });
        let (number, base) = (stream.index(), stream.time_base());
        let (locator, pieces) = (Locator::new(file), Pieces::default());
        Some(Self { number, format, base, locator, packets: Vec::new(), pieces, refused: None })
    }

    /// Takes one of its packets in.
    pub(super) fn take(&mut self, packet: &AvPacket) -> io::Result<()> {
        let Some(data) = packet.data().filter(|data| !data.is_empty() && self.refused.is_none()) else {
            return Ok(());
        };
        let after = self.packets.last().map(|last| last.end().0);
        let pts = packet.pts().or(packet.dts()).and_then(|ticks| micros(ticks, self.base)).or(after);
        match (u32::try_from(data.len()), pts) {
            _ if self.packets.len() == MAX_SOUND_PACKETS => self.refused = Some(NoSound::TooManyPackets),
            (Ok(size), Some(pts)) if size as usize <= MAX_PART => {
                let hint = u64::try_from(packet.position()).ok();
                let duration = micros(packet.duration(), self.base).unwrap_or_default().max(0);
                match self.locator.locate(hint, data)? {
                    Some(runs) => self.push(&runs, size, MediaTime(pts), MediaTime(duration)),
                    None => self.refused = Some(NoSound::NotInFile),
                }
            }
            (Ok(size), Some(_)) => self.refused = Some(NoSound::PacketTooLarge(size)),
            _ => self.refused = Some(NoSound::Damaged("a packet of it has no time".into())),
        }
        Ok(())
    }

    fn push(&mut self, runs: &[Run], size: u32, pts: MediaTime, duration: MediaTime) {
        let Some(first) = runs.first() else { return };
        if runs.len() > 1 || first.count > 1 {
            self.pieces.push(self.packets.len(), runs);
        }
        self.packets.push(SoundPacket { offset: first.offset, size, pts, duration });
        if self.pieces.len() > MAX_RUNS {
            self.refused = Some(NoSound::TooScattered);
        }
    }

    /// The track, on a clock that begins with the picture at `zero`, in µs, and that jumps by `moves` as the one of the
    /// pictures does.
    pub(super) fn track(mut self, zero: i64, moves: &[i64]) -> Result<SoundTrack, NoSound> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        go_on(&mut self.packets, moves)?;
        let place = |packet: SoundPacket| SoundPacket { pts: MediaTime(packet.pts.0.saturating_sub(zero)), ..packet };
        let packets = self.packets.into_iter().map(place).collect();
        let track = SoundTrack::new(self.format?, packets, MediaTime::ZERO..MediaTime(i64::MAX))?;
        track.scattered(self.pieces)
    }
}

/// Moves sound behind each jump of its clock by as much as the pictures there are moved. Where these never jump, sound
/// may have any gap.
fn go_on(packets: &mut [SoundPacket], moves: &[i64]) -> Result<(), NoSound> {
    if moves.len() < 2 {
        return Ok(());
    }
    let longest = packets.iter().map(|packet| packet.duration.0).max().unwrap_or_default();
    let mut clock = OneClock::new(longest.min(MAX_STEP));
    for packet in packets {
        clock.moved(&Said { dts: Some(packet.pts.0), ..Said::default() });
        let by = moves.get(clock.jumps()).ok_or(NoSound::ClockJumps)?;
        packet.pts = packet.pts + MediaTime(*by);
    }
    if clock.jumps() + 1 == moves.len() { Ok(()) } else { Err(NoSound::ClockJumps) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_jumps_with_the_pictures_or_not_at_all() {
        let packet =
            |pts: i64| SoundPacket { offset: 0, size: 1, pts: MediaTime(pts * 20_000), duration: MediaTime(20_000) };
        let moved = |times: &[i64], moves: &[i64]| {
            let mut packets: Vec<_> = times.iter().copied().map(packet).collect();
            let moves: Vec<_> = moves.iter().map(|moved| moved * 20_000).collect();
            go_on(&mut packets, &moves).map(|()| packets.iter().map(|packet| packet.pts.0 / 20_000).collect::<Vec<_>>())
        };
        assert_eq!(moved(&[0, 1, 2, 9000, 9001], &[0]), Ok(vec![0, 1, 2, 9000, 9001]), "a gap");
        assert_eq!(moved(&[0, 1, 2, 9000, 9001, 5, 6], &[0, -8996, 1]), Ok(vec![0, 1, 2, 4, 5, 6, 7]));
        assert_eq!(moved(&[0, 1, 2, 3], &[0, -8996]), Err(NoSound::ClockJumps));
        assert_eq!(moved(&[0, 1, 9000, 0], &[0, -8996]), Err(NoSound::ClockJumps));
    }
}
