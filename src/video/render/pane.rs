//! The window of one play on the screen.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crossbeam_channel::Sender;
use opencv::highgui;

use super::{
    Closer, Status,
    composer::{Composer, Seen},
    keys::{self, Mouse},
    letterbox::{Size, largest_within},
    osd::{Look, Osd},
};
use crate::video::{
    ffi::qt,
    viewer::{Key, ViewerAction},
};

/// The size that a new window's longer side gets at most, in pixels: 16:9 fills it, a change of rendition
/// leaves it.
const FIRST_SIZE: Size = (960, 540);

/// How far a new window is from the one before, in pixels to the right and down, and after how many the first
/// place comes again. Without a window manager all would lie upon each other.
const CASCADE: (i32, i32) = (48, 5);

/// What a viewer did with the mouse, and in the window of which play.
pub(super) type MouseNews = (u64, Mouse);

/// A window. It opens with the first picture; the last one stays here, to be drawn again with other words over it or in
/// another size.
#[derive(Debug)]
pub(super) struct Pane {
    id: u64,
    /// What highgui knows it by.
    name: String,
    /// Whom to tell what its viewer does.
    closer: Closer,
    /// Read by the player's thread before it draws.
    is_open: Arc<AtomicBool>,
    /// What stands in its frame, once it is on the screen.
    caption: Option<String>,
    seen: Seen,
    osd: Osd,
    /// What was drawn last; nothing when it has to be drawn anew.
    drawn: Option<(Look, Size)>,
}

impl Pane {
    pub(super) fn new(id: u64, title: &str, closer: Closer, is_open: Arc<AtomicBool>) -> Self {
        Self {
            id,
            name: format!("securestream {id}"),
            closer,
            is_open,
            caption: None,
            seen: Seen::default(),
            osd: Osd::new(title),
            drawn: None,
        }
    }

    /// Whether it is on the screen, as far as is known.
    pub(super) fn is_visible(&self) -> bool {
        self.caption.is_some() && self.is_open.load(Ordering::Relaxed)
    }

    /// Whether what is typed is meant for it; `None` when the window system does not say.
    pub(super) fn has_focus(&self) -> Option<bool> {
        qt::has_focus(&self.name)
    }

    /// Takes the next picture. The first one opens the window, as the `place`-th of those open.
    pub(super) fn show(&mut self, seen: Seen, caption: String, place: usize, mouse: &Sender<MouseNews>) {
        if !self.is_open.load(Ordering::Relaxed) {
            return;
        }
        self.seen = seen;
        self.drawn = None;
        if let Err(error) = self.prepare(caption, place, mouse) {
            log::error!("a window cannot show its picture: {error}");
            self.give_up();
        }
    }

    /// Sees to it that the window is open and has this in its frame.
    fn prepare(&mut self, caption: String, place: usize, mouse: &Sender<MouseNews>) -> opencv::Result<()> {
        if self.caption.is_none() {
            // What is given to it has its size already: the ratio is kept by what is drawn.
            let flags = highgui::WINDOW_NORMAL | highgui::WINDOW_FREERATIO | highgui::WINDOW_GUI_NORMAL;
            highgui::named_window(&self.name, flags)?;
            let (width, height) = largest_within(self.seen.size, FIRST_SIZE);
            highgui::resize_window(&self.name, width, height)?;
            let offset = i32::try_from(place).unwrap_or(0) % CASCADE.1 * CASCADE.0;
            highgui::move_window(&self.name, offset, offset)?;
            let (id, mouse) = (self.id, mouse.clone());
            let tell = move |event, _, _, flags| {
                // Without a host there is nobody to tell.
                let _ = mouse.send((id, keys::mouse(event, flags)));
            };
            highgui::set_mouse_callback(&self.name, Some(Box::new(tell)))?;
            qt::keep_keys(&self.name);
        }
        if self.caption.as_ref() != Some(&caption) {
            highgui::set_window_title(&self.name, &caption)?;
            self.caption = Some(caption);
        }
        Ok(())
    }

    pub(super) fn caption(&mut self, text: Option<String>) {
        self.osd.caption(text);
    }

    pub(super) fn inform(&mut self, status: Status, now: Duration) {
        self.osd.inform(status, now);
    }

    /// Draws what is not on the screen yet: another picture, other words, another size.
    pub(super) fn refresh(&mut self, composer: &mut Composer, now: Duration) {
        if !self.is_visible() {
            return;
        }
        let (look, size) = (self.osd.look(now), self.size());
        if self.drawn.as_ref().is_some_and(|drawn| *drawn == (look.clone(), size)) {
            return;
        }
        let shown = composer.compose(&self.seen, size, &look).and_then(|shown| highgui::imshow(&self.name, shown));
        match shown {
            Ok(()) => self.drawn = Some((look, size)),
            Err(error) => {
                log::error!("a window cannot show its picture: {error}");
                self.give_up();
            }
        }
    }

    /// What there is room for; the picture's own size where the window system does not say.
    fn size(&self) -> Size {
        match highgui::get_window_image_rect(&self.name) {
            Ok(rect) if rect.width > 1 && rect.height > 1 => (rect.width, rect.height),
            _ => (self.seen.size.0.max(1), self.seen.size.1.max(1)),
        }
    }

    /// A key was typed in it.
    pub(super) fn typed(&mut self, code: i32, now: Duration) {
        if code & 0xffff == keys::ESCAPE {
            if self.is_full_screen() {
                self.toggle_full_screen();
            }
            return;
        }
        if let Some(action) = keys::key(code, qt::is_shift_held()).and_then(Key::action) {
            self.act(action, now);
        }
    }

    /// The mouse was used in it.
    pub(super) fn moused(&mut self, mouse: Mouse, now: Duration) {
        match mouse {
            Mouse::Moved => self.osd.poke(now),
            Mouse::Asked(action) => self.act(action, now),
            Mouse::Turned(action) => {
                // The window system zooms by itself when the wheel turns.
                qt::reset_zoom(&self.name);
                self.drawn = None;
                self.act(action, now);
            }
        }
    }

    /// Does what concerns the window alone, and passes on the rest.
    fn act(&mut self, action: ViewerAction, now: Duration) {
        match action {
            ViewerAction::ToggleFullScreen => return self.toggle_full_screen(),
            ViewerAction::ToggleStatistics => return self.osd.toggle_statistics(),
            ViewerAction::ToggleHelp => return self.osd.toggle_help(),
            ViewerAction::ShowPosition => {}
            asked => self.closer.ask(asked),
        }
        self.osd.poke(now);
    }

    fn is_full_screen(&self) -> bool {
        highgui::get_window_property(&self.name, highgui::WND_PROP_FULLSCREEN).is_ok_and(|full| full > 0.5)
    }

    fn toggle_full_screen(&mut self) {
        let wanted = if self.is_full_screen() { highgui::WINDOW_NORMAL } else { highgui::WINDOW_FULLSCREEN };
        let changed = highgui::set_window_property(&self.name, highgui::WND_PROP_FULLSCREEN, f64::from(wanted));
        if let Err(error) = changed {
            log::warn!("the window cannot change between full screen and not: {error}");
        }
    }

    pub(super) fn notice_closing(&mut self) {
        if !self.is_visible() {
            return;
        }
        let visible = highgui::get_window_property(&self.name, highgui::WND_PROP_VISIBLE);
        if !visible.is_ok_and(|visible| visible >= 1.0) {
            self.give_up();
        }
    }

    /// Tells the play that nobody sees it any more.
    fn give_up(&mut self) {
        self.is_open.store(false, Ordering::Relaxed);
        self.closer.close();
    }

    /// Takes it off the screen.
    pub(super) fn close(self) {
        if self.caption.is_none() {
            return;
        }
        // Its viewer may have closed it already: then there is nothing to destroy.
        if let Err(error) = highgui::destroy_window(&self.name) {
            log::debug!("a window was gone already: {error}");
        }
    }
}
