//! Identities, sealed messages and receipts: compositions of RSA, HKDF, SHA-256 and XChaCha20-Poly1305.
//!
//! ```text
//!            sender                                       receiver
//!   Draft ── seal / seal_group ──► bytes ──► hub ──► open ──► Opened ── verify ──► Letter
//!                │                                                        ▲           │
//!            receipt secret                                     VerifiedRecord     Replay::judge
//!                │                                                                    │
//!   ExpectedReceipts::take ◄───────── hub ◄───────── receipt ◄────────────────────────┘
//! ```
//!
//! Everything is pure: randomness and time come in as arguments. The RSA operations stand behind
//! [`CryptoProvider`]: [`RsaProvider`] for use, [`testing::InsecureProvider`] for simulations. The bytes are
//! specified in `docs/seal-format.md`.

mod aead;
mod counters;
mod envelope;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod forgery_tests;
mod group;
mod identity;
mod key_block;
mod letter;
mod padding;
mod policy;
mod provider;
mod receipt;
mod record;
mod registration;
mod replay;
mod replay_window;
mod rsa_provider;
mod seal;
#[cfg(test)]
mod seal_tests;
mod secret;
pub mod testing;
mod transcript;
#[cfg(test)]
mod wycheproof_tests;

pub use counters::{Audience, Counters, CountersError};
pub use group::{SealedGroup, seal_group};
pub use identity::{Identity, IdentityError};
pub use letter::{Draft, Letter, LetterError, Opened, Stream};
pub use policy::ModulusSize;
pub use provider::{CryptoProvider, ExportedKeys, KeyUnusable, SecretKeys, WeakKey};
pub use receipt::{ExpectedReceipts, RECEIPT_LENGTH, ReceiptSecret};
pub use record::{RecordError, VerifiedRecord, verify_record};
pub use registration::{Challenge, RegistrationError, verify_registration};
pub use replay::{Judgement, Replay, ReplayError};
pub use rsa_provider::RsaProvider;
pub use seal::{MAX_SEALED, SealError, Sealed, open, seal};
