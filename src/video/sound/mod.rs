//! Sound at a member: from compressed packets to a device.
//!
//! ```text
//!   engine ── packet ──► decode (FFmpeg) ── samples as the device wants them ──► sink: device · memory
//!      ▲                                                                          │
//!      └──────────────── how long until all that was written is heard ◄───────────┘
//! ```

#[cfg(feature = "sound")]
mod device;
#[cfg(feature = "player")]
mod ffmpeg;
#[cfg(test)]
pub(crate) mod testing;

use std::time::Duration;

#[cfg(feature = "sound")]
pub use self::device::Devices;
#[cfg(feature = "player")]
pub(crate) use self::ffmpeg::LibavcodecSound;
#[cfg(any(test, feature = "player"))]
use super::{input::SoundPiece, sound_track::SoundFormat};
#[cfg(any(test, feature = "player"))]
use crate::types::MediaTime;

/// How samples are written to a sink: as `f32` from −1 to 1, one frame (a sample for each channel) after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinkFormat {
    /// Frames a second.
    pub rate: u32,
    pub channels: u16,
}

impl SinkFormat {
    /// How long so many frames sound.
    #[must_use]
    pub fn duration(self, frames: usize) -> Duration {
        let micros = frames as u64 * 1_000_000 / u64::from(self.rate.max(1));
        Duration::from_micros(micros)
    }

    /// How many frames sound so long.
    #[must_use]
    pub fn frames(self, lasting: Duration) -> usize {
        let frames = lasting.as_micros() * u128::from(self.rate) / 1_000_000;
        usize::try_from(frames).unwrap_or(usize::MAX)
    }
}

/// Whether a sink can be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkState {
    /// Not yet: its device is being opened.
    Opening,
    /// It takes samples of this format.
    Ready(SinkFormat),
    /// Not any more, or never; why, for a person to read.
    Gone(String),
}

/// Where sound goes: a device, with some samples that wait in front of it. None of its methods waits. It is held at
/// first.
pub trait Sink: Send {
    /// Whether it can be written to.
    fn state(&mut self) -> SinkState;

    /// Frames that it takes now.
    fn room(&self) -> usize;

    /// Takes whole frames, at most [`Sink::room`] of them.
    fn write(&mut self, samples: &[f32]);

    /// How long until all that was written is heard, were it not held.
    fn unheard(&self) -> Duration;

    /// How long from leaving the queue to being heard.
    fn latency(&self) -> Duration;

    /// Stops before the next sample that waits.
    fn hold(&mut self);

    /// Goes on.
    fn release(&mut self);

    /// Forgets all that waits.
    fn flush(&mut self);

    /// Multiplies all that is still to be heard.
    fn set_gain(&mut self, gain: f32);
}

/// Opens sinks.
pub trait Sinks: Send {
    /// A sink for one play; whether it can be had shows later.
    fn open(&mut self) -> Box<dyn Sink>;
}

/// Decoded sound in a sink's format.
#[cfg(any(test, feature = "player"))]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Samples {
    /// When the first is due.
    pub(crate) pts: MediaTime,
    /// Whole frames.
    pub(crate) data: Vec<f32>,
}

/// Why a packet gives no sound.
#[cfg(any(test, feature = "player"))]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unheard(pub(crate) String);

/// Opens decoders of sound.
#[cfg(any(test, feature = "player"))]
pub(crate) trait SoundDecoders: Send {
    /// A decoder that gives samples in the format of a sink.
    fn open(&mut self, format: &SoundFormat, wanted: SinkFormat) -> Result<Box<dyn DecodeSound>, Unheard>;
}

/// Decodes one track from one place on.
#[cfg(any(test, feature = "player"))]
pub(crate) trait DecodeSound {
    /// Decodes a packet. What came out before an error is in `out`.
    fn decode(&mut self, piece: &SoundPiece, out: &mut Vec<Samples>) -> Result<(), Unheard>;
}
