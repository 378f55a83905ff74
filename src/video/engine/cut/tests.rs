//! A hub that switches at any time, by the planner that hubs use, and a player that must show each frame once.

use std::{collections::VecDeque, sync::Arc};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::*;
use crate::{
    types::PlayEpoch,
    video::{
        Title,
        clock::Event,
        decode::Decoders,
        input::{Input, Packet},
        pace::Speed,
        plan::{self, Plan, switch},
        tally::Tally,
        testing::{FRAME, FakeDecoders, Played, ScriptedClock, index, packet, played, pts, segment, title},
    },
};

const FINISHED: Input = Input::End { reason: EndReason::Finished };

/// What a hub would send, and when.
struct Sender<'a> {
    title: Arc<Title>,
    /// The bytes of a packet.
    data: &'a dyn Fn(&plan::Segment, usize) -> bytes::Bytes,
    segments: VecDeque<plan::Segment>,
    next: Option<usize>,
    script: Vec<(u64, Event)>,
    now: u64,
}

impl<'a> Sender<'a> {
    fn new(title: &Arc<Title>, label: usize, data: &'a dyn Fn(&plan::Segment, usize) -> bytes::Bytes) -> Self {
        let mode = crate::types::PlayMode::Fixed(title.renditions[label].label);
        let segments = Plan::new(title, mode, MediaTime::ZERO, None).unwrap().segments.into();
        Self { title: Arc::clone(title), data, segments, next: None, script: Vec::new(), now: 0 }
    }

    fn put(&mut self, input: Input) {
        self.script.push((self.now, Event::Input(input)));
    }

    /// Sends this many packets, or all that is left.
    fn send(&mut self, packets: usize) {
        for _ in 0..packets {
            let Some(front) = self.segments.front().cloned() else { return };
            let format = front.rendition.index.format().clone();
            let next = match self.next {
                Some(next) => next,
                None => {
                    self.put(Input::Segment(Segment {
                        label: front.rendition.label,
                        width: format.width,
                        height: format.height,
                        codec: format.codec,
                        extradata: format.extradata,
                        from: front.show.start,
                        until: Some(front.show.end),
                        frame_duration: front.rendition.index.frame_duration(),
                        rotation: front.rendition.index.rotation(),
                        pixels: front.rendition.index.pixels(),
                    }));
                    front.packets.start
                }
            };
            self.next = Some(next + 1);
            if next >= front.packets.end {
                if self.segments.len() == 1 {
                    self.next = Some(next);
                    return;
                }
                self.segments.pop_front();
                self.next = None;
                continue;
            }
            let entry = front.rendition.index.packets()[next];
            let data = (self.data)(&front, next);
            let crate::video::Packet { pts, dts, duration, keyframe, .. } = entry;
            self.put(Input::Packet(Packet { pts, dts, duration, keyframe, data }));
        }
    }

    fn switch(&mut self, label: usize, from: Option<MediaTime>) {
        let to = Arc::clone(&self.title.renditions[label]);
        if let Some(switched) = switch(&mut self.segments, self.next, &to, from, None)
            && let Some(until) = switched.cut
        {
            self.put(Input::Cut { until });
        }
    }

    /// Sends and switches at random for as long as the title lasts, then the rest.
    fn at_random(mut self, rng: &mut StdRng, frames: i64) -> Vec<(u64, Event)> {
        let length = frames * FRAME.0 / 1000;
        while i64::try_from(self.now).unwrap() < length {
            self.send(rng.random_range(0..60));
            if rng.random_bool(0.4) {
                let here = i64::try_from(self.now).unwrap() * 1000 / FRAME.0;
                // Often ahead of the picture, at times too late, at times without a place.
                let from = rng.random_bool(0.8).then(|| pts((here + rng.random_range(-6..30)).max(0)));
                self.switch(rng.random_range(0..self.title.renditions.len()), from);
            }
            self.now += rng.random_range(0..400);
        }
        self.send(usize::MAX);
        self.put(FINISHED);
        self.script
    }
}

fn given_back(outcome: &Played) -> u64 {
    let bytes = |report: &Report| if let Report::Consumed { bytes, .. } = report { *bytes } else { 0 };
    outcome.reports.iter().map(bytes).sum()
}

fn play(script: Vec<(u64, Event)>, decoders: Box<dyn Decoders>) -> Played {
    played(ScriptedClock::new(script), decoders, Speed::Normal, Tally::new(false))
}

/// All bytes of packets in a script.
fn bytes_of(script: &[(u64, Event)]) -> u64 {
    let size = |event: &Event| match event {
        Event::Input(Input::Packet(packet)) => packet.data.len() as u64,
        _ => 0,
    };
    script.iter().map(|(_, event)| size(event)).sum()
}

fn at(at: u64, inputs: impl IntoIterator<Item = Input>) -> impl Iterator<Item = (u64, Event)> {
    inputs.into_iter().map(move |input| (at, Event::Input(input)))
}

fn packets(numbers: std::ops::Range<i64>) -> impl Iterator<Item = Input> {
    numbers.map(|number| Input::Packet(packet(number)))
}

fn part(height: u32, from: i64) -> Input {
    Input::Segment(Segment { from: pts(from), ..segment(height) })
}

fn fake() -> Box<dyn Decoders> {
    Box::new(FakeDecoders { delay: 2 })
}

fn heights(outcome: &Played) -> Vec<(u32, usize)> {
    let counts = &outcome.summary.frames_by_height;
    counts.iter().map(|(height, frames)| (*height, usize::try_from(*frames).unwrap())).collect()
}

#[test]
fn what_waits_behind_a_cut_is_dropped_and_given_back() {
    let script: Vec<_> = at(0, [part(240, 0)])
        .chain(at(0, packets(0..100)))
        .chain(at(500, [Input::Cut { until: pts(50) }, part(720, 50)]))
        .chain(at(500, packets(50..100)))
        .chain(at(500, [FINISHED]))
        .collect();
    let bytes = bytes_of(&script);
    let outcome = play(script, fake());
    assert_eq!(outcome.numbers(), (0..100).collect::<Vec<_>>());
    assert_eq!(heights(&outcome), [(240, 50), (720, 50)]);
    assert_eq!((given_back(&outcome), outcome.summary.stalls), (bytes, 0));
    let dropped = outcome.reports.iter().any(|report| matches!(report, Report::Consumed { bytes: 500, .. }));
    assert!(dropped, "the 50 packets behind it at once");
}

#[test]
fn a_cut_that_comes_too_late_takes_nothing_away_and_doubles_nothing() {
    let script = at(0, [part(240, 0)])
        .chain(at(0, packets(0..100)))
        .chain(at(1_000, [Input::Cut { until: pts(10) }, part(720, 10)]))
        .chain(at(1_000, packets(10..100)))
        .chain(at(1_000, [FINISHED]));
    let outcome = play(script.collect(), fake());
    assert_eq!(outcome.numbers(), (0..100).collect::<Vec<_>>());
    // Frame 24 was shown and four were ready.
    assert_eq!(heights(&outcome), [(240, 29), (720, 71)]);
}

#[test]
fn behind_the_last_picture_it_goes_on_in_another_rendition_when_it_is_cut() {
    for when in [0, 100, 700] {
        let script = at(0, [part(240, 0)])
            .chain(at(0, packets(0..20)))
            .chain(at(0, [Input::LastPicture]))
            .chain(at(when, [Input::Cut { until: pts(20) }, part(720, 20)]))
            .chain(at(when, packets(20..40)))
            .chain(at(when, [Input::LastPicture, FINISHED]));
        let outcome = play(script.collect(), fake());
        assert_eq!(outcome.numbers(), (0..40).collect::<Vec<_>>(), "{when}");
    }
}

#[test]
fn after_all_of_it_came_it_goes_on_in_another_rendition_all_the_same() {
    let script = at(0, [part(240, 0)])
        .chain(at(0, packets(0..20)))
        .chain(at(0, [FINISHED]))
        // The last frame is shown, and its time is not over.
        .chain(at(770, [Input::Cut { until: pts(20) }, part(720, 20)]))
        .chain(at(770, packets(20..40)))
        .chain(at(770, [FINISHED]));
    let outcome = play(script.collect(), fake());
    assert_eq!(outcome.numbers(), (0..40).collect::<Vec<_>>());
    let lost = Input::End { reason: EndReason::Lost };
    let script = at(0, [part(240, 0)]).chain(at(0, packets(0..4))).chain(at(0, [lost]));
    let outcome = play(script.chain(at(150, [Input::Cut { until: pts(2) }])).collect(), fake());
    assert_eq!(outcome.summary.reason, EndReason::Lost, "what was lost does not come back");
}

#[test]
fn renditions_that_round_times_differently_show_each_frame_once_when_a_cut_is_late() {
    let shifted = |number: i64| Input::Packet(Packet { pts: pts(number) + MediaTime(300), ..packet(number) });
    let script = at(0, [part(240, 0)])
        .chain(at(0, packets(0..50)))
        .chain(at(1_000, [Input::Cut { until: pts(10) }, part(720, 10)]))
        .chain(at(1_000, (10..50).map(shifted)))
        .chain(at(1_000, [FINISHED]));
    assert_eq!(play(script.collect(), fake()).numbers(), (0..50).collect::<Vec<_>>());
}

#[test]
fn a_seek_forgets_a_cut() {
    let flush = Input::Flush { epoch: PlayEpoch(1) };
    let script = at(0, [part(240, 0)])
        .chain(at(0, packets(0..100)))
        .chain(at(100, [Input::Cut { until: pts(10) }, flush, part(240, 20)]))
        .chain(at(100, packets(20..40)))
        .chain(at(100, [part(720, 40)]))
        .chain(at(100, packets(40..50)))
        .chain(at(100, [FINISHED]));
    let outcome = play(script.collect(), fake());
    assert_eq!(outcome.numbers(), (0..3).chain(20..50).collect::<Vec<_>>());
}

#[test]
fn however_a_play_is_switched_each_frame_is_shown_once() {
    let title = title(vec![index(240, 300, 12, 10), index(480, 300, 17, 10), index(720, 300, 25, 10)]);
    let data = |_: &plan::Segment, _: usize| bytes::Bytes::from_static(&[0; 10]);
    let (mut cuts, mut switches) = (0, 0);
    for seed in 0..400 {
        let mut rng = StdRng::seed_from_u64(seed);
        let script = Sender::new(&title, rng.random_range(0..3), &data).at_random(&mut rng, 300);
        cuts += script.iter().filter(|(_, event)| matches!(event, Event::Input(Input::Cut { .. }))).count();
        let sent = bytes_of(&script);
        let outcome = play(script, Box::new(FakeDecoders { delay: rng.random_range(0..4) }));
        assert_eq!(outcome.numbers(), (0..300).collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(given_back(&outcome), sent, "all credit comes back, seed {seed}");
        switches += outcome.reports.iter().filter(|report| matches!(report, Report::Rendition { .. })).count();
    }
    assert!(cuts > 1000 && switches > 1000, "{cuts} {switches}");
}

#[cfg(feature = "player")]
#[test]
fn whatever_gops_real_renditions_have_each_frame_is_the_one_of_the_whole_decode() {
    use std::collections::BTreeMap;

    use crate::video::{MemorySource, VideoSource as _, ffmpeg::Libavcodec};

    for name in ["unaligned", "opengop"] {
        let files = ["120p", "180p"].map(|label| {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{name}_{label}.mp4"));
            (format!("{name}_{label}.mp4"), std::fs::read(path).unwrap().into())
        });
        let source = MemorySource::new(files);
        let title = Arc::clone(source.catalog().title(name).unwrap());
        let data = |segment: &plan::Segment, position: usize| {
            let packet = segment.rendition.index.packets()[position];
            source.read(&segment.rendition, packet.bytes()).unwrap()
        };
        let whole: Vec<BTreeMap<MediaTime, Vec<u8>>> = (0..2)
            .map(|label| {
                let mut sender = Sender::new(&title, label, &data);
                sender.send(usize::MAX);
                sender.put(FINISHED);
                let outcome = play(sender.script, Box::new(Libavcodec));
                outcome.frames.iter().map(|frame| (frame.pts, frame.yuv420p().to_vec())).collect()
            })
            .collect();
        assert_eq!((whole[0].len(), whole[1].len()), (75, 75));
        let mut both = 0;
        for seed in 0..40 {
            let mut rng = StdRng::seed_from_u64(seed);
            let script = Sender::new(&title, rng.random_range(0..2), &data).at_random(&mut rng, 75);
            let outcome = play(script, Box::new(Libavcodec));
            assert_eq!(outcome.numbers().len(), 75, "{name} seed {seed}: {:?}", outcome.numbers());
            assert!(outcome.frames.is_sorted_by(|one, other| one.pts < other.pts), "{name} seed {seed}");
            for frame in &outcome.frames {
                let place = usize::from(frame.height() == 180);
                let same = whole[place].get(&frame.pts).is_some_and(|whole| whole == frame.yuv420p());
                assert!(same, "{name} seed {seed}: {:?} of {}", frame.pts, frame.label);
            }
            both += usize::from(outcome.summary.frames_by_height.len() == 2);
        }
        assert!(both > 20, "{name}: {both} of 40 were switched");
    }
}
