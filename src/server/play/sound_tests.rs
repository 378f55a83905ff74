//! Sound that goes with pictures: when, how far, and until when.

use std::{fs, path::Path, sync::Arc};

use super::*;
use crate::{
    proto::message::{Sound, SoundInfo},
    types::{Codec, RenditionLabel},
    video::{Index, MemorySource, SoundFormat, SoundPacket, SoundTrack, testing},
};

/// A track of packets of 20 ms and 100 bytes, of which the first lies before the title.
fn with_sound(index: Index, packets: i64) -> Index {
    let format =
        SoundFormat { codec: Codec::AAC, sample_rate: 48_000, channels: 2, extradata: Bytes::from_static(b"x") };
    let packet = |number: i64| SoundPacket {
        offset: 200_000 + 100 * number.unsigned_abs(),
        size: 100,
        pts: MediaTime((number - 1) * 20_000),
        duration: MediaTime(20_000),
    };
    let all = MediaTime(i64::MIN)..MediaTime(i64::MAX);
    index.with_sound(SoundTrack::new(format, (0..packets).map(packet).collect(), all))
}

/// A title of `frames` frames of 1,000 bytes, with sound in its lower rendition alone.
fn source(frames: u32, packets: i64) -> MemorySource {
    let silent = testing::index(720, frames, 25, 1000);
    let file: Bytes = (0..400_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    MemorySource::indexed([
        ("t_240p.mp4".to_owned(), with_sound(testing::index(240, frames, 25, 1000), packets), file.clone()),
        ("t_720p.mp4".to_owned(), silent, file),
    ])
}

fn play(source: &MemorySource, mode: PlayMode, start: i64, end: Option<i64>) -> Play {
    let title = Arc::clone(source.catalog().title("t").unwrap());
    let (start, end) = (MediaTime(start), end.map(MediaTime));
    let request = Request { id: PlayId(1), mode, start, end, max_height: None, full_speed: true, decodes: Vec::new() };
    Play::new(title, &request).unwrap().0.with_sound(&[])
}

/// Everything that it sends until it can do no more.
fn run(play: &mut Play, source: &MemorySource) -> Vec<Message> {
    let mut messages = Vec::new();
    loop {
        if let Some(Step::Rendition(message, _) | Step::Media(message) | Step::End(message)) = play.next_step() {
            messages.push(message);
        } else if let Some(batch) = play.next_read() {
            let data = batch.read(source).unwrap();
            play.take_read(&batch, data);
        } else {
            return messages;
        }
    }
}

fn sounds(messages: &[Message]) -> Vec<&Sound> {
    messages.iter().filter_map(|message| if let Message::Sound(sound) = message { Some(sound) } else { None }).collect()
}

fn infos(messages: &[Message]) -> Vec<&SoundInfo> {
    messages
        .iter()
        .filter_map(|message| if let Message::SoundInfo(info) = message { Some(info) } else { None })
        .collect()
}

#[test]
fn sound_goes_with_pictures_and_at_most_half_a_second_ahead() {
    let source = source(100, 201);
    for mode in [PlayMode::Auto, PlayMode::Tour, PlayMode::Fixed(RenditionLabel(720))] {
        let mut play = play(&source, mode, 0, None);
        play.raise_credit(PlayEpoch(0), u64::MAX);
        let messages = run(&mut play, &source);
        assert_eq!(infos(&messages).len(), 1, "one track, whatever is shown");
        assert_eq!(infos(&messages)[0].hear_until, MediaTime(4_000_000));
        assert_eq!(sounds(&messages).len(), 201, "{mode:?}");
        let (mut pictures, mut sound) = (MediaTime(i64::MIN), MediaTime(0));
        for message in &messages {
            match message {
                Message::Packet(packet) => {
                    // What a picture needs of sound was sent before it, but for what was still being read.
                    assert!(packet.pts - sound < MediaTime(200_000), "{:?} {sound:?}", packet.pts);
                    pictures = pictures.max(packet.pts + packet.duration);
                }
                Message::Sound(packet) => {
                    assert!(pictures > MediaTime(i64::MIN), "a picture comes first");
                    assert!(packet.pts <= pictures + MediaTime(500_000), "{:?} {pictures:?}", packet.pts);
                    sound = packet.pts;
                }
                _ => {}
            }
        }
        for (seq, packet) in sounds(&messages).into_iter().enumerate() {
            let offset = 200_000 + 100 * u32::try_from(seq).unwrap();
            let expected: Vec<u8> = (offset..offset + 100).map(|at| u8::try_from(at % 251).unwrap()).collect();
            assert_eq!((packet.seq as usize, packet.data.0.as_ref()), (seq, expected.as_slice()));
        }
        assert!(matches!(messages.last(), Some(Message::StreamEnd(_))));
    }
}

#[test]
fn sound_counts_for_credit() {
    let source = source(100, 201);
    let mut play = play(&source, PlayMode::Fixed(RenditionLabel(240)), 0, None);
    for credit in [0, 1, 999, 1000, 1500, 1550, 2600, 30_000] {
        play.raise_credit(PlayEpoch(0), credit);
        run(&mut play, &source);
        assert!(play.sent <= credit, "{} of {credit}", play.sent);
    }
    play.raise_credit(PlayEpoch(0), u64::MAX);
    let rest = run(&mut play, &source);
    assert_eq!(play.sent, 100 * 1000 + 201 * 100);
    assert!(matches!(rest.last(), Some(Message::StreamEnd(_))));
}

#[test]
fn a_seek_begins_the_sound_some_packets_before_its_place() {
    let source = source(100, 201);
    let mut play = play(&source, PlayMode::Auto, 0, None);
    play.raise_credit(PlayEpoch(0), 5_000);
    run(&mut play, &source);
    play.raise_credit(PlayEpoch(0), u64::MAX);
    run(&mut play, &source);
    play.seek(PlayEpoch(1), MediaTime(2_400_000)).unwrap();
    play.raise_credit(PlayEpoch(1), u64::MAX);
    let messages = run(&mut play, &source);
    let (info, sounds) = (infos(&messages)[0], sounds(&messages));
    assert_eq!((info.hear_from, info.hear_until), (MediaTime(2_400_000), MediaTime(4_000_000)));
    assert_eq!((sounds[0].seq, sounds[0].pts, sounds[0].epoch), (0, MediaTime(2_320_000), PlayEpoch(1)));
    assert_eq!(sounds.last().unwrap().pts, MediaTime(3_980_000));
}

#[test]
fn sound_read_before_a_seek_is_dropped_and_reads_do_not_pile_up() {
    let source = source(100, 201);
    let mut play = play(&source, PlayMode::Auto, 0, None);
    play.raise_credit(PlayEpoch(0), 100_000);
    let mut reads = Vec::new();
    while reads.iter().all(|batch: &Batch| batch.track == Track::Pictures) {
        while play.next_step().is_some() {}
        let batch = play.next_read().unwrap();
        if batch.track == Track::Pictures {
            let data = batch.read(&source).unwrap();
            play.take_read(&batch, data);
        }
        reads.push(batch);
    }
    let stale = reads.pop().unwrap();
    for epoch in 1..20 {
        play.seek(PlayEpoch(epoch), MediaTime::ZERO).unwrap();
        play.raise_credit(PlayEpoch(epoch), 100_000);
        run(&mut play, &source);
        assert!(play.next_read().is_none(), "sound is being read");
    }
    let data = stale.read(&source).unwrap();
    play.take_read(&stale, data);
    play.raise_credit(PlayEpoch(19), u64::MAX);
    let messages = run(&mut play, &source);
    assert_eq!(sounds(&messages).len(), 201, "all of the last epoch, in order");
    assert!(sounds(&messages).iter().enumerate().all(|(seq, sound)| sound.seq as usize == seq));
}

#[test]
fn sound_longer_than_pictures_is_sent_to_its_end_and_the_other_way_round() {
    for (frames, packets) in [(25, 201), (100, 51)] {
        let source = source(frames, packets);
        let mut play = play(&source, PlayMode::Auto, 0, None);
        play.raise_credit(PlayEpoch(0), u64::MAX);
        let messages = run(&mut play, &source);
        let pictures = messages.iter().filter(|message| matches!(message, Message::Packet(_))).count();
        assert_eq!((pictures, sounds(&messages).len()), (frames as usize, usize::try_from(packets).unwrap()));
        assert!(matches!(messages.last(), Some(Message::StreamEnd(_))) && play.is_finished());
    }
}

#[test]
fn sound_ends_with_the_part_that_is_played() {
    let source = source(100, 201);
    let mut play = play(&source, PlayMode::Auto, 1_000_000, Some(2_000_000));
    play.raise_credit(PlayEpoch(0), u64::MAX);
    let messages = run(&mut play, &source);
    let (info, sounds) = (infos(&messages)[0], sounds(&messages));
    assert_eq!((info.hear_from, info.hear_until), (MediaTime(1_000_000), MediaTime(2_000_000)));
    assert_eq!((sounds[0].pts, sounds.last().unwrap().pts), (MediaTime(920_000), MediaTime(1_980_000)));
}

#[test]
fn a_member_that_cannot_decode_it_gets_none() {
    let source = source(25, 51);
    let title = Arc::clone(source.catalog().title("t").unwrap());
    let request = Request {
        id: PlayId(1),
        mode: PlayMode::Auto,
        start: MediaTime::ZERO,
        end: None,
        max_height: None,
        full_speed: false,
        decodes: Vec::new(),
    };
    for (decodes, count) in [(vec![Codec::H264], 0), (vec![Codec::H264, Codec::AAC], 51), (Vec::new(), 51)] {
        let mut play = Play::new(Arc::clone(&title), &request).unwrap().0.with_sound(&decodes);
        play.raise_credit(PlayEpoch(0), u64::MAX);
        assert_eq!(sounds(&run(&mut play, &source)).len(), count, "{decodes:?}");
    }
}

#[test]
fn the_sound_of_a_real_file_is_what_stands_in_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wide.mp4");
    let source = MemorySource::new([("t.mp4".to_owned(), fs::read(path).unwrap().into())]);
    let mut play = play(&source, PlayMode::Auto, 0, None);
    play.raise_credit(PlayEpoch(0), u64::MAX);
    let messages = run(&mut play, &source);
    let rendition = Arc::clone(&source.catalog().titles()[0].renditions[0]);
    let track = rendition.index.sound().unwrap();
    assert_eq!((infos(&messages)[0].codec, sounds(&messages).len()), (Codec::AAC, track.packets().len()));
    for (sound, packet) in sounds(&messages).into_iter().zip(track.packets()) {
        assert_eq!(sound.data.0, source.read(&rendition, packet.bytes()).unwrap());
    }
}

#[test]
fn long_frames_are_not_kept_behind_all_their_sound() {
    // Frames of 20 s, and 100 kB of sound a second.
    let silent = testing::index(240, 4, 1, 1000);
    let frames = silent.packets().iter().zip(0..).map(|(packet, number)| {
        let at = MediaTime(number * 20_000_000);
        let mut packet = *packet;
        (packet.pts, packet.dts, packet.duration) = (at, at, MediaTime(20_000_000));
        packet
    });
    let index = Index::new(silent.format().clone(), frames.collect(), MediaTime::ZERO..MediaTime(80_000_000)).unwrap();
    let packet = |number: i64| SoundPacket {
        offset: 4_000 + 2_000 * number.unsigned_abs(),
        size: 2_000,
        pts: MediaTime(number * 20_000),
        duration: MediaTime(20_000),
    };
    let format =
        SoundFormat { codec: Codec::AAC, sample_rate: 48_000, channels: 2, extradata: Bytes::from_static(b"x") };
    let all = MediaTime(i64::MIN)..MediaTime(i64::MAX);
    let index = index.with_sound(SoundTrack::new(format, (0..4_000).map(packet).collect(), all));
    let source = MemorySource::indexed([("t_240p.mp4".to_owned(), index, vec![0; 8_004_000].into())]);
    let mut play = play(&source, PlayMode::Auto, 0, None);
    play.raise_credit(PlayEpoch(0), u64::MAX);
    let messages = run(&mut play, &source);
    let (mut between, mut pictures) = (0, 0);
    for message in &messages {
        match message {
            Message::Packet(_) => (between, pictures) = (0, pictures + 1),
            Message::Sound(sound) => between += sound.data.len(),
            _ => {}
        }
        assert!(pictures == 4 || between <= 1024 * 1024 + 2_000, "{between} behind picture {pictures}");
    }
    assert_eq!((pictures, sounds(&messages).len()), (4, 4_000));
    assert!(play.is_finished());
}

#[test]
fn the_last_picture_is_marked_however_long_the_sound_goes_on() {
    let source = source(25, 201);
    for mode in [PlayMode::Fixed(RenditionLabel(240)), PlayMode::Tour] {
        let mut play = play(&source, mode, 0, None);
        play.raise_credit(PlayEpoch(0), u64::MAX);
        let messages = run(&mut play, &source);
        let marks = messages.iter().filter_map(|message| match message {
            Message::Packet(packet) => Some(packet.flags & Packet::LAST_PICTURE != 0),
            _ => None,
        });
        let marks: Vec<_> = marks.collect();
        assert_eq!(marks.iter().position(|is_last| *is_last), Some(marks.len() - 1), "{mode:?}");
    }
}
