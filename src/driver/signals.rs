//! Signals, told to the loop.

use std::{io, thread};

use crossbeam_channel::{Receiver, unbounded};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::{Handle, Signals},
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
