//! Links that come and say nothing, and members that post without end, at a hub that exempts nobody.

use securestream::{
    proto::{
        Message,
        message::{Credit, Play},
    },
    server::door::MAX_UNREGISTERED_OF_SOURCE,
    types::{Code, EndReason, MediaTime, PlayEpoch, PlayId, PlayMode, SealKind},
};
use serde_json::json;

use crate::{
    hub::{TestHub, Wire},
    member::{TestMember, exchange},
    raw::{Raw, identity, registration},
    videos::hub_with_parts,
};

#[test]
fn bad_input_40_ten_thousand_idle_links_leave_members_unaffected() {
    let hub = TestHub::with(|parts| parts.limits_local = true);
    let (alice, bob) = (TestMember::join(&hub, Wire::Tcp, "alice"), TestMember::join(&hub, Wire::Tcp, "bob"));
    // Links in memory are another source than links over TCP.
    let idle: Vec<_> = (0..10_000).map(|_| hub.link(Wire::Memory)).collect();
    hub.events.wait(json!({"event": "links_refused"}));
    exchange(&alice, &bob);
    let carol = TestMember::join(&hub, Wire::Tcp, "carol");
    exchange(&carol, &alice);
    assert!(hub.events.count(&json!({"event": "links_refused"})) < 1000, "no line for each");
    drop(idle);
}

#[test]
fn a_link_that_is_refused_is_closed_without_a_word() {
    let hub = TestHub::with(|parts| parts.limits_local = true);
    let mut links: Vec<_> = (0..3 * MAX_UNREGISTERED_OF_SOURCE).map(|_| Raw::connect(&hub, Wire::Memory)).collect();
    hub.events.wait(json!({"event": "links_refused"}));
    links.pop().unwrap().is_closed_silently();
}

#[test]
fn who_has_said_hello_gives_no_place_to_who_comes_later() {
    let hub = TestHub::with(|parts| parts.limits_local = true);
    let (mut slow, asked) = Raw::greet(&hub, Wire::Memory);
    let mut silent: Vec<_> = (0..MAX_UNREGISTERED_OF_SOURCE + 50).map(|_| Raw::connect(&hub, Wire::Memory)).collect();
    silent[0].is_closed_silently();
    slow.send(registration(&identity("slow"), asked));
    slow.wait(|message| matches!(message, Message::Welcome(_)).then_some(()));
}

#[test]
fn local_links_are_not_limited_unless_that_is_asked_for() {
    let hub = TestHub::start();
    let idle: Vec<_> = (0..2000).map(|_| Raw::connect(&hub, Wire::Memory)).collect();
    let mut mallory = Raw::join(&hub, Wire::Memory, "mallory");
    for number in 0..200 {
        mallory.post(number, SealKind::Seal, vec![0; 64]);
        mallory.wait(|message| matches!(message, Message::Accepted(_)).then_some(()));
    }
    assert_eq!(hub.events.count(&json!({"event": "links_refused"})), 0);
    drop(idle);
}

#[test]
fn attack_10_junk_seals_are_refused_while_chat_and_a_play_go_on() {
    let hub = hub_with_parts(&[("wide.mp4", "wide.mp4")], |parts| parts.limits_local = true);
    let (alice, bob) = (TestMember::join(&hub, Wire::Tcp, "alice"), TestMember::join(&hub, Wire::Tcp, "bob"));
    let mut viewer = Raw::join(&hub, Wire::Unix, "viewer");
    let (start, end, max_height) = (MediaTime::ZERO, None, None);
    viewer.send(Play {
        play: PlayId(1),
        title: "wide".into(),
        mode: PlayMode::Auto,
        start,
        end,
        max_height,
        sound: false,
        full_speed: false,
        decodes: Vec::new(),
    });
    let mut mallory = Raw::join(&hub, Wire::Memory, "mallory");
    let (mut passed, mut refused) = (0, 0);
    for round in 0..4 {
        for _ in 0..250 {
            mallory.post(round, SealKind::Seal, vec![0x5a; 2048]);
        }
        exchange(&alice, &bob);
        for _ in 0..250 {
            let is_refused = mallory.wait(|message| match message {
                Message::Accepted(_) => Some(false),
                Message::Refused(refused) => {
                    assert_eq!(refused.code, Code::RateLimited);
                    Some(true)
                }
                _ => None,
            });
            if is_refused { refused += 1 } else { passed += 1 }
        }
    }
    assert!(passed >= 20 && refused > 0, "{passed} passed, {refused} refused");
    viewer.send(Credit { play: PlayId(1), epoch: PlayEpoch(0), offset: u64::MAX });
    let reason = viewer.wait(|message| if let Message::StreamEnd(end) = message { Some(end.reason) } else { None });
    assert_eq!(reason, EndReason::Finished);
}
