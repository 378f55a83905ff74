//! What a display may tell its viewer about the play, beside the picture.

use crate::types::{Codec, MediaTime, RenditionLabel};

/// How a play stands. What is not known yet is `None` or zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The time of the frame that is shown.
    pub position: MediaTime,
    /// How long the title is.
    pub duration: Option<MediaTime>,
    /// The rendition of that frame.
    pub label: Option<RenditionLabel>,
    /// Width and height of that frame in pixels.
    pub size: (u32, u32),
    /// What the pictures are compressed with.
    pub codec: Option<Codec>,
    /// How long a frame lasts usually.
    pub frame_duration: MediaTime,
    /// Whether the picture stands still because the viewer wants it to.
    pub paused: bool,
    /// How much of the title is here and was not shown yet.
    pub buffered: MediaTime,
    /// What the link carried last, in bits a second.
    pub throughput: Option<u64>,
    /// In percent of full volume; `None` when the play has no sound.
    pub volume: Option<u8>,
    /// Whether the viewer switched the sound off.
    pub muted: bool,
    /// Frames shown.
    pub shown: u64,
    /// Frames left out because they were late.
    pub dropped: u64,
    /// How many times the picture stood still for want of packets.
    pub stalls: u64,
}

impl Status {
    /// Whether a viewer should see the change from `other` at once. All else may wait a little: it changes with every
    /// frame.
    #[must_use]
    pub fn is_news_after(&self, other: &Self) -> bool {
        let told = |status: &Self| {
            let Self { duration, label, size, paused, volume, muted, stalls, .. } = status;
            (*duration, *label, *size, *paused, *volume, *muted, *stalls)
        };
        told(self) != told(other)
    }
}
