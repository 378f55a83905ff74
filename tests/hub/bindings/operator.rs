//! What an operator does to members and names, also while they are coming in.

use super::{BROADCAST, broadcast, later, name, rotated};
use crate::{
    bench::{Bench, Disk, left, renamed, turned_away, welcome},
    raw::identity,
};
use securestream::{
    proto::message::Quit,
    server::report::HubEvent,
    server::{Command, OperatorError},
    types::{Code, LeaveReason, LinkId},
};

#[test]
fn kicked_members_are_told_and_may_come_again() {
    let mut bench = Bench::new(BROADCAST);
    bench.register(1, &identity("alice"), false);
    bench.register(2, &identity("bob"), false);
    assert_eq!(bench.relay.kick(&name("carol")), Err(OperatorError::NotHere(name("carol"))));
    bench.relay.kick(&name("BOB")).unwrap();
    let commands = bench.take();
    assert_eq!(broadcast(&commands), [("left bob kicked".to_owned(), 1)]);
    assert!(matches!(&commands[..], [.., Command::Report(HubEvent::Operator { .. })]), "{commands:?}");
    assert!(commands.iter().any(|command| matches!(command, Command::Close(LinkId(2), Code::Kicked))));
    assert_eq!(welcome(&bench.register(3, &identity("bob"), false)), Some(false));
    // Also who is only waited for.
    bench.lose(3);
    bench.relay.kick(&name("bob")).unwrap();
    assert_eq!(left(&bench.take()), [("bob".to_owned(), LeaveReason::Kicked)]);
    assert_eq!(bench.relay.deadline(), None);
}

#[test]
fn the_banned_are_let_go_and_kept_out_by_name_by_keys_and_by_the_keys_that_came_next() {
    let mut bench = Bench::new(BROADCAST);
    let eve = identity("eve");
    bench.register(1, &identity("alice"), false);
    bench.register(2, &eve, false);
    bench.relay.ban(&name("eve")).unwrap();
    let commands = bench.take();
    assert_eq!(left(&commands), [("eve".to_owned(), LeaveReason::Banned)]);
    assert!(commands.iter().any(|command| matches!(command, Command::Close(LinkId(2), Code::Banned))));
    let kept = bench.kept.clone();
    for mut bench in [bench, Bench::remembering(BROADCAST, &kept)] {
        for (link, keys) in (10..).zip([rotated(&eve), renamed("eve", "eva"), renamed("x", "Eve"), identity("eve")]) {
            for guest in [false, true] {
                assert_eq!(turned_away(&bench.register(link, &keys, guest)), Some(Code::Banned), "{keys:?}");
            }
        }
        assert_eq!(bench.relay.unban(&name("bob")), Err(OperatorError::NotBanned(name("bob"))));
        bench.relay.unban(&name("EVE")).unwrap();
        bench.take();
        assert_eq!(welcome(&bench.register(20, &eve, false)), Some(false), "the name is still hers");
    }
}

#[test]
fn who_uses_banned_keys_under_another_name_is_let_go_as_well() {
    let mut bench = Bench::new(BROADCAST);
    bench.register(1, &identity("eve"), false);
    bench.say(1, Quit {});
    bench.register(2, &renamed("eve", "eva"), true);
    bench.relay.ban(&name("eve")).unwrap();
    assert_eq!(left(&bench.take()), [("eva".to_owned(), LeaveReason::Banned)]);
}

#[test]
fn a_released_name_is_free_for_new_keys_and_lets_the_old_ones_go() {
    let mut bench = Bench::new(BROADCAST);
    let (lost, new) = (identity("bob"), renamed("new", "bob"));
    assert_eq!(bench.relay.release(&name("bob")), Err(OperatorError::NotBound(name("bob"))));
    bench.register(1, &lost, false);
    bench.relay.release(&name("bob")).unwrap();
    assert_eq!(left(&bench.take()), [("bob".to_owned(), LeaveReason::Kicked)], "whoever has the lost keys");
    assert_eq!(welcome(&bench.register(2, &new, false)), Some(false));
    bench.say(2, Quit {});
    let mut again = Bench::remembering(BROADCAST, &bench.kept);
    assert_eq!(turned_away(&again.register(1, &lost, false)), Some(Code::NameReserved));
    assert_eq!(welcome(&again.register(2, &new, false)), Some(false));
}

#[test]
fn what_an_operator_wants_holds_once_it_is_written() {
    let mut bench = Bench::new(BROADCAST);
    bench.register(1, &identity("eve"), false);
    bench.disk = Disk::Held;
    let id = bench.relay.ban(&name("eve")).unwrap();
    assert!(bench.take().is_empty());
    assert_eq!(bench.held[0].0, id, "what its answer waits for");
    assert!(bench.write_held(false).is_empty(), "and nothing when it failed");
    bench.relay.ban(&name("eve")).unwrap();
    bench.take();
    assert_eq!(left(&bench.write_held(true)), [("eve".to_owned(), LeaveReason::Banned)]);
}

#[test]
fn a_registration_does_not_slip_by_a_ban_that_is_being_written() {
    let mut bench = Bench::new(BROADCAST);
    let eve = identity("eve");
    bench.register(1, &identity("alice"), false);
    bench.register(2, &eve, false);
    bench.disk = Disk::Held;
    bench.relay.ban(&name("eve")).unwrap();
    bench.take();
    for (link, keys) in (3..).zip([later(&eve, 5), rotated(&eve), renamed("eve", "eva"), renamed("x", "eve")]) {
        assert_eq!(turned_away(&bench.register(link, &keys, false)), Some(Code::TryLater), "{keys:?}");
    }
    assert!(bench.held.len() == 1, "nothing follows the ban to the disk");
    assert_eq!(left(&bench.write_held(true)), [("eve".to_owned(), LeaveReason::Banned)]);
    assert_eq!(turned_away(&bench.register(9, &later(&eve, 5), false)), Some(Code::Banned));
}

#[test]
fn a_ban_finds_who_is_about_to_come_in_and_its_keys() {
    for is_ban_first in [false, true] {
        let mut bench = Bench::new(BROADCAST);
        bench.disk = Disk::Held;
        bench.register(1, &identity("eve"), false);
        bench.relay.ban(&name("eve")).unwrap();
        bench.take();
        if is_ban_first {
            bench.held.reverse();
        }
        let commands = bench.write_held(true);
        assert_eq!(welcome(&commands).is_some(), !is_ban_first);
        assert_eq!(bench.relay.name_of(LinkId(1)), None);
        let commands = bench.register(2, &renamed("eve", "eva"), false);
        assert_eq!(turned_away(&commands), Some(Code::Banned));
    }
}

#[test]
fn nobody_comes_in_by_a_name_that_is_being_released() {
    let mut bench = Bench::new(BROADCAST);
    let bob = identity("bob");
    bench.register(1, &bob, false);
    bench.disk = Disk::Held;
    bench.relay.release(&name("bob")).unwrap();
    bench.take();
    assert_eq!(turned_away(&bench.register(2, &later(&bob, 5), false)), Some(Code::TryLater));
    bench.write_held(true);
    bench.disk = Disk::Works;
    assert_eq!(welcome(&bench.register(3, &renamed("new", "bob"), false)), Some(false));
}

#[test]
fn who_is_banned_twice_is_kept_out_as_before() {
    let mut bench = Bench::new(BROADCAST);
    bench.register(2, &identity("eve"), true);
    for _ in 0..2 {
        bench.relay.ban(&name("eve")).unwrap();
        bench.take();
    }
    for mut bench in [Bench::remembering(BROADCAST, &bench.kept), bench] {
        assert_eq!(turned_away(&bench.register(9, &renamed("eve", "eva"), true)), Some(Code::Banned));
    }
}
