//! What a viewer does and sees beside the pictures.

use super::*;
use crate::video::input::About;

#[test]
fn stepping_shows_one_frame_at_a_time_and_going_on_follows_from_there() {
    let outcome = Scene::new()
        .at(0, part(240, 0, None))
        .at(0, packets(0..20))
        .at(50, [Input::Step])
        .at(200, [Input::Step])
        .at(300, [Input::Step])
        .at(1_000, [Input::Resume])
        .at(1_070, [Input::Stop])
        .run();
    assert_eq!(outcome.times(), [0, 40, 50, 200, 300, 1_040]);
    let paused = |number| Report::Paused { at: pts(number) };
    assert_eq!(outcome.news()[2..], [&paused(2), &paused(3), &paused(4), &Report::Resumed { at: pts(4) }]);
}

#[test]
fn a_display_that_rests_gets_the_frame_of_a_step_all_the_same() {
    let scene = Scene { drops_late: true, rest: Duration::from_millis(500), ..Scene::new() };
    let outcome = scene
        .at(0, part(240, 0, None))
        .at(0, packets(0..20))
        .at(50, [Input::Step])
        .at(60, [Input::Step])
        .at(70, [Input::Stop])
        .run();
    assert_eq!(outcome.numbers(), [0, 2, 3], "what was due before the pause is left out, what was asked for is not");
    assert_eq!(outcome.times(), [0, 50, 60]);
}

#[test]
fn a_step_waits_for_its_frame_and_behind_the_last_one_there_is_none() {
    let outcome = Scene { delay: 0, ..Scene::new() }
        .at(0, part(240, 0, None))
        .at(0, packets(0..1))
        .at(10, [Input::Step])
        .at(500, packets(1..2))
        .at(500, [FINISHED])
        .at(600, [Input::Step])
        .at(900, [Input::Stop])
        .run();
    assert_eq!(outcome.times(), [0, 500]);
    let paused = Report::Paused { at: pts(1) };
    assert_eq!(outcome.news()[2..], [&paused, &paused], "both who asked are answered");
    assert_eq!(outcome.summary.reason, EndReason::Stopped);
}

#[test]
fn a_seek_or_going_on_takes_the_place_of_a_step_that_still_waits() {
    let outcome = Scene { delay: 0, ..Scene::new() }
        .at(0, part(240, 0, None))
        .at(0, packets(0..1))
        .at(10, [Input::Step])
        .at(20, [Input::Flush { epoch: PlayEpoch(1) }])
        .at(30, part(240, 50, None))
        .at(30, packets(50..60))
        .at(500, [Input::Stop])
        .run();
    assert_eq!(outcome.numbers(), [0, 50]);
    let told =
        outcome.news().into_iter().filter(|report| matches!(report, Report::Paused { .. } | Report::Seeked { .. }));
    let seeked = Report::Seeked { epoch: PlayEpoch(1), at: pts(50), preview: None };
    assert_eq!(told.collect::<Vec<_>>(), [&Report::Paused { at: pts(0) }, &seeked], "the pause is told");
}

#[test]
fn the_display_is_told_at_once_what_matters_and_the_rest_a_few_times_a_second() {
    let about = About { duration: Some(pts(250)), throughput: Some(3_000_000), ..About::default() };
    let outcome = Scene::new()
        .at(0, [Input::About(about)])
        .at(0, part(240, 0, Some(25)))
        .at(0, packets(0..25))
        .at(0, part(720, 25, None))
        .at(0, packets(25..50))
        .at(1_510, [Input::Pause])
        .at(1_600, [Input::About(About { throughput: Some(2_000_000), ..About::default() })])
        .at(9_000, [Input::Stop])
        .run();
    let first = &outcome.told[0].1;
    assert_eq!((first.position, first.duration, first.throughput), (pts(0), Some(pts(250)), Some(3_000_000)));
    assert_eq!((first.label, first.size), (Some(segment(240).label), (426, 240)));
    assert_eq!((first.buffered, first.codec), (pts(50), Some(segment(240).codec)));
    let at = |predicate: &dyn Fn(&Status) -> bool| outcome.told.iter().find(|(_, told)| predicate(told)).unwrap().0;
    assert_eq!(at(&|told| told.label == Some(segment(720).label)), 1_000);
    assert_eq!(at(&|told| told.paused), 1_510);
    let (last, told) = outcome.told.last().unwrap();
    assert_eq!((*last, told.throughput, told.duration), (1_760, Some(2_000_000), Some(pts(250))));
    assert!(outcome.told.len() <= 4 * 2 + 3, "{}", outcome.told.len());
    assert_eq!(told.shown, 38);
}

#[test]
fn a_seek_says_nothing_of_what_waits_until_it_has_led_somewhere() {
    let outcome = Scene::new()
        .at(0, part(240, 0, None))
        .at(0, packets(0..50))
        .at(1_000, [Input::Flush { epoch: PlayEpoch(1) }])
        .at(1_000, part(240, 500, None))
        // The decoder holds two back.
        .at(1_000, packets(500..502))
        .at(2_000, packets(502..525))
        .at(2_900, [Input::Stop])
        .run();
    let told = |from, until| outcome.told.iter().filter(move |(at, _)| (from..until).contains(at));
    assert!(told(1_000, 2_000).all(|(_, told)| told.buffered == MediaTime::ZERO), "{:?}", outcome.told);
    assert!(told(1_000, 2_000).count() > 0);
    assert!(told(2_000, 3_000).any(|(_, told)| told.buffered > MediaTime(800_000)), "{:?}", outcome.told);
}

#[test]
fn a_seek_that_lasts_is_told_until_it_has_landed_and_a_short_one_not_at_all() {
    for is_paused in [false, true] {
        let seek = |lasts: u64| {
            let outcome = Scene { delay: 0, ..Scene::new() }
                .at(0, part(240, 0, None))
                .at(0, packets(0..50))
                .at(990, is_paused.then_some(Input::Pause))
                .at(1_000, [Input::Flush { epoch: PlayEpoch(1) }])
                .at(1_000 + lasts, part(240, 500, None))
                .at(1_000 + lasts, packets(500..550))
                .at(2_900, [Input::Stop])
                .run();
            let mut changes: Vec<_> = outcome.told.iter().map(|(at, told)| (*at, told.seeking)).collect();
            changes.dedup_by_key(|(_, seeking)| *seeking);
            changes
        };
        assert_eq!(seek(700), [(0, false), (1_250, true), (1_700, false)]);
        assert_eq!(seek(249), [(0, false)], "the word would only flash");
    }
}

#[test]
fn statistics_that_are_asked_for_in_a_pause_are_told_at_once() {
    let mut scene = Scene::new().at(0, part(240, 0, None)).at(0, packets(0..50)).at(500, [Input::Pause]);
    let asked = [ViewerAction::ToggleStatistics, ViewerAction::ShowPosition];
    scene.script.extend([2_000, 3_000].into_iter().zip(asked.map(Event::Asked)));
    let outcome = scene.at(4_000, [Input::Stop]).run();
    let times: Vec<_> = outcome.told.iter().map(|(at, _)| *at).filter(|at| *at > 1_000).collect();
    assert_eq!(times, [2_000]);
    assert!(outcome.reports.contains(&Report::Asked(ViewerAction::ToggleStatistics)));
}
