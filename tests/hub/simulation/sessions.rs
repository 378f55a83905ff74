//! Sessions between members, and a hub that loses, repeats, reorders, changes and counts what passes.

use std::time::Duration;

use rand::RngExt as _;
use securestream::{
    client::command::Command,
    crypto::RECEIPT_LENGTH,
    proto::{
        Message,
        message::{Post, RecordChanged, Relayed},
    },
    types::{SealKind, limits::MAX_TEXT},
};
use serde_json::json;

use super::world::{World, seconds, set_time_of_day};
use crate::raw::{identity, rng};

const RECORDS: u64 = 37;
const FETCH: u64 = 3;

/// What a member posted, receipts left out.
fn posts(world: &World, place: usize) -> Vec<Post> {
    let posted = |message: &Message| match message {
        Message::Post(post) if post.sealed.len() != RECEIPT_LENGTH => Some(post.clone()),
        _ => None,
    };
    world.nodes[place].sent.iter().filter_map(posted).collect()
}

fn kinds(world: &World, place: usize) -> Vec<SealKind> {
    posts(world, place).iter().map(|post| post.kind).collect()
}

/// The last post of a member as the hub relays it.
fn last(world: &World, place: usize) -> Relayed {
    let post = posts(world, place).pop().unwrap();
    Relayed { kind: post.kind, sealed: post.sealed }
}

/// Alice and bob have written to each other, and know that it arrived.
fn acquainted(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(seed);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    world.send(alice, "bob", "hello");
    world.advance(seconds(1));
    world.send(bob, "alice", "hello");
    world.advance(seconds(1));
    (world, alice, bob)
}

#[test]
fn a_first_message_is_a_hello_and_what_follows_is_tagged() {
    let (mut world, alice, bob) = acquainted(1);
    world.send(alice, "bob", "how are you?");
    assert_eq!(kinds(&world, alice), [SealKind::Hello, SealKind::Tagged]);
    assert_eq!(kinds(&world, bob), [SealKind::Tagged]);
    assert_eq!(world.texts(bob), ["hello", "how are you?"]);
    world.advance(seconds(1));
    assert_eq!(world.count(alice, &json!({"event": "delivered", "by": "bob", "remaining": 0})), 2);
}

#[test]
fn messages_before_the_first_receipt_all_arrive_in_order() {
    let mut world = World::new(2);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    let texts: Vec<_> = (0..40).map(|number| number.to_string()).collect();
    for text in &texts {
        world.send(alice, "bob", text);
    }
    assert_eq!(kinds(&world, alice), [SealKind::Hello; 40]);
    world.advance(seconds(1));
    world.send(alice, "bob", "after");
    assert_eq!(kinds(&world, alice).last(), Some(&SealKind::Tagged));
    assert_eq!(world.texts(bob).len(), 41);
    assert!(world.texts(bob).iter().zip(&texts).all(|(shown, sent)| shown == sent));
}

#[test]
fn a_member_that_seals_only_is_understood_and_answered_in_a_session() {
    let mut world = World::new(3);
    let (alice, bob) = (world.join_sealing_only("alice"), world.join("bob"));
    for _ in 0..3 {
        world.send(alice, "bob", "sealed");
        world.send(bob, "alice", "in a session");
        world.advance(seconds(1));
    }
    world.ask(alice, Command::All { text: "to all".into() });
    assert_eq!(kinds(&world, alice), [SealKind::Seal, SealKind::Seal, SealKind::Seal, SealKind::Group]);
    assert_eq!(kinds(&world, bob), [SealKind::Hello, SealKind::Tagged, SealKind::Tagged]);
    assert_eq!((world.texts(alice).len(), world.texts(bob).len()), (3, 4));
}

#[test]
fn the_longest_text_goes_in_a_hello_and_in_a_session() {
    let mut world = World::new(4);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    let text = "x".repeat(MAX_TEXT);
    for _ in 0..2 {
        world.send(alice, "bob", &text);
        world.advance(seconds(1));
    }
    assert_eq!(kinds(&world, alice), [SealKind::Hello, SealKind::Tagged]);
    assert_eq!(world.texts(bob), [&text, &text]);
}

#[test]
fn attack_17_messages_that_the_hub_drops_are_noticed_after_three_seconds() {
    let (mut world, alice, bob) = acquainted(5);
    world.nodes[bob].to_lose = 2;
    for text in ["lost", "lost too", "arrives"] {
        world.send(alice, "bob", text);
    }
    assert_eq!(world.texts(bob), ["hello", "arrives"]);
    let gap = json!({"event": "gap"});
    world.advance(Duration::from_millis(2999));
    assert_eq!(world.count(bob, &gap), 0, "they may still come");
    world.advance(Duration::from_millis(1));
    assert_eq!(world.last(bob, &gap)["missing"], 2);
    assert_eq!(world.last(bob, &gap)["from"], "alice");
    world.advance(seconds(60));
    assert_eq!(world.count(bob, &gap), 1, "told once");
    assert_eq!(world.count(alice, &gap), 0);
}

#[test]
fn nothing_is_told_of_what_a_blocked_member_did_not_get_through() {
    let (mut world, alice, bob) = acquainted(5);
    world.ask(bob, Command::Block { name: "alice".parse().unwrap() });
    world.nodes[bob].to_lose = 2;
    for text in ["lost", "lost too", "arrives"] {
        world.send(alice, "bob", text);
    }
    world.advance(seconds(60));
    assert_eq!(world.texts(bob), ["hello"]);
    assert_eq!(world.count(bob, &json!({"event": "gap"})), 0);
}

#[test]
fn attack_17_dropped_messages_to_all_are_noticed_as_well() {
    let (mut world, alice, bob) = acquainted(6);
    world.nodes[bob].to_lose = 1;
    world.ask(alice, Command::All { text: "lost".into() });
    world.ask(alice, Command::All { text: "arrives".into() });
    world.advance(seconds(3));
    assert_eq!(world.texts(bob), ["hello", "arrives"]);
    assert_eq!(world.last(bob, &json!({"event": "gap"}))["missing"], 1);
}

#[test]
fn attack_15_a_hub_loses_reorders_repeats_and_changes_and_later_messages_open() {
    let (mut world, alice, bob) = acquainted(7);
    world.nodes[bob].to_lose = usize::MAX;
    let mut held = Vec::new();
    for number in 0..32 {
        world.send(alice, "bob", &number.to_string());
        held.push(last(&world, alice));
    }
    world.nodes[bob].to_lose = 0;
    assert!(held.iter().all(|record| record.kind == SealKind::Tagged));
    // Changed ones first: if these burned keys, the good ones would not open.
    for record in &held {
        for at in [0, 20, 50, record.sealed.len() - 1] {
            let mut changed = record.sealed.to_vec();
            changed[at] ^= 1;
            world.inject(bob, Relayed { kind: record.kind, sealed: changed.into() });
        }
    }
    assert_eq!(world.texts(bob), ["hello"]);
    for (number, record) in held.iter().enumerate().rev().filter(|(number, _)| number % 4 != 1) {
        world.inject(bob, record.clone());
        world.inject(bob, record.clone());
        assert_eq!(*world.texts(bob).last().unwrap(), number.to_string());
    }
    assert_eq!(world.texts(bob).len(), 1 + 24, "each once");
    world.advance(seconds(3));
    assert_eq!(world.last(bob, &json!({"event": "gap"}))["missing"], 8);
    world.send(alice, "bob", "after");
    assert_eq!(world.texts(bob).last(), Some(&"after"));
}

#[test]
fn after_32_messages_without_an_answer_a_session_begins_anew() {
    let (mut world, alice, bob) = acquainted(8);
    world.nodes[bob].to_lose = 32;
    for _ in 0..33 {
        world.send(alice, "bob", "are you there?");
    }
    assert_eq!(kinds(&world, alice).last(), Some(&SealKind::Hello));
    assert_eq!(world.texts(bob).len(), 2);
    world.advance(seconds(1));
    world.send(alice, "bob", "good");
    assert_eq!(kinds(&world, alice).last(), Some(&SealKind::Tagged));
    assert_eq!(world.texts(bob).last(), Some(&"good"));
}

#[test]
fn bad_input_34_a_replayed_hello_or_tagged_record_shows_nothing_and_sets_nothing_back() {
    let mut world = World::new(9);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    let mut records = Vec::new();
    for number in 0..6 {
        world.send(alice, "bob", &number.to_string());
        records.push(last(&world, alice));
        world.advance(seconds(1));
    }
    for record in records.iter().chain(records.iter().rev()) {
        world.inject(bob, record.clone());
    }
    assert_eq!(world.texts(bob), ["0", "1", "2", "3", "4", "5"]);
    world.send(alice, "bob", "6");
    assert_eq!(kinds(&world, alice).last(), Some(&SealKind::Tagged));
    assert_eq!(world.texts(bob).last(), Some(&"6"));
}

#[test]
fn who_comes_back_over_a_new_link_goes_on_in_its_sessions() {
    let (mut world, alice, bob) = acquainted(10);
    world.lose(bob);
    world.come_back(bob);
    world.send(bob, "alice", "I am back");
    world.send(alice, "bob", "good");
    assert_eq!(kinds(&world, bob).last(), Some(&SealKind::Tagged));
    assert_eq!(kinds(&world, alice).last(), Some(&SealKind::Tagged));
    assert_eq!((world.texts(alice).last(), world.texts(bob).last()), (Some(&"I am back"), Some(&"good")));
}

#[test]
fn a_guest_that_comes_with_new_keys_is_greeted_anew() {
    let (mut world, alice, bob) = acquainted(11);
    world.ask(bob, Command::Quit);
    world.advance(seconds(3));
    let bob = world.join_with_keys("bob", "another bob");
    world.send(alice, "bob", "who are you?");
    assert_eq!(kinds(&world, alice).last(), Some(&SealKind::Hello));
    assert_eq!(world.texts(bob), ["who are you?"]);
}

#[test]
fn a_message_in_a_session_waits_for_its_senders_key_record_too() {
    let (mut world, alice, bob) = acquainted(12);
    world.nodes[bob].held_tags = vec![RECORDS];
    let changed = RecordChanged { fingerprint: identity("alice").fingerprint(), sequence: u64::MAX };
    world.inject(bob, changed);
    world.send(alice, "bob", "later");
    assert_eq!(world.texts(bob), ["hello"]);
    world.nodes[bob].held_tags.clear();
    world.settle();
    assert_eq!(world.texts(bob), ["hello", "later"]);
}

#[test]
fn keys_for_sessions_are_renewed_every_week_and_the_hub_is_told() {
    let (mut world, alice, bob) = acquainted(13);
    let updates = |world: &World| {
        let update = |message: &Message| match message {
            Message::Update(update) => Some(update.record.clone()),
            _ => None,
        };
        world.nodes[bob].sent.iter().filter_map(update).collect::<Vec<_>>()
    };
    set_time_of_day(seconds(6 * 24 * 3600));
    world.advance(seconds(2 * 3600));
    assert_eq!(updates(&world).len(), 0);
    let fetches = |world: &World| world.nodes[alice].sent.iter().filter(|message| message.tag() == FETCH).count();
    let before = fetches(&world);
    set_time_of_day(seconds(7 * 24 * 3600));
    world.advance(seconds(3600));
    let told = updates(&world);
    assert_eq!(told.len(), 1);
    let record = securestream::types::KeyRecord::decode(&told[0]).unwrap();
    assert_eq!(record.fingerprint(), identity("bob").fingerprint());
    assert!(record.bundle.is_some());

    // Alice, who was told of it, asked for the new record; an old one is none of her business.
    assert_eq!(fetches(&world), before + 1);
    world.inject(alice, RecordChanged { fingerprint: record.fingerprint(), sequence: record.sequence - 1 });
    assert_eq!(fetches(&world), before + 1);
    world.send(alice, "bob", "with your new keys");
    assert_eq!(kinds(&world, alice).last(), Some(&SealKind::Hello), "a week later");
    assert_eq!(world.texts(bob).last(), Some(&"with your new keys"));
    set_time_of_day(Duration::ZERO);
}

/// Guesses to whom a record goes by what a hub sees of it, after it was told of some.
#[derive(Default)]
struct Classifier {
    /// How often a feature had a value, by receiver.
    seen: std::collections::HashMap<(usize, u64), [f64; 2]>,
}

impl Classifier {
    /// Kind, size, its first bytes, its last ones, and how its bytes are distributed.
    fn features(post: &Post) -> Vec<u64> {
        let (first, last) = (post.sealed.iter().take(48), post.sealed.iter().rev().take(16));
        let mut features = vec![u64::from(post.kind.number()), post.sealed.len() as u64];
        features.extend(first.chain(last).map(|byte| u64::from(byte >> 4)));
        let sum: u64 = post.sealed.iter().map(|byte| u64::from(*byte)).sum();
        features.push(sum / post.sealed.len() as u64 / 2);
        for block in post.sealed.chunks(post.sealed.len().div_ceil(16)) {
            features.push(block.iter().filter(|byte| **byte >= 128).count() as u64 / 4);
        }
        features
    }

    fn learn(&mut self, post: &Post, receiver: usize) {
        for feature in Self::features(post).into_iter().enumerate() {
            self.seen.entry(feature).or_default()[receiver] += 1.0;
        }
    }

    fn guess(&self, post: &Post) -> usize {
        let odds = |feature| self.seen.get(&feature).map_or(0.0, |[one, other]| ((one + 1.0) / (other + 1.0)).ln());
        usize::from(Self::features(post).into_iter().enumerate().map(odds).sum::<f64>() < 0.0)
    }
}

/// How many of how many receivers a hub guesses that sees everything that alice posts.
fn guessed(seals_only: bool, seed: &str) -> (usize, usize) {
    const MESSAGES: usize = 400;
    let mut world = World::new(20);
    let alice = if seals_only { world.join_sealing_only("alice") } else { world.join("alice") };
    for name in ["bob", "carol"] {
        let place = world.join(name);
        world.send(alice, name, "hello");
        world.advance(seconds(1));
        world.send(place, "alice", "hello");
    }
    let mut rng = rng(seed);
    let before = posts(&world, alice).len();
    let mut receivers = Vec::new();
    for _ in 0..MESSAGES {
        let receiver = rng.random_range(0..2);
        let text = "x".repeat(rng.random_range(0..1500));
        world.send(alice, ["bob", "carol"][receiver], &text);
        receivers.push(receiver);
        world.advance(seconds(1));
    }
    let posts = posts(&world, alice).split_off(before);
    assert_eq!(posts.len(), MESSAGES);
    assert!(posts.iter().all(|post| post.audience.is_none()));
    let mut classifier = Classifier::default();
    let (known, unknown) = posts.split_at(MESSAGES / 2);
    for (post, receiver) in known.iter().zip(&receivers) {
        classifier.learn(post, *receiver);
    }
    let right = unknown.iter().zip(&receivers[MESSAGES / 2..]).filter(|(post, to)| classifier.guess(post) == **to);
    (right.count(), unknown.len())
}

#[test]
fn attack_11_what_is_posted_tells_nobody_its_receiver() {
    for (seals_only, seed) in [(false, "sessions"), (true, "seals")] {
        let (right, of) = guessed(seals_only, seed);
        // Five standard deviations of tossing a coin 200 times.
        let surplus = right.abs_diff(of / 2);
        assert!(surplus <= 36, "sealing only {seals_only}: {right} of {of} guessed");
    }
}

#[test]
fn attack_11_records_to_two_receivers_have_equal_lengths_and_seals_a_clear_top_bit() {
    for seals_only in [false, true] {
        let mut world = World::new(21);
        let alice = if seals_only { world.join_sealing_only("alice") } else { world.join("alice") };
        let _ = ["bob", "carol"].map(|name| world.join(name));
        for length in (0..3000).step_by(300) {
            let text = "x".repeat(length);
            for name in ["bob", "carol"] {
                world.send(alice, name, &text);
            }
            world.advance(seconds(1));
            let posts = posts(&world, alice);
            let [one, other] = &posts[posts.len() - 2..] else { panic!("two were posted") };
            assert_eq!((one.kind, one.sealed.len()), (other.kind, other.sealed.len()), "{length}");
            if seals_only {
                assert!(one.sealed[1] < 0x80 && other.sealed[1] < 0x80);
            }
        }
    }
}

#[test]
fn the_classifier_would_find_a_receiver_that_shows() {
    let mut classifier = Classifier::default();
    let post = |receiver: usize| Post {
        mid: securestream::types::MessageId([0; 16]),
        audience: None,
        kind: SealKind::Tagged,
        sealed: vec![7; 1000 + receiver].into(),
    };
    for receiver in [0, 1, 1, 0] {
        classifier.learn(&post(receiver), receiver);
    }
    assert_eq!([0, 1].map(|receiver| classifier.guess(&post(receiver))), [0, 1]);
}
