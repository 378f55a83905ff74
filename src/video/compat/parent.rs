//! The hub's side: runs the child, waits so long and no longer, and believes nothing that it says.

use std::{
    convert::Infallible,
    env,
    ffi::OsString,
    fs::File,
    io::{self, Read as _},
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, TryRecvError, bounded, never, select};
use rustix::process::Signal;

use crate::{
    types::wire::from_bytes,
    video::{
        clock::{Clock as _, SystemClock},
        index::Index,
        index_wire::{IndexWireError, passed_on},
    },
};

use super::{Answer, INDEX_COMMAND};

/// Most that a child may answer, in bytes: the largest index has 2,000,000 packets of some 15 bytes, and pieces.
const MAX_ANSWER: u64 = 128 * 1024 * 1024;

/// How long a child may take for any file, and for each byte of it: ten times what it may take of a processor. It gives
/// way to all else there, and reads a file up to three times from a disk that may be slow. That it comes to an end is
/// bounded by its processor time; this is for what waits without end.
const BASE_TIME: Duration = Duration::from_mins(5);
const BYTES_A_SECOND: u64 = 2_000_000;

/// How often a child is looked after that has said all and not ended yet, which takes it no time.
const LOOK: Duration = Duration::from_millis(2);

/// How a child ends by a fault that the file led it to. Others' signals are their own affair.
const FAULTS: [Signal; 6] = [Signal::ILL, Signal::TRAP, Signal::BUS, Signal::FPE, Signal::SEGV, Signal::SYS];

/// The exit status of a Rust program that panicked.
const PANICKED: i32 = 101;

/// What a child keeps of its parent's environment: where its libraries are.
const KEPT_VARIABLES: [&str; 3] = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"];

/// How long whoever asks for an index waits for it.
#[derive(Clone, Debug)]
pub enum Patience {
    /// So long and no longer.
    For(Duration),
    /// As long as it takes.
    Whole,
    /// As long as it takes, or until nobody holds the other end of this any more.
    While(Receiver<Infallible>),
}

impl Patience {
    /// How long that is at most, if it is known.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        match self {
            Self::For(limit) => Some(*limit),
            Self::Whole | Self::While(_) => None,
        }
    }

    /// Nothing ever comes from this; it breaks when nobody waits any more.
    pub(super) fn wanted(&self) -> Receiver<Infallible> {
        match self {
            Self::While(wanted) => wanted.clone(),
            Self::For(_) | Self::Whole => never(),
        }
    }
}

/// Takes files apart that this program's own reader does not take, or says why it cannot.
#[derive(Clone, Debug, Default)]
pub struct Compat {
    program: Option<PathBuf>,
}

/// Why libavformat gave no index, in words that go on "`<file>`: ".
#[derive(Debug, thiserror::Error)]
pub enum CompatError {
    /// There is nobody to ask: the build has no FFmpeg, or no program was named.
    #[error("there is no libavformat here")]
    Unavailable,
    /// It was given less time than it may take, and whether that was enough to begin.
    #[error("it is still being taken apart: try again in a while")]
    Waits { begun: bool },
    /// In the words of the child.
    #[error("{0}")]
    Refused(String),
    /// In the words of the child: the system refused something.
    #[error("{0}")]
    Unread(String),
    #[error("it could not be taken apart within {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error("it made its reader fail ({0})")]
    Crashed(String),
    /// It gave up by itself: for want of memory perhaps, which another time or another build may not lack.
    #[error("it made its reader give up ({0})")]
    Aborted(String),
    /// It took all the processor time that it may.
    #[error("its reader comes to no end with it")]
    Endless,
    /// Not by a fault of its own: somebody killed it, the system for want of memory perhaps, or it could not begin.
    #[error("its reader was ended ({0})")]
    Ended(String),
    #[error("its reader gave a wrong answer: {0}")]
    WrongAnswer(String),
    #[error("its reader cannot be run: {0}")]
    NotRun(#[from] io::Error),
}

impl CompatError {
    /// Whether the same file may be taken the next time: it is not the file that was at fault.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::NotRun(_) | Self::Unread(_) | Self::TimedOut(_) | Self::Ended(_) | Self::Waits { .. })
    }

    /// Whether it says something of the file, to whoever reads it with the same program and libraries.
    pub(crate) fn lasts(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Crashed(_) | Self::Endless)
    }
}

impl From<ExitStatus> for CompatError {
    /// Of a child that did not succeed.
    fn from(status: ExitStatus) -> Self {
        let is = |signal: &Signal| status.signal() == Some(signal.as_raw());
        if is(&Signal::XCPU) {
            Self::Endless
        } else if is(&Signal::ABORT) {
            Self::Aborted(status.to_string())
        } else if FAULTS.iter().any(is) || status.code() == Some(PANICKED) {
            Self::Crashed(status.to_string())
        } else {
            Self::Ended(status.to_string())
        }
    }
}

impl From<IndexWireError> for CompatError {
    fn from(error: IndexWireError) -> Self {
        Self::WrongAnswer(error.to_string())
    }
}

impl Compat {
    /// By a program that calls [`index_main`](super::index_main) for [`INDEX_COMMAND`]: this one. In a build without
    /// FFmpeg no file is taken.
    #[must_use]
    pub fn by(program: PathBuf) -> Self {
        Self { program: cfg!(feature = "player").then_some(program) }
    }

    /// Whether there is a program to ask.
    pub(super) fn is_there(&self) -> bool {
        self.program.is_some()
    }

    /// Indexes an open file of `size` bytes. Takes a second for each 2 MB, at most, and five minutes more; and no longer
    /// than there is patience, which may be less.
    ///
    /// # Errors
    /// See [`CompatError`].
    pub fn index(&self, file: &File, size: u64, patience: &Patience) -> Result<Index, CompatError> {
        let program = self.program.as_ref().ok_or(CompatError::Unavailable)?;
        let limit = limit(size);
        let wanted = patience.wanted();
        let patience = patience.limit().filter(|patience| *patience < limit);
        if patience.is_some_and(|patience| patience.is_zero()) {
            return Err(CompatError::Waits { begun: false });
        }
        let mut command = Command::new(program);
        command.arg(INDEX_COMMAND).env_clear().envs(KEPT_VARIABLES.iter().filter_map(|name| kept(name)));
        match run(command, file, size, patience.unwrap_or(limit), &wanted) {
            Err(CompatError::TimedOut(_)) if patience.is_some() => Err(CompatError::Waits { begun: true }),
            result => result,
        }
    }
}

/// How long a child may take for a file of `size` bytes.
pub(super) fn limit(size: u64) -> Duration {
    BASE_TIME + Duration::from_secs(size / BYTES_A_SECOND)
}

fn kept(name: &'static str) -> Option<(&'static str, OsString)> {
    Some((name, env::var_os(name)?))
}

fn run(
    mut command: Command,
    file: &File,
    size: u64,
    limit: Duration,
    wanted: &Receiver<Infallible>,
) -> Result<Index, CompatError> {
    command.stdin(file.try_clone()?).stdout(Stdio::piped()).stderr(Stdio::null());
    let clock = SystemClock::start();
    let mut child = Running(command.spawn()?);
    let Some(output) = child.0.stdout.take() else { return Err(io::Error::from(io::ErrorKind::BrokenPipe).into()) };
    let (sender, answered) = bounded(1);
    thread::Builder::new().name("index-video".into()).spawn(move || {
        let mut answer = Vec::new();
        let read = output.take(MAX_ANSWER + 1).read_to_end(&mut answer).map(|_| answer);
        // Nobody waits any more when it came too late.
        let _ = sender.send(read);
    })?;
    // The thread ends with the pipe. It is not waited for: the child could have given its end to somebody else.
    let timed_out = || CompatError::TimedOut(limit);
    let answer = select! {
        recv(answered) -> answer => answer.map_err(|_| timed_out())??,
        recv(wanted) -> _ => return Err(CompatError::Waits { begun: true }),
        default(limit) => return Err(timed_out()),
    };
    let status = child.ended_within(limit, &clock, wanted)?.ok_or_else(timed_out)?;
    if !status.success() {
        return Err(status.into());
    }
    understood(&answer, size)
}

/// A child that does not outlive its owner.
struct Running(Child);

impl Running {
    /// How it ended, if it did within the limit and while somebody waited. That it has closed its output does not say
    /// that it will.
    fn ended_within(
        &mut self,
        limit: Duration,
        clock: &SystemClock,
        wanted: &Receiver<Infallible>,
    ) -> io::Result<Option<ExitStatus>> {
        loop {
            let status = self.0.try_wait()?;
            let is_given_up = matches!(wanted.try_recv(), Err(TryRecvError::Disconnected));
            if status.is_some() || is_given_up || clock.now() >= limit {
                return Ok(status);
            }
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended and was waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the child's answer comes to.
fn understood(answer: &[u8], size: u64) -> Result<Index, CompatError> {
    if answer.len() as u64 > MAX_ANSWER {
        return Err(CompatError::WrongAnswer("it is too long".into()));
    }
    let answer: Answer = from_bytes(answer).map_err(IndexWireError::from)?;
    if !answer.refused.is_empty() {
        let reason = passed_on(&answer.refused);
        return Err(if answer.passing { CompatError::Unread(reason) } else { CompatError::Refused(reason) });
    }
    Ok(Index::from_bytes(&answer.index, size)?)
}

#[cfg(test)]
mod tests {
    use crate::types::wire::to_bytes;

    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<Index, CompatError> {
        shell_while(script, limit, &never())
    }

    fn shell_while(script: &str, limit: Duration, wanted: &Receiver<Infallible>) -> Result<Index, CompatError> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(command, &File::open("/dev/null").unwrap(), 1000, limit, wanted)
    }

    const SOON: Duration = Duration::from_mins(1);

    #[test]
    fn attack_a_child_that_hangs_is_killed() {
        let error = shell("exec sleep 600", Duration::ZERO).unwrap_err();
        assert_eq!(error.to_string(), "it could not be taken apart within 0 s");
    }

    #[test]
    fn a_child_for_which_nobody_waits_any_more_is_killed() {
        let (waits, wanted) = bounded(0);
        drop(waits);
        let begun = std::time::Instant::now();
        let error = shell_while("exec sleep 600", SOON, &wanted).unwrap_err();
        assert!(matches!(error, CompatError::Waits { begun: true }), "{error}");
        // One that has closed its output.
        let mut silent = Running(Command::new("sleep").arg("600").spawn().unwrap());
        assert!(silent.ended_within(SOON, &SystemClock::start(), &wanted).unwrap().is_none());
        assert!(begun.elapsed() < SOON, "neither had all of its time");
    }

    #[test]
    fn attack_a_child_that_computes_without_end_is_known_from_one_that_has_to_wait() {
        let endless = shell("ulimit -S -t 1; while :; do :; done", SOON).unwrap_err();
        assert!(matches!(endless, CompatError::Endless) && endless.lasts() && !endless.may_pass(), "{endless}");
        let waits = shell("exec sleep 600", Duration::ZERO).unwrap_err();
        assert!(waits.may_pass() && !waits.lasts(), "{waits}");
    }

    #[test]
    fn attack_a_child_that_closes_its_output_and_stays_is_killed() {
        let error = shell("exec >&-; exec sleep 600", Duration::from_millis(300)).unwrap_err();
        assert!(matches!(error, CompatError::TimedOut(_)), "{error}");
    }

    #[test]
    fn attack_a_child_that_fails_is_no_index() {
        let aborted = shell("kill -ABRT $$", SOON).unwrap_err();
        let gives_up = matches!(aborted, CompatError::Aborted(_)) && !aborted.lasts() && !aborted.may_pass();
        assert!(gives_up, "not kept, and not tried again at once: {aborted}");
        for fault in ["kill -SEGV $$", "exit 101"] {
            let error = shell(fault, SOON).unwrap_err();
            assert!(matches!(error, CompatError::Crashed(_)) && error.lasts() && !error.may_pass(), "{fault}: {error}");
        }
        for other in ["kill -KILL $$", "kill -TERM $$", "exit 1", "exit 127"] {
            let error = shell(other, SOON).unwrap_err();
            assert!(matches!(error, CompatError::Ended(_)) && error.may_pass() && !error.lasts(), "{other}: {error}");
        }
        let missing =
            run(Command::new("/nonexistent/securestream"), &File::open("/dev/null").unwrap(), 0, SOON, &never());
        assert!(matches!(missing, Err(CompatError::NotRun(_))));
    }

    #[test]
    fn attack_a_child_that_writes_without_end_or_nonsense_is_not_believed() {
        assert!(matches!(shell("true", SOON), Err(CompatError::WrongAnswer(_))));
        assert!(matches!(shell("echo nonsense", SOON), Err(CompatError::WrongAnswer(_))));
        let endless = shell("exec head -c 300000000 /dev/zero", SOON);
        assert!(matches!(endless, Err(CompatError::Ended(_) | CompatError::WrongAnswer(_))));
    }

    #[test]
    fn attack_an_answer_is_held_against_the_file_and_its_words_are_cleaned() {
        let refused =
            Answer { refused: format!("no \x1b[2J{}", "x".repeat(999)).into(), index: Blob::default(), passing: false };
        let Err(CompatError::Refused(reason)) = understood(&to_bytes(&refused), 9) else { panic!("it was refused") };
        let unread = understood(&to_bytes(&Answer { passing: true, ..refused }), 9).unwrap_err();
        assert!(matches!(unread, CompatError::Unread(_)) && unread.may_pass(), "{unread}");
        assert!(reason.starts_with("no [2Jxxx") && reason.len() == 160, "{reason}");
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wide.mp4");
        let file = std::fs::read(path).unwrap();
        let index = crate::video::mp4::read(&file[..]).unwrap();
        let answer =
            to_bytes(&Answer { refused: String::new().into(), index: index.to_bytes().into(), passing: false });
        assert_eq!(understood(&answer, file.len() as u64).unwrap().packets(), index.packets());
        assert!(matches!(understood(&answer, file.len() as u64 / 2), Err(CompatError::WrongAnswer(_))));
    }

    use crate::types::wire::Blob;

    #[test]
    fn without_a_program_nothing_is_taken() {
        let error = Compat::default().index(&File::open("/dev/null").unwrap(), 0, &Patience::Whole).unwrap_err();
        assert!(matches!(error, CompatError::Unavailable), "{error}");
    }
}
