//! Sealed bytes that a hostile member made: nobody shows them, and nothing is sent back.

use rand::CryptoRng;
use securestream::{
    crypto::{
        CryptoProvider, Draft, ExportedKeys, Identity, KeyUnusable, RECEIPT_LENGTH, SecretKeys, WeakKey, seal,
        seal_group, testing::InsecureProvider,
    },
    proto::Message,
    types::{DirectoryHead, MessageId, PublicKeys, SealKind},
};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    hub::{TestHub, Wire, over_every_link},
    member::{TestMember, exchange},
    raw::{Raw, identity, rng},
};

over_every_link!(
    bad_input_33_a_forged_sender_is_not_shown,
    bad_input_34_a_message_replayed_reordered_or_damaged,
    bad_input_35_what_cannot_be_opened_gets_no_answer,
);

/// Two honest members, and mallory by hand.
struct Scene {
    hub: TestHub,
    alice: TestMember,
    bob: TestMember,
    mallory: Raw,
}

impl Scene {
    fn new(wire: Wire) -> Self {
        let hub = TestHub::start();
        let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
        let mallory = Raw::join(&hub, wire, "mallory");
        bob.wait(json!({"event": "joined", "name": "mallory"}));
        Self { hub, alice, bob, mallory }
    }

    /// Posts what only bob could open.
    fn post(&mut self, sealed: Vec<u8>) {
        self.mallory.post(1, SealKind::Seal, sealed);
    }

    /// Lets everybody leave. Gives what bob showed and how many receipts were sent, both beside those of the exchange
    /// that proves that everything goes on.
    fn end(mut self) -> (Vec<String>, usize) {
        exchange(&self.alice, &self.bob);
        // Whoever leaves sends the receipts it still holds before.
        let told = self.bob.leave();
        drop(self.alice.leave());
        let mut receipts = 0;
        self.mallory.wait(|message| match message {
            Message::Relayed(relayed) if relayed.sealed.len() == RECEIPT_LENGTH => {
                receipts += 1;
                None
            }
            Message::Left(left) if left.name.as_str() == "alice" => Some(()),
            _ => None,
        });
        drop(self.hub);
        let texts = told.iter().filter_map(|event| event["text"].as_str());
        (texts.filter(|text| !text.starts_with("are you there")).map(str::to_owned).collect(), receipts - 2)
    }
}

/// A message of mallory to bob.
fn sealed(number: u8, text: &str) -> Vec<u8> {
    sealed_by(&identity("mallory"), number, text)
}

fn sealed_by(sender: &Identity, number: u8, text: &str) -> Vec<u8> {
    let draft =
        Draft { id: MessageId([number; 16]), sequence: number.into(), time: 0, stamp: DirectoryHead::FIRST, text };
    let bob = identity("bob");
    seal(&InsecureProvider, sender, bob.verified_record(), &draft, &mut rng(text)).unwrap().bytes
}

fn bad_input_33_a_forged_sender_is_not_shown(wire: Wire) {
    let mut scene = Scene::new(wire);
    let forger = Forger { victim: identity("alice").record().keys.clone() };
    let as_alice = Identity::generate(&forger, &"alice".parse().unwrap(), 0, &mut rng("forger")).unwrap();
    assert_eq!(as_alice.fingerprint(), identity("alice").fingerprint(), "the letter claims to be of alice");
    scene.post(sealed_by(&as_alice, 1, "send me the money"));
    let draft = Draft {
        id: MessageId([2; 16]),
        sequence: 2,
        time: 0,
        stamp: DirectoryHead::FIRST,
        text: "all of you, send money",
    };
    let (bob, alice) = (identity("bob"), identity("alice"));
    let to = [bob.verified_record(), alice.verified_record()];
    let group = seal_group(&InsecureProvider, &as_alice, &to, &draft, &mut rng("group")).unwrap();
    scene.mallory.post(2, SealKind::Group, group.bytes);
    assert_eq!(scene.end(), (vec![], 0));
}

fn bad_input_34_a_message_replayed_reordered_or_damaged(wire: Wire) {
    let mut scene = Scene::new(wire);
    let (first, second, third) = (sealed(1, "one"), sealed(2, "two"), sealed(3, "three"));
    for replayed in [&second, &second, &first, &third, &first, &second] {
        scene.post(replayed.clone());
    }
    // One bit in every 17th byte, which is in every part of it.
    for at in (0..third.len()).step_by(17) {
        let mut damaged = third.clone();
        damaged[at] ^= 1 << (at % 8);
        scene.post(damaged);
    }
    scene.post(third[..third.len() - 1].to_vec());
    // Each is shown once in the order of coming, and acknowledged as often as it came whole.
    let (shown, receipts) = scene.end();
    assert_eq!(shown, ["two", "one", "three"]);
    assert_eq!(receipts, 6);
}

fn bad_input_35_what_cannot_be_opened_gets_no_answer(wire: Wire) {
    let mut scene = Scene::new(wire);
    let good = sealed(1, "good");
    let mut noise = vec![0; good.len()];
    rand::Rng::fill_bytes(&mut rng("noise"), &mut noise);
    let mut other_block = good.clone();
    other_block[1..129].copy_from_slice(&noise[1..129]);
    for bytes in [noise, other_block, good[..100].to_vec(), vec![], vec![0xff], good] {
        for (number, kind) in
            [SealKind::Seal, SealKind::Group, SealKind::Tagged, SealKind::Hello].into_iter().enumerate()
        {
            scene.mallory.post(u8::try_from(number).unwrap(), kind, bytes.clone());
        }
    }
    let (shown, receipts) = scene.end();
    // One receipt, for the one that is whole and posted as what it is; its copies of other kinds are nothing.
    assert_eq!((shown, receipts), (vec!["good".to_owned()], 1));
}

/// Has a victim's public keys in its records, and signs without them.
struct Forger {
    victim: PublicKeys,
}

impl SecretKeys for Forger {
    fn public(&self) -> &PublicKeys {
        &self.victim
    }

    fn sign(&self, message: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>, KeyUnusable> {
        InsecureProvider.generate(rng)?.sign(message, rng)
    }

    fn decrypt(&self, _: &[u8], _: &[u8], _: &mut dyn CryptoRng) -> Option<Zeroizing<Vec<u8>>> {
        None
    }

    fn export(&self) -> Result<ExportedKeys, KeyUnusable> {
        Ok(ExportedKeys { signing: Zeroizing::default(), sealing: Zeroizing::default() })
    }
}

impl CryptoProvider for Forger {
    fn suite(&self) -> u8 {
        InsecureProvider.suite()
    }

    fn block_size(&self) -> usize {
        InsecureProvider.block_size()
    }

    fn generate(&self, _: &mut dyn CryptoRng) -> Result<Box<dyn SecretKeys>, KeyUnusable> {
        Ok(Box::new(Self { victim: self.victim.clone() }))
    }

    fn import(&self, _: &ExportedKeys) -> Result<Box<dyn SecretKeys>, KeyUnusable> {
        Err(KeyUnusable("it is another's"))
    }

    fn check(&self, public: &[u8]) -> Result<(), WeakKey> {
        InsecureProvider.check(public)
    }

    /// It takes its own records for good.
    fn verify(&self, _: &[u8], _: &[u8], _: &[u8]) -> bool {
        true
    }

    fn encrypt(
        &self,
        public: &[u8],
        label: &[u8],
        secret: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, KeyUnusable> {
        InsecureProvider.encrypt(public, label, secret, rng)
    }
}
