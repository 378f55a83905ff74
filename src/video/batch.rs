//! Groups packets that lie together in a file, so that few reads fetch many.

use std::ops::Range;

use super::index::Index;

/// Most bytes that one read fetches, unless one packet alone has more. As much as a play may have waiting in its
/// lane, see [`MEDIA_LANE`](crate::types::limits::MEDIA_LANE).
pub const BATCH_BYTES: usize = crate::types::limits::MEDIA_LANE;

/// Batches begin anew with the first packet of each part of a file of this many bytes. What reaches beyond it still fits
/// into its batch, unless that is a large packet.
const CELL: u64 = BATCH_BYTES as u64 / 4 * 3;

/// Most bytes between two packets that are read and thrown away rather than read around: what sound lies
/// between two pictures costs less to copy than a system call.
pub(super) const MAX_GAP: u64 = 4096;

/// Packets that one read fetches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Positions in the index.
    pub packets: Range<usize>,
    /// Of the file.
    pub bytes: Range<u64>,
}

/// Cuts a range of an index's packets into batches, in order, each packet in one batch. Positions beyond the
/// index are left out. Batches end where the file's cells do, so that viewers who began at
/// different places still ask for the same ones.
///
/// ```text
///   file      ▓▓▓▓ ▓▓▓ ░ ▓▓▓▓▓ ░░░░░░░░░░░░ ▓▓▓ ▓▓        ▓ packets   ░ sound and others
///   batches   └───────────────┘              └────┘        small gaps are read along, large ones are not
/// ```
pub fn batches(index: &Index, packets: Range<usize>) -> impl Iterator<Item = Batch> + '_ {
    let mut next = packets.start;
    let end = packets.end.min(index.packets().len());
    std::iter::from_fn(move || {
        let batch = first_batch(index, next..end)?;
        next = batch.packets.end;
        Some(batch)
    })
}

/// The longest batch that begins with the first of some packets.
fn first_batch(index: &Index, packets: Range<usize>) -> Option<Batch> {
    let mut bytes = if packets.is_empty() { None } else { index.span(packets.start) }?;
    let cell = bytes.start / CELL;
    let mut end = packets.start + 1;
    for position in packets.start + 1..packets.end {
        let Some(next) = index.span(position) else { break };
        let is_in_cell = next.start / CELL == cell;
        let follows = is_in_cell && next.start >= bytes.end && next.start - bytes.end <= MAX_GAP;
        if !follows || next.end - bytes.start > BATCH_BYTES as u64 {
            break;
        }
        (bytes.end, end) = (next.end, position + 1);
    }
    Some(Batch { packets: packets.start..end, bytes })
}

#[cfg(test)]
mod tests {
    use crate::{
        types::{Codec, MediaTime},
        video::index::{Packet, VideoFormat},
    };

    use super::*;

    /// An index of packets at these (offset, size).
    fn index(places: &[(u64, u32)]) -> Index {
        let packets = places.iter().zip(0..).map(|(&(offset, size), number)| Packet {
            offset,
            size,
            keyframe: true,
            pts: MediaTime(number),
            dts: MediaTime(number),
            duration: MediaTime(1),
        });
        let format = VideoFormat { codec: Codec::H264, width: 1, height: 1, extradata: bytes::Bytes::new() };
        Index::new(format, packets.collect(), MediaTime(0)..MediaTime(1000)).unwrap()
    }

    fn cut(places: &[(u64, u32)], packets: Range<usize>) -> Vec<(Range<usize>, Range<u64>)> {
        batches(&index(places), packets).map(|batch| (batch.packets, batch.bytes)).collect()
    }

    #[test]
    fn packets_that_lie_together_are_read_together() {
        let places = [(100, 50), (150, 50), (700, 100), (100_000, 10), (100_010, 5)];
        assert_eq!(cut(&places, 0..5), [(0..3, 100..800), (3..5, 100_000..100_015)]);
        assert_eq!(cut(&places, 1..4), [(1..3, 150..800), (3..4, 100_000..100_010)]);
        assert_eq!(cut(&places, 4..99), [(4..5, 100_010..100_015)]);
        assert_eq!(cut(&places, 5..5), []);
    }

    #[test]
    fn a_batch_ends_at_its_limit_unless_one_packet_is_larger() {
        let limit = u32::try_from(BATCH_BYTES).unwrap();
        let places = [(0, 1), (1, limit - 1), (u64::from(limit), 1), (u64::from(limit) + 1, 3 * limit)];
        let end = u64::from(limit);
        assert_eq!(cut(&places, 0..4), [(0..2, 0..end), (2..3, end..end + 1), (3..4, end + 1..4 * end + 1)]);
    }

    #[test]
    fn whoever_begins_elsewhere_soon_asks_for_the_same_batches() {
        let places: Vec<(u64, u32)> = (0..500).map(|number| (32 + number * 1_500, 1_500)).collect();
        let all = cut(&places, 0..500);
        assert_eq!(all.len(), 8, "{all:?}");
        for start in 1..500 {
            let later = cut(&places, start..500);
            assert!(later[1..].iter().all(|batch| all.contains(batch)), "from {start}: {later:?}");
        }
    }

    #[test]
    fn packets_that_lie_before_one_another_are_read_apart() {
        assert_eq!(cut(&[(500, 9), (100, 9), (100, 9)], 0..3), [(0..1, 500..509), (1..2, 100..109), (2..3, 100..109)]);
    }
}
