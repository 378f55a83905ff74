//! Keys and proofs that a hub refuses, and posts of somebody who never registered.

use std::sync::Arc;

use rsa::BoxedUint;
use securestream::{
    client::{
        keyring::Keyring,
        work::{Done, Job, Worker},
    },
    crypto::{CryptoProvider as _, Identity, ModulusSize, RsaProvider, SecretKeys, testing::InsecureProvider},
    proto::{
        Message,
        message::{Post, Register},
    },
    types::{
        Code, KeyRecord, MessageId, PublicKeys, Rotation, SealKind,
        limits::MAX_KEY_RECORD,
        wire::{self, Blob},
    },
};
use serde_json::json;

use crate::{
    hub::{TestHub, Wire, over_every_link},
    member::{TestMember, exchange},
    raw::{Asked, Raw, identity, registration, rng},
};

over_every_link!(
    attack_03_bad_input_25_26_27_weak_keys_are_told_and_may_be_replaced,
    a_record_of_more_bytes_than_are_taken,
    bad_input_28_a_proof_that_is_wrong_or_for_another_link,
    bad_input_29_a_proof_replayed_on_a_new_link,
    bad_input_30_a_post_before_registration,
);

fn attack_03_bad_input_25_26_27_weak_keys_are_told_and_may_be_replaced(wire: Wire) {
    let provider = Arc::new(RsaProvider::new(ModulusSize::Bits2048));
    let hub = TestHub::with(|parts| parts.crypto = Arc::clone(&provider) as _);
    let [alice, bob] = ["alice", "bob"].map(|name| {
        let member = TestMember::start(hub.link(wire), name, name, Arc::clone(&provider) as _);
        member.wait(json!({"event": "directory"}));
        member
    });
    alice.wait(json!({"event": "joined", "name": "bob"}));
    let mallory = Mallory::new(*provider);
    let honest = &mallory.identity;
    for (what, weak) in weak_keys(&honest.record().keys.signing) {
        for record in mallory.weak_records(&weak) {
            let (mut link, nonce) = Raw::greet(&hub, wire);
            link.send(Register { record: wire::to_bytes(&record).into(), ..registration(honest, nonce) });
            let code = link.wait(|message| if let Message::Error(error) = message { Some(error.code) } else { None });
            assert_eq!(code, Code::WeakKey, "{what}");
            // Good keys do, on the same link.
            link.send(registration(honest, nonce));
            link.wait(|message| matches!(message, Message::Welcome(_)).then_some(()));
            drop_politely(link);
            alice.wait(json!({"event": "left", "name": "mallory", "reason": "quit"}));
        }
    }
    hub.events.wait(json!({"event": "refused", "code": "weak_key"}));
    exchange(&alice, &bob);
}

fn drop_politely(mut link: Raw) {
    link.send(securestream::proto::message::Quit {});
    link.rest_of_messages();
}

/// A member with good keys, by which it signs what it likes.
struct Mallory {
    identity: Identity,
    keys: Box<dyn SecretKeys>,
    earlier: PublicKeys,
}

impl Mallory {
    fn new(provider: RsaProvider) -> Self {
        let identity = Identity::generate(&provider, &"mallory".parse().unwrap(), 0, &mut rng("mallory")).unwrap();
        // The same seed draws the same keys.
        let keys = provider.generate(&mut rng("mallory")).unwrap();
        let earlier = provider.generate(&mut rng("earlier")).unwrap().public().clone();
        Self { identity, keys, earlier }
    }

    /// Records in which this key stands for signing, for sealing, and among keys that were given up. What nothing is
    /// verified by needs no signature; what is, has one.
    fn weak_records(&self, weak: &[u8]) -> [KeyRecord; 4] {
        let good = self.identity.record();
        let instead = |keys: &PublicKeys| {
            let weak: Blob = weak.to_vec().into();
            [PublicKeys { signing: weak.clone(), ..keys.clone() }, PublicKeys { sealing: weak, ..keys.clone() }]
        };
        let [signing, sealing] = instead(&good.keys).map(|keys| KeyRecord { keys, ..good.clone() });
        let [earlier_signing, earlier_sealing] = instead(&self.earlier).map(|keys| {
            let rotations = vec![Rotation { keys, signature: vec![0; 256].into() }];
            let mut record = KeyRecord { rotations, ..good.clone() };
            record.signature = self.keys.sign(&record.signed_bytes(), &mut rng("record")).unwrap().into();
            record
        });
        [signing, sealing, earlier_signing, earlier_sealing]
    }
}

/// The keys by which a hub with another policy, or none, would take a member in.
#[test]
fn attack_03_bad_input_25_26_27_weak_keys_in_a_record_from_the_hub_are_not_used() {
    let provider = Arc::new(RsaProvider::new(ModulusSize::Bits2048));
    let make = |name: &str| Identity::generate(&*provider, &name.parse().unwrap(), 0, &mut rng(name)).unwrap();
    let (mallory, alice) = (Mallory::new(*provider), make("alice"));
    let larger = RsaProvider::default();
    let larger = Identity::generate(&larger, &"large".parse().unwrap(), 0, &mut rng("large")).unwrap();
    let weak = weak_keys(&mallory.identity.record().keys.signing);
    let weak = weak.iter().flat_map(|(_, weak)| mallory.weak_records(weak));
    let mut too_large = alice.record().clone();
    too_large.signature = vec![0; MAX_KEY_RECORD].into();
    let records: Vec<Blob> = weak
        .chain([larger.record().clone(), too_large, alice.record().clone()])
        .map(|record| wire::to_bytes(&record).into())
        .collect();
    let count = records.len();
    let keyring = Keyring::ephemeral(&InsecureProvider, &"bob".parse().unwrap(), 0, &mut rng("bob")).unwrap();
    let mut bob = Worker::new(provider, keyring, Box::new(rng("work")), || 0);
    let Done::Checked(good) = bob.work(Job::Check { records }) else { panic!("not checked") };
    let good: Vec<_> = good.iter().map(|record| record.fingerprint()).collect();
    assert_eq!((count, good), (4 * 11 + 3, vec![alice.fingerprint()]), "alice alone");
}

fn a_record_of_more_bytes_than_are_taken(wire: Wire) {
    let (hub, alice, bob) = scene(wire);
    let mallory = identity("mallory");
    let (mut link, nonce) = Raw::greet(&hub, wire);
    // One that only its size tells from a record whose signature is wrong.
    let record = KeyRecord { signature: vec![0; MAX_KEY_RECORD].into(), ..mallory.record().clone() };
    link.send(Register { record: wire::to_bytes(&record).into(), ..registration(&mallory, nonce) });
    link.is_told_and_closed(Code::InvalidRecord);
    goes_on(&hub, &alice, &bob, Code::InvalidRecord);
}

/// Keys in DER that no hub takes, made from a good one of 2048 bits.
fn weak_keys(good: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    // 33 bytes of header and a zero stand before the modulus.
    let modulus = &good[33..33 + 256];
    let of_size = |bits: usize| {
        let mut other: Vec<u8> = modulus.iter().copied().cycle().take(bits / 8).collect();
        other[0] |= 0x80;
        other
    };
    let mut even = modulus.to_vec();
    even[255] &= 0xfe;
    let root = BoxedUint::from_be_slice(&[0xf1; 128], 2048).unwrap();
    let square = root.wrapping_mul(&root).to_be_bytes();
    let e = [1, 0, 1];
    assert_eq!(der(modulus, &e), good, "what is built here is what a good key is");
    let bad_input_25 = [
        ("512 bits", der(&of_size(512), &e)),
        ("1024 bits", der(&of_size(1024), &e)),
        ("16384 bits", der(&of_size(16384), &e)),
    ];
    let bad_input_26 = [
        ("e = 1", der(modulus, &[1])),
        ("e = 2", der(modulus, &[2])),
        ("e = 3", der(modulus, &[3])),
        ("an even e", der(modulus, &[1, 0, 0])),
        ("a huge e", der(modulus, &[0x7f; 255])),
    ];
    let bad_input_27 =
        [("an even modulus", der(&even, &e)), ("a square", der(&square, &e)), ("a byte behind", [good, &[0]].concat())];
    bad_input_25.into_iter().chain(bad_input_26).chain(bad_input_27).collect()
}

/// A `SubjectPublicKeyInfo` of these two numbers.
fn der(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let algorithm = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
    let key = tlv(0x30, &[&integer(modulus), &integer(exponent)]);
    tlv(0x30, &[&algorithm, &tlv(3, &[&[0], &key])])
}

fn integer(number: &[u8]) -> Vec<u8> {
    let zero: &[u8] = if number[0] >= 0x80 { &[0] } else { &[] };
    tlv(2, &[zero, number])
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header = match content.len() {
        0..128 => vec![tag, length[1]],
        128..256 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [header, content].concat()
}

/// A hub with two members who must not notice what happens to a third.
fn scene(wire: Wire) -> (TestHub, TestMember, TestMember) {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    (hub, alice, bob)
}

/// Nobody else noticed, and the operator counts it.
fn goes_on(hub: &TestHub, alice: &TestMember, bob: &TestMember, code: Code) {
    hub.events.wait(json!({"event": "refused", "code": code.as_str()}));
    exchange(alice, bob);
    assert_eq!(alice.events.count(&json!({"event": "joined"})), 1, "bob alone");
}

fn bad_input_28_a_proof_that_is_wrong_or_for_another_link(wire: Wire) {
    let (hub, alice, bob) = scene(wire);
    let mallory = identity("mallory");
    let other_link = Raw::greet(&hub, wire);
    let right = |nonce: Asked| registration(&mallory, nonce);
    let wrong: [(&str, &dyn Fn(Asked) -> Register); 5] = [
        ("nothing", &|nonce| Register { proof: Vec::new().into(), ..right(nonce) }),
        ("a bit flipped", &|nonce| {
            let mut proof = right(nonce).proof.to_vec();
            proof[20] ^= 1;
            Register { proof: proof.into(), ..right(nonce) }
        }),
        ("for another link's nonce", &|_| right(other_link.1)),
        ("of somebody else", &|nonce| Register { proof: registration(&identity("eve"), nonce).proof, ..right(nonce) }),
        ("for a record that was changed since", &|nonce| {
            let mut record = mallory.record().clone();
            record.sequence += 1;
            Register { record: wire::to_bytes(&record).into(), ..right(nonce) }
        }),
    ];
    for (what, register) in wrong {
        let (mut link, nonce) = Raw::greet(&hub, wire);
        link.send(register(nonce));
        let last = link.rest_of_messages();
        assert!(last.is_empty() || what.starts_with("for a record"), "{what}: {last:?}");
        assert!(!last.iter().any(|message| matches!(message, Message::Welcome(_))), "{what}");
    }
    goes_on(&hub, &alice, &bob, Code::BadProof);
}

fn bad_input_29_a_proof_replayed_on_a_new_link(wire: Wire) {
    let (hub, alice, bob) = scene(wire);
    let carol = identity("carol");
    let (mut first, nonce) = Raw::greet(&hub, wire);
    let captured = registration(&carol, nonce);
    first.send(captured.clone());
    first.wait(|message| matches!(message, Message::Welcome(_)).then_some(()));
    drop_politely(first);
    alice.wait(json!({"event": "left", "name": "carol"}));
    let (mut second, _) = Raw::greet(&hub, wire);
    second.send(captured);
    second.is_closed_silently();
    hub.events.wait(json!({"event": "refused", "code": "bad_proof"}));
    exchange(&alice, &bob);
    assert_eq!(alice.events.count(&json!({"event": "joined", "name": "carol"})), 1, "the first time only");
}

fn bad_input_30_a_post_before_registration(wire: Wire) {
    let (hub, alice, bob) = scene(wire);
    let post = || Post { mid: MessageId([1; 16]), audience: None, kind: SealKind::Seal, sealed: vec![0; 64].into() };
    let mut stranger = Raw::connect(&hub, wire);
    stranger.send(post());
    stranger.is_closed_silently();
    let (mut greeted, _) = Raw::greet(&hub, wire);
    greeted.send(post());
    greeted.is_closed_silently();
    goes_on(&hub, &alice, &bob, Code::ProtocolViolation);
}
