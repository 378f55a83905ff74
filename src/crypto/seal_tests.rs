//! Sealing and opening against everything that can be done to a record on its way.
//!
//! Seals and groups run through the same tests; bit flips over the whole record use the insecure provider, which
//! makes thousands of tries cheap, and a sample of them the real one.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use proptest::prelude::*;
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::{
    fixtures::{member, rng, rsa_member, verified},
    group::{SealedGroup, seal_group},
    identity::Identity,
    letter::{Draft, Letter, Opened, Stream},
    open::open,
    policy::ModulusSize,
    provider::{CryptoProvider, ExportedKeys, KeyUnusable, SecretKeys},
    receipt::ExpectedReceipts,
    rsa_provider::RsaProvider,
    seal::{MAX_SEALED, SealError, Sealed, seal},
    testing::InsecureProvider,
};
use crate::types::{Code, DirectoryHead, DirectorySequence, Head, MessageId, PublicKeys, SealKind, limits::MAX_TEXT};

const STAMP: DirectoryHead = DirectoryHead { epoch: DirectorySequence(7), head: Head([0x4d; 32]) };

const ID: MessageId = MessageId([0x1d; 16]);
const FAST: InsecureProvider = InsecureProvider;

fn real() -> RsaProvider {
    RsaProvider::new(ModulusSize::Bits2048)
}

fn draft(text: &str) -> Draft<'_> {
    Draft { id: ID, sequence: 42, time: 1_790_000_000_000, stamp: STAMP, text }
}

fn sealed(from: &Identity, to: &Identity, text: &str) -> Sealed {
    seal(&FAST, from, &verified(to), &draft(text), &mut rng(1)).unwrap()
}

fn grouped(from: &Identity, to: &[&Identity], text: &str) -> SealedGroup {
    let to: Vec<_> = to.iter().map(|member| verified(member)).collect();
    seal_group(&FAST, from, &to.iter().collect::<Vec<_>>(), &draft(text), &mut rng(1)).unwrap()
}

fn opened(me: &Identity, kind: SealKind, record: &[u8]) -> Option<Opened> {
    open(&FAST, me, kind, record, &mut rng(2))
}

fn read(me: &Identity, kind: SealKind, record: &[u8], from: &Identity) -> Letter {
    opened(me, kind, record).unwrap().verify(&FAST, &verified(from)).unwrap()
}

/// One record of each kind from alice to bob (and carol).
fn records() -> [(SealKind, Vec<u8>); 2] {
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(member);
    [
        (SealKind::Seal, sealed(&alice, &bob, "hello").bytes),
        (SealKind::Group, grouped(&alice, &[&bob, &carol], "hello").bytes),
    ]
}

#[test]
fn a_letter_arrives_as_it_was_written() {
    let [alice, bob] = ["alice", "bob"].map(member);
    for (kind, record) in records() {
        let opened = opened(&bob, kind, &record).unwrap();
        assert_eq!(opened.sender(), alice.fingerprint());
        let letter = opened.verify(&FAST, &verified(&alice)).unwrap();
        assert_eq!(letter.text, "hello");
        assert_eq!((letter.from, letter.id, letter.sequence), (alice.fingerprint(), ID, 42));
        assert_eq!(letter.time, 1_790_000_000_000);
        assert_eq!(letter.stream == Stream::Group, kind == SealKind::Group);
    }
}

#[test]
fn real_keys_seal_and_group_and_acknowledge() {
    let [alice, bob] = [rsa_member(0), rsa_member(1)];
    let mut expected = ExpectedReceipts::default();
    let one = seal(&real(), alice, &verified(bob), &draft("one"), &mut rng(3)).unwrap();
    let two = seal_group(&real(), alice, &[&verified(bob), &verified(alice)], &draft("two"), &mut rng(4)).unwrap();
    for (kind, record, receipt) in [
        (SealKind::Seal, one.bytes, one.receipt),
        (SealKind::Group, two.bytes, two.receipts.into_iter().find(|(to, _)| *to == bob.fingerprint()).unwrap().1),
    ] {
        expected.expect(ID, bob.fingerprint(), receipt);
        let opened = open(&real(), bob, kind, &record, &mut rng(5)).unwrap();
        let letter = opened.verify(&real(), &verified(alice)).unwrap();
        assert_eq!(expected.take(&letter.receipt.receipt(letter.id)), Some((ID, bob.fingerprint())));
        assert_eq!(open(&real(), alice, kind, &record, &mut rng(5)).is_some(), kind == SealKind::Group);
    }
    assert!(expected.is_empty());
}

#[test]
fn every_member_of_a_group_opens_it_and_has_a_receipt_of_its_own() {
    let alice = member("alice");
    let others: Vec<_> = (0..30).map(|number| member(&format!("m{number}"))).collect();
    let mut to: Vec<_> = others.iter().collect();
    to.push(to[3]);
    let group = grouped(&alice, &to, "all of you");
    assert_eq!(group.receipts.len(), 30);
    let mut expected = ExpectedReceipts::default();
    group.receipts.iter().for_each(|(by, secret)| expected.expect(ID, *by, secret.clone()));
    let fingerprints: Vec<_> = others.iter().map(Identity::fingerprint).collect();
    for other in &others {
        let letter = read(other, SealKind::Group, &group.bytes, &alice);
        assert_eq!(letter.text, "all of you");
        assert!(letter.is_to_group(&fingerprints) && !letter.is_to_group(&fingerprints[1..]));
        assert_eq!(expected.take(&letter.receipt.receipt(letter.id)), Some((ID, other.fingerprint())));
    }
    assert!(opened(&member("stranger"), SealKind::Group, &group.bytes).is_none());
}

#[test]
fn bad_input_34_one_bit_flipped_anywhere_is_dropped() {
    let bob = member("bob");
    for (kind, good) in records() {
        for bit in 0..good.len() * 8 {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&bob, kind, &flipped).is_none(), "{kind} bit {bit} of {}", good.len() * 8);
        }
    }
}

#[test]
fn bad_input_34_one_bit_flipped_with_real_keys_is_dropped() {
    let [alice, bob] = [rsa_member(0), rsa_member(1)];
    let sealed = seal(&real(), alice, &verified(bob), &draft("hello"), &mut rng(3)).unwrap();
    let group = seal_group(&real(), alice, &[&verified(bob)], &draft("hello"), &mut rng(3)).unwrap();
    for (kind, good) in [(SealKind::Seal, sealed.bytes), (SealKind::Group, group.bytes)] {
        for byte in (0..good.len()).step_by(13) {
            let mut flipped = good.clone();
            flipped[byte] ^= 1 << (byte % 8);
            assert!(open(&real(), bob, kind, &flipped, &mut rng(4)).is_none(), "{kind} byte {byte}");
        }
    }
}

#[test]
fn truncated_lengthened_and_empty_records_are_dropped() {
    let bob = member("bob");
    for (kind, good) in records() {
        for length in 0..good.len() {
            assert!(opened(&bob, kind, &good[..length]).is_none(), "{kind} {length} bytes");
        }
        for more in 1..300 {
            let longer = [&good[..], &vec![0; more]].concat();
            assert!(opened(&bob, kind, &longer).is_none(), "{kind} {more} more bytes");
        }
    }
}

#[test]
fn a_record_is_only_what_its_kind_says() {
    let bob = member("bob");
    let [(_, seal), (_, group)] = records();
    for kind in [SealKind::Group, SealKind::Hello, SealKind::Tagged, SealKind::Other(9)] {
        assert!(opened(&bob, kind, &seal).is_none());
    }
    assert!(opened(&bob, SealKind::Seal, &group).is_none());
    assert!(open(&real(), rsa_member(0), SealKind::Seal, &seal, &mut rng(1)).is_none(), "another suite");
}

#[test]
fn no_one_else_opens_a_seal() {
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(member);
    let record = sealed(&alice, &bob, "hello").bytes;
    for other in [&alice, &carol] {
        assert!(opened(other, SealKind::Seal, &record).is_none());
    }
}

#[test]
fn bad_input_36_texts_of_no_byte_and_of_the_most_fit_and_one_more_does_not() {
    let [alice, bob] = [rsa_member(0), rsa_member(1)];
    for length in [0, 1, MAX_TEXT] {
        let text = "x".repeat(length);
        let record = seal(&real(), alice, &verified(bob), &draft(&text), &mut rng(1)).unwrap().bytes;
        assert!(record.len() <= MAX_SEALED, "{} bytes", record.len());
        let opened = open(&real(), bob, SealKind::Seal, &record, &mut rng(1)).unwrap();
        assert_eq!(opened.verify(&real(), &verified(alice)).unwrap().text.len(), length);
    }
    let text = "x".repeat(MAX_TEXT + 1);
    let refused = seal(&real(), alice, &verified(bob), &draft(&text), &mut rng(1)).unwrap_err();
    assert_eq!(refused, SealError::TooLarge { bytes: MAX_TEXT + 1, limit: MAX_TEXT });
    assert_eq!(refused.code(), Code::MessageTooLarge);
}

#[test]
fn bad_input_36_a_group_says_how_much_fits() {
    let alice = member("alice");
    let others: Vec<_> = (0..2000).map(|number| verified(&member(&format!("m{number}")))).collect();
    let to: Vec<_> = others.iter().collect();
    let text = "x".repeat(MAX_TEXT);
    let refused = seal_group(&FAST, &alice, &to, &draft(&text), &mut rng(1)).unwrap_err();
    let SealError::TooLarge { limit, .. } = refused else { panic!("{refused}") };
    let record = seal_group(&FAST, &alice, &to, &draft(&text[..limit]), &mut rng(1)).unwrap().bytes;
    assert!(record.len() <= MAX_SEALED && record.len() > MAX_SEALED - 20_000, "{} bytes", record.len());
    assert!(seal_group(&FAST, &alice, &to, &draft(&text[..=limit]), &mut rng(1)).is_err());
    assert_eq!(seal_group(&FAST, &alice, &[], &draft("x"), &mut rng(1)).unwrap_err(), SealError::NoReceivers);
}

#[test]
fn a_seal_tells_neither_its_receiver_nor_its_count() {
    let [alice, bob] = [rsa_member(0), rsa_member(1)];
    let mut lengths = BTreeSet::new();
    let long = "x".repeat(400);
    for (to, sequence, text) in [(bob, 0, "a"), (alice, u64::MAX, "a"), (bob, 300, &long)] {
        let draft = Draft { sequence, ..draft(text) };
        let record = seal(&real(), alice, &verified(to), &draft, &mut rng(sequence)).unwrap().bytes;
        assert!(record[1] < 0x80, "the top bit of the key block is clear");
        lengths.insert(record.len());
        for name in [alice.fingerprint(), bob.fingerprint()] {
            assert!(!record.windows(8).any(|window| *window == name.0[..8]));
        }
    }
    assert_eq!(lengths.len(), 1, "{lengths:?}");
}

#[test]
fn two_seals_of_one_text_have_nothing_in_common() {
    let [alice, bob] = ["alice", "bob"].map(member);
    let seal = |seed| seal(&FAST, &alice, &verified(&bob), &draft("hello"), &mut rng(seed)).unwrap().bytes;
    let (one, two) = (seal(1), seal(2));
    assert_eq!(one.len(), two.len());
    let same = one.windows(8).filter(|window| two.windows(8).any(|other| *window == other)).count();
    assert_eq!(same, 0);
}

/// Keys that count private operations.
struct CountingKeys(Box<dyn SecretKeys>, Arc<AtomicUsize>);

impl SecretKeys for CountingKeys {
    fn public(&self) -> &PublicKeys {
        self.0.public()
    }

    fn sign(&self, message: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>, KeyUnusable> {
        self.0.sign(message, rng)
    }

    fn decrypt(&self, label: &[u8], block: &[u8], rng: &mut dyn CryptoRng) -> Option<Zeroizing<Vec<u8>>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.decrypt(label, block, rng)
    }

    fn export(&self) -> Result<ExportedKeys, KeyUnusable> {
        self.0.export()
    }
}

#[test]
fn bad_input_35_a_seal_costs_one_private_operation_whatever_is_in_it() {
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(member);
    let count = Arc::new(AtomicUsize::new(0));
    let keys = CountingKeys(FAST.import(&bob.keys().export().unwrap()).unwrap(), Arc::clone(&count));
    let me = Identity::from_parts(Box::new(keys), verified(&bob));
    let mine = sealed(&alice, &bob, "hello").bytes;
    let mut bad_body = mine.clone();
    *bad_body.last_mut().unwrap() ^= 1;
    let mut bad_commitment = mine.clone();
    bad_commitment[1 + FAST.block_size()] ^= 1;
    let mut bad_block = mine.clone();
    bad_block[100] ^= 1;
    let others = sealed(&alice, &carol, "hello").bytes;
    for (what, record, opens) in [
        ("mine", mine, true),
        ("bad body", bad_body, false),
        ("bad commitment", bad_commitment, false),
        ("bad block", bad_block, false),
        ("another's", others, false),
    ] {
        count.store(0, Ordering::Relaxed);
        assert_eq!(opened(&me, SealKind::Seal, &record).is_some(), opens, "{what}");
        assert_eq!(count.load(Ordering::Relaxed), 1, "{what}");
    }
    count.store(0, Ordering::Relaxed);
    assert!(opened(&me, SealKind::Group, &grouped(&alice, &[&carol], "hello").bytes).is_none());
    assert_eq!(count.load(Ordering::Relaxed), 0, "no slot, no operation");
}

proptest! {
    #[test]
    fn arbitrary_bytes_open_for_no_one(mut record in prop::collection::vec(any::<u8>(), 0..1200), group: bool) {
        // Past the first byte, which anyone can get right.
        record.insert(0, FAST.suite());
        let kind = if group { SealKind::Group } else { SealKind::Seal };
        prop_assert!(opened(&member("bob"), kind, &record).is_none());
    }
}
