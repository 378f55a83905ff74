//! What a hub's listeners with TLS show: one certificate, made or given.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;

use super::{
    hub_data,
    link::key_exchange,
    refusal::{OrRefuse as _, Refusal},
};
use crate::{
    cli::{GivenCertificate, ServeOptions},
    client::hub_address::HubAddress,
    server::admin::AdminError,
    storage::DiskStorage,
    transport::{
        Listener,
        tls::{HubCertificate, HubTls, TlsLinks},
    },
    types::{Code, Endpoint, HubKey, ListenAddress, ListenHost},
};

const UNUSABLE_KEY: &str = "use a certificate with an ECDSA, Ed25519 or RSA key, or leave --cert and --key out";

/// TLS with the hub's certificate.
#[derive(Clone)]
pub(super) struct Tls {
    config: HubTls,
    key: Arc<Mutex<HubKey>>,
    /// Where the certificate is, when somebody else looks after it and may renew it.
    given: Option<GivenCertificate>,
}

impl Tls {
    /// TLS for the listeners that want it; nothing when there are none.
    pub(super) fn of(options: &ServeOptions, data: Option<&mut DiskStorage>) -> Result<Option<Self>, Refusal> {
        let Some(certificate) = certificate(options, data)? else { return Ok(None) };
        let config = HubTls::new(&certificate, key_exchange(options.require_pq))
            .context("TLS cannot use the certificate")
            .or_refuse(Code::DataUnusable, UNUSABLE_KEY)?;
        let key = Arc::new(Mutex::new(certificate.key()));
        Ok(Some(Self { config, key, given: options.certificate.clone() }))
    }

    /// Of the key that members see now.
    pub(super) fn key(&self) -> HubKey {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Speaks TLS over what comes in by `listener`.
    pub(super) fn over(&self, listener: Box<dyn Listener>) -> TlsLinks {
        TlsLinks::new(listener, self.config.clone())
    }

    /// Reads a certificate again that was given; links that stand go on with the one before.
    pub(super) fn reload(&self) -> Result<HubKey, AdminError> {
        let Some(given) = &self.given else { return Ok(self.key()) };
        let certificate = hub_data::given_certificate(given).map_err(|refusal| refused(&refusal))?;
        self.config
            .replace(&certificate)
            .context("TLS cannot use the certificate")
            .map_err(|cause| refused(&Refusal { code: Code::DataUnusable, cause, hint: UNUSABLE_KEY }))?;
        let (before, now) = (self.key(), certificate.key());
        if before != now {
            log::warn!("the hub has another key now, {now}: members that pinned {before} will refuse it");
        }
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Ok(now)
    }
}

fn refused(refusal: &Refusal) -> AdminError {
    AdminError::new(refusal.code, refusal.message(), refusal.hint)
}

/// What the listeners with TLS show; nothing when there are none.
fn certificate(options: &ServeOptions, data: Option<&mut DiskStorage>) -> Result<Option<HubCertificate>, Refusal> {
    let hosts: Vec<&str> = options.listen.iter().filter_map(tls_host).collect();
    if hosts.is_empty() {
        return Ok(None);
    }
    if let Some(given) = &options.certificate {
        return hub_data::given_certificate(given).map(Some);
    }
    let Some(data) = data else {
        let cause = anyhow::anyhow!("there is no place for the hub's key: neither XDG_DATA_HOME nor HOME is set");
        return Err(cause).or_refuse(Code::DataUnusable, "say where with --data-dir DIR, or give --cert and --key");
    };
    hub_data::certificate(data, &names(&hosts, options.public_url.as_deref())).map(Some)
}

fn tls_host(address: &ListenAddress) -> Option<&str> {
    match address {
        ListenAddress::Tls { host: ListenHost::Named(host), .. } => Some(host),
        ListenAddress::Tls { host: ListenHost::Any, .. } => Some("localhost"),
        ListenAddress::Tcp { .. } | ListenAddress::Unix(_) => None,
    }
}

/// What a hub that is reached there may be called in its certificate.
fn names(hosts: &[&str], public_url: Option<&str>) -> Vec<String> {
    let public = public_url.and_then(|url| url.parse().ok()).map(|url: HubAddress| url.endpoint);
    let public = match &public {
        Some(Endpoint::Tls { host, .. } | Endpoint::Tcp { host, .. }) => Some(host.as_str()),
        _ => None,
    };
    let all = hosts.iter().copied().chain(public).chain(["localhost", "127.0.0.1", "::1"]);
    // Other letters would need another spelling, and members do not look at names anyway.
    let names: BTreeSet<&str> = all.filter(|name| name.is_ascii()).collect();
    names.into_iter().map(str::to_owned).collect()
}
