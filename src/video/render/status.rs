//! What a display may tell its viewer about the play, beside the picture.

use crate::types::{Codec, MediaTime, PlayMode, RenditionLabel};

/// How a play stands. What is not known yet is `None` or zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The time of the frame that is shown.
    pub position: MediaTime,
    /// How long the title is.
    pub duration: Option<MediaTime>,
    /// The rendition of that frame.
    pub label: Option<RenditionLabel>,
    /// Which renditions the viewer wants to see.
    pub mode: Option<PlayMode>,
    /// Whether a frame of another place is waited for, and was for a while.
    pub seeking: bool,
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
            let Self { duration, label, mode, seeking, size, paused, volume, muted, stalls, .. } = status;
            (*duration, *label, *mode, *seeking, *size, *paused, *volume, *muted, *stalls)
        };
        told(self) != told(other)
    }

    /// The rendition that is shown, and which one follows or who chooses it.
    #[must_use]
    pub fn rendition(&self) -> Option<String> {
        let label = self.label?;
        Some(match self.mode {
            Some(PlayMode::Fixed(wanted)) if wanted != label => format!("{label} → {wanted}"),
            Some(PlayMode::Auto) => format!("{label} auto"),
            Some(PlayMode::Tour) => format!("{label} tour"),
            _ => label.to_string(),
        })
    }
}

/// A rate as a viewer reads it.
#[cfg(feature = "player")]
#[expect(clippy::cast_precision_loss, reason = "for a person to read, with two digits")]
pub(super) fn bits(per_second: u64) -> String {
    let megabits = per_second as f64 / 1e6;
    if megabits < 1.0 { format!("{:.0} kb/s", megabits * 1e3) } else { format!("{megabits:.1} Mb/s") }
}
