//! One index as it lies on a shelf.
//!
//! ```text
//!   SHA-256 of the rest  version, the file's name and stamp, the index or who refused the file and why
//!   32                   MessagePack
//! ```
//!
//! The sum tells of a disk that lost something. Whatever it says, the index is held against the file's size and against
//! all limits that files themselves are held against.

use sha2::{Digest as _, Sha256};

use crate::{
    types::wire::{Blob, DecodeError, Text, from_bytes, to_bytes, wire_struct},
    video::{
        index::Index,
        index_wire::{IndexWireError, passed_on},
        stamp::Stamp,
    },
};

/// Raised when files give another index than before, or entries look different. When files are taken that were refused
/// before, the number of the readers is (`READERS` in `compat`).
const VERSION: u16 = 3;

/// Length of the sum, in bytes.
const SUM: usize = 32;

wire_struct! {
    struct Record {
        version: u16,
        file: Text,
        stamp: Stamp,
        /// Who refused it; empty for an index.
        readers: Text,
        /// Why they did; empty for an index.
        refused: Text,
        index: Blob,
    }
}

/// What is kept of a file: its index, or why it has none.
pub(super) type Kept = Result<Index, String>;

/// Why an entry is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum EntryError {
    #[error("what was kept of it is damaged")]
    Damaged,
    #[error("what was kept of it is not understood: {0}")]
    Malformed(#[from] DecodeError),
    #[error("it was indexed by another version of this program")]
    Version,
    #[error("it has changed")]
    Stale,
    #[error("what was kept of it cannot be: {0}")]
    Index(#[from] IndexWireError),
}

/// Reads and writes entries.
pub(super) struct Entry;

impl Entry {
    /// What is kept of a file.
    pub(super) fn write(index: &Index, name: &str, stamp: &Stamp) -> Vec<u8> {
        Self::sealed(name, stamp, "", "", index.to_bytes())
    }

    /// What is kept of a file that these readers refuse, for a reason that is not empty.
    pub(super) fn refusal(why: &str, name: &str, stamp: &Stamp, readers: &str) -> Vec<u8> {
        Self::sealed(name, stamp, readers, why, Vec::new())
    }

    fn sealed(name: &str, stamp: &Stamp, readers: &str, refused: &str, index: Vec<u8>) -> Vec<u8> {
        let (file, readers, refused) = (name.into(), readers.into(), refused.into());
        let stamp = on_any_device(stamp);
        let record = to_bytes(&Record { version: VERSION, file, stamp, readers, refused, index: index.into() });
        [&Sha256::digest(&record)[..], &record].concat()
    }

    /// What an entry says, if it is of this file as it is now, and no refusal by other readers.
    pub(super) fn read(bytes: &[u8], name: &str, stamp: &Stamp, readers: &str) -> Result<Kept, EntryError> {
        let (sum, record) = bytes.split_at_checked(SUM).ok_or(EntryError::Damaged)?;
        if Sha256::digest(record)[..] != *sum {
            return Err(EntryError::Damaged);
        }
        let record: Record = from_bytes(record)?;
        if record.version != VERSION {
            return Err(EntryError::Version);
        }
        if record.file.as_str() != name || on_any_device(&record.stamp) != on_any_device(stamp) {
            return Err(EntryError::Stale);
        }
        match record.refused.as_str() {
            "" => Ok(Ok(Index::from_bytes(&record.index, stamp.size)?)),
            why if record.readers.as_str() == readers => Ok(Err(passed_on(why))),
            _ => Err(EntryError::Version),
        }
    }
}

/// Without the device: that of btrfs, NFS or an overlay may have another number after each start of the system.
fn on_any_device(stamp: &Stamp) -> Stamp {
    Stamp { device: 0, ..stamp.clone() }
}

#[cfg(test)]
impl Entry {
    /// An entry that says anything, with a sum that fits.
    pub(super) fn forge(version: u16, name: &str, stamp: &Stamp, index: Vec<u8>) -> Vec<u8> {
        let (file, stamp, index) = (name.into(), stamp.clone(), index.into());
        let (readers, refused) = ("".into(), "".into());
        let record = to_bytes(&Record { version, file, stamp, readers, refused, index });
        [&Sha256::digest(&record)[..], &record].concat()
    }
}
