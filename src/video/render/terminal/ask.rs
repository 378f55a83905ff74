//! Asks the terminal on standard input and output what it can do.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr},
};

use super::{
    answers::{Answers, questions},
    backlog::ANSWER,
};
use crate::video::clock::{Clock as _, SystemClock};

/// How long a terminal may take. A local one answers within milliseconds; a network lies before others.
const PATIENCE: Duration = Duration::from_secs(1);

/// What comes in that time at most; nobody types so much.
const MOST_BYTES: usize = 64 * 1024;

/// Reads so many answers to the question behind pictures, and gives up after that time. What was typed before the last of them
/// is lost: a part of it would be another command. What is typed behind that is left to whoever reads next. Nobody else may
/// read standard input meanwhile.
///
/// # Errors
/// When there is no terminal.
pub(super) fn read_answers(count: u32, patience: Duration) -> io::Result<()> {
    unseen(|| {
        let clock = SystemClock::start();
        let mut due = Due::new(count);
        while due.is_more() && wait(patience.saturating_sub(clock.now()))? {
            let mut buffer = [0; 1];
            if rustix::io::read(rustix::stdio::stdin(), &mut buffer)? == 0 {
                break;
            }
            due.take(buffer[0]);
        }
        Ok(())
    })
}

/// Answers that are still to be read, byte by byte.
struct Due {
    answers: u32,
    /// How much of the next one came.
    came: usize,
}

impl Due {
    fn new(answers: u32) -> Self {
        Self { answers, came: 0 }
    }

    fn is_more(&self) -> bool {
        self.answers > 0
    }

    /// Takes a byte: of an answer, or typed.
    fn take(&mut self, byte: u8) {
        if ANSWER.get(self.came) != Some(&byte) {
            self.came = 0;
        }
        if ANSWER.get(self.came) == Some(&byte) {
            self.came += 1;
        }
        if self.came == ANSWER.len() {
            (self.answers, self.came) = (self.answers - 1, 0);
        }
    }
}

/// Asks, perhaps inside a multiplexer. Nobody else may read standard input meanwhile. Takes up to a second with a terminal that does not answer.
///
/// # Errors
/// When there is no terminal.
pub(super) fn ask(is_multiplexed: bool) -> io::Result<Answers> {
    unseen(|| converse(&questions(is_multiplexed)))
}

/// With a terminal whose input is to be read at once, and not to be seen.
fn unseen<T>(read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let stdin = rustix::stdio::stdin();
    let before = tcgetattr(stdin)?;
    let mut unseen = before.clone();
    unseen.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
    tcsetattr(stdin, OptionalActions::Drain, &unseen)?;
    let came = read();
    tcsetattr(stdin, OptionalActions::Drain, &before)?;
    came
}

fn converse(questions: &str) -> io::Result<Answers> {
    let mut out = io::stdout().lock();
    out.write_all(questions.as_bytes())?;
    out.flush()?;
    let clock = SystemClock::start();
    let (mut came, mut answers) = (Vec::new(), Answers::default());
    while !answers.complete && came.len() < MOST_BYTES && wait(PATIENCE.saturating_sub(clock.now()))? {
        let mut buffer = [0; 1024];
        let count = rustix::io::read(rustix::stdio::stdin(), &mut buffer)?;
        if count == 0 {
            break;
        }
        came.extend_from_slice(&buffer[..count]);
        answers = Answers::read(&came);
    }
    // A terminal that knows none of the questions may have shown some of them.
    out.write_all(b"\r\x1b[K")?;
    out.flush()?;
    Ok(answers)
}

/// Whether something came before the time was over.
fn wait(at_most: Duration) -> io::Result<bool> {
    let stdin = rustix::stdio::stdin();
    let limit = Timespec { tv_sec: at_most.as_secs().cast_signed(), tv_nsec: at_most.subsec_nanos().into() };
    Ok(poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&limit))? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes of what comes are read.
    fn read(count: u32, came: &[u8]) -> usize {
        let mut due = Due::new(count);
        came.iter().take_while(|byte| due.is_more().then(|| due.take(**byte)).is_some()).count()
    }

    #[test]
    fn answers_are_read_whole_and_what_was_typed_behind_them_is_left() {
        assert_eq!(read(2, b"\x1b[2;2R\x1b[2;2Rls\r"), 12);
        assert_eq!(read(0, b"ls\r"), 0);
        assert_eq!(read(1, b"RRR\x1b[2;2Rls\r"), 9, "what is typed is no answer");
        assert_eq!(read(2, b"\x1b[2;2R\x1b[A\x1b\x1b[2;2Rls\r"), 16);
        assert_eq!(read(1, b"\x1b[2;2"), 5);
    }
}
