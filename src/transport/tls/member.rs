//! The member's end of TLS.

use std::{io, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, ClientConnection, Connection, RootCertStore,
    client::{Resumption, WebPkiServerVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    time_provider::TimeProvider,
    version::TLS13,
};

use super::{
    ALPN, KeyExchange, TlsTransport, provider,
    verifier::{HubVerifier, Shown, Wanted},
};
use crate::{transport::Transport, types::HubKey};

/// Which hubs a member accepts.
#[derive(Clone, Debug)]
pub enum HubTrust {
    /// One with this key. Names and dates of its certificate mean nothing.
    Key(HubKey),
    /// Whichever answers. See its key by [`MemberTls::shown`].
    Any,
    /// None: the link ends in the handshake. See the key by [`MemberTls::shown`].
    Nothing,
    /// One whose certificate these authorities vouch for, by name and date, with this key if one is given.
    Authorities { roots: Vec<CertificateDer<'static>>, key: Option<HubKey> },
}

/// How a member does TLS towards one hub: without resumption, early data or a certificate of its own.
#[derive(Clone, Debug)]
pub struct MemberTls {
    config: Arc<ClientConfig>,
    shown: Shown,
    /// Only authorities care what a hub is called.
    by_name: bool,
}

impl MemberTls {
    /// TLS towards a hub that is trusted like this. `unix_millis` is asked only for authorities, whose certificates
    /// have dates.
    ///
    /// # Errors
    /// When what stands for an authority is none.
    pub fn new(trust: HubTrust, key_exchange: KeyExchange, unix_millis: fn() -> u64) -> Result<Self, rustls::Error> {
        Self::with_provider(trust, provider(key_exchange), unix_millis)
    }

    pub(super) fn with_provider(
        trust: HubTrust,
        provider: Arc<CryptoProvider>,
        unix_millis: fn() -> u64,
    ) -> Result<Self, rustls::Error> {
        let by_name = matches!(trust, HubTrust::Authorities { .. });
        let wanted = match trust {
            HubTrust::Any => Wanted::Any,
            HubTrust::Nothing => Wanted::Nothing,
            HubTrust::Key(key) => Wanted::Key(key),
            HubTrust::Authorities { roots, key } => {
                let mut store = RootCertStore::empty();
                for root in roots {
                    store.add(root)?;
                }
                let built = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider)).build();
                Wanted::Vouched(built.map_err(|error| rustls::Error::General(error.to_string()))?, key)
            }
        };
        let shown = Shown::default();
        let verifier = HubVerifier { wanted, provider: Arc::clone(&provider), shown: shown.clone() };
        let mut config = ClientConfig::builder_with_details(provider, Arc::new(Calendar(unix_millis)))
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        // Who listens learns the hub's address anyway, but need not learn its name.
        config.enable_sni = by_name;
        Ok(Self { config: Arc::new(config), shown, by_name })
    }

    /// The key of the hub that answered last, accepted or not.
    #[must_use]
    pub fn shown(&self) -> Option<HubKey> {
        self.shown.key()
    }

    /// The member's end of TLS over `link` to the hub at `host`.
    ///
    /// # Errors
    /// When `host` cannot stand in a certificate.
    pub fn wrap<T: Transport>(&self, link: T, host: &str) -> io::Result<TlsTransport<T>> {
        Ok(TlsTransport::new(link, Connection::Client(self.begin(host)?)))
    }

    pub(super) fn begin(&self, host: &str) -> io::Result<ClientConnection> {
        let host = if self.by_name { host } else { "securestream.invalid" };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)
    }
}

/// What day it is, by the caller's clock.
#[derive(Debug)]
struct Calendar(fn() -> u64);

impl TimeProvider for Calendar {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis((self.0)())))
    }
}
