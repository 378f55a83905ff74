//! One link: bytes between a transport and a connection.

use std::{
    io::{self, IoSlice},
    time::Instant,
};

use crate::{proto::Connection, transport::Transport};

/// Bytes that one link may read in one turn, so that a busy one does not starve the others.
const BUDGET: usize = 256 * 1024;

/// Slices of one vectored write.
const SLICES: usize = 64;

/// A transport with the connection that lives on it.
pub(super) struct Link {
    pub(super) transport: Box<dyn Transport>,
    pub(super) connection: Connection,
    /// An edge came and the end of what it announced was not seen yet.
    readable: bool,
    writable: bool,
}

impl Link {
    pub(super) fn new(transport: Box<dyn Transport>, connection: Connection) -> Self {
        // A fresh link is both until it says otherwise: edges from before the registration do not come back.
        Self { transport, connection, readable: true, writable: true }
    }

    /// An edge came.
    pub(super) fn may_go_on(&mut self) {
        self.readable = true;
        self.writable = true;
    }

    /// Reads until there is nothing more or the budget is spent; true when more may be there.
    pub(super) fn read(&mut self, buffer: &mut [u8], now: Instant) -> bool {
        let mut spent = 0;
        while self.readable && !self.connection.is_closed() && spent < BUDGET {
            match self.transport.read(buffer) {
                Ok(0) => {
                    self.connection.link_lost();
                    self.readable = false;
                }
                Ok(count) => {
                    spent += count;
                    self.connection.receive(&buffer[..count], now);
                }
                Err(error) => self.readable = self.failed(&error),
            }
        }
        self.readable
    }

    /// Writes until nothing waits or the link takes no more.
    pub(super) fn write(&mut self) {
        while self.writable && !self.connection.outbox().is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let filled = self.connection.outbox().fill(&mut slices);
            match self.transport.write_vectored(&slices[..filled]) {
                Ok(count) => self.connection.advance(count),
                Err(error) => self.writable = self.failed(&error),
            }
        }
    }

    /// Whether to try again at once.
    fn failed(&mut self, error: &io::Error) -> bool {
        match error.kind() {
            io::ErrorKind::WouldBlock => false,
            io::ErrorKind::Interrupted => true,
            _ => {
                log::debug!("link to {} broke: {error}", self.transport.peer());
                self.connection.link_lost();
                false
            }
        }
    }
}
