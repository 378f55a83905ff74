use std::time::Instant;

use super::*;
use crate::{client::command::SeekTarget, video::report::Media};

pub(in crate::client::session) fn request(end: Option<MediaTime>) -> PlayRequest {
    PlayRequest {
        title: "mandelbrot".to_owned(),
        mode: crate::types::PlayMode::Auto,
        max: None,
        start: None,
        end,
        full_speed: true,
        checksum: false,
        display: None,
        sound: false,
        subtitles: None,
        id: None,
    }
}

/// A play that the hub has started, and its number.
fn started(end: Option<MediaTime>) -> (MemberPlays, PlayId, Outputs) {
    let mut plays = MemberPlays::default();
    let (id, outputs) = begun(&mut plays, request(end));
    let started = outputs.iter().position(|output| matches!(output, Output::StartPlayer(..))).unwrap();
    (plays, id, outputs.into_iter().skip(started).collect())
}

/// Has the hub start a play of a title of 12 s; its number, and all that came of it.
pub(in crate::client::session) fn begun(plays: &mut MemberPlays, request: PlayRequest) -> (PlayId, Outputs) {
    begun_where(plays, request, false)
}

/// The same where it can be heard, or not.
pub(super) fn begun_where(plays: &mut MemberPlays, request: PlayRequest, can_be_heard: bool) -> (PlayId, Outputs) {
    let outputs = plays.request(Command::Play(request), None, Instant::now());
    let Some(Output::ChooseDisplay(id, _)) = outputs.first() else { panic!("{outputs:?}") };
    let id = *id;
    plays.can_be_heard(id, can_be_heard);
    let mut outputs = plays.display_chosen(id, Ok(Choice { kind: DisplayKind::None, why: None }));
    let hub = message::PlayStarted {
        play: id,
        title: "mandelbrot".into(),
        duration: MediaTime(12_000_000),
        ladder: Vec::new(),
        languages: Vec::new(),
    };
    outputs.extend(plays.message(hub.into(), Instant::now()));
    (id, outputs)
}

/// A rendition of a play begins at this time, in its first epoch.
pub(in crate::client::session) fn info(play: PlayId, label: u32, from: MediaTime) -> StreamInfo {
    StreamInfo {
        play,
        epoch: PlayEpoch(0),
        rendition: crate::types::RenditionLabel(label),
        width: label * 16 / 9,
        height: label,
        codec: crate::types::Codec::H264,
        extradata: Vec::new().into(),
        show_from: from,
        show_until: None,
        frame_duration: MediaTime(40_000),
        rotation: 0,
        pixel_width: 0,
        pixel_height: 0,
    }
}

/// The end of a play of which one frame was shown.
pub(in crate::client::session) fn ended(reason: EndReason) -> Report {
    let frames_by_height = BTreeMap::new();
    let (frames, shown, dropped, stalls, corrupt) = (1, 1, 0, 0, 0);
    Report::Ended(Summary { reason, frames, shown, dropped, stalls, corrupt, frames_by_height, sha256: None })
}

fn sent(outputs: &[Output]) -> Vec<&Message> {
    outputs.iter().filter_map(|output| if let Output::Send(message) = output { Some(message) } else { None }).collect()
}

fn error(outputs: &[Output]) -> Option<(Code, Option<CommandName>)> {
    outputs.iter().find_map(|output| match output {
        Output::Event(Event::Error(failure), _) => Some((failure.code, failure.command)),
        _ => None,
    })
}

#[test]
fn a_play_that_starts_gets_credit() {
    let (_, _, outputs) = started(None);
    assert!(matches!(outputs[0], Output::StartPlayer(..)), "{outputs:?}");
    assert!(matches!(sent(&outputs)[..], [Message::Credit(_)]), "{outputs:?}");
}

#[test]
fn bad_input_52_the_hub_is_told_of_a_play_that_cannot_be_shown() {
    let (mut plays, id, _) = started(None);
    let outputs = plays.failed(id, failure(Code::DisplayUnavailable, "no player"));
    assert_eq!(error(&outputs), Some((Code::DisplayUnavailable, Some(CommandName::Play))));
    assert_eq!(sent(&outputs), [&Stop { play: id }.into()], "or it counts for the limit");
    assert!(plays.is_empty());
}

#[test]
fn a_play_that_the_hub_never_heard_of_is_not_stopped_there() {
    let mut plays = MemberPlays::default();
    let outputs = plays.request(Command::Play(request(None)), None, Instant::now());
    let Some(Output::ChooseDisplay(id, _)) = outputs.first() else { panic!("{outputs:?}") };
    assert!(
        sent(&plays.display_chosen(*id, Err(NoDisplay::NoTerminal(crate::video::render::NoTerminal::Script))))
            .is_empty()
    );
}

#[test]
fn bad_input_51_a_seek_beyond_the_end_that_was_asked_for_fails_alone() {
    let (mut plays, id, _) = started(Some(MediaTime(5_000_000)));
    for (to, in_range) in [(-1, false), (5_000_000, false), (7_000_000, false), (4_999_999, true), (0, true)] {
        let command = Command::Seek { target: SeekTarget::To(MediaTime(to)), play: None };
        let outputs = plays.request(command, None, Instant::now());
        let expected = (!in_range).then_some((Code::OutOfRange, Some(CommandName::Seek)));
        assert_eq!(error(&outputs), expected, "{to}");
        assert_eq!(sent(&outputs).len(), if in_range { 2 } else { 0 }, "a seek and credit for its epoch: {to}");
    }
    assert!(plays.plays.contains_key(&id), "the play goes on");
}

#[test]
fn a_play_is_stopped_before_it_began_and_others_are_answered_when_it_ends() {
    let mut plays = MemberPlays::default();
    plays.request(Command::Play(request(None)), None, Instant::now());
    let early = Command::Pause { play: None };
    assert_eq!(error(&plays.request(early, None, Instant::now())), Some((Code::TryLater, Some(CommandName::Pause))));
    let outputs = plays.request(Command::Stop { play: None }, None, Instant::now());
    assert_eq!(error(&outputs), Some((Code::NoSuchPlay, Some(CommandName::Play))));
    assert!(matches!(outputs.last(), Some(Output::Event(Event::Ok { command: CommandName::Stop }, None))));
    assert!(plays.is_empty());

    let (mut plays, id, _) = started(None);
    plays.reported(id, Report::FirstFrame, Instant::now());
    let outputs = plays.request(Command::Stop { play: None }, None, Instant::now());
    assert!(matches!(outputs[..], [Output::Player(_, Input::Stop)]), "{outputs:?}");
    let outputs = plays.reported(id, ended(EndReason::Stopped), Instant::now());
    let events: Vec<_> = outputs.iter().filter(|output| matches!(output, Output::Event(..))).collect();
    assert!(
        matches!(
            events[..],
            [Output::Event(Event::PlayEnded(_), _), Output::Event(Event::Ok { command: CommandName::Stop }, _)]
        ),
        "{events:?}"
    );
}

#[test]
fn a_seek_by_some_seconds_counts_from_the_frame_that_is_shown() {
    let (mut plays, id, _) = started(None);
    let label = crate::types::RenditionLabel(240);
    let shown = Report::Rendition { epoch: PlayEpoch(0), label, width: 426, height: 240, from: MediaTime::ZERO };
    plays.reported(id, shown, Instant::now());
    let consumed = Report::Consumed { epoch: PlayEpoch(0), media: Media::Pictures, bytes: 1, at: MediaTime(8_000_000) };
    plays.reported(id, consumed, Instant::now());
    let by = Command::Seek { target: SeekTarget::By(MediaTime(-2_000_000)), play: None };
    let outputs = plays.request(by, None, Instant::now());
    assert!(
        sent(&outputs).iter().any(|message| matches!(message, Message::Seek(seek) if seek.to == MediaTime(6_000_000)))
    );
}

/// What a hub can send of a play without any credit.
fn creditless(play: PlayId) -> [Message; 6] {
    let (epoch, at) = (PlayEpoch(0), MediaTime::ZERO);
    let label = crate::types::RenditionLabel(240);
    let codec = crate::types::Codec::H264;
    let info = StreamInfo { extradata: vec![0; 60_000].into(), ..info(play, 240, at) };
    let sound = message::SoundInfo {
        play,
        epoch,
        codec,
        sample_rate: 48_000,
        channels: 2,
        extradata: vec![0; 60_000].into(),
        hear_from: at,
        hear_until: MediaTime(12_000_000),
    };
    let empty = message::Sound { play, epoch, seq: 0, pts: at, duration: at, data: Vec::new().into() };
    let picture = Packet {
        play,
        epoch,
        seq: 0,
        part: 0,
        last: true,
        rendition: label,
        pts: at,
        dts: at,
        duration: at,
        flags: Packet::LAST_PICTURE,
        data: Vec::new().into(),
    };
    let end = message::StreamEnd { play, epoch, reason: EndReason::Finished };
    let cut = message::StreamCut { play, epoch, show_until: at };
    [info.into(), sound.into(), empty.into(), picture.into(), end.into(), cut.into()]
}

/// The next one of a kind that counts.
fn numbered(message: &Message, number: u32) -> Message {
    match message.clone() {
        Message::Packet(packet) => Packet { seq: number, ..packet }.into(),
        Message::Sound(sound) => message::Sound { seq: number, ..sound }.into(),
        other => other,
    }
}

#[test]
fn bad_input_63_a_hub_that_needs_no_credit_cannot_pile_up_what_a_player_does_not_take() {
    for kind in 0..creditless(PlayId(1)).len() {
        let (mut plays, id) = audible();
        plays.message(creditless(id)[1].clone(), Instant::now());
        let message = &creditless(id)[kind];
        let (mut waiting, mut ended) = (0, None);
        for number in 0..1_000_000 {
            let outputs = plays.message(numbered(message, number), Instant::now());
            let inputs = outputs.iter().filter_map(|output| match output {
                Output::Player(_, input) => Some(input),
                _ => None,
            });
            waiting += inputs.map(Input::size).sum::<u64>();
            if let Some(code) = told(&outputs) {
                ended = Some((code, outputs));
                break;
            }
        }
        let (code, outputs) = ended.unwrap_or_else(|| panic!("without end: {message:?}"));
        assert_eq!(code, Code::Unplayable);
        assert!(
            matches!(outputs.last(), Some(Output::Player(_, Input::End { reason: EndReason::Unplayable }))),
            "{message:?}"
        );
        assert!(waiting <= crate::types::limits::MAX_UNTAKEN + 200_000, "{waiting} bytes of {message:?}");
        assert!(plays.message(message.clone(), Instant::now()).is_empty(), "nothing more of it: {message:?}");
    }
}

#[test]
fn what_a_player_has_taken_counts_no_more() {
    let (mut plays, id) = audible();
    let info = &creditless(id)[0];
    for _ in 0..10_000 {
        assert_eq!(told(&plays.message(info.clone(), Instant::now())), None, "600 MB in all, and none of it waits");
        plays.reported(id, Report::Stalled { lasted: std::time::Duration::ZERO }, Instant::now());
    }
}

/// A play with sound at normal speed that the hub has started.
fn audible() -> (MemberPlays, PlayId) {
    let mut plays = MemberPlays::default();
    let asked = PlayRequest { full_speed: false, sound: true, ..request(None) };
    let (id, _) = begun_where(&mut plays, asked, true);
    (plays, id)
}

/// The code of the notice among them.
fn told(outputs: &[Output]) -> Option<Code> {
    outputs.iter().find_map(|output| match output {
        Output::Event(Event::Notice { code, .. }, _) => Some(*code),
        _ => None,
    })
}
