//! Shelves that are honest, stale, foreign and broken.

use std::{
    fs::{self, FileTimes, OpenOptions},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime},
};

use crate::{
    types::{Codec, MediaTime},
    video::{
        IndexError, LiveFolder, VideoSource as _,
        folder::Effort,
        index::{Packet, VideoFormat},
    },
};

use super::*;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// A folder with two videos and one file that is none, a shelf, and how many files were read.
struct Bench {
    folder: tempfile::TempDir,
    shelf: MemoryShelf,
    reads: Arc<AtomicUsize>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (from, to) in [("wide.mp4", "wide_240p.mp4"), ("vp9.mp4", "other.mp4")] {
            fs::copy(sample(from), folder.path().join(to)).unwrap();
        }
        fs::write(folder.path().join("broken.mp4"), "a text").unwrap();
        Self { folder, shelf: MemoryShelf::default(), reads: Arc::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn stamp(&self, name: &str) -> Stamp {
        Stamp::of(&fs::metadata(self.path(name)).unwrap())
    }

    /// As a hub that starts.
    fn open(&self) -> LiveFolder {
        let reads = Arc::clone(&self.reads);
        let make = move |file: &VideoFile, kind: Kind, patience: &Patience| {
            reads.fetch_add(1, Ordering::Relaxed);
            Compat::default().read(&file.file, file.stamp.size, kind, patience)
        };
        let indexes = Indexes::made_by(Box::new(make), Some(Box::new(self.shelf.clone())));
        LiveFolder::with(self.folder.path(), indexes).unwrap()
    }

    /// Files that were read since the last time.
    fn reads(&self) -> usize {
        self.reads.swap(0, Ordering::Relaxed)
    }

    fn entries(&self) -> usize {
        self.shelf.0.lock().unwrap().len()
    }

    fn put(&self, name: &str, bytes: Vec<u8>) {
        self.shelf.0.lock().unwrap().insert(place(name), bytes);
    }
}

fn skipped(folder: &LiveFolder) -> Vec<String> {
    let catalog = folder.catalog();
    catalog.skipped().iter().map(|skipped| format!("{}: {}", skipped.file, skipped.reason)).collect()
}

fn packets(folder: &LiveFolder) -> Vec<(String, Vec<Packet>)> {
    let catalog = folder.catalog();
    let of = |title: &Arc<crate::video::Title>| (title.name.clone(), title.renditions[0].index.packets().to_vec());
    catalog.titles().iter().map(of).collect()
}

#[test]
fn files_that_did_not_change_are_not_read_again() {
    let bench = Bench::new();
    let first = bench.open();
    assert_eq!((bench.reads(), bench.entries()), (3, 3));
    for _ in 0..3 {
        first.reload(&BTreeSet::new(), Effort::Step).unwrap();
    }
    assert_eq!(bench.reads(), 0, "nor the one that cannot be used");
    let second = bench.open();
    assert_eq!(bench.reads(), 0, "nor at the next start");
    assert_eq!((packets(&first), skipped(&first)), (packets(&second), skipped(&second)));

    let file = OpenOptions::new().append(true).open(bench.path("wide_240p.mp4")).unwrap();
    file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1))).unwrap();
    second.reload(&BTreeSet::new(), Effort::Step).unwrap();
    assert_eq!(bench.reads(), 1, "the one that changed");
    bench.open();
    assert_eq!(bench.reads(), 0, "which is kept as it is now");
}

/// A folder with one file that none takes, for this reason, and how often it was read in two starts by these readers.
fn reads_of_refused(reason: fn() -> SkipReason, readers: [&str; 2]) -> (usize, String) {
    let (folder, shelf, reads) = (tempfile::tempdir().unwrap(), MemoryShelf::default(), Arc::new(AtomicUsize::new(0)));
    fs::write(folder.path().join("film.mkv"), "a text").unwrap();
    let mut told = Vec::new();
    for readers in readers {
        let reads = Arc::clone(&reads);
        let make = move |_: &VideoFile, _: Kind, _: &Patience| {
            reads.fetch_add(1, Ordering::Relaxed);
            Err(reason())
        };
        let indexes = Indexes::made_by(Box::new(make), Some(Box::new(shelf.clone())));
        let indexes = Indexes { readers: readers.to_owned(), ..indexes };
        told.extend(skipped(&LiveFolder::with(folder.path(), indexes).unwrap()));
    }
    assert_eq!(told[0], told[1], "the operator is told at each start");
    (reads.load(Ordering::Relaxed), told.remove(0))
}

#[test]
fn a_refusal_is_kept_with_its_reason_for_the_same_readers() {
    let lasting: [fn() -> SkipReason; 4] = [
        || CompatError::Refused("it has no video track".into()).into(),
        || CompatError::Crashed("signal: 11".into()).into(),
        || CompatError::Endless.into(),
        || IndexError::NoVideo.into(),
    ];
    for reason in lasting {
        let (reads, told) = reads_of_refused(reason, ["1.0 libavformat 5"; 2]);
        assert_eq!((reads, told), (1, format!("film.mkv: {}", reason())));
        assert_eq!(reads_of_refused(reason, ["1.0 libavformat 5", "1.0 libavformat 6"]).0, 2, "others may take it");
    }
}

#[test]
fn what_does_not_come_of_the_file_is_tried_at_each_start() {
    let passing: [fn() -> SkipReason; 7] = [
        || CompatError::NotRun(io::ErrorKind::WouldBlock.into()).into(),
        || CompatError::Unread("it cannot be read".into()).into(),
        || CompatError::TimedOut(Duration::from_mins(1)).into(),
        || CompatError::Ended("signal: 9".into()).into(),
        || CompatError::Aborted("signal: 6".into()).into(),
        || CompatError::Unavailable.into(),
        || IndexError::Io(io::ErrorKind::Other.into()).into(),
    ];
    for reason in passing {
        assert_eq!(reads_of_refused(reason, [""; 2]).0, 2, "{}", reason());
    }
}

#[test]
fn an_entry_outlives_another_number_of_the_device_and_nothing_else() {
    let bench = Bench::new();
    let (name, stamp) = ("wide_240p.mp4", bench.stamp("wide_240p.mp4"));
    let index = Index::clone(&bench.open().catalog().title("wide").unwrap().renditions[0].index);
    let entry = Entry::write(&index, name, &stamp);
    assert!(
        Entry::read(&entry, name, &Stamp { device: stamp.device + 1, ..stamp.clone() }, "").is_ok(),
        "mounted anew"
    );
    let others = [
        Stamp { inode: stamp.inode + 1, ..stamp.clone() },
        Stamp { changed_ns: stamp.changed_ns + 1, ..stamp.clone() },
        Stamp { modified: stamp.modified + 1, ..stamp.clone() },
    ];
    assert!(others.iter().all(|other| Entry::read(&entry, name, other, "").is_err()));
}

#[test]
fn what_is_thrown_away_or_replaced_takes_no_room() {
    let bench = Bench::new();
    let mut indexes = Indexes::new(Compat::default(), Some(Box::new(bench.shelf.clone())));
    let kept = |bench: &Bench| bench.shelf.0.lock().unwrap().values().map(|entry| entry.len() as u64).sum::<u64>();
    for round in 0..5 {
        for name in ["wide_240p.mp4", "other.mp4"] {
            let file = OpenOptions::new().append(true).open(bench.path(name)).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(round);
            file.set_times(FileTimes::new().set_modified(time)).unwrap();
            let file = VideoFile { file: fs::File::open(bench.path(name)).unwrap(), stamp: bench.stamp(name) };
            indexes.index_of(name, &file, None).unwrap();
            indexes.index_of(name, &file, None).unwrap();
        }
        assert_eq!(indexes.held.total, kept(&bench), "round {round}");
    }
    indexes.keep_only(["other.mp4"].into_iter());
    assert_eq!(indexes.held.total, kept(&bench));
    assert!(indexes.held.total > 0);
    indexes.keep_only([].into_iter());
    assert_eq!((indexes.held.total, kept(&bench)), (0, 0));
}

#[test]
fn a_file_that_is_replaced_by_one_of_the_same_size_and_time_is_read_again() {
    let bench = Bench::new();
    let folder = bench.open();
    bench.reads();
    let path = bench.path("wide_240p.mp4");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::copy(&path, bench.path("new")).unwrap();
    fs::rename(bench.path("new"), &path).unwrap();
    let file = OpenOptions::new().append(true).open(&path).unwrap();
    file.set_times(FileTimes::new().set_modified(modified)).unwrap();
    folder.reload(&BTreeSet::new(), Effort::Step).unwrap();
    assert_eq!(bench.reads(), 1, "it is another inode");
}

#[test]
fn what_is_kept_of_files_that_are_gone_is_thrown_away() {
    let bench = Bench::new();
    let folder = bench.open();
    fs::remove_file(bench.path("wide_240p.mp4")).unwrap();
    folder.reload(&BTreeSet::new(), Effort::Step).unwrap();
    assert_eq!(bench.entries(), 2);
}

#[test]
fn bad_input_47_entries_that_are_damaged_foreign_or_stale_are_replaced() {
    let bench = Bench::new();
    let sound = packets(&bench.open());
    let (name, stamp) = ("wide_240p.mp4", bench.stamp("wide_240p.mp4"));
    let good = bench.shelf.0.lock().unwrap()[&place(name)].clone();
    let index = Index::clone(&bench.open().catalog().title("wide").unwrap().renditions[0].index);
    let elsewhere = Stamp { size: stamp.size + 1, ..stamp.clone() };
    let mut cases: Vec<(String, Vec<u8>)> = vec![
        ("nothing".into(), Vec::new()),
        ("no entry".into(), b"a text that is no entry and longer than a sum".to_vec()),
        ("cut".into(), good[..good.len() / 2].to_vec()),
        ("longer".into(), [&good[..], b"x"].concat()),
        ("another version".into(), Entry::forge(VERSION_OF_LATER, name, &stamp, index.to_bytes())),
        ("another file".into(), Entry::write(&index, "other.mp4", &stamp)),
        ("a file that has changed".into(), Entry::write(&index, name, &elsewhere)),
        ("no index".into(), Entry::forge(2, name, &stamp, b"\xc0".to_vec())),
        ("the refusal of others".into(), Entry::refusal("no", name, &stamp, "others")),
        ("an index beyond the file".into(), Entry::write(&beyond(stamp.size), name, &stamp)),
    ];
    for bit in 0..64 {
        let mut flipped = good.clone();
        let at = bit * flipped.len() / 64;
        flipped[at] ^= 1 << (bit % 8);
        cases.push((format!("bit {bit}"), flipped));
    }
    for (what, bytes) in cases {
        bench.put(name, bytes);
        bench.reads();
        let folder = bench.open();
        assert_eq!((bench.reads(), packets(&folder)), (1, sound.clone()), "{what}");
        assert_eq!(bench.shelf.0.lock().unwrap()[&place(name)], good, "{what}: replaced");
    }
}

const VERSION_OF_LATER: u16 = u16::MAX;

/// An index with a packet that ends one byte behind a file of this size.
fn beyond(size: u64) -> Index {
    let packet = Packet {
        offset: size,
        size: 1,
        keyframe: true,
        pts: MediaTime::ZERO,
        dts: MediaTime::ZERO,
        duration: MediaTime(40_000),
    };
    let format = VideoFormat { codec: Codec::H264, width: 16, height: 16, extradata: bytes::Bytes::new() };
    Index::new(format, vec![packet], MediaTime::ZERO..MediaTime(40_000)).unwrap()
}

#[test]
fn whatever_a_file_is_called_its_entry_has_a_harmless_name() {
    for name in ["../../etc/passwd", "a b.mp4", "é", &"x".repeat(255)] {
        let place = place(name);
        assert!(place.len() == 64 && place.bytes().all(|byte| byte.is_ascii_hexdigit()), "{place}");
    }
    assert_ne!(place("a.mp4"), place("A.mp4"));
}
