//! One-time keys, each for the beginning of one session: kept for their member while it is here, given out once. In direct
//! mode only, where the hub is told every receiver anyway.

use super::{Command, Relay};
use crate::{
    proto::message::{FetchOneTime, OneTime, PublishOneTime},
    types::{
        CurveKey, Fingerprint, LinkId, RelayMode,
        limits::{MAX_ONE_TIME_FETCHES, MAX_ONE_TIME_FETCHES_OF_ONE, MAX_ONE_TIME_KEYS},
    },
};

impl Relay {
    pub(super) fn publish_one_time(&mut self, link: LinkId, publish: PublishOneTime) {
        let is_direct = self.options.mode == RelayMode::Direct;
        let Some(member) = self.roster.member_mut(link).filter(|_| is_direct) else { return };
        // Every count is of a key that was given out, so there are as many counts as keys at most.
        member.given.clear();
        for key in publish.keys {
            if member.one_time.len() < MAX_ONE_TIME_KEYS && !member.one_time.contains(&key) {
                member.one_time.push_back(key);
            }
        }
    }

    /// Answers with a key that nobody else gets; without one when there is none, or when the asker has had its share: it
    /// takes the fallback then.
    pub(super) fn fetch_one_time(&mut self, link: LinkId, fetch: &FetchOneTime) {
        if self.roster.member(link).is_none() {
            return;
        }
        let key = self.take_one_time(link, fetch.fingerprint);
        let answer = OneTime { fingerprint: fetch.fingerprint, key };
        self.commands.push(Command::Send(link, answer.into()));
    }

    fn take_one_time(&mut self, asker: LinkId, of: Fingerprint) -> Option<CurveKey> {
        let owner = self.roster.link_of(&of)?;
        let asking = self.roster.member(asker)?;
        let (by, fetched) = (asking.fingerprint, asking.fetched);
        if owner == asker || fetched >= MAX_ONE_TIME_FETCHES {
            return None;
        }
        let owner = self.roster.member_mut(owner)?;
        let given = owner.given.get(&by).copied().unwrap_or_default();
        if given >= MAX_ONE_TIME_FETCHES_OF_ONE {
            return None;
        }
        let key = owner.one_time.pop_front()?;
        owner.given.insert(by, given + 1);
        self.roster.member_mut(asker)?.fetched += 1;
        Some(key)
    }
}
