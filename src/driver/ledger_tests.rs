//! Ledgers on disks that fail, that are cut off, and that were tampered with.

use std::sync::{Arc, Mutex};

use super::*;
use crate::{
    server::{
        InviteCode,
        bindings::{Ban, Bind, Invite},
    },
    storage::{FailingStorage, Fault, MAX_FILE, MemoryStorage},
    types::{
        DirectorySequence, Fingerprint, MemberName, StateHash,
        limits::{MAX_BANS, MAX_BINDINGS, MAX_INVITES},
    },
};

fn bind(name: &str, sequence: u64) -> Change {
    let name: MemberName = name.parse().unwrap();
    Change::Bind(Bind { name, fingerprint: Fingerprint([1; 32]), sequence, invite: None })
}

fn link(number: u64) -> Link {
    (DirectorySequence(number), StateHash([u8::try_from(number % 251).unwrap(); 32]))
}

fn open(storage: &MemoryStorage) -> (Ledger, Remembered) {
    Ledger::open(Box::new(storage.clone())).unwrap()
}

fn names(storage: &MemoryStorage) -> Vec<Change> {
    open(storage).1.bindings.changes().collect()
}

/// A failing storage that the test can mend while a ledger has it.
#[derive(Clone)]
struct Shared(Arc<Mutex<FailingStorage<MemoryStorage>>>);

impl Shared {
    fn failing_after(storage: &MemoryStorage, writes: usize) -> Self {
        Self(Arc::new(Mutex::new(FailingStorage::new(storage.clone(), writes, Fault::NoSpace))))
    }
}

impl Storage for Shared {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.lock().unwrap().read(name)
    }

    fn names(&self) -> Result<Vec<String>, StorageError> {
        self.0.lock().unwrap().names()
    }

    fn replace(&mut self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.0.lock().unwrap().replace(name, content)
    }

    fn append(&mut self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.0.lock().unwrap().append(name, content)
    }

    fn remove(&mut self, name: &str) -> Result<(), StorageError> {
        self.0.lock().unwrap().remove(name)
    }
}

#[test]
fn what_was_kept_is_known_after_a_restart() {
    let storage = MemoryStorage::default();
    let (mut ledger, nothing) = open(&storage);
    assert!(nothing.bindings.is_empty());
    ledger.keep(&[bind("alice", 1), bind("bob", 2)]).unwrap();
    ledger.keep_links(&[link(1), link(2)]).unwrap();
    ledger.keep_links(&[link(3)]).unwrap();
    let end = ledger.chain.end();
    let (mut ledger, known) = open(&storage);
    assert_eq!(known.bindings.changes().collect::<Vec<_>>(), [bind("alice", 1), bind("bob", 2)]);
    assert_eq!((known.chain.end(), known.chain.links().count()), (end, 3));
    ledger.keep(&[bind("alice", 3)]).unwrap();
    assert_eq!(names(&storage), [bind("alice", 3), bind("bob", 2)]);
}

#[test]
fn a_kill_at_every_byte_of_the_last_write_loses_at_most_what_nobody_was_told_of() {
    let storage = MemoryStorage::default();
    let (mut ledger, _) = open(&storage);
    ledger.keep(&[bind("alice", 1)]).unwrap();
    let before = storage.read(BINDINGS).unwrap().unwrap().len();
    ledger.keep(&[bind("bob", 1), bind("carol", 1)]).unwrap();
    let whole = storage.read(BINDINGS).unwrap().unwrap();
    for cut in before..whole.len() {
        let mut storage = MemoryStorage::default();
        storage.replace(BINDINGS, &whole[..cut]).unwrap();
        let (mut ledger, known) = open(&storage);
        let left: Vec<Change> = known.bindings.changes().collect();
        let all = [bind("alice", 1), bind("bob", 1), bind("carol", 1)];
        assert!(!left.is_empty() && all.starts_with(&left), "cut at {cut}: {left:?}");
        ledger.keep(&[bind("dave", 1)]).unwrap();
        assert_eq!(names(&storage).len(), left.len() + 1, "cut at {cut}");
    }
}

#[test]
fn bad_input_59_a_full_disk_refuses_a_batch_and_takes_the_next() {
    let storage = MemoryStorage::default();
    let shared = Shared::failing_after(&storage, 1);
    let (mut ledger, _) = Ledger::open(Box::new(shared.clone())).unwrap();
    let batch = |ledger: &mut Ledger, name: &str| {
        let mut answers = Vec::new();
        let jobs = [Job::Link(link(1)), Job::Change(CommitId(7), bind(name, 1))];
        write_batch(ledger, jobs.into_iter(), |id, is_kept| answers.push((id, is_kept)));
        answers
    };
    assert_eq!(batch(&mut ledger, "alice"), [(CommitId(7), true)], "and the link is not written");
    assert_eq!(batch(&mut ledger, "bob"), [(CommitId(7), false)]);
    shared.0.lock().unwrap().allow(usize::MAX);
    assert_eq!(batch(&mut ledger, "carol"), [(CommitId(7), true)]);
    assert_eq!(names(&storage), [bind("alice", 1), bind("carol", 1)]);
    assert_eq!(open(&storage).1.chain.links().count(), 3, "the links that failed as well");
}

#[test]
fn damaged_and_foreign_files_are_refused_instead_of_forgotten() {
    let storage = MemoryStorage::default();
    let (mut ledger, _) = open(&storage);
    ledger.keep(&[bind("alice", 1), bind("bob", 1)]).unwrap();
    ledger.keep_links(&[link(1), link(2)]).unwrap();
    for file in [BINDINGS, CHAIN] {
        let good = storage.read(file).unwrap().unwrap();
        let mut middle = good.clone();
        middle[50] ^= 1;
        for bad in [b"something else".to_vec(), middle] {
            storage.clone().replace(file, &bad).unwrap();
            let error = Ledger::open(Box::new(storage.clone())).map(drop).unwrap_err();
            assert!(error.to_string().contains(file), "{error}");
        }
        // An entry that is whole and of a newer version.
        let (mut journal, _) =
            Journal::open(&MemoryStorage::default(), file, if file == CHAIN { CHAIN } else { BINDINGS }).unwrap();
        journal.rewrite(&mut storage.clone(), &[vec![99, 0xc0]]).unwrap();
        let error = Ledger::open(Box::new(storage.clone())).map(drop).unwrap_err();
        assert!(matches!(error, JournalError::Entry { number: 0, .. }), "{error}");
        storage.clone().replace(file, &good).unwrap();
    }
    assert_eq!(names(&storage).len(), 2);
}

#[test]
fn files_have_an_end_however_often_something_changes() {
    let storage = MemoryStorage::default();
    let (mut ledger, _) = open(&storage);
    let mut longest = 0;
    for round in 0..200 {
        let changes: Vec<_> = (0..100).map(|name| bind(&format!("m{name}"), round)).collect();
        ledger.keep(&changes).unwrap();
        longest = longest.max(storage.read(BINDINGS).unwrap().unwrap().len());
    }
    assert!(longest < SLACK + 64 * 1024, "{longest}");
    assert_eq!(names(&storage).len(), 100);

    let all: Vec<_> = (1..=3 * MAX_LINKS as u64).map(link).collect();
    for links in all.chunks(1000) {
        ledger.keep_links(links).unwrap();
        longest = longest.max(storage.read(CHAIN).unwrap().unwrap().len());
    }
    assert!(longest < MAX_LINKS * 60, "{longest}");
    let (again, known) = open(&storage);
    assert_eq!((known.chain.end(), again.chain.links().count()), (ledger.chain.end(), MAX_HEADS));
}

#[test]
fn as_much_as_is_kept_fits_a_file_that_can_be_read_again() {
    let name: MemberName = "n".repeat(64).parse().unwrap();
    let (fingerprint, hash) = (Fingerprint([1; 32]), InviteCode::new([1; 10]).hash());
    let bind = Bind { name: name.clone(), fingerprint, sequence: u64::MAX, invite: Some(hash) };
    let ban = Ban { name: name.clone(), fingerprint: Some(fingerprint) };
    let invite = Invite { hash, name: Some(name) };
    let size = |change: Change| change.to_bytes().len() + 8;
    let all = MAX_BINDINGS * size(Change::Bind(bind))
        + MAX_BANS * size(Change::Ban(ban))
        + MAX_INVITES * size(Change::Invite(invite));
    assert!(2 * all + 2 * SLACK < usize::try_from(MAX_FILE).unwrap(), "{all}");
}
