//! What is on its way to the disk, and what is to be done when it is there.

use std::collections::BTreeMap;

use crate::{
    crypto::VerifiedRecord,
    server::{InviteHash, bindings::Change, lookalike::LookAlikes},
    types::{Fingerprint, LinkId, MemberName},
};

/// Names one commit of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(pub u64);

/// Why something is committed.
#[derive(Debug)]
pub(super) enum Purpose {
    /// The link's candidate becomes a member.
    Admission { link: LinkId, record: Box<VerifiedRecord>, guest: bool },
    /// The link's member has a newer record.
    Update { link: LinkId, record: Box<VerifiedRecord> },
    /// The operator wants it.
    Operator,
}

/// A change and why it is made.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) change: Change,
    pub(super) purpose: Purpose,
}

impl Pending {
    /// Name and keys that are about to come in.
    fn newcomer(&self) -> Option<(&MemberName, Fingerprint)> {
        match &self.purpose {
            Purpose::Admission { record, .. } => Some((record.name(), record.fingerprint())),
            _ => None,
        }
    }

    fn invite(&self) -> Option<InviteHash> {
        match &self.change {
            Change::Bind(bind) => bind.invite,
            Change::UseInvite(hash) => Some(*hash),
            _ => None,
        }
    }
}

/// The commits that are under way. There are as many as registrations at one time: they are looked through.
#[derive(Debug, Default)]
pub(super) struct Commits {
    next: u64,
    pending: BTreeMap<CommitId, Pending>,
    looks: LookAlikes,
}

impl Commits {
    pub(super) fn begin(&mut self, pending: Pending) -> CommitId {
        let id = CommitId(self.next);
        self.next += 1;
        if let Some((name, _)) = pending.newcomer() {
            self.looks.insert(name);
        }
        self.pending.insert(id, pending);
        id
    }

    pub(super) fn end(&mut self, id: CommitId) -> Option<Pending> {
        let pending = self.pending.remove(&id)?;
        if let Some((name, _)) = pending.newcomer() {
            self.looks.remove(name);
        }
        Some(pending)
    }

    /// The keys that are about to come in under this name.
    pub(super) fn keys_for(&self, name: &MemberName) -> Option<Fingerprint> {
        self.newcomers().find(|(other, _)| *other == name).map(|(_, fingerprint)| fingerprint)
    }

    /// The name that these keys are about to come in under.
    pub(super) fn name_for(&self, fingerprint: &Fingerprint) -> Option<&MemberName> {
        self.newcomers().find(|(_, other)| other == fingerprint).map(|(name, _)| name)
    }

    /// Another name that is about to come in, and that this one could be taken for.
    pub(super) fn other_like(&self, name: &MemberName) -> Option<&MemberName> {
        self.looks.other_like(name)
    }

    /// Whether a change is under way of whose this name is, or of whether it or these keys may be here.
    pub(super) fn concern(&self, record: &VerifiedRecord) -> bool {
        self.pending.values().any(|pending| match &pending.change {
            Change::Ban(ban) => {
                ban.name == *record.name() || ban.fingerprint.is_some_and(|it| record.descends_from(it))
            }
            Change::Release(name) => name == record.name(),
            Change::Bind(bind) => bind.name == *record.name(),
            _ => false,
        })
    }

    /// Whether an invite is about to be used up.
    pub(super) fn uses(&self, invite: &InviteHash) -> bool {
        self.pending.values().any(|pending| pending.invite().as_ref() == Some(invite))
    }

    /// How many are about to come in.
    pub(super) fn newcomer_count(&self) -> usize {
        self.newcomers().count()
    }

    fn newcomers(&self) -> impl Iterator<Item = (&MemberName, Fingerprint)> {
        self.pending.values().filter_map(Pending::newcomer)
    }
}
