//! What tells a file from what it was before, without reading it.

use std::{fs::Metadata, os::unix::fs::MetadataExt as _};

use crate::types::wire::wire_struct;

wire_struct! {
    /// Which file it is, how large, and when it was changed.
    pub struct Stamp {
        /// In bytes.
        pub size: u64,
        /// When its content changed: seconds since 1970, and nanoseconds.
        pub modified: i64,
        pub modified_ns: i64,
        /// When its content or its inode changed, the same way. Whoever sets the other time back cannot set this.
        pub changed: i64,
        pub changed_ns: i64,
        pub device: u64,
        pub inode: u64,
    }
}

impl Stamp {
    /// Of a file as the system describes it.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: metadata.mtime(),
            modified_ns: metadata.mtime_nsec(),
            changed: metadata.ctime(),
            changed_ns: metadata.ctime_nsec(),
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    /// Whether nothing was written to an open file between two looks at it. To be given another name, or other
    /// rights, changes nothing in it.
    #[must_use]
    pub fn has_same_content_as(&self, other: &Self) -> bool {
        (self.size, self.modified, self.modified_ns) == (other.size, other.modified, other.modified_ns)
    }
}
