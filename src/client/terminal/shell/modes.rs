//! The terminal as it was found.

use std::{
    io::{self, Write as _},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use nix::sys::termios::{_POSIX_VDISABLE, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
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
    between: BetweenLines,
}

/// What becomes of keys while no line is edited. By default what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BetweenLines {
    /// Nothing that is typed is shown, for answers of the terminal come as well. The editor shows the rest once it reads it.
    pub is_hushed: bool,
    /// The suspend key waits for the editor, which gives the whole terminal back before the process stops; the kernel
    /// would stop it at once, with the picture and whatever holds here.
    pub suspend_key_waits: bool,
}

impl BetweenLines {
    fn modes(self, found: &Termios) -> Termios {
        let mut wanted = found.clone();
        if self.is_hushed {
            wanted.local_flags.remove(LocalFlags::ECHO);
        }
        if self.suspend_key_waits {
            wanted.control_chars[SUSPEND] = _POSIX_VDISABLE;
        }
        wanted
    }
}

/// The place of the key that suspends.
const SUSPEND: usize = SpecialCharacterIndices::VSUSP as usize;

impl TerminalModes {
    /// Those that hold now; none when standard input is no terminal.
    pub(super) fn save() -> Option<Self> {
        let found = tcgetattr(io::stdin()).ok()?;
        Some(Self { found, between: BetweenLines::default() })
    }

    /// What the terminal gets back while the process is stopped.
    pub(super) fn stopped(&self) -> StoppedModes {
        StoppedModes(Mutex::new(self.found.clone()))
    }

    /// Has that hold while no line is edited. To be called while none is.
    pub(super) fn set_between_lines(&mut self, between: BetweenLines) {
        if std::mem::replace(&mut self.between, between) == between {
            return;
        }
        let wanted = between.modes(&self.found);
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &wanted);
    }
}

/// The settings of the terminal that hold while the process is stopped: those that were found.
#[derive(Debug)]
pub(super) struct StoppedModes(Mutex<Termios>);

impl StoppedModes {
    /// The character of the key that stops the process; none when the person has none.
    pub(super) fn suspend_key(&self) -> Option<char> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some(found.control_chars[SUSPEND]).filter(|key| *key != _POSIX_VDISABLE).map(char::from)
    }

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

#[cfg(test)]
impl StoppedModes {
    /// Those of a new terminal, with that character for the key that stops the process.
    pub(super) fn with_suspend_key(character: u8) -> Self {
        let mut found = tcgetattr(nix::pty::openpty(None, None).unwrap().slave).unwrap();
        found.control_chars[SUSPEND] = character;
        Self(Mutex::new(found))
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

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Read as _};

    use nix::pty::openpty;

    use super::*;

    #[test]
    fn between_lines_the_suspend_key_waits_for_the_editor_unseen() {
        let terminal = openpty(None, None).unwrap();
        let found = tcgetattr(&terminal.slave).unwrap();
        let (mut keys, mut program) = (File::from(terminal.master), File::from(terminal.slave));
        let mut typed = |between: BetweenLines| {
            tcsetattr(&program, SetArg::TCSANOW, &between.modes(&found)).unwrap();
            keys.write_all(b"a\x1ab\n").unwrap();
            let mut read = [0; 16];
            let count = program.read(&mut read).unwrap();
            read[..count].to_vec()
        };
        assert_eq!(typed(BetweenLines::default()), b"b\n", "the kernel takes it, with what was typed before");
        let between = BetweenLines { is_hushed: true, suspend_key_waits: true };
        assert_eq!(typed(between), b"a\x1ab\n");
        let modes = between.modes(&found);
        assert!(found.local_flags.contains(LocalFlags::ECHO | LocalFlags::ISIG));
        assert_eq!(found.local_flags - modes.local_flags, LocalFlags::ECHO, "an interrupt stays one");
    }
}
