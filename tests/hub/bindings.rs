//! Whose name is whose: what a hub remembers of its members, here and after a restart.

mod asked;
mod invites;
mod operator;
mod updates;

use crate::{
    bench::{Bench, Disk, NONCE, left, renamed, turned_away, welcome},
    raw::{identity, registration, rng},
};
use securestream::{
    crypto::Identity,
    crypto::testing::InsecureProvider,
    proto::message::Quit,
    proto::{Ending, Message},
    server::Command,
    server::report::HubEvent,
    types::limits::LOST_GRACE,
    types::{Code, LeaveReason, LinkId, MemberName, RelayMode},
};

const BROADCAST: RelayMode = RelayMode::Broadcast;

fn name(text: &str) -> MemberName {
    text.parse().unwrap()
}

/// The same keys with a record made so many milliseconds later.
fn later(keys: &Identity, millis: u64) -> Identity {
    keys.with_bundle(None, keys.record().sequence + millis, &mut rng("later")).unwrap()
}

fn rotated(keys: &Identity) -> Identity {
    let next = keys.record().sequence + 1;
    keys.rotate(&InsecureProvider, None, next, &mut rng(&format!("rotated {next}"))).unwrap()
}

/// Of the first error that was told.
fn text(commands: &[Command]) -> String {
    let told = |command: &Command| match command {
        Command::Send(_, Message::Error(error)) => Some(error.text.0.clone()),
        _ => None,
    };
    commands.iter().find_map(told).unwrap()
}

/// A candidate that may try again on its link was told this code.
fn refused(commands: &[Command]) -> Option<Code> {
    assert!(!commands.iter().any(|command| matches!(command, Command::Close(..))), "{commands:?}");
    commands.iter().find_map(|command| match command {
        Command::Send(_, Message::Error(error)) => Some(error.code),
        _ => None,
    })
}

/// The code under which the operator is told of something that was refused.
fn reported(commands: &[Command]) -> Option<Code> {
    assert!(commands.iter().all(|command| matches!(command, Command::Report(_))), "nobody else is told: {commands:?}");
    commands.iter().find_map(|command| match command {
        Command::Report(HubEvent::Refused { code, .. }) => Some(*code),
        _ => None,
    })
}

/// What was broadcast, in short, and to how many.
fn broadcast(commands: &[Command]) -> Vec<(String, usize)> {
    let short = |command: &Command| {
        let Command::Broadcast { record, to } = command else { return None };
        let what = match Message::decode(&record[4..]).unwrap() {
            Message::Joined(joined) => format!("joined {}", joined.entry.name),
            Message::Left(left) => format!("left {} {}", left.name, left.reason),
            Message::RecordChanged(changed) => format!("record {}", changed.sequence),
            other => panic!("{other:?}"),
        };
        Some((what, to.len()))
    };
    commands.iter().filter_map(short).collect()
}

#[test]
fn attack_01_a_name_is_its_first_owners_while_it_is_here_when_it_left_and_after_a_restart() {
    let mut bench = Bench::new(BROADCAST);
    let (alice, mallory) = (identity("alice"), renamed("mallory", "Alice"));
    assert_eq!(welcome(&bench.register(1, &alice, false)), Some(false));
    for guest in [false, true] {
        let commands = bench.register(2, &mallory, guest);
        assert_eq!(turned_away(&commands), Some(Code::NameTaken), "in use now");
        assert!(
            !commands.iter().any(|command| matches!(command, Command::Send(LinkId(1), _) | Command::Broadcast { .. }))
        );
    }
    bench.lose(1);
    assert_eq!(turned_away(&bench.register(3, &mallory, false)), Some(Code::NameReserved), "though nobody is linked");
    bench.now += LOST_GRACE * 2;
    bench.relay.timeout(bench.now);
    bench.take();
    let commands = bench.register(4, &mallory, true);
    assert_eq!(turned_away(&commands), Some(Code::NameReserved), "nor can a guest take it");
    assert_eq!(text(&commands), "\"Alice\" belongs to another key on this hub");

    let mut again = Bench::remembering(BROADCAST, &bench.kept);
    for guest in [false, true] {
        assert_eq!(turned_away(&again.register(1, &mallory, guest)), Some(Code::NameReserved));
    }
    assert_eq!(welcome(&again.register(2, &alice, false)), Some(false));
    assert_eq!(again.kept.len(), 1, "known keys with a known record are written once");
}

#[test]
fn guests_bind_nothing() {
    let mut bench = Bench::new(BROADCAST);
    bench.register(1, &identity("bob"), true);
    bench.relay.message(LinkId(1), Quit {}.into());
    bench.take();
    assert_eq!(welcome(&bench.register(2, &renamed("another", "bob"), false)), Some(false));
    assert_eq!(bench.kept.len(), 1);
}

#[test]
fn whoever_has_the_keys_of_a_name_is_its_member_also_as_a_guest() {
    let mut bench = Bench::new(BROADCAST);
    let bob = identity("bob");
    bench.register(1, &bob, false);
    bench.say(1, Quit {});
    assert_eq!(welcome(&bench.register(2, &bob, true)), Some(false));
}

#[test]
fn bad_input_18_names_that_look_like_one_that_is_here_or_known_are_told_which() {
    let mut bench = Bench::new(BROADCAST);
    bench.register(1, &identity("paypal"), false);
    bench.say(1, Quit {});
    bench.register(2, &identity("bob"), true);
    for (like, other) in [("раураl", "paypal"), ("PAYPA1", "paypal"), ("bоb", "bob")] {
        for guest in [false, true] {
            let commands = bench.register(3, &identity(like), guest);
            assert_eq!(refused(&commands), Some(Code::BadName), "{like}");
            assert!(text(&commands).contains(&format!("\"{other}\"")), "{commands:?}");
        }
    }
    // Another name does, on the same link.
    bench.say(3, registration(&identity("carol"), NONCE));
    assert!(welcome(&bench.verified(3, &identity("carol"))).is_some());
    bench.say(2, Quit {});
    assert!(welcome(&bench.register(4, &identity("bоb"), true)).is_some(), "a guest's name is free when it left");
    assert!(welcome(&bench.register(5, &identity("paypal"), false)).is_some(), "its owner is not hindered");
}

#[test]
fn bad_input_22_the_same_keys_over_a_new_link_take_over_a_half_open_one() {
    let mut bench = Bench::new(BROADCAST);
    let bob = identity("bob");
    bench.register(1, &identity("alice"), false);
    bench.register(2, &bob, false);
    let commands = bench.register(3, &bob, false);
    assert_eq!(broadcast(&commands), [("left bob taken_over".to_owned(), 1), ("joined bob".to_owned(), 1)]);
    assert_eq!(left(&commands), [("bob".to_owned(), LeaveReason::TakenOver)]);
    let old: Vec<_> = commands
        .iter()
        .filter_map(|command| match command {
            Command::Send(LinkId(2), Message::Error(error)) => Some(("told", error.code)),
            Command::Close(LinkId(2), code) => Some(("closed", *code)),
            _ => None,
        })
        .collect();
    assert_eq!(old, [("told", Code::TakenOver), ("closed", Code::TakenOver)]);
    assert_eq!(welcome(&commands), Some(false));

    // What the old link still says or how it ends is nobody's business.
    assert!(bench.post(2).is_empty());
    bench.relay.ended(LinkId(2), &Ending::Lost, bench.now);
    assert!(bench.take().is_empty());
    assert!(broadcast(&bench.lose(3)).is_empty());
    assert!(bench.relay.deadline().is_some(), "the new link is waited for when it breaks");
}

#[test]
fn bad_input_22_a_guest_takes_over_its_own_link_as_well_and_nobody_elses() {
    let mut bench = Bench::new(BROADCAST);
    bench.register(1, &identity("bob"), true);
    assert_eq!(turned_away(&bench.register(2, &renamed("another", "bob"), true)), Some(Code::NameTaken));
    assert_eq!(left(&bench.register(3, &identity("bob"), true)), [("bob".to_owned(), LeaveReason::TakenOver)]);
}

#[test]
fn bad_input_23_new_keys_for_a_known_name_need_the_word_of_the_old_ones() {
    let mut bench = Bench::new(BROADCAST);
    let first = identity("bob");
    let third = rotated(&rotated(&first));
    bench.register(1, &first, false);
    bench.say(1, Quit {});
    assert_eq!(turned_away(&bench.register(2, &renamed("new", "bob"), false)), Some(Code::NameReserved));
    assert_eq!(welcome(&bench.register(3, &third, false)), Some(false), "two rotations at once");
    bench.say(3, Quit {});
    assert_eq!(turned_away(&bench.register(4, &first, false)), Some(Code::NameReserved), "given up for good");
    let mut again = Bench::remembering(BROADCAST, &bench.kept);
    assert_eq!(turned_away(&again.register(1, &first, false)), Some(Code::NameReserved));
    assert_eq!(welcome(&again.register(2, &third, false)), Some(false));
}

#[test]
fn rotated_keys_take_over_the_link_of_the_old_ones() {
    let mut bench = Bench::new(BROADCAST);
    let bob = identity("bob");
    bench.register(1, &identity("alice"), false);
    bench.register(2, &bob, false);
    let commands = bench.register(3, &rotated(&bob), false);
    assert_eq!(broadcast(&commands), [("left bob taken_over".to_owned(), 1), ("joined bob".to_owned(), 1)]);
    bench.lose(3);
    let commands = bench.register(4, &rotated(&rotated(&bob)), false);
    assert_eq!(left(&commands), [("bob".to_owned(), LeaveReason::Lost)], "new keys do not come back unnoticed");
}

#[test]
fn nobody_is_told_of_a_member_before_its_name_is_on_the_disk() {
    let mut bench = Bench::new(BROADCAST);
    bench.register(1, &identity("alice"), true);
    bench.disk = Disk::Held;
    assert!(bench.register(2, &identity("bob"), false).is_empty());
    // Meanwhile the name is spoken for, and so is what looks like it.
    assert_eq!(turned_away(&bench.register(3, &renamed("another", "bob"), false)), Some(Code::NameTaken));
    assert_eq!(refused(&bench.register(4, &identity("bоb"), false)), Some(Code::BadName));
    assert_eq!(turned_away(&bench.register(5, &identity("bob"), false)), Some(Code::TryLater), "the same keys again");
    assert_eq!(turned_away(&bench.say(2, registration(&identity("bob"), NONCE))), Some(Code::RateLimited));

    assert!(bench.register(6, &identity("carol"), false).is_empty());
    let commands = bench.write_held(true);
    assert_eq!(broadcast(&commands), [("joined carol".to_owned(), 1)], "bob's link was turned away meanwhile");
    assert_eq!(turned_away(&bench.register(7, &renamed("another", "bob"), false)), Some(Code::NameReserved));
}

#[test]
fn bad_input_59_a_disk_that_refuses_keeps_newcomers_out_and_nobody_else() {
    let mut bench = Bench::new(BROADCAST);
    let (alice, bob) = (identity("alice"), identity("bob"));
    bench.register(1, &alice, false);
    bench.disk = Disk::Full;
    let commands = bench.register(2, &bob, false);
    assert_eq!(turned_away(&commands), Some(Code::TryLater));
    assert!(broadcast(&commands).is_empty());
    assert_eq!(reported(&bench.update(1, &alice, later(&alice, 5).record())), Some(Code::TryLater));
    assert_eq!(welcome(&bench.register(3, &alice, false)), Some(false), "who is known comes in");
    assert_eq!(welcome(&bench.register(4, &identity("carol"), true)), Some(true), "and who asks for nothing");
    bench.disk = Disk::Works;
    assert_eq!(welcome(&bench.register(5, &bob, false)), Some(false));
    assert_eq!(broadcast(&bench.update(3, &alice, later(&alice, 5).record())).len(), 1);
}
