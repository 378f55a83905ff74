//! A member that a person drives: what the menu wants goes to the session, what happens goes to the screen.

use std::time::Duration;

use crossbeam_channel::Receiver;

use super::{Menu, MenuOutput, Shell, Typed};
use crate::{
    client::{command::Request, event::Event, front::Front},
    types::ExitCode,
};

/// The menu with its shell.
pub struct Terminal {
    menu: Menu,
    shell: Shell,
    typed: Receiver<Typed>,
}

impl Terminal {
    /// A front that takes what comes from `typed`, where the shell puts it.
    #[must_use]
    pub fn new(menu: Menu, shell: Shell, typed: Receiver<Typed>) -> Self {
        Self { menu, shell, typed }
    }

    /// Shows what is still to be shown and gives the terminal back as it was.
    pub fn finish(mut self) {
        while let Some(output) = self.menu.poll_output() {
            if let MenuOutput::Print(text) = output {
                self.shell.print(&text);
            }
        }
        self.shell.finish();
    }
}

impl Front for Terminal {
    fn handle_event(&mut self, event: Event, _: Option<String>, now: Duration) {
        self.menu.handle_event(&event, now);
    }

    fn poll_request(&mut self, now: Duration) -> Option<Request> {
        self.menu.handle_timeout(now);
        loop {
            while let Some(output) = self.menu.poll_output() {
                match output {
                    MenuOutput::Print(text) => self.shell.print(&text),
                    MenuOutput::Ask(prompt) => self.shell.ask(&prompt),
                    MenuOutput::Request(request) => return Some(request),
                }
            }
            self.menu.handle_typed(self.typed.try_recv().ok()?, now);
        }
    }

    fn deadline(&self) -> Option<Duration> {
        self.menu.poll_timeout()
    }

    fn interrupted(&mut self, now: Duration) -> bool {
        self.menu.handle_typed(Typed::Interrupt, now);
        true
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::Fine
    }
}
