//! A small, bounded pool of threads for what must not run on the loop: RSA and reading files.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::transport::Notifier;

/// Runs jobs one after the other on a few threads and wakes the loop for each answer.
///
/// Its queue is not bounded by itself: a hub's links and plays have at most one job each under way, and a member
/// bounds the bytes that wait to be opened.
pub(super) struct Pool<J, A> {
    jobs: Option<Sender<J>>,
    answers: Receiver<A>,
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
        let work = Arc::new(work);
        let spawn = |number| {
            let (inbox, outbox, notifier, work) = (inbox.clone(), outbox.clone(), notifier.clone(), Arc::clone(&work));
            thread::Builder::new().name(format!("{name}-{number}")).spawn(move || {
                for job in inbox {
                    if outbox.send(work(job)).is_err() {
                        return;
                    }
                    notifier.wake();
                }
            })
        };
        let threads = (0..threads).map(spawn).collect::<Result<_, _>>()?;
        Ok(Self { jobs: Some(jobs), answers, threads })
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
        for thread in self.threads.drain(..) {
            // A job that panicked has been reported by the panic itself.
            let _ = thread.join();
        }
    }
}
