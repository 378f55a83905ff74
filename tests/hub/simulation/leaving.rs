//! How a member leaves, and what becomes of what it has under way.

use std::time::Duration;

use securestream::{
    client::{command::Command, session::Over},
    proto::{Ending, Message},
    types::limits::DRAIN_DEADLINE,
};
use serde_json::json;

use super::world::World;

#[test]
fn quitting_twice_is_quitting_once() {
    let mut world = World::new(1);
    let alice = world.join("alice");
    world.nodes[alice].is_held = true;
    world.ask(alice, Command::Quit);
    world.ask(alice, Command::Quit);
    assert_eq!(world.count(alice, &json!({"event": "ok", "command": "quit"})), 2, "both are answered");
    let quits = world.nodes[alice].sent.iter().filter(|message| matches!(message, Message::Quit(_))).count();
    assert_eq!(quits, 1);
}

#[test]
fn a_hub_that_does_not_say_goodbye_is_not_waited_for() {
    let mut world = World::new(2);
    let alice = world.join("alice");
    let session = &mut world.nodes[alice].session;
    session.request(securestream::client::command::Request { command: Command::Quit, reference: None }, world.now);
    let deadline = session.deadline().expect("it does not wait for ever");
    assert!(deadline <= world.now + DRAIN_DEADLINE);
    session.timeout(world.now + DRAIN_DEADLINE + Duration::from_millis(1));
    let over = std::iter::from_fn(|| session.poll_output());
    assert!(over.into_iter().any(|output| matches!(output, securestream::client::session::Output::Over(Over::Quit))));
}

#[test]
fn what_the_hub_has_not_accepted_fails_when_the_link_is_lost() {
    let mut world = World::new(3);
    let [alice, _bob] = ["alice", "bob"].map(|name| world.join(name));
    world.nodes[alice].linked = false;
    world.send(alice, "bob", "into the void");
    let session = &mut world.nodes[alice].session;
    session.ended(&Ending::Lost);
    world.settle();
    assert_eq!(world.count(alice, &json!({"event": "failed", "to": "bob", "code": "disconnected"})), 1);
    assert!(matches!(world.nodes[alice].over, Some(Over::Failed(_))));
}
