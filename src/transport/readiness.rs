//! How a link says that it may go on.

use std::{
    io, mem,
    sync::{Arc, Mutex, PoisonError},
};

use mio::{Registry, Token, Waker};

/// Where to register: with the poll for descriptors, or with its waker for what has none.
#[derive(Clone, Copy, Debug)]
pub struct Readiness<'a> {
    pub registry: &'a Registry,
    /// What the link is called in the poll's events, and by the notifier.
    pub token: Token,
    pub notifier: &'a Notifier,
}

/// Wakes an event loop from anywhere: for links without a descriptor, and for threads with an answer.
#[derive(Clone, Debug)]
pub struct Notifier {
    waker: Arc<Waker>,
    ready: Arc<Mutex<Vec<Token>>>,
}

impl Notifier {
    /// Wakes the poll of `registry`, under `token`.
    ///
    /// # Errors
    /// When the system gives no waker.
    pub fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        Ok(Self { waker: Arc::new(Waker::new(registry, token)?), ready: Arc::default() })
    }

    /// Wakes the loop.
    pub fn wake(&self) {
        // Fails only when the loop is gone, and then nobody waits for it.
        let _ = self.waker.wake();
    }

    /// Wakes the loop, which then treats `token` as readable and writable.
    pub(crate) fn notify(&self, token: Token) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push(token);
        self.wake();
    }

    pub(crate) fn take_ready(&self) -> Vec<Token> {
        mem::take(&mut self.ready.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
