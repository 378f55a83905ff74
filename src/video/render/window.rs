//! The player's end of a window: turns frames into pictures and sends them to the thread that may draw.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crossbeam_channel::Sender;
use opencv::core::Mat;

use super::{Closer, Display, DisplayGone, DisplayKind, TextPainter, colour::Converter, overlay, subtitle};
use crate::{
    types::{MediaTime, Printable, RenditionLabel},
    video::frame::Frame,
};

/// What players want of windows.
#[derive(Debug)]
pub(super) enum Command {
    /// There will be a window: whom to tell when its viewer closes it.
    Open { id: u64, closer: Closer, is_open: Arc<AtomicBool> },
    /// A picture for it. The first one opens it.
    Show { id: u64, picture: Mat, title: String },
    /// It is not needed any more.
    Close { id: u64 },
}

/// For how long the name of a rendition stands on the picture when it begins.
const CAPTION: MediaTime = MediaTime(2_000_000);

/// A window for one play. Opens with the first frame and closes when dropped.
#[derive(Debug)]
pub(super) struct WindowDisplay {
    id: u64,
    title: String,
    commands: Sender<Command>,
    is_open: Arc<AtomicBool>,
    since: Option<(RenditionLabel, MediaTime)>,
    converter: Converter,
    /// The subtitles, and what draws them once there are some.
    subtitles: Option<String>,
    painter: Option<TextPainter>,
}

impl WindowDisplay {
    pub(super) fn new(id: u64, title: &str, commands: Sender<Command>) -> Self {
        let title = Printable(title).to_string();
        Self {
            id,
            title,
            commands,
            is_open: Arc::new(AtomicBool::new(true)),
            since: None,
            converter: Converter::default(),
            subtitles: None,
            painter: None,
        }
    }

    /// Whether the rendition began a moment ago; a jump back in time counts as a beginning.
    fn is_captioned(&mut self, frame: &Frame) -> bool {
        let start = match self.since {
            Some((label, start)) if label == frame.label && frame.pts >= start => start,
            _ => frame.pts,
        };
        self.since = Some((frame.label, start));
        frame.pts - start < CAPTION
    }

    fn draw(&mut self, frame: &Frame) -> opencv::Result<Mat> {
        let mut picture = self.converter.convert(frame)?;
        if self.is_captioned(frame) {
            let size = format!("{}  {}x{}", frame.label, frame.width(), frame.height());
            overlay::draw(&mut picture, &[&self.title, &size])?;
        }
        if let Some(text) = &self.subtitles {
            subtitle::draw(self.painter.get_or_insert_default(), &mut picture, text)?;
        }
        Ok(picture)
    }
}

impl Display for WindowDisplay {
    fn kind(&self) -> DisplayKind {
        DisplayKind::Window
    }

    fn caption(&mut self, text: Option<&str>, still: Option<&Frame>) -> Result<(), DisplayGone> {
        self.subtitles = text.map(str::to_owned);
        still.map_or(Ok(()), |frame| self.show(frame))
    }

    fn drops_late(&self) -> bool {
        true
    }

    fn attach(&mut self, closer: Closer) {
        let is_open = Arc::clone(&self.is_open);
        if self.commands.send(Command::Open { id: self.id, closer, is_open }).is_err() {
            self.is_open.store(false, Ordering::Relaxed);
        }
    }

    fn show(&mut self, frame: &Frame) -> Result<(), DisplayGone> {
        if !self.is_open.load(Ordering::Relaxed) {
            return Err(DisplayGone);
        }
        let picture = self.draw(frame).map_err(|error| {
            log::error!("a picture could not be drawn: {error}");
            DisplayGone
        })?;
        let title = format!("{} – {}", self.title, frame.label);
        self.commands.send(Command::Show { id: self.id, picture, title }).map_err(|_| DisplayGone)
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
        drop(display);
        let got: Vec<_> = inbox.iter().collect();
        let [Command::Open { id: 7, .. }, Command::Show { id: 7, title, .. }, Command::Close { id: 7 }] = &got[..]
        else {
            panic!("{got:?}");
        };
        assert_eq!(title, "a\\u{1b}b – 240p");
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

    #[test]
    fn the_caption_stands_for_two_seconds_of_each_rendition() {
        let mut display = WindowDisplay::new(1, "t", unbounded().0);
        let mut at = |height, number| display.is_captioned(&frame(height, number));
        assert!(at(240, 0) && at(240, 49) && !at(240, 50), "25 frames a second");
        assert!(at(720, 51) && !at(720, 101));
        assert!(at(720, 30), "after a seek back");
    }
}
