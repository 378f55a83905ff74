//! Going on in another rendition: each frame of the title is shown once, however late the cut comes.
//!
//! ```text
//!            shown  ready  feed
//!   240p     ······ ■■■■   ■■■■■■■■|■■■■■■    cut in the feed: what lies behind is dropped, and given back as credit
//!   720p                           |■■■■■
//!
//!   240p     ······ ■|■■              cut in front of what is decoded: that is shown all the same
//!   720p            ·|··■■■■■■        and the other begins behind it; what it has before is decoded and hidden
//! ```

use super::Engine;
use crate::{
    types::{EndReason, MediaTime},
    video::{
        input::Segment,
        report::{Media, Report},
    },
};

impl Engine {
    /// Ends the segment that came last at `until`.
    pub(super) fn cut(&mut self, until: MediaTime) {
        if !self.feed.cut(until) {
            self.cut_stage(until);
        }
        self.knowledge.cut(until);
        // All was sent, and now there is more.
        self.ended = self.ended.filter(|reason| *reason != EndReason::Finished);
        self.cut = Some(self.cut.map_or(until, |before| before.min(until)));
    }

    /// Another segment comes: the one before gets no more packets, so what only helped to decode what was cut goes.
    pub(super) fn drop_what_was_cut(&mut self) {
        let Some(until) = self.cut.take() else { return };
        let (bytes, at) = (self.feed.trim(until), self.position());
        if bytes > 0 {
            (self.parts.reports)(Report::Consumed { epoch: self.epoch, media: Media::Pictures, bytes, at });
        }
    }

    /// The time before which a segment shows nothing, because frames up to there were taken from others: half a frame
    /// behind the last of them, since two renditions may round the time of a frame differently.
    pub(super) fn not_shown_before(&self, segment: &Segment) -> MediaTime {
        if self.last_decoded == MediaTime(i64::MIN) {
            return self.last_decoded;
        }
        let length = self.last_length.min(segment.frame_duration);
        self.last_decoded + MediaTime(length.0 / 2)
    }
}

#[cfg(test)]
mod tests;
