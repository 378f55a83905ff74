//! Real sound from the files in `tests/data/sound`, through index, decoder and resampler.

use std::{fs, path::Path};

use super::*;
use crate::{
    types::Codec,
    video::{MemorySource, SoundTrack, VideoSource},
};

const WANTED: SinkFormat = SinkFormat { rate: 48_000, channels: 2 };

/// The packets of a file's sound.
fn read(name: &str) -> (SoundTrack, Vec<SoundPiece>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sound").join(name);
    let source = MemorySource::new([(name.to_owned(), fs::read(path).unwrap().into())]);
    let catalog = source.catalog();
    assert_eq!(catalog.remarks(), [], "{name}");
    let rendition = &catalog.titles()[0].renditions[0];
    let track = rendition.index.sound().unwrap();
    let read = source.read_sound(rendition, 0..track.packets().len()).unwrap();
    let pieces = read.into_iter().map(|(position, data)| {
        let packet = &track.packets()[position];
        assert_eq!(data.len(), packet.size as usize);
        SoundPiece { pts: packet.pts, duration: packet.duration, data }
    });
    (SoundTrack::clone(track), pieces.collect())
}

fn decoder(track: &SoundTrack) -> Box<dyn DecodeSound> {
    LibavcodecSound.open(track.format(), WANTED).unwrap()
}

#[test]
fn every_codec_that_is_passed_on_is_decoded_at_its_time() {
    for (name, codec) in [
        ("opus.mp4", Codec::OPUS),
        ("flac.mp4", Codec::FLAC),
        ("alac.mp4", Codec::ALAC),
        ("ac3.mp4", Codec::AC3),
        ("eac3.mp4", Codec::EAC3),
        ("mp3.mp4", Codec::MP3),
        ("beep_36p.mp4", Codec::AAC),
    ] {
        let (track, pieces) = read(name);
        assert_eq!(track.format().codec, codec, "{name}");
        let (mut decoder, mut out) = (decoder(&track), Vec::new());
        for piece in &pieces {
            decoder.decode(piece, &mut out).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let frames: usize = out.iter().map(|samples| samples.data.len() / 2).sum();
        let sounds = track.packets().last().unwrap().end() - track.packets()[0].pts;
        let lasted = MediaTime::from_ticks(i64::try_from(frames).unwrap(), 48_000);
        assert!((lasted - sounds).0.abs() < 40_000, "{name}: {lasted:?} of {sounds:?}");
        assert!(out.is_sorted_by_key(|samples| samples.pts), "{name}");
        let loudest = out.iter().flat_map(|samples| &samples.data).fold(0.0_f32, |most, sample| most.max(sample.abs()));
        assert!(loudest > 0.08, "{name}: {loudest}");
    }
}

#[test]
fn priming_lies_before_the_title_and_is_not_heard() {
    let (track, pieces) = read("beep_36p.mp4");
    assert_eq!(pieces[0].pts, MediaTime(-21_333), "1,024 samples at 48,000 a second");
    assert_eq!(track.heard(), MediaTime::ZERO..MediaTime(6_000_000));
    let (track, pieces) = read("beep_72p.mp4");
    assert_eq!((pieces[0].pts, track.format().sample_rate), (MediaTime(-23_220), 44_100));
}

#[test]
fn bad_input_47_damaged_packets_give_an_error_or_noise_and_the_next_is_decoded() {
    let (track, pieces) = read("beep_36p.mp4");
    let (mut decoder, mut out) = (decoder(&track), Vec::new());
    let mut errors = 0;
    for (number, piece) in pieces.iter().enumerate() {
        let mut piece = piece.clone();
        if number % 7 == 3 {
            piece.data = piece.data.iter().map(|byte| byte ^ 0x5a).collect();
        }
        errors += usize::from(decoder.decode(&piece, &mut out).is_err());
    }
    assert!(errors > 0 && out.len() > pieces.len() / 2, "{errors} errors, {} of {}", out.len(), pieces.len());
    assert!(out.iter().flat_map(|samples| &samples.data).all(|sample| (-1.0..=1.0).contains(sample)));
    for data in [Vec::new(), vec![0; MAX_PART + 1]] {
        let piece = SoundPiece { data: data.into(), ..pieces[0].clone() };
        assert!(decoder.decode(&piece, &mut out).is_err());
    }
}

#[test]
fn bad_input_50_a_format_that_cannot_be_opens_no_decoder() {
    let (track, _) = read("beep_36p.mp4");
    let format = track.format();
    for hostile in [
        SoundFormat { channels: 0, ..format.clone() },
        SoundFormat { channels: u16::MAX, ..format.clone() },
        SoundFormat { sample_rate: 1_000_000_000, ..format.clone() },
        SoundFormat { sample_rate: 0, ..format.clone() },
        SoundFormat { extradata: vec![0xff; 1 << 20].into(), ..format.clone() },
        SoundFormat { codec: "h264".parse().unwrap(), ..format.clone() },
        SoundFormat { codec: "no-such-codec".parse().unwrap(), ..format.clone() },
    ] {
        assert!(LibavcodecSound.open(&hostile, WANTED).is_err(), "{:?}", hostile.codec);
    }
}

/// One frame of FLAC (RFC 9639): 65,535 equal samples on one channel, in a few bytes.
fn small_packet_of_many_samples(rate: u16) -> (SoundFormat, SoundPiece) {
    // STREAMINFO: block sizes, frame sizes, then rate (20 bits), channels − 1 (3), bits − 1 (5), samples (36), MD5.
    let mut info = vec![0, 16, 0xff, 0xff, 0, 0, 0, 0, 0, 0];
    info.extend((u64::from(rate) << 44 | 15 << 36).to_be_bytes());
    info.extend([0; 16]);
    let [high, low] = rate.to_be_bytes();
    // Block size and rate are given in 16 bits each, mono, 16 bits a sample.
    let mut data = vec![0xff, 0xf8, 0x7d, 0x08, 0, 0xff, 0xfe, high, low];
    data.push(crc(&data, 8, 0x07).to_be_bytes()[1]);
    // A constant.
    data.extend([0, 0x10, 0]);
    data.extend(crc(&data, 16, 0x8005).to_be_bytes());
    let format = SoundFormat { codec: Codec::FLAC, sample_rate: 48_000, channels: 1, extradata: info.into() };
    (format, SoundPiece { pts: MediaTime::ZERO, duration: MediaTime(20_000), data: data.into() })
}

fn crc(bytes: &[u8], width: u32, polynomial: u16) -> u16 {
    let top = 1 << (width - 1);
    let step = |crc: u16| if crc & top == 0 { crc << 1 } else { crc << 1 ^ polynomial };
    let crc = bytes.iter().fold(0, |crc, byte| (0..8).fold(crc ^ u16::from(*byte) << (width - 8), |crc, _| step(crc)));
    crc & (top | (top - 1))
}

#[test]
fn bad_input_50_a_packet_makes_no_hours_of_sound() {
    let samples = |rate, wanted| {
        let (format, piece) = small_packet_of_many_samples(rate);
        let (mut decoder, mut out) = (LibavcodecSound.open(&format, wanted).unwrap(), Vec::new());
        let outcome = decoder.decode(&piece, &mut out).map_err(|error| error.0);
        outcome.map(|()| out.iter().map(|samples| samples.data.len()).sum::<usize>())
    };
    let usual = samples(48_000, WANTED).unwrap();
    assert!((130_000..132_000).contains(&usual), "{usual} of 65,535 on two channels");
    let slow = samples(4_000, WANTED).unwrap();
    assert!((1_500_000..1_600_000).contains(&slow), "{slow}: twelve times as many");
    for rate in [1, 100, 3_999] {
        let error = samples(rate, WANTED).unwrap_err();
        assert!(error.contains(&format!("{rate} a second")), "{error}");
    }
    let error = samples(4_000, SinkFormat { rate: 192_000, channels: 8 }).unwrap_err();
    assert!(error.contains("more than 8388608 samples"), "{error}");
}
