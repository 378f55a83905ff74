//! Sessions as a file that only their member can read: a snapshot, then a step for each change.
//!
//! ```text
//!   "securestream sessions 1\n" ‖ id 16 B ‖ entry …
//!   entry n:  length u32 ‖ check 4 B ‖ nonce 24 B ‖ XChaCha20-Poly1305(key, nonce,
//!                 aad = T("securestream/v1/sessions-at-rest", id, n u64), content)
//!   key:      HKDF(storage key, "securestream/v1/sessions-at-rest"), no salt
//!   check:    start of SHA-256 of length and n; length is that of nonce and ciphertext
//! ```
//!
//! The id is random for each file, so that entries cannot be moved from one to another. An end that a crash tore is
//! dropped; damage anywhere else is told, because going on from an older state would lose what comes next.

use std::fmt;

use hkdf::Hkdf;
use rand::CryptoRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::crypto::{aead, envelope::expand, identity::Identity, secret::Secret, transcript};

const MAGIC: &[u8] = b"securestream sessions 1\n";
const ID: usize = 16;
const HEADER: usize = 8;
const NONCE: usize = 24;

/// Why a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Not written by this program, or changed since.
    #[error("the kept sessions are damaged")]
    Damaged,
    /// Whole, but under another key.
    #[error("the kept sessions are of another identity")]
    OtherKey,
}

/// Writes and reads entries of one file.
pub struct Journal {
    key: Secret<32>,
    id: [u8; ID],
    /// Entries that the file has.
    entries: u64,
}

impl Journal {
    /// For a new file of this member. [`Journal::begin`] gives its first bytes.
    #[must_use]
    pub fn new(owner: &Identity) -> Self {
        Self { key: derive(owner.storage_key()), id: [0; ID], entries: 0 }
    }

    /// Reads a file: its entries, and a journal that goes on behind them. True when an end was torn: then nothing may be
    /// appended before a new file is begun.
    ///
    /// # Errors
    /// See [`JournalError`].
    #[allow(clippy::type_complexity, reason = "three results that are taken apart at once")]
    pub fn read(owner: &Identity, file: &[u8]) -> Result<(Self, Vec<Zeroizing<Vec<u8>>>, bool), JournalError> {
        let behind = file.strip_prefix(MAGIC).ok_or(JournalError::Damaged)?;
        let (id, mut rest) = behind.split_first_chunk().ok_or(JournalError::Damaged)?;
        let mut journal = Self { key: derive(owner.storage_key()), id: *id, entries: 0 };
        let mut entries = Vec::new();
        while let Some((sealed, behind)) = journal.next(rest)? {
            match journal.open(sealed) {
                Some(entry) => entries.push(entry),
                None if entries.is_empty() => return Err(JournalError::OtherKey),
                // A power cut may leave the last block unwritten.
                None if behind.is_empty() => break,
                None => return Err(JournalError::Damaged),
            }
            journal.entries += 1;
            rest = behind;
        }
        if entries.is_empty() {
            return Err(JournalError::Damaged);
        }
        Ok((journal, entries, !rest.is_empty()))
    }

    /// A whole new file that holds `snapshot`; entries are appended to it from then on.
    pub fn begin(&mut self, snapshot: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
        rng.fill_bytes(&mut self.id);
        self.entries = 0;
        let entry = self.entry(snapshot, rng);
        [MAGIC, &self.id, &entry].concat()
    }

    /// What to append to the file. It counts as appended.
    pub fn entry(&mut self, content: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let mut sealed = Vec::with_capacity(content.len() + aead::TAG);
        sealed.extend_from_slice(content);
        aead::encrypt(&self.key, nonce, &self.aad(), &mut sealed);
        let header = header(NONCE + sealed.len(), self.entries);
        self.entries += 1;
        [&header[..], &nonce, &sealed].concat()
    }

    /// The next entry, still sealed, and what is behind it. Nothing at the end, torn or not.
    #[allow(clippy::type_complexity, reason = "two results that are taken apart at once")]
    fn next<'a>(&self, rest: &'a [u8]) -> Result<Option<(&'a [u8], &'a [u8])>, JournalError> {
        let Some((found, behind)) = rest.split_first_chunk::<HEADER>() else { return Ok(None) };
        let length = u32::from_be_bytes([found[0], found[1], found[2], found[3]]) as usize;
        if header(length, self.entries) != *found {
            // After a power cut there may be zeros in place of what was written.
            return if behind.iter().all(|byte| *byte == 0) { Ok(None) } else { Err(JournalError::Damaged) };
        }
        Ok(behind.split_at_checked(length))
    }

    fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, text) = sealed.split_first_chunk()?;
        aead::decrypt(&self.key, *nonce, &self.aad(), text)
    }

    fn aad(&self) -> Vec<u8> {
        transcript::transcript(transcript::SESSIONS_AT_REST, &[&self.id, &self.entries.to_be_bytes()])
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal({} entries)", self.entries)
    }
}

fn derive(storage_key: &Secret<32>) -> Secret<32> {
    let mut key = Secret([0; 32]);
    expand(&Hkdf::<Sha256>::new(None, &storage_key.0), transcript::SESSIONS_AT_REST, &mut key.0);
    key
}

fn header(length: usize, number: u64) -> [u8; HEADER] {
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let hash = Sha256::new().chain_update(length).chain_update(number.to_be_bytes()).finalize();
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&length);
    header[4..].copy_from_slice(&hash[..4]);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::fixtures::{member, rng};

    fn alice() -> Identity {
        member("alice")
    }

    /// A file of three entries, and where each ends.
    fn file() -> (Vec<u8>, Vec<usize>) {
        let mut journal = Journal::new(&alice());
        let mut file = journal.begin(b"snapshot", &mut rng(2));
        let mut ends = vec![file.len()];
        for text in ["one", "two"] {
            file.extend(journal.entry(text.as_bytes(), &mut rng(3)));
            ends.push(file.len());
        }
        (file, ends)
    }

    fn entries(file: &[u8]) -> Result<(Vec<Vec<u8>>, bool), JournalError> {
        Journal::read(&alice(), file)
            .map(|(_, entries, torn)| (entries.iter().map(|entry| entry.to_vec()).collect(), torn))
    }

    #[test]
    fn a_journal_comes_back_and_goes_on() {
        let (mut file, _) = file();
        assert!(!file.windows(3).any(|part| part == b"one"), "it is encrypted");
        let (mut journal, read, torn) = Journal::read(&alice(), &file).unwrap();
        assert_eq!((read.len(), torn), (3, false));
        file.extend(journal.entry(b"three", &mut rng(4)));
        assert_eq!(entries(&file).unwrap().0, [&b"snapshot"[..], b"one", b"two", b"three"]);
        file = journal.begin(b"new", &mut rng(5));
        assert_eq!(entries(&file).unwrap().0, [b"new"]);
        assert_eq!(format!("{journal:?}"), "Journal(1 entries)");
    }

    #[test]
    fn a_torn_end_is_dropped_wherever_the_crash_was() {
        let (mut file, ends) = file();
        for length in ends[1]..ends[2] {
            assert_eq!(entries(&file[..length]).unwrap().0.len(), 2, "{length}");
            assert_eq!(entries(&file[..length]).unwrap().1, length > ends[1], "{length}");
        }
        file[ends[1] + 40..].fill(0);
        assert_eq!(entries(&file).unwrap().0.len(), 2, "zeros behind a header");
        file[ends[1] + 5..].fill(0);
        assert_eq!(entries(&file).unwrap().0.len(), 2, "zeros within a header");
        file[ends[1]..].fill(0);
        assert_eq!(entries(&file).unwrap(), (vec![b"snapshot".to_vec(), b"one".to_vec()], true), "zeros only");
    }

    #[test]
    fn damage_elsewhere_is_told() {
        let (file, ends) = file();
        for at in 0..ends[1] {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            assert!(entries(&damaged).is_err(), "byte {at}");
        }
        for length in 0..ends[0] {
            assert!(entries(&file[..length]).is_err(), "{length} bytes");
        }
        assert_eq!(Journal::read(&member("bob"), &file).unwrap_err(), JournalError::OtherKey);
    }

    #[test]
    fn entries_cannot_be_moved_or_left_out() {
        let (file, ends) = file();
        let (one, two) = (&file[ends[0]..ends[1]], &file[ends[1]..]);
        assert!(entries(&[&file[..ends[0]], two, one].concat()).is_err(), "the other way round");
        assert!(entries(&[&file[..ends[0]], one, one, two].concat()).is_err(), "twice");
        let mut other = Journal::new(&alice()).begin(b"snapshot", &mut rng(9));
        other.extend_from_slice(one);
        other.extend_from_slice(two);
        assert!(entries(&other).is_err(), "behind another snapshot");
    }
}
