//! Signals, told to the loop.

use std::{io, thread};

use crossbeam_channel::{Receiver, unbounded};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH},
    iterator::{Handle, Signals},
    low_level::emulate_default_handler,
};

use crate::transport::Notifier;

/// Receives SIGHUP, SIGINT and SIGTERM while it lives.
pub(super) struct SignalInbox {
    signals: Receiver<i32>,
    handle: Handle,
}

impl SignalInbox {
    /// Catches the signals from now on.
    pub(super) fn new(notifier: Notifier) -> io::Result<Self> {
        let mut caught = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let handle = caught.handle();
        let (sender, signals) = unbounded();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in caught.forever() {
                if sender.send(signal).is_err() {
                    return;
                }
                notifier.wake();
            }
        })?;
        Ok(Self { signals, handle })
    }

    /// The signals that came since the last call.
    pub(super) fn take(&self) -> impl Iterator<Item = i32> + '_ {
        self.signals.try_iter()
    }
}

impl Drop for SignalInbox {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// While it lives, signals do what they do to a process that does not catch them. Needed between two
/// members: catching is not undone by itself.
pub struct DefaultSignals(Handle);

impl DefaultSignals {
    /// Lets SIGHUP, SIGINT and SIGTERM end the process from now on.
    ///
    /// # Errors
    /// When the system does not let them be caught.
    pub fn new() -> io::Result<Self> {
        Self::but(None)
    }

    /// The same, but SIGINT has no effect: whoever asks for a passphrase reads Ctrl-C by itself, and has to put the
    /// terminal back before anything ends.
    ///
    /// # Errors
    /// When the system does not let them be caught.
    pub fn but_interrupt() -> io::Result<Self> {
        Self::but(Some(SIGINT))
    }

    fn but(left_alone: Option<i32>) -> io::Result<Self> {
        let mut caught = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let handle = caught.handle();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in caught.forever().filter(|signal| Some(*signal) != left_alone) {
                if let Err(error) = emulate_default_handler(signal) {
                    log::warn!("signal {signal} has no effect: {error}");
                }
            }
        })?;
        Ok(Self(handle))
    }
}

impl Drop for DefaultSignals {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// While it lives, somebody is told when the terminal gets another size.
pub struct ResizeWatch(Handle);

impl ResizeWatch {
    /// Calls `resized` after each change, on a thread of its own.
    ///
    /// # Errors
    /// When the system does not let the signal be caught.
    pub fn new(resized: impl Fn() + Send + 'static) -> io::Result<Self> {
        let mut caught = Signals::new([SIGWINCH])?;
        let handle = caught.handle();
        thread::Builder::new().name("resizes".to_owned()).spawn(move || caught.forever().for_each(|_| resized()))?;
        Ok(Self(handle))
    }
}

impl Drop for ResizeWatch {
    fn drop(&mut self) {
        self.0.close();
    }
}
