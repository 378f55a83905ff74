//! Video: how a title becomes packets on the hub and pictures at a member.
//!
//! The hub's side never decodes: it passes compressed packets on as they stand in the file.
//!
//! ```text
//!   folder ──► catalogue: titles ── renditions ── index of packets
//!                                       │
//!   play: title, mode, start, end ──► plan: segments of packets ──► batches ──► source reads bytes
//! ```
//!
//! From a title to the bytes that travel:
//!
//! ```
//! use securestream::{
//!     types::{MediaTime, PlayMode},
//!     video::{FolderSource, Plan, VideoSource, batches},
//! };
//!
//! let source = FolderSource::open("videos".as_ref())?;
//! let catalog = source.catalog();
//! let title = catalog.title("mandelbrot")?;
//! let plan = Plan::new(title, PlayMode::Tour, MediaTime::ZERO, None)?;
//!
//! let mut shown = Vec::new();
//! for segment in &plan.segments {
//!     let index = &segment.rendition.index;
//!     let mut count = 0;
//!     for batch in batches(index, segment.packets.clone()) {
//!         for (position, bytes) in source.read_batch(&segment.rendition, &batch)? {
//!             let packet = &index.packets()[position];
//!             assert_eq!(bytes.len(), packet.size as usize);
//!             count += usize::from(segment.shows(packet));
//!         }
//!     }
//!     shown.push((segment.rendition.label.to_string(), count));
//! }
//! assert_eq!(shown, [("240p".into(), 100), ("720p".into(), 100), ("1080p".into(), 100)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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

mod batch;
mod catalog;
pub mod clock;
pub mod compat;
#[cfg(any(test, feature = "player"))]
mod decode;
mod decodes;
#[cfg(any(test, feature = "player"))]
mod engine;
#[cfg(any(test, feature = "player"))]
mod feed;
#[cfg(feature = "player")]
mod ffi;
#[cfg(feature = "player")]
mod ffmpeg;
mod file_name;
#[cfg(test)]
#[cfg(feature = "player")]
mod fixture;
mod folder;
mod following;
pub mod frame;
mod hot;
mod index;
mod index_wire;
mod indexes;
pub mod input;
mod ladder;
mod live_folder;
mod mp4;
pub mod pace;
mod pieces;
mod pixel_aspect;
mod plan;
pub mod player;
pub mod render;
pub mod report;
mod rotation;
pub mod selector;
mod settling;
pub mod sound;
mod sound_track;
mod source;
mod stamp;
pub mod subtitles;
#[cfg(any(test, feature = "player"))]
mod tally;
#[cfg(test)]
pub(crate) mod testing;
pub mod viewer;

pub use batch::{BATCH_BYTES, Batch, batches};
pub use catalog::{Catalog, LookupError, Missing, Remark, Rendition, SkipReason, Skipped, Title};
pub use compat::Compat;
pub use decodes::decodes;
pub use folder::{Effort, FolderSource, Pending};
pub use following::{Following, Looked};
pub use hot::{HOT_BYTES, HotSource};
pub use index::{Index, Packet, VideoFormat};
pub use index_wire::IndexWireError;
pub use indexes::{IndexShelf, MemoryShelf};
pub use ladder::{Rung, first_rung};
pub use live_folder::LiveFolder;
pub use mp4::IndexError;
pub use pixel_aspect::PixelAspect;
pub use plan::{LeftOut, LeftOutReason, Plan, PlanError, Segment, Switched, begin_with, switch};
pub use rotation::Rotation;
pub use settling::{Look, Settling, Sight, sight};
pub use sound_track::{NoSound, SoundFormat, SoundPacket, SoundTrack};
pub use source::{MemorySource, ReadError, VideoSource};
pub use subtitles::Subtitles;
