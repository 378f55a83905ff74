//! Sound and pictures together, with stand-ins for decoders, display and device, under a clock that only moves when it is
//! waited on.

use std::{sync::Arc, time::Duration};

use super::*;
use crate::{
    types::{Codec, PlayEpoch},
    video::{
        engine::sound::SoundParts,
        input::{Segment, SoundPiece},
        pace::{Speed, WhenLate},
        render::Status,
        report::Summary,
        sound::{
            SinkFormat, SinkState,
            testing::{FakeSoundDecoders, Room},
        },
        sound_track::SoundFormat,
        testing::{FakeDecoders, RecordingDisplay, ScriptedClock, Showing, packet, pts, segment},
    },
};

const FINISHED: Input = Input::End { reason: EndReason::Finished };
const FORMAT: SinkFormat = SinkFormat { rate: 8_000, channels: 2 };

/// A play and what it is given at which milliseconds.
struct Scene {
    script: Vec<(u64, Event)>,
    latency: Duration,
    drops_late: bool,
    state: Option<SinkState>,
    becomes: Option<(u64, SinkState)>,
}

struct Outcome {
    shown: Vec<Showing>,
    told: Vec<(u128, Status)>,
    beeps: Vec<u128>,
    /// When something loud was heard last.
    quiet_from: u128,
    reports: Vec<Report>,
    summary: Summary,
    ended: u128,
}

/// A track heard from `from` to `until`, in milliseconds.
fn track(from: i64, until: i64) -> Input {
    let format =
        SoundFormat { codec: Codec::AAC, sample_rate: 8_000, channels: 2, extradata: bytes::Bytes::from_static(b"x") };
    Input::SoundTrack { format, heard: MediaTime(from * 1000)..MediaTime(until * 1000) }
}

/// Packets of 20 ms from `from` to `until`, in milliseconds; those at `loud` milliseconds beep.
fn sound(from: i64, until: i64, loud: &[i64]) -> Vec<Input> {
    let numbers = from.div_euclid(20)..until.div_euclid(20);
    let piece = |number: i64| {
        let level = if loud.contains(&(number * 20)) { 80 } else { 0 };
        let (pts, duration) = (MediaTime(number * 20_000), MediaTime(20_000));
        Input::Sound(SoundPiece { pts, duration, data: vec![level; 4].into() })
    };
    numbers.map(piece).collect()
}

fn pictures(numbers: std::ops::Range<i64>) -> Vec<Input> {
    numbers.map(|number| Input::Packet(packet(number))).collect()
}

impl Scene {
    fn new() -> Self {
        Self { script: Vec::new(), latency: Duration::from_millis(70), drops_late: true, state: None, becomes: None }
    }

    fn at(mut self, at: u64, inputs: impl IntoIterator<Item = Input>) -> Self {
        self.script.extend(inputs.into_iter().map(|input| (at, Event::Input(input))));
        self
    }

    fn run(self) -> Outcome {
        let clock = ScriptedClock::new(self.script);
        let (sender, reports) = crossbeam_channel::unbounded();
        let (time, shown, told) = (clock.time(), Arc::default(), Arc::default());
        let display = RecordingDisplay {
            time: clock.time(),
            shown: Arc::clone(&shown),
            told: Arc::clone(&told),
            rest: Duration::ZERO,
            slowness: Duration::ZERO,
            drops_late: self.drops_late,
            lasts: usize::MAX,
        };
        let mut room = Room::new(clock.time(), FORMAT, self.latency);
        if let Some(state) = self.state {
            *room.state.lock().unwrap() = state;
        }
        room.becomes = self.becomes.map(|(at, state)| (Duration::from_millis(at), state));
        let parts = Parts {
            clock: Box::new(clock),
            decoders: Box::new(FakeDecoders { delay: 2 }),
            display: Box::new(display),
            pace: Pace::new(Speed::Normal, if self.drops_late { WhenLate::Drop } else { WhenLate::Show }),
            tally: Tally::new(false),
            reports: Box::new(move |report| sender.send(report).unwrap()),
        };
        let sound = SoundParts { sinks: Box::new(room.clone()), decoders: Box::new(FakeSoundDecoders) };
        Engine::new(parts).with_sound(PlaySound::new(sound)).run(&crossbeam_channel::never());
        let mut reports: Vec<_> = reports.iter().collect();
        let Some(Report::Ended(summary)) = reports.pop() else { panic!("no end: {reports:?}") };
        let shown = shown.lock().unwrap().clone();
        let told = told.lock().unwrap().clone();
        let beeps = room.beeps().iter().map(Duration::as_millis).collect();
        let heard = room.heard.lock().unwrap();
        let quiet_from = heard.iter().rfind(|(_, sample)| *sample > 0.2).map_or(0, |(at, _)| at.as_millis());
        let ended = time.lock().unwrap().as_millis();
        Outcome { shown, told, beeps, quiet_from, reports, summary, ended }
    }
}

impl Outcome {
    /// When the picture of a time of the title, in milliseconds, was shown first.
    fn shown_at(&self, media: i64) -> u128 {
        let number = media / 40;
        self.shown.iter().find(|showing| showing.number == number).unwrap_or_else(|| panic!("{number}")).at
    }

    fn assert_in_step(&self, media: &[i64]) {
        assert_eq!(self.beeps.len(), media.len(), "{:?}", self.beeps);
        for (beep, at) in self.beeps.iter().zip(media) {
            let picture = self.shown_at(*at);
            assert!(beep.abs_diff(picture) <= 5, "beep of {at} ms heard at {beep}, its picture shown at {picture}");
        }
    }
}

#[test]
fn pictures_follow_what_is_heard_whatever_the_latency() {
    for latency in [0, 5, 70, 200] {
        let scene = Scene { latency: Duration::from_millis(latency), ..Scene::new() };
        let outcome = scene
            .at(0, [Input::Segment(segment(240))])
            .at(0, pictures(0..3))
            .at(0, [track(0, 4000)])
            .at(0, sound(-20, 4000, &[400, 1000, 2000, 3800]))
            .at(0, pictures(3..100))
            .at(0, [FINISHED])
            .run();
        outcome.assert_in_step(&[400, 1000, 2000, 3800]);
        assert_eq!((outcome.summary.dropped, outcome.summary.stalls, outcome.shown.len()), (0, 0, 100), "{latency} ms");
        assert_eq!(outcome.shown[0].at, 0, "the first picture waits for nothing");
    }
}

#[test]
fn what_lies_outside_of_what_is_heard_is_decoded_and_not_heard() {
    let outcome = Scene::new()
        .at(0, [Input::Segment(segment(240))])
        .at(0, pictures(0..3))
        .at(0, [track(1000, 3000)])
        .at(0, sound(-20, 4000, &[0, 400, 980, 1000, 1520, 2000, 2960, 3000, 3500]))
        .at(0, pictures(3..100))
        .at(0, [FINISHED])
        .run();
    outcome.assert_in_step(&[1000, 1520, 2000, 2960]);
    assert_eq!(outcome.summary.dropped, 0);
}

#[test]
fn a_pause_holds_both_and_both_go_on_together() {
    let outcome = Scene::new()
        .at(0, [Input::Segment(segment(240)), track(0, 4000)])
        .at(0, sound(-20, 4000, &[400, 2000, 3000]))
        .at(0, pictures(0..100))
        .at(0, [FINISHED])
        .at(1030, [Input::Pause])
        .at(5000, [Input::Resume])
        .run();
    outcome.assert_in_step(&[400, 2000, 3000]);
    assert!(outcome.beeps[1] > 5900 && outcome.summary.dropped == 0, "{:?}", outcome.beeps);
}

#[test]
fn after_steps_both_go_on_together_at_once() {
    for steps in [1, 5, 10, 30] {
        let mut scene = Scene::new()
            .at(0, [Input::Segment(segment(240)), track(0, 4000)])
            .at(0, sound(-20, 4000, &[400, 2600, 3600]))
            .at(0, pictures(0..100))
            .at(0, [FINISHED]);
        for step in 0..steps {
            scene = scene.at(1030 + step * 50, [Input::Step]);
        }
        let outcome = scene.at(5000, [Input::Resume]).run();
        outcome.assert_in_step(&[400, 2600, 3600]);
        assert_eq!((outcome.summary.dropped, outcome.shown.len()), (0, 100), "{steps} steps");
    }
}

#[test]
fn a_seek_forgets_what_waits_and_begins_both_anew() {
    let (before, after) = (PlayEpoch::default(), PlayEpoch(1));
    let outcome = Scene::new()
        .at(0, [Input::Segment(segment(240)), track(0, 4000)])
        .at(0, sound(-20, 4000, &[400, 1200, 2000, 3000]))
        .at(0, pictures(0..100))
        .at(0, [FINISHED])
        .at(1000, [Input::Flush { epoch: after }])
        .at(1050, [Input::Segment(Segment { from: pts(60), ..segment(240) })])
        .at(1050, pictures(50..63))
        .at(1050, [track(2400, 4000)])
        .at(1050, sound(2320, 4000, &[2340, 3000, 3600]))
        .at(1050, pictures(63..100))
        .at(1050, [FINISHED])
        .run();
    outcome.assert_in_step(&[400, 3000, 3600]);
    assert_eq!(outcome.summary.dropped, 0);
    assert!(outcome.reports.contains(&Report::Seeked { epoch: after, at: pts(60), preview: None }));
    let consumed = |wanted| {
        let bytes = |report: &Report| match report {
            Report::Consumed { epoch, bytes, .. } if *epoch == wanted => *bytes,
            _ => 0,
        };
        outcome.reports.iter().map(bytes).sum::<u64>()
    };
    assert_eq!(consumed(after), 84 * 4 + 50 * 10, "sound is given back as credit as well");
    assert!(consumed(before) > 0);
}

#[test]
fn a_stall_of_pictures_holds_the_sound() {
    let outcome = Scene::new()
        .at(0, [Input::Segment(segment(240)), track(0, 4000)])
        .at(0, sound(-20, 1500, &[400]))
        .at(0, pictures(0..25))
        .at(3000, sound(1500, 4000, &[2000, 3000]))
        .at(3000, pictures(25..100))
        .at(3000, [FINISHED])
        .run();
    outcome.assert_in_step(&[400, 2000, 3000]);
    assert_eq!((outcome.summary.stalls, outcome.summary.dropped, outcome.shown.len()), (1, 0, 100));
    assert!(outcome.beeps[1] > 3900);
}

#[test]
fn sound_that_is_missing_leaves_the_pictures_alone_and_joins_again() {
    let outcome = Scene::new()
        .at(0, [Input::Segment(segment(240)), track(0, 4000)])
        .at(0, sound(-20, 1000, &[400]))
        .at(0, pictures(0..100))
        .at(2000, sound(1000, 4000, &[1200, 3000]))
        .at(2000, [FINISHED])
        .run();
    outcome.assert_in_step(&[400, 3000]);
    let gaps: Vec<_> = outcome.shown.windows(2).skip(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(gaps.iter().all(|gap| (30..=50).contains(gap)), "{gaps:?}");
    assert_eq!(outcome.summary.stalls, 0);
}

#[test]
fn sound_that_begins_late_waits_for_its_place() {
    let outcome = Scene::new()
        .at(0, [Input::Segment(segment(240))])
        .at(0, pictures(0..100))
        .at(700, [track(0, 4000)])
        .at(700, sound(1500, 4000, &[1600, 3000]))
        .at(700, [FINISHED])
        .run();
    outcome.assert_in_step(&[1600, 3000]);
}

#[test]
fn sound_longer_than_pictures_is_heard_to_its_end() {
    let outcome = Scene::new()
        .at(0, [Input::Segment(segment(240)), track(0, 6000)])
        .at(0, sound(-20, 6000, &[400, 3000, 5980]))
        .at(0, pictures(0..25))
        .at(0, [FINISHED])
        .run();
    assert_eq!(outcome.beeps, [470, 3070, 6050]);
    assert!((6060..6100).contains(&outcome.quiet_from) && outcome.ended >= outcome.quiet_from, "{}", outcome.ended);
    assert_eq!((outcome.shown.len(), outcome.summary.reason), (25, EndReason::Finished));
}

#[test]
fn sound_goes_on_without_pictures_that_are_over_though_the_end_is_not_told_yet() {
    let outcome = Scene::new()
        .at(0, [Input::Segment(segment(240)), track(0, 6000)])
        .at(0, pictures(0..25))
        .at(0, sound(-20, 4000, &[3000]))
        .at(3500, sound(4000, 6000, &[5000]))
        .at(3500, [FINISHED])
        .run();
    assert_eq!(outcome.beeps, [3070, 5070]);
}

#[test]
fn pictures_longer_than_sound_are_shown_to_their_end() {
    let outcome = Scene::new()
        .at(0, [Input::Segment(segment(240)), track(0, 1000)])
        .at(0, sound(-20, 1000, &[400]))
        .at(0, pictures(0..100))
        .at(0, [FINISHED])
        .run();
    outcome.assert_in_step(&[400]);
    assert_eq!((outcome.shown.len(), outcome.ended), (100, outcome.shown[99].at + 40));
}

#[test]
fn without_a_device_pictures_go_on_by_the_clock_and_it_is_said() {
    let scene = Scene { state: Some(SinkState::Gone("none here".into())), ..Scene::new() };
    let outcome = scene
        .at(0, [Input::Segment(segment(240)), track(0, 4000)])
        .at(0, sound(-20, 4000, &[400]))
        .at(0, pictures(0..100))
        .at(0, [FINISHED])
        .run();
    assert_eq!((outcome.beeps.len(), outcome.shown.len(), outcome.shown[99].at), (0, 100, 99 * 40));
    let silent = outcome.reports.iter().filter(|report| matches!(report, Report::Silent { .. })).count();
    assert_eq!(silent, 1);
    let consumed = |report: &Report| if let Report::Consumed { bytes, .. } = report { *bytes } else { 0 };
    assert_eq!(outcome.reports.iter().map(consumed).sum::<u64>(), 100 * 10 + 201 * 4, "credit comes back all the same");
}

#[test]
fn a_device_that_does_not_open_holds_up_the_pictures_for_a_moment_only() {
    let scene = opening(Some((5_000, SinkState::Gone("it does not open".into()))));
    let outcome = scene
        .at(0, [Input::Segment(segment(240)), track(0, 4000)])
        .at(0, sound(-20, 4000, &[400]))
        .at(0, pictures(0..50))
        .at(0, [FINISHED])
        .run();
    assert!(outcome.shown.len() >= 44 && outcome.shown[1].at <= 290, "{:?}", outcome.shown);
    // What is left to be heard may still be, until the device is given up.
    assert_eq!((outcome.summary.reason, outcome.beeps.len()), (EndReason::Finished, 0));
    assert!((5_000..5_050).contains(&outcome.ended), "{}", outcome.ended);
    let silent = outcome.reports.iter().filter(|report| matches!(report, Report::Silent { .. })).count();
    assert_eq!(silent, 1);
}

/// A play whose device is being opened.
fn opening(becomes: Option<(u64, SinkState)>) -> Scene {
    Scene { state: Some(SinkState::Opening), becomes, ..Scene::new() }
}

#[test]
fn sound_is_heard_though_the_device_opens_when_the_pictures_are_over() {
    let play = |opens, images: i64, loud: &[i64]| {
        opening(Some((opens, SinkState::Ready(FORMAT))))
            .at(0, [Input::Segment(segment(240)), track(0, 10_000)])
            .at(0, sound(-20, 10_000, loud))
            .at(0, pictures(0..images))
            .at(0, [FINISHED])
            .run()
    };
    let outcome = play(3_000, 1, &[400, 9_900]);
    assert_eq!(outcome.beeps.len(), 2, "all of it, behind the one picture: {:?}", outcome.beeps);
    assert!(outcome.beeps[0].abs_diff(3_470) <= 30 && outcome.ended >= outcome.quiet_from, "{:?}", outcome.beeps);
    assert_eq!((outcome.summary.reason, outcome.summary.stalls), (EndReason::Finished, 0));
    let outcome = play(3_000, 25, &[400, 9_000]);
    assert_eq!(outcome.beeps.len(), 1, "from where the pictures would be by then: {:?}", outcome.beeps);
    let outcome = play(12_000, 25, &[400, 9_000]);
    assert_eq!((outcome.beeps.len(), outcome.summary.reason), (0, EndReason::Finished), "too late for all of it");
    assert!((12_000..12_050).contains(&outcome.ended), "{}", outcome.ended);
}

#[test]
fn sound_without_a_picture_behind_a_seek_is_not_waited_for() {
    let outcome = Scene::new()
        .at(0, [Input::Segment(segment(240)), track(0, 4000)])
        .at(0, sound(-20, 4000, &[400]))
        .at(0, pictures(0..100))
        .at(0, [FINISHED])
        .at(1000, [Input::Flush { epoch: PlayEpoch(1) }, track(3000, 4000)])
        .at(1000, sound(2980, 4000, &[3500]))
        .at(1000, [FINISHED])
        .run();
    assert_eq!((outcome.summary.reason, outcome.beeps.len()), (EndReason::Finished, 1));
}

#[test]
fn bad_input_47_damaged_packets_are_silent_and_what_follows_is_in_its_place() {
    let mut pieces = sound(-20, 4000, &[400, 3000]);
    for (number, input) in pieces.iter_mut().enumerate() {
        if let Input::Sound(piece) = input
            && (number % 5 == 2 || (60..90).contains(&number))
        {
            piece.data = vec![0xff; 4].into();
        }
    }
    let outcome = Scene::new()
        .at(0, [Input::Segment(segment(240)), track(0, 4000)])
        .at(0, pieces)
        .at(0, pictures(0..100))
        .at(0, [FINISHED])
        .run();
    outcome.assert_in_step(&[400, 3000]);
    assert_eq!((outcome.summary.dropped, outcome.shown.len()), (0, 100));
}

#[test]
fn bad_input_47_sound_of_which_nothing_can_be_decoded_is_given_up_and_it_is_said() {
    let play = |whole: usize| {
        let mut pieces = sound(0, 4000, &[400]);
        for input in &mut pieces[whole..] {
            if let Input::Sound(piece) = input {
                piece.data = vec![0xff; 4].into();
            }
        }
        Scene::new()
            .at(0, [Input::Segment(segment(240)), track(0, 4000)])
            .at(0, pieces)
            .at(0, pictures(0..100))
            .at(0, [FINISHED])
            .run()
    };
    let silent = |outcome: &Outcome| {
        let text = |report: &Report| if let Report::Silent { text } = report { Some(text.clone()) } else { None };
        outcome.reports.iter().filter_map(text).collect::<Vec<_>>()
    };
    let outcome = play(0);
    assert_eq!(silent(&outcome), ["nothing of it can be decoded: damaged"]);
    assert_eq!((outcome.beeps.len(), outcome.shown.len(), outcome.summary.dropped), (0, 100, 0));
    let consumed = |report: &Report| if let Report::Consumed { bytes, .. } = report { *bytes } else { 0 };
    assert_eq!(outcome.reports.iter().map(consumed).sum::<u64>(), 100 * 10 + 200 * 4, "credit comes back all the same");
    assert_eq!(silent(&play(30)), Vec::<String>::new(), "it was heard before it was damaged");
}

#[test]
fn bad_input_50_times_without_sense_do_no_harm() {
    let piece = |pts, duration| {
        Input::Sound(SoundPiece { pts: MediaTime(pts), duration: MediaTime(duration), data: vec![0; 4].into() })
    };
    let times = [i64::MIN, i64::MAX, -1, 0, i64::MAX / 2];
    let hostile = times.iter().flat_map(|pts| [0, 20_000, -5].map(|duration| piece(*pts, duration)));
    let outcome = Scene::new()
        .at(0, [Input::Segment(segment(240)), track(i64::MIN / 1000, i64::MAX / 1000)])
        .at(0, hostile)
        .at(0, pictures(0..50))
        .at(0, [FINISHED])
        .at(10_000, [Input::Stop])
        .run();
    assert_eq!(outcome.shown.len(), 50);
}

#[test]
fn bad_input_63_sound_never_asked_for_is_not_hoarded() {
    let piece = Input::Sound(SoundPiece { pts: pts(0), duration: pts(1), data: vec![0; 32 * 1024].into() });
    let outcome = Scene::new().at(0, [track(0, 4000)]).at(0, vec![piece; 4000]).run();
    assert_eq!(outcome.summary.reason, EndReason::Unplayable);
}

#[test]
fn volume_and_mute_act_at_once() {
    let loud: Vec<i64> = (0..200).map(|number| number * 20).collect();
    let outcome = Scene { latency: Duration::ZERO, ..Scene::new() }
        .at(0, [Input::Segment(segment(240)), track(0, 4000)])
        .at(0, sound(0, 4000, &loud))
        .at(0, pictures(0..100))
        .at(0, [FINISHED])
        .at(1000, [Input::ToggleMute])
        .at(2000, [Input::ToggleMute])
        .at(3000, [Input::VolumeBy(-50)])
        .run();
    assert_eq!(outcome.beeps, [0, 2000]);
    assert_eq!(outcome.quiet_from, 2999, "half the volume is an eighth of the level");
}

#[test]
fn a_title_of_one_picture_is_shown_before_all_its_sound_came() {
    let outcome = Scene::new()
        .at(0, [Input::Segment(segment(240)), track(0, 60_000)])
        .at(0, pictures(0..1))
        .at(0, [Input::LastPicture])
        .at(0, sound(-20, 2_000, &[400]))
        .at(1_500, sound(2_000, 4_000, &[3_000]))
        .at(5_000, [Input::Stop])
        .run();
    assert_eq!(outcome.shown[0].at, 0, "not only once the end is told");
    assert_eq!((outcome.beeps.len(), outcome.summary.stalls), (2, 0), "{:?}", outcome.beeps);
    // Later by what the device takes; no second picture waits for it.
    assert!(outcome.beeps[0].abs_diff(470) <= 5, "{:?}", outcome.beeps);
}

#[test]
fn the_display_is_told_the_volume_at_once_and_of_none_without_sound() {
    let play = |scene: Scene| {
        scene
            .at(0, [Input::Segment(segment(240))])
            .at(0, pictures(0..100))
            .at(1000, [Input::VolumeBy(-10), Input::VolumeBy(4)])
            .at(1500, [Input::ToggleMute])
            .at(2000, [Input::ToggleMute, Input::VolumeBy(20)])
            .at(2500, [Input::Flush { epoch: PlayEpoch(1) }])
            .at(3000, [Input::Stop])
            .run()
    };
    let changes = |outcome: &Outcome| {
        let mut changes: Vec<_> = outcome.told.iter().map(|(at, told)| (*at, told.volume, told.muted)).collect();
        changes.dedup_by_key(|(_, volume, muted)| (*volume, *muted));
        changes
    };
    let outcome = play(Scene::new().at(0, [track(0, 4000)]).at(0, sound(0, 4000, &[])));
    let full = Some(100);
    let expected = [(0, full, false), (1000, Some(94), false), (1500, Some(94), true), (2000, full, false)];
    assert_eq!(changes(&outcome), expected, "it stays over a seek");
    assert_eq!(changes(&play(Scene::new())), [(0, None, false)]);
}
