//! Which link belongs to which member, and who may still come back.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Instant,
};

use super::{InviteHash, relay::Admission};
use crate::types::{CurveKey, Fingerprint, KeyRecord, LinkId, MemberName};

/// A member as the hub knows it while it is linked.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: MemberName,
    pub(super) fingerprint: Fingerprint,
    pub(super) peer: String,
    /// Of its key record.
    pub(super) sequence: u64,
    /// A newer record is being verified or written.
    pub(super) updating: bool,
    /// The newest one that came meanwhile: those before it are of no use any more.
    pub(super) next_update: Option<KeyRecord>,
    /// Newer records so far.
    pub(super) updates: u32,
    /// The last name of the page that was sent last; nothing before the first page.
    pub(super) paged_to: Option<MemberName>,
    /// How often it asked for the directory's past.
    pub(super) heads_asked: u32,
    /// Keys for others to begin a session with, each for one.
    pub(super) one_time: VecDeque<CurveKey>,
    /// How many of them were given to whom since it published some: over whichever links those ask.
    pub(super) given: HashMap<Fingerprint, usize>,
    /// How many such keys of others it took.
    pub(super) fetched: usize,
}

/// A link that is not registered yet.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) peer: String,
    pub(super) admission: Admission,
    pub(super) attempts: u32,
    /// A registration is being verified or written.
    pub(super) verifying: bool,
    /// As its last registration says.
    pub(super) guest: bool,
    pub(super) invite: Option<InviteHash>,
}

impl Candidate {
    pub(super) fn new(peer: String, admission: Admission) -> Self {
        Self { peer, admission, attempts: 0, verifying: false, guest: false, invite: None }
    }
}

/// A member whose link broke.
#[derive(Clone, Debug)]
pub(super) struct Away {
    pub(super) name: MemberName,
    /// When its grace ends.
    until: Instant,
    /// A post that would have reached it went by: it cannot come back unnoticed any more.
    pub(super) missed: bool,
}

/// The links of members, of candidates, and those whose link broke. The same keys are here once at most.
#[derive(Debug, Default)]
pub(super) struct Roster {
    pub(super) candidates: HashMap<LinkId, Candidate>,
    members: BTreeMap<LinkId, Member>,
    links: HashMap<Fingerprint, LinkId>,
    away: BTreeMap<Fingerprint, Away>,
}

impl Roster {
    pub(super) fn member(&self, link: LinkId) -> Option<&Member> {
        self.members.get(&link)
    }

    pub(super) fn member_mut(&mut self, link: LinkId) -> Option<&mut Member> {
        self.members.get_mut(&link)
    }

    pub(super) fn links(&self) -> impl Iterator<Item = LinkId> + '_ {
        self.members.keys().copied()
    }

    pub(super) fn link_of(&self, fingerprint: &Fingerprint) -> Option<LinkId> {
        self.links.get(fingerprint).copied()
    }

    pub(super) fn member_of(&self, fingerprint: &Fingerprint) -> Option<&Member> {
        self.member(self.link_of(fingerprint)?)
    }

    /// Makes a candidate a member.
    pub(super) fn enter(&mut self, link: LinkId, name: MemberName, fingerprint: Fingerprint, sequence: u64) {
        let peer = self.candidates.remove(&link).map(|candidate| candidate.peer).unwrap_or_default();
        self.links.insert(fingerprint, link);
        let member = Member {
            name,
            fingerprint,
            peer,
            sequence,
            updating: false,
            next_update: None,
            updates: 0,
            paged_to: None,
            heads_asked: 0,
            one_time: VecDeque::new(),
            given: HashMap::new(),
            fetched: 0,
        };
        self.members.insert(link, member);
    }

    pub(super) fn leave(&mut self, link: LinkId) -> Option<Member> {
        let member = self.members.remove(&link)?;
        if self.links.get(&member.fingerprint) == Some(&link) {
            self.links.remove(&member.fingerprint);
        }
        Some(member)
    }

    /// Keeps a member's name for as long as it may come back.
    pub(super) fn wait_for(&mut self, member: &Member, until: Instant) {
        self.away.insert(member.fingerprint, Away { name: member.name.clone(), until, missed: false });
    }

    /// A post went to everybody who is linked.
    pub(super) fn went_by(&mut self) {
        self.away.values_mut().for_each(|away| away.missed = true);
    }

    pub(super) fn is_away(&self, fingerprint: &Fingerprint) -> bool {
        self.away.contains_key(fingerprint)
    }

    /// Takes back a member that was waited for, by its keys.
    pub(super) fn take_back(&mut self, fingerprint: &Fingerprint) -> Option<Away> {
        self.away.remove(fingerprint)
    }

    /// Takes one member whose grace is over.
    pub(super) fn give_up(&mut self, now: Instant) -> Option<MemberName> {
        let fingerprint = self.away.iter().find(|(_, away)| away.until <= now).map(|(fingerprint, _)| *fingerprint)?;
        self.away.remove(&fingerprint).map(|away| away.name)
    }

    /// When the next grace is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.away.values().map(|away| away.until).min()
    }
}
