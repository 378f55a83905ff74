//! What a play is given: compressed packets in the order of the stream, and what its viewer wants.

use std::ops::Range;

use bytes::Bytes;

use super::sound_track::SoundFormat;
use super::subtitles::SubtitleChange;
use super::{pixel_aspect::PixelAspect, rotation::Rotation};
use crate::types::{Codec, EndReason, MediaTime, PlayEpoch, PlayMode, RenditionLabel, limits::PIECE_OVERHEAD};

/// One thing for a play to take in. Segments, packets and the end are worked through in order, at the pace of
/// the pictures; all else acts at once, whatever stands before it.
#[derive(Clone, Debug)]
pub enum Input {
    /// Packets of another rendition follow, or the first ones.
    Segment(Segment),
    /// A compressed picture of the segment before.
    Packet(Packet),
    /// No picture follows, though sound may: what a decoder holds is shown. A cut takes it back.
    LastPicture,
    /// Nothing follows: show what is there, then end for this reason.
    End {
        /// What [`Summary::reason`](super::report::Summary::reason) becomes.
        reason: EndReason,
    },
    /// Of the segment that came last nothing is shown from here on, because another one goes on there. What was decoded
    /// already is shown all the same, and not shown again by the other one.
    Cut {
        /// The first time that is not shown any more.
        until: MediaTime,
    },
    /// A seek: forget all that came before; a segment of this epoch follows.
    Flush {
        /// The epoch of what follows.
        epoch: PlayEpoch,
    },
    /// Subtitles that there are, that have come, or that the viewer wants.
    Subtitles(SubtitleChange),
    /// Hold the picture.
    Pause,
    /// Go on after a pause.
    Resume,
    /// Sound follows, from its first packet on: of this kind, and heard in this part of the title. What is around
    /// that only helps to decode.
    SoundTrack {
        /// How it is coded.
        format: SoundFormat,
        /// What of it is heard.
        heard: Range<MediaTime>,
    },
    /// A compressed packet of sound.
    Sound(SoundPiece),
    /// Louder or softer, by percent of full volume.
    VolumeBy(i8),
    /// Sound off or on.
    ToggleMute,
    /// Pause, and show the next frame. Answered like [`Input::Pause`], once it is shown.
    Step,
    /// Something about the play that its display may tell.
    About(About),
    /// End now.
    Stop,
}

impl Input {
    /// What it takes while it waits for its turn, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::Segment(segment) => segment.size(),
            Self::Packet(packet) => packet.size(),
            Self::Sound(piece) => piece.size(),
            Self::SoundTrack { format, .. } => size_of_waiting(format.extradata.len()),
            Self::Subtitles(SubtitleChange::Arrived { data, .. }) => size_of_waiting(data.len()),
            _ => size_of_waiting(0),
        }
    }
}

/// What a piece of a play with so many bytes takes while it waits for its turn, in bytes.
pub(super) fn size_of_waiting(bytes: usize) -> u64 {
    bytes as u64 + PIECE_OVERHEAD
}

/// What only the session knows of a play. What is `None` stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// How long the title is.
    pub duration: Option<MediaTime>,
    /// What the link carried last, in bits a second.
    pub throughput: Option<u64>,
    /// Which renditions the viewer wants to see.
    pub mode: Option<PlayMode>,
}

/// A stretch of the title in one rendition. It gets a decoder of its own.
#[derive(Clone, Debug)]
pub struct Segment {
    /// What the rendition is called.
    pub label: RenditionLabel,
    /// Width in pixels, as the hub's index has it.
    pub width: u32,
    /// Height in pixels, as the hub's index has it.
    pub height: u32,
    /// What the packets are.
    pub codec: Codec,
    /// The decoder's configuration as the file has it: the body of `avcC` or `hvcC`
    /// (ISO/IEC 14496-15), `av1C`, `vpcC`; may be empty for VP9 and AV1.
    pub extradata: Bytes,
    /// The first frame to be shown is the one at this time. Earlier ones are decoded and hidden.
    pub from: MediaTime,
    /// The first frame that is not to be shown any more; `None` shows all.
    pub until: Option<MediaTime>,
    /// How long one frame lasts usually.
    pub frame_duration: MediaTime,
    /// How its pictures are turned to be shown.
    pub rotation: Rotation,
    /// The shape of its pixels, where the file says it beside the stream; else the stream may.
    pub pixels: Option<PixelAspect>,
}

impl Segment {
    /// See [`Input::size`].
    pub(super) fn size(&self) -> u64 {
        size_of_waiting(self.extradata.len())
    }

    /// Whether the frame at `pts` is to be shown. The edges are exact: whoever planned the switch has drawn them
    /// between two frames, whatever the clocks of two renditions round to.
    #[must_use]
    pub fn shows(&self, pts: MediaTime) -> bool {
        pts >= self.from && self.until.is_none_or(|until| pts < until)
    }

    /// Whether what is shown begins so long after the picture at `pts` that decoding all in between takes a while.
    #[must_use]
    pub fn is_long_before(&self, pts: MediaTime) -> bool {
        pts + LONG < self.from
    }
}

/// What is decoded well within the 200 ms in which a viewer expects to see something.
const LONG: MediaTime = MediaTime(2_000_000);

/// One compressed picture, whole.
#[derive(Clone, Debug)]
pub struct Packet {
    /// When it is shown.
    pub pts: MediaTime,
    /// When it is decoded.
    pub dts: MediaTime,
    /// How long it is shown.
    pub duration: MediaTime,
    /// Whether decoding can start here.
    pub keyframe: bool,
    /// The bytes as they are in the file, length-prefixed NAL units for H.264 and HEVC.
    pub data: Bytes,
}

impl Packet {
    /// See [`Input::size`].
    pub(super) fn size(&self) -> u64 {
        size_of_waiting(self.data.len())
    }
}

/// One compressed packet of sound.
#[derive(Clone, Debug)]
pub struct SoundPiece {
    /// When its first sample is due.
    pub pts: MediaTime,
    /// How long it sounds.
    pub duration: MediaTime,
    /// The bytes as they are in the file.
    pub data: Bytes,
}

impl SoundPiece {
    /// See [`Input::size`].
    pub(super) fn size(&self) -> u64 {
        size_of_waiting(self.data.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::testing::segment;

    #[test]
    fn a_frame_belongs_to_one_side_of_an_edge() {
        let edge = MediaTime(980_000);
        let before = Segment { from: MediaTime::ZERO, until: Some(edge), ..segment(240) };
        let after = Segment { from: edge, until: None, ..segment(720) };
        for pts in [0, 940_000, 979_999, 980_000, 980_001, 1_000_000, 5_000_000] {
            assert_ne!(before.shows(MediaTime(pts)), after.shows(MediaTime(pts)), "{pts}");
        }
    }
}
