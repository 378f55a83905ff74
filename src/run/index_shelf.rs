//! Where a hub keeps the indexes of its videos: files in a folder of its data folder. They are made again when they are
//! lost, so nothing that goes wrong here stops a hub.

use std::{collections::BTreeSet, path::Path};

use crate::{
    storage::{DiskStorage, Storage, StorageError},
    video::IndexShelf,
};

/// The folder within the data folder.
const FOLDER: &str = "indexes";

/// The shelf of a hub with a data folder, unless it cannot be used.
pub(super) fn open(data: &Path) -> Option<Box<dyn IndexShelf>> {
    match DiskStorage::open(&data.join(FOLDER)) {
        Ok(storage) => Some(Box::new(StorageShelf::new(storage))),
        Err(error) => {
            log::warn!("videos are read anew at each start, because what is known of them cannot be kept: {error}");
            None
        }
    }
}

/// A shelf in any storage.
struct StorageShelf<S> {
    storage: S,
    is_trouble_told: bool,
}

impl<S: Storage> StorageShelf<S> {
    fn new(storage: S) -> Self {
        Self { storage, is_trouble_told: false }
    }

    fn tell(&mut self, error: &StorageError) {
        if !std::mem::replace(&mut self.is_trouble_told, true) {
            log::warn!("what is known of videos cannot be kept for the next start: {error}");
        }
    }
}

impl<S: Storage> IndexShelf for StorageShelf<S> {
    fn take(&mut self, name: &str) -> Option<Vec<u8>> {
        self.storage.read(name).unwrap_or_else(|error| {
            self.tell(&error);
            None
        })
    }

    fn put(&mut self, name: &str, bytes: &[u8]) {
        if let Err(error) = self.storage.replace(name, bytes) {
            self.tell(&error);
        }
    }

    fn keep_only(&mut self, names: &BTreeSet<String>) {
        let result = self.storage.names().and_then(|there| {
            there.iter().filter(|name| !names.contains(*name)).try_for_each(|name| self.storage.remove(name))
        });
        if let Err(error) = result {
            self.tell(&error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{FailingStorage, Fault, MemoryStorage};

    #[test]
    fn what_is_put_there_is_taken_until_it_is_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = open(&folder.path().join("data")).unwrap();
        assert_eq!(shelf.take("a"), None);
        shelf.put("a", b"one");
        shelf.put("a", b"two");
        shelf.put("b", b"three");
        shelf.keep_only(&["a".to_owned()].into());
        assert_eq!((shelf.take("a").as_deref(), shelf.take("b")), (Some(&b"two"[..]), None));
        assert!(open(&folder.path().join("data")).is_none(), "one hub at a time");
        drop(shelf);
        assert_eq!(open(&folder.path().join("data")).unwrap().take("a").as_deref(), Some(&b"two"[..]));
    }

    #[test]
    fn a_disk_that_fails_stops_nothing() {
        let mut shelf = StorageShelf::new(FailingStorage::new(MemoryStorage::default(), 0, Fault::NoSpace));
        shelf.put("a", b"one");
        assert!(shelf.is_trouble_told);
        assert_eq!(shelf.take("a"), None);
        shelf.keep_only(&BTreeSet::new());
    }
}
