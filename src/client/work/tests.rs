//! Two workers that write to each other, one of them killed at any point.

use rand::{SeedableRng as _, rngs::StdRng};

use super::*;
use crate::{
    crypto::testing::InsecureProvider,
    storage::{FailingStorage, Fault, MemoryStorage, Storage as _},
};

const NOW: u64 = 1_790_000_000_000;

/// A member's worker and the disk under it.
struct End {
    name: MemberName,
    disk: MemoryStorage,
    worker: Option<Worker>,
    record: Arc<VerifiedRecord>,
    posted: u8,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Shown(String),
    Duplicate,
    /// It did not open, or was forged.
    Dropped,
}

impl End {
    fn new(name: &str) -> Self {
        let (name, disk): (MemberName, _) = (name.parse().unwrap(), MemoryStorage::default());
        let (keyring, _) = open(&name, disk.clone(), usize::MAX).unwrap();
        let record = Arc::new(keyring.identity().verified_record().clone());
        let mut end = Self { name, disk, worker: None, record, posted: 0 };
        drop(keyring);
        assert!(end.start(usize::MAX));
        end
    }

    /// Starts the worker; it is killed at the write after so many. False when it did not live through starting.
    fn start(&mut self, writes: usize) -> bool {
        let opened = open(&self.name, self.disk.clone(), writes);
        self.worker = opened.ok().map(|(keyring, _)| {
            let rng = StdRng::seed_from_u64(self.posted.into());
            Worker::new(Arc::new(InsecureProvider), keyring, Box::new(rng), || NOW)
        });
        self.worker.is_some()
    }

    /// Nothing when the worker is killed over it.
    fn work(&mut self, job: Job) -> Option<Done> {
        match self.worker.as_mut()?.work(job) {
            Done::Failed(_) => {
                self.worker = None;
                None
            }
            done => Some(done),
        }
    }

    fn send(&mut self, to: &Self, text: &str) -> Option<SealedPost> {
        self.posted += 1;
        let mut id = [0; 16];
        id[..2].copy_from_slice(&[self.name.as_str().as_bytes()[0], self.posted]);
        let (id, to, stamp) = (MessageId(id), Arc::clone(&to.record), DirectoryHead::FIRST);
        match self.work(Job::Seal { id, to, stamp, text: text.to_owned() })? {
            Done::Sealed { result, .. } => Some(result.unwrap()),
            other => panic!("{other:?}"),
        }
    }

    fn receive(&mut self, from: &Self, post: &SealedPost) -> Option<Fate> {
        let Done::Opened { opened, .. } = self.work(Job::Open { kind: post.kind, sealed: post.sealed.clone() })? else {
            panic!("an attempt to open says what came of it");
        };
        let Some(opened) = opened else { return Some(Fate::Dropped) };
        assert_eq!(opened.sender(), from.record.fingerprint());
        match self.work(Job::Judge { opened, sender: Arc::clone(&from.record) })? {
            Done::Judged(Some(judged)) if judged.judgement == Judgement::Fresh => Some(Fate::Shown(judged.letter.text)),
            Done::Judged(Some(_)) => Some(Fate::Duplicate),
            Done::Judged(None) => Some(Fate::Dropped),
            other => panic!("{other:?}"),
        }
    }

    fn acknowledged(&mut self, by: &Self) {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&[self.name.as_str().as_bytes()[0], self.posted]);
        self.work(Job::Acknowledged { by: by.record.fingerprint(), message: MessageId(id) });
    }
}

fn open(
    name: &MemberName,
    disk: MemoryStorage,
    writes: usize,
) -> Result<(Keyring, crate::client::keyring::Origin), KeyringError> {
    let storage = FailingStorage::new(disk, writes, Fault::Broken);
    // Each member has keys of its own.
    let seed = name.as_str().bytes().map(u64::from).sum();
    Keyring::with_storage(&InsecureProvider, Box::new(storage), name, NOW, &mut StdRng::seed_from_u64(seed))
}

/// A message that must arrive, and be known to have.
fn must_arrive(from: &mut End, to: &mut End, text: &str) -> SealKind {
    let post = from.send(to, text).unwrap();
    assert_eq!(to.receive(from, &post), Some(Fate::Shown(text.to_owned())), "{text}");
    from.acknowledged(to);
    post.kind
}

#[test]
fn sessions_outlive_a_restart_of_either_end() {
    let (mut alice, mut bob) = (End::new("alice"), End::new("bob"));
    assert_eq!(must_arrive(&mut alice, &mut bob, "one"), SealKind::Hello);
    assert_eq!(must_arrive(&mut bob, &mut alice, "two"), SealKind::Tagged);
    for round in 0..3 {
        assert!(bob.start(usize::MAX));
        assert_eq!(must_arrive(&mut alice, &mut bob, "three"), SealKind::Tagged, "{round}");
        assert!(alice.start(usize::MAX));
        assert_eq!(must_arrive(&mut bob, &mut alice, "four"), SealKind::Tagged, "{round}");
    }
}

#[test]
fn what_is_on_the_disk_says_nothing() {
    let (mut alice, mut bob) = (End::new("alice"), End::new("bob"));
    must_arrive(&mut alice, &mut bob, "one");
    let file = alice.disk.read("sessions").unwrap().unwrap();
    let peer = bob.record.fingerprint();
    assert!(file.len() > 4096 && !file.windows(32).any(|part| part == peer.0), "nor with whom there are sessions");
    for at in [0, 30, 100, 2000] {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        let mut disk = MemoryStorage::default();
        disk.replace("identity.pem", &alice.disk.read("identity.pem").unwrap().unwrap()).unwrap();
        disk.replace("sessions", &damaged).unwrap();
        let error = open(&alice.name, disk, usize::MAX).unwrap_err();
        assert!(matches!(error, KeyringError::Sessions { .. }), "byte {at}: {error}");
        assert!(error.hint().contains("remove it"));
    }
}

/// Kills bob, or alice, at the `writes`-th write of a conversation. Whether it got that far.
fn killed_at(victim: usize, writes: usize) -> bool {
    let mut ends = [End::new("alice"), End::new("bob")];
    let mut was_killed = !ends[victim].start(writes);
    let mut on_their_way: Vec<(usize, SealedPost, String)> = Vec::new();
    let mut shown: Vec<String> = Vec::new();
    for number in 0..12 {
        let (from, text) = (number % 2, format!("message {number}"));
        let [alice, bob] = &mut ends;
        let (sender, receiver) = if from == 0 { (alice, bob) } else { (bob, alice) };
        if let Some(post) = sender.send(receiver, &text) {
            match receiver.receive(sender, &post) {
                Some(Fate::Shown(shown_text)) => {
                    shown.push(shown_text);
                    sender.acknowledged(receiver);
                }
                Some(fate) => panic!("{text}: {fate:?}"),
                None => on_their_way.push((1 - from, post, text)),
            }
        }
        if ends[victim].worker.is_none() {
            was_killed = true;
            assert!(ends[victim].start(usize::MAX), "it starts again, whatever it was killed over");
        }
        // The hub still has what was not taken in, and gives it again.
        for (to, post, text) in std::mem::take(&mut on_their_way) {
            let [alice, bob] = &mut ends;
            let (sender, receiver) = if to == 1 { (alice, bob) } else { (bob, alice) };
            if receiver.receive(sender, &post) == Some(Fate::Shown(text.clone())) {
                shown.push(text);
            }
        }
    }
    let distinct: std::collections::BTreeSet<_> = shown.iter().collect();
    assert_eq!(distinct.len(), shown.len(), "killed at write {writes}: shown twice");
    assert!(shown.len() >= 10, "killed at write {writes}: at most the one of that moment is lost: {shown:?}");
    was_killed
}

#[test]
fn killed_at_any_write_a_member_goes_on_and_shows_nothing_twice() {
    for victim in 0..2 {
        let reached = (0..200).take_while(|writes| killed_at(victim, *writes)).count();
        assert!((15..200).contains(&reached), "{reached} writes");
    }
}

#[test]
fn attack_13_a_one_time_key_of_no_use_does_not_lead_back_to_rsa() {
    let (mut alice, mut bob) = (End::new("alice"), End::new("bob"));
    alice.work(Job::BeginOneTimeKeys).unwrap();
    let (to, stamp) = (Arc::clone(&bob.record), DirectoryHead::FIRST);
    let job = Job::Seal { id: MessageId([1; 16]), to, stamp, text: "hello".to_owned() };
    let Some(Done::WantsOneTimeKey(unsealed)) = alice.work(job) else { panic!("it is to begin a session") };
    // What the hub answers, nobody signed.
    let one_time = Some(CurveKey([0; 32]));
    let Some(Done::Sealed { result, .. }) = alice.work(Job::BeginSession { unsealed, one_time }) else {
        panic!("a key that the hub made up keeps nobody from writing")
    };
    let post = result.unwrap();
    assert_eq!(post.kind, SealKind::Hello);
    assert_eq!(bob.receive(&alice, &post), Some(Fate::Shown("hello".to_owned())));
}

fn to_all(from: &mut End, to: [&End; 2]) -> SealedPost {
    from.posted += 1;
    let (id, stamp) = (MessageId([from.posted; 16]), DirectoryHead::FIRST);
    let to = to.map(|end| Arc::clone(&end.record)).to_vec();
    let job = Job::SealGroup { id, to, stamp, text: "to all".to_owned() };
    match from.work(job).unwrap() {
        Done::Sealed { result, .. } => result.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn attack_15_a_body_that_a_receiver_made_up_burns_no_key() {
    let (mut alice, mut bob, carol) = (End::new("alice"), End::new("bob"), End::new("carol"));
    must_arrive(&mut alice, &mut bob, "one");
    must_arrive(&mut bob, &mut alice, "two");
    let post = to_all(&mut alice, [&bob, &carol]);
    let insider = carol.worker.as_ref().unwrap().keyring.identity();
    let sealed = crate::crypto::forged(&InsecureProvider, insider, &post.sealed, ["to all", "forged"]);
    let forged = SealedPost { kind: post.kind, sealed: sealed.into(), receipts: Vec::new() };
    assert_eq!(bob.receive(&alice, &forged), Some(Fate::Dropped));
    assert_eq!(bob.receive(&alice, &post), Some(Fate::Shown("to all".to_owned())), "the hub held it back until then");
    assert_eq!(bob.receive(&alice, &post), Some(Fate::Dropped), "its key is gone");
}

#[test]
fn messages_to_all_that_wait_for_their_proof_are_not_missing() {
    let (mut alice, mut bob, carol) = (End::new("alice"), End::new("bob"), End::new("carol"));
    must_arrive(&mut alice, &mut bob, "one");
    must_arrive(&mut bob, &mut alice, "two");
    let posts: Vec<_> = (0..4).map(|_| to_all(&mut alice, [&bob, &carol])).collect();
    let mut waiting = Vec::new();
    // The second one is lost.
    for (index, missing) in [(0, vec![]), (2, vec![1]), (3, vec![])] {
        let SealedPost { kind, sealed, .. } = &posts[index];
        let Some(Done::Opened { opened: Some(opened), position: Some(position) }) =
            bob.work(Job::Open { kind: *kind, sealed: sealed.clone() })
        else {
            panic!("{index} is for bob")
        };
        assert_eq!(position.missing, missing, "{index}");
        waiting.push(opened);
    }
    for opened in waiting {
        let judged = bob.work(Job::Judge { opened, sender: Arc::clone(&alice.record) });
        let Some(Done::Judged(Some(judged))) = judged else { panic!("it is alice's") };
        assert_eq!(judged.judgement, Judgement::Fresh);
    }
}
