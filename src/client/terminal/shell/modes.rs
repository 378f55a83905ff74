//! The terminal as it was found.

use std::io::{self, Write as _};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

/// Switches bracketed paste off again (xterm, mode 2004).
const BRACKETED_PASTE_OFF: &[u8] = b"\x1b[?2004l";

/// The settings of the terminal on standard input ([termios(3)](https://man7.org/linux/man-pages/man3/termios.3.html)).
/// The editor puts them back after each line, but not when the process ends in the middle of one.
#[derive(Debug)]
pub(super) struct TerminalModes(Termios);

impl TerminalModes {
    /// Those that hold now; none when standard input is no terminal.
    pub(super) fn save() -> Option<Self> {
        tcgetattr(io::stdin()).ok().map(Self)
    }

    /// Shows nothing that is typed while no line is edited: answers of the terminal come then as well. The editor shows the
    /// rest once it reads it.
    pub(super) fn hush(&self) {
        let mut hushed = self.0.clone();
        hushed.local_flags.remove(LocalFlags::ECHO);
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &hushed);
    }

    /// Puts them back.
    pub(super) fn restore(&self) {
        let mut out = io::stdout();
        // A terminal that is gone needs nothing put back.
        let _ = out.write_all(BRACKETED_PASTE_OFF).and_then(|()| out.flush());
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.0);
    }
}
