//! Where this process shows videos.

use std::{
    env,
    io::{self, IsTerminal as _},
    path::PathBuf,
    sync::OnceLock,
};

use crate::{
    cli::{ConnectOptions, Interaction},
    client::command::{DisplayChoice, PlayRequest},
    driver::member::Stage,
    video::{
        render::{
            Choice, Display, DisplayKind, NoDisplay, NoTerminal, NoWindows, NullDisplay, Screen, Setting, Windows,
            choose, probe,
        },
        sound::Sinks,
    },
};

/// Windows if this process can open any, and the terminal. Whether it can is found out once.
pub(super) struct ProcessStage {
    pub(super) default: DisplayChoice,
    pub(super) setting: Setting,
    pub(super) windows: Windows,
    pub(super) screen: Screen,
    pub(super) probed: OnceLock<Result<(), NoWindows>>,
    pub(super) hearing: Hearing,
}

/// Which plays are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    Nothing,
    /// Those that are shown: a script that shows nothing has nobody who listens.
    Shown,
    All,
}

/// What this process has to show videos on, beside windows.
pub(super) fn setting(options: &ConnectOptions, screen: &Screen) -> Setting {
    Setting {
        is_interactive: matches!(options.interaction, Interaction::Terminal { .. }),
        stdout_is_terminal: io::stdout().is_terminal(),
        over_ssh: is_over_ssh(),
        terminal: screen.drawing(),
    }
}

/// Whether the terminal is at another machine.
fn is_over_ssh() -> bool {
    ["SSH_CONNECTION", "SSH_TTY"].iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The terminal as a place for pictures, for a member that a person drives. It is asked what it can, so nobody
/// else may read from it yet.
pub(super) fn screen(options: &ConnectOptions) -> Screen {
    let Interaction::Terminal { plain, .. } = options.interaction else { return Screen::none(NoTerminal::Script) };
    let term = env::var("TERM").unwrap_or_default();
    if !io::stdout().is_terminal() {
        Screen::none(NoTerminal::NotATerminal)
    } else if term == "dumb" {
        Screen::none(NoTerminal::Term(term))
    } else if plain {
        Screen::none(NoTerminal::Plain)
    } else if !options.color {
        Screen::none(NoTerminal::NoColour)
    } else {
        Screen::ask(is_over_ssh())
    }
}

impl ProcessStage {
    fn probe(&self) -> Result<(), NoWindows> {
        self.probed
            .get_or_init(|| {
                let program = env::current_exe().unwrap_or_else(|_| PathBuf::from("securestream"));
                probe(&program)
            })
            .clone()
    }
}

impl Stage for ProcessStage {
    fn choose(&self, request: &PlayRequest) -> Result<Choice, NoDisplay> {
        let asked = match request.display.unwrap_or(self.default) {
            DisplayChoice::Auto => None,
            DisplayChoice::Window => Some(DisplayKind::Window),
            DisplayChoice::Terminal => Some(DisplayKind::Terminal),
            DisplayChoice::None => Some(DisplayKind::None),
        };
        choose(asked, &self.setting, || self.probe())
    }

    fn open(&self, title: &str, kind: DisplayKind) -> Box<dyn Display> {
        match kind {
            DisplayKind::Window => self.windows.display(title),
            DisplayKind::Terminal => self.screen.display(title),
            DisplayKind::None => Box::new(NullDisplay),
        }
    }

    fn sinks(&self, kind: DisplayKind) -> Option<Box<dyn Sinks>> {
        let is_heard = match self.hearing {
            Hearing::Nothing => false,
            Hearing::Shown => kind != DisplayKind::None,
            Hearing::All => true,
        };
        if is_heard { devices() } else { None }
    }
}

/// The system's sound device, in a build that has sound.
#[cfg(feature = "sound")]
#[expect(clippy::unnecessary_wraps, reason = "a build without sound has none")]
fn devices() -> Option<Box<dyn Sinks>> {
    Some(Box::new(crate::video::sound::Devices))
}

/// This build has no sound.
#[cfg(not(feature = "sound"))]
fn devices() -> Option<Box<dyn Sinks>> {
    None
}
