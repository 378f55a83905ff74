//! What the display is told about the play, a few times a second and when it matters.

use std::time::Duration;

use super::{Engine, seeking::Seeking};
use crate::{
    types::{Codec, MediaTime},
    video::{
        input::{About, Segment},
        render::Status,
    },
};

/// How often what changes with every frame is told.
const EVERY: Duration = Duration::from_millis(250);

/// What is known of the play besides what the engine plays by.
#[derive(Default)]
pub(super) struct Knowledge {
    about: About,
    /// The end of what has come, since the last flush.
    received: MediaTime,
    codec: Option<Codec>,
    frame_duration: MediaTime,
    /// What was told last, and when.
    told: Option<(Duration, Status)>,
}

impl Knowledge {
    /// The session knows more; what it does not mention stays.
    pub(super) fn learn(&mut self, about: &About) {
        self.about.duration = about.duration.or(self.about.duration);
        self.about.throughput = about.throughput.or(self.about.throughput);
        self.about.mode = about.mode.or(self.about.mode);
    }

    /// A packet is here whose picture lasts until this time.
    pub(super) fn received(&mut self, until: MediaTime) {
        self.received = self.received.max(until);
    }

    /// What had come behind this is not shown any more.
    pub(super) fn cut(&mut self, until: MediaTime) {
        self.received = self.received.min(until);
    }

    /// What had come is forgotten.
    pub(super) fn flushed(&mut self) {
        self.received = MediaTime::ZERO;
    }

    /// The display shows more or less of it from now on.
    pub(super) fn tell_again(&mut self) {
        self.told = None;
    }

    /// Packets of this segment are decoded from now on.
    pub(super) fn opened(&mut self, segment: &Segment) {
        self.codec = Some(segment.codec);
        self.frame_duration = segment.frame_duration;
    }
}

impl Engine {
    /// Tells the display how the play stands, if that is news. When to ask again, if something is held back.
    pub(super) fn inform(&mut self) -> Option<Duration> {
        self.last_shown?;
        let now = self.parts.clock.now();
        let status = self.status(now);
        let seek_is_long = self.seeking.as_ref().map(Seeking::is_long_from).filter(|from| *from > now);
        let due = match &self.knowledge.told {
            Some((_, told)) if *told == status => return seek_is_long,
            Some((at, told)) if !status.is_news_after(told) => *at + EVERY,
            _ => now,
        };
        if due > now {
            return Some(seek_is_long.map_or(due, |from| from.min(due)));
        }
        self.parts.display.inform(&status);
        self.knowledge.told = Some((now, status));
        seek_is_long
    }

    fn status(&self, now: Duration) -> Status {
        let Knowledge { about, received, codec, frame_duration, .. } = &self.knowledge;
        let position = self.position();
        // Until a frame of there is shown, what comes for another place waits behind none.
        let is_elsewhere = self.seeking.is_some();
        let buffered = if is_elsewhere { MediaTime::ZERO } else { (*received - position).max(MediaTime::ZERO) };
        Status {
            position,
            duration: about.duration,
            label: self.last_shown.map(|shown| shown.label),
            mode: about.mode,
            seeking: self.seeking.as_ref().is_some_and(|seeking| seeking.is_long_from() <= now),
            size: self.last_shown.map_or((0, 0), |shown| shown.size),
            codec: *codec,
            frame_duration: *frame_duration,
            paused: self.parts.pace.is_paused(),
            buffered,
            throughput: about.throughput,
            shown: self.parts.tally.count_shown(),
            dropped: self.parts.tally.count_dropped(),
            stalls: self.parts.tally.count_stalls(),
            volume: self.sound.volume(),
            muted: self.sound.is_muted(),
        }
    }
}
