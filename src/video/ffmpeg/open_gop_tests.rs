//! Decoding that begins at the keyframe of an open GOP: pictures before it in the order of display follow it in that
//! of decoding and refer to what was not decoded; from the keyframe on none may be missing, however few follow.

use crate::video::{
    fixture::{Fixture, Played, play, read_title},
    frame::Frame,
    input::{Input, Packet},
    testing::{FRAME, pts},
};

const FRAMES: i64 = 75;

/// In 25ths of a second.
fn number(packet: &Packet) -> i64 {
    (packet.pts.0 + FRAME.0 / 2) / FRAME.0
}

fn keyframes(video: &Fixture) -> Vec<i64> {
    video.packets.iter().filter(|packet| packet.keyframe).map(number).collect()
}

/// Asserts that just these frames were shown, and as they are when the whole video is decoded.
fn assert_shows(part: &Played, whole: &Played, frames: std::ops::Range<i64>, what: &str) {
    let shown: Vec<_> = part.frames.iter().map(|frame| frame.pts).collect();
    assert_eq!(shown, frames.clone().map(pts).collect::<Vec<_>>(), "{what}: {frames:?}");
    assert_eq!(part.summary.corrupt, 0, "{what}: {frames:?}");
    for (frame, number) in part.frames.iter().zip(frames) {
        let same = same_picture(&whole.frames[usize::try_from(number).unwrap()], frame);
        assert!(same, "{what}: frame {number}");
    }
}

fn same_picture(one: &Frame, other: &Frame) -> bool {
    one.yuv420p() == other.yuv420p()
}

#[test]
fn however_few_frames_are_shown_from_a_keyframe_on_none_is_missing() {
    for name in ["opengop_120p", "opengop_180p"] {
        let video = read_title(name);
        let whole = play(video.inputs());
        for from in keyframes(&video) {
            for until in from + 1..=FRAMES.min(from + 20) {
                let part = play(video.part(pts(from), Some(pts(until))));
                assert_shows(&part, &whole, from..until, name);
            }
        }
    }
}

#[test]
fn a_seek_to_any_frame_shows_that_one_and_all_behind_it() {
    for name in ["opengop_120p", "opengop_180p"] {
        let video = read_title(name);
        let whole = play(video.inputs());
        for from in 0..FRAMES {
            assert_shows(&play(video.part(pts(from), None)), &whole, from..FRAMES, name);
        }
    }
}

#[test]
fn a_video_cut_out_of_another_never_shows_what_refers_to_missing_frames() {
    for name in ["opengop_120p", "opengop_180p"] {
        let video = read_title(name);
        let whole = play(video.inputs());
        for from in keyframes(&video).into_iter().skip(1) {
            let first = video.packets.iter().position(|packet| number(packet) == from).unwrap();
            for packets in 1..20 {
                // As a recording has it: nothing says that the frames before the keyframe are not to be shown.
                let packets = video.packets[first..].iter().take(packets);
                let mut expected: Vec<_> = packets.clone().map(|packet| packet.pts).collect();
                expected.retain(|at| *at >= pts(from));
                expected.sort_unstable();
                let segment = Input::Segment(video.segment.clone());
                let part = play([segment].into_iter().chain(packets.cloned().map(Input::Packet)));
                let shown: Vec<_> = part.frames.iter().map(|frame| frame.pts).collect();
                assert_eq!(shown, expected, "{name}: {from}");
                for frame in &part.frames {
                    let same = whole.frames.iter().any(|whole| whole.pts == frame.pts && same_picture(whole, frame));
                    assert!(same, "{name}: {from}: {:?}", frame.pts);
                }
            }
        }
    }
}
