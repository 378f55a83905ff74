//! Bytes that are no record, records that are no message, messages out of turn: over every kind of link, with two
//! members beside who notice nothing.

use securestream::{
    proto::{
        Message, encode,
        message::{Limits, NextPage, Nonce, Ping, Quit},
    },
    types::{
        Code,
        limits::{MAX_RECORD, MAX_RECORD_BEFORE_REGISTRATION},
    },
};
use serde_json::json;

use crate::{
    hub::{TestHub, Wire, over_every_link},
    member::{TestMember, exchange},
    raw::{Raw, hello, identity, registration},
};

over_every_link!(
    bad_input_01_a_record_cut_by_the_end_of_the_link,
    bad_input_02_one_byte_at_a_time,
    bad_input_03_a_length_of_zero,
    bad_input_04_lengths_around_the_largest,
    bad_input_05_what_is_not_this_protocol,
    bad_input_06_07_09_11_12_13_14_records_that_are_no_message,
    bad_input_08_unknown_fields_at_the_end_are_skipped,
    bad_input_10_unknown_messages_are_skipped_once_registered,
    messages_out_of_turn_end_the_link,
);

/// A hub with two members who must not notice what happens to a third.
struct Scene {
    hub: TestHub,
    alice: TestMember,
    bob: TestMember,
    wire: Wire,
}

impl Scene {
    fn new(wire: Wire) -> Self {
        let hub = TestHub::start();
        let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
        Self { hub, alice, bob, wire }
    }

    fn stranger(&self) -> Raw {
        Raw::connect(&self.hub, self.wire)
    }

    fn greeted(&self) -> Raw {
        Raw::greet(&self.hub, self.wire).0
    }

    fn member(&self) -> Raw {
        let mallory = Raw::join(&self.hub, self.wire, "mallory");
        self.alice.wait(json!({"event": "joined", "name": "mallory"}));
        mallory
    }

    /// The same bytes from a member, who is told, and from somebody whom the hub has greeted, who is told too.
    fn is_refused(&self, what: &str, bytes: &[u8], code: Code) {
        for registered in [true, false] {
            let mut link = if registered { self.member() } else { self.greeted() };
            link.send_bytes(bytes);
            link.is_told_and_closed(code);
            if registered {
                self.alice.wait(json!({"event": "left", "name": "mallory", "reason": "refused"}));
            }
        }
        self.is_silent_to_a_stranger(what, bytes);
    }

    fn is_silent_to_a_stranger(&self, what: &str, bytes: &[u8]) {
        let mut stranger = self.stranger();
        stranger.send_bytes(bytes);
        let words = stranger.rest_of_messages();
        assert!(words.is_empty(), "{what}: {words:?}");
    }

    /// Nobody else noticed.
    fn goes_on(&self) {
        exchange(&self.alice, &self.bob);
    }
}

fn record(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

fn bad_input_01_a_record_cut_by_the_end_of_the_link(wire: Wire) {
    let scene = Scene::new(wire);
    let quit = encode(&Quit {}.into());
    for cut in 1..quit.len() {
        let mut link = scene.greeted();
        link.send_bytes(&quit[..cut]);
        drop(link);
    }
    // A registration of which the last byte is missing registers nobody.
    let (mut link, nonce) = Raw::greet(&scene.hub, wire);
    let bytes = encode(&registration(&identity("nobody"), nonce).into());
    link.send_bytes(&bytes[..bytes.len() - 1]);
    drop(link);
    scene.goes_on();
    assert_eq!(scene.alice.events.count(&json!({"event": "joined", "name": "nobody"})), 0);
}

fn bad_input_02_one_byte_at_a_time(wire: Wire) {
    let scene = Scene::new(wire);
    let mut link = scene.stranger();
    for byte in encode(&hello().into()) {
        link.send_bytes(&[byte]);
    }
    let nonce = link.is_asked();
    for byte in encode(&registration(&identity("slow"), nonce).into()) {
        link.send_bytes(&[byte]);
    }
    link.wait(|message| matches!(message, Message::Welcome(_)).then_some(()));
    scene.alice.wait(json!({"event": "joined", "name": "slow"}));
    scene.goes_on();
}

fn bad_input_03_a_length_of_zero(wire: Wire) {
    let scene = Scene::new(wire);
    scene.is_refused("length 0", &[0, 0, 0, 0], Code::InvalidRecord);
    scene.goes_on();
}

fn bad_input_04_lengths_around_the_largest(wire: Wire) {
    let scene = Scene::new(wire);
    let length = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
    for claimed in [length(MAX_RECORD + 1), [0xff; 4]] {
        scene.is_refused("too long", &claimed, Code::InvalidRecord);
    }
    let mut greeted = scene.greeted();
    greeted.send_bytes(&length(MAX_RECORD_BEFORE_REGISTRATION + 1));
    greeted.is_told_and_closed(Code::InvalidRecord);

    // As long as may be: a Ping whose surplus element fills the record.
    let mut member = scene.member();
    let mut body = vec![0x93, 12, 7, 0xc6];
    let rest = MAX_RECORD - body.len() - 4;
    body.extend(u32::try_from(rest).unwrap().to_be_bytes());
    body.resize(MAX_RECORD, 0);
    member.send_bytes(&record(&body));
    assert_eq!(pong(&mut member), 7);
    scene.goes_on();
}

/// The token of the next Pong.
fn pong(link: &mut Raw) -> u64 {
    link.wait(|message| if let Message::Pong(pong) = message { Some(pong.token) } else { None })
}

fn bad_input_05_what_is_not_this_protocol(wire: Wire) {
    let scene = Scene::new(wire);
    let tls = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[0x5a; 506]].concat();
    scene.is_silent_to_a_stranger("HTTP", b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n");
    scene.is_silent_to_a_stranger("TLS", &tls);
    scene.is_silent_to_a_stranger("text", &record(b"hello?"));
    scene.is_silent_to_a_stranger("random", &record(&[0xd9, 0x7c, 0x00, 0x41, 0x9e, 0xff, 0x13]));
    scene.goes_on();
    assert_eq!(scene.hub.events.count(&json!({"event": "refused"})), 4, "each is counted for the operator");
}

fn bad_input_06_07_09_11_12_13_14_records_that_are_no_message(wire: Wire) {
    let scene = Scene::new(wire);
    let deep = [vec![0x91; 10_000], vec![0xc0]].concat();
    let bad_input_06 = [("reserved byte", vec![0xc1]), ("reserved byte for a field", vec![0x92, 12, 0xc1])];
    let bad_input_07 = [
        ("wrong type", vec![0x92, 12, 0xa1, b'x']),
        ("missing field", vec![0x91, 12]),
        ("negative tag", vec![0x91, 0xff]),
        ("text for a tag", vec![0x91, 0xa1, b'x']),
        ("no array", vec![7]),
    ];
    let bad_input_09 = [("a map", vec![0x82, 0, 12, 1, 7]), ("keys twice", vec![0x82, 0, 12, 0, 12])];
    let bad_input_11 = [("a byte behind", vec![0x92, 12, 7, 0]), ("a message behind", vec![0x92, 12, 7, 0x92, 12, 7])];
    let bad_input_12 =
        [("10,000 arrays deep", deep.clone()), ("deep in a surplus", [vec![0x93, 12, 7], deep].concat())];
    let bad_input_13 = [
        ("array of 2³²−1", vec![0xdd, 0xff, 0xff, 0xff, 0xff]),
        ("bin of 2³²−1", vec![0x92, 12, 0xc6, 0xff, 0xff, 0xff, 0xff]),
        ("ext of 2³²−1", vec![0x93, 12, 7, 0xc9, 0xff, 0xff, 0xff, 0xff, 0]),
        ("fingerprints, 2³²−1 of them", vec![0x92, 3, 0xdd, 0xff, 0xff, 0xff, 0xff]),
    ];
    // The agent of a Hello, which is text.
    let text = |bytes: &[u8]| [&[0x93, 1, 0x90, 0xa0 | u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let bad_input_14 = [
        ("invalid UTF-8", text(&[0xff])),
        ("overlong UTF-8", text(&[0xc0, 0xaf])),
        ("a surrogate", text(&[0xed, 0xa0, 0x80])),
    ];
    let all = bad_input_06.into_iter().chain(bad_input_07).chain(bad_input_09).chain(bad_input_11);
    for (what, body) in all.chain(bad_input_12).chain(bad_input_13).chain(bad_input_14) {
        scene.is_refused(what, &record(&body), Code::InvalidRecord);
    }
    scene.goes_on();
}

fn bad_input_08_unknown_fields_at_the_end_are_skipped(wire: Wire) {
    let scene = Scene::new(wire);
    let mut member = scene.member();
    member.send_bytes(&record(&[0x95, 12, 9, 0xc0, 0x91, 0x80, 0xa3, b'n', b'e', b'w']));
    assert_eq!(pong(&mut member), 9);
    scene.goes_on();
}

fn bad_input_10_unknown_messages_are_skipped_once_registered(wire: Wire) {
    let scene = Scene::new(wire);
    let unknown = record(&[0x93, 0xcd, 0x30, 0x39, 1, 2]);
    let mut member = scene.member();
    member.send_bytes(&unknown);
    member.send(Ping { token: 3 });
    assert_eq!(pong(&mut member), 3);
    scene.is_silent_to_a_stranger("an unknown message", &unknown);
    let mut greeted = scene.greeted();
    greeted.send_bytes(&unknown);
    greeted.is_closed_silently();
    scene.goes_on();
}

fn messages_out_of_turn_end_the_link(wire: Wire) {
    let scene = Scene::new(wire);
    let limits = Limits { max_record: 1, max_part: 1, max_plays: 1 };
    let ack = securestream::proto::message::HelloAck { version: 1, nonce: Nonce([0; 32]), limits };
    for message in [Message::from(hello()), ack.into()] {
        let mut member = scene.member();
        member.send(message);
        member.is_told_and_closed(Code::ProtocolViolation);
        scene.alice.wait(json!({"event": "left", "name": "mallory", "reason": "refused"}));
    }
    let mut greeted = scene.greeted();
    greeted.send(NextPage {});
    greeted.is_closed_silently();
    let mut old = scene.stranger();
    old.send(securestream::proto::message::Hello { versions: vec![77], agent: "old".into() });
    old.is_told_and_closed(Code::UnsupportedVersion);
    scene.goes_on();
}
