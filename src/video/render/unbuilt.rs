//! Windows in a build that has none: what the rest of the program is written against, showing nothing.

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use super::{Display, NoTerminal, NullDisplay};
use crate::video::viewer::Key;

/// Would make windows for players.
#[derive(Clone, Debug)]
pub struct Windows {
    /// Held, so that the host knows when the last one is gone.
    _alive: Sender<()>,
}

impl Windows {
    /// A display that shows nothing: [`probe`](super::probe()) has said why.
    #[must_use]
    pub fn display(&self, _title: &str) -> Box<dyn Display> {
        Box::new(NullDisplay)
    }
}

/// Would draw all windows.
#[derive(Debug)]
pub struct WindowHost {
    alive: Receiver<()>,
}

/// The two ends: one for the main thread, one for everybody else.
#[must_use]
pub fn windows() -> (Windows, WindowHost) {
    let (sender, alive) = crossbeam_channel::bounded(0);
    (Windows { _alive: sender }, WindowHost { alive })
}

impl WindowHost {
    /// Sleeps until every [`Windows`] is gone.
    pub fn run(self) {
        // Nothing is ever sent: the receiver ends when the senders are gone.
        self.alive.iter().for_each(drop);
    }
}

/// Would be the terminal that a person sits at, as a place for pictures.
#[derive(Clone, Debug)]
pub struct Screen(NoTerminal);

impl Screen {
    /// One that shows no pictures, and why.
    #[must_use]
    pub fn none(why: NoTerminal) -> Self {
        Self(why)
    }

    /// One that shows no pictures: nothing is asked.
    #[must_use]
    pub fn ask(_is_far: bool) -> Self {
        Self(NoTerminal::Unbuilt)
    }

    /// Why it does not draw.
    ///
    /// # Errors
    /// Always.
    pub fn drawing(&self) -> Result<String, NoTerminal> {
        Err(self.0.clone())
    }

    /// A display that shows nothing.
    #[must_use]
    pub fn display(&self, _title: &str) -> Box<dyn Display> {
        Box::new(NullDisplay)
    }

    /// No picture is shown.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        false
    }

    /// No key means anything.
    #[must_use]
    pub fn press(&self, _key: Key) -> bool {
        false
    }

    /// Nothing is asked.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        false
    }

    /// Nothing is asked.
    #[must_use]
    pub fn unanswered(&self) -> u32 {
        0
    }

    /// Nothing is waited for.
    #[must_use]
    pub fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// Nothing was asked.
    pub fn answered(&self) {}

    /// There are no questions.
    pub fn hold_questions(&self, _is_held: bool) {}

    /// There are no questions.
    pub fn hold_for_a_key(&self) {}

    /// There are no answers.
    pub fn read_answers(&self) {}

    /// The conversation has the whole screen.
    pub fn suspend(&self) {}

    /// There is nothing to draw.
    pub fn resume(&self) {}

    /// Nothing is written again.
    pub fn note(&self, _text: &str) {}

    /// Nothing is printed.
    pub fn print_by(&self, print: impl Fn(String) + Send + 'static) {
        drop(print);
    }

    /// There is nothing to draw.
    pub fn redraw(&self) {}

    /// Nothing was typed, because nothing was asked.
    #[must_use]
    pub fn take_typed(&self) -> String {
        String::new()
    }

    /// The conversation has the whole screen.
    pub fn give_back(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_ends_with_the_last_handle() {
        let (windows, host) = windows();
        let other = std::thread::spawn({
            let windows = windows.clone();
            move || windows.display("title").kind()
        });
        drop(windows);
        host.run();
        assert_eq!(other.join().unwrap(), super::super::DisplayKind::None);
    }
}
