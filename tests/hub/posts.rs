//! Messages: to one, to all, delivered, refused, and what stands on the wire meanwhile.

use securestream::{
    client::command::{Command, Request},
    proto::{
        Message,
        message::{Post, Quit},
    },
    types::{Code, Fingerprint, MessageId, RelayMode, SealKind, limits::MAX_TEXT},
};
use serde_json::{Value, json};

use crate::{
    hub::{TestHub, Wire, over_every_link},
    member::{TestMember, exchange},
    raw::{Raw, identity},
    tap::Tap,
};

over_every_link!(
    a_message_reaches_its_receiver_and_its_receipt_the_sender,
    a_message_to_all_reaches_everybody_once,
    by_broadcast_everybody_gets_the_same_bytes,
    in_direct_mode_only_the_receiver_gets_them,
    bad_input_20_escape_sequences_arrive_as_text_and_are_told_escaped,
    bad_input_31_a_receiver_who_is_unknown_or_has_just_left,
    bad_input_32_a_message_to_oneself_is_not_sent,
    bad_input_36_texts_of_no_byte_of_the_most_and_of_one_more,
    nothing_on_the_wire_says_what_is_written_by_whom_or_to_whom,
);

fn a_message_reaches_its_receiver_and_its_receipt_the_sender(wire: Wire) {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    alice.ask(r#"{"cmd":"send","to":"bob","text":"meet\nat noon","ref":"7"}"#);
    let queued = alice.wait(json!({"event": "queued", "to": "bob", "ref": "7"}));
    let id = &queued["id"];
    alice.wait(json!({"event": "ok", "command": "send", "ref": "7"}));
    alice.wait(json!({"event": "accepted", "id": id}));
    let message = bob.wait(json!({"event": "message", "id": id, "from": "alice", "text": "meet\nat noon"}));
    assert_eq!((&message["to_all"], &message["verified"]), (&json!(false), &json!(false)));
    assert_eq!(message["fingerprint"], identity("alice").fingerprint().to_string());
    alice.wait(json!({"event": "delivered", "id": id, "by": "bob", "remaining": 0, "ref": "7"}));
    exchange(&alice, &bob);
}

fn a_message_to_all_reaches_everybody_once(wire: Wire) {
    let hub = TestHub::start();
    let [alice, bob, carol, dave] = ["alice", "bob", "carol", "dave"].map(|name| TestMember::join(&hub, wire, name));
    alice.wait(json!({"event": "joined", "name": "dave"}));
    alice.ask("all hello everybody");
    let id = alice.wait(json!({"event": "queued", "to": "all"}))["id"].clone();
    for member in [&bob, &carol, &dave] {
        member.wait(json!({"event": "message", "id": id, "from": "alice", "text": "hello everybody", "to_all": true}));
    }
    for remaining in [2, 1, 0] {
        alice.wait(json!({"event": "delivered", "id": id, "remaining": remaining}));
    }
    exchange(&bob, &carol);
    for member in [bob, carol, dave] {
        let told = member.leave();
        assert_eq!(told.iter().filter(|event| event["text"] == "hello everybody").count(), 1);
    }
}

fn by_broadcast_everybody_gets_the_same_bytes(wire: Wire) {
    let hub = TestHub::start();
    let mut sender = Raw::join(&hub, wire, "sender");
    let mut others = ["bob", "carol", "dave"].map(|name| Raw::join(&hub, wire, name));
    sender.post(1, SealKind::Seal, vec![7; 2000]);
    sender.wait(|message| if let Message::Accepted(accepted) = message { Some(accepted.mid) } else { None });
    for other in &mut others {
        let relayed = other.wait(relayed);
        assert_eq!(relayed, (SealKind::Seal, vec![7; 2000]));
    }
    // Asking for one receiver changes nothing: who that is stays unsaid.
    let audience = Some(identity("bob").fingerprint());
    let post = Post { mid: MessageId([2; 16]), audience, kind: SealKind::Tagged, sealed: vec![8; 80].into() };
    sender.send(post);
    for other in &mut others {
        assert_eq!(other.wait(relayed), (SealKind::Tagged, vec![8; 80]));
    }
    sender.send(Quit {});
    let to_sender = sender.rest_of_messages();
    assert!(!to_sender.iter().any(|message| matches!(message, Message::Relayed(_))), "not to the sender itself");
}

fn relayed(message: Message) -> Option<(SealKind, Vec<u8>)> {
    if let Message::Relayed(relayed) = message { Some((relayed.kind, relayed.sealed.to_vec())) } else { None }
}

fn in_direct_mode_only_the_receiver_gets_them(wire: Wire) {
    let hub = TestHub::with(|parts| parts.options.mode = RelayMode::Direct);
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    alice.wait(json!({"event": "welcome", "relay": "direct"}));
    let mut carol = Raw::join(&hub, wire, "carol");
    alice.wait(json!({"event": "joined", "name": "carol"}));
    exchange(&alice, &bob);

    let nobody = Some(Fingerprint([9; 32]));
    carol.send(Post { mid: MessageId([3; 16]), audience: nobody, kind: SealKind::Seal, sealed: vec![1].into() });
    let refused = carol.wait(|message| if let Message::Refused(refused) = message { Some(refused) } else { None });
    assert_eq!((refused.mid, refused.code), (MessageId([3; 16]), Code::NoSuchMember));
    alice.ask("all and this is for everybody");
    assert_eq!(carol.wait(relayed).0, SealKind::Group);
    bob.wait(json!({"event": "message", "to_all": true}));
    carol.send(Quit {});
    let to_carol = carol.rest_of_messages();
    let seals = to_carol
        .iter()
        .filter(|message| matches!(message, Message::Relayed(relayed) if relayed.kind != SealKind::Group));
    assert_eq!(seals.count(), 0, "neither seals nor receipts of others");
}

fn bad_input_20_escape_sequences_arrive_as_text_and_are_told_escaped(wire: Wire) {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    let evil = "\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}";
    alice.ask(&json!({"cmd": "send", "to": "bob", "text": evil}).to_string());
    let message = bob.wait(json!({"event": "message", "from": "alice", "text": evil}));
    // As a line of JSON: nothing below U+0020 but the line's end.
    assert!(!message.to_string().bytes().any(|byte| byte < b' '), "{message}");
    exchange(&alice, &bob);
}

fn bad_input_31_a_receiver_who_is_unknown_or_has_just_left(wire: Wire) {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    alice.ask("send bbo hello");
    let error = alice.wait(json!({"event": "error", "code": "no_such_member", "command": "send"}));
    assert!(error["hint"].as_str().unwrap().contains("bob"), "{error}");
    let carol = TestMember::join(&hub, wire, "carol");
    alice.wait(json!({"event": "joined", "name": "carol"}));
    carol.leave();
    alice.wait(json!({"event": "left", "name": "carol"}));
    alice.ask("send carol hello");
    alice.wait(json!({"event": "error", "code": "no_such_member", "command": "send"}));

    // Gone after the hub had it: what was accepted fails, since nobody will acknowledge it.
    let mut mute = Raw::join(&hub, wire, "mute");
    alice.wait(json!({"event": "joined", "name": "mute"}));
    alice.ask("send mute hello");
    let id = alice.wait(json!({"event": "queued", "to": "mute"}))["id"].clone();
    alice.wait(json!({"event": "accepted", "id": id}));
    mute.send(Quit {});
    alice.wait(json!({"event": "failed", "id": id, "to": "mute", "code": "no_such_member"}));
    exchange(&alice, &bob);
}

fn bad_input_32_a_message_to_oneself_is_not_sent(wire: Wire) {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    alice.ask("send Alice hello");
    alice.wait(json!({"event": "error", "code": "to_self", "command": "send"}));
    exchange(&alice, &bob);
}

fn bad_input_36_texts_of_no_byte_of_the_most_and_of_one_more(wire: Wire) {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    let send = |text: &str| alice.ask(&json!({"cmd": "send", "to": "bob", "text": text}).to_string());
    for size in [0, MAX_TEXT] {
        let text = "x".repeat(size);
        send(&text);
        let id = alice.wait(json!({"event": "queued"}))["id"].clone();
        let message = bob.wait(json!({"event": "message", "id": id}));
        assert!(message["text"] == Value::String(text), "{size} bytes");
        alice.wait(json!({"event": "delivered", "id": id}));
    }
    // Scripts refuse longer lines by themselves.
    let command = |command| Request { command, reference: None };
    let text = "x".repeat(MAX_TEXT + 1);
    alice.request(command(Command::Send { to: "bob".parse().unwrap(), text: text.clone() }));
    alice.wait(json!({"event": "error", "code": "message_too_large", "command": "send"}));
    alice.request(command(Command::All { text }));
    alice.wait(json!({"event": "error", "code": "message_too_large", "command": "all"}));
    exchange(&alice, &bob);
}

fn nothing_on_the_wire_says_what_is_written_by_whom_or_to_whom(wire: Wire) {
    let hub = TestHub::start();
    let (alice_tap, alice_link) = Tap::on(hub.link(wire));
    let (bob_tap, bob_link) = Tap::on(hub.link(wire));
    let (carol_tap, carol_link) = Tap::on(hub.link(wire));
    let alice = TestMember::join_over(alice_link, "alice-of-the-wire");
    let bob = TestMember::join_over(bob_link, "bob-of-the-wire");
    let carol = TestMember::join_over(carol_link, "carol-of-the-wire");
    alice.ask("send bob-of-the-wire the treasure lies under the oak");
    bob.wait(json!({"event": "message", "text": "the treasure lies under the oak"}));
    alice.ask("all the second treasure lies in the lake");
    carol.wait(json!({"event": "message", "text": "the second treasure lies in the lake"}));
    exchange(&alice, &bob);
    let names = [alice.name.clone(), bob.name.clone(), carol.name.clone()];
    for member in [alice, bob, carol] {
        member.leave();
    }

    let mut sealed_records = 0;
    for tap in [alice_tap, bob_tap, carol_tap] {
        for plain in ["treasure", "oak", "lake"] {
            assert!(!tap.has(plain.as_bytes()), "{plain:?} stands on the wire");
        }
        assert!(names.iter().any(|name| tap.has(name.as_bytes())), "the directory has names: the tap works");
        for record in tap.posted_and_relayed() {
            sealed_records += 1;
            for name in &names {
                let fingerprint = identity(name).fingerprint();
                assert!(!find(&record, name.as_bytes()), "a name");
                assert!(!find(&record, &fingerprint.0), "a fingerprint");
                assert!(!find(&record, fingerprint.to_string().as_bytes()), "a fingerprint as text");
            }
        }
    }
    assert!(sealed_records >= 12, "{sealed_records}");
}

fn find(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
