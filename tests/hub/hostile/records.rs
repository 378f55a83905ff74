//! Sealed records that a hub or a member plays again, wraps again or damages.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rand::CryptoRng;
use securestream::{
    crypto::{
        CryptoProvider, Draft, ExportedKeys, Identity, KeyUnusable, SecretKeys, VerifiedRecord, WeakKey, open, seal,
        testing::InsecureProvider,
    },
    proto::message::{Post, Relayed},
    types::{DirectoryHead, MessageId, PublicKeys, SealKind},
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::puppet::{Before, Puppet};
use crate::{
    member::{NOW, Role, TestMember},
    raw::{identity, rng},
};

fn draft(number: u8, text: &str) -> Draft<'_> {
    Draft { id: MessageId([number; 16]), sequence: number.into(), time: NOW, stamp: DirectoryHead::FIRST, text }
}

fn texts(told: &[Value]) -> Vec<&str> {
    told.iter().filter(|event| event["event"] == "message").filter_map(|event| event["text"].as_str()).collect()
}

fn receipts(posts: &[Post]) -> usize {
    posts.iter().filter(|post| post.kind == SealKind::Tagged).count()
}

#[test]
fn attack_07_bad_input_34_a_record_played_again_on_this_link_and_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let (alice, bob) = (identity("alice"), identity("bob"));
    let sealed = seal(&InsecureProvider, &bob, alice.verified_record(), &draft(1, "once"), &mut rng("seal")).unwrap();
    let record = Relayed { kind: SealKind::Seal, sealed: sealed.bytes.into() };
    for shown in [vec!["once"], vec![], vec![]] {
        let (mut hub, member) = Puppet::host(Role::kept("alice", folder.path()), Before::of(&[&bob, &identity("zed")]));
        for _ in 0..3 {
            hub.send(record.clone());
        }
        hub.settle();
        worked_off(&mut hub, &member);
        let (told, posts) = hub.dismiss(member);
        assert_eq!(texts(&told), shown);
        assert_eq!(receipts(&posts), 3, "its sender may not know, so each time it is acknowledged");
    }
}

/// Waits until the member's worker has done all that it was given: what it is to keep now comes behind that.
fn worked_off(hub: &mut Puppet, member: &TestMember) {
    // What is opened in the first round is judged in the second.
    for _ in 0..2 {
        hub.settle();
        member.ask("block zed");
        member.wait(json!({"event": "ok", "command": "block"}));
        member.ask("unblock zed");
        member.wait(json!({"event": "ok", "command": "unblock"}));
    }
}

/// Bob, who wraps what alice wrote to him for carol: everything stands as alice signed it.
struct Rewrapper {
    alice: PublicKeys,
    signature: Vec<u8>,
    carol: VerifiedRecord,
}

impl Rewrapper {
    fn keys(&self) -> Box<dyn SecretKeys> {
        let Self { alice, signature, .. } = self;
        Box::new(AsSigned { alice: alice.clone(), signature: signature.clone() })
    }

    /// The record for carol, with a letter that says it is to `to`.
    fn wrap(self, to: &Identity, draft: &Draft<'_>) -> Vec<u8> {
        let as_alice = Identity::generate(&self, &"alice".parse().unwrap(), NOW, &mut rng("rewrapper")).unwrap();
        seal(&self, &as_alice, to.verified_record(), draft, &mut rng("rewrapped")).unwrap().bytes
    }
}

struct AsSigned {
    alice: PublicKeys,
    signature: Vec<u8>,
}

impl SecretKeys for AsSigned {
    fn public(&self) -> &PublicKeys {
        &self.alice
    }

    fn sign(&self, _: &[u8], _: &mut dyn CryptoRng) -> Result<Vec<u8>, KeyUnusable> {
        Ok(self.signature.clone())
    }

    fn decrypt(&self, _: &[u8], _: &[u8], _: &mut dyn CryptoRng) -> Option<Zeroizing<Vec<u8>>> {
        None
    }

    fn export(&self) -> Result<ExportedKeys, KeyUnusable> {
        Ok(ExportedKeys { signing: Zeroizing::default(), sealing: Zeroizing::default() })
    }
}

impl CryptoProvider for Rewrapper {
    fn suite(&self) -> u8 {
        InsecureProvider.suite()
    }

    fn block_size(&self) -> usize {
        InsecureProvider.block_size()
    }

    fn generate(&self, _: &mut dyn CryptoRng) -> Result<Box<dyn SecretKeys>, KeyUnusable> {
        Ok(self.keys())
    }

    fn import(&self, _: &ExportedKeys) -> Result<Box<dyn SecretKeys>, KeyUnusable> {
        Ok(self.keys())
    }

    fn check(&self, public: &[u8]) -> Result<(), WeakKey> {
        InsecureProvider.check(public)
    }

    fn verify(&self, _: &[u8], _: &[u8], _: &[u8]) -> bool {
        true
    }

    /// Whoever it says it is to, carol can open it.
    fn encrypt(&self, _: &[u8], label: &[u8], secret: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>, KeyUnusable> {
        InsecureProvider.encrypt(&self.carol.record().keys.sealing, label, secret, rng)
    }
}

#[test]
fn attack_08_bad_input_33_what_alice_wrote_to_bob_wrapped_again_for_carol() {
    let folder = tempfile::tempdir().unwrap();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(identity);
    let draft = draft(1, "for bob's eyes only");
    let original = seal(&InsecureProvider, &alice, bob.verified_record(), &draft, &mut rng("seal")).unwrap().bytes;
    let opened = open(&InsecureProvider, &bob, SealKind::Seal, &original, &mut rng("open")).unwrap();
    let (_, signature) = opened.signed();
    let rewrap = |to: &Identity| {
        let (alice, carol) = (alice.record().keys.clone(), carol.verified_record().clone());
        Rewrapper { alice, signature: signature.to_vec(), carol }.wrap(to, &draft)
    };
    let (mut hub, member) =
        Puppet::host(Role::kept("carol", folder.path()), Before::of(&[&alice, &bob, &identity("zed")]));
    for sealed in [original, rewrap(&bob), rewrap(&carol)] {
        hub.send(Relayed { kind: SealKind::Seal, sealed: sealed.into() });
    }
    // The last is what it looks like when alice does write to carol.
    let honest = seal(&InsecureProvider, &alice, carol.verified_record(), &draft, &mut rng("honest")).unwrap();
    hub.send(Relayed { kind: SealKind::Seal, sealed: honest.bytes.into() });
    worked_off(&mut hub, &member);
    let (told, posts) = hub.dismiss(member);
    assert_eq!(texts(&told), ["for bob's eyes only"]);
    assert_eq!(receipts(&posts), 1);
}

/// Counts what a member does.
#[derive(Clone, Default)]
struct Counting {
    decrypted: Arc<AtomicUsize>,
    verified: Arc<AtomicUsize>,
    signed: Arc<AtomicUsize>,
}

impl Counting {
    /// How many of each since this was last asked: decrypted, verified, signed.
    fn take(&self) -> [usize; 3] {
        [&self.decrypted, &self.verified, &self.signed].map(|count| count.swap(0, Ordering::SeqCst))
    }

    fn around(&self, keys: Box<dyn SecretKeys>) -> Box<dyn SecretKeys> {
        Box::new(Counted(keys, self.clone()))
    }
}

struct Counted(Box<dyn SecretKeys>, Counting);

impl SecretKeys for Counted {
    fn public(&self) -> &PublicKeys {
        self.0.public()
    }

    fn sign(&self, message: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>, KeyUnusable> {
        self.1.signed.fetch_add(1, Ordering::SeqCst);
        self.0.sign(message, rng)
    }

    fn decrypt(&self, label: &[u8], block: &[u8], rng: &mut dyn CryptoRng) -> Option<Zeroizing<Vec<u8>>> {
        self.1.decrypted.fetch_add(1, Ordering::SeqCst);
        self.0.decrypt(label, block, rng)
    }

    fn export(&self) -> Result<ExportedKeys, KeyUnusable> {
        self.0.export()
    }
}

impl CryptoProvider for Counting {
    fn suite(&self) -> u8 {
        InsecureProvider.suite()
    }

    fn block_size(&self) -> usize {
        InsecureProvider.block_size()
    }

    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn SecretKeys>, KeyUnusable> {
        InsecureProvider.generate(rng).map(|keys| self.around(keys))
    }

    fn import(&self, pem: &ExportedKeys) -> Result<Box<dyn SecretKeys>, KeyUnusable> {
        InsecureProvider.import(pem).map(|keys| self.around(keys))
    }

    fn check(&self, public: &[u8]) -> Result<(), WeakKey> {
        InsecureProvider.check(public)
    }

    fn verify(&self, public: &[u8], message: &[u8], signature: &[u8]) -> bool {
        self.verified.fetch_add(1, Ordering::SeqCst);
        InsecureProvider.verify(public, message, signature)
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

/// A letter of bob to alice whose signature is of another letter.
fn badly_signed(alice: &Identity, bob: &Identity) -> Vec<u8> {
    let signature = vec![7; InsecureProvider.block_size()];
    let forger = Rewrapper { alice: bob.record().keys.clone(), signature, carol: alice.verified_record().clone() };
    forger.wrap(alice, &draft(2, "forged"))
}

#[test]
fn attack_09_bad_input_35_all_that_is_wrong_with_a_record_looks_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (alice, bob, counting) = (identity("alice"), identity("bob"), Counting::default());
    let role = Role { provider: Arc::new(counting.clone()), ..Role::kept("alice", folder.path()) };
    let (mut hub, member) = Puppet::host(role, Before::of(&[&bob, &identity("zed")]));
    hub.answer_fetch();
    worked_off(&mut hub, &member);
    let good = seal(&InsecureProvider, &bob, alice.verified_record(), &draft(3, "good"), &mut rng("seal")).unwrap();
    let good = good.bytes;
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let block = InsecureProvider.block_size();
    let does = |hub: &mut Puppet, sealed: Vec<u8>| {
        counting.take();
        hub.send(Relayed { kind: SealKind::Seal, sealed: sealed.into() });
        worked_off(hub, &member);
        counting.take()
    };
    // OAEP, the commitment, the tag, and bits between: one private operation, whatever is wrong and wherever.
    for at in [1, block / 2, block, block + 1, block + 32, block + 33, good.len() / 2, good.len() - 1] {
        assert_eq!(does(&mut hub, flipped(at)), [1, 0, 0], "byte {at}");
    }
    // A bad signature costs what a good one does; that the stamp is of an epoch long ago costs nothing.
    assert_eq!(does(&mut hub, badly_signed(&alice, &bob)), [1, 1, 0]);
    assert_eq!(hub.posts.len(), 0, "not a byte in answer");
    assert_eq!(does(&mut hub, good.clone()), [1, 1, 0]);
    let (told, posts) = hub.dismiss(member);
    assert_eq!((texts(&told), posts.len(), receipts(&posts)), (vec!["good"], 1, 1));
}
