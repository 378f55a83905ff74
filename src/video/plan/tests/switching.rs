//! Plans that are switched while they are sent: whatever was sent and cut, each frame is shown once.

use std::collections::VecDeque;

use super::*;
use crate::video::testing::{self, FRAME};

/// What was sent in the end, as a member has it.
fn sent_with_switches(rng: &mut StdRng, title: &Title, frame: i64) -> (Vec<Segment>, usize) {
    let pick = |rng: &mut StdRng| Arc::clone(&title.renditions[rng.random_range(0..title.renditions.len())]);
    let mode = PlayMode::Fixed(pick(rng).label);
    let mut waiting: VecDeque<Segment> = Plan::new(title, mode, MediaTime::ZERO, None).unwrap().segments.into();
    let (mut sent, mut begun, mut switches) = (Vec::new(), None, 0);
    while let Some(front) = waiting.front() {
        let next: usize = begun.unwrap_or(front.packets.start);
        let until = next + rng.random_range(0..30);
        begun = Some(until.min(front.packets.end));
        if until >= front.packets.end && (waiting.len() > 1 || rng.random_bool(0.7)) {
            sent.extend(waiting.pop_front());
            begun = None;
            continue;
        }
        let here = i64::try_from(until).unwrap();
        let behind = (here + rng.random_range(-20..20)).max(0) * frame;
        let from = rng.random_bool(0.6).then_some(MediaTime(behind));
        let before = waiting.front().map(|front| front.show.end);
        if let Some(switched) = switch(&mut waiting, begun, &pick(rng), from, None) {
            switches += 1;
            let after = waiting.front().map(|front| front.show.end);
            assert!(switched.cut.is_some() || before == after, "told when it changes");
        }
    }
    (sent, switches)
}

#[test]
fn whatever_is_switched_while_it_is_sent_every_frame_is_shown_once() {
    let mut switched = 0;
    for seed in 0..600 {
        let mut rng = StdRng::seed_from_u64(seed);
        let (title, references, frame, frames) = same_rate_title(&mut rng);
        let (sent, count) = sent_with_switches(&mut rng, &title, frame);
        let shown = numbers(&play(&sent, &title, &references), frame);
        assert_eq!(shown, (0..i64::from(frames)).collect::<Vec<_>>(), "seed {seed}: {sent:?}");
        switched += count;
    }
    assert!(switched > 600, "{switched}");
}

#[test]
fn a_rendition_without_a_keyframe_ahead_is_not_switched_to_and_nothing_changes() {
    let mut rng = StdRng::seed_from_u64(7);
    let recipe = |gop| Recipe { frames: 60, frame: 40_000, round: 1, gop, b_frames: 0, open: false };
    let (low, _) = generate(&mut rng, &recipe(5));
    let (mut packets, shown) = (low.packets().to_vec(), low.shown());
    packets.iter_mut().skip(1).for_each(|packet| packet.keyframe = false);
    let one = Index::new(low.format().clone(), packets, shown).unwrap();
    let title = title(vec![low, one]);
    let mode = PlayMode::Fixed(title.renditions[0].label);
    let plan = Plan::new(&title, mode, MediaTime::ZERO, None).unwrap();
    let mut segments: VecDeque<Segment> = plan.segments.into();
    assert_eq!(switch(&mut segments, Some(10), &title.renditions[1], None, None), None);
    assert_eq!((segments.len(), segments[0].packets.clone()), (1, 0..60));
    assert!(switch(&mut segments, None, &title.renditions[1], None, None).is_some(), "at its start it can");
}

#[test]
fn a_gop_is_left_in_its_middle_where_that_is_less_to_send() {
    let title = title(vec![testing::index(240, 100, 50, 100), testing::index(1080, 100, 50, 5_000)]);
    let entered = |mode: usize, to: usize, begun: usize, at: i64| {
        let mode = PlayMode::Fixed(title.renditions[mode].label);
        let mut segments: VecDeque<Segment> = Plan::new(&title, mode, MediaTime::ZERO, None).unwrap().segments.into();
        let from = Some(MediaTime(at * FRAME.0));
        switch(&mut segments, Some(begun), &title.renditions[to], from, None)?;
        let next = segments.back().unwrap();
        Some((next.show.start.0 / FRAME.0, next.packets.clone()))
    };
    assert_eq!(entered(1, 0, 20, 20), Some((20, 0..100)), "30 pictures of 1080p are more than 50 of 240p");
    assert_eq!(entered(0, 1, 20, 20), Some((50, 50..100)), "up it is from a keyframe on");
    assert_eq!(entered(1, 0, 50, 20), Some((50, 50..100)), "all of the GOP was sent");
    assert_eq!(entered(1, 0, 60, 60), Some((60, 50..100)), "no keyframe comes any more");
    assert_eq!(entered(0, 1, 60, 60), None, "up there has to be one");
}

#[test]
fn a_gop_is_left_in_its_middle_where_the_play_ends_before_the_next_keyframe() {
    let title = title(vec![testing::index(240, 100, 50, 3_000), testing::index(1080, 100, 50, 5_000)]);
    let entered = |mode: usize, to: usize, end: i64| {
        let mode = PlayMode::Fixed(title.renditions[mode].label);
        let end = Some(MediaTime(end * FRAME.0));
        let plan = Plan::new(&title, mode, MediaTime::ZERO, end).unwrap();
        let mut segments: VecDeque<Segment> = plan.segments.into();
        let switched = switch(&mut segments, Some(10), &title.renditions[to], Some(MediaTime(10 * FRAME.0)), end);
        let next = segments.back().unwrap();
        (switched.is_some(), next.show.start.0 / FRAME.0, next.packets.clone())
    };
    assert_eq!(entered(1, 0, 50), (true, 10, 0..50), "where its keyframe would be the play is over");
    assert_eq!(entered(1, 0, 30), (true, 10, 0..30), "20 pictures of 1080p are more than 30 of 240p");
    assert_eq!(entered(1, 0, 12), (false, 0, 0..12), "2 pictures of 1080p are less than 12 of 240p");
    assert_eq!(entered(1, 0, 51), (true, 10, 0..51), "there is a keyframe, and the GOP before it is left as ever");
    assert_eq!(entered(0, 1, 30), (false, 0, 0..30), "up there has to be a keyframe");
}
