//! Plays with stand-ins for all around them, under a clock that only moves when it is waited on.

mod viewer;

use std::{sync::Arc, time::Duration};

use super::{ahead::HOPELESS_AFTER, *};
use crate::video::{
    input::{Packet, Segment},
    pace::{Speed, WhenLate},
    render::Status,
    report::Summary,
    testing::{FakeDecoders, RecordingDisplay, ScriptedClock, Showing, packet, previews, pts, segment},
};

const FINISHED: Input = Input::End { reason: EndReason::Finished };

/// A play and what it is given at which milliseconds.
struct Scene {
    script: Vec<(u64, Event)>,
    speed: Speed,
    drops_late: bool,
    slowness: Duration,
    rest: Duration,
    delay: usize,
    lasts: usize,
}

struct Outcome {
    shown: Vec<Showing>,
    told: Vec<(u128, Status)>,
    reports: Vec<Report>,
    summary: Summary,
}

impl Scene {
    fn new() -> Self {
        Self {
            script: Vec::new(),
            speed: Speed::Normal,
            drops_late: false,
            slowness: Duration::ZERO,
            rest: Duration::ZERO,
            delay: 2,
            lasts: usize::MAX,
        }
    }

    fn at(mut self, at: u64, inputs: impl IntoIterator<Item = Input>) -> Self {
        self.script.extend(inputs.into_iter().map(|input| (at, Event::Input(input))));
        self
    }

    fn run(self) -> Outcome {
        let clock = ScriptedClock::new(self.script);
        let (sender, reports) = crossbeam_channel::unbounded();
        let (shown, told) = (Arc::default(), Arc::default());
        let display = RecordingDisplay {
            time: clock.time(),
            shown: Arc::clone(&shown),
            told: Arc::clone(&told),
            slowness: self.slowness,
            rest: self.rest,
            drops_late: self.drops_late,
            lasts: self.lasts,
        };
        let late = if self.drops_late { WhenLate::Drop } else { WhenLate::Show };
        let parts = Parts {
            clock: Box::new(clock),
            decoders: Box::new(FakeDecoders { delay: self.delay }),
            display: Box::new(display),
            pace: Pace::new(self.speed, late),
            tally: Tally::new(false),
            reports: Box::new(move |report| sender.send(report).unwrap()),
        };
        Engine::new(parts).run(&crossbeam_channel::never());
        let mut reports: Vec<_> = reports.iter().collect();
        let Some(Report::Ended(summary)) = reports.pop() else { panic!("no end: {reports:?}") };
        assert_eq!(summary.shown + summary.dropped, summary.frames);
        assert_eq!(summary.frames_by_height.values().sum::<u64>(), summary.frames);
        let shown = shown.lock().unwrap().clone();
        assert_eq!(shown.len() as u64, summary.shown + previews(&reports));
        let told = told.lock().unwrap().clone();
        Outcome { shown, told, reports, summary }
    }
}

impl Outcome {
    fn numbers(&self) -> Vec<i64> {
        self.shown.iter().map(|showing| showing.number).collect()
    }

    fn times(&self) -> Vec<u128> {
        self.shown.iter().map(|showing| showing.at).collect()
    }

    /// Without what every packet causes.
    fn news(&self) -> Vec<&Report> {
        self.reports.iter().filter(|report| !matches!(report, Report::Consumed { .. })).collect()
    }
}

fn packets(numbers: std::ops::Range<i64>) -> Vec<Input> {
    numbers.map(|number| Input::Packet(packet(number))).collect()
}

fn part(height: u32, from: i64, until: Option<i64>) -> [Input; 1] {
    [Input::Segment(Segment { from: pts(from), until: until.map(pts), ..segment(height) })]
}

#[test]
fn frames_are_shown_at_their_times_and_the_last_one_has_its_own() {
    let scene = Scene::new().at(5, part(240, 0, None)).at(5, packets(0..5)).at(5, [FINISHED]);
    let outcome = scene.run();
    assert_eq!(outcome.times(), [5, 45, 85, 125, 165]);
    assert_eq!((outcome.summary.frames, outcome.summary.stalls), (5, 0));
    assert_eq!(outcome.summary.reason, EndReason::Finished);
    let epoch = PlayEpoch(0);
    let rendition =
        Report::Rendition { epoch, label: segment(240).label, width: 426, height: 240, from: MediaTime::ZERO };
    assert_eq!(outcome.news(), [&Report::FirstFrame, &rendition]);
}

#[test]
fn at_full_speed_no_time_passes() {
    let scene = Scene { speed: Speed::Max, drops_late: true, ..Scene::new() };
    let outcome = scene.at(0, part(240, 0, None)).at(0, packets(0..100)).at(0, [FINISHED]).run();
    assert_eq!((outcome.summary.shown, outcome.shown[99].at), (100, 0));
}

#[test]
fn no_more_is_taken_than_is_needed_soon() {
    let outcome = Scene::new().at(0, part(240, 0, None)).at(0, packets(0..50)).at(1, [Input::Stop]).run();
    let taken = outcome.reports.iter().filter(|report| matches!(report, Report::Consumed { bytes: 10, .. })).count();
    // One shown, four ready, two in the decoder.
    assert_eq!((taken, outcome.summary.frames), (7, 1));
    assert_eq!(outcome.summary.reason, EndReason::Stopped);
}

#[test]
fn one_rendition_is_drained_before_the_next_begins() {
    let outcome = Scene { speed: Speed::Max, ..Scene::new() }
        .at(0, part(240, 0, Some(10)))
        .at(0, packets(0..12))
        .at(0, part(720, 10, Some(20)))
        .at(0, packets(8..22))
        .at(0, part(1080, 20, None))
        .at(0, packets(20..30))
        .at(0, [FINISHED])
        .run();
    assert_eq!(outcome.numbers(), (0..30).collect::<Vec<_>>());
    assert_eq!(outcome.summary.frames_by_height, [(240, 10), (720, 10), (1080, 10)].into());
    let starts: Vec<_> = outcome
        .reports
        .iter()
        .filter_map(|report| match report {
            Report::Rendition { height, from, .. } => Some((*height, *from)),
            _ => None,
        })
        .collect();
    assert_eq!(starts, [(240, pts(0)), (720, pts(10)), (1080, pts(20))]);
}

#[test]
fn running_dry_is_a_stall_and_moves_what_follows() {
    let scene = Scene { delay: 0, ..Scene::new() }.at(0, part(240, 0, None)).at(0, packets(0..3));
    let outcome = scene.at(500, packets(3..5)).at(500, [FINISHED]).run();
    assert_eq!(outcome.times(), [0, 40, 80, 500, 540]);
    assert_eq!(outcome.summary.stalls, 1);
    assert!(outcome.reports.contains(&Report::Stalled { lasted: Duration::from_millis(380) }));
}

#[test]
fn a_frame_that_is_late_by_less_than_its_length_is_no_stall() {
    let scene = Scene { delay: 0, ..Scene::new() }.at(0, part(240, 0, None)).at(0, packets(0..3));
    let outcome = scene.at(159, packets(3..5)).at(159, [FINISHED]).run();
    assert_eq!(outcome.times(), [0, 40, 80, 159, 160]);
    assert_eq!(outcome.summary.stalls, 0);
}

#[test]
fn waiting_at_the_start_after_a_seek_or_in_a_pause_is_no_stall() {
    let outcome = Scene { delay: 0, ..Scene::new() }
        .at(2_000, part(240, 0, None))
        .at(5_000, packets(0..2))
        .at(5_010, [Input::Flush { epoch: PlayEpoch(1) }])
        .at(9_000, part(240, 50, None))
        .at(9_000, packets(50..52))
        .at(9_050, [Input::Pause])
        .at(12_000, packets(52..54))
        .at(12_000, [FINISHED, Input::Resume])
        .run();
    assert_eq!(outcome.times(), [5_000, 9_000, 9_040, 12_030, 12_070]);
    assert_eq!(outcome.summary.stalls, 0);
}

#[test]
fn a_pause_holds_the_picture_and_takes_no_more() {
    let outcome = Scene::new()
        .at(0, part(240, 0, None))
        .at(0, packets(0..20))
        .at(50, [Input::Pause, Input::Pause])
        .at(1_050, [Input::Resume, Input::Resume])
        .at(1_100, [Input::Stop])
        .run();
    assert_eq!(outcome.times(), [0, 40, 1_080]);
    let (paused, resumed) = (Report::Paused { at: pts(1) }, Report::Resumed { at: pts(1) });
    assert_eq!(outcome.news()[2..], [&paused, &paused, &resumed, &resumed], "everybody who asked is answered");
}

#[test]
fn a_seek_forgets_what_came_before() {
    let outcome = Scene::new()
        .at(0, part(240, 0, None))
        .at(0, packets(0..20))
        .at(0, [FINISHED])
        .at(50, [Input::Flush { epoch: PlayEpoch(3) }])
        .at(60, part(720, 102, None))
        .at(60, packets(100..105))
        .at(60, [FINISHED])
        .run();
    assert_eq!(outcome.numbers(), [0, 1, 102, 103, 104]);
    assert_eq!(outcome.times(), [0, 40, 60, 100, 140]);
    assert!(outcome.reports.contains(&Report::Seeked { epoch: PlayEpoch(3), at: pts(102), preview: None }));
    let last = outcome.reports.iter().rfind(|report| matches!(report, Report::Consumed { .. }));
    assert!(matches!(last, Some(Report::Consumed { epoch: PlayEpoch(3), bytes: 10, .. })));
}

#[test]
fn a_seek_far_behind_a_keyframe_shows_that_keyframe_meanwhile_and_no_other_picture() {
    let far = Scene::new()
        .at(0, part(240, 0, None))
        .at(0, packets(0..20))
        .at(50, [Input::Flush { epoch: PlayEpoch(1) }])
        .at(60, part(240, 160, None))
        .at(60, packets(100..110))
        .at(90, packets(110..165))
        .at(90, [FINISHED])
        .run();
    assert_eq!(far.numbers(), [0, 1, 100, 160, 161, 162, 163, 164]);
    assert_eq!(far.times()[2..5], [60, 90, 130]);
    let preview = Some(Duration::from_millis(10));
    assert!(far.reports.contains(&Report::Seeked { epoch: PlayEpoch(1), at: pts(160), preview }));
    assert_eq!((far.summary.frames, far.summary.shown), (7, 7));

    let step = Scene::new()
        .at(0, part(240, 0, None))
        .at(0, packets(0..100))
        .at(3_000, [Input::Flush { epoch: PlayEpoch(1) }])
        .at(3_010, part(240, 100, None))
        .at(3_010, packets(0..105))
        .at(3_010, [FINISHED])
        .run();
    let numbers: Vec<_> = (0..75).chain(100..105).collect();
    assert_eq!(step.numbers(), numbers, "a picture that is nearer than the keyframe stays");

    let switch = Scene { speed: Speed::Max, ..Scene::new() }
        .at(0, part(240, 0, Some(80)))
        .at(0, packets(0..82))
        .at(0, part(720, 80, None))
        .at(0, packets(20..90))
        .at(0, [FINISHED])
        .run();
    assert_eq!(switch.numbers(), (0..90).collect::<Vec<_>>(), "nobody waits at a change of rendition");
}

#[test]
fn a_seek_in_a_pause_shows_where_it_led_and_stays_there() {
    let outcome = Scene::new()
        .at(0, part(240, 0, None))
        .at(0, packets(0..20))
        .at(50, [Input::Pause, Input::Flush { epoch: PlayEpoch(1) }])
        .at(70, part(240, 50, None))
        .at(70, packets(50..60))
        .at(1_000, [Input::Resume])
        .at(1_050, [Input::Stop])
        .run();
    assert_eq!(outcome.numbers(), [0, 1, 50, 51]);
    assert_eq!(outcome.times(), [0, 40, 70, 1_040]);
}

#[test]
fn a_slow_window_leaves_out_what_is_late_and_a_headless_play_nothing() {
    let scene = |drops_late| Scene { drops_late, slowness: Duration::from_millis(60), ..Scene::new() };
    let run = |scene: Scene| scene.at(0, part(240, 0, None)).at(0, packets(0..50)).at(0, [FINISHED]).run();
    let window = run(scene(true));
    assert!(window.summary.dropped >= 10 && window.summary.frames == 50, "{:?}", window.summary);
    assert!(window.shown.iter().all(|showing| showing.at <= u128::try_from(showing.number).unwrap() * 40 + 80));
    let headless = run(scene(false));
    assert_eq!((headless.summary.shown, headless.summary.dropped), (50, 0));
}

#[test]
fn what_the_hub_says_ends_the_play_after_what_is_there() {
    let lost = Input::End { reason: EndReason::Lost };
    let outcome = Scene::new().at(0, part(240, 0, None)).at(0, packets(0..4)).at(0, [lost]).run();
    assert_eq!((outcome.summary.frames, outcome.summary.reason), (4, EndReason::Lost));
    let nothing = Scene::new().at(0, [FINISHED]).run();
    assert_eq!((nothing.summary.frames, nothing.summary.reason), (0, EndReason::Finished));
}

#[test]
fn a_closed_window_ends_the_play_even_in_a_pause() {
    let mut scene = Scene::new().at(0, part(240, 0, None)).at(0, packets(0..9)).at(50, [Input::Pause]);
    scene.script.push((90, Event::Closed));
    let outcome = scene.run();
    assert_eq!((outcome.summary.frames, outcome.summary.reason), (2, EndReason::Closed));
    assert_eq!(outcome.reports.last(), Some(&Report::Closed));

    let gone = Scene { lasts: 3, ..Scene::new() }.at(0, part(240, 0, None)).at(0, packets(0..9)).run();
    assert_eq!((gone.summary.frames, gone.summary.reason), (3, EndReason::Closed));
}

#[test]
fn without_a_session_a_play_stops() {
    let outcome = Scene::new().at(0, part(240, 0, None)).at(0, packets(0..3)).run();
    assert_eq!(outcome.summary.reason, EndReason::Stopped);
}

#[test]
fn bad_input_47_a_damaged_packet_costs_its_frame_only() {
    let mut inputs = packets(0..10);
    if let Input::Packet(packet) = &mut inputs[4] {
        packet.data = vec![0xff].into();
    }
    let outcome = Scene::new().at(0, part(240, 0, None)).at(0, inputs).at(0, [FINISHED]).run();
    assert_eq!(outcome.numbers(), [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    assert_eq!((outcome.summary.corrupt, outcome.summary.reason), (1, EndReason::Finished));
}

#[test]
fn bad_input_47_a_stream_without_a_picture_is_given_up_early() {
    let damaged = |number| Input::Packet(Packet { data: vec![0xff].into(), ..packet(number) });
    let outcome = Scene::new().at(0, part(240, 0, None)).at(0, (0..10_000).map(damaged)).run();
    assert_eq!(outcome.summary.reason, EndReason::Unplayable);
    assert_eq!(outcome.summary.corrupt, HOPELESS_AFTER);
    let text = "nothing of it can be decoded: damaged".to_owned();
    assert_eq!(outcome.reports.last(), Some(&Report::Unplayable { text }));
}

#[test]
fn bad_input_63_streams_out_of_order_do_no_harm() {
    let unknown = Input::Segment(Segment { codec: "nonesuch".parse().unwrap(), ..segment(240) });
    let before_any = Scene::new().at(0, packets(0..5)).at(0, [FINISHED]).run();
    assert_eq!(before_any.summary.reason, EndReason::Unplayable);
    let unopened = Scene::new().at(0, [unknown]).at(0, packets(0..5)).run();
    assert_eq!(unopened.summary.reason, EndReason::Unplayable);
    let after_the_end = Scene::new().at(0, part(240, 0, None)).at(0, packets(0..5)).at(0, [FINISHED, FINISHED]);
    assert_eq!(after_the_end.at(0, packets(5..9)).run().summary.frames, 5);
}

#[test]
fn what_a_display_does_not_take_is_left_out_but_the_first_frame_of_a_rendition() {
    let scene = Scene { rest: Duration::from_millis(100), ..Scene::new() };
    let scene = scene.at(0, part(240, 0, Some(7))).at(0, packets(0..7));
    let outcome = scene.at(0, part(720, 7, None)).at(0, packets(7..12)).at(0, [FINISHED]).run();
    assert_eq!(outcome.numbers(), [0, 3, 6, 7, 10]);
    assert_eq!(outcome.times(), [0, 120, 240, 280, 400], "the others keep their times");
    assert_eq!((outcome.summary.frames, outcome.summary.dropped), (12, 7));
}
