//! Where a hub is reached and where it listens, as URLs say it.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    path::PathBuf,
    str::FromStr,
};

/// The port that is meant when none is given.
pub const DEFAULT_PORT: u16 = 9999;

/// Longest path of a Unix socket in bytes: `sun_path` has 108 with its final zero
/// ([unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)).
const MAX_SOCKET_PATH: usize = 107;

/// Where a hub is reached.
///
/// ```
/// use securestream::types::{Endpoint, Scheme};
/// let endpoint = Endpoint::parse("localhost", Scheme::Tcp).unwrap();
/// assert_eq!(endpoint.to_string(), "tcp://localhost:9999");
/// assert!(endpoint.is_local());
/// ```
///
/// Shown as the URL that it is read from; a version 6 address stands without its
/// brackets in `host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// TCP with TLS: `tls://host:port`.
    Tls { host: String, port: u16 },
    /// Plain TCP: `tcp://host:port`. Whoever is in between sees all but what is sealed.
    Tcp { host: String, port: u16 },
    /// A Unix stream socket: `unix:/path`.
    Unix(PathBuf),
}

/// Where a hub listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// TCP with TLS.
    Tls { host: ListenHost, port: u16 },
    /// Plain TCP.
    Tcp { host: ListenHost, port: u16 },
    /// A Unix stream socket.
    Unix(PathBuf),
}

/// The host part of a listener; port 0 beside it picks a free port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenHost {
    /// `*`: every address of this machine, in both families.
    Any,
    /// One name or address.
    Named(String),
}

/// Why text is no endpoint. The text is fit to be shown to whoever typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    #[error("there is no address")]
    Empty,
    #[error("\"{0}\" is no kind of address here")]
    Scheme(String),
    #[error("an address to listen on begins with its kind")]
    NoScheme,
    #[error("\"{0}\" is no host name and no address")]
    Host(String),
    #[error("\"{0}\" is no port: ports are 0 to 65535")]
    Port(String),
    #[error("a version 6 address stands in brackets")]
    BareV6(Ipv6Addr),
    #[error("\"{0}\" does not belong into this address")]
    Surplus(String),
    #[error("the path of a socket begins with /")]
    RelativePath,
    #[error("the path of a socket has at most {MAX_SOCKET_PATH} bytes")]
    PathTooLong,
}

impl EndpointError {
    /// What to write instead.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::BareV6(address) => format!("write [{address}]:{DEFAULT_PORT}"),
            Self::RelativePath | Self::PathTooLong => "write unix:/run/securestream.sock".to_owned(),
            Self::NoScheme | Self::Scheme(_) => {
                format!("write tcp://127.0.0.1:{DEFAULT_PORT}, tls://host:{DEFAULT_PORT} or unix:/path")
            }
            Self::Empty | Self::Host(_) | Self::Port(_) | Self::Surplus(_) => {
                format!("write host:{DEFAULT_PORT}, [::1]:{DEFAULT_PORT} or unix:/path")
            }
        }
    }
}

/// How a URL begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Tls,
    Tcp,
    Unix,
}

impl Endpoint {
    /// Reads a URL, or a bare host with or without a port, to which `assumed` then applies.
    pub fn parse(text: &str, assumed: Scheme) -> Result<Self, EndpointError> {
        let (scheme, rest) = split_scheme(text)?;
        match scheme.unwrap_or(assumed) {
            Scheme::Unix => socket_path(rest).map(Self::Unix),
            Scheme::Tls => host_and_port(rest).map(|(host, port)| Self::Tls { host, port }),
            Scheme::Tcp => host_and_port(rest).map(|(host, port)| Self::Tcp { host, port }),
        }
    }

    /// Whether what is sent there stays on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tls { host, .. } | Self::Tcp { host, .. } => is_loopback(host),
        }
    }
}

impl FromStr for ListenAddress {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let (scheme, rest) = split_scheme(text)?;
        let scheme = scheme.ok_or(EndpointError::NoScheme)?;
        if scheme == Scheme::Unix {
            return socket_path(rest).map(Self::Unix);
        }
        let (host, port) = match rest.trim_end_matches('/') {
            "*" => (ListenHost::Any, DEFAULT_PORT),
            any if any.starts_with("*:") => (ListenHost::Any, port(&any[2..])?),
            named => host_and_port(named).map(|(host, port)| (ListenHost::Named(host), port))?,
        };
        Ok(if scheme == Scheme::Tls { Self::Tls { host, port } } else { Self::Tcp { host, port } })
    }
}

impl ListenAddress {
    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tls { host: ListenHost::Named(host), .. } | Self::Tcp { host: ListenHost::Named(host), .. } => {
                is_loopback(host)
            }
            Self::Tls { host: ListenHost::Any, .. } | Self::Tcp { host: ListenHost::Any, .. } => false,
        }
    }
}

fn split_scheme(text: &str) -> Result<(Option<Scheme>, &str), EndpointError> {
    if text.is_empty() {
        return Err(EndpointError::Empty);
    }
    if let Some(path) = text.strip_prefix("unix:") {
        return Ok((Some(Scheme::Unix), path));
    }
    let Some((scheme, rest)) = text.split_once("://") else { return Ok((None, text)) };
    match scheme.to_ascii_lowercase().as_str() {
        "tls" => Ok((Some(Scheme::Tls), rest)),
        "tcp" => Ok((Some(Scheme::Tcp), rest)),
        _ => Err(EndpointError::Scheme(scheme.to_owned())),
    }
}

fn socket_path(rest: &str) -> Result<PathBuf, EndpointError> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err(EndpointError::RelativePath);
    }
    if path.len() > MAX_SOCKET_PATH {
        return Err(EndpointError::PathTooLong);
    }
    Ok(path.into())
}

fn host_and_port(rest: &str) -> Result<(String, u16), EndpointError> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if let Ok(address) = rest.parse() {
        return Err(EndpointError::BareV6(address));
    }
    let (host, after) = if let Some(bracketed) = rest.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']').ok_or_else(|| EndpointError::Host(rest.to_owned()))?;
        address.parse::<Ipv6Addr>().map_err(|_| EndpointError::Host(address.to_owned()))?;
        (address, after)
    } else {
        let end = rest.find([':', '/', '?', '#', '@']).unwrap_or(rest.len());
        let (host, after) = rest.split_at(end);
        if !is_host(host) {
            return Err(EndpointError::Host(host.to_owned()));
        }
        (host, after)
    };
    match after.strip_prefix(':') {
        Some(digits) => Ok((host.to_owned(), port(digits)?)),
        None if after.is_empty() => Ok((host.to_owned(), DEFAULT_PORT)),
        None => Err(EndpointError::Surplus(after.to_owned())),
    }
}

fn port(digits: &str) -> Result<u16, EndpointError> {
    let refused = || EndpointError::Port(digits.to_owned());
    if digits.starts_with('+') {
        return Err(refused());
    }
    digits.parse().map_err(|_| refused())
}

fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 253
        && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
        && !host.starts_with('-')
}

fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls { host, port } => write_url(f, "tls", host, *port),
            Self::Tcp { host, port } => write_url(f, "tcp", host, *port),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |host: &ListenHost| match host {
            ListenHost::Any => "*".to_owned(),
            ListenHost::Named(name) => name.clone(),
        };
        match self {
            Self::Tls { host, port } => write_url(f, "tls", &name(host), *port),
            Self::Tcp { host, port } => write_url(f, "tcp", &name(host), *port),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

fn write_url(f: &mut fmt::Formatter<'_>, scheme: &str, host: &str, port: u16) -> fmt::Result {
    if host.contains(':') { write!(f, "{scheme}://[{host}]:{port}") } else { write!(f, "{scheme}://{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Endpoint {
        Endpoint::Tcp { host: host.to_owned(), port }
    }

    fn parse(text: &str) -> Result<Endpoint, EndpointError> {
        Endpoint::parse(text, Scheme::Tcp)
    }

    #[test]
    fn every_form_of_an_address_is_read() {
        assert_eq!(parse("example.org").unwrap(), tcp("example.org", 9999));
        assert_eq!(parse("127.0.0.1:7").unwrap(), tcp("127.0.0.1", 7));
        assert_eq!(parse("[::1]:7").unwrap(), tcp("::1", 7));
        assert_eq!(parse("[::1]").unwrap(), tcp("::1", 9999));
        assert_eq!(parse("TCP://h:1/").unwrap(), tcp("h", 1));
        assert_eq!(parse("tls://h"), Ok(Endpoint::Tls { host: "h".into(), port: 9999 }));
        assert_eq!(parse("unix:/a/b"), Ok(Endpoint::Unix("/a/b".into())));
        assert_eq!(parse("unix:///a/b"), Ok(Endpoint::Unix("/a/b".into())));
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_hint() {
        use EndpointError as E;
        let refused = [
            ("", E::Empty),
            ("http://h", E::Scheme("http".into())),
            ("::1", E::BareV6(Ipv6Addr::LOCALHOST)),
            ("h:99999", E::Port("99999".into())),
            ("h:", E::Port(String::new())),
            ("h:+1", E::Port("+1".into())),
            ("[zz]:1", E::Host("zz".into())),
            ("tcp://me@h", E::Surplus("@h".into())),
            ("tcp://h/path", E::Surplus("/path".into())),
            ("*:1", E::Host("*".into())),
            ("a b", E::Host("a b".into())),
            ("unix:a", E::RelativePath),
        ];
        for (text, error) in refused {
            assert!(!error.hint().is_empty() && !error.to_string().is_empty());
            assert_eq!(parse(text), Err(error), "{text}");
        }
        assert_eq!(parse(&format!("unix:/{}", "p".repeat(107))), Err(E::PathTooLong));
    }

    #[test]
    fn a_listener_says_its_kind_and_may_be_any_host() {
        let listen = str::parse::<ListenAddress>;
        assert_eq!(listen("tcp://*:0"), Ok(ListenAddress::Tcp { host: ListenHost::Any, port: 0 }));
        assert_eq!(listen("tls://*"), Ok(ListenAddress::Tls { host: ListenHost::Any, port: 9999 }));
        assert_eq!(listen("127.0.0.1:1"), Err(EndpointError::NoScheme));
        for (text, local) in [
            ("tcp://127.3.2.1:1", true),
            ("tcp://[::1]:1", true),
            ("tcp://localhost:1", true),
            ("unix:/s", true),
            ("tcp://*:1", false),
            ("tcp://0.0.0.0:1", false),
            ("tls://example.org:1", false),
        ] {
            assert_eq!(listen(text).unwrap().is_local(), local, "{text}");
            assert_eq!(listen(text).unwrap().to_string(), text);
        }
    }
}
