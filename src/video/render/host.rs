//! Windows, all of them on one thread: OpenCV's highgui belongs to the main thread alone.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use opencv::{
    core::{self, Mat, MatTraitConst as _},
    highgui,
};

use super::{
    Closer, Display,
    window::{Command, WindowDisplay},
};

/// Pictures on their way to the screen, over all windows. Few: each is as large as the screen, and a player
/// that has to wait leaves out what is late.
const MOST_WAITING: usize = 2;

/// How often windows that show a still picture are looked after.
const IDLE_TICK: Duration = Duration::from_millis(20);

/// The size that a new window's longer side gets at most, in pixels: 16:9 fills it, a change of rendition
/// leaves it.
const FIRST_SIZE: (i32, i32) = (960, 540);

/// How far a new window is from the one before, in pixels to the right and down, and after how many the first
/// place comes again. Without a window manager all would lie upon each other.
const CASCADE: (i32, i32) = (48, 5);

/// Makes windows for players; cheap to clone and to send.
#[derive(Clone, Debug)]
pub struct Windows {
    commands: Sender<Command>,
    next: Arc<AtomicU64>,
}

impl Windows {
    /// A window for one play of `title`, for any thread. It opens with the first frame and closes when the play
    /// ends.
    #[must_use]
    pub fn display(&self, title: &str) -> Box<dyn Display> {
        Box::new(WindowDisplay::new(self.next.fetch_add(1, Ordering::Relaxed), title, self.commands.clone()))
    }
}

/// Draws all windows. For the main thread.
#[derive(Debug)]
pub struct WindowHost {
    commands: Receiver<Command>,
    windows: BTreeMap<u64, Window>,
}

/// The two ends: one for the main thread, one for everybody else.
#[must_use]
pub fn windows() -> (Windows, WindowHost) {
    let (sender, receiver) = crossbeam_channel::bounded(MOST_WAITING);
    let windows = Windows { commands: sender, next: Arc::default() };
    (windows, WindowHost { commands: receiver, windows: BTreeMap::new() })
}

impl WindowHost {
    /// Draws until every [`Windows`] and every display made of it is gone. Sleeps while no window is open;
    /// the window system is touched first when a frame is to be shown.
    pub fn run(mut self) {
        if let Err(error) = core::set_log_level(core::LogLevel::LOG_LEVEL_SILENT) {
            log::debug!("OpenCV keeps its own log: {error}");
        }
        while self.turn() {}
    }

    /// Does what players want, and notices what viewers did; false when nobody is left.
    fn turn(&mut self) -> bool {
        let command = if self.windows.values().any(Window::is_visible) {
            self.commands.recv_timeout(IDLE_TICK)
        } else {
            self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match command {
            Ok(command) => self.obey(command),
            Err(RecvTimeoutError::Timeout) => pump().unwrap_or_else(|error| log::error!("windows: {error}")),
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        for _ in 0..MOST_WAITING {
            let Ok(command) = self.commands.try_recv() else { break };
            self.obey(command);
        }
        self.windows.values_mut().for_each(Window::notice_closing);
        true
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Open { id, closer, is_open } => {
                let name = format!("securestream {id}");
                self.windows.insert(id, Window { name, closer, is_open, title: None });
            }
            Command::Show { id, picture, title } => {
                let place = self.windows.keys().position(|key| *key == id).unwrap_or(0);
                if let Some(window) = self.windows.get_mut(&id) {
                    window.show(&picture, title, place);
                }
            }
            Command::Close { id } => {
                if let Some(window) = self.windows.remove(&id) {
                    window.close();
                }
            }
        }
    }
}

/// The window of one play.
#[derive(Debug)]
struct Window {
    /// What highgui knows it by.
    name: String,
    /// Whom to tell when its viewer closes it.
    closer: Closer,
    /// Read by the player's thread before it draws.
    is_open: Arc<AtomicBool>,
    /// What stands in its frame, once it is on the screen.
    title: Option<String>,
}

impl Window {
    /// Whether it is on the screen, as far as is known.
    fn is_visible(&self) -> bool {
        self.title.is_some() && self.is_open.load(Ordering::Relaxed)
    }

    fn show(&mut self, picture: &Mat, title: String, place: usize) {
        if !self.is_open.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.try_show(picture, title, place) {
            log::error!("a window cannot show its picture: {error}");
            self.give_up();
        }
    }

    /// Shows a picture. The first one opens the window, as the `place`-th of those open.
    fn try_show(&mut self, picture: &Mat, title: String, place: usize) -> opencv::Result<()> {
        if self.title.is_none() {
            let flags = highgui::WINDOW_NORMAL | highgui::WINDOW_KEEPRATIO | highgui::WINDOW_GUI_NORMAL;
            highgui::named_window(&self.name, flags)?;
            let (width, height) = first_size(picture.cols(), picture.rows());
            highgui::resize_window(&self.name, width, height)?;
            let offset = i32::try_from(place).unwrap_or(0) % CASCADE.1 * CASCADE.0;
            highgui::move_window(&self.name, offset, offset)?;
        }
        if self.title.as_ref() != Some(&title) {
            highgui::set_window_title(&self.name, &title)?;
            self.title = Some(title);
        }
        highgui::imshow(&self.name, picture)?;
        pump()
    }

    fn notice_closing(&mut self) {
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
    fn close(self) {
        if self.title.is_none() {
            return;
        }
        // Its viewer may have closed it already: then there is nothing to destroy.
        let destroyed = highgui::destroy_window(&self.name).and_then(|()| pump());
        if let Err(error) = destroyed {
            log::debug!("a window was gone already: {error}");
        }
    }
}

/// Lets the window system work for a moment: nothing is drawn or noticed otherwise.
fn pump() -> opencv::Result<()> {
    highgui::wait_key(1).map(|_| ())
}

/// The largest size within [`FIRST_SIZE`] of the shape of a picture.
fn first_size(width: i32, height: i32) -> (i32, i32) {
    let (width, height) = (i64::from(width.max(1)), i64::from(height.max(1)));
    let (most_width, most_height) = (i64::from(FIRST_SIZE.0), i64::from(FIRST_SIZE.1));
    let size = if width * most_height >= height * most_width {
        (most_width, (height * most_width / width).max(1))
    } else {
        ((width * most_height / height).max(1), most_height)
    };
    let fitted = |pixels: i64| i32::try_from(pixels).unwrap_or(1);
    (fitted(size.0), fitted(size.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::clock::Event;

    #[test]
    fn a_new_window_has_the_shape_of_the_picture() {
        assert_eq!(first_size(1920, 1080), (960, 540));
        assert_eq!(first_size(426, 240), (958, 540));
        assert_eq!(first_size(640, 272), (960, 408));
        assert_eq!(first_size(1080, 1920), (303, 540));
        assert_eq!(first_size(0, i32::MAX), (1, 540));
    }

    #[test]
    fn the_host_ends_with_the_last_display_and_needs_no_window_system_for_it() {
        let (windows, host) = windows();
        let mut display = windows.display("unseen");
        let player = std::thread::spawn(move || {
            display.attach(Closer::new(crossbeam_channel::bounded::<Event>(1).0));
            drop(display);
        });
        drop(windows);
        host.run();
        player.join().unwrap();
    }
}
