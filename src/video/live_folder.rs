//! A folder of videos that is read again while it is in use.

use std::{
    collections::BTreeSet,
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use super::{
    catalog::{Catalog, Rendition},
    compat::Compat,
    folder::{Effort, FolderReader, Pending, file_of},
    indexes::{IndexShelf, Indexes, LongRun},
    source::{ReadError, VideoSource},
};

/// What is on offer is what was there when the folder was read last. Plays that began before go on from the files
/// that were opened then, until they end; with the last of them such a file is closed.
pub struct LiveFolder {
    path: PathBuf,
    /// Held while the folder is read.
    reader: Mutex<FolderReader>,
    /// And what is left to do after it was read.
    offered: RwLock<(Arc<Catalog>, Pending)>,
    times_read: AtomicU64,
}

impl LiveFolder {
    /// Opens the videos in a folder and indexes those that take no more than a moment, see [`Effort::Step`]. What is
    /// known of them is kept on a shelf, if there is one, for the next time.
    pub fn open(path: &Path, compat: Compat, shelf: Option<Box<dyn IndexShelf>>) -> io::Result<Self> {
        Self::with(path, Indexes::new(compat, shelf))
    }

    pub(super) fn with(path: &Path, indexes: Indexes) -> io::Result<Self> {
        let reader = Mutex::new(FolderReader::new(path, indexes));
        let live = Self { path: path.to_owned(), reader, offered: RwLock::default(), times_read: AtomicU64::new(0) };
        live.reload(&BTreeSet::new(), Effort::Step)?;
        Ok(live)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the folder again, which takes as long as the effort says; those files that are named are still being
    /// written and left alone. Meanwhile everything stays as it was, and also when it fails.
    pub fn reload(&self, changing: &BTreeSet<String>, effort: Effort) -> io::Result<Arc<Catalog>> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let (source, pending) = reader.read(changing, effort)?;
        let catalog = source.catalog();
        let before = {
            let mut offered = self.offered.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *offered, (Arc::clone(&catalog), pending))
        };
        self.times_read.fetch_add(1, Ordering::SeqCst);
        // What nobody plays goes with the catalogue that it was in; millions of packets take a while, and nobody waits.
        drop(before);
        Ok(catalog)
    }

    /// Whether a file that takes long is being taken apart, and whether that is over: then it is to be read again.
    /// Not while it is being read.
    #[must_use]
    pub fn long(&self) -> Option<bool> {
        self.reader.try_lock().ok()?.long().map(LongRun::is_over)
    }

    #[cfg(test)]
    pub(super) fn wait_for_long(&self) {
        self.reader.lock().unwrap().long().unwrap().wait();
    }

    /// How often it was read.
    pub(super) fn times_read(&self) -> u64 {
        self.times_read.load(Ordering::SeqCst)
    }

    /// What was left to do when it was read last.
    #[must_use]
    pub fn pending(&self) -> Pending {
        self.offered.read().unwrap_or_else(PoisonError::into_inner).1
    }
}

impl VideoSource for LiveFolder {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.offered.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    fn read(&self, rendition: &Rendition, bytes: Range<u64>) -> Result<Bytes, ReadError> {
        file_of(rendition)?.read(bytes)
    }

    fn check(&self, rendition: &Rendition) -> Result<(), ReadError> {
        file_of(rendition)?.check()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        time::{Duration, SystemTime},
    };

    use super::*;

    fn sample() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wide.mp4")
    }

    fn open(path: &Path) -> LiveFolder {
        LiveFolder::open(path, Compat::default(), None).unwrap()
    }

    fn again(source: &LiveFolder) -> Arc<Catalog> {
        source.reload(&BTreeSet::new(), Effort::Step).unwrap()
    }

    fn titles(source: &LiveFolder) -> Vec<String> {
        source.catalog().titles().iter().map(|title| title.name.clone()).collect()
    }

    fn first_byte(source: &LiveFolder, rendition: &Rendition) -> Result<Bytes, ReadError> {
        let offset = rendition.index.packets()[0].offset;
        source.read(rendition, offset..offset + 1)
    }

    #[test]
    fn what_is_added_comes_and_what_is_played_stays() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::copy(sample(), place("old_240p.mp4")).unwrap();
        let source = open(folder.path());
        let old = Arc::clone(&source.catalog().titles()[0]);
        fs::rename(place("old_240p.mp4"), place("new_240p.mp4")).unwrap();
        fs::copy(sample(), place("other_240p.mp4")).unwrap();
        assert_eq!(titles(&source), ["old"], "nothing changes by itself");
        assert_eq!(again(&source).titles().len(), 2);
        assert_eq!(titles(&source), ["new", "other"]);
        let new = Arc::clone(&source.catalog().titles()[0]);
        for rendition in [&old.renditions[0], &new.renditions[0]] {
            assert_eq!(first_byte(&source, rendition).unwrap().len(), 1);
        }
        fs::remove_file(place("new_240p.mp4")).unwrap();
        again(&source);
        assert_eq!(titles(&source), ["other"]);
        for rendition in [&old.renditions[0], &new.renditions[0]] {
            assert_eq!(first_byte(&source, rendition).unwrap().len(), 1, "both are played");
        }
    }

    #[test]
    fn a_file_that_is_gone_is_closed_when_its_last_play_ends() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("film_240p.mp4");
        fs::copy(sample(), &place).unwrap();
        let source = open(folder.path());
        let title = Arc::clone(&source.catalog().titles()[0]);
        let file = Arc::downgrade(title.renditions[0].open.as_ref().unwrap());
        fs::remove_file(&place).unwrap();
        again(&source);
        let rendition = Arc::clone(&title.renditions[0]);
        drop(title);
        assert!(first_byte(&source, &rendition).is_ok(), "a read may be under way");
        drop(rendition);
        assert_eq!(file.strong_count(), 0, "without another look at the folder");
    }

    #[test]
    fn a_file_that_stays_stays_open_however_often_the_folder_is_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(sample(), folder.path().join("film_240p.mp4")).unwrap();
        let source = open(folder.path());
        let before = Arc::clone(&source.catalog().titles()[0].renditions[0]);
        for _ in 0..100 {
            again(&source);
        }
        let now = Arc::clone(&source.catalog().titles()[0].renditions[0]);
        assert_eq!(before.id, now.id);
        assert!(Arc::ptr_eq(&before.index, &now.index));
        assert!(Arc::ptr_eq(before.open.as_ref().unwrap(), now.open.as_ref().unwrap()));
    }

    #[test]
    fn a_file_that_is_still_written_is_left_until_it_rests() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("film_240p.mp4");
        let source = open(folder.path());
        let changing = ["film_240p.mp4".to_owned()].into();
        for (written_over, seconds) in [(false, 1), (true, 2)] {
            fs::copy(sample(), &place).unwrap();
            // However coarse the times are that the system gives.
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            fs::File::options().write(true).open(&place).unwrap().set_modified(time).unwrap();
            let catalog = source.reload(&changing, Effort::Step).unwrap();
            assert!(catalog.titles().is_empty(), "what was there is no longer as it was: {written_over}");
            assert_eq!(catalog.skipped()[0].reason.to_string(), "it is still being written");
            assert_eq!(again(&source).titles().len(), 1);
        }
    }

    #[test]
    fn a_title_whose_file_is_as_it_was_stays_while_another_is_written_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("film_240p.mp4");
        fs::copy(sample(), &place).unwrap();
        let source = open(folder.path());
        let old = Arc::clone(&source.catalog().titles()[0].renditions[0]);
        fs::copy(sample(), folder.path().join("new")).unwrap();
        fs::rename(folder.path().join("new"), &place).unwrap();
        let catalog = source.reload(&["film_240p.mp4".to_owned()].into(), Effort::Step).unwrap();
        assert_eq!((catalog.titles()[0].renditions[0].id, source.pending()), (old.id, Pending::Nothing));
        let is_told = |remark: &crate::video::Remark| remark.text.contains("it is still being written");
        assert!(catalog.remarks().iter().any(is_told), "{:?}", catalog.remarks());
        assert_ne!(again(&source).titles()[0].renditions[0].id, old.id);
    }

    #[test]
    fn a_folder_that_is_gone_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let videos = folder.path().join("videos");
        fs::create_dir(&videos).unwrap();
        fs::copy(sample(), videos.join("film_240p.mp4")).unwrap();
        let source = open(&videos);
        fs::rename(&videos, folder.path().join("elsewhere")).unwrap();
        assert_eq!(source.reload(&BTreeSet::new(), Effort::Step).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(titles(&source), ["film"]);
    }
}
