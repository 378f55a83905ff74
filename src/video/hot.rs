//! What several viewers watch at about the same time is read once.
//!
//! ```text
//!   reader threads ──▶ HotSource ── asked for lately ──▶ the same bytes again, once the file proved unchanged
//!                          │
//!                          ├── somebody reads it now ──▶ waits for that
//!                          └── else ──▶ the source below
//! ```

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::{
    catalog::{Catalog, FileId, Rendition},
    source::{ReadError, VideoSource},
};

/// Bytes that are kept, by default. At 5 Mb/s that is 100 s of one title: viewers who began within that time of each
/// other share every read. More would be kept by the system as well, which knows better how much memory is free.
pub const HOT_BYTES: usize = 64 * 1024 * 1024;

/// Which bytes of which file.
type Key = (FileId, u64, u64);

/// A source that keeps what was read last, and lets all who ask for the same at the same time wait for one read.
pub struct HotSource {
    source: Arc<dyn VideoSource>,
    /// Bytes that are kept at most.
    capacity: usize,
    kept: Mutex<Kept>,
    /// A read came to its end.
    read: Condvar,
}

#[derive(Default)]
struct Kept {
    entries: HashMap<Key, Entry>,
    /// When each entry was used last, the oldest first.
    order: BTreeMap<u64, Key>,
    /// Counts uses.
    uses: u64,
    /// Of all entries.
    bytes: usize,
}

enum Entry {
    /// Somebody reads it.
    Reading,
    Ready {
        bytes: Bytes,
        used: u64,
    },
}

impl HotSource {
    /// Over another source; `capacity` is in bytes, see [`HOT_BYTES`].
    #[must_use]
    pub fn new(source: Arc<dyn VideoSource>, capacity: usize) -> Self {
        Self { source, capacity, kept: Mutex::default(), read: Condvar::new() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept under a key, waiting for whoever reads it; nothing when the caller is to read it.
    fn take_or_claim(&self, key: Key) -> Option<Bytes> {
        let mut kept = self.kept();
        loop {
            match kept.entries.get(&key) {
                Some(Entry::Ready { .. }) => return kept.touch(key),
                Some(Entry::Reading) => kept = self.read.wait(kept).unwrap_or_else(PoisonError::into_inner),
                None => {
                    kept.entries.insert(key, Entry::Reading);
                    return None;
                }
            }
        }
    }
}

impl Kept {
    fn touch(&mut self, key: Key) -> Option<Bytes> {
        self.uses += 1;
        let Some(Entry::Ready { bytes, used }) = self.entries.get_mut(&key) else { return None };
        self.order.remove(used);
        *used = self.uses;
        self.order.insert(self.uses, key);
        Some(bytes.clone())
    }

    fn keep(&mut self, key: Key, bytes: Bytes, capacity: usize) {
        self.uses += 1;
        self.bytes += bytes.len();
        self.order.insert(self.uses, key);
        self.entries.insert(key, Entry::Ready { bytes, used: self.uses });
        while self.bytes > capacity
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(Entry::Ready { bytes, used }) = self.entries.remove(key) {
            self.bytes -= bytes.len();
            self.order.remove(&used);
        }
    }

    /// Forgets what was read of a file.
    fn forget(&mut self, file: FileId) {
        let of_file: Vec<Key> = self.order.values().filter(|key| key.0 == file).copied().collect();
        for key in &of_file {
            self.remove(key);
        }
    }
}

/// Takes back a claim to read when the read did not end well, however that was.
struct Claim<'a> {
    source: &'a HotSource,
    key: Key,
}

impl Claim<'_> {
    fn fulfil(self, bytes: &Bytes) {
        self.source.kept().keep(self.key, bytes.clone(), self.source.capacity);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut kept = self.source.kept();
        if matches!(kept.entries.get(&self.key), Some(Entry::Reading)) {
            kept.entries.remove(&self.key);
        }
        drop(kept);
        self.source.read.notify_all();
    }
}

impl VideoSource for HotSource {
    fn catalog(&self) -> Arc<Catalog> {
        self.source.catalog()
    }

    fn read(&self, rendition: &Rendition, bytes: Range<u64>) -> Result<Bytes, ReadError> {
        let key = (rendition.id, bytes.start, bytes.end);
        if let Some(kept) = self.take_or_claim(key) {
            return self.check(rendition).map(|()| kept);
        }
        let claim = Claim { source: self, key };
        let read = self.source.read(rendition, bytes)?;
        claim.fulfil(&read);
        Ok(read)
    }

    fn check(&self, rendition: &Rendition) -> Result<(), ReadError> {
        self.source.check(rendition).inspect_err(|_| self.kept().forget(rendition.id))
    }
}

#[cfg(test)]
mod tests;
