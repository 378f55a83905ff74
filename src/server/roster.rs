//! Which link belongs to which member, and who may still come back.

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use crate::types::{Fingerprint, LinkId, MemberName};

/// A member as the hub knows it while it is linked.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: MemberName,
    pub(super) fingerprint: Fingerprint,
    pub(super) guest: bool,
    /// The last name of the page that was sent last; nothing before the first page.
    pub(super) paged_to: Option<MemberName>,
}

/// A link that is not registered yet.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) peer: String,
    pub(super) attempts: u32,
    /// A registration is being verified.
    pub(super) verifying: bool,
    pub(super) guest: bool,
}

/// A member whose link broke, and when its grace ends.
#[derive(Clone, Copy, Debug)]
struct Away {
    fingerprint: Fingerprint,
    until: Instant,
}

/// The links of members, of candidates, and the names of those whose link broke.
#[derive(Debug, Default)]
pub(super) struct Roster {
    pub(super) candidates: HashMap<LinkId, Candidate>,
    members: BTreeMap<LinkId, Member>,
    links: HashMap<Fingerprint, LinkId>,
    away: BTreeMap<MemberName, Away>,
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

    pub(super) fn enter(&mut self, link: LinkId, member: Member) {
        self.candidates.remove(&link);
        self.links.insert(member.fingerprint, link);
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
        self.away.insert(member.name.clone(), Away { fingerprint: member.fingerprint, until });
    }

    /// Takes back a member that was waited for: the same name with the same keys.
    pub(super) fn is_back(&mut self, name: &MemberName, fingerprint: &Fingerprint) -> bool {
        let back = self.away.get(name).is_some_and(|away| away.fingerprint == *fingerprint);
        if back {
            self.away.remove(name);
        }
        back
    }

    /// Takes one member whose grace is over.
    pub(super) fn give_up(&mut self, now: Instant) -> Option<MemberName> {
        let name = self.away.iter().find(|(_, away)| away.until <= now).map(|(name, _)| name.clone())?;
        self.away.remove(&name);
        Some(name)
    }

    /// When the next grace is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.away.values().map(|away| away.until).min()
    }
}
