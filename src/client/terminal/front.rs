//! A member that a person drives: what the menu wants goes to the session, what happens goes to the screen.

use std::time::Duration;

use crossbeam_channel::Receiver;

use super::{HubQuestion, Menu, MenuOutput, Paint, SharedWords, Shell, Typed, ask_name};
use crate::{
    client::{
        command::Request,
        event::{Event, Failure},
        front::{Front, HubAnswer},
    },
    types::{Code, ExitCode, HubKey, MemberName},
};

/// The menu with its shell.
pub struct Terminal {
    paint: Paint,
    words: SharedWords,
    menu: Menu,
    shell: Shell,
    typed: Receiver<Typed>,
    /// The hub did not take the name.
    name_refused: bool,
}

impl Terminal {
    /// A front that takes what comes from `typed`, where the shell puts it.
    #[must_use]
    pub fn new(paint: Paint, words: SharedWords, shell: Shell, typed: Receiver<Typed>) -> Self {
        let menu = Menu::new(paint, words.clone());
        Self { paint, words, menu, shell, typed, name_refused: false }
    }

    /// Asks for a name, at the start or after the hub did not take one; none when the person leaves. Blocks.
    pub fn ask_name(&mut self) -> Option<MemberName> {
        self.show_rest();
        self.name_refused = false;
        self.menu = Menu::new(self.paint, self.words.clone());
        let typed = &self.typed;
        ask_name(&mut self.shell, || typed.recv().ok())
    }

    /// Whether another name would do.
    #[must_use]
    pub fn is_name_refused(&self) -> bool {
        self.name_refused
    }

    /// Shows what is still to be shown and gives the terminal back as it was.
    pub fn finish(mut self) {
        self.show_rest();
        self.shell.finish();
    }

    fn show_rest(&mut self) {
        while let Some(output) = self.menu.poll_output() {
            if let MenuOutput::Print(text) = output {
                self.shell.print(&text);
            }
        }
    }
}

impl Front for Terminal {
    fn handle_event(&mut self, event: Event, reference: Option<String>, now: Duration) {
        if let Event::Error(Failure {
            code: Code::NameTaken | Code::NameReserved | Code::BadName, command: None, ..
        }) = &event
        {
            self.name_refused = true;
        }
        self.menu.handle_event(&event, reference.as_deref(), now);
    }

    fn trusts_hub(&mut self, hub: &str, key: HubKey) -> HubAnswer {
        self.show_rest();
        let question = HubQuestion::new(key);
        self.shell.print(&question.text(hub));
        loop {
            self.shell.ask(&HubQuestion::prompt());
            let typed = self.typed.recv().unwrap_or(Typed::End);
            match question.answer(&typed) {
                Some(answer) => return answer,
                None => self.shell.print("! Answer yes or no, or paste the whole key that the operator gave you."),
            }
        }
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
