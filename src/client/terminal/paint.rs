//! Colour, where it is wanted.

use std::fmt::Display;

/// Colours text or leaves it as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// Whether escape sequences for colour are written (ECMA-48, SGR).
    pub enabled: bool,
}

impl Paint {
    /// What went wrong.
    pub(super) fn error(self, text: impl Display) -> String {
        self.with("31", text)
    }

    /// Who said something.
    pub(super) fn name(self, text: impl Display) -> String {
        self.with("1", text)
    }

    /// What happened beside the conversation.
    pub(super) fn aside(self, text: impl Display) -> String {
        self.with("2", text)
    }

    fn with(self, code: &str, text: impl Display) -> String {
        if self.enabled { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}
