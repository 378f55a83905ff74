//! What nobody asked for, and more of it than there can be: a member takes no memory for it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use securestream::{
    client::session::{Me, Output, Session},
    client::work::{Done, Job},
    crypto::Challenge,
    proto::{
        Ending, Message,
        message::{
            DirectoryPage, HeadLink, Heads, Joined, Left, Packet, RecordChanged, Records, Relayed, StreamInfo,
            VideoTitle, Videos, Welcome,
        },
    },
    types::{
        Codec, DirectoryEntry, DirectorySequence, Fingerprint, Head, LeaveReason, MediaTime, PlayEpoch, PlayId,
        RelayMode, RenditionLabel, SealKind, StateHash,
        wire::{self, Blob},
    },
};

use crate::raw::identity;

/// Members that one directory may have.
const MAX_MEMBERS: usize = 100_000;

/// Alice without her worker: what she would have it do stays in her outputs.
struct Alice {
    session: Session,
    now: Instant,
}

impl Alice {
    fn greeted() -> Self {
        let me = Me { name: "alice".parse().unwrap(), fingerprint: identity("alice").fingerprint(), guest: false };
        let mut alice = Self { session: Session::new(me, [7; 32]), now: Instant::now() };
        alice.session.greeted(Challenge { channel_binding: Vec::new(), nonce: [0; 32] });
        let sequence = DirectorySequence(1);
        let name = "alice".parse().unwrap();
        alice.hears(Welcome { name, guest: false, relay: RelayMode::Broadcast, sequence, members: 1 });
        alice
    }

    /// In, with bob beside her.
    fn with_bob() -> Self {
        let mut alice = Self::greeted();
        let entries = ["alice", "bob"].map(|name| entry(name, identity(name).fingerprint())).to_vec();
        alice.hears(DirectoryPage { sequence: DirectorySequence(2), entries, last: true, previous: Head::FIRST });
        alice
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.session.poll_output()).collect()
    }

    fn hears(&mut self, message: impl Into<Message>) -> Vec<Output> {
        self.session.message(message.into(), self.now);
        self.outputs()
    }

    fn done(&mut self, done: Done) -> Vec<Output> {
        self.session.done(done, self.now);
        self.outputs()
    }
}

fn entry(name: &str, fingerprint: Fingerprint) -> DirectoryEntry {
    DirectoryEntry { name: name.parse().unwrap(), fingerprint, guest: false }
}

fn notices(outputs: &[Output]) -> usize {
    let is_notice = |output: &&Output| format!("{output:?}").starts_with("Event(Notice");
    outputs.iter().filter(is_notice).count()
}

#[test]
fn a_lost_link_ends_nothing_before_what_came_over_it_is_read() {
    let lost = |answers: bool| {
        let mut alice = Alice::with_bob();
        // What was to be kept of the directory is.
        alice.done(Done::Kept(None));
        alice.hears(Relayed { kind: SealKind::Seal, sealed: vec![0; 2000].into() });
        alice.session.ended(&Ending::Lost);
        assert!(alice.outputs().is_empty(), "the worker has a letter");
        alice.session.timeout(alice.now);
        if answers {
            return alice.done(Done::Opened { opened: None, position: None });
        }
        let until = alice.session.deadline().unwrap();
        assert_eq!(until - alice.now, Duration::from_secs(2));
        alice.session.timeout(until);
        alice.outputs()
    };
    for answers in [true, false] {
        let told = format!("{:?}", lost(answers));
        assert!(told.contains("Over(Failed") && told.contains("Disconnected"), "{told}");
    }
}

#[test]
fn a_record_that_changes_while_its_answer_is_checked_is_asked_for_again() {
    let bob = identity("bob");
    let mut alice = Alice::with_bob();
    let answer = || Records { records: vec![wire::to_bytes(bob.record()).into()], missing: Vec::new() };
    let checked = || Done::Checked(vec![Arc::new(bob.verified_record().clone())]);
    let asks = |outputs: &[Output]| format!("{outputs:?}").contains("FetchRecords");
    alice.hears(answer());
    let sequence = bob.record().sequence + 1;
    alice.hears(RecordChanged { fingerprint: bob.fingerprint(), sequence });
    assert!(asks(&alice.done(checked())), "what is out of date is not kept");
    // A hub that has nothing newer is not asked for ever.
    alice.hears(answer());
    assert!(!asks(&alice.done(checked())));
    let told = alice.hears(RecordChanged { fingerprint: bob.fingerprint(), sequence });
    assert!(asks(&told), "and what it had was taken");
}

#[test]
fn bad_input_63_a_directory_of_more_members_than_can_be() {
    let mut alice = Alice::greeted();
    let mut told = Vec::new();
    let pages = MAX_MEMBERS / 1000 + 2;
    for page in 0..pages {
        let member = |number: usize| {
            let mut fingerprint = [0; 32];
            fingerprint[..8].copy_from_slice(&(page * 1000 + number).to_be_bytes());
            entry(&format!("m{page}-{number}"), Fingerprint(fingerprint))
        };
        let entries = (0..1000).map(member).collect();
        let page =
            DirectoryPage { sequence: DirectorySequence(1), entries, last: page + 1 == pages, previous: Head::FIRST };
        told = alice.hears(page);
    }
    assert_eq!(alice.session.members().count(), MAX_MEMBERS);
    assert_eq!(notices(&told), 1, "its hashes prove nothing any more, and that is said");
    let told = alice.hears(Joined { sequence: DirectorySequence(2), entry: entry("one-more", Fingerprint([1; 32])) });
    assert_eq!((alice.session.members().count(), notices(&told)), (MAX_MEMBERS, 0));
}

#[test]
fn bad_input_63_snapshots_that_contradict_themselves() {
    let mut alice = Alice::greeted();
    let bobs = |number: u8| entry("bob", Fingerprint([number; 32]));
    let page = |sequence, entries: Vec<DirectoryEntry>, last| DirectoryPage {
        sequence: DirectorySequence(sequence),
        entries,
        last,
        previous: Head::FIRST,
    };
    alice.hears(page(9, vec![bobs(1), bobs(2), bobs(1)], false));
    alice.hears(Joined { sequence: DirectorySequence(3), entry: bobs(4) });
    alice.hears(Left { sequence: DirectorySequence(2), name: "bob".parse().unwrap(), reason: LeaveReason::Quit });
    alice.hears(page(3, vec![bobs(5)], true));
    let here: Vec<_> = alice.session.members().cloned().collect();
    assert_eq!(here, [bobs(5)], "one member of a name, the one that was told last");
    // Pages behind the last, changes of the past, and somebody leaving who never came.
    assert!(alice.hears(page(9, vec![bobs(6)], true)).is_empty());
    let told = alice.hears(Joined { sequence: DirectorySequence(1), entry: bobs(7) });
    assert!(!format!("{told:?}").contains("Joined"), "{told:?}");
    alice.hears(Left { sequence: DirectorySequence(4), name: "zoe".parse().unwrap(), reason: LeaveReason::Quit });
    let here: Vec<_> = alice.session.members().cloned().collect();
    assert_eq!(here, [bobs(5)]);
}

#[test]
fn bad_input_63_records_and_heads_that_nobody_asked_for() {
    let mut alice = Alice::with_bob();
    let bob = Blob::from(wire::to_bytes(identity("bob").record()));
    let records = |count: usize| Records { records: vec![bob.clone(); count], missing: Vec::new() };
    let checks = |outputs: Vec<Output>| {
        outputs.into_iter().filter(|output| matches!(output, Output::Work(Job::Check { .. }))).count()
    };
    // She has asked for bob's: one answer is looked at, and no second one until that is done.
    assert_eq!(checks(alice.hears(records(1))), 1);
    for _ in 0..1000 {
        assert_eq!(checks(alice.hears(records(100))), 0);
    }
    alice.done(Done::Checked(vec![Arc::new(identity("bob").verified_record().clone())]));
    let link = HeadLink { sequence: DirectorySequence(3), state: StateHash([3; 32]) };
    for _ in 0..1000 {
        assert!(alice.hears(records(100)).is_empty());
        assert!(alice.hears(Heads { links: vec![link.clone(); 1000], complete: true }).is_empty());
    }
}

#[test]
fn bad_input_63_packets_and_lists_that_nobody_asked_for() {
    let mut alice = Alice::with_bob();
    let (play, epoch, rendition) = (PlayId(7), PlayEpoch(0), RenditionLabel(720));
    let info = StreamInfo {
        play,
        epoch,
        rendition,
        width: 65_535,
        height: 65_535,
        codec: Codec::H264,
        extradata: vec![0; 1000].into(),
        show_from: MediaTime::ZERO,
        show_until: None,
        frame_duration: MediaTime(40_000),
        rotation: u16::MAX,
        pixel_width: u32::MAX,
        pixel_height: 1,
    };
    let title = VideoTitle {
        title: "t".into(),
        duration: MediaTime::ZERO,
        compat: false,
        renditions: Vec::new(),
        missing: Vec::new(),
        languages: Vec::new(),
        unplayable: "".into(),
    };
    assert!(alice.hears(info).is_empty());
    for seq in 0..1000 {
        let packet = Packet {
            play,
            epoch,
            seq,
            part: 0,
            last: false,
            rendition,
            pts: MediaTime::ZERO,
            dts: MediaTime::ZERO,
            duration: MediaTime::ZERO,
            flags: 1,
            data: vec![0; 32_768].into(),
        };
        assert!(alice.hears(packet).is_empty());
        assert!(alice.hears(Videos { titles: vec![title.clone(); 100], last: false }).is_empty());
    }
}

#[test]
fn bad_input_63_sealed_bytes_faster_than_they_can_be_opened() {
    let mut alice = Alice::with_bob();
    let (mut jobs, mut dropped) = (0, 0);
    for _ in 0..100 {
        let outputs = alice.hears(Relayed { kind: SealKind::Seal, sealed: vec![0; 1_000_000].into() });
        jobs += outputs.iter().filter(|output| matches!(output, Output::Work(Job::Open { .. }))).count();
        dropped += notices(&outputs);
    }
    assert_eq!((jobs, jobs + dropped), (67, 100), "64 MiB wait, the rest is told");
}
