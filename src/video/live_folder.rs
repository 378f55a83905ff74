//! A folder of videos that is read again while it is in use.

use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
};

use bytes::Bytes;

use super::{
    catalog::{Catalog, Rendition},
    compat::Compat,
    folder::FolderSource,
    source::{ReadError, VideoSource},
};

/// What is on offer is what was there when the folder was read last. Plays that began before go on from the files
/// that were opened then, until they end.
#[derive(Debug)]
pub struct LiveFolder {
    path: PathBuf,
    compat: Compat,
    /// Held while the folder is read.
    reading: Mutex<()>,
    /// As it was found each time, the newest last; at least one.
    found: RwLock<Vec<Arc<FolderSource>>>,
}

impl LiveFolder {
    /// Opens and indexes the videos in a folder; see [`FolderSource::open`].
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::open_with(path, Compat::default())
    }

    /// Opens and indexes the videos in a folder, also those that take libavformat.
    pub fn open_with(path: &Path, compat: Compat) -> io::Result<Self> {
        let found = vec![Arc::new(FolderSource::open_with(path, &compat)?)];
        Ok(Self { path: path.to_owned(), compat, reading: Mutex::default(), found: RwLock::new(found) })
    }

    /// Reads the folder again, which takes as long as opening it did; meanwhile everything stays as it was, and also
    /// when it fails.
    pub fn reload(&self) -> io::Result<Arc<Catalog>> {
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.found().last().map_or(0, |source| source.end());
        let source = FolderSource::open_from(&self.path, next, &self.compat)?;
        let catalog = source.catalog();
        let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
        // Whoever is about to play something of a catalogue before has it in hand.
        found.retain(|source| is_in_use(&source.catalog()));
        found.push(Arc::new(source));
        Ok(catalog)
    }

    fn found(&self) -> RwLockReadGuard<'_, Vec<Arc<FolderSource>>> {
        self.found.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a play, or somebody about to begin one, holds a part of a catalogue. Its source and the caller are two.
fn is_in_use(catalog: &Arc<Catalog>) -> bool {
    let is_played = |rendition: &Arc<Rendition>| Arc::strong_count(rendition) > 1;
    Arc::strong_count(catalog) > 2
        || catalog.titles().iter().any(|title| Arc::strong_count(title) > 1 || title.renditions.iter().any(is_played))
}

impl VideoSource for LiveFolder {
    fn catalog(&self) -> Arc<Catalog> {
        self.found().last().map(|source| source.catalog()).unwrap_or_default()
    }

    fn read(&self, rendition: &Rendition, bytes: Range<u64>) -> Result<Bytes, ReadError> {
        // A read may take long, and nobody is to wait for its end.
        let source = self.found().iter().find(|source| source.has(rendition)).map(Arc::clone);
        source.ok_or(ReadError::OutOfRange)?.read(rendition, bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn sample() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wide.mp4")
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
        let source = LiveFolder::open(folder.path()).unwrap();
        let old = Arc::clone(&source.catalog().titles()[0]);
        fs::rename(place("old_240p.mp4"), place("new_240p.mp4")).unwrap();
        fs::copy(sample(), place("other_240p.mp4")).unwrap();
        assert_eq!(titles(&source), ["old"], "nothing changes by itself");
        assert_eq!(source.reload().unwrap().titles().len(), 2);
        assert_eq!(titles(&source), ["new", "other"]);
        let new = Arc::clone(&source.catalog().titles()[0]);
        for rendition in [&old.renditions[0], &new.renditions[0]] {
            assert_eq!(first_byte(&source, rendition).unwrap().len(), 1);
        }

        source.reload().unwrap();
        assert_eq!(source.found().len(), 3, "both are played");
        drop(new);
        source.reload().unwrap();
        assert_eq!(source.found().len(), 2, "one of them is, and the newest is there");
        let rendition = Arc::clone(&old.renditions[0]);
        drop(old);
        source.reload().unwrap();
        assert!(first_byte(&source, &rendition).is_ok(), "a read may be under way");
        let weak = Arc::downgrade(&rendition);
        drop(rendition);
        source.reload().unwrap();
        assert_eq!((source.found().len(), weak.strong_count()), (1, 0), "nobody plays anything");
    }

    #[test]
    fn a_folder_that_is_gone_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let videos = folder.path().join("videos");
        fs::create_dir(&videos).unwrap();
        fs::copy(sample(), videos.join("film_240p.mp4")).unwrap();
        let source = LiveFolder::open(&videos).unwrap();
        fs::rename(&videos, folder.path().join("elsewhere")).unwrap();
        assert_eq!(source.reload().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(titles(&source), ["film"]);
    }
}
