//! Why a line cannot be followed, and what to write instead.

use super::{CommandName, Syntax};
use crate::{
    client::event::Failure,
    types::{Code, NameError, Printable, limits::MAX_TEXT},
};

/// What is wrong with a line. Always the fault of whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    #[error("there is no command \"{}\"", Printable(.typed))]
    UnknownCommand { typed: String, near: Vec<&'static str> },
    #[error("{command} needs {}", argument.to_uppercase())]
    Missing { command: CommandName, argument: &'static str },
    #[error("\"{}\" is more than {command} takes", Printable(.word))]
    Surplus { command: CommandName, word: String },
    #[error("{command} has no field \"{}\"", Printable(.field))]
    UnknownField { command: CommandName, field: String, near: Vec<&'static str> },
    #[error("{field} is given twice")]
    Twice { command: CommandName, field: String },
    #[error("{field} cannot be \"{}\": {expected}", Printable(.value))]
    Value { command: CommandName, field: String, value: String, expected: String },
    #[error("{field} cannot be \"{}\": {expected}", Printable(.value))]
    OutOfRange { command: CommandName, field: &'static str, value: String, expected: &'static str },
    #[error("nobody can be called \"{}\": {reason}", Printable(.typed))]
    NobodyCalled { command: CommandName, typed: String, reason: NameError },
    #[error("a text has at most {MAX_TEXT} bytes, this one has {bytes}")]
    TextTooLarge { command: CommandName, bytes: usize },
    #[error("a line has at most {limit} bytes")]
    LineTooLarge { limit: usize },
    #[error("a quote is opened and not closed")]
    OpenQuote { command: CommandName },
    #[error("a line that begins with {{ is one JSON object, and this is not: {0}")]
    Json(String),
    #[error("a line is UTF-8 text, and this one is not")]
    NotUtf8,
    #[error("{0} is for scripts")]
    OnlyInScripts(CommandName),
}

impl InputError {
    /// The code for events.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownCommand { .. } => Code::UnknownCommand,
            Self::OutOfRange { .. } => Code::OutOfRange,
            Self::NobodyCalled { .. } => Code::NoSuchMember,
            Self::TextTooLarge { .. } | Self::LineTooLarge { .. } => Code::MessageTooLarge,
            _ => Code::Usage,
        }
    }

    /// The command that was meant, where that is known.
    #[must_use]
    pub fn command(&self) -> Option<CommandName> {
        match self {
            Self::Missing { command, .. }
            | Self::Surplus { command, .. }
            | Self::UnknownField { command, .. }
            | Self::Twice { command, .. }
            | Self::Value { command, .. }
            | Self::OutOfRange { command, .. }
            | Self::NobodyCalled { command, .. }
            | Self::TextTooLarge { command, .. }
            | Self::OpenQuote { command }
            | Self::OnlyInScripts(command) => Some(*command),
            Self::UnknownCommand { .. } | Self::LineTooLarge { .. } | Self::Json(_) | Self::NotUtf8 => None,
        }
    }

    /// What to do instead.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownCommand { near, .. } if near.is_empty() => "help lists the commands".to_owned(),
            Self::UnknownCommand { near, .. } => format!("did you mean {}? help lists the commands", near.join(", ")),
            Self::UnknownField { near, command, .. } if !near.is_empty() => {
                format!("did you mean {}? {}", near.join(", "), Syntax::of(*command).line)
            }
            Self::NobodyCalled { reason: NameError::Reserved, typed, .. } if typed == "all" => {
                "write: all TEXT".to_owned()
            }
            Self::NobodyCalled { .. } => "who tells who is here".to_owned(),
            Self::TextTooLarge { .. } | Self::LineTooLarge { .. } => "send it in several messages".to_owned(),
            Self::Json(_) => r#"write {"cmd":"send","to":"bob","text":"hi"}"#.to_owned(),
            Self::NotUtf8 => "save the script as UTF-8".to_owned(),
            Self::OnlyInScripts(_) => "connect with --script FILE to run a script".to_owned(),
            _ => self.command().map_or_else(String::new, |name| Syntax::of(name).line.to_owned()),
        }
    }

    /// The same as an event.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let failure = Failure::new(self.code(), self.to_string(), self.hint());
        Failure { command: self.command(), ..failure }
    }
}

/// What was typed, short enough to be quoted in an error.
pub(super) fn shortened(typed: &str) -> String {
    let mut short: String = typed.chars().take(64).collect();
    if short.len() < typed.len() {
        short.push('…');
    }
    short
}
