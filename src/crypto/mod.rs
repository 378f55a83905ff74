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
//! specified in `docs/protocol.md`, part 9.
//!
//! ```
//! use rand::{SeedableRng as _, rngs::StdRng};
//! use securestream::{crypto::*, types::*};
//!
//! // A simulation; a program takes `RsaProvider::default()` and `rand::rng()`.
//! let (provider, mut rng) = (testing::InsecureProvider, StdRng::seed_from_u64(1));
//! let alice = Identity::generate(&provider, &"alice".parse()?, 0, &mut rng)?;
//! let bob = Identity::generate(&provider, &"bob".parse()?, 0, &mut rng)?;
//!
//! // Alice has fetched bob's record, and bob alice's, for fingerprints from the directory.
//! let to_bob = verify_record(&provider, bob.record().clone(), bob.fingerprint())?;
//! let from_alice = verify_record(&provider, alice.record().clone(), alice.fingerprint())?;
//!
//! let draft = Draft { id: MessageId([7; 16]), sequence: 1, time: 0, stamp: DirectoryHead::FIRST, text: "meet at noon" };
//! let sealed = seal(&provider, &alice, &to_bob, &draft, &mut rng)?;
//! let mut receipts = ExpectedReceipts::default();
//! receipts.expect(draft.id, bob.fingerprint(), sealed.receipt);
//!
//! let opened = open(&provider, &bob, SealKind::Seal, &sealed.bytes, &mut rng).ok_or("not for bob")?;
//! assert_eq!(opened.sender(), alice.fingerprint());
//! let letter = opened.verify(&provider, &from_alice)?;
//! assert_eq!(letter.text, "meet at noon");
//! let receipt = letter.receipt.receipt(letter.id);
//! assert_eq!(receipts.take(&receipt), Some((draft.id, bob.fingerprint())));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod aead;
mod backup;
mod counters;
mod envelope;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod forgery_tests;
#[cfg(test)]
mod golden_tests;
mod group;
mod identity;
mod identity_file;
mod key_block;
mod letter;
mod open;
mod padding;
mod passphrase;
mod policy;
mod provider;
mod receipt;
mod record;
mod registration;
mod replay;
mod replay_window;
mod rotation;
mod rsa_provider;
mod safety_number;
mod seal;
#[cfg(test)]
mod seal_tests;
mod secret;
pub mod session;
pub mod testing;
mod transcript;
#[cfg(test)]
mod wycheproof_tests;

pub use backup::KeptFile;
pub use counters::{Audience, Counters, CountersError};
#[cfg(test)]
pub(crate) use group::forged;
pub use group::{OpenedInSession, SealedGroup, open_group_in_session, seal_group, seal_group_in_sessions};
pub use identity::{Identity, IdentityError};
pub use identity_file::Summary;
pub use letter::{Draft, Letter, LetterError, Opened, Stream};
pub use open::open;
pub use passphrase::Passphrase;
pub use policy::ModulusSize;
pub use provider::{CryptoProvider, ExportedKeys, KeyUnusable, SecretKeys, WeakKey};
pub use receipt::{ExpectedReceipts, RECEIPT_LENGTH, ReceiptSecret};
pub use record::{RecordError, VerifiedRecord, verify_record};
pub use registration::{Challenge, RegistrationError, verify_registration};
pub use replay::{Judgement, Replay, ReplayError};
pub use rotation::RotationError;
pub use rsa_provider::RsaProvider;
pub use safety_number::SafetyNumber;
pub use seal::{MAX_SEALED, SealError, Sealed, seal};
