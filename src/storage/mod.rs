//! A private folder of small files that survive crashes: keys, marks, counters, pins.
//!
//! Files are seen by name only. A write is atomic ([`Storage::replace`]) or an addition at the end
//! ([`Storage::append`]), and is on the disk when the call returns.
//!
//! - [`DiskStorage`]: a folder of its own, mode 0700, one process at a time;
//! - [`MemoryStorage`]: for guests, who keep nothing, and for tests;
//! - [`FailingStorage`]: wraps another and fails on purpose.
//!
//! A [`Journal`] is a file in such a folder that is added to and survives being cut off.
//!
//! ```
//! use securestream::storage::{MemoryStorage, Storage};
//!
//! let mut storage = MemoryStorage::default();
//! storage.replace("keys", b"first")?;
//! storage.replace("keys", b"second")?;
//! storage.append("keys", b", and more")?;
//! assert_eq!(storage.read("keys")?.as_deref(), Some(&b"second, and more"[..]));
//! assert_eq!(storage.read("marks")?, None);
//! # Ok::<(), securestream::storage::StorageError>(())
//! ```

mod disk;
mod failing;
pub mod journal;
mod memory;

use std::{io, path::PathBuf};

pub use disk::DiskStorage;
pub use failing::{FailingStorage, Fault};
pub use journal::{Journal, JournalError};
pub use memory::MemoryStorage;

/// Largest file that is read back, in bytes. Replay marks of 65,536 senders are the largest file kept and
/// stay below 16 MiB; a larger one was not written here.
pub const MAX_FILE: u64 = 32 * 1024 * 1024;

/// Longest name of a file, in bytes, so that the name of its temporary file still fits a folder's 255.
const MAX_FILE_NAME: usize = 200;

/// A private folder seen by names. A name has ASCII letters, digits, `.`, `_` and `-`, and no leading dot.
pub trait Storage: Send {
    /// The content of a file, `None` when there is none.
    ///
    /// # Errors
    /// Also when the file is not private or larger than [`MAX_FILE`].
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError>;

    /// Puts `content` in place of the whole file, or makes the file. A crash or an error at any point leaves
    /// the old content or the new, never a mixture and never nothing.
    ///
    /// # Errors
    /// The old content is then still there, unless the very last step failed: telling the disk of the new name.
    fn replace(&mut self, name: &str, content: &[u8]) -> Result<(), StorageError>;

    /// Adds `content` at the end of a file, or makes the file. A crash may leave a part of `content`.
    ///
    /// # Errors
    /// A part of `content` may then be at the end of the file; whoever needs to add more replaces it first.
    fn append(&mut self, name: &str, content: &[u8]) -> Result<(), StorageError>;

    /// The names of all files, in order.
    ///
    /// # Errors
    /// When the disk refuses.
    fn names(&self) -> Result<Vec<String>, StorageError>;

    /// Removes a file; one that is not there is none the less removed.
    ///
    /// # Errors
    /// When the disk refuses.
    fn remove(&mut self, name: &str) -> Result<(), StorageError>;
}

/// Why a private file cannot be used. Each text names the file and, where its owner can act, how.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Another process holds the folder.
    #[error("{} is in use by another securestream", folder.display())]
    InUse { folder: PathBuf },
    /// Others could read or change it.
    #[error("{} can be read or changed by others (mode {mode:04o}); run: chmod {wanted:o} '{}'", path.display(), path.display())]
    NotPrivate { path: PathBuf, mode: u32, wanted: u32 },
    /// It leads elsewhere.
    #[error("{} is a symbolic link; put what it points to in its place", path.display())]
    SymbolicLink { path: PathBuf },
    /// A folder where a file belongs, a FIFO, a device, or a file where the folder belongs.
    #[error("{} is not a {wanted}; move it away", path.display())]
    WrongKind { path: PathBuf, wanted: &'static str },
    /// Not written here.
    #[error("{} has {bytes} bytes, more than the {MAX_FILE} that are ever written; move it away", path.display())]
    TooLarge { path: PathBuf, bytes: u64 },
    /// A name that is no plain file name: a fault of the caller.
    #[error("{name:?} is no name for a stored file")]
    BadName { name: String },
    /// The disk or the system refused: full, read-only, broken.
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

impl StorageError {
    /// For `map_err`.
    fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

/// Names are written in the code, not by users; this keeps a mistake from leaving the folder.
fn check_name(name: &str) -> Result<(), StorageError> {
    if is_file_name(name) { Ok(()) } else { Err(StorageError::BadName { name: name.to_owned() }) }
}

/// Whether a file of this name can be kept in a [`Storage`].
#[must_use]
pub fn is_file_name(name: &str) -> bool {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    plain && !name.is_empty() && !name.starts_with('.') && name.len() <= MAX_FILE_NAME
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every storage does, whatever it stands on.
    fn behaves(storage: &mut dyn Storage) {
        assert_eq!(storage.read("keys").unwrap(), None);
        storage.replace("keys", b"one").unwrap();
        storage.replace("keys", b"two").unwrap();
        assert_eq!(storage.read("keys").unwrap().unwrap(), b"two");

        storage.append("log", b"a").unwrap();
        storage.append("log", b"").unwrap();
        storage.append("log", b"bc").unwrap();
        assert_eq!(storage.read("log").unwrap().unwrap(), b"abc");
        storage.replace("log", b"").unwrap();
        assert_eq!(storage.read("log").unwrap().unwrap(), b"");

        assert_eq!(storage.names().unwrap(), ["keys", "log"]);
        storage.remove("keys").unwrap();
        storage.remove("keys").unwrap();
        assert_eq!(storage.names().unwrap(), ["log"]);
        assert_eq!(storage.read("keys").unwrap(), None);
        for name in ["", ".", "..", "a/b", "/etc/passwd", ".hidden", "a\0b", &"x".repeat(201)] {
            assert!(matches!(storage.replace(name, b""), Err(StorageError::BadName { .. })), "{name:?}");
            assert!(matches!(storage.read(name), Err(StorageError::BadName { .. })), "{name:?}");
        }
    }

    #[test]
    fn every_storage_behaves_the_same() {
        let folder = tempfile::tempdir().unwrap();
        behaves(&mut DiskStorage::open(&folder.path().join("member")).unwrap());
        behaves(&mut MemoryStorage::default());
        behaves(&mut FailingStorage::new(MemoryStorage::default(), usize::MAX, Fault::NoSpace));
    }
}
