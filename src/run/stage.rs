//! Where this process shows videos.

use std::{env, path::PathBuf, sync::OnceLock};

use crate::{
    client::command::{DisplayChoice, PlayRequest},
    driver::member::Stage,
    video::{
        render::{Choice, Display, DisplayKind, NoDisplay, NoWindows, NullDisplay, Windows, choose, probe},
        sound::Sinks,
    },
};

/// Windows if this process can open any, else nothing. Whether it can is found out once.
pub(super) struct ProcessStage {
    pub(super) default: DisplayChoice,
    pub(super) stdout_is_terminal: bool,
    pub(super) windows: Windows,
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
        choose(asked, self.stdout_is_terminal, || self.probe())
    }

    fn open(&self, title: &str, kind: DisplayKind) -> Box<dyn Display> {
        match kind {
            DisplayKind::Window => self.windows.display(title),
            DisplayKind::Terminal | DisplayKind::None => Box::new(NullDisplay),
        }
    }

    fn sinks(&self, kind: DisplayKind) -> Option<Box<dyn Sinks>> {
        let is_heard = match self.hearing {
            Hearing::Nothing => false,
            Hearing::Shown => kind != DisplayKind::None,
            Hearing::All => true,
        };
        is_heard.then(devices).flatten()
    }
}

/// The system's sound device, in a build that has sound.
fn devices() -> Option<Box<dyn Sinks>> {
    #[cfg(feature = "sound")]
    return Some(Box::new(crate::video::sound::Devices));
    #[cfg(not(feature = "sound"))]
    None
}
