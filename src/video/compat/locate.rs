//! Where the bytes of a packet stand in its file, found by comparing them.
//!
//! A demuxer gives a packet's bytes and roughly where they were. Most containers keep them in one piece near there.
//! Others cut them and put headers in between; then the packet is a sequence of pieces in rising order, and taking
//! the earliest place that continues it never leads astray: whatever was matched too early, what follows stands
//! behind it all the same.
//!
//! ```text
//!   packet    ABCDEFGHIJ
//!   file      ..ABCD.hdr.EFGH.hdr.IJ..         A piece that also matches the beginning of a header is as good:
//!                └──┘     └──┘     └┘          the bytes are the same.
//! ```

use std::io;

use crate::{
    types::limits::MAX_PACKET,
    video::{
        mp4::Input,
        pieces::{Run, push_piece, span},
    },
};

/// How far behind where the demuxer points a packet in one piece may begin, in bytes: chunk and block headers.
const MAX_HEAD: usize = 1024;

/// How far apart two pieces of a packet, or a packet and the one before, may be: others are interleaved.
const MAX_GAP: usize = 512 * 1024;

/// How far before where the demuxer points a scattered packet may begin.
const MAX_BACK: u64 = 64 * 1024;

/// How many bytes have to continue a packet for a place to be taken for its next piece, tried in turn. Longer is
/// less likely to be chance, which costs pieces; shorter finds what was cut unluckily.
const NEEDED: [usize; 3] = [16, 4, 1];

/// Read beyond what is asked for, in bytes: the next pieces and packets are mostly looked for there.
const READ: u64 = 1024 * 1024;

/// Finds the packets of one file, best in the order in which they stand in it.
pub(crate) struct Locator<'a, I: Input + ?Sized> {
    input: &'a I,
    window: Vec<u8>,
    /// Of the window, in the file.
    start: u64,
    /// Where the packet before ended.
    cursor: u64,
}

impl<'a, I: Input + ?Sized> Locator<'a, I> {
    pub(crate) fn new(input: &'a I) -> Self {
        Self { input, window: Vec::new(), start: 0, cursor: 0 }
    }

    /// The pieces of a packet that is not empty, near `hint` or behind the packet before; `None` when its bytes are
    /// not in the file.
    pub(crate) fn locate(&mut self, hint: Option<u64>, packet: &[u8]) -> io::Result<Option<Vec<Run>>> {
        if let Some(run) = self.whole(hint, packet)? {
            return Ok(Some(vec![run]));
        }
        let found = self.scattered(hint, packet)?;
        if let Some(end) = found.as_ref().and_then(|runs| runs.last()?.end()) {
            self.cursor = end;
        }
        Ok(found)
    }

    /// Where a packet that is not empty lies in one piece, as [`Locator::locate`].
    pub(crate) fn whole(&mut self, hint: Option<u64>, packet: &[u8]) -> io::Result<Option<Run>> {
        let Ok(length) = u32::try_from(packet.len()) else { return Ok(None) };
        let start = hint.unwrap_or(self.cursor);
        let bytes = self.at(start, MAX_HEAD + packet.len())?;
        let Some(place) = find(bytes, packet) else { return Ok(None) };
        let run = Run::one(start + place as u64, length);
        self.cursor = run.offset + u64::from(length);
        Ok(Some(run))
    }

    fn scattered(&mut self, hint: Option<u64>, packet: &[u8]) -> io::Result<Option<Vec<Run>>> {
        let cursor = self.cursor;
        let starts = match hint {
            Some(hint) => [hint.max(cursor), cursor, hint, hint.saturating_sub(MAX_BACK)],
            // What looked like the packet before may have stood behind it.
            None => [cursor, cursor, cursor, cursor.saturating_sub(MAX_BACK)],
        };
        for needed in NEEDED {
            for (number, start) in starts.into_iter().enumerate() {
                if starts.iter().take(number).any(|before| *before == start) {
                    continue;
                }
                if let Some(runs) = self.pieces(start, packet, needed)? {
                    return Ok(Some(runs));
                }
            }
        }
        Ok(None)
    }

    /// The pieces from `start` on, each the earliest that continues the packet by `needed` bytes or to its end.
    fn pieces(&mut self, start: u64, packet: &[u8], needed: usize) -> io::Result<Option<Vec<Run>>> {
        let (mut runs, mut from) = (Vec::new(), start);
        let mut rest = packet;
        while !rest.is_empty() {
            let most = 1024 + packet.len() / 4;
            let bytes = self.at(from, MAX_GAP + rest.len())?;
            let needle = rest.get(..needed).unwrap_or(rest);
            let within = bytes.get(..MAX_GAP + needle.len()).unwrap_or(bytes);
            let Some(place) = find(within, needle) else { return Ok(None) };
            let piece = bytes.get(place..).unwrap_or_default();
            let length = piece.iter().zip(rest).take_while(|(one, other)| one == other).count();
            let Ok(size) = u32::try_from(length) else { return Ok(None) };
            push_piece(&mut runs, from + place as u64, size);
            from += (place + length) as u64;
            rest = rest.get(length..).unwrap_or_default();
            if runs.len() > most {
                return Ok(None);
            }
        }
        let is_read_at_once = u32::try_from(packet.len()).is_ok_and(|size| span(&runs, size).is_some());
        Ok(is_read_at_once.then_some(runs))
    }

    /// The bytes from an offset on: `length`, or fewer at the end of the file.
    fn at(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let size = self.input.size();
        let length = length.min(MAX_PACKET + MAX_GAP);
        let end = offset.saturating_add(length as u64).min(size);
        let have = self.start..self.start + self.window.len() as u64;
        if offset >= end {
            return Ok(&[]);
        }
        if !(have.contains(&offset) && end <= have.end) {
            let until = end.saturating_add(READ).min(size);
            self.window.resize(usize::try_from(until - offset).unwrap_or_default(), 0);
            self.start = offset;
            if let Err(error) = self.input.read_at(offset, &mut self.window) {
                self.window.clear();
                return Err(error);
            }
        }
        let from = usize::try_from(offset - self.start).unwrap_or_default();
        let until = usize::try_from(end - self.start).unwrap_or_default();
        Ok(self.window.get(from..until).unwrap_or_default())
    }
}

/// Where `needle`, which is not empty, is first in `bytes`.
fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let first = needle.first()?;
    let last = bytes.len().checked_sub(needle.len())?;
    let mut from = 0;
    while from <= last {
        let place = from + bytes.get(from..=last)?.iter().position(|byte| byte == first)?;
        if bytes.get(place..place + needle.len())? == needle {
            return Some(place);
        }
        from = place + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

    use crate::video::pieces::gather;

    use super::*;

    /// Packets of random bytes, of which many are alike as those of codecs are: start codes and zeros.
    fn packets(rng: &mut StdRng) -> Vec<Vec<u8>> {
        let packet = |rng: &mut StdRng| {
            let size = rng.random_range(1..4000);
            let kind = rng.random_range(0..4);
            let mut packet = b"\0\0\0\x01\x09\xf0\0\0\0\x01".to_vec();
            packet.extend((0..size).map(|_| match kind {
                0 => 0,
                1 => rng.random_range(0..2) * 255,
                _ => rng.random(),
            }));
            packet.truncate(size);
            packet
        };
        (0..40).map(|_| packet(rng)).collect()
    }

    /// A file with the packets cut into pieces, and roughly where each begins.
    fn cut(rng: &mut StdRng, packets: &[Vec<u8>], payload: usize) -> (Vec<u8>, Vec<u64>) {
        let stream: Vec<u8> = packets.concat();
        let (mut file, mut places) = (Vec::new(), Vec::new());
        let mut boundaries = packets.iter().scan(0, |start, packet| {
            *start += packet.len();
            Some(*start - packet.len())
        });
        let mut next = boundaries.next();
        for (number, piece) in stream.chunks(payload).enumerate() {
            if rng.random_range(0..5) == 0 {
                // Another stream's.
                file.extend((0..rng.random_range(1..400)).map(|_| rng.random_range(0..2_u8)));
            }
            let start = file.len() as u64;
            file.extend([0x47, 0x40, 0, u8::try_from(number % 16).unwrap(), 0, 0, 1]);
            file.extend(piece);
            while next.is_some_and(|next| next < (number + 1) * payload) {
                places.push(start);
                next = boundaries.next();
            }
        }
        (file, places)
    }

    #[test]
    fn packets_cut_anyhow_are_found_and_put_together_again() {
        for seed in 0..60 {
            let mut rng = StdRng::seed_from_u64(seed);
            let packets = packets(&mut rng);
            let payload = [177, 184, 2000, 100_000][rng.random_range(0..4)];
            let (file, places) = cut(&mut rng, &packets, payload);
            let mut locator = Locator::new(&file[..]);
            let mut count = 0;
            for (packet, place) in packets.iter().zip(places) {
                let hint = (rng.random_range(0..4) > 0).then_some(place);
                let runs = locator.locate(hint, packet).unwrap();
                let runs = runs.unwrap_or_else(|| panic!("seed {seed}, {payload}, {} bytes", packet.len()));
                let span = span(&runs, u32::try_from(packet.len()).unwrap()).unwrap();
                let bytes = &file[usize::try_from(span.start).unwrap()..usize::try_from(span.end).unwrap()];
                assert_eq!(gather(&runs, span.start, bytes).unwrap(), packet[..], "seed {seed}");
                count += runs.len();
            }
            assert!(count < 40 * packets.len(), "seed {seed}: {count} runs");
        }
    }

    #[test]
    fn pieces_of_a_transport_stream_are_few_runs() {
        let packet: Vec<u8> = (0..184 * 50_u32).map(|number| (number.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
        let file: Vec<u8> = packet.chunks(184).flat_map(|piece| [b"\x47\x01\0\x10", piece].concat()).collect();
        let runs = Locator::new(&file[..]).locate(Some(0), &packet).unwrap().unwrap();
        assert_eq!(runs, [Run { offset: 4, length: 184, stride: 188, count: 50 }]);
    }

    /// Counts the bytes that are read of it.
    struct Counted<'a>(&'a [u8], std::cell::Cell<u64>);

    impl Input for Counted<'_> {
        fn size(&self) -> u64 {
            self.0.len() as u64
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            self.1.set(self.1.get() + buffer.len() as u64);
            self.0.read_at(offset, buffer)
        }
    }

    #[test]
    fn a_file_is_not_read_again_for_each_piece() {
        let mut rng = StdRng::seed_from_u64(9);
        let packets: Vec<Vec<u8>> = (0..1000).map(|_| (0..8000).map(|_| rng.random()).collect()).collect();
        let (file, places) = cut(&mut rng, &packets, 184);
        let counted = Counted(&file, std::cell::Cell::new(0));
        let mut locator = Locator::new(&counted);
        for (packet, place) in packets.iter().zip(places) {
            assert!(locator.locate(Some(place), packet).unwrap().is_some());
        }
        let (read, size) = (counted.1.get(), counted.size());
        assert!(read < 4 * size, "{read} bytes of {size}");
    }

    #[test]
    fn what_lies_in_one_piece_is_one_wherever_the_demuxer_points_to() {
        let file: Vec<u8> = (0..200_000_u32).map(|number| (number.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
        let mut locator = Locator::new(&file[..]);
        for (hint, at) in [(Some(100), 108), (Some(150_000), 150_020), (Some(90), 90), (None, 690)] {
            let found = locator.locate(hint, &file[at..at + 600]).unwrap().unwrap();
            assert_eq!(found, [Run::one(at as u64, 600)]);
        }
    }

    #[test]
    fn what_is_not_in_the_file_is_not_found() {
        let file = vec![7; 100_000];
        let mut locator = Locator::new(&file[..]);
        assert_eq!(locator.locate(Some(0), &[7, 7, 8, 7]).unwrap(), None);
        assert_eq!(locator.locate(None, &[9; 1000]).unwrap(), None);
        assert_eq!(locator.locate(Some(u64::MAX), &[7; 10]).unwrap(), Some(vec![Run::one(0, 10)]), "behind the last");
        assert_eq!(Locator::new(&[][..]).locate(Some(3), &[1]).unwrap(), None);
    }
}
