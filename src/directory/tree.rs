//! A whole directory as one hash, brought up to date for each change by hashing little of it again.
//!
//! ```text
//!   bucket of an entry = first byte of SHA-256(folded name)                                    256 buckets
//!   b[i]  = SHA-256(T("securestream/v1/directory-bucket", entry…))       entries by folded name, encoded
//!   state = SHA-256("securestream/v1/directory-state" ‖ b[0] ‖ … ‖ b[255])
//! ```
//!
//! `T` puts each part behind its length, as in `docs/protocol.md`. With 20,000 members a change hashes some 80
//! entries and the 256 hashes.

use std::{array, collections::BTreeMap};

use sha2::{Digest as _, Sha256};

use crate::types::{DirectoryEntry, MemberName, StateHash, wire};

const BUCKETS: usize = 256;
const BUCKET: &[u8] = b"securestream/v1/directory-bucket";
const STATE: &[u8] = b"securestream/v1/directory-state";

/// Members by name, and the hash over all of them.
#[derive(Clone, Debug)]
pub struct DirectoryTree {
    members: BTreeMap<MemberName, DirectoryEntry>,
    buckets: [Bucket; BUCKETS],
}

#[derive(Clone, Debug)]
struct Bucket {
    entries: BTreeMap<MemberName, Vec<u8>>,
    hash: [u8; 32],
}

impl Default for DirectoryTree {
    fn default() -> Self {
        let empty = Bucket { hash: hash_of([].into_iter()), entries: BTreeMap::new() };
        Self { members: BTreeMap::new(), buckets: array::from_fn(|_| empty.clone()) }
    }
}

impl DirectoryTree {
    /// The members by name.
    #[must_use]
    pub fn members(&self) -> &BTreeMap<MemberName, DirectoryEntry> {
        &self.members
    }

    /// Enters a member, in place of one of the same name.
    pub fn insert(&mut self, entry: DirectoryEntry) {
        let bucket = self.bucket(&entry.name);
        bucket.entries.insert(entry.name.clone(), wire::to_bytes(&entry));
        bucket.hash = hash_of(bucket.entries.values());
        // The key is what was typed first, like the value: an insert alone would keep the old one.
        self.members.remove(&entry.name);
        self.members.insert(entry.name.clone(), entry);
    }

    /// Removes the member of that name.
    pub fn remove(&mut self, name: &MemberName) -> Option<DirectoryEntry> {
        let entry = self.members.remove(name)?;
        let bucket = self.bucket(name);
        bucket.entries.remove(name);
        bucket.hash = hash_of(bucket.entries.values());
        Some(entry)
    }

    /// The hash over all of it.
    #[must_use]
    pub fn state(&self) -> StateHash {
        let mut hash = Sha256::new_with_prefix(STATE);
        self.buckets.iter().for_each(|bucket| hash.update(bucket.hash));
        StateHash(hash.finalize().into())
    }

    fn bucket(&mut self, name: &MemberName) -> &mut Bucket {
        &mut self.buckets[usize::from(Sha256::digest(name.folded())[0])]
    }
}

fn hash_of<'a>(entries: impl Iterator<Item = &'a Vec<u8>>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in std::iter::once(BUCKET).chain(entries.map(Vec::as_slice)) {
        hash.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Fingerprint;

    fn entry(name: &str, number: u8) -> DirectoryEntry {
        DirectoryEntry { name: name.parse().unwrap(), fingerprint: Fingerprint([number; 32]), guest: false }
    }

    fn tree(entries: &[DirectoryEntry]) -> DirectoryTree {
        let mut tree = DirectoryTree::default();
        entries.iter().cloned().for_each(|entry| tree.insert(entry));
        tree
    }

    #[test]
    fn the_hash_depends_on_who_is_here_and_not_on_how_they_came() {
        let (bob, eve) = (entry("bob", 1), entry("eve", 2));
        let both = tree(&[bob.clone(), eve.clone()]).state();
        assert_eq!(tree(&[eve.clone(), bob.clone()]).state(), both);
        let mut left = tree(&[bob.clone(), eve.clone(), entry("dan", 3)]);
        left.remove(&"dan".parse().unwrap()).unwrap();
        assert_eq!(left.state(), both);
        assert_eq!(tree(&[entry("bob", 9), eve, bob]).state(), both, "a later entry replaces an earlier one");
    }

    #[test]
    fn every_field_of_every_entry_is_in_the_hash() {
        let of = |entry: DirectoryEntry| tree(&[entry]).state();
        let bob = entry("bob", 1);
        let others = [entry("bob", 2), entry("rob", 1), entry("Bob", 1), DirectoryEntry { guest: true, ..bob.clone() }];
        for other in others {
            assert_ne!(of(other.clone()), of(bob.clone()), "{other:?}");
        }
        assert_ne!(of(bob), DirectoryTree::default().state());
    }

    #[test]
    fn a_hash_that_is_brought_up_to_date_is_that_of_a_new_tree() {
        let mut tree = DirectoryTree::default();
        for number in 0..=255_u8 {
            tree.insert(entry(&format!("member-{number}"), number));
            if number % 3 == 0 {
                tree.remove(&format!("member-{}", number / 2).parse().unwrap());
            }
        }
        let again = self::tree(&tree.members().values().cloned().collect::<Vec<_>>());
        assert_eq!(tree.state(), again.state());
    }
}
