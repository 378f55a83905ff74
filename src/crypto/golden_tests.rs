//! Records made once and kept in `tests/data/seal`: what opens today has to open in every later version, and
//! whoever writes another implementation can check it against them. `SECURESTREAM_BLESS=1` makes them anew, which
//! is a change of the protocol.

use super::{
    identity::Identity,
    open::open,
    receipt::{ExpectedReceipts, ReceiptSecret},
    registration::{Challenge, verify_registration},
    rsa_provider::RsaProvider,
};
use crate::{
    crypto::{Draft, Letter, fixtures::rng, letter::Stream, seal, seal_group, verify_record},
    types::{DirectoryHead, DirectorySequence, Head, MessageId, SealKind},
};

macro_rules! golden {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/data/seal/", $name))
    };
}

const ID: MessageId = MessageId([0x1d; 16]);
const TIME: u64 = 1_790_000_000_000;
const STAMP: DirectoryHead = DirectoryHead { epoch: DirectorySequence(7), head: Head([0x4d; 32]) };
const PROVIDER: fn() -> RsaProvider = RsaProvider::default;

fn alice() -> Identity {
    Identity::from_pem(&PROVIDER(), golden!("alice.pem"), None, TIME, &mut rng(1)).unwrap()
}

fn bob() -> Identity {
    Identity::from_pem(&PROVIDER(), golden!("bob.pem"), None, TIME, &mut rng(1)).unwrap()
}

fn challenge() -> Challenge {
    Challenge { channel_binding: Vec::new(), nonce: [0x5a; 32] }
}

fn opened(kind: SealKind, record: &[u8]) -> Letter {
    let opened = open(&PROVIDER(), &bob(), kind, record, &mut rng(1)).unwrap();
    let sender = verify_record(&PROVIDER(), alice().record().clone(), opened.sender()).unwrap();
    opened.verify(&PROVIDER(), &sender).unwrap()
}

fn receipt_is(secret: &ReceiptSecret, receipt: &[u8]) {
    assert_eq!(secret.receipt(ID), receipt);
    let mut expected = ExpectedReceipts::default();
    expected.expect(ID, bob().fingerprint(), secret.clone());
    assert_eq!(expected.take(receipt), Some((ID, bob().fingerprint())));
}

#[test]
fn they_are_made_anew_when_asked() {
    if std::env::var_os("SECURESTREAM_BLESS").is_none() {
        return;
    }
    let mut rng = rand::rng();
    let make = |name: &str| Identity::generate(&PROVIDER(), &name.parse().unwrap(), TIME, &mut rand::rng()).unwrap();
    let (alice, bob) = (make("alice"), make("bob"));
    let (to_alice, to_bob) = (alice.verified_record(), bob.verified_record());
    let draft = |sequence, text| Draft { id: ID, sequence, time: TIME, stamp: STAMP, text };
    let sealed = seal(&PROVIDER(), &alice, to_bob, &draft(TIME + 1, "meet at noon"), &mut rng).unwrap();
    let group = seal_group(&PROVIDER(), &alice, &[to_alice, to_bob], &draft(TIME + 2, ""), &mut rng).unwrap();
    let of_bob = group.receipts.iter().find(|(member, _)| *member == bob.fingerprint()).unwrap();
    for (name, content) in [
        ("alice.pem", alice.to_pem().unwrap().as_bytes()),
        ("bob.pem", bob.to_pem().unwrap().as_bytes()),
        ("seal.bin", &sealed.bytes),
        ("seal-receipt.bin", &sealed.receipt.receipt(ID)),
        ("group.bin", &group.bytes),
        ("group-receipt.bin", &of_bob.1.receipt(ID)),
        ("proof.bin", &alice.prove(&challenge(), &mut rng).unwrap()),
    ] {
        std::fs::write(format!("{}/tests/data/seal/{name}", env!("CARGO_MANIFEST_DIR")), content).unwrap();
    }
}

#[test]
fn the_seal_opens() {
    let letter = opened(SealKind::Seal, golden!("seal.bin"));
    assert_eq!((letter.text.as_str(), letter.id, letter.time), ("meet at noon", ID, TIME));
    assert_eq!((letter.stream, letter.sequence, letter.stamp), (Stream::Direct, TIME + 1, STAMP));
    receipt_is(&letter.receipt, golden!("seal-receipt.bin"));
}

#[test]
fn the_group_record_opens() {
    let letter = opened(SealKind::Group, golden!("group.bin"));
    assert_eq!((letter.text.as_str(), letter.id, letter.time), ("", ID, TIME));
    assert_eq!((letter.stream, letter.sequence), (Stream::Group, TIME + 2));
    assert!(letter.is_to_group(&[alice().fingerprint(), bob().fingerprint()]));
    receipt_is(&letter.receipt, golden!("group-receipt.bin"));
}

#[test]
fn the_registration_proof_holds() {
    let record = alice().record().clone();
    verify_registration(&PROVIDER(), record, &challenge(), golden!("proof.bin")).unwrap();
}
