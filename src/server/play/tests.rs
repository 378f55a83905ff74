use super::*;
use crate::{
    types::{Code, RenditionLabel},
    video::testing,
};

/// One play, read from files whose bytes tell where they lie.
struct Viewer {
    play: Play,
    received: u64,
    packets: Vec<Received>,
    infos: Vec<StreamInfo>,
    end: Option<StreamEnd>,
}

/// A packet put together from its parts.
#[derive(Debug)]
struct Received {
    rendition: RenditionLabel,
    epoch: PlayEpoch,
    seq: u32,
    pts: MediaTime,
    is_key: bool,
    data: Vec<u8>,
    parts: u16,
    is_complete: bool,
}

fn request(mode: PlayMode) -> Request {
    let (start, end, max_height, full_speed) = (MediaTime::ZERO, None, None, false);
    Request { id: PlayId(1), mode, start, end, max_height, full_speed, decodes: Vec::new() }
}

/// What stands in a file at these positions.
fn content(bytes: &std::ops::Range<u64>) -> Bytes {
    bytes.clone().map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn read(batch: &Batch) -> Vec<(usize, Bytes)> {
    let entries = &batch.rendition.index.packets()[batch.packets.packets.clone()];
    batch.packets.packets.clone().zip(entries.iter().map(|entry| content(&entry.bytes()))).collect()
}

impl Viewer {
    fn new(title: &Arc<Title>, request: &Request) -> Self {
        let (play, _) = Play::new(Arc::clone(title), request).unwrap();
        Self { play, received: 0, packets: Vec::new(), infos: Vec::new(), end: None }
    }

    fn credit(&mut self, epoch: u32, offset: u64) -> &mut Self {
        self.play.raise_credit(PlayEpoch(epoch), offset);
        self
    }

    /// Lets it send and read until it can do neither.
    fn run(&mut self) -> &mut Self {
        loop {
            if let Some(step) = self.play.next_step() {
                self.take(step);
            } else if let Some(batch) = self.play.next_read() {
                assert!(self.play.next_read().is_none(), "one read at a time");
                let packets = read(&batch);
                self.play.take_read(&batch, packets);
            } else {
                return self;
            }
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Rendition(Message::StreamInfo(info), rendition) => {
                assert_eq!(info.rendition, rendition.label);
                self.infos.push(info);
            }
            Step::Media(Message::Packet(part)) => self.take_part(&part),
            Step::End(Message::StreamEnd(end)) => assert!(self.end.replace(end).is_none(), "ended twice"),
            other => panic!("{other:?}"),
        }
    }

    fn take_part(&mut self, part: &Packet) {
        assert!(part.data.len() <= PART);
        self.received += part.data.len() as u64;
        if part.part == 0 {
            let Packet { rendition, epoch, seq, pts, .. } = *part;
            let (data, is_key) = (Vec::new(), part.flags & KEY_FRAME != 0);
            self.packets.push(Received { rendition, epoch, seq, pts, is_key, data, parts: 0, is_complete: false });
        }
        let packet = self.packets.last_mut().unwrap();
        assert_eq!((part.seq, part.part, packet.is_complete), (packet.seq, packet.parts, false));
        packet.data.extend_from_slice(&part.data);
        packet.parts += 1;
        packet.is_complete = part.last;
    }
}

#[test]
fn without_credit_a_rendition_is_announced_and_nothing_is_read() {
    let mut viewer = Viewer::new(&testing::title(vec![testing::index(240, 10, 5, 100)]), &request(PlayMode::Auto));
    viewer.run().run();
    assert_eq!((viewer.infos.len(), viewer.packets.len()), (1, 0));
    let info = &viewer.infos[0];
    assert_eq!((info.height, info.show_from, info.frame_duration), (240, MediaTime::ZERO, testing::FRAME));
}

#[test]
fn packets_come_in_parts_of_at_most_32_kib_that_make_what_stands_in_the_file() {
    let size = u32::try_from(2 * PART + 17).unwrap();
    let mut viewer = Viewer::new(&testing::title(vec![testing::index(240, 4, 2, size)]), &request(PlayMode::Auto));
    viewer.credit(0, u64::MAX).run();
    assert_eq!(viewer.packets.len(), 4);
    for (number, packet) in viewer.packets.iter().enumerate() {
        let from = number as u64 * u64::from(size);
        assert_eq!((packet.parts, packet.is_complete, packet.is_key), (3, true, number % 2 == 0));
        assert_eq!((packet.seq as usize, packet.pts), (number, testing::pts(i64::try_from(number).unwrap())));
        assert_eq!(packet.data, content(&(from..from + u64::from(size))));
    }
    let end = viewer.end.as_ref().unwrap();
    assert_eq!((end.reason, end.epoch, viewer.play.is_finished()), (EndReason::Finished, PlayEpoch(0), true));
}

#[test]
fn credit_is_never_exceeded_and_never_taken_back() {
    let title = testing::title(vec![testing::index(240, 50, 5, 5000)]);
    let mut viewer = Viewer::new(&title, &request(PlayMode::Auto));
    for offset in [1, 4999, 5000, 12_000, 3, 0, 12_001, 100_000, 99] {
        viewer.credit(0, offset).run();
    }
    assert_eq!(viewer.received, 100_000, "twenty packets");
    viewer.credit(7, u64::MAX).run();
    assert_eq!(viewer.received, 100_000, "credit for another epoch is none");
    assert!(viewer.end.is_none());
    viewer.credit(0, 250_000).run();
    assert_eq!((viewer.received, viewer.packets.len()), (250_000, 50));
    assert!(viewer.end.is_some(), "the end needs no credit");
}

#[test]
fn credit_byte_by_byte_makes_no_more_parts_than_can_be_counted() {
    let size = u32::try_from(3 * PART).unwrap();
    let mut viewer = Viewer::new(&testing::title(vec![testing::index(240, 1, 1, size)]), &request(PlayMode::Auto));
    for offset in 0..=u64::from(size) {
        viewer.credit(0, offset).run();
    }
    assert_eq!((viewer.packets[0].parts, viewer.packets[0].is_complete), (3, true));
}

#[test]
fn a_seek_begins_anew_at_the_keyframe_before_and_what_was_read_before_is_dropped() {
    let title = testing::title(vec![testing::index(240, 20, 5, 1000)]);
    let mut viewer = Viewer::new(&title, &request(PlayMode::Auto));
    viewer.credit(0, 2000).run();
    viewer.credit(0, 3000);
    let stale = viewer.play.next_read();
    viewer.play.seek(PlayEpoch(1), testing::pts(12)).unwrap();
    viewer.credit(0, u64::MAX).run();
    assert_eq!(viewer.packets.len(), 2, "credit of the old epoch counts no more");
    viewer.credit(1, u64::MAX);
    if let Some(batch) = stale {
        assert!(viewer.play.next_read().is_none(), "the old read is still under way");
        viewer.play.take_read(&batch, read(&batch));
    }
    viewer.run();
    let after = &viewer.packets[2..];
    assert!(after.iter().all(|packet| packet.epoch == PlayEpoch(1)));
    assert_eq!((after[0].seq, after[0].pts, after[0].is_key), (0, testing::pts(10), true));
    assert_eq!(after.len(), 10, "up to the end");
    assert_eq!(viewer.infos[1].show_from, testing::pts(12), "what comes before is only decoded");
}

#[test]
fn bad_input_51_a_seek_out_of_the_title_changes_nothing() {
    let title = testing::title(vec![testing::index(240, 10, 5, 1000)]);
    let mut viewer = Viewer::new(&title, &request(PlayMode::Auto));
    viewer.credit(0, 5000).run();
    for to in [MediaTime(-1), testing::pts(10), MediaTime(i64::MIN), MediaTime(i64::MAX)] {
        assert!(matches!(viewer.play.seek(PlayEpoch(1), to), Err(PlanError::OutOfRange { .. })), "{to:?}");
    }
    viewer.credit(0, u64::MAX).run();
    assert_eq!(viewer.packets.len(), 10);
}

#[test]
fn after_its_end_a_play_can_still_be_sought_back() {
    let title = testing::title(vec![testing::index(240, 10, 5, 1000)]);
    let mut viewer = Viewer::new(&title, &request(PlayMode::Auto));
    viewer.credit(0, u64::MAX).run();
    assert!(viewer.end.take().is_some());
    viewer.play.seek(PlayEpoch(1), MediaTime::ZERO).unwrap();
    assert!(!viewer.play.is_finished());
    viewer.credit(1, u64::MAX).run();
    assert_eq!((viewer.packets.len(), viewer.end.as_ref().unwrap().epoch), (20, PlayEpoch(1)));
}

#[test]
fn a_tour_announces_each_rendition_and_shows_every_frame_once() {
    let title = testing::title(vec![
        testing::index(240, 30, 5, 10),
        testing::index(720, 30, 5, 20),
        testing::index(1080, 30, 5, 30),
    ]);
    let mut viewer = Viewer::new(&title, &request(PlayMode::Tour));
    viewer.credit(0, u64::MAX).run();
    let heights: Vec<_> = viewer.infos.iter().map(|info| info.height).collect();
    assert_eq!(heights, [240, 720, 1080]);
    let mut shown = Vec::new();
    for info in &viewer.infos {
        let range = info.show_from..info.show_until.unwrap();
        let packets = viewer.packets.iter().filter(|packet| packet.rendition == info.rendition);
        shown.extend(packets.map(|packet| packet.pts).filter(|pts| range.contains(pts)));
    }
    assert_eq!(shown, (0..30).map(testing::pts).collect::<Vec<_>>());
    let seqs: Vec<_> = viewer.packets.iter().map(|packet| packet.seq).collect();
    assert!(seqs.is_sorted() && seqs.len() == *seqs.last().unwrap() as usize + 1, "counted over all renditions");
}

#[test]
fn nothing_above_the_given_height_is_shown_in_any_mode() {
    let title = testing::title(vec![testing::index(240, 5, 5, 10), testing::index(720, 5, 5, 20)]);
    let fixed = |label| PlayMode::Fixed(RenditionLabel(label));
    for (mode, max, heights) in [
        (PlayMode::Auto, None, vec![240]),
        (PlayMode::Auto, Some(239 + 1), vec![240]),
        (fixed(720), None, vec![720]),
        (fixed(720), Some(720), vec![720]),
        (PlayMode::Tour, Some(500), vec![240]),
        (fixed(240), Some(240), vec![240]),
    ] {
        let mut viewer = Viewer::new(&title, &Request { max_height: max, ..request(mode) });
        viewer.credit(0, u64::MAX).run();
        assert_eq!(viewer.infos.iter().map(|info| info.height).collect::<Vec<_>>(), heights, "{mode:?} {max:?}");
        assert_eq!(viewer.play.title().duration, title.duration);
    }
    for (mode, max) in [
        (PlayMode::Auto, Some(239)),
        (PlayMode::Tour, Some(0)),
        (fixed(240), Some(10)),
        (fixed(720), Some(719)),
        (fixed(480), None),
    ] {
        let error = Play::new(Arc::clone(&title), &Request { max_height: max, ..request(mode) }).unwrap_err();
        assert_eq!(error.code(), Code::NoSuchRendition, "{mode:?} {max:?}: {error}");
    }
}

#[test]
fn a_seek_to_where_the_rendition_has_ended_ends_the_new_epoch() {
    let title = testing::title(vec![testing::index(240, 20, 5, 10), testing::index(720, 10, 5, 20)]);
    let mut viewer = Viewer::new(&title, &request(PlayMode::Fixed(RenditionLabel(720))));
    viewer.play.seek(PlayEpoch(1), testing::pts(15)).unwrap();
    viewer.credit(1, u64::MAX).run();
    let end = viewer.end.take().unwrap();
    assert_eq!((end.epoch, end.reason, viewer.infos.len()), (PlayEpoch(1), EndReason::Finished, 0));
    viewer.play.seek(PlayEpoch(2), testing::pts(5)).unwrap();
    viewer.credit(2, u64::MAX).run();
    assert_eq!(viewer.packets.len(), 5);
}
