//! How a member judges the certificate that a hub shows.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerIncompatible, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use super::certificate::key_of;
use crate::types::HubKey;

/// What the certificate has to be.
#[derive(Debug)]
pub(super) enum Wanted {
    /// Any: whoever asked looks at the key afterwards.
    Any,
    /// None: the key is only to be seen.
    Nothing,
    /// One with this key, whatever else it says.
    Key(HubKey),
    /// One that authorities vouch for, with this key if one is given.
    Vouched(Arc<dyn ServerCertVerifier>, Option<HubKey>),
}

/// Judges a certificate by its key alone, or by authorities and then by its key. In both cases the hub has to prove
/// that it holds the key by signing the handshake (RFC 8446 §4.4.3).
#[derive(Debug)]
pub(super) struct HubVerifier {
    pub(super) wanted: Wanted,
    pub(super) provider: Arc<CryptoProvider>,
    /// The key of the last certificate that was shown, accepted or not.
    pub(super) shown: Shown,
}

/// The key that a hub shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown(Arc<Mutex<Option<HubKey>>>);

impl Shown {
    pub(super) fn key(&self) -> Option<HubKey> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, key: HubKey) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }
}

const NOT_THE_KEY: Error = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);

impl ServerCertVerifier for HubVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = key_of(&ParsedCertificate::try_from(certificate)?);
        self.shown.set(shown);
        let wanted_key = match &self.wanted {
            Wanted::Nothing => return Err(NOT_THE_KEY),
            Wanted::Any => None,
            Wanted::Key(key) => Some(*key),
            Wanted::Vouched(authorities, key) => {
                authorities.verify_server_cert(certificate, intermediates, name, ocsp_response, now)?;
                *key
            }
        };
        match wanted_key {
            Some(key) if key != shown => Err(NOT_THE_KEY),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::Tls12NotOfferedOrEnabled))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
