//! Time for a play: what it is now, and waiting until something is to be done.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvError, RecvTimeoutError};

use super::{input::Input, viewer::ViewerAction};

/// What a play's thread can be woken by.
#[derive(Clone, Debug)]
pub enum Event {
    /// The session has something for it.
    Input(Input),
    /// The viewer closed the window.
    Closed,
    /// The viewer wants something, by a key or the mouse.
    Asked(ViewerAction),
}

/// Why a wait is over.
#[derive(Clone, Debug)]
pub enum Wake {
    /// This came.
    Event(Event),
    /// The time came.
    Due,
    /// Nothing can come any more.
    Gone,
}

/// A clock that a play waits on, so that tests need not wait.
pub trait Clock: Send {
    /// Time since some fixed point; never steps back.
    fn now(&self) -> Duration;

    /// Waits for the next event, or until [`Clock::now`] is at least `until`; with `None` for the event only.
    /// An event that is already there comes first, even when `until` has passed.
    fn wait(&mut self, events: &Receiver<Event>, until: Option<Duration>) -> Wake;
}

/// The system's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock that starts at 0 now.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn wait(&mut self, events: &Receiver<Event>, until: Option<Duration>) -> Wake {
        // A time too far off to be said is no deadline.
        match until.and_then(|until| self.origin.checked_add(until)) {
            None => events.recv().map_or_else(|RecvError| Wake::Gone, Wake::Event),
            Some(deadline) => match events.recv_deadline(deadline) {
                Ok(event) => Wake::Event(event),
                Err(RecvTimeoutError::Timeout) => Wake::Due,
                Err(RecvTimeoutError::Disconnected) => Wake::Gone,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_comes_before_a_time_that_has_passed() {
        let (sender, receiver) = crossbeam_channel::unbounded();
        let mut clock = SystemClock::start();
        sender.send(Event::Closed).unwrap();
        assert!(matches!(clock.wait(&receiver, Some(Duration::ZERO)), Wake::Event(Event::Closed)));
        assert!(matches!(clock.wait(&receiver, Some(Duration::ZERO)), Wake::Due));
        drop(sender);
        assert!(matches!(clock.wait(&receiver, Some(Duration::MAX)), Wake::Gone));
    }
}
