//! One-time keys in direct mode, and who would have them all.

use securestream::{
    proto::{
        Message,
        message::{FetchOneTime, OneTime, PublishOneTime},
    },
    server::{Command, RelayOptions},
    types::{CurveKey, LinkId, RelayMode, SealKind},
};

use super::world::{World, seconds};
use crate::raw::identity;

const ONE_TIME: u64 = 52;

fn world(seed: u64, mode: RelayMode) -> World {
    World::with(seed, RelayOptions { mode, max_members: 100 })
}

fn published(world: &World, place: usize) -> Vec<CurveKey> {
    let keys = world.nodes[place].sent.iter().filter_map(|message| match message {
        Message::PublishOneTime(publish) => Some(publish.keys.clone()),
        _ => None,
    });
    keys.flatten().collect()
}

/// The answers to a member's questions for keys.
fn got(world: &World, place: usize) -> Vec<Option<CurveKey>> {
    let answers = world.nodes[place].received.iter().filter_map(|message| match message {
        Message::OneTime(answer) => Some(answer.key),
        _ => None,
    });
    answers.collect()
}

fn posted(world: &World, place: usize) -> Vec<SealKind> {
    let posts = world.nodes[place].sent.iter().filter_map(|message| match message {
        Message::Post(post) => Some(post.kind),
        _ => None,
    });
    posts.collect()
}

/// Asks for bob's keys by hand.
fn fetch(world: &mut World, asker: LinkId) -> Option<CurveKey> {
    world.relay.message(asker, FetchOneTime { fingerprint: identity("bob").fingerprint() }.into());
    let answers = world.relay.take_commands().into_iter().filter_map(|command| match command {
        Command::Send(to, Message::OneTime(OneTime { key, .. })) if to == asker => Some(key),
        _ => None,
    });
    let answers: Vec<_> = answers.collect();
    assert_eq!(answers.len(), 1, "every question is answered once");
    answers[0]
}

#[test]
fn in_direct_mode_a_session_begins_with_a_key_that_serves_once() {
    let mut world = world(1, RelayMode::Direct);
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| world.join(name));
    let keys = published(&world, bob);
    assert_eq!(keys.len(), 50);
    world.send(alice, "bob", "one");
    world.send(carol, "bob", "two");
    world.advance(seconds(1));
    world.send(alice, "bob", "three");
    assert_eq!(world.texts(bob), ["one", "two", "three"]);
    let given: Vec<_> = [alice, carol].iter().flat_map(|place| got(&world, *place)).collect();
    assert_eq!(given, [Some(keys[0]), Some(keys[1])], "one for each session, none for what follows in it");
    assert_eq!(posted(&world, alice), [SealKind::Hello, SealKind::Tagged]);
}

#[test]
fn used_keys_are_replaced_and_those_of_an_earlier_visit_never_come_again() {
    let mut world = world(2, RelayMode::Direct);
    let bob = world.join("bob");
    for number in 0..25 {
        let place = world.join(&format!("m{number}"));
        world.send(place, "bob", "hi");
    }
    assert_eq!(world.texts(bob).len(), 25);
    let keys = published(&world, bob);
    assert_eq!(keys.len(), 75, "50, and 25 once half of them were used");
    world.lose(bob);
    world.come_back(bob);
    let after = published(&world, bob).split_off(75);
    assert!(after.len() == 50 && after.iter().all(|key| !keys.contains(key)));
    let late = world.join("late");
    world.send(late, "bob", "hello again");
    assert_eq!(world.texts(bob).last(), Some(&"hello again"));
}

#[test]
fn attack_14_whoever_drains_one_time_keys_gets_few_and_stops_nobody() {
    let mut world = world(3, RelayMode::Direct);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    let mallory = world.add_extra(&identity("mallory"));
    let drained: Vec<_> = (0..1000).filter_map(|_| fetch(&mut world, mallory)).collect();
    assert_eq!(drained.len(), 8, "that is all that one gets");
    // With many names it gets them all.
    let mut all = drained;
    for number in 0..10 {
        let helper = world.add_extra(&identity(&format!("mallory{number}")));
        all.extend((0..10).filter_map(|_| fetch(&mut world, helper)));
    }
    assert_eq!(all, published(&world, bob), "each was given out once");
    world.send(alice, "bob", "with the fallback");
    assert_eq!((got(&world, alice), world.texts(bob)), (vec![None], vec!["with the fallback"]));
    world.advance(seconds(1));
    world.send(alice, "bob", "in its session");
    assert_eq!(posted(&world, alice), [SealKind::Hello, SealKind::Tagged]);
}

#[test]
fn a_member_cannot_make_the_hub_keep_more_keys_than_a_hundred() {
    let mut world = world(4, RelayMode::Direct);
    let alice = world.add_extra(&identity("alice"));
    let bob = world.add_extra(&identity("bob"));
    for batch in 0..100u8 {
        let keys = (0..200u8).map(|number| CurveKey([batch.wrapping_add(number); 32])).collect();
        world.relay.message(bob, PublishOneTime { keys }.into());
    }
    let mut askers = vec![alice];
    askers.extend((0..30).map(|number| world.add_extra(&identity(&format!("m{number}")))));
    let mut given: Vec<_> =
        askers.iter().flat_map(|asker| (0..8).filter_map(|_| fetch(&mut world, *asker)).collect::<Vec<_>>()).collect();
    assert_eq!(given.len(), 100);
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len(), 100, "none twice");
    assert_eq!(fetch(&mut world, bob), None, "nor its own");
}

#[test]
fn in_broadcast_mode_nobody_names_a_receiver_by_asking_for_its_keys() {
    let mut world = world(5, RelayMode::Broadcast);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    world.send(alice, "bob", "hi");
    let named = |message: &Message| matches!(message, Message::PublishOneTime(_) | Message::FetchOneTime(_));
    assert!(!world.nodes.iter().any(|node| node.sent.iter().any(named)));
    assert_eq!(world.texts(bob), ["hi"]);
    let mallory = world.add_extra(&identity("mallory"));
    let link = world.nodes[bob].link;
    world.relay.message(link, PublishOneTime { keys: vec![CurveKey([7; 32])] }.into());
    assert_eq!(fetch(&mut world, mallory), None);
}

#[test]
fn a_hub_that_gives_no_answer_holds_a_message_up_for_two_seconds() {
    let mut world = world(6, RelayMode::Direct);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    world.nodes[alice].held_tags = vec![ONE_TIME];
    world.send(alice, "bob", "one");
    world.send(alice, "bob", "two");
    world.advance(seconds(1));
    assert_eq!(world.texts(bob), [""; 0]);
    world.advance(seconds(1));
    assert_eq!(world.texts(bob), ["one", "two"]);
    world.nodes[alice].held_tags.clear();
    world.settle();
    assert_eq!(world.texts(bob), ["one", "two"], "late answers change nothing");
}
