//! Videos in a folder: finds them, opens each once, and reads through what it opened.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, Metadata, OpenOptions},
    io,
    ops::Range,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use rustix::fs::OFlags;

use super::{
    catalog::{Catalog, FileId, Rendition, SkipReason, Usable},
    compat::Compat,
    file_name::{FileName, Kind},
    indexes::Indexes,
    mp4::IndexError,
    source::{ReadError, VideoSource, checked_length},
    stamp::Stamp,
    subtitles,
};

/// Most files of a folder that are kept open. Half of the 1024 descriptors that a process has by default; the
/// other half is for members.
const MAX_FILES: usize = 512;

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
        FolderReader::new(folder, Indexes::new(compat.clone(), None)).read(&BTreeSet::new())
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

/// Reads a folder again and again. Files that are as they were stay open, with their indexes and their numbers.
pub(super) struct FolderReader {
    folder: PathBuf,
    indexes: Indexes,
    /// The number of the next file.
    next: usize,
    /// What came of each file that was read last time.
    before: BTreeMap<String, Before>,
}

/// What came of a file.
enum Before {
    /// It can be used, and was of this stamp.
    Indexed(Usable, Stamp),
    /// It cannot be used, in these words, until it changes.
    Unusable(Stamp, String),
}

impl FolderReader {
    /// Of a folder that is not read yet.
    pub(super) fn new(folder: &Path, indexes: Indexes) -> Self {
        Self { folder: folder.to_owned(), indexes, next: 0, before: BTreeMap::new() }
    }

    /// The videos that are there now; those files that are named are still being written and left alone.
    pub(super) fn read(&mut self, changing: &BTreeSet<String>) -> io::Result<FolderSource> {
        let folder = self.folder.canonicalize()?;
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder)? {
            names.push(entry?.file_name());
        }
        names.sort();
        let (mut found, mut now, mut open) = (Vec::new(), BTreeMap::new(), 0);
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
                Kind::Indexed | Kind::OtherVideo if changing.contains(text) => Err(SkipReason::Changing),
                Kind::Indexed | Kind::OtherVideo if open == MAX_FILES => Err(SkipReason::TooMany(MAX_FILES)),
                Kind::Indexed | Kind::OtherVideo => self.read_file(&folder, text, &mut now),
            };
            open += usize::from(result.is_ok());
            found.push((text.to_owned(), result));
        }
        self.before = now;
        self.indexes.keep_only(self.before.keys().map(String::as_str));
        let catalog = Catalog::build(found).with_subtitles(subtitles::read_all(&folder, &names));
        Ok(FolderSource { catalog: Arc::new(catalog) })
    }

    /// A file's index, and what is to be remembered of the file.
    fn read_file(
        &mut self,
        folder: &Path,
        name: &str,
        now: &mut BTreeMap<String, Before>,
    ) -> Result<Usable, SkipReason> {
        let file = VideoFile::open(folder, name)?;
        match self.before.remove(name) {
            Some(Before::Indexed(usable, stamp)) if stamp == file.stamp => {
                now.insert(name.to_owned(), Before::Indexed(usable.clone(), stamp));
                return Ok(usable);
            }
            Some(Before::Unusable(stamp, why)) if stamp == file.stamp => {
                now.insert(name.to_owned(), Before::Unusable(stamp, why.clone()));
                return Err(SkipReason::AsBefore(why));
            }
            _ => {}
        }
        match self.indexes.index_of(name, &file) {
            Ok(index) => {
                let (id, stamp) = (FileId(self.next), file.stamp.clone());
                self.next += 1;
                let usable = Usable { id, index: Arc::new(index), open: Some(Arc::new(file)) };
                now.insert(name.to_owned(), Before::Indexed(usable.clone(), stamp));
                Ok(usable)
            }
            // What the system refuses it may grant the next time, and the file does not show that.
            Err(reason) if reason.may_pass() => Err(reason),
            Err(reason) => {
                now.insert(name.to_owned(), Before::Unusable(file.stamp, reason.to_string()));
                Err(reason)
            }
        }
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

#[cfg(test)]
mod tests;
