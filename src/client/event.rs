//! Everything a member tells the one who runs it, as `docs/scripting.md` and `docs/events.schema.json` say.
//!
//! One object a line, with `t` (milliseconds since the start) and `event` first. Fields that only some
//! events of a kind have are left out of the others. Readers ignore what they do not know.

use std::io;

use serde::Serialize;

use super::command::CommandName;
use crate::types::{
    Code, ExitCode, Fingerprint, LeaveReason, MediaTime, MemberName, MessageId, RelayMode, RenditionLabel,
};

mod encode;
mod kind;
mod parts;
#[cfg(test)]
pub(crate) mod testing;

use encode::{as_seconds, as_status, as_text};
pub(crate) use kind::EventKind;
pub use parts::{
    ByeReason, DisplayKind, Failure, HelpEntry, MemberEntry, PlayEnd, Receiver, RenditionEntry, TitleEntry,
};

/// The version of these events; it changes when a reader would have to.
pub const SCHEMA: u32 = 1;

/// The JSON Schema (draft 2020-12) of a line of events. Stricter than readers should be: a field that it does
/// not name is an error.
pub const EVENTS_SCHEMA: &str = include_str!("../../docs/events.schema.json");

/// One thing that happened. Times within a title are in seconds, others in milliseconds; ids are text.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first of all.
    Hello { schema: u32, version: String, protocol: u16 },
    /// The link to the hub stands.
    Connected { hub: String },
    /// The hub took this member in; `members` counts who is here, this member included.
    Welcome {
        name: MemberName,
        #[serde(serialize_with = "as_text")]
        fingerprint: Fingerprint,
        guest: bool,
        members: u64,
        #[serde(serialize_with = "as_text")]
        relay: RelayMode,
    },
    /// Who is here: after each welcome, and when `directory` asks. `epoch` grows with every change.
    Directory { epoch: u64, members: Vec<MemberEntry> },
    /// Who is here: when `who` asks.
    Who { members: Vec<MemberEntry> },
    /// Who this member is: when `whoami` asks.
    Whoami(MemberEntry),
    /// The answer to `help`.
    Help { commands: Vec<HelpEntry> },
    /// A member came. Told of everyone but this member itself.
    Joined(MemberEntry),
    /// A member went.
    Left {
        name: MemberName,
        #[serde(serialize_with = "as_text")]
        reason: LeaveReason,
    },
    /// A command succeeded; comes after the events that are its answer.
    Ok { command: CommandName },
    /// A post is sealed and on its way. `ok` follows at once.
    Queued {
        #[serde(serialize_with = "as_text")]
        id: MessageId,
        #[serde(serialize_with = "as_text")]
        to: Receiver,
    },
    /// The hub has a post.
    Accepted {
        #[serde(serialize_with = "as_text")]
        id: MessageId,
    },
    /// A receiver has opened a post; `remaining` receivers have not said so yet.
    Delivered {
        #[serde(serialize_with = "as_text")]
        id: MessageId,
        by: MemberName,
        remaining: u64,
    },
    /// A post that was queued will not reach this receiver.
    Failed {
        #[serde(serialize_with = "as_text")]
        id: MessageId,
        #[serde(serialize_with = "as_text")]
        to: Receiver,
        #[serde(serialize_with = "as_text")]
        code: Code,
    },
    /// Someone wrote. `time` is the sender's clock, in milliseconds since 1970.
    Message {
        #[serde(serialize_with = "as_text")]
        id: MessageId,
        from: MemberName,
        #[serde(serialize_with = "as_text")]
        fingerprint: Fingerprint,
        text: String,
        to_all: bool,
        /// Whether the safety number of its sender was compared.
        verified: bool,
        /// Whether its sender shows another key than the one that is known, which was not accepted.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        key_changed: bool,
        time: u64,
    },
    /// The titles on the hub.
    Videos { titles: Vec<TitleEntry> },
    /// The titles are not what they were: ask for them again.
    VideosChanged {},
    /// The first frame of a play is there, so long after it was asked for.
    PlayStarted { id: String, title: String, first_frame_ms: u64 },
    /// Where a play is shown and why there.
    Display { id: String, kind: DisplayKind, why: String },
    /// From this time of the title on, a play shows this rendition; width and height in pixels.
    Rendition {
        id: String,
        #[serde(serialize_with = "as_text")]
        label: RenditionLabel,
        width: u32,
        height: u32,
        #[serde(serialize_with = "as_seconds")]
        from: MediaTime,
    },
    /// A play had nothing to show for this long.
    Stalled { id: String, ms: u64 },
    /// A play stands still; `at` is the time of the title, as in the two below.
    PlayPaused {
        id: String,
        #[serde(serialize_with = "as_seconds")]
        at: MediaTime,
    },
    /// A play goes on.
    PlayResumed {
        id: String,
        #[serde(serialize_with = "as_seconds")]
        at: MediaTime,
    },
    /// A play goes on elsewhere. When that is long after the keyframe before, that keyframe was seen meanwhile, so many
    /// milliseconds after the seek.
    PlaySeeked {
        id: String,
        #[serde(serialize_with = "as_seconds")]
        at: MediaTime,
        #[serde(skip_serializing_if = "Option::is_none")]
        preview_ms: Option<u64>,
    },
    /// A play is over, for whatever reason; the last event of it.
    PlayEnded(PlayEnd),
    /// A member shows another key than before; `held` posts wait for a decision.
    KeyChanged {
        name: MemberName,
        #[serde(serialize_with = "as_text")]
        old: Fingerprint,
        #[serde(serialize_with = "as_text")]
        new: Fingerprint,
        was_verified: bool,
        held: u64,
    },
    /// Messages of this member never came.
    Gap { from: MemberName, missing: u64 },
    /// What both compare to be sure of each other's keys: 60 digits.
    SafetyNumber { name: MemberName, digits: String, verified: bool },
    /// Something worth knowing that is no failure.
    Notice {
        #[serde(serialize_with = "as_text")]
        code: Code,
        text: String,
    },
    /// The link was lost for the reason in `code` and is tried again after a while.
    Reconnecting {
        attempt: u32,
        in_ms: u64,
        #[serde(serialize_with = "as_text")]
        code: Code,
    },
    /// Something failed: a command, or the member as a whole.
    Error(Failure),
    /// The last of all.
    Bye {
        reason: ByeReason,
        #[serde(serialize_with = "as_status")]
        exit: ExitCode,
    },
}

impl Event {
    /// The first event of this version.
    #[must_use]
    pub fn hello(protocol: u16) -> Self {
        Self::Hello { schema: SCHEMA, version: env!("CARGO_PKG_VERSION").to_owned(), protocol }
    }
}

/// An event with its time and the `ref` of the command that caused it: one line of output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stamped {
    /// Milliseconds since the start.
    pub t: u64,
    #[serde(flatten)]
    pub event: Event,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

impl Stamped {
    /// Writes the line with its end and flushes it.
    pub fn write_line(&self, out: &mut impl io::Write) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        out.write_all(&line)?;
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use testing::{examples, line_of, message};

    fn json(event: &Event) -> Value {
        serde_json::from_str(&line_of(event, None)).unwrap()
    }

    #[test]
    fn an_example_of_every_event_keeps_to_the_schema() {
        let kinds: Vec<String> =
            examples().iter().map(|event| json(event)["event"].as_str().unwrap().to_owned()).collect();
        for kind in EventKind::ALL {
            assert!(kinds.iter().any(|name| name == kind.name), "no example of {}", kind.name);
        }
        for event in examples() {
            line_of(&event, Some("7"));
        }
    }

    #[test]
    fn the_schema_names_every_event_and_field_and_no_other() {
        let schema: Value = serde_json::from_str(EVENTS_SCHEMA).unwrap();
        assert_eq!(schema["oneOf"].as_array().unwrap().len(), EventKind::ALL.len());
        for kind in EventKind::ALL {
            let properties = &schema["$defs"][format!("event_{}", kind.name)]["properties"];
            let properties = properties.as_object().unwrap_or_else(|| panic!("{} is not in the schema", kind.name));
            for field in kind.fields {
                assert!(properties.contains_key(*field), "{}.{field}", kind.name);
            }
        }
    }

    #[test]
    #[should_panic(expected = "is not valid under any of the schemas")]
    fn a_typo_does_not_keep_to_the_schema() {
        testing::assert_event(r#"{"t":1,"event":"accepted","id":"00000000000000000000000000000000","extra":1}"#);
    }

    #[test]
    fn a_line_begins_with_its_time_and_ends_with_its_ref() {
        let event = Event::PlaySeeked { id: "1".into(), at: MediaTime(7_250_000), preview_ms: None };
        assert_eq!(
            line_of(&event, Some("r")),
            "{\"t\":12,\"event\":\"play_seeked\",\"id\":\"1\",\"at\":7.25,\"ref\":\"r\"}\n"
        );
    }

    #[test]
    fn text_from_others_stays_on_its_line() {
        let line = line_of(&message("bob", "a\nb\u{2028}\u{1b}]52;c;x\u{7}"), None);
        assert!(line.contains(r"a\nb") && line.contains(r"\u001b]52") && !line.contains('\u{1b}'), "{line}");
    }

    #[test]
    fn an_error_has_all_its_fields() {
        let failure = json(&Event::Error(Failure::new(Code::Disconnected, "lost", "")));
        assert_eq!(failure["retryable"], true);
        for field in ["hint", "retry_after_ms", "command"] {
            assert_eq!(failure.get(field), Some(&Value::Null), "{field}");
        }
    }

    #[test]
    fn the_lines_are_what_they_were() {
        let golden = include_str!("../../tests/data/events.jsonl").replace("VERSION", env!("CARGO_PKG_VERSION"));
        let lines: String = examples().iter().map(|event| line_of(event, None)).collect();
        for (line, expected) in lines.lines().zip(golden.lines()) {
            assert_eq!(line, expected);
        }
        assert_eq!(lines.lines().count(), golden.lines().count());
    }
}
