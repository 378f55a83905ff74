//! Files that this program's own reader does not take: other containers, and MP4 that it refuses. libavformat takes
//! them apart, in a child process, because a demuxer written in C meets files that anyone may have made.
//!
//! ```text
//!   hub ── the open file ──▶ child (the same program)
//!                             no files, sockets or processes beside it; memory and time are bounded
//!                             libavformat: packets ── locate: where their bytes stand in the file
//!       ◀── an index ────────┘
//!   hub: holds it against the file's size and the limits, then reads packets by itself
//! ```
//!
//! For each packet the child compares: what it reports are places in the file whose bytes are the packet's. So a
//! member gets exactly what libavformat would have given its decoder, and the hub needs no demuxer to serve it.

#[cfg(feature = "player")]
mod child;
#[cfg(feature = "player")]
mod demux;
#[cfg(any(test, feature = "player"))]
mod locate;
mod parent;
#[cfg(feature = "player")]
mod sound;
#[cfg(any(test, feature = "player"))]
mod times;

use std::fs::File;

use crate::types::wire::{Blob, Text, wire_struct};

use super::{
    catalog::SkipReason,
    file_name::Kind,
    index::Index,
    mp4::{FileInput, IndexError, read},
};

pub use parent::{Compat, CompatError, Patience};

/// The hidden subcommand that is to call [`index_main`].
pub const INDEX_COMMAND: &str = "index-video";

wire_struct! {
    /// What the child says, on standard output.
    struct Answer {
        /// Why there is no index, in words that go on "`<file>`: "; empty when there is one.
        refused: Text,
        /// As [`Index::to_bytes`](super::Index::to_bytes) writes it.
        index: Blob,
        /// Whether the system refused something that it may grant the next time.
        passing: bool,
    }
}

/// Raised when this program comes to take files that it refused, by its own reader or by what it does with
/// libavformat: what is kept of refusals is of no use then.
const READERS: u16 = 1;

impl Compat {
    /// What reads files here: whatever another program or another libavformat refused, these may take.
    pub(super) fn readers(&self) -> String {
        let own = format!("{} ({READERS})", env!("CARGO_PKG_VERSION"));
        if self.is_there() { format!("{own}, libavformat {}", libavformat()) } else { own }
    }

    /// Indexes an open file of `size` bytes, by this program's own reader where its name speaks for that, else by
    /// libavformat; also what the own reader refuses, if libavformat may do better. That is given up when patience ends.
    pub(super) fn read(&self, file: &File, size: u64, kind: Kind, patience: &Patience) -> Result<Index, SkipReason> {
        if kind != Kind::Indexed {
            return self.index(file, size, patience).map_err(SkipReason::from);
        }
        match read(&FileInput { file, size }) {
            Err(error) if error.is_of_this_reader() => {
                self.index(file, size, patience).map_err(|why| neither(error, why))
            }
            result => Ok(result?),
        }
    }
}

/// Why a file is not taken that the own reader refuses, and that libavformat gave no index of.
fn neither(own: IndexError, why: CompatError) -> SkipReason {
    match why {
        CompatError::Unavailable => own.into(),
        why if why.lasts() => own.into(),
        // It is not known yet whether libavformat does better.
        why => why.into(),
    }
}

/// Which libavformat there is: its own number is the same for all that was mended in a release, and what is said of
/// the build does not tell of a library that was exchanged alone.
#[cfg(feature = "player")]
fn libavformat() -> String {
    format!("{} ({})", ffmpeg::format::version(), super::ffi::version_info())
}

#[cfg(not(feature = "player"))]
fn libavformat() -> String {
    String::new()
}

impl From<CompatError> for SkipReason {
    fn from(error: CompatError) -> Self {
        match error {
            CompatError::Unavailable => Self::Container,
            error => Self::NotTaken(error),
        }
    }
}

/// The child's part: indexes the file that is its standard input and writes the answer to standard output.
#[cfg(feature = "player")]
#[must_use]
pub fn index_main() -> std::process::ExitCode {
    child::main()
}

/// The child's part in a build without FFmpeg.
#[cfg(not(feature = "player"))]
#[must_use]
pub fn index_main() -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}

/// What the child finds out of a file of `size` bytes that is open twice, without a child.
#[cfg(all(test, feature = "player"))]
pub(super) fn index_here(file: &File, again: File, size: u64) -> Option<Index> {
    demux::index(file, again, size).ok()
}

#[cfg(all(test, feature = "player"))]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn readers_are_told_apart_by_who_built_them() {
        let alone = Compat::default().readers();
        let both = Compat::by("/nonexistent/securestream".into()).readers();
        assert_eq!(alone, format!("{} ({READERS})", env!("CARGO_PKG_VERSION")));
        let info = crate::video::ffi::version_info();
        assert!(info.starts_with(|first: char| first.is_ascii_alphanumeric()), "{info}");
        assert!(both.starts_with(&alone) && both.contains(&info), "{both}");
        assert!(both.contains(&ffmpeg::format::version().to_string()), "{both}");
    }

    #[test]
    fn what_the_own_reader_refuses_is_refused_for_good_only_where_libavformat_does() {
        let own = || read(&b"nonsense"[..]).unwrap_err();
        let of = |why| neither(own(), why).lasts();
        assert!(of(CompatError::Unavailable) && of(CompatError::Refused("no".into())) && of(CompatError::Endless));
        assert!(!of(CompatError::Aborted("signal: 6".into())) && !of(CompatError::Ended("signal: 9".into())));
    }

    #[test]
    fn a_reader_that_cannot_be_run_now_says_nothing_of_the_file() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/other_codec.mp4");
        let (file, size) = (File::open(&path).unwrap(), path.metadata().unwrap().len());
        let missing = Compat::by("/nonexistent/securestream".into());
        let reason = missing.read(&file, size, Kind::Indexed, &Patience::Whole).unwrap_err();
        assert!(matches!(&reason, SkipReason::NotTaken(why) if why.may_pass()), "{reason}");
        let nobody = Compat::default().read(&file, size, Kind::Indexed, &Patience::Whole).unwrap_err();
        assert!(matches!(nobody, SkipReason::Unusable(_)), "{nobody}");
    }
}
