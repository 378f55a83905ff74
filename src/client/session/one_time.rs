//! One-time keys in direct mode: this member's are published, and one of a receiver's is fetched before a session with it
//! begins. In broadcast mode that would name the receiver.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::Session;
use crate::{
    client::work::{Job, Unsealed},
    proto::message::{FetchOneTime, OneTime, PublishOneTime},
    types::{CurveKey, RelayMode},
};

/// A hub that does not answer for so long is not waited for: the fallback key takes the place.
const PATIENCE: Duration = Duration::from_secs(2);

/// Texts that wait for a key, in the order in which it was asked for.
#[derive(Default)]
pub(super) struct WaitForKeys(VecDeque<(Instant, Box<Unsealed>)>);

impl WaitForKeys {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.front().map(|(due, _)| *due)
    }
}

impl Session {
    /// Has fresh keys made for this visit.
    pub(super) fn begin_one_time_keys(&mut self) {
        if self.relay == RelayMode::Direct {
            self.work(Job::BeginOneTimeKeys);
        }
    }

    /// Has keys made for those that were used.
    pub(super) fn refill_one_time_keys(&mut self) {
        if self.relay == RelayMode::Direct {
            self.work(Job::RefillOneTimeKeys);
        }
    }

    pub(super) fn publish_one_time_keys(&mut self, keys: Vec<CurveKey>) {
        self.tell_hub(PublishOneTime { keys });
    }

    /// A session is about to begin.
    pub(super) fn fetch_one_time_key(&mut self, unsealed: Box<Unsealed>, now: Instant) {
        self.tell_hub(FetchOneTime { fingerprint: unsealed.to.fingerprint() });
        self.keys_to_come.0.push_back((now + PATIENCE, unsealed));
    }

    pub(super) fn one_time_key_came(&mut self, answer: &OneTime) {
        let waits = |(_, unsealed): &(_, Box<Unsealed>)| unsealed.to.fingerprint() == answer.fingerprint;
        let Some(place) = self.keys_to_come.0.iter().position(waits) else { return };
        if let Some((_, unsealed)) = self.keys_to_come.0.remove(place) {
            self.work(Job::BeginSession { unsealed, one_time: answer.key });
        }
    }

    /// Goes on without keys that did not come.
    pub(super) fn do_without_keys(&mut self, now: Instant) {
        while self.keys_to_come.deadline().is_some_and(|due| due <= now) {
            let Some((_, unsealed)) = self.keys_to_come.0.pop_front() else { return };
            self.work(Job::BeginSession { unsealed, one_time: None });
        }
    }
}
