//! Commands at a terminal: those of scripts behind a `/`, and a few that only a person needs.

use std::time::Duration;

use super::{
    super::{text, words::TERMINAL_COMMANDS},
    Menu, MenuOutput, Place,
};
use crate::client::{
    command::{Command, CommandName, InputError, Instruction, Syntax, nearest, read_line},
    event::{Failure, HelpEntry},
};

const TERMINAL_HELP: &str = "  /to NAME
        writes to NAME from now on; /to all to everyone
  /msg NAME TEXT
        writes one message
  /menu
        goes back to the menu
  At a \"to NAME>\" prompt all that does not begin with / is sent; //x sends /x.
  While a film plays in the terminal Alt-? lists its keys: Alt-p pauses, Alt-q stops; space, ← and →
  act alone while nothing is typed.
  Tab completes, Up brings back what you typed, Ctrl-C clears the line, twice leaves.";

impl Menu {
    /// Follows a command, given without its slash.
    pub(super) fn slash(&mut self, line: &str, now: Duration) {
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match name {
            "menu" => {
                self.place = Place::Menu;
                self.print(super::MENU);
            }
            "to" if rest.trim().is_empty() => self.ask_receiver(),
            "to" => self.to(rest, now),
            "send" | "msg" => self.message(rest, now),
            "help" if rest.trim().is_empty() => self.help(),
            "help" if TERMINAL_COMMANDS.contains(&rest.trim().trim_start_matches('/')) => self.print(TERMINAL_HELP),
            _ => self.instruction(line, now),
        }
    }

    fn message(&mut self, rest: &str, now: Duration) {
        let (name, text) = rest.trim_start().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
        if name.is_empty() || text.trim().is_empty() {
            let missing = if name.is_empty() { "a name and a text" } else { "a text" };
            return self.error(&format!("This needs {missing}: /msg NAME TEXT"));
        }
        let before = self.place.clone();
        match self.people.find(name) {
            Ok(receiver) => {
                self.say(receiver, text.to_owned(), now);
                // One message is no conversation: the prompt stays, unless the text waits for another name.
                if self.kept.is_none() {
                    self.place = before;
                }
            }
            Err(missing) => {
                self.kept = Some(text.to_owned());
                self.ask_again(&missing);
            }
        }
    }

    fn instruction(&mut self, line: &str, now: Duration) {
        // A brace would begin a JSON line, which is for scripts.
        let read = if line.starts_with('{') { None } else { read_line(line) };
        match read.map(|line| line.instruction) {
            Some(Ok(Instruction::Session(Command::Quit))) => self.leave(),
            Some(Ok(Instruction::Session(command))) => self.request(command, now),
            Some(Ok(Instruction::Help(name))) => self.print_help(&Syntax::help(name)),
            Some(Ok(other)) => self.refuse(&InputError::OnlyInScripts(other.name())),
            Some(Err(error)) => self.refuse(&error),
            None => self.refuse(&InputError::UnknownCommand { typed: String::new(), near: Vec::new() }),
        }
    }

    fn refuse(&mut self, error: &InputError) {
        let (message, hint) = match error {
            InputError::UnknownCommand { typed, .. } => {
                let known = CommandName::ALL.iter().map(|name| name.as_str()).chain(TERMINAL_COMMANDS);
                let near: Vec<String> = nearest(typed, known).into_iter().map(|name| format!("/{name}")).collect();
                let meant =
                    if near.is_empty() { String::new() } else { format!("did you mean {}? ", near.join(" or ")) };
                (
                    format!("there is no command /{typed}, nothing was sent"),
                    format!("{meant}/help lists the commands; //{typed} sends it as text"),
                )
            }
            error if error.command().is_some_and(|name| error.hint().starts_with(name.as_str())) => {
                (error.to_string(), format!("/{}", error.hint()))
            }
            error => (error.to_string(), error.hint()),
        };
        let text = text::failure_text(&Failure::new(error.code(), message, hint), self.paint);
        self.outputs.push_back(MenuOutput::Print(text));
    }

    fn help(&mut self) {
        let for_scripts = [CommandName::Wait, CommandName::Sleep, CommandName::ExpectError];
        let mut commands = Syntax::help(None);
        commands.retain(|entry| !for_scripts.contains(&entry.name));
        self.print_help(&commands);
        self.print(TERMINAL_HELP);
    }

    fn print_help(&mut self, commands: &[HelpEntry]) {
        self.print(&text::help(commands, "/"));
    }
}

/// A hint with its commands as they are typed at a prompt: `videos` is /videos there.
pub(super) fn with_slashes(hint: &str) -> String {
    let mut quoted = hint.split('`');
    let mut text = quoted.next().unwrap_or_default().to_owned();
    for (place, part) in quoted.enumerate() {
        let word = part.split_whitespace().next().unwrap_or_default();
        let is_command = place % 2 == 0 && CommandName::ALL.iter().any(|name| name.as_str() == word);
        text.push_str(if is_command { "`/" } else { "`" });
        text.push_str(part);
    }
    text
}
