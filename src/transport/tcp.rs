//! Links over TCP, without protection of their own.

use std::{
    io,
    net::{SocketAddr, TcpStream as StdStream, ToSocketAddrs},
    time::Duration,
};

use mio::{
    Interest,
    net::{TcpListener, TcpStream},
};
use socket2::{Domain, Protocol, Socket, Type};

use super::{Listener, Readiness, SocketTransport, Transport};
use crate::types::Peer;

/// Links that wait to be accepted; more are refused by the kernel and try again.
const BACKLOG: i32 = 1024;

/// Bytes that the kernel may hold unsent: a chat record waits behind these, whatever the outbox does.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 16 * 1024;

/// "Address family not supported by protocol", which [`io::ErrorKind`] has no word for.
#[cfg(any(target_os = "linux", target_os = "android"))]
const EAFNOSUPPORT: i32 = 97;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const EAFNOSUPPORT: i32 = 47;

/// How long one address may take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One end of a TCP link.
pub type TcpTransport = SocketTransport<TcpStream>;

fn transport(stream: TcpStream, peer: SocketAddr) -> io::Result<TcpTransport> {
    // Records are written whole: waiting for more would only delay them.
    stream.set_nodelay(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT)?;
    Ok(SocketTransport::new(stream, Peer::remote(peer)))
}

/// Connects to the first of the addresses of `host` that answers; blocks meanwhile.
///
/// # Errors
/// What the last address said, when none answers.
pub fn connect(host: &str, port: u16) -> io::Result<TcpTransport> {
    let (stream, peer) = dial(host, port)?;
    transport_over(stream, peer)
}

/// As [`connect`], for whoever has something to say first: the stream blocks.
pub(super) fn dial(host: &str, port: u16) -> io::Result<(StdStream, SocketAddr)> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match StdStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok((stream, address)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A link over a stream that is connected.
pub(super) fn transport_over(stream: StdStream, peer: SocketAddr) -> io::Result<TcpTransport> {
    stream.set_nonblocking(true)?;
    transport(TcpStream::from_std(stream), peer)
}

/// Where TCP links come in.
#[derive(Debug)]
pub struct TcpLinks {
    listener: TcpListener,
    port: u16,
}

/// Listens on the first address of `host`; port 0 picks a free port.
///
/// # Errors
/// When the host has no address here or the port is taken.
pub fn listen(host: &str, port: u16) -> io::Result<TcpLinks> {
    let address = (host, port).to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    listen_on(address, true)
}

/// Listens on every address of this machine: of both families, or of version 4 where the machine has no other.
///
/// # Errors
/// When the port is taken.
pub fn listen_everywhere(port: u16) -> io::Result<TcpLinks> {
    match listen_on(SocketAddr::from(([0_u16; 8], port)), false) {
        Err(error) if is_without_v6(&error) => listen_on(SocketAddr::from(([0_u8; 4], port)), true),
        listening => listening,
    }
}

/// Whether the system has no version 6, or has switched it off.
fn is_without_v6(error: &io::Error) -> bool {
    error.raw_os_error() == Some(EAFNOSUPPORT) || error.kind() == io::ErrorKind::AddrNotAvailable
}

fn listen_on(address: SocketAddr, one_family: bool) -> io::Result<TcpLinks> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(one_family)?;
    }
    // A hub that starts again takes its port again, though old links still linger.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let listener = TcpListener::from_std(socket.into());
    let port = listener.local_addr()?.port();
    Ok(TcpLinks { listener, port })
}

impl Listener for TcpLinks {
    fn accept(&mut self) -> io::Result<Box<dyn Transport>> {
        let (stream, peer) = self.listener.accept()?;
        Ok(Box::new(transport(stream, peer)?))
    }

    fn register(&mut self, readiness: Readiness<'_>) -> io::Result<()> {
        readiness.registry.register(&mut self.listener, readiness.token, Interest::READABLE)
    }

    fn port(&self) -> Option<u16> {
        Some(self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_machine_without_version_6_makes_do_with_version_4() {
        assert!(is_without_v6(&io::Error::from_raw_os_error(EAFNOSUPPORT)));
        assert!(is_without_v6(&io::ErrorKind::AddrNotAvailable.into()));
        assert!(!is_without_v6(&io::ErrorKind::AddrInUse.into()));
        let everywhere = listen_everywhere(0).unwrap();
        let port = everywhere.port().unwrap();
        assert!(connect("127.0.0.1", port).is_ok(), "version 4 in any case");
    }
}
