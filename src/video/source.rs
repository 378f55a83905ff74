//! Where the bytes of packets come from.

use std::{io, ops::Range, sync::Arc};

use bytes::Bytes;

use crate::types::limits::MAX_PACKET;

use super::{
    batch::{BATCH_BYTES, Batch},
    catalog::{Catalog, FileId, Rendition, SkipReason},
    mp4::read,
};

/// Videos, and the bytes of their packets. Reads may block on a disk: they belong on a reader's thread.
pub trait VideoSource: Send + Sync {
    /// What there is; the same for the life of the source.
    fn catalog(&self) -> Arc<Catalog>;

    /// The bytes of a range of a rendition's file; of this source's catalogue, within what its index points to.
    fn read(&self, rendition: &Rendition, bytes: Range<u64>) -> Result<Bytes, ReadError>;

    /// The packets of a batch with their positions in the index. They share one buffer.
    fn read_batch(&self, rendition: &Rendition, batch: &Batch) -> Result<Vec<(usize, Bytes)>, ReadError> {
        let bytes = self.read(rendition, batch.bytes.clone())?;
        let packets = rendition.index.packets().get(batch.packets.clone()).ok_or(ReadError::OutOfRange)?;
        let start = batch.bytes.start;
        let slices = packets.iter().zip(batch.packets.clone()).map(|(packet, position)| {
            let from = usize::try_from(packet.offset.checked_sub(start)?).ok()?;
            let until = from.checked_add(packet.size as usize)?;
            (until <= bytes.len()).then(|| (position, bytes.slice(from..until)))
        });
        slices.collect::<Option<_>>().ok_or(ReadError::OutOfRange)
    }
}

/// Why packets cannot be read. The play ends; others go on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("its file on the hub was changed since it was indexed")]
    FileChanged,
    #[error("its file on the hub cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Not of this catalogue, or not within a packet: a mistake of the caller.
    #[error("asked for bytes that its index does not point to")]
    OutOfRange,
}

/// The length of a range that may be read at once: a packet, or packets up to a batch.
pub(super) fn checked_length(bytes: &Range<u64>) -> Result<usize, ReadError> {
    let length = bytes.end.checked_sub(bytes.start).and_then(|length| usize::try_from(length).ok());
    length.filter(|&length| length <= MAX_PACKET.max(BATCH_BYTES)).ok_or(ReadError::OutOfRange)
}

/// Videos in memory: for tests and benches.
pub struct MemorySource {
    catalog: Arc<Catalog>,
    files: Vec<Bytes>,
}

impl MemorySource {
    /// From files by name, as a folder would have them.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        let (names, files): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        let found = names.into_iter().zip(&files).enumerate().map(|(id, (name, file))| {
            let index = read(file as &[u8]).map(|index| (FileId(id), index));
            (name, index.map_err(SkipReason::from))
        });
        Self { catalog: Arc::new(Catalog::build(found.collect())), files }
    }
}

impl VideoSource for MemorySource {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    fn read(&self, rendition: &Rendition, bytes: Range<u64>) -> Result<Bytes, ReadError> {
        checked_length(&bytes)?;
        let file = self.files.get(rendition.id.0).ok_or(ReadError::OutOfRange)?;
        let range = usize::try_from(bytes.start).ok().zip(usize::try_from(bytes.end).ok());
        let (start, end) = range.filter(|&(_, end)| end <= file.len()).ok_or(ReadError::OutOfRange)?;
        Ok(file.slice(start..end))
    }
}
