//! One end of a link inside TLS.

use std::io::{self, IoSlice, Read as _, Write as _};

use rustls::{AlertDescription, Connection, Error};

use super::{ALPN, CHANNEL_BINDING};
use crate::{
    transport::{Readiness, Transport},
    types::Peer,
};

/// Slices that are encrypted together: above that, cutting them into TLS records costs more than it saves.
const SLICES: usize = 16;

/// Bytes that are encrypted ahead of what the link takes: a chat record waits behind these, whatever the outbox does. One
/// record of TLS.
const HELD: usize = 16 * 1024;

/// Bytes of ciphertext read at once: two full TLS records and a little.
const READ_AT_ONCE: usize = 36 * 1024;

/// Reads of 4 KiB, as rustls takes them, that make up a full TLS record with its header. Looking for a whole record
/// after each would be in vain.
const READS_OF_A_RECORD: usize = 5;

/// A link inside TLS. The handshake goes on in whatever is called, and nothing of ours is sent before it is done.
///
/// An end without `close_notify` is an error ([`io::ErrorKind::UnexpectedEof`]), what is not TLS or not to be
/// trusted is [`io::ErrorKind::InvalidData`].
#[derive(Debug)]
pub struct TlsTransport<T: Transport> {
    link: T,
    tls: Connection,
    /// Ciphertext that was read and not yet looked at, from `fed` on.
    received: Vec<u8>,
    fed: usize,
    /// The handshake is done and both ends mean the same protocol.
    agreed: bool,
}

impl<T: Transport> TlsTransport<T> {
    /// Begins a handshake over `link`, or goes on with one.
    pub(super) fn new(link: T, mut tls: Connection) -> Self {
        tls.set_buffer_limit(Some(HELD));
        Self { link, tls, received: Vec::new(), fed: 0, agreed: false }
    }

    /// The state of TLS, to look at.
    #[cfg(test)]
    pub(super) fn tls(&self) -> &Connection {
        &self.tls
    }

    /// What is below TLS, to interfere with.
    #[cfg(test)]
    pub(super) fn below(&mut self) -> &mut T {
        &mut self.link
    }

    /// Looks at a handshake that may have ended.
    ///
    /// # Errors
    /// When the other end speaks another protocol inside.
    pub(super) fn agree(&mut self) -> io::Result<()> {
        if !self.agreed && !self.tls.is_handshaking() {
            if self.tls.alpn_protocol() != Some(ALPN) {
                self.tls.send_close_notify();
                // What is wrong with the link itself matters less than this.
                let _ = self.send();
                return Err(invalid(Error::NoApplicationProtocol));
            }
            self.agreed = true;
        }
        Ok(())
    }

    /// Writes out the ciphertext that is held.
    fn send(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut Ciphertext(&mut self.link)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads plaintext that is there; nothing when more ciphertext is needed for it.
    fn plaintext(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.tls.reader().read(buffer) {
            Ok(count) => Ok(Some(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads ciphertext when all that there was is used up.
    fn receive(&mut self) -> io::Result<()> {
        if self.fed < self.received.len() {
            return Ok(());
        }
        // What ended TLS once ends it for good.
        self.tls.writer().flush()?;
        self.fed = 0;
        self.received.resize(READ_AT_ONCE, 0);
        let read = loop {
            match self.link.read(&mut self.received) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            // Whoever closed in order would have said so: this end may be somebody else's work.
            Ok(0) => {
                self.received = Vec::new();
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(count) => {
                self.received.truncate(count);
                Ok(())
            }
            Err(error) => {
                // A link that is silent holds no memory.
                self.received = Vec::new();
                Err(error)
            }
        }
    }

    /// Decrypts some of what was received, about a TLS record.
    fn decrypt(&mut self) -> io::Result<()> {
        for round in 0..READS_OF_A_RECORD {
            let mut rest = &self.received[self.fed..];
            if rest.is_empty() {
                break;
            }
            match self.tls.read_tls(&mut rest) {
                Ok(count) => self.fed += count,
                Err(error) if round == 0 => return Err(error),
                // There may be a whole record now, or there is no room for more.
                Err(_) => break,
            }
        }
        if let Err(error) = self.tls.process_new_packets() {
            // The alert that says why; a link that does not take it is lost anyway.
            let _ = self.send();
            return Err(invalid(error));
        }
        Ok(())
    }

    /// Brings the handshake to its end.
    fn handshake(&mut self) -> io::Result<()> {
        loop {
            self.agree()?;
            if self.agreed {
                return Ok(());
            }
            // Should the link be broken for writing, what the other end said before may still be read.
            let _ = self.send();
            self.receive()?;
            self.decrypt()?;
        }
    }
}

impl<T: Transport> Transport for TlsTransport<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.handshake()?;
        loop {
            // Every edge leads here, so what was held back goes out now.
            let _ = self.send();
            if let Some(count) = self.plaintext(buffer)? {
                return Ok(count);
            }
            self.receive()?;
            self.decrypt()?;
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.handshake()?;
        self.send()?;
        let slices = &slices[..slices.len().min(SLICES)];
        let taken = self.tls.writer().write_vectored(slices)?;
        match self.send() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ if taken == 0 && slices.iter().any(|slice| !slice.is_empty()) => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()?;
        self.link.flush()
    }

    fn register(&mut self, readiness: Readiness<'_>) -> io::Result<()> {
        self.link.register(readiness)
    }

    fn channel_binding(&self) -> Vec<u8> {
        let exported = if self.agreed {
            self.tls.export_keying_material(vec![0; 32], CHANNEL_BINDING, Some(&[]))
        } else {
            Err(Error::HandshakeNotComplete)
        };
        // Without one, the other end expects a proof that this end cannot make.
        exported.unwrap_or_default()
    }

    fn peer(&self) -> Peer {
        self.link.peer()
    }
}

impl<T: Transport> Drop for TlsTransport<T> {
    fn drop(&mut self) {
        if self.agreed {
            self.tls.send_close_notify();
            // A link that takes no more ends without it, which the other end takes for lost.
            let _ = self.send();
        }
    }
}

/// What the other end did wrong. One that gives up for reasons of its own has done nothing.
fn invalid(error: Error) -> io::Error {
    let kind = match error {
        Error::AlertReceived(alert) if alert != AlertDescription::CloseNotify => io::ErrorKind::ConnectionAborted,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}

/// The link as rustls writes to it.
struct Ciphertext<'a, T>(&'a mut T);

impl<T: Transport> io::Write for Ciphertext<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
