//! Events in words. Everything that others chose is escaped, and nothing of it can look like a line of ours: each
//! further line of a message stands behind `  | `.

use std::fmt::Write as _;

use super::Paint;
use crate::{
    client::{
        command::CommandName,
        event::{DisplayKind, Event, Failure, HelpEntry, MemberEntry, PlayEnd, RenditionEntry, TitleEntry},
    },
    types::{Code, EndReason, Fingerprint, LeaveReason, MemberName, Printable, RelayMode},
};

/// What a person is told about an event, without a final line end; nothing when it needs no words.
#[must_use]
pub fn describe(event: &Event, paint: Paint) -> Option<String> {
    let aside = |text: String| Some(paint.aside(format_args!("* {text}")));
    match event {
        Event::Message { from, text, to_all, verified, key_changed, .. } => {
            let marks = [(*to_all, " to all"), (*verified, ", verified"), (*key_changed, ", NEW KEY")];
            let marks: String = marks.iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| *mark).collect();
            Some(message(from, &marks, text, paint))
        }
        Event::Error(failure) => Some(failure_text(failure, paint)),
        Event::Failed { to, code, .. } => {
            Some(paint.error(format_args!("! not delivered to {to}: {}", code_words(*code))))
        }
        Event::Connected { hub } => aside(format!("connected to {}", Printable(hub))),
        Event::Welcome { name, guest, relay, .. } => aside(welcome(name, *guest, *relay)),
        Event::Directory { members, .. } => Some(directory(members)),
        Event::Who { members } => aside(here(members)),
        Event::Whoami(entry) => aside(format!("you are {}, key {}", called(entry), grouped(&entry.fingerprint))),
        Event::Help { commands } => Some(help(commands, "")),
        Event::Joined(entry) => aside(format!("{} is here", called(entry))),
        Event::Left { name, reason } => aside(left(name, *reason)),
        Event::Delivered { by, remaining: 0, .. } => aside(format!("delivered to {by}")),
        Event::Videos { titles } => Some(videos(titles)),
        Event::VideosChanged {} => aside("the videos on the hub have changed".to_owned()),
        Event::PlayStarted { .. }
        | Event::Display { .. }
        | Event::Rendition { .. }
        | Event::Stalled { .. }
        | Event::PlayPaused { .. }
        | Event::PlayResumed { .. }
        | Event::PlaySeeked { .. }
        | Event::PlayEnded(_) => about_play(event).and_then(aside),
        Event::KeyChanged { name, was_verified, held, .. } => {
            Some(paint.error(key_changed(name, *was_verified, *held)))
        }
        Event::Gap { from, missing } => aside(format!("{missing} messages of {from} never came")),
        Event::SafetyNumber { name, digits, verified } => aside(safety_number(name, digits, *verified)),
        Event::Notice { text, .. } => aside(Printable(text).to_string()),
        Event::Reconnecting { attempt, in_ms, .. } => aside(format!(
            "Connection lost. Retry {attempt} in {} s. What you write is kept and sent later.",
            in_ms / 1000
        )),
        Event::Ok { command: CommandName::Trust } => aside("the key is trusted; what was held is sent".to_owned()),
        Event::Ok { command: CommandName::Block } => aside("blocked: nothing more of them is shown".to_owned()),
        Event::Ok { command: CommandName::Unblock } => aside("what they write from now on is shown".to_owned()),
        Event::Hello { .. }
        | Event::Ok { .. }
        | Event::Queued { .. }
        | Event::Accepted { .. }
        | Event::Delivered { .. }
        | Event::Bye { .. } => None,
    }
}

/// What failed, and below it what to do.
pub(super) fn failure_text(failure: &Failure, paint: Paint) -> String {
    let mut lines = failure.message.split('\n').map(Printable);
    let mut text = String::new();
    if let Some(first) = lines.next() {
        text = paint.error(format_args!("! {first}"));
    }
    for line in lines {
        let _ = write!(text, "\n  | {line}");
    }
    if let Some(hint) = &failure.hint {
        let _ = write!(text, "\n  {}", Printable(hint));
    }
    text
}

fn message(from: &MemberName, marks: &str, text: &str, paint: Paint) -> String {
    let mut lines = text.split('\n').map(|line| Printable(line.strip_suffix('\r').unwrap_or(line)));
    let mut shown = paint.name(format_args!("<{from}{marks}>"));
    if let Some(first) = lines.next() {
        let _ = write!(shown, " {first}");
    }
    lines.for_each(|line| {
        let _ = write!(shown, "\n  | {line}");
    });
    shown
}

fn welcome(name: &MemberName, guest: bool, relay: RelayMode) -> String {
    let guest = if guest { ", a guest" } else { "" };
    let relay = match relay {
        RelayMode::Direct => "; this hub sees who writes to whom",
        _ => "",
    };
    format!("you are {name}{guest}{relay}")
}

/// Who is here, in one line however many they are.
pub(super) fn here(members: &[MemberEntry]) -> String {
    const SHOWN: usize = 20;
    let names: Vec<String> = members.iter().take(SHOWN).map(called).collect();
    let more = members.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} here: {}{more}", members.len(), names.join(", "))
}

fn called(entry: &MemberEntry) -> String {
    if entry.guest { format!("{} (guest)", entry.name) } else { entry.name.to_string() }
}

fn directory(members: &[MemberEntry]) -> String {
    let mut lines = vec![format!("The directory as you have it, {} in all:", members.len())];
    lines.extend(members.iter().map(|entry| format!("  {}  {}", called(entry), grouped(&entry.fingerprint))));
    lines.join("\n")
}

/// 64 digits in groups of four, so that they can be compared.
pub(super) fn grouped(fingerprint: &Fingerprint) -> String {
    let digits = fingerprint.to_string();
    let groups: Vec<&str> = (0..digits.len()).step_by(4).map(|at| &digits[at..at + 4]).collect();
    groups.join(" ")
}

fn left(name: &MemberName, reason: LeaveReason) -> String {
    match reason {
        LeaveReason::TakenOver => format!("{name} left (came in again elsewhere)"),
        reason => format!("{name} left ({reason})"),
    }
}

/// Titles with the numbers that choose them.
pub(super) fn videos(titles: &[TitleEntry]) -> String {
    if titles.is_empty() {
        return "The hub has no videos.".to_owned();
    }
    titles.iter().zip(1..).map(|(title, number)| video(title, number)).collect::<Vec<_>>().join("\n")
}

fn video(title: &TitleEntry, number: usize) -> String {
    let name = Printable(&title.title);
    if let Some(why) = &title.unplayable {
        return format!("  {number}  {name}  cannot be played: {}", Printable(why));
    }
    let labels: Vec<String> = title.renditions.iter().map(rendition).collect();
    let mut line = format!("  {number}  {name}  {}  {}", title.duration.clock(), labels.join(", "));
    if !title.missing.is_empty() {
        let missing: Vec<String> = title.missing.iter().map(ToString::to_string).collect();
        let _ = write!(line, "  (no {})", missing.join(", "));
    }
    if !title.subtitles.is_empty() {
        let _ = write!(line, "  subtitles: {}", Printable(&title.subtitles.join(", ")));
    }
    line
}

fn rendition(entry: &RenditionEntry) -> String {
    format!("{} ({}x{})", entry.label, entry.width, entry.height)
}

fn about_play(event: &Event) -> Option<String> {
    Some(match event {
        Event::PlayStarted { id, title, .. } => format!("play {id}: \"{}\"", Printable(title)),
        Event::Display { id, kind: DisplayKind::None, why } => format!("play {id} is not shown: {}", Printable(why)),
        Event::Display { id, kind: DisplayKind::Window, why } => {
            format!("play {id} is in a window: {}", Printable(why))
        }
        Event::Display { id, kind: DisplayKind::Terminal, why } => {
            format!("play {id} is in this terminal: {}", Printable(why))
        }
        Event::Rendition { id, label, width, height, from } => {
            format!("play {id}: {label} ({width}x{height}) from {}", from.clock())
        }
        Event::Stalled { id, ms } => format!("play {id} waited {ms} ms for the hub"),
        Event::PlayPaused { id, at } => format!("play {id} paused at {}", at.clock()),
        Event::PlayResumed { id, at } => format!("play {id} goes on from {}", at.clock()),
        Event::PlaySeeked { id, at, .. } => format!("play {id} is at {}", at.clock()),
        Event::PlayEnded(end) => play_ended(end),
        _ => return None,
    })
}

fn play_ended(end: &PlayEnd) -> String {
    let why = match end.reason {
        EndReason::Finished => "is over",
        EndReason::Stopped => "was stopped",
        EndReason::Closed => "was closed",
        EndReason::Lost => "ended, the link to the hub was lost",
        EndReason::Unplayable => "cannot be played further",
        EndReason::FileChanged => "ended, its file on the hub has changed",
        EndReason::HubClosing => "ended, the hub is going down",
        EndReason::Other(_) => "ended",
    };
    let dropped = if end.dropped > 0 { format!(", {} of them too late", end.dropped) } else { String::new() };
    format!("play {}: \"{}\" {why} ({} frames{dropped})", end.id, Printable(&end.title), end.frames)
}

fn key_changed(name: &MemberName, was_verified: bool, held: u64) -> String {
    let verified = if was_verified { " (you verified the old one)" } else { "" };
    let held = match held {
        0 => format!("What you write to {name} is held."),
        1 => format!("1 message to {name} is held."),
        more => format!("{more} messages to {name} are held."),
    };
    format!(
        "{name} has a new key{verified}. {held}\n\
         Most likely {name} reinstalled; it could be someone posing as {name}. Ask {name} elsewhere.\n    \
         /verify {name}   compare numbers     /trust {name}   accept and send"
    )
}

fn safety_number(name: &MemberName, digits: &str, verified: bool) -> String {
    let state = if verified { "verified" } else { "not verified yet" };
    let next = if verified {
        String::new()
    } else {
        format!("\nRead it to each other, face to face or on the telephone. The same on both sides: /verify {name} yes")
    };
    let groups: Vec<String> =
        digits.as_bytes().chunks(5).map(|five| String::from_utf8_lossy(five).into_owned()).collect();
    format!("the number you and {name} compare ({state}):\n    {}{next}", groups.join(" "))
}

/// The table of commands, each behind `prefix`.
pub(super) fn help(commands: &[HelpEntry], prefix: &str) -> String {
    let entries = commands.iter().map(|entry| format!("  {prefix}{}\n        {}", entry.syntax, entry.about));
    entries.collect::<Vec<_>>().join("\n")
}

fn code_words(code: Code) -> &'static str {
    match code {
        Code::NoSuchMember => "they are not here any more",
        Code::Expired => "the hub kept it as long as it may, and they did not come",
        Code::Disconnected => "the link to the hub was lost",
        Code::KeyChanged => "their key has changed, see /verify and /trust",
        Code::NotTrusted => "their key is not known here, see /verify and /trust",
        Code::RateLimited => "too many messages at once, send it again",
        Code::MessageTooLarge => "it is too large",
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::event::testing::{examples, member, message as said};

    const PLAIN: Paint = Paint { enabled: false };

    fn shown(event: &Event) -> String {
        describe(event, PLAIN).unwrap()
    }

    #[test]
    fn the_usual_events_in_the_usual_words() {
        assert_eq!(shown(&said("bob", "meet at noon")), "<bob> meet at noon");
        assert_eq!(shown(&Event::Joined(member("bob"))), "* bob is here");
        let name = "bob".parse().unwrap();
        assert_eq!(shown(&Event::Left { name, reason: LeaveReason::Quit }), "* bob left (quit)");
        let failure = Failure::new(Code::Timeout, "no answer", "try again");
        assert_eq!(shown(&Event::Error(failure)), "! no answer\n  try again");
        let who = Event::Who { members: (0..25).map(|n| member(&format!("m{n}"))).collect() };
        assert!(shown(&who).starts_with("* 25 here: m0, m1") && shown(&who).ends_with("m19 and 5 more"));
    }

    #[test]
    fn the_words_are_what_they_were() {
        let golden = include_str!("../../../tests/data/events.txt");
        let words: Vec<String> = examples().iter().filter_map(|event| describe(event, PLAIN)).collect();
        assert_eq!(words.join("\n") + "\n", golden);
    }

    #[test]
    fn every_event_fits_a_terminal() {
        for event in examples() {
            let Some(text) = describe(&event, PLAIN) else { continue };
            assert!(!text.is_empty() && !text.ends_with('\n'), "{text:?}");
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        }
    }

    #[test]
    fn bad_input_20_escape_sequences_in_a_message() {
        let text = shown(&said("bob", "\u{1b}]52;c;x\u{7}\u{9b}2J\u{1b}]0;title\u{7}\r\u{202e}"));
        assert_eq!(text, r"<bob> \u{1b}]52;c;x\u{7}\u{9b}2J\u{1b}]0;title\u{7}\u{d}\u{202e}");
    }

    #[test]
    fn bad_input_16_control_characters_in_what_others_name() {
        for event in [
            Event::PlayStarted { id: "1".into(), title: "a\u{1b}[2J".into(), first_frame_ms: 1 },
            Event::Notice { code: Code::RenditionLeftOut, text: "a\u{1b}[2J".into() },
            Event::Error(Failure::new(Code::NoSuchTitle, "a\u{1b}[2J", "b\u{1b}[2J")),
            Event::Connected { hub: "a\u{1b}[2J".into() },
        ] {
            assert!(!shown(&event).contains('\u{1b}'), "{event:?}");
        }
    }

    #[test]
    fn further_lines_of_a_message_cannot_pass_for_another_message() {
        let text = shown(&said("bob", "hi\n<alice> I agree\r\n* bob left (quit)"));
        assert_eq!(text, "<bob> hi\n  | <alice> I agree\n  | * bob left (quit)");
    }

    #[test]
    fn a_message_says_what_is_known_of_its_sender() {
        let said = |to_all, verified, key_changed| {
            let Event::Message { id, from, fingerprint, text, time, .. } = said("bob", "hi") else { unreachable!() };
            shown(&Event::Message { id, from, fingerprint, text, to_all, verified, key_changed, time })
        };
        assert_eq!(said(false, true, false), "<bob, verified> hi");
        assert_eq!(said(true, true, false), "<bob to all, verified> hi");
        assert_eq!(said(false, false, true), "<bob, NEW KEY> hi");
    }

    #[test]
    fn a_changed_key_says_how_much_is_held_and_what_to_do() {
        let (name, old, new) = ("bob".parse().unwrap(), Fingerprint([1; 32]), Fingerprint([2; 32]));
        let changed = |held| {
            let name = MemberName::clone(&name);
            shown(&Event::KeyChanged { name, old, new, was_verified: false, held })
        };
        assert!(changed(0).starts_with("bob has a new key. What you write to bob is held.\n"));
        assert!(changed(1).starts_with("bob has a new key. 1 message to bob is held.\n"));
        assert!(changed(2).starts_with("bob has a new key. 2 messages to bob are held.\n"));
        assert!(changed(0).ends_with("/verify bob   compare numbers     /trust bob   accept and send"));
    }

    #[test]
    fn colour_only_where_it_is_wanted() {
        for event in examples() {
            let text = describe(&event, PLAIN).unwrap_or_default();
            assert!(!text.contains('\u{1b}'), "{text:?}");
        }
        assert!(describe(&said("bob", "hi"), Paint { enabled: true }).unwrap().starts_with("\u{1b}[1m<bob>\u{1b}[0m"));
    }

    #[test]
    fn fingerprints_are_grouped() {
        let shown = grouped(&Fingerprint([0x3f; 32]));
        assert_eq!((shown.len(), &shown[..9]), (79, "3f3f 3f3f"));
    }
}
