//! Which hub to connect to, as the operator's URL says it.

use std::{fmt, str::FromStr};

use crate::types::{Code, Endpoint, EndpointError, HubKey, Scheme};

/// What a bare host means.
const ASSUMED: Scheme = Scheme::Tls;

/// A hub: a host, `host:port`, `[v6]:port`, or a URL, which may carry an invite and a pin:
/// `tls://host:9999?invite=CODE#sha256:HEX`.
///
/// ```
/// use securestream::client::hub_address::HubAddress;
///
/// let hub: HubAddress = "[::1]:4711".parse().unwrap();
/// assert_eq!(hub.to_string(), "tls://[::1]:4711");
/// let hub: HubAddress = "tls://hub.example.org?invite=abc".parse().unwrap();
/// assert_eq!(hub.to_string(), "tls://hub.example.org:9999", "without the invite, which is a secret");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubAddress {
    /// Where it is.
    pub endpoint: Endpoint,
    /// The code that lets a new member in.
    pub invite: Option<String>,
    /// The hub's key, from whoever gave the URL.
    pub pin: Option<HubKey>,
}

/// Why text is no address of a hub.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubAddressError {
    /// The host, port or path.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// What stands after `#`.
    #[error("a pin is sha256: and 64 hexadecimal digits")]
    Pin,
    /// What stands after `?`.
    #[error("an invite is ?invite= and a code")]
    Invite,
    /// A pin where no key is shown.
    #[error("only tls:// has a key to compare with a pin")]
    PinWithoutTls,
    /// Plain TCP beyond this machine.
    #[error("{0} is not on this machine, and plain TCP hides neither who talks to whom nor what is watched")]
    Plaintext(Endpoint),
}

impl HubAddressError {
    /// The code for events.
    #[must_use]
    pub fn code(&self) -> Code {
        Code::Usage
    }

    /// What to do instead.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Endpoint(error) => error.hint(),
            Self::Pin | Self::Invite => "copy the whole URL that the hub printed, in quotes".to_owned(),
            Self::PinWithoutTls => "connect with tls://, or leave out what begins with #".to_owned(),
            Self::Plaintext(_) => "connect with tls:// if the hub listens so, or add --insecure-plaintext if you trust every network in between".to_owned(),
        }
    }
}

impl HubAddress {
    /// What a hub is called among those whose keys are known: `host:port`. Only a link with TLS shows a key.
    #[must_use]
    pub fn known_as(&self) -> Option<String> {
        match &self.endpoint {
            Endpoint::Tls { host, port } if host.contains(':') => Some(format!("[{host}]:{port}")),
            Endpoint::Tls { host, port } => Some(format!("{}:{port}", host.to_lowercase())),
            Endpoint::Tcp { .. } | Endpoint::Unix(_) => None,
        }
    }

    /// Whether this version can go there; plain TCP beyond this machine only when `plaintext` is allowed.
    pub fn check(&self, plaintext: bool) -> Result<(), HubAddressError> {
        let is_tls = matches!(self.endpoint, Endpoint::Tls { .. });
        if self.pin.is_some() && !is_tls {
            return Err(HubAddressError::PinWithoutTls);
        }
        if !plaintext && !is_tls && !self.endpoint.is_local() {
            return Err(HubAddressError::Plaintext(self.endpoint.clone()));
        }
        Ok(())
    }
}

impl FromStr for HubAddress {
    type Err = HubAddressError;

    fn from_str(text: &str) -> Result<Self, HubAddressError> {
        if text.starts_with("unix:") {
            // A path may hold any character, so nothing can follow it.
            return Ok(Self { endpoint: Endpoint::parse(text, ASSUMED)?, invite: None, pin: None });
        }
        let (text, pin) = match text.split_once('#') {
            Some((before, pin)) => (before, Some(read_pin(pin)?)),
            None => (text, None),
        };
        let (text, invite) = match text.split_once('?') {
            Some((before, query)) => (before, Some(read_invite(query)?)),
            None => (text, None),
        };
        Ok(Self { endpoint: Endpoint::parse(text, ASSUMED)?, invite, pin })
    }
}

fn read_invite(query: &str) -> Result<String, HubAddressError> {
    let code = query.strip_prefix("invite=").ok_or(HubAddressError::Invite)?;
    let fits = (1..=128).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits { Ok(code.to_owned()) } else { Err(HubAddressError::Invite) }
}

fn read_pin(fragment: &str) -> Result<HubKey, HubAddressError> {
    let digits = fragment.strip_prefix("sha256:").ok_or(HubAddressError::Pin)?;
    digits.parse().map_err(|_| HubAddressError::Pin)
}

impl fmt::Display for HubAddress {
    /// The address without its invite, which is a secret: fit for events and logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_url_is_read_and_shown_without_its_secret() {
        let address: HubAddress =
            format!("tls://hub.example.org:9999?invite=AB-12#sha256:{}", "0f".repeat(32)).parse().unwrap();
        assert_eq!(address.endpoint, Endpoint::Tls { host: "hub.example.org".into(), port: 9999 });
        assert_eq!(address.invite.as_deref(), Some("AB-12"));
        assert_eq!(address.pin, Some(HubKey([0x0f; 32])));
        assert_eq!(address.to_string(), "tls://hub.example.org:9999");
    }

    #[test]
    fn a_bare_host_means_tls() {
        let address: HubAddress = "Localhost".parse().unwrap();
        assert_eq!(address.to_string(), "tls://Localhost:9999");
        assert_eq!(address.known_as().as_deref(), Some("localhost:9999"));
        assert_eq!("[::1]:7".parse::<HubAddress>().unwrap().known_as().as_deref(), Some("[::1]:7"));
        assert_eq!("tcp://localhost".parse::<HubAddress>().unwrap().known_as(), None);
    }

    #[test]
    fn what_this_version_cannot_do_says_so() {
        let check = |text: &str| text.parse::<HubAddress>().unwrap().check(false).unwrap_err();
        assert_eq!(check(&format!("tcp://localhost#sha256:{}", "00".repeat(32))), HubAddressError::PinWithoutTls);
        assert_eq!("localhost?invite=x".parse::<HubAddress>().unwrap().check(false), Ok(()));
        assert_eq!(format!("h#sha256:{}", "00".repeat(32)).parse::<HubAddress>().unwrap().check(false), Ok(()));
        let far = check("tcp://example.org");
        assert!(far.hint().contains("--insecure-plaintext"), "{far}");
        assert_eq!("tcp://example.org".parse::<HubAddress>().unwrap().check(true), Ok(()));
    }

    #[test]
    fn damaged_urls_are_refused() {
        let refused = [
            ("h#sha256:00", HubAddressError::Pin),
            (&format!("h#sha256:{}", "é".repeat(32)), HubAddressError::Pin),
            ("h#md5:00", HubAddressError::Pin),
            ("h?x=1", HubAddressError::Invite),
            ("h?invite=", HubAddressError::Invite),
            ("h?invite=a b", HubAddressError::Invite),
        ];
        for (text, error) in refused {
            assert!(!error.hint().is_empty());
            assert_eq!(text.parse::<HubAddress>(), Err(error), "{text}");
        }
        assert!("".parse::<HubAddress>().is_err());
    }

    #[test]
    fn a_socket_path_may_hold_any_character() {
        let address: HubAddress = "unix:/tmp/a?b#c".parse().unwrap();
        assert_eq!(address.endpoint, Endpoint::Unix("/tmp/a?b#c".into()));
    }
}
