//! TLS 1.3 over any other link.
//!
//! ```text
//!      records of the protocol               one outbox for each connection, in `proto`
//!   ┌──────────────▼──────────────────────┐
//!   │ TlsTransport                        │  takes plaintext once the handshake is done and agreed upon,
//!   │   ≤ 16 slices a write, ≤ 16 KiB held│  and no more of it before what it holds is on the link
//!   ├─────────────────────────────────────┤
//!   │ rustls: TLS 1.3, X25519MLKEM768,    │  HubTls: one certificate, no tickets, no early data
//!   │   ALPN securestream/1               │  MemberTls: a pinned key, or authorities
//!   ├─────────────────────────────────────┤
//!   │ any Transport: TCP, memory          │  ciphertext
//!   └──────────────▼──────────────────────┘
//! ```
//!
//! Both ends ask for ALPN `securestream/1` ([RFC 7301](https://www.rfc-editor.org/rfc/rfc7301)) and hang up without
//! it, so that a hub's link is never taken for another protocol's. There is no resumption: each link proves the hub's
//! key anew. The channel binding is that of [RFC 9266](https://www.rfc-editor.org/rfc/rfc9266), `tls-exporter`.

mod certificate;
mod dial;
mod hub;
mod link;
mod member;
mod verifier;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};

pub use certificate::{CertificateFiles, CertificateProblem, HubCertificate, certificates as authorities};
pub use dial::{DialError, Patience};
pub use hub::{HubTls, TlsLinks};
pub use link::TlsTransport;
pub use member::{HubTrust, MemberTls};
pub use rustls::pki_types::CertificateDer;

/// The certificate of an authority.
pub type Authority = CertificateDer<'static>;

/// The protocol that runs inside, as the handshake names it.
const ALPN: &[u8] = b"securestream/1";

/// The label of the channel binding (RFC 9266 §2); its context is empty, its length 32 bytes.
const CHANNEL_BINDING: &[u8] = b"EXPORTER-Channel-Binding";

/// Which key exchanges may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyExchange {
    /// X25519MLKEM768 where both ends know it, else X25519 or a NIST curve.
    #[default]
    PreferPostQuantum,
    /// X25519MLKEM768 or nothing.
    RequirePostQuantum,
}

/// TLS as the rest of this module uses it.
fn provider(key_exchange: KeyExchange) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    if key_exchange == KeyExchange::RequirePostQuantum {
        provider.kx_groups = vec![aws_lc_rs::kx_group::X25519MLKEM768];
    }
    Arc::new(provider)
}

#[cfg(test)]
mod tests;
