//! The videos in `tests/data` and `videos`, and what FFmpeg says about them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use securestream::video::{FolderSource, MemorySource};

use crate::hub::TestHub;

/// What FFmpeg counts in a file and the SHA-256 of its pictures, by the table in `tests/data/README.md`.
#[cfg(feature = "player")]
pub(crate) struct Expected {
    pub(crate) frames: u64,
    pub(crate) sha256: String,
}

#[cfg(feature = "player")]
pub(crate) fn expected(file: &str) -> Expected {
    let table = std::fs::read_to_string(folder("tests/data").join("README.md")).unwrap();
    let row = table.lines().find(|line| line.starts_with(&format!("| {file} |")));
    let cells: Vec<_> = row.unwrap_or_else(|| panic!("{file} is not in the table")).split('|').map(str::trim).collect();
    Expected { frames: cells[2].parse().unwrap(), sha256: cells[3].to_owned() }
}

/// A folder of this project.
pub(crate) fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A hub over a folder of this project.
pub(crate) fn hub_over(path: &str) -> (TestHub, Arc<FolderSource>) {
    let source = Arc::new(FolderSource::open(&folder(path)).unwrap());
    let videos = Arc::clone(&source);
    (TestHub::with(|parts| parts.videos = videos), source)
}

/// A hub over some files of `tests/data`, each under another name, and files made up.
pub(crate) fn hub_with(files: &[(&str, &str)], made_up: &[(&str, &[u8])]) -> TestHub {
    let files = files.iter().map(|(name, file)| {
        let content = std::fs::read(folder("tests/data").join(file)).unwrap();
        ((*name).to_owned(), content.into())
    });
    let made_up = made_up.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec().into()));
    let source = MemorySource::new(files.chain(made_up));
    TestHub::with(|parts| parts.videos = Arc::new(source))
}
