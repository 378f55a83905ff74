//! The keys that others begin sessions with: an Olm account and an ML-KEM key.
//!
//! The Olm identity key stays; fallback key and ML-KEM key are replaced every week and kept for another, for hellos on
//! their way. vodozemac and aws-lc draw these keys from the system's randomness themselves.

use std::fmt;

use vodozemac::{
    Curve25519PublicKey,
    olm::{Account as OlmAccount, AccountPickle, PreKeyMessage, Session as OlmSession, SessionConfig},
};
use zeroize::Zeroizing;

use super::{
    kem::{CIPHERTEXT, KemPair},
    limits::{GRACE, ONE_TIME_KEYS, PUBLISHED},
};
use crate::{
    crypto::{
        provider::KeyUnusable,
        secret::{Secret, SecretBytes},
    },
    types::{
        Bundle, CurveKey, Fingerprint,
        wire::{self, wire_struct},
    },
};

/// Bytes of an encoded account without one-time keys, rounded up, and of each of these.
const ENCODED: usize = 4096;
const ENCODED_KEY: usize = 256;

/// See the module.
pub(super) struct Account {
    /// Whose it is: after a change of its RSA keys a member's sessions are of nobody that others know.
    pub(super) owner: Fingerprint,
    olm: OlmAccount,
    fallback: CurveKey,
    kem: KemPair,
    previous_kem: Option<KemPair>,
    /// When fallback and ML-KEM key were made, in milliseconds since 1970-01-01 UTC.
    rotated: u64,
}

wire_struct! {
    /// An account as it is kept.
    pub(super) struct SavedAccount {
        owner: Fingerprint,
        olm: SecretBytes,
        fallback: CurveKey,
        kem: KemPair,
        previous_kem: Option<KemPair>,
        rotated: u64,
    }
}

impl SavedAccount {
    /// Bytes of its encoding, rounded up.
    pub(super) fn room(&self) -> usize {
        2 * 4096 + self.olm.0.len()
    }
}

impl Account {
    pub(super) fn new(owner: Fingerprint, now: u64) -> Result<Self, KeyUnusable> {
        let mut olm = OlmAccount::new();
        let fallback = new_fallback(&mut olm)?;
        Ok(Self { owner, olm, fallback, kem: KemPair::generate()?, previous_kem: None, rotated: now })
    }

    pub(super) fn bundle(&self) -> Bundle {
        let identity = CurveKey(self.olm.curve25519_key().to_bytes());
        Bundle { identity, fallback: self.fallback, kem: self.kem.public.clone() }
    }

    /// The account with new keys, or without old ones, when it is time for that.
    pub(super) fn renewed(&self, now: u64) -> Result<Option<Self>, KeyUnusable> {
        // A clock set back must not keep keys for years.
        let age = self.rotated.abs_diff(now);
        if age >= PUBLISHED {
            let mut renewed = self.clone();
            renewed.fallback = new_fallback(&mut renewed.olm)?;
            renewed.previous_kem = Some(std::mem::replace(&mut renewed.kem, KemPair::generate()?));
            renewed.rotated = now;
            if age >= PUBLISHED + GRACE {
                renewed.forget_previous();
            }
            return Ok(Some(renewed));
        }
        Ok(None)
    }

    fn forget_previous(&mut self) {
        self.olm.forget_fallback_key();
        self.previous_kem = None;
    }

    /// The account with as many one-time keys as belong at a hub, and the new ones among them.
    pub(super) fn with_one_time_keys(&self) -> (Self, Vec<CurveKey>) {
        let mut refilled = self.clone();
        let missing = ONE_TIME_KEYS.saturating_sub(self.one_time_keys());
        let created = refilled.olm.generate_one_time_keys(missing).created;
        refilled.olm.mark_keys_as_published();
        (refilled, created.into_iter().map(|key| CurveKey(key.to_bytes())).collect())
    }

    /// The account without one-time keys. vodozemac forgets none but by use; its own form for storage shows them.
    pub(super) fn without_one_time_keys(&self) -> Result<Self, KeyUnusable> {
        const UNREADABLE: KeyUnusable = KeyUnusable("the account's one-time keys cannot be told from its others");
        let mut pickle = serde_json::to_value(self.olm.pickle()).map_err(|_| UNREADABLE)?;
        for half in ["public_keys", "private_keys"] {
            let keys = pickle.get_mut("one_time_keys").and_then(|keys| keys.get_mut(half));
            *keys.ok_or(UNREADABLE)? = serde_json::json!({});
        }
        let olm = serde_json::from_value::<AccountPickle>(pickle).map_err(|_| UNREADABLE)?;
        Ok(Self { olm: OlmAccount::from_pickle(olm), ..self.clone() })
    }

    /// What a ciphertext holds by each key that it may be for.
    pub(super) fn decapsulate<'a>(
        &'a self,
        ciphertext: &'a [u8; CIPHERTEXT],
    ) -> impl Iterator<Item = Secret<32>> + use<'a> {
        let keys = std::iter::once(&self.kem).chain(&self.previous_kem);
        keys.filter_map(|key| key.decapsulate(ciphertext))
    }

    /// Begins a session with the owner of `bundle`, in which this member speaks first.
    pub(super) fn begin(&self, bundle: &Bundle, one_time: Option<CurveKey>) -> Result<OlmSession, KeyUnusable> {
        let first = one_time.unwrap_or(bundle.fallback);
        let [identity, first] = [bundle.identity, first].map(|key| Curve25519PublicKey::from_bytes(key.0));
        let session = self.olm.create_outbound_session(SessionConfig::version_1(), identity, first);
        session.map_err(|_| KeyUnusable("the bundle has a key that gives no secret"))
    }

    /// Joins a session that somebody began: this account without the one-time key that it used up, the session, and what
    /// it began with.
    pub(super) fn join(&self, message: &PreKeyMessage) -> Option<(Self, OlmSession, Zeroizing<Vec<u8>>)> {
        let mut account = self.clone();
        let identity = message.identity_key();
        let joined = account.olm.create_inbound_session(SessionConfig::version_1(), identity, message).ok()?;
        Some((account, joined.session, Zeroizing::new(joined.plaintext)))
    }

    /// One-time keys that are neither used nor forgotten.
    pub(super) fn one_time_keys(&self) -> usize {
        self.olm.stored_one_time_key_count()
    }

    pub(super) fn save(&self) -> SavedAccount {
        let capacity = ENCODED + ENCODED_KEY * self.one_time_keys();
        let mut olm = SecretBytes(Zeroizing::new(Vec::with_capacity(capacity)));
        wire::write_to(&mut olm.0, &self.olm.pickle());
        let (kem, previous_kem) = (self.kem.clone(), self.previous_kem.clone());
        SavedAccount { owner: self.owner, olm, fallback: self.fallback, kem, previous_kem, rotated: self.rotated }
    }

    pub(super) fn load(saved: SavedAccount) -> Option<Self> {
        let SavedAccount { owner, olm, fallback, kem, previous_kem, rotated } = saved;
        let olm = OlmAccount::from_pickle(wire::from_own_bytes::<AccountPickle>(&olm.0).ok()?);
        Some(Self { owner, olm, fallback, kem, previous_kem, rotated })
    }
}

impl Clone for Account {
    fn clone(&self) -> Self {
        Self {
            owner: self.owner,
            olm: OlmAccount::from_pickle(self.olm.pickle()),
            fallback: self.fallback,
            kem: self.kem.clone(),
            previous_kem: self.previous_kem.clone(),
            rotated: self.rotated,
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({})", self.olm.curve25519_key())
    }
}

fn new_fallback(olm: &mut OlmAccount) -> Result<CurveKey, KeyUnusable> {
    olm.generate_fallback_key();
    let key = olm.fallback_key().into_values().next().map(|key| CurveKey(key.to_bytes()));
    olm.mark_keys_as_published();
    key.ok_or(KeyUnusable("no key can be made"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000_000;

    fn account() -> Account {
        Account::new(Fingerprint([1; 32]), NOW).unwrap()
    }

    fn joins(account: &Account, hello: &PreKeyMessage) -> bool {
        account.join(hello).is_some_and(|(_, _, text)| **text == *b"hello")
    }

    fn hello(to: &Bundle, one_time: Option<CurveKey>) -> PreKeyMessage {
        let mut session = account().begin(to, one_time).unwrap();
        match session.encrypt("hello").unwrap() {
            vodozemac::olm::OlmMessage::PreKey(message) => message,
            vodozemac::olm::OlmMessage::Normal(_) => panic!("the first message begins the session"),
        }
    }

    #[test]
    fn keys_are_replaced_every_week_and_serve_for_another() {
        let account = account();
        assert!(account.renewed(NOW + PUBLISHED - 1).unwrap().is_none());
        let first = (account.bundle(), hello(&account.bundle(), None));
        let (ciphertext, secret) = super::super::kem::encapsulate(&first.0.kem).unwrap();
        let second = account.renewed(NOW + PUBLISHED).unwrap().unwrap();
        assert_eq!(second.bundle().identity, first.0.identity);
        assert_ne!(second.bundle().fallback, first.0.fallback);
        assert_ne!(second.bundle().kem, first.0.kem);
        assert!(joins(&second, &first.1));
        assert!(second.decapsulate(&ciphertext).any(|held| held == secret));
        let third = second.renewed(NOW + 2 * PUBLISHED).unwrap().unwrap();
        assert!(!joins(&third, &first.1), "two weeks later the key is gone");
        assert!(!third.decapsulate(&ciphertext).any(|held| held == secret));
        assert!(joins(&third, &hello(&second.bundle(), None)));
        // After a long absence nothing old is kept.
        let late = second.renewed(NOW + 9 * PUBLISHED).unwrap().unwrap();
        assert!(!joins(&late, &hello(&second.bundle(), None)));
    }

    #[test]
    fn a_one_time_key_serves_once() {
        let (account, keys) = account().with_one_time_keys();
        assert_eq!((keys.len(), account.one_time_keys()), (ONE_TIME_KEYS, ONE_TIME_KEYS));
        let used = hello(&account.bundle(), Some(keys[0]));
        let (after, ..) = account.join(&used).unwrap();
        assert_eq!(after.one_time_keys(), ONE_TIME_KEYS - 1);
        assert!(!joins(&after, &used));
        let (refilled, new) = after.with_one_time_keys();
        assert_eq!((new.len(), refilled.one_time_keys()), (1, ONE_TIME_KEYS));
        assert!(!keys.contains(&new[0]));
    }

    #[test]
    fn one_time_keys_of_an_earlier_visit_are_forgotten_and_nothing_else() {
        let (account, keys) = account().with_one_time_keys();
        let fresh = account.without_one_time_keys().unwrap();
        assert_eq!((fresh.one_time_keys(), fresh.bundle()), (0, account.bundle()));
        assert!(joins(&fresh, &hello(&account.bundle(), None)));
        assert!(!joins(&fresh, &hello(&account.bundle(), Some(keys[0]))));
        let (_, new) = fresh.with_one_time_keys();
        assert!(new.len() == ONE_TIME_KEYS && new.iter().all(|key| !keys.contains(key)));
    }

    #[test]
    fn an_account_is_kept_whole() {
        let account = account().renewed(NOW + PUBLISHED).unwrap().unwrap();
        let (account, _) = account.with_one_time_keys();
        let bytes = wire::to_bytes(&account.save());
        let again = Account::load(wire::from_bytes(&bytes).unwrap()).unwrap();
        assert_eq!((again.bundle(), again.one_time_keys()), (account.bundle(), ONE_TIME_KEYS));
        assert!(joins(&again, &hello(&account.bundle(), None)));
        assert_eq!(wire::to_bytes(&again.save()), bytes);
        assert!(account.save().olm.0.len() < ENCODED + ENCODED_KEY * ONE_TIME_KEYS, "no outgrown copy of keys is left");
    }

    #[test]
    fn bundles_that_give_no_secret_are_refused() {
        let account = account();
        let bundle = account.bundle();
        let low_order = CurveKey([0; 32]);
        assert!(account.begin(&Bundle { identity: low_order, ..bundle.clone() }, None).is_err());
        assert!(account.begin(&Bundle { fallback: low_order, ..bundle.clone() }, None).is_err());
        assert!(account.begin(&bundle, Some(low_order)).is_err());
    }
}
