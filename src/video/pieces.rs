//! Packets that do not lie in one piece in their file: a transport stream cuts them into pieces of up to 184 bytes,
//! Ogg into pages.
//!
//! ```text
//!   file      ▒▓▓▓▓▓▓▓▒▓▓▓▓▓▓▓▒▓▓▓▓▓▓▓▒░░░░░░░▒▓▓▓          ▓ the packet  ▒ headers  ░ others
//!   runs      └ 3 of 7 bytes, 8 apart ┘        └ 1 of 3
//! ```

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::types::limits::MAX_PACKET;

/// Pieces of one length that stand the same distance apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Of the first piece, from the start of the file, in bytes.
    pub(crate) offset: u64,
    /// Of each piece, in bytes.
    pub(crate) length: u32,
    /// From the start of one piece to that of the next, in bytes.
    pub(crate) stride: u32,
    /// How many pieces, at least 1.
    pub(crate) count: u32,
}

impl Run {
    /// One piece.
    #[cfg(any(test, feature = "player"))]
    pub(crate) fn one(offset: u64, length: u32) -> Self {
        Self { offset, length, stride: 0, count: 1 }
    }

    /// In bytes; `None` when that is out of all proportion.
    pub(crate) fn size(&self) -> Option<u32> {
        self.length.checked_mul(self.count)
    }

    /// Where the last piece ends; `None` where no file ends.
    pub(crate) fn end(&self) -> Option<u64> {
        let last = u64::from(self.stride).checked_mul(u64::from(self.count.checked_sub(1)?))?;
        self.offset.checked_add(last)?.checked_add(self.length.into())
    }

    fn pieces(self) -> impl Iterator<Item = Range<u64>> {
        let piece = move |number: u32| {
            let start = self.offset + u64::from(self.stride) * u64::from(number);
            start..start + u64::from(self.length)
        };
        (0..self.count).map(piece)
    }

    /// Whether its pieces come one after the other and have bytes.
    fn is_sound(&self) -> bool {
        self.length > 0 && self.count > 0 && (self.count == 1 || self.stride >= self.length)
    }
}

/// Adds a piece behind runs, to the last of them where it continues it.
#[cfg(any(test, feature = "player"))]
pub(crate) fn push_piece(runs: &mut Vec<Run>, offset: u64, length: u32) {
    if let Some(last) = runs.last_mut()
        && let Some(distance) = offset.checked_sub(last.offset)
    {
        let next = u64::from(last.stride) * u64::from(last.count);
        if last.count == 1 && distance == u64::from(last.length) {
            last.length += length;
            return;
        }
        if last.count == 1 && last.length == length {
            if let Ok(stride) = u32::try_from(distance) {
                (last.stride, last.count) = (stride, 2);
                return;
            }
        } else if last.length == length && distance == next {
            last.count += 1;
            return;
        }
    }
    runs.push(Run::one(offset, length));
}

/// Where scattered runs begin and end, if they are `size` bytes in rising order that a read fetches at once.
pub(crate) fn span(runs: &[Run], size: u32) -> Option<Range<u64>> {
    let start = runs.first()?.offset;
    let (mut end, mut total) = (start, 0_u32);
    for run in runs {
        if !run.is_sound() || run.offset < end {
            return None;
        }
        end = run.end()?;
        total = total.checked_add(run.size()?)?;
    }
    (total == size && end - start <= MAX_PACKET as u64).then_some(start..end)
}

/// Puts a packet together out of the bytes of a file from `start` on. `None` when it does not lie in them.
pub(crate) fn gather(runs: &[Run], start: u64, bytes: &[u8]) -> Option<Bytes> {
    let mut packet = BytesMut::new();
    for piece in runs.iter().flat_map(|run| run.pieces()) {
        let from = usize::try_from(piece.start.checked_sub(start)?).ok()?;
        let until = usize::try_from(piece.end.checked_sub(start)?).ok()?;
        packet.extend_from_slice(bytes.get(from..until)?);
    }
    Some(packet.freeze())
}

/// The runs of an index's packets. Takes nothing where all packets lie in one piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pieces {
    /// For each packet up to the last scattered one, the end of its runs.
    ends: Vec<u32>,
    runs: Vec<Run>,
}

impl Pieces {
    /// Says that the packet at `position` is scattered; to be called in rising order of positions.
    pub(crate) fn push(&mut self, position: usize, runs: &[Run]) {
        let end = |runs: &Vec<Run>| u32::try_from(runs.len()).unwrap_or(u32::MAX);
        self.ends.resize(position, end(&self.runs));
        self.runs.extend_from_slice(runs);
        self.ends.push(end(&self.runs));
    }

    /// From the first to the last byte of the packet at a position, which takes `whole` when it lies in one piece.
    pub(super) fn span(&self, position: usize, whole: Range<u64>) -> Option<Range<u64>> {
        let size = u32::try_from(whole.end - whole.start).ok()?;
        match self.of(position) {
            [] => Some(whole),
            runs => span(runs, size),
        }
    }

    /// The runs of a packet; none when it lies in one piece.
    pub(crate) fn of(&self, position: usize) -> &[Run] {
        let Some(end) = self.ends.get(position) else { return &[] };
        let start = position.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.runs.get(start as usize..*end as usize).unwrap_or_default()
    }

    /// How many runs there are.
    pub(crate) fn len(&self) -> usize {
        self.runs.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_stand_in_line_are_one_run() {
        let mut runs = Vec::new();
        for (offset, length) in [(4, 7), (12, 7), (20, 7), (36, 3), (39, 2), (50, 5), (60, 5), (70, 5), (81, 5)] {
            push_piece(&mut runs, offset, length);
        }
        let run = |offset, length, stride, count| Run { offset, length, stride, count };
        // What follows at once is the same piece: 36..41.
        assert_eq!(runs, [run(4, 7, 8, 3), run(36, 5, 14, 2), run(60, 5, 10, 2), run(81, 5, 0, 1)]);
        assert_eq!(span(&runs, 21 + 10 + 10 + 5), Some(4..86));
        let file: Vec<u8> = (0..100).collect();
        let packet = gather(&runs, 4, &file[4..86]).unwrap();
        let expected = [4..11, 12..19, 20..27, 36..41, 50..55, 60..65, 70..75, 81..86];
        assert_eq!(packet, expected.into_iter().flatten().collect::<Vec<u8>>());
    }

    #[test]
    fn runs_that_make_no_sense_have_no_span() {
        let run = |offset, length, stride, count| Run { offset, length, stride, count };
        for (what, runs, size) in [
            ("nothing", vec![], 0),
            ("empty pieces", vec![run(0, 0, 9, 2)], 0),
            ("no pieces", vec![run(0, 9, 9, 0)], 0),
            ("pieces over one another", vec![run(0, 9, 8, 2)], 18),
            ("out of order", vec![run(100, 9, 0, 1), run(0, 9, 0, 1)], 18),
            ("another size", vec![run(0, 9, 0, 1)], 10),
            ("beyond all files", vec![run(u64::MAX - 3, 9, 0, 1)], 9),
            ("more than any packet", vec![run(0, u32::MAX, u32::MAX, u32::MAX)], 1),
            ("far apart", vec![run(0, 1, u32::MAX, 2)], 2),
        ] {
            assert_eq!(span(&runs, size), None, "{what}");
        }
        assert_eq!(gather(&[run(5, 9, 0, 1)], 6, &[0; 99]), None);
        assert_eq!(gather(&[run(5, 9, 0, 1)], 0, &[0; 13]), None);
    }

    #[test]
    fn packets_in_one_piece_take_no_runs() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.of(7), []);
        pieces.push(2, &[Run::one(1, 1), Run::one(3, 1)]);
        pieces.push(5, &[Run::one(9, 4)]);
        let counts: Vec<_> = (0..8).map(|position| pieces.of(position).len()).collect();
        assert_eq!(counts, [0, 0, 2, 0, 0, 1, 0, 0]);
        assert_eq!((pieces.of(5), pieces.len()), (&[Run::one(9, 4)][..], 3));
    }
}
