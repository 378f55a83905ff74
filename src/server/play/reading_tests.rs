use std::{fs, path::Path};

use super::*;
use crate::{
    types::MemberName,
    video::{MemorySource, ReadError, VideoSource},
};

const ID: PlayId = PlayId(1);

fn source() -> MemorySource {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wide.mp4");
    MemorySource::new([("wide.mp4".to_owned(), fs::read(path).unwrap().into())])
}

fn play(source: &MemorySource) -> Play {
    let title = Arc::clone(source.catalog().title("wide").unwrap());
    let (start, end, max_height, full_speed) = (MediaTime::ZERO, None, None, false);
    let request = Request { id: ID, mode: PlayMode::Auto, start, end, max_height, full_speed, decodes: Vec::new() };
    Play::new(title, &request).unwrap().0
}

fn read(source: &MemorySource, batch: &Batch) -> Vec<(usize, Bytes)> {
    source.read_batch(&batch.rendition, &batch.packets).unwrap()
}

/// Everything that the play can send now.
fn sent(play: &mut Play, source: &MemorySource) -> Vec<Message> {
    let mut messages = Vec::new();
    loop {
        match play.next_step() {
            Some(Step::Rendition(message, _) | Step::Media(message) | Step::End(message)) => messages.push(message),
            None => match play.next_read() {
                Some(batch) => play.take_read(&batch, read(source, &batch)),
                None => return messages,
            },
        }
    }
}

fn bytes(messages: &[Message]) -> usize {
    messages.iter().map(|message| if let Message::Packet(packet) = message { packet.data.len() } else { 0 }).sum()
}

/// Enough for the first packets of the sample.
const CREDIT: u64 = 20_000;

#[test]
fn bad_input_52_seeks_do_not_pile_up_reads() {
    let source = source();
    let mut play = play(&source);
    sent(&mut play, &source);
    play.raise_credit(PlayEpoch(0), CREDIT);
    let stale = play.next_read().unwrap();
    for epoch in 1..100 {
        play.seek(PlayEpoch(epoch), MediaTime::ZERO).unwrap();
        play.raise_credit(PlayEpoch(epoch), CREDIT);
        assert!(matches!(play.next_step(), Some(Step::Rendition(..))));
        assert!(play.next_read().is_none(), "one is under way");
    }
    play.take_read(&stale, read(&source, &stale));
    assert!(play.next_step().is_none(), "what was read for another epoch is dropped");
    let sent = bytes(&sent(&mut play, &source)) as u64;
    assert!(sent > 0 && sent <= CREDIT, "it goes on where it was sought to: {sent}");
}

#[test]
fn a_read_that_fails_after_a_seek_does_not_end_the_play() {
    use crate::{proto::message, server::Plays};

    let source = source();
    let member: MemberName = "bob".parse().unwrap();
    let mut plays = Plays::new(member);
    let catalog = source.catalog();
    let start = message::Play {
        play: ID,
        title: "wide".into(),
        mode: PlayMode::Auto,
        start: MediaTime::ZERO,
        end: None,
        max_height: None,
        sound: false,
        full_speed: false,
        decodes: Vec::new(),
    };
    let credit = |epoch| message::Credit { play: ID, epoch: PlayEpoch(epoch), offset: 1000 };
    plays.message(start.into(), &catalog);
    plays.message(credit(0).into(), &catalog);
    plays.next_outputs();
    let stale = plays.reads().next().unwrap().batch;
    let seek = message::Seek { play: ID, epoch: PlayEpoch(1), to: MediaTime::ZERO };
    plays.message(seek.into(), &catalog);
    plays.message(credit(1).into(), &catalog);
    plays.next_outputs();
    let failed = |batch| crate::server::ReadResult { play: ID, batch, data: Err(ReadError::FileChanged) };
    assert!(plays.take_read(failed(stale)).is_empty());
    let current = plays.reads().next().expect("it is read anew").batch;
    assert!(!plays.take_read(failed(current)).is_empty(), "this one counts");
    assert!(plays.is_empty());
}
