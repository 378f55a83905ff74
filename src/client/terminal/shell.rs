//! The keyboard and the screen: edits lines in a thread of its own and prints above the line that is edited.
//!
//! Two kinds: an editor with history and completion for usual terminals, and plain lines for the others. History
//! stays in memory.

use std::{
    io::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::{NameAnswer, NameQuestion, Prompt, SharedWords, Typed};
use crate::types::MemberName;

mod editor;
mod modes;
mod plain;

use modes::TerminalModes;

/// Texts that wait to be printed while the editor shows a list or searches. Beyond that they are dropped and
/// counted: a terminal that nobody looks at must not make the process grow.
const MAX_WAITING: usize = 1000;

/// How long the last texts may take to be drawn before the terminal is given back.
const LAST_DRAWING: Duration = Duration::from_millis(100);

/// A terminal in use. Give it back with [`Shell::finish`].
#[derive(Debug)]
pub struct Shell {
    prompts: Sender<Prompt>,
    texts: Sender<ToPrint>,
    dropped: u64,
    /// A prompt stands and its answer has not come.
    asking: Arc<AtomicBool>,
    modes: Option<TerminalModes>,
}

/// What the printing thread is told.
#[derive(Debug)]
enum ToPrint {
    Text(String),
    /// Say when everything before is printed.
    Flush(Sender<()>),
}

impl Shell {
    /// Takes the terminal on standard input and output; `plain` is lines only. Whatever is typed goes to
    /// `on_typed`, in a thread of the shell.
    ///
    /// # Errors
    /// When the terminal cannot be set up.
    pub fn start(words: SharedWords, plain: bool, on_typed: impl Fn(Typed) + Send + 'static) -> io::Result<Self> {
        let (prompts, asked) = unbounded();
        let (texts, to_print) = bounded(MAX_WAITING);
        let asking = Arc::new(AtomicBool::new(false));
        let answered = {
            let asking = asking.clone();
            move |typed| {
                asking.store(false, Ordering::SeqCst);
                on_typed(typed);
            }
        };
        let modes = if plain { None } else { TerminalModes::save() };
        if plain {
            plain::start(asked, to_print, asking.clone(), answered)?;
        } else {
            editor::start(words, asked, to_print, answered)?;
        }
        Ok(Self { prompts, texts, dropped: 0, asking, modes })
    }

    /// Asks for a line, unless one is being typed already.
    pub fn ask(&mut self, prompt: &Prompt) {
        if !self.asking.swap(true, Ordering::SeqCst) {
            // The thread ends with the process only.
            let _ = self.prompts.send(prompt.clone());
        }
    }

    /// Prints lines above the one that is edited.
    pub fn print(&mut self, text: &str) {
        if self.dropped > 0 {
            let note = format!("* {} texts could not be shown", self.dropped);
            if self.texts.try_send(ToPrint::Text(note)).is_ok() {
                self.dropped = 0;
            }
        }
        if self.texts.try_send(ToPrint::Text(text.to_owned())).is_err() {
            self.dropped += 1;
        }
    }

    /// Prints what is still to be printed and gives the terminal back as it was.
    pub fn finish(self) {
        let (done, drawn) = bounded(1);
        if self.texts.try_send(ToPrint::Flush(done)).is_ok() {
            let _ = drawn.recv_timeout(LAST_DRAWING);
        }
        if let Some(modes) = self.modes {
            if self.asking.load(Ordering::SeqCst) {
                // The editor does not tell when it has drawn what it was given.
                thread::sleep(LAST_DRAWING);
                let _ = io::stdout().write_all(b"\n");
            }
            modes.restore();
        }
    }
}

/// Asks for a name until there is one. `next` waits for what is typed; none when the process is to end.
pub fn ask_name(shell: &mut Shell, mut next: impl FnMut() -> Option<Typed>) -> Option<MemberName> {
    let mut question = NameQuestion::default();
    loop {
        shell.ask(&NameQuestion::prompt());
        match question.handle_typed(next()?) {
            NameAnswer::Name(name) => return Some(name),
            NameAnswer::Again(text) => shell.print(&text),
            NameAnswer::Leave => return None,
        }
    }
}

/// Prints with `print` whatever comes, in the calling thread.
fn print_all(to_print: &Receiver<ToPrint>, mut print: impl FnMut(String)) {
    for text in to_print {
        match text {
            ToPrint::Text(text) => print(text + "\n"),
            ToPrint::Flush(done) => drop(done.try_send(())),
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}
