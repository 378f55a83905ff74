//! A hub's folder of videos, if it has one.

use std::{
    collections::BTreeSet,
    env, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;

use super::{
    index_shelf,
    refusal::{OrRefuse as _, Refusal},
};
use crate::{
    cli::VideosFolder,
    driver::watcher::{Followed, Watch},
    server::{
        admin::{AdminError, Reloaded},
        report::HubEvent,
    },
    types::{Code, Printable},
    video::{
        Catalog, Compat, Effort, Following, HOT_BYTES, HotSource, LiveFolder, Looked, MemorySource, Remark, Sight,
        VideoSource, sight,
    },
};

/// Where videos are looked for when no folder is named.
const DEFAULT_VIDEOS: &str = "videos";

/// What a hub has to show.
#[derive(Clone)]
pub(super) enum Videos {
    /// With how it looked before it was read, and what was told of it.
    Folder(Arc<LiveFolder>, Arc<Sight>, Arc<Remarks>),
    None,
}

impl Videos {
    /// Opens the folder that the operator named, or the usual one if it is there. What is known of its files is
    /// kept in the data folder, if there is one.
    pub(super) fn open(folder: &VideosFolder, data: Option<&Path>) -> Result<Self, Refusal> {
        let path = match folder {
            VideosFolder::Named(path) => path,
            VideosFolder::Default if Path::new(DEFAULT_VIDEOS).is_dir() => Path::new(DEFAULT_VIDEOS),
            VideosFolder::Default => {
                log::info!("no folder \"{DEFAULT_VIDEOS}\" here: running without videos; name one with --videos DIR");
                return Ok(Self::None);
            }
            VideosFolder::None => return Ok(Self::None),
        };
        let looks = sight(path).unwrap_or_default();
        let compat = env::current_exe().map(Compat::by).unwrap_or_default();
        let source = LiveFolder::open(path, compat, data.and_then(index_shelf::open))
            .with_context(|| format!("the videos folder {} cannot be read", path.display()))
            .or_refuse(Code::DataUnusable, "name a folder that is there with --videos DIR, or run with --no-videos")?;
        Ok(Self::Folder(Arc::new(source), Arc::new(looks), Arc::default()))
    }

    pub(super) fn source(&self) -> Arc<dyn VideoSource> {
        match self {
            Self::Folder(folder, ..) => Arc::new(HotSource::new(Arc::clone(folder) as _, HOT_BYTES)),
            Self::None => Arc::new(MemorySource::new([])),
        }
    }

    /// Reads the folder again.
    pub(super) fn reload(&self) -> Result<Reloaded, AdminError> {
        let Self::Folder(folder, _, remarks) = self else { return Ok(Reloaded::default()) };
        remarks.found_by(folder.reload(&BTreeSet::new(), Effort::Retry))
    }

    /// What an operator is told at the start.
    pub(super) fn catalog_event(&self) -> HubEvent {
        let read = match self {
            Self::Folder(folder, _, remarks) => remarks.found(&folder.catalog()),
            Self::None => Reloaded::default(),
        };
        read.event(None)
    }

    /// What follows the folder.
    pub(super) fn watch(&self) -> Option<Watch> {
        let Self::Folder(folder, looks, remarks) = self else { return None };
        let (path, folder, remarks) = (folder.path().to_owned(), Arc::clone(folder), Arc::clone(remarks));
        let mut following = Following::new(folder, Sight::clone(looks));
        let follow = move |now| {
            let Looked { read, again, is_gone } = following.look(now);
            Followed { read: read.map(|read| remarks.found_by(read)), again, is_gone }
        };
        Some(Watch { folder: path, follow: Box::new(follow) })
    }
}

/// Remarks that the log was told of the folder as it is.
#[derive(Default)]
pub(super) struct Remarks(Mutex<BTreeSet<Remark>>);

impl Remarks {
    /// Those of a catalogue that were not true of the one before.
    fn news(&self, catalog: &Catalog) -> Vec<Remark> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A folder of thousands of files may have a remark to each of them.
        let before = std::mem::replace(&mut *told, catalog.remarks().iter().cloned().collect());
        catalog.remarks().iter().filter(|remark| !before.contains(remark)).cloned().collect()
    }

    /// What an operator is told of a catalogue; remarks go to the log.
    fn found(&self, catalog: &Catalog) -> Reloaded {
        for remark in self.news(catalog) {
            let level = if remark.is_warning { log::Level::Warn } else { log::Level::Info };
            log::log!(level, "{}: {}", Printable(&remark.file), Printable(&remark.text));
        }
        Reloaded::of(catalog)
    }

    fn found_by(&self, read: io::Result<Arc<Catalog>>) -> Result<Reloaded, AdminError> {
        read.map(|catalog| self.found(&catalog)).map_err(|error| {
            let message = format!("the videos folder cannot be read, what was on offer stays: {error}");
            AdminError::new(Code::DataUnusable, message, "see whether it is still there, and try again")
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn the_log_is_told_once_of_what_stays_true() {
        let catalog = |files: &[&str]| {
            let files = files.iter().map(|name| ((*name).to_owned(), Bytes::from_static(b"text")));
            MemorySource::new(files).catalog()
        };
        let remarks = Remarks::default();
        let news =
            |files: &[&str]| remarks.news(&catalog(files)).into_iter().map(|remark| remark.file).collect::<Vec<_>>();
        assert_eq!(news(&["a.de.srt"]), ["a.de.srt"]);
        assert_eq!(news(&["a.de.srt", "b.de.srt"]), ["b.de.srt"]);
        assert_eq!(news(&["b.de.srt"]), Vec::<String>::new());
        assert_eq!(news(&["a.de.srt", "b.de.srt"]), ["a.de.srt"], "it came back");
    }
}
