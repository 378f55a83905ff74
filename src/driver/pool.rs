//! A small, bounded pool of threads for what must not run on the loop: RSA and reading files.

use std::{
    convert::Infallible,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use crate::transport::Notifier;

/// How long the end of a pool waits for the jobs that run. Longer than any that does not hang: one that stands in a
/// read of a dead disk, or in looking for a display, must not hold up the end of the process.
const PATIENCE: Duration = Duration::from_millis(200);

/// Runs jobs one after the other on a few threads and wakes the loop for each answer.
///
/// Its queue is not bounded by itself. A link has one registration under way and a play two reads, of pictures and of
/// sound; those of links and plays that have ended meanwhile still run, and how fast these can be begun anew bounds how
/// many there are. A member bounds the bytes that wait to be opened, and has one display to find for each play.
///
/// Its end drops what waits and gives what runs a moment; what takes longer is left to itself.
pub(super) struct Pool<J, A> {
    jobs: Option<Sender<J>>,
    /// The same queue as the threads read.
    waiting: Receiver<J>,
    answers: Receiver<A>,
    /// Disconnected when all threads have ended.
    running: Receiver<Infallible>,
    threads: Vec<JoinHandle<()>>,
}

impl<J: Send + 'static, A: Send + 'static> Pool<J, A> {
    /// Starts `threads` threads that answer jobs by `work`.
    pub(super) fn new(
        name: &str,
        threads: usize,
        notifier: &Notifier,
        work: impl Fn(J) -> A + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, inbox) = unbounded::<J>();
        let (outbox, answers) = unbounded();
        let (runs, running) = bounded(0);
        let work = Arc::new(work);
        let spawn = |number| {
            let (inbox, outbox, notifier, work) = (inbox.clone(), outbox.clone(), notifier.clone(), Arc::clone(&work));
            let runs = runs.clone();
            thread::Builder::new().name(format!("{name}-{number}")).spawn(move || {
                let _runs: Sender<Infallible> = runs;
                for job in inbox {
                    if outbox.send(work(job)).is_err() {
                        return;
                    }
                    notifier.wake();
                }
            })
        };
        let threads = (0..threads).map(spawn).collect::<Result<_, _>>()?;
        Ok(Self { jobs: Some(jobs), waiting: inbox, answers, running, threads })
    }

    pub(super) fn submit(&self, job: J) {
        if let Some(jobs) = &self.jobs {
            // The threads live as long as the pool, so somebody receives.
            let _ = jobs.send(job);
        }
    }

    pub(super) fn answers(&self) -> impl Iterator<Item = A> + '_ {
        self.answers.try_iter()
    }
}

impl<J, A> Drop for Pool<J, A> {
    fn drop(&mut self) {
        self.jobs = None;
        self.waiting.try_iter().for_each(drop);
        if self.running.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            return;
        }
        for thread in self.threads.drain(..) {
            // A job that panicked has been reported by the panic itself.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use mio::{Poll, Token};

    use super::*;

    #[test]
    fn the_end_waits_neither_for_what_is_queued_nor_for_what_hangs() {
        let system = Poll::new().unwrap();
        let notifier = Notifier::new(system.registry(), Token(0)).unwrap();
        let (begin, first) = unbounded();
        let (hold, gate) = bounded::<()>(0);
        let pool = Pool::new("test", 1, &notifier, move |job: u32| {
            begin.send(job).unwrap();
            // For ever, as the other end never sends.
            gate.recv()
        });
        let pool = pool.unwrap();
        (0..1000).for_each(|job| pool.submit(job));
        assert_eq!(first.recv(), Ok(0));
        drop(pool);
        drop(hold);
        assert_eq!(first.iter().next(), None, "the thread ended after the first");
    }

    #[test]
    fn answers_come_and_the_end_waits_for_a_job_that_runs() {
        let system = Poll::new().unwrap();
        let notifier = Notifier::new(system.registry(), Token(0)).unwrap();
        let pool = Pool::new("test", 2, &notifier, |job: u32| job + 1).unwrap();
        pool.submit(1);
        assert_eq!(pool.answers.recv(), Ok(2));
    }
}
