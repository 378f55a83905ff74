//! The keyring against damage, crashes, full disks and a second opener.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rand::{SeedableRng as _, rngs::StdRng};

use super::{sessions::SESSIONS, *};
use crate::{
    crypto::{Draft, open, seal, testing::InsecureProvider, verify_record},
    storage::{FailingStorage, Fault as DiskFault},
    types::{Code, DirectoryHead, ExitCode, MessageId, SealKind},
};

/// Milliseconds.
const DAY: u64 = 24 * 60 * 60 * 1000;
const NOW: u64 = 1_790_000_000_000;

fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

fn bob() -> MemberName {
    "Bob".parse().unwrap()
}

fn on_disk(members: &Path) -> Result<(Keyring, Origin), KeyringError> {
    Keyring::open(&InsecureProvider, members, &bob(), NOW, &mut rng(1))
}

fn on(storage: impl Storage + 'static) -> Result<(Keyring, Origin), KeyringError> {
    Keyring::with_storage(&InsecureProvider, Box::new(storage), &bob(), NOW, &mut rng(1))
}

/// A letter from a member called alice to the owner of `keyring`.
fn letter(keyring: &Keyring, sequence: u64) -> Letter {
    let (provider, mut rng) = (InsecureProvider, rng(9));
    let alice = Identity::generate(&provider, &"alice".parse().unwrap(), NOW, &mut rng).unwrap();
    let me = keyring.identity();
    let draft = Draft { id: MessageId([1; 16]), sequence, time: NOW, stamp: DirectoryHead::FIRST, text: "hello" };
    let sealed = seal(&provider, &alice, me.verified_record(), &draft, &mut rng).unwrap();
    let opened = open(&provider, me, SealKind::Seal, &sealed.bytes, &mut rng).unwrap();
    let sender = verify_record(&provider, alice.record().clone(), opened.sender()).unwrap();
    opened.verify(&provider, &sender).unwrap()
}

fn take_in(keyring: &mut Keyring, sequence: u64) -> Judgement {
    let letter = letter(keyring, sequence);
    keyring.take_in(&letter).unwrap()
}

#[test]
fn an_identity_is_made_once_and_found_again_under_any_spelling() {
    let base = tempfile::tempdir().unwrap();
    let (first, origin) = on_disk(base.path()).unwrap();
    assert_eq!(origin, Origin::Created);
    let fingerprint = first.identity().fingerprint();
    drop(first);
    let again = Keyring::open(&InsecureProvider, base.path(), &"BOB".parse().unwrap(), NOW, &mut rng(2));
    let (again, origin) = again.unwrap();
    assert_eq!((again.identity().fingerprint(), origin), (fingerprint, Origin::Loaded));
    assert!(base.path().join("bob/identity.pem").is_file());
}

#[test]
fn a_guest_is_new_each_time() {
    let guest = |seed| Keyring::ephemeral(&InsecureProvider, &bob(), NOW, &mut rng(seed)).unwrap();
    assert_ne!(guest(1).identity().fingerprint(), guest(2).identity().fingerprint());
}

#[test]
fn bad_input_61_the_second_client_is_told() {
    let base = tempfile::tempdir().unwrap();
    let first = on_disk(base.path()).unwrap();
    let error = on_disk(base.path()).unwrap_err();
    assert_eq!((error.code(), error.code().exit()), (Code::IdentityInUse, ExitCode::Data));
    assert!(error.to_string().contains("in use by another securestream"), "{error}");
    assert!(error.hint().contains("--ephemeral"));
    drop(first);
    on_disk(base.path()).unwrap();
}

#[test]
fn bad_input_60_identities_that_are_damaged_or_open_to_others_are_refused_and_left_alone() {
    let base = tempfile::tempdir().unwrap();
    drop(on_disk(base.path()).unwrap());
    let file = base.path().join("bob/identity.pem");
    let good = fs::read(&file).unwrap();
    for (what, content) in [("empty", &b""[..]), ("truncated", &good[..good.len() / 2]), ("junk", b"hello\n")] {
        fs::write(&file, content).unwrap();
        let error = on_disk(base.path()).unwrap_err();
        assert_eq!((error.code(), error.code().exit()), (Code::DataUnusable, ExitCode::Data), "{what}");
        assert!(error.to_string().contains("identity.pem") && error.hint().contains("backup"), "{what}: {error}");
        assert_eq!(fs::read(&file).unwrap(), content, "{what}: nothing was written over it");
    }
    fs::write(&file, &good).unwrap();

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let error = on_disk(base.path()).unwrap_err();
    assert_eq!(error.code(), Code::DataUnusable);
    assert!(error.to_string().contains("chmod 600"), "{error}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();

    let elsewhere = base.path().join("elsewhere.pem");
    fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    let error = on_disk(base.path()).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
    fs::rename(&elsewhere, &file).unwrap();
    assert_eq!(on_disk(base.path()).unwrap().1, Origin::Loaded);
}

#[test]
fn someone_else_s_identity_in_the_folder_is_refused() {
    let storage = MemoryStorage::default();
    drop(on(storage.clone()).unwrap());
    let carol = "carol".parse().unwrap();
    let error = Keyring::with_storage(&InsecureProvider, Box::new(storage), &carol, NOW, &mut rng(1)).unwrap_err();
    assert!(matches!(&error, KeyringError::OtherName { found, .. } if *found == bob()), "{error}");
}

#[test]
fn bad_input_34_a_letter_is_fresh_once_even_after_a_restart() {
    let storage = MemoryStorage::default();
    let (mut keyring, _) = on(storage.clone()).unwrap();
    assert_eq!(take_in(&mut keyring, 7), Judgement::Fresh);
    assert_eq!(take_in(&mut keyring, 7), Judgement::Duplicate);
    assert_eq!(take_in(&mut keyring, 6), Judgement::Fresh);
    drop(keyring);
    for _ in 0..2 {
        let (mut keyring, _) = on(storage.clone()).unwrap();
        assert_eq!([6, 7].map(|sequence| take_in(&mut keyring, sequence)), [Judgement::Duplicate; 2]);
    }
}

#[test]
fn a_crash_within_a_mark_loses_that_mark_only() {
    let mut storage = MemoryStorage::default();
    let (mut keyring, _) = on(storage.clone()).unwrap();
    take_in(&mut keyring, 1);
    take_in(&mut keyring, 2);
    drop(keyring);
    let file = storage.read(MARKS).unwrap().unwrap();
    for cut in 1..45 {
        storage.replace(MARKS, &file[..file.len() - cut]).unwrap();
        let (mut keyring, _) = on(storage.clone()).unwrap();
        assert_eq!(take_in(&mut keyring, 1), Judgement::Duplicate);
        assert_eq!(take_in(&mut keyring, 2), Judgement::Fresh, "{cut} bytes cut");
        // What is added after the crash is whole again.
        drop(keyring);
        assert_eq!(take_in(&mut on(storage.clone()).unwrap().0, 2), Judgement::Duplicate);
    }
}

#[test]
fn damaged_marks_and_counters_are_told() {
    let mut storage = MemoryStorage::default();
    drop(on(storage.clone()).unwrap());
    for file in [MARKS, COUNTERS] {
        let good = storage.read(file).unwrap();
        storage.replace(file, b"junk").unwrap();
        let error = on(storage.clone()).unwrap_err();
        assert_eq!(error.code(), Code::DataUnusable);
        assert!(error.hint().contains(file), "{}", error.hint());
        match good {
            Some(good) => storage.replace(file, &good).unwrap(),
            None => storage.remove(file).unwrap(),
        }
    }
}

#[test]
fn bad_input_59_a_full_disk_makes_no_half_an_identity() {
    for fault in [DiskFault::NoSpace, DiskFault::Broken] {
        let storage = MemoryStorage::default();
        let error = on(FailingStorage::new(storage.clone(), 0, fault)).unwrap_err();
        assert_eq!((error.code(), error.code().exit()), (Code::DataUnusable, ExitCode::Data));
        assert_eq!(storage.read(IDENTITY).unwrap(), None);

        let (keyring, _) = on(storage.clone()).unwrap();
        let fingerprint = keyring.identity().fingerprint();
        drop(keyring);
        let error = on(FailingStorage::new(storage.clone(), 0, fault)).unwrap_err();
        assert!(matches!(error, KeyringError::Storage(StorageError::Io { .. })), "{error}");
        assert_eq!(on(storage).unwrap().0.identity().fingerprint(), fingerprint);
    }
}

#[test]
fn bad_input_59_a_full_disk_lets_no_message_through_unmarked() {
    let storage = MemoryStorage::default();
    let mut keyring = on(FailingStorage::new(storage.clone(), 5, DiskFault::NoSpace)).unwrap().0;
    assert_eq!(take_in(&mut keyring, 1), Judgement::Fresh);
    // The identity, the sessions, the marks, the identity with its bundle and one mark were written; the next is torn.
    let refused = letter(&keyring, 2);
    assert_eq!(keyring.take_in(&refused).unwrap_err().code(), Code::DataUnusable);
    assert!(keyring.take_in(&refused).is_err());
    assert!(keyring.next_sequence(Audience::Group).is_err());
    drop(keyring);
    let mut keyring = on(storage).unwrap().0;
    assert_eq!(take_in(&mut keyring, 1), Judgement::Duplicate);
    assert_eq!(take_in(&mut keyring, 2), Judgement::Fresh, "it was not shown, so it may be now");
}

#[test]
fn a_disk_that_is_mended_needs_no_restart() {
    let mut keyring = on(FlakyStorage::default()).unwrap().0;
    for sequence in 1..20 {
        let letter = letter(&keyring, sequence);
        let judged = std::iter::repeat_with(|| keyring.take_in(&letter)).take(3).find_map(Result::ok);
        assert_eq!(judged, Some(Judgement::Fresh), "{sequence}");
        assert_eq!(keyring.take_in(&letter).ok(), Some(Judgement::Duplicate));
    }
    let file = keyring.storage.read(MARKS).unwrap().unwrap();
    let (replay, _) = Replay::decode(&file).unwrap();
    let from = letter(&keyring, 1).from;
    assert!((1..20).all(|n| replay.judge(from, crate::crypto::Stream::Direct, n) == Judgement::Duplicate));
}

#[test]
fn many_marks_are_folded_into_a_snapshot() {
    let storage = MemoryStorage::default();
    let (mut keyring, _) = on(storage.clone()).unwrap();
    let mut letter = letter(&keyring, 0);
    for sequence in 0..=u64::try_from(MAX_APPENDED).unwrap() {
        letter.sequence = sequence;
        assert_eq!(keyring.take_in(&letter).unwrap(), Judgement::Fresh);
    }
    assert!(storage.read(MARKS).unwrap().unwrap().len() < 500);
}

#[test]
fn sequences_never_come_again() {
    let storage = MemoryStorage::default();
    let (mut keyring, _) = on(storage.clone()).unwrap();
    let used = (0..300).map(|_| keyring.next_sequence(Audience::Group).unwrap()).max().unwrap();
    drop(keyring);
    let earlier = Keyring::with_storage(&InsecureProvider, Box::new(storage), &bob(), NOW - 5000, &mut rng(1));
    assert!(earlier.unwrap().0.next_sequence(Audience::Group).unwrap() > used);
}

/// Every third append is torn; all else works.
#[derive(Default)]
struct FlakyStorage {
    inner: MemoryStorage,
    appends: usize,
}

impl Storage for FlakyStorage {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.inner.read(name)
    }

    fn replace(&mut self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.inner.replace(name, content)
    }

    fn append(&mut self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.appends += 1;
        let writes = usize::from(!self.appends.is_multiple_of(3));
        FailingStorage::new(self.inner.clone(), writes, DiskFault::Broken).append(name, content)
    }

    fn names(&self) -> Result<Vec<String>, StorageError> {
        self.inner.names()
    }

    fn remove(&mut self, name: &str) -> Result<(), StorageError> {
        self.inner.remove(name)
    }
}

fn phrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned().into()).unwrap()
}

fn unlock(storage: impl Storage + 'static, text: &str) -> Result<(Keyring, Origin), KeyringError> {
    Keyring::on(&InsecureProvider, Box::new(storage), (&bob(), Some(&phrase(text))), NOW, &mut rng(1))
        .map_err(|fault| fault.in_folder(Path::new("")))
}

#[test]
fn a_passphrase_is_asked_for_and_a_wrong_one_told() {
    let storage = MemoryStorage::default();
    let (mut keyring, _) = on(storage.clone()).unwrap();
    let fingerprint = keyring.identity().fingerprint();
    keyring.protect(&InsecureProvider, Some(&phrase("correct horse")), &mut rng(2)).unwrap();
    drop(keyring);
    let before = storage.read(IDENTITY).unwrap();
    let missing = on(storage.clone()).unwrap_err();
    assert!(matches!(missing, KeyringError::PassphraseNeeded { .. }), "{missing}");
    assert!(missing.hint().contains("SECURESTREAM_PASSPHRASE"));
    let wrong = unlock(storage.clone(), "correct hors").unwrap_err();
    assert!(matches!(wrong, KeyringError::WrongPassphrase { .. }), "{wrong}");
    for error in [missing, wrong] {
        assert_eq!((error.code(), error.code().exit()), (Code::PassphraseNeeded, ExitCode::Data));
    }
    let (keyring, origin) = unlock(storage.clone(), "correct horse").unwrap();
    assert_eq!((keyring.identity().fingerprint(), origin), (fingerprint, Origin::Loaded));
    assert_eq!(storage.read(IDENTITY).unwrap(), before, "opening changes nothing");
}

#[test]
fn a_passphrase_that_is_not_needed_does_no_harm_and_protects_nothing() {
    let storage = MemoryStorage::default();
    let (keyring, origin) = unlock(storage.clone(), "correct horse").unwrap();
    assert_eq!((keyring.identity().is_protected(), origin), (false, Origin::Created));
    drop(keyring);
    on(storage).unwrap();
}

#[test]
fn a_change_is_on_the_disk_before_it_holds() {
    type Change = fn(&mut Keyring) -> Result<(), KeyringError>;
    let changes: [(&str, Change); 4] = [
        ("rotate", |keyring| keyring.rotate(&InsecureProvider, None, NOW, &mut rng(5))),
        ("protect", |keyring| keyring.protect(&InsecureProvider, Some(&phrase("correct horse")), &mut rng(5))),
        ("change", |keyring| keyring.protect(&InsecureProvider, Some(&phrase("battery")), &mut rng(6))),
        ("bundle", |keyring| keyring.renew_bundle(NOW + 8 * DAY, &mut rng(5)).map(drop)),
    ];
    for (what, change) in changes {
        let storage = MemoryStorage::default();
        let (mut keyring, _) = on(storage.clone()).unwrap();
        change(&mut keyring).unwrap();
        let file = storage.read(IDENTITY).unwrap().unwrap();
        assert_eq!(*file, *keyring.identity().to_pem().unwrap().as_bytes(), "{what}");

        for fault in [DiskFault::NoSpace, DiskFault::Broken] {
            let storage = MemoryStorage::default();
            drop(on(storage.clone()).unwrap());
            let before = storage.read(IDENTITY).unwrap();
            let (mut keyring, _) = on(FailingStorage::new(storage.clone(), 2, fault)).unwrap();
            let record = keyring.identity().record().clone();
            assert_eq!(change(&mut keyring).unwrap_err().code(), Code::DataUnusable, "bad_input_59 {what}");
            assert_eq!(storage.read(IDENTITY).unwrap(), before, "{what}");
            assert_eq!(*keyring.identity().record(), record, "{what}");
            assert!(!keyring.identity().is_protected(), "{what}");
        }
    }
}

#[test]
fn new_keys_take_the_place_of_the_old_ones_under_their_passphrase() {
    let storage = MemoryStorage::default();
    let (mut keyring, _) = on(storage.clone()).unwrap();
    let old = keyring.identity().fingerprint();
    keyring.protect(&InsecureProvider, Some(&phrase("correct horse")), &mut rng(2)).unwrap();
    let error = keyring.rotate(&InsecureProvider, None, NOW, &mut rng(3)).unwrap_err();
    assert_eq!(error.code(), Code::PassphraseNeeded, "{error}");
    keyring.rotate(&InsecureProvider, Some(&phrase("correct horse")), NOW, &mut rng(3)).unwrap();
    let new = keyring.identity().fingerprint();
    assert_ne!(new, old);
    drop(keyring);
    let (keyring, _) = unlock(storage, "correct horse").unwrap();
    assert_eq!(keyring.identity().fingerprint(), new);
    assert!(keyring.identity().verified_record().descends_from(old));
}

/// The identity of this folder as version 0.1 had it, but for the record.
fn make_earlier(storage: &mut MemoryStorage) {
    let file = String::from_utf8(storage.read(IDENTITY).unwrap().unwrap()).unwrap();
    let (from, to) = ("-----BEGIN SECURESTREAM STORAGE KEY-----", "-----END SECURESTREAM STORAGE KEY-----\n");
    let (before, rest) = file.split_once(from).unwrap();
    let (_, after) = rest.split_once(to).unwrap();
    storage.replace(IDENTITY, [before, after].concat().as_bytes()).unwrap();
    storage.remove(SESSIONS).unwrap();
}

#[test]
fn an_earlier_file_gets_its_storage_key_once_and_on_the_disk_first() {
    let mut storage = MemoryStorage::default();
    let fingerprint = on(storage.clone()).unwrap().0.identity().fingerprint();
    make_earlier(&mut storage);
    let earlier = storage.read(IDENTITY).unwrap();
    for fault in [DiskFault::NoSpace, DiskFault::Broken] {
        assert!(on(FailingStorage::new(storage.clone(), 0, fault)).is_err());
        assert_eq!(storage.read(IDENTITY).unwrap(), earlier, "bad_input_59");
    }
    drop(on(storage.clone()).unwrap());
    let upgraded = storage.read(IDENTITY).unwrap();
    assert_ne!(upgraded, earlier);
    assert_eq!(on(storage.clone()).unwrap().0.identity().fingerprint(), fingerprint);
    assert_eq!(storage.read(IDENTITY).unwrap(), upgraded, "the storage key stays");
}
