//! The child: gives up all that it does not need, then takes the file apart.

use std::{
    fs,
    io::{self, Write as _},
    os::fd::AsFd as _,
    process::ExitCode,
};

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use crate::types::wire::{Blob, to_bytes};

use super::{Answer, demux};

/// Memory that it may take for itself, in bytes: a demuxer's tables, the index and its bytes.
const MEMORY: u64 = 1024 * 1024 * 1024;

/// Processor time in seconds: enough to compare 100 GB.
const PROCESSOR: u64 = 600;

/// Indexes what is on standard input.
pub(super) fn main() -> ExitCode {
    let answer = match indexed() {
        Ok(index) => Answer { refused: String::new().into(), index: index.into() },
        Err(reason) => Answer { refused: reason.into(), index: Blob::default() },
    };
    let mut output = io::stdout().lock();
    match output.write_all(&to_bytes(&answer)).and_then(|()| output.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn indexed() -> Result<Vec<u8>, String> {
    let unread = |error: io::Error| format!("it cannot be read: {error}");
    let file = fs::File::from(io::stdin().as_fd().try_clone_to_owned().map_err(unread)?);
    let metadata = file.metadata().map_err(unread)?;
    if !metadata.is_file() {
        return Err("it is no regular file".into());
    }
    // One that libavformat takes for itself: the last that can be had.
    let again = file.try_clone().map_err(unread)?;
    confine().map_err(|error| format!("its reader could not be confined: {error}"))?;
    let index = demux::index(&file, again, metadata.len()).map_err(|error| error.to_string())?;
    Ok(index.to_bytes())
}

/// From here on this process opens no file and no socket, starts no process, writes no file, leaves no core, and
/// ends when it takes too much memory or time. It is in nobody's way.
fn confine() -> io::Result<()> {
    let memory = mapped().unwrap_or_default() + MEMORY;
    for (resource, most) in [
        (Resource::As, memory),
        (Resource::Cpu, PROCESSOR),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nproc, 0),
        (Resource::Nofile, 0),
    ] {
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
