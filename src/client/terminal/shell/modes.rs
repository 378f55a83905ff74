//! The terminal as it was found.

use std::io::{self, Write as _};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

/// Switches bracketed paste off again (xterm, mode 2004).
const BRACKETED_PASTE_OFF: &[u8] = b"\x1b[?2004l";

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

impl Drop for TerminalModes {
    fn drop(&mut self) {
        let mut out = io::stdout();
        // A terminal that is gone needs nothing put back.
        let _ = out.write_all(BRACKETED_PASTE_OFF).and_then(|()| out.flush());
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.found);
    }
}
