//! Identities that come back, and disks that refuse them.

use rand::{SeedableRng as _, rngs::StdRng};

use super::*;
use crate::{
    client::keyring::Keyring,
    crypto::{Audience, testing::InsecureProvider},
    storage::{FailingStorage, Fault as DiskFault, MemoryStorage},
    types::{Code, MemberName},
};

const FAST: InsecureProvider = InsecureProvider;
const NOW: u64 = 1_790_000_000_000;
const STAMP: &str = "2026-09-21-142640";

fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

fn bob() -> MemberName {
    "bob".parse().unwrap()
}

fn open(storage: &MemoryStorage) -> Keyring {
    Keyring::with_storage(&FAST, Box::new(storage.clone()), &bob(), NOW, &mut rng(1)).unwrap().0
}

/// A folder in use: an identity with a bundle, counters, pins and sessions.
fn folder() -> MemoryStorage {
    let mut storage = MemoryStorage::default();
    let mut keyring = open(&storage);
    keyring.next_sequence(Audience::Group).unwrap();
    drop(keyring);
    storage.replace("pins-0123456789abcdef", b"alice").unwrap();
    storage
}

fn backup(storage: &MemoryStorage) -> Return {
    let keyring = open(storage);
    let file = keyring.identity().to_backup(keyring.kept_files().unwrap(), &mut rng(3)).unwrap();
    let (identity, files) = Identity::from_backup(&FAST, file.as_bytes(), None, NOW, &mut rng(4)).unwrap();
    Return { identity, files, replace: false }
}

fn back(storage: &mut dyn Storage, back: Return, now: u64) -> Result<Restored, KeyringError> {
    restore_on(storage, back, (now, STAMP), &mut rng(5)).map_err(|fault| fault.in_folder(Path::new("")))
}

fn summary(storage: &MemoryStorage) -> Summary {
    Summary::read(&storage.read(IDENTITY).unwrap().unwrap()).unwrap()
}

/// Every file with its content.
fn content(storage: &MemoryStorage) -> Vec<(String, Vec<u8>)> {
    let names = storage.names().unwrap().into_iter();
    names.map(|name| (name.clone(), storage.read(&name).unwrap().unwrap())).collect()
}

#[test]
fn an_identity_survives_the_loss_of_its_folder() {
    let (old, mut new) = (folder(), MemoryStorage::default());
    let kept = backup(&old);
    let names: Vec<&str> = kept.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, [COUNTERS, MARKS, "pins-0123456789abcdef"], "and no sessions");
    let done = back(&mut new, kept, NOW + 9).unwrap();
    assert_eq!(done.files, [COUNTERS, MARKS, "pins-0123456789abcdef"]);
    assert!(done.set_aside.is_empty() && done.stayed.is_empty());

    let (before, after) = (summary(&old), summary(&new));
    assert_eq!((after.fingerprint, after.sequence), (before.fingerprint, NOW + 9));
    assert!(before.has_bundle && !after.has_bundle, "what could open a session is not there any more");
    for file in [COUNTERS, "pins-0123456789abcdef"] {
        assert_eq!(new.read(file).unwrap(), old.read(file).unwrap());
    }
    assert_eq!(open(&new).identity().fingerprint(), before.fingerprint);
}

#[test]
fn a_sequence_is_higher_than_any_before_whatever_the_clock_says() {
    let (old, mut new) = (folder(), folder());
    let mut kept = backup(&old);
    kept.replace = true;
    back(&mut new, kept, 7).unwrap();
    assert!(summary(&new).sequence > summary(&old).sequence);
}

#[test]
fn nothing_is_written_over_an_identity_unasked() {
    let storage = folder();
    let before = content(&storage);
    let error = back(&mut storage.clone(), backup(&folder()), NOW).unwrap_err();
    assert!(matches!(error, KeyringError::Exists { .. }) && error.hint().contains("--replace"), "{error}");
    assert_eq!(error.code(), Code::DataUnusable);
    assert_eq!(content(&storage), before);
    // Damaged, it is one all the same.
    let mut damaged = folder();
    damaged.replace(IDENTITY, b"").unwrap();
    assert!(matches!(back(&mut damaged, backup(&folder()), NOW), Err(KeyringError::Exists { .. })));
    assert_eq!(damaged.read(IDENTITY).unwrap().unwrap(), b"");
}

#[test]
fn what_is_replaced_is_kept_beside() {
    for damage in [false, true] {
        let mut storage = folder();
        if damage {
            storage.replace(IDENTITY, b"-----BEGIN SECU").unwrap();
        }
        let was = storage.read(IDENTITY).unwrap();
        let other = Identity::generate(&FAST, &bob(), NOW, &mut rng(44)).unwrap();
        let fingerprint = other.fingerprint();
        let done = back(&mut storage, Return { identity: other, files: Vec::new(), replace: true }, NOW).unwrap();
        assert_eq!(done.set_aside, ["identity-2026-09-21-142640.pem"]);
        assert_eq!(storage.read("identity-2026-09-21-142640.pem").unwrap(), was);
        let names = storage.names().unwrap();
        assert!(!names.iter().any(|name| name.starts_with(SESSIONS)), "a copy would open what was recorded: {names:?}");
        assert_eq!(summary(&storage).fingerprint, fingerprint);
        // Nothing that was taken in comes again.
        assert_eq!(storage.read(MARKS).unwrap(), folder().read(MARKS).unwrap());
    }
}

#[test]
fn what_was_set_aside_a_moment_ago_stays() {
    let mut storage = folder();
    let mut files = Vec::new();
    for seed in 50..53 {
        files.push(storage.read(IDENTITY).unwrap().unwrap());
        let identity = Identity::generate(&FAST, &bob(), NOW, &mut rng(seed)).unwrap();
        back(&mut storage, Return { identity, files: Vec::new(), replace: true }, NOW).unwrap();
    }
    for (name, content) in ["", "-2", "-3"].iter().zip(files) {
        let copy = format!("identity-{STAMP}{name}.pem");
        assert_eq!(storage.read(&copy).unwrap().unwrap(), content, "{copy}");
    }
}

#[test]
fn marks_counters_and_pins_that_are_there_stay() {
    let mut storage = folder();
    let mut kept = backup(&storage);
    kept.replace = true;
    storage.replace("pins-0123456789abcdef", b"alice and carol").unwrap();
    storage.remove(COUNTERS).unwrap();
    let done = back(&mut storage, kept, NOW).unwrap();
    assert_eq!((done.files, done.stayed), (vec![COUNTERS.into()], vec![MARKS.into(), "pins-0123456789abcdef".into()]));
    assert_eq!(storage.read("pins-0123456789abcdef").unwrap().unwrap(), b"alice and carol");
}

#[test]
fn keys_that_were_given_up_do_not_come_back() {
    let storage = folder();
    let mut kept = backup(&storage);
    kept.replace = true;
    open(&storage).rotate(&FAST, None, NOW, &mut rng(7)).unwrap();
    let before = content(&storage);
    let error = back(&mut storage.clone(), kept, NOW).unwrap_err();
    assert!(matches!(error, KeyringError::Outdated { .. }), "{error}");
    assert_eq!(content(&storage), before);
}

#[test]
fn a_backup_with_other_things_in_it_is_refused() {
    for (name, content) in [
        ("sessions", &b"old ratchets"[..]),
        ("identity.pem", b""),
        ("../pins-1", b""),
        ("/etc/passwd", b""),
        ("marks", b"junk"),
        ("counters", b"junk"),
    ] {
        let mut kept = backup(&folder());
        kept.files.push(KeptFile { name: name.into(), content: content.to_vec().into() });
        let mut new = MemoryStorage::default();
        let error = back(&mut new, kept, NOW).unwrap_err();
        assert_eq!(error.code(), Code::DataUnusable, "{name}: {error}");
        assert!(!error.hint().is_empty());
        assert_eq!(new.names().unwrap(), [""; 0], "{name}");
    }
    // A name that no storage takes is refused before anything is written.
    let mut kept = Return { replace: true, ..backup(&folder()) };
    kept.files.push(KeptFile { name: "pins-/../../x".into(), content: Vec::new().into() });
    let mut storage = folder();
    let before = content(&storage);
    assert!(back(&mut storage, kept, NOW).is_err());
    assert_eq!(content(&storage), before);
}

#[test]
fn bad_input_59_a_disk_that_refuses_leaves_the_old_identity() {
    for fault in [DiskFault::NoSpace, DiskFault::Broken] {
        for writes in 0..20 {
            let storage = folder();
            let (was, ratchets) = (storage.read(IDENTITY).unwrap(), storage.read(SESSIONS).unwrap().unwrap());
            let other = Identity::generate(&FAST, &bob(), NOW, &mut rng(44)).unwrap();
            let fingerprint = other.fingerprint();
            let files = vec![KeptFile { name: "pins-f".into(), content: b"p".to_vec().into() }];
            let mut failing = FailingStorage::new(storage.clone(), writes, fault);
            let done = back(&mut failing, Return { identity: other, files, replace: true }, NOW);
            if done.is_ok() {
                assert_eq!(writes, 4, "a copy, a file, the identity, and the sessions removed");
                break;
            }
            if writes == 3 {
                assert_eq!(summary(&storage).fingerprint, fingerprint);
                // The sessions of the other are still there, and in nobody's way.
                assert_eq!(open(&storage).identity().fingerprint(), fingerprint);
                assert_ne!(storage.read(SESSIONS).unwrap().unwrap(), ratchets);
                continue;
            }
            assert_eq!(storage.read(IDENTITY).unwrap(), was, "{writes}");
            assert_eq!(storage.read(SESSIONS).unwrap().unwrap(), ratchets, "{writes}");
        }
    }
}
