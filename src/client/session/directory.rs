//! This member's copy of the directory, and the key records behind it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use rand::{rngs::StdRng, seq::IteratorRandom as _};

use crate::{
    crypto::VerifiedRecord,
    directory::{DirectoryTree, advance},
    proto::message::{DirectoryPage, FetchRecords, Joined, Left},
    types::{DirectoryEntry, DirectoryHead, DirectorySequence, Fingerprint, Head, MemberName, limits::MAX_FETCH},
};

/// Members up to which all key records are fetched, in as many requests as that takes, so that fetching says nothing;
/// beyond, only those that are needed, among decoys.
const FETCH_ALL: usize = 256;

/// Others that are fetched along with the one that is needed.
const DECOYS: usize = 31;

/// Members that a directory may claim to have: far above what one hub serves, and a bound for our memory.
const MAX_MEMBERS: usize = 100_000;

/// Who is here, as this member knows it.
pub(super) struct DirectoryCopy {
    me: Fingerprint,
    tree: DirectoryTree,
    /// Its head is right once the last page is in.
    end: DirectoryHead,
    records: HashMap<Fingerprint, Arc<VerifiedRecord>>,
    /// Needed for a post or a letter.
    wanted: BTreeSet<Fingerprint>,
    /// Asked for; the answer is on its way. One question at a time, so that what the answer leaves out is known.
    asked: BTreeSet<Fingerprint>,
    /// Of these, records that changed since: an answer from before that is out of date. Only one question long, so that
    /// a hub that claims what it does not have is not asked for ever.
    least: HashMap<Fingerprint, u64>,
    /// The answer is here and is being checked.
    has_answer: bool,
    /// Asked for in vain: not asked for again unless they are needed.
    unavailable: BTreeSet<Fingerprint>,
    /// The hub has left out a change.
    has_gap: bool,
    /// Nobody was left out for want of room.
    is_whole: bool,
    rng: StdRng,
}

impl DirectoryCopy {
    pub(super) fn new(me: Fingerprint, rng: StdRng) -> Self {
        Self {
            me,
            tree: DirectoryTree::default(),
            end: DirectoryHead::FIRST,
            records: HashMap::new(),
            wanted: BTreeSet::new(),
            asked: BTreeSet::new(),
            least: HashMap::new(),
            has_answer: false,
            unavailable: BTreeSet::new(),
            has_gap: false,
            is_whole: true,
            rng,
        }
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &DirectoryEntry> {
        self.tree.members().values()
    }

    pub(super) fn find(&self, name: &MemberName) -> Option<&DirectoryEntry> {
        self.tree.members().get(name)
    }

    pub(super) fn sequence(&self) -> DirectorySequence {
        self.end.epoch
    }

    /// The directory as this member knows it: what its letters carry.
    pub(super) fn head(&self) -> DirectoryHead {
        self.end
    }

    /// The name behind a fingerprint, while its member is here.
    pub(super) fn name_of(&self, fingerprint: &Fingerprint) -> Option<&MemberName> {
        self.entry_of(fingerprint).map(|entry| &entry.name)
    }

    /// The member with these keys, while it is here.
    pub(super) fn entry_of(&self, fingerprint: &Fingerprint) -> Option<&DirectoryEntry> {
        self.tree.members().values().find(|entry| entry.fingerprint == *fingerprint)
    }

    /// Whether the hub has left out a change: this is not its directory then.
    pub(super) fn has_gap(&self) -> bool {
        self.has_gap
    }

    /// Whether all that the hub told of is in it.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether the hub was asked for this record in vain.
    pub(super) fn is_unavailable(&self, fingerprint: &Fingerprint) -> bool {
        self.unavailable.contains(fingerprint)
    }

    /// Everybody but this member.
    pub(super) fn others(&self) -> impl Iterator<Item = &DirectoryEntry> {
        self.tree.members().values().filter(|entry| entry.fingerprint != self.me)
    }

    /// The directory is read from its start; changes after `sequence` follow.
    pub(super) fn begin(&mut self, sequence: DirectorySequence) {
        self.tree = DirectoryTree::default();
        (self.has_gap, self.is_whole) = (false, true);
        self.end = DirectoryHead { epoch: sequence, head: Head::FIRST };
    }

    /// Takes in a page; true when it was the last. A page is true as of when it was made, and changes come in
    /// order with it, so entering its members is all there is to do.
    pub(super) fn take_page(&mut self, page: DirectoryPage) -> bool {
        for entry in page.entries {
            self.enter(entry);
        }
        if page.last {
            // Whatever changed before this page was made has come before it.
            self.end = advance(page.previous, page.sequence, self.tree.state());
        }
        page.last
    }

    /// Takes in a change; false when it is old.
    pub(super) fn apply_join(&mut self, joined: Joined) -> bool {
        let is_new = self.is_next(joined.sequence) && self.enter(joined.entry);
        if is_new {
            self.end = advance(self.end.head, joined.sequence, self.tree.state());
        }
        is_new
    }

    /// Takes in a change; who left, unless it is old or nobody of that name was here.
    pub(super) fn apply_leave(&mut self, left: &Left) -> Option<DirectoryEntry> {
        if !self.is_next(left.sequence) {
            return None;
        }
        let gone = self.tree.remove(&left.name);
        self.end = advance(self.end.head, left.sequence, self.tree.state());
        gone
    }

    fn is_next(&mut self, sequence: DirectorySequence) -> bool {
        let is_newer = sequence > self.end.epoch;
        if is_newer && sequence != self.end.epoch.next() {
            log::debug!("the hub left out changes of its directory before {}", sequence.0);
            self.has_gap = true;
        }
        is_newer
    }

    fn enter(&mut self, entry: DirectoryEntry) -> bool {
        if self.tree.members().len() >= MAX_MEMBERS && !self.tree.members().contains_key(&entry.name) {
            log::debug!("the directory is longer than {MAX_MEMBERS} members; {} is left out", entry.name);
            self.is_whole = false;
            return false;
        }
        // The same keys may come back under another name: what they were called before no longer counts.
        if self.records.get(&entry.fingerprint).is_some_and(|record| *record.name() != entry.name) {
            self.records.remove(&entry.fingerprint);
        }
        self.tree.insert(entry);
        true
    }

    /// The checked key record behind a fingerprint.
    pub(super) fn record(&self, fingerprint: &Fingerprint) -> Option<&Arc<VerifiedRecord>> {
        self.records.get(fingerprint)
    }

    /// Forgets a record that is older than this; whether it was there. It is fetched again like one that never was.
    pub(super) fn forget_record(&mut self, fingerprint: &Fingerprint, sequence: u64) -> bool {
        let is_older = |record: &Arc<VerifiedRecord>| record.record().sequence < sequence;
        self.unavailable.remove(fingerprint);
        if self.asked.contains(fingerprint) {
            let least = self.least.entry(*fingerprint).or_default();
            *least = sequence.max(*least);
        }
        self.records.get(fingerprint).is_some_and(is_older) && self.records.remove(fingerprint).is_some()
    }

    /// Asks for a record that is needed now.
    pub(super) fn want(&mut self, fingerprint: Fingerprint) {
        self.unavailable.remove(&fingerprint);
        self.wanted.insert(fingerprint);
    }

    /// Whether the hub has been asked for records and has not answered.
    pub(super) fn is_asking(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Whether the hub's answer may come now: one for each question, however often it says something.
    pub(super) fn take_answer(&mut self) -> bool {
        self.is_asking() && !std::mem::replace(&mut self.has_answer, true)
    }

    /// Takes in the hub's answer: the records of it that are good. Gives back what is needed and was not in it.
    pub(super) fn take_records(&mut self, good: Vec<Arc<VerifiedRecord>>) -> Vec<Fingerprint> {
        let least = std::mem::take(&mut self.least);
        for record in good {
            let fingerprint = record.fingerprint();
            if least.get(&fingerprint).is_some_and(|least| record.record().sequence < *least) {
                // Asked for again: neither taken in nor missing.
                self.asked.remove(&fingerprint);
                self.wanted.insert(fingerprint);
                continue;
            }
            // Keys that are here under a name that is not theirs would take what is meant for somebody else.
            let mut entries = self.tree.members().values().filter(|entry| entry.fingerprint == fingerprint);
            if entries.all(|entry| entry.name == *record.name()) && self.asked.remove(&fingerprint) {
                self.wanted.remove(&fingerprint);
                self.records.insert(fingerprint, record);
            }
        }
        let missing = std::mem::take(&mut self.asked);
        self.has_answer = false;
        self.unavailable.extend(&missing);
        missing.into_iter().filter(|fingerprint| self.wanted.remove(fingerprint)).collect()
    }

    /// What to ask the hub for next, if anything.
    pub(super) fn next_fetch(&mut self) -> Option<FetchRecords> {
        if self.is_asking() {
            return None;
        }
        self.forget_surplus();
        let lacks = |fingerprint: &Fingerprint| {
            !self.records.contains_key(fingerprint)
                && !self.unavailable.contains(fingerprint)
                && *fingerprint != self.me
        };
        let mut needed: BTreeSet<Fingerprint> = self.wanted.iter().copied().filter(lacks).collect();
        if self.tree.members().len() <= FETCH_ALL {
            needed.extend(self.tree.members().values().map(|entry| entry.fingerprint).filter(lacks));
        } else if !needed.is_empty() {
            let others = self.tree.members().values().map(|entry| entry.fingerprint).filter(lacks);
            needed.extend(others.sample(&mut self.rng, DECOYS));
        }
        let fingerprints: Vec<_> = needed.into_iter().take(MAX_FETCH).collect();
        self.asked.extend(&fingerprints);
        (!fingerprints.is_empty()).then_some(FetchRecords { fingerprints })
    }

    /// Records of members who left long ago go when there are many.
    fn forget_surplus(&mut self) {
        if self.records.len() + self.unavailable.len() > 2 * self.tree.members().len() + 1024 {
            let here: BTreeSet<_> = self.tree.members().values().map(|entry| entry.fingerprint).collect();
            self.records.retain(|fingerprint, _| here.contains(fingerprint));
            self.unavailable.retain(|fingerprint| here.contains(fingerprint));
        }
    }
}
