//! Plans over generated titles: what is sent is decoded as a decoder would, and what is shown is looked at.

use std::collections::BTreeSet;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    types::Codec,
    video::{catalog::FileId, index::VideoFormat},
};

use super::*;

/// How a rendition is generated.
struct Recipe {
    frames: u32,
    /// Length of a frame in microseconds, and what times are rounded down to.
    frame: i64,
    round: i64,
    /// Longest GOP and longest run of B-frames.
    gop: u32,
    b_frames: u32,
    open: bool,
}

/// Positions of the packets that each packet refers to.
type References = Vec<Vec<usize>>;

/// A rendition's packets in decode order: keyframes, P-frames that refer to the last anchor, and B-frames that
/// refer to the anchors around them, which for an open GOP are the keyframe and one before it.
fn generate(rng: &mut StdRng, recipe: &Recipe) -> (Index, References) {
    let (mut packets, mut references): (Vec<Packet>, References) = (Vec::new(), Vec::new());
    let mut next_key = 0;
    let mut last_anchor = None;
    let mut shown = 0;
    while shown < recipe.frames {
        let run = rng.random_range(0..=recipe.b_frames).min(recipe.frames - 1 - shown);
        // A closed GOP begins with its keyframe; an open one may have B-frames in front of it.
        let key_here = next_key == shown || recipe.open && (shown..=shown + run).contains(&next_key);
        let run = if next_key == shown {
            0
        } else if recipe.open {
            run
        } else {
            run.min(next_key.saturating_sub(shown + 1))
        };
        let anchor = packets.len();
        let mut push = |number: u32, keyframe: bool, refers_to: Vec<usize>| {
            let pts = i64::from(number) * recipe.frame / recipe.round * recipe.round;
            let position = packets.len();
            packets.push(Packet {
                offset: position as u64 * 100,
                size: 100,
                keyframe,
                pts: MediaTime(pts),
                dts: MediaTime((i64::try_from(position).unwrap() - 2) * recipe.frame),
                duration: MediaTime(recipe.frame),
            });
            references.push(refers_to);
        };
        push(shown + run, key_here, if key_here { vec![] } else { last_anchor.into_iter().collect() });
        let mut between: Vec<u32> = (shown..shown + run).collect();
        while !between.is_empty() {
            let number = between.swap_remove(rng.random_range(0..between.len()));
            push(number, false, last_anchor.into_iter().chain([anchor]).collect());
        }
        if key_here {
            next_key = shown + run + rng.random_range(1..=recipe.gop);
        }
        last_anchor = Some(anchor);
        shown += run + 1;
    }
    let format = VideoFormat { codec: Codec::H264, width: 16, height: 16, extradata: bytes::Bytes::new() };
    let end = MediaTime(i64::from(recipe.frames) * recipe.frame);
    (Index::new(format, packets, MediaTime::ZERO..end).unwrap(), references)
}

fn title(renditions: Vec<Index>) -> Title {
    let duration = renditions.iter().map(Index::duration).max().unwrap();
    let renditions = renditions.into_iter().enumerate().map(|(place, index)| {
        let label = RenditionLabel(100 * (u32::try_from(place).unwrap() + 1));
        Arc::new(Rendition {
            label,
            file: format!("t_{label}.mp4"),
            index: index.into(),
            id: FileId(place),
            open: None,
        })
    });
    Title { name: "t".into(), renditions: renditions.collect(), duration, missing: Vec::new(), subtitles: Vec::new() }
}

/// A title whose renditions have the same frames, and references by label.
fn same_rate_title(rng: &mut StdRng) -> (Title, Vec<References>, i64, u32) {
    let frame = [40_000, 33_367, 16_683, 66_667][rng.random_range(0..4)];
    let frames = rng.random_range(1..120);
    let renditions = (0..rng.random_range(1..5)).map(|_| {
        let recipe = Recipe {
            frames,
            frame,
            round: [1, 11, 1000][rng.random_range(0..3)],
            gop: rng.random_range(1..50),
            b_frames: rng.random_range(0..4),
            open: rng.random_bool(0.5),
        };
        generate(rng, &recipe)
    });
    let (indexes, references) = renditions.collect();
    (title(indexes), references, frame, frames)
}

/// The pts of all pictures that a player shows, in the order in which it shows them. A picture whose references
/// were not sent before it is not there.
fn play(segments: &[Segment], title: &Title, references: &[References]) -> Vec<MediaTime> {
    let mut shown = Vec::new();
    let mut decoded = BTreeSet::new();
    let mut last: Option<&Segment> = None;
    for segment in segments {
        let place = title.renditions.iter().position(|other| other.label == segment.rendition.label).unwrap();
        if last.is_none_or(|last| !Arc::ptr_eq(&last.rendition, &segment.rendition)) {
            decoded.clear();
        }
        for position in segment.packets.clone() {
            if references[place][position].iter().all(|other| decoded.contains(other)) {
                decoded.insert(position);
            }
        }
        let packets = segment.rendition.index.packets();
        let due =
            segment.packets.clone().filter(|position| decoded.contains(position)).map(|position| packets[position]);
        let mut due: Vec<_> = due.filter(|packet| segment.shows(packet)).map(|packet| packet.pts).collect();
        due.sort_unstable();
        shown.extend(due);
        last = Some(segment);
    }
    shown
}

/// Which frames times stand for.
fn numbers(times: &[MediaTime], frame: i64) -> Vec<i64> {
    times.iter().map(|time| (time.0 + frame / 2) / frame).collect()
}

/// What [`Index::decoded_until`] and [`Index::last_before`] say, by a look at all packets.
fn by_all_packets(index: &Index, from: usize, end: MediaTime) -> (usize, Option<MediaTime>) {
    let is_in = |packet: &Packet| (index.shown().start..end.min(index.duration())).contains(&packet.pts);
    let last = index.packets()[from..].iter().rposition(is_in);
    let times = index.packets().iter().filter(|packet| is_in(packet)).map(|packet| packet.pts);
    (from + last.map_or(0, |last| last + 1), times.max())
}

/// Holds an index against a look at all packets, at all entry points and some ends.
fn hold_against_all_packets(rng: &mut StdRng, index: &Index, seed: u64) {
    let some = index.packets()[rng.random_range(0..index.packets().len())].pts;
    let around = [MediaTime(i64::MIN), some - MediaTime(1), some, some + MediaTime(1), MediaTime(i64::MAX)];
    for end in around {
        for &from in index.entry_points() {
            let found = (index.decoded_until(from, end), index.last_before(end));
            assert_eq!(found, by_all_packets(index, from, end), "seed {seed}, from {from} to {end:?}");
        }
    }
}

#[test]
fn what_is_shown_before_an_end_is_found_near_it_whatever_the_gops() {
    for seed in 0..400 {
        let mut rng = StdRng::seed_from_u64(seed);
        let (gop, b_frames, open) = (rng.random_range(1..30), rng.random_range(0..5), rng.random_bool(0.7));
        let recipe = Recipe { frames: rng.random_range(1..200), frame: 40_000, round: 1, gop, b_frames, open };
        let (index, _) = generate(&mut rng, &recipe);
        hold_against_all_packets(&mut rng, &index, seed);
        let entries = index.entry_points();
        for end in index.packets().iter().map(|packet| packet.pts) {
            let after = entries.partition_point(|&entry| index.packets()[entry].pts < end);
            let second = entries.get(after + 1).copied().unwrap_or(index.packets().len());
            assert!(index.all_decoded(end) <= second, "seed {seed}: {end:?}");
        }
    }
}

#[test]
fn what_is_shown_before_an_end_is_found_in_files_without_any_order() {
    let time = |number: i64| MediaTime(number * 40_000);
    for seed in 0..400 {
        let mut rng = StdRng::seed_from_u64(seed);
        let packets = (0..rng.random_range(1..60)).map(|_| Packet {
            offset: 0,
            size: 1,
            keyframe: rng.random_bool(0.4),
            pts: time(rng.random_range(-5..40)),
            dts: MediaTime::ZERO,
            duration: time(1),
        });
        let packets = packets.collect();
        let format = VideoFormat { codec: Codec::H264, width: 16, height: 16, extradata: bytes::Bytes::new() };
        let shown = time(rng.random_range(-6..6))..time(rng.random_range(20..40));
        if let Some(index) = Index::new(format, packets, shown) {
            hold_against_all_packets(&mut rng, &index, seed);
        }
    }
}

#[test]
fn a_tour_shows_every_frame_once_in_order_whatever_the_gops() {
    for seed in 0..400 {
        let mut rng = StdRng::seed_from_u64(seed);
        let (title, references, frame, frames) = same_rate_title(&mut rng);
        let plan = Plan::new(&title, PlayMode::Tour, MediaTime::ZERO, None).unwrap();
        let shown = numbers(&play(&plan.segments, &title, &references), frame);
        assert_eq!(shown, (0..i64::from(frames)).collect::<Vec<_>>(), "seed {seed}: {plan:?}");
        let known = plan.segments.len() + plan.left_out.len();
        assert_eq!(known, title.renditions.len(), "seed {seed}: each is shown or has a reason");
    }
}

#[test]
fn from_any_start_to_any_end_exactly_what_lies_between_is_shown_in_every_mode() {
    for seed in 0..400 {
        let mut rng = StdRng::seed_from_u64(seed);
        let (title, references, frame, frames) = same_rate_title(&mut rng);
        let first = rng.random_range(0..i64::from(frames));
        let after = rng.random_range(first + 1..=i64::from(frames));
        // Half a frame before a picture: no rounding makes it doubtful on which side it lies.
        let start = MediaTime((first * frame - frame / 2).max(0));
        let end = (after < i64::from(frames)).then_some(MediaTime(after * frame - frame / 2));
        let label = title.renditions[rng.random_range(0..title.renditions.len())].label;
        for mode in [PlayMode::Tour, PlayMode::Auto, PlayMode::Fixed(label)] {
            let plan = Plan::new(&title, mode, start, end).unwrap();
            let shown = numbers(&play(&plan.segments, &title, &references), frame);
            assert_eq!(shown, (first..after).collect::<Vec<_>>(), "seed {seed} {mode:?}: {plan:?}");
        }
    }
}

#[test]
fn renditions_of_different_rates_follow_one_another_without_a_hole() {
    for seed in 0..200 {
        let mut rng = StdRng::seed_from_u64(seed);
        let renditions = [(25, 40_000), (30, 33_333), (50, 20_000)].map(|(rate, frame)| {
            let recipe = Recipe { frames: 6 * rate, frame, round: 1, gop: rate, b_frames: 3, open: seed % 2 == 0 };
            generate(&mut rng, &recipe)
        });
        let (indexes, references): (Vec<_>, Vec<_>) = renditions.into_iter().unzip();
        let title = title(indexes);
        let plan = Plan::new(&title, PlayMode::Tour, MediaTime::ZERO, None).unwrap();
        let shown = play(&plan.segments, &title, &references);
        let gaps = shown.windows(2).map(|pair| (pair[1] - pair[0]).0);
        assert!(gaps.clone().all(|gap| (1..=60_000).contains(&gap)), "seed {seed}: {:?}", gaps.collect::<Vec<_>>());
    }
}

/// A rendition with closed GOPs of a length, at 25 frames a second.
fn plain(frames: u32, gop: u32) -> Index {
    let keyframe = |number: u32| number.is_multiple_of(gop);
    let packets = (0..frames).map(|number| Packet {
        offset: 0,
        size: 1,
        keyframe: keyframe(number),
        pts: MediaTime(i64::from(number) * 40_000),
        dts: MediaTime(i64::from(number) * 40_000),
        duration: MediaTime(40_000),
    });
    let format = VideoFormat { codec: Codec::H264, width: 16, height: 16, extradata: bytes::Bytes::new() };
    Index::new(format, packets.collect(), MediaTime::ZERO..MediaTime(i64::from(frames) * 40_000)).unwrap()
}

fn tour_of(indexes: Vec<Index>) -> (Vec<(u32, Range<usize>)>, Vec<String>) {
    let plan = Plan::new(&title(indexes), PlayMode::Tour, MediaTime::ZERO, None).unwrap();
    let segments = plan.segments.into_iter().map(|segment| (segment.rendition.label.0, segment.packets));
    (
        segments.collect(),
        plan.left_out.into_iter().map(|without| format!("{}: {}", without.label, without.reason)).collect(),
    )
}

#[test]
fn aligned_renditions_get_equal_shares() {
    let (segments, left_out) = tour_of(vec![plain(300, 25), plain(300, 25), plain(300, 25)]);
    assert_eq!(segments, [(100, 0..100), (200, 100..200), (300, 200..300)]);
    assert!(left_out.is_empty());
}

#[test]
fn a_rendition_without_a_keyframe_in_its_share_is_left_out_and_the_one_before_plays_on() {
    let (segments, left_out) = tour_of(vec![plain(300, 25), plain(300, 1000), plain(300, 25)]);
    assert_eq!(segments, [(100, 0..200), (300, 200..300)]);
    assert_eq!(left_out, ["200p: it has no keyframe between 4.00 s and 8.00 s, where its turn would be"]);
}

#[test]
fn a_rendition_that_ends_early_is_left_out_and_no_frame_is_lost() {
    let (segments, left_out) = tour_of(vec![plain(300, 25), plain(150, 25), plain(300, 25)]);
    assert_eq!(segments, [(100, 0..200), (300, 200..300)]);
    assert_eq!(left_out, ["200p: it ends at 6.00 s, before its turn would be over"]);
    // Without the first, the second has the start, where it needs no keyframe at a boundary.
    let (segments, left_out) = tour_of(vec![plain(100, 25), plain(300, 1000)]);
    assert_eq!((segments, left_out.len()), (vec![(200, 0..300)], 1));
    // A picture or two less at the end is nothing.
    let (segments, left_out) = tour_of(vec![plain(300, 25), plain(298, 25)]);
    assert_eq!((segments, left_out.len()), (vec![(100, 0..150), (200, 150..298)], 0));
}

#[test]
fn a_seek_in_a_tour_lands_in_the_rendition_whose_turn_it_is() {
    let title = title(vec![plain(300, 25), plain(300, 25), plain(300, 25)]);
    let plan = Plan::new(&title, PlayMode::Tour, MediaTime(5_500_000), Some(MediaTime(8_100_000))).unwrap();
    let segments: Vec<_> =
        plan.segments.iter().map(|segment| (segment.rendition.label.0, segment.packets.clone())).collect();
    assert_eq!(segments, [(200, 125..200), (300, 200..203)]);
    assert_eq!(plan.segments[0].show.start, MediaTime(5_500_000), "from the keyframe on it is decoded only");
}

#[test]
fn bad_input_46_a_rendition_that_is_not_there_is_refused_with_what_there_is() {
    let title = title(vec![plain(10, 5), plain(10, 5), plain(10, 5)]);
    let error = Plan::new(&title, PlayMode::Fixed(RenditionLabel(720)), MediaTime::ZERO, None).unwrap_err();
    assert_eq!(error.code(), Code::NoSuchRendition);
    assert_eq!(error.to_string(), "there is no 720p; there is 100p, 200p and 300p");
}

#[test]
fn bad_input_51_a_start_or_end_outside_the_title_is_out_of_range() {
    let title = title(vec![plain(250, 25)]);
    let plan = |start, end: Option<i64>| Plan::new(&title, PlayMode::Auto, MediaTime(start), end.map(MediaTime));
    for (start, end) in [
        (-1, None),
        (i64::MIN, None),
        (10_000_000, None),
        (i64::MAX, None),
        (5, Some(5)),
        (5, Some(4)),
        (0, Some(0)),
        (0, Some(-1)),
        (i64::MIN, Some(i64::MAX)),
    ] {
        let error = plan(start, end).unwrap_err();
        assert_eq!(error, PlanError::OutOfRange { duration: MediaTime(10_000_000) }, "{start} {end:?}");
    }
    assert_eq!(plan(9_960_000, Some(i64::MAX)).unwrap().segments[0].packets, 225..250);
    for between in [plan(1, Some(2)), plan(9_970_000, None)] {
        assert_eq!(between.unwrap_err(), PlanError::NoPicture);
    }
    assert_eq!(PlanError::NoPicture.code(), Code::OutOfRange);
}

#[test]
fn a_seek_behind_the_last_picture_shows_it() {
    let one = title(vec![plain(250, 25)]);
    let tour = title(vec![plain(250, 25), plain(250, 25)]);
    for (title, mode) in [(&one, PlayMode::Auto), (&tour, PlayMode::Tour)] {
        let sought = |to, end: Option<i64>| Plan::sought(title, mode, MediaTime(to), end.map(MediaTime));
        let last = sought(9_970_000, None).unwrap().segments;
        assert_eq!((last.len(), last[0].show.start), (1, MediaTime(9_960_000)), "{mode:?}");
        let before_end = sought(3_970_000, Some(3_990_000)).unwrap().segments;
        assert_eq!((before_end.len(), before_end[0].show.start), (1, MediaTime(3_960_000)), "{mode:?}");
        for (to, end) in [(-1, None), (10_000_000, None), (4_000_000, Some(4_000_000)), (i64::MAX, Some(i64::MAX))] {
            assert_eq!(sought(to, end).unwrap_err().code(), Code::OutOfRange, "{to}");
        }
    }
}

#[test]
fn a_seek_to_where_the_rendition_has_ended_and_the_title_has_not_shows_nothing() {
    let title = title(vec![plain(250, 25), plain(200, 25)]);
    let auto = Plan::sought(&title, PlayMode::Auto, MediaTime(9_000_000), None).unwrap();
    assert!(auto.segments.is_empty());
    assert_eq!(Plan::sought(&title, PlayMode::Tour, MediaTime(9_000_000), None).unwrap().segments.len(), 1);
}

#[test]
fn up_to_a_height_a_tour_is_one_of_the_renditions_below() {
    let whole = title(vec![plain(200, 25), plain(200, 25), plain(300, 25)]);
    let below = whole.up_to(RenditionLabel(200)).unwrap();
    let plan = Plan::new(&below, PlayMode::Tour, MediaTime::ZERO, None).unwrap();
    let segments: Vec<_> = plan.segments.iter().map(|one| (one.rendition.label.0, one.packets.clone())).collect();
    assert_eq!(segments, [(100, 0..100), (200, 100..200)], "equal shares of what they last");
    let error = Plan::new(&below, PlayMode::Fixed(RenditionLabel(300)), MediaTime::ZERO, None).unwrap_err();
    assert_eq!(error.code(), Code::NoSuchRendition);
    assert!(whole.up_to(RenditionLabel(99)).is_none());
}

#[test]
fn a_mode_of_a_newer_version_is_not_known_yet() {
    let error = Plan::new(&title(vec![plain(10, 5)]), PlayMode::Unknown, MediaTime::ZERO, None).unwrap_err();
    assert_eq!(error.code(), Code::NotYet);
}

mod switching;
