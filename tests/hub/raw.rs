//! Links driven by hand: members that do what no honest one would.

use std::{
    io::{self, IoSlice},
    time::Instant,
};

use mio::{Events, Poll, Token};
use rand::{SeedableRng as _, rngs::StdRng};
use securestream::{
    crypto::{Challenge, Identity, testing::InsecureProvider},
    proto::{
        Deframer, Message, VERSIONS, encode,
        message::{Hello, Nonce, Post, Register},
    },
    transport::{Notifier, Readiness, Transport},
    types::{Code, MessageId, SealKind, limits::MAX_RECORD, wire},
};
use sha2::{Digest as _, Sha256};

use crate::{
    hub::{TestHub, Wire},
    support::events::GUARD,
};

/// A link to a hub, byte by byte.
pub(crate) struct Raw {
    transport: Box<dyn Transport>,
    poll: Poll,
    /// Kept because a link in memory wakes by it.
    _notifier: Notifier,
    deframer: Deframer,
    ended: bool,
}

impl Raw {
    /// A link on which nothing has been said.
    pub(crate) fn connect(hub: &TestHub, wire: Wire) -> Self {
        Self::over(hub.link(wire))
    }

    /// One end of a link, whatever is at the other.
    pub(crate) fn over(mut transport: Box<dyn Transport>) -> Self {
        let poll = Poll::new().unwrap();
        let notifier = Notifier::new(poll.registry(), Token(0)).unwrap();
        let readiness = Readiness { registry: poll.registry(), token: Token(1), notifier: &notifier };
        transport.register(readiness).unwrap();
        Self { transport, poll, _notifier: notifier, deframer: Deframer::new(MAX_RECORD), ended: false }
    }

    /// A link that the hub has greeted, with what it wants signed.
    pub(crate) fn greet(hub: &TestHub, wire: Wire) -> (Self, Asked) {
        let mut link = Self::connect(hub, wire);
        link.send(hello());
        let asked = link.is_asked();
        (link, asked)
    }

    /// Waits for the hub's answer to a Hello.
    pub(crate) fn is_asked(&mut self) -> Asked {
        let nonce = self.wait(|message| if let Message::HelloAck(ack) = message { Some(ack.nonce) } else { None });
        Asked { nonce, binding: self.transport.channel_binding().try_into().ok() }
    }

    /// A member, with the identity that [`identity`] gives for its name.
    pub(crate) fn join(hub: &TestHub, wire: Wire, name: &str) -> Self {
        let (mut link, nonce) = Self::greet(hub, wire);
        link.send(registration(&identity(name), nonce));
        link.wait(|message| matches!(message, Message::Welcome(_)).then_some(()));
        link
    }

    /// Sends bytes as they are. A link that the hub has closed takes them as well, and nothing comes of it.
    pub(crate) fn send_bytes(&mut self, mut bytes: &[u8]) {
        let deadline = Instant::now() + GUARD;
        while !bytes.is_empty() {
            match self.transport.write_vectored(&[IoSlice::new(bytes)]) {
                Ok(taken) => bytes = &bytes[taken..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.rest(deadline),
                Err(_) => return,
            }
        }
    }

    /// Sends a message as one record.
    pub(crate) fn send(&mut self, message: impl Into<Message>) {
        self.send_bytes(&encode(&message.into()));
    }

    /// Posts sealed bytes to everybody.
    pub(crate) fn post(&mut self, number: u8, kind: SealKind, sealed: Vec<u8>) {
        self.send(Post { mid: MessageId([number; 16]), audience: None, kind, sealed: sealed.into() });
    }

    /// The next message; nothing once the hub has closed the link.
    pub(crate) fn next(&mut self) -> Option<Message> {
        let deadline = Instant::now() + GUARD;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if let Some(record) = self.deframer.next_record().unwrap() {
                return Some(Message::decode(&record).unwrap());
            }
            if self.ended {
                return None;
            }
            match self.transport.read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(count) => self.deframer.extend(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.rest(deadline),
                // As a link ends on which the hub has not read everything.
                Err(_) => self.ended = true,
            }
        }
    }

    /// The first message that `pick` picks.
    pub(crate) fn wait<T>(&mut self, mut pick: impl FnMut(Message) -> Option<T>) -> T {
        let mut passed = Vec::new();
        while let Some(message) = self.next() {
            passed.push(message.tag());
            if let Some(picked) = pick(message) {
                return picked;
            }
        }
        panic!("the link ended after messages with tags {passed:?}");
    }

    /// Everything up to the end of the link.
    pub(crate) fn rest_of_messages(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Everything that the hub still sends, whatever it is.
    pub(crate) fn bytes_to_the_end(&mut self) -> Vec<u8> {
        let deadline = Instant::now() + GUARD;
        let (mut all, mut buffer) = (Vec::new(), vec![0; 4096]);
        loop {
            match self.transport.read(&mut buffer) {
                Ok(count) if count > 0 => all.extend(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.rest(deadline),
                _ => return all,
            }
        }
    }

    /// Fails unless the hub tells this error, then says goodbye with it, then closes.
    pub(crate) fn is_told_and_closed(&mut self, code: Code) {
        let last = self.rest_of_messages();
        let told = |message: &Message| matches!(message, Message::Error(error) if error.code == code);
        assert!(last.iter().any(told), "not told {code}: {last:?}");
        assert!(matches!(last.last(), Some(Message::Goodbye(goodbye)) if goodbye.code == code), "{last:?}");
    }

    /// Fails unless the hub closes without a word.
    pub(crate) fn is_closed_silently(&mut self) {
        let last = self.rest_of_messages();
        assert!(last.is_empty(), "{last:?}");
    }

    fn rest(&mut self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "the hub says nothing and does not hang up");
        match self.poll.poll(&mut Events::with_capacity(8), Some(left)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => panic!("{error}"),
            _ => {}
        }
    }
}

pub(crate) fn hello() -> Hello {
    Hello { versions: VERSIONS.to_vec(), agent: "test".into() }
}

/// Test keys drawn by a name.
pub(crate) fn identity(name: &str) -> Identity {
    Identity::generate(&InsecureProvider, &name.parse().unwrap(), 0, &mut rng(name)).unwrap()
}

pub(crate) fn rng(seed: &str) -> StdRng {
    StdRng::from_seed(Sha256::digest(seed).into())
}

/// What a registration over a link has to sign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) nonce: Nonce,
    /// That of the link, if it has one.
    pub(crate) binding: Option<[u8; 32]>,
}

impl From<Nonce> for Asked {
    /// On a link that has nothing to bind to.
    fn from(nonce: Nonce) -> Self {
        Self { nonce, binding: None }
    }
}

/// A registration that holds for the link that asked for this.
pub(crate) fn registration(identity: &Identity, asked: impl Into<Asked>) -> Register {
    let Asked { nonce, binding } = asked.into();
    let challenge = Challenge { channel_binding: binding.map(Vec::from).unwrap_or_default(), nonce: nonce.0 };
    let proof = identity.prove(&challenge, &mut rng("proof")).unwrap();
    Register { record: wire::to_bytes(identity.record()).into(), guest: true, proof: proof.into(), invite: None }
}
