//! Links: ordered bytes, both ways, without blocking. One trait, one behaviour, whatever carries the bytes.
//!
//! | URL | carried by |
//! |---|---|
//! | `tls://host:port` | [`tls`]: TLS 1.3 over TCP, or over any other link |
//! | `tcp://host:port` | [`tcp`]: TCP without protection, for loopback and for below another tunnel |
//! | `unix:/path` | [`unix`]: a Unix-domain stream socket |
//! | none | [`memory`]: two queues in this process, for tests and simulations |

pub mod memory;
mod readiness;
mod socket;
pub mod tcp;
pub mod tls;
pub mod unix;

use std::io::{self, IoSlice};

pub use readiness::{Notifier, Readiness};
pub use socket::SocketTransport;

use crate::types::Peer;

/// One end of a link.
///
/// The end of the bytes is a read of 0. Dropping an end closes the link: what was written still arrives, then
/// the other end reads 0.
pub trait Transport: Send {
    /// Reads what is there.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when nothing is; anything else when the link broke.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes as much of `slices`, in order, as the link takes.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when it takes nothing now; anything else when the link broke.
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Hands on what the link itself holds of what it took. A link that holds nothing has nothing to do.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when some of it is still held; anything else when the link broke.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Asks to be told, edge-triggered, whenever the link may be read or written again.
    fn register(&mut self, readiness: Readiness<'_>) -> io::Result<()>;

    /// What only the two ends of this very link know, for proofs that are to hold on no other; empty on a link that
    /// has nothing of the kind.
    fn channel_binding(&self) -> Vec<u8>;

    /// The other end.
    fn peer(&self) -> Peer;
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (**self).read(buffer)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (**self).write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        (**self).flush()
    }

    fn register(&mut self, readiness: Readiness<'_>) -> io::Result<()> {
        (**self).register(readiness)
    }

    fn channel_binding(&self) -> Vec<u8> {
        (**self).channel_binding()
    }

    fn peer(&self) -> Peer {
        (**self).peer()
    }
}

/// What links come in by.
pub trait Listener: Send {
    /// Takes the next link.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when there is none.
    fn accept(&mut self) -> io::Result<Box<dyn Transport>>;

    /// Asks to be told, edge-triggered, whenever a link may be there.
    fn register(&mut self, readiness: Readiness<'_>) -> io::Result<()>;

    /// The port that was really taken; nothing where there are no ports.
    fn port(&self) -> Option<u16>;
}
