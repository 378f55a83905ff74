//! A link that carries no more than a test says, and waits no longer than a link does.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use securestream::transport::{Transport, tcp};
use socket2::{Domain, Socket, Type};

use crate::hub::TestHub;

/// Bytes that the system holds before the narrow part: what a router holds, and not what a file takes.
const QUEUE: usize = 16 * 1024;

/// Bytes that pass at once.
const PIECE: usize = 2 * 1024;

/// The narrow part of a link from a hub.
#[derive(Clone)]
pub(crate) struct Narrow(Arc<AtomicU64>);

impl Narrow {
    /// A TCP link to a hub over which so many bits a second come from it.
    pub(crate) fn link(hub: &TestHub, rate: u64) -> (Self, Box<dyn Transport>) {
        let narrow = Self(Arc::new(AtomicU64::new(rate)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let near = tcp::connect("127.0.0.1", port).unwrap();
        let (member, _) = listener.accept().unwrap();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(QUEUE).unwrap();
        socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, hub.port())).into()).unwrap();
        let hub: TcpStream = socket.into();
        let (from_member, to_hub) = (member.try_clone().unwrap(), hub.try_clone().unwrap());
        thread::spawn(move || pass(from_member, to_hub, |_| {}));
        let pacer = narrow.clone();
        thread::spawn(move || {
            let mut free_at = Instant::now();
            pass(hub, member, |bytes| {
                let rate = pacer.0.load(Ordering::Relaxed);
                free_at = free_at.max(Instant::now()) + Duration::from_micros(bytes as u64 * 8_000_000 / rate);
                thread::sleep(free_at.saturating_duration_since(Instant::now()));
            });
        });
        (narrow, Box::new(near))
    }

    /// From now on so many bits a second pass.
    pub(crate) fn set(&self, rate: u64) {
        self.0.store(rate, Ordering::Relaxed);
    }
}

/// Hands on what comes, once each piece has taken its time, until either end closes.
fn pass(mut from: TcpStream, mut to: TcpStream, mut takes: impl FnMut(usize)) {
    let mut buffer = [0; PIECE];
    while let Ok(count) = from.read(&mut buffer)
        && count > 0
    {
        takes(count);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // Either may be closed already.
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Write));
}
