//! The state of one connection, the same for both ends.
//!
//! ```text
//!   Hello ──Hello/HelloAck──▶ Authenticating ──Register/Welcome──▶ Established
//!     │                            │                                   │
//!     └──────────── error, close ──┴───────────────────────────────────┴──▶ Draining ──▶ Closed
//! ```

use std::{collections::VecDeque, time::Instant};

use bytes::Bytes;

use super::{
    error::{Closing, InvalidMessage, PeerMisbehaved, ProtocolError},
    message::{Error, Goodbye, Hello, HelloAck, Limits, Message, Nonce, Ping, Pong},
    outbox::Outbox,
    record::{Deframer, encode},
    timer::{Timer, TimerTable},
    version::{VERSIONS, negotiate},
};
use crate::types::{
    Code,
    limits::{
        DRAIN_DEADLINE, HANDSHAKE_DEADLINE, MAX_PART, MAX_PLAYS, MAX_RECORD, MAX_RECORD_BEFORE_REGISTRATION,
        PING_INTERVAL,
    },
};

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Versions are being agreed upon.
    Hello,
    /// The member has to register.
    Authenticating,
    /// The member is in the directory.
    Established,
    /// Nothing is read any more; what is queued is still sent.
    Draining,
    /// Over.
    Closed,
}

/// What a connection has to tell its owner.
#[derive(Debug)]
pub enum Event {
    /// To a member: the hub has answered, and this is what a registration has to sign. To a hub: the member has said
    /// hello, and this is what it is asked to sign.
    Greeted(Nonce),
    /// A message that has its place in this state.
    Message(Message),
    /// The connection is of no use any more; said once.
    Ended(Ending),
}

/// Why a connection ended.
#[derive(Debug)]
pub enum Ending {
    /// The peer broke the protocol.
    Misbehaved(ProtocolError),
    /// The link broke, ended or fell silent.
    Lost,
    /// The peer did not read.
    Slow,
    /// This end closed it.
    Closed(Code),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Hub(Nonce),
    Member,
}

/// One connection, without its link. See the [module](super) for the contract.
#[derive(Debug)]
pub struct Connection {
    role: Role,
    state: State,
    /// The peer has sent a valid first message, so it speaks the protocol and is told its errors.
    greeted: bool,
    registered: bool,
    /// A ping is out and nothing has come since.
    pinged: bool,
    deframer: Deframer,
    outbox: Outbox,
    timers: TimerTable,
    events: VecDeque<Event>,
}

impl Connection {
    /// The hub's end. `nonce` must be fresh from a random source: registrations sign it.
    #[must_use]
    pub fn hub(nonce: Nonce, now: Instant) -> Self {
        Self::new(Role::Hub(nonce), now)
    }

    /// The member's end; its Hello is queued. `agent` names program and version.
    #[must_use]
    pub fn member(agent: &str, now: Instant) -> Self {
        let mut connection = Self::new(Role::Member, now);
        connection.send(&Hello { versions: VERSIONS.to_vec(), agent: agent.into() }.into(), now);
        connection
    }

    fn new(role: Role, now: Instant) -> Self {
        let mut timers = TimerTable::default();
        timers.set(Timer::Handshake, now + HANDSHAKE_DEADLINE);
        Self {
            role,
            state: State::Hello,
            greeted: false,
            registered: false,
            pinged: false,
            deframer: Deframer::new(MAX_RECORD_BEFORE_REGISTRATION),
            outbox: Outbox::default(),
            timers,
            events: VecDeque::new(),
        }
    }

    /// At the hub's end: what a registration over this link has to sign.
    #[must_use]
    pub fn nonce(&self) -> Option<Nonce> {
        match self.role {
            Role::Hub(nonce) => Some(nonce),
            Role::Member => None,
        }
    }

    /// How far the connection has come.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether the link can be dropped.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed || (self.state == State::Draining && self.outbox.is_empty())
    }

    /// The next thing that the owner has to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What is to be written.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// `count` bytes of the outbox have been written.
    pub fn advance(&mut self, count: usize) {
        self.outbox.advance(count);
    }

    /// When [`Connection::timeout`] must be called next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Takes in bytes as the link gave them.
    pub fn receive(&mut self, bytes: &[u8], now: Instant) {
        if !self.is_open() {
            return;
        }
        self.deframer.extend(bytes);
        self.pinged = false;
        if self.registered {
            self.timers.set(Timer::KeepAlive, now + PING_INTERVAL);
        }
        while self.is_open() {
            match self.deframer.next_record() {
                Ok(Some(body)) => self.take_record(&body, now),
                Ok(None) => return,
                Err(error) => self.misbehaved(error.into(), now),
            }
        }
    }

    /// The link ended or broke.
    pub fn link_lost(&mut self) {
        if self.is_open() {
            self.events.push_back(Event::Ended(Ending::Lost));
        }
        self.state = State::Closed;
        self.timers = TimerTable::default();
    }

    /// The link itself cannot be used because of what the peer sent below the protocol, such as bytes that are no
    /// TLS. Once registered that is no different from a link that broke: whoever interferes with the bytes in between
    /// is not to be able to blame the peer.
    pub fn link_refused(&mut self) {
        if self.is_open() && !self.registered {
            let error = ProtocolError::PeerMisbehaved(PeerMisbehaved::Link);
            self.events.push_back(Event::Ended(Ending::Misbehaved(error)));
            self.state = State::Closed;
        }
        self.link_lost();
    }

    /// Handles the deadlines that have passed.
    pub fn timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.expire(now) {
            match timer {
                Timer::Handshake => {
                    self.misbehaved(ProtocolError::PeerMisbehaved(PeerMisbehaved::HandshakeTooSlow), now);
                }
                Timer::KeepAlive if self.pinged => self.link_lost(),
                Timer::KeepAlive => {
                    self.pinged = true;
                    self.timers.set(Timer::KeepAlive, now + PING_INTERVAL);
                    self.send(&Ping { token: 0 }.into(), now);
                }
                Timer::Drain => self.state = State::Closed,
            }
        }
    }

    /// Queues a message of chat or control. A peer that has not read 4 MiB of them is let go.
    pub fn send(&mut self, message: &Message, now: Instant) {
        if self.is_open() {
            self.send_record(encode(message), now);
        }
    }

    /// Queues a record that [`encode`] made, which may be shared between connections.
    pub fn send_record(&mut self, record: Bytes, now: Instant) {
        if self.is_open() && self.outbox.push_chat(record).is_err() {
            self.outbox.keep_only_begun();
            self.finish(Ending::Slow, Some(Code::SlowConsumer), now);
        }
    }

    /// Queues a message of media; ask the outbox for room first.
    pub fn send_media(&mut self, message: &Message) {
        if self.is_open() {
            self.outbox.push_media(encode(message));
        }
    }

    /// The hub's end: the member is registered, its Welcome is queued.
    pub fn establish(&mut self, now: Instant) {
        if self.state == State::Authenticating {
            self.state = State::Established;
            self.registered = true;
            self.deframer.raise_limit(MAX_RECORD);
            self.timers.stop(Timer::Handshake);
            self.timers.set(Timer::KeepAlive, now + PING_INTERVAL);
        }
    }

    /// Ends the connection from this side: what is queued is sent, then a Goodbye (a Quit from a member).
    pub fn close(&mut self, code: Code, now: Instant) {
        if self.is_open() {
            self.finish(Ending::Closed(code), Some(code), now);
        }
    }

    /// Ends the connection from this side without a word.
    pub fn close_silently(&mut self, code: Code, now: Instant) {
        if self.is_open() {
            self.finish(Ending::Closed(code), None, now);
        }
    }

    fn is_open(&self) -> bool {
        !matches!(self.state, State::Draining | State::Closed)
    }

    fn take_record(&mut self, body: &[u8], now: Instant) {
        match Message::decode(body) {
            Ok(message) => match self.take_message(message, now) {
                Ok(()) => {}
                Err(error) => self.misbehaved(error, now),
            },
            Err(error) => self.misbehaved(InvalidMessage::from(error).into(), now),
        }
    }

    fn take_message(&mut self, message: Message, now: Instant) -> Result<(), ProtocolError> {
        match (&self.role, self.state, message) {
            (Role::Hub(nonce), State::Hello, Message::Hello(hello)) => self.agree(*nonce, hello, now),
            (Role::Member, State::Hello, Message::HelloAck(ack)) => self.accept(&ack),
            (_, State::Authenticating | State::Established, Message::Ping(Ping { token })) => {
                self.send(&Pong { token }.into(), now);
                Ok(())
            }
            (_, State::Authenticating | State::Established, Message::Pong(_))
            | (_, State::Established, Message::Unknown(_)) => Ok(()),
            (_, _, Message::Unknown(_)) => Err(ProtocolError::PeerMisbehaved(PeerMisbehaved::UnknownTag)),
            (_, _, message) if self.has_its_place(&message) => {
                if matches!(message, Message::Welcome(_)) {
                    self.establish(now);
                }
                self.events.push_back(Event::Message(message));
                Ok(())
            }
            _ => Err(ProtocolError::PeerMisbehaved(PeerMisbehaved::OutOfTurn)),
        }
    }

    fn has_its_place(&self, message: &Message) -> bool {
        match (self.role, self.state) {
            (Role::Hub(_), State::Authenticating) => matches!(message, Message::Register(_) | Message::Quit(_)),
            (Role::Hub(_), State::Established) => {
                !message.is_of_hub() && !matches!(message, Message::Hello(_) | Message::Register(_))
            }
            // A hub that is full or too new says so at once.
            (Role::Member, State::Hello) => matches!(message, Message::Error(_) | Message::Goodbye(_)),
            (Role::Member, State::Authenticating) => {
                matches!(message, Message::Welcome(_) | Message::Error(_) | Message::Goodbye(_))
            }
            (Role::Member, State::Established) => {
                message.is_of_hub() && !matches!(message, Message::HelloAck(_) | Message::Welcome(_))
            }
            _ => false,
        }
    }

    fn agree(&mut self, nonce: Nonce, hello: Hello, now: Instant) -> Result<(), ProtocolError> {
        let version = negotiate(&hello.versions).ok_or(ProtocolError::PeerIncompatible(hello.versions))?;
        self.greeted = true;
        self.state = State::Authenticating;
        self.send(&HelloAck { version, nonce, limits: LIMITS }.into(), now);
        self.events.push_back(Event::Greeted(nonce));
        Ok(())
    }

    fn accept(&mut self, ack: &HelloAck) -> Result<(), ProtocolError> {
        if !VERSIONS.contains(&ack.version) {
            return Err(ProtocolError::PeerMisbehaved(PeerMisbehaved::VersionNotOffered));
        }
        self.greeted = true;
        self.state = State::Authenticating;
        self.events.push_back(Event::Greeted(ack.nonce));
        Ok(())
    }

    fn misbehaved(&mut self, error: ProtocolError, now: Instant) {
        log::debug!("connection ends: {error}");
        let told = match (error.closing(self.greeted, self.registered), self.role) {
            // A hub that breaks the protocol has nothing to learn from a member.
            (_, Role::Member) | (Closing::Silent, _) => None,
            (Closing::Told(code), Role::Hub(_)) => {
                self.outbox.push_last(encode(&Error { code, text: error.to_string().into() }.into()));
                Some(code)
            }
        };
        self.finish(Ending::Misbehaved(error), told, now);
    }

    /// Leaves the open states, for good: a last word is queued if there is one, and nothing more is read.
    fn finish(&mut self, ending: Ending, last_word: Option<Code>, now: Instant) {
        if let Some(code) = last_word {
            let message = match self.role {
                Role::Hub(_) => Message::from(Goodbye { code }),
                Role::Member => super::message::Quit {}.into(),
            };
            self.outbox.push_last(encode(&message));
        }
        self.outbox.stop_media();
        self.timers = TimerTable::default();
        self.timers.set(Timer::Drain, now + DRAIN_DEADLINE);
        self.state = State::Draining;
        self.events.push_back(Event::Ended(ending));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "constants, all far below 2³²")]
const LIMITS: Limits = Limits { max_record: MAX_RECORD as u32, max_part: MAX_PART as u32, max_plays: MAX_PLAYS as u32 };

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
