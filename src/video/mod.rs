//! Video: how a title becomes packets on the hub and pictures at a member.
//!
//! The member's side plays one title on one thread:
//!
//! ```text
//!            Input                                     Report
//!  session ─────────▶ [`player`]  one thread per play ─────────▶ session
//!                        │  engine: what comes next
//!                        │  decode: packet → yuv420p   (FFmpeg)
//!                        │  pace:   when a frame is due
//!                        ▼
//!                     [`render`]  window (OpenCV, main thread) or none
//! ```
//!
//! Decoding and windows need the feature `player`; without it the same items are there and
//! [`player::spawn`] says that this build has no player.

pub mod clock;
#[cfg(any(test, feature = "player"))]
mod decode;
#[cfg(any(test, feature = "player"))]
mod engine;
#[cfg(any(test, feature = "player"))]
mod feed;
#[cfg(feature = "player")]
mod ffi;
#[cfg(feature = "player")]
mod ffmpeg;
#[cfg(test)]
#[cfg(feature = "player")]
mod fixture;
pub mod frame;
pub mod input;
pub mod pace;
pub mod player;
pub mod render;
pub mod report;
#[cfg(any(test, feature = "player"))]
mod tally;
#[cfg(test)]
pub(crate) mod testing;
