//! A directory in this process's memory.

use std::{
    collections::{HashMap, VecDeque},
    ops::Bound,
};

use super::{Chain, Directory, DirectoryTree, Link, NameTaken, Page};
use crate::types::{DirectoryEntry, DirectorySequence, Fingerprint, Head, MemberName, limits::EPOCH_GAP, wire::Blob};

/// Key records kept of members who left: enough for the messages that are under way. 12 MiB at most, when all are of
/// the largest size.
const DEPARTED: usize = 1024;

/// A [`Directory`] that lives as long as the hub's process.
#[derive(Debug, Default)]
pub struct MemoryDirectory {
    tree: DirectoryTree,
    records: HashMap<Fingerprint, Blob>,
    /// Fingerprints of those who left, oldest first.
    departed: VecDeque<Fingerprint>,
    chain: Chain,
    /// Of the first change of this process.
    first: DirectorySequence,
}

impl MemoryDirectory {
    /// An empty directory that goes on with the chain of one that has ended. It leaves out numbers, since members may
    /// have seen changes that are not in `chain`.
    #[must_use]
    pub fn resume(chain: Chain) -> Self {
        let end = chain.end().epoch;
        let gap = if end == DirectorySequence::default() { 0 } else { EPOCH_GAP };
        Self { first: DirectorySequence(end.0.saturating_add(gap)).next(), chain, ..Self::default() }
    }

    /// Gives the change that was just made its number.
    fn changed(&mut self) -> DirectorySequence {
        let sequence = self.chain.end().epoch.next().max(self.first);
        self.chain.push(sequence, self.tree.state());
        sequence
    }
}

impl Directory for MemoryDirectory {
    fn claim(&mut self, entry: DirectoryEntry, record: Blob) -> Result<DirectorySequence, NameTaken> {
        if self.tree.members().contains_key(&entry.name) {
            return Err(NameTaken);
        }
        self.departed.retain(|gone| *gone != entry.fingerprint);
        self.records.insert(entry.fingerprint, record);
        self.tree.insert(entry);
        Ok(self.changed())
    }

    fn release(&mut self, name: &MemberName) -> Option<DirectorySequence> {
        let entry = self.tree.remove(name)?;
        // The same keys may be here under a second name.
        if !self.tree.members().values().any(|other| other.fingerprint == entry.fingerprint) {
            self.departed.push_back(entry.fingerprint);
        }
        if self.departed.len() > DEPARTED
            && let Some(oldest) = self.departed.pop_front()
        {
            self.records.remove(&oldest);
        }
        Some(self.changed())
    }

    fn renew(&mut self, fingerprint: Fingerprint, record: Blob) {
        if let Some(known) = self.records.get_mut(&fingerprint) {
            *known = record;
        }
    }

    fn find(&self, name: &MemberName) -> Option<&DirectoryEntry> {
        self.tree.members().get(name)
    }

    fn record(&self, fingerprint: &Fingerprint) -> Option<Blob> {
        self.records.get(fingerprint).cloned()
    }

    fn page(&self, after: Option<&MemberName>, limit: usize) -> Page {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.tree.members().range::<MemberName, _>((from, Bound::Unbounded)).map(|(_, entry)| entry);
        let entries = rest.by_ref().take(limit).cloned().collect();
        Page { entries, last: rest.next().is_none() }
    }

    fn sequence(&self) -> DirectorySequence {
        self.chain.end().epoch
    }

    fn previous(&self) -> Head {
        self.chain.previous()
    }

    fn last_link(&self) -> Link {
        (self.chain.end().epoch, self.tree.state())
    }

    fn links_after(&self, sequence: DirectorySequence) -> Option<Vec<Link>> {
        self.chain.after(sequence).map(|links| links.copied().collect())
    }

    fn len(&self) -> usize {
        self.tree.members().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{directory::advance, types::DirectoryHead};

    fn entry(name: &str, number: u8) -> DirectoryEntry {
        DirectoryEntry { name: name.parse().unwrap(), fingerprint: Fingerprint([number; 32]), guest: false }
    }

    fn claim(directory: &mut MemoryDirectory, name: &str, number: u8) -> Result<DirectorySequence, NameTaken> {
        directory.claim(entry(name, number), vec![number].into())
    }

    #[test]
    fn bad_input_19_and_21_a_name_and_its_twins_are_taken_once() {
        let mut directory = MemoryDirectory::default();
        assert_eq!(claim(&mut directory, "Zoë", 1), Ok(DirectorySequence(1)));
        assert_eq!(claim(&mut directory, "ZOE\u{308}", 2), Err(NameTaken));
        let name = "zoë".parse().unwrap();
        assert_eq!(directory.find(&name), Some(&entry("Zoë", 1)), "the holder is undisturbed");
        assert_eq!(directory.release(&name), Some(DirectorySequence(2)));
        assert_eq!(directory.release(&name), None);
        assert_eq!(claim(&mut directory, "zoë", 2), Ok(DirectorySequence(3)));
    }

    #[test]
    fn a_directory_that_goes_on_uses_no_number_again_and_keeps_its_chain() {
        let mut before = MemoryDirectory::default();
        claim(&mut before, "bob", 1).unwrap();
        let seen = before.chain.end();
        let mut after = MemoryDirectory::resume(before.chain.clone());
        // Members saw this one, and the disk has not got it.
        let lost = claim(&mut before, "carol", 2).unwrap();
        let first = claim(&mut after, "dave", 3).unwrap();
        assert_eq!((lost, first), (DirectorySequence(2), DirectorySequence(1 + EPOCH_GAP + 1)));
        assert_eq!(claim(&mut after, "eve", 4), Ok(first.next()));
        assert_eq!((after.len(), after.find(&"bob".parse().unwrap())), (2, None));
        let links = after.links_after(seen.epoch).unwrap();
        let fold = |head: DirectoryHead, (epoch, state): &Link| advance(head.head, *epoch, *state);
        assert_eq!(links.iter().fold(seen, fold), after.chain.end());
        assert_eq!(after.links_after(lost), None, "that was another history");
        assert_eq!(claim(&mut MemoryDirectory::resume(Chain::default()), "bob", 1), Ok(DirectorySequence(1)));
    }

    #[test]
    fn pages_follow_one_another_through_changes() {
        let mut directory = MemoryDirectory::default();
        for (number, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
            claim(&mut directory, name, u8::try_from(number).unwrap()).unwrap();
        }
        let first = directory.page(None, 2);
        assert_eq!((first.entries.len(), first.last), (2, false));
        directory.release(&"b".parse().unwrap());
        directory.release(&"c".parse().unwrap());
        let second = directory.page(first.entries.last().map(|entry| &entry.name), 2);
        let names: Vec<_> = second.entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!((names, second.last), (vec!["d", "e"], true));
    }

    #[test]
    fn records_outlive_their_members_for_a_while() {
        let mut directory = MemoryDirectory::default();
        claim(&mut directory, "bob", 7).unwrap();
        directory.release(&"bob".parse().unwrap());
        assert_eq!(directory.record(&Fingerprint([7; 32])), Some(vec![7].into()));
        for number in 0..=DEPARTED {
            let mut fingerprint = [0; 32];
            fingerprint[..8].copy_from_slice(&number.to_be_bytes());
            let name: MemberName = format!("m{number}").parse().unwrap();
            let entry = DirectoryEntry { name: name.clone(), fingerprint: Fingerprint(fingerprint), guest: true };
            directory.claim(entry, Blob::default()).unwrap();
            directory.release(&name);
        }
        assert_eq!(directory.record(&Fingerprint([7; 32])), None);
        assert!(directory.records.len() <= DEPARTED);
    }

    #[test]
    fn the_same_keys_under_two_names_keep_their_record() {
        let mut directory = MemoryDirectory::default();
        claim(&mut directory, "bob", 7).unwrap();
        claim(&mut directory, "rob", 7).unwrap();
        directory.release(&"bob".parse().unwrap());
        assert!(directory.departed.is_empty());
        assert!(directory.record(&Fingerprint([7; 32])).is_some());
    }
}
