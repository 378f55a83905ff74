//! What members can do to one another with what they hold: wrap again, forge a sender, change a group.

use super::{
    envelope::{self, HeaderHash},
    fixtures::{member, rng, rsa_member, verified},
    group::seal_group,
    identity::Identity,
    key_block,
    letter::{self, Address, Draft, LetterError, Opened, Stream},
    open::open,
    policy::ModulusSize,
    provider::CryptoProvider as _,
    receipt::ReceiptSecret,
    rsa_provider::RsaProvider,
    seal::seal,
    secret::Secret,
    testing::InsecureProvider,
    transcript,
};
use crate::types::{DirectoryHead, DirectorySequence, Head, MessageId, SealKind};

const STAMP: DirectoryHead = DirectoryHead { epoch: DirectorySequence(7), head: Head([0x4d; 32]) };

const FAST: InsecureProvider = InsecureProvider;

fn draft(text: &str) -> Draft<'_> {
    Draft { id: MessageId([0x1d; 16]), sequence: 42, time: 1_790_000_000_000, stamp: STAMP, text }
}

fn opened(me: &Identity, kind: SealKind, record: &[u8]) -> Option<Opened> {
    open(&FAST, me, kind, record, &mut rng(2))
}

fn group_to(to: &Identity) -> Vec<u8> {
    seal_group(&FAST, &member("alice"), &[&verified(to)], &draft("hello"), &mut rng(1)).unwrap().bytes
}

/// What a member can make who knows a letter's content: any header, key and body around it.
struct Forge<'a> {
    from: &'a Identity,
    signed_to: [u8; 32],
    signed_h: Option<HeaderHash>,
}

impl Forge<'_> {
    /// A seal to `victim` around a letter with the claims above.
    fn seal_to(&self, victim: &Identity) -> Vec<u8> {
        let (mut rng, key) = (rng(7), Secret([9; 32]));
        let block =
            key_block::wrap_hidden(&FAST, &victim.record().keys.sealing, transcript::SEAL, &key.0, &mut rng).unwrap();
        let h = HeaderHash::new(transcript::SEAL_HEADER, FAST.suite(), &block);
        let address = Address { to: self.signed_to, stream: Stream::Direct, h: self.signed_h.unwrap_or(h) };
        let receipt = ReceiptSecret::random(&mut rng);
        let content = letter::write(self.from, &address, &draft("forged"), &receipt, &mut rng).unwrap();
        envelope::close(FAST.suite(), &block, h, &key, &content)
    }
}

#[test]
fn bad_input_33_a_letter_to_one_member_wrapped_again_for_another_is_dropped() {
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(member);
    // Bob passes on what alice wrote and signed to him, as if it had been to carol: `to` gives it away.
    let record = Forge { from: &alice, signed_to: bob.fingerprint().0, signed_h: None }.seal_to(&carol);
    let dropped = opened(&carol, SealKind::Seal, &record).unwrap().verify(&FAST, &verified(&alice));
    assert_eq!(dropped.unwrap_err(), LetterError::NotForMe);
    // Nor can he wrap a letter to carol again, in a record of his own: the header is signed.
    let other = Some(HeaderHash([0; 32]));
    let record = Forge { from: &alice, signed_to: carol.fingerprint().0, signed_h: other }.seal_to(&carol);
    let dropped = opened(&carol, SealKind::Seal, &record).unwrap().verify(&FAST, &verified(&alice));
    assert_eq!(dropped.unwrap_err(), LetterError::Signature);
    // The same tool makes a good record when it tells the truth.
    let honest = Forge { from: &alice, signed_to: carol.fingerprint().0, signed_h: None }.seal_to(&carol);
    let letter = opened(&carol, SealKind::Seal, &honest).unwrap().verify(&FAST, &verified(&alice)).unwrap();
    assert_eq!(letter.text, "forged");
}

#[test]
fn bad_input_33_a_forged_sender_is_dropped() {
    let [alice, bob, mallory] = ["alice", "bob", "mallory"].map(member);
    // Mallory writes, and claims to be alice.
    let keys = FAST.import(&mallory.keys().export().unwrap()).unwrap();
    let impostor = Identity::from_parts(keys, verified(&alice));
    let record = Forge { from: &impostor, signed_to: bob.fingerprint().0, signed_h: None }.seal_to(&bob);
    let opened_as = || opened(&bob, SealKind::Seal, &record).unwrap();
    assert_eq!(opened_as().sender(), alice.fingerprint());
    assert_eq!(opened_as().verify(&FAST, &verified(&alice)).unwrap_err(), LetterError::Signature);
    assert_eq!(opened_as().verify(&FAST, &verified(&mallory)).unwrap_err(), LetterError::OtherSender);

    let real = RsaProvider::new(ModulusSize::Bits2048);
    let [real_alice, real_bob] = [rsa_member(0), rsa_member(1)];
    let keys = real.import(&real_bob.keys().export().unwrap()).unwrap();
    let impostor = Identity::from_parts(keys, verified(real_alice));
    let record = seal(&real, &impostor, &verified(real_bob), &draft("x"), &mut rng(1)).unwrap().bytes;
    let opened = open(&real, real_bob, SealKind::Seal, &record, &mut rng(2)).unwrap();
    assert_eq!(opened.verify(&real, &verified(real_alice)).unwrap_err(), LetterError::Signature);
}

#[test]
fn slots_of_a_group_cannot_be_changed_by_its_members() {
    let [bob, carol] = ["bob", "carol"].map(member);
    let record = group_to(&bob);
    let slot = 3..3 + 8 + FAST.block_size();
    // Someone puts carol's prefix on bob's slot, or adds a slot for her.
    let mut renamed = record.clone();
    renamed[slot.start..slot.start + 8].copy_from_slice(&carol.fingerprint().0[..8]);
    let mut added = record.clone();
    added[2] = 2;
    added.splice(slot.end..slot.end, renamed[slot].to_vec());
    for changed in [&renamed, &added] {
        assert!(opened(&carol, SealKind::Group, changed).is_none());
        assert!(opened(&bob, SealKind::Group, changed).is_none());
    }
}

#[test]
fn a_count_that_lies_costs_nothing() {
    let bob = member("bob");
    let mut record = group_to(&bob);
    record[1..3].copy_from_slice(&[0xff, 0xff]);
    assert!(opened(&bob, SealKind::Group, &record).is_none());
    record[1..3].copy_from_slice(&[0, 0]);
    assert!(opened(&bob, SealKind::Group, &record).is_none());
}
