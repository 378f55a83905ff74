//! Reads a folder again and again. Files that are as they were stay open, with their indexes and their numbers.
//!
//! ```text
//!   in turn, for each file                               beside that, on a thread of its own
//!   the shelf, the own reader, a moment of libavformat   one file at a time that takes libavformat longer: the
//!                                                        smallest of them
//! ```
//!
//! So a hub begins, and tells of what is new, without waiting for a file with which libavformat takes long. What cannot
//! be read for a while leaves on offer what was there before, as long as that is open and as it was.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{FolderSource, VideoFile};
use crate::video::{
    catalog::{Catalog, FileId, Found, Remark, SkipReason, Usable},
    clock::{Clock, SystemClock},
    compat::CompatError,
    file_name::{FileName, Kind},
    indexes::{Indexes, LongRun, Made},
    stamp::Stamp,
    subtitles::{self, SubtitleError, SubtitleFile},
};

/// Most files of a folder that are kept open. Half of the 1024 descriptors that a process has by default; the
/// other half is for members.
const MAX_FILES: usize = 512;

/// How long others wait for files that have to be taken apart, all of these together, but for the time that it takes to
/// end those that take longer. Small ones take 0.2 s each.
const MOMENT: Duration = Duration::from_secs(2);

/// How much of that one of them has, so that the first does not take all of it from the others. None has less: a file
/// that is small would be taken for one that takes long.
const SHARE: Duration = Duration::from_secs(1);

/// How much of what there is to do a read of a folder does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// What is done in a moment; what takes longer is begun and goes on by itself.
    Step,
    /// The same, and what could not be read before is tried again.
    Retry,
    /// Everything, however long it takes.
    Whole,
}

/// What is left to do after a folder was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pending {
    #[default]
    Nothing,
    /// Something could not be read, which may pass.
    Failed,
    /// Something was not begun yet.
    Waiting,
}

/// Reads one folder.
pub(in crate::video) struct FolderReader {
    folder: PathBuf,
    indexes: Indexes,
    /// The number of the next file.
    next: usize,
    /// What came of each file that was there last time.
    before: BTreeMap<String, Before>,
    /// The file that takes longer than a moment.
    long: Option<LongRun>,
}

/// What came of a file.
#[derive(Default)]
struct Before {
    /// What is on offer of it and which stamp that has: perhaps not the one of the file that is there now.
    offered: Option<(Usable, Stamp)>,
    /// Why the file that is there now, with this stamp, is not on offer.
    left: Option<(Left, Stamp)>,
}

/// Why a file is not on offer.
#[derive(Clone)]
enum Left {
    /// It cannot be used, in these words, until it changes.
    Unusable(String),
    /// It could not be read, in these words, which may pass.
    Failed(String),
    /// The moment was over before its turn came.
    Waiting,
    /// It takes longer than a moment.
    Long,
    /// It is still being written.
    Changing,
}

impl Left {
    fn of(reason: &SkipReason) -> Self {
        match reason {
            SkipReason::Changing => Self::Changing,
            SkipReason::NotTaken(CompatError::Waits { begun: false }) => Self::Waiting,
            SkipReason::NotTaken(CompatError::Waits { begun: true }) => Self::Long,
            reason if reason.may_pass() => Self::Failed(reason.to_string()),
            reason => Self::Unusable(reason.to_string()),
        }
    }

    fn reason(&self) -> SkipReason {
        match self {
            Self::Unusable(why) => SkipReason::AsBefore(why.clone()),
            Self::Failed(why) => SkipReason::FailedBefore(why.clone()),
            Self::Waiting => CompatError::Waits { begun: false }.into(),
            Self::Long => CompatError::Waits { begun: true }.into(),
            Self::Changing => SkipReason::Changing,
        }
    }

    fn pending(&self) -> Pending {
        match self {
            // That those two are over is seen by itself.
            Self::Unusable(_) | Self::Long | Self::Changing => Pending::Nothing,
            Self::Failed(_) => Pending::Failed,
            Self::Waiting => Pending::Waiting,
        }
    }

    fn may_pass(&self) -> bool {
        !matches!(self, Self::Unusable(_))
    }
}

impl FolderReader {
    /// Of a folder that is not read yet.
    pub(in crate::video) fn new(folder: &Path, indexes: Indexes) -> Self {
        Self { folder: folder.to_owned(), indexes, next: 0, before: BTreeMap::new(), long: None }
    }

    /// The file that takes longer than a moment, if there is one.
    pub(in crate::video) fn long(&mut self) -> Option<&mut LongRun> {
        self.long.as_mut()
    }

    /// The videos that are there now, and what is left to do; those files that are named are still being written and
    /// left alone.
    pub(in crate::video) fn read(
        &mut self,
        changing: &BTreeSet<String>,
        effort: Effort,
    ) -> io::Result<(FolderSource, Pending)> {
        let folder = self.folder.canonicalize()?;
        let names = names(&folder)?;
        let mut pass = Pass::new(&folder, effort);
        self.go_through(&names, changing, &mut pass);
        self.indexes.keep_only(names.iter().filter_map(|name| name.to_str()).filter(|name| is_video(name)));
        self.before = pass.now;
        let subtitles = subtitles::read_all(&folder, &names, changing);
        let failed = |(_, read): &SubtitleFile| read.as_ref().is_err_and(SubtitleError::may_pass);
        let pending = if subtitles.iter().any(failed) { Pending::Failed } else { Pending::Nothing };
        let catalog = Catalog::build(pass.found).with_subtitles(subtitles).remarked(pass.remarks);
        Ok((FolderSource { catalog: Arc::new(catalog) }, pass.pending.max(pending)))
    }

    /// Finds out what is to be said of each file, and begins with one that takes longer if it is time for that.
    fn go_through(&mut self, names: &[OsString], changing: &BTreeSet<String>, pass: &mut Pass<'_>) {
        let mut in_turn: Vec<&OsString> = names.iter().collect();
        in_turn.sort_by_cached_key(|name| self.waiting_size(name));
        for name in in_turn {
            let Some(text) = name.to_str() else {
                pass.skip_nameless(name);
                continue;
            };
            match FileName::parse(text).kind {
                _ if text.starts_with('.') => {}
                Kind::Other => {}
                Kind::Unfinished => pass.skip(text, SkipReason::Unfinished),
                Kind::Indexed | Kind::OtherVideo => self.take(text, changing.contains(text), pass),
            }
        }
        self.look_after_long(pass);
    }

    /// The size of a file that waits for its turn; 0 for any other. So what is new does not stand behind those, and the
    /// smallest of them is begun first.
    fn waiting_size(&self, name: &OsStr) -> u64 {
        let left = name.to_str().and_then(|name| self.before.get(name)?.left.as_ref());
        left.filter(|(left, _)| matches!(left, Left::Waiting)).map_or(0, |(_, stamp)| stamp.size)
    }

    /// Finds out what is to be said of a file, which may be still being written.
    fn take(&mut self, name: &str, is_changing: bool, pass: &mut Pass<'_>) {
        let Before { offered, left } = self.before.remove(name).unwrap_or_default();
        if pass.open == MAX_FILES {
            return pass.skip(name, SkipReason::TooMany(MAX_FILES));
        }
        if is_changing {
            return pass.leave(name, offered, None, SkipReason::Changing);
        }
        let opened = VideoFile::open(pass.folder, name);
        if let Some(run) = self.long.as_mut().filter(|run| run.name == name) {
            run.is_unopened = opened.is_err();
        }
        let file = match opened {
            Ok(file) => file,
            // Whose stamp is not known either: what came of it before is held against it the next time.
            Err(reason) => return pass.leave(name, offered, left.filter(|_| reason.may_pass()), reason),
        };
        let offered = match offered {
            Some((usable, stamp)) if stamp == file.stamp => return pass.offer(name, usable, stamp),
            other => other,
        };
        let left = left.filter(|(_, stamp)| *stamp == file.stamp).map(|(left, _)| left);
        if let Some(left) = left.clone().filter(|left| !pass.tries(left)) {
            let reason = left.reason();
            return pass.leave(name, offered, Some((left, file.stamp)), reason);
        }
        let stamp = file.stamp.clone();
        let (file, made) = match left {
            Some(Left::Long) if pass.effort != Effort::Whole => match self.come_of(name, &file) {
                Some(come) => come,
                None => {
                    pass.wait_for_long(name, file);
                    return pass.leave(name, offered, Some((Left::Long, stamp)), Left::Long.reason());
                }
            },
            _ => {
                let limit = pass.limit();
                let made = pass.at_work(|| self.indexes.index_of(name, &file, limit));
                (Arc::new(file), made)
            }
        };
        match made {
            Ok(index) => {
                let id = FileId(self.next);
                self.next += 1;
                pass.offer(name, Usable { id, index: Arc::new(index), open: Some(file) }, stamp);
            }
            Err(reason) => {
                let left = Left::of(&reason);
                if matches!(left, Left::Long) {
                    // The next read takes it along when it chooses.
                    pass.pending = Pending::Waiting;
                }
                if matches!(left, Left::Long | Left::Waiting) {
                    pass.not_chosen_from = pass.not_chosen_from.min(stamp.size);
                }
                pass.leave(name, offered, Some((left, stamp)), reason);
            }
        }
    }

    /// What came of a file that takes longer than a moment, if it was worked on and that is over.
    fn come_of(&mut self, name: &str, file: &VideoFile) -> Option<(Arc<VideoFile>, Made)> {
        let is_this = |run: &mut LongRun| run.name == name && run.file.stamp == file.stamp && run.is_over();
        let (file, made) = self.long.take_if(is_this)?.finish();
        self.indexes.note(name, &file.stamp, &made);
        Some((file, made))
    }

    /// Begins with the smallest file that takes longer than a moment, when none is worked on and no smaller one may turn
    /// out to take as long: whoever puts a file there that takes very long keeps no small one waiting.
    fn look_after_long(&mut self, pass: &mut Pass<'_>) {
        // Whoever takes a file apart that is gone, or no longer as it was, is ended with that.
        self.long.take_if(|run| !pass.is_long(run));
        if self.long.is_some() {
            return;
        }
        let not_chosen_from = pass.not_chosen_from;
        let is_smallest = |(_, file): &mut (String, VideoFile)| file.stamp.size <= not_chosen_from;
        let Some((name, file)) = pass.next_long.take_if(is_smallest) else { return };
        match self.indexes.begin(&name, file) {
            Ok(run) => self.long = Some(run),
            Err(error) => {
                log::debug!("{name:?} waits for a thread: {error}");
                pass.pending = Pending::Failed;
            }
        }
    }
}

/// One read of a folder.
struct Pass<'a> {
    /// Its canonical path.
    folder: &'a Path,
    effort: Effort,
    clock: Box<dyn Clock>,
    /// How much of the moment is used.
    spent: Duration,
    /// The smallest of the files that take longer than a moment.
    next_long: Option<(String, VideoFile)>,
    /// The size of the smallest file that is not among those: its turn is still to come, or came just now.
    not_chosen_from: u64,
    /// Files that are on offer.
    open: usize,
    found: Vec<Found>,
    remarks: Vec<Remark>,
    now: BTreeMap<String, Before>,
    pending: Pending,
}

impl<'a> Pass<'a> {
    fn new(folder: &'a Path, effort: Effort) -> Self {
        Self {
            folder,
            effort,
            clock: Box::new(SystemClock::start()),
            spent: Duration::ZERO,
            next_long: None,
            not_chosen_from: u64::MAX,
            open: 0,
            found: Vec::new(),
            remarks: Vec::new(),
            now: BTreeMap::new(),
            pending: Pending::Nothing,
        }
    }

    /// Whether a file that was left is tried again.
    fn tries(&self, left: &Left) -> bool {
        match left {
            Left::Unusable(_) => false,
            Left::Failed(_) => self.effort != Effort::Step,
            Left::Waiting | Left::Long | Left::Changing => true,
        }
    }

    /// Whether a run is of a file that is there and waits for it.
    fn is_long(&self, run: &LongRun) -> bool {
        let left = self.now.get(&run.name).and_then(|before| before.left.as_ref());
        left.is_some_and(|(left, stamp)| matches!(left, Left::Long) && *stamp == run.file.stamp)
    }

    /// A file takes longer than a moment, and was not worked on until now.
    fn wait_for_long(&mut self, name: &str, file: VideoFile) {
        if self.next_long.as_ref().is_none_or(|(_, other)| file.stamp.size < other.stamp.size) {
            self.next_long = Some((name.to_owned(), file));
        }
    }

    /// How long the next file may take: no time at all if that is no whole share; nothing for as long as it takes.
    fn limit(&self) -> Option<Duration> {
        let left = MOMENT.saturating_sub(self.spent);
        (self.effort != Effort::Whole).then_some(if left < SHARE { Duration::ZERO } else { SHARE })
    }

    fn at_work<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let begun = self.clock.now();
        let result = work();
        // One that takes long is at it until its share is over and then has to be ended: that is not held against others.
        self.spent += self.clock.now().saturating_sub(begun).min(SHARE);
        result
    }

    fn offer(&mut self, name: &str, usable: Usable, stamp: Stamp) {
        self.open += 1;
        self.found.push((name.to_owned(), Ok(usable.clone())));
        self.now.insert(name.to_owned(), Before { offered: Some((usable, stamp)), left: None });
    }

    fn skip(&mut self, name: &str, reason: SkipReason) {
        self.found.push((name.to_owned(), Err(reason)));
    }

    /// A name that is not UTF-8.
    fn skip_nameless(&mut self, name: &OsStr) {
        let name = name.to_string_lossy();
        if !name.starts_with('.') && FileName::parse(&name).kind != Kind::Other {
            self.skip(&name, SkipReason::Name);
        }
    }

    /// Does not take a file as it is. What was on offer of it stays, if the reason may pass and it is as it was.
    fn leave(&mut self, name: &str, offered: Option<(Usable, Stamp)>, left: Option<(Left, Stamp)>, reason: SkipReason) {
        let why = Left::of(&reason);
        self.pending = self.pending.max(why.pending());
        let is_as_it_was = |usable: &Usable| usable.open.as_ref().is_some_and(|file| file.check().is_ok());
        let stays = offered.filter(|(usable, _)| why.may_pass() && is_as_it_was(usable));
        match &stays {
            Some((usable, _)) => {
                let text = format!("what was on offer of it stays for now: {reason}");
                self.remarks.push(Remark::warning(name, text));
                self.open += 1;
                self.found.push((name.to_owned(), Ok(usable.clone())));
            }
            None => self.skip(name, reason),
        }
        self.now.insert(name.to_owned(), Before { offered: stays, left });
    }
}

/// What stands at the top of a folder, in order.
fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn is_video(name: &str) -> bool {
    matches!(FileName::parse(name).kind, Kind::Indexed | Kind::OtherVideo)
}

#[cfg(test)]
mod tests;
