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
    answers::{Answers, QUESTIONS},
    backlog::END_OF_ANSWER,
};
use crate::video::clock::{Clock as _, SystemClock};

/// How long a terminal may take. A local one answers within milliseconds; a network lies before others.
const PATIENCE: Duration = Duration::from_secs(1);

/// What comes in that time at most; nobody types so much.
const MOST_BYTES: usize = 64 * 1024;

/// Reads so many answers to the question behind pictures, and gives up after that time. Nobody else may read standard input meanwhile.
///
/// # Errors
/// When there is no terminal.
pub(super) fn read_answers(mut count: u32, patience: Duration) -> io::Result<()> {
    unseen(|| {
        let clock = SystemClock::start();
        while count > 0 && wait(patience.saturating_sub(clock.now()))? {
            let mut buffer = [0; 1];
            if rustix::io::read(rustix::stdio::stdin(), &mut buffer)? == 0 {
                break;
            }
            count -= u32::from(buffer == [END_OF_ANSWER]);
        }
        Ok(())
    })
}

/// Asks. Nobody else may read standard input meanwhile. Takes up to a second with a terminal that does not answer.
///
/// # Errors
/// When there is no terminal.
pub(super) fn ask() -> io::Result<Answers> {
    unseen(converse)
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

fn converse() -> io::Result<Answers> {
    let mut out = io::stdout().lock();
    out.write_all(QUESTIONS.as_bytes())?;
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
