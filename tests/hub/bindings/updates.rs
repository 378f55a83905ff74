//! Newer and older key records of members, and what they do to names.

use super::{BROADCAST, broadcast, later, name, reported, rotated, text};
use crate::{
    bench::{Bench, Disk, left, renamed, turned_away, welcome},
    raw::identity,
};
use securestream::{
    proto::Message,
    proto::message::{FetchRecords, Quit},
    server::Command,
    types::limits::MAX_UPDATES,
    types::wire,
    types::{Code, LinkId},
};

#[test]
fn a_rolled_back_record_is_refused_with_what_is_wrong() {
    let mut bench = Bench::new(BROADCAST);
    let old = identity("bob");
    bench.register(1, &later(&old, 5), false);
    bench.say(1, Quit {});
    for mut bench in [Bench::remembering(BROADCAST, &bench.kept), bench] {
        let commands = bench.register(2, &old, false);
        assert_eq!(turned_away(&commands), Some(Code::DataUnusable));
        assert!(text(&commands).contains("old copy"), "{commands:?}");
        assert_eq!(welcome(&bench.register(3, &later(&old, 9), false)), Some(false));
    }
}

#[test]
fn a_newer_record_is_told_to_the_others_however_it_comes() {
    let mut bench = Bench::new(BROADCAST);
    let bob = identity("bob");
    bench.register(1, &identity("alice"), false);
    bench.register(2, &bob, false);
    let told = |sequence: u64| ("record ".to_owned() + &sequence.to_string(), 1);

    let next = later(&bob, 5);
    let commands = bench.update(2, &bob, next.record());
    assert_eq!(broadcast(&commands), [told(next.record().sequence)], "while it is here");
    assert_eq!(bench.kept.len(), 3);
    bench.lose(2);
    let next = later(&bob, 10);
    let commands = bench.register(3, &next, false);
    assert_eq!(broadcast(&commands), [told(next.record().sequence)], "when it comes back unnoticed");
    assert!(left(&commands).is_empty());
    let next = later(&bob, 20);
    let commands = bench.register(4, &next, false);
    assert_eq!(broadcast(&commands)[2], told(next.record().sequence), "when it takes over");
    match &bench.say(1, FetchRecords { fingerprints: vec![bob.fingerprint()] })[..] {
        [Command::Send(LinkId(1), Message::Records(records))] => {
            assert_eq!(*records.records[0], wire::to_bytes(next.record()));
        }
        other => panic!("{other:?}"),
    }
    let mut again = Bench::remembering(BROADCAST, &bench.kept);
    assert_eq!(turned_away(&again.register(1, &later(&bob, 10), false)), Some(Code::DataUnusable));
}

#[test]
fn updates_that_are_no_newer_records_of_the_same_member_change_nothing() {
    let mut bench = Bench::new(BROADCAST);
    let bob = later(&identity("bob"), 5);
    bench.register(1, &identity("alice"), false);
    bench.register(2, &bob, false);
    let kept = bench.kept.len();
    let mut unsigned = later(&bob, 5).record().clone();
    unsigned.sequence += 1;
    for (what, record, code) in [
        ("the same", bob.record().clone(), Code::DataUnusable),
        ("an older one", identity("bob").record().clone(), Code::DataUnusable),
        ("another's", identity("carol").record().clone(), Code::InvalidRecord),
        ("other keys of its own", rotated(&bob).record().clone(), Code::InvalidRecord),
        ("another name", later(&renamed("bob", "rob"), 50).record().clone(), Code::BadName),
        ("one that was changed", unsigned, Code::InvalidRecord),
    ] {
        let commands = bench.update(2, &bob, &record);
        assert_eq!(reported(&commands), Some(code), "{what}");
        assert!(broadcast(&commands).is_empty() && bench.kept.len() == kept, "{what}");
    }
    assert!(bench.relay.name_of(LinkId(2)).is_some(), "and it stays");
    assert!(bench.update(9, &bob, bob.record()).is_empty(), "from nobody");
}

#[test]
fn of_updates_that_come_while_one_is_written_the_newest_has_its_turn() {
    let mut bench = Bench::new(BROADCAST);
    let alice = identity("alice");
    bench.register(1, &alice, false);
    bench.register(2, &identity("bob"), false);
    bench.disk = Disk::Held;
    for millis in [5, 6, 7] {
        assert_eq!(broadcast(&bench.update(1, &alice, later(&alice, millis).record())), []);
    }
    let first = alice.record().sequence + 5;
    let commands = bench.write_held(true);
    assert_eq!(broadcast(&commands), [(format!("record {first}"), 1)]);
    let next = commands.into_iter().find_map(|command| match command {
        Command::VerifyUpdate { record, .. } => Some(record.sequence),
        _ => None,
    });
    assert_eq!(next, Some(first + 2));
}

#[test]
fn updates_without_end_end_the_link() {
    let mut bench = Bench::new(BROADCAST);
    let bob = identity("bob");
    bench.register(1, &bob, true);
    for count in 1..=u64::from(MAX_UPDATES) {
        bench.update(1, &bob, later(&bob, count).record());
    }
    assert_eq!(bench.kept, [], "a guest's are not written");
    let commands = bench.update(1, &bob, later(&bob, 999).record());
    assert!(matches!(commands.last(), Some(Command::Close(LinkId(1), Code::RateLimited))), "{commands:?}");
}

#[test]
fn an_update_does_not_give_a_name_back_to_lost_keys() {
    let mut bench = Bench::new(BROADCAST);
    let bob = identity("bob");
    bench.register(2, &bob, false);
    bench.disk = Disk::Held;
    bench.relay.release(&name("bob")).unwrap();
    bench.take();
    assert_eq!(reported(&bench.update(2, &bob, later(&bob, 5).record())), Some(Code::TryLater));
    bench.write_held(true);
    bench.disk = Disk::Works;
    assert_eq!(bench.relay.bindings().of(&name("bob")), None);
    assert_eq!(welcome(&bench.register(9, &renamed("new", "bob"), false)), Some(false));
}

#[test]
fn an_update_does_not_give_a_name_back_to_keys_that_were_changed() {
    let mut bench = Bench::new(BROADCAST);
    let bob = identity("bob");
    let next = rotated(&bob);
    bench.register(2, &bob, false);
    bench.disk = Disk::Held;
    bench.register(3, &next, false);
    assert_eq!(reported(&bench.update(2, &bob, later(&bob, 5).record())), Some(Code::TryLater));
    bench.lose(3);
    bench.write_held(true);
    bench.disk = Disk::Works;
    assert_eq!(reported(&bench.update(2, &bob, later(&bob, 6).record())), Some(Code::NameReserved));
    let bound = bench.relay.bindings().of(&name("bob")).map(|binding| binding.fingerprint);
    assert_eq!(bound, Some(next.fingerprint()));
}

#[test]
fn an_older_record_does_not_follow_a_newer_one_that_is_being_written() {
    let mut bench = Bench::new(BROADCAST);
    let bob = identity("bob");
    bench.register(2, &bob, false);
    bench.disk = Disk::Held;
    bench.update(2, &bob, later(&bob, 10).record());
    assert_eq!(turned_away(&bench.register(3, &later(&bob, 9), false)), Some(Code::TryLater));
    bench.write_held(true);
    assert_eq!(turned_away(&bench.register(4, &later(&bob, 9), false)), Some(Code::DataUnusable));
    // The other way round: the registration's link breaks, and the old link is left.
    bench.register(5, &later(&bob, 20), false);
    bench.lose(5);
    bench.write_held(true);
    assert_eq!(reported(&bench.update(2, &bob, later(&bob, 19).record())), Some(Code::DataUnusable));
}
