//! What came in and was not decoded yet, in the order of the stream.

use std::collections::VecDeque;

use crate::types::{EndReason, MediaTime, limits::MAX_UNTAKEN};

use super::input::{Packet, Segment, size_of_waiting};

/// The part of [`Input`](super::input::Input) that has its turn.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// Another rendition begins.
    Segment(Segment),
    /// A picture of the rendition before.
    Packet(Packet),
    /// No picture follows, though sound may.
    LastPicture,
    /// Nothing follows.
    End(EndReason),
}

impl Entry {
    /// What it counts for against [`MAX_UNTAKEN`].
    fn size(&self) -> u64 {
        match self {
            Self::Segment(segment) => segment.size(),
            Self::Packet(packet) => packet.size(),
            Self::LastPicture | Self::End(_) => size_of_waiting(0),
        }
    }
}

/// More came than was asked for: the hub does not keep to its credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overfed;

/// A queue bounded in bytes by [`MAX_UNTAKEN`]. The session keeps it far below by what credit it gives; the bound here
/// holds whatever the session lets through.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    entries: VecDeque<Entry>,
    size: u64,
}

impl Feed {
    /// Puts an entry at the end. After an error the queue is of no more use.
    pub(crate) fn push(&mut self, entry: Entry) -> Result<(), Overfed> {
        self.size += entry.size();
        if self.size > MAX_UNTAKEN {
            return Err(Overfed);
        }
        self.entries.push_back(entry);
        Ok(())
    }

    /// What comes next, left in its place.
    pub(crate) fn front(&self) -> Option<&Entry> {
        self.entries.front()
    }

    /// Takes what comes next.
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.size -= entry.size();
        Some(entry)
    }

    /// Shortens the segment that came last, and takes back an end that was told behind it. Whether that segment still
    /// waits here.
    pub(crate) fn cut(&mut self, until: MediaTime) -> bool {
        while self.entries.back().is_some_and(|last| matches!(last, Entry::LastPicture | Entry::End(_))) {
            self.size -= self.entries.pop_back().map_or(0, |end| end.size());
        }
        let last = self.entries.iter_mut().rev().find_map(|entry| match entry {
            Entry::Segment(segment) => Some(segment),
            Entry::Packet(_) | Entry::LastPicture | Entry::End(_) => None,
        });
        let Some(segment) = last else { return false };
        segment.until = Some(segment.until.map_or(until, |before| before.min(until)));
        true
    }

    /// Forgets the packets at the end of the queue that nothing shown before `until` needs: those behind the last one
    /// that is shown. Their bytes.
    pub(crate) fn trim(&mut self, until: MediaTime) -> u64 {
        let mut bytes = 0;
        while let Some(Entry::Packet(packet)) = self.entries.back()
            && packet.pts >= until
        {
            bytes += packet.data.len() as u64;
            self.size -= self.entries.pop_back().map_or(0, |entry| entry.size());
        }
        bytes
    }

    /// Forgets all of it: a seek.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        types::limits::{MAX_PACKET, PIECE_OVERHEAD},
        video::testing::packet,
    };

    #[test]
    fn bad_input_63_packets_never_asked_for_are_not_hoarded() {
        let large = Packet { data: vec![0; MAX_PACKET].into(), ..packet(0) };
        let mut feed = Feed::default();
        let taken = (0..100).take_while(|_| feed.push(Entry::Packet(large.clone())).is_ok()).count();
        assert_eq!(taken as u64, MAX_UNTAKEN / (MAX_PACKET as u64 + PIECE_OVERHEAD));
    }

    #[test]
    fn bad_input_63_empty_packets_are_counted_as_well() {
        let empty = Packet { data: Vec::new().into(), ..packet(0) };
        let mut feed = Feed::default();
        let taken = (0..1_000_000).take_while(|_| feed.push(Entry::Packet(empty.clone())).is_ok()).count();
        assert_eq!(taken as u64, MAX_UNTAKEN / PIECE_OVERHEAD);
    }

    #[test]
    fn what_was_taken_makes_room() {
        let mut feed = Feed::default();
        for frame in 0..1_000 {
            feed.push(Entry::Packet(packet(frame))).unwrap();
            assert!(feed.front().is_some() && feed.pop().is_some() && feed.pop().is_none());
        }
        assert_eq!(feed.size, 0);
    }
}
