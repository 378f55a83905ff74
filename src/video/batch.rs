//! Groups packets that lie together in a file, so that few reads fetch many.

use std::ops::Range;

use super::index::{Index, Packet};

/// Most bytes that one read fetches, unless one packet alone has more. As much as a play may have waiting in its
/// lane, see [`MEDIA_LANE`](crate::types::limits::MEDIA_LANE).
pub const BATCH_BYTES: usize = crate::types::limits::MEDIA_LANE;

/// Most bytes between two packets that are read and thrown away rather than read around: what sound lies
/// between two pictures costs less to copy than a system call.
const MAX_GAP: u64 = 4096;

/// Packets that one read fetches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Positions in the index.
    pub packets: Range<usize>,
    /// Of the file.
    pub bytes: Range<u64>,
}

/// Cuts a range of an index's packets into batches, in order, each packet in one batch. Positions beyond the
/// index are left out.
pub fn batches(index: &Index, packets: Range<usize>) -> impl Iterator<Item = Batch> + '_ {
    let mut next = packets.start;
    let end = packets.end.min(index.packets().len());
    std::iter::from_fn(move || {
        let rest = index.packets().get(next..end)?;
        let batch = first_batch(rest, next)?;
        next = batch.packets.end;
        Some(batch)
    })
}

/// The longest batch that begins with the first packet, which stands at `position`.
fn first_batch(packets: &[Packet], position: usize) -> Option<Batch> {
    let mut bytes = packets.first()?.bytes();
    let mut count = 1;
    for packet in packets.iter().skip(1) {
        let follows = packet.offset >= bytes.end && packet.offset - bytes.end <= MAX_GAP;
        if !follows || packet.bytes().end - bytes.start > BATCH_BYTES as u64 {
            break;
        }
        bytes.end = packet.bytes().end;
        count += 1;
    }
    Some(Batch { packets: position..position + count, bytes })
}
