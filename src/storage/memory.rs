//! Files in memory: for guests, who keep nothing, and for tests.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use zeroize::Zeroizing;

use super::{Storage, StorageError, check_name};

/// Files in memory. Clones share them, so that a test can open again what a "crashed" owner left.
#[derive(Clone, Default)]
pub struct MemoryStorage {
    files: Arc<Mutex<BTreeMap<String, Zeroizing<Vec<u8>>>>>,
}

impl MemoryStorage {
    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Zeroizing<Vec<u8>>>> {
        // Each call leaves the map whole, so a panic elsewhere does not spoil it.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for MemoryStorage {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        check_name(name)?;
        Ok(self.files().get(name).map(|content| content.to_vec()))
    }

    fn replace(&mut self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        check_name(name)?;
        self.files().insert(name.to_owned(), Zeroizing::new(content.to_vec()));
        Ok(())
    }

    fn append(&mut self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        check_name(name)?;
        self.files().entry(name.to_owned()).or_default().extend_from_slice(content);
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, StorageError> {
        Ok(self.files().keys().cloned().collect())
    }

    fn remove(&mut self, name: &str) -> Result<(), StorageError> {
        check_name(name)?;
        self.files().remove(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_their_files_and_others_do_not() {
        let mut one = MemoryStorage::default();
        one.replace("keys", b"k").unwrap();
        assert_eq!(one.clone().read("keys").unwrap().unwrap(), b"k");
        assert_eq!(MemoryStorage::default().read("keys").unwrap(), None);
    }
}
