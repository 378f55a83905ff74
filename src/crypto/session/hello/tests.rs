//! Hellos as only a hostile member would make them.

use hkdf::hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::*;
use crate::{
    crypto::{
        fixtures::rng,
        open, seal_group_in_sessions,
        session::{
            step::Step,
            tests::{Member, NOW},
        },
        testing::InsecureProvider,
    },
    types::{DirectoryHead, MessageId, SealKind},
};

const PROVIDER: InsecureProvider = InsecureProvider;

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().to_vec()
}

fn draft() -> Draft<'static> {
    Draft { id: MessageId([7; 16]), sequence: 1, time: NOW, stamp: DirectoryHead::FIRST, text: "hello" }
}

/// The same message with a ratchet key of low order, and an authentication that holds. `chain` is Olm's key of it.
fn low_order(message: &PreKeyMessage, chain: &[u8]) -> PreKeyMessage {
    let (whole, inner) = (message.to_bytes(), message.message().to_bytes());
    let ratchet_key = message.message().ratchet_key().to_bytes();
    let at = inner.windows(32).position(|part| *part == ratchet_key).unwrap();
    let (mut forged, end) = (inner.clone(), inner.len() - 8);
    forged[at..at + 32].fill(0);
    let mut keys = [0; 80];
    hkdf::Hkdf::<Sha256>::new(Some(&[0]), &mac(chain, &[1])).expand(b"OLM_KEYS", &mut keys).unwrap();
    assert_eq!(mac(&keys[32..64], &inner[..end])[..8], inner[end..], "the key is the right one");
    let code = mac(&keys[32..64], &forged[..end]);
    forged[end..].copy_from_slice(&code[..8]);
    let at = whole.windows(inner.len()).position(|part| part == inner).unwrap();
    PreKeyMessage::from_bytes(&[&whole[..at], &forged, &whole[at + inner.len()..]].concat()).unwrap()
}

/// A signed hello of `from` whose Olm message has a ratchet key of low order.
fn hostile(from: &Member, account: &Account, to: &Member) -> OpenedHello {
    let bundle = to.sessions.bundle();
    let mut olm = account.begin(&bundle, None).unwrap();
    let pickle = serde_json::to_value(olm.pickle()).unwrap();
    let chain = serde_json::from_value::<Vec<u8>>(pickle["sending_ratchet"]["symmetric_key_ratchet"]["key"].clone());
    let receipt = ReceiptSecret::random(&mut rng(1));
    let OlmMessage::PreKey(message) = olm.encrypt(note::write(&draft(), &receipt).as_slice()).unwrap() else {
        panic!("the first message begins the session")
    };
    let mut content = Content {
        from: from.identity.fingerprint(),
        to: to.identity.fingerprint(),
        epoch: Eight::of(0),
        head: DirectoryHead::FIRST.head,
        message: low_order(&message, &chain.unwrap()).to_bytes().into(),
        signature: Blob::default(),
    };
    let (ciphertext, secret) = kem::encapsulate(&bundle.kem).unwrap();
    let h = HeaderHash::new(transcript::HELLO_HEADER, PROVIDER.suite(), &ciphertext);
    content.signature = from.identity.keys().sign(&content.signed_bytes(h), &mut rng(2)).unwrap().into();
    OpenedHello { content, h, secret, me: to.identity.fingerprint() }
}

#[test]
fn attack_15_a_hello_whose_ratchet_key_gives_no_secret_begins_no_session() {
    let (alice, mallory) = (Member::new("alice"), Member::new("mallory"));
    let account = Account::new(mallory.identity.fingerprint(), NOW).unwrap();
    let hello = hostile(&mallory, &account, &alice);
    let joined = alice.sessions.join(&PROVIDER, &hello, &mallory.record(), NOW);
    assert_eq!(joined.unwrap_err(), LetterError::Session);
}

#[test]
fn attack_15_a_session_that_cannot_go_on_costs_only_its_own_slot() {
    let (mut alice, mallory, bob) = (Member::new("alice"), Member::new("mallory"), Member::new("bob"));
    let account = Account::new(mallory.identity.fingerprint(), NOW).unwrap();
    let hello = hostile(&mallory, &account, &alice);
    // As if it had been joined.
    let own = crate::crypto::session::step::decode(&alice.sessions.snapshot()).unwrap();
    let own = Account::load(own.account.unwrap()).unwrap();
    let message = PreKeyMessage::from_bytes(&hello.content.message).unwrap();
    let (_, olm, _) = own.join(&message).unwrap();
    let record = mallory.record();
    let identity = record.record().bundle.as_ref().unwrap().identity;
    let origin = Origin { peer: mallory.identity.fingerprint(), identity, role: Role::Responder, made: NOW, order: 1 };
    let mut session = Session::new(origin, &hello.secret, hello.h, olm);
    session.heard = Some(1);
    assert!(!session.can_answer());
    alice.sessions.commit(Step { put: vec![session], ..Step::default() });
    assert!(!alice.sessions.needs_hello(&record, NOW), "it would be used");

    let (to, by) = ([&record, &bob.record()], (&alice.identity, &alice.sessions));
    let (sealed, step) = seal_group_in_sessions(&PROVIDER, by, &to, &draft(), NOW, &mut rng(3)).unwrap();
    assert!(step.is_empty());
    for member in [&mallory, &bob] {
        let opened = open(&PROVIDER, &member.identity, SealKind::Group, &sealed.bytes, &mut rng(4)).unwrap();
        assert_eq!(opened.verify(&PROVIDER, &alice.record()).unwrap().text, "hello");
    }
}
