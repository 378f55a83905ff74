//! The child: gives up all that it does not need, then takes the file apart.

use std::{
    fs,
    io::{self, Write as _},
    os::fd::AsFd,
    process::ExitCode,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Resource, Rlimit, nice, setrlimit},
};

use crate::types::wire::{Blob, to_bytes};

use super::{
    Answer,
    demux::{self, Refused},
};

/// Memory that it may take for itself, in bytes: a demuxer's tables, the index and its bytes.
const MEMORY: u64 = 1024 * 1024 * 1024;

/// Processor time in seconds, for any file and for each byte of it, and most of it: enough to compare 100 GB. A tenth of
/// what its parent waits, so that a file with which it comes to no end is told from a disk that is slow, and from a
/// processor that others have.
const PROCESSOR: u64 = 30;
const BYTES_A_SECOND: u64 = 20_000_000;
const MOST_PROCESSOR: u64 = 600;

/// Indexes what is on standard input.
pub(super) fn main() -> ExitCode {
    if end_with_parent().is_err() || is_unread(io::stdout()) {
        return ExitCode::FAILURE;
    }
    let answer = match indexed() {
        Ok(index) => Answer { refused: String::new().into(), index: index.into(), passing: false },
        Err(error) => Answer {
            refused: error.to_string().into(),
            index: Blob::default(),
            passing: matches!(error, Refused::Io(_) | Refused::Confined(_)),
        },
    };
    let mut output = io::stdout().lock();
    match output.write_all(&to_bytes(&answer)).and_then(|()| output.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// From here on the system ends this process when its parent ends, also when that was killed.
fn end_with_parent() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}

/// Whether nobody holds the other end of a pipe any more: a parent that ended before it was watched, whose process
/// number would not tell, since it may be 1 in a container while it lives.
fn is_unread(output: impl AsFd) -> bool {
    let mut ends = [PollFd::new(&output, PollFlags::empty())];
    poll(&mut ends, Some(&Timespec::default())).is_ok() && ends[0].revents().contains(PollFlags::ERR)
}

fn indexed() -> Result<Vec<u8>, Refused> {
    let file = fs::File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Refused::NotRegular);
    }
    // One that libavformat takes for itself: the last that can be had.
    let again = file.try_clone()?;
    confine(processor(metadata.len())).map_err(Refused::Confined)?;
    Ok(demux::index(&file, again, metadata.len())?.to_bytes())
}

/// How many seconds of a processor a file of `size` bytes may take.
fn processor(size: u64) -> u64 {
    (PROCESSOR + size / BYTES_A_SECOND).min(MOST_PROCESSOR)
}

/// From here on this process opens no file and no socket, starts no process, writes no file, leaves no core, and
/// ends when it takes too much memory, or too many seconds of a processor. It is in nobody's way.
fn confine(processor: u64) -> io::Result<()> {
    let memory = mapped().unwrap_or_default() + MEMORY;
    // At the first of the two the system says why it ends it.
    let seconds = Rlimit { current: Some(processor), maximum: Some(processor + 1) };
    setrlimit(Resource::Cpu, seconds)?;
    for (resource, most) in
        [(Resource::As, memory), (Resource::Core, 0), (Resource::Fsize, 0), (Resource::Nproc, 0), (Resource::Nofile, 0)]
    {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    nice(19)?;
    Ok(())
}

/// What the program itself takes of the address space, with all its libraries, in bytes.
fn mapped() -> Option<u64> {
    let pages: u64 = fs::read_to_string("/proc/self/statm").ok()?.split(' ').next()?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_child_ends_with_its_parent() {
        use rustix::process::{Signal, parent_process_death_signal, set_parent_process_death_signal};

        end_with_parent().unwrap();
        assert_eq!(parent_process_death_signal().unwrap(), Some(Signal::KILL));
        set_parent_process_death_signal(None).unwrap();
    }

    #[test]
    fn a_file_has_processor_time_by_its_size() {
        assert_eq!([0, 2_000_000_000, u64::MAX].map(processor), [30, 130, 600]);
    }

    #[test]
    fn a_child_that_gets_a_tenth_of_a_processor_is_not_given_up() {
        for size in [0, 20_000_000, 2_000_000_000, 100_000_000_000, u64::MAX] {
            let wall = crate::video::compat::parent::limit(size).as_secs();
            assert!(wall >= 10 * processor(size), "{wall} s for {size} bytes");
        }
    }

    #[test]
    fn a_child_whose_parent_ended_before_it_began_is_noticed() {
        let (reader, writer) = io::pipe().unwrap();
        assert!(!is_unread(&writer));
        drop(reader);
        assert!(is_unread(&writer));
        assert!(!is_unread(fs::File::open("/dev/null").unwrap()));
    }
}
