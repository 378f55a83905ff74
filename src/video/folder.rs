//! Videos in a folder: finds them, opens each once, and reads through what it opened.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    ops::Range,
    os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use rustix::fs::OFlags;

use super::{
    catalog::{Catalog, FileId, Rendition, SkipReason},
    compat::Compat,
    file_name::{FileName, Kind},
    index::Index,
    mp4::IndexError,
    source::{ReadError, VideoSource, checked_length},
    subtitles,
};

/// Most files of a folder that are kept open. Half of the 1024 descriptors that a process has by default; the
/// other half is for members.
const MAX_FILES: usize = 512;

/// The videos at the top level of a folder, as they were when it was opened.
#[derive(Debug)]
pub struct FolderSource {
    catalog: Arc<Catalog>,
    files: Vec<VideoFile>,
    /// The number of the first file.
    first: usize,
}

/// An open file, and what it was when it was indexed.
#[derive(Debug)]
struct VideoFile {
    file: File,
    size: u64,
    modified: (i64, i64),
}

impl FolderSource {
    /// Opens and indexes the videos in a folder. Fails only when the folder itself cannot be read: what is wrong
    /// with a file stands in the catalogue.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::open_from(folder, 0, &Compat::default())
    }

    /// As [`FolderSource::open`], also with files that take libavformat.
    pub fn open_with(folder: &Path, compat: &Compat) -> io::Result<Self> {
        Self::open_from(folder, 0, compat)
    }

    /// As [`FolderSource::open_with`], with numbers of files from `first` on, so that those of several sources differ.
    pub(super) fn open_from(folder: &Path, first: usize, compat: &Compat) -> io::Result<Self> {
        let folder = folder.canonicalize()?;
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder)? {
            names.push(entry?.file_name());
        }
        names.sort();
        let (mut found, mut files) = (Vec::new(), Vec::new());
        for name in &names {
            let Some(text) = name.to_str() else {
                let text = name.to_string_lossy().into_owned();
                if FileName::parse(&text).kind != Kind::Other {
                    found.push((text, Err(SkipReason::Name)));
                }
                continue;
            };
            let result = match FileName::parse(text).kind {
                _ if text.starts_with('.') => continue,
                Kind::Other => continue,
                Kind::Unfinished => Err(SkipReason::Unfinished),
                Kind::Indexed | Kind::OtherVideo if files.len() == MAX_FILES => Err(SkipReason::TooMany(MAX_FILES)),
                kind @ (Kind::Indexed | Kind::OtherVideo) => {
                    VideoFile::open(&folder, text, kind, compat).map(|(file, index)| {
                        files.push(file);
                        (FileId(first + files.len() - 1), index)
                    })
                }
            };
            found.push((text.to_owned(), result));
        }
        let catalog = Catalog::build(found).with_subtitles(subtitles::read_all(&folder, &names));
        Ok(Self { catalog: Arc::new(catalog), files, first })
    }

    /// The number after that of the last file.
    pub(super) fn end(&self) -> usize {
        self.first + self.files.len()
    }

    /// Whether a rendition is of this source.
    pub(super) fn has(&self, rendition: &Rendition) -> bool {
        (self.first..self.end()).contains(&rendition.id.0)
    }
}

impl VideoSource for FolderSource {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    fn read(&self, rendition: &Rendition, bytes: Range<u64>) -> Result<Bytes, ReadError> {
        let place = rendition.id.0.checked_sub(self.first).ok_or(ReadError::OutOfRange)?;
        let file = self.files.get(place).ok_or(ReadError::OutOfRange)?;
        if bytes.end > file.size {
            return Err(ReadError::OutOfRange);
        }
        let mut buffer = vec![0; checked_length(&bytes)?];
        match file.file.read_exact_at(&mut buffer, bytes.start) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(ReadError::FileChanged),
            result => result?,
        }
        // Looked at after reading: what was written before then shows in these bytes, later writes do not.
        if file.is_changed()? { Err(ReadError::FileChanged) } else { Ok(buffer.into()) }
    }
}

impl VideoFile {
    /// Opens and indexes a file at the top level of a folder, whose path is canonical.
    fn open(folder: &Path, name: &str, kind: Kind, compat: &Compat) -> Result<(Self, Index), SkipReason> {
        let (file, metadata) = open_file(folder, name)?;
        let index = compat.read(&file, metadata.len(), kind)?;
        Ok((Self { file, size: metadata.len(), modified: modified(&metadata) }, index))
    }

    fn is_changed(&self) -> io::Result<bool> {
        let now = self.file.metadata()?;
        Ok(now.len() != self.size || modified(&now) != self.modified)
    }
}

/// Opens a regular file at the top level of a folder, whose path is canonical.
pub(super) fn open_file(folder: &Path, name: &str) -> Result<(File, Metadata), SkipReason> {
    let path = folder.join(name).canonicalize().map_err(|_| SkipReason::LeavesFolder)?;
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

/// Seconds and nanoseconds.
fn modified(metadata: &Metadata) -> (i64, i64) {
    (metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(test)]
mod tests;
