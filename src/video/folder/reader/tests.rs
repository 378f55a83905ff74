//! Files that can be read and cannot be opened, just in one read of their folder.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::video::compat::Patience;

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
