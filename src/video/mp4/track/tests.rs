//! Real files, damaged files, and a second opinion.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::types::Codec;

use super::*;

fn data(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn index(name: &str) -> Index {
    read(&data(name)[..]).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn reason(bytes: &[u8]) -> String {
    read(bytes).map(|_| ()).unwrap_err().to_string()
}

/// File names and the frames that ffprobe decodes of each, from the table in tests/data/README.md.
fn frame_counts() -> BTreeMap<String, usize> {
    let table = String::from_utf8(data("README.md")).unwrap();
    let rows = table.lines().filter_map(|line| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        Some((cells.next()?.to_owned(), cells.next()?.parse().ok()?))
    });
    rows.collect()
}

#[test]
fn every_file_has_as_many_frames_as_ffprobe_decodes() {
    let counts = frame_counts();
    let is_ours = |name: &str| {
        Path::new(name).extension().is_some_and(|extension| extension == "mp4") && !["other_codec.mp4"].contains(&name)
    };
    let tiny = counts.iter().filter(|(name, _)| is_ours(name) && !name.starts_with("mandelbrot"));
    for (name, frames) in tiny.clone() {
        assert_eq!(index(name).frames(), *frames, "{name}");
    }
    assert!(tiny.count() >= 12);
}

#[test]
fn formats_are_read_with_what_a_decoder_needs() {
    for (name, codec, size) in [
        ("wide.mp4", Codec::H264, (640, 272)),
        ("hevc.mp4", Codec::HEVC, (160, 120)),
        ("vp9.mp4", Codec::VP9, (160, 120)),
        ("av1.mp4", Codec::AV1, (160, 120)),
    ] {
        let index = index(name);
        let format = index.format();
        assert_eq!((format.codec, (format.width, format.height)), (codec, size), "{name}");
        // Each configuration begins with its version; VP9 has none.
        let version = format.extradata.first().copied();
        assert_eq!(
            version,
            [(Codec::AV1, 0x81), (Codec::H264, 1), (Codec::HEVC, 1)]
                .into_iter()
                .find(|(of, _)| *of == codec)
                .map(|(_, version)| version),
            "{name}"
        );
    }
}

#[test]
fn times_and_keyframes_are_those_of_the_stream() {
    let index = index("unaligned_120p.mp4");
    assert_eq!(index.frame_duration(), MediaTime(40_000));
    assert_eq!(index.shown(), MediaTime::ZERO..MediaTime(3_000_000));
    let mut times: Vec<_> = index.packets().iter().map(|packet| packet.pts.0).collect();
    assert!(!times.is_sorted(), "B-frames come in another order than they are shown");
    times.sort_unstable();
    assert_eq!(times, (0..75).map(|number| number * 40_000).collect::<Vec<_>>());
    let keyframes = index.entry_points().iter().map(|&position| index.packets()[position].pts.0);
    assert_eq!(keyframes.collect::<Vec<_>>(), (0..7).map(|gop| gop * 12 * 40_000).collect::<Vec<_>>());
    assert!(index.packets().is_sorted_by_key(|packet| packet.dts));
    assert!(index.packets().iter().all(|packet| packet.dts <= packet.pts));
}

#[test]
fn an_edit_list_hides_what_is_before_its_start_and_delays_what_it_pauses() {
    let edited = index("edited.mp4");
    assert_eq!(edited.shown().start, MediaTime::ZERO);
    let hidden = edited.packets().iter().filter(|packet| packet.pts < MediaTime::ZERO).count();
    assert!(hidden > 0, "it starts in the middle of a GOP");
    assert_eq!(edited.entry_points().first(), Some(&0));
    assert_eq!(index("delayed.mp4").shown().start, MediaTime(240_000));
}

#[test]
fn fragments_index_to_the_same_pictures_as_one_table() {
    let (whole, pieces) = (index("unaligned_180p.mp4"), index("fragmented.mp4"));
    let (one, other) = (data("unaligned_180p.mp4"), data("fragmented.mp4"));
    assert_eq!(whole.packets().len(), pieces.packets().len());
    for (a, b) in whole.packets().iter().zip(pieces.packets()) {
        assert_eq!((a.pts, a.dts, a.duration, a.keyframe), (b.pts, b.dts, b.duration, b.keyframe));
        let bytes = |file: &[u8], packet: &Packet| {
            let start = usize::try_from(packet.offset).unwrap();
            file[start..start + packet.size as usize].to_vec()
        };
        assert_eq!(bytes(&one, a), bytes(&other, b));
    }
}

/// `re_mp4` reads the same sample table. Its times begin with the first picture too, but it knows no edit lists.
#[test]
fn a_second_reader_finds_the_same_packets() {
    for name in ["wide.mp4", "unaligned_120p.mp4", "opengop_180p.mp4", "one_keyframe.mp4", "hevc.mp4", "fragmented.mp4"]
    {
        let (file, index) = (data(name), index(name));
        let mp4 = re_mp4::Mp4::read_bytes(&file).unwrap();
        let track = mp4.tracks().values().find(|track| track.kind == Some(re_mp4::TrackKind::Video)).unwrap();
        assert_eq!(track.samples.len(), index.packets().len(), "{name}");
        let first = track.samples.iter().map(|sample| sample.composition_timestamp).min().unwrap();
        for (theirs, ours) in track.samples.iter().zip(index.packets()) {
            let pts = MediaTime::from_ticks(theirs.composition_timestamp - first, theirs.timescale);
            assert_eq!((theirs.offset, theirs.size), (ours.offset, u64::from(ours.size)), "{name}");
            assert_eq!((pts, theirs.is_sync), (ours.pts, ours.keyframe), "{name}");
        }
        if name != "hevc.mp4" {
            assert_eq!(track.raw_codec_config(&mp4).as_deref(), Some(&index.format().extradata[..]), "{name}");
        }
    }
}

/// Where the contents of the first box of a type begin, looked for from the header on.
fn body_of(file: &[u8], name: &[u8]) -> usize {
    let header = file.windows(4).position(|window| window == b"moov").unwrap();
    header + file[header..].windows(4).position(|window| window == name).unwrap() + 4
}

/// A file with some bytes replaced, from an offset into a box on.
fn patched(name: &str, at: &[u8], offset: usize, with: &[u8]) -> Vec<u8> {
    let mut file = data(name);
    let start = body_of(&file, at) + offset;
    file[start..start + with.len()].copy_from_slice(with);
    file
}

#[test]
fn bad_input_47_a_cut_file_is_unplayable_wherever_it_is_cut() {
    let file = data("one_keyframe.mp4");
    for length in 0..file.len() {
        assert!(read(&file[..length]).is_err(), "the first {length} bytes of {}", file.len());
    }
}

#[test]
fn bad_input_47_damaged_headers_say_what_is_wrong() {
    for (at, offset, with, expected) in [
        (b"trak", 0, &[0, 0, 0, 0][..], "a box in it does not fit"),
        (b"stsd", 12, b"encv", "encrypted"),
        (b"stsd", 12, b"mp4v", "\"mp4v\""),
        (b"stsd", 12, b"\x1b[2J", "\"\\x1b[2J\""),
        (b"hdlr", 8, b"soun", "no video track"),
        (b"mdhd", 12, &[0; 4], "stands still"),
        (b"stsc", 8, &[0; 4], "out of order"),
        (b"stsc", 12, &[0; 4], "more packets than places"),
        (b"stsc", 16, &[0, 0, 0, 2], "changes its codec settings"),
        (b"stco", 8, &[0xff; 4], "still being copied"),
        (b"stts", 4, &[0; 4], "its times (stts) are empty"),
        (b"stts", 12, &[0xff; 4], "run backwards"),
        (b"stsz", 8, &[0, 0, 0, 61], "more rows than it has"),
        (b"stbl", 0, &[0, 0, 0xff, 0xff], "does not fit"),
    ] {
        let found = reason(&patched("one_keyframe.mp4", at, offset, with));
        assert!(found.contains(expected), "{}+{offset}: {found}", at.escape_ascii());
    }
}

#[test]
fn bad_input_50_claims_beyond_the_file_are_refused() {
    let pixels = patched("one_keyframe.mp4", b"avc1", 24, &[0xff; 4]);
    assert!(reason(&pixels).contains("65535x65535"), "{}", reason(&pixels));
    assert!(reason(&patched("one_keyframe.mp4", b"avc1", 24, &[0; 4])).contains("0x0"));
    let samples = patched("one_keyframe.mp4", b"stsz", 8, &[0xff; 4]);
    assert!(reason(&samples).contains("4294967295 pictures"));
    // 1,999,999 packets of one size, which no table stands behind.
    let samples = patched("one_keyframe.mp4", b"stsz", 4, &[0, 0, 0, 1, 0, 0x1e, 0x84, 0x7f]);
    assert!(reason(&samples).contains("1999999 pictures"));
    let size = patched("one_keyframe.mp4", b"stsz", 12, &[0xff; 4]);
    assert!(reason(&size).contains("still being copied"), "a packet larger than the file");
    let run = patched("fragmented.mp4", b"trun", 4, &[0xff; 4]);
    assert!(reason(&run).contains("pictures"), "{}", reason(&run));
    let run = patched("fragmented.mp4", b"trun", 0, &[0, 0, 0, 0, 0, 0x1e, 0x84, 0x7f]);
    assert!(reason(&run).contains("1999999 pictures"), "{}", reason(&run));
}

/// Damages a header at random places with values that are likely to hurt.
fn damage(rng: &mut StdRng, file: &mut Vec<u8>) {
    let header = body_of(file, b"moov");
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(header..file.len() - 4);
        let value: u32 = match rng.random_range(0..6) {
            0 => 0,
            1 => 1,
            2 => u32::MAX,
            3 => 0x8000_0000,
            4 => rng.random_range(0..64),
            _ => rng.random(),
        };
        match rng.random_range(0..3) {
            0 => file[at] = value.to_be_bytes()[3],
            1 => file[at..at + 4].copy_from_slice(&value.to_be_bytes()),
            _ => drop(file.splice(at..at + 4, [])),
        }
    }
}

#[test]
fn bad_input_47_random_damage_never_panics_and_what_is_indexed_lies_in_the_file() {
    let (mut sound, mut refused) = (0, 0);
    for name in ["one_keyframe.mp4", "fragmented.mp4", "edited.mp4", "av1.mp4"] {
        let original = data(name);
        for seed in 0..1500 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut file = original.clone();
            damage(&mut rng, &mut file);
            match read(&file[..]) {
                Err(_) => refused += 1,
                Ok(index) => {
                    sound += 1;
                    let size = file.len() as u64;
                    assert!(index.packets().iter().all(|packet| packet.bytes().end <= size), "{name}, seed {seed}");
                    assert!(index.frames() > 0 && index.bitrate() < u64::MAX, "{name}, seed {seed}");
                }
            }
        }
    }
    assert!(sound > 100 && refused > 100, "{sound} were sound, {refused} refused");
}

#[test]
fn the_shape_of_pixels_is_read_and_one_that_cannot_be_meant_is_left_out() {
    let shown = |bytes: &[u8]| read(bytes).unwrap().shown_size();
    let mut file = data("stretched.mp4");
    assert_eq!(shown(&file), (128, 72));
    let place = file.windows(4).position(|name| name == b"pasp").unwrap() + 4;
    for ratio in [[0, 0], [1, 0], [1, 11], [u32::MAX, 1]] {
        file[place..place + 8].copy_from_slice(&ratio.map(u32::to_be_bytes).concat());
        assert_eq!(shown(&file), (90, 72), "{ratio:?}");
    }
    assert_eq!(index("wide.mp4").shown_size(), (640, 272));
}

#[test]
fn a_turned_picture_an_odd_rate_and_a_single_frame_are_indexed_as_they_are() {
    assert_eq!(index("turned.mp4").rotation().degrees(), 270);
    assert_eq!(index("unaligned_120p.mp4").rotation().degrees(), 0);
    let uneven = index("uneven.mp4");
    let durations: std::collections::BTreeSet<_> = uneven.packets().iter().map(|packet| packet.duration).collect();
    assert!(durations.len() > 2, "{durations:?}");
    let mut times: Vec<_> = uneven.packets().iter().map(|packet| packet.pts).collect();
    times.sort_unstable();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "no two pictures at one time");
    let single = index("single.mp4");
    assert_eq!((single.frames(), single.packets().len(), single.entry_points().len()), (1, 1, 1));
    assert!(single.frame_duration() > MediaTime::ZERO && single.bitrate() < u64::MAX);
}

/// What a file says of its rate: no frames a second, all frames at once, or one frame for days.
#[test]
fn bad_input_47_a_rate_of_nothing_and_durations_of_nonsense_are_played_or_refused_but_never_divided_by() {
    for (name, deltas) in [("one_keyframe.mp4", [0_u32, 1, 0x7fff_ffff]), ("wide.mp4", [0, 1, 0x7fff_ffff])] {
        for delta in deltas {
            // stts: version, count of runs, then frames and ticks each of the first run.
            let file = patched(name, b"stts", 12, &delta.to_be_bytes());
            let Ok(index) = read(&file[..]) else { continue };
            assert!(index.frame_duration() > MediaTime::ZERO && index.duration() > MediaTime::ZERO, "{name}, {delta}");
            assert!(index.frames() > 0 && index.bitrate() > 0, "{name}, {delta}");
        }
        for clock in [0_u32, 1, u32::MAX] {
            let file = patched(name, b"mdhd", 12, &clock.to_be_bytes());
            assert!(read(&file[..]).is_err() || clock > 0, "a clock that stands still is refused");
        }
    }
}
