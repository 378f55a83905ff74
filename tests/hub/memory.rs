//! What hubs remember, as members see it: over restarts, disks that fail, and links that are half open.

use std::sync::Arc;

use securestream::{
    crypto::{Identity, testing::InsecureProvider},
    proto::{
        Message,
        message::{FetchHeads, Ping, Register, Update},
    },
    server::{
        Admission, Bindings, InviteCode,
        bindings::{Change, Invite},
    },
    storage::{FailingStorage, Fault, Journal, MemoryStorage, Storage as _},
    types::{Code, DirectorySequence, ExitCode, limits::EPOCH_GAP, wire},
};
use serde_json::json;

use crate::{
    bench::renamed,
    hub::{TestHub, Wire, over_every_link},
    member::{TestMember, exchange},
    raw::{Raw, identity, registration, rng},
};

over_every_link!(
    attack_01_a_second_client_takes_a_live_name,
    attack_01_a_name_is_taken_over_a_restart_with_another_key,
    bad_input_22_a_half_open_link_is_taken_over,
);

/// A link that registers as a member, not as a guest, and what the hub says to that.
fn come(hub: &TestHub, wire: Wire, keys: &Identity, invite: Option<&str>) -> (Raw, Option<Code>) {
    let (mut link, nonce) = Raw::greet(hub, wire);
    let register = registration(keys, nonce);
    link.send(Register { guest: false, invite: invite.map(Into::into), ..register });
    let answer = link.wait(|message| match message {
        Message::Welcome(_) => Some(None),
        Message::Error(error) => Some(Some(error.code)),
        _ => None,
    });
    (link, answer)
}

/// What the hub told a member before now has come: the answer to something that it asks comes behind it.
fn hear_all(member: &TestMember) {
    member.ask("videos");
    member.wait(json!({"event": "videos"}));
}

fn attack_01_a_second_client_takes_a_live_name(wire: Wire) {
    let hub = TestHub::start();
    let alice = TestMember::join(&hub, wire, "alice");
    let (_bob, answer) = come(&hub, wire, &identity("bob"), None);
    assert_eq!(answer, None);
    for name in ["bob", "BOB"] {
        let (mut second, answer) = come(&hub, wire, &renamed("mallory", name), None);
        assert_eq!(answer, Some(Code::NameTaken));
        second.rest_of_messages();
    }
    hear_all(&alice);
    assert_eq!(alice.events.count(&json!({"event": "left"})), 0);
    assert_eq!(alice.events.count(&json!({"event": "joined", "name": "bob"})), 1);
}

fn attack_01_a_name_is_taken_over_a_restart_with_another_key(wire: Wire) {
    let disk = MemoryStorage::default();
    let hub = TestHub::remembering(disk.clone(), |_| {});
    assert_eq!(come(&hub, wire, &identity("bob"), None).1, None);
    drop(hub);
    let hub = TestHub::remembering(disk, |_| {});
    let mallory = renamed("mallory", "bob");
    assert_eq!(come(&hub, wire, &mallory, None).1, Some(Code::NameReserved));
    let rotated = identity("bob").rotate(&InsecureProvider, None, 9, &mut rng("rotated")).unwrap();
    assert_eq!(come(&hub, wire, &rotated, None).1, None, "the old key vouches for the new one");
}

fn bad_input_22_a_half_open_link_is_taken_over(wire: Wire) {
    let hub = TestHub::start();
    let alice = TestMember::join(&hub, wire, "alice");
    let first = TestMember::start_with_keys(hub.link(wire), "bob", "bob");
    first.wait(json!({"event": "directory"}));
    let second = TestMember::join(&hub, wire, "bob");
    first.wait(json!({"event": "error", "code": "taken_over", "retryable": false}));
    first.wait(json!({"event": "bye", "exit": 4}));
    assert_eq!(first.ended(), ExitCode::Refused);
    alice.wait(json!({"event": "left", "name": "bob", "reason": "taken_over"}));
    second.ask("send alice it is me");
    alice.wait(json!({"event": "message", "from": "bob", "text": "it is me"}));
    second.wait(json!({"event": "delivered"}));
}

#[test]
fn bad_input_29_whoever_replays_a_proof_takes_nothing_over() {
    let hub = TestHub::start();
    let alice = TestMember::join(&hub, Wire::Memory, "alice");
    let (mut bob, nonce) = Raw::greet(&hub, Wire::Memory);
    let register = Register { guest: false, ..registration(&identity("bob"), nonce) };
    bob.send(register.clone());
    bob.wait(|message| matches!(message, Message::Welcome(_)).then_some(()));
    let (mut mallory, _) = Raw::greet(&hub, Wire::Memory);
    mallory.send(register);
    mallory.is_closed_silently();
    hub.events.wait(json!({"event": "refused", "code": "bad_proof"}));
    bob.send(Ping { token: 7 });
    bob.wait(|message| matches!(message, Message::Pong(_)).then_some(()));
    hear_all(&alice);
    assert_eq!(alice.events.count(&json!({"event": "left"})), 0);
}

#[test]
fn a_hub_that_starts_again_uses_no_number_of_its_directory_again() {
    let disk = MemoryStorage::default();
    let sequence = |hub: &TestHub| {
        let (mut link, nonce) = Raw::greet(hub, Wire::Memory);
        link.send(registration(&identity("bob"), nonce));
        link.wait(|message| if let Message::Welcome(welcome) = message { Some(welcome.sequence.0) } else { None })
    };
    let hub = TestHub::remembering(disk.clone(), |_| {});
    assert_eq!(sequence(&hub), 1);
    drop(hub);
    let hub = TestHub::remembering(disk.clone(), |_| {});
    let second = sequence(&hub);
    assert!(second > EPOCH_GAP, "{second}");
    let (mut link, nonce) = Raw::greet(&hub, Wire::Memory);
    link.send(registration(&identity("alice"), nonce));
    link.wait(|message| matches!(message, Message::Welcome(_)).then_some(()));
    link.send(FetchHeads { after: DirectorySequence(1) });
    let heads = link.wait(|message| if let Message::Heads(heads) = message { Some(heads) } else { None });
    assert!(heads.complete, "what members saw before is proven");
    assert_eq!(heads.links.last().unwrap().sequence.0, second + 1);
}

#[test]
fn bad_input_59_a_full_disk_lets_known_members_in_and_nobody_new() {
    let disk = MemoryStorage::default();
    let hub = TestHub::remembering(disk.clone(), |_| {});
    assert_eq!(come(&hub, Wire::Memory, &identity("alice"), None).1, None);
    drop(hub);
    let full = FailingStorage::new(disk.clone(), 0, Fault::NoSpace);
    let hub = TestHub::remembering(full, |_| {});
    let (_alice, answer) = come(&hub, Wire::Memory, &identity("alice"), None);
    assert_eq!(answer, None);
    assert_eq!(come(&hub, Wire::Memory, &identity("bob"), None).1, Some(Code::TryLater));
    let (one, other) = (TestMember::join(&hub, Wire::Memory, "carol"), TestMember::join(&hub, Wire::Memory, "dave"));
    exchange(&one, &other);
    drop((one, other, hub));
    // What half of a write left behind does no harm.
    let hub = TestHub::remembering(disk, |_| {});
    assert_eq!(come(&hub, Wire::Memory, &identity("bob"), None).1, None);
}

#[test]
fn registrations_that_come_together_are_each_written_and_one_wins_a_name() {
    let disk = MemoryStorage::default();
    let hub = TestHub::remembering(disk.clone(), |_| {});
    let mut links: Vec<_> = (0..40).map(|_| Raw::greet(&hub, Wire::Memory)).collect();
    for (number, (link, nonce)) in links.iter_mut().enumerate() {
        // Each name twice, with other keys.
        let keys = renamed(&format!("keys {number}"), &format!("m{}", number / 2));
        link.send(Register { guest: false, ..registration(&keys, *nonce) });
    }
    let answers: Vec<_> = links
        .iter_mut()
        .map(|(link, _)| {
            link.wait(|message| match message {
                Message::Welcome(_) => Some(None),
                Message::Error(error) => Some(Some(error.code)),
                _ => None,
            })
        })
        .collect();
    for pair in answers.chunks(2) {
        assert!(matches!(pair, [None, Some(Code::NameTaken)] | [Some(Code::NameTaken), None]), "{answers:?}");
    }
    drop((links, hub));
    let (_, entries) = Journal::open(&disk, "bindings", "bindings").unwrap();
    assert_eq!(entries.len(), 20);
    assert!(disk.read("chain").unwrap().is_some());
}

#[test]
fn an_invite_lets_one_in_by_the_listener_that_asks_for_it() {
    let code = InviteCode::new([5; 10]);
    let invite = Change::Invite(Invite { hash: code.hash(), name: None });
    let hub = TestHub::with(|parts| {
        let mut bindings = Bindings::default();
        bindings.apply(&invite);
        parts.bindings = bindings;
        // In memory by invite, over a socket for everybody.
        parts.entrances[0].admission = Admission::Invite;
    });
    assert_eq!(come(&hub, Wire::Memory, &identity("bob"), None).1, Some(Code::NotInvited));
    let (_bob, answer) = come(&hub, Wire::Memory, &identity("bob"), Some(&code.text()));
    assert_eq!(answer, None);
    assert_eq!(come(&hub, Wire::Memory, &identity("carol"), Some(&code.text())).1, Some(Code::NotInvited));
    assert_eq!(come(&hub, Wire::Tcp, &identity("carol"), None).1, None);
}

#[test]
fn a_newer_record_is_verified_kept_and_told() {
    let disk = MemoryStorage::default();
    let hub = TestHub::remembering(disk.clone(), |parts| parts.crypto = Arc::new(InsecureProvider));
    let mut alice = Raw::join(&hub, Wire::Memory, "alice");
    let bob = identity("bob");
    let (mut link, _) = come(&hub, Wire::Memory, &bob, None);
    let newer = bob.with_bundle(None, 50, &mut rng("newer")).unwrap();
    let mut forged = newer.record().clone();
    forged.sequence += 1;
    for record in [&forged, newer.record()] {
        link.send(Update { record: wire::to_bytes(record).into() });
    }
    let told = alice.wait(|message| if let Message::RecordChanged(told) = message { Some(told) } else { None });
    assert_eq!((told.fingerprint, told.sequence), (bob.fingerprint(), newer.record().sequence));
    drop((link, alice, hub));
    let hub = TestHub::remembering(disk, |_| {});
    assert_eq!(come(&hub, Wire::Memory, &bob, None).1, Some(Code::DataUnusable), "an older one does not come back");
    assert_eq!(come(&hub, Wire::Memory, &newer, None).1, None);
}
