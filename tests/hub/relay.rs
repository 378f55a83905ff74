//! The relay by itself: its decisions under virtual time, without links or threads.

use std::time::Duration;

use securestream::{
    proto::{
        Message,
        message::{FetchRecords, Post, Quit},
    },
    server::{Admission, Command, report::HubEvent},
    types::{Code, LeaveReason, LinkId, RelayMode, limits::LOST_GRACE},
};

use crate::{
    bench::{Bench, NONCE, left, post, renamed, turned_away, welcome},
    raw::{identity, registration},
};

#[test]
fn the_same_keys_are_here_under_one_name_at_a_time() {
    let mut bench = Bench::new(RelayMode::Direct);
    let (bob, rob) = (identity("bob"), renamed("bob", "rob"));
    assert_eq!(bob.fingerprint(), rob.fingerprint());
    bench.register(1, &identity("alice"), true);
    bench.register(2, &bob, true);
    let commands = bench.register(3, &rob, true);
    assert_eq!(turned_away(&commands), Some(Code::IdentityInUse));
    let commands = bench.register(4, &renamed("another's", "bob"), true);
    assert_eq!(turned_away(&commands), Some(Code::NameTaken));

    // What is meant for these keys still reaches the link that is a member.
    let direct = Post { audience: Some(bob.fingerprint()), ..post() };
    let commands = bench.say(1, direct.clone());
    assert!(matches!(commands[0], Command::Send(LinkId(2), Message::Relayed(_))), "{commands:?}");

    bench.lose(2);
    let commands = bench.register(5, &rob, true);
    assert_eq!(left(&commands), [("bob".to_owned(), LeaveReason::Lost)], "the name before is given up at once");
    assert!(welcome(&commands).is_some());
    let commands = bench.say(1, direct);
    assert!(matches!(commands[0], Command::Send(LinkId(5), Message::Relayed(_))), "{commands:?}");
    bench.now += LOST_GRACE * 2;
    bench.relay.timeout(bench.now);
    assert!(bench.relay.take_commands().is_empty(), "nobody is waited for");
}

#[test]
fn a_link_that_was_turned_away_is_no_candidate_any_more() {
    let mut bench = Bench::new(RelayMode::Broadcast);
    let bob = identity("bob");
    bench.relay.accepted(LinkId(1), "peer".to_owned(), Admission::Open);
    bench.say(1, registration(&bob, NONCE));
    // The second comes while the first is verified.
    let commands = bench.say(1, registration(&bob, NONCE));
    assert_eq!(turned_away(&commands), Some(Code::RateLimited));
    for _ in 0..100 {
        assert!(bench.say(1, registration(&bob, NONCE)).is_empty(), "nothing is answered and nothing logged");
    }
    assert!(bench.verified(1, &bob).is_empty(), "a verification that was under way makes no member");
    assert!(bench.register(2, &bob, true).len() > 1 && bench.relay.name_of(LinkId(2)).is_some());

    let mut no_record = registration(&identity("eve"), NONCE);
    no_record.record = vec![0xc1].into();
    bench.relay.accepted(LinkId(3), "peer".to_owned(), Admission::Open);
    assert_eq!(turned_away(&bench.say(3, no_record.clone())), Some(Code::InvalidRecord));
    assert!(bench.say(3, no_record).is_empty());
}

#[test]
fn bad_input_42_what_comes_after_a_quit_is_not_served() {
    let mut bench = Bench::new(RelayMode::Broadcast);
    let alice = identity("alice");
    bench.register(1, &alice, true);
    bench.register(2, &identity("bob"), true);
    bench.say(1, Quit {});
    assert!(bench.post(1).is_empty());
    assert!(bench.say(1, FetchRecords { fingerprints: vec![alice.fingerprint()] }).is_empty());
    assert!(bench.say(1, securestream::proto::message::NextPage {}).is_empty());
}

#[test]
fn who_missed_nothing_comes_back_unnoticed_and_as_who_it_was() {
    let mut bench = Bench::new(RelayMode::Broadcast);
    let bob = identity("bob");
    bench.register(1, &identity("alice"), true);
    bench.register(2, &bob, false);
    bench.post(1);
    bench.lose(2);
    bench.now += Duration::from_secs(9);
    let commands = bench.register(3, &bob, true);
    assert_eq!(welcome(&commands), Some(false), "as the directory has it");
    assert!(!commands.iter().any(|command| matches!(command, Command::Report(_) | Command::Broadcast { .. })));
}

#[test]
fn who_missed_a_post_leaves_and_comes_anew() {
    let mut bench = Bench::new(RelayMode::Direct);
    let (alice, bob) = (identity("alice"), identity("bob"));
    bench.register(1, &alice, true);
    bench.register(2, &bob, true);
    bench.lose(2);
    let commands = bench.say(1, Post { audience: Some(bob.fingerprint()), ..post() });
    assert!(matches!(commands[..], [Command::Send(_, Message::Refused(_))]), "its sender knows: {commands:?}");
    assert!(left(&bench.register(3, &bob, true)).is_empty());

    bench.lose(3);
    bench.post(1);
    let commands = bench.register(4, &bob, true);
    assert_eq!(left(&commands), [("bob".to_owned(), LeaveReason::Lost)], "so that its sender learns of it");
    assert!(commands.iter().any(|command| matches!(command, Command::Report(HubEvent::MemberJoined { .. }))));
    assert!(welcome(&commands).is_some());
}
