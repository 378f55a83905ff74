//! A hub's certificate and its key.

use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, date_time_ymd};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::ParsedCertificate,
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

use super::{KeyExchange, provider};
use crate::types::HubKey;

/// What a certificate that is made here calls its hub, beside the names that it is given.
const COMMON_NAME: &str = "securestream hub";

/// A certificate with its private key, as files have them.
pub struct CertificateFiles {
    /// PEM, the hub's own first.
    pub certificate: String,
    /// PEM, PKCS#8.
    pub key: Zeroizing<String>,
}

/// A certificate that a hub can show, with its private key.
pub struct HubCertificate {
    chain: Vec<CertificateDer<'static>>,
    private_key: PrivateKeyDer<'static>,
    key: HubKey,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateProblem {
    /// No certificate in the file, or a damaged one.
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    /// No private key in the file, or a damaged one.
    #[error("the private key cannot be read: {0}")]
    Key(String),
    /// Each is good by itself.
    #[error("the private key is not that of the certificate")]
    Mismatch,
    /// None could be made.
    #[error("no certificate can be made: {0}")]
    Make(#[from] rcgen::Error),
}

impl HubCertificate {
    /// Makes a self-signed certificate for ECDSA on P-256. Members look at its key, not at its names and dates, so it
    /// has no end (RFC 5280 §4.1.2.5); `names` are hosts for whoever validates it all the same.
    ///
    /// # Errors
    /// When a name cannot stand in a certificate, or the system has no randomness.
    pub fn make(names: &[String]) -> Result<CertificateFiles, CertificateProblem> {
        Self::sign(names, &KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?)
    }

    /// Makes a certificate as [`HubCertificate::make`] does for a private key that is there (PEM, PKCS#8). Members
    /// see the same hub, since what they pin is the key.
    ///
    /// # Errors
    /// Also when the key cannot be read.
    pub fn make_again(names: &[String], key: &[u8]) -> Result<CertificateFiles, CertificateProblem> {
        let key = std::str::from_utf8(key).map_err(|error| CertificateProblem::Key(error.to_string()))?;
        let pair = KeyPair::from_pem(key).map_err(|error| CertificateProblem::Key(error.to_string()))?;
        Self::sign(names, &pair)
    }

    fn sign(names: &[String], pair: &KeyPair) -> Result<CertificateFiles, CertificateProblem> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, COMMON_NAME);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(9999, 12, 31);
        let certificate = params.self_signed(pair)?.pem();
        Ok(CertificateFiles { certificate, key: Zeroizing::new(pair.serialize_pem()) })
    }

    /// Reads a chain of certificates, the hub's own first, and its private key (PKCS#8, SEC1 or PKCS#1), both PEM.
    ///
    /// # Errors
    /// See [`CertificateProblem`].
    pub fn read(certificate: &[u8], key: &[u8]) -> Result<Self, CertificateProblem> {
        use CertificateProblem as Problem;
        let chain = certificates(certificate)?;
        let private_key = PrivateKeyDer::from_pem_slice(key).map_err(|error| Problem::Key(error.to_string()))?;
        let own = ParsedCertificate::try_from(&chain[0]).map_err(|error| Problem::Certificate(error.to_string()))?;
        let key = key_of(&own);
        CertifiedKey::from_der(chain.clone(), private_key.clone_key(), &provider(KeyExchange::default())).map_err(
            |error| match error {
                rustls::Error::InconsistentKeys(_) => Problem::Mismatch,
                error => Problem::Key(error.to_string()),
            },
        )?;
        Ok(Self { chain, private_key, key })
    }

    /// What members pin.
    #[must_use]
    pub fn key(&self) -> HubKey {
        self.key
    }

    pub(super) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    pub(super) fn private_key(&self) -> PrivateKeyDer<'static> {
        self.private_key.clone_key()
    }
}

impl std::fmt::Debug for HubCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HubCertificate({})", self.key)
    }
}

/// All certificates of a PEM file, at least one.
///
/// # Errors
/// When there is none or one is damaged.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateProblem> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(CertificateProblem::Certificate("there is none in the file".to_owned())),
        Err(error) => Err(CertificateProblem::Certificate(error.to_string())),
    }
}

/// SHA-256 of the public key, as the certificate has it.
pub(super) fn key_of(certificate: &ParsedCertificate<'_>) -> HubKey {
    let digest = digest(&SHA256, &certificate.subject_public_key_info());
    let mut key = HubKey([0; 32]);
    key.0.copy_from_slice(digest.as_ref());
    key
}
