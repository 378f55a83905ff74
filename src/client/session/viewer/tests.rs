use std::time::Instant;

use super::*;
use crate::{
    client::{
        command::{Command, PlayRequest},
        event::Event,
        places::Places,
        session::plays::tests::{begun, ended, info, request},
        work::Job,
    },
    proto::{
        Message,
        message::{PlayRefused, PlayStarted},
    },
    types::{Code, EndReason, PlayEpoch, RenditionLabel},
    video::{
        render::{Choice, DisplayKind},
        report::Report,
    },
};

const fn seconds(seconds: i64) -> MediaTime {
    MediaTime(seconds * 1_000_000)
}

/// Plays of a member that keeps these places, or of a guest.
fn with(places: Option<Places>) -> MemberPlays {
    let mut plays = MemberPlays::default();
    if let Some(places) = places {
        plays.remember(places);
    }
    plays
}

/// A play of a title of 12 s under these places, asked for so and with its first frame shown; and what came of the request.
fn playing(places: Option<Places>, request: PlayRequest) -> (MemberPlays, PlayId, Outputs) {
    let mut plays = with(places);
    let (id, mut outputs) = begun(&mut plays, request);
    plays.message(info(id, 240, MediaTime::ZERO).into(), Instant::now());
    outputs.extend(plays.reported(id, Report::FirstFrame, Instant::now()));
    let (epoch, label, from) = (PlayEpoch(0), RenditionLabel(240), plays.plays[&id].at);
    plays.reported(id, Report::Rendition { epoch, label, width: 426, height: 240, from }, Instant::now());
    (plays, id, outputs)
}

fn watching() -> PlayRequest {
    PlayRequest { full_speed: false, ..request(None) }
}

fn at(plays: &mut MemberPlays, id: PlayId, at: MediaTime) {
    plays.reported(id, Report::Paused { at }, Instant::now());
}

fn sought(outputs: &[Output]) -> Option<MediaTime> {
    outputs.iter().find_map(|output| match output {
        Output::Send(Message::Seek(seek)) => Some(seek.to),
        _ => None,
    })
}

fn notices(outputs: &[Output]) -> Vec<&str> {
    let notice = |output| match output {
        &Output::Event(Event::Notice { code: Code::Place, ref text }, _) => Some(text.as_str()),
        _ => None,
    };
    outputs.iter().filter_map(notice).collect()
}

/// Places that are to be kept from now on.
fn kept(outputs: &[Output]) -> Option<&Places> {
    outputs.iter().find_map(|output| match output {
        Output::Work(Job::KeepPlaces(places)) => Some(places),
        _ => None,
    })
}

fn asked_from(outputs: &[Output]) -> Vec<MediaTime> {
    let start = |output: &Output| match output {
        Output::Send(Message::Play(play)) => Some(play.start),
        _ => None,
    };
    outputs.iter().filter_map(start).collect()
}

fn left_at(place: MediaTime) -> Places {
    let mut places = Places::default();
    places.put("mandelbrot", place);
    places
}

#[test]
fn jumps_add_up_and_end_within_the_title() {
    let (mut plays, id, _) = playing(None, watching());
    at(&mut plays, id, seconds(3));
    let mut by = |time| sought(&plays.asked(id, ViewerAction::SeekBy(seconds(time)), Instant::now()));
    assert_eq!([by(5), by(1), by(60), by(-1), by(-60)], [8, 9, 11, 10, 0].map(|to| Some(seconds(to))));
}

#[test]
fn a_pause_by_key_is_told_like_one_by_command_and_to_nobody() {
    let (mut plays, id, _) = playing(None, watching());
    let asked = plays.asked(id, ViewerAction::TogglePause, Instant::now());
    assert!(matches!(asked[..], [Output::Player(_, Input::Pause)]), "{asked:?}");
    let told = plays.reported(id, Report::Paused { at: seconds(1) }, Instant::now());
    assert!(matches!(&told[..], [Output::Event(Event::PlayPaused { .. }, None)]), "{told:?}");
    let asked = plays.asked(id, ViewerAction::TogglePause, Instant::now());
    assert!(matches!(asked[..], [Output::Player(_, Input::Resume)]), "{asked:?}");
    let asked = plays.asked(id, ViewerAction::NextFrame, Instant::now());
    assert!(matches!(asked[..], [Output::Player(_, Input::Step)]), "{asked:?}");
}

#[test]
fn the_frame_before_is_looked_for_in_the_middle_before_it() {
    let (mut plays, id, _) = playing(None, watching());
    plays.reported(id, Report::Resumed { at: seconds(2) }, Instant::now());
    let outputs = plays.asked(id, ViewerAction::PreviousFrame, Instant::now());
    assert!(matches!(outputs[0], Output::Player(_, Input::Pause)), "{outputs:?}");
    assert_eq!(sought(&outputs), Some(MediaTime(2_000_000 - 60_000)));
    let epoch = plays.plays[&id].epoch;
    let told = plays.reported(id, Report::Seeked { epoch, at: MediaTime(1_960_000), preview: None }, Instant::now());
    assert!(matches!(&told[..], [Output::Event(Event::PlaySeeked { .. }, None)]), "{told:?}");
}

#[test]
fn a_frame_that_lasts_longer_than_usual_is_stepped_back_over_all_the_same() {
    let (mut plays, id, _) = playing(None, watching());
    at(&mut plays, id, seconds(2));
    let mut outputs = plays.asked(id, ViewerAction::PreviousFrame, Instant::now());
    // The frame before is at 1.7 s: each look that starts behind it leads to the one at 2 s again.
    let mut looks = Vec::new();
    while let Some(to) = sought(&outputs) {
        looks.push(to.0);
        let landed = if to.0 <= 1_700_000 { MediaTime(1_700_000) } else { seconds(2) };
        let epoch = plays.plays[&id].epoch;
        outputs = plays.reported(id, Report::Seeked { epoch, at: landed, preview: None }, Instant::now());
    }
    assert_eq!(looks, [1_940_000, 1_880_000, 1_760_000, 1_520_000]);
    assert!(matches!(&outputs[..], [Output::Event(Event::PlaySeeked { at: MediaTime(1_700_000), .. }, None)]));
}

#[test]
fn before_the_first_frame_there_is_none() {
    let (mut plays, id, _) = playing(None, watching());
    at(&mut plays, id, MediaTime::ZERO);
    assert!(plays.asked(id, ViewerAction::PreviousFrame, Instant::now()).is_empty());
    // A title whose first frame is late: the look ends at its start.
    at(&mut plays, id, MediaTime(500_000));
    let mut outputs = plays.asked(id, ViewerAction::PreviousFrame, Instant::now());
    for _ in 0..10 {
        let epoch = plays.plays[&id].epoch;
        outputs = plays.reported(id, Report::Seeked { epoch, at: MediaTime(500_000), preview: None }, Instant::now());
    }
    assert_eq!(sought(&outputs), None);
}

#[test]
fn a_title_goes_on_where_it_was_left_and_the_place_is_used_up() {
    let (mut plays, id, outputs) = playing(Some(Places::default()), watching());
    assert!(kept(&outputs).is_none() && notices(&outputs).is_empty(), "nothing is written of a play");
    at(&mut plays, id, seconds(7));
    let outputs = plays.asked(id, ViewerAction::StopAndRemember, Instant::now());
    assert_eq!(kept(&outputs), Some(&left_at(seconds(7))));
    assert_eq!(notices(&outputs), ["\"mandelbrot\" goes on at 0:07 when you play it again"]);
    assert!(matches!(outputs.last(), Some(Output::Player(_, Input::Stop))));
    plays.reported(id, ended(EndReason::Stopped), Instant::now());

    let (mut plays, _, outputs) = playing(plays.places, watching());
    assert_eq!(asked_from(&outputs), [seconds(7)]);
    assert_eq!(notices(&outputs), ["\"mandelbrot\" goes on at 0:07; start=0 begins at the start"]);
    assert_eq!(kept(&outputs), Some(&Places::default()));
    let stop = plays.request(Command::Stop { play: None }, None, Instant::now());
    assert!(kept(&stop).is_none(), "a stop remembers nothing");
}

#[test]
fn who_says_where_to_start_or_only_measures_starts_there_and_the_place_stays() {
    let start = |request| asked_from(&playing(Some(left_at(seconds(7))), request).2);
    assert_eq!(start(PlayRequest { start: Some(MediaTime::ZERO), ..watching() }), [MediaTime::ZERO]);
    assert_eq!(start(PlayRequest { end: Some(seconds(5)), ..watching() }), [MediaTime::ZERO]);
    assert_eq!(start(PlayRequest { checksum: true, ..watching() }), [MediaTime::ZERO]);
    assert_eq!(start(request(None)), [MediaTime::ZERO], "at full speed");
    let (plays, _, _) = playing(Some(left_at(seconds(7))), request(None));
    assert_eq!(plays.places, Some(left_at(seconds(7))));
}

#[test]
fn a_title_that_was_seen_to_its_end_needs_no_place() {
    let from_the_start = PlayRequest { start: Some(MediaTime::ZERO), ..watching() };
    for (reason, forgets) in [(EndReason::Finished, true), (EndReason::Stopped, false), (EndReason::Lost, false)] {
        let (mut plays, id, _) = playing(Some(left_at(seconds(7))), from_the_start.clone());
        let outputs = plays.reported(id, ended(reason), Instant::now());
        assert_eq!(kept(&outputs).is_some(), forgets, "{reason:?}");
    }
}

#[test]
fn a_guest_is_told_that_nothing_is_kept() {
    let (mut plays, id, _) = playing(None, watching());
    at(&mut plays, id, seconds(7));
    let outputs = plays.asked(id, ViewerAction::StopAndRemember, Instant::now());
    assert!(kept(&outputs).is_none());
    assert_eq!(notices(&outputs), ["a guest keeps nothing: where you were in \"mandelbrot\", at 0:07, is forgotten"]);
}

#[test]
fn bad_input_51_a_place_behind_the_end_of_a_title_that_became_shorter_is_forgotten() {
    let mut plays = with(Some(left_at(seconds(700))));
    let outputs = plays.request(Command::Play(watching()), None, Instant::now());
    let Some(Output::ChooseDisplay(id, _)) = outputs.first() else { panic!("{outputs:?}") };
    let id = *id;
    plays.display_chosen(id, Ok(Choice { kind: DisplayKind::None, why: None }));
    let refused = PlayRefused { play: id, code: Code::OutOfRange, text: "it ends at 12 s".into() };
    let outputs = plays.message(refused.clone().into(), Instant::now());
    assert_eq!((asked_from(&outputs), kept(&outputs)), (vec![MediaTime::ZERO], Some(&Places::default())));
    let outputs = plays.message(refused.into(), Instant::now());
    assert!(matches!(&outputs[0], Output::Event(Event::Error(_), _)), "once: {outputs:?}");
    let none = PlayStarted {
        play: id,
        title: "mandelbrot".into(),
        duration: seconds(12),
        ladder: Vec::new(),
        languages: Vec::new(),
    };
    assert!(plays.message(none.into(), Instant::now()).is_empty());
}
