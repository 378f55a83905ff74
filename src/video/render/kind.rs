//! Which display a play gets.

use std::fmt;

use super::NoWindows;

/// A kind of display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisplayKind {
    /// A window for each play.
    Window,
    /// Drawn in the terminal, above the conversation.
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
    /// Why it is this one although nobody asked for it.
    pub why: Option<String>,
}

/// Why a terminal shows no pictures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTerminal {
    /// It has no colours, by its name.
    #[error("this terminal (TERM={0}) cannot draw")]
    Term(String),
    /// Nothing says what it can.
    #[error("this terminal (TERM unset) cannot draw")]
    Unnamed,
    /// Its user wants no colours.
    #[error("this terminal is to have no colours (NO_COLOR or --color never)")]
    NoColour,
    /// Its user wants lines only.
    #[error("this terminal is to get lines only (--plain)")]
    Plain,
    /// Standard output goes elsewhere.
    #[error("standard output is no terminal")]
    NotATerminal,
    /// Standard output is for the events of a script.
    #[error("a script's output is its events, with no pictures among them")]
    Script,
    /// The build cannot.
    #[error("this build has no player")]
    Unbuilt,
}

/// Why there is no display of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDisplay {
    /// A window was asked for and cannot be.
    #[error(transparent)]
    NoWindows(NoWindows),
    /// The terminal was asked for and cannot draw.
    #[error(transparent)]
    NoTerminal(NoTerminal),
    /// Whatever there is was asked for, by somebody who wants to see it, and there is nothing.
    #[error("{windows} and {terminal}")]
    Nothing {
        /// Why there is no window.
        windows: NoWindows,
        /// Why it is not drawn in the terminal.
        terminal: NoTerminal,
    },
}

impl NoDisplay {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoTerminal(NoTerminal::Script) => {
                "leave display= out, or ask for a window or none; a person at a terminal sees pictures in it"
            }
            Self::NoTerminal(NoTerminal::Plain) | Self::Nothing { terminal: NoTerminal::Plain, .. } => {
                "without --plain it is drawn here; display=none plays without a picture"
            }
            _ => "display=none plays without a picture",
        }
    }
}

/// What there is to show videos on.
#[derive(Clone, Debug)]
pub struct Setting {
    /// A person drives the member, not a script.
    pub is_interactive: bool,
    /// Somebody may be watching.
    pub stdout_is_terminal: bool,
    /// The terminal is at another machine than this program: a window would be sent there picture by picture.
    pub over_ssh: bool,
    /// How the terminal draws, for a person to read.
    pub terminal: Result<String, NoTerminal>,
}

/// Chooses the display that was asked for, or the best that there is: a window, then the terminal; over ssh the
/// terminal first. In a script it is a window or none. `probe` is asked only when it matters.
///
/// # Errors
/// When one kind was asked for and cannot be had, or when a person would see nothing.
pub fn choose(
    asked: Option<DisplayKind>,
    setting: &Setting,
    probe: impl FnOnce() -> Result<(), NoWindows>,
) -> Result<Choice, NoDisplay> {
    let as_asked = |kind| Choice { kind, why: None };
    match asked {
        Some(DisplayKind::Terminal) => {
            let drawn = setting.terminal.as_ref().map(|_| as_asked(DisplayKind::Terminal));
            drawn.map_err(|why| NoDisplay::NoTerminal(why.clone()))
        }
        Some(DisplayKind::None) => Ok(as_asked(DisplayKind::None)),
        Some(DisplayKind::Window) => probe().map(|()| as_asked(DisplayKind::Window)).map_err(NoDisplay::NoWindows),
        None => best(setting, probe),
    }
}

/// What a play gets for which nobody asked for anything.
fn best(setting: &Setting, probe: impl FnOnce() -> Result<(), NoWindows>) -> Result<Choice, NoDisplay> {
    let because = |kind, why: String| Ok(Choice { kind, why: Some(why) });
    if !setting.stdout_is_terminal {
        return because(DisplayKind::None, "standard output is no terminal".to_owned());
    }
    if let (true, Ok(drawing)) = (setting.over_ssh, &setting.terminal) {
        return because(DisplayKind::Terminal, format!("this session is over ssh; drawn with {drawing}"));
    }
    match (probe(), &setting.terminal) {
        (Ok(()), _) => because(DisplayKind::Window, "a window can be opened".to_owned()),
        (Err(windows), Ok(drawing)) => because(DisplayKind::Terminal, format!("{windows}; drawn with {drawing}")),
        (Err(windows), Err(terminal)) if setting.is_interactive => {
            Err(NoDisplay::Nothing { windows, terminal: terminal.clone() })
        }
        (Err(windows), Err(_)) => because(DisplayKind::None, windows.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unset() -> Result<(), NoWindows> {
        Err(NoWindows::Unset)
    }

    const UNSET: &str = "no window system (DISPLAY and WAYLAND_DISPLAY unset)";

    /// A person at a terminal that draws.
    fn at_a_terminal() -> Setting {
        let terminal = Ok("half blocks".to_owned());
        Setting { is_interactive: true, stdout_is_terminal: true, over_ssh: false, terminal }
    }

    fn in_a_script() -> Setting {
        Setting { is_interactive: false, terminal: Err(NoTerminal::Script), ..at_a_terminal() }
    }

    fn because(kind: DisplayKind, why: &str) -> Choice {
        Choice { kind, why: Some(why.to_owned()) }
    }

    #[test]
    fn auto_takes_a_window_then_the_terminal_and_says_why() {
        let here = at_a_terminal();
        assert_eq!(choose(None, &here, || Ok(())).unwrap(), because(DisplayKind::Window, "a window can be opened"));
        let drawn = format!("{UNSET}; drawn with half blocks");
        assert_eq!(choose(None, &here, unset).unwrap(), because(DisplayKind::Terminal, &drawn));
    }

    #[test]
    fn over_ssh_the_terminal_comes_before_a_forwarded_window() {
        let mut remote = Setting { over_ssh: true, ..at_a_terminal() };
        let forwarded = choose(None, &remote, || Ok(())).unwrap();
        assert_eq!(forwarded, because(DisplayKind::Terminal, "this session is over ssh; drawn with half blocks"));
        remote.terminal = Err(NoTerminal::Plain);
        assert_eq!(choose(None, &remote, || Ok(())).unwrap().kind, DisplayKind::Window);
    }

    #[test]
    fn a_person_who_would_see_nothing_is_told_and_a_script_goes_on_without_a_picture() {
        let dumb = Setting { terminal: Err(NoTerminal::Term("dumb".into())), ..at_a_terminal() };
        let nothing = choose(None, &dumb, unset).unwrap_err();
        assert_eq!(nothing.to_string(), format!("{UNSET} and this terminal (TERM=dumb) cannot draw"));
        assert_eq!(choose(None, &in_a_script(), unset).unwrap(), because(DisplayKind::None, UNSET));
        let piped = Setting { stdout_is_terminal: false, ..in_a_script() };
        assert_eq!(choose(None, &piped, || Ok(())).unwrap().kind, DisplayKind::None);
    }

    #[test]
    fn one_kind_is_that_or_an_error() {
        let only = |kind, setting: &Setting, probe| choose(Some(kind), setting, || probe);
        let (here, script) = (at_a_terminal(), in_a_script());
        assert_eq!(only(DisplayKind::Window, &script, Ok(())).unwrap().kind, DisplayKind::Window);
        assert_eq!(only(DisplayKind::Window, &here, unset()), Err(NoDisplay::NoWindows(NoWindows::Unset)));
        assert_eq!(
            only(DisplayKind::Terminal, &here, unset()).unwrap(),
            Choice { kind: DisplayKind::Terminal, why: None }
        );
        let refused = only(DisplayKind::Terminal, &script, Ok(())).unwrap_err();
        assert!(refused == NoDisplay::NoTerminal(NoTerminal::Script) && refused.hint().contains("window"));
        assert_eq!(only(DisplayKind::None, &script, unset()).unwrap().kind, DisplayKind::None);
    }
}
