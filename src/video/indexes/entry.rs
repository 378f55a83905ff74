//! One index as it lies on a shelf.
//!
//! ```text
//!   SHA-256 of the rest  version, the file's name and stamp, the index
//!   32                   MessagePack
//! ```
//!
//! The sum tells of a disk that lost something. Whatever it says, the index is held against the file's size and against
//! all limits that files themselves are held against.

use sha2::{Digest as _, Sha256};

use crate::{
    types::wire::{Blob, DecodeError, Text, from_bytes, to_bytes, wire_struct},
    video::{index::Index, index_wire::IndexWireError, stamp::Stamp},
};

/// Raised when files give another index than before, or entries look different.
const VERSION: u16 = 1;

/// Length of the sum, in bytes.
const SUM: usize = 32;

wire_struct! {
    struct Record { version: u16, file: Text, stamp: Stamp, index: Blob }
}

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
        let index = index.to_bytes().into();
        let record = to_bytes(&Record { version: VERSION, file: name.into(), stamp: on_any_device(stamp), index });
        [&Sha256::digest(&record)[..], &record].concat()
    }

    /// The index in an entry, if it is of this file as it is now.
    pub(super) fn read(bytes: &[u8], name: &str, stamp: &Stamp) -> Result<Index, EntryError> {
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
        Ok(Index::from_bytes(&record.index, stamp.size)?)
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
        let record = to_bytes(&Record { version, file: name.into(), stamp: stamp.clone(), index: index.into() });
        [&Sha256::digest(&record)[..], &record].concat()
    }
}
