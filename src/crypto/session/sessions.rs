//! All sessions of one member, and which of them a message goes by.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use rand::CryptoRng;
use zeroize::Zeroizing;

use super::{
    OpenedHello, Position, SessionId, Step,
    account::Account,
    chain::{Role, TAG},
    hello::{self, Target},
    limits::{KEPT, KEPT_OWN, MAX_SESSIONS, ONE_TIME_KEYS},
    note,
    one::Session,
    slot::{self, SlotKeys},
    step,
    tags::ExpectedTags,
};
use crate::{
    crypto::{
        identity::Identity,
        letter::{Draft, Letter, LetterError},
        provider::{CryptoProvider, KeyUnusable},
        receipt::ReceiptSecret,
        record::VerifiedRecord,
        seal::SealError,
    },
    types::{Bundle, Code, CurveKey, Fingerprint, MessageId, SealKind, limits::MAX_TEXT},
};

/// What was kept of sessions is damaged, or not of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kept sessions are damaged")]
pub struct SessionsError;

impl SessionsError {
    /// What the member is told.
    #[must_use]
    pub fn code(&self) -> Code {
        Code::DataUnusable
    }
}

/// A message sealed in a session, to be posted once its step is kept and committed.
#[derive(Debug)]
pub struct SealedInSession {
    /// Hello or tagged.
    pub kind: SealKind,
    /// At most [`MAX_SEALED`](crate::crypto::MAX_SEALED) bytes.
    pub bytes: Vec<u8>,
    /// For [`ExpectedReceipts::expect`](crate::crypto::ExpectedReceipts::expect).
    pub receipt: ReceiptSecret,
    pub step: Step,
}

/// A tagged message that opened, which proves its sender; to be shown once its step is kept and committed.
#[derive(Debug)]
pub struct Received {
    pub letter: Letter,
    pub position: Position,
    pub step: Step,
}

/// What a session's slot of a group record held.
pub(in crate::crypto) struct Unwrapped {
    pub(in crate::crypto) keys: SlotKeys,
    pub(in crate::crypto) peer: Fingerprint,
    pub(in crate::crypto) position: Position,
    pub(in crate::crypto) step: Step,
}

/// See the module.
pub struct Sessions {
    account: Account,
    by_id: HashMap<SessionId, Session>,
    by_peer: BTreeMap<Fingerprint, Vec<SessionId>>,
    expected: ExpectedTags,
    /// Counts what happens, so that the latest is known whatever the clock does.
    count: u64,
}

impl Sessions {
    /// A member without sessions, and new keys for others to begin them with. `now` is in milliseconds since
    /// 1970-01-01 UTC, here and below.
    ///
    /// # Errors
    /// When the system's randomness is broken.
    pub fn new(owner: Fingerprint, now: u64) -> Result<Self, KeyUnusable> {
        Ok(Self::with_account(Account::new(owner, now)?))
    }

    /// Reads back a [snapshot](Self::snapshot) and the entries of the steps after it.
    ///
    /// # Errors
    /// When they are anything else.
    pub fn load<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, SessionsError> {
        let mut entries = entries.into_iter().map(|entry| step::decode(entry).ok_or(SessionsError));
        let first = entries.next().ok_or(SessionsError)??;
        let account = first.account.clone().and_then(Account::load).ok_or(SessionsError)?;
        let mut sessions = Self::with_account(account);
        for saved in std::iter::once(Ok(first)).chain(entries) {
            let saved = saved?;
            let account = saved.account.map(|saved| Account::load(saved).ok_or(SessionsError)).transpose()?;
            let put = saved.put.into_iter().map(|saved| Session::load(saved).ok_or(SessionsError));
            let put = put.collect::<Result<_, _>>()?;
            sessions.commit(Step { account, put, dropped: saved.dropped });
        }
        Ok(sessions)
    }

    /// The same for a member that has these keys now. Sessions that it had under others are forgotten: who knows the
    /// new keys begins anew. True when there were such.
    pub fn belong_to(&mut self, owner: Fingerprint) -> bool {
        if self.account.owner == owner {
            return false;
        }
        let mut account = self.account.clone();
        account.owner = owner;
        *self = Self::with_account(account);
        true
    }

    /// Everything, as an entry that others may follow: secret.
    #[must_use]
    pub fn snapshot(&self) -> Zeroizing<Vec<u8>> {
        step::snapshot(&self.account, self.by_id.values())
    }

    /// The same in at most this many bytes, or the account alone: the sessions that were silent longest are forgotten for
    /// it. Peers that skip messages make theirs ten times as large.
    pub fn snapshot_within(&mut self, limit: usize) -> Zeroizing<Vec<u8>> {
        let mut snapshot = self.snapshot();
        while snapshot.len() > limit && !self.by_id.is_empty() {
            for _ in 0..self.by_id.len().div_ceil(8) {
                if let Some(id) = self.longest_silent() {
                    self.remove(id);
                }
            }
            snapshot = self.snapshot();
        }
        snapshot
    }

    /// What to publish in the key record.
    #[must_use]
    pub fn bundle(&self) -> Bundle {
        self.account.bundle()
    }

    /// How many sessions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// New keys for the bundle, once a week; nothing when it is not time.
    ///
    /// # Errors
    /// When the system's randomness is broken.
    pub fn renew(&self, now: u64) -> Result<Option<Step>, KeyUnusable> {
        let renewed = self.account.renewed(now)?;
        Ok(renewed.map(|account| Step { account: Some(account), ..Step::default() }))
    }

    /// One-time keys to publish at the beginning of a visit to a hub in direct mode. Those of earlier visits are forgotten:
    /// the hub has forgotten them too, and whoever fetched one and kept it shall not use up what others get.
    ///
    /// # Errors
    /// When the account cannot be read.
    pub fn fresh_one_time_keys(&self) -> Result<(Vec<CurveKey>, Step), KeyUnusable> {
        let (account, keys) = self.account.without_one_time_keys()?.with_one_time_keys();
        Ok((keys, Step { account: Some(account), ..Step::default() }))
    }

    /// One-time keys to publish in the place of used ones, once half of them are.
    #[must_use]
    pub fn more_one_time_keys(&self) -> Option<(Vec<CurveKey>, Step)> {
        if self.account.one_time_keys() > ONE_TIME_KEYS / 2 {
            return None;
        }
        let (account, keys) = self.account.with_one_time_keys();
        Some((keys, Step { account: Some(account), ..Step::default() }))
    }

    /// Whether the next message to this member begins a session.
    #[must_use]
    pub fn needs_hello(&self, to: &VerifiedRecord, now: u64) -> bool {
        self.fit_for(to, now).is_none()
    }

    /// Seals a message for a member whose record has a bundle: in a session that it is known to have, else as a hello.
    /// `one_time` is a key of its that the hub gave out. Costs a private operation for a hello, none otherwise.
    ///
    /// # Errors
    /// When the record has no bundle or an unusable one, or the text is too long.
    pub fn seal(
        &self,
        provider: &dyn CryptoProvider,
        me: &Identity,
        to: (&VerifiedRecord, Option<CurveKey>),
        draft: &Draft<'_>,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<SealedInSession, SealError> {
        if draft.text.len() > MAX_TEXT {
            return Err(SealError::TooLarge { bytes: draft.text.len(), limit: MAX_TEXT });
        }
        let (record, one_time) = to;
        let receipt = ReceiptSecret::random(rng);
        if let Some(session) = self.fit_for(record, now) {
            let mut session = session.clone();
            let bytes = session.seal(&note::write(draft, &receipt), rng)?;
            session.sent(draft.id, now);
            let step = Step { put: vec![session], ..Step::default() };
            return Ok(SealedInSession { kind: SealKind::Tagged, bytes, receipt, step });
        }
        let bundle = record.record().bundle.as_ref().ok_or(KeyUnusable("the key record has no bundle"))?;
        let target = Target { peer: record.fingerprint(), bundle, one_time, now, order: self.count + 1 };
        let (bytes, session) = hello::make(provider, (me, &self.account), &target, (draft, &receipt), rng)?;
        let step = self.step_with(session, None);
        Ok(SealedInSession { kind: SealKind::Hello, bytes, receipt, step })
    }

    /// Opens a hello, if it is for this member. Costs at most two decapsulations, 0.1 ms.
    #[must_use]
    pub fn open_hello(&self, provider: &dyn CryptoProvider, me: &Identity, record: &[u8]) -> Option<OpenedHello> {
        let (_, rest) = record.split_first().filter(|(suite, _)| **suite == provider.suite())?;
        hello::open(provider, me.fingerprint(), &self.account, rest)
    }

    /// Proves who sent a hello and joins its session. Commit the step only when the letter is fresh: a replayed hello
    /// changes nothing.
    ///
    /// # Errors
    /// See [`LetterError`]; the hello is then dropped and nothing is sent.
    pub fn join(
        &self,
        provider: &dyn CryptoProvider,
        hello: &OpenedHello,
        sender: &VerifiedRecord,
        now: u64,
    ) -> Result<(Letter, Step), LetterError> {
        let joined = hello.join(provider, &self.account, sender, now, self.count + 1)?;
        if self.by_id.contains_key(&joined.session.id) {
            return Ok((joined.letter, Step::default()));
        }
        // Most begin with the fallback key, which stays.
        let account = (joined.account.one_time_keys() != self.account.one_time_keys()).then_some(joined.account);
        Ok((joined.letter, self.step_with(joined.session, account)))
    }

    /// Opens a tagged record, if it is of one of these sessions. One that is not costs one look into a table.
    #[must_use]
    pub fn open_tagged(&self, me: Fingerprint, record: &[u8]) -> Option<Received> {
        let (session, index) = self.find(*record.first_chunk()?)?;
        let (text, after, missing) = session.open(index, record)?;
        let letter = note::read(&text, session.origin.peer, me)?;
        let position = Position { session: session.id, index, missing };
        Some(Received { letter, position, step: self.heard(after) })
    }

    /// The peer has acknowledged a message. Nothing has to be kept: if this is forgotten, a session begins anew.
    pub fn acknowledged(&mut self, by: Fingerprint, message: MessageId) {
        let order = self.count + 1;
        for id in self.by_peer.get(&by).into_iter().flatten() {
            if let Some(session) = self.by_id.get_mut(id)
                && session.acknowledged(message)
            {
                session.heard = Some(order);
                self.count = order;
                return;
            }
        }
    }

    /// Makes a step happen that is kept.
    pub fn commit(&mut self, step: Step) {
        if let Some(account) = step.account {
            self.account = account;
        }
        for id in step.dropped {
            self.remove(id);
        }
        for session in step.put {
            self.count = self.count.max(session.origin.order).max(session.heard.unwrap_or(0));
            self.remove(session.id);
            self.expected.expect(session.id, session.receiving.expected());
            self.by_peer.entry(session.origin.peer).or_default().push(session.id);
            self.by_id.insert(session.id, session);
        }
    }

    /// A slot of a group record for a member that is known to have a session, which moves on in `step`; nothing for
    /// another, nor where the session cannot go on: what one member did to it shall not keep the text from the others.
    pub(in crate::crypto) fn wrap(
        &self,
        to: &VerifiedRecord,
        keys: &SlotKeys,
        size: usize,
        (message, now): (MessageId, u64),
        step: &mut Step,
        rng: &mut dyn CryptoRng,
    ) -> Option<Vec<u8>> {
        let mut session = self.fit_for(to, now)?.clone();
        let block = slot::wrap(&mut session, keys, size, rng).ok()?;
        session.sent(message, now);
        step.put.push(session);
        Some(block)
    }

    /// What is in this member's slot of a group record, if it is a session's.
    pub(in crate::crypto) fn unwrap(&self, block: &[u8]) -> Option<Unwrapped> {
        let (session, index) = self.find(slot::tag_of(block)?)?;
        let (keys, after, missing) = slot::unwrap(session, index, block)?;
        let position = Position { session: session.id, index, missing };
        Some(Unwrapped { keys, peer: session.origin.peer, position, step: self.heard(after) })
    }

    fn with_account(account: Account) -> Self {
        let (by_id, expected) = (HashMap::new(), ExpectedTags::default());
        Self { account, by_id, by_peer: BTreeMap::new(), expected, count: 0 }
    }

    fn find(&self, tag: [u8; TAG]) -> Option<(&Session, u32)> {
        let (id, index) = self.expected.find(tag)?;
        Some((self.by_id.get(&id)?, index))
    }

    /// Of the sessions that the peer is known to have, the one that it was last heard in.
    fn fit_for(&self, to: &VerifiedRecord, now: u64) -> Option<&Session> {
        let identity = to.record().bundle.as_ref()?.identity;
        let roles = [Role::Initiator, Role::Responder].into_iter();
        let kept = roles.flat_map(|role| self.newest_first(to.fingerprint(), role).into_iter().take(KEPT));
        kept.filter(|session| session.is_fit(identity, now)).max_by_key(|session| session.heard)
    }

    /// The sessions with a peer in which this member has a role.
    fn newest_first(&self, peer: Fingerprint, role: Role) -> Vec<&Session> {
        let mut sessions: Vec<_> = self.of_peer(peer).filter(|session| session.origin.role == role).collect();
        sessions.sort_unstable_by_key(|session| std::cmp::Reverse(session.origin.order));
        sessions
    }

    fn of_peer(&self, peer: Fingerprint) -> impl Iterator<Item = &Session> {
        self.by_peer.get(&peer).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// The peer showed that it has this session.
    fn heard(&self, mut session: Session) -> Step {
        session.heard = Some(self.count + 1);
        Step { put: vec![session], ..Step::default() }
    }

    /// A new session, and those that it pushes out.
    fn step_with(&self, session: Session, account: Option<Account>) -> Step {
        let rivals = self.newest_first(session.origin.peer, session.origin.role);
        let rest = match session.origin.role {
            Role::Responder => KEPT - 1,
            // The peer may answer any hello after the last one that it is known to have.
            Role::Initiator => {
                let heard = rivals.iter().position(|rival| rival.heard.is_some());
                heard.map_or(KEPT_OWN, |heard| heard + KEPT).min(KEPT_OWN) - 1
            }
        };
        let mut dropped: Vec<_> = rivals.into_iter().skip(rest).map(|rival| rival.id).collect();
        if dropped.is_empty() && self.by_id.len() >= MAX_SESSIONS {
            dropped.extend(self.longest_silent());
        }
        Step { account, put: vec![session], dropped }
    }

    fn longest_silent(&self) -> Option<SessionId> {
        let last = |session: &&Session| session.heard.max(Some(session.origin.order));
        self.by_id.values().min_by_key(last).map(|session| session.id)
    }

    fn remove(&mut self, id: SessionId) {
        let Some(session) = self.by_id.remove(&id) else { return };
        self.expected.forget(session.receiving.expected());
        if let Some(ids) = self.by_peer.get_mut(&session.origin.peer) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_peer.remove(&session.origin.peer);
            }
        }
    }

    /// How many of one member's sessions were begun by it, and by this one.
    #[cfg(test)]
    pub(super) fn counts(&self, peer: Fingerprint) -> (usize, usize) {
        let by = |role| self.of_peer(peer).filter(|session| session.origin.role == role).count();
        (by(Role::Responder), by(Role::Initiator))
    }

    #[cfg(test)]
    pub(super) fn expected_tags(&self) -> usize {
        self.expected.len()
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sessions({} with {} members)", self.by_id.len(), self.by_peer.len())
    }
}
