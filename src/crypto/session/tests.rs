//! Two members, an exchange between them, and those who listen in and interfere.

mod groups;

use rand::rngs::StdRng;

use super::{
    limits::{MAX_AGE, MAX_SENT, MAX_SILENCE, PUBLISHED},
    *,
};
use crate::{
    crypto::{
        Draft, Identity, Letter, LetterError, Opened, RECEIPT_LENGTH, VerifiedRecord, fixtures::rng, open,
        open_group_in_session, padding, record, seal_group_in_sessions, testing::InsecureProvider,
    },
    types::{DirectoryHead, MessageId, SealKind, wire::Blob},
};

pub(super) const NOW: u64 = 1_790_000_000_000;
const PROVIDER: InsecureProvider = InsecureProvider;

/// A member with its sessions, and all that would be on its disk.
pub(super) struct Member {
    pub(super) identity: Identity,
    pub(super) sessions: Sessions,
    kept: Vec<Vec<u8>>,
    now: u64,
    sent: u64,
    rng: StdRng,
}

/// A posted record.
#[derive(Clone, Debug)]
pub(super) struct Posted {
    pub(super) kind: SealKind,
    pub(super) bytes: Vec<u8>,
}

impl Member {
    pub(super) fn new(name: &str) -> Self {
        let identity = crate::crypto::fixtures::member(name);
        let sessions = Sessions::new(identity.fingerprint(), NOW).unwrap();
        let kept = vec![sessions.snapshot().to_vec()];
        Self { identity, sessions, kept, now: NOW, sent: 0, rng: rng(7) }
    }

    /// The record that others have of it, with its bundle.
    pub(super) fn record(&self) -> VerifiedRecord {
        let mut record = self.identity.record().clone();
        record.bundle = Some(self.sessions.bundle());
        record.signature = Blob::default();
        record.signature = self.identity.keys().sign(&record.signed_bytes(), &mut rng(0)).unwrap().into();
        record::verify(&PROVIDER, record).unwrap()
    }

    /// As a member's folder does it: with new keys, what was kept before goes.
    pub(super) fn keep(&mut self, step: Step) {
        let changes_keys = step.changes_account();
        self.kept.push(step.entry().to_vec());
        self.sessions.commit(step);
        if changes_keys {
            self.kept = vec![self.sessions.snapshot().to_vec()];
        }
    }

    /// As after kill −9: what is on the disk, and nothing else.
    pub(super) fn restart(&mut self) {
        self.sessions = Sessions::load(self.kept.iter().map(Vec::as_slice)).unwrap();
    }

    /// The next message, not yet kept.
    pub(super) fn seal(&mut self, to: &VerifiedRecord, text: &str) -> SealedInSession {
        self.sent += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.sent.to_be_bytes());
        let stamp = DirectoryHead::FIRST;
        let draft = Draft { id: MessageId(id), sequence: self.sent, time: self.now, stamp, text };
        self.sessions.seal(&PROVIDER, &self.identity, (to, None), &draft, self.now, &mut self.rng).unwrap()
    }

    pub(super) fn send(&mut self, to: &Self, text: &str) -> Posted {
        let SealedInSession { kind, bytes, step, .. } = self.seal(&to.record(), text);
        self.keep(step);
        Posted { kind, bytes }
    }

    /// The letter in a record, not yet kept; nothing when it does not open.
    pub(super) fn open(&self, from: &VerifiedRecord, posted: &Posted) -> Option<(Letter, Step)> {
        if posted.kind == SealKind::Tagged {
            let received = self.sessions.open_tagged(self.identity.fingerprint(), &posted.bytes)?;
            return Some((received.letter, received.step));
        }
        let hello = self.sessions.open_hello(&PROVIDER, &self.identity, &posted.bytes)?;
        self.sessions.join(&PROVIDER, &hello, from, self.now).ok()
    }

    pub(super) fn receive(&mut self, from: &Self, posted: &Posted) -> Option<String> {
        let (letter, step) = self.open(&from.record(), posted)?;
        self.keep(step);
        Some(letter.text)
    }

    pub(super) fn acknowledged(&mut self, by: &Self, message: u64) {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&message.to_be_bytes());
        self.sessions.acknowledged(by.identity.fingerprint(), MessageId(id));
    }
}

/// Sends, receives and acknowledges; of which kind it was.
fn exchange(from: &mut Member, to: &mut Member) -> SealKind {
    let posted = from.send(to, "hello");
    assert_eq!(to.receive(from, &posted).as_deref(), Some("hello"));
    from.acknowledged(to, from.sent);
    posted.kind
}

fn pair() -> (Member, Member) {
    (Member::new("alice"), Member::new("bob"))
}

/// Two who are past the first exchange.
fn acquainted() -> (Member, Member) {
    let (mut alice, mut bob) = pair();
    assert_eq!(exchange(&mut alice, &mut bob), SealKind::Hello);
    assert_eq!(exchange(&mut bob, &mut alice), SealKind::Tagged);
    (alice, bob)
}

#[test]
fn the_first_message_is_a_hello_and_the_others_are_tagged() {
    let (mut alice, mut bob) = pair();
    assert!(alice.sessions.needs_hello(&bob.record(), NOW));
    assert_eq!(exchange(&mut alice, &mut bob), SealKind::Hello);
    assert!(!alice.sessions.needs_hello(&bob.record(), NOW));
    for _ in 0..5 {
        assert_eq!(exchange(&mut alice, &mut bob), SealKind::Tagged);
        assert_eq!(exchange(&mut bob, &mut alice), SealKind::Tagged);
    }
    assert_eq!((alice.sessions.len(), bob.sessions.len()), (1, 1));
    assert_eq!(alice.sessions.expected_tags(), 32);
}

#[test]
fn a_letter_tells_what_its_sender_wrote() {
    let (mut alice, bob) = acquainted();
    let sealed = alice.seal(&bob.record(), "Grüße");
    let received = bob.sessions.open_tagged(bob.identity.fingerprint(), &sealed.bytes).unwrap();
    let Received { letter, position, step } = received;
    assert_eq!((letter.from, &*letter.text), (alice.identity.fingerprint(), "Grüße"));
    assert_eq!((letter.sequence, letter.time, letter.stamp), (2, NOW, DirectoryHead::FIRST));
    assert_eq!(letter.receipt, sealed.receipt);
    assert_eq!(letter.receipt.receipt(letter.id).len(), RECEIPT_LENGTH);
    assert_eq!((position.index, position.missing), (0, vec![]));
    assert!(!step.is_empty() && Step::default().is_empty());
}

#[test]
fn until_the_peer_was_heard_each_message_is_a_hello_and_the_last_four_count() {
    let (mut alice, mut bob) = pair();
    let posted: Vec<_> = (0..6).map(|number| alice.send(&bob, &number.to_string())).collect();
    assert!(posted.iter().all(|posted| posted.kind == SealKind::Hello));
    for (number, posted) in posted.iter().enumerate() {
        assert_eq!(bob.receive(&alice, posted), Some(number.to_string()));
    }
    let (a, b) = (alice.identity.fingerprint(), bob.identity.fingerprint());
    assert_eq!((alice.sessions.counts(b), bob.sessions.counts(a)), ((0, 6), (4, 0)));
    // Bob has dropped the sessions of the first two, so alice does not send in them.
    alice.acknowledged(&bob, 1);
    assert_eq!(alice.send(&bob, "?").kind, SealKind::Hello);
    alice.acknowledged(&bob, 5);
    let tagged = alice.send(&bob, "now");
    assert_eq!(tagged.kind, SealKind::Tagged);
    assert_eq!(bob.receive(&alice, &tagged).as_deref(), Some("now"));
}

#[test]
fn an_answer_to_the_first_of_many_hellos_arrives() {
    let (mut alice, mut bob) = pair();
    let first = alice.send(&bob, "first");
    assert_eq!(bob.receive(&alice, &first).as_deref(), Some("first"));
    let answer = bob.send(&alice, "answer");
    for _ in 0..20 {
        alice.send(&bob, "more");
    }
    assert_eq!(alice.receive(&bob, &answer).as_deref(), Some("answer"));
    let b = bob.identity.fingerprint();
    assert_eq!(alice.sessions.counts(b), (0, 21));
    for _ in 0..40 {
        alice.send(&bob, "more");
    }
    assert_eq!(alice.sessions.counts(b), (0, 32), "there is an end to it");
}

#[test]
fn hellos_that_cross_both_count() {
    let (mut alice, mut bob) = pair();
    let (to_bob, to_alice) = (alice.send(&bob, "a"), bob.send(&alice, "b"));
    assert_eq!(bob.receive(&alice, &to_bob).as_deref(), Some("a"));
    assert_eq!(alice.receive(&bob, &to_alice).as_deref(), Some("b"));
    for round in 0..4 {
        let (to_bob, to_alice) = (alice.send(&bob, "a"), bob.send(&alice, "b"));
        assert_eq!((to_bob.kind, to_alice.kind), (SealKind::Tagged, SealKind::Tagged), "{round}");
        assert_eq!(bob.receive(&alice, &to_bob).as_deref(), Some("a"));
        assert_eq!(alice.receive(&bob, &to_alice).as_deref(), Some("b"));
    }
}

#[test]
fn a_lost_hello_costs_its_own_message_only() {
    let (mut alice, mut bob) = pair();
    drop(alice.send(&bob, "lost"));
    assert_eq!(exchange(&mut alice, &mut bob), SealKind::Hello);
    assert_eq!(exchange(&mut alice, &mut bob), SealKind::Tagged);
}

#[test]
fn attack_15_up_to_32_are_lost_or_reordered_and_none_opens_twice() {
    let (mut alice, mut bob) = acquainted();
    for _ in 0..3 {
        let posted: Vec<_> = (0..32).map(|number| alice.send(&bob, &number.to_string())).collect();
        assert!(posted.iter().all(|posted| posted.kind == SealKind::Tagged));
        // The last first, every third never.
        for (number, posted) in posted.iter().enumerate().rev().filter(|(number, _)| number % 3 != 0) {
            assert_eq!(bob.receive(&alice, posted), Some(number.to_string()));
            assert_eq!(bob.receive(&alice, posted), None, "a second time");
        }
        alice.acknowledged(&bob, alice.sent);
        assert_eq!(exchange(&mut bob, &mut alice), SealKind::Tagged);
    }
}

#[test]
fn attack_15_tampering_burns_no_key() {
    let (mut alice, mut bob) = acquainted();
    let tagged = alice.send(&bob, "for bob");
    for bit in (0..tagged.bytes.len() * 8).step_by(61) {
        let mut flipped = tagged.clone();
        flipped.bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(bob.receive(&alice, &flipped), None, "bit {bit}");
    }
    for length in [0, 15, 16, 40, tagged.bytes.len() - 1] {
        let cut = Posted { kind: SealKind::Tagged, bytes: tagged.bytes[..length].to_vec() };
        assert_eq!(bob.receive(&alice, &cut), None, "{length} bytes");
    }
    assert_eq!(bob.receive(&alice, &tagged).as_deref(), Some("for bob"));

    let mut carol = Member::new("carol");
    let hello = carol.send(&bob, "hello");
    for bit in (0..hello.bytes.len() * 8).step_by(97) {
        let mut flipped = hello.clone();
        flipped.bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(bob.receive(&carol, &flipped), None, "bit {bit}");
    }
    assert_eq!(bob.receive(&carol, &hello).as_deref(), Some("hello"));
}

#[test]
fn a_gap_is_told_by_the_numbers_that_are_missing() {
    let (mut alice, mut bob) = acquainted();
    let posted: Vec<_> = (0..6).map(|_| alice.send(&bob, "x")).collect();
    let mut missing = |at: usize| {
        let received = bob.sessions.open_tagged(bob.identity.fingerprint(), &posted[at].bytes).unwrap();
        bob.keep(received.step);
        (received.position.index, received.position.missing)
    };
    assert_eq!(missing(3), (3, vec![0, 1, 2]));
    assert_eq!(missing(1), (1, vec![]));
    assert_eq!(missing(5), (5, vec![4]));
}

#[test]
fn a_replayed_hello_makes_no_session_anew() {
    let (mut alice, mut bob) = pair();
    let hello = alice.send(&bob, "hello");
    assert_eq!(bob.receive(&alice, &hello).as_deref(), Some("hello"));
    alice.acknowledged(&bob, 1);
    exchange(&mut alice, &mut bob);
    // While its session is there nothing would change; the letter, by its number, is a duplicate.
    let (letter, step) = bob.open(&alice.record(), &hello).unwrap();
    assert_eq!((letter.sequence, step.is_empty()), (1, true));
    assert_eq!(exchange(&mut alice, &mut bob), SealKind::Tagged, "the session was not set back");
}

#[test]
fn a_hello_for_another_or_of_another_is_refused() {
    let (mut alice, bob) = pair();
    let carol = Member::new("carol");
    let hello = alice.send(&bob, "hello");
    assert!(carol.open(&alice.record(), &hello).is_none(), "not for carol");
    let opened = bob.sessions.open_hello(&PROVIDER, &bob.identity, &hello.bytes).unwrap();
    assert_eq!(opened.sender(), alice.identity.fingerprint());
    let joined = bob.sessions.join(&PROVIDER, &opened, &carol.record(), NOW);
    assert_eq!(joined.unwrap_err(), LetterError::OtherSender);
    // Bob has the keys that would let him wrap it again, but not alice's signature under carol's header.
    let stolen = carol.sessions.open_hello(&PROVIDER, &carol.identity, &hello.bytes);
    assert!(stolen.is_none());
    assert!(!format!("{opened:?} {:?}", bob.sessions).contains("hello\""));
}

#[test]
fn limits_make_a_session_begin_anew() {
    let (mut alice, mut bob) = acquainted();
    for _ in 0..32 {
        assert_eq!(alice.send(&bob, "into the dark").kind, SealKind::Tagged);
    }
    assert_eq!(exchange(&mut alice, &mut bob), SealKind::Hello, "32 without an answer");

    alice.send(&bob, "lost");
    alice.now += MAX_SILENCE;
    assert_eq!(exchange(&mut alice, &mut bob), SealKind::Hello, "one without an answer for long");

    for _ in 0..MAX_SENT {
        assert_eq!(exchange(&mut alice, &mut bob), SealKind::Tagged);
    }
    assert_eq!(exchange(&mut alice, &mut bob), SealKind::Hello, "1000 messages");

    alice.now += MAX_AGE - 1;
    assert_eq!(exchange(&mut alice, &mut bob), SealKind::Tagged);
    alice.now += 1;
    assert_eq!(exchange(&mut alice, &mut bob), SealKind::Hello, "a day");
    alice.now -= 3 * MAX_AGE;
    assert_eq!(exchange(&mut alice, &mut bob), SealKind::Hello, "a clock set back a day");
}

#[test]
fn a_peer_that_lost_its_folder_is_greeted_anew() {
    let (mut alice, mut bob) = acquainted();
    bob.sessions = Sessions::new(bob.identity.fingerprint(), NOW).unwrap();
    assert_eq!(exchange(&mut alice, &mut bob), SealKind::Hello);
}

#[test]
fn with_other_rsa_keys_a_member_begins_anew_and_keeps_its_bundle() {
    let (mut alice, bob) = acquainted();
    let (me, bundle) = (alice.identity.fingerprint(), alice.sessions.bundle());
    assert!(!alice.sessions.belong_to(me));
    assert!(!alice.sessions.needs_hello(&bob.record(), NOW));
    assert!(alice.sessions.belong_to(carol().fingerprint()));
    assert!(alice.sessions.needs_hello(&bob.record(), NOW));
    assert_eq!((alice.sessions.bundle(), alice.sessions.len(), alice.sessions.expected_tags()), (bundle, 0, 0));
    let snapshot = alice.sessions.snapshot();
    assert!(!Sessions::load([snapshot.as_slice()]).unwrap().belong_to(carol().fingerprint()), "it is kept");
}

fn carol() -> Identity {
    crate::crypto::fixtures::member("carol")
}

#[test]
fn lengths_tell_neither_receiver_nor_place_in_a_session() {
    let (mut alice, mut bob) = acquainted();
    let mut carol = Member::new("carol");
    exchange(&mut alice, &mut carol);
    for _ in 0..200 {
        exchange(&mut alice, &mut bob);
    }
    for length in (0..4000).step_by(37) {
        let text = "x".repeat(length);
        let (to_bob, to_carol) = (alice.seal(&bob.record(), &text), alice.seal(&carol.record(), &text));
        assert_eq!((to_bob.kind, to_carol.kind), (SealKind::Tagged, SealKind::Tagged));
        assert_eq!(to_bob.bytes.len(), to_carol.bytes.len(), "{length}");
        assert!(padding::is_padded_length(to_bob.bytes.len() - 16 - 24 - 16));
    }
    let (dave, erin) = (Member::new("dave"), Member::new("erin"));
    for length in (0..4000).step_by(37) {
        let text = "x".repeat(length);
        let (one, other) = (alice.seal(&dave.record(), &text), alice.seal(&erin.record(), &text));
        assert_eq!((one.kind, one.bytes.len()), (SealKind::Hello, other.bytes.len()), "{length}");
    }
}

#[test]
fn the_longest_text_fits_a_record() {
    let (mut alice, mut bob) = pair();
    let text = "x".repeat(crate::types::limits::MAX_TEXT);
    for kind in [SealKind::Hello, SealKind::Tagged] {
        let sealed = alice.seal(&bob.record(), &text);
        // The real provider's signature has 384 bytes, 128 more than this one's.
        assert!(sealed.bytes.len() + 128 <= crate::crypto::MAX_SEALED, "{}", sealed.bytes.len());
        assert_eq!(sealed.kind, kind);
        exchange(&mut alice, &mut bob);
    }
    let longer = "x".repeat(crate::types::limits::MAX_TEXT + 1);
    let draft = Draft { id: MessageId([9; 16]), sequence: 9, time: 0, stamp: DirectoryHead::FIRST, text: &longer };
    let to = bob.record();
    let error = alice.sessions.seal(&PROVIDER, &alice.identity, (&to, None), &draft, NOW, &mut rng(1)).unwrap_err();
    assert_eq!(error.code(), crate::types::Code::MessageTooLarge);
}

#[test]
fn attack_13_recorded_traffic_stays_closed_after_all_keys_are_stolen() {
    let (mut alice, mut bob) = pair();
    let hello = alice.send(&bob, "secret");
    assert_eq!(bob.receive(&alice, &hello).as_deref(), Some("secret"));
    alice.acknowledged(&bob, 1);
    let mut recorded = vec![hello];
    for _ in 0..4 {
        let tagged = alice.send(&bob, "secret");
        assert_eq!(bob.receive(&alice, &tagged).as_deref(), Some("secret"));
        let answer = bob.send(&alice, "secret");
        assert_eq!(alice.receive(&bob, &answer).as_deref(), Some("secret"));
        recorded.push(tagged);
    }
    // Bob's RSA keys alone open nothing of it, neither at once nor later.
    let thief = Member { identity: crate::crypto::fixtures::member("bob"), ..Member::new("mallory") };
    assert!(recorded.iter().all(|posted| thief.open(&alice.record(), posted).is_none()));
    // Two weeks later the keys that opened the hello are gone; then the whole disk is stolen.
    for weeks in 1..=2 {
        let step = bob.sessions.renew(NOW + weeks * PUBLISHED).unwrap().unwrap();
        bob.keep(step);
    }
    // One more message follows: its state is behind the snapshot, and the one before it too.
    let last = alice.send(&bob, "secret");
    bob.receive(&alice, &last).unwrap();
    let states = 1..=bob.kept.len();
    assert_eq!(states, 1..=2);
    for end in states {
        let sessions = Sessions::load(bob.kept[..end].iter().map(Vec::as_slice)).unwrap();
        let thief = Member { sessions, ..Member::new("bob") };
        assert!(recorded.iter().all(|posted| thief.open(&alice.record(), posted).is_none()), "{end}");
    }
}

#[test]
fn attack_13_a_stolen_state_is_of_no_use_after_one_round_trip() {
    let (mut alice, mut bob) = acquainted();
    let stolen = alice.sessions.snapshot();
    let thief = || Member { sessions: Sessions::load([stolen.as_slice()]).unwrap(), ..Member::new("alice") };
    let first = bob.send(&alice, "still open");
    assert!(thief().open(&bob.record(), &first).is_some(), "at the moment of the theft it is of use");
    alice.receive(&bob, &first).unwrap();
    exchange(&mut alice, &mut bob);
    for _ in 0..3 {
        let later = bob.send(&alice, "closed");
        assert!(thief().open(&bob.record(), &later).is_none());
        assert_eq!(alice.receive(&bob, &later).as_deref(), Some("closed"));
        exchange(&mut alice, &mut bob);
    }
}

#[test]
fn one_look_is_all_that_others_records_cost_and_none_changes_anything() {
    let (alice, bob) = acquainted();
    let before = bob.sessions.snapshot().to_vec();
    for record in [&[][..], &[0; 15], &[7; 48], &[9; 1096]] {
        assert!(bob.sessions.open_tagged(bob.identity.fingerprint(), record).is_none());
        assert!(bob.sessions.open_hello(&PROVIDER, &bob.identity, record).is_none());
    }
    assert_eq!(bob.sessions.snapshot().to_vec(), before);
    drop(alice);
}

#[test]
fn what_is_kept_is_read_back_and_nothing_else_is() {
    let (alice, bob) = acquainted();
    let snapshot = alice.sessions.snapshot();
    let again = Sessions::load([snapshot.as_slice()]).unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(again.expected_tags(), alice.sessions.expected_tags());
    assert!(!again.needs_hello(&bob.record(), NOW));
    for wrong in [&[][..], &[0xc1], &snapshot[..snapshot.len() - 1], &Step::default().entry()] {
        assert!(matches!(Sessions::load([wrong]), Err(SessionsError)));
    }
    assert!(Sessions::load(std::iter::empty::<&[u8]>()).is_err());
    let mut other_form = snapshot.to_vec();
    other_form[1] = 2;
    assert!(Sessions::load([other_form.as_slice()]).is_err());
}

#[test]
fn what_is_kept_has_a_size_at_which_the_longest_silent_go() {
    let (mut alice, bob) = acquainted();
    let bare = Sessions::new(alice.identity.fingerprint(), NOW).unwrap().snapshot().len();
    let mut carol = Member::new("carol");
    for _ in 0..20 {
        alice.send(&bob, "silent");
    }
    exchange(&mut alice, &mut carol);
    let (all, whole) = (alice.sessions.len(), alice.sessions.snapshot().len());
    assert_eq!(alice.sessions.snapshot_within(whole).len(), whole);
    assert_eq!(alice.sessions.len(), all);
    let limit = whole - 1;
    let snapshot = alice.sessions.snapshot_within(limit);
    assert!(snapshot.len() <= limit && alice.sessions.len() < all);
    assert!(!alice.sessions.needs_hello(&carol.record(), NOW), "the last one stays");
    assert!(alice.sessions.needs_hello(&bob.record(), NOW));
    assert_eq!(Sessions::load([snapshot.as_slice()]).unwrap().len(), alice.sessions.len());
    alice.sessions.snapshot_within(bare);
    assert!(alice.sessions.is_empty() && alice.sessions.expected_tags() == 0);
}

#[test]
fn debug_shows_no_secrets() {
    let (mut alice, bob) = acquainted();
    let sealed = alice.seal(&bob.record(), "a private matter");
    let received = bob.sessions.open_tagged(bob.identity.fingerprint(), &sealed.bytes).unwrap();
    let shown = format!("{:?} {:?} {sealed:?} {received:?}", alice.sessions, bob.sessions).replace("[secret]", "");
    assert!(shown.contains("Sessions(1 with 1 members)") && !shown.contains("private"), "{shown}");
    // Secrets would show as rows of numbers; so does the record, which is none.
    let rest = shown.replace(&format!("{:?}", sealed.bytes), "");
    assert!(!rest.split('[').any(|row| row.starts_with(|c: char| c.is_ascii_digit())), "{rest}");
}

#[test]
fn with_real_keys_it_is_the_same() {
    use crate::crypto::{ModulusSize, RsaProvider, fixtures::rsa_member};
    let (provider, mut rng) = (RsaProvider::new(ModulusSize::Bits2048), rng(5));
    let [mut one, mut other] = [0, 1].map(|number| {
        let sessions = Sessions::new(rsa_member(number).fingerprint(), NOW).unwrap();
        let identity = rsa_member(number).with_bundle(Some(sessions.bundle()), NOW, &mut rng).unwrap();
        (identity, sessions)
    });
    let stamp = DirectoryHead::FIRST;
    for (sequence, kind) in [(1, SealKind::Hello), (2, SealKind::Tagged)] {
        let draft = Draft { id: MessageId([7; 16]), sequence, time: NOW, stamp, text: "for real" };
        let to = (other.0.verified_record(), None);
        let sealed = one.1.seal(&provider, &one.0, to, &draft, NOW, &mut rng).unwrap();
        assert_eq!(sealed.kind, kind);
        one.1.commit(sealed.step);
        let (letter, step) = if kind == SealKind::Hello {
            let hello = other.1.open_hello(&provider, &other.0, &sealed.bytes).unwrap();
            other.1.join(&provider, &hello, one.0.verified_record(), NOW).unwrap()
        } else {
            let received = other.1.open_tagged(other.0.fingerprint(), &sealed.bytes).unwrap();
            (received.letter, received.step)
        };
        other.1.commit(step);
        assert_eq!(letter.text, "for real");
        one.1.acknowledged(other.0.fingerprint(), draft.id);
    }
    let draft = Draft { id: MessageId([8; 16]), sequence: 3, time: NOW, stamp, text: "to all" };
    let to = [one.0.verified_record(), other.0.verified_record()];
    let (sealed, step) = seal_group_in_sessions(&provider, (&one.0, &one.1), &to, &draft, NOW, &mut rng).unwrap();
    one.1.commit(step);
    let opened = open_group_in_session(&provider, (&other.0, &other.1), &sealed.bytes).unwrap();
    let (text, _) = opened.verify(&provider, &other.1, one.0.verified_record()).unwrap();
    assert_eq!(text.text, "to all");
    let own = open(&provider, &one.0, SealKind::Group, &sealed.bytes, &mut rng).unwrap();
    assert_eq!(
        own.verify(&provider, one.0.verified_record()).unwrap().text,
        "to all",
        "a session with oneself is none"
    );
}
