//! Who writes too fast: how much of it gets through, and what becomes of the rest.

use std::time::Duration;

use securestream::{
    client::command::Command,
    proto::{
        Message,
        message::{Post, Relayed},
    },
    types::{MessageId, SealKind},
};
use serde_json::json;

use super::world::{World, seconds};
use crate::raw::identity;

/// A post that nobody can open.
fn junk(number: u64) -> Post {
    let mut mid = [0; 16];
    mid[..8].copy_from_slice(&number.to_be_bytes());
    Post { mid: MessageId(mid), audience: None, kind: SealKind::Seal, sealed: vec![0x5a; 2048].into() }
}

fn is_junk(message: &Message) -> bool {
    matches!(message, Message::Relayed(Relayed { kind: SealKind::Seal, sealed }) if sealed.len() == 2048)
}

#[test]
fn attack_10_a_thousand_junk_seals_a_second_are_capped_and_chat_goes_on() {
    let mut world = World::new(1);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    let mallory = world.add_extra(&identity("mallory"));
    let mut number = 0;
    for second in 0..30 {
        for _ in 0..1000 {
            number += 1;
            world.bring_to_hub(mallory, junk(number).into());
            world.settle();
            world.advance(Duration::from_millis(1));
        }
        let sent = world.nodes[alice].events.len();
        world.send(alice, "bob", &format!("still here after {second} s"));
        assert_eq!(
            world.count(alice, &json!({"event": "accepted"})),
            second + 1,
            "{:?}",
            &world.nodes[alice].events[sent..]
        );
        assert_eq!(world.texts(bob).len(), second + 1);
    }
    world.advance(seconds(1));
    assert_eq!(world.count(alice, &json!({"event": "delivered", "by": "bob"})), 30);
    let passed = world.nodes[bob].received.iter().filter(|message| is_junk(message)).count();
    assert!((20 + 145..=20 + 150).contains(&passed), "a burst and five a second: {passed}");
}

/// A member that seals each message by itself, or begins sessions.
type Join = fn(&mut World, &str) -> usize;

#[test]
fn who_writes_faster_than_the_hub_takes_it_is_paced_and_nothing_is_lost_or_out_of_order() {
    let kinds: [(Join, usize); 2] = [(World::join_sealing_only, 20), (World::join, 60)];
    for (join, burst) in kinds {
        let mut world = World::new(2);
        let [alice, bob] = ["alice", "bob"].map(|name| join(&mut world, name));
        write_a_hundred(&mut world, alice, bob, burst);
    }
}

fn write_a_hundred(world: &mut World, alice: usize, bob: usize, burst: usize) {
    for number in 0..100 {
        world.send(alice, "bob", &number.to_string());
    }
    assert_eq!(world.texts(bob).len(), burst, "a burst");
    world.ask(alice, Command::All { text: "to all".into() });
    world.advance(seconds(20));
    let expected: Vec<String> = (0..100).map(|number| number.to_string()).chain(["to all".to_owned()]).collect();
    assert_eq!(world.texts(bob), expected);
    world.advance(seconds(1));
    assert_eq!(world.count(alice, &json!({"event": "delivered", "by": "bob"})), 101);
    assert_eq!(world.count(alice, &json!({"event": "accepted"})), 101);
    assert_eq!(world.count(alice, &json!({"event": "failed"})), 0);
    let sealed = |message: &Message| if let Message::Post(post) = message { Some(post.sealed.clone()) } else { None };
    let mut posts: Vec<_> = world.nodes[alice].sent.iter().filter_map(sealed).map(|sealed| sealed.to_vec()).collect();
    let tries = posts.len();
    posts.sort_unstable();
    posts.dedup();
    assert!(tries > 101 && posts.len() == 101, "the same bytes again: {tries} posts of {} letters", posts.len());
}

#[test]
fn what_a_hub_never_takes_fails_after_half_a_minute() {
    let mut world = World::new(3);
    let [alice, _bob] = ["alice", "bob"].map(|name| world.join(name));
    world.takes_nothing = true;
    for text in ["one", "two"] {
        world.send(alice, "bob", text);
    }
    let failed = json!({"event": "failed", "to": "bob", "code": "rate_limited"});
    world.advance(seconds(29));
    assert_eq!(world.count(alice, &failed), 0);
    world.advance(seconds(5));
    assert_eq!(world.count(alice, &failed), 2, "{:?}", world.nodes[alice].events);
    world.takes_nothing = false;
    world.send(alice, "bob", "three");
    assert_eq!(world.count(alice, &json!({"event": "accepted"})), 1);
}
