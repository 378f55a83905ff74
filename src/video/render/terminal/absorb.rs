//! How many frames a terminal absorbs: a pure function of when frames were written and how long that took.
//!
//! A terminal, or the network before it, takes what it can and lets the writer wait for the rest. What was
//! accepted may still lie before the terminal: so the next frame waits as long again as the last took to write.
//! Hence at most half of the time is spent writing, the other half lets what waits drain, and a line of the
//! conversation waits behind one frame at most.

use std::time::Duration;

/// Even a terminal that takes all at once gets no more frames than this far apart: no screen shows more.
const CLOSEST: Duration = Duration::from_millis(8);

/// However long a frame took, after this the next is tried: the terminal may have been stopped for a while.
const LONGEST: Duration = Duration::from_secs(2);

/// When the next frame may be written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Absorption {
    free_at: Duration,
}

impl Absorption {
    /// Whether a frame may be written now.
    pub(super) fn takes(&self, now: Duration) -> bool {
        now >= self.free_at
    }

    /// A frame was written from `began` to `ended`.
    pub(super) fn wrote(&mut self, began: Duration, ended: Duration) {
        self.free_at = ended + ended.saturating_sub(began).clamp(CLOSEST, LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal that draws so many bytes a second, and accepts some beyond what it has drawn.
    struct SlowTerminal {
        rate: u64,
        buffer: u64,
        waiting: u64,
        at: Duration,
    }

    impl SlowTerminal {
        fn pass(&mut self, to: Duration) {
            let drawn = to.saturating_sub(self.at).as_nanos() * u128::from(self.rate) / 1_000_000_000;
            self.waiting = self.waiting.saturating_sub(u64::try_from(drawn).unwrap());
            self.at = to;
        }

        /// When a write of so many bytes that begins now returns.
        fn write(&mut self, now: Duration, bytes: u64) -> Duration {
            self.pass(now);
            let beyond = (self.waiting + bytes).saturating_sub(self.buffer);
            self.waiting += bytes;
            let until = now + Duration::from_nanos(beyond * 1_000_000_000 / self.rate);
            self.pass(until);
            until
        }
    }

    /// Plays for 20 s at 25 frames a second. Frames shown, time spent writing, the most bytes waiting when a frame
    /// begins.
    fn play(mut terminal: SlowTerminal, frame: u32) -> (u32, Duration, u64) {
        let (mut absorption, mut now) = (Absorption::default(), Duration::ZERO);
        let (mut shown, mut writing, mut backlog) = (0, Duration::ZERO, 0);
        for number in 0..500 {
            // A frame that is due while the one before is being written comes late.
            now = now.max(Duration::from_millis(40 * number));
            if absorption.takes(now) {
                terminal.pass(now);
                backlog = backlog.max(terminal.waiting);
                let ended = terminal.write(now, frame.into());
                absorption.wrote(now, ended);
                (shown, writing, now) = (shown + 1, writing + ended.saturating_sub(now), ended);
            }
        }
        (shown, writing, backlog)
    }

    fn terminal(rate: u32, buffer: u64) -> SlowTerminal {
        SlowTerminal { rate: rate.into(), buffer, waiting: 0, at: Duration::ZERO }
    }

    #[test]
    fn a_quick_terminal_gets_every_frame() {
        assert_eq!(play(terminal(50_000_000, 4096), 100_000).0, 500);
    }

    #[test]
    fn at_most_half_of_the_time_is_spent_writing_and_less_than_a_frame_waits() {
        for rate in [100_000, 500_000, 2_000_000] {
            for frame in [20_000, 100_000, 200_000] {
                let (shown, writing, backlog) = play(terminal(rate, 4096), frame);
                // The last frame may end after the film.
                let longest = Duration::from_secs_f64(f64::from(frame) / f64::from(rate));
                assert!(shown > 1 && writing <= Duration::from_secs(10) + longest, "{rate} {frame} {writing:?}");
                assert!(backlog < u64::from(frame), "{rate} B/s, {frame} B a frame: {backlog} B wait");
            }
        }
    }

    #[test]
    fn a_terminal_that_stood_still_is_tried_again_soon() {
        let mut absorption = Absorption::default();
        absorption.wrote(Duration::ZERO, Duration::from_mins(10));
        assert!(!absorption.takes(Duration::from_secs(601)) && absorption.takes(Duration::from_secs(602)));
    }
}
