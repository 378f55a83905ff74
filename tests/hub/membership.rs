//! Who is here: joining, leaving, names, the directory.

use securestream::{
    proto::{
        Message,
        message::{NextPage, Quit},
    },
    types::{Code, DirectoryEntry, ExitCode, LeaveReason, limits::DIRECTORY_PAGE},
};
use serde_json::json;

use crate::{
    bench::renamed,
    hub::{TestHub, Wire, over_every_link},
    member::{TestMember, exchange},
    raw::{Raw, identity, registration},
};

over_every_link!(
    joins_and_leaves_are_told_with_their_reason,
    the_directory_comes_page_by_page_and_then_by_its_changes,
    bad_input_15_16_17_bad_names_are_told_and_may_be_corrected,
    bad_input_19_twins_of_a_name_are_the_same_name,
    bad_input_21_a_taken_name_is_refused_and_its_holder_undisturbed,
    the_same_keys_under_another_name_are_sent_away_by_the_hub,
    bad_input_42_quitting_twice_is_quitting,
    a_hub_that_closes_says_so_to_everybody,
);

fn joins_and_leaves_are_told_with_their_reason(wire: Wire) {
    let hub = TestHub::start();
    let alice = TestMember::join(&hub, wire, "alice");
    let bob = TestMember::join(&hub, wire, "bob");
    let joined = alice.wait(json!({"event": "joined", "name": "bob", "guest": true}));
    let welcome = bob.wait(json!({"event": "welcome", "name": "bob", "members": 2, "relay": "broadcast"}));
    assert_eq!(joined["fingerprint"], welcome["fingerprint"]);
    let told = hub.events.wait(json!({"event": "member_joined", "name": "bob", "members": 2}));
    assert_eq!(told["fingerprint"], joined["fingerprint"]);
    let directory = alice_asks(&alice);
    assert_eq!(directory, ["alice", "bob"]);

    bob.leave();
    alice.wait(json!({"event": "left", "name": "bob", "reason": "quit"}));
    hub.events.wait(json!({"event": "member_left", "name": "bob", "reason": "quit", "members": 1}));
    assert_eq!(alice_asks(&alice), ["alice"]);

    let mut mallory = Raw::join(&hub, wire, "mallory");
    alice.wait(json!({"event": "joined", "name": "mallory"}));
    mallory.send_bytes(&[0, 0, 0, 1, 0xc1]);
    mallory.is_told_and_closed(Code::InvalidRecord);
    alice.wait(json!({"event": "left", "name": "mallory", "reason": "refused"}));
}

fn alice_asks(alice: &TestMember) -> Vec<String> {
    alice.ask("who");
    let who = alice.wait(json!({"event": "who"}));
    alice.wait(json!({"event": "ok", "command": "who"}));
    who["members"].as_array().unwrap().iter().map(|member| member["name"].as_str().unwrap().to_owned()).collect()
}

fn the_directory_comes_page_by_page_and_then_by_its_changes(wire: Wire) {
    let hub = TestHub::start();
    let count = DIRECTORY_PAGE + 30;
    // Those who only fill the directory sit on links that cost no descriptor on the hub's side.
    let mut crowd: Vec<Raw> =
        (0..count).map(|number| Raw::join(&hub, Wire::Memory, &format!("m{number:03}"))).collect();
    let mut raw = Raw::join(&hub, wire, "zed");
    raw.send(NextPage {});
    let (first, is_last) = page(&mut raw);
    assert_eq!((first.len(), is_last), (DIRECTORY_PAGE, false));
    raw.send(NextPage {});
    let (second, is_last) = page(&mut raw);
    assert_eq!((second.len(), is_last), (31, true));
    let names: Vec<_> = first.iter().chain(&second).map(|entry| entry.name.to_string()).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!((names.first().unwrap().as_str(), names.last().unwrap().as_str()), ("m000", "zed"));

    let alice = TestMember::join(&hub, wire, "alice");
    let at_first = raw.wait(|message| if let Message::Joined(joined) = message { Some(joined) } else { None });
    assert_eq!(at_first.entry.name.to_string(), "alice");
    let directory = alice.events.so_far().into_iter().find(|event| event["event"] == "directory").unwrap();
    assert_eq!(directory["members"].as_array().unwrap().len(), count + 2);
    crowd.last_mut().unwrap().send(Quit {});
    let left = raw.wait(|message| if let Message::Left(left) = message { Some(left) } else { None });
    assert_eq!((left.name.to_string(), left.reason), ("m229".to_owned(), LeaveReason::Quit));
    assert_eq!(left.sequence, at_first.sequence.next(), "every change has the next number");
    alice.wait(json!({"event": "left", "name": "m229"}));
}

fn page(raw: &mut Raw) -> (Vec<DirectoryEntry>, bool) {
    raw.wait(|message| if let Message::DirectoryPage(page) = message { Some((page.entries, page.last)) } else { None })
}

fn bad_input_15_16_17_bad_names_are_told_and_may_be_corrected(wire: Wire) {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    let long = "x".repeat(65);
    let blank_or_path = ["", &long, " ", "a b", ".", "/", "../x", "all", "123"];
    let control = ["a\u{1b}[2Jb", "a\rb", "a\u{7}b", "a\u{9b}b", "a\u{7f}b"];
    let hidden = ["a\u{202e}b", "a\u{2066}b", "a\u{200b}b", "\u{feff}a"];
    for name in blank_or_path.into_iter().chain(control).chain(hidden) {
        let (mut link, nonce) = Raw::greet(&hub, wire);
        let mallory = identity("mallory");
        let mut bad = mallory.record().clone();
        bad.name = name.into();
        link.send(securestream::proto::message::Register {
            record: securestream::types::wire::to_bytes(&bad).into(),
            ..registration(&mallory, nonce)
        });
        let code = link.wait(|message| if let Message::Error(error) = message { Some(error.code) } else { None });
        assert_eq!(code, Code::BadName, "{name:?}");
        link.send(registration(&mallory, nonce));
        link.wait(|message| matches!(message, Message::Welcome(_)).then_some(()));
        hub.events.wait(json!({"event": "refused", "code": "bad_name"}));
        link.send(Quit {});
        link.rest_of_messages();
        alice.wait(json!({"event": "left", "name": "mallory", "reason": "quit"}));
    }
    exchange(&alice, &bob);
}

fn bad_input_19_twins_of_a_name_are_the_same_name(wire: Wire) {
    let hub = TestHub::start();
    let zoe = TestMember::join(&hub, wire, "Zoë");
    let bob = TestMember::join(&hub, wire, "bob");
    for twin in ["Zoe\u{308}", "ZOË", "zoë", "ｚoë"] {
        assert_eq!(name_taken(&hub, wire, twin), ExitCode::Refused, "{twin}");
    }
    bob.ask("send zoe\u{308} hello");
    zoe.wait(json!({"event": "message", "from": "bob", "text": "hello"}));
    exchange(&zoe, &bob);
}

fn bad_input_21_a_taken_name_is_refused_and_its_holder_undisturbed(wire: Wire) {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    assert_eq!(name_taken(&hub, wire, "bob"), ExitCode::Refused);
    hub.events.wait(json!({"event": "refused", "code": "name_taken"}));

    // On the wire: told, then disconnected.
    let (mut link, nonce) = Raw::greet(&hub, wire);
    link.send(registration(&renamed("another's keys", "bob"), nonce));
    link.is_told_and_closed(Code::NameTaken);
    exchange(&alice, &bob);
    for member in [&alice, &bob] {
        assert_eq!(member.events.count(&json!({"event": "left"})), 0, "nobody left");
    }
    assert_eq!(alice.events.count(&json!({"event": "joined"})), 1, "and nobody else came");
}

/// Somebody else comes with a name that is in use, and is sent away.
fn name_taken(hub: &TestHub, wire: Wire, name: &str) -> ExitCode {
    let second = TestMember::start_with_keys(hub.link(wire), name, "another's keys");
    second.wait(json!({"event": "error", "code": "name_taken", "retryable": true}));
    second.wait(json!({"event": "bye", "reason": "refused", "exit": 4}));
    second.ended()
}

fn the_same_keys_under_another_name_are_sent_away_by_the_hub(wire: Wire) {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    let twin = TestMember::start_with_keys(hub.link(wire), "rob", "bob");
    twin.wait(json!({"event": "error", "code": "identity_in_use"}));
    twin.wait(json!({"event": "bye", "reason": "refused", "exit": 4}));
    assert_eq!(twin.ended(), ExitCode::Refused);
    hub.events.wait(json!({"event": "refused", "code": "identity_in_use"}));
    exchange(&alice, &bob);
}

fn bad_input_42_quitting_twice_is_quitting(wire: Wire) {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    let mut twice = Raw::join(&hub, wire, "twice");
    alice.wait(json!({"event": "joined", "name": "twice"}));
    twice.send(Quit {});
    twice.send(Quit {});
    let last = twice.rest_of_messages();
    assert!(matches!(last.last(), Some(Message::Goodbye(_))), "{last:?}");
    alice.wait(json!({"event": "left", "name": "twice", "reason": "quit"}));

    // In the middle of a record.
    let mut cut = Raw::join(&hub, wire, "cut");
    let quit = securestream::proto::encode(&Quit {}.into());
    cut.send_bytes(&[&quit[..], &[0, 0, 0, 9, 0x91]].concat());
    cut.rest_of_messages();
    alice.wait(json!({"event": "left", "name": "cut", "reason": "quit"}));
    exchange(&alice, &bob);
    for name in ["twice", "cut"] {
        assert_eq!(alice.events.count(&json!({"event": "left", "name": name})), 1, "told once");
    }
}

fn a_hub_that_closes_says_so_to_everybody(wire: Wire) {
    let hub = TestHub::start();
    let members = ["alice", "bob", "carol"].map(|name| TestMember::join(&hub, wire, name));
    hub.stop();
    for member in members {
        member.wait(json!({"event": "bye", "reason": "hub_closing", "exit": 3}));
        assert_eq!(member.ended(), ExitCode::Network);
    }
}
