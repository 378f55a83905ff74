//! The terminal as it was found.

use std::{
    io::{self, Write as _},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use rustix::process::{Signal, kill_current_process_group};

/// Switches bracketed paste off again (xterm, mode 2004).
const BRACKETED_PASTE_OFF: &[u8] = b"\x1b[?2004l";

/// Switches it on, as the editor does.
const BRACKETED_PASTE_ON: &[u8] = b"\x1b[?2004h";

/// Within this time all threads of a process stand still that is stopped: the signal is taken by any of them.
const STANDING_STILL: Duration = Duration::from_millis(50);

/// The settings of the terminal on standard input ([termios(3)](https://man7.org/linux/man-pages/man3/termios.3.html)).
/// The editor puts them back after each line, but not when the process ends in the middle of one. They are put back when
/// this is dropped, on whatever way out.
#[derive(Debug)]
pub(super) struct TerminalModes {
    found: Termios,
    is_hushed: bool,
}

impl TerminalModes {
    /// Those that hold now; none when standard input is no terminal.
    pub(super) fn save() -> Option<Self> {
        let found = tcgetattr(io::stdin()).ok()?;
        Some(Self { found, is_hushed: false })
    }

    /// What the terminal gets back while the process is stopped.
    pub(super) fn stopped(&self) -> StoppedModes {
        StoppedModes(Mutex::new(self.found.clone()))
    }

    /// Shows nothing that is typed while no line is edited, or again: answers of the terminal come then as well. The editor
    /// shows the rest once it reads it. To be called while no line is edited.
    pub(super) fn hush(&mut self, is_hushed: bool) {
        if std::mem::replace(&mut self.is_hushed, is_hushed) == is_hushed {
            return;
        }
        let mut wanted = self.found.clone();
        if is_hushed {
            wanted.local_flags.remove(LocalFlags::ECHO);
        }
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &wanted);
    }
}

/// The settings of the terminal that hold while the process is stopped: those that were found.
#[derive(Debug)]
pub(super) struct StoppedModes(Mutex<Termios>);

impl StoppedModes {
    /// Stops the process, and whatever was started together with it, as Ctrl-Z does where nobody reads it as a key. Returns
    /// when it goes on, with the terminal as it was before.
    pub(super) fn stop(&self) -> io::Result<()> {
        let edited = tcgetattr(io::stdin())?;
        {
            let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            write(BRACKETED_PASTE_OFF);
            tcsetattr(io::stdin(), SetArg::TCSADRAIN, &found)?;
        }
        kill_current_process_group(Signal::TSTP)?;
        // Time passes while it is stopped as well.
        thread::sleep(STANDING_STILL);
        tcsetattr(io::stdin(), SetArg::TCSADRAIN, &edited)?;
        write(BRACKETED_PASTE_ON);
        Ok(())
    }
}

/// A terminal that is gone needs nothing.
fn write(bytes: &[u8]) {
    let mut out = io::stdout();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

impl Drop for TerminalModes {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing put back.
        write(BRACKETED_PASTE_OFF);
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.found);
    }
}
