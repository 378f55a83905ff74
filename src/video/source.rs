//! Where the bytes of packets come from.

use std::{io, ops::Range, sync::Arc};

use bytes::Bytes;

use crate::types::{EndReason, limits::MAX_PACKET};

use super::{
    batch::{BATCH_BYTES, Batch, MAX_GAP},
    catalog::{Catalog, FileId, Rendition, SkipReason, Usable},
    index::Index,
    mp4::read,
    pieces::gather,
    sound_track::SoundTrack,
    subtitles::is_subtitles,
};

/// Videos, and the bytes of their packets. Reads may block on a disk: they belong on a reader's thread.
pub trait VideoSource: Send + Sync {
    /// What there is now.
    fn catalog(&self) -> Arc<Catalog>;

    /// The bytes of a range of a rendition's file; of a catalogue of this source, also of an
    /// earlier one, within what its index points to.
    fn read(&self, rendition: &Rendition, bytes: Range<u64>) -> Result<Bytes, ReadError>;

    /// Whether a rendition's file is still what was indexed, for whoever has bytes of it from before.
    fn check(&self, _rendition: &Rendition) -> Result<(), ReadError> {
        Ok(())
    }

    /// The packets of a batch with their positions in the index. Those that lie in one piece share one buffer.
    fn read_batch(&self, rendition: &Rendition, batch: &Batch) -> Result<Vec<(usize, Bytes)>, ReadError> {
        let bytes = self.read(rendition, batch.bytes.clone())?;
        let packets = rendition.index.packets().get(batch.packets.clone()).ok_or(ReadError::OutOfRange)?;
        let start = batch.bytes.start;
        let slices = packets.iter().zip(batch.packets.clone()).map(|(packet, position)| {
            let runs = rendition.index.pieces(position);
            if !runs.is_empty() {
                return gather(runs, start, &bytes).map(|packet| (position, packet));
            }
            let from = usize::try_from(packet.offset.checked_sub(start)?).ok()?;
            let until = from.checked_add(packet.size as usize)?;
            (until <= bytes.len()).then(|| (position, bytes.slice(from..until)))
        });
        slices.collect::<Option<_>>().ok_or(ReadError::OutOfRange)
    }

    /// Packets of the rendition's track of sound with their positions, in as few reads as their places allow.
    fn read_sound(&self, rendition: &Rendition, packets: Range<usize>) -> Result<Vec<(usize, Bytes)>, ReadError> {
        let track = rendition.index.sound().ok_or(ReadError::OutOfRange)?;
        let mut read = Vec::with_capacity(packets.len());
        for batch in sound_batches(track, packets) {
            let bytes = self.read(rendition, batch.bytes.clone())?;
            for position in batch.packets {
                let data = sound_packet(track, position, batch.bytes.start, &bytes).ok_or(ReadError::OutOfRange)?;
                read.push((position, data));
            }
        }
        Ok(read)
    }
}

/// A packet of sound out of the bytes of its file from `start` on. A copy: what was read along with it need not be kept.
fn sound_packet(track: &SoundTrack, position: usize, start: u64, bytes: &[u8]) -> Option<Bytes> {
    let packet = track.packets().get(position)?;
    match track.pieces(position) {
        [] => {
            let from = usize::try_from(packet.offset.checked_sub(start)?).ok()?;
            bytes.get(from..from.checked_add(packet.size as usize)?).map(Bytes::copy_from_slice)
        }
        runs => gather(runs, start, bytes),
    }
}

/// Packets of sound that one read fetches: they lie together but for what costs less to read than a system call.
/// Positions beyond the track end it.
fn sound_batches(track: &SoundTrack, packets: Range<usize>) -> impl Iterator<Item = Batch> + '_ {
    let mut next = packets.start;
    std::iter::from_fn(move || {
        let from = next;
        let mut bytes = track.span(from).filter(|_| from < packets.end)?;
        next += 1;
        while let Some(follows) = track.span(next).filter(|_| next < packets.end) {
            let is_near = follows.start >= bytes.end && follows.start - bytes.end <= MAX_GAP;
            if !is_near || follows.end - bytes.start > BATCH_BYTES as u64 {
                break;
            }
            (bytes.end, next) = (follows.end, next + 1);
        }
        Some(Batch { packets: from..next, bytes })
    })
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

impl ReadError {
    /// Why a play ends that reads no further.
    #[must_use]
    pub fn end_reason(&self) -> EndReason {
        match self {
            Self::FileChanged => EndReason::FileChanged,
            Self::Io(_) | Self::OutOfRange => EndReason::Unplayable,
        }
    }
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
    /// From files by name, as a folder would have them, subtitles among them.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        let (subtitles, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|(name, _)| is_subtitles(name));
        let (names, files): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        let found = names.into_iter().zip(&files).enumerate().map(|(id, (name, file))| {
            let index = read(file as &[u8]).map(|index| in_memory(id, index));
            (name, index.map_err(SkipReason::from))
        });
        let subtitles = subtitles.into_iter().map(|(name, data)| (name, Ok(data))).collect();
        Self { catalog: Arc::new(Catalog::build(found.collect()).with_subtitles(subtitles)), files }
    }

    /// From files by name with an index of your own for each, whose packets lie within its bytes.
    #[must_use]
    pub fn indexed(files: impl IntoIterator<Item = (String, Index, Bytes)>) -> Self {
        let (mut found, mut contents) = (Vec::new(), Vec::new());
        for (name, index, bytes) in files {
            found.push((name, Ok(in_memory(contents.len(), index))));
            contents.push(bytes);
        }
        Self { catalog: Arc::new(Catalog::build(found)), files: contents }
    }
}

fn in_memory(place: usize, index: Index) -> Usable {
    Usable { id: FileId(place), index: Arc::new(index), open: None }
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

#[cfg(test)]
mod tests {
    use crate::{
        types::{MediaTime, PlayMode},
        video::{Plan, batches},
    };

    use super::*;

    fn source() -> MemorySource {
        let files = ["unaligned_120p.mp4", "unaligned_180p.mp4", "wide.mp4"].map(|name| {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
            (name.to_owned(), std::fs::read(path).unwrap().into())
        });
        MemorySource::new(files)
    }

    #[test]
    fn a_tour_of_real_files_changes_at_the_next_keyframe_and_is_read_packet_for_packet() {
        let source = source();
        let catalog = source.catalog();
        let plan = Plan::new(catalog.title("unaligned").unwrap(), PlayMode::Tour, MediaTime::ZERO, None).unwrap();
        let [low, high] = &plan.segments[..] else { panic!("two segments: {plan:?}") };
        // Half of 3 s is 1.5 s; every 17th frame is a keyframe of the second, so it begins at frame 51.
        assert_eq!(high.show.start, MediaTime(51 * 40_000));
        let shown =
            |segment: &crate::video::Segment| segment.sent().iter().filter(|packet| segment.shows(packet)).count();
        assert_eq!((shown(low), shown(high)), (51, 24));
        for segment in &plan.segments {
            let mut expected = segment.packets.clone();
            for batch in batches(&segment.rendition.index, segment.packets.clone()) {
                for (position, bytes) in source.read_batch(&segment.rendition, &batch).unwrap() {
                    let packet = &segment.rendition.index.packets()[position];
                    assert_eq!(Some(position), expected.next());
                    let alone = source.read(&segment.rendition, packet.bytes()).unwrap();
                    assert_eq!(bytes, alone);
                    // H.264 in MP4: the length of the first unit, in 4 bytes, stays within the packet.
                    assert!(u32::from_be_bytes(bytes[..4].try_into().unwrap()) <= packet.size - 4);
                }
            }
            assert_eq!(expected.next(), None, "all were read");
        }
    }

    #[test]
    fn what_no_index_points_to_is_not_read() {
        let source = source();
        let catalog = source.catalog();
        let rendition = &catalog.title("wide").unwrap().renditions[0];
        #[expect(clippy::reversed_empty_ranges, reason = "a range that runs backwards must not be read either")]
        for range in [0..u64::MAX, u64::MAX - 1..u64::MAX, 0..1 << 24, 9..8] {
            assert!(matches!(source.read(rendition, range.clone()), Err(ReadError::OutOfRange)), "{range:?}");
        }
        let beyond = Batch { packets: 0..1_000_000, bytes: 0..1 };
        assert!(source.read_batch(rendition, &beyond).is_err());
        let elsewhere = Batch { packets: 0..2, bytes: 0..1 };
        assert!(source.read_batch(rendition, &elsewhere).is_err());
    }

    #[test]
    fn an_index_of_ones_own_is_served() {
        let source = source();
        let catalog = source.catalog();
        let index = Index::clone(&catalog.title("wide").unwrap().renditions[0].index);
        let own = MemorySource::indexed([("own_240p.mp4".to_owned(), index, Bytes::from_static(&[7; 99]))]);
        let catalog = own.catalog();
        let rendition = &catalog.title("own").unwrap().renditions[0];
        assert_eq!(own.read(rendition, 90..99).unwrap(), [7; 9][..]);
    }
}
