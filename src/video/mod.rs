//! Videos: what is in the folder, where each packet is in its file, and which packets a play sends.
//!
//! ```text
//!   folder ──► catalogue: titles ── renditions ── index of packets
//!                                       │
//!   play: title, mode, start, end ──► plan: segments of packets ──► batches ──► source reads bytes
//! ```
//!
//! Nothing here decodes: the hub passes compressed packets on as they stand in the file. From a title to the
//! bytes that travel:
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

mod batch;
mod catalog;
mod file_name;
mod folder;
mod index;
mod mp4;
mod plan;
mod source;

pub use batch::{BATCH_BYTES, Batch, batches};
pub use catalog::{Catalog, LookupError, Missing, Remark, Rendition, SkipReason, Skipped, Title};
pub use folder::FolderSource;
pub use index::{Index, Packet, VideoFormat};
pub use mp4::IndexError;
pub use plan::{LeftOut, LeftOutReason, Plan, PlanError, Segment};
pub use source::{MemorySource, ReadError, VideoSource};
