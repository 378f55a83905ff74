//! Videos: what is in the folder, where each packet is in its file, and which packets a play sends.
//!
//! ```text
//!   folder ──► catalogue: titles ── renditions ── index of packets
//!                                       │
//!   play: title, mode, start, end ──► plan: segments of packets ──► batches ──► source reads bytes
//! ```
//!
//! Nothing here decodes: the hub passes compressed packets on as they stand in the file.

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
