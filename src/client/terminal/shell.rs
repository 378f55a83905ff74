//! The keyboard and the screen: edits lines in a thread of its own and prints above the line that is edited.
//!
//! Two kinds: an editor with history and completion for usual terminals, and plain lines for the others. History
//! stays in memory.

use std::{
    io::{self, Write as _},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{NameAnswer, NameQuestion, Prompt, PromptKind, SharedWords, Typed};
use crate::{types::MemberName, video::render::Screen};

mod editor;
mod headless;
mod keys;
mod modes;
mod plain;

use modes::{BetweenLines, TerminalModes};

/// Texts that wait to be printed while the editor shows a list or searches. Beyond that they are dropped and
/// counted: a terminal that nobody looks at must not make the process grow.
const MAX_WAITING: usize = 1000;

/// How long the last texts may take to be drawn before the terminal is given back.
const LAST_DRAWING: Duration = Duration::from_millis(100);

/// How long a prompt waits for the texts before it. Longer than drawing takes; bounded, because an editor that
/// has just ended a line draws nothing until it is asked again.
const DRAWING: Duration = Duration::from_millis(50);

/// A terminal in use. Give it back with [`Shell::finish`].
#[derive(Debug)]
pub struct Shell {
    prompts: Sender<Asked>,
    texts: Sender<Text>,
    screen: Screen,
    /// Texts handed over, and those that did not fit.
    handed: u64,
    dropped: u64,
    printed: Arc<Progress>,
    /// A prompt stands and its answer has not come.
    asking: Arc<AtomicBool>,
    modes: Option<TerminalModes>,
}

/// A prompt, to be drawn when so many texts are printed.
#[derive(Debug)]
struct Asked {
    prompt: Prompt,
    after: u64,
}

/// What is to be printed above the line that is edited.
#[derive(Debug)]
enum Text {
    /// Lines, with the end of the last one.
    Lines(String),
    /// What a display needs printed, which nobody waits for.
    OfDisplay(String),
}

impl Shell {
    /// Takes the terminal on standard input and output; `plain` is lines only. Whatever is typed goes to
    /// `on_typed`, in a thread of the shell. Keys of the player act on what `screen` shows.
    ///
    /// # Errors
    /// When the terminal cannot be set up.
    pub fn start(
        words: SharedWords,
        plain: bool,
        screen: &Screen,
        on_typed: impl Fn(Typed) + Send + 'static,
    ) -> io::Result<Self> {
        // At most one prompt is on its way, see `asking`.
        let (prompts, asked) = bounded(1);
        let (texts, to_print) = bounded(MAX_WAITING);
        let (printed, asking) = (Arc::new(Progress::default()), Arc::new(AtomicBool::new(false)));
        let wires = Wires { asked, to_print, printed: printed.clone() };
        let answered = {
            let asking = asking.clone();
            move |typed| {
                asking.store(false, Ordering::SeqCst);
                on_typed(typed);
            }
        };
        let modes = if plain { None } else { TerminalModes::save() };
        if plain {
            plain::start(wires, answered)?;
        } else {
            let stopped = modes.as_ref().map(TerminalModes::stopped);
            editor::start(words, screen.clone(), stopped, wires, answered)?;
        }
        screen.print_by({
            let texts = texts.clone();
            // What does not fit is drawn later: there is more to come.
            move |text| drop(texts.try_send(Text::OfDisplay(text + "\n")))
        });
        Ok(Self { prompts, texts, screen: screen.clone(), handed: 0, dropped: 0, printed, asking, modes })
    }

    /// Asks for a line, unless one is being typed already.
    pub fn ask(&mut self, prompt: &Prompt) {
        if !self.asking.swap(true, Ordering::SeqCst) {
            // Before a member runs, a signal ends the process, and nothing is played.
            let is_member = !matches!(prompt.kind, PromptKind::Name | PromptKind::HubKey);
            if let Some(modes) = &mut self.modes {
                let is_hushed = is_member && self.screen.can_ask();
                modes.set_between_lines(BetweenLines { is_hushed, suspend_key_waits: is_member });
            }
            // The thread that reads ends with the process only.
            let _ = self.prompts.send(Asked { prompt: prompt.clone(), after: self.handed });
        }
    }

    /// Prints lines above the one that is edited.
    pub fn print(&mut self, text: &str) {
        if self.dropped > 0 && self.hand(format!("* {} texts could not be shown", self.dropped)) {
            self.dropped = 0;
        }
        if !self.hand(text.to_owned()) {
            self.dropped += 1;
        }
    }

    fn hand(&mut self, text: String) -> bool {
        self.screen.note(&text);
        let fits = self.texts.try_send(Text::Lines(text + "\n")).is_ok();
        self.handed += u64::from(fits);
        fits
    }

    /// Prints what is still to be printed and gives the terminal back as it was.
    pub fn finish(self) {
        self.printed.wait_for(self.handed, LAST_DRAWING);
        if let Some(modes) = self.modes {
            if self.asking.load(Ordering::SeqCst) {
                // The editor does not tell when it has drawn what it was given. It reads what the terminal still answers.
                let mut patience = self.screen.patience();
                thread::sleep(LAST_DRAWING);
                while self.screen.unanswered() > 0 && patience > LAST_DRAWING {
                    patience -= LAST_DRAWING;
                    thread::sleep(LAST_DRAWING);
                }
                let _ = io::stdout().write_all(b"\n");
            } else if self.screen.unanswered() > 0 {
                self.screen.read_answers();
            }
            drop(modes);
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

/// What ties the two threads of a terminal to their [`Shell`].
struct Wires {
    asked: Receiver<Asked>,
    to_print: Receiver<Text>,
    printed: Arc<Progress>,
}

impl Wires {
    /// Starts the thread that prints and the one that reads a line for each prompt.
    fn run(
        self,
        mut print: impl FnMut(String) + Send + 'static,
        mut read: impl FnMut(&Prompt) -> Typed + Send + 'static,
        on_typed: impl Fn(Typed) + Send + 'static,
    ) -> io::Result<()> {
        let (to_print, asked, printed) = (self.to_print, self.asked, self.printed.clone());
        spawn("printer", move || {
            for text in to_print {
                match text {
                    Text::Lines(text) => {
                        print(text);
                        printed.advance();
                    }
                    Text::OfDisplay(text) => print(text),
                }
            }
        })?;
        let printed = self.printed;
        spawn("reader", move || {
            for Asked { prompt, after } in asked {
                printed.wait_for(after, DRAWING);
                on_typed(read(&prompt));
            }
        })
    }
}

/// How many texts are printed.
#[derive(Debug, Default)]
struct Progress {
    count: Mutex<u64>,
    changed: Condvar,
}

impl Progress {
    fn advance(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    /// Waits until so many are printed, or the time is over.
    fn wait_for(&self, count: u64, at_most: Duration) {
        let printed = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout_while(printed, at_most, |printed| *printed < count));
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::render::NoTerminal;

    /// A terminal without a terminal: what is printed and asked comes out in order.
    fn wired() -> (Shell, Receiver<String>, Sender<Typed>, Receiver<Typed>) {
        let (prompts, asked) = bounded(1);
        let (texts, to_print) = bounded(2);
        let (shown, screen) = crossbeam_channel::unbounded();
        let (keys, pressed) = bounded(1);
        let (typed, answers) = crossbeam_channel::unbounded();
        let (printed, asking) = (Arc::new(Progress::default()), Arc::new(AtomicBool::new(false)));
        let wires = Wires { asked, to_print, printed: printed.clone() };
        let drawn = shown.clone();
        let done = asking.clone();
        wires
            .run(
                move |text| shown.send(text).unwrap(),
                move |prompt| {
                    drawn.send(prompt.text.clone()).unwrap();
                    pressed.recv().unwrap_or(Typed::End)
                },
                move |answer| {
                    done.store(false, Ordering::SeqCst);
                    typed.send(answer).unwrap();
                },
            )
            .unwrap();
        let nowhere = Screen::none(NoTerminal::Plain);
        let shell = Shell { prompts, texts, screen: nowhere, handed: 0, dropped: 0, printed, asking, modes: None };
        (shell, screen, keys, answers)
    }

    #[test]
    fn a_prompt_comes_after_the_texts_before_it_and_only_once() {
        let (mut shell, screen, keys, answers) = wired();
        shell.print("one");
        shell.ask(&NameQuestion::prompt());
        shell.ask(&NameQuestion::prompt());
        assert_eq!([screen.recv().unwrap(), screen.recv().unwrap()], ["one\n", "Your name> "]);
        keys.send(Typed::Line("bob".into())).unwrap();
        assert_eq!(answers.recv(), Ok(Typed::Line("bob".into())));
        shell.print("two");
        assert_eq!(screen.recv().unwrap(), "two\n", "and no second prompt");
        shell.finish();
    }

    #[test]
    fn a_name_is_asked_for_until_it_is_good() {
        let (mut shell, screen, keys, answers) = wired();
        let mut lines = ["a b", "bob"].into_iter();
        let name = ask_name(&mut shell, || {
            keys.send(Typed::Line(lines.next()?.into())).unwrap();
            answers.recv().ok()
        });
        assert_eq!(name, "bob".parse().ok());
        let seen: Vec<String> = (0..3).map(|_| screen.recv().unwrap()).collect();
        assert!(seen[1].starts_with("! That cannot be your name"), "{seen:?}");
    }

    #[test]
    fn what_nobody_looks_at_is_dropped_and_counted() {
        let (texts, to_print) = bounded(2);
        let (prompts, _asked) = bounded(1);
        let printed = Arc::new(Progress::default());
        let screen = Screen::none(NoTerminal::Plain);
        let asking = Arc::default();
        let mut shell = Shell { prompts, texts, screen, handed: 0, dropped: 0, printed, asking, modes: None };
        let next = || match to_print.recv() {
            Ok(Text::Lines(text)) => text,
            other => panic!("{other:?}"),
        };
        for text in ["a", "b", "c", "d"] {
            shell.print(text);
        }
        assert_eq!((shell.handed, shell.dropped), (2, 2));
        assert_eq!([next(), next()], ["a\n", "b\n"]);
        shell.print("e");
        assert_eq!([next(), next()], ["* 2 texts could not be shown\n", "e\n"]);
    }
}
