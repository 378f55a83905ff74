//! The editor of lines.

use std::{collections::VecDeque, io};

use rustyline::{
    CompletionType, Config, Context, Editor, Event, EventHandler, ExternalPrinter as _, Helper, completion::Completer,
    error::ReadlineError, highlight::Highlighter, hint::Hinter, history::MemHistory, validate::Validator,
};

use super::{Wires, keys::PlayKeys, modes::StoppedModes};
use crate::{
    client::terminal::{Prompt, PromptKind, SharedWords, Typed, words::snapshot},
    video::render::Screen,
};

/// Lines that Up brings back.
const MAX_HISTORY: usize = 500;

type LineEditor = Editor<Completing, MemHistory>;

/// Edits a line for each prompt and prints texts above it.
pub(super) fn start(
    words: SharedWords,
    screen: Screen,
    stopped: Option<StoppedModes>,
    wires: Wires,
    on_typed: impl Fn(Typed) + Send + 'static,
) -> io::Result<()> {
    let config = Config::builder()
        .max_history_size(MAX_HISTORY)
        .and_then(|builder| builder.history_ignore_dups(true))
        .map_err(io::Error::other)?
        .completion_type(CompletionType::List)
        .build();
    let history = MemHistory::with_config(&config);
    let mut editor = LineEditor::with_history(config, history).map_err(io::Error::other)?;
    editor.set_helper(Some(Completing { words }));
    let mut early = Early::new(&screen.take_typed());
    editor.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(PlayKeys::new(screen, stopped))));
    // Printing blocks while the editor shows a list or searches.
    let mut printer = editor.create_external_printer().map_err(io::Error::other)?;
    wires.run(move |text| drop(printer.print(text)), move |prompt| edit(&mut editor, prompt, &mut early), on_typed)
}

/// What was typed before anybody was asked.
struct Early {
    lines: VecDeque<String>,
    rest: String,
}

impl Early {
    /// Whole lines are answers; what follows the last of them begins a line. Keys that are no characters are lost.
    fn new(typed: &str) -> Self {
        let mut lines: VecDeque<String> = typed
            .split(['\r', '\n'])
            .map(|line| line.chars().filter(|character| !character.is_control()).collect())
            .collect();
        let rest = lines.pop_back().unwrap_or_default();
        Self { lines, rest }
    }
}

fn edit(editor: &mut LineEditor, prompt: &Prompt, early: &mut Early) -> Typed {
    if let Some(line) = early.lines.pop_front() {
        return Typed::Line(line);
    }
    loop {
        let rest = std::mem::take(&mut early.rest);
        match editor.readline_with_initial(&prompt.text, (&rest, "")) {
            Ok(line) => {
                if !matches!(prompt.kind, PromptKind::Name | PromptKind::HubKey) && !line.trim().is_empty() {
                    let _ = editor.add_history_entry(line.as_str());
                }
                return Typed::Line(line);
            }
            Err(ReadlineError::Interrupted) => return Typed::Interrupt,
            // Bytes that are no UTF-8 were typed, or the window changed: the prompt is shown again.
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {}
            Err(ReadlineError::Signal(_)) => {}
            Err(error) => {
                if !matches!(error, ReadlineError::Eof) {
                    log::debug!("the terminal is gone: {error}");
                }
                return Typed::End;
            }
        }
    }
}

/// Completes from the shared words.
struct Completing {
    words: SharedWords,
}

impl Completer for Completing {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(snapshot(&self.words).complete(&line[..pos]))
    }
}

impl Hinter for Completing {
    type Hint = String;
}

impl Highlighter for Completing {}

impl Validator for Completing {}

impl Helper for Completing {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_early_answers_and_begins_the_next_line() {
        let early = Early::new("alice\r\nhel\x1b\x03lo");
        assert_eq!((early.lines, early.rest.as_str()), (VecDeque::from(["alice".into(), String::new()]), "hello"));
        let nothing = Early::new("");
        assert!(nothing.lines.is_empty() && nothing.rest.is_empty());
    }
}
