//! Where a file's bytes come from.

use std::{fs::File, io, os::unix::fs::FileExt as _};

/// Bytes that can be read at any place, of a size that is known before.
pub(crate) trait Input {
    /// In bytes.
    fn size(&self) -> u64;

    /// Fills `buffer` from `offset` on.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl Input for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let part = usize::try_from(offset).ok().and_then(|start| self.get(start..start.checked_add(buffer.len())?));
        buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A file of the size that it had when it was opened.
pub(crate) struct FileInput<'a> {
    pub(crate) file: &'a File,
    pub(crate) size: u64,
}

impl Input for FileInput<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}
