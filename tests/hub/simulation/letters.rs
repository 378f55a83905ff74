//! Messages and receipts, to the millisecond.

use std::time::Duration;

use securestream::{
    client::command::Command,
    proto::{Message, message::Relayed},
    types::{Fingerprint, RelayMode, SealKind, limits::MAX_FETCH},
};
use serde_json::json;

use super::world::{World, seconds};
use crate::raw::identity;

const RECORDS: u64 = 37;

/// The records of a kind that a member was sent.
fn relayed_to(world: &World, place: usize, kind: SealKind) -> Vec<Relayed> {
    let relayed = |message: &Message| match message {
        Message::Relayed(relayed) if relayed.kind == kind => Some(relayed.clone()),
        _ => None,
    };
    world.nodes[place].received.iter().filter_map(relayed).collect()
}

fn posted_by(world: &World, place: usize, kind: SealKind) -> usize {
    world.nodes[place].sent.iter().filter(|message| matches!(message, Message::Post(post) if post.kind == kind)).count()
}

#[test]
fn receipts_go_out_within_400_ms_and_at_no_fixed_time() {
    let mut delays = Vec::new();
    for seed in 0..20 {
        let mut world = World::new(seed);
        let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
        let sent_at = world.now;
        world.send(alice, "bob", "hi");
        assert_eq!(world.texts(bob), ["hi"], "shown at once");
        assert_eq!(world.count(alice, &json!({"event": "accepted"})), 1);
        let due = world.deadline().map_or(Duration::ZERO, |due| due - sent_at);
        assert!(due <= Duration::from_millis(400), "seed {seed}: {due:?}");
        world.advance(Duration::from_millis(400));
        assert_eq!(world.count(alice, &json!({"event": "delivered", "by": "bob", "remaining": 0})), 1, "seed {seed}");
        delays.push(due);
    }
    delays.sort_unstable();
    delays.dedup();
    assert!(delays.len() > 15, "{delays:?}");
}

#[test]
fn who_quits_sends_its_receipts_before() {
    let mut world = World::new(5);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    world.send(alice, "bob", "hi");
    world.ask(bob, Command::Quit);
    assert_eq!(world.count(alice, &json!({"event": "delivered", "by": "bob"})), 1);
    assert_eq!(world.count(alice, &json!({"event": "failed"})), 0);
    assert_eq!(world.count(alice, &json!({"event": "left", "name": "bob", "reason": "quit"})), 1);
}

#[test]
fn bad_input_34_a_duplicate_is_acknowledged_again_and_not_shown_again() {
    let mut world = World::new(6);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    world.send(alice, "bob", "once");
    world.advance(seconds(1));
    let again = relayed_to(&world, bob, SealKind::Hello).remove(0);
    for _ in 0..3 {
        world.inject(bob, again.clone());
    }
    world.advance(seconds(1));
    assert_eq!(world.texts(bob), ["once"]);
    assert_eq!(posted_by(&world, bob, SealKind::Tagged), 4);
    assert_eq!(world.count(alice, &json!({"event": "delivered"})), 1, "told once");
}

#[test]
fn a_letter_waits_for_its_senders_key_record() {
    let mut world = World::new(7);
    let bob = world.join("bob");
    world.nodes[bob].held_tags = vec![RECORDS];
    let alice = world.join("alice");
    world.send(alice, "bob", "who am I?");
    assert_eq!(world.texts(bob), [""; 0], "nobody vouches for it yet");
    world.nodes[bob].held_tags.clear();
    world.settle();
    assert_eq!(world.texts(bob), ["who am I?"]);
    assert_eq!(world.last(bob, &json!({"event": "message"}))["from"], "alice");
}

#[test]
fn a_letter_of_somebody_who_left_meanwhile_is_shown_all_the_same() {
    let mut world = World::new(8);
    let bob = world.join("bob");
    world.nodes[bob].held_tags = vec![RECORDS];
    let alice = world.join("alice");
    world.send(alice, "bob", "farewell");
    world.ask(alice, Command::Quit);
    world.advance(seconds(3));
    world.nodes[bob].held_tags.clear();
    world.settle();
    assert_eq!(world.texts(bob), ["farewell"]);
}

#[test]
fn a_message_waits_for_its_receivers_key_record() {
    let mut world = World::new(9);
    let alice = world.join("alice");
    world.nodes[alice].held_tags = vec![RECORDS];
    let bob = world.join("bob");
    world.send(alice, "bob", "late");
    assert_eq!(world.count(alice, &json!({"event": "queued"})), 0);
    world.nodes[alice].held_tags.clear();
    world.settle();
    assert_eq!(world.texts(bob), ["late"]);
}

#[test]
fn messages_that_wait_for_key_records_keep_their_order() {
    let mut world = World::new(13);
    let alice = world.join("alice");
    let bob = world.join("bob");
    world.nodes[alice].held_tags = vec![RECORDS];
    let carol = world.join("carol");
    for number in 0..8 {
        world.send(alice, "carol", &number.to_string());
    }
    world.ask(alice, Command::All { text: "all".into() });
    world.send(alice, "bob", "after all");
    assert_eq!(world.count(alice, &json!({"event": "queued"})), 0, "bob's second would overtake his first");
    world.nodes[alice].held_tags.clear();
    world.settle();
    assert_eq!(world.texts(carol), ["0", "1", "2", "3", "4", "5", "6", "7", "all"]);
    assert_eq!(world.texts(bob), ["all", "after all"]);
}

#[test]
fn a_receiver_who_leaves_before_during_or_after_sealing_fails_the_message() {
    for (stage, in_direct_mode) in [(0, false), (1, false), (2, false), (1, true)] {
        let mode = if in_direct_mode { RelayMode::Direct } else { RelayMode::Broadcast };
        let mut world = World::with(10, securestream::server::RelayOptions { mode, max_members: 10 });
        let alice = world.join("alice");
        world.nodes[alice].held_tags = if stage == 0 { vec![RECORDS] } else { vec![] };
        let bob = world.join("bob");
        world.nodes[alice].is_held = stage == 1;
        // Bob must not acknowledge before he goes.
        world.nodes[bob].is_held = true;
        world.send(alice, "bob", "too late");
        let link = world.nodes[bob].link;
        world.nodes[bob].linked = false;
        world.relay.message(link, securestream::proto::message::Quit {}.into());
        world.settle();
        world.nodes[alice].is_held = false;
        world.nodes[alice].held_tags.clear();
        world.settle();
        let failures = [
            json!({"event": "error", "code": "no_such_member", "command": "send"}),
            json!({"event": "failed", "to": "bob", "code": "no_such_member"}),
        ];
        let told = failures.map(|failure| world.count(alice, &failure));
        let expected = if stage == 0 { [1, 0] } else { [0, 1] };
        assert_eq!(told, expected, "stage {stage}: {:#?}", world.nodes[alice].events);
        world.ask(alice, Command::Quit);
        assert!(world.nodes[alice].over.is_some(), "nothing is waited for any more");
    }
}

#[test]
fn three_hundred_members_get_one_message_and_the_record_of_one_is_fetched_among_decoys() {
    let mut world = World::new(11);
    for number in 0..298 {
        world.add_extra(&identity(&format!("m{number:03}")));
    }
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    let fetches = |world: &World| -> Vec<Vec<Fingerprint>> {
        let fetch = |message: &Message| match message {
            Message::FetchRecords(fetch) => Some(fetch.fingerprints.clone()),
            _ => None,
        };
        world.nodes[alice].sent.iter().filter_map(fetch).collect()
    };
    assert_eq!(fetches(&world).len(), 0, "nothing is fetched that is not needed");
    world.send(alice, "bob", "psst");
    let first = fetches(&world);
    assert_eq!((first.len(), first[0].len()), (1, 32), "one among 31 decoys");
    assert!(first[0].contains(&identity("bob").fingerprint()) && first[0].is_sorted());
    assert_eq!(world.texts(bob), ["psst"]);

    world.ask(alice, Command::All { text: "everybody".into() });
    assert!(fetches(&world).iter().all(|fetch| fetch.len() <= MAX_FETCH));
    assert_eq!(world.texts(bob), ["psst", "everybody"]);
    world.advance(seconds(1));
    let delivered = world.last(alice, &json!({"event": "delivered", "remaining": 298}));
    assert_eq!(delivered["by"], "bob", "298 of 299 are mute");
    assert_eq!(relayed_to(&world, bob, SealKind::Group).len(), 1, "one record for all");
}

#[test]
fn in_direct_mode_receipts_go_to_the_sender_alone() {
    let mut world = World::with(12, securestream::server::RelayOptions { mode: RelayMode::Direct, max_members: 10 });
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| world.join(name));
    world.send(alice, "bob", "just you");
    world.advance(seconds(1));
    assert_eq!(world.count(alice, &json!({"event": "delivered", "by": "bob"})), 1);
    for kind in [SealKind::Seal, SealKind::Hello, SealKind::Tagged] {
        assert!(relayed_to(&world, carol, kind).is_empty());
    }
    assert_eq!(world.texts(bob), ["just you"]);
}
