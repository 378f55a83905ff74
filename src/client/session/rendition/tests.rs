mod ended;
mod refused;
mod tour;

use super::*;
use crate::{
    client::{
        command::{Command, PlayRequest, SeekTarget},
        session::plays,
    },
    proto::{
        Message,
        message::{self, Rung},
    },
    types::{
        Codec, EndReason, PlayEpoch, PlayMode,
        limits::{CREDIT_WINDOW, MAX_PART},
    },
    video::{
        input::Input,
        render::{Choice, DisplayKind},
        report::{Media, Report},
        viewer::ViewerAction,
    },
};

const RATES: [(u32, u64); 3] = [(240, 300_000), (720, 1_500_000), (1080, 4_000_000)];

/// This one lasts 40 s.
const SHORT: u32 = 720;

/// A play of a minute on a hub that is this test, and the time.
struct Screen {
    plays: MemberPlays,
    id: PlayId,
    begun: Instant,
    now: u64,
    epoch: u32,
    seq: u32,
    /// What came out since it was looked at, but for what displays are told.
    outputs: Outputs,
    /// What displays were told last that the viewer wants.
    mode: Option<PlayMode>,
}

fn request(mode: PlayMode, full_speed: bool) -> PlayRequest {
    PlayRequest { mode, full_speed, ..plays::tests::request(None) }
}

fn fixed(label: u32) -> RenditionChoice {
    RenditionChoice::Fixed(RenditionLabel(label))
}

impl Screen {
    fn new(mode: PlayMode, full_speed: bool) -> Self {
        Self::after(MemberPlays::default(), &request(mode, full_speed))
    }

    fn after(plays: MemberPlays, request: &PlayRequest) -> Self {
        Self::begun(plays, request, false)
    }

    /// A play on a machine with a device for sound.
    fn audible(plays: MemberPlays, request: &PlayRequest) -> Self {
        Self::begun(plays, request, true)
    }

    fn begun(mut plays: MemberPlays, request: &PlayRequest, can_be_heard: bool) -> Self {
        let begun = Instant::now();
        let outputs = plays.request(Command::Play(request.clone()), None, begun);
        let id = outputs.iter().find_map(|output| match output {
            Output::ChooseDisplay(id, _) => Some(*id),
            _ => None,
        });
        let id = id.unwrap();
        plays.can_be_heard(id, can_be_heard);
        let asked = plays.display_chosen(id, Ok(Choice { kind: DisplayKind::None, why: None }));
        let mut screen = Self { plays, id, begun, now: 0, epoch: 0, seq: 0, outputs: asked, mode: None };
        let ladder = RATES
            .map(|(label, bitrate)| {
                let end = MediaTime(if label == SHORT { 40_000_000 } else { 60_000_000 });
                Rung { label: RenditionLabel(label), bitrate, peak: bitrate, end, adaptive: label != SHORT }
            })
            .into();
        let duration = MediaTime(60_000_000);
        let title = "mandelbrot".into();
        screen.hub(message::PlayStarted { play: id, title, duration, ladder, languages: Vec::new() });
        screen
    }

    fn take(&mut self, outputs: Outputs) {
        for output in outputs {
            match output {
                Output::Player(_, Input::About(about)) => self.mode = about.mode.or(self.mode),
                output => self.outputs.push(output),
            }
        }
    }

    fn hub(&mut self, message: impl Into<Message>) {
        let now = self.begun + Duration::from_millis(self.now);
        let outputs = self.plays.message(message.into(), now);
        self.take(outputs);
    }

    fn player(&mut self, report: Report) {
        let now = self.begun + Duration::from_millis(self.now);
        let outputs = self.plays.reported(self.id, report, now);
        self.take(outputs);
    }

    fn command(&mut self, command: Command, reference: &str) {
        let now = self.begun + Duration::from_millis(self.now);
        let outputs = self.plays.request(command, Some(reference.to_owned()), now);
        self.take(outputs);
    }

    fn choose(&mut self, choice: RenditionChoice, reference: &str) {
        self.command(Command::Rendition { choice, play: None }, reference);
    }

    /// A rendition begins.
    fn info(&mut self, label: u32) {
        self.info_of(label, 0);
    }

    /// A rendition begins that is shown from this time on.
    fn info_of(&mut self, label: u32, from: i64) {
        let show_until = Some(MediaTime(60_000_000));
        let info = plays::tests::info(self.id, label, MediaTime(from));
        self.hub(message::StreamInfo { epoch: PlayEpoch(self.epoch), show_until, ..info });
    }

    /// A packet of a frame comes, `after` so many milliseconds.
    fn packet(&mut self, label: u32, frame: i64, size: usize, after: u64) {
        self.now += after;
        self.long_packet(label, frame, size, MediaTime(40_000));
    }

    fn long_packet(&mut self, label: u32, frame: i64, size: usize, duration: MediaTime) {
        let pts = MediaTime(frame * 40_000);
        self.hub(message::Packet {
            play: self.id,
            epoch: PlayEpoch(self.epoch),
            seq: self.seq,
            part: 0,
            last: true,
            rendition: RenditionLabel(label),
            pts,
            dts: pts,
            duration,
            flags: u8::from(frame % 25 == 0),
            data: vec![0; size].into(),
        });
        self.seq += 1;
    }

    fn sound_info(&mut self) {
        self.hub(message::SoundInfo {
            play: self.id,
            epoch: PlayEpoch(self.epoch),
            codec: Codec::AAC,
            sample_rate: 48_000,
            channels: 2,
            extradata: vec![0x11, 0x90].into(),
            hear_from: MediaTime::ZERO,
            hear_until: MediaTime(60_000_000),
        });
    }

    /// A packet of 20 ms of sound comes.
    fn sound(&mut self, seq: u32, size: usize) {
        let (pts, duration) = (MediaTime(i64::from(seq) * 20_000), MediaTime(20_000));
        let (play, epoch, data) = (self.id, PlayEpoch(self.epoch), vec![0; size].into());
        self.hub(message::Sound { play, epoch, seq, pts, duration, data });
    }

    fn shown(&mut self, label: u32, from: i64) {
        let (width, height) = (label * 16 / 9, label);
        let (epoch, label, from) = (PlayEpoch(self.epoch), RenditionLabel(label), MediaTime(from));
        self.player(Report::Rendition { epoch, label, width, height, from });
    }

    fn consumed(&mut self, bytes: u64, at: i64) {
        let (epoch, media) = (PlayEpoch(self.epoch), Media::Pictures);
        self.player(Report::Consumed { epoch, media, bytes, at: MediaTime(at) });
    }

    /// What the hub was asked to go on in since this was called last.
    fn switches(&mut self) -> Vec<(u32, u32, Option<i64>)> {
        let outputs = std::mem::take(&mut self.outputs);
        let switch = |output: &Output| match output {
            Output::Send(Message::SwitchRendition(switch)) => {
                Some((switch.epoch.0, switch.rendition.0, switch.from.map(|from| from.0)))
            }
            _ => None,
        };
        outputs.iter().filter_map(switch).collect()
    }

    /// Answers and events since this was called last, with whom they answer.
    fn told(&mut self) -> Vec<(String, Option<String>)> {
        let outputs = std::mem::take(&mut self.outputs);
        let name = |event: &Event| match event {
            Event::Rendition { label, .. } => Some(format!("rendition {label}")),
            Event::Ok { command } => Some(format!("ok {command}")),
            Event::Error(failure) => Some(format!("error {}", failure.code)),
            _ => None,
        };
        let told = outputs.iter().filter_map(|output| match output {
            Output::Event(event, reference) => Some((name(event)?, reference.clone())),
            _ => None,
        });
        told.collect()
    }

    /// Bytes granted by the last credit of those that came out since this was called last.
    fn granted(&mut self) -> Option<u64> {
        let outputs = std::mem::take(&mut self.outputs);
        let credit = |output: &Output| match output {
            Output::Send(Message::Credit(credit)) => Some(credit.offset),
            _ => None,
        };
        outputs.iter().filter_map(credit).next_back()
    }
}

fn told(event: &str, reference: Option<&str>) -> (String, Option<String>) {
    (event.to_owned(), reference.map(str::to_owned))
}

/// A play in 240p whose first frame is shown.
fn playing(mode: PlayMode, full_speed: bool) -> Screen {
    let mut screen = Screen::new(mode, full_speed);
    screen.info(240);
    screen.packet(240, 0, 1_000, 10);
    screen.shown(240, 0);
    screen.player(Report::FirstFrame);
    screen.outputs.clear();
    screen
}

#[test]
fn a_rendition_that_is_asked_for_is_answered_when_it_is_shown() {
    let mut screen = playing(PlayMode::Auto, false);
    screen.choose(fixed(720), "a");
    assert_eq!(screen.switches(), [(0, 720, Some(1_000_000))]);
    screen.info(720);
    assert!(screen.told().is_empty(), "not shown yet");
    screen.shown(720, 2_000_000);
    assert_eq!(screen.told(), [told("rendition 720p", Some("a")), told("ok rendition", Some("a"))]);
    screen.choose(fixed(720), "b");
    assert_eq!(screen.told(), [told("rendition 720p", Some("b")), told("ok rendition", Some("b"))], "it is there");
}

#[test]
fn of_several_the_last_one_is_carried_out_and_all_are_answered() {
    let mut screen = playing(PlayMode::Tour, false);
    screen.choose(fixed(720), "a");
    screen.choose(fixed(1080), "b");
    assert_eq!(screen.switches(), [(0, 720, Some(1_000_000))], "one at a time");
    screen.info(720);
    screen.packet(720, 1, 1_000, 10);
    assert_eq!(screen.switches(), [(0, 1080, Some(1_000_000))]);
    screen.shown(720, 0);
    assert_eq!(screen.told(), [told("rendition 720p", None)]);
    screen.info(1080);
    screen.shown(1080, 1_000_000);
    let all = ["rendition 1080p", "ok rendition", "ok rendition"];
    let references = [Some("a"), Some("a"), Some("b")];
    assert_eq!(screen.told(), all.into_iter().zip(references).map(|(event, to)| told(event, to)).collect::<Vec<_>>());
}

#[test]
fn a_rendition_that_is_not_there_or_comes_too_late_is_an_error_and_the_play_goes_on() {
    let mut screen = playing(PlayMode::Auto, false);
    screen.choose(fixed(480), "a");
    assert_eq!(screen.told(), [told("error no_such_rendition", Some("a"))]);
    screen.choose(fixed(720), "b");
    screen.outputs.clear();
    let text = "720p has no keyframe between here and the end".into();
    screen.hub(PlayRefused { play: screen.id, code: Code::NoSuchRendition, text });
    assert!(!screen.outputs.iter().any(|output| matches!(output, Output::Player(..))), "it is not stopped");
    assert_eq!(screen.told(), [told("error no_such_rendition", Some("b"))]);
    let steering = &screen.plays.plays[&screen.id].steering;
    assert_eq!((steering.helm, steering.wanted), (Helm::Auto, None), "as before");
}

#[test]
fn a_switch_that_the_hub_takes_later_is_an_error_that_says_so_and_the_play_goes_on() {
    let mut screen = playing(PlayMode::Auto, false);
    screen.choose(fixed(720), "a");
    screen.outputs.clear();
    let text = "32 changes of rendition are still to be sent".into();
    screen.hub(PlayRefused { play: screen.id, code: Code::TryLater, text });
    assert!(!screen.outputs.iter().any(|output| matches!(output, Output::Player(..))), "it is not stopped");
    assert_eq!(screen.told(), [told("error try_later", Some("a"))]);
    let steering = &screen.plays.plays[&screen.id].steering;
    assert_eq!((steering.helm, steering.wanted), (Helm::Auto, None), "as before");
}

#[test]
fn in_a_pause_and_for_auto_it_is_answered_at_once() {
    let mut screen = playing(PlayMode::Auto, false);
    screen.player(Report::Paused { at: MediaTime::ZERO });
    screen.outputs.clear();
    screen.choose(fixed(720), "a");
    assert_eq!(screen.told(), [told("rendition 240p", Some("a")), told("ok rendition", Some("a"))]);
    screen.choose(RenditionChoice::Auto, "b");
    assert_eq!(screen.told(), [told("rendition 240p", Some("b")), told("ok rendition", Some("b"))]);
    assert_eq!(screen.plays.plays[&screen.id].steering.helm, Helm::Auto);
}

#[test]
fn the_end_of_a_play_overtakes_a_rendition_that_was_asked_for() {
    let mut screen = playing(PlayMode::Auto, false);
    screen.choose(fixed(720), "a");
    screen.outputs.clear();
    screen.player(plays::tests::ended(EndReason::Finished));
    assert_eq!(screen.told(), [told("error no_such_play", Some("a"))]);
}

#[test]
fn a_seek_leaves_the_rendition_that_was_asked_for() {
    let mut screen = playing(PlayMode::Auto, false);
    screen.choose(fixed(720), "a");
    screen.command(Command::Seek { target: SeekTarget::To(MediaTime(30_000_000)), play: None }, "s");
    screen.switches();
    // What was under way from before the seek is dropped, packets, cuts and renditions alike.
    let cut = |epoch| message::StreamCut { play: screen.id, epoch: PlayEpoch(epoch), show_until: MediaTime(1) };
    let (late, current) = (cut(0), cut(1));
    screen.info(720);
    screen.packet(720, 0, 1_000, 10);
    screen.hub(late);
    assert!(!screen.outputs.iter().any(|output| matches!(output, Output::Player(..))), "{:?}", screen.outputs);
    screen.hub(current);
    assert!(matches!(screen.outputs[..], [Output::Player(_, Input::Cut { until: MediaTime(1) })]));
    screen.outputs.clear();
    (screen.epoch, screen.seq) = (1, 0);
    screen.info(720);
    screen.player(Report::Seeked { epoch: PlayEpoch(1), at: MediaTime(30_000_000), preview: None });
    assert!(screen.switches().is_empty(), "the hub did it before it sought");
    screen.shown(720, 30_000_000);
    assert_eq!(screen.told(), [told("rendition 720p", Some("a")), told("ok rendition", Some("a"))]);
}

#[test]
fn the_viewers_key_goes_up_and_behind_the_highest_to_auto() {
    let mut screen = playing(PlayMode::Auto, false);
    for (label, helm) in [(240, Helm::Held), (720, Helm::Held), (1080, Helm::Held), (1080, Helm::Auto)] {
        screen.player(Report::Asked(ViewerAction::NextRendition));
        let switches = screen.switches();
        assert_eq!(screen.plays.plays[&screen.id].steering.helm, helm, "{label}");
        if helm == Helm::Held {
            assert_eq!(switches.len(), usize::from(label != 240), "{label}: {switches:?}");
            screen.info(label);
            screen.shown(label, 0);
        }
    }
}

#[test]
fn displays_are_told_what_is_wanted_before_it_is_shown_in_a_pause_too() {
    let mut screen = playing(PlayMode::Auto, false);
    assert_eq!(screen.mode, Some(PlayMode::Auto));
    screen.player(Report::Paused { at: MediaTime::ZERO });
    for label in [240, 720, 1080] {
        screen.player(Report::Asked(ViewerAction::NextRendition));
        assert_eq!(screen.mode, Some(PlayMode::Fixed(RenditionLabel(label))));
    }
    screen.player(Report::Asked(ViewerAction::NextRendition));
    assert_eq!(screen.mode, Some(PlayMode::Auto));
    let tour = playing(PlayMode::Tour, false);
    assert_eq!(tour.mode, Some(PlayMode::Tour));
}

#[test]
fn a_seek_beyond_the_end_of_a_short_rendition_is_refused_and_a_jump_ends_before_it() {
    let mut screen = playing(PlayMode::Fixed(RenditionLabel(SHORT)), false);
    screen.info(SHORT);
    screen.shown(SHORT, 0);
    screen.outputs.clear();
    screen.command(Command::Seek { target: SeekTarget::To(MediaTime(50_000_000)), play: None }, "a");
    let hint = screen.outputs.iter().find_map(|output| match output {
        Output::Event(Event::Error(failure), _) if failure.code == Code::OutOfRange => failure.hint.clone(),
        _ => None,
    });
    assert_eq!(hint.unwrap(), "it ends at 40.000 s in this rendition; `rendition auto` goes on in the others");
    let sought = |screen: &Screen| {
        screen.outputs.iter().find_map(|output| match output {
            Output::Send(Message::Seek(seek)) => Some(seek.to),
            _ => None,
        })
    };
    assert_eq!(sought(&screen), None);
    screen.player(Report::Asked(ViewerAction::SeekBy(MediaTime(50_000_000))));
    assert_eq!(sought(&screen), Some(MediaTime(39_000_000)));
    screen.outputs.clear();
    screen.choose(RenditionChoice::Auto, "b");
    screen.command(Command::Seek { target: SeekTarget::To(MediaTime(50_000_000)), play: None }, "c");
    assert_eq!(sought(&screen), Some(MediaTime(50_000_000)), "others last longer");
    assert_eq!(screen.switches(), [(1, 240, None)], "which the hub is told before, so that it seeks in one of them");
}

#[test]
fn on_a_quick_link_auto_rises_and_the_next_title_goes_there_from_its_first_frame() {
    let mut screen = playing(PlayMode::Auto, false);
    // 1.5 s of 240p at 10 Mb/s.
    for frame in 1..150 {
        screen.packet(240, frame, 1_500, if frame % 5 == 0 { 6 } else { 0 });
        screen.consumed(1_500, 0);
    }
    assert_eq!(screen.switches(), [(0, 1080, Some(2_000_000))], "seen at once, and not behind what waits");
    screen.info(1080);
    screen.player(plays::tests::ended(EndReason::Stopped));
    let mut next = Screen::after(screen.plays, &request(PlayMode::Auto, false));
    next.info(240);
    next.packet(240, 0, 1_500, 1);
    assert!(next.switches().is_empty(), "low, for a quick first frame");
    next.shown(240, 0);
    assert_eq!(next.switches(), [(0, 1080, Some(2_000_000))], "10 Mb/s are remembered");
}

#[test]
fn what_the_viewer_chose_and_what_has_no_pace_is_left_alone() {
    for (mode, full_speed) in
        [(PlayMode::Fixed(RenditionLabel(240)), false), (PlayMode::Tour, false), (PlayMode::Auto, true)]
    {
        let mut screen = playing(mode, full_speed);
        for frame in 1..150 {
            screen.packet(240, frame, 1_500, 1);
            screen.consumed(1_500, 0);
        }
        assert!(screen.switches().is_empty(), "{mode:?}");
    }
}

#[test]
fn credit_follows_what_waits_and_a_packet_of_any_size_arrives() {
    let mut screen = playing(PlayMode::Fixed(RenditionLabel(240)), false);
    let mut frame = 1;
    // Nothing is shown: it stops by itself once 16 s wait.
    let mut granted = 128 * 1024;
    while u64::from(screen.seq) * 1_500 + 1_500 < granted {
        screen.packet(240, frame, 1_500, 1);
        frame += 1;
        granted = screen.granted().unwrap_or(granted);
        assert!(frame < 1_000, "it never stops");
    }
    assert!((400..460).contains(&frame), "{frame} frames are 16 s and a rest");
    // The picture goes on by a second, and more is asked for.
    let seq = u64::from(screen.seq);
    screen.consumed(seq * 1_500 - 3_000, 4_000_000);
    assert!(screen.granted().is_some());
    // At full speed bytes alone count.
    let mut quick = Screen::new(PlayMode::Auto, true);
    assert_eq!(quick.granted(), Some(CREDIT_WINDOW));
}

#[test]
fn a_player_that_has_taken_all_is_given_more_whatever_times_the_packets_bear() {
    let mut screen = playing(PlayMode::Fixed(RenditionLabel(240)), false);
    let mut granted = 0;
    for number in 1..100 {
        // Each frame an hour after the one before.
        screen.packet(240, number * 90_000, 30_000, 1);
        screen.consumed(if number == 1 { 31_000 } else { 30_000 }, 0);
        granted = screen.granted().unwrap_or(granted);
    }
    assert!(granted > 99 * 30_000, "{granted}");
}

#[test]
fn sound_that_waits_does_not_hold_up_the_pictures_that_a_decoder_needs() {
    let mut request = request(PlayMode::Fixed(RenditionLabel(240)), false);
    request.sound = true;
    let mut screen = Screen::audible(MemberPlays::default(), &request);
    screen.info(240);
    screen.sound_info();
    let mut granted = screen.granted().unwrap();
    // The first frame lasts 20 s; the decoder took it and shows nothing before it has the next ones, so no sound is
    // taken either.
    screen.long_packet(240, 0, 1_000, MediaTime(20_000_000));
    screen.consumed(1_000, 0);
    let mut received = 1_000;
    for number in 0..1_000 {
        screen.sound(number, 400);
        received += 400;
        granted = screen.granted().unwrap_or(granted);
        assert!(granted >= received + MAX_PART as u64, "nothing follows {received} of {granted}");
    }
    // Once pictures wait as well, enough is enough.
    screen.long_packet(240, 500, 1_000, MediaTime(40_000));
    screen.granted();
    screen.sound(1_000, 400);
    assert_eq!(screen.granted(), None);
}

#[test]
fn the_player_is_told_of_the_last_picture_behind_its_packet() {
    let mut screen = playing(PlayMode::Auto, false);
    let (play, epoch, rendition, at) = (screen.id, PlayEpoch(0), RenditionLabel(240), MediaTime(40_000));
    let flags = message::Packet::LAST_PICTURE;
    let part = |part, last| message::Packet {
        play,
        epoch,
        seq: 1,
        part,
        last,
        rendition,
        pts: at,
        dts: at,
        duration: at,
        flags,
        data: vec![0; 10].into(),
    };
    screen.hub(part(0, false));
    assert!(!screen.outputs.iter().any(|output| matches!(output, Output::Player(..))), "it is not whole");
    screen.hub(part(1, true));
    let inputs: Vec<_> = screen.outputs.iter().filter(|output| matches!(output, Output::Player(..))).collect();
    assert!(
        matches!(inputs[..], [Output::Player(_, Input::Packet(_)), Output::Player(_, Input::LastPicture)]),
        "{inputs:?}"
    );
}

#[test]
fn what_a_player_tells_of_before_a_seek_does_not_move_the_place_it_leads_to() {
    let label = RenditionLabel(720);
    let (epoch, at) = (PlayEpoch(0), MediaTime(1_000_000));
    for late in [
        Report::Paused { at },
        Report::Resumed { at },
        Report::Rendition { epoch, label, width: 1280, height: 720, from: at },
        Report::Consumed { epoch, media: Media::Pictures, bytes: 1, at },
    ] {
        let mut screen = playing(PlayMode::Fixed(RenditionLabel(240)), false);
        screen.command(Command::Seek { target: SeekTarget::To(MediaTime(30_000_000)), play: None }, "s");
        screen.player(late.clone());
        screen.player(Report::Consumed { epoch: PlayEpoch(1), media: Media::Pictures, bytes: 1, at });
        assert_eq!(screen.plays.plays[&screen.id].at, MediaTime(30_000_000), "{late:?}");
        screen.player(Report::Seeked { epoch: PlayEpoch(1), at: MediaTime(30_000_000), preview: None });
        screen.player(Report::Paused { at: MediaTime(30_040_000) });
        assert_eq!(screen.plays.plays[&screen.id].at, MediaTime(30_040_000));
    }
}

#[test]
fn sound_that_comes_is_no_silence_of_the_link() {
    let mut request = request(PlayMode::Fixed(RenditionLabel(240)), false);
    request.sound = true;
    let mut screen = Screen::audible(MemberPlays::default(), &request);
    screen.info(240);
    screen.sound_info();
    screen.packet(240, 0, 1_000, 0);
    screen.consumed(1_000, 0);
    // 10 kB of sound every 10 ms are 8 Mb/s, and no picture among it.
    for seq in 0..200 {
        screen.now += 10;
        screen.sound(seq, 10_000);
        screen.player(Report::Consumed { epoch: PlayEpoch(0), media: Media::Sound, bytes: 10_000, at: MediaTime(0) });
    }
    let now = Duration::from_millis(screen.now);
    let throughput = screen.plays.plays[&screen.id].steering.throughput(now);
    assert!(throughput.is_some_and(|rate| (7_000_000..9_000_000).contains(&rate)), "{throughput:?}");
}
