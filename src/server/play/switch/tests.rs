use std::{collections::VecDeque, ops::Range};

use bytes::Bytes;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::*;
use crate::{
    proto::message::StreamInfo,
    server::play::{Batch, Step},
    types::{PlayId, limits::MAX_PART},
    video::testing::{self, FRAME, pts},
};

fn request(mode: PlayMode) -> Request {
    let (start, end, max_height, full_speed) = (MediaTime::ZERO, None, None, false);
    Request { id: PlayId(1), mode, start, end, max_height, full_speed, decodes: Vec::new() }
}

fn fixed(label: u32) -> Request {
    request(PlayMode::Fixed(RenditionLabel(label)))
}

fn read(batch: &Batch) -> Vec<(usize, Bytes)> {
    let entries = &batch.rendition.index.packets()[batch.packets.packets.clone()];
    let data = entries.iter().map(|entry| vec![0; entry.size as usize].into());
    batch.packets.packets.clone().zip(data).collect()
}

/// What a member has of a segment.
struct Segment {
    label: u32,
    show: Range<MediaTime>,
    packets: Vec<(MediaTime, bool)>,
}

/// A play, and what a member makes of what it sends.
struct Viewer {
    play: Play,
    received: u64,
    segments: Vec<Segment>,
    reading: VecDeque<Batch>,
    ended: bool,
}

impl Viewer {
    fn new(title: &Arc<Title>, request: &Request) -> Self {
        let (play, _) = Play::new(Arc::clone(title), request).unwrap();
        Self { play, received: 0, segments: Vec::new(), reading: VecDeque::new(), ended: false }
    }

    /// Lets it send as far as this much more credit reaches.
    fn run(&mut self, more: u64) {
        self.play.raise_credit(PlayEpoch(0), self.received.saturating_add(more));
        loop {
            if let Some(step) = self.play.next_step() {
                self.take(step);
            } else if let Some(batch) = self.play.next_read().or_else(|| self.reading.pop_front()) {
                let packets = read(&batch);
                self.play.take_read(&batch, packets);
            } else {
                return;
            }
        }
    }

    /// As [`Viewer::run`], but what is to be read last is still being read.
    fn run_and_leave_a_read(&mut self, more: u64) {
        self.run(more);
        self.play.raise_credit(PlayEpoch(0), self.received + more + 1);
        while let Some(step) = self.play.next_step() {
            self.take(step);
        }
        self.reading.extend(self.play.next_read());
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Rendition(Message::StreamInfo(info), _) => self.begin(&info),
            Step::Media(Message::StreamCut(cut)) => {
                let last = self.segments.last_mut().unwrap();
                assert!(cut.show_until < last.show.end, "a cut takes something away: {cut:?} of {:?}", last.show);
                last.show.end = cut.show_until;
            }
            Step::Media(Message::Packet(part)) => {
                self.received += part.data.len() as u64;
                let segment = self.segments.last_mut().unwrap();
                assert_eq!(part.rendition.0, segment.label);
                if part.part == 0 {
                    segment.packets.push((part.pts, false));
                }
                segment.packets.last_mut().unwrap().1 = part.last;
            }
            Step::End(_) => self.ended = true,
            other => panic!("{other:?}"),
        }
    }

    fn begin(&mut self, info: &StreamInfo) {
        let show = info.show_from..info.show_until.unwrap();
        let whole = |segment: &Segment| segment.packets.iter().all(|(_, is_whole)| *is_whole);
        assert!(self.segments.last().is_none_or(whole), "a packet that has begun is sent whole");
        self.segments.push(Segment { label: info.rendition.0, show, packets: Vec::new() });
        self.ended = false;
    }

    /// The frames that it sees, with the rendition of each.
    fn shown(&self) -> Vec<(i64, u32)> {
        let of = |segment: &Segment| {
            let mut times: Vec<_> = segment.packets.iter().map(|(pts, _)| *pts).collect();
            times.retain(|pts| segment.show.contains(pts));
            times.sort();
            times.into_iter().map(|pts| ((pts.0 + FRAME.0 / 2) / FRAME.0, segment.label)).collect::<Vec<_>>()
        };
        self.segments.iter().flat_map(of).collect()
    }

    fn numbers(&self) -> Vec<i64> {
        self.shown().iter().map(|(number, _)| *number).collect()
    }

    fn switch(&mut self, to: u32, from: Option<MediaTime>) -> Result<(), SwitchError> {
        self.play.switch(PlayEpoch(0), RenditionLabel(to), from)
    }
}

fn three() -> Arc<Title> {
    testing::title(vec![
        testing::index(240, 200, 12, 1000),
        testing::index(480, 200, 17, 40_000),
        testing::index(720, 200, 25, 3000),
    ])
}

#[test]
fn without_a_place_nothing_that_was_sent_is_sent_again() {
    let mut viewer = Viewer::new(&three(), &fixed(240));
    viewer.run(30_000);
    viewer.switch(720, None).unwrap();
    viewer.run(u64::MAX);
    let shown = viewer.shown();
    assert_eq!(viewer.numbers(), (0..200).collect::<Vec<_>>());
    assert_eq!(shown.iter().filter(|(_, height)| *height == 240).count(), 50, "up to the next keyframe");
    assert_eq!(viewer.segments[0].packets.len(), 50);
    assert!(viewer.ended);
}

#[test]
fn what_waits_at_the_member_is_replaced_from_the_place_asked_for() {
    let mut viewer = Viewer::new(&three(), &fixed(240));
    viewer.run(120_000);
    viewer.switch(720, Some(pts(51))).unwrap();
    viewer.run(u64::MAX);
    assert_eq!(viewer.segments[0].packets.len(), 120, "they were sent");
    assert_eq!(viewer.segments[0].show.end, pts(75) - MediaTime(FRAME.0 / 2), "and are cut");
    assert_eq!(viewer.segments[1].packets[0].0, pts(75));
    assert_eq!(viewer.numbers(), (0..200).collect::<Vec<_>>());
}

#[test]
fn after_its_end_a_play_goes_on_in_another_rendition() {
    let mut viewer = Viewer::new(&three(), &fixed(240));
    viewer.run(u64::MAX);
    assert!(viewer.ended && viewer.play.is_finished());
    assert_eq!(viewer.switch(720, None), Err(SwitchError::NoKeyframe(RenditionLabel(720))), "all was sent");
    assert!(viewer.play.is_finished());
    viewer.switch(720, Some(pts(100))).unwrap();
    viewer.run(u64::MAX);
    assert!(viewer.ended, "told anew");
    assert_eq!(viewer.shown().iter().filter(|(_, height)| *height == 720).count(), 100);
    assert_eq!(viewer.numbers(), (0..200).collect::<Vec<_>>());
}

#[test]
fn a_tour_that_is_switched_stays_there() {
    let mut viewer = Viewer::new(&three(), &request(PlayMode::Tour));
    viewer.run(5000);
    viewer.switch(720, None).unwrap();
    viewer.run(u64::MAX);
    assert_eq!(viewer.segments.iter().map(|segment| segment.label).collect::<Vec<_>>(), [240, 720]);
    assert_eq!(viewer.numbers(), (0..200).collect::<Vec<_>>());
    viewer.play.seek(PlayEpoch(1), pts(10)).unwrap();
    let Some(Step::Rendition(Message::StreamInfo(info), _)) = viewer.play.next_step() else { panic!("none") };
    assert_eq!(info.rendition, RenditionLabel(720), "a seek stays in the rendition");
}

#[test]
fn before_anything_was_sent_the_other_rendition_begins_at_once() {
    let mut viewer = Viewer::new(&three(), &Request { start: pts(40), ..fixed(240) });
    viewer.switch(720, None).unwrap();
    viewer.run(u64::MAX);
    assert_eq!(viewer.segments[0].label, 720);
    assert_eq!(viewer.numbers(), (40..200).collect::<Vec<_>>());
}

#[test]
fn a_rendition_of_which_only_its_beginning_was_told_is_replaced_where_it_begins() {
    for (place, mode) in [(60, PlayMode::Tour), (190, PlayMode::Fixed(RenditionLabel(240)))] {
        let mut viewer = Viewer::new(&three(), &Request { start: pts(place), ..request(mode) });
        viewer.run(0);
        assert_eq!(viewer.segments.len(), 1, "told without credit");
        viewer.run_and_leave_a_read(0);
        viewer.switch(720, None).unwrap();
        viewer.run(u64::MAX);
        assert!(viewer.ended && viewer.segments[0].packets.is_empty());
        assert_eq!(viewer.segments[1].packets[0].0, pts(place - place % 25), "the keyframe before, as after a seek");
        assert_eq!(viewer.shown(), (place..200).map(|number| (number, 720)).collect::<Vec<_>>());
    }
    let mut same = Viewer::new(&three(), &fixed(720));
    same.run(0);
    same.switch(720, None).unwrap();
    same.run(u64::MAX);
    assert_eq!((same.segments.len(), same.numbers().len()), (1, 200));
}

#[test]
fn a_member_without_credit_does_not_pile_up_segments() {
    let title = testing::title(vec![testing::index(240, 2000, 10, 1000), testing::index(480, 2000, 10, 1000)]);
    let mut viewer = Viewer::new(&title, &fixed(240));
    viewer.run(3000);
    let switches = (1..150).map(|at| viewer.switch([240, 480][at % 2], Some(pts(10 * i64::try_from(at).unwrap()))));
    let refused = switches.filter(|switched| *switched == Err(SwitchError::TooMany)).count();
    let others = 149 - (MAX_SEGMENTS - 1);
    assert_eq!((viewer.play.segments.len(), refused), (MAX_SEGMENTS, others / 2), "half are of what comes there");
    viewer.switch(240, Some(pts(100))).unwrap();
    assert!(viewer.play.segments.len() < 12, "one that replaces others is no more to send");
    viewer.run(u64::MAX);
    assert_eq!(viewer.numbers(), (0..2000).collect::<Vec<_>>());
}

#[test]
fn a_switch_to_what_comes_there_already_is_nothing() {
    let mut viewer = Viewer::new(&three(), &fixed(240));
    viewer.run(3000);
    viewer.switch(720, Some(pts(50))).unwrap();
    let planned = |viewer: &Viewer| -> Vec<_> {
        viewer.play.segments.iter().map(|segment| (segment.rendition.label.0, segment.show.clone())).collect()
    };
    let before = planned(&viewer);
    for at in [60, 100, 50] {
        viewer.switch(720, Some(pts(at))).unwrap();
        assert_eq!(planned(&viewer), before);
    }
    viewer.switch(720, Some(pts(25))).unwrap();
    assert_ne!(planned(&viewer), before, "sooner");
    viewer.run(u64::MAX);
    assert_eq!(viewer.segments.iter().map(|segment| segment.label).collect::<Vec<_>>(), [240, 720]);
    assert_eq!(viewer.numbers(), (0..200).collect::<Vec<_>>());
}

#[test]
fn what_is_meant_for_another_epoch_or_has_no_keyframe_changes_nothing() {
    let mut viewer = Viewer::new(&three(), &fixed(240));
    viewer.run(3000);
    assert_eq!(viewer.play.switch(PlayEpoch(1), RenditionLabel(720), None), Ok(()));
    assert_eq!(viewer.switch(360, None), Err(SwitchError::NoSuchRendition(RenditionLabel(360))));
    assert_eq!(viewer.switch(720, Some(pts(176))), Err(SwitchError::NoKeyframe(RenditionLabel(720))));
    viewer.run(u64::MAX);
    assert_eq!(viewer.segments.len(), 1);
    assert_eq!(viewer.numbers(), (0..200).collect::<Vec<_>>());
}

#[test]
fn every_frame_comes_once_however_often_and_wherever_a_play_is_switched() {
    let labels = [240, 480, 720];
    for seed in 0..300 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut viewer = Viewer::new(&three(), &fixed(labels[rng.random_range(0..3)]));
        for _ in 0..rng.random_range(1..12) {
            let more = rng.random_range(0..2 * MAX_PART as u64);
            if rng.random_bool(0.3) {
                viewer.run_and_leave_a_read(more);
            } else {
                viewer.run(more);
            }
            let from = rng.random_bool(0.5).then(|| pts(rng.random_range(0..200)));
            // One that comes too late for any keyframe is refused and changes nothing.
            let _ = viewer.switch(labels[rng.random_range(0..3)], from);
        }
        viewer.run(u64::MAX);
        assert_eq!(viewer.numbers(), (0..200).collect::<Vec<_>>(), "seed {seed}");
        assert!(viewer.ended, "seed {seed}");
    }
}

#[test]
fn auto_begins_low_and_leaves_out_what_cannot_be_switched() {
    let title = testing::title(vec![
        testing::index(240, 300, 25, 1000),
        testing::index(480, 300, 25, 2000),
        testing::index(720, 300, 300, 3000),
    ]);
    let first = |full_speed| {
        let mut viewer = Viewer::new(&title, &Request { full_speed, ..request(PlayMode::Auto) });
        viewer.run(0);
        viewer.segments[0].label
    };
    assert_eq!((first(false), first(true)), (240, 480));
    let ladder = ladder(&title);
    let adaptive: Vec<_> = ladder.iter().map(|rung| (rung.label.0, rung.bitrate, rung.adaptive)).collect();
    assert_eq!(adaptive, [(240, 200_000, true), (480, 400_000, true), (720, 600_000, false)]);
    let told = left_out(&title, &title, &request(PlayMode::Auto));
    assert!(told.len() == 1 && told[0].starts_with("720p of \"t\" is left out of auto"), "{told:?}");
    assert!(left_out(&title, &title, &fixed(720)).is_empty());
    let only = title.with(|rendition| rendition.label.0 == 720).unwrap();
    assert!(left_out(&only, &only, &request(PlayMode::Auto)).is_empty(), "the only one plays");
}

#[test]
fn what_the_member_cannot_decode_is_left_out_or_refused_by_name() {
    let title = three();
    let vp9 = |mode| Request { decodes: vec![Codec::VP9, Codec::AV1], ..request(mode) };
    for mode in [PlayMode::Auto, PlayMode::Tour, PlayMode::Fixed(RenditionLabel(240))] {
        let error = Play::new(Arc::clone(&title), &vp9(mode)).unwrap_err();
        assert_eq!(error.code(), Code::Unplayable);
        assert!(error.to_string().contains("h264"), "{error}");
    }
    let both = Request { decodes: vec![Codec::VP9, Codec::H264], ..request(PlayMode::Auto) };
    assert!(Play::new(Arc::clone(&title), &both).is_ok());
    let some = title.with(|rendition| rendition.label.0 != 480).unwrap();
    let told = left_out(&title, &some, &request(PlayMode::Tour));
    assert_eq!(told, ["480p of \"t\" is left out: this member does not decode h264"]);
}
