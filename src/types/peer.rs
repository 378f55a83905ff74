//! The other end of a link, as the hub knows it before a word is said.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

/// Where a link comes from: for the operator's eyes, and to count what comes from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    shown: String,
    address: Option<IpAddr>,
    local: bool,
}

impl Peer {
    /// The other end of a link over a network. An address of version 4 in the form of version 6 counts as what it is.
    #[must_use]
    pub fn remote(address: SocketAddr) -> Self {
        let ip = address.ip().to_canonical();
        Self { shown: SocketAddr::new(ip, address.port()).to_string(), address: Some(ip), local: ip.is_loopback() }
    }

    /// An end on this machine that has no address.
    #[must_use]
    pub fn local(shown: &str) -> Self {
        Self { shown: shown.to_owned(), address: None, local: true }
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.local
    }

    /// What it is counted with.
    #[must_use]
    pub fn source(&self) -> Source {
        match self.address {
            None => Source::Machine,
            Some(IpAddr::V4(address)) => Source::V4(address.to_bits()),
            // The lower 64 bits are chosen by the host itself (RFC 4291 §2.5.1, RFC 8981).
            Some(IpAddr::V6(address)) => Source::V6((address.to_bits() >> 64) as u64),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// What links are counted by: an address of version 4, a network of version 6 (/64, which one host may fill as it
/// likes), or this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    Machine,
    V4(u32),
    /// The upper 64 bits.
    V6(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> Peer {
        Peer::remote(address.parse().unwrap())
    }

    #[test]
    fn a_host_is_one_source_however_its_address_is_written() {
        let same = [
            ("192.0.2.1:1", "192.0.2.1:2"),
            ("192.0.2.1:1", "[::ffff:192.0.2.1]:2"),
            ("[2001:db8:0:1::1]:1", "[2001:db8:0:1:ffff::2]:2"),
        ];
        for (one, other) in same {
            assert_eq!(peer(one).source(), peer(other).source(), "{one} {other}");
        }
        for (one, other) in [("192.0.2.1:1", "192.0.2.2:1"), ("[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1")] {
            assert_ne!(peer(one).source(), peer(other).source(), "{one} {other}");
        }
    }

    #[test]
    fn loopback_is_local_in_every_form() {
        for local in ["127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(peer(local).is_local(), "{local}");
        }
        assert!(Peer::local("unix").is_local());
        for remote in ["192.0.2.1:1", "10.0.0.1:1", "[fe80::1]:1", "[2001:db8::1]:1"] {
            assert!(!peer(remote).is_local(), "{remote}");
        }
        assert_eq!(peer("[::ffff:192.0.2.1]:7").to_string(), "192.0.2.1:7");
    }
}
