//! The relay alone: what it commands for what it is told.

use std::time::Instant;

use securestream::{
    crypto::{Identity, RegistrationError, verify_record},
    directory::MemoryDirectory,
    proto::{
        Ending, Message,
        message::{FetchRecords, NextPage, Post, Quit, Register},
    },
    server::{Admission, Bindings, Command, CommitId, Relay, RelayOptions},
    types::{
        Code, Fingerprint, LinkId, MessageId, RelayMode, SealKind,
        limits::{DIRECTORY_PAGE, MAX_FETCH, MAX_REGISTRATIONS},
    },
};

use super::world::{nonce_of, seconds};
use crate::raw::{identity, registration};

fn relay(mode: RelayMode, max_members: usize) -> Relay {
    Relay::new(RelayOptions { mode, max_members }, Box::new(MemoryDirectory::default()), Bindings::default())
}

/// Registers a member and forgets what was commanded for that.
fn enter(relay: &mut Relay, link: u64, name: &str) -> Identity {
    let identity = identity(name);
    begin(relay, link, &identity);
    verified(relay, link, &identity);
    relay.take_commands();
    identity
}

/// Comes in and asks to register; the verification is under way.
fn begin(relay: &mut Relay, link: u64, identity: &Identity) {
    relay.accepted(LinkId(link), format!("peer {link}"), Admission::Open);
    register(relay, link, identity);
}

fn register(relay: &mut Relay, link: u64, identity: &Identity) {
    relay.message(LinkId(link), registration(identity, nonce_of(LinkId(link))).into());
}

fn verified(relay: &mut Relay, link: u64, identity: &Identity) {
    let record = verify_record(
        &securestream::crypto::testing::InsecureProvider,
        identity.record().clone(),
        identity.fingerprint(),
    );
    relay.verified(LinkId(link), Ok(record.unwrap()));
}

/// Each command in short: what is done to which link, with which message or code.
fn told(relay: &mut Relay) -> Vec<String> {
    let short = |command: Command| match command {
        Command::Send(LinkId(link), message) => format!("{link} {}", word(&message)),
        Command::Broadcast { record, to } => {
            let to: Vec<String> = to.iter().map(|LinkId(link)| link.to_string()).collect();
            format!("{} {}", to.join("+"), word(&Message::decode(&record[4..]).unwrap()))
        }
        Command::VerifyUpdate { link: LinkId(link), .. } => format!("{link} verify update"),
        Command::Commit(CommitId(id), _) => format!("commit {id}"),
        Command::Chain(_) => String::new(),
        Command::Establish(LinkId(link)) => format!("{link} establish"),
        Command::Close(LinkId(link), code) => format!("{link} close {code}"),
        Command::CloseSilently(LinkId(link), code) => format!("{link} close silently {code}"),
        Command::Verify { link: LinkId(link), .. } => format!("{link} verify"),
        Command::Report(event) => {
            let event = super::world::report(&event);
            format!("report {}", event["event"].as_str().unwrap())
        }
    };
    relay.take_commands().into_iter().map(short).filter(|told| !told.is_empty()).collect()
}

fn word(message: &Message) -> String {
    match message {
        Message::Error(error) => format!("error {}", error.code),
        Message::Refused(refused) => format!("refused {}", refused.code),
        Message::Left(left) => format!("left {} {}", left.name, left.reason),
        Message::Joined(joined) => format!("joined {}", joined.entry.name),
        Message::Welcome(welcome) => format!("welcome {} {}", welcome.name, welcome.members),
        Message::Accepted(_) => "accepted".to_owned(),
        Message::Relayed(_) => "relayed".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_newcomer_is_welcomed_before_anybody_is_told() {
    let mut relay = relay(RelayMode::Broadcast, 10);
    enter(&mut relay, 1, "alice");
    let bob = identity("bob");
    begin(&mut relay, 2, &bob);
    assert_eq!(told(&mut relay), ["2 verify"]);
    verified(&mut relay, 2, &bob);
    assert_eq!(told(&mut relay), ["2 welcome bob 2", "2 establish", "1 joined bob", "report member_joined"]);
}

#[test]
fn what_is_verified_too_late_registers_nobody() {
    let mut relay = relay(RelayMode::Broadcast, 10);
    let bob = identity("bob");
    begin(&mut relay, 1, &bob);
    relay.ended(LinkId(1), &Ending::Lost, Instant::now());
    relay.take_commands();
    verified(&mut relay, 1, &bob);
    assert_eq!(told(&mut relay), [""; 0]);
    assert_eq!(relay.name_of(LinkId(1)), None);
}

#[test]
fn a_second_registration_during_the_first_and_too_many_of_them_end_the_link() {
    let mut relay = relay(RelayMode::Broadcast, 10);
    let bob = identity("bob");
    begin(&mut relay, 1, &bob);
    register(&mut relay, 1, &bob);
    assert_eq!(told(&mut relay), ["1 verify", "report refused", "1 error rate_limited", "1 close rate_limited"]);

    relay.accepted(LinkId(2), "peer".into(), Admission::Open);
    let mut record = bob.record().clone();
    record.name = "a b".into();
    let bad_name =
        |nonce| Register { record: securestream::types::wire::to_bytes(&record).into(), ..registration(&bob, nonce) };
    for _ in 0..MAX_REGISTRATIONS {
        relay.message(LinkId(2), bad_name(nonce_of(LinkId(2))).into());
        assert_eq!(told(&mut relay), ["report refused", "2 error bad_name"]);
    }
    relay.message(LinkId(2), bad_name(nonce_of(LinkId(2))).into());
    assert_eq!(told(&mut relay), ["report refused", "2 error rate_limited", "2 close rate_limited"]);
}

#[test]
fn bad_input_28_a_bad_proof_is_closed_without_a_word() {
    let mut relay = relay(RelayMode::Broadcast, 10);
    begin(&mut relay, 1, &identity("bob"));
    relay.take_commands();
    relay.verified(LinkId(1), Err(RegistrationError::BadProof));
    assert_eq!(told(&mut relay), ["report refused", "1 close silently bad_proof"]);
}

#[test]
fn a_full_hub_and_a_taken_name_are_told_and_closed() {
    let mut relay = relay(RelayMode::Broadcast, 1);
    enter(&mut relay, 1, "alice");
    let bob = identity("bob");
    begin(&mut relay, 2, &bob);
    verified(&mut relay, 2, &bob);
    assert_eq!(told(&mut relay), ["2 verify", "report refused", "2 error hub_full", "2 close hub_full"]);

    let mut relay = self::relay(RelayMode::Broadcast, 10);
    enter(&mut relay, 1, "alice");
    let other = identity("ALICE");
    begin(&mut relay, 2, &other);
    verified(&mut relay, 2, &other);
    assert_eq!(told(&mut relay), ["2 verify", "report refused", "2 error name_taken", "2 close name_taken"]);
}

#[test]
fn a_place_that_is_kept_for_somebody_who_is_away_counts() {
    let now = Instant::now();
    let mut relay = relay(RelayMode::Broadcast, 1);
    let alice = enter(&mut relay, 1, "alice");
    relay.ended(LinkId(1), &Ending::Lost, now);
    assert_eq!(relay.deadline(), Some(now + seconds(10)));
    let bob = identity("bob");
    begin(&mut relay, 2, &bob);
    verified(&mut relay, 2, &bob);
    assert_eq!(told(&mut relay).last().unwrap(), "2 close hub_full");
    begin(&mut relay, 3, &alice);
    verified(&mut relay, 3, &alice);
    assert_eq!(told(&mut relay), ["3 verify", "3 welcome alice 1", "3 establish"], "nobody is told");
    assert_eq!(relay.deadline(), None);
    relay.timeout(now + seconds(60));
    assert_eq!(told(&mut relay), [""; 0]);
}

#[test]
fn bad_input_42_quitting_is_told_once_and_then_the_link_is_closed() {
    let mut relay = relay(RelayMode::Broadcast, 10);
    enter(&mut relay, 1, "alice");
    relay.message(LinkId(1), Quit {}.into());
    assert_eq!(told(&mut relay), [" left alice quit", "report member_left", "1 close disconnected"]);
    relay.message(LinkId(1), Quit {}.into());
    relay.ended(LinkId(1), &Ending::Closed(Code::Disconnected), Instant::now());
    assert_eq!(told(&mut relay), ["1 close disconnected"]);
    assert_eq!(relay.deadline(), None);
}

#[test]
fn the_directory_is_pulled_page_by_page_and_begins_anew_after_its_end() {
    let mut relay = relay(RelayMode::Broadcast, 1000);
    for link in 0..450 {
        enter(&mut relay, link, &format!("m{link:03}"));
    }
    let mut page = || {
        relay.message(LinkId(3), NextPage {}.into());
        match relay.take_commands().as_slice() {
            [Command::Send(LinkId(3), Message::DirectoryPage(page))] => (page.entries.len(), page.last),
            other => panic!("{other:?}"),
        }
    };
    for _ in 0..2 {
        assert_eq!([page(), page(), page()], [(DIRECTORY_PAGE, false), (DIRECTORY_PAGE, false), (50, true)]);
    }
}

#[test]
fn key_records_are_given_out_as_far_as_there_are_any() {
    let mut relay = relay(RelayMode::Broadcast, 10);
    let alice = enter(&mut relay, 1, "alice");
    let mut fingerprints = vec![Fingerprint([9; 32]); MAX_FETCH + 10];
    fingerprints[5] = alice.fingerprint();
    relay.message(LinkId(1), FetchRecords { fingerprints }.into());
    match relay.take_commands().as_slice() {
        [Command::Send(LinkId(1), Message::Records(records))] => {
            assert_eq!(
                (records.records.len(), records.missing.len()),
                (1, MAX_FETCH - 1),
                "and no more than asked for"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn posts_go_to_all_others_or_directly_to_one() {
    let post = |audience| Post { mid: MessageId([1; 16]), audience, kind: SealKind::Seal, sealed: vec![1].into() };
    let mut broadcast = relay(RelayMode::Broadcast, 10);
    let bob = enter(&mut broadcast, 2, "bob").fingerprint();
    enter(&mut broadcast, 3, "carol");
    enter(&mut broadcast, 1, "alice");
    for audience in [None, Some(bob)] {
        broadcast.message(LinkId(1), post(audience).into());
        assert_eq!(told(&mut broadcast), ["2+3 relayed", "1 accepted"]);
    }
    let mut direct = relay(RelayMode::Direct, 10);
    enter(&mut direct, 2, "bob");
    enter(&mut direct, 3, "carol");
    enter(&mut direct, 1, "alice");
    direct.message(LinkId(1), post(Some(bob)).into());
    assert_eq!(told(&mut direct), ["2 relayed", "1 accepted"]);
    direct.message(LinkId(1), post(None).into());
    assert_eq!(told(&mut direct), ["2+3 relayed", "1 accepted"]);
    direct.message(LinkId(1), post(Some(Fingerprint([3; 32]))).into());
    assert_eq!(told(&mut direct), ["1 refused no_such_member"]);
    assert_eq!(direct.name_of(LinkId(2)).unwrap().as_str(), "bob");
}
