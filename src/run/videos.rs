//! A hub's folder of videos, if it has one.

use std::{collections::BTreeSet, env, io, path::Path, sync::Arc};

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
        report::{HubEvent, SkippedFile},
    },
    types::{Code, Printable},
    video::{
        Catalog, Compat, Effort, Following, HOT_BYTES, HotSource, LiveFolder, Looked, MemorySource, Sight, VideoSource,
        sight,
    },
};

/// Where videos are looked for when no folder is named.
const DEFAULT_VIDEOS: &str = "videos";

/// What a hub has to show.
#[derive(Clone)]
pub(super) enum Videos {
    /// With how it looked before it was read.
    Folder(Arc<LiveFolder>, Arc<Sight>),
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
        Ok(Self::Folder(Arc::new(source), Arc::new(looks)))
    }

    pub(super) fn source(&self) -> Arc<dyn VideoSource> {
        match self {
            Self::Folder(folder, _) => Arc::new(HotSource::new(Arc::clone(folder) as _, HOT_BYTES)),
            Self::None => Arc::new(MemorySource::new([])),
        }
    }

    /// Reads the folder again.
    pub(super) fn reload(&self) -> Result<Reloaded, AdminError> {
        let Self::Folder(folder, _) = self else { return Ok(Reloaded::default()) };
        found_by(folder.reload(&BTreeSet::new(), Effort::Retry))
    }

    /// What follows the folder.
    pub(super) fn watch(&self) -> Option<Watch> {
        let Self::Folder(folder, looks) = self else { return None };
        let (path, folder) = (folder.path().to_owned(), Arc::clone(folder));
        let mut following = Following::new(folder, Sight::clone(looks));
        let follow = move |now| followed(following.look(now));
        Some(Watch { folder: path, follow: Box::new(follow) })
    }
}

fn found_by(read: io::Result<Arc<Catalog>>) -> Result<Reloaded, AdminError> {
    read.map(|catalog| found(&catalog)).map_err(|error| {
        let message = format!("the videos folder cannot be read, what was on offer stays: {error}");
        AdminError::new(Code::DataUnusable, message, "see whether it is still there, and try again")
    })
}

fn followed(looked: Looked) -> Followed {
    Followed { read: looked.read.map(found_by), again: looked.again, is_gone: looked.is_gone }
}

/// What an operator is told of a catalogue; remarks go to the log.
pub(super) fn catalog_event(catalog: &Catalog) -> HubEvent {
    let Reloaded { titles, skipped, .. } = found(catalog);
    HubEvent::Catalog { titles, skipped }
}

fn found(catalog: &Catalog) -> Reloaded {
    for remark in catalog.remarks() {
        let level = if remark.is_warning { log::Level::Warn } else { log::Level::Info };
        log::log!(level, "{}: {}", Printable(&remark.file), Printable(&remark.text));
    }
    let skipped = catalog.skipped().iter();
    let skipped = skipped.map(|skipped| SkippedFile { file: skipped.file.clone(), reason: skipped.reason.to_string() });
    Reloaded { titles: catalog.titles().len(), skipped: skipped.collect(), fingerprint: None }
}
