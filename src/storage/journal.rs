//! A file that only grows, entry by entry, and survives being cut off anywhere.
//!
//! ```text
//!   file   = "securestream journal 1 " KIND "\n"  entry…
//!   entry  = length u16 (BE) ‖ its complement u16 ‖ check (4 bytes) ‖ body
//!   check  = the first 4 bytes of SHA-256(body)
//! ```
//!
//! A crash in the middle of an addition leaves whole entries and at most one that is torn: that one was never
//! acknowledged and is dropped. Anything else that does not fit is damage, and is told instead of guessed at.

use sha2::{Digest as _, Sha256};

use super::{Storage, StorageError};

/// Longest body of an entry in bytes.
pub const MAX_ENTRY: usize = 65_535;

const HEAD: usize = 8;
const MARK: &str = "securestream journal 1 ";

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk or the file as such.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Another file lies in its place, or one of a newer version.
    #[error("the file \"{name}\" is no journal that this version reads")]
    Unknown { name: String },
    /// An entry in the middle was changed.
    #[error("the file \"{name}\" is damaged at byte {at}")]
    Damaged { name: String, at: usize },
    /// An entry is whole and says nothing that is understood; for the journal's owner to tell.
    #[error("entry {number} of the file \"{name}\" is not understood")]
    Entry { name: String, number: usize },
}

/// The end of a journal. Its file is written through the [`Storage`] that is handed in each time.
#[derive(Debug)]
pub struct Journal {
    name: String,
    kind: &'static str,
    /// Bytes up to the end of the last whole entry; 0 when there is no file yet.
    length: usize,
    /// Whether something may stand after that.
    is_torn: bool,
}

impl Journal {
    /// Opens the journal in the file `name` and reads its entries. `kind` says what they are, in one word.
    ///
    /// # Errors
    /// See [`JournalError`]. Nothing is written.
    pub fn open(storage: &dyn Storage, name: &str, kind: &'static str) -> Result<(Self, Vec<Vec<u8>>), JournalError> {
        let mut journal = Self { name: name.to_owned(), kind, length: 0, is_torn: false };
        let Some(content) = storage.read(name)? else { return Ok((journal, Vec::new())) };
        let mark = journal.mark();
        if content.len() < mark.len() && mark.as_bytes().starts_with(&content) {
            // Torn in its first line: nothing was ever acknowledged.
            journal.is_torn = true;
            return Ok((journal, Vec::new()));
        }
        if !content.starts_with(mark.as_bytes()) {
            return Err(JournalError::Unknown { name: name.to_owned() });
        }
        let mut entries = Vec::new();
        journal.length = mark.len();
        while let Some(body) = journal.next_entry(&content)? {
            journal.length += HEAD + body.len();
            entries.push(body.to_vec());
        }
        journal.is_torn = journal.length < content.len();
        Ok((journal, entries))
    }

    /// Bytes of the file.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing was ever written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds entries, all by one write that is on the disk when this returns.
    ///
    /// # Errors
    /// None of them counts then; a later call writes over what was left of them.
    pub fn append(&mut self, storage: &mut dyn Storage, entries: &[Vec<u8>]) -> Result<(), StorageError> {
        let mut added = if self.length == 0 { self.mark().into_bytes() } else { Vec::new() };
        write_entries(&mut added, entries);
        if self.is_torn {
            let mut content = storage.read(&self.name)?.unwrap_or_default();
            content.truncate(self.length);
            content.extend_from_slice(&added);
            storage.replace(&self.name, &content)?;
            self.is_torn = false;
        } else {
            storage.append(&self.name, &added).inspect_err(|_| self.is_torn = true)?;
        }
        self.length += added.len();
        Ok(())
    }

    /// Puts these entries in place of all that there are.
    ///
    /// # Errors
    /// The old ones are still there then.
    pub fn rewrite(&mut self, storage: &mut dyn Storage, entries: &[Vec<u8>]) -> Result<(), StorageError> {
        let mut content = self.mark().into_bytes();
        write_entries(&mut content, entries);
        storage.replace(&self.name, &content)?;
        (self.length, self.is_torn) = (content.len(), false);
        Ok(())
    }

    fn mark(&self) -> String {
        format!("{MARK}{}\n", self.kind)
    }

    /// The body of the entry at the end of what was read; nothing when that is all, or the rest was torn.
    fn next_entry<'a>(&self, content: &'a [u8]) -> Result<Option<&'a [u8]>, JournalError> {
        let rest = &content[self.length..];
        let damaged = || JournalError::Damaged { name: self.name.clone(), at: self.length };
        // Some file systems fill what a crash kept from being written with zeros.
        if rest.len() < HEAD || rest.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let (head, rest) = rest.split_at(HEAD);
        let length = u16::from_be_bytes([head[0], head[1]]);
        // A damaged length must not be taken for that of a torn entry, or all that follows would be gone.
        if length != !u16::from_be_bytes([head[2], head[3]]) {
            return Err(damaged());
        }
        let length = usize::from(length);
        match rest.get(..length) {
            None => Ok(None),
            Some(body) if check(body) == head[4..] => Ok(Some(body)),
            Some(_) if rest.len() == length => Ok(None),
            Some(_) => Err(damaged()),
        }
    }
}

fn write_entries(out: &mut Vec<u8>, bodies: &[Vec<u8>]) {
    for body in bodies {
        debug_assert!(body.len() <= MAX_ENTRY, "an entry of {} bytes", body.len());
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&(!length).to_be_bytes());
        out.extend_from_slice(&check(body));
        out.extend_from_slice(body);
    }
}

fn check(body: &[u8]) -> [u8; 4] {
    let hash = Sha256::digest(body);
    [hash[0], hash[1], hash[2], hash[3]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{FailingStorage, Fault, MemoryStorage};

    const FILE: &str = "names";

    fn entries(texts: &[&str]) -> Vec<Vec<u8>> {
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    }

    fn open(storage: &dyn Storage) -> (Journal, Vec<Vec<u8>>) {
        Journal::open(storage, FILE, "test").unwrap()
    }

    /// A storage with a file of this content.
    fn holding(content: &[u8]) -> MemoryStorage {
        let mut storage = MemoryStorage::default();
        storage.replace(FILE, content).unwrap();
        storage
    }

    #[test]
    fn what_was_added_is_read_again_and_a_rewrite_takes_its_place() {
        let mut storage = MemoryStorage::default();
        let (mut journal, none) = open(&storage);
        assert!(none.is_empty() && journal.is_empty());
        journal.append(&mut storage, &entries(&["one", ""])).unwrap();
        journal.append(&mut storage, &entries(&["two"])).unwrap();
        assert_eq!(open(&storage).1, entries(&["one", "", "two"]));
        assert_eq!(open(&storage).0.len(), journal.len());
        journal.rewrite(&mut storage, &entries(&["both"])).unwrap();
        journal.append(&mut storage, &entries(&["three"])).unwrap();
        assert_eq!(open(&storage).1, entries(&["both", "three"]));
    }

    #[test]
    fn cut_at_any_byte_it_has_the_whole_entries_before_and_can_be_added_to() {
        let mut storage = MemoryStorage::default();
        let (mut journal, _) = open(&storage);
        journal.append(&mut storage, &entries(&["first"])).unwrap();
        let first = journal.len();
        journal.append(&mut storage, &entries(&["second", "third"])).unwrap();
        let whole = storage.read(FILE).unwrap().unwrap();
        let second = first + HEAD + "second".len();
        for cut in 0..whole.len() {
            let mut storage = holding(&whole[..cut]);
            let (mut journal, read) = open(&storage);
            let kept = usize::from(cut >= first) + usize::from(cut >= second);
            assert_eq!(read, entries(&["first", "second"][..kept]), "cut at {cut}");
            journal.append(&mut storage, &entries(&["more"])).unwrap();
            let (_, read) = open(&storage);
            assert_eq!(read.len(), kept + 1, "cut at {cut}");
            assert_eq!(read[kept], b"more");
        }
    }

    #[test]
    fn bad_input_59_a_failed_addition_counts_for_nothing_and_the_next_one_mends_it() {
        let mut storage = FailingStorage::new(MemoryStorage::default(), 1, Fault::NoSpace);
        let (mut journal, _) = open(&storage);
        journal.append(&mut storage, &entries(&["kept"])).unwrap();
        journal.append(&mut storage, &entries(&["lost", "and lost"])).unwrap_err();
        assert_eq!(open(&storage).1[0], b"kept");
        storage.allow(2);
        journal.append(&mut storage, &entries(&["new"])).unwrap();
        assert_eq!(open(&storage).1, entries(&["kept", "new"]));
        journal.append(&mut storage, &entries(&["newer"])).unwrap();
        assert_eq!(open(&storage).1, entries(&["kept", "new", "newer"]));
    }

    #[test]
    fn damage_in_the_middle_is_told_with_its_place() {
        let mut storage = MemoryStorage::default();
        let (mut journal, _) = open(&storage);
        journal.append(&mut storage, &entries(&["first", "second", "third"])).unwrap();
        let whole = storage.read(FILE).unwrap().unwrap();
        let mark = journal.mark().len();
        let last = whole.len() - HEAD - "third".len();
        for at in 0..last {
            let mut content = whole.clone();
            content[at] ^= 0x40;
            match Journal::open(&holding(&content), FILE, "test") {
                Err(JournalError::Unknown { .. }) => assert!(at < mark, "byte {at}"),
                Err(JournalError::Damaged { at: told, .. }) => assert!(told <= at && at >= mark, "byte {at}"),
                Ok((_, read)) => panic!("byte {at}: {read:?}"),
                Err(other) => panic!("byte {at}: {other}"),
            }
        }
    }

    #[test]
    fn another_kind_a_newer_version_and_junk_are_refused() {
        for content in ["securestream journal 1 other\n", "securestream journal 2 test\n", "x", "\u{7f}ELF"] {
            let error = Journal::open(&holding(content.as_bytes()), FILE, "test").unwrap_err();
            assert!(matches!(error, JournalError::Unknown { .. }), "{content}: {error}");
        }
        let zeros = [b"securestream journal 1 test\n".as_slice(), &[0; 600]].concat();
        assert!(open(&holding(&zeros)).1.is_empty(), "a crash left zeros");
    }
}
