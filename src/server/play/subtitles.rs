//! Subtitles beside the media of a play: whole files, in small parts, after the pictures have begun.

use std::collections::VecDeque;

use super::Play;
use crate::{
    proto::{Message, message},
    types::limits::PART,
    video::Subtitles,
};

/// Packets of an epoch that go out before any subtitles: a second of most titles. A first picture never waits.
const AFTER_PACKETS: u32 = 25;

/// While media goes out, a part of so many bytes after every so many of media: an eighth of the link.
const BESIDE: usize = 4 * 1024;
const EVERY: u64 = 32 * 1024;

/// The subtitles of a play that were not sent yet. They count for no credit: they are bounded as they are, and the
/// member holds all of them.
#[derive(Debug)]
pub(super) struct SubtitleQueue {
    files: VecDeque<Subtitles>,
    /// Bytes of the first file that were sent.
    sent: usize,
    /// How much media had been sent when the last part was.
    media: u64,
}

impl SubtitleQueue {
    pub(super) fn new(files: &[Subtitles]) -> Self {
        Self { files: files.iter().cloned().collect(), sent: 0, media: 0 }
    }
}

impl Play {
    /// The next part, if it is its turn: seldom while media goes out, freely while the credit holds that back or all
    /// of it was sent.
    pub(super) fn next_subtitles(&mut self) -> Option<Message> {
        let is_free = self.segments.is_empty() || self.is_held_back();
        let is_turn = self.sent.abs_diff(self.subtitles.media) >= EVERY;
        let has_begun = self.seq >= AFTER_PACKETS || self.segments.is_empty();
        if !has_begun || !(is_free || is_turn) {
            return None;
        }
        let file = self.subtitles.files.front()?;
        let end = file.data.len().min(self.subtitles.sent + if is_free { PART } else { BESIDE });
        let part = message::Subtitles {
            play: self.id,
            language: file.language.as_str().into(),
            last: end == file.data.len(),
            data: file.data.slice(self.subtitles.sent..end).into(),
        };
        (self.subtitles.sent, self.subtitles.media) = (end, self.sent);
        if part.last {
            self.subtitles.files.pop_front();
            self.subtitles.sent = 0;
        }
        Some(part.into())
    }

    /// Whether media waits for credit.
    fn is_held_back(&self) -> bool {
        let next = self.ready.front().map_or(1, |packet| (packet.data.len() - packet.sent).min(PART));
        !self.reading && self.sent + next as u64 > self.credit
    }
}

#[cfg(test)]
mod tests;
