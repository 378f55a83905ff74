//! The hub's end of TLS.

use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{Connection, ServerConfig, ServerConnection, server::NoServerSessionStorage, version::TLS13};

use super::{ALPN, HubCertificate, KeyExchange, TlsTransport, provider};
use crate::transport::{Listener, Readiness, Transport};

/// How a hub does TLS: with one certificate, without tickets, resumption, early data or client certificates. Clones
/// have the same certificate, also when it is replaced.
#[derive(Clone, Debug)]
pub struct HubTls {
    config: Arc<RwLock<Arc<ServerConfig>>>,
    key_exchange: KeyExchange,
}

impl HubTls {
    /// TLS with this certificate.
    ///
    /// # Errors
    /// When TLS cannot use the key.
    pub fn new(certificate: &HubCertificate, key_exchange: KeyExchange) -> Result<Self, rustls::Error> {
        Ok(Self::with(Self::config(certificate, key_exchange)?, key_exchange))
    }

    /// Shows another certificate to those who connect from now on.
    ///
    /// # Errors
    /// When TLS cannot use the key; nothing changes then.
    pub fn replace(&self, certificate: &HubCertificate) -> Result<(), rustls::Error> {
        let config = Self::config(certificate, self.key_exchange)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        Ok(())
    }

    pub(super) fn with(config: ServerConfig, key_exchange: KeyExchange) -> Self {
        Self { config: Arc::new(RwLock::new(Arc::new(config))), key_exchange }
    }

    fn config(certificate: &HubCertificate, key_exchange: KeyExchange) -> Result<ServerConfig, rustls::Error> {
        let config = ServerConfig::builder_with_provider(provider(key_exchange))
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(certificate.chain().to_vec(), certificate.private_key())?;
        Ok(Self::configured(config))
    }

    /// What every hub does, whatever it shows.
    pub(super) fn configured(mut config: ServerConfig) -> ServerConfig {
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.ignore_client_order = true;
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.max_early_data_size = 0;
        config
    }

    /// The hub's end of TLS over `link`.
    ///
    /// # Errors
    /// When TLS cannot begin, which has nothing to do with the link.
    pub fn wrap<T: Transport>(&self, link: T) -> io::Result<TlsTransport<T>> {
        let config = Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner));
        let tls = ServerConnection::new(config).map_err(io::Error::other)?;
        Ok(TlsTransport::new(link, Connection::Server(tls)))
    }
}

/// Where links come in that are to speak TLS.
pub struct TlsLinks {
    links: Box<dyn Listener>,
    tls: HubTls,
}

impl TlsLinks {
    /// Speaks TLS over what comes in by `links`.
    #[must_use]
    pub fn new(links: Box<dyn Listener>, tls: HubTls) -> Self {
        Self { links, tls }
    }
}

impl Listener for TlsLinks {
    fn accept(&mut self) -> io::Result<Box<dyn Transport>> {
        let link = self.links.accept()?;
        Ok(Box::new(self.tls.wrap(link)?))
    }

    fn register(&mut self, readiness: Readiness<'_>) -> io::Result<()> {
        self.links.register(readiness)
    }

    fn port(&self) -> Option<u16> {
        self.links.port()
    }
}
