//! What events are made of.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::Serialize;

use super::encode::{all_as_text, as_optional_millis, as_seconds, as_text};
use crate::{
    client::command::CommandName,
    types::{Code, Codec, EndReason, ExitCode, Fingerprint, MediaTime, MemberName, RenditionLabel},
};

/// For whom a post is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// Everyone who is here: `all` in events, which is no member's name.
    All,
    /// One member.
    Member(MemberName),
}

/// A member as the directory has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberEntry {
    pub name: MemberName,
    #[serde(serialize_with = "as_text")]
    pub fingerprint: Fingerprint,
    /// Here with keys made for this visit only.
    pub guest: bool,
}

/// A title on the hub.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TitleEntry {
    /// What `play` calls it.
    pub title: String,
    /// In seconds.
    #[serde(serialize_with = "as_seconds")]
    pub duration: MediaTime,
    /// Whether the hub passes it through by the compatibility path.
    pub compat: bool,
    /// Lowest first; empty when the title cannot be played.
    pub renditions: Vec<RenditionEntry>,
    /// Renditions that other titles have and this one lacks.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "all_as_text")]
    pub missing: Vec<RenditionLabel>,
    /// The languages of its subtitles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subtitles: Vec<String>,
    /// Why it cannot be played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unplayable: Option<String>,
}

/// One resolution of a title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RenditionEntry {
    /// What it is called, after its height.
    #[serde(serialize_with = "as_text")]
    pub label: RenditionLabel,
    /// In pixels, like the height.
    pub width: u32,
    pub height: u32,
    /// In bits per second.
    pub bitrate: u64,
    #[serde(serialize_with = "as_text")]
    pub codec: Codec,
}

/// How a play went. Each frame decoded and due within start and end counts once, so
/// `shown` + `dropped` = `frames`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlayEnd {
    pub id: String,
    pub title: String,
    #[serde(serialize_with = "as_text")]
    pub reason: EndReason,
    /// Decoded and due.
    pub frames: u64,
    /// Shown, or counted where nothing is shown.
    pub shown: u64,
    /// Left out because they came too late.
    pub dropped: u64,
    /// How often there was nothing to show.
    pub stalls: u64,
    /// Frames by the height of their picture in pixels: `{"240": 96}`.
    pub frames_by_height: BTreeMap<u32, u64>,
    /// With `checksum=1`: SHA-256 over the yuv420p bytes of those frames in order, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What failed and what to do about it. All fields are always there, null where there is nothing to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    #[serde(serialize_with = "as_text")]
    pub code: Code,
    /// What happened, for people.
    pub message: String,
    /// What to do next, for people.
    pub hint: Option<String>,
    /// Whether the same may succeed later.
    pub retryable: bool,
    /// When it may, where that is known; in milliseconds.
    #[serde(rename = "retry_after_ms", serialize_with = "as_optional_millis")]
    pub retry_after: Option<Duration>,
    /// The command that failed; without one, the member as a whole did.
    pub command: Option<CommandName>,
}

/// A command as `help` tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HelpEntry {
    pub name: CommandName,
    pub syntax: &'static str,
    pub about: &'static str,
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Member(name) => name.fmt(f),
        }
    }
}

/// Where pictures go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DisplayKind {
    Window,
    Terminal,
    None,
}

/// Why the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ByeReason {
    /// It was asked to, or the script is at its end.
    Quit,
    /// A command of the script failed.
    Failed,
    /// The command line cannot be followed.
    Usage,
    /// The hub cannot be reached, or was lost for good.
    Lost,
    /// The hub refused this member or let it go.
    Refused,
    /// The hub is going down.
    HubClosing,
    /// A key is not what it should be.
    Trust,
    /// Keys or data cannot be used.
    Data,
    /// A signal.
    Signal,
}

impl ByeReason {
    /// The reason that goes with an exit status.
    #[must_use]
    pub fn of(exit: ExitCode) -> Self {
        match exit {
            ExitCode::Fine => Self::Quit,
            ExitCode::CommandFailed | ExitCode::WaitTimedOut => Self::Failed,
            ExitCode::Usage => Self::Usage,
            ExitCode::Network => Self::Lost,
            ExitCode::Refused => Self::Refused,
            ExitCode::Trust => Self::Trust,
            ExitCode::Data => Self::Data,
            ExitCode::Hangup | ExitCode::Interrupted | ExitCode::Terminated => Self::Signal,
        }
    }
}

impl Failure {
    /// A failure of the member as a whole; whether it may be tried again follows from its code.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        Self { code, message: message.into(), hint, retryable: code.is_retryable(), retry_after: None, command: None }
    }

    /// The same as the failure of a command.
    #[must_use]
    pub fn of(self, command: CommandName) -> Self {
        Self { command: Some(command), ..self }
    }
}
