//! What a hub tells its operator: lines of JSON on standard output, or URLs there and a log beside it.

use std::{fmt::Write as _, io};

use serde::{Deserialize, Serialize, Serializer};

use crate::types::{
    Code, EndReason, ExitCode, Fingerprint, HubKey, LeaveReason, ListenAddress, MemberName, PlayId, Printable,
};

/// The version of these events; it changes when a reader would have to.
pub const SCHEMA: u32 = 1;

/// The JSON Schema (draft 2020-12) of a line of a hub's events, stricter than readers should be.
pub const HUB_EVENTS_SCHEMA: &str = include_str!("../../docs/hub-events.schema.json");

/// A file in the videos folder that is not on offer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SkippedFile {
    pub file: String,
    pub reason: String,
}

/// One thing that happened on a hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum HubEvent {
    /// The first of all.
    Hello { schema: u32, version: String, protocol: u16 },
    /// A listener is ready.
    Listening {
        /// Without a pin.
        url: String,
        /// Of the hub's key; null without TLS.
        #[serde(serialize_with = "as_optional_text")]
        fingerprint: Option<HubKey>,
    },
    /// The videos folder was read: how many titles there are and what is left out.
    Catalog {
        titles: usize,
        skipped: Vec<SkippedFile>,
        /// Those of them that the operator was not told of before: a log has each once.
        #[serde(skip)]
        news: Vec<SkippedFile>,
    },
    /// `members` counts those who are here now, as below.
    MemberJoined {
        name: MemberName,
        #[serde(serialize_with = "as_text")]
        fingerprint: Fingerprint,
        guest: bool,
        members: usize,
    },
    MemberLeft {
        name: MemberName,
        #[serde(serialize_with = "as_text")]
        reason: LeaveReason,
        members: usize,
    },
    /// The hub begins to send this rendition; sizes are in pixels.
    Rendition {
        name: MemberName,
        #[serde(serialize_with = "as_text")]
        play: PlayId,
        title: String,
        width: u32,
        height: u32,
    },
    PlayEnded {
        name: MemberName,
        #[serde(serialize_with = "as_text")]
        play: PlayId,
        title: String,
        #[serde(serialize_with = "as_text")]
        reason: EndReason,
    },
    /// A peer was not let in, or was let go for what it sent.
    Refused {
        #[serde(serialize_with = "as_text")]
        code: Code,
        peer: String,
    },
    /// Links were closed without a word, for what came from there before or because too many wait to register;
    /// how many since the last such event, and where the last of them came from. Told once a second at most.
    LinksRefused { links: u64, peer: String },
    /// The operator had something done; it lasts.
    Operator {
        action: OperatorAction,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<MemberName>,
    },
    /// Why the hub ends.
    Error {
        #[serde(serialize_with = "as_text")]
        code: Code,
        message: String,
        /// What to do next.
        hint: String,
        retryable: bool,
    },
    /// The last of all.
    Bye {
        reason: HubByeReason,
        #[serde(serialize_with = "as_status")]
        exit: ExitCode,
    },
}

/// What an operator can have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorAction {
    Kick,
    Ban,
    Unban,
    Release,
    Invite,
}

impl OperatorAction {
    fn word(self) -> &'static str {
        match self {
            Self::Kick => "kicked",
            Self::Ban => "banned",
            Self::Unban => "lifted the ban of",
            Self::Release => "released the name",
            Self::Invite => "invited",
        }
    }
}

/// Why a hub ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HubByeReason {
    /// It was told to.
    Signal,
    /// It cannot go on.
    Failed,
    /// The command line cannot be followed.
    Usage,
}

impl HubEvent {
    /// The first event of this version.
    #[must_use]
    pub fn hello(protocol: u16) -> Self {
        Self::Hello { schema: SCHEMA, version: env!("CARGO_PKG_VERSION").to_owned(), protocol }
    }

    /// An error; whether it may pass by itself follows from its code.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Error { code, message: message.into(), hint: hint.into(), retryable: code.is_retryable() }
    }

    /// The last event for an exit status: an end with 0 is one that was asked for.
    #[must_use]
    pub fn bye(exit: ExitCode) -> Self {
        let reason = match exit {
            ExitCode::Fine => HubByeReason::Signal,
            ExitCode::Usage => HubByeReason::Usage,
            _ => HubByeReason::Failed,
        };
        Self::Bye { reason, exit }
    }

    /// How urgent it is in a log.
    #[must_use]
    pub fn level(&self) -> log::Level {
        match self {
            Self::Error { .. } => log::Level::Error,
            Self::Catalog { news, .. } if !news.is_empty() => log::Level::Warn,
            Self::Refused { .. } | Self::LinksRefused { .. } => log::Level::Warn,
            Self::Hello { .. } => log::Level::Debug,
            _ => log::Level::Info,
        }
    }

    /// As a line of a log, fit for a terminal whatever names and files are called.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Hello { version, protocol, .. } => format!("securestream {version}, protocol {protocol}"),
            Self::Listening { url, .. } => format!("listening on {url}"),
            Self::Catalog { titles, skipped, news } => catalog_text(*titles, skipped.len(), news),
            Self::MemberJoined { name, fingerprint, guest, members } => {
                let guest = if *guest { " as a guest" } else { "" };
                format!("{name} joined{guest} with key {}, {members} here", short(fingerprint))
            }
            Self::MemberLeft { name, reason, members } => format!("{name} left ({reason}), {members} here"),
            Self::Rendition { name, play, title, width, height } => {
                format!("sending \"{}\" to {name} in {width}x{height} pixels (play {play})", Printable(title))
            }
            Self::PlayEnded { name, play, title, reason } => {
                format!("\"{}\" for {name} ended ({reason}, play {play})", Printable(title))
            }
            Self::Refused { code, peer } => format!("refused {} ({code})", Printable(peer)),
            Self::LinksRefused { links: 1, peer } => format!("refused a link from {}", Printable(peer)),
            Self::LinksRefused { links, peer } => {
                format!("refused {links} links, the last from {}", Printable(peer))
            }
            Self::Operator { action, name: Some(name) } => format!("the operator {} {name}", action.word()),
            Self::Operator { action, name: None } => format!("the operator {} somebody", action.word()),
            Self::Error { message, hint, .. } => format!("{} ({})", Printable(message), Printable(hint)),
            Self::Bye { exit, .. } => format!("ended with {}", *exit as u8),
        }
    }

    /// Writes what belongs on standard output and flushes it: with `json` every event as one object with its
    /// time in milliseconds since the start, else for each listener the URL to give to members.
    pub fn write_to(&self, out: &mut impl io::Write, json: bool, t: u64) -> io::Result<()> {
        let mut line = match self {
            _ if json => serde_json::to_vec(&Stamped { t, event: self })?,
            Self::Listening { url, fingerprint: Some(key) } => format!("{url}#sha256:{key}").into_bytes(),
            Self::Listening { url, fingerprint: None } => url.clone().into_bytes(),
            _ => return Ok(()),
        };
        line.push(b'\n');
        out.write_all(&line)?;
        out.flush()
    }
}

/// The URL that members are given for a listener that has `port` now; a host of `*` is this machine's name to
/// fill in, so `public` replaces all of it where the operator said how the hub is reached.
#[must_use]
pub fn member_url(listener: &ListenAddress, port: u16, public: Option<&str>) -> String {
    if let Some(public) = public {
        // The pin is that of the key which is really shown.
        return public.split('#').next().unwrap_or_default().to_owned();
    }
    let mut listener = listener.clone();
    match &mut listener {
        ListenAddress::Tls { port: given, .. } | ListenAddress::Tcp { port: given, .. } => *given = port,
        ListenAddress::Unix(_) => {}
    }
    listener.to_string()
}

fn catalog_text(titles: usize, skipped: usize, news: &[SkippedFile]) -> String {
    let mut text = format!("{titles} {}", if titles == 1 { "title" } else { "titles" });
    if skipped > news.len() {
        let _ = write!(text, ", {skipped} {} skipped", if skipped == 1 { "file" } else { "files" });
    }
    for SkippedFile { file, reason } in news {
        // A String takes every write.
        let _ = write!(text, "\n    skipped {}: {}", Printable(file), Printable(reason));
    }
    text
}

/// The first 8 digits, enough to tell members apart in a log.
fn short(fingerprint: &Fingerprint) -> String {
    fingerprint.to_string().chars().take(8).collect()
}

#[derive(Serialize)]
struct Stamped<'a> {
    t: u64,
    #[serde(flatten)]
    event: &'a HubEvent,
}

fn as_text<T: ToString, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

#[expect(clippy::ref_option, reason = "the signature that serde calls")]
fn as_optional_text<T: ToString, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(ToString::to_string).serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn as_status<S: Serializer>(exit: &ExitCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(*exit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<HubEvent> {
        let (name, fingerprint): (MemberName, _) = ("bob".parse().unwrap(), Fingerprint([0x3f; 32]));
        let skipped = vec![SkippedFile { file: "a\u{1b}[2J.mp4".into(), reason: "no moov".into() }];
        let (title, play) = ("mandelbrot".to_owned(), PlayId(1));
        vec![
            HubEvent::hello(1),
            HubEvent::Listening { url: "tcp://127.0.0.1:9999".into(), fingerprint: None },
            HubEvent::Listening { url: "tls://127.0.0.1:9999".into(), fingerprint: Some(HubKey([0xab; 32])) },
            HubEvent::Catalog { titles: 1, news: skipped.clone(), skipped },
            HubEvent::MemberJoined { name: name.clone(), fingerprint, guest: true, members: 1 },
            HubEvent::MemberLeft { name: name.clone(), reason: LeaveReason::Lost, members: 0 },
            HubEvent::Rendition { name: name.clone(), play, title: title.clone(), width: 426, height: 240 },
            HubEvent::PlayEnded { name, play, title, reason: EndReason::Finished },
            HubEvent::Refused { code: Code::BadProof, peer: "127.0.0.1:5".into() },
            HubEvent::LinksRefused { links: 9936, peer: "192.0.2.66:5".into() },
            HubEvent::Operator { action: OperatorAction::Release, name: Some("bob".parse().unwrap()) },
            HubEvent::Operator { action: OperatorAction::Invite, name: None },
            HubEvent::error(Code::ListenFailed, "the port is taken", "choose another with --listen"),
            HubEvent::bye(ExitCode::Fine),
        ]
    }

    fn written(event: &HubEvent, json: bool) -> String {
        let mut out = Vec::new();
        event.write_to(&mut out, json, 5).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_example_of_every_event_keeps_to_the_schema() {
        let schema: serde_json::Value = serde_json::from_str(HUB_EVENTS_SCHEMA).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut kinds = std::collections::BTreeSet::new();
        for event in examples() {
            let line = written(&event, true);
            assert!(line.starts_with("{\"t\":5,\"event\":\"") && line.ends_with("}\n"), "{line}");
            let value = serde_json::from_str::<serde_json::Value>(&line).unwrap();
            kinds.insert(value["event"].as_str().unwrap().to_owned());
            validator.validate(&value).unwrap_or_else(|error| panic!("{error} in {line}"));
        }
        assert_eq!(kinds.len(), schema["oneOf"].as_array().unwrap().len(), "{kinds:?}");
        let typo = serde_json::json!({"t": 1, "event": "refused", "code": "usage", "pear": "x"});
        assert!(validator.validate(&typo).is_err());
    }

    #[test]
    fn without_json_only_urls_are_on_standard_output() {
        let out: String = examples().iter().map(|event| written(event, false)).collect();
        let pin = "ab".repeat(32);
        assert_eq!(out, format!("tcp://127.0.0.1:9999\ntls://127.0.0.1:9999#sha256:{pin}\n"));
    }

    #[test]
    fn log_lines_name_the_pixels_and_escape_what_others_chose() {
        let lines: Vec<String> = examples().iter().map(HubEvent::text).collect();
        assert!(lines.contains(&"sending \"mandelbrot\" to bob in 426x240 pixels (play 1)".to_owned()), "{lines:?}");
        assert!(lines.contains(&"1 title\n    skipped a\\u{1b}[2J.mp4: no moov".to_owned()), "{lines:?}");
        assert_eq!(examples()[3].level(), log::Level::Warn);
        let HubEvent::Catalog { titles, skipped, .. } = examples()[3].clone() else { unreachable!() };
        let again = HubEvent::Catalog { titles, skipped, news: Vec::new() };
        assert_eq!((again.text(), again.level()), ("1 title, 1 file skipped".to_owned(), log::Level::Info));
    }

    #[test]
    fn members_are_given_the_port_that_is_open() {
        let url = |text: &str, public| member_url(&text.parse().unwrap(), 4711, public);
        assert_eq!(url("tcp://127.0.0.1:0", None), "tcp://127.0.0.1:4711");
        assert_eq!(url("unix:/run/hub", None), "unix:/run/hub");
        assert_eq!(url("tcp://*:0", Some("tcp://hub.example.org:9999")), "tcp://hub.example.org:9999");
        let pinned = format!("tls://h?invite=x#sha256:{}", "00".repeat(32));
        assert_eq!(url("tls://*:0", Some(&pinned)), "tls://h?invite=x", "the pin is that of the key that is shown");
    }
}
