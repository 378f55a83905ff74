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
