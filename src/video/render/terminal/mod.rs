//! Plays drawn in the terminal where the conversation goes on.
//!
//! ```text
//!   play's thread ── frame ──► [`display`] ──► [`easel`]: one write() for a frame ──► the terminal
//!                                  ▲ takes?        ▲ resized, keys          ▲
//!                              [`absorb`]      the line editor ─────────────┘ below the picture
//! ```
//!
//! What the terminal understands is asked once, before the line editor reads from it ([`ask`], [`answers`],
//! [`graphics`]). Where the picture goes is decided by [`layout`], what is written for it by [`canvas`]; both are
//! pure. A write to a terminal is not interrupted by another, so a frame and a line never mix.

mod absorb;
mod answers;
mod ask;
mod backlog;
mod blocks;
mod canvas;
mod display;
mod easel;
mod files;
mod graphics;
mod keys;
mod layout;
mod picture;
mod sixel;
mod tty;

use std::{env, sync::Arc, time::Duration};

use self::{
    display::TerminalDisplay,
    easel::Easel,
    graphics::{Environment, best},
    tty::StandardOutput,
};
use super::{Display, NoTerminal};
use crate::video::viewer::Key;

/// The terminal that a person sits at, as a place for pictures. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Screen(Result<Arc<Easel>, NoTerminal>);

impl Screen {
    /// One that shows no pictures, and why.
    #[must_use]
    pub fn none(why: NoTerminal) -> Self {
        Self(Err(why))
    }

    /// Asks the terminal on standard input and output what it can draw. To be called before anybody else reads
    /// from it; takes up to a second when it does not answer. Before one that is far away, as over ssh, more waits than a
    /// write tells: it is asked how far it is behind each picture, and whoever reads what is typed has to tell of its
    /// answers by [`Screen::answered`].
    #[must_use]
    pub fn ask(is_far: bool) -> Self {
        let environment = Environment::new(|name| env::var(name).ok());
        let answers = ask::ask(environment.multiplexed).unwrap_or_else(|error| {
            log::debug!("the terminal cannot be asked: {error}");
            answers::Answers::default()
        });
        Self(
            best(&environment, &answers)
                .map(|graphics| Arc::new(Easel::new(Box::new(StandardOutput), graphics, answers, is_far))),
        )
    }

    /// How it draws, for a person to read.
    ///
    /// # Errors
    /// When it does not.
    pub fn drawing(&self) -> Result<String, NoTerminal> {
        self.0.as_ref().map(|easel| easel.graphics().to_string()).map_err(Clone::clone)
    }

    /// A display for one play. There is room for one: with its first frame it takes the place of the one before, of
    /// which the play ends as if its window had been closed.
    #[must_use]
    pub fn display(&self, title: &str) -> Box<dyn Display> {
        match &self.0 {
            Ok(easel) => Box::new(TerminalDisplay::new(Arc::clone(easel), title)),
            Err(_) => Box::new(super::NullDisplay),
        }
    }

    /// Whether a picture is shown.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.0.as_ref().is_ok_and(|easel| easel.is_taken())
    }

    /// Does what a key of the player means. Whether it means anything and a play is shown.
    #[must_use]
    pub fn press(&self, key: Key) -> bool {
        self.0.as_ref().is_ok_and(|easel| easel.press(key))
    }

    /// Whether the terminal answers while it is drawn on.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        self.0.as_ref().is_ok_and(|easel| easel.can_ask())
    }

    /// Answers of the terminal that are still to come.
    #[must_use]
    pub fn unanswered(&self) -> u32 {
        self.0.as_ref().map_or(0, |easel| easel.unanswered())
    }

    /// How long they are worth waiting for when nothing is to be drawn any more; 3 s at most.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |easel| easel.patience())
    }

    /// An answer of the terminal came among the keys.
    pub fn answered(&self) {
        if let Ok(easel) = &self.0 {
            easel.answered();
        }
    }

    /// Has the terminal answer nothing for a while, or again: its answers come among the keys, and sometimes keys belong
    /// together.
    pub fn hold_questions(&self, is_held: bool) {
        if let Ok(easel) = &self.0 {
            easel.hold_questions(is_held);
        }
    }

    /// The same for a moment, in which a second key may be typed.
    pub fn hold_for_a_key(&self) {
        if let Ok(easel) = &self.0 {
            easel.hold_for_a_key();
        }
    }

    /// Reads answers of the terminal that nobody else reads any more, for [`Screen::patience`] at most: or they would
    /// be typed into what comes after this program.
    pub fn read_answers(&self) {
        if let Err(error) = ask::read_answers(self.unanswered(), self.patience()) {
            log::debug!("answers of the terminal are left unread: {error}");
        }
    }

    /// Gives the whole screen back and draws nothing more until [`Screen::resume`]; reads what the terminal still answers. For
    /// whoever reads what is typed, when the process is about to be stopped.
    pub fn suspend(&self) {
        if let Ok(easel) = &self.0 {
            easel.suspend();
            if easel.unanswered() > 0 {
                self.read_answers();
            }
        }
    }

    /// Draws again, and everything.
    pub fn resume(&self) {
        if let Ok(easel) = &self.0 {
            easel.resume();
        }
    }

    /// Takes note of lines of the conversation: the last of them are written again when the screen is parted.
    pub fn note(&self, text: &str) {
        if let Ok(easel) = &self.0 {
            easel.note(text);
        }
    }

    /// Says how to print a text above the line that is edited, which is then drawn again where the cursor stands.
    pub fn print_by(&self, print: impl Fn(String) + Send + 'static) {
        if let Ok(easel) = &self.0 {
            easel.print_by(Box::new(print));
        }
    }

    /// The terminal has another size, or what is on it was spoilt: it is drawn anew soon. Does not wait for it.
    pub fn redraw(&self) {
        if let Ok(easel) = &self.0 {
            easel.redraw();
        }
    }

    /// What was typed while the terminal was asked; the first call gets it.
    #[must_use]
    pub fn take_typed(&self) -> String {
        self.0.as_ref().map(|easel| easel.take_typed()).unwrap_or_default()
    }

    /// Gives the whole screen back to the conversation, if that can be done at once.
    pub fn give_back(&self) {
        if let Ok(easel) = &self.0 {
            easel.give_back_now();
        }
    }
}
