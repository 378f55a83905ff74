//! The hub's end of TLS.

use std::{io, sync::Arc};

use rustls::{Connection, ServerConfig, ServerConnection, server::NoServerSessionStorage, version::TLS13};

use super::{ALPN, HubCertificate, KeyExchange, TlsTransport, provider};
use crate::transport::{Listener, Readiness, Transport};

/// How a hub does TLS: with one certificate, without tickets, resumption, early data or client certificates.
#[derive(Clone, Debug)]
pub struct HubTls(Arc<ServerConfig>);

impl HubTls {
    /// TLS with this certificate.
    ///
    /// # Errors
    /// When TLS cannot use the key.
    pub fn new(certificate: &HubCertificate, key_exchange: KeyExchange) -> Result<Self, rustls::Error> {
        let config = ServerConfig::builder_with_provider(provider(key_exchange))
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(certificate.chain().to_vec(), certificate.private_key())?;
        Ok(Self::configured(config))
    }

    /// What every hub does, whatever it shows.
    pub(super) fn configured(mut config: ServerConfig) -> Self {
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.ignore_client_order = true;
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.max_early_data_size = 0;
        Self(Arc::new(config))
    }

    /// The hub's end of TLS over `link`.
    ///
    /// # Errors
    /// When TLS cannot begin, which has nothing to do with the link.
    pub fn wrap<T: Transport>(&self, link: T) -> io::Result<TlsTransport<T>> {
        let tls = ServerConnection::new(Arc::clone(&self.0)).map_err(io::Error::other)?;
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
