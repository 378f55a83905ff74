//! When a folder is to be read again: once what changed in it has come to rest.
//!
//! ```text
//!   file      ┄┄▁▂▃▄▅▆▇█████████████┄┄    being copied, then at rest
//!   looks     │ │ │ │ │ │ │ │     │
//!                             └REST─┘ ──▶ read the folder
//! ```
//!
//! Many files that come one after the other are one change when less than `REST` lies between them, and one every
//! `PATIENCE` at most when that goes on and on. Names are looked at and what the system says of each file, never what
//! is in them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    file_name::{FileName, Kind},
    stamp::Stamp,
    subtitles::is_subtitles,
};

/// Without a change for this long, a file is whole. Programs that copy write every few milliseconds; a network that
/// stalls for longer costs one look at half a file, which says itself that its end is missing.
pub(super) const REST: Duration = Duration::from_secs(2);

/// How long what is at rest waits for what is not.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// Most names that are followed, the first that the system lists. What changes among the others of a larger folder is
/// found when one of these changes too, or the folder is read for another reason.
const MAX_NAMES: usize = 20_000;

/// The files of a folder that matter, as they are at one moment.
pub type Sight = BTreeMap<String, Stamp>;

/// What a look at a folder calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Everything is as it was when the folder was read.
    Same,
    /// Look again then, even if nothing is heard of it.
    Again(Instant),
    /// Read it, but leave these files alone: they are still being written.
    Read { changing: BTreeSet<String> },
}

/// Follows one folder. It has no clock: the time comes with each look.
#[derive(Debug)]
pub struct Settling {
    /// Each file as it was seen last, and since when it is like that; those of the beginning since ever.
    seen: BTreeMap<String, (Stamp, Option<Instant>)>,
    /// What the folder was read for, if that is known.
    read: Option<Sight>,
    /// When something was last seen to change.
    changed: Option<Instant>,
    /// Since when something at rest waits to be read.
    waiting: Option<Instant>,
}

impl Settling {
    /// Of a folder that was read after it looked like this.
    #[must_use]
    pub fn new(read: Sight) -> Self {
        let seen = read.iter().map(|(name, stamp)| (name.clone(), (stamp.clone(), None))).collect();
        Self { seen, read: Some(read), changed: None, waiting: None }
    }

    /// Takes in how the folder looks now.
    pub fn look(&mut self, now: Instant, sight: Sight) -> Look {
        self.note(now, sight);
        let (at_rest, changing, next_rest) = self.at_rest(now);
        if self.read.as_ref() == Some(&at_rest) {
            self.waiting = None;
            return next_rest.map_or(Look::Same, Look::Again);
        }
        let latest = *self.waiting.get_or_insert(now) + PATIENCE;
        let due = self.changed.map_or(now, |changed| changed + REST).min(latest);
        if due > now {
            return Look::Again(due);
        }
        (self.read, self.waiting) = (Some(at_rest), None);
        Look::Read { changing }
    }

    /// The folder is read now for another reason: what is at rest by now is read with it. The files that are still
    /// being written.
    pub fn take(&mut self, now: Instant) -> BTreeSet<String> {
        let (at_rest, changing, _) = self.at_rest(now);
        (self.read, self.waiting) = (Some(at_rest), None);
        changing
    }

    /// Somebody else read the folder, and nobody knows how it looked just then: it is to be read once it rests.
    pub fn doubt(&mut self) {
        self.read = None;
    }

    /// What is at rest of that which was seen last, what is still being written, and when the first of that rests.
    fn at_rest(&self, now: Instant) -> (Sight, BTreeSet<String>, Option<Instant>) {
        let (mut at_rest, mut changing, mut next_rest) = (Sight::new(), BTreeSet::new(), None::<Instant>);
        for (name, (stamp, since)) in &self.seen {
            match since.map(|since| since + REST).filter(|rests| *rests > now) {
                None => drop(at_rest.insert(name.clone(), stamp.clone())),
                Some(rests) => {
                    changing.insert(name.clone());
                    next_rest = Some(next_rest.map_or(rests, |earlier| earlier.min(rests)));
                }
            }
        }
        (at_rest, changing, next_rest)
    }

    fn note(&mut self, now: Instant, sight: Sight) {
        let before = std::mem::take(&mut self.seen);
        let is_gone = |name: &String| !sight.contains_key(name);
        let mut has_changed = before.keys().any(is_gone);
        for (name, stamp) in sight {
            let since = match before.get(&name) {
                Some((same, since)) if *same == stamp => *since,
                _ => {
                    has_changed = true;
                    Some(now)
                }
            };
            self.seen.insert(name, (stamp, since));
        }
        if has_changed {
            self.changed = Some(now);
        }
    }
}

/// Looks at a folder: names that matter, of files that are there. What says by its name that it is unfinished does not
/// matter until it has another one.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn sight(folder: &Path) -> io::Result<Sight> {
    let mut sight = Sight::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().filter(|name| matters(name)).map(str::to_owned) else { continue };
        // Gone meanwhile, or a link that leads nowhere.
        let Ok(metadata) = fs::metadata(entry.path()) else { continue };
        sight.insert(name, Stamp::of(&metadata));
        if sight.len() == MAX_NAMES {
            break;
        }
    }
    Ok(sight)
}

fn matters(name: &str) -> bool {
    let is_video = || matches!(FileName::parse(name).kind, Kind::Indexed | Kind::OtherVideo);
    !name.starts_with('.') && (is_video() || is_subtitles(name))
}

#[cfg(test)]
mod tests;
