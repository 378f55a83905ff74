//! How often the source below is asked.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    types::{Codec, MediaTime},
    video::{MemorySource, SoundFormat, SoundPacket, SoundTrack, batches, testing},
};

use super::*;

/// Counts what is asked of it. Its file can be gone.
struct Counted {
    inner: MemorySource,
    reads: AtomicUsize,
    is_gone: AtomicBool,
    /// Whoever reads waits here for the test, if there is one.
    gate: Option<Barrier>,
}

impl Counted {
    fn new(gate: Option<Barrier>) -> Arc<Self> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("videos/mandelbrot_720p.mp4");
        Self::over(MemorySource::new([("film_720p.mp4".to_owned(), std::fs::read(path).unwrap().into())]), gate)
    }

    fn over(inner: MemorySource, gate: Option<Barrier>) -> Arc<Self> {
        Arc::new(Self { inner, reads: AtomicUsize::new(0), is_gone: AtomicBool::new(false), gate })
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

impl VideoSource for Counted {
    fn catalog(&self) -> Arc<Catalog> {
        self.inner.catalog()
    }

    fn read(&self, rendition: &Rendition, bytes: Range<u64>) -> Result<Bytes, ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if let Some(gate) = &self.gate {
            gate.wait();
            gate.wait();
        }
        self.check(rendition)?;
        self.inner.read(rendition, bytes)
    }

    fn check(&self, _: &Rendition) -> Result<(), ReadError> {
        if self.is_gone.load(Ordering::Relaxed) { Err(ReadError::FileChanged) } else { Ok(()) }
    }
}

fn rendition(source: &dyn VideoSource) -> Arc<Rendition> {
    Arc::clone(&source.catalog().title("film").unwrap().renditions[0])
}

#[test]
fn ten_viewers_in_step_cost_the_reads_of_one_and_so_do_those_who_come_a_little_later() {
    let counted = Counted::new(None);
    let hot = HotSource::new(counted.clone(), HOT_BYTES);
    let rendition = rendition(&hot);
    let count = rendition.index.packets().len();
    let all: Vec<_> = batches(&rendition.index, 0..count).collect();
    for batch in &all {
        let first = hot.read_batch(&rendition, batch).unwrap();
        assert_eq!(first, counted.inner.read_batch(&rendition, batch).unwrap());
        for _ in 1..10 {
            assert_eq!(hot.read_batch(&rendition, batch).unwrap(), first);
        }
    }
    assert_eq!(counted.reads(), all.len(), "one read for each batch");
    for &entry in rendition.index.entry_points() {
        for batch in batches(&rendition.index, entry..count) {
            hot.read_batch(&rendition, &batch).unwrap();
        }
    }
    let entries = rendition.index.entry_points().len();
    assert!(counted.reads() < all.len() + entries, "each who begins elsewhere reads one batch of its own at most");
}

/// Reads all sound from a packet on, as a play does.
fn hear(source: &dyn VideoSource, rendition: &Rendition, from: usize) -> Vec<(usize, Bytes)> {
    let track = rendition.index.sound().unwrap();
    let (mut heard, mut next) = (Vec::new(), from);
    while next < track.packets().len() {
        let packets = track.read_together(next);
        next = packets.end;
        heard.extend(source.read_sound(rendition, packets).unwrap());
    }
    heard
}

#[test]
fn listeners_in_step_and_those_who_come_a_little_later_cost_the_reads_of_one() {
    // Ten packets of sound lie together, then pictures.
    let packet = |number: u64| SoundPacket {
        offset: number / 10 * 10_000 + number % 10 * 300,
        size: 300,
        pts: MediaTime(i64::try_from(number).unwrap() * 20_000),
        duration: MediaTime(20_000),
    };
    let format = SoundFormat { codec: Codec::AAC, sample_rate: 48_000, channels: 2, extradata: Bytes::new() };
    let track = SoundTrack::new(format, (0..2000).map(packet).collect(), MediaTime(0)..MediaTime(i64::MAX));
    let index = testing::index(720, 1000, 25, 1000).with_sound(track);
    let file: Bytes = (0..2_000_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let counted = Counted::over(MemorySource::indexed([("film_720p.mp4".to_owned(), index, file)]), None);
    let hot = HotSource::new(counted.clone(), HOT_BYTES);
    let rendition = rendition(&hot);
    let all = hear(&hot, &rendition, 0);
    assert_eq!(all, hear(&counted.inner, &rendition, 0));
    let reads = counted.reads();
    assert!((200..=240).contains(&reads), "{reads} for 200 places");
    for _ in 1..10 {
        assert_eq!(hear(&hot, &rendition, 0), all);
    }
    assert_eq!(counted.reads(), reads);
    for start in (1..2000).step_by(37) {
        assert_eq!(hear(&hot, &rendition, start), all[start..]);
    }
    assert!(counted.reads() <= reads + 2000 / 37 + 1, "each who begins elsewhere reads one place of its own at most");
}

#[test]
fn two_who_ask_at_once_wait_for_one_read() {
    let counted = Counted::new(Some(Barrier::new(2)));
    let hot = HotSource::new(counted.clone(), HOT_BYTES);
    let rendition = rendition(&hot);
    let bytes = rendition.index.packets()[0].bytes();
    thread::scope(|scope| {
        let ask = || hot.read(&rendition, bytes.clone()).unwrap();
        let readers = [scope.spawn(ask), scope.spawn(ask)];
        let gate = counted.gate.as_ref().unwrap();
        gate.wait();
        assert_eq!(counted.reads(), 1, "the other one waits, or has not asked yet");
        gate.wait();
        let [one, other] = readers.map(|reader| reader.join().unwrap());
        assert_eq!(one, other);
    });
    assert_eq!(counted.reads(), 1);
}

#[test]
fn what_was_used_longest_ago_gives_way() {
    let counted = Counted::new(None);
    let hot = HotSource::new(counted.clone(), 3000);
    let rendition = rendition(&hot);
    let read = |from: u64| drop(hot.read(&rendition, from..from + 1000).unwrap());
    (0..3).for_each(|number| read(number * 1000));
    read(0);
    read(9000);
    assert_eq!(counted.reads(), 4);
    read(0);
    assert_eq!(counted.reads(), 4, "it was used lately");
    read(1000);
    assert_eq!(counted.reads(), 5, "this one was not");
    hot.read(&rendition, 0..5000).unwrap();
    assert_eq!(hot.kept().bytes, 0, "larger than all the room there is: handed on and not kept");
    for number in 0..1000 {
        read(number * 7);
        let kept = hot.kept();
        assert!(kept.bytes <= 3000 && kept.entries.len() == kept.order.len());
    }
}

#[test]
fn bad_input_49_a_file_that_changed_is_not_played_on_from_memory() {
    let counted = Counted::new(None);
    let hot = HotSource::new(counted.clone(), HOT_BYTES);
    let rendition = rendition(&hot);
    hot.read(&rendition, 0..1000).unwrap();
    counted.is_gone.store(true, Ordering::Relaxed);
    assert!(matches!(hot.read(&rendition, 0..1000), Err(ReadError::FileChanged)));
    assert_eq!((counted.reads(), hot.kept().bytes), (1, 0), "it is forgotten");
    assert!(matches!(hot.read(&rendition, 0..1000), Err(ReadError::FileChanged)), "and a failed read is not kept");
    counted.is_gone.store(false, Ordering::Relaxed);
    assert_eq!(hot.read(&rendition, 0..1000).unwrap().len(), 1000);
}
