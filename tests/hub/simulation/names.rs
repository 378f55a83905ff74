//! Who a letter is said to be of.

use securestream::client::command::Command;
use serde_json::json;

use super::world::{World, seconds};

/// Everybody knows the key as alice's; then it comes back as mallory's, and somebody else is alice.
#[test]
fn bad_input_33_a_key_that_was_called_otherwise_is_called_what_it_is_now() {
    let mut world = World::new(1);
    let bob = world.join("bob");
    let before = world.join_with_keys("alice", "mallory");
    world.ask(before, Command::Quit);
    world.advance(seconds(3));
    let mallory = world.join_with_keys("mallory", "mallory");
    let alice = world.join("alice");
    world.send(mallory, "bob", "as mallory");
    world.send(alice, "bob", "as alice");
    world.advance(seconds(1));
    assert_eq!(world.count(bob, &json!({"event": "message", "from": "mallory", "text": "as mallory"})), 1);
    assert_eq!(world.count(bob, &json!({"event": "message", "from": "alice", "text": "as alice"})), 1);
}

/// The letter was under way when its sender left, and somebody else has the name when it is opened.
#[test]
fn bad_input_33_a_letter_of_an_earlier_alice_is_not_taken_for_the_new_ones() {
    let mut world = World::new(2);
    let bob = world.join("bob");
    let before = world.join_with_keys("alice", "the first");
    world.nodes[bob].is_held = true;
    world.send(before, "bob", "from the grave");
    world.ask(before, Command::Quit);
    world.advance(seconds(3));
    world.join_with_keys("alice", "the second");
    world.nodes[bob].is_held = false;
    world.settle();
    assert_eq!(world.count(bob, &json!({"event": "message"})), 0);
    assert_eq!(world.count(bob, &json!({"event": "notice", "code": "name_taken"})), 1);
}
