//! What TLS adds to a link, attacked on a running hub.

use securestream::{
    proto::{
        Message,
        message::{HelloAck, Limits, Register},
    },
    transport::{
        Transport, memory,
        tls::{HubCertificate, HubTls, HubTrust, KeyExchange, MemberTls},
    },
    types::Code,
};
use serde_json::json;

use crate::{
    hub::{TestHub, Wire},
    member::{TestMember, exchange},
    raw::Raw,
};

/// A link to somebody who poses as a hub, inside TLS or not: the victim's end, and the other.
fn link_to_mallory(inside_tls: bool) -> (Box<dyn Transport>, Raw) {
    let (near, far) = memory::pair();
    if !inside_tls {
        return (Box::new(near), Raw::over(Box::new(far)));
    }
    let files = HubCertificate::make(&["localhost".to_owned()]).unwrap();
    let certificate = HubCertificate::read(files.certificate.as_bytes(), files.key.as_bytes()).unwrap();
    let hub = HubTls::new(&certificate, KeyExchange::default()).unwrap();
    // The victim never saw this hub before and trusts whatever key it shows.
    let member = MemberTls::new(HubTrust::Any, KeyExchange::default(), || 0).unwrap();
    (Box::new(member.wrap(near, "localhost").unwrap()), Raw::over(Box::new(hub.wrap(far).unwrap())))
}

/// Somebody who poses as a hub lets bob sign what the real hub asked of him, and sends it there.
fn relay_registration(hub: &TestHub, from_inside_tls: bool, to: Wire) -> Raw {
    let (link, mut mallory) = link_to_mallory(from_inside_tls);
    let _bob = TestMember::start_with_keys(link, "bob", "bob");
    let Some(Message::Hello(_)) = mallory.next() else { panic!("bob says hello") };
    let (mut to_the_hub, asked) = Raw::greet(hub, to);
    let limits = Limits { max_record: 1 << 20, max_part: 1 << 15, max_plays: 16 };
    mallory.send(HelloAck { version: 1, nonce: asked.nonce, limits });
    let register: Register =
        mallory.wait(|message| if let Message::Register(register) = message { Some(register) } else { None });
    to_the_hub.send(register);
    to_the_hub
}

#[test]
fn attack_02_a_registration_relayed_from_another_link_is_refused() {
    let hub = TestHub::start();
    let alice = TestMember::join(&hub, Wire::Tls, "alice");
    for (from_inside_tls, to) in [(true, Wire::Tls), (true, Wire::TlsInMemory), (false, Wire::Tls), (true, Wire::Tcp)] {
        let mut relayed = relay_registration(&hub, from_inside_tls, to);
        relayed.is_closed_silently();
    }
    hub.events.wait(json!({"event": "refused", "code": "bad_proof"}));
    assert_eq!(alice.events.count(&json!({"event": "joined"})), 0, "mallory did not become bob");
    // What it takes: without TLS on either side there is nothing to tell the links apart by.
    let mut relayed = relay_registration(&hub, false, Wire::Tcp);
    relayed.wait(|message| matches!(message, Message::Welcome(_)).then_some(()));
    alice.wait(json!({"event": "joined", "name": "bob"}));
}

#[test]
fn bad_input_05_41_what_is_no_tls_is_hung_up_on_and_counted() {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, Wire::Tls, "alice"), TestMember::join(&hub, Wire::TlsInMemory, "bob"));
    let strangers: [&[u8]; 4] = [
        b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n",
        b"\0\0\0\x05\x93\x01\x91\x01\xa0",
        &[0xd9, 0x7c, 0x00, 0x41, 0x9e, 0xff, 0x13],
        // A ClientHello of SSL 3 with nothing in it.
        &[0x16, 3, 0, 0, 4, 1, 0, 0, 0],
    ];
    for wire in [Wire::Tls, Wire::TlsInMemory] {
        for bytes in strangers {
            let mut stranger = Raw::over(hub.below_tls(wire));
            stranger.send_bytes(bytes);
            let told = stranger.bytes_to_the_end();
            assert!(told.is_empty() || told[0] == 0x15, "an alert or nothing: {told:?}");
        }
    }
    exchange(&alice, &bob);
    let refused = json!({"event": "refused", "code": Code::ProtocolViolation.as_str()});
    assert_eq!(hub.events.count(&refused), 8, "each is counted for the operator");
    assert_eq!(alice.events.count(&json!({"event": "joined"})), 1, "bob alone");
}

#[test]
fn attack_12_members_of_tls_that_vanish_in_the_handshake_disturb_nobody() {
    let hub = TestHub::start();
    let (alice, bob) = (TestMember::join(&hub, Wire::Tls, "alice"), TestMember::join(&hub, Wire::Tls, "bob"));
    let begun = client_hello();
    // As much of a real beginning, and then nothing.
    let half_done = |cut: usize| {
        let mut half = Raw::over(hub.below_tls(Wire::Tls));
        half.send_bytes(&begun[..cut]);
        half
    };
    for cut in [0, 1, 5, 100, 1000] {
        drop(half_done(cut));
    }
    exchange(&alice, &bob);
    assert_eq!(hub.events.count(&json!({"event": "refused"})), 0, "to hang up is no offence");
    // Those that stay may be refused, if this takes so long.
    let silent = [0, 1, 5, 100, 1000].map(half_done);
    exchange(&alice, &bob);
    drop(silent);
    exchange(&alice, &bob);
}

fn client_hello() -> Vec<u8> {
    let (near, mut far) = memory::pair();
    let member = MemberTls::new(HubTrust::Any, KeyExchange::default(), || 0).unwrap();
    let mut begun = member.wrap(near, "localhost").unwrap();
    let mut hello = vec![0; 4096];
    assert!(begun.read(&mut hello).is_err(), "nothing comes back");
    let count = far.read(&mut hello).unwrap();
    hello.truncate(count);
    assert!(count > 1200, "with a key of ML-KEM-768");
    hello
}
