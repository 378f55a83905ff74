//! What a script or a person can tell a member to do, and how its lines are read.
//!
//! ```text
//!   send bob hi                  ┐              ┌ Command      for the session, as a Request
//!   {"cmd":"send","to":"bob",…}  ┘─ read_line ─ │ Help         answered from the table in syntax.rs
//!                                               └ Wait, Sleep, ExpectError   for the script alone
//! ```

use std::time::Duration;

use crate::types::{Code, Fingerprint, MediaTime, MemberName, PlayMode, RenditionLabel};

mod arguments;
mod build;
mod error;
mod name;
mod read;
mod syntax;
mod time;
mod words;

pub(crate) use super::wait::Wait;
pub use error::InputError;
pub use name::CommandName;
pub use read::{Line, read_line};
pub use syntax::Syntax;
pub(crate) use syntax::nearest;
pub(crate) use time::read_seconds;

/// A command for the session, with the `ref` that everything it causes carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub command: Command,
    pub reference: Option<String>,
}

/// What the session does. Each is answered by its events and then by `ok`, or by `error`, both with the
/// command's name; a post and a play go on after their `ok`.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Answered by `queued`.
    Send { to: MemberName, text: String },
    /// Answered by `queued`.
    All { text: String },
    /// Answered by `who`.
    Who,
    /// Answered by `directory`.
    Directory,
    /// Answered by `videos`.
    Videos,
    /// Answered by `whoami`.
    Whoami,
    /// Answered by `play_started`.
    Play(PlayRequest),
    /// Answered by `play_paused`. Without an id, this and those below mean the newest play.
    Pause { play: Option<String> },
    /// Answered by `play_resumed`.
    Resume { play: Option<String> },
    /// Answered by `play_ended`.
    Stop { play: Option<String> },
    /// Answered by `play_seeked`.
    Seek { target: SeekTarget, play: Option<String> },
    /// Answered by `rendition`.
    Rendition { choice: RenditionChoice, play: Option<String> },
    /// Without an answer, shows the safety number.
    Verify { name: MemberName, answer: Option<VerifyAnswer> },
    /// Accepts a new key, only this one when it is named.
    Trust { name: MemberName, fingerprint: Option<Fingerprint> },
    /// Shows nothing more of a member.
    Block { name: MemberName },
    /// Shows a blocked member again.
    Unblock { name: MemberName },
    /// Gives what is queued 2 s to be accepted, then leaves.
    Quit,
}

/// Which title to play and how.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayRequest {
    /// As it was typed: the hub looks it up and opens no path.
    pub title: String,
    /// Which renditions it shows.
    pub mode: PlayMode,
    /// The largest height to show, in pixels.
    pub max: Option<u32>,
    /// Frames before this are decoded and not shown.
    pub start: Option<MediaTime>,
    /// After `start`.
    pub end: Option<MediaTime>,
    /// Whether frames come as fast as they can be decoded instead of at their times.
    pub full_speed: bool,
    /// Whether `play_ended` tells the SHA-256 of all frames.
    pub checksum: bool,
    /// Where to show it; without one, as the member was told when it started.
    pub display: Option<DisplayChoice>,
    /// Whether its sound is played.
    pub sound: bool,
    /// The language of the subtitles that are shown from the start.
    pub subtitles: Option<String>,
    /// What to call the play, instead of a number.
    pub id: Option<String>,
}

/// Where a play is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DisplayChoice {
    /// A window where one can be opened, else nothing.
    Auto,
    /// A window or an error.
    Window,
    /// The terminal itself, above the conversation.
    Terminal,
    /// Decoded and counted, not shown.
    None,
}

/// Where to go on in a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekTarget {
    /// From the start of the title.
    To(MediaTime),
    /// From where the play is; negative goes back.
    By(MediaTime),
}

/// Which rendition a running play is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenditionChoice {
    Auto,
    Fixed(RenditionLabel),
}

/// What someone answers who compared a safety number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyAnswer {
    /// They are the same.
    Yes,
    /// The 60 digits that the other one reads out.
    Digits(String),
}

/// One line of a script, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Instruction {
    /// For the session.
    Session(Command),
    /// About one command or all of them.
    Help(Option<CommandName>),
    /// Goes on when an event has come.
    Wait(Wait),
    /// Goes on after a time.
    Sleep(Duration),
    /// Succeeds when the instruction fails with the code, as it also does when it cannot be read.
    ExpectError { code: Code, instruction: Box<Result<Instruction, InputError>> },
}

impl Command {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> CommandName {
        match self {
            Self::Send { .. } => CommandName::Send,
            Self::All { .. } => CommandName::All,
            Self::Who => CommandName::Who,
            Self::Directory => CommandName::Directory,
            Self::Videos => CommandName::Videos,
            Self::Whoami => CommandName::Whoami,
            Self::Play(_) => CommandName::Play,
            Self::Pause { .. } => CommandName::Pause,
            Self::Resume { .. } => CommandName::Resume,
            Self::Stop { .. } => CommandName::Stop,
            Self::Seek { .. } => CommandName::Seek,
            Self::Rendition { .. } => CommandName::Rendition,
            Self::Verify { .. } => CommandName::Verify,
            Self::Trust { .. } => CommandName::Trust,
            Self::Block { .. } => CommandName::Block,
            Self::Unblock { .. } => CommandName::Unblock,
            Self::Quit => CommandName::Quit,
        }
    }
}

impl Instruction {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> CommandName {
        match self {
            Self::Session(command) => command.name(),
            Self::Help(_) => CommandName::Help,
            Self::Wait(_) => CommandName::Wait,
            Self::Sleep(_) => CommandName::Sleep,
            Self::ExpectError { .. } => CommandName::ExpectError,
        }
    }
}

impl PlayRequest {
    /// A play of the whole title with nothing else asked for.
    #[must_use]
    pub fn of(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            mode: PlayMode::Auto,
            max: None,
            start: None,
            end: None,
            full_speed: false,
            checksum: false,
            display: None,
            sound: true,
            subtitles: None,
            id: None,
        }
    }
}
