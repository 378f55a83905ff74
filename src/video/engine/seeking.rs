//! From a seek to the frame that it leads to.

use std::time::Duration;

use super::{End, Engine, Shown};
use crate::{
    types::{MediaTime, PlayEpoch},
    video::{frame::Frame, render::DisplayGone, report::Report},
};

/// A seek that takes no longer is not told while it lasts: the word would only flash.
const SHORT: Duration = Duration::from_millis(250);

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

    /// From when on the viewer is told that a frame of another place is waited for.
    pub(super) fn is_long_from(&self) -> Duration {
        self.since + SHORT
    }

    /// The frame at `at` is the one.
    pub(super) fn landed(self, at: MediaTime) -> Report {
        Report::Seeked { epoch: self.epoch, at, preview: self.preview }
    }
}

impl Engine {
    /// Shows the keyframe where decoding began, while all up to the frame itself, which is due at `wanted`, is decoded: the
    /// viewer sees at once that the seek was heard, and about where it leads. A picture that is nearer already stays, or
    /// short steps would jump to and fro. It counts for nothing else.
    pub(super) fn preview(&mut self, frame: Frame, wanted: MediaTime) -> Result<(), End> {
        let now = self.parts.clock.now();
        let is_nearer = |shown: Shown| (wanted - frame.pts).0.abs() < (wanted - shown.pts).0.abs();
        let is_worth_it = self.last_shown.is_none_or(is_nearer) && self.parts.display.takes();
        let Some(seeking) = self.seeking.as_mut().filter(|seeking| is_worth_it && seeking.preview.is_none()) else {
            return Ok(());
        };
        seeking.preview = Some(now.saturating_sub(seeking.since));
        self.caption(&frame)?;
        self.parts.display.show(&frame).map_err(|DisplayGone| End::Closed)?;
        self.still = Some(frame);
        Ok(())
    }
}
