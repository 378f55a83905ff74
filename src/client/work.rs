//! What must not run on the network's thread: RSA, and the disk behind the keyring.

mod in_session;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, path::PathBuf, sync::Arc};

use rand::CryptoRng;

pub use in_session::Unproven;

use super::{
    event::Failure,
    keyring::{Keyring, KeyringError},
    places::Places,
    trust::{Keep, Proof},
};
use crate::{
    crypto::{
        Audience, Challenge, CryptoProvider, Draft, Judgement, Letter, ReceiptSecret, SealError, VerifiedRecord,
        session::{Position, SessionId},
        verify_record,
    },
    types::{
        Code, CurveKey, DirectoryHead, Fingerprint, KeyRecord, MemberName, MessageId, SealKind,
        wire::{self, Blob},
    },
};

/// Something to do for a session.
#[derive(Debug)]
pub enum Job {
    /// Answer what the hub asks for over this link.
    Prove { challenge: Challenge },
    /// Check key records that the hub sent.
    Check { records: Vec<Blob> },
    /// Seal a text for one member.
    Seal { id: MessageId, to: Arc<VerifiedRecord>, stamp: DirectoryHead, text: String },
    /// Seal a text for all of these.
    SealGroup { id: MessageId, to: Vec<Arc<VerifiedRecord>>, stamp: DirectoryHead, text: String },
    /// Make one-time keys for this visit, and want one before a session begins.
    BeginOneTimeKeys,
    /// Make one-time keys in the place of used ones.
    RefillOneTimeKeys,
    /// Seal what a one-time key was wanted for, with it or without.
    BeginSession { unsealed: Box<Unsealed>, one_time: Option<CurveKey> },
    /// Try to open what the hub relayed.
    Open { kind: SealKind, sealed: Blob },
    /// Prove who wrote what opened, and judge whether it is new.
    Judge { opened: Box<Unproven>, sender: Arc<VerifiedRecord> },
    /// Note that a message arrived.
    Acknowledged { by: Fingerprint, message: MessageId },
    /// Publish new keys for sessions, if it is time.
    RenewBundle,
    /// Have something on the disk.
    Keep(Keep),
    /// Have the places in titles on the disk.
    KeepPlaces(Places),
}

/// A text for one member.
#[derive(Debug)]
pub struct Unsealed {
    pub id: MessageId,
    pub to: Arc<VerifiedRecord>,
    pub stamp: DirectoryHead,
    pub text: String,
}

/// What came of it.
#[derive(Debug)]
pub enum Done {
    Proved {
        record: Blob,
        proof: Blob,
    },
    /// The records that are good.
    Checked(Vec<Arc<VerifiedRecord>>),
    Sealed {
        id: MessageId,
        result: Result<SealedPost, SealFailure>,
    },
    /// A session is to begin with a one-time key of its receiver.
    WantsOneTimeKey(Box<Unsealed>),
    /// To be published.
    OneTimeKeys(Vec<CurveKey>),
    /// Nothing for what is not for this member, or damaged; and where it stood in a session.
    Opened {
        opened: Option<Box<Unproven>>,
        position: Option<Position>,
    },
    /// Nothing for what is forged.
    Judged(Option<Judged>),
    /// The key record as it is now.
    Renewed {
        record: Blob,
    },
    /// There is nothing to say.
    Noted,
    /// It is on the disk; in a file that a user may want to look at.
    Kept(Option<PathBuf>),
    /// The places are on the disk.
    PlacesKept,
    /// The disk refuses the places: nothing else depends on them.
    PlacesNotKept(Box<Failure>),
    /// The keys or the disk refuse: the session cannot go on.
    Failed(Box<Failure>),
}

/// A letter that is proven to be of its sender.
#[derive(Debug)]
pub struct Judged {
    pub letter: Box<Letter>,
    /// What its sender's key record calls it.
    pub sender: MemberName,
    pub judgement: Judgement,
    /// For others, should they need to be shown what it says; where it was signed.
    pub proof: Option<Box<Proof>>,
}

/// A post that is ready to go.
#[derive(Debug)]
pub struct SealedPost {
    pub kind: SealKind,
    pub sealed: Blob,
    /// Whose receipts to expect.
    pub receipts: Vec<(Fingerprint, ReceiptSecret)>,
}

/// Why a text was not sealed.
#[derive(Debug)]
pub struct SealFailure {
    pub code: Code,
    pub text: String,
}

/// Does the work of one session, in order.
pub struct Worker {
    provider: Arc<dyn CryptoProvider>,
    keyring: Keyring,
    rng: Box<dyn CryptoRng + Send>,
    /// Milliseconds since 1970.
    unix_millis: fn() -> u64,
    /// No sessions are begun or used to send.
    seals_only: bool,
    /// Sessions begin with one-time keys, as in direct mode.
    wants_one_time: bool,
    /// The last places of messages to all in sessions, and of those missing before them.
    counted: VecDeque<(SessionId, u32)>,
}

enum Trouble {
    Seal(SealError),
    Keyring(KeyringError),
}

impl Worker {
    /// A worker with the keys of one member.
    #[must_use]
    pub fn new(
        provider: Arc<dyn CryptoProvider>,
        keyring: Keyring,
        rng: Box<dyn CryptoRng + Send>,
        unix_millis: fn() -> u64,
    ) -> Self {
        Self { provider, keyring, rng, unix_millis, seals_only: false, wants_one_time: false, counted: VecDeque::new() }
    }

    /// The same, but what it sends goes sealed by RSA, in no session.
    #[must_use]
    pub fn sealing_only(self) -> Self {
        Self { seals_only: true, ..self }
    }

    /// Does one job. Milliseconds for most, for a group 0.1 ms for each member of it.
    pub fn work(&mut self, job: Job) -> Done {
        match job {
            Job::Prove { challenge } => self.prove(&challenge),
            Job::Check { records } => self.check_all(&records),
            Job::Seal { id, to, stamp, text } => {
                let unsealed = Box::new(Unsealed { id, to, stamp, text });
                if self.needs_one_time_key(&unsealed.to) {
                    return Done::WantsOneTimeKey(unsealed);
                }
                self.seal(&unsealed, None)
            }
            Job::BeginOneTimeKeys => self.begin_one_time_keys(),
            Job::RefillOneTimeKeys => self.refill_one_time_keys(),
            Job::BeginSession { unsealed, one_time } => self.seal(&unsealed, one_time),
            Job::SealGroup { id, to, stamp, text } => {
                let result = self.seal_group(id, &to, stamp, &text);
                sealed(id, result)
            }
            Job::Open { kind, sealed } => self.open(kind, &sealed),
            Job::Judge { opened, sender } => self.judge(*opened, &sender),
            Job::Acknowledged { by, message } => self.acknowledged(by, message),
            Job::RenewBundle => self.renew_bundle(),
            Job::KeepPlaces(places) => match self.keyring.keep_places(&places) {
                Ok(()) => Done::PlacesKept,
                Err(error) => Done::PlacesNotKept(Box::new(failure_of(&error))),
            },
            Job::Keep(keep) => match self.keyring.keep(keep, (self.unix_millis)()) {
                Ok(file) => Done::Kept(file),
                Err(error) => Done::Failed(Box::new(failure_of(&error))),
            },
        }
    }

    fn prove(&mut self, challenge: &Challenge) -> Done {
        let identity = self.keyring.identity();
        let record = wire::to_bytes(identity.record()).into();
        match identity.prove(challenge, &mut self.rng) {
            Ok(proof) => Done::Proved { record, proof: proof.into() },
            Err(error) => {
                let hint = "use --ephemeral or another data folder";
                Done::Failed(Box::new(Failure::new(Code::DataUnusable, error.to_string(), hint)))
            }
        }
    }

    fn check_all(&self, records: &[Blob]) -> Done {
        let check = |record: &Blob| {
            let record = KeyRecord::decode(record).inspect_err(|error| log::debug!("{error}")).ok()?;
            let fingerprint = record.fingerprint();
            let checked = verify_record(&*self.provider, record, fingerprint);
            checked.inspect_err(|error| log::debug!("key record {fingerprint} is not used: {error}")).ok()
        };
        Done::Checked(records.iter().filter_map(check).map(Arc::new).collect())
    }

    fn seal(&mut self, unsealed: &Unsealed, one_time: Option<CurveKey>) -> Done {
        let Unsealed { id, to, stamp, text } = unsealed;
        let sequence = self.keyring.next_sequence(Audience::Member(to.fingerprint())).map_err(Trouble::Keyring);
        let result = sequence.and_then(|sequence| {
            let draft = Draft { id: *id, sequence, time: (self.unix_millis)(), stamp: *stamp, text };
            self.seal_for(to, one_time, &draft)
        });
        sealed(*id, result)
    }

    fn seal_group(
        &mut self,
        id: MessageId,
        to: &[Arc<VerifiedRecord>],
        stamp: DirectoryHead,
        text: &str,
    ) -> Result<SealedPost, Trouble> {
        let sequence = self.keyring.next_sequence(Audience::Group).map_err(Trouble::Keyring)?;
        let draft = Draft { id, sequence, time: (self.unix_millis)(), stamp, text };
        self.seal_for_all(to, &draft)
    }

    fn judge(&mut self, opened: Unproven, sender: &VerifiedRecord) -> Done {
        let signed = opened.signed();
        let letter = match self.prove_letter(opened, sender) {
            Ok(Ok(letter)) => letter,
            Err(error) => return Done::Failed(Box::new(failure_of(&error))),
            Ok(Err(error)) => {
                log::debug!("a message that claims to be of {} is dropped: {error}", sender.fingerprint());
                return Done::Judged(None);
            }
        };
        match self.keyring.take_in(&letter) {
            Ok(judgement) => {
                let key = sender.record().keys.signing.clone();
                let proof = signed.map(|(signed, signature)| Box::new(Proof { signed, signature, key }));
                let sender = sender.name().clone();
                Done::Judged(Some(Judged { letter: Box::new(letter), sender, judgement, proof }))
            }
            Err(error) => Done::Failed(Box::new(failure_of(&error))),
        }
    }
}

fn sealed(id: MessageId, result: Result<SealedPost, Trouble>) -> Done {
    let result = match result {
        Ok(post) => Ok(post),
        Err(Trouble::Seal(error)) => Err(SealFailure { code: error.code(), text: error.to_string() }),
        Err(Trouble::Keyring(error)) => return Done::Failed(Box::new(failure_of(&error))),
    };
    Done::Sealed { id, result }
}

/// What a member is told when its keys or its folder cannot be used.
#[must_use]
pub fn failure_of(error: &KeyringError) -> Failure {
    Failure::new(error.code(), error.to_string(), error.hint())
}
