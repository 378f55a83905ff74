//! What a hub keeps on its disk, and the thread that writes it.
//!
//! | file | entries |
//! |---|---|
//! | `bindings` | each [`Change`] of whose name is whose, who is banned, who is invited |
//! | `chain` | the [`DirectoryHead`] that it goes on from, then each [`Link`] of the directory's hash chain |
//!
//! Changes are written before anybody is told that they hold: all that wait when the disk is free go by one write.
//! Links are written when no change waits for that; those that a crash takes away are why a hub that starts again
//! leaves out numbers.

use std::{
    convert::Infallible,
    io,
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use crate::{
    directory::{Chain, Link},
    server::{Bindings, CommitId, bindings::Change},
    storage::{Journal, JournalError, Storage, StorageError},
    transport::Notifier,
    types::{DirectoryHead, limits::MAX_HEADS, wire},
};

const BINDINGS: &str = "bindings";
const CHAIN: &str = "chain";

/// Bytes by which the bindings outgrow twice what they come to before they are written anew.
const SLACK: usize = 256 * 1024;

/// Entries of the chain's file at which it is written anew, with half of them.
const MAX_LINKS: usize = 2 * MAX_HEADS;

/// How long the end of a hub waits for the disk to take what was decided.
const PATIENCE: Duration = Duration::from_millis(400);

/// What a hub knows when it starts.
#[derive(Debug, Default)]
pub struct Remembered {
    pub bindings: Bindings,
    pub chain: Chain,
}

/// The files of a hub.
pub struct Ledger {
    storage: Box<dyn Storage>,
    bindings: Journal,
    /// What the bindings came to when they were written anew, in bytes.
    compact: usize,
    links: Journal,
    /// Entries in that file.
    link_entries: usize,
    /// The same links; and more, when the disk did not take some.
    chain: Chain,
    /// The file lacks links.
    is_behind: bool,
}

impl Ledger {
    /// Opens the files in a hub's folder, or begins them.
    ///
    /// # Errors
    /// When one of them is damaged or cannot be read. Nothing is guessed: a name that was lost would be free for
    /// whoever comes first.
    pub fn open(storage: Box<dyn Storage>) -> Result<(Self, Remembered), JournalError> {
        let (journal, entries) = Journal::open(&*storage, BINDINGS, "bindings")?;
        let bindings = read_bindings(&entries)?;
        let (links, entries) = Journal::open(&*storage, CHAIN, "chain")?;
        let chain = read_chain(&entries)?;
        let ledger = Self {
            compact: size_of(&bindings),
            bindings: journal,
            links,
            link_entries: entries.len(),
            chain: chain.clone(),
            is_behind: false,
            storage,
        };
        Ok((ledger, Remembered { bindings, chain }))
    }

    /// Writes changes; all of them are on the disk when this returns.
    fn keep(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        let entries: Vec<_> = changes.iter().map(Change::to_bytes).collect();
        self.bindings.append(&mut *self.storage, &entries)?;
        if self.bindings.len() > 2 * self.compact + SLACK
            && let Err(error) = self.write_bindings_anew()
        {
            log::warn!("the hub's file \"{BINDINGS}\" grows on, it cannot be written anew: {error}");
        }
        Ok(())
    }

    fn write_bindings_anew(&mut self) -> Result<(), JournalError> {
        let (_, entries) = Journal::open(&*self.storage, BINDINGS, "bindings")?;
        let bindings = read_bindings(&entries)?;
        let entries: Vec<_> = bindings.changes().map(|change| change.to_bytes()).collect();
        self.bindings.rewrite(&mut *self.storage, &entries)?;
        self.compact = self.bindings.len();
        Ok(())
    }

    /// Writes links of the chain.
    fn keep_links(&mut self, links: &[Link]) -> Result<(), StorageError> {
        for (epoch, state) in links {
            self.chain.push(*epoch, *state);
        }
        let is_full = self.link_entries + links.len() > MAX_LINKS;
        if self.is_behind || is_full || self.links.is_empty() {
            // It stays behind until this succeeds.
            self.is_behind = true;
            let base = wire::to_bytes(&self.chain.base());
            let entries: Vec<_> = std::iter::once(base).chain(self.chain.links().map(wire::to_bytes)).collect();
            self.links.rewrite(&mut *self.storage, &entries)?;
            self.link_entries = entries.len();
        } else {
            self.is_behind = true;
            let entries: Vec<_> = links.iter().map(wire::to_bytes).collect();
            self.links.append(&mut *self.storage, &entries)?;
            self.link_entries += entries.len();
        }
        self.is_behind = false;
        Ok(())
    }
}

fn read_bindings(entries: &[Vec<u8>]) -> Result<Bindings, JournalError> {
    let mut bindings = Bindings::default();
    for (number, entry) in entries.iter().enumerate() {
        let change = Change::from_bytes(entry);
        bindings.apply(&change.map_err(|_| JournalError::Entry { name: BINDINGS.to_owned(), number })?);
    }
    Ok(bindings)
}

fn read_chain(entries: &[Vec<u8>]) -> Result<Chain, JournalError> {
    let not_understood = |number| move |_| JournalError::Entry { name: CHAIN.to_owned(), number };
    let Some((base, links)) = entries.split_first() else { return Ok(Chain::default()) };
    let base: DirectoryHead = wire::from_bytes(base).map_err(not_understood(0))?;
    let mut chain = Chain::from(base);
    for (number, entry) in (1..).zip(links) {
        let (epoch, state): Link = wire::from_bytes(entry).map_err(not_understood(number))?;
        chain.push(epoch, state);
    }
    Ok(chain)
}

fn size_of(bindings: &Bindings) -> usize {
    bindings.changes().map(|change| change.to_bytes().len() + 8).sum()
}

enum Job {
    Change(CommitId, Change),
    Link(Link),
}

/// The thread that writes a ledger. Its end waits a moment until all is written.
pub(super) struct LedgerThread {
    jobs: Option<Sender<Job>>,
    answers: Receiver<(CommitId, bool)>,
    /// Disconnected when the thread has ended.
    running: Receiver<Infallible>,
    thread: Option<JoinHandle<()>>,
}

impl LedgerThread {
    pub(super) fn start(mut ledger: Ledger, notifier: &Notifier) -> io::Result<Self> {
        let (jobs, inbox) = unbounded::<Job>();
        let (outbox, answers) = unbounded();
        let (runs, running) = bounded(0);
        let notifier = notifier.clone();
        let thread = thread::Builder::new().name("ledger".to_owned()).spawn(move || {
            let _runs = runs;
            while let Ok(first) = inbox.recv() {
                write_batch(&mut ledger, std::iter::once(first).chain(inbox.try_iter()), |id, is_kept| {
                    // A hub that has ended waits for no answer.
                    let _ = outbox.send((id, is_kept));
                    notifier.wake();
                });
            }
        })?;
        Ok(Self { jobs: Some(jobs), answers, running, thread: Some(thread) })
    }

    /// Writes a change and answers.
    pub(super) fn commit(&self, id: CommitId, change: Change) {
        self.submit(Job::Change(id, change));
    }

    /// Writes a link of the chain some time.
    pub(super) fn keep_link(&self, link: Link) {
        self.submit(Job::Link(link));
    }

    /// Which commits have come to their end since, and whether they are kept.
    pub(super) fn answers(&self) -> impl Iterator<Item = (CommitId, bool)> + '_ {
        self.answers.try_iter()
    }

    fn submit(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // The thread lives as long as this, so somebody receives.
            let _ = jobs.send(job);
        }
    }
}

impl Drop for LedgerThread {
    fn drop(&mut self) {
        self.jobs = None;
        if self.running.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            log::warn!("the disk is slow: what the hub decided last may be lost");
            return;
        }
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// Writes what has come together: changes first and by one write, since somebody waits for them.
fn write_batch(ledger: &mut Ledger, batch: impl Iterator<Item = Job>, mut answer: impl FnMut(CommitId, bool)) {
    let (mut ids, mut changes, mut links) = (Vec::new(), Vec::new(), Vec::new());
    for job in batch {
        match job {
            Job::Change(id, change) => {
                ids.push(id);
                changes.push(change);
            }
            Job::Link(link) => links.push(link),
        }
    }
    if !changes.is_empty() {
        let kept = ledger.keep(&changes);
        if let Err(error) = &kept {
            log::error!("the hub cannot keep whose name is whose, so nobody new comes in: {error}");
        }
        for id in ids {
            answer(id, kept.is_ok());
        }
    }
    if !links.is_empty()
        && let Err(error) = ledger.keep_links(&links)
    {
        log::warn!("the hub cannot keep its directory's chain, which it tries again: {error}");
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
