use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::{
    server::play::{Request, Step},
    types::{MediaTime, PlayEpoch, PlayId, PlayMode},
    video::testing,
};

/// Packets of this size, so many of them.
const PACKET: u32 = 4096;
const FRAMES: u32 = 200;

fn subtitles(language: &str, size: usize) -> Subtitles {
    let data = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
    Subtitles { language: language.to_owned(), data }
}

fn play(subtitles: Vec<Subtitles>) -> Play {
    play_of(PACKET, subtitles)
}

fn play_of(packet: u32, subtitles: Vec<Subtitles>) -> Play {
    let mut title = testing::title(vec![testing::index(90, FRAMES, 25, packet)]);
    Arc::get_mut(&mut title).unwrap().subtitles = subtitles;
    let request = Request {
        id: PlayId(1),
        mode: PlayMode::Auto,
        start: MediaTime::ZERO,
        end: None,
        max_height: None,
        full_speed: false,
        decodes: Vec::new(),
    };
    Play::new(title, &request).unwrap().0
}

/// What goes out, until nothing does: parts of subtitles, and sizes of media between them.
#[derive(Debug, PartialEq, Eq)]
enum Sent {
    Media(usize),
    Subtitles { language: String, size: usize, last: bool },
    End,
}

fn send_all(play: &mut Play) -> Vec<Sent> {
    let mut sent = Vec::new();
    loop {
        match play.next_step() {
            Some(Step::Media(Message::Packet(packet))) => sent.push(Sent::Media(packet.data.len())),
            Some(Step::Media(Message::Subtitles(part))) => {
                let (language, size) = (part.language.0, part.data.len());
                sent.push(Sent::Subtitles { language, size, last: part.last });
            }
            Some(Step::End(_)) => sent.push(Sent::End),
            Some(_) => {}
            None => match play.next_read() {
                Some(batch) => {
                    let packets = batch.packets.packets.clone();
                    let size = |at: usize| batch.rendition.index.packets()[at].size as usize;
                    play.take_read(&batch, packets.map(|at| (at, Bytes::from(vec![0; size(at)]))).collect());
                }
                None => return sent,
            },
        }
    }
}

fn sizes(sent: &[Sent], of: &str) -> Vec<(usize, bool)> {
    let part = |sent: &Sent| match sent {
        Sent::Subtitles { language, size, last } if language == of => Some((*size, *last)),
        _ => None,
    };
    sent.iter().filter_map(part).collect()
}

#[test]
fn files_go_out_whole_one_after_the_other_between_the_media() {
    let mut play = play(vec![subtitles("de", 10_000), subtitles("en", 5000)]);
    play.raise_credit(PlayEpoch(0), u64::MAX);
    let sent = send_all(&mut play);
    assert_eq!(sizes(&sent, "de"), [(BESIDE, false), (BESIDE, false), (10_000 - 2 * BESIDE, true)]);
    assert_eq!(sizes(&sent, "en"), [(BESIDE, false), (5000 - BESIDE, true)]);
    let first = sent.iter().position(|sent| matches!(sent, Sent::Subtitles { .. })).unwrap();
    assert!(first >= AFTER_PACKETS as usize, "{first}");
    let places: Vec<usize> = (0..sent.len()).filter(|at| matches!(sent[*at], Sent::Subtitles { .. })).collect();
    for pair in places.windows(2) {
        let media = sent[pair[0]..pair[1]].iter().map(|sent| if let Sent::Media(size) = sent { *size } else { 0 });
        assert!(media.sum::<usize>() as u64 >= EVERY, "the pictures have the most of the link");
    }
    assert_eq!(sent.last(), Some(&Sent::End));
}

#[test]
fn while_media_waits_for_credit_all_of_it_goes_out_and_counts_for_none() {
    let mut play = play(vec![subtitles("de", 100_000)]);
    let credit = u64::from(30 * PACKET);
    play.raise_credit(PlayEpoch(0), credit);
    let sent = send_all(&mut play);
    assert_eq!(sizes(&sent, "de").iter().map(|(size, _)| size).sum::<usize>(), 100_000);
    assert!(sizes(&sent, "de").iter().all(|(size, _)| *size <= PART));
    let media = |sent: &[Sent]| sent.iter().filter(|sent| matches!(sent, Sent::Media(_))).count();
    assert_eq!(media(&sent), 30);
    play.raise_credit(PlayEpoch(0), u64::MAX);
    let rest = send_all(&mut play);
    assert_eq!((media(&rest), sizes(&rest, "de").len()), (FRAMES as usize - 30, 0));
}

#[test]
fn nothing_goes_out_before_the_first_pictures() {
    let mut play = play(vec![subtitles("de", 100)]);
    assert_eq!(send_all(&mut play), []);
    play.raise_credit(PlayEpoch(0), u64::from(PACKET));
    assert_eq!(send_all(&mut play), [Sent::Media(PACKET as usize)]);
}

#[test]
fn a_short_play_has_its_subtitles_before_its_end() {
    let mut play = play(vec![subtitles("und", 70_000)]);
    play.seek(PlayEpoch(1), testing::pts(i64::from(FRAMES) - 3)).unwrap();
    play.raise_credit(PlayEpoch(1), u64::MAX);
    let sent = send_all(&mut play);
    let parts = sizes(&sent, "und");
    assert_eq!(parts.iter().map(|(size, _)| size).sum::<usize>(), 70_000);
    assert_eq!(parts.iter().position(|(_, last)| *last), Some(parts.len() - 1));
    assert_eq!(sent.last(), Some(&Sent::End));
}

#[test]
fn a_seek_sends_nothing_again_and_loses_nothing() {
    let mut play = play(vec![subtitles("de", 100_000)]);
    play.raise_credit(PlayEpoch(0), u64::from(30 * PACKET));
    // Some parts of it, then elsewhere.
    let mut got = 0;
    while got == 0 {
        match play.next_step() {
            Some(Step::Media(Message::Subtitles(part))) => got += part.data.len(),
            Some(_) => {}
            None => {
                let batch = play.next_read().unwrap();
                let packets = batch.packets.packets.clone().map(|at| (at, Bytes::from(vec![0; PACKET as usize])));
                play.take_read(&batch, packets.collect());
            }
        }
    }
    play.seek(PlayEpoch(1), MediaTime::ZERO).unwrap();
    play.raise_credit(PlayEpoch(1), u64::MAX);
    let sent = send_all(&mut play);
    assert_eq!(got + sizes(&sent, "de").iter().map(|(size, _)| size).sum::<usize>(), 100_000);
}

#[test]
fn media_for_which_there_is_credit_goes_out_before_more_subtitles() {
    // Packets of many parts, and credit that ends within one of them.
    let packet = 100 * 1024;
    let mut play = play_of(packet, vec![subtitles("de", 50_000)]);
    let begun = u64::from(AFTER_PACKETS * packet) + PART as u64;
    play.raise_credit(PlayEpoch(0), begun);
    while play.sent < begun {
        match play.next_step() {
            Some(_) => {}
            None => {
                let batch = play.next_read().unwrap();
                let packets = batch.packets.packets.clone();
                play.take_read(&batch, packets.map(|at| (at, Bytes::from(vec![0; packet as usize]))).collect());
            }
        }
    }
    // Since the last part of subtitles less went out than lies between two of them.
    let since = play.sent - play.subtitles.media;
    assert!(since + 2 * (PART as u64) < EVERY, "{since}");
    play.raise_credit(PlayEpoch(0), begun + 20 * 1024);
    let sent = send_all(&mut play);
    assert_eq!(sent[..2], [Sent::Media(PART), Sent::Media(PART)]);
    assert!(matches!(sent[2], Sent::Subtitles { size: PART, .. }), "the credit is not enough for a third: {sent:?}");
}
