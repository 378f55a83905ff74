//! Hubs over the videos in `tests/data` and `videos`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use securestream::{
    driver::hub::HubParts,
    video::{Compat, FolderSource, MemorySource},
};

use crate::hub::TestHub;

/// A folder of this project.
pub(crate) fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What takes other containers apart: the program under test.
fn compat() -> Compat {
    Compat::by(env!("CARGO_BIN_EXE_securestream").into())
}

/// A hub over a folder of this project.
pub(crate) fn hub_over(path: &str) -> (TestHub, Arc<FolderSource>) {
    let source = Arc::new(FolderSource::open_with(&folder(path), &compat()).unwrap());
    let videos = Arc::clone(&source);
    (TestHub::with(|parts| parts.videos = videos), source)
}

/// A hub over some files of `tests/data`, each under another name, changed in something else.
pub(crate) fn hub_with_parts(files: &[(&str, &str)], change: impl FnOnce(&mut HubParts)) -> TestHub {
    let source = MemorySource::new(read(files));
    TestHub::with(|parts| {
        parts.videos = Arc::new(source);
        change(parts);
    })
}

/// A hub over some files of `tests/data`, each under another name, and files made up.
pub(crate) fn hub_with(files: &[(&str, &str)], made_up: &[(&str, &[u8])]) -> TestHub {
    let made_up = made_up.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec().into()));
    let source = MemorySource::new(read(files).chain(made_up));
    TestHub::with(|parts| parts.videos = Arc::new(source))
}

fn read(files: &[(&str, &str)]) -> impl Iterator<Item = (String, bytes::Bytes)> {
    files.iter().map(|(name, file)| {
        let content = std::fs::read(folder("tests/data").join(file)).unwrap();
        ((*name).to_owned(), content.into())
    })
}
