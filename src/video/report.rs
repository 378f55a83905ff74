//! What a play tells about itself.

use std::{collections::BTreeMap, time::Duration};

use super::viewer::ViewerAction;
use crate::types::{EndReason, MediaTime, PlayEpoch, RenditionLabel};

/// What of a title a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// Pictures.
    Pictures,
    /// Sound.
    Sound,
}

/// News of a play, in the order in which it happened. [`Report::Ended`] comes once and last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The play's first frame was shown.
    FirstFrame,
    /// The first frame of a segment was shown.
    Rendition {
        /// The epoch that frame belongs to: the one of the last flush.
        epoch: PlayEpoch,
        /// What the rendition is called.
        label: RenditionLabel,
        /// Width of the picture in pixels, as it is shown.
        width: u32,
        /// Height of the picture in pixels, as it is shown.
        height: u32,
        /// When in the title that frame is.
        from: MediaTime,
    },
    /// A decoder took a packet.
    Consumed {
        /// The epoch that the packet belonged to: the one of the last flush.
        epoch: PlayEpoch,
        /// What it was of.
        media: Media,
        /// The packet's size.
        bytes: u64,
        /// The time of the frame that is shown meanwhile.
        at: MediaTime,
    },
    /// The next frame came late because its packet did; it has been shown by now.
    Stalled {
        /// How long the picture stood still for it.
        lasted: Duration,
    },
    /// Answers [`Input::Pause`](super::input::Input::Pause): the picture stands still.
    Paused {
        /// The time of the frame that is shown.
        at: MediaTime,
    },
    /// Answers [`Input::Resume`](super::input::Input::Resume): the picture moves.
    Resumed {
        /// The time of the frame that is shown.
        at: MediaTime,
    },
    /// The first frame after a flush was shown.
    Seeked {
        /// The epoch of that flush.
        epoch: PlayEpoch,
        /// The time of that frame.
        at: MediaTime,
        /// How long after the flush the keyframe before it was shown, while all in between was decoded.
        preview: Option<Duration>,
    },
    /// There is no sound, though there should be: the pictures go on by the clock.
    Silent {
        /// Why, for a person to read.
        text: String,
    },
    /// It cannot be decoded. [`Report::Ended`] follows.
    Unplayable {
        /// Why, for a person to read.
        text: String,
    },
    /// The viewer wants something, by a key or the mouse. It was not done: whoever holds the play does it.
    Asked(ViewerAction),
    /// The viewer closed the window. [`Report::Ended`] follows.
    Closed,
    /// The play is over, its window is gone.
    Ended(Summary),
}

/// The whole of a play in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Why it ended.
    pub reason: EndReason,
    /// Frames decoded and due for display, each once. What a seek or a stop took away before its time came
    /// is not among them.
    pub frames: u64,
    /// Frames shown.
    pub shown: u64,
    /// Frames left out because they were late. `shown + dropped == frames`.
    pub dropped: u64,
    /// How many times the picture stood still for want of packets.
    pub stalls: u64,
    /// Packets that could not be decoded, and were skipped.
    pub corrupt: u64,
    /// `frames` by the height of the picture in pixels, as it is shown.
    pub frames_by_height: BTreeMap<u32, u64>,
    /// SHA-256 over the yuv420p bytes of `frames` in order, in lower-case hexadecimal, when it was asked for.
    pub sha256: Option<String>,
}
