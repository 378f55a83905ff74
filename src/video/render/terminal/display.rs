//! The player's end of a terminal: one play's frames, as many as the terminal absorbs.

use std::{sync::Arc, time::Duration};

use super::{
    absorb::Absorption,
    easel::{Cost, Easel},
};
use crate::{
    types::{MediaTime, Printable},
    video::{
        clock::{Clock as _, SystemClock},
        frame::Frame,
        render::{Closer, Display, DisplayGone, DisplayKind},
    },
};

/// Draws one play. The screen is parted with its first frame and whole again when this is dropped.
pub(super) struct TerminalDisplay {
    easel: Arc<Easel>,
    id: u64,
    title: String,
    closer: Option<Closer>,
    began: bool,
    clock: SystemClock,
    absorption: Absorption,
    figures: Figures,
}

/// What went to the terminal in the second before the last.
#[derive(Default)]
struct Figures {
    since: Duration,
    frames: u32,
    bytes: usize,
    told: String,
}

impl TerminalDisplay {
    pub(super) fn new(easel: Arc<Easel>, title: &str) -> Self {
        let (id, title) = (easel.enter(), Printable(title).to_string());
        let (closer, clock) = (None, SystemClock::start());
        let (absorption, figures) = (Absorption::default(), Figures::default());
        Self { easel, id, title, closer, began: false, clock, absorption, figures }
    }

    /// The line below the picture.
    fn status(&self, frame: &Frame) -> String {
        let figures = if self.easel.has_statistics() {
            format!("  {}  {}×{}{}", self.easel.graphics(), frame.width(), frame.height(), self.figures.told)
        } else {
            String::new()
        };
        format!("\x1b[7m {}  {}  {}{figures}  Alt-? keys \x1b[0m", self.title, clock_time(frame.pts), frame.label)
    }
}

impl Display for TerminalDisplay {
    fn kind(&self) -> DisplayKind {
        DisplayKind::Terminal
    }

    fn drops_late(&self) -> bool {
        true
    }

    fn takes(&mut self) -> bool {
        self.absorption.takes(self.clock.now())
    }

    fn attach(&mut self, closer: Closer) {
        self.closer = Some(closer);
    }

    fn show(&mut self, frame: &Frame) -> Result<(), DisplayGone> {
        if !self.began
            && let Some(closer) = &self.closer
        {
            self.easel.take(self.id, closer);
            self.began = true;
        }
        if !self.easel.is_shown(self.id) {
            return Err(DisplayGone);
        }
        let cost = self.easel.draw(frame, vec![self.status(frame)])?;
        let now = self.clock.now();
        self.absorption.wrote(now.saturating_sub(cost.writing), now);
        self.figures.count(now, &cost);
        Ok(())
    }
}

impl Drop for TerminalDisplay {
    fn drop(&mut self) {
        self.easel.leave(self.id);
    }
}

impl Figures {
    fn count(&mut self, now: Duration, cost: &Cost) {
        self.frames += 1;
        self.bytes += cost.bytes;
        let passed = now.saturating_sub(self.since);
        if passed >= Duration::from_secs(1) {
            let rate = |count: f64| count / passed.as_secs_f64();
            let kilobytes = rate(u32::try_from(self.bytes).map_or(f64::MAX, f64::from) / 1000.0);
            self.told = format!("  {:.0} frames/s  {kilobytes:.0} kB/s", rate(self.frames.into()));
            (self.since, self.frames, self.bytes) = (now, 0, 0);
        }
    }
}

/// `m:ss`, or `h:mm:ss`.
fn clock_time(at: MediaTime) -> String {
    let seconds = at.0.max(0) / 1_000_000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_players_say_them() {
        let said = |seconds: i64| clock_time(MediaTime(seconds * 1_000_000));
        assert_eq!([said(0), said(67), said(3600), said(-5)], ["0:00", "1:07", "1:00:00", "0:00"]);
    }

    #[test]
    fn figures_are_of_about_a_second() {
        let mut figures = Figures::default();
        for number in 0..=25 {
            figures.count(Duration::from_millis(40 * number), &Cost { writing: Duration::ZERO, bytes: 1000 });
        }
        assert_eq!(figures.told, "  26 frames/s  26 kB/s");
    }
}
