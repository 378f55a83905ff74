//! A link of a given rate, as a process between hub and member would be: what the hub sends passes at that rate, and
//! little of it waits on the way, so that the hub feels it.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use socket2::{Domain, SockRef, Socket, Type};

/// Bytes that are passed on at once: 13 ms at 1 Mb/s.
const CHUNK: usize = 1600;

/// Bytes that the system may hold on either side, which doubles it: a router with a short queue. What a long queue adds to
/// every message is the network's, whoever sends.
const HELD: usize = 8 * 1024;

/// Bytes of a segment, as over Ethernet: those of loopback are larger than what may be held.
const SEGMENT: u32 = 1448;

/// A shaper in front of a hub. Its threads end with their links.
pub(crate) struct Shaper {
    /// What a member connects to.
    pub url: String,
    rate: Arc<AtomicU64>,
    carried: Arc<AtomicU64>,
}

impl Shaper {
    /// In front of the hub of a URL, at so many bits a second.
    pub(crate) fn start(url: &str, rate: u64) -> Self {
        let (scheme, rest) = url.split_once("://").expect("a URL");
        let (hub, pin) = rest.split_once('#').map_or((rest, None), |(hub, pin)| (hub, Some(pin)));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        SockRef::from(&listener).set_tcp_mss(SEGMENT).expect("an option");
        let port = listener.local_addr().expect("a port").port();
        let pin = pin.map_or_else(String::new, |pin| format!("#{pin}"));
        let shaper = Self {
            url: format!("{scheme}://127.0.0.1:{port}{pin}"),
            rate: Arc::new(AtomicU64::new(rate)),
            carried: Arc::default(),
        };
        let (hub, rate, carried) = (hub.to_owned(), Arc::clone(&shaper.rate), Arc::clone(&shaper.carried));
        thread::spawn(move || {
            for member in listener.incoming().flatten() {
                let hub = connect(&hub);
                carry(&hub, &member, &rate, &carried);
            }
        });
        shaper
    }

    /// From now on, in bits a second.
    pub(crate) fn set_rate(&self, rate: u64) {
        self.rate.store(rate, Ordering::Relaxed);
    }

    /// Bytes that the hub sent through it so far.
    pub(crate) fn carried(&self) -> u64 {
        self.carried.load(Ordering::Relaxed)
    }
}

/// To the hub, over what is to be narrow from the first byte on.
fn connect(hub: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_tcp_mss(SEGMENT).expect("an option");
    socket.set_recv_buffer_size(HELD).expect("an option");
    let hub: std::net::SocketAddr = hub.parse().expect("an address");
    socket.connect(&hub.into()).expect("the hub listens");
    socket.into()
}

fn carry(hub: &TcpStream, member: &TcpStream, rate: &Arc<AtomicU64>, carried: &Arc<AtomicU64>) {
    for link in [hub, member] {
        link.set_nodelay(true).expect("an option");
        SockRef::from(link).set_recv_buffer_size(HELD).expect("an option");
        SockRef::from(link).set_send_buffer_size(HELD).expect("an option");
    }
    let both = || (hub.try_clone().expect("a handle"), member.try_clone().expect("a handle"));
    let (hub_out, member_in) = both();
    thread::spawn(move || {
        let _ = std::io::copy(&mut &member_in, &mut &hub_out);
        let _ = hub_out.shutdown(Shutdown::Both);
    });
    let (hub_in, member_out) = both();
    let (rate, carried) = (Arc::clone(rate), Arc::clone(carried));
    thread::spawn(move || {
        let _ = shape(&hub_in, &member_out, &rate, &carried);
        let _ = member_out.shutdown(Shutdown::Both);
    });
}

fn shape(mut from: &TcpStream, mut to: &TcpStream, rate: &AtomicU64, carried: &AtomicU64) -> std::io::Result<()> {
    let mut buffer = [0; CHUNK];
    let mut free_at = Instant::now();
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        // A link that was idle does not catch up.
        let now = Instant::now();
        free_at = free_at.max(now) + Duration::from_secs_f64(count as f64 * 8.0 / rate.load(Ordering::Relaxed) as f64);
        thread::sleep(free_at - now);
        to.write_all(buffer.get(..count).unwrap_or_default())?;
        carried.fetch_add(count as u64, Ordering::Relaxed);
    }
}
