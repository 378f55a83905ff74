//! A storage that fails on purpose, so that what stands on one can be tested against a full or broken disk.

use std::io;

use super::{Storage, StorageError};

/// What the disk answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No space left on device.
    NoSpace,
    /// Input/output error.
    Broken,
}

impl Fault {
    fn error(self) -> io::Error {
        // ENOSPC and EIO, the same on every Unix.
        io::Error::from_raw_os_error(match self {
            Self::NoSpace => 28,
            Self::Broken => 5,
        })
    }
}

/// Passes on to another storage until a given write, which fails, as all writes after it do.
pub struct FailingStorage<S> {
    inner: S,
    writes_left: usize,
    fault: Fault,
}

impl<S: Storage> FailingStorage<S> {
    /// Lets `writes` calls of `replace`, `append` and `remove` pass, then fails each.
    pub fn new(inner: S, writes: usize, fault: Fault) -> Self {
        Self { inner, writes_left: writes, fault }
    }

    /// Lets that many further writes pass: the disk has been mended.
    pub fn allow(&mut self, writes: usize) {
        self.writes_left = writes;
    }

    fn spend(&mut self, action: &'static str, name: &str) -> Result<(), StorageError> {
        match self.writes_left.checked_sub(1) {
            Some(left) => {
                self.writes_left = left;
                Ok(())
            }
            None => Err(StorageError::io(action, name)(self.fault.error())),
        }
    }
}

impl<S: Storage> Storage for FailingStorage<S> {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.inner.read(name)
    }

    fn replace(&mut self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.spend("write", name)?;
        self.inner.replace(name, content)
    }

    /// Fails as a full disk does at its worst: half of the bytes are there.
    fn append(&mut self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.spend("add to", name).inspect_err(|_| {
            let _ = self.inner.append(name, &content[..content.len() / 2]);
        })?;
        self.inner.append(name, content)
    }

    fn names(&self) -> Result<Vec<String>, StorageError> {
        self.inner.names()
    }

    fn remove(&mut self, name: &str) -> Result<(), StorageError> {
        self.spend("remove", name)?;
        self.inner.remove(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    #[test]
    fn it_fails_from_the_nth_write_on_and_an_append_is_torn() {
        let mut storage = FailingStorage::new(MemoryStorage::default(), 2, Fault::NoSpace);
        storage.replace("a", b"old").unwrap();
        storage.append("log", b"12").unwrap();
        let Err(StorageError::Io { source, .. }) = storage.replace("a", b"new") else { panic!("it did not fail") };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        assert!(storage.append("log", b"3456").is_err());
        assert!(storage.remove("a").is_err());
        assert_eq!(storage.read("a").unwrap().unwrap(), b"old");
        assert_eq!(storage.read("log").unwrap().unwrap(), b"1234");
        storage.allow(1);
        storage.remove("a").unwrap();
    }
}
