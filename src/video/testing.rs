//! Stand-ins for what a play works with: no time passes, nothing is decoded, nothing is drawn.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use crossbeam_channel::Receiver;

use crate::types::{Codec, MediaTime, RenditionLabel};

use super::{
    catalog::{FileId, Rendition, Title},
    clock::{Clock, Event, Wake},
    decode::{Decode, Decoded, Decoders, Undecodable},
    engine::{Engine, Parts},
    frame::{Colour, Frame, Matrix, Range},
    index::{self, Index, VideoFormat},
    input::{Packet, Segment},
    pace::{Pace, Speed, WhenLate},
    render::{Display, DisplayGone, DisplayKind, Status},
    report::{Report, Summary},
    rotation::Rotation,
    tally::Tally,
};

/// 25 frames a second.
pub(crate) const FRAME: MediaTime = MediaTime(40_000);

/// The time of a frame.
pub(crate) fn pts(number: i64) -> MediaTime {
    MediaTime(number * FRAME.0)
}

/// All of a title in one rendition of 16:9.
pub(crate) fn segment(height: u32) -> Segment {
    Segment {
        label: RenditionLabel(height),
        width: height * 16 / 9,
        height,
        codec: Codec::H264,
        extradata: Bytes::new(),
        from: MediaTime::ZERO,
        until: None,
        frame_duration: FRAME,
        rotation: Rotation::None,
        pixels: None,
    }
}

/// The packet of a frame, 10 bytes long.
pub(crate) fn packet(number: i64) -> Packet {
    let data = Bytes::from_static(&[0; 10]);
    Packet { pts: pts(number), dts: pts(number), duration: FRAME, keyframe: true, data }
}

/// A rendition of `frames` frames, each a packet of `size` bytes, with a keyframe every `gop` frames.
pub(crate) fn index(height: u32, frames: u32, gop: u32, size: u32) -> Index {
    let format = VideoFormat { codec: Codec::H264, width: height * 16 / 9, height, extradata: Bytes::new() };
    let packet = |number: u32| {
        let at = pts(number.into());
        let offset = u64::from(number) * u64::from(size);
        index::Packet { offset, size, keyframe: number.is_multiple_of(gop), pts: at, dts: at, duration: FRAME }
    };
    Index::new(format, (0..frames).map(packet).collect(), MediaTime::ZERO..pts(frames.into())).unwrap()
}

/// A file of this project that libavformat takes apart: its index and its bytes.
#[cfg(feature = "player")]
pub(crate) fn taken_apart(path: &str) -> (Index, Bytes) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    take_apart(&std::fs::read(&path).unwrap())
}

/// A file of these bytes that libavformat takes apart, as [`taken_apart`].
#[cfg(feature = "player")]
pub(crate) fn take_apart(bytes: &[u8]) -> (Index, Bytes) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let open = || std::fs::File::open(file.path()).unwrap();
    let index = super::compat::index_here(&open(), open(), bytes.len() as u64);
    (index.unwrap(), Bytes::copy_from_slice(bytes))
}

/// A title of these renditions.
pub(crate) fn title(renditions: Vec<Index>) -> Arc<Title> {
    let duration = renditions.iter().map(Index::duration).max().unwrap();
    let renditions = renditions.into_iter().enumerate().map(|(place, index)| {
        let label = RenditionLabel(index.format().height);
        Arc::new(Rendition {
            label,
            file: format!("t_{label}.mp4"),
            index: index.into(),
            id: FileId(place),
            open: None,
        })
    });
    Arc::new(Title {
        name: "t".into(),
        renditions: renditions.collect(),
        duration,
        missing: Vec::new(),
        subtitles: Vec::new(),
    })
}

/// A black picture.
pub(crate) fn frame(height: u32, number: i64) -> Frame {
    let (width, colour) = (height * 16 / 9, Colour { matrix: Matrix::Bt601, range: Range::Limited });
    let (luma, chroma) = (width * height, 2 * width.div_ceil(2) * height.div_ceil(2));
    let data = [vec![16; luma as usize], vec![128; chroma as usize]].concat();
    Frame::new(RenditionLabel(height), pts(number), (width, height), colour, data).unwrap()
}

/// A clock that jumps to whatever is awaited, and lets events come at set times.
pub(crate) struct ScriptedClock {
    now: Arc<Mutex<Duration>>,
    script: VecDeque<(Duration, Event)>,
}

impl ScriptedClock {
    /// Each event comes at its time in milliseconds.
    pub(crate) fn new(script: impl IntoIterator<Item = (u64, Event)>) -> Self {
        let script = script.into_iter().map(|(at, event)| (Duration::from_millis(at), event)).collect();
        Self { now: Arc::default(), script }
    }

    /// Nothing comes, and the time is moved by another.
    pub(crate) fn at(now: &Arc<Mutex<Duration>>) -> Self {
        Self { now: Arc::clone(now), script: VecDeque::new() }
    }

    /// The same time, to be read or moved by a display.
    pub(crate) fn time(&self) -> Arc<Mutex<Duration>> {
        Arc::clone(&self.now)
    }
}

impl Clock for ScriptedClock {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap()
    }

    fn wait(&mut self, _: &Receiver<Event>, until: Option<Duration>) -> Wake {
        let mut now = self.now.lock().unwrap();
        match (self.script.front(), until) {
            (Some((at, _)), until) if until.is_none_or(|until| *at <= until.max(*now)) => {
                *now = now.max(*at);
                self.script.pop_front().map_or(Wake::Gone, |(_, event)| Wake::Event(event))
            }
            (_, Some(until)) => {
                *now = now.max(until);
                Wake::Due
            }
            (_, None) => Wake::Gone,
        }
    }
}

/// Decodes packets of which the bytes do not matter. Holds back as many pictures as a decoder with B-frames,
/// and takes a packet that starts with 0xff for damaged.
pub(crate) struct FakeDecoders {
    /// Pictures held back.
    pub(crate) delay: usize,
}

struct FakeDecoder {
    segment: Segment,
    delay: usize,
    held: Vec<MediaTime>,
    has_begun: bool,
    is_finished: bool,
}

impl Decoders for FakeDecoders {
    fn open(&mut self, segment: &Segment) -> Result<Box<dyn Decode>, Undecodable> {
        if segment.codec != Codec::H264 {
            return Err(Undecodable("no decoder".into()));
        }
        let segment = segment.clone();
        Ok(Box::new(FakeDecoder { segment, delay: self.delay, held: Vec::new(), has_begun: false, is_finished: false }))
    }
}

impl Decode for FakeDecoder {
    fn feed(&mut self, packet: &Packet) -> Result<(), Undecodable> {
        assert!(self.held.len() <= self.delay && !self.is_finished, "fed while not hungry");
        if packet.data.first() == Some(&0xff) {
            return Err(Undecodable("damaged".into()));
        }
        self.held.push(packet.pts);
        self.held.sort();
        Ok(())
    }

    fn finish(&mut self) {
        self.is_finished = true;
    }

    fn next(&mut self) -> Result<Decoded, Undecodable> {
        if self.held.len() <= self.delay && !self.is_finished {
            return Ok(Decoded::Hungry);
        }
        if self.held.is_empty() {
            return Ok(Decoded::Finished);
        }
        let pts = self.held.remove(0);
        let shown = self.segment.shows(pts);
        let mut frame = frame(self.segment.height, pts.0 / FRAME.0).turned(self.segment.rotation);
        frame.pixels = self.segment.pixels.unwrap_or_default();
        frame.pts = pts;
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        Ok(match () {
            () if shown => Decoded::Frame(frame),
            () if is_first && self.segment.is_long_before(pts) => Decoded::Preview(frame),
            () => Decoded::Hidden,
        })
    }
}

/// Remembers what it was shown and when; takes its time for it.
pub(crate) struct RecordingDisplay {
    pub(crate) time: Arc<Mutex<Duration>>,
    pub(crate) shown: Arc<Mutex<Vec<Showing>>>,
    /// What it was told and when, in milliseconds.
    pub(crate) told: Arc<Mutex<Vec<(u128, Status)>>>,
    /// How long each picture takes.
    pub(crate) slowness: Duration,
    /// How long after a picture it takes no other.
    pub(crate) rest: Duration,
    pub(crate) drops_late: bool,
    /// After how many pictures it is gone.
    pub(crate) lasts: usize,
}

/// A picture that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Showing {
    /// On the clock, in milliseconds.
    pub(crate) at: u128,
    /// The number of the frame.
    pub(crate) number: i64,
    /// The rendition.
    pub(crate) height: u32,
}

impl Display for RecordingDisplay {
    fn kind(&self) -> DisplayKind {
        DisplayKind::None
    }

    fn drops_late(&self) -> bool {
        self.drops_late
    }

    fn takes(&mut self) -> bool {
        let last = self.shown.lock().unwrap().last().map_or(0, |showing| showing.at);
        self.time.lock().unwrap().as_millis() >= last + self.rest.as_millis()
    }

    fn inform(&mut self, status: &Status) {
        self.told.lock().unwrap().push((self.time.lock().unwrap().as_millis(), status.clone()));
    }

    fn show(&mut self, frame: &Frame) -> Result<(), DisplayGone> {
        let mut shown = self.shown.lock().unwrap();
        if shown.len() == self.lasts {
            return Err(DisplayGone);
        }
        let mut time = self.time.lock().unwrap();
        shown.push(Showing { at: time.as_millis(), number: frame.pts.0 / FRAME.0, height: frame.height() });
        *time += self.slowness;
        Ok(())
    }
}

/// Pictures that were shown and do not count.
pub(crate) fn previews(reports: &[Report]) -> u64 {
    reports.iter().filter(|report| matches!(report, Report::Seeked { preview: Some(_), .. })).count() as u64
}

/// Everything that a play showed and told.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) frames: Vec<Frame>,
    pub(crate) reports: Vec<Report>,
    pub(crate) summary: Summary,
}

impl Played {
    /// Which frames of a title with [`FRAME`] those are.
    pub(crate) fn numbers(&self) -> Vec<i64> {
        self.frames.iter().map(|frame| (frame.pts.0 + FRAME.0 / 2) / FRAME.0).collect()
    }
}

/// Plays what a clock brings to its end, and shows every frame however late it is.
pub(crate) fn played(clock: ScriptedClock, decoders: Box<dyn Decoders>, speed: Speed, tally: Tally) -> Played {
    let frames = Arc::<Mutex<Vec<Frame>>>::default();
    let (sender, reports) = crossbeam_channel::unbounded();
    let parts = Parts {
        clock: Box::new(clock),
        decoders,
        display: Box::new(Collecting(Arc::clone(&frames))),
        pace: Pace::new(speed, WhenLate::Show),
        tally,
        reports: Box::new(move |report| sender.send(report).unwrap()),
    };
    Engine::new(parts).run(&crossbeam_channel::never());
    let mut reports: Vec<_> = reports.iter().collect();
    let Some(Report::Ended(summary)) = reports.pop() else { panic!("no end: {reports:?}") };
    let frames = std::mem::take(&mut *frames.lock().unwrap());
    assert_eq!(summary.frames + previews(&reports), frames.len() as u64);
    Played { frames, reports, summary }
}

/// Keeps every frame.
struct Collecting(Arc<Mutex<Vec<Frame>>>);

impl Display for Collecting {
    fn kind(&self) -> DisplayKind {
        DisplayKind::None
    }

    fn show(&mut self, frame: &Frame) -> Result<(), DisplayGone> {
        self.0.lock().unwrap().push(frame.clone());
        Ok(())
    }
}
