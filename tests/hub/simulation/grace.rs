//! Leaving: told at once with its reason, or only after a grace when a link broke.

use std::time::Duration;

use securestream::{
    client::command::Command,
    crypto::{Identity, testing::InsecureProvider},
    proto::{Ending, ProtocolError},
    types::limits::LOST_GRACE,
};
use serde_json::json;

use super::world::{World, seconds};
use crate::raw::rng;

fn left(name: &str, reason: &str) -> serde_json::Value {
    json!({"event": "left", "name": name, "reason": reason})
}

#[test]
fn bad_input_39_a_lost_link_is_told_after_ten_seconds_and_not_before() {
    assert_eq!(LOST_GRACE, seconds(10));
    let mut world = World::new(1);
    let [alice, bob, _] = ["alice", "bob", "carol"].map(|name| world.join(name));
    world.advance(seconds(3));
    world.lose(bob);
    world.advance(Duration::new(9, 999_999_999));
    assert_eq!(world.count(alice, &json!({"event": "left"})), 0);
    world.ask(alice, Command::Who);
    assert_eq!(world.last(alice, &json!({"event": "who"}))["members"].as_array().unwrap().len(), 3);
    world.advance(Duration::from_nanos(1));
    assert_eq!(world.count(alice, &left("bob", "lost")), 1);
    world.advance(seconds(60));
    assert_eq!(world.count(alice, &json!({"event": "left"})), 1, "told once");
    assert_eq!(world.reports.last().unwrap()["reason"], "lost");
}

#[test]
fn who_comes_back_within_the_grace_was_never_away() {
    let mut world = World::new(2);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    world.lose(bob);
    world.advance(seconds(9));
    world.come_back(bob);
    world.advance(seconds(60));
    let changes = [json!({"event": "left"}), json!({"event": "joined", "name": "bob"})];
    assert_eq!(changes.map(|change| world.count(alice, &change)), [0, 1], "it joined once");
    assert_eq!(world.reports.len(), 2, "{:?}", world.reports);
    world.send(alice, "bob", "welcome back");
    assert_eq!(world.texts(bob), ["welcome back"]);
    world.advance(seconds(1));
    assert_eq!(world.count(alice, &json!({"event": "delivered", "by": "bob"})), 1);
}

#[test]
fn during_the_grace_the_name_is_taken_for_everybody_else() {
    let mut world = World::new(3);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    world.lose(bob);
    // A guest with other keys, for a twin of the name.
    let other = Identity::generate(&InsecureProvider, &"Bob".parse().unwrap(), 0, &mut rng("other keys")).unwrap();
    world.add_extra(&other);
    assert_eq!(world.reports.last().unwrap()["code"], "name_taken");
    world.advance(seconds(10));
    assert_eq!(world.count(alice, &left("bob", "lost")), 1);
}

#[test]
fn every_other_end_is_told_at_once_with_its_reason() {
    let mut world = World::new(4);
    let alice = world.join("alice");
    let quitter = world.join("quitter");
    world.ask(quitter, Command::Quit);
    assert_eq!(world.count(alice, &left("quitter", "quit")), 1);
    let ends = [
        ("slow", Ending::Slow, "slow"),
        ("liar", Ending::Misbehaved(ProtocolError::PeerIncompatible(vec![])), "refused"),
    ];
    for (name, ending, reason) in ends {
        let place = world.join(name);
        let link = world.nodes[place].link;
        world.nodes[place].linked = false;
        world.relay.ended(link, &ending, world.now);
        world.settle();
        assert_eq!(world.count(alice, &left(name, reason)), 1);
    }
    world.advance(seconds(60));
    assert_eq!(world.count(alice, &json!({"event": "left"})), 3);
}
