//! Where this process shows videos.

use std::{env, path::PathBuf, sync::OnceLock};

use crate::{
    client::command::{DisplayChoice, PlayRequest},
    driver::member::Stage,
    video::render::{Choice, Display, DisplayKind, NoDisplay, NoWindows, NullDisplay, Windows, choose, probe},
};

/// Windows if this process can open any, else nothing. Whether it can is found out once.
pub(super) struct ProcessStage {
    pub(super) default: DisplayChoice,
    pub(super) stdout_is_terminal: bool,
    pub(super) windows: Windows,
    pub(super) probed: OnceLock<Result<(), NoWindows>>,
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
}
