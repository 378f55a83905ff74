//! Ten thousand damaged headers: each is refused or gives an index that lies within its file, for little work.

use std::cell::Cell;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    types::{MediaTime, PlayMode},
    video::{Index, MemorySource, Plan, VideoSource as _, batches},
};

use super::*;

const SEEDS: u64 = 1250;

const FILES: [&str; 8] = [
    "one_keyframe.mp4",
    "fragmented.mp4",
    "edited.mp4",
    "delayed.mp4",
    "av1.mp4",
    "hevc.mp4",
    "turned.mp4",
    "wide.mp4",
];

/// Boxes that hold boxes.
const PARENTS: [&[u8; 4]; 11] =
    [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"mvex", b"moof", b"traf", b"udta"];

/// Numbers that hurt.
const VALUES: [u32; 12] =
    [0, 1, 2, 7, 8, 9, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fffe, 0x0100_0000, 0x10_0000];

fn data(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

/// A file that counts what is asked of it.
struct Counted<'a> {
    bytes: &'a [u8],
    reads: Cell<u64>,
    total: Cell<u64>,
}

impl Input for Counted<'_> {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        self.reads.set(self.reads.get() + 1);
        self.total.set(self.total.get() + buffer.len() as u64);
        self.bytes.read_at(offset, buffer)
    }
}

/// Where the boxes of the header are: start and end, at any depth.
fn places(file: &[u8], range: std::ops::Range<usize>, found: &mut Vec<(usize, usize)>) {
    let mut at = range.start;
    while at + 8 <= range.end {
        let size = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        if size < 8 || at + size > range.end {
            return;
        }
        let name: &[u8; 4] = file[at + 4..at + 8].try_into().unwrap();
        if name != b"mdat" {
            found.push((at, at + size));
        }
        if PARENTS.contains(&name) {
            places(file, at + 8..at + size, found);
        }
        at += size;
    }
}

/// Damages a file once.
fn damage(rng: &mut StdRng, file: &mut Vec<u8>) {
    let mut boxes = Vec::new();
    places(file, 0..file.len(), &mut boxes);
    let Some(&(start, end)) = boxes.get(rng.random_range(0..boxes.len().max(1))) else { return };
    let value = VALUES[rng.random_range(0..VALUES.len())];
    let put = |file: &mut Vec<u8>, at: usize, value: u32| {
        if let Some(place) = file.get_mut(at..at + 4) {
            place.copy_from_slice(&value.to_be_bytes());
        }
    };
    match rng.random_range(0..9) {
        // A bit.
        0 => file[rng.random_range(start..end)] ^= 1 << rng.random_range(0..8),
        // The box's size.
        1 => put(file, start, value),
        // A number in it: counts, sizes, clocks, offsets.
        2 | 3 => put(file, start + 8 + 4 * rng.random_range(0..(end - start).div_ceil(4)), value),
        4 => put(file, rng.random_range(start..end), rng.random()),
        // Another box in its place: out of order, twice, or within itself.
        5 => {
            let (from, until) = boxes[rng.random_range(0..boxes.len())];
            let other = file[from..until].to_vec();
            drop(file.splice(start..end, other));
        }
        6 => {
            let other = file[start..end].to_vec();
            drop(file.splice(end - 1..end - 1, other));
        }
        // Cut, or a part taken out.
        7 => file.truncate(rng.random_range(start..=end)),
        _ => drop(file.drain(rng.random_range(start..end)..end)),
    }
}

/// A damaged file, and its index if it has one.
fn damaged(name: &str, original: &[u8], seed: u64) -> (Vec<u8>, Option<Index>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut file = original.to_vec();
    for _ in 0..rng.random_range(1..4) {
        damage(&mut rng, &mut file);
    }
    let counted = Counted { bytes: &file, reads: Cell::new(0), total: Cell::new(0) };
    let index = read(&counted).ok();
    let size = file.len() as u64;
    assert!(counted.reads.get() <= size / 4 + 16, "{name}, seed {seed}: {} reads of {size} bytes", counted.reads.get());
    assert!(counted.total.get() <= 3 * size + 64, "{name}, seed {seed}: {} bytes of {size}", counted.total.get());
    (file, index)
}

#[test]
fn bad_input_47_50_ten_thousand_damaged_headers_are_refused_or_lie_within_their_file() {
    let (mut sound, mut refused) = (0, 0);
    for name in FILES {
        let original = data(name);
        for seed in 0..SEEDS {
            let (file, index) = damaged(name, &original, seed);
            let Some(index) = index else {
                refused += 1;
                continue;
            };
            sound += 1;
            let size = file.len() as u64;
            // Packets may be as small as a byte and lie over one another; their tables take a byte each at least.
            assert!(index.packets().len() as u64 <= 2 * size, "{name}, seed {seed}: {index:?}");
            assert!(index.packets().iter().all(|packet| packet.bytes().end <= size), "{name}, seed {seed}");
            if sound % 8 == 0 {
                assert_is_sent(name, seed, index, file);
            }
        }
    }
    assert!(sound > 1000 && refused > 1000, "{sound} were sound, {refused} refused");
    assert!(sound + refused >= 10_000);
}

/// Plans a play of it from start to end and from the middle, and reads all that is sent.
fn assert_is_sent(name: &str, seed: u64, index: Index, file: Vec<u8>) {
    let source = MemorySource::indexed([("film.mp4".to_owned(), index, file.into())]);
    let catalog = source.catalog();
    let title = catalog.title("film").unwrap();
    for start in [MediaTime::ZERO, MediaTime(title.duration.0 / 2)] {
        let Ok(plan) = Plan::new(title, PlayMode::Auto, start, None) else { continue };
        for segment in &plan.segments {
            let mut expected = segment.packets.clone();
            for batch in batches(&segment.rendition.index, segment.packets.clone()) {
                for (position, bytes) in source.read_batch(&segment.rendition, &batch).unwrap() {
                    assert_eq!(Some(position), expected.next(), "{name}, seed {seed}");
                    assert_eq!(bytes.len(), segment.rendition.index.packets()[position].size as usize);
                }
            }
            assert!(expected.is_empty(), "{name}, seed {seed}");
        }
    }
}

/// What is sent of damaged files goes through a decoder, and the play ends.
#[cfg(feature = "player")]
#[test]
fn bad_input_47_damaged_headers_do_not_hurt_who_decodes_what_they_point_to() {
    use crate::{
        types::EndReason,
        video::{
            fixture::play,
            input::{Input as Given, Packet, Segment},
        },
    };

    let mut played = 0;
    for name in FILES {
        let original = data(name);
        for seed in 0..240 {
            let (file, Some(index)) = damaged(name, &original, seed) else { continue };
            let format = index.format().clone();
            let segment = Segment {
                width: format.width,
                height: format.height,
                codec: format.codec,
                extradata: format.extradata,
                from: index.shown().start,
                until: Some(index.shown().end),
                ..crate::video::testing::segment(240)
            };
            let packets = index.packets().iter().take(40).map(|packet| {
                let bytes = usize::try_from(packet.offset).unwrap()..usize::try_from(packet.bytes().end).unwrap();
                Given::Packet(Packet {
                    pts: packet.pts,
                    dts: packet.dts,
                    duration: packet.duration,
                    keyframe: packet.keyframe,
                    data: file[bytes].to_vec().into(),
                })
            });
            let end = play([Given::Segment(segment)].into_iter().chain(packets)).summary;
            let is_over = matches!(end.reason, EndReason::Finished | EndReason::Unplayable);
            assert!(is_over && end.frames <= 40, "{name}, seed {seed}: {end:?}");
            played += 1;
        }
    }
    assert!(played > 200, "{played}");
}
