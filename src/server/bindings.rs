//! What a hub remembers beyond the visits of its members: whose name is whose, who is banned, who is invited.
//!
//! Everything that changes it is a [`Change`], written to disk before it counts: the bindings are what comes of
//! applying all changes in order.

use std::collections::{BTreeMap, HashMap};

use super::{invite::InviteHash, lookalike::LookAlikes};
use crate::types::{
    Fingerprint, MemberName,
    limits::{MAX_BANS, MAX_BINDINGS, MAX_INVITES},
    wire::{self, DecodeError, wire_struct},
};

wire_struct! {
    /// A name belongs to these keys from now on.
    pub struct Bind {
        pub name: MemberName,
        pub fingerprint: Fingerprint,
        /// Of the key record that was shown last; an older one is not taken any more.
        pub sequence: u64,
        /// What let its member in, used up by that.
        pub invite: Option<InviteHash>,
    }
}

wire_struct! {
    /// Neither the name nor the keys get in.
    pub struct Ban {
        pub name: MemberName,
        pub fingerprint: Option<Fingerprint>,
    }
}

wire_struct! {
    /// Whoever has the code gets in, once.
    pub struct Invite {
        pub hash: InviteHash,
        /// The only name that it is good for.
        pub name: Option<MemberName>,
    }
}

/// A step from one state of the bindings to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Bind(Bind),
    /// An invite let in a guest, who binds nothing.
    UseInvite(InviteHash),
    /// The name is free again.
    Release(MemberName),
    Ban(Ban),
    Unban(MemberName),
    Invite(Invite),
}

/// An entry that is none of this version's changes.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("a change of kind {0}")]
    Unknown(u8),
    #[error("an empty change")]
    Empty,
}

impl Change {
    /// As an entry of a journal: a byte that says which, then its fields.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        bytes.push(self.kind());
        match self {
            Self::Bind(bind) => wire::write_to(&mut bytes, bind),
            Self::UseInvite(hash) => wire::write_to(&mut bytes, hash),
            Self::Release(name) | Self::Unban(name) => wire::write_to(&mut bytes, name),
            Self::Ban(ban) => wire::write_to(&mut bytes, ban),
            Self::Invite(invite) => wire::write_to(&mut bytes, invite),
        }
        bytes
    }

    /// Reads what [`Change::to_bytes`] wrote.
    ///
    /// # Errors
    /// When it did not, or a newer version did.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ChangeError> {
        let (kind, fields) = bytes.split_first().ok_or(ChangeError::Empty)?;
        Ok(match kind {
            1 => Self::Bind(wire::from_bytes(fields)?),
            2 => Self::UseInvite(wire::from_bytes(fields)?),
            3 => Self::Release(wire::from_bytes(fields)?),
            4 => Self::Ban(wire::from_bytes(fields)?),
            5 => Self::Unban(wire::from_bytes(fields)?),
            6 => Self::Invite(wire::from_bytes(fields)?),
            other => return Err(ChangeError::Unknown(*other)),
        })
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Bind(_) => 1,
            Self::UseInvite(_) => 2,
            Self::Release(_) => 3,
            Self::Ban(_) => 4,
            Self::Unban(_) => 5,
            Self::Invite(_) => 6,
        }
    }
}

/// Whose a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    pub fingerprint: Fingerprint,
    /// Of the newest key record of these keys.
    pub sequence: u64,
}

/// Names, bans and invites as of the last change.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    names: BTreeMap<MemberName, Binding>,
    looks: LookAlikes,
    bans: BTreeMap<MemberName, Option<Fingerprint>>,
    invites: HashMap<InviteHash, Option<MemberName>>,
}

impl Bindings {
    /// Takes a change in.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Bind(Bind { name, fingerprint, sequence, invite }) => {
                self.looks.insert(name);
                let binding = Binding { fingerprint: *fingerprint, sequence: *sequence };
                // The name as it is typed now stands in place of how it was typed before.
                self.names.remove(name);
                self.names.insert(name.clone(), binding);
                invite.map(|hash| self.invites.remove(&hash));
            }
            Change::UseInvite(hash) => drop(self.invites.remove(hash)),
            Change::Release(name) => {
                self.looks.remove(name);
                self.names.remove(name);
            }
            Change::Ban(Ban { name, fingerprint }) => {
                // A second ban, when nobody has the name any more, knows no keys: those of the first stay out.
                let banned = self.bans.entry(name.clone()).or_default();
                *banned = fingerprint.or(*banned);
            }
            Change::Unban(name) => drop(self.bans.remove(name)),
            Change::Invite(Invite { hash, name }) => drop(self.invites.insert(*hash, name.clone())),
        }
    }

    /// The fewest changes that lead here.
    pub fn changes(&self) -> impl Iterator<Item = Change> + '_ {
        let bind = |(name, binding): (&MemberName, &Binding)| {
            let Binding { fingerprint, sequence } = *binding;
            Change::Bind(Bind { name: name.clone(), fingerprint, sequence, invite: None })
        };
        let ban = |(name, fingerprint): (&MemberName, &Option<Fingerprint>)| {
            Change::Ban(Ban { name: name.clone(), fingerprint: *fingerprint })
        };
        let invite = |(hash, name): (&InviteHash, &Option<MemberName>)| {
            Change::Invite(Invite { hash: *hash, name: name.clone() })
        };
        self.names.iter().map(bind).chain(self.bans.iter().map(ban)).chain(self.invites.iter().map(invite))
    }

    /// Whose a name is, or nothing when it is free.
    #[must_use]
    pub fn of(&self, name: &MemberName) -> Option<&Binding> {
        self.names.get(name)
    }

    /// A name of somebody else that this one could be taken for.
    #[must_use]
    pub fn other_like(&self, name: &MemberName) -> Option<&MemberName> {
        self.looks.other_like(name)
    }

    /// Whether a name is kept out.
    #[must_use]
    pub fn is_banned(&self, name: &MemberName) -> bool {
        self.bans.contains_key(name)
    }

    /// The keys that are kept out, whatever they call themselves.
    pub fn banned_keys(&self) -> impl Iterator<Item = &Fingerprint> {
        self.bans.values().flatten()
    }

    /// Whether an invite lets somebody of this name in.
    #[must_use]
    pub fn invites(&self, hash: &InviteHash, name: &MemberName) -> bool {
        self.invites.get(hash).is_some_and(|only| only.as_ref().is_none_or(|only| only == name))
    }

    /// Whether one more name can be bound.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.names.len() < MAX_BINDINGS
    }

    /// Whether one more ban fits.
    #[must_use]
    pub fn has_room_for_ban(&self) -> bool {
        self.bans.len() < MAX_BANS
    }

    /// Whether one more invite fits.
    #[must_use]
    pub fn has_room_for_invite(&self) -> bool {
        self.invites.len() < MAX_INVITES
    }

    /// How many names are bound.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no name is bound.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::InviteCode;

    fn name(text: &str) -> MemberName {
        text.parse().unwrap()
    }

    fn bind(text: &str, key: u8, sequence: u64, invite: Option<InviteHash>) -> Change {
        Change::Bind(Bind { name: name(text), fingerprint: Fingerprint([key; 32]), sequence, invite })
    }

    fn code(number: u8) -> InviteHash {
        InviteCode::new([number; 10]).hash()
    }

    fn invite(number: u8, only: Option<&str>) -> Change {
        Change::Invite(Invite { hash: code(number), name: only.map(name) })
    }

    fn some_of_everything() -> Vec<Change> {
        vec![
            invite(1, None),
            invite(2, Some("carol")),
            bind("Zoë", 1, 5, Some(code(1))),
            bind("zoë", 1, 6, None),
            bind("bob", 2, 1, None),
            Change::Release(name("bob")),
            Change::Ban(Ban { name: name("eve"), fingerprint: Some(Fingerprint([6; 32])) }),
            Change::Ban(Ban { name: name("mallory"), fingerprint: None }),
            Change::Unban(name("Mallory")),
            invite(3, None),
            Change::UseInvite(code(3)),
        ]
    }

    fn all(changes: impl IntoIterator<Item = Change>) -> Bindings {
        let mut bindings = Bindings::default();
        changes.into_iter().for_each(|change| bindings.apply(&change));
        bindings
    }

    #[test]
    fn changes_add_up() {
        let bindings = all(some_of_everything());
        let zoe = Binding { fingerprint: Fingerprint([1; 32]), sequence: 6 };
        assert_eq!((bindings.of(&name("ZOË")), bindings.len()), (Some(&zoe), 1));
        assert_eq!(bindings.of(&name("bob")), None);
        assert_eq!(bindings.other_like(&name("bоb")), None, "released");
        assert!(bindings.is_banned(&name("EVE")) && !bindings.is_banned(&name("mallory")));
        assert_eq!(bindings.banned_keys().collect::<Vec<_>>(), [&Fingerprint([6; 32])]);
        assert!(!bindings.invites(&code(1), &name("x")), "used by a binding");
        assert!(!bindings.invites(&code(3), &name("x")), "used by a guest");
        assert!(bindings.invites(&code(2), &name("Carol")) && !bindings.invites(&code(2), &name("dave")));
    }

    #[test]
    fn the_fewest_changes_lead_to_the_same() {
        let bindings = all(some_of_everything());
        let fewest: Vec<Change> = bindings.changes().collect();
        assert_eq!(fewest.len(), 3);
        let again = all(fewest.iter().map(|change| Change::from_bytes(&change.to_bytes()).unwrap()));
        assert_eq!(again.changes().collect::<Vec<_>>(), fewest);
        assert!(matches!(&fewest[0], Change::Bind(bind) if bind.name.as_str() == "zoë"), "as it was typed last");
    }

    #[test]
    fn every_change_is_read_as_it_was_written() {
        for change in some_of_everything() {
            assert_eq!(Change::from_bytes(&change.to_bytes()).unwrap(), change);
        }
        assert!(matches!(Change::from_bytes(&[]), Err(ChangeError::Empty)));
        assert!(matches!(Change::from_bytes(&[99, 0x90]), Err(ChangeError::Unknown(99))));
        assert!(matches!(Change::from_bytes(&[1, 0x90]), Err(ChangeError::Decode(_))));
    }
}
