//! Sound and pictures of a real title, from its index over a hub's play to a member's player: beep against flash.
//!
//! `tests/data/sound/beep_*.mp4` show one white picture at each full second from the first on, and beep at the same
//! instants. No time passes: the player waits on a clock that jumps.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    proto::Message,
    server::{Play, Request, Step},
    types::{EndReason, MediaTime, PlayEpoch, PlayId, PlayMode, RenditionLabel},
    video::{
        MemorySource, Rotation, SoundFormat, VideoSource,
        clock::Event,
        frame::Frame,
        input::{self, Input},
        pace::Speed,
        player::{PlayerOptions, spawn},
        render::{Display, DisplayGone, DisplayKind},
        report::{Report, Summary},
        sound::{SinkFormat, testing::Room},
        testing::{ScriptedClock, take_apart, taken_apart},
    },
};

const SECOND: MediaTime = MediaTime(1_000_000);

/// The beeping title in two renditions, or in those of them that are named.
fn source(heights: &[u32]) -> MemorySource {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sound");
    let file = |height| {
        let name = format!("beep_{height}p.mp4");
        let bytes = fs::read(folder.join(&name)).unwrap();
        (name, bytes.into())
    };
    MemorySource::new(heights.iter().map(file))
}

/// A play as the hub has it.
fn play(source: &MemorySource, mode: PlayMode) -> Play {
    let title = Arc::clone(source.catalog().title("beep").unwrap());
    let request = Request {
        id: PlayId(1),
        mode,
        start: MediaTime::ZERO,
        end: None,
        max_height: None,
        full_speed: false,
        decodes: Vec::new(),
    };
    Play::new(title, &request).unwrap().0.with_sound(&[])
}

/// Everything that the play sends in an epoch, as the member's player gets it.
fn inputs(play: &mut Play, source: &MemorySource, epoch: PlayEpoch) -> Vec<Input> {
    play.raise_credit(epoch, u64::MAX);
    let (mut inputs, mut parts) = (Vec::new(), Vec::new());
    loop {
        let message = match play.next_step() {
            Some(Step::Rendition(message, _) | Step::Media(message)) => message,
            Some(Step::End(_)) => {
                inputs.push(Input::End { reason: EndReason::Finished });
                return inputs;
            }
            None => {
                let batch = play.next_read().expect("credit is endless");
                let data = batch.read(source).unwrap();
                play.take_read(&batch, data);
                continue;
            }
        };
        inputs.extend(input(message, &mut parts));
    }
}

fn input(message: Message, parts: &mut Vec<u8>) -> Option<Input> {
    Some(match message {
        Message::StreamInfo(info) => Input::Segment(input::Segment {
            label: info.rendition,
            width: info.width,
            height: info.height,
            codec: info.codec,
            extradata: info.extradata.0,
            from: info.show_from,
            until: info.show_until,
            frame_duration: info.frame_duration,
            rotation: Rotation::from_degrees(info.rotation).unwrap(),
            pixels: None,
        }),
        Message::Packet(packet) => {
            parts.extend_from_slice(&packet.data);
            let data = if packet.last { std::mem::take(parts).into() } else { return None };
            let (pts, dts, duration) = (packet.pts, packet.dts, packet.duration);
            Input::Packet(input::Packet { pts, dts, duration, keyframe: packet.flags & 1 != 0, data })
        }
        Message::SoundInfo(info) => Input::SoundTrack {
            format: SoundFormat {
                codec: info.codec,
                sample_rate: info.sample_rate,
                channels: info.channels,
                extradata: info.extradata.0,
            },
            heard: info.hear_from..info.hear_until,
        },
        Message::Sound(sound) => {
            Input::Sound(input::SoundPiece { pts: sound.pts, duration: sound.duration, data: sound.data.0 })
        }
        other => panic!("{other:?}"),
    })
}

/// Remembers when it was shown white, and which rendition that was of.
struct Screen {
    time: Arc<Mutex<Duration>>,
    flashes: Arc<Mutex<Vec<(Duration, RenditionLabel)>>>,
}

impl Display for Screen {
    fn kind(&self) -> DisplayKind {
        DisplayKind::None
    }

    fn drops_late(&self) -> bool {
        true
    }

    fn show(&mut self, frame: &Frame) -> Result<(), DisplayGone> {
        let [luma, ..] = frame.planes();
        if luma.data[luma.data.len() / 2] > 128 {
            self.flashes.lock().unwrap().push((*self.time.lock().unwrap(), frame.label));
        }
        Ok(())
    }
}

struct Played {
    flashes: Vec<(Duration, RenditionLabel)>,
    beeps: Vec<Duration>,
    summary: Summary,
    lasted: Duration,
}

/// Plays what comes at these milliseconds, to a device of this latency.
fn watch(script: Vec<(u64, Vec<Input>)>, latency: Duration, speed: Speed) -> Played {
    let events =
        script.into_iter().flat_map(|(at, inputs)| inputs.into_iter().map(move |input| (at, Event::Input(input))));
    let clock = ScriptedClock::new(events);
    let time = clock.time();
    let room = Room::new(clock.time(), SinkFormat { rate: 48_000, channels: 2 }, latency);
    let flashes = Arc::default();
    let screen = Screen { time: clock.time(), flashes: Arc::clone(&flashes) };
    let options = PlayerOptions {
        id: "beep".into(),
        speed,
        checksum: false,
        display: Box::new(screen),
        sinks: Some(Box::new(room.clone())),
        clock: Box::new(clock),
    };
    let (sender, reports) = crossbeam_channel::unbounded();
    spawn(options, move |report| sender.send(report).unwrap()).unwrap().join();
    let Some(Report::Ended(summary)) = reports.iter().last() else { panic!("no end") };
    let flashes = flashes.lock().unwrap().clone();
    let lasted = *time.lock().unwrap();
    Played { flashes, beeps: room.beeps(), summary, lasted }
}

impl Played {
    /// That so many flashes were seen, each with its beep within 20 ms; the largest distance.
    fn assert_in_step(&self, count: usize) -> Duration {
        assert_eq!((self.flashes.len(), self.beeps.len()), (count, count), "{:?} {:?}", self.flashes, self.beeps);
        let apart = self.flashes.iter().zip(&self.beeps).map(|((flash, _), beep)| flash.abs_diff(*beep));
        let most = apart.max().unwrap();
        assert!(most <= Duration::from_millis(20), "{most:?}: {:?} {:?}", self.flashes, self.beeps);
        assert_eq!((self.summary.dropped, self.summary.stalls, self.summary.corrupt), (0, 0, 0));
        most
    }
}

#[test]
fn beep_and_flash_come_together_in_either_rendition_and_at_any_latency() {
    for height in [36, 72] {
        let source = source(&[height]);
        for latency in [0, 30, 150] {
            let inputs = inputs(&mut play(&source, PlayMode::Auto), &source, PlayEpoch(0));
            let played = watch(vec![(0, inputs)], Duration::from_millis(latency), Speed::Normal);
            let most = played.assert_in_step(5);
            assert!(most <= Duration::from_millis(5), "{height}p at {latency} ms: {most:?}");
        }
    }
}

#[test]
fn beep_and_flash_come_together_across_a_change_of_rendition() {
    let source = source(&[36, 72]);
    let inputs = inputs(&mut play(&source, PlayMode::Tour), &source, PlayEpoch(0));
    let tracks = inputs.iter().filter(|input| matches!(input, Input::SoundTrack { .. })).count();
    assert_eq!(tracks, 1, "the sound of one of them for both");
    let played = watch(vec![(0, inputs)], Duration::from_millis(60), Speed::Normal);
    played.assert_in_step(5);
    let labels: Vec<u32> = played.flashes.iter().map(|(_, label)| label.0).collect();
    assert_eq!(labels, [36, 36, 72, 72, 72]);
}

#[test]
fn beep_and_flash_come_together_from_containers_that_cut_sound_into_pieces() {
    // Ogg cuts what is longer than a page, which this sound is not; but its packets stand far behind their page's head.
    for (name, beeps, is_cut) in [("beep.ts", 4, true), ("beep.mpg", 5, true), ("beep.ogv", 5, false)] {
        let (index, file) = taken_apart(&format!("tests/data/sound/{name}"));
        let track = index.sound().unwrap_or_else(|| panic!("{name}: {:?}", index.no_sound()));
        let cut = |position: &usize| track.span(*position) != Some(track.packets()[*position].bytes());
        assert_eq!((0..track.packets().len()).any(|position| cut(&position)), is_cut, "{name}");
        let source = MemorySource::indexed([("beep_36p.mp4".to_owned(), index, file)]);
        let mut play = play(&source, PlayMode::Auto);
        let all = inputs(&mut play, &source, PlayEpoch(0));
        let latency = Duration::from_millis(60);
        watch(vec![(0, all.clone())], latency, Speed::Normal).assert_in_step(beeps);
        play.seek(PlayEpoch(1), MediaTime(2_500_000)).unwrap();
        let after = inputs(&mut play, &source, PlayEpoch(1));
        let script = vec![(0, all), (1_500, vec![Input::Flush { epoch: PlayEpoch(1) }]), (1_560, after)];
        watch(script, latency, Speed::Normal).assert_in_step(beeps - 1);
    }
}

#[test]
fn beep_and_flash_come_together_behind_a_jump_of_the_clock() {
    let part = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sound/beep.ts")).unwrap();
    let (index, file) = take_apart(&part.repeat(2));
    assert_eq!(index.no_sound(), None);
    let source = MemorySource::indexed([("beep_36p.mp4".to_owned(), index, file)]);
    let all = inputs(&mut play(&source, PlayMode::Auto), &source, PlayEpoch(0));
    // Where the two parts meet, one picture may be lost: the first part ends within a GOP.
    let played = watch(vec![(0, all)], Duration::from_millis(60), Speed::Normal);
    assert_eq!((played.flashes.len(), played.beeps.len(), played.summary.stalls), (8, 8, 0), "{:?}", played.summary);
    for ((flash, _), beep) in played.flashes.iter().zip(&played.beeps) {
        assert!(flash.abs_diff(*beep) <= Duration::from_millis(20), "{:?} {:?}", played.flashes, played.beeps);
    }
}

#[test]
fn whatever_lasts_longer_is_played_to_its_end() {
    // Pictures and sound last 0.4 and 1.2 s; a single picture 0.04 s.
    for (name, frames, lasts) in [("long_sound", 10, 1_200), ("short_sound", 30, 1_200), ("single", 1, 40)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{name}.mp4"));
        let source = MemorySource::new([("beep_36p.mp4".to_owned(), fs::read(path).unwrap().into())]);
        let all = inputs(&mut play(&source, PlayMode::Auto), &source, PlayEpoch(0));
        let played = watch(vec![(0, all)], Duration::from_millis(30), Speed::Normal);
        let Summary { reason, frames: shown, dropped, stalls, .. } = played.summary;
        assert_eq!((reason, shown, dropped, stalls), (EndReason::Finished, frames, 0, 0), "{name}");
        let lasted = played.lasted.as_millis();
        assert!((lasts..lasts + 150).contains(&lasted), "{name} lasted {lasted} ms");
    }
}

#[test]
fn beep_and_flash_come_together_after_seeks() {
    let source = source(&[36, 72]);
    for to in [MediaTime(500_000), MediaTime(2_880_000), MediaTime(1_040_000), MediaTime(3_900_000)] {
        let mut play = play(&source, PlayMode::Fixed(RenditionLabel(72)));
        let before = inputs(&mut play, &source, PlayEpoch(0));
        play.seek(PlayEpoch(1), to).unwrap();
        let after = inputs(&mut play, &source, PlayEpoch(1));
        let flush = vec![Input::Flush { epoch: PlayEpoch(1) }];
        let script = vec![(0, before), (2_500, flush), (2_560, after)];
        let played = watch(script, Duration::from_millis(60), Speed::Normal);
        let second = |time: MediaTime| (time.0 + 999_999) / 1_000_000;
        let left = 6 - second(to);
        played.assert_in_step(2 + usize::try_from(left).unwrap());
    }
}

#[test]
fn the_picture_that_a_seek_leads_to_is_shown_at_once_and_stays_until_its_sound_is_heard() {
    let source = source(&[36]);
    let mut play = play(&source, PlayMode::Auto);
    let before = inputs(&mut play, &source, PlayEpoch(0));
    play.seek(PlayEpoch(1), SECOND).unwrap();
    let after = inputs(&mut play, &source, PlayEpoch(1));
    let latency = Duration::from_millis(60);
    let played = watch(
        vec![(0, before), (500, vec![Input::Flush { epoch: PlayEpoch(1) }]), (500, after)],
        latency,
        Speed::Normal,
    );
    assert_eq!((played.flashes[0].0, played.flashes.len(), played.beeps.len()), (Duration::from_millis(500), 5, 5));
    let waited = played.beeps[0].abs_diff(played.flashes[0].0);
    assert!(waited <= latency + Duration::from_millis(5), "{waited:?}");
    for ((flash, _), beep) in played.flashes.iter().zip(&played.beeps).skip(1) {
        assert!(flash.abs_diff(*beep) <= Duration::from_millis(20), "{:?} {:?}", played.flashes, played.beeps);
    }
}

#[test]
fn beep_and_flash_come_together_after_a_pause() {
    let source = source(&[36]);
    let inputs = inputs(&mut play(&source, PlayMode::Auto), &source, PlayEpoch(0));
    let script = vec![
        (0, inputs),
        (1_530, vec![Input::Pause]),
        (9_000, vec![Input::Resume]),
        (9_777, vec![Input::Pause]),
        (20_001, vec![Input::Resume]),
    ];
    let played = watch(script, Duration::from_millis(90), Speed::Normal);
    played.assert_in_step(5);
    assert!(played.beeps[1] > Duration::from_secs(9));
}

#[test]
fn beep_and_flash_come_together_after_the_link_stood_still() {
    let source = source(&[36]);
    let mut inputs = inputs(&mut play(&source, PlayMode::Auto), &source, PlayEpoch(0));
    let later = inputs.split_off(inputs.len() / 2);
    let played = watch(vec![(0, inputs), (7_000, later)], Duration::from_millis(60), Speed::Normal);
    assert_eq!(
        (played.flashes.len(), played.beeps.len(), played.summary.stalls),
        (5, 5, 1),
        "{:?} {:?}",
        played.flashes,
        played.beeps
    );
    for ((flash, _), beep) in played.flashes.iter().zip(&played.beeps) {
        assert!(flash.abs_diff(*beep) <= Duration::from_millis(20), "{:?} {:?}", played.flashes, played.beeps);
    }
}

#[test]
fn bad_input_47_damage_to_the_sound_leaves_the_rest_in_step() {
    let source = source(&[36]);
    let mut inputs = inputs(&mut play(&source, PlayMode::Auto), &source, PlayEpoch(0));
    let mut number = 0;
    for input in &mut inputs {
        if let Input::Sound(piece) = input {
            number += 1;
            // Between the second and the third beep.
            if (100..130).contains(&number) {
                piece.data = piece.data.iter().map(|byte| byte ^ 0xa5).collect();
            }
        }
    }
    let played = watch(vec![(0, inputs)], Duration::from_millis(60), Speed::Normal);
    assert_eq!((played.flashes.len(), played.summary.dropped), (5, 0));
    let (flash, _) = played.flashes[4];
    let beep = played.beeps.last().unwrap();
    assert!(flash.abs_diff(*beep) <= Duration::from_millis(20), "{:?} {:?}", played.flashes, played.beeps);
}

#[test]
fn at_full_speed_nothing_is_heard() {
    let source = source(&[36]);
    let inputs = inputs(&mut play(&source, PlayMode::Auto), &source, PlayEpoch(0));
    let played = watch(vec![(0, inputs)], Duration::ZERO, Speed::Max);
    assert_eq!((played.flashes.len(), played.beeps.len(), played.summary.frames), (5, 0, 150));
}
