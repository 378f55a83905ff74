//! The RSA operations that everything here is composed of, behind a trait so that tests can swap them.

use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::types::PublicKeys;

/// What an RSA implementation does. The compositions (seal, group, registration) are written once over it.
///
/// Public keys are `SubjectPublicKeyInfo` in DER ([RFC 5280](https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.7)).
/// Private operations take milliseconds: they belong on a worker, never on the network's thread.
pub trait CryptoProvider: Send + Sync {
    /// The first byte of every seal made with this provider: which algorithms, see [`seal`](fn@super::seal).
    fn suite(&self) -> u8;

    /// Bytes of a signature and of an encrypted key: the size of the modulus.
    fn block_size(&self) -> usize;

    /// What one guess at a passphrase costs: log₂ of scrypt's N. 17 takes 128 MiB and a third of a second.
    fn passphrase_cost(&self) -> u8 {
        17
    }

    /// Makes a member's two key pairs. At 3072 bits this takes about 0.2 s for each.
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn SecretKeys>, KeyUnusable>;

    /// Reads back what [`SecretKeys::export`] gave. Keys that break this provider's policy are refused.
    fn import(&self, pem: &ExportedKeys) -> Result<Box<dyn SecretKeys>, KeyUnusable>;

    /// Whether a public key keeps the policy. Sizes are looked at first, so that a giant key costs nothing.
    fn check(&self, public: &[u8]) -> Result<(), WeakKey>;

    /// Whether `signature` is of `message` by the owner of `public`: RSASSA-PSS with SHA-256, MGF1 with
    /// SHA-256 and a salt of 32 bytes ([RFC 8017 § 8.1](https://www.rfc-editor.org/rfc/rfc8017#section-8.1)).
    fn verify(&self, public: &[u8], message: &[u8], signature: &[u8]) -> bool;

    /// Encrypts `secret` (at most 64 bytes) for the owner of `public`: RSAES-OAEP with SHA-256, MGF1 with SHA-256 and
    /// `label` ([RFC 8017 § 7.1](https://www.rfc-editor.org/rfc/rfc8017#section-7.1)).
    fn encrypt(
        &self,
        public: &[u8],
        label: &[u8],
        secret: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, KeyUnusable>;
}

/// A member's two private keys.
pub trait SecretKeys: Send + Sync {
    /// The public halves.
    fn public(&self) -> &PublicKeys;

    /// Signs, see [`CryptoProvider::verify`]. The operation is blinded.
    fn sign(&self, message: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>, KeyUnusable>;

    /// Decrypts, see [`CryptoProvider::encrypt`]; `None` on any failure. The operation is blinded. Whoever
    /// calls this must not let it be seen whether it succeeded.
    fn decrypt(&self, label: &[u8], block: &[u8], rng: &mut dyn CryptoRng) -> Option<Zeroizing<Vec<u8>>>;

    /// The private keys as text.
    fn export(&self) -> Result<ExportedKeys, KeyUnusable>;
}

/// Two private keys, each as PKCS#8 in PEM ([RFC 5958](https://www.rfc-editor.org/rfc/rfc5958),
/// [RFC 7468](https://www.rfc-editor.org/rfc/rfc7468)). Wiped when dropped.
#[derive(Clone)]
pub struct ExportedKeys {
    /// One PEM block labelled `PRIVATE KEY`.
    pub signing: Zeroizing<String>,
    /// Another.
    pub sealing: Zeroizing<String>,
}

/// A key with which the operation cannot be done: malformed, of the wrong kind, or a fault while computing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is unusable: {0}")]
pub struct KeyUnusable(pub &'static str);

/// Why a public key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    /// No `SubjectPublicKeyInfo` of an RSA key in DER, or bytes after it.
    #[error("the key is not an RSA public key in DER")]
    Malformed,
    /// Every member of a hub has the same size, so that a sealed message does not tell whose it is.
    #[error("the key has {bits} bits where {wanted} are needed")]
    ModulusSize { bits: usize, wanted: usize },
    /// Only 65537 will do: 1 encrypts nothing, small ones invite attacks, huge ones cost time.
    #[error("the key's public exponent is not 65537")]
    Exponent,
    /// Two is a factor, so the key is no secret.
    #[error("the key's modulus is even")]
    EvenModulus,
    /// A prime up to 53 divides it.
    #[error("the key's modulus has a small factor")]
    SmallFactor,
    /// Its root is both factors.
    #[error("the key's modulus is a square")]
    SquareModulus,
    /// One key for both purposes.
    #[error("the signing key and the sealing key are the same")]
    SameKey,
}
