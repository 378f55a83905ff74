//! Keys for sessions: this member's are renewed while it is here, and others' fetched again when theirs were.

use std::time::{Duration, Instant};

use super::{Phase, Session};
use crate::{client::work::Job, proto::message::RecordChanged};

/// How often the worker looks whether the bundle is to be renewed; it was when the member started.
const INTERVAL: Duration = Duration::from_hours(1);

impl Session {
    /// Has the bundle renewed when it is time to look.
    pub(super) fn renew_bundle(&mut self, now: Instant) {
        if self.phase != Phase::Here {
            return;
        }
        let due = *self.renewal.get_or_insert(now + INTERVAL);
        if now >= due {
            self.renewal = Some(now + INTERVAL);
            self.work(Job::RenewBundle);
        }
    }

    /// Somebody has a newer key record: what is known of the old one is out of date.
    pub(super) fn record_changed(&mut self, changed: &RecordChanged) {
        if self.directory.forget_record(&changed.fingerprint, changed.sequence) {
            self.fetch_records();
        }
    }
}
