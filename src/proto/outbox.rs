//! What waits to be sent to one peer: two lanes, chat and control first, media behind.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf as _, Bytes};

use crate::types::limits::{CHAT_LANE, MEDIA_LANE};

/// The peer has not read for so long that its chat lane is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{CHAT_LANE} bytes wait for a peer that does not read")]
pub struct LaneFull;

#[derive(Debug, Default)]
struct Lane {
    records: VecDeque<Bytes>,
    bytes: usize,
}

impl Lane {
    fn push(&mut self, record: Bytes) {
        self.bytes += record.len();
        self.records.push_back(record);
    }

    fn truncate(&mut self, records: usize) {
        self.records.truncate(records);
        self.bytes = self.records.iter().map(Bytes::len).sum();
    }

    /// Takes up to `count` bytes off the front; says what is left of `count` and whether a record is cut.
    fn advance(&mut self, mut count: usize) -> (usize, bool) {
        while count > 0 {
            let Some(front) = self.records.front_mut() else { return (count, false) };
            let taken = count.min(front.len());
            front.advance(taken);
            self.bytes -= taken;
            count -= taken;
            if !front.is_empty() {
                return (0, true);
            }
            self.records.pop_front();
        }
        (0, false)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Chat,
    Media,
}

/// Records on their way out. A record that was begun is finished; then all of chat goes, then media.
#[derive(Debug, Default)]
pub struct Outbox {
    chat: Lane,
    media: Lane,
    /// The lane whose front record is partly written.
    cut: Option<Cut>,
}

impl Outbox {
    /// Queues a record of chat or control.
    ///
    /// # Errors
    /// When the lane is full; the record is not taken, and the peer should be let go.
    pub fn push_chat(&mut self, record: Bytes) -> Result<(), LaneFull> {
        if self.chat.bytes + record.len() > CHAT_LANE {
            return Err(LaneFull);
        }
        self.chat.push(record);
        Ok(())
    }

    /// Queues a last word behind what waits, also in a lane that is full. For an end that goes: it says two at most.
    pub fn push_last(&mut self, record: Bytes) {
        self.chat.push(record);
    }

    /// Queues a record of media. Media is pulled, never dropped: ask [`Outbox::has_room_for_media`] first.
    pub fn push_media(&mut self, record: Bytes) {
        self.media.push(record);
    }

    /// Whether a play may read on.
    #[must_use]
    pub fn has_room_for_media(&self) -> bool {
        self.media.bytes < MEDIA_LANE
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chat.records.is_empty() && self.media.records.is_empty()
    }

    /// Forgets what was not begun: the peer is going, and only a last word still matters.
    pub fn keep_only_begun(&mut self) {
        self.chat.truncate(usize::from(self.cut == Some(Cut::Chat)));
        self.stop_media();
    }

    /// Forgets the media that was not begun.
    pub fn stop_media(&mut self) {
        self.media.truncate(usize::from(self.cut == Some(Cut::Media)));
    }

    /// Fills `slices` with what to write next and returns how many it filled. Write them in order and report
    /// the bytes taken to [`Outbox::advance`].
    pub fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let begun_media = usize::from(self.cut == Some(Cut::Media));
        let order = self.media.records.iter().take(begun_media).chain(&self.chat.records);
        let order = order.chain(self.media.records.iter().skip(begun_media));
        slices.iter_mut().zip(order).map(|(slice, record)| *slice = IoSlice::new(record)).count()
    }

    /// `count` bytes of what [`Outbox::fill`] gave have been written.
    pub fn advance(&mut self, mut count: usize) {
        if self.cut == Some(Cut::Media) {
            let front = self.media.records.front().map_or(0, Bytes::len);
            let taken = count.min(front);
            let (_, cut) = self.media.advance(taken);
            self.cut = cut.then_some(Cut::Media);
            count -= taken;
        }
        if count == 0 {
            return;
        }
        let (rest, chat_cut) = self.chat.advance(count);
        let (_, media_cut) = self.media.advance(rest);
        self.cut = if chat_cut { Some(Cut::Chat) } else { media_cut.then_some(Cut::Media) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(outbox: &mut Outbox, count: usize) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 8];
        let filled = outbox.fill(&mut slices);
        let bytes: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).take(count).collect();
        outbox.advance(bytes.len());
        bytes
    }

    #[test]
    fn chat_overtakes_media_between_records_and_never_within_one() {
        let mut outbox = Outbox::default();
        outbox.push_media("MMMM".into());
        outbox.push_media("NNNN".into());
        assert_eq!(written(&mut outbox, 2), b"MM");
        outbox.push_chat("cc".into()).unwrap();
        assert_eq!(written(&mut outbox, 3), b"MMc", "the begun record first, then chat");
        outbox.push_chat("dd".into()).unwrap();
        assert_eq!(written(&mut outbox, 100), b"cddNNNN");
        assert!(outbox.is_empty());
    }

    #[test]
    fn every_split_of_the_writes_gives_whole_records() {
        for step in 1..12 {
            let mut outbox = Outbox::default();
            let mut out = Vec::new();
            for round in 0..5_u8 {
                outbox.push_media(vec![b'a' + round; 5].into());
                outbox.push_chat(vec![b'0' + round; 3].into()).unwrap();
                out.extend(written(&mut outbox, step));
            }
            while !outbox.is_empty() {
                out.extend(written(&mut outbox, step));
            }
            let mut runs: Vec<(u8, usize)> = Vec::new();
            for byte in out {
                match runs.last_mut() {
                    Some((last, count)) if *last == byte => *count += 1,
                    _ => runs.push((byte, 1)),
                }
            }
            assert_eq!(runs.len(), 10, "step {step}: {runs:?}");
            assert!(runs.iter().all(|(byte, count)| *count == if byte.is_ascii_digit() { 3 } else { 5 }), "{runs:?}");
        }
    }

    #[test]
    fn a_full_chat_lane_refuses_and_keeps_what_it_has() {
        let mut outbox = Outbox::default();
        outbox.push_chat(vec![0; CHAT_LANE].into()).unwrap();
        assert_eq!(outbox.push_chat("x".into()), Err(LaneFull));
        outbox.advance(1);
        outbox.push_chat("x".into()).unwrap();
    }

    #[test]
    fn media_has_room_until_its_lane_is_full() {
        let mut outbox = Outbox::default();
        outbox.push_media(vec![0; MEDIA_LANE - 1].into());
        assert!(outbox.has_room_for_media());
        outbox.push_media("x".into());
        assert!(!outbox.has_room_for_media());
    }

    #[test]
    fn only_what_was_begun_is_kept_for_the_last_word() {
        let mut outbox = Outbox::default();
        outbox.push_chat("abcd".into()).unwrap();
        outbox.push_chat("efgh".into()).unwrap();
        outbox.push_media("MM".into());
        assert_eq!(written(&mut outbox, 1), b"a");
        outbox.keep_only_begun();
        outbox.push_chat("bye".into()).unwrap();
        assert_eq!(written(&mut outbox, 100), b"bcdbye");
        assert!(outbox.is_empty());
    }
}
