use std::{fs, path::Path};

use super::*;
use crate::{
    proto::message::{Credit, Play as Asked, Seek, Stop, SwitchRendition},
    types::{Codec, MediaTime, PlayEpoch, RenditionLabel},
    video::{Index, MemorySource, NoSound, VideoSource, testing},
};

/// The plays of one member over two videos of the tests.
struct Screen {
    plays: Plays,
    source: MemorySource,
}

fn asked(play: u32, title: &str) -> Asked {
    let (start, end, max_height) = (MediaTime::ZERO, None, None);
    Asked {
        play: PlayId(play),
        title: title.into(),
        mode: PlayMode::Auto,
        start,
        end,
        max_height,
        sound: false,
        full_speed: false,
        decodes: Vec::new(),
    }
}

fn credit(play: u32, epoch: u32) -> Message {
    Credit { play: PlayId(play), epoch: PlayEpoch(epoch), offset: u64::MAX }.into()
}

impl Screen {
    fn new() -> Self {
        let file = |name: &str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
            (name.to_owned(), fs::read(path).unwrap().into())
        };
        let broken = ("broken.mp4".to_owned(), bytes::Bytes::from_static(b"no video"));
        let names = ["wide.mp4", "unaligned_120p.mp4", "unaligned_180p.mp4", "one_keyframe.mp4"];
        let source = MemorySource::new(names.map(file).into_iter().chain([broken]));
        Self { plays: Plays::new("bob".parse().unwrap()), source }
    }

    fn ask(&mut self, message: impl Into<Message>) -> Vec<PlayOutput> {
        self.plays.message(message.into(), &self.source.catalog())
    }

    fn started(&mut self, play: u32, title: &str) {
        let outputs = self.ask(asked(play, title));
        assert!(matches!(outputs[0], PlayOutput::Control(Message::PlayStarted(_))), "{outputs:?}");
    }

    fn refusal(&mut self, message: impl Into<Message>) -> (PlayId, Code) {
        match self.ask(message).as_slice() {
            [PlayOutput::Control(Message::PlayRefused(refused))] => (refused.play, refused.code),
            other => panic!("{other:?}"),
        }
    }

    /// Everything that can be sent now, read as it is needed.
    fn run(&mut self) -> Vec<PlayOutput> {
        let mut all = Vec::new();
        loop {
            let outputs = self.plays.next_outputs();
            let jobs: Vec<_> = if outputs.is_empty() { self.plays.reads().collect() } else { Vec::new() };
            if outputs.is_empty() && jobs.is_empty() {
                return all;
            }
            all.extend(outputs);
            for ReadJob { play, batch } in jobs {
                let data = batch.read(&self.source);
                all.extend(self.plays.take_read(ReadResult { play, batch, data }));
            }
        }
    }
}

fn report(output: &PlayOutput) -> Option<&HubEvent> {
    if let PlayOutput::Report(event) = output { Some(event) } else { None }
}

fn ended(outputs: &[PlayOutput]) -> Vec<(PlayId, EndReason)> {
    let end = |event: &HubEvent| match event {
        HubEvent::PlayEnded { play, reason, .. } => Some((*play, *reason)),
        _ => None,
    };
    outputs.iter().filter_map(report).filter_map(end).collect()
}

fn packet_of(output: &PlayOutput) -> Option<PlayId> {
    if let PlayOutput::Media(Message::Packet(packet)) = output { Some(packet.play) } else { None }
}

#[test]
fn attack_a_list_of_codecs_has_an_end() {
    let mut screen = Screen::new();
    let asks = |play, count| Asked { decodes: vec![Codec::H264; count], ..asked(play, "wide") };
    assert_eq!(screen.refusal(asks(1, MAX_DECODES + 1)), (PlayId(1), Code::ProtocolViolation));
    let outputs = screen.ask(asks(1, MAX_DECODES));
    assert!(matches!(outputs[0], PlayOutput::Control(Message::PlayStarted(_))), "{outputs:?}");
}

#[test]
fn a_play_is_told_announced_sent_and_reported() {
    let mut screen = Screen::new();
    screen.started(1, "wide");
    screen.ask(credit(1, 0));
    let outputs = screen.run();
    assert!(matches!(&outputs[0], PlayOutput::Media(Message::StreamInfo(info)) if info.width == 640));
    let told = HubEvent::Rendition {
        name: "bob".parse().unwrap(),
        play: PlayId(1),
        title: "wide".into(),
        width: 640,
        height: 272,
    };
    assert_eq!(report(&outputs[1]), Some(&told));
    assert!(
        matches!(outputs.last(), Some(PlayOutput::Media(Message::StreamEnd(end))) if end.reason == EndReason::Finished)
    );
    assert_eq!(ended(&outputs), [], "it may still seek back");
    assert_eq!(ended(&screen.ask(Stop { play: PlayId(1) })), [(PlayId(1), EndReason::Finished)]);
    assert!(screen.plays.is_empty());
    assert!(screen.ask(Stop { play: PlayId(1) }).is_empty(), "it may have ended before it was told to");
}

#[test]
fn the_operator_is_told_of_a_rendition_once_however_often_a_member_seeks() {
    let mut screen = Screen::new();
    let told = |outputs: Vec<PlayOutput>| -> usize {
        outputs.iter().filter_map(report).filter(|event| matches!(event, HubEvent::Rendition { .. })).count()
    };
    screen.started(1, "wide");
    screen.ask(credit(1, 0));
    assert_eq!(told(screen.run()), 1);
    for epoch in 1..50 {
        screen.ask(Seek { play: PlayId(1), epoch: PlayEpoch(epoch), to: MediaTime(1_000_000) });
        screen.ask(credit(1, epoch));
        let outputs = screen.run();
        assert!(matches!(outputs[0], PlayOutput::Media(Message::StreamInfo(_))), "{outputs:?}");
        assert!(outputs.iter().any(|output| packet_of(output).is_some()), "it goes on: {outputs:?}");
        assert_eq!(told(outputs), 0, "in the same rendition, as is known");
    }
    screen.ask(Stop { play: PlayId(1) });
    screen.started(2, "wide");
    screen.ask(credit(2, 0));
    assert_eq!(told(screen.run()), 1, "another play");
}

#[test]
fn attack_a_member_without_credit_does_not_fill_the_operators_log_by_switching() {
    let mut screen = Screen::new();
    let told = |outputs: &[PlayOutput]| -> Vec<u32> {
        let height = |event: &HubEvent| match event {
            HubEvent::Rendition { height, .. } => Some(*height),
            _ => None,
        };
        outputs.iter().filter_map(report).filter_map(height).collect()
    };
    screen.started(1, "unaligned");
    let (mut infos, mut lines) = (0, Vec::new());
    for number in 0..1000 {
        let rendition = RenditionLabel(if number % 2 == 0 { 180 } else { 120 });
        let from = Some(MediaTime::ZERO);
        screen.ask(SwitchRendition { play: PlayId(1), epoch: PlayEpoch(0), rendition, from });
        let outputs = screen.run();
        infos += outputs.iter().filter(|output| matches!(output, PlayOutput::Media(Message::StreamInfo(_)))).count();
        lines.extend(told(&outputs));
    }
    assert!(infos > 500 && lines.is_empty(), "{infos} were announced, {lines:?} told, and nothing was sent");
    screen.ask(credit(1, 0));
    let outputs = screen.run();
    let sent = outputs.iter().position(|output| packet_of(output).is_some());
    let line = outputs.iter().position(|output| report(output).is_some());
    assert_eq!((told(&outputs), line.map(|line| line + 1)), (vec![120], sent), "told with the first packet");
}

#[test]
fn a_switch_that_comes_before_others_were_sent_may_be_asked_for_again_later() {
    let mut screen = Screen::new();
    let file = |height: u32| (format!("long_{height}p.mp4"), testing::index(height, 2000, 10, 1000));
    screen.source = MemorySource::indexed([240, 480].map(file).map(|(name, index)| (name, index, bytes::Bytes::new())));
    screen.started(1, "long");
    let switches = (1..150).map(|at| SwitchRendition {
        play: PlayId(1),
        epoch: PlayEpoch(0),
        rendition: RenditionLabel([240, 480][at % 2]),
        from: Some(testing::pts(10 * i64::try_from(at).unwrap())),
    });
    let answers: Vec<_> = switches.flat_map(|switch| screen.ask(switch)).collect();
    let code = |output: &PlayOutput| match output {
        PlayOutput::Control(Message::PlayRefused(refused)) => refused.code,
        other => panic!("{other:?}"),
    };
    assert!(!answers.is_empty() && answers.iter().all(|answer| code(answer) == Code::TryLater), "{answers:?}");
}

#[test]
fn who_wants_sound_is_told_once_why_there_is_none() {
    let mut screen = Screen::new();
    let wide = Arc::clone(&screen.source.catalog().title("wide").unwrap().renditions[0]);
    let refused = Index::clone(&wide.index).with_sound(Err(NoSound::Encrypted));
    screen.source = MemorySource::indexed([
        ("mute_272p.mp4".to_owned(), refused, bytes::Bytes::new()),
        ("wide_272p.mp4".to_owned(), Index::clone(&wide.index), bytes::Bytes::new()),
        ("silent_240p.mp4".to_owned(), testing::index(240, 25, 25, 10), bytes::Bytes::new()),
    ]);
    let mut told = |play: u32, title: &str, sound: bool, decodes: &[Codec]| -> Vec<String> {
        let outputs = screen.ask(Asked { sound, decodes: decodes.to_vec(), ..asked(play, title) });
        assert!(matches!(outputs[0], PlayOutput::Control(Message::PlayStarted(_))), "{outputs:?}");
        let text = |output: &PlayOutput| match output {
            PlayOutput::Control(Message::PlayNotice(notice)) if notice.code == Code::NoSound => {
                Some(notice.text.to_string())
            }
            _ => None,
        };
        outputs.iter().filter_map(text).collect()
    };
    assert_eq!(told(1, "mute", true, &[]), ["the sound of \"mute\" is left out: it is encrypted"]);
    assert!(told(2, "mute", false, &[]).is_empty(), "nobody wants it");
    assert!(told(3, "wide", true, &[]).is_empty() && told(4, "silent", true, &[]).is_empty());
    assert!(told(5, "wide", true, &[Codec::H264, Codec::AAC]).is_empty());
    let undecodable = "the sound of \"wide\" is left out: this member does not decode aac";
    assert_eq!(told(6, "wide", true, &[Codec::H264]), [undecodable]);
}

#[test]
fn plays_take_turns_part_by_part() {
    let mut screen = Screen::new();
    for play in [3, 7, 9] {
        screen.started(play, "unaligned");
        screen.ask(credit(play, 0));
    }
    let order: Vec<_> = screen.run().iter().filter_map(packet_of).collect();
    assert_eq!(order.len(), 3 * 75);
    // Once each has been read for, none sends twice before the others did.
    for round in order.windows(3).skip(6).take(200) {
        assert!(round[0] != round[1] && round[1] != round[2], "{round:?}");
    }
}

#[test]
fn bad_input_44_47_52_what_is_refused_leaves_the_others_alone() {
    let mut screen = Screen::new();
    screen.started(1, "wide");
    assert_eq!(screen.refusal(asked(2, "../wide")), (PlayId(2), Code::NoSuchTitle));
    assert_eq!(screen.refusal(asked(2, "broken")), (PlayId(2), Code::Unplayable));
    assert_eq!(screen.refusal(asked(1, "wide")), (PlayId(1), Code::ProtocolViolation));
    let fixed = Asked { mode: PlayMode::Fixed(RenditionLabel(999)), ..asked(2, "wide") };
    assert_eq!(screen.refusal(fixed), (PlayId(2), Code::NoSuchRendition));
    for play in 2..=u32::try_from(MAX_PLAYS).unwrap() {
        screen.started(play, "wide");
    }
    assert_eq!(screen.refusal(asked(100, "wide")), (PlayId(100), Code::TooManyPlays));
    screen.ask(Stop { play: PlayId(2) });
    screen.started(100, "wide");
    screen.ask(credit(1, 0));
    assert!(screen.run().iter().filter_map(packet_of).all(|play| play == PlayId(1)));
}

#[test]
fn bad_input_51_a_seek_is_refused_for_a_time_or_play_that_is_not_there() {
    let mut screen = Screen::new();
    screen.started(1, "wide");
    let seek = |play, to| Seek { play: PlayId(play), epoch: PlayEpoch(1), to: MediaTime(to) };
    assert_eq!(screen.refusal(seek(1, -1)), (PlayId(1), Code::OutOfRange));
    assert_eq!(screen.refusal(seek(1, 2_000_000)), (PlayId(1), Code::OutOfRange));
    assert_eq!(screen.refusal(seek(2, 0)), (PlayId(2), Code::NoSuchPlay));
    assert!(screen.ask(seek(1, 1_000_000)).is_empty());
    let switch = SwitchRendition { play: PlayId(1), epoch: PlayEpoch(1), rendition: RenditionLabel(240), from: None };
    assert_eq!(screen.refusal(switch.clone()), (PlayId(1), Code::NoSuchRendition));
    assert_eq!(screen.refusal(SwitchRendition { play: PlayId(2), ..switch.clone() }), (PlayId(2), Code::NoSuchPlay));
    let there = SwitchRendition { rendition: RenditionLabel(272), ..switch.clone() };
    assert!(screen.ask(there).is_empty());
    let late = SwitchRendition { epoch: PlayEpoch(0), ..switch };
    assert!(screen.ask(late).is_empty(), "it crossed a seek: dropped, as all of an old epoch is");
}

#[test]
fn bad_input_49_a_file_that_was_changed_ends_its_play_only() {
    let mut screen = Screen::new();
    for play in [1, 2] {
        screen.started(play, "wide");
        screen.ask(credit(play, 0));
        screen.plays.next_outputs();
    }
    let ReadJob { play, batch } = screen.plays.reads().next().unwrap();
    let outputs = screen.plays.take_read(ReadResult { play, batch, data: Err(ReadError::FileChanged) });
    assert!(matches!(&outputs[0], PlayOutput::Media(Message::StreamEnd(end)) if end.reason == EndReason::FileChanged));
    assert_eq!(ended(&outputs), [(play, EndReason::FileChanged)]);
    let rest = screen.run();
    assert!(rest.iter().filter_map(packet_of).all(|other| other != play));
    assert!(!screen.plays.is_empty(), "the other one goes on");
}

#[test]
fn all_end_with_the_link() {
    let mut screen = Screen::new();
    screen.started(1, "wide");
    screen.started(2, "unaligned");
    assert_eq!(
        ended(&screen.plays.end_all(EndReason::Lost)),
        [(PlayId(1), EndReason::Lost), (PlayId(2), EndReason::Lost)]
    );
    assert!(screen.plays.is_empty());
}
