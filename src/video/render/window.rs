//! The player's end of a window: turns frames into pictures and sends them to the thread that may draw.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{Closer, Display, DisplayGone, DisplayKind, Status, colour::Converter, composer::Seen};
use crate::{types::Printable, video::frame::Frame};
use crossbeam_channel::Sender;

/// What players want of windows.
#[derive(Debug)]
pub(super) enum Command {
    /// There will be a window for this title: whom to tell what its viewer does.
    Open { id: u64, title: String, closer: Closer, is_open: Arc<AtomicBool> },
    /// A picture for it, and what stands in its frame. The first one opens it.
    Show { id: u64, seen: Seen, caption: String },
    /// The subtitles over its picture from now on.
    Caption { id: u64, text: Option<String> },
    /// How the play stands.
    Inform { id: u64, status: Status },
    /// It is not needed any more.
    Close { id: u64 },
}

/// A window for one play. Opens with the first frame and closes when dropped.
#[derive(Debug)]
pub(super) struct WindowDisplay {
    id: u64,
    title: String,
    commands: Sender<Command>,
    is_open: Arc<AtomicBool>,
    converter: Converter,
}

impl WindowDisplay {
    pub(super) fn new(id: u64, title: &str, commands: Sender<Command>) -> Self {
        let title = title.to_owned();
        Self { id, title, commands, is_open: Arc::new(AtomicBool::new(true)), converter: Converter::default() }
    }
}

impl Display for WindowDisplay {
    fn kind(&self) -> DisplayKind {
        DisplayKind::Window
    }

    fn drops_late(&self) -> bool {
        true
    }

    fn attach(&mut self, closer: Closer) {
        let (id, title, is_open) = (self.id, self.title.clone(), Arc::clone(&self.is_open));
        if self.commands.send(Command::Open { id, title, closer, is_open }).is_err() {
            self.is_open.store(false, Ordering::Relaxed);
        }
    }

    fn show(&mut self, frame: &Frame) -> Result<(), DisplayGone> {
        if !self.is_open.load(Ordering::Relaxed) {
            return Err(DisplayGone);
        }
        let picture = self.converter.convert(frame).map_err(|error| {
            log::error!("a picture could not be drawn: {error}");
            DisplayGone
        })?;
        let (width, height) = frame.shown_size();
        let size = [width, height].map(|side| i32::try_from(side).unwrap_or(i32::MAX)).into();
        let seen = Seen { picture, size };
        let caption = format!("{} – {}", Printable(&self.title), frame.label);
        self.commands.send(Command::Show { id: self.id, seen, caption }).map_err(|_| DisplayGone)
    }

    fn caption(&mut self, text: Option<&str>, _: Option<&Frame>) -> Result<(), DisplayGone> {
        // The host has the picture and draws it again.
        let text = text.map(str::to_owned);
        self.commands.send(Command::Caption { id: self.id, text }).map_err(|_| DisplayGone)
    }

    fn inform(&mut self, status: &Status) {
        // Without a host the next picture finds out.
        let _ = self.commands.send(Command::Inform { id: self.id, status: status.clone() });
    }
}

impl Drop for WindowDisplay {
    fn drop(&mut self) {
        // Without a host there is no window either.
        let _ = self.commands.send(Command::Close { id: self.id });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::{clock::Event, testing::frame};
    use crossbeam_channel::{bounded, unbounded};

    #[test]
    fn frames_go_to_the_host_with_the_title_of_the_window() {
        let (commands, inbox) = unbounded();
        let mut display = WindowDisplay::new(7, "a\u{1b}b", commands);
        display.attach(Closer::new(bounded::<Event>(1).0));
        display.show(&frame(240, 0)).unwrap();
        display.inform(&Status::default());
        display.caption(Some("words"), None).unwrap();
        drop(display);
        let got: Vec<_> = inbox.iter().collect();
        let [
            Command::Open { id: 7, .. },
            Command::Show { id: 7, caption, .. },
            Command::Inform { id: 7, .. },
            Command::Caption { id: 7, text: Some(_) },
            Command::Close { id: 7 },
        ] = &got[..]
        else {
            panic!("{got:?}");
        };
        assert_eq!(caption, "a\\u{1b}b – 240p");
    }

    #[test]
    fn a_closed_window_takes_no_frame() {
        let (commands, inbox) = unbounded();
        let mut display = WindowDisplay::new(1, "t", commands);
        display.attach(Closer::new(bounded::<Event>(1).0));
        let Ok(Command::Open { is_open, .. }) = inbox.recv() else { panic!("not opened") };
        is_open.store(false, Ordering::Relaxed);
        assert_eq!(display.show(&frame(240, 0)), Err(DisplayGone));
    }

    #[test]
    fn without_a_host_there_is_no_window() {
        let (commands, inbox) = unbounded();
        drop(inbox);
        let mut display = WindowDisplay::new(1, "t", commands);
        assert_eq!(display.show(&frame(240, 0)), Err(DisplayGone));
    }
}
