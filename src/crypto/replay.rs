//! Which messages were taken in before: a high-water mark and a bitmap for each sender and stream.
//!
//! Judged by numbers only, never by age: a clock that is wrong loses nothing. The state is kept in one file, a
//! snapshot with marks appended:
//!
//! ```text
//!   ┌───────────────┬────────────┬──────────────────┬───────┬──────────────────────────────────────┬───
//!   │ "securestream │ length u32 │ snapshot:        │ check │ mark: sender 32 B ‖ stream u8        │ …
//!   │  marks 1\n"   │            │ MessagePack list │ 4 B   │       ‖ sequence u64 ‖ check 4 B     │
//!   └───────────────┴────────────┴──────────────────┴───────┴──────────────────────────────────────┴───
//! ```
//!
//! A check is the start of the SHA-256 of what it follows. An end that a crash tore is dropped; damage anywhere else is
//! told, because forgetting marks would show old messages again.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::{letter::Stream, replay_window::Window};
use crate::types::{
    Fingerprint,
    wire::{self, Blob, wire_struct},
};

/// Senders whose marks are kept; of more, those are forgotten that wrote longest ago. 65,536 take about 10 MB. It
/// takes as many key pairs, registered and used, to make a member forget one sender.
const MAX_SENDERS: usize = 65_536;

const MAGIC: &[u8] = b"securestream marks 1\n";
const CHECK: usize = 4;
/// Bytes of one mark at the end of the file.
const MARK: usize = 32 + 1 + 8 + CHECK;

/// Whether a message is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It was never taken in.
    Fresh,
    /// It was, or is too old to tell: acknowledge it again, never show it.
    Duplicate,
}

/// The file was damaged by something other than a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the marks of received messages are damaged")]
pub struct ReplayError;

/// The marks of every sender.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    rows: HashMap<(Fingerprint, Stream), Row>,
    /// Counts marks; orders rows by their latest.
    clock: u64,
}

#[derive(Clone, Debug)]
struct Row {
    window: Window,
    marked: u64,
}

impl Replay {
    /// Whether this number is new. Changes nothing.
    #[must_use]
    pub fn judge(&self, sender: Fingerprint, stream: Stream, sequence: u64) -> Judgement {
        match self.rows.get(&(sender, stream)) {
            Some(row) if row.window.contains(sequence) => Judgement::Duplicate,
            _ => Judgement::Fresh,
        }
    }

    /// Remembers this number. For a message whose signature was verified, before it is shown.
    pub fn mark(&mut self, sender: Fingerprint, stream: Stream, sequence: u64) {
        self.clock += 1;
        let new = Row { window: Window::new(sequence), marked: self.clock };
        let row = self.rows.entry((sender, stream)).or_insert(new);
        row.window.mark(sequence);
        row.marked = self.clock;
        if self.rows.len() > MAX_SENDERS {
            self.forget_oldest();
        }
    }

    /// What to append to the file for one mark.
    #[must_use]
    pub fn entry(sender: Fingerprint, stream: Stream, sequence: u64) -> Vec<u8> {
        with_check([&sender.0[..], &[stream.number()], &sequence.to_be_bytes()].concat())
    }

    /// A whole file without marks at its end.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        // By age, so that reading it back gives the same order.
        rows.sort_unstable_by_key(|(_, row)| row.marked);
        let rows: Vec<_> =
            rows.into_iter().map(|((sender, stream), row)| SavedRow::new(*sender, *stream, row)).collect();
        let snapshot = wire::to_bytes(&rows);
        let length = u32::try_from(snapshot.len()).unwrap_or(u32::MAX).to_be_bytes();
        with_check([MAGIC, &length, &snapshot].concat())
    }

    /// Reads a file; also how many marks stood at its end.
    ///
    /// # Errors
    /// When anything but its end is damaged.
    pub fn decode(file: &[u8]) -> Result<(Self, usize), ReplayError> {
        let behind = file.strip_prefix(MAGIC).ok_or(ReplayError)?;
        let (length, _) = behind.split_first_chunk::<4>().ok_or(ReplayError)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| ReplayError)?;
        let end = length.checked_add(MAGIC.len() + 4 + CHECK).ok_or(ReplayError)?;
        let (whole, marks) = file.split_at_checked(end).ok_or(ReplayError)?;
        let checked = checked(whole).ok_or(ReplayError)?;
        let saved: Vec<SavedRow> = wire::from_bytes(&checked[MAGIC.len() + 4..]).map_err(|_| ReplayError)?;
        let mut replay = Self::default();
        for row in saved {
            replay.restore(&row)?;
        }
        let count = replay.apply(marks)?;
        Ok((replay, count))
    }

    fn restore(&mut self, saved: &SavedRow) -> Result<(), ReplayError> {
        let stream = Stream::from_number(saved.stream).ok_or(ReplayError)?;
        let window = Window::decode(saved.high, &saved.seen).ok_or(ReplayError)?;
        self.clock += 1;
        self.rows.insert((saved.sender, stream), Row { window, marked: self.clock });
        Ok(())
    }

    /// Takes in the marks at the end of a file up to where a crash tore it.
    fn apply(&mut self, marks: &[u8]) -> Result<usize, ReplayError> {
        let parsed: Vec<_> = marks.chunks(MARK).map(parse_mark).collect();
        let whole = parsed.iter().take_while(|mark| mark.is_some()).count();
        // Each append is on the disk before the next: behind a torn one there is nothing good.
        if parsed[whole..].iter().any(Option::is_some) {
            return Err(ReplayError);
        }
        for (sender, stream, sequence) in parsed.into_iter().flatten() {
            self.mark(sender, stream, sequence);
        }
        Ok(whole)
    }

    fn forget_oldest(&mut self) {
        let oldest = self.rows.iter().min_by_key(|(_, row)| row.marked).map(|(key, _)| *key);
        oldest.and_then(|key| self.rows.remove(&key));
    }
}

wire_struct! {
    /// One sender's row in a snapshot.
    struct SavedRow { sender: Fingerprint, stream: u8, high: u64, seen: Blob }
}

impl SavedRow {
    fn new(sender: Fingerprint, stream: Stream, row: &Row) -> Self {
        let (high, seen) = row.window.encode();
        Self { sender, stream: stream.number(), high, seen: seen.into() }
    }
}

fn parse_mark(mark: &[u8]) -> Option<(Fingerprint, Stream, u64)> {
    let (sender, rest) = checked(mark).filter(|_| mark.len() == MARK)?.split_first_chunk()?;
    let (stream, sequence) = rest.split_first()?;
    Some((Fingerprint(*sender), Stream::from_number(*stream)?, u64::from_be_bytes(sequence.try_into().ok()?)))
}

fn with_check(mut bytes: Vec<u8>) -> Vec<u8> {
    let hash = Sha256::digest(&bytes);
    bytes.extend_from_slice(&hash[..CHECK]);
    bytes
}

fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (content, check) = bytes.split_last_chunk::<CHECK>()?;
    (Sha256::digest(content)[..CHECK] == *check).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOB: Fingerprint = Fingerprint([0xb; 32]);
    const CAROL: Fingerprint = Fingerprint([0xc; 32]);

    fn marked(sequences: &[u64]) -> Replay {
        let mut replay = Replay::default();
        for sequence in sequences {
            replay.mark(BOB, Stream::Direct, *sequence);
        }
        replay
    }

    fn is_fresh(replay: &Replay, sequence: u64) -> bool {
        replay.judge(BOB, Stream::Direct, sequence) == Judgement::Fresh
    }

    #[test]
    fn bad_input_34_a_number_is_fresh_once_for_each_sender_and_stream() {
        let replay = marked(&[7]);
        assert!(!is_fresh(&replay, 7));
        assert!(is_fresh(&replay, 6) && is_fresh(&replay, 8));
        assert_eq!(replay.judge(BOB, Stream::Group, 7), Judgement::Fresh);
        assert_eq!(replay.judge(CAROL, Stream::Direct, 7), Judgement::Fresh);
    }

    #[test]
    fn state_survives_its_file_with_marks_at_the_end() {
        let mut replay = marked(&[1_790_000_000_000, 1_790_000_000_003]);
        replay.mark(CAROL, Stream::Group, 5);
        let mut file = replay.encode();
        file.extend(Replay::entry(BOB, Stream::Direct, 1_790_000_000_002));
        let (again, marks) = Replay::decode(&file).unwrap();
        assert_eq!(marks, 1);
        for (offset, fresh) in [(0, false), (1, true), (2, false), (3, false), (4, true)] {
            assert_eq!(is_fresh(&again, 1_790_000_000_000 + offset), fresh, "{offset}");
        }
        assert_eq!(again.judge(CAROL, Stream::Group, 5), Judgement::Duplicate);
        assert_eq!(Replay::decode(&Replay::default().encode()).unwrap().1, 0);
    }

    #[test]
    fn a_torn_end_is_dropped_wherever_the_crash_was() {
        let mut file = marked(&[1]).encode();
        file.extend(Replay::entry(BOB, Stream::Direct, 2));
        let whole = file.len();
        file.extend(Replay::entry(BOB, Stream::Direct, 3));
        for length in whole..file.len() {
            let (replay, marks) = Replay::decode(&file[..length]).unwrap();
            assert_eq!(marks, 1, "{length}");
            assert!(!is_fresh(&replay, 2) && is_fresh(&replay, 3));
        }
        // After a power cut the end may be zeros instead.
        file[whole..].fill(0);
        assert_eq!(Replay::decode(&file).unwrap().1, 1);
    }

    #[test]
    fn damage_elsewhere_is_told() {
        let mut file = marked(&[1, 2, 3]).encode();
        let snapshot = file.len();
        file.extend(Replay::entry(BOB, Stream::Direct, 4));
        file.extend(Replay::entry(BOB, Stream::Direct, 5));
        for at in 0..snapshot + MARK {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            assert_eq!(Replay::decode(&damaged).unwrap_err(), ReplayError, "byte {at}");
        }
        for length in 0..snapshot {
            assert!(Replay::decode(&file[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn of_too_many_senders_the_longest_silent_is_forgotten() {
        let mut replay = Replay::default();
        let sender = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            Fingerprint(bytes)
        };
        for number in 0..MAX_SENDERS {
            replay.mark(sender(number), Stream::Direct, 1);
        }
        replay.mark(sender(0), Stream::Direct, 2);
        replay.mark(sender(MAX_SENDERS), Stream::Direct, 1);
        assert_eq!(replay.rows.len(), MAX_SENDERS);
        assert_eq!(replay.judge(sender(0), Stream::Direct, 1), Judgement::Duplicate);
        assert_eq!(replay.judge(sender(1), Stream::Direct, 1), Judgement::Fresh);
        let file = replay.encode();
        assert!(file.len() < 16 * 1024 * 1024, "{} bytes", file.len());
        assert_eq!(Replay::decode(&file).unwrap().0.rows.len(), MAX_SENDERS);
    }
}
