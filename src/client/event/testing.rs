//! One example of every event, and the check that what is written keeps to the schema.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use super::{
    ByeReason, DisplayKind, EVENTS_SCHEMA, Event, Failure, MemberEntry, PlayEnd, Receiver, RenditionEntry, Stamped,
    TitleEntry,
};
use crate::{
    client::command::{CommandName, Syntax},
    types::{
        Code, Codec, EndReason, ExitCode, Fingerprint, LeaveReason, MediaTime, MemberName, MessageId, RelayMode,
        RenditionLabel,
    },
};

pub(crate) fn name(text: &str) -> MemberName {
    text.parse().unwrap()
}

pub(crate) fn member(text: &str) -> MemberEntry {
    MemberEntry { name: name(text), fingerprint: Fingerprint([0x3f; 32]), guest: false }
}

pub(crate) fn post(number: u8) -> MessageId {
    MessageId([number; 16])
}

pub(crate) fn message(from: &str, text: &str) -> Event {
    Event::Message {
        id: post(9),
        from: name(from),
        fingerprint: Fingerprint([0x3f; 32]),
        text: text.to_owned(),
        to_all: false,
        verified: false,
        key_changed: false,
        time: 1_767_225_600_000,
    }
}

pub(crate) fn title(text: &str) -> TitleEntry {
    let rendition = |label, width, height| RenditionEntry {
        label: RenditionLabel(label),
        width,
        height,
        bitrate: 900_000,
        codec: Codec::H264,
    };
    TitleEntry {
        title: text.to_owned(),
        duration: MediaTime(12_000_000),
        compat: false,
        renditions: vec![rendition(240, 426, 240), rendition(720, 1280, 720)],
        missing: vec![RenditionLabel(1080)],
        subtitles: vec!["de".to_owned(), "pt-BR".to_owned()],
        unplayable: None,
    }
}

pub(crate) fn play_end(id: &str) -> PlayEnd {
    PlayEnd {
        id: id.to_owned(),
        title: "mandelbrot".to_owned(),
        reason: EndReason::Finished,
        frames: 288,
        shown: 288,
        dropped: 0,
        stalls: 0,
        frames_by_height: BTreeMap::from([(240, 96), (720, 192)]),
        sha256: Some("0f".repeat(32)),
    }
}

/// At least one of every kind, with every optional field at least once.
pub(crate) fn examples() -> Vec<Event> {
    let mut events = about_members();
    events.extend(about_posts());
    events.extend(about_plays());
    events.extend(about_the_whole());
    events
}

fn about_members() -> Vec<Event> {
    let old = Fingerprint([1; 32]);
    vec![
        Event::Welcome { name: name("alice"), fingerprint: old, guest: true, members: 2, relay: RelayMode::Broadcast },
        Event::Directory { epoch: 7, members: vec![member("alice"), member("Zoë")] },
        Event::Who { members: vec![] },
        Event::Whoami(member("alice")),
        Event::Joined(member("bob")),
        Event::Left { name: name("bob"), reason: LeaveReason::Quit },
        Event::KeyChanged { name: name("bob"), old, new: Fingerprint([2; 32]), was_verified: true, held: 2 },
        Event::SafetyNumber { name: name("bob"), digits: "12345".repeat(12), verified: false },
    ]
}

fn about_posts() -> Vec<Event> {
    vec![
        Event::Queued { id: post(1), to: Receiver::All },
        Event::Queued { id: post(1), to: Receiver::Member(name("bob")) },
        Event::Accepted { id: post(1) },
        Event::Delivered { id: post(1), by: name("bob"), remaining: 0 },
        Event::Failed { id: post(1), to: Receiver::Member(name("bob")), code: Code::Expired },
        message("bob", "meet\nat noon \u{1b}[2J"),
        Event::Gap { from: name("bob"), missing: 3 },
    ]
}

fn about_plays() -> Vec<Event> {
    let (id, at) = ("1".to_owned(), MediaTime(7_250_000));
    let unplayable = TitleEntry {
        renditions: vec![],
        missing: vec![],
        subtitles: vec![],
        unplayable: Some("no moov".to_owned()),
        ..title("broken")
    };
    let label = RenditionLabel(720);
    vec![
        Event::Videos { titles: vec![title("mandelbrot"), unplayable] },
        Event::VideosChanged {},
        Event::PlayStarted { id: id.clone(), title: "mandelbrot".to_owned(), first_frame_ms: 120 },
        Event::Display { id: id.clone(), kind: DisplayKind::None, why: "no window system".to_owned() },
        Event::Rendition { id: id.clone(), label, width: 1280, height: 720, from: MediaTime::ZERO },
        Event::Stalled { id: id.clone(), ms: 300 },
        Event::PlayPaused { id: id.clone(), at },
        Event::PlayResumed { id: id.clone(), at },
        Event::PlaySeeked { id: id.clone(), at, preview_ms: None },
        Event::PlaySeeked { id: id.clone(), at, preview_ms: Some(18) },
        Event::PlayEnded(play_end(&id)),
        Event::PlayEnded(PlayEnd { sha256: None, reason: EndReason::HubClosing, ..play_end("x") }),
    ]
}

fn about_the_whole() -> Vec<Event> {
    let failure = Failure::new(Code::RateLimited, "too many", "wait a little").of(CommandName::ExpectError);
    vec![
        Event::hello(1),
        Event::Connected { hub: "tcp://127.0.0.1:9999".to_owned() },
        Event::Help { commands: Syntax::help(Some(CommandName::Send)) },
        Event::Ok { command: CommandName::Send },
        Event::Notice { code: Code::RenditionLeftOut, text: "720p is left out".to_owned() },
        Event::Reconnecting { attempt: 3, in_ms: 8000, code: Code::Disconnected },
        Event::Error(Failure { retry_after: Some(Duration::from_millis(500)), ..failure }),
        Event::Error(Failure::new(Code::Disconnected, "lost", "")),
        Event::Bye { reason: ByeReason::of(ExitCode::Fine), exit: ExitCode::Fine },
    ]
}

/// Fails unless one line of events keeps to `docs/events.schema.json`.
pub(crate) fn assert_event(line: &str) {
    static SCHEMA: LazyLock<jsonschema::Validator> =
        LazyLock::new(|| jsonschema::validator_for(&serde_json::from_str(EVENTS_SCHEMA).unwrap()).unwrap());
    let value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
    if let Err(error) = SCHEMA.validate(&value) {
        panic!("{error} at {} in {line}", error.instance_path());
    }
}

/// The line of an event, checked against the schema.
pub(crate) fn line_of(event: &Event, reference: Option<&str>) -> String {
    let stamped = Stamped { t: 12, event: event.clone(), reference: reference.map(str::to_owned) };
    let mut line = Vec::new();
    stamped.write_line(&mut line).unwrap();
    let line = String::from_utf8(line).unwrap();
    assert_eq!(line.find('\n'), Some(line.len() - 1), "one line: {line}");
    assert_event(&line);
    line
}
