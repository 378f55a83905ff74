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
#[path = "pump_tests.rs"]
mod tests;
