//! One end of a link over a stream socket, of whatever family.

use std::io::{self, IoSlice, Read, Write};

use mio::{Interest, event::Source};

use super::{Readiness, Transport};
use crate::types::Peer;

/// A connected stream socket that does not block.
#[derive(Debug)]
pub struct SocketTransport<S> {
    stream: S,
    peer: Peer,
}

impl<S> SocketTransport<S> {
    /// Takes a stream that does not block; `peer` is its other end.
    pub(super) fn new(stream: S, peer: Peer) -> Self {
        Self { stream, peer }
    }
}

impl<S: Read + Write + Source + Send> Transport for SocketTransport<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream.write_vectored(slices)
    }

    fn register(&mut self, readiness: Readiness<'_>) -> io::Result<()> {
        readiness.registry.register(&mut self.stream, readiness.token, Interest::READABLE | Interest::WRITABLE)
    }

    fn channel_binding(&self) -> Vec<u8> {
        Vec::new()
    }

    fn peer(&self) -> Peer {
        self.peer.clone()
    }
}
