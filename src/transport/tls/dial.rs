//! Connecting to a hub over TCP and TLS, up to the end of the handshake.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use rustls::{AlertDescription, CertificateError, Connection, Error};

use super::{MemberTls, TlsTransport};
use crate::{
    transport::tcp::{self, TcpTransport},
    types::HubKey,
};

/// How long a handshake may take, and by which clock.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub until: Instant,
    pub now: fn() -> Instant,
}

/// Why there is no link to a hub.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Nobody answers.
    #[error(transparent)]
    Tcp(io::Error),
    /// Somebody answers with something else than TLS.
    #[error("it does not speak TLS")]
    NotTls,
    /// Somebody hangs up without an answer: a hub that refuses this link does so, as does one without TLS.
    #[error("it hung up before the handshake was over")]
    HungUp,
    /// Somebody answers and says nothing.
    #[error("it does not answer in time")]
    Silent,
    /// It speaks TLS, but not this protocol inside.
    #[error("it speaks TLS, but not the protocol of a hub")]
    NotAHub,
    /// Both ends speak TLS and cannot agree how.
    #[error("no way to exchange keys that both ends want")]
    NothingInCommon,
    /// Its key is not the one that was wanted.
    #[error("it shows another key")]
    Key { shown: HubKey },
    /// The authorities do not vouch for it.
    #[error("its certificate will not do: {0}")]
    Certificate(CertificateError),
    /// The host cannot stand in a certificate.
    #[error("no certificate can have this name: {0}")]
    Name(io::Error),
    /// The handshake failed in another way.
    #[error("the handshake failed: {0}")]
    Handshake(io::Error),
}

impl MemberTls {
    /// Connects to a hub and does the handshake; blocks meanwhile. Nothing of ours has been sent when this returns.
    ///
    /// # Errors
    /// See [`DialError`].
    pub fn connect(&self, host: &str, port: u16, patience: Patience) -> Result<TlsTransport<TcpTransport>, DialError> {
        let mut tls = self.begin(host).map_err(DialError::Name)?;
        let (stream, peer) = tcp::dial(host, port).map_err(DialError::Tcp)?;
        let mut timed = Timed { stream: &stream, patience };
        while tls.is_handshaking() || tls.wants_write() {
            tls.complete_io(&mut timed).map_err(|error| self.why(error))?;
        }
        let link = tcp::transport_over(stream, peer).map_err(DialError::Tcp)?;
        let mut link = TlsTransport::new(link, Connection::Client(tls));
        link.agree().map_err(|_| DialError::NotAHub)?;
        Ok(link)
    }

    fn why(&self, error: io::Error) -> DialError {
        let tls_error = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match (tls_error, error.kind()) {
            (Some(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)), _) => {
                self.shown().map_or(DialError::NotAHub, |shown| DialError::Key { shown })
            }
            (Some(Error::InvalidCertificate(problem)), _) => DialError::Certificate(problem.clone()),
            (Some(Error::InvalidMessage(_)), _) => DialError::NotTls,
            (Some(Error::AlertReceived(AlertDescription::HandshakeFailure)), _) => DialError::NothingInCommon,
            (Some(Error::AlertReceived(AlertDescription::NoApplicationProtocol)), _) => DialError::NotAHub,
            (Some(_), _) => DialError::Handshake(error),
            (None, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => DialError::Silent,
            (
                None,
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe,
            ) => DialError::HungUp,
            (None, _) => DialError::Tcp(error),
        }
    }
}

/// A socket whose every wait ends in time.
struct Timed<'a> {
    stream: &'a TcpStream,
    patience: Patience,
}

impl Timed<'_> {
    /// # Errors
    /// When the time is over.
    fn left(&self) -> io::Result<Duration> {
        let left = self.patience.until.saturating_duration_since((self.patience.now)());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        let mut stream = self.stream;
        stream.read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        let mut stream = self.stream;
        stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
