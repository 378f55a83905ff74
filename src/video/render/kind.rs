//! Which display a play gets.

use std::fmt;

use super::NoWindows;

/// A kind of display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisplayKind {
    /// A window for each play.
    Window,
    /// Drawn with characters.
    Terminal,
    /// Nothing is drawn.
    None,
}

impl DisplayKind {
    /// Its name in commands and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Terminal => "terminal",
            Self::None => "none",
        }
    }
}

impl fmt::Display for DisplayKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The display that a play gets, and why it is not a better one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The display.
    pub kind: DisplayKind,
    /// Why it is none although nobody asked for none.
    pub why: Option<String>,
}

/// Why there is no display of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDisplay {
    /// A window was asked for and cannot be.
    #[error(transparent)]
    NoWindows(NoWindows),
    /// This version does not draw in terminals.
    #[error("the terminal display is not there yet")]
    NotYet,
}

/// Chooses the display that was asked for, or the best that there is. `stdout_is_terminal` says whether somebody may be watching: else the best is none.
/// `probe` is asked only when it matters.
///
/// # Errors
/// When one kind was asked for and cannot be had.
pub fn choose(
    asked: Option<DisplayKind>,
    stdout_is_terminal: bool,
    probe: impl FnOnce() -> Result<(), NoWindows>,
) -> Result<Choice, NoDisplay> {
    let (kind, why) = match asked {
        Some(DisplayKind::Terminal) => return Err(NoDisplay::NotYet),
        Some(DisplayKind::None) => (DisplayKind::None, None),
        Some(DisplayKind::Window) => {
            probe().map_err(NoDisplay::NoWindows)?;
            (DisplayKind::Window, None)
        }
        None if !stdout_is_terminal => (DisplayKind::None, Some("standard output is no terminal".to_owned())),
        None => match probe() {
            Ok(()) => (DisplayKind::Window, None),
            Err(why) => (DisplayKind::None, Some(why.to_string())),
        },
    };
    Ok(Choice { kind, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unset() -> Result<(), NoWindows> {
        Err(NoWindows::Unset)
    }

    #[test]
    fn auto_takes_the_best_that_there_is() {
        let choose = |terminal, probe| choose(None, terminal, || probe).unwrap();
        assert_eq!(choose(true, Ok(())), Choice { kind: DisplayKind::Window, why: None });
        let none = choose(true, unset());
        assert_eq!(none.kind, DisplayKind::None);
        assert_eq!(none.why.as_deref(), Some("no window system (DISPLAY and WAYLAND_DISPLAY unset)"));
        assert_eq!(choose(false, Ok(())).kind, DisplayKind::None);
    }

    #[test]
    fn one_kind_is_that_or_an_error() {
        let only = |kind, probe| choose(Some(kind), false, || probe);
        assert_eq!(only(DisplayKind::Window, Ok(())).unwrap().kind, DisplayKind::Window);
        assert_eq!(only(DisplayKind::Window, unset()), Err(NoDisplay::NoWindows(NoWindows::Unset)));
        assert_eq!(only(DisplayKind::Terminal, Ok(())), Err(NoDisplay::NotYet));
        assert_eq!(only(DisplayKind::None, unset()).unwrap(), Choice { kind: DisplayKind::None, why: None });
    }
}
