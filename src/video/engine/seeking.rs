//! From a seek to the frame that it leads to.

use std::time::Duration;

use super::{End, Engine};
use crate::{
    types::{MediaTime, PlayEpoch},
    video::{frame::Frame, render::DisplayGone, report::Report},
};

/// A seek whose frame was not shown yet.
pub(super) struct Seeking {
    epoch: PlayEpoch,
    since: Duration,
    /// How long after it a preview was shown.
    preview: Option<Duration>,
}

impl Seeking {
    pub(super) fn since(now: Duration, epoch: PlayEpoch) -> Self {
        Self { epoch, since: now, preview: None }
    }

    /// The frame at `at` is the one.
    pub(super) fn landed(self, at: MediaTime) -> Report {
        Report::Seeked { epoch: self.epoch, at, preview: self.preview }
    }
}

impl Engine {
    /// Shows the keyframe where decoding began, while all up to the frame itself is decoded: the viewer sees at once
    /// that the seek was heard, and about where it leads. It counts for nothing else.
    pub(super) fn preview(&mut self, frame: Frame) -> Result<(), End> {
        let now = self.parts.clock.now();
        let Some(seeking) = self.seeking.as_mut().filter(|seeking| seeking.preview.is_none()) else { return Ok(()) };
        seeking.preview = Some(now.saturating_sub(seeking.since));
        self.caption(&frame)?;
        self.parts.display.show(&frame).map_err(|DisplayGone| End::Closed)?;
        self.still = Some(frame);
        Ok(())
    }
}
