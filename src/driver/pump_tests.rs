use std::collections::VecDeque;

use super::*;
use crate::{
    proto::{
        Ending, Event, Message, VERSIONS, encode,
        message::{self, Goodbye, Hello, Nonce},
    },
    transport::{
        Readiness, memory,
        tls::{HubCertificate, HubTls, HubTrust, KeyExchange, MemberTls},
    },
    types::{
        Code, Peer,
        limits::{DRAIN_DEADLINE, HANDSHAKE_DEADLINE},
    },
};

/// A link whose peer has closed it: nothing can be written, and this is what it still gives to read. At its
/// end it stands still when there is no end of the bytes.
struct Closed {
    unread: VecDeque<u8>,
    ends: bool,
}

impl Transport for Closed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() && !self.ends {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        io::Read::read(&mut self.unread, buffer)
    }

    fn write_vectored(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn register(&mut self, _: Readiness<'_>) -> io::Result<()> {
        Ok(())
    }

    fn channel_binding(&self) -> Vec<u8> {
        Vec::new()
    }

    fn peer(&self) -> Peer {
        Peer::local("closed")
    }
}

fn events(link: &mut Link) -> Vec<Event> {
    std::iter::from_fn(|| link.connection.poll_event()).collect()
}

#[test]
fn what_a_peer_said_before_it_closed_is_read_though_nothing_can_be_written() {
    let now = Instant::now();
    let error = message::Error { code: Code::HubFull, text: "full".into() };
    let said = [encode(&error.into()), encode(&Goodbye { code: Code::HubFull }.into())].concat();
    let transport = Closed { unread: said.into(), ends: true };
    let mut link = Link::new(Box::new(transport), Connection::member("test", now));
    assert!(link.write(), "to be read");
    assert!(events(&mut link).is_empty(), "not lost yet");
    link.may_go_on();
    assert!(!link.write(), "it is not tried again");
    link.read(&mut [0; 7], now);
    let told = events(&mut link);
    assert!(matches!(told[0], Event::Message(Message::Error(_))), "{told:?}");
    assert!(matches!(told[1], Event::Message(Message::Goodbye(_))), "{told:?}");
    assert!(matches!(told[2], Event::Ended(Ending::Lost)), "{told:?}");
    assert!(link.connection.is_closed());
}

/// The hub's end of TLS in memory, and what is below the other.
fn inside_tls(now: Instant) -> (Link, memory::MemoryTransport, MemberTls) {
    let files = HubCertificate::make(&["localhost".to_owned()]).unwrap();
    let certificate = HubCertificate::read(files.certificate.as_bytes(), files.key.as_bytes()).unwrap();
    let hub = HubTls::new(&certificate, KeyExchange::default()).unwrap();
    let member = MemberTls::new(HubTrust::Any, KeyExchange::default(), || 0).unwrap();
    let (near, far) = memory::pair();
    (Link::new(Box::new(hub.wrap(near).unwrap()), Connection::hub(Nonce([0; 32]), now)), far, member)
}

/// One turn of a loop after an edge.
fn turn(link: &mut Link, now: Instant) {
    link.may_go_on();
    link.read(&mut [0; 4096], now);
    link.write();
}

#[test]
fn attack_12_who_stays_silent_inside_tls_is_dropped_at_the_deadline() {
    let now = Instant::now();
    for agreed in [false, true] {
        let (mut link, far, member) = inside_tls(now);
        let mut peer = member.wrap(far, "localhost").unwrap();
        for _ in 0..if agreed { 3 } else { 1 } {
            turn(&mut link, now);
            assert_eq!(peer.read(&mut [0; 10]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
        assert_eq!(peer.channel_binding().is_empty(), !agreed);
        assert!(events(&mut link).is_empty() && !link.is_over());
        assert_eq!(link.connection.deadline(), Some(now + HANDSHAKE_DEADLINE));
        link.connection.timeout(now + HANDSHAKE_DEADLINE);
        assert!(matches!(events(&mut link)[..], [Event::Ended(Ending::Misbehaved(_))]));
        assert!(link.is_over(), "nothing is said to somebody who said nothing");
    }
}

#[test]
fn attack_12_last_words_inside_tls_wait_for_a_slow_reader_but_not_for_ever() {
    let now = Instant::now();
    for reads_at_last in [true, false] {
        let (mut link, far, member) = inside_tls(now);
        let mut peer = member.wrap(far, "localhost").unwrap();
        for _ in 0..3 {
            turn(&mut link, now);
            assert!(peer.read(&mut [0; 10]).is_err());
        }
        // More than the link takes, and no more than TLS holds besides.
        link.connection.send_record(vec![7; 30_000].into(), now);
        link.write();
        link.connection.send_record(vec![7; 42_000].into(), now);
        link.connection.close(Code::HubClosing, now);
        link.write();
        assert!(link.connection.is_closed(), "the outbox is empty");
        assert!(!link.is_over(), "but not all of it is on the way");
        turn(&mut link, now);
        assert!(!link.is_over());
        if reads_at_last {
            let mut received = 0;
            for _ in 0..100 {
                received += peer.read(&mut [0; 4096]).unwrap_or(0);
                turn(&mut link, now);
            }
            assert!(link.is_over() && received > 72_000, "{received}");
        } else {
            link.connection.timeout(now + DRAIN_DEADLINE);
            assert!(link.is_over());
        }
    }
}

#[test]
fn bad_input_41_what_is_no_tls_is_an_offence_and_interference_later_is_none() {
    let now = Instant::now();
    let (mut link, mut far, _) = inside_tls(now);
    far.write_vectored(&[IoSlice::new(b"GET / HTTP/1.1\r\n")]).unwrap();
    turn(&mut link, now);
    assert!(matches!(events(&mut link)[..], [Event::Ended(Ending::Misbehaved(_))]));

    let mut link = Link::new(Box::new(Interfered), Connection::hub(Nonce([0; 32]), now));
    let hello = Hello { versions: VERSIONS.to_vec(), agent: "test".into() };
    link.connection.receive(&encode(&hello.into()), now);
    link.connection.establish(now);
    turn(&mut link, now);
    assert!(matches!(events(&mut link)[..], [Event::Greeted(_), Event::Ended(Ending::Lost)]));
}

/// A link on which somebody in between has changed a bit.
struct Interfered;

impl Transport for Interfered {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::InvalidData.into())
    }

    fn write_vectored(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn register(&mut self, _: Readiness<'_>) -> io::Result<()> {
        Ok(())
    }

    fn channel_binding(&self) -> Vec<u8> {
        Vec::new()
    }

    fn peer(&self) -> Peer {
        Peer::local("interfered")
    }
}

#[test]
fn a_link_that_takes_nothing_and_never_ends_is_dropped_at_its_deadline() {
    let now = Instant::now();
    let still = || Box::new(Closed { unread: VecDeque::new(), ends: false });
    let mut member = Link::new(still(), Connection::member("test", now));
    assert!(member.write());
    assert!(!member.read(&mut [0; 7], now));
    member.connection.timeout(now + HANDSHAKE_DEADLINE);
    member.connection.timeout(now + HANDSHAKE_DEADLINE + DRAIN_DEADLINE);
    assert!(member.connection.is_closed());

    let mut hub = Link::new(still(), Connection::hub(Nonce([0; 32]), now));
    hub.connection.close(Code::HubClosing, now);
    assert!(hub.write());
    hub.read(&mut [0; 7], now);
    assert!(!hub.connection.is_closed());
    hub.connection.timeout(now + DRAIN_DEADLINE);
    assert!(hub.connection.is_closed());
}
