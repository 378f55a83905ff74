//! One table of the deadlines of a connection.

use std::time::Instant;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// The peer has registered.
    Handshake,
    /// The peer has said something.
    KeepAlive,
    /// What is queued has been sent.
    Drain,
}

/// At most one deadline for each [`Timer`].
#[derive(Debug, Default)]
pub(super) struct TimerTable([Option<Instant>; 3]);

impl TimerTable {
    const ALL: [Timer; 3] = [Timer::Handshake, Timer::KeepAlive, Timer::Drain];

    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        self.0[timer as usize] = Some(at);
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }

    /// Takes one timer whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Timer> {
        let timer = Self::ALL.into_iter().find(|timer| self.0[*timer as usize].is_some_and(|at| at <= now))?;
        self.stop(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_deadline_expires_once_and_the_earliest_is_next() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut table = TimerTable::default();
        table.set(Timer::Handshake, at(5));
        table.set(Timer::KeepAlive, at(3));
        assert_eq!(table.next(), Some(at(3)));
        assert_eq!(table.expire(at(2)), None);
        assert_eq!(table.expire(at(3)), Some(Timer::KeepAlive));
        assert_eq!(table.expire(at(3)), None);
        table.set(Timer::Handshake, at(9));
        assert_eq!(table.expire(at(5)), None, "set again is set later");
        table.stop(Timer::Handshake);
        assert_eq!(table.next(), None);
    }
}
