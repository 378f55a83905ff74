//! What is printed when a command line cannot be followed.

use std::ffi::OsString;

use super::Surroundings;
use crate::{
    client::event::{ByeReason, Event, Failure, Stamped},
    server::{
        admin::{AdminError, answer_line},
        report::HubEvent,
    },
    types::{Code, ExitCode},
};

/// Why a command line that was understood cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CliError {
    pub code: Code,
    pub message: String,
    /// What to write instead.
    pub hint: String,
    pub exit: ExitCode,
}

impl CliError {
    /// An error that ends with the exit code of its code.
    pub(super) fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into(), exit: code.exit() }
    }

    pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Code::Usage, message, hint)
    }

    pub(super) fn not_yet(what: &str, hint: impl Into<String>) -> Self {
        Self::new(Code::NotYet, format!("{what} comes with a later version"), hint)
    }

    /// What is printed by a program that did not come to tell events.
    #[must_use]
    pub fn told(self, json: bool, protocol: u16) -> Ending {
        self.ending(Audience { json, verb: None, protocol })
    }

    /// What is printed.
    pub(super) fn ending(self, audience: Audience) -> Ending {
        let stdout = match audience.json {
            false => Vec::new(),
            true if audience.verb == Some("serve") => self.hub_lines(audience.protocol),
            true if audience.verb == Some("hub") => self.answer_line(),
            true => self.member_lines(audience.protocol),
        };
        let stderr = format!("error: {}\n\n  {}\n", self.message, self.hint);
        Ending { exit: self.exit, stdout: String::from_utf8_lossy(&stdout).into_owned(), stderr }
    }

    fn answer_line(&self) -> Vec<u8> {
        answer_line(&AdminError::new(self.code, self.message.as_str(), self.hint.as_str()).into())
    }

    fn member_lines(&self, protocol: u16) -> Vec<u8> {
        let events = [
            Event::hello(protocol),
            Event::Error(Failure::new(self.code, self.message.as_str(), self.hint.as_str())),
            Event::Bye { reason: ByeReason::of(self.exit), exit: self.exit },
        ];
        let mut out = Vec::new();
        for event in events {
            let written = Stamped { t: 0, event, reference: None }.write_line(&mut out);
            debug_assert!(written.is_ok(), "a Vec takes every write: {written:?}");
        }
        out
    }

    fn hub_lines(&self, protocol: u16) -> Vec<u8> {
        let error = HubEvent::error(self.code, self.message.as_str(), self.hint.as_str());
        let mut out = Vec::new();
        for event in [HubEvent::hello(protocol), error, HubEvent::bye(self.exit)] {
            let written = event.write_to(&mut out, true, 0);
            debug_assert!(written.is_ok(), "a Vec takes every write: {written:?}");
        }
        out
    }
}

/// All that is left to do: print and leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub exit: ExitCode,
    pub stdout: String,
    pub stderr: String,
}

/// Who reads the answer, as far as a command line tells that may be wrong elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Audience {
    json: bool,
    verb: Option<&'static str>,
    protocol: u16,
}

/// The verbs that a first word can be.
const VERBS: [&str; 4] = ["serve", "connect", "hub", "keys"];

impl Audience {
    pub(super) fn of(words: &[OsString], surroundings: &Surroundings) -> Self {
        let before_end = || words.iter().skip(1).take_while(|word| *word != "--");
        Self {
            json: surroundings.json || before_end().any(|word| word == "--json"),
            verb: before_end()
                .find(|word| !word.to_string_lossy().starts_with('-'))
                .and_then(|word| VERBS.into_iter().find(|verb| word == verb)),
            protocol: surroundings.protocol,
        }
    }

    pub(super) fn help_hint(self) -> String {
        match self.verb {
            Some(verb) => format!("see securestream {verb} --help"),
            None => "see securestream --help".to_owned(),
        }
    }
}
