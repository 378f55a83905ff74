//! What is said when, under a clock that only moves when it is waited on.

use std::sync::{Arc, Mutex};

use super::*;
use crate::{
    types::EndReason,
    video::{
        clock::{Clock as _, Event},
        engine::Parts,
        input::Input,
        pace::{Pace, Speed, WhenLate},
        render::{Display, DisplayKind},
        tally::Tally,
        testing::{FakeDecoders, ScriptedClock, packet, pts, segment},
    },
};

/// From the frames 5 to 10 and 8 to 12, of 40 ms each.
const GERMAN: &str = "00:00:00,200 --> 00:00:00,400\neins\n\n00:00:00,320 --> 00:00:00,480\nzwei\n";
const ENGLISH: &str = "WEBVTT\n\n00:00.200 --> 00:00.400\none\n";

/// What a display was told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Frame(i64),
    /// The text, and the frame that is drawn again with it.
    Caption(Option<String>, Option<i64>),
}

struct Reader(Arc<Mutex<Vec<Told>>>);

impl Display for Reader {
    fn kind(&self) -> DisplayKind {
        DisplayKind::None
    }

    fn show(&mut self, frame: &Frame) -> Result<(), DisplayGone> {
        self.0.lock().unwrap().push(Told::Frame(frame.pts.0 / pts(1).0));
        Ok(())
    }

    fn caption(&mut self, text: Option<&str>, still: Option<&Frame>) -> Result<(), DisplayGone> {
        let still = still.map(|frame| frame.pts.0 / pts(1).0);
        self.0.lock().unwrap().push(Told::Caption(text.map(str::to_owned), still));
        Ok(())
    }
}

fn subtitles(change: SubtitleChange) -> Input {
    Input::Subtitles(change)
}

fn offered(chosen: Option<&str>) -> Input {
    let languages = vec!["de".to_owned(), "en".to_owned()];
    subtitles(SubtitleChange::Offered { languages, chosen: chosen.map(str::to_owned) })
}

fn arrived(language: &str, file: &'static str) -> Input {
    subtitles(SubtitleChange::Arrived { language: language.to_owned(), data: Bytes::from_static(file.as_bytes()) })
}

fn frames(numbers: std::ops::Range<i64>) -> Vec<Input> {
    let mut inputs = vec![Input::Segment(segment(90))];
    inputs.extend(numbers.map(|number| Input::Packet(packet(number))));
    inputs.push(Input::End { reason: EndReason::Finished });
    inputs
}

/// Plays what comes at which milliseconds; what the display was told.
fn play(script: Vec<(u64, Vec<Input>)>) -> Vec<Told> {
    let script =
        script.into_iter().flat_map(|(at, inputs)| inputs.into_iter().map(move |input| (at, Event::Input(input))));
    let told = Arc::default();
    let clock = ScriptedClock::new(script);
    assert_eq!(clock.now(), std::time::Duration::ZERO);
    let parts = Parts {
        clock: Box::new(clock),
        decoders: Box::new(FakeDecoders { delay: 0 }),
        display: Box::new(Reader(Arc::clone(&told))),
        pace: Pace::new(Speed::Normal, WhenLate::Show),
        tally: Tally::new(false),
        reports: Box::new(drop),
    };
    Engine::new(parts).run(&crossbeam_channel::never());
    Arc::into_inner(told).unwrap().into_inner().unwrap()
}

/// The captions, each with the number of the frame that it came with: the next one, or the one that was drawn again.
fn captions(told: &[Told]) -> Vec<(i64, Option<&str>)> {
    let of = |(place, told_now): (usize, &Told)| match told_now {
        Told::Caption(text, Some(still)) => Some((*still, text.clone())),
        Told::Caption(text, None) => match told.get(place + 1) {
            Some(Told::Frame(number)) => Some((*number, text.clone())),
            other => panic!("a frame follows: {other:?}"),
        },
        Told::Frame(_) => None,
    };
    let found: Vec<_> = told.iter().enumerate().filter_map(of).collect();
    let texts =
        told.iter().filter_map(|told| if let Told::Caption(text, _) = told { Some(text.as_deref()) } else { None });
    found.iter().map(|(number, _)| *number).zip(texts).collect()
}

#[test]
fn cues_come_with_the_frames_of_their_times() {
    let told =
        play(vec![(0, vec![offered(Some("de")), arrived("de", GERMAN), arrived("en", ENGLISH)]), (0, frames(0..20))]);
    let expected = [(5, Some("eins")), (8, Some("eins\nzwei")), (10, Some("zwei")), (12, None)];
    assert_eq!(captions(&told), expected);
    assert_eq!(told.iter().filter(|told| matches!(told, Told::Frame(_))).count(), 20, "no frame twice");
}

#[test]
fn nothing_is_said_until_somebody_asks() {
    let told = play(vec![(0, vec![offered(None), arrived("de", GERMAN)]), (0, frames(0..20))]);
    assert_eq!(captions(&told), []);
}

#[test]
fn what_comes_late_is_said_at_once() {
    let told = play(vec![(0, vec![offered(Some("de"))]), (0, frames(0..20)), (250, vec![arrived("de", GERMAN)])]);
    assert_eq!(captions(&told)[..2], [(6, Some("eins")), (8, Some("eins\nzwei"))]);
    assert!(told.contains(&Told::Caption(Some("eins".into()), Some(6))), "the picture is drawn again");
}

#[test]
fn a_viewer_goes_through_the_languages_and_hides_them_while_the_picture_stands_still() {
    use SubtitleChange::{Next, Toggle};
    let there = vec![offered(None), arrived("de", GERMAN), arrived("en", ENGLISH)];
    let mut script = vec![(0, there), (0, frames(0..20)), (250, vec![Input::Pause])];
    let asked = [Next, Next, Toggle, Toggle, Next, Toggle];
    script.extend(asked.into_iter().zip(300..).map(|(change, at)| (at, vec![subtitles(change)])));
    script.push((400, vec![Input::Stop]));
    let told = play(script);
    let [one, zero] = ["one", "eins"].map(Some);
    // German, English, hidden, English again, none after the last one, English again.
    let expected = [zero, one, None, one, None, one].map(|text| (6, text));
    assert_eq!(captions(&told), expected);
    assert!(!told.contains(&Told::Frame(7)), "in a pause");
}

#[test]
fn after_a_seek_what_is_said_there_is_said() {
    let mut again = vec![Input::Flush { epoch: crate::types::PlayEpoch(1) }];
    again.extend(frames(9..11));
    let told = play(vec![
        (0, vec![offered(Some("de")), arrived("de", GERMAN)]),
        (0, frames(0..20)),
        (100, vec![Input::Pause]),
        (200, again),
        (300, vec![Input::Flush { epoch: crate::types::PlayEpoch(2) }]),
        (300, frames(0..3)),
        (400, vec![Input::Stop]),
    ]);
    assert_eq!(captions(&told), [(9, Some("eins\nzwei")), (0, None)], "in a pause, forward and back");
}

#[test]
fn without_subtitles_nothing_changes() {
    use SubtitleChange::{Next, Toggle};
    let told = play(vec![(0, frames(0..5)), (50, vec![subtitles(Toggle), subtitles(Next), arrived("de", GERMAN)])]);
    assert_eq!(captions(&told), []);
}

#[test]
fn what_is_no_file_of_subtitles_says_nothing() {
    let told = play(vec![(0, vec![offered(Some("de")), arrived("de", "\u{1b}[2J --> \0")]), (0, frames(0..20))]);
    assert_eq!(captions(&told), []);
}
