//! One link: bytes between a transport and a connection.

use std::{
    io::{self, IoSlice},
    time::Instant,
};

use crate::{
    proto::{Connection, State},
    transport::Transport,
};

/// Bytes that one link may read in one turn, so that a busy one does not starve the others.
const BUDGET: usize = 256 * 1024;

/// Slices of one vectored write.
const SLICES: usize = 64;

/// A transport with the connection that lives on it.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each a yes or no")]
pub(super) struct Link {
    pub(super) transport: Box<dyn Transport>,
    pub(super) connection: Connection,
    /// An edge came and the end of what it announced was not seen yet.
    readable: bool,
    writable: bool,
    /// The peer takes nothing any more; why may still lie unread.
    write_ended: bool,
    /// The transport holds some of what it took.
    held: bool,
}

impl Link {
    pub(super) fn new(transport: Box<dyn Transport>, connection: Connection) -> Self {
        // A fresh link is both until it says otherwise: edges from before the registration do not come back.
        Self { transport, connection, readable: true, writable: true, write_ended: false, held: false }
    }

    /// An edge came.
    pub(super) fn may_go_on(&mut self) {
        self.readable = true;
        self.writable = !self.write_ended;
    }

    /// Whether the link can be dropped: the connection is over, and its last words are out or out of time.
    pub(super) fn is_over(&self) -> bool {
        self.connection.is_closed() && (!self.held || self.connection.state() == State::Closed)
    }

    /// Reads until there is nothing more or the budget is spent; true when more may be there.
    pub(super) fn read(&mut self, buffer: &mut [u8], now: Instant) -> bool {
        let mut spent = 0;
        while self.readable && !self.is_over() && spent < BUDGET {
            match self.transport.read(buffer) {
                Ok(0) => {
                    self.connection.link_lost();
                    self.readable = false;
                }
                Ok(count) => {
                    spent += count;
                    self.connection.receive(&buffer[..count], now);
                }
                Err(error) => {
                    let outcome = self.outcome(&error);
                    match outcome {
                        Outcome::Broken => self.connection.link_lost(),
                        Outcome::Refused => self.connection.link_refused(),
                        Outcome::Again | Outcome::Later => {}
                    }
                    self.readable = outcome == Outcome::Again;
                }
            }
        }
        self.readable
    }

    /// Writes until nothing waits or the link takes no more; true when it is to be read once more.
    ///
    /// A link that is broken for writing is not lost yet: what its peer said before it closed, which says why,
    /// may lie unread. Reading finds the end behind it. Should reading never end, nothing is waited for beyond the
    /// connection's own deadlines: handshake, keep-alive, drain.
    pub(super) fn write(&mut self) -> bool {
        let had_ended = self.write_ended;
        while self.writable && !self.connection.outbox().is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let filled = self.connection.outbox().fill(&mut slices);
            match self.transport.write_vectored(&slices[..filled]) {
                Ok(count) => self.connection.advance(count),
                Err(error) => self.writing_failed(&error),
            }
        }
        if self.writable {
            let flushed = self.transport.flush();
            self.held = flushed.is_err();
            if let Err(error) = flushed {
                self.writing_failed(&error);
            }
        }
        self.write_ended && !had_ended
    }

    fn writing_failed(&mut self, error: &io::Error) {
        let outcome = self.outcome(error);
        self.writable = outcome == Outcome::Again;
        if matches!(outcome, Outcome::Broken | Outcome::Refused) {
            // What is broken holds nothing that could still go out.
            (self.write_ended, self.readable, self.held) = (true, true, false);
        }
    }

    fn outcome(&self, error: &io::Error) -> Outcome {
        match error.kind() {
            io::ErrorKind::WouldBlock => Outcome::Later,
            io::ErrorKind::Interrupted => Outcome::Again,
            io::ErrorKind::InvalidData => {
                log::debug!("link to {} is not what it should be: {error}", self.transport.peer());
                Outcome::Refused
            }
            _ => {
                log::debug!("link to {} broke: {error}", self.transport.peer());
                Outcome::Broken
            }
        }
    }
}

/// What an error of a transport means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Try at once.
    Again,
    /// Wait for an edge.
    Later,
    Broken,
    /// The peer does not do what this kind of link asks for.
    Refused,
}

#[cfg(test)]
mod tests {
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
            link.connection.send_record(vec![7; 60_000].into(), now);
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
                assert!(link.is_over() && received > 90_000, "{received}");
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
        assert!(matches!(events(&mut link)[..], [Event::Ended(Ending::Lost)]));
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
}
