//! Follows the folder of videos on a thread of its own: hears of changes by inotify, or looks now and then where that
//! hears nothing.
//!
//! ```text
//!   inotify ──▶ heard ──┐
//!   a time that was ────┼──▶ look at the folder ──▶ read it when what changed has come to rest ──▶ the loop
//!   asked for           │
//!   every 5 s, deaf ────┘   or by a link
//! ```
//!
//! A folder that is reached by a link is looked at every 5 s as well: what is heard is of the folder to which the link
//! led when it was listened to, and that it leads elsewhere now makes no sound there.
//!
//! A copy is heard of thousands of times a second; the folder is looked at four times a second at most.

use std::{
    any::Any,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use notify::{
    Config, EventKind, INotifyWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind},
};

use super::clock;
use crate::{
    server::admin::{AdminError, Reloaded},
    transport::Notifier,
};

/// Between two looks, however much is heard.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Between two looks at a folder that is not heard of, or not of all that may become of it.
const DEAF_INTERVAL: Duration = Duration::from_secs(5);

/// A folder, and what is to be done when something in it may have changed.
pub struct Watch {
    pub folder: PathBuf,
    /// Looks at it, now, and reads it when that is called for.
    pub follow: Box<dyn FnMut(Instant) -> Followed + Send>,
}

/// What came of a look.
#[derive(Debug, Default)]
pub struct Followed {
    /// What was found, if the folder was read.
    pub read: Option<Result<Reloaded, AdminError>>,
    /// When to look again even if nothing is heard.
    pub again: Option<Instant>,
    /// The folder cannot be looked at: what is heard of it, if anything, is of another one.
    pub is_gone: bool,
}

/// What the thread is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    /// Something changed in the folder.
    Heard,
    /// The folder itself went away.
    Lost,
    /// The hub ends.
    End,
}

/// Tells the thread. Whoever tells it of one thing a thousand times while it reads leaves no more than a note.
#[derive(Clone)]
struct Signals {
    bell: Sender<()>,
    notes: Arc<Notes>,
}

/// The other end of [`Signals`].
struct Told {
    bell: Receiver<()>,
    notes: Arc<Notes>,
}

/// What was told and not taken yet, besides that something was.
#[derive(Default)]
struct Notes {
    is_lost: AtomicBool,
    is_over: AtomicBool,
}

fn signals() -> (Signals, Told) {
    let (bell, rings) = bounded(1);
    let notes = Arc::<Notes>::default();
    (Signals { bell, notes: Arc::clone(&notes) }, Told { bell: rings, notes })
}

impl Signals {
    fn send(&self, signal: Signal) {
        match signal {
            Signal::Heard => {}
            Signal::Lost => self.notes.is_lost.store(true, Ordering::SeqCst),
            Signal::End => self.notes.is_over.store(true, Ordering::SeqCst),
        }
        // Where it rings already, what was noted is seen when that is heard.
        let _ = self.bell.try_send(());
    }
}

impl Told {
    /// Waits for a signal, and until a time if there is one. That the folder was lost tells also that something was
    /// heard, and the end tells all.
    fn next(&self, until: Option<Instant>) -> Result<Signal, RecvTimeoutError> {
        match until {
            Some(until) => self.bell.recv_deadline(until)?,
            None => self.bell.recv().map_err(|_| RecvTimeoutError::Disconnected)?,
        }
        let was_lost = self.notes.is_lost.swap(false, Ordering::SeqCst);
        Ok(match self.notes.is_over.load(Ordering::SeqCst) {
            true => Signal::End,
            false if was_lost => Signal::Lost,
            false => Signal::Heard,
        })
    }
}

/// What hears of changes for as long as it is kept.
type Ears = Box<dyn Any + Send>;

/// How the folder is heard of, or why it is not.
type Listen = dyn FnMut(&Path, &Signals) -> Result<Ears, String> + Send;

/// The thread as the loop sees it. It ends with this.
pub(super) struct Watcher {
    answers: Receiver<Result<Reloaded, AdminError>>,
    signals: Signals,
}

impl Watcher {
    /// Begins to follow a folder; the loop is woken for each time that it was read.
    pub(super) fn start(watch: Watch, notifier: Notifier) -> io::Result<Self> {
        let (signals, told) = signals();
        let (outbox, answers) = unbounded();
        let mut follower = Follower::new(watch, signals.clone(), Box::new(listen));
        thread::Builder::new().name("watch".into()).spawn(move || {
            while let Some(read) = follower.next(&told) {
                if outbox.send(read).is_err() {
                    return;
                }
                notifier.wake();
            }
        })?;
        Ok(Self { answers, signals })
    }

    /// Has it look at the folder, which somebody else read.
    pub(super) fn look(&self) {
        self.signals.send(Signal::Heard);
    }

    /// What was read since the last time.
    pub(super) fn answers(&self) -> impl Iterator<Item = Result<Reloaded, AdminError>> + '_ {
        self.answers.try_iter()
    }
}

impl Drop for Watcher {
    /// Does not wait for it: it may be reading a large folder, and changes nothing.
    fn drop(&mut self) {
        self.signals.send(Signal::End);
    }
}

/// What the thread does.
struct Follower {
    watch: Watch,
    signals: Signals,
    listen: Box<Listen>,
    ears: Option<Ears>,
    /// The folder that they hear, without links.
    heard: Option<PathBuf>,
    /// That nothing is heard was told.
    is_deafness_told: bool,
    /// That the folder is gone was told.
    is_absence_told: bool,
    times: Times,
}

impl Follower {
    fn new(watch: Watch, signals: Signals, listen: Box<Listen>) -> Self {
        Self {
            watch,
            signals,
            listen,
            ears: None,
            heard: None,
            is_deafness_told: false,
            is_absence_told: false,
            times: Times::default(),
        }
    }

    /// Waits until the folder was read; nothing when the hub ends.
    fn next(&mut self, told: &Told) -> Option<Result<Reloaded, AdminError>> {
        loop {
            let now = clock::now();
            match self.times.next_look(now) {
                Some(at) if at <= now => {
                    if let Some(read) = self.look(now) {
                        return Some(read);
                    }
                }
                until => match told.next(until) {
                    Ok(signal) => self.take(signal)?,
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return None,
                },
            }
        }
    }

    /// Notes a signal; nothing when the hub ends.
    fn take(&mut self, signal: Signal) -> Option<()> {
        match signal {
            Signal::End => return None,
            Signal::Lost => self.ears = None,
            Signal::Heard => {}
        }
        self.times.heard = true;
        Some(())
    }

    fn look(&mut self, now: Instant) -> Option<Result<Reloaded, AdminError>> {
        // First this, then the look: what changes in between is heard of.
        let place = self.watch.folder.canonicalize().ok();
        if self.ears.is_none() || self.heard != place {
            self.ears = self.try_to_hear();
            self.heard = place;
        }
        let followed = (self.watch.follow)(now);
        if followed.is_gone {
            self.ears = None;
            if !std::mem::replace(&mut self.is_absence_told, true) {
                log::warn!("the videos folder cannot be looked at; what was on offer stays until it is back");
            }
        } else {
            self.is_absence_told = false;
        }
        self.times.looked(now, followed.again, self.ears.is_none() || self.is_by_link());
        followed.read
    }

    /// Whether a link leads to the folder, or to one that it is in.
    fn is_by_link(&self) -> bool {
        let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        std::path::absolute(&self.watch.folder).is_ok_and(|path| path.ancestors().any(is_link))
    }

    fn try_to_hear(&mut self) -> Option<Ears> {
        let heard = (self.listen)(&self.watch.folder, &self.signals);
        if let Err(why) = &heard
            && !std::mem::replace(&mut self.is_deafness_told, true)
        {
            log::warn!(
                "changes in the videos folder are looked for every {} s, because the system does not tell of them: {why}",
                DEAF_INTERVAL.as_secs()
            );
        }
        heard.ok()
    }
}

/// When the folder is to be looked at. The first time at once.
#[derive(Debug, Default)]
struct Times {
    last: Option<Instant>,
    asked_for: Option<Instant>,
    heard: bool,
    /// Not all is heard.
    is_deaf: bool,
}

impl Times {
    /// Nothing when only something that is heard calls for a look.
    fn next_look(&self, now: Instant) -> Option<Instant> {
        let Some(last) = self.last else { return Some(now) };
        let heard = self.heard.then(|| last + LOOK_INTERVAL);
        let deaf = self.is_deaf.then(|| last + DEAF_INTERVAL);
        // Nothing asks for looks quicker than they may follow each other.
        let asked_for = self.asked_for.map(|at| at.max(last + LOOK_INTERVAL));
        [heard, deaf, asked_for].into_iter().flatten().min()
    }

    fn looked(&mut self, now: Instant, again: Option<Instant>, is_deaf: bool) {
        *self = Self { last: Some(now), asked_for: again, heard: false, is_deaf };
    }
}

/// Hears of changes by inotify, where that tells of all of them.
fn listen(folder: &Path, signals: &Signals) -> Result<Ears, String> {
    if let Some(kind) = remote_kind(folder) {
        return Err(format!("it is on a file system of another machine ({kind})"));
    }
    let signals = signals.clone();
    hear(folder, move |signal| signals.send(signal))
}

/// Tells of what inotify tells that is of a folder.
fn hear(folder: &Path, tell: impl Fn(Signal) + Send + 'static) -> Result<Ears, String> {
    let path = std::path::absolute(folder).map_err(|error| error.to_string())?;
    let own = path.clone();
    let handle = move |event: notify::Result<notify::Event>| {
        // An error can be a queue that overflowed: something happened.
        let signal = event.map_or(Some(Signal::Heard), |event| meaning(&event, &own));
        if let Some(signal) = signal {
            tell(signal);
        }
    };
    let mut watcher = INotifyWatcher::new(handle, Config::default()).map_err(|error| error.to_string())?;
    watcher.watch(&path, RecursiveMode::NonRecursive).map_err(|error| error.to_string())?;
    Ok(Box::new(watcher))
}

fn meaning(event: &notify::Event, folder: &Path) -> Option<Signal> {
    let is_folder = event.paths.iter().any(|path| path == folder);
    match event.kind {
        // To be looked at, as this program does when it reads the folder, changes nothing.
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Signal::Heard),
        EventKind::Access(_) => None,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) if is_folder => Some(Signal::Lost),
        _ => Some(Signal::Heard),
    }
}

/// File systems that other machines change without this one hearing of it, by the numbers of statfs(2).
const REMOTE: [(u32, &str); 10] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x7375_7245, "Coda"),
    (0x786f_4256, "VirtualBox"),
];

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers have 32 bits, whatever holds them"
)]
fn remote_kind(folder: &Path) -> Option<&'static str> {
    let kind = rustix::fs::statfs(folder).ok()?.f_type as u32;
    REMOTE.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests;
