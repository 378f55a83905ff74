//! Videos in a folder: finds them, opens each once, and reads through what it opened.

mod reader;

use std::{
    collections::BTreeSet,
    fs::{self, File, Metadata, OpenOptions},
    io,
    ops::Range,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use rustix::{fs::OFlags, io::Errno};

use super::{
    catalog::{Catalog, Rendition, SkipReason},
    compat::Compat,
    indexes::Indexes,
    mp4::IndexError,
    source::{ReadError, VideoSource, checked_length},
    stamp::Stamp,
};

pub(super) use reader::FolderReader;
pub use reader::{Effort, Pending};

/// The videos at the top level of a folder, as they were when it was opened.
#[derive(Debug)]
pub struct FolderSource {
    catalog: Arc<Catalog>,
}

impl FolderSource {
    /// Opens and indexes the videos in a folder. Fails only when the folder itself cannot be read: what is wrong
    /// with a file stands in the catalogue.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::open_with(folder, &Compat::default())
    }

    /// As [`FolderSource::open`], also with files that take libavformat.
    pub fn open_with(folder: &Path, compat: &Compat) -> io::Result<Self> {
        FolderReader::new(folder, Indexes::new(compat.clone(), None))
            .read(&BTreeSet::new(), Effort::Whole)
            .map(|(source, _)| source)
    }
}

/// The open file of a rendition of any folder.
pub(super) fn file_of(rendition: &Rendition) -> Result<&VideoFile, ReadError> {
    rendition.open.as_deref().ok_or(ReadError::OutOfRange)
}

impl VideoSource for FolderSource {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    fn read(&self, rendition: &Rendition, bytes: Range<u64>) -> Result<Bytes, ReadError> {
        file_of(rendition)?.read(bytes)
    }

    fn check(&self, rendition: &Rendition) -> Result<(), ReadError> {
        file_of(rendition)?.check()
    }
}

/// An open file, and what it was when it was indexed.
#[derive(Debug)]
pub(super) struct VideoFile {
    pub(super) file: File,
    pub(super) stamp: Stamp,
}

impl VideoFile {
    /// Opens a file at the top level of a folder, whose path is canonical.
    fn open(folder: &Path, name: &str) -> Result<Self, SkipReason> {
        let (file, metadata) = open_file(folder, name)?;
        Ok(Self { file, stamp: Stamp::of(&metadata) })
    }

    pub(super) fn read(&self, bytes: Range<u64>) -> Result<Bytes, ReadError> {
        if bytes.end > self.stamp.size {
            return Err(ReadError::OutOfRange);
        }
        let mut buffer = vec![0; checked_length(&bytes)?];
        match self.file.read_exact_at(&mut buffer, bytes.start) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(ReadError::FileChanged),
            result => result?,
        }
        // Looked at after reading: what was written before then shows in these bytes, later writes do not.
        self.check().map(|()| buffer.into())
    }

    pub(super) fn check(&self) -> Result<(), ReadError> {
        let now = Stamp::of(&self.file.metadata()?);
        if now.has_same_content_as(&self.stamp) { Ok(()) } else { Err(ReadError::FileChanged) }
    }
}

/// Opens a regular file at the top level of a folder, whose path is canonical.
pub(super) fn open_file(folder: &Path, name: &str) -> Result<(File, Metadata), SkipReason> {
    let path = folder.join(name).canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SkipReason::LeavesFolder,
        _ if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => SkipReason::LeavesFolder,
        _ => IndexError::from(error).into(),
    })?;
    if !path.starts_with(folder) {
        return Err(SkipReason::LeavesFolder);
    }
    // A FIFO would block until someone writes to it, some devices act when they are opened: a look first.
    // Then again at what was opened, which is what counts.
    let kind = fs::symlink_metadata(&path).map_err(IndexError::from)?;
    if !kind.is_file() {
        return Err(SkipReason::NotRegular);
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(&path);
    let file = file.map_err(IndexError::from)?;
    let metadata = file.metadata().map_err(IndexError::from)?;
    if !metadata.is_file() {
        return Err(SkipReason::NotRegular);
    }
    Ok((file, metadata))
}

#[cfg(test)]
mod tests;
