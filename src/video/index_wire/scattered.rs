//! Packets that do not lie in one piece, as a part of an index in bytes.

use std::iter::Peekable;

use crate::types::wire::wire_struct;

use super::{
    IndexWireError, MAX_RUNS,
    bounded::{Bounded, Counted},
    ensure,
};
use crate::video::pieces::{Pieces, Run, span};

wire_struct! {
    pub(super) struct ScatteredRecord {
        /// Its position in the index.
        pub(super) position: u32,
        pub(super) runs: Bounded<RunRecord, MAX_RUNS>,
    }
}

wire_struct! {
    pub(super) struct RunRecord {
        pub(super) offset: u64,
        pub(super) length: u32,
        pub(super) stride: u32,
        pub(super) count: u32,
    }
}

impl Counted for RunRecord {}

impl Counted for ScatteredRecord {
    fn count(&self) -> usize {
        self.runs.len().max(1)
    }
}

impl RunRecord {
    fn run(&self) -> Run {
        Run { offset: self.offset, length: self.length, stride: self.stride, count: self.count }
    }
}

/// What there is to say of so many packets of which some are scattered.
pub(super) fn scattered<'a>(packets: usize, pieces: impl Fn(usize) -> &'a [Run]) -> Bounded<ScatteredRecord, MAX_RUNS> {
    let record = |run: &Run| RunRecord { offset: run.offset, length: run.length, stride: run.stride, count: run.count };
    let of_one = |(position, place): (u32, usize)| {
        let runs: Bounded<_, MAX_RUNS> = pieces(place).iter().map(record).collect();
        (!runs.is_empty()).then_some(ScatteredRecord { position, runs })
    };
    (0_u32..).zip(0..packets).filter_map(of_one).collect()
}

/// Reads back what [`scattered`] wrote, packet by packet.
pub(super) struct Scattered<'a> {
    records: Peekable<std::slice::Iter<'a, ScatteredRecord>>,
    pieces: Pieces,
}

impl<'a> Scattered<'a> {
    pub(super) fn new(records: &'a [ScatteredRecord]) -> Self {
        Self { records: records.iter().peekable(), pieces: Pieces::default() }
    }

    /// Where the packet at a position ends, which begins at `offset` and has `size` bytes; `None` where none can be.
    pub(super) fn end_of(&mut self, position: u32, offset: u64, size: u32) -> Result<Option<u64>, IndexWireError> {
        let Some(parts) = self.records.next_if(|parts| parts.position == position) else {
            return Ok(offset.checked_add(size.into()));
        };
        let runs: Vec<_> = parts.runs.iter().map(RunRecord::run).collect();
        self.pieces.push(position as usize, &runs);
        ensure(self.pieces.len() <= MAX_RUNS, "number of pieces")?;
        Ok(span(&runs, size).filter(|span| span.start == offset).map(|span| span.end))
    }

    /// The pieces of all packets, when all was read.
    pub(super) fn pieces(mut self) -> Result<Pieces, IndexWireError> {
        ensure(self.records.next().is_none(), "order of pieces")?;
        Ok(self.pieces)
    }
}
