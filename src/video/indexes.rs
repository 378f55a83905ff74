//! Indexes of files, each made once: those of files that did not change since are taken off a shelf. So is why a file
//! has none, as long as the same program and libraries would say it again.

mod entry;

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    fmt::Write as _,
    io,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use sha2::{Digest as _, Sha256};

use self::entry::Entry;
use super::{
    catalog::SkipReason,
    compat::{Compat, CompatError, Patience},
    file_name::{FileName, Kind},
    folder::VideoFile,
    index::Index,
    stamp::Stamp,
};

/// Most bytes of one entry. An index of some 40 minutes takes 1 MiB; one that is larger than this is made anew each
/// time.
const MAX_ENTRY: usize = 24 * 1024 * 1024;

/// Most bytes of all entries together.
const MAX_SHELF: u64 = 512 * 1024 * 1024;

/// Keeps indexes from one start to the next, by names of up to 64 letters and digits. It may lose or spoil them: what
/// comes from it is checked. What goes wrong with it is its own matter, since all it saves is time.
pub trait IndexShelf: Send {
    /// What was put there under a name.
    fn take(&mut self, name: &str) -> Option<Vec<u8>>;

    /// Puts something there in place of what was.
    fn put(&mut self, name: &str, bytes: &[u8]);

    /// Throws away what has another name.
    fn keep_only(&mut self, names: &BTreeSet<String>);
}

/// Makes an index of a file whose name says that it is of this kind, while there is patience: [`Compat::read`].
type MakeIndex = dyn Fn(&VideoFile, Kind, &Patience) -> Result<Index, SkipReason> + Send + Sync;

/// Gives indexes: off the shelf if they are there, else from the file.
pub(super) struct Indexes {
    make: Arc<MakeIndex>,
    /// Who says why a file has no index.
    readers: String,
    shelf: Option<Box<dyn IndexShelf>>,
    held: Held,
}

/// What lies on the shelf, as far as it was looked at.
#[derive(Default)]
struct Held {
    /// Bytes at each place.
    places: BTreeMap<String, u64>,
    /// Bytes in all.
    total: u64,
}

impl Held {
    /// So many bytes lie at a place now.
    fn set(&mut self, place: &str, bytes: u64) {
        let before = self.places.insert(place.to_owned(), bytes);
        self.total = self.total - before.unwrap_or(0) + bytes;
    }

    /// How much there would be with so many bytes at a place, in place of what is there.
    fn with(&self, place: &str, bytes: u64) -> u64 {
        self.total - self.places.get(place).copied().unwrap_or(0) + bytes
    }

    fn keep_only(&mut self, names: &BTreeSet<String>) {
        self.places.retain(|place, _| names.contains(place));
        self.total = self.places.values().sum();
    }
}

impl Indexes {
    /// As far as this program reads files.
    pub(super) fn new(compat: Compat, shelf: Option<Box<dyn IndexShelf>>) -> Self {
        let readers = compat.readers();
        let make =
            move |file: &VideoFile, kind, patience: &Patience| compat.read(&file.file, file.stamp.size, kind, patience);
        Self { readers, ..Self::made_by(Box::new(make), shelf) }
    }

    pub(super) fn made_by(make: Box<MakeIndex>, shelf: Option<Box<dyn IndexShelf>>) -> Self {
        Self { make: make.into(), readers: String::new(), shelf, held: Held::default() }
    }

    /// The index of an open file. One that takes longer than a limit, if there is one, is left for another time.
    pub(super) fn index_of(
        &mut self,
        name: &str,
        file: &VideoFile,
        limit: Option<Duration>,
    ) -> Result<Index, SkipReason> {
        let place = place(name);
        if let Some(bytes) = self.shelf.as_mut().and_then(|shelf| shelf.take(&place)) {
            self.held.set(&place, bytes.len() as u64);
            match Entry::read(&bytes, name, &file.stamp, &self.readers) {
                Ok(kept) => return kept.map_err(SkipReason::AsBefore),
                Err(why) => log::debug!("{name:?} is indexed again: {why}"),
            }
        }
        let patience = limit.map_or(Patience::Whole, Patience::For);
        let made = (self.make)(file, FileName::parse(name).kind, &patience);
        self.note(name, &file.stamp, &made);
        made
    }

    /// Begins to index a file for as long as it takes, beside all else. It is given up with what this returns.
    pub(super) fn begin(&self, name: &str, file: VideoFile) -> io::Result<LongRun> {
        let (make, kind, file) = (Arc::clone(&self.make), FileName::parse(name).kind, Arc::new(file));
        let (sender, answer) = bounded(1);
        let (waits, wanted) = bounded(0);
        let read = Arc::clone(&file);
        thread::Builder::new().name("index".into()).spawn(move || {
            // Perhaps nobody waits any more.
            let _ = sender.send(make(&read, kind, &Patience::While(wanted)));
        })?;
        Ok(LongRun { name: name.to_owned(), file, answer, made: None, is_unopened: false, _waits: waits })
    }

    /// Keeps what came of a file, if that says something of it.
    pub(super) fn note(&mut self, name: &str, stamp: &Stamp, made: &Made) {
        let place = place(name);
        match made {
            Ok(index) => self.keep(&place, || Entry::write(index, name, stamp)),
            Err(why) if why.lasts() => {
                let readers = self.readers.clone();
                self.keep(&place, || Entry::refusal(&why.to_string(), name, stamp, &readers));
            }
            Err(_) => {}
        }
    }

    fn keep(&mut self, at: &str, entry: impl FnOnce() -> Vec<u8>) {
        if let Some(shelf) = &mut self.shelf {
            let bytes = entry();
            if bytes.len() <= MAX_ENTRY && self.held.with(at, bytes.len() as u64) <= MAX_SHELF {
                self.held.set(at, bytes.len() as u64);
                shelf.put(at, &bytes);
            }
        }
    }

    /// Throws away what is kept of files that have other names.
    pub(super) fn keep_only<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        if let Some(shelf) = &mut self.shelf {
            let names = names.map(place).collect();
            shelf.keep_only(&names);
            self.held.keep_only(&names);
        }
    }
}

/// What comes of a file.
pub(super) type Made = Result<Index, SkipReason>;

/// A file that is indexed beside all else.
pub(super) struct LongRun {
    pub(super) name: String,
    pub(super) file: Arc<VideoFile>,
    answer: Receiver<Made>,
    made: Option<Made>,
    /// The file could not be opened again the last time, so what comes of this is of no use for now.
    pub(super) is_unopened: bool,
    /// Who takes it apart sees when this is gone.
    _waits: Sender<Infallible>,
}

impl LongRun {
    /// Whether it came to an end that is of use.
    pub(super) fn is_over(&mut self) -> bool {
        if self.made.is_none() {
            self.made = match self.answer.try_recv() {
                Ok(made) => Some(made),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(Err(gone())),
            };
        }
        self.made.is_some() && !self.is_unopened
    }

    /// Its file and what came of it, however long that takes.
    pub(super) fn finish(self) -> (Arc<VideoFile>, Made) {
        let made = self.made.or_else(|| self.answer.recv().ok());
        (self.file, made.unwrap_or_else(|| Err(gone())))
    }

    #[cfg(test)]
    pub(super) fn wait(&mut self) {
        if self.made.is_none() {
            self.made = Some(self.answer.recv().unwrap_or_else(|_| Err(gone())));
        }
    }
}

/// Its thread ended without an answer.
fn gone() -> SkipReason {
    CompatError::NotRun(io::ErrorKind::BrokenPipe.into()).into()
}

/// Under which name a file's index is kept: no file's name does harm that way.
fn place(name: &str) -> String {
    Sha256::digest(name.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A shelf in memory, for tests.
#[derive(Clone, Debug, Default)]
pub struct MemoryShelf(pub Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl IndexShelf for MemoryShelf {
    fn take(&mut self, name: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn put(&mut self, name: &str, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), bytes.to_vec());
    }

    fn keep_only(&mut self, names: &BTreeSet<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| names.contains(name));
    }
}

#[cfg(test)]
mod tests;
