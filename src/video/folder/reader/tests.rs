//! Files that can be read and cannot be opened, just in one read of their folder.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use crate::video::{compat::Patience, testing::ScriptedClock};

use super::*;

/// What one read makes of a file of the folder when the system does not open it. No path leads through a file.
fn read_unopened(reader: &mut FolderReader, name: &str, effort: Effort) -> Pending {
    let no_folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut pass = Pass::new(&no_folder, effort);
    reader.take(name, false, &mut pass);
    reader.look_after_long(&mut pass);
    let [(_, Err(reason))] = &pass.found[..] else { panic!("it is not on offer") };
    assert!(reason.may_pass(), "{reason}");
    reader.before = pass.now;
    pass.pending
}

#[test]
fn what_came_of_a_file_is_not_lost_when_it_cannot_be_opened_just_then() {
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wide.mp4");
    fs::copy(sample, folder.path().join("long.mkv")).unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let make = move |file: &VideoFile, _, patience: &Patience| match patience.limit() {
        Some(_) => Err(CompatError::Waits { begun: true }.into()),
        None => {
            counted.fetch_add(1, Ordering::Relaxed);
            crate::video::Compat::default().read(&file.file, file.stamp.size, Kind::Indexed, &Patience::Whole)
        }
    };
    let mut reader = FolderReader::new(folder.path(), Indexes::made_by(Box::new(make), None));
    for pending in [Pending::Waiting, Pending::Nothing] {
        assert_eq!(reader.read(&BTreeSet::new(), Effort::Step).unwrap().1, pending);
    }
    reader.long().unwrap().wait();
    assert_eq!(read_unopened(&mut reader, "long.mkv", Effort::Step), Pending::Failed);
    assert!(!reader.long().unwrap().is_over(), "it is not asked for again before the pause is over");
    let (source, pending) = reader.read(&BTreeSet::new(), Effort::Retry).unwrap();
    assert_eq!((source.catalog.titles().len(), pending), (1, Pending::Nothing));
    assert_eq!((runs.load(Ordering::Relaxed), reader.long().is_none()), (1, true), "it is taken apart once");
}

/// How much later than its time is over a file that takes long is given up.
const LATE: Duration = Duration::from_millis(50);

/// Files of these names and sizes, none of which can be taken apart in a moment, and the names and times for which the
/// reader was asked.
struct LongFiles {
    folder: tempfile::TempDir,
    time: Arc<Mutex<Duration>>,
    reader: FolderReader,
    asked: Arc<Mutex<Vec<(u64, Duration)>>>,
}

impl LongFiles {
    fn new(files: &[(&str, u64)]) -> Self {
        let (folder, asked) = (tempfile::tempdir().unwrap(), Arc::<Mutex<Vec<_>>>::default());
        let time = Arc::<Mutex<Duration>>::default();
        let (told, clock) = (Arc::clone(&asked), Arc::clone(&time));
        let make = move |file: &VideoFile, _, patience: &Patience| {
            if let Some(limit) = patience.limit() {
                told.lock().unwrap().push((file.stamp.size, limit));
                *clock.lock().unwrap() += if limit.is_zero() { limit } else { limit + LATE };
            }
            Err(CompatError::Waits { begun: patience.limit().is_none_or(|limit| !limit.is_zero()) }.into())
        };
        let reader = FolderReader::new(folder.path(), Indexes::made_by(Box::new(make), None));
        let long = Self { folder, time, reader, asked };
        for (name, size) in files {
            long.put(name, *size);
        }
        long
    }

    fn put(&self, name: &str, size: u64) {
        fs::File::create(self.folder.path().join(name)).unwrap().set_len(size).unwrap();
    }

    /// Reads the folder when so much of the moment is gone; the sizes of files that were given time, in their order.
    fn read_after(&mut self, spent: Duration) -> Vec<u64> {
        let folder = self.folder.path().canonicalize().unwrap();
        let clock = Box::new(ScriptedClock::at(&self.time));
        let mut pass = Pass { clock, spent, ..Pass::new(&folder, Effort::Step) };
        self.reader.go_through(&names(&folder).unwrap(), &BTreeSet::new(), &mut pass);
        self.reader.before = pass.now;
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.into_iter().filter(|(_, limit)| !limit.is_zero()).map(|(size, _)| size).collect()
    }

    fn left(&self, name: &str) -> &Left {
        &self.reader.before[name].left.as_ref().unwrap().0
    }
}

#[test]
fn a_file_for_which_the_moment_has_no_whole_share_left_waits_for_its_turn() {
    let mut files = LongFiles::new(&[("small.mkv", 10)]);
    assert_eq!(files.read_after(Duration::from_millis(1500)), [0; 0]);
    assert!(matches!(files.left("small.mkv"), Left::Waiting), "it was not begun");
    assert_eq!(files.read_after(Duration::from_secs(1)), [10]);
    assert!(matches!(files.left("small.mkv"), Left::Long));
}

#[test]
fn attack_a_file_that_takes_more_than_its_share_leaves_the_others_theirs() {
    let mut files = LongFiles::new(&[("a.mkv", 3000), ("b.mkv", 10), ("c.mkv", 2000)]);
    assert_eq!(files.read_after(Duration::ZERO), [3000, 10]);
    assert_eq!(*files.time.lock().unwrap(), MOMENT + 2 * LATE, "and no more than the moment is used");
    assert!(matches!(files.left("c.mkv"), Left::Waiting));
}

#[test]
fn attack_the_smallest_of_many_that_take_long_is_begun_before_all_of_them_had_their_turn() {
    let mut files = LongFiles::new(&[("a.mkv", 3000), ("b.mkv", 1000), ("c.mkv", 2000), ("d.mkv", 4000)]);
    // In each read there is time for one of them.
    let spent = Duration::from_secs(1);
    let mut read = || (files.read_after(spent), files.reader.long().map(|run| run.name.clone()));
    assert_eq!(read(), (vec![3000], None));
    assert_eq!(read(), (vec![1000], None), "a smaller one than the first waited, and was to be tried before");
    assert_eq!(read(), (vec![2000], Some("b.mkv".to_owned())));
    assert!(matches!(files.left("d.mkv"), Left::Waiting), "which none waits for");
}

#[test]
fn what_is_new_has_its_turn_before_all_that_wait_for_theirs() {
    let names = ["a.mkv", "b.mkv", "c.mkv"];
    let mut files = LongFiles::new(&names.map(|name| (name, 1000)));
    let spent = Duration::from_secs(1);
    assert_eq!(files.read_after(spent), [1000]);
    files.put("new.mkv", 5000);
    assert_eq!(files.read_after(spent), [5000]);
    assert_eq!(files.read_after(spent), [1000]);
}
