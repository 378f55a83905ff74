//! A change of a member's sessions that has not happened yet: it is kept first, then relied upon.

use zeroize::Zeroizing;

use super::{
    SessionId,
    account::{Account, SavedAccount},
    one::{SavedSession, Session},
};
use crate::types::wire::{self, wire_struct};

/// The form of what is kept.
const FORM: u8 = 1;

/// What changes, as a whole or not at all. Append [`Step::entry`] to what is kept, then
/// [`Sessions::commit`](super::Sessions::commit) it, and only then show or send what came with it.
#[must_use = "what is not committed has not happened"]
#[derive(Debug, Default)]
pub struct Step {
    pub(super) account: Option<Account>,
    pub(super) put: Vec<Session>,
    pub(super) dropped: Vec<SessionId>,
}

wire_struct! {
    /// A step as it is kept.
    pub(super) struct SavedStep {
        form: u8,
        pub(super) account: Option<SavedAccount>,
        pub(super) put: Vec<SavedSession>,
        pub(super) dropped: Vec<SessionId>,
    }
}

impl Step {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.account.is_none() && self.put.is_empty() && self.dropped.is_empty()
    }

    /// Whether keys that others begin sessions with come or go: what is kept from before then still has those that went.
    #[must_use]
    pub fn changes_account(&self) -> bool {
        self.account.is_some()
    }

    /// The change in bytes: secret.
    #[must_use]
    pub fn entry(&self) -> Zeroizing<Vec<u8>> {
        let account = self.account.as_ref().map(Account::save);
        let put = self.put.iter().map(Session::save).collect();
        encode(&SavedStep { form: FORM, account, put, dropped: self.dropped.clone() })
    }
}

/// Everything that there is, as one step.
pub(super) fn snapshot<'a>(account: &Account, sessions: impl Iterator<Item = &'a Session>) -> Zeroizing<Vec<u8>> {
    let put = sessions.map(Session::save).collect();
    encode(&SavedStep { form: FORM, account: Some(account.save()), put, dropped: Vec::new() })
}

pub(super) fn decode(entry: &[u8]) -> Option<SavedStep> {
    wire::from_bytes(entry).ok().filter(|step: &SavedStep| step.form == FORM)
}

fn encode(step: &SavedStep) -> Zeroizing<Vec<u8>> {
    // Room for all of it, so that no outgrown copy stays behind.
    let sessions: usize = step.put.iter().map(SavedSession::room).sum();
    let account = step.account.as_ref().map_or(0, SavedAccount::room);
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 + account + sessions + 18 * step.dropped.len()));
    wire::write_to(&mut bytes, step);
    bytes
}
