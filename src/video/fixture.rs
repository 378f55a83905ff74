//! The videos in `tests/data`, taken apart by FFmpeg's own demuxer, and plays of them.

use std::path::Path;

use ffmpeg::{codec::Id, format, media};

use crate::types::{Codec, EndReason, MediaTime, RenditionLabel};

pub(crate) use super::testing::Played;
use super::{
    clock::Event,
    ffi,
    ffmpeg::Libavcodec,
    input::{Input, Packet, Segment},
    pace::Speed,
    rotation::Rotation,
    tally::Tally,
    testing::{FRAME, ScriptedClock, played},
};

/// One video.
#[derive(Clone, Debug)]
pub(crate) struct Fixture {
    pub(crate) segment: Segment,
    pub(crate) packets: Vec<Packet>,
}

/// Reads `tests/data/player/<name>.mp4`.
pub(crate) fn read(name: &str) -> Fixture {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/player");
    read_file(&folder.join(name).with_extension("mp4"))
}

/// Reads `tests/data/<name>.mp4`, a rendition of a title.
pub(crate) fn read_title(name: &str) -> Fixture {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    read_file(&folder.join(name).with_extension("mp4"))
}

fn read_file(path: &Path) -> Fixture {
    let mut file = format::input(path).unwrap();
    let stream = file.streams().best(media::Type::Video).unwrap();
    let (index, base, parameters) = (stream.index(), stream.time_base(), stream.parameters());
    let timescale = u64::try_from(base.denominator()).unwrap();
    let time = |ticks: Option<i64>| MediaTime::from_ticks(ticks.unwrap() * i64::from(base.numerator()), timescale);
    let packets = file.packets().filter(|(stream, _)| stream.index() == index).map(|(_, packet)| Packet {
        pts: time(packet.pts()),
        dts: time(packet.dts()),
        duration: time(Some(packet.duration())),
        keyframe: packet.is_key(),
        data: packet.data().unwrap().to_vec().into(),
    });
    let packets = packets.collect();
    let codec = match parameters.id() {
        Id::H264 => Codec::H264,
        Id::HEVC => Codec::HEVC,
        Id::VP9 => Codec::VP9,
        Id::AV1 => Codec::AV1,
        other => panic!("{other:?}"),
    };
    let video = ffmpeg::codec::Context::from_parameters(parameters.clone()).unwrap().decoder().video().unwrap();
    let segment = Segment {
        label: RenditionLabel(video.height()),
        width: video.width(),
        height: video.height(),
        codec,
        extradata: ffi::extradata(&parameters).into(),
        from: MediaTime::ZERO,
        until: None,
        frame_duration: FRAME,
        rotation: Rotation::None,
        pixels: None,
    };
    Fixture { segment, packets }
}

impl Fixture {
    /// All of it, as a play is given it.
    pub(crate) fn inputs(&self) -> Vec<Input> {
        let packets = self.packets.iter().cloned().map(Input::Packet);
        [Input::Segment(self.segment.clone())].into_iter().chain(packets).collect()
    }

    /// What a hub sends to show `[from, until)` of it: from the last keyframe up to `from`, in the order of
    /// decoding, until all that is shown is out.
    pub(crate) fn part(&self, from: MediaTime, until: Option<MediaTime>) -> Vec<Input> {
        let first = self.packets.iter().rposition(|packet| packet.keyframe && packet.pts <= from).unwrap();
        let last = self.packets.iter().rposition(|packet| until.is_none_or(|until| packet.pts < until)).unwrap();
        let segment = Segment { from, until, ..self.segment.clone() };
        let packets = self.packets[first..=last].iter().cloned().map(Input::Packet);
        [Input::Segment(segment)].into_iter().chain(packets).collect()
    }
}

/// Plays all of `inputs` to the end, as fast as can be, with a checksum.
pub(crate) fn play(inputs: impl IntoIterator<Item = Input>) -> Played {
    let end = Input::End { reason: EndReason::Finished };
    let script = inputs.into_iter().chain([end]).map(|input| (0, Event::Input(input)));
    played(ScriptedClock::new(script), Box::new(Libavcodec), Speed::Max, Tally::new(true))
}
