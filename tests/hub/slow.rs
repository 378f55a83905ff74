//! Members that never read what they are sent, or ask for more than anybody reads.

use securestream::{
    proto::{
        Message, encode,
        message::{NextPage, Seek},
    },
    types::{Code, MediaTime, PlayEpoch, PlayId, SealKind, limits::MAX_REQUESTS},
};
use serde_json::json;

use crate::{
    hub::{TestHub, Wire, over_every_link},
    member::{TestMember, exchange},
    raw::Raw,
};

over_every_link!(
    who_does_not_read_is_let_go_and_nobody_else_notices,
    who_asks_without_waiting_for_answers_is_let_go_and_nobody_else_notices,
);

/// More posts than any system's buffers and the lane together hold.
const MOST_POSTS: usize = 64;

fn who_does_not_read_is_let_go_and_nobody_else_notices(wire: Wire) {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    let mut mute = Raw::join(&hub, wire, "mute");
    let mut shouter = Raw::join(&hub, wire, "shouter");
    let is_gone = json!({"event": "member_left", "name": "mute", "reason": "slow"});
    let mut posts = 0;
    while hub.events.count(&is_gone) == 0 {
        posts += 1;
        assert!(posts < MOST_POSTS, "{posts} posts of 900 kB wait somewhere");
        // What members take for a receipt of somebody else costs them nothing.
        shouter.post(1, SealKind::Tagged, vec![0; 900_000]);
        shouter.wait(|message| matches!(message, Message::Accepted(_)).then_some(()));
        // Those who read are given the time to: a machine that is busy elsewhere must not make them slow.
        for member in [&alice, &bob] {
            let reference = format!("{posts}");
            member.ask(&json!({"cmd": "videos", "ref": reference}).to_string());
            member.wait(json!({"event": "ok", "command": "videos", "ref": reference}));
        }
    }
    alice.wait(json!({"event": "left", "name": "mute", "reason": "slow"}));
    exchange(&alice, &bob);
    // It had to begin reading within the time that a closing link is given: then it has read why.
    if let Some(Message::Goodbye(goodbye)) = mute.rest_of_messages().last() {
        assert_eq!(goodbye.code, Code::SlowConsumer);
    }
}

fn who_asks_without_waiting_for_answers_is_let_go_and_nobody_else_notices(wire: Wire) {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    let requests: [(&str, Message); 2] = [
        ("pager", NextPage {}.into()),
        ("seeker", Seek { play: PlayId(1), epoch: PlayEpoch(1), to: MediaTime::ZERO }.into()),
    ];
    for (name, request) in requests {
        let mut greedy = Raw::join(&hub, wire, name);
        // In several writes the hub may read them in several turns, so there are many more than are too many.
        greedy.send_bytes(&encode(&request).repeat(MAX_REQUESTS * 20));
        greedy.is_told_and_closed(Code::RateLimited);
        hub.events.wait(json!({"event": "refused", "code": "rate_limited"}));
        alice.wait(json!({"event": "left", "name": name, "reason": "refused"}));
    }
    exchange(&alice, &bob);
}
