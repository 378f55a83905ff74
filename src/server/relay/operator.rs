//! What the operator of a hub does while it runs.

use super::{
    Relay,
    commits::{CommitId, Purpose},
};
use crate::{
    server::{
        InviteCode,
        bindings::{Ban, Change, Invite},
        report::{HubEvent, OperatorAction},
    },
    types::{Code, DirectoryEntry, Fingerprint, LeaveReason, MemberName},
};

/// Why the operator's wish cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    #[error("nobody called \"{0}\" is here")]
    NotHere(MemberName),
    #[error("\"{0}\" belongs to nobody")]
    NotBound(MemberName),
    #[error("\"{0}\" is not banned")]
    NotBanned(MemberName),
    #[error("as many are banned as can be kept; lift some bans first")]
    TooManyBans,
    #[error("as many invites are out as can be kept; they end when they are used")]
    TooManyInvites,
}

impl Relay {
    /// Lets a member go; it may come in again.
    ///
    /// # Errors
    /// When it is not here.
    pub fn kick(&mut self, name: &MemberName) -> Result<(), OperatorError> {
        if !self.remove(name, LeaveReason::Kicked, Code::Kicked, "the operator of this hub let you go") {
            return Err(OperatorError::NotHere(name.clone()));
        }
        self.told_by_operator(OperatorAction::Kick, Some(name));
        Ok(())
    }

    /// Keeps a name out, and the keys that it belongs to or is used with now, or is about to. Whoever is here by it
    /// is let go as soon as the ban lasts, which [`Relay::committed`] tells by this number.
    ///
    /// # Errors
    /// When there are too many.
    pub fn ban(&mut self, name: &MemberName) -> Result<CommitId, OperatorError> {
        if !self.bindings.has_room_for_ban() {
            return Err(OperatorError::TooManyBans);
        }
        let bound = self.bindings.of(name).map(|binding| binding.fingerprint);
        let here = || self.directory.find(name).map(|entry| entry.fingerprint);
        let fingerprint = bound.or_else(here).or_else(|| self.commits.keys_for(name));
        Ok(self.commit(Change::Ban(Ban { name: name.clone(), fingerprint }), Purpose::Operator))
    }

    /// Lifts a ban.
    ///
    /// # Errors
    /// When there is none.
    pub fn unban(&mut self, name: &MemberName) -> Result<CommitId, OperatorError> {
        if !self.bindings.is_banned(name) {
            return Err(OperatorError::NotBanned(name.clone()));
        }
        Ok(self.commit(Change::Unban(name.clone()), Purpose::Operator))
    }

    /// Makes a name free for other keys: those that it belongs to are lost. Whoever is here by it is let go.
    ///
    /// # Errors
    /// When it belongs to nobody.
    pub fn release(&mut self, name: &MemberName) -> Result<CommitId, OperatorError> {
        if self.bindings.of(name).is_none() {
            return Err(OperatorError::NotBound(name.clone()));
        }
        Ok(self.commit(Change::Release(name.clone()), Purpose::Operator))
    }

    /// Lets one new member in by this code, of any name or of this one.
    ///
    /// # Errors
    /// When there are too many.
    pub fn invite(&mut self, code: &InviteCode, name: Option<MemberName>) -> Result<CommitId, OperatorError> {
        if !self.bindings.has_room_for_invite() {
            return Err(OperatorError::TooManyInvites);
        }
        Ok(self.commit(Change::Invite(Invite { hash: code.hash(), name }), Purpose::Operator))
    }

    /// What the operator wanted lasts now.
    pub(super) fn operator_committed(&mut self, change: &Change) {
        match change {
            Change::Ban(Ban { name, fingerprint }) => {
                self.told_by_operator(OperatorAction::Ban, Some(name));
                self.keep_out(name, fingerprint.as_ref());
            }
            Change::Release(name) => {
                self.told_by_operator(OperatorAction::Release, Some(name));
                let text = "the operator of this hub made your name free for other keys";
                self.remove(name, LeaveReason::Kicked, Code::Kicked, text);
            }
            Change::Unban(name) => self.told_by_operator(OperatorAction::Unban, Some(name)),
            Change::Invite(invite) => self.told_by_operator(OperatorAction::Invite, invite.name.as_ref()),
            Change::Bind(_) | Change::UseInvite(_) => {}
        }
    }

    /// Lets those go who are here by a banned name or its keys.
    fn keep_out(&mut self, name: &MemberName, fingerprint: Option<&Fingerprint>) {
        let by_keys = fingerprint.and_then(|fingerprint| self.roster.member_of(fingerprint));
        let other = by_keys.map(|member| member.name.clone());
        for name in [Some(name.clone()), other].into_iter().flatten() {
            let text = "the operator of this hub does not let you in any more";
            self.remove(&name, LeaveReason::Banned, Code::Banned, text);
        }
    }

    /// Takes whoever has this name out of the hub; whether there was somebody.
    fn remove(&mut self, name: &MemberName, reason: LeaveReason, code: Code, text: &str) -> bool {
        let Some(DirectoryEntry { name, fingerprint, .. }) = self.directory.find(name).cloned() else { return false };
        self.roster.take_back(&fingerprint);
        let link = self.roster.link_of(&fingerprint);
        if let Some(link) = link {
            self.roster.leave(link);
        }
        self.gone(&name, reason);
        if let Some(link) = link {
            self.hang_up(link, code, text);
        }
        true
    }

    fn told_by_operator(&mut self, action: OperatorAction, name: Option<&MemberName>) {
        self.report(HubEvent::Operator { action, name: name.cloned() });
    }
}
