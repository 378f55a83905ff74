//! One descriptor kept back, for when there is no other.
//!
//! A link that cannot be accepted for want of a descriptor stays in the listener's queue, and no edge will come for
//! it. Waiting leaves its peer in the dark, trying again at once is a spin. With the one that is kept back the
//! link is accepted and closed.

use std::{fs::File, io};

use rustix::io::Errno;

use crate::transport::Listener;

/// A descriptor that is given up for a moment.
#[derive(Debug)]
pub(super) struct Reserve(Option<File>);

impl Reserve {
    /// Takes one; without any it tries again when it is needed.
    pub(super) fn new() -> Self {
        Self(open())
    }

    /// Accepts one link and closes it; false when even that cannot be done now.
    pub(super) fn turn_one_away(&mut self, listener: &mut dyn Listener) -> bool {
        drop(self.0.take());
        let is_done = listener.accept().map(drop).is_ok();
        self.0 = open();
        is_done
    }
}

/// Whether a call failed because this process, or the system, has no descriptor left.
pub(super) fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

fn open() -> Option<File> {
    File::open("/dev/null").ok()
}
