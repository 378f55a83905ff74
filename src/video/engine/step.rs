//! Frame by frame: what a viewer asks for in a pause.

use super::{Engine, Next, Progress};
use crate::video::report::Report;

impl Engine {
    /// Pauses; the frame after the one that is shown is next, as soon as it is there.
    pub(super) fn step_on(&mut self) {
        self.parts.pace.pause(self.parts.clock.now());
        self.stepping = true;
    }

    /// The frame that was asked for is on the screen, or there is none.
    pub(super) fn stepped(&mut self) {
        if std::mem::take(&mut self.stepping) {
            (self.parts.reports)(Report::Paused { at: self.position() });
        }
    }

    /// Shows the frame that was asked for whatever its time is, and has the timeline go on from it.
    pub(super) fn step_to_next(&mut self) -> Result<Next, super::End> {
        if let Some(ready) = self.ready.front() {
            self.parts.pace.go_on_from(self.parts.clock.now(), ready.frame.pts);
            self.sound.leave_behind(ready.frame.pts);
            self.dry = None;
            let next = self.show()?;
            self.stepped();
            return Ok(next);
        }
        match self.advance()? {
            Progress::Moved => Ok(Next::Again),
            // Behind the last frame there is nothing to step to.
            Progress::Full | Progress::Dry => {
                if self.ended.is_some() {
                    self.stepped();
                }
                Ok(Next::Wait(None))
            }
        }
    }
}
