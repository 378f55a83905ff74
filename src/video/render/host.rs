//! Windows, all of them on one thread: OpenCV's highgui belongs to the main thread alone.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use opencv::{core, highgui};

use super::{
    Display,
    composer::Composer,
    pane::{MouseNews, Pane},
    text::TextPainter,
    window::{Command, WindowDisplay},
};
use crate::video::clock::{Clock as _, SystemClock};

/// Pictures on their way to the screen, over all windows. Few: each is as large as the screen, and a player
/// that has to wait leaves out what is late.
const MOST_WAITING: usize = 2;

/// How often windows that show a still picture are looked after. Whether shift is held with a key can be asked only
/// afterwards, so this has to be shorter than a touch of both.
const IDLE_TICK: Duration = Duration::from_millis(10);

/// Keys taken at once: highgui gives them one by one.
const MOST_KEYS: usize = 8;

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
    panes: BTreeMap<u64, Pane>,
    /// Made with the first window: it looks through the fonts of the system.
    composer: Option<Composer>,
    mouse: (Sender<MouseNews>, Receiver<MouseNews>),
    /// The window in which the mouse was used last: it has the focus where the window system does not say which one does.
    touched: Option<u64>,
    clock: SystemClock,
}

/// The two ends: one for the main thread, one for everybody else.
#[must_use]
pub fn windows() -> (Windows, WindowHost) {
    let (sender, receiver) = crossbeam_channel::bounded(MOST_WAITING);
    let windows = Windows { commands: sender, next: Arc::default() };
    let host = WindowHost {
        commands: receiver,
        panes: BTreeMap::new(),
        composer: None,
        mouse: crossbeam_channel::unbounded(),
        touched: None,
        clock: SystemClock::start(),
    };
    (windows, host)
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
        let command = if self.is_any_visible() {
            self.commands.recv_timeout(IDLE_TICK)
        } else {
            self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match command {
            Ok(command) => self.obey(command),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        for _ in 0..MOST_WAITING {
            let Ok(command) = self.commands.try_recv() else { break };
            self.obey(command);
        }
        if self.is_any_visible() {
            self.refresh();
            self.take_keys();
            self.take_mouse();
            self.panes.values_mut().for_each(Pane::notice_closing);
        }
        true
    }

    fn is_any_visible(&self) -> bool {
        self.panes.values().any(Pane::is_visible)
    }

    fn obey(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Open { id, title, closer, is_open } => {
                self.panes.insert(id, Pane::new(id, &title, closer, is_open));
            }
            Command::Show { id, seen, caption } => {
                let place = self.panes.keys().position(|key| *key == id).unwrap_or(0);
                if let Some(pane) = self.panes.get_mut(&id) {
                    pane.show(seen, caption, place, &self.mouse.0);
                }
            }
            Command::Caption { id, text } => {
                if let Some(pane) = self.panes.get_mut(&id) {
                    pane.caption(text);
                }
            }
            Command::Inform { id, status } => {
                if let Some(pane) = self.panes.get_mut(&id) {
                    pane.inform(status, now);
                }
            }
            Command::Close { id } => {
                if let Some(pane) = self.panes.remove(&id) {
                    pane.close();
                    // It goes from the screen only when the window system had its turn.
                    self.take_keys();
                }
            }
        }
    }

    fn refresh(&mut self) {
        let now = self.clock.now();
        let composer = self.composer.get_or_insert_with(|| Composer::new(TextPainter::new()));
        self.panes.values_mut().for_each(|pane| pane.refresh(composer, now));
    }

    /// Lets the window system work for a moment, without which nothing is drawn or noticed, and takes what was typed.
    fn take_keys(&mut self) {
        for _ in 0..MOST_KEYS {
            match highgui::wait_key_ex(1) {
                Ok(-1) => return,
                Ok(code) => self.typed(code),
                Err(error) => return log::error!("windows: {error}"),
            }
        }
    }

    /// A key goes to the window that has the focus. Where nobody can tell which one that is, to the one in which the
    /// mouse was used last; before that, to the newest.
    fn typed(&mut self, code: i32) {
        let now = self.clock.now();
        let visible = || self.panes.iter().filter(|(_, pane)| pane.is_visible());
        let focused = visible().find(|(_, pane)| pane.has_focus() == Some(true));
        let touched = || visible().find(|(id, _)| Some(**id) == self.touched);
        let Some((id, _)) = focused.or_else(touched).or_else(|| visible().next_back()) else { return };
        let id = *id;
        if let Some(pane) = self.panes.get_mut(&id) {
            pane.typed(code, now);
        }
    }

    fn take_mouse(&mut self) {
        let now = self.clock.now();
        for (id, mouse) in self.mouse.1.try_iter() {
            self.touched = Some(id);
            if let Some(pane) = self.panes.get_mut(&id).filter(|pane| pane.is_visible()) {
                pane.moused(mouse, now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::{clock::Event, render::Closer};

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
