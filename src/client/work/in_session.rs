//! What a worker does with sessions. Each change is on the disk before what came with it leaves this file.

use std::sync::Arc;

use super::{Done, SealedPost, Trouble, Worker, failure_of};
use crate::{
    client::keyring::KeyringError,
    crypto::{
        Draft, Letter, LetterError, Opened, OpenedInSession, SealError, VerifiedRecord, open, open_group_in_session,
        seal, seal_group, seal_group_in_sessions,
        session::{OpenedHello, Position, Step},
    },
    types::{
        CurveKey, Fingerprint, MessageId, SealKind,
        wire::{self, Blob},
    },
};

/// What opened, before it is known whether it is good and new.
#[derive(Debug)]
pub enum Unproven {
    /// A seal or a group record: its sender is a claim.
    Sealed(Opened),
    /// So is a hello's.
    Hello(OpenedHello),
    /// So is that of a group record that a session opened.
    InGroup(OpenedInSession),
    /// Opened by a session, which proves its sender.
    InSession(Letter),
}

impl Unproven {
    /// Who wrote it, or claims to have.
    #[must_use]
    pub fn sender(&self) -> Fingerprint {
        match self {
            Self::Sealed(opened) => opened.sender(),
            Self::Hello(hello) => hello.sender(),
            Self::InGroup(opened) => opened.sender(),
            Self::InSession(letter) => letter.from,
        }
    }

    /// What its sender signed, and the signature; nothing for what a session proves to this member alone.
    pub(super) fn signed(&self) -> Option<(Vec<u8>, Blob)> {
        match self {
            Self::Sealed(opened) => Some(opened.signed()),
            Self::Hello(hello) => Some(hello.signed()),
            Self::InGroup(opened) => Some(opened.signed()),
            Self::InSession(_) => None,
        }
    }
}

/// Places in sessions that are remembered as counted: more than the messages to all that may wait for their proof.
const MAX_COUNTED: usize = 1024;

/// What opened, and where it stood in a session if it was in one.
type Opening = (Unproven, Option<Position>);

impl Worker {
    /// Tries to open what the hub relayed, whatever it is.
    pub(super) fn open(&mut self, kind: SealKind, sealed: &[u8]) -> Done {
        let opened = match kind {
            SealKind::Tagged => self.open_tagged(sealed),
            SealKind::Hello => {
                let hello = self.keyring.sessions().open_hello(&*self.provider, self.keyring.identity(), sealed);
                Ok(hello.map(|hello| (Unproven::Hello(hello), None)))
            }
            SealKind::Group => Ok(self.open_group(sealed)),
            _ => Ok(self.open_by_rsa(kind, sealed)),
        };
        match opened {
            Ok(Some((opened, mut position))) => {
                if let Some(position) = &mut position {
                    self.count_once(kind, position);
                }
                Done::Opened { opened: Some(Box::new(opened)), position }
            }
            Ok(None) => Done::Opened { opened: None, position: None },
            Err(error) => Done::Failed(Box::new(failure_of(&error))),
        }
    }

    fn open_by_rsa(&mut self, kind: SealKind, sealed: &[u8]) -> Option<Opening> {
        let opened = open(&*self.provider, self.keyring.identity(), kind, sealed, &mut self.rng)?;
        Some((Unproven::Sealed(opened), None))
    }

    fn open_tagged(&mut self, sealed: &[u8]) -> Result<Option<Opening>, KeyringError> {
        let me = self.keyring.identity().fingerprint();
        let Some(received) = self.keyring.sessions().open_tagged(me, sealed) else { return Ok(None) };
        self.keyring.commit(received.step, (self.unix_millis)(), &mut self.rng)?;
        Ok(Some((Unproven::InSession(received.letter), Some(received.position))))
    }

    /// The session moves on when the letter is proven: another receiver can make up a body around its sender's slots.
    fn open_group(&mut self, sealed: &[u8]) -> Option<Opening> {
        let by = (&**self.keyring.identity(), self.keyring.sessions());
        let Some(opened) = open_group_in_session(&*self.provider, by, sealed) else {
            return self.open_by_rsa(SealKind::Group, sealed);
        };
        let position = opened.position.clone();
        Some((Unproven::InGroup(opened), Some(position)))
    }

    /// Each message is told to be missing once, and not while it only waits for its proof: the session of a message to all
    /// knows of neither before it moves on.
    fn count_once(&mut self, kind: SealKind, position: &mut Position) {
        let Position { session, index, missing } = position;
        missing.retain(|missing| !self.counted.contains(&(*session, *missing)));
        if kind == SealKind::Group {
            self.counted.extend(missing.iter().chain([&*index]).map(|index| (*session, *index)));
            let surplus = self.counted.len().saturating_sub(MAX_COUNTED);
            self.counted.drain(..surplus);
        }
    }

    /// Seals for one member: in a session if its record allows that, else by RSA.
    pub(super) fn seal_for(
        &mut self,
        to: &VerifiedRecord,
        one_time: Option<CurveKey>,
        draft: &Draft<'_>,
    ) -> Result<SealedPost, Trouble> {
        if self.seals_only || to.record().bundle.is_none() {
            return self.seal_by_rsa(to, draft);
        }
        let sessions = self.keyring.sessions();
        let now = (self.unix_millis)();
        let sealed = sessions.seal(&*self.provider, self.keyring.identity(), (to, one_time), draft, now, &mut self.rng);
        let sealed = match sealed {
            Ok(sealed) => sealed,
            // The hub gave it out, and nobody signed it: the bundle's own key does instead.
            Err(SealError::Key(error)) if one_time.is_some() => {
                log::debug!("a one-time key for {} is of no use: {error}", to.fingerprint());
                return self.seal_for(to, None, draft);
            }
            // It signed a bundle that nobody can use. Its RSA keys were checked.
            Err(SealError::Key(error)) => {
                log::debug!("no session with {} can begin: {error}", to.fingerprint());
                return self.seal_by_rsa(to, draft);
            }
            Err(error) => return Err(Trouble::Seal(error)),
        };
        self.keyring.commit(sealed.step, now, &mut self.rng).map_err(Trouble::Keyring)?;
        let receipts = vec![(to.fingerprint(), sealed.receipt)];
        Ok(SealedPost { kind: sealed.kind, sealed: sealed.bytes.into(), receipts })
    }

    fn seal_by_rsa(&mut self, to: &VerifiedRecord, draft: &Draft<'_>) -> Result<SealedPost, Trouble> {
        let sealed = seal(&*self.provider, self.keyring.identity(), to, draft, &mut self.rng).map_err(Trouble::Seal)?;
        let receipts = vec![(to.fingerprint(), sealed.receipt)];
        Ok(SealedPost { kind: SealKind::Seal, sealed: sealed.bytes.into(), receipts })
    }

    /// Seals for all of these: by sessions where there are some.
    pub(super) fn seal_for_all(
        &mut self,
        to: &[Arc<VerifiedRecord>],
        draft: &Draft<'_>,
    ) -> Result<SealedPost, Trouble> {
        let to: Vec<&VerifiedRecord> = to.iter().map(|record| &**record).collect();
        let (provider, identity) = (&*self.provider, &**self.keyring.identity());
        let sealed = if self.seals_only {
            seal_group(provider, identity, &to, draft, &mut self.rng).map_err(Trouble::Seal)?
        } else {
            let (by, now) = ((identity, self.keyring.sessions()), (self.unix_millis)());
            let sealed = seal_group_in_sessions(provider, by, &to, draft, now, &mut self.rng);
            let (sealed, step) = sealed.map_err(Trouble::Seal)?;
            self.keyring.commit(step, now, &mut self.rng).map_err(Trouble::Keyring)?;
            sealed
        };
        Ok(SealedPost { kind: SealKind::Group, sealed: sealed.bytes.into(), receipts: sealed.receipts })
    }

    /// The letter in what opened, once its sender is proven. A hello that is new begins a session with that.
    pub(super) fn prove_letter(
        &mut self,
        opened: Unproven,
        sender: &VerifiedRecord,
    ) -> Result<Result<Letter, LetterError>, KeyringError> {
        Ok(match opened {
            Unproven::Sealed(opened) => opened.verify(&*self.provider, sender),
            Unproven::InSession(letter) => Ok(letter),
            Unproven::InGroup(opened) => match opened.verify(&*self.provider, self.keyring.sessions(), sender) {
                Ok((letter, step)) => {
                    self.keyring.commit(step, (self.unix_millis)(), &mut self.rng)?;
                    Ok(letter)
                }
                Err(error) => Err(error),
            },
            Unproven::Hello(hello) => {
                let joined = self.keyring.sessions().join(&*self.provider, &hello, sender, (self.unix_millis)());
                match joined {
                    Ok((letter, step)) => {
                        if self.keyring.is_fresh(&letter) {
                            self.keyring.commit(step, (self.unix_millis)(), &mut self.rng)?;
                        }
                        Ok(letter)
                    }
                    Err(error) => Err(error),
                }
            }
        })
    }

    /// Whether a one-time key is to be fetched before anything is sealed for this member.
    pub(super) fn needs_one_time_key(&self, to: &VerifiedRecord) -> bool {
        self.wants_one_time
            && !self.seals_only
            && to.record().bundle.is_some()
            && self.keyring.sessions().needs_hello(to, (self.unix_millis)())
    }

    pub(super) fn begin_one_time_keys(&mut self) -> Done {
        self.wants_one_time = true;
        match self.keyring.sessions().fresh_one_time_keys() {
            Ok((keys, step)) => self.keep_one_time_keys(keys, step),
            Err(error) => {
                log::debug!("no one-time keys are published: {error}");
                Done::Noted
            }
        }
    }

    pub(super) fn refill_one_time_keys(&mut self) -> Done {
        match self.keyring.sessions().more_one_time_keys() {
            Some((keys, step)) => self.keep_one_time_keys(keys, step),
            None => Done::Noted,
        }
    }

    fn keep_one_time_keys(&mut self, keys: Vec<CurveKey>, step: Step) -> Done {
        match self.keyring.commit(step, (self.unix_millis)(), &mut self.rng) {
            Ok(()) => Done::OneTimeKeys(keys),
            Err(error) => Done::Failed(Box::new(failure_of(&error))),
        }
    }

    /// A receipt came: the session that the message went by is known at its other end.
    pub(super) fn acknowledged(&mut self, by: Fingerprint, message: MessageId) -> Done {
        self.keyring.acknowledged(by, message);
        Done::Noted
    }

    /// New keys for others to begin sessions with, when it is time.
    pub(super) fn renew_bundle(&mut self) -> Done {
        match self.keyring.renew_bundle((self.unix_millis)(), &mut self.rng) {
            Ok(Some(identity)) => Done::Renewed { record: wire::to_bytes(identity.record()).into() },
            Ok(None) => Done::Noted,
            Err(error) => Done::Failed(Box::new(failure_of(&error))),
        }
    }
}
