//! Follows a folder of videos: when it is read again, and how much of it.
//!
//! ```text
//!   something changed, and rests ─────────────────────┐
//!   something waits to be taken apart, or was by now ─┼──▶ read
//!   something could not be read, and a pause is over ─┘
//! ```
//!
//! It has no clock: the time comes with each look.

use std::{
    collections::BTreeSet,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    catalog::Catalog,
    folder::{Effort, Pending},
    live_folder::LiveFolder,
    settling::{Look, Settling, Sight, sight},
};

/// How long what could not be read is left alone the first time; then twice as long each time, up to an hour.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// How often a file that takes long is looked after.
const LONG_INTERVAL: Duration = Duration::from_secs(1);

/// What came of a look at a folder.
#[derive(Debug, Default)]
pub struct Looked {
    /// What there is now, if the folder was read.
    pub read: Option<io::Result<Arc<Catalog>>>,
    /// When to look again even if nothing is heard.
    pub again: Option<Instant>,
    /// The folder cannot be looked at.
    pub is_gone: bool,
}

/// Looks at a folder and reads it when that is called for.
pub struct Following {
    folder: Arc<LiveFolder>,
    settling: Settling,
    /// How often it was read, as far as is known here: an operator may have it read too.
    times_read: u64,
    /// The folder itself could not be read the last time.
    is_unread: bool,
    /// When what could not be read is tried again.
    retry: Option<Instant>,
    /// How long before that, the next time.
    pause: Duration,
}

impl Following {
    /// Of a folder that was read after it looked like this.
    #[must_use]
    pub fn new(folder: Arc<LiveFolder>, looks: Sight) -> Self {
        let (settling, times_read) = (Settling::new(looks), folder.times_read());
        Self { folder, settling, times_read, is_unread: false, retry: None, pause: FIRST_PAUSE }
    }

    /// Looks at it, and reads it if need be, which takes as long as [`Effort::Step`] says.
    pub fn look(&mut self, now: Instant) -> Looked {
        let Ok(looks) = sight(self.folder.path()) else { return Looked { is_gone: true, ..Looked::default() } };
        let times_read = self.folder.times_read();
        if std::mem::replace(&mut self.times_read, times_read) != times_read {
            self.settling.doubt();
        }
        let look = self.settling.look(now, looks);
        let retry = self.next_retry(now);
        let rests = match look {
            Look::Read { changing } => {
                // What came now waits no longer because another file fails again and again.
                (self.retry, self.pause) = (None, FIRST_PAUSE);
                return self.read(now, &changing, Effort::Step);
            }
            Look::Again(at) => Some(at),
            Look::Same => None,
        };
        let long = self.folder.long();
        if self.pending() == Pending::Waiting || long == Some(true) {
            return self.read_also(now, Effort::Step);
        }
        if retry.is_some_and(|at| at <= now) {
            self.retry = None;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            return self.read_also(now, Effort::Retry);
        }
        let over = long.map(|_| now + LONG_INTERVAL);
        Looked { again: [rests, retry, over].into_iter().flatten().min(), ..Looked::default() }
    }

    fn pending(&self) -> Pending {
        if self.is_unread { Pending::Failed } else { self.folder.pending() }
    }

    /// When to try again what could not be read. The pause begins with the look after it failed.
    fn next_retry(&mut self, now: Instant) -> Option<Instant> {
        match self.pending() {
            Pending::Failed => Some(*self.retry.get_or_insert(now + self.pause)),
            Pending::Waiting => self.retry,
            // That may fail again.
            Pending::Nothing if self.folder.long().is_some() => self.retry,
            Pending::Nothing => {
                (self.retry, self.pause) = (None, FIRST_PAUSE);
                None
            }
        }
    }

    /// Reads it although nothing in it calls for that.
    fn read_also(&mut self, now: Instant, effort: Effort) -> Looked {
        let changing = self.settling.take(now);
        self.read(now, &changing, effort)
    }

    fn read(&mut self, now: Instant, changing: &BTreeSet<String>, effort: Effort) -> Looked {
        let read = self.folder.reload(changing, effort);
        self.is_unread = read.is_err();
        self.times_read += u64::from(read.is_ok());
        // Whether what was left has come to rest, or is to be gone on with, is to be seen without a sound.
        Looked { read: Some(read), again: Some(now), is_gone: false }
    }
}

#[cfg(test)]
mod tests;
