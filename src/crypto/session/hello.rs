//! How a session begins.
//!
//! ```text
//!   ┌───────┬──────────────────┬───────────────┬──────────────────────────────────────┐
//!   │ suite │ ML-KEM-768       │ commitment    │ body                                 │
//!   │ 1 B   │ ciphertext 1088 B│ 32 B          │ padded content, then a tag of 16 B   │
//!   └───────┴──────────────────┴───────────────┴──────────────────────────────────────┘
//!   content = [ from bin32, to bin32, epoch bin8, head bin32, Olm pre-key message bin, signature bin ]
//! ```
//!
//! The body's key follows from the ML-KEM secret as a seal's does from its content key, see `envelope.rs`. The signature
//! is RSA-PSS by `from` over T("securestream/v1/hello", h, from, to, epoch, head, Olm message). The pre-key message
//! holds a note, see `note.rs`: a hello brings the first message of its session.

use std::fmt;

use rand::CryptoRng;
use vodozemac::olm::{OlmMessage, PreKeyMessage};
use zeroize::Zeroizing;

use super::{
    account::Account,
    chain::Role,
    kem::{self, CIPHERTEXT},
    note,
    one::{Origin, Session},
};
use crate::{
    crypto::{
        envelope::{self, Closed, HeaderHash},
        identity::Identity,
        letter::{Draft, Eight, Letter, LetterError},
        provider::{CryptoProvider, KeyUnusable},
        receipt::ReceiptSecret,
        record::VerifiedRecord,
        seal::SealError,
        secret::Secret,
        transcript,
    },
    types::{
        Bundle, CurveKey, Fingerprint, Head,
        wire::{self, Blob, wire_struct},
    },
};

wire_struct! {
    /// The array above.
    struct Content {
        from: Fingerprint,
        to: Fingerprint,
        epoch: Eight,
        head: Head,
        message: Blob,
        signature: Blob,
    }
}

impl Content {
    fn signed_bytes(&self, h: HeaderHash) -> Vec<u8> {
        let parts = [&h.0[..], &self.from.0, &self.to.0, &self.epoch.0, &self.head.0, &self.message];
        transcript::transcript(transcript::HELLO, &parts)
    }
}

/// To whom a hello goes, with what keys, and when.
pub(super) struct Target<'a> {
    pub(super) peer: Fingerprint,
    pub(super) bundle: &'a Bundle,
    pub(super) one_time: Option<CurveKey>,
    pub(super) now: u64,
    pub(super) order: u64,
}

/// A hello with the first message of the session that it begins.
pub(super) fn make(
    provider: &dyn CryptoProvider,
    (me, account): (&Identity, &Account),
    to: &Target<'_>,
    (draft, receipt): (&Draft<'_>, &ReceiptSecret),
    rng: &mut dyn CryptoRng,
) -> Result<(Vec<u8>, Session), SealError> {
    let (ciphertext, secret) = kem::encapsulate(&to.bundle.kem)?;
    let h = HeaderHash::new(transcript::HELLO_HEADER, provider.suite(), &ciphertext);
    let mut olm = account.begin(to.bundle, to.one_time)?;
    let message = match olm.encrypt(note::write(draft, receipt).as_slice()) {
        Ok(OlmMessage::PreKey(message)) => message.to_bytes(),
        _ => return Err(KeyUnusable("the bundle gives no session").into()),
    };
    let mut content = Content {
        from: me.fingerprint(),
        to: to.peer,
        epoch: Eight::of(draft.stamp.epoch.0),
        head: draft.stamp.head,
        message: message.into(),
        signature: Blob::default(),
    };
    content.signature = me.keys().sign(&content.signed_bytes(h), rng)?.into();
    let content = Zeroizing::new(wire::to_bytes(&content));
    let origin =
        Origin { peer: to.peer, identity: to.bundle.identity, role: Role::Initiator, made: to.now, order: to.order };
    let mut session = Session::new(origin, &secret, h, olm);
    session.sent(draft.id, to.now);
    Ok((envelope::close(provider.suite(), &ciphertext, h, &secret, &content), session))
}

/// A hello that opened, whose sender is not proven yet.
pub struct OpenedHello {
    content: Content,
    h: HeaderHash,
    secret: Secret<32>,
    me: Fingerprint,
}

/// Opens what stands behind the suite, if it is for this member. Costs two decapsulations at most.
pub(super) fn open(
    provider: &dyn CryptoProvider,
    me: Fingerprint,
    account: &Account,
    rest: &[u8],
) -> Option<OpenedHello> {
    let (ciphertext, behind) = rest.split_first_chunk::<CIPHERTEXT>()?;
    let closed = Closed::parse(behind)?;
    let h = HeaderHash::new(transcript::HELLO_HEADER, provider.suite(), ciphertext);
    let opened = account.decapsulate(ciphertext).find_map(|secret| Some((closed.open(h, &secret)?, secret)));
    let (content, secret) = opened?;
    Some(OpenedHello { content: wire::from_bytes(&content).ok()?, h, secret, me })
}

/// What a hello whose sender is proven brings.
pub(super) struct Joined {
    pub(super) letter: Letter,
    pub(super) account: Account,
    pub(super) session: Session,
}

impl OpenedHello {
    /// What its sender signed, and the signature: with the sender's key all that others need to see that it said so.
    #[must_use]
    pub fn signed(&self) -> (Vec<u8>, Blob) {
        (self.content.signed_bytes(self.h), self.content.signature.clone())
    }

    /// Who claims to have sent it: whose key record is needed to join.
    #[must_use]
    pub fn sender(&self) -> Fingerprint {
        self.content.from
    }

    /// Proves who sent it, and to whom, and joins the session.
    pub(super) fn join(
        &self,
        provider: &dyn CryptoProvider,
        account: &Account,
        sender: &VerifiedRecord,
        now: u64,
        order: u64,
    ) -> Result<Joined, LetterError> {
        let content = &self.content;
        if sender.fingerprint() != content.from {
            return Err(LetterError::OtherSender);
        }
        if content.to != self.me {
            return Err(LetterError::NotForMe);
        }
        let signing = &sender.record().keys.signing;
        if !provider.verify(signing, &content.signed_bytes(self.h), &content.signature) {
            return Err(LetterError::Signature);
        }
        let message = PreKeyMessage::from_bytes(&content.message).map_err(|_| LetterError::Session)?;
        let (account, olm, text) = account.join(&message).ok_or(LetterError::Session)?;
        let letter = note::read(&text, content.from, self.me).ok_or(LetterError::Session)?;
        let identity = CurveKey(message.identity_key().to_bytes());
        let origin = Origin { peer: content.from, identity, role: Role::Responder, made: now, order };
        let mut session = Session::new(origin, &self.secret, self.h, olm);
        session.heard = Some(order);
        if !session.can_answer() {
            return Err(LetterError::Session);
        }
        Ok(Joined { letter, account, session })
    }
}

impl fmt::Debug for OpenedHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenedHello(claims to be from {})", self.content.from)
    }
}

#[cfg(test)]
mod tests;
