//! Whose name is whose: what a hub remembers of its members, here and after a restart.

use securestream::{
    crypto::{Identity, testing::InsecureProvider},
    proto::{
        Ending, Message,
        message::{FetchHeads, FetchOneTime, FetchRecords, PublishOneTime, Quit, Register},
    },
    server::{Admission, Command, InviteCode, OperatorError, report::HubEvent},
    types::{
        Code, CurveKey, DirectorySequence, LeaveReason, LinkId, MemberName, RelayMode,
        limits::{LOST_GRACE, MAX_UPDATES},
        wire,
    },
};

use crate::{
    bench::{Bench, Disk, NONCE, left, renamed, turned_away, welcome},
    raw::{identity, registration, rng},
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

#[test]
fn members_come_in_by_an_invite_once() {
    let mut bench = Bench::new(BROADCAST);
    let (code, for_bob) = (InviteCode::new([1; 10]), InviteCode::new([2; 10]));
    bench.relay.invite(&code, None).unwrap();
    bench.relay.invite(&for_bob, Some(name("bob"))).unwrap();
    bench.take();
    let not_invited = Some(Code::NotInvited);
    assert_eq!(turned_away(&bench.come_invited(1, &identity("alice"), false, None)), not_invited);
    for wrong in ["", "x", "1111-1111-1111-1111", &for_bob.text()] {
        assert_eq!(turned_away(&bench.come_invited(2, &identity("alice"), false, Some(wrong))), not_invited, "{wrong}");
    }
    let typed = code.text().to_uppercase().replace('-', "");
    assert_eq!(welcome(&bench.come_invited(3, &identity("alice"), false, Some(&typed))), Some(false));
    assert_eq!(turned_away(&bench.come_invited(4, &identity("carol"), false, Some(&code.text()))), not_invited, "used");
    assert_eq!(welcome(&bench.come_invited(5, &identity("bob"), false, Some(&for_bob.text()))), Some(false));

    let mut again = Bench::remembering(BROADCAST, &bench.kept);
    assert_eq!(turned_away(&again.come_invited(1, &identity("carol"), false, Some(&code.text()))), not_invited);
    assert_eq!(
        welcome(&again.come_invited(2, &identity("alice"), false, None)),
        Some(false),
        "known members need none"
    );
    assert_eq!(welcome(&again.come_invited(3, &rotated(&identity("bob")), false, None)), Some(false));
    assert_eq!(turned_away(&again.come_invited(4, &renamed("another", "alice"), true, None)), Some(Code::NameTaken));
}

#[test]
fn guests_use_up_an_invite_and_come_back_within_the_grace_without_one() {
    let mut bench = Bench::new(BROADCAST);
    let code = InviteCode::new([1; 10]);
    bench.relay.invite(&code, None).unwrap();
    bench.take();
    let bob = identity("bob");
    assert_eq!(welcome(&bench.come_invited(1, &bob, true, Some(&code.text()))), Some(true));
    bench.lose(1);
    assert_eq!(welcome(&bench.come_invited(2, &bob, true, None)), Some(true));
    bench.say(2, Quit {});
    let commands = bench.come_invited(3, &bob, true, Some(&code.text()));
    assert_eq!(turned_away(&commands), Some(Code::NotInvited));
}

#[test]
fn two_who_come_with_one_invite_at_the_same_time_do_not_both_come_in() {
    let mut bench = Bench::new(BROADCAST);
    let code = InviteCode::new([1; 10]);
    bench.relay.invite(&code, None).unwrap();
    bench.take();
    bench.disk = Disk::Held;
    assert!(bench.come_invited(1, &identity("alice"), false, Some(&code.text())).is_empty());
    assert_eq!(
        turned_away(&bench.come_invited(2, &identity("bob"), false, Some(&code.text()))),
        Some(Code::NotInvited)
    );
    assert_eq!(turned_away(&bench.write_held(false)), Some(Code::TryLater));
    // The registration failed, so the invite is still good, and for one.
    assert!(bench.come_invited(3, &identity("bob"), true, Some(&code.text())).is_empty());
    assert_eq!(
        turned_away(&bench.come_invited(4, &identity("alice"), true, Some(&code.text()))),
        Some(Code::NotInvited)
    );
    assert_eq!(welcome(&bench.write_held(true)), Some(true));
    assert_eq!(
        turned_away(&bench.come_invited(5, &identity("alice"), true, Some(&code.text()))),
        Some(Code::NotInvited)
    );
}

#[test]
fn an_invite_is_not_used_up_by_a_registration_that_is_refused_or_that_needs_none() {
    let mut bench = Bench::new(BROADCAST);
    let code = InviteCode::new([1; 10]);
    bench.relay.invite(&code, None).unwrap();
    bench.register(1, &identity("bob"), false);
    bench.register(2, &identity("carol"), false);
    let commands = bench.come_invited(3, &identity("bоb"), false, Some(&code.text()));
    assert_eq!(refused(&commands), Some(Code::BadName));
    // By a listener that lets in everybody, with an invite that is good elsewhere.
    bench.relay.accepted(LinkId(4), "peer".to_owned(), Admission::Open);
    let invite = Some(code.text().as_str().into());
    bench.say(4, Register { invite, ..registration(&identity("dave"), NONCE) });
    assert!(welcome(&bench.verified(4, &identity("dave"))).is_some());
    assert!(welcome(&bench.come_invited(5, &identity("erin"), false, Some(&code.text()))).is_some());
}

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

#[test]
fn attack_14_a_new_link_gets_no_more_one_time_keys_than_the_one_it_takes_over() {
    let mut bench = Bench::new(RelayMode::Direct);
    let bob = identity("bob");
    bench.register(1, &bob, true);
    let publish = |first: u8| PublishOneTime { keys: (first..first + 50).map(|key| CurveKey([key; 32])).collect() };
    bench.say(1, publish(0));
    let drain = |bench: &mut Bench, link: u64| {
        bench.register(link, &identity("mallory"), true);
        let got = |commands: Vec<Command>| matches!(&commands[..], [Command::Send(_, Message::OneTime(it))] if it.key.is_some());
        (0..20).filter(|_| got(bench.say(link, FetchOneTime { fingerprint: bob.fingerprint() }))).count()
    };
    assert_eq!([2, 3, 4].map(|link| drain(&mut bench, link)), [8, 0, 0]);
    bench.say(1, publish(50));
    assert_eq!(drain(&mut bench, 5), 8, "of those that came since");
}

#[test]
fn attack_10_the_past_of_the_directory_is_told_four_times_over_one_link() {
    let mut bench = Bench::new(BROADCAST);
    bench.register(1, &identity("alice"), true);
    bench.register(2, &identity("bob"), true);
    let mut ask = |link| match &bench.say(link, FetchHeads { after: DirectorySequence(1) })[..] {
        [Command::Send(_, Message::Heads(heads))] => (heads.links.len(), heads.complete),
        other => panic!("{other:?}"),
    };
    for _ in 0..4 {
        assert_eq!(ask(1), (1, true));
    }
    assert_eq!(ask(1), (0, false), "answered all the same");
    assert_eq!(ask(2), (1, true), "others are not concerned");
}
