//! Whose media goes out next: only links that have something to do are looked at.
//!
//! ```text
//!   a request, a raise of credit ──┐
//!   a batch that was read ─────────┼──▶ due ──▶ pump_link ──▶ nothing to send: forgotten until one of these
//!   a lane that drained ───────────┘                └───────▶ lane full: the loop says when it has room
//! ```
//!
//! So a play that is paused, or waits for its member or a disk, costs nothing, however often the loop turns.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{Hub, PlayOutput};
use crate::{driver::clock, types::LinkId};

/// Rounds of pumping media in one turn before links are looked at again.
const MEDIA_ROUNDS: usize = 16;

/// Counts what a hub does for its plays; shared with whoever wants to know.
#[derive(Clone, Debug, Default)]
pub struct MediaMeter {
    looks: Arc<AtomicU64>,
}

impl MediaMeter {
    /// How often the plays of a link were looked at so far.
    #[must_use]
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }
}

/// The links whose plays may have something to send or to read.
#[derive(Debug, Default)]
pub(super) struct MediaTurns {
    due: BTreeSet<LinkId>,
    meter: MediaMeter,
}

impl MediaTurns {
    /// Something happened to a play of this link.
    pub(super) fn is_due(&mut self, link: LinkId) {
        self.due.insert(link);
    }

    /// The link is gone.
    pub(super) fn forget(&mut self, link: LinkId) {
        self.due.remove(&link);
    }

    pub(super) fn meter(&self) -> MediaMeter {
        self.meter.clone()
    }
}

impl Hub {
    /// Counts what this hub does for its plays, for tests and benches.
    #[must_use]
    pub fn media_meter(&self) -> MediaMeter {
        self.media.meter()
    }

    /// Fills the media lanes and asks for what is to be read; true when there is more to do at once.
    pub(super) fn pump_media(&mut self) -> bool {
        for _ in 0..MEDIA_ROUNDS {
            self.media.due.extend(self.event_loop.take_roomy());
            if self.media.due.is_empty() {
                return false;
            }
            for link in std::mem::take(&mut self.media.due) {
                self.pump_link(link);
            }
            self.event_loop.flush();
        }
        self.media.due.extend(self.event_loop.take_roomy());
        !self.media.due.is_empty()
    }

    /// Fills the media lane of one link.
    fn pump_link(&mut self, link: LinkId) {
        self.media.meter.looks.fetch_add(1, Ordering::Relaxed);
        while let Some(plays) = self.plays.get_mut(&link)
            && self.event_loop.has_room_for_media(link)
        {
            let outputs = plays.next_outputs();
            if outputs.is_empty() {
                for job in plays.reads() {
                    self.readers.submit((link, job));
                }
                break;
            }
            self.put_out(link, outputs);
        }
    }

    /// Does what plays of a link decided.
    pub(super) fn put_out(&mut self, link: LinkId, outputs: Vec<PlayOutput>) {
        let now = clock::now();
        for output in outputs {
            match output {
                PlayOutput::Control(message) => self.with(link, |connection| connection.send(&message, now)),
                PlayOutput::Media(message) => self.with(link, |connection| connection.send_media(&message)),
                PlayOutput::Report(event) => (self.report)(event),
            }
        }
    }
}
