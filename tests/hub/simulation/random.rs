//! Whatever happens in whatever order: nothing is shown twice, nothing is out of order, nothing is left hanging.

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use securestream::client::command::Command;
use serde_json::{Value, json};

use super::world::{World, seconds};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

fn step(world: &mut World, rng: &mut StdRng, number: u32) {
    let place = rng.random_range(0..NAMES.len());
    let to = NAMES[rng.random_range(0..NAMES.len())];
    match rng.random_range(0..12) {
        0..5 => world.send(place, to, &format!("{} {number}", NAMES[place])),
        5..7 => world.ask(place, Command::All { text: format!("{} {number}", NAMES[place]) }),
        7 if world.nodes[place].linked => world.lose(place),
        8 => {
            let node = &mut world.nodes[place];
            node.is_held = !node.is_held;
            world.settle();
        }
        9 => world.advance(std::time::Duration::from_millis(rng.random_range(0..500))),
        10 => world.advance(seconds(rng.random_range(0..15))),
        _ if !world.nodes[place].linked => {
            // Whoever comes back sooner has lost what was sent meanwhile, and nobody can tell its senders.
            world.advance(seconds(10));
            world.come_back(place);
        }
        _ => world.ask(place, Command::Who),
    }
}

fn is_told_of(event: &Value, kind: &str, id: &Value) -> bool {
    event["event"] == kind && event["id"] == *id
}

#[test]
fn whatever_happens_messages_are_shown_once_in_order_and_told_of() {
    for seed in 0..60 {
        let mut world = World::new(seed);
        let mut rng = StdRng::seed_from_u64(seed);
        for name in NAMES {
            world.join(name);
        }
        for number in 0..120 {
            step(&mut world, &mut rng, number);
        }
        for node in &mut world.nodes {
            node.is_held = false;
        }
        world.settle();
        world.advance(seconds(60));
        for place in 0..NAMES.len() {
            shown_once_and_in_order(&world, place, seed);
            told_of_each_post(&world, place, seed);
        }
        same_directory(&mut world, seed);
    }
}

fn shown_once_and_in_order(world: &World, place: usize, seed: u64) {
    let mut last = BTreeMap::new();
    for text in world.texts(place) {
        let (from, number) = text.split_once(' ').unwrap();
        let number: u32 = number.parse().unwrap();
        let before = last.insert(from, number);
        assert!(
            before.is_none_or(|before| before < number),
            "seed {seed}: {} was shown {text} after {before:?}",
            NAMES[place]
        );
    }
}

/// Every post is delivered or failed, unless its sender lost its link after the hub had accepted it.
fn told_of_each_post(world: &World, place: usize, seed: u64) {
    let node = &world.nodes[place];
    let last_visit = node.events.iter().rposition(|event| event["event"] == "welcome").unwrap_or(0);
    for (at, queued) in node.events.iter().enumerate().filter(|(_, event)| event["event"] == "queued") {
        let receivers = |kind, field: &str| -> BTreeSet<String> {
            let told = node.events.iter().filter(|event| is_told_of(event, kind, &queued["id"]));
            told.map(|event| event[field].to_string()).collect()
        };
        let (delivered, failed) = (receivers("delivered", "by"), receivers("failed", "to"));
        let is_told = !delivered.is_empty() || !failed.is_empty();
        let is_left_behind = (at < last_visit || !node.linked) && !receivers("accepted", "id").is_empty();
        assert!(is_told || is_left_behind, "seed {seed}: {queued} of {} hangs", NAMES[place]);
        assert!(delivered.is_disjoint(&failed), "seed {seed}: {queued}");
    }
}

/// Everybody who is here sees the same members as everybody else.
fn same_directory(world: &mut World, seed: u64) {
    let here: Vec<usize> = (0..NAMES.len()).filter(|place| world.nodes[*place].linked).collect();
    let mut expected: Vec<&str> = here.iter().map(|place| NAMES[*place]).collect();
    expected.sort_unstable();
    for place in here {
        world.ask(place, Command::Who);
        let who = world.last(place, &json!({"event": "who"}));
        let names: Vec<_> =
            who["members"].as_array().unwrap().iter().map(|member| member["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "seed {seed}: {}", NAMES[place]);
    }
}
