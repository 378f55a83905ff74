//! Counting what a play showed.

use std::{collections::BTreeMap, fmt::Write as _};

use sha2::{Digest as _, Sha256};

use crate::types::EndReason;

use super::{decode::Undecodable, frame::Frame, report::Summary};

/// The numbers of a play so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    shown: u64,
    dropped: u64,
    stalls: u64,
    corrupt: u64,
    decoded: u64,
    fed: u64,
    by_height: BTreeMap<u32, u64>,
    digest: Option<Sha256>,
    last_error: Option<Undecodable>,
}

impl Tally {
    /// Nothing shown yet. `checksum` says whether a sum over the pictures is wanted: it costs about 2 ms for one
    /// of 1080 lines.
    pub(crate) fn new(checksum: bool) -> Self {
        Self { digest: checksum.then(Sha256::new), ..Self::default() }
    }

    /// The viewer saw this frame.
    pub(crate) fn shown(&mut self, frame: &Frame) {
        self.shown += 1;
        self.due(frame);
    }

    /// This frame was too late to be shown. It counts for the sum like any other.
    pub(crate) fn dropped(&mut self, frame: &Frame) {
        self.dropped += 1;
        self.due(frame);
    }

    fn due(&mut self, frame: &Frame) {
        *self.by_height.entry(frame.shown_size().1).or_default() += 1;
        if let Some(digest) = &mut self.digest {
            digest.update(frame.yuv420p());
        }
    }

    /// Frames shown so far.
    pub(crate) fn count_shown(&self) -> u64 {
        self.shown
    }

    /// Frames left out so far.
    pub(crate) fn count_dropped(&self) -> u64 {
        self.dropped
    }

    /// How many times the picture stood still so far.
    pub(crate) fn count_stalls(&self) -> u64 {
        self.stalls
    }

    /// The picture stood still for want of packets.
    pub(crate) fn stalled(&mut self) {
        self.stalls += 1;
    }

    /// A packet went into a decoder.
    pub(crate) fn fed(&mut self) {
        self.fed += 1;
    }

    /// A picture came out of a decoder, to be shown or not.
    pub(crate) fn decoded(&mut self) {
        self.decoded += 1;
    }

    /// Something was skipped.
    pub(crate) fn corrupt(&mut self, error: Undecodable) {
        log::debug!("skipped: {error}");
        self.corrupt += 1;
        self.last_error = Some(error);
    }

    /// Why not one picture came out of `least` packets or more; `None` when one did or fewer went in.
    pub(crate) fn hopeless(&self, least: u64) -> Option<String> {
        if self.decoded > 0 || self.fed + self.corrupt < least {
            return None;
        }
        let why = self.last_error.as_ref().map_or("no picture in it", |error| error.0.as_str());
        Some(format!("nothing of it can be decoded: {why}"))
    }

    /// The end of counting.
    pub(crate) fn summary(self, reason: EndReason) -> Summary {
        Summary {
            reason,
            frames: self.shown + self.dropped,
            shown: self.shown,
            dropped: self.dropped,
            stalls: self.stalls,
            corrupt: self.corrupt,
            frames_by_height: self.by_height,
            sha256: self.digest.map(|digest| hex(&digest.finalize())),
        }
    }
}

/// In lower case, two digits a byte.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok(), "a String takes every write");
        text
    })
}
