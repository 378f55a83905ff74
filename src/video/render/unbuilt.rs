//! Windows in a build that has none: what the rest of the program is written against, showing nothing.

use crossbeam_channel::{Receiver, Sender};

use super::{Display, NullDisplay};

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
