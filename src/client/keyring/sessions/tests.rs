//! What a thief of the file can read of what went before.

use rand::{SeedableRng as _, rngs::StdRng};

use super::*;
use crate::{
    client::keyring::Keyring,
    crypto::{Draft, session::SealedInSession, testing::InsecureProvider},
    storage::MemoryStorage,
    types::{DirectoryHead, MessageId, SealKind},
};

const FAST: InsecureProvider = InsecureProvider;
const NOW: u64 = 1_790_000_000_000;

struct End {
    disk: MemoryStorage,
    keyring: Keyring,
    now: u64,
    rng: StdRng,
    sent: u8,
}

impl End {
    fn new(name: &str) -> Self {
        let disk = MemoryStorage::default();
        let mut rng = StdRng::seed_from_u64(name.len() as u64);
        let keyring = open(name, &disk, NOW, &mut rng);
        Self { disk, keyring, now: NOW, rng, sent: 0 }
    }

    fn send(&mut self, to: &mut Self) -> Vec<u8> {
        self.sent += 1;
        let (id, stamp) = (MessageId([self.sent; 16]), DirectoryHead::FIRST);
        let draft = Draft { id, sequence: self.sent.into(), time: self.now, stamp, text: "a secret" };
        let record = to.keyring.identity().verified_record().clone();
        let me = self.keyring.identity().clone();
        let sealed =
            self.keyring.sessions().seal(&FAST, &me, (&record, None), &draft, self.now, &mut self.rng).unwrap();
        let SealedInSession { kind, bytes, step, .. } = sealed;
        self.keyring.commit(step, self.now, &mut self.rng).unwrap();
        let (letter, step) = to.open(self, kind, &bytes);
        to.keyring.commit(step, to.now, &mut to.rng).unwrap();
        assert_eq!(letter, "a secret");
        self.keyring.acknowledged(to.keyring.identity().fingerprint(), id);
        bytes
    }

    fn open(&self, from: &Self, kind: SealKind, bytes: &[u8]) -> (String, Step) {
        let (me, sessions) = (self.keyring.identity(), self.keyring.sessions());
        if kind == SealKind::Tagged {
            let received = sessions.open_tagged(me.fingerprint(), bytes).unwrap();
            return (received.letter.text, received.step);
        }
        let hello = sessions.open_hello(&FAST, me, bytes).unwrap();
        let record = from.keyring.identity().verified_record();
        let (letter, step) = sessions.join(&FAST, &hello, record, self.now).unwrap();
        (letter.text, step)
    }

    /// How many of these a thief of the file reads, by any state that is in it.
    fn stolen(&self, recorded: &[Vec<u8>]) -> usize {
        let file = self.disk.read(SESSIONS).unwrap().unwrap();
        let owner = self.keyring.identity();
        let (_, entries, _) = Journal::read(owner, &file).unwrap();
        let states: Vec<_> = (1..=entries.len())
            .map(|end| Sessions::load(entries[..end].iter().map(|entry| entry.as_slice())).unwrap())
            .collect();
        let opens = |bytes: &&Vec<u8>| {
            states.iter().any(|state| state.open_tagged(owner.fingerprint(), bytes.as_slice()).is_some())
        };
        recorded.iter().filter(opens).count()
    }
}

fn open(name: &str, disk: &MemoryStorage, now: u64, rng: &mut StdRng) -> Keyring {
    Keyring::with_storage(&FAST, Box::new(disk.clone()), &name.parse().unwrap(), now, rng).unwrap().0
}

/// Two who are past the hellos, and four more messages that were recorded.
fn recorded() -> (End, End, Vec<Vec<u8>>) {
    let (mut alice, mut bob) = (End::new("alice"), End::new("bob"));
    alice.send(&mut bob);
    let recorded: Vec<_> = (0..4).map(|_| alice.send(&mut bob)).collect();
    assert_eq!(bob.stolen(&recorded), 4, "the window: they were read a moment ago");
    (alice, bob, recorded)
}

#[test]
fn attack_13_the_stolen_file_reads_nothing_from_before_the_last_start() {
    let (_alice, mut bob, recorded) = recorded();
    bob.keyring = open("bob", &bob.disk, NOW, &mut bob.rng);
    assert_eq!(bob.stolen(&recorded), 0);
}

#[test]
fn attack_13_the_stolen_file_reads_nothing_that_is_an_hour_old() {
    let (mut alice, mut bob, recorded) = recorded();
    bob.now += MAX_KEPT - 1;
    alice.send(&mut bob);
    assert_eq!(bob.stolen(&recorded), 4);
    bob.now += 1;
    let last = alice.send(&mut bob);
    assert_eq!(bob.stolen(&[recorded, vec![last]].concat()), 0);

    // Nor when nothing comes any more: a member looks every hour.
    let last = [alice.send(&mut bob)];
    assert_eq!(bob.stolen(&last), 1);
    bob.keyring.renew_bundle(bob.now + MAX_KEPT, &mut bob.rng).unwrap();
    assert_eq!(bob.stolen(&last), 0);
}

#[test]
fn attack_13_the_stolen_file_reads_nothing_from_before_64_kb_or_a_change_of_keys() {
    let (mut alice, mut bob, mut recorded) = recorded();
    let (mut size, mut longest) = (0, 0);
    while size >= longest {
        longest = size;
        recorded.push(alice.send(&mut bob));
        size = bob.disk.read(SESSIONS).unwrap().unwrap().len();
    }
    assert!((MAX_APPENDED / 2..MAX_APPENDED * 5 / 4).contains(&longest), "{longest} bytes");
    assert!((30..130).contains(&recorded.len()), "{} messages", recorded.len());
    assert_eq!(bob.stolen(&recorded), 0);

    recorded.push(alice.send(&mut bob));
    assert!(bob.stolen(&recorded) > 0);
    let (_, step) = bob.keyring.sessions().fresh_one_time_keys().unwrap();
    bob.keyring.commit(step, bob.now, &mut bob.rng).unwrap();
    assert_eq!(bob.stolen(&recorded), 0);
}
