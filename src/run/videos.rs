//! A hub's folder of videos, if it has one.

use std::{env, path::Path, sync::Arc};

use anyhow::Context as _;

use super::refusal::{OrRefuse as _, Refusal};
use crate::{
    cli::VideosFolder,
    server::{
        admin::{AdminError, Reloaded},
        report::{HubEvent, SkippedFile},
    },
    types::{Code, Printable},
    video::{Catalog, Compat, LiveFolder, MemorySource, VideoSource},
};

/// Where videos are looked for when no folder is named.
const DEFAULT_VIDEOS: &str = "videos";

/// What a hub has to show.
#[derive(Clone)]
pub(super) enum Videos {
    Folder(Arc<LiveFolder>),
    None,
}

impl Videos {
    /// Opens the folder that the operator named, or the usual one if it is there.
    pub(super) fn open(folder: &VideosFolder) -> Result<Self, Refusal> {
        let path = match folder {
            VideosFolder::Named(path) => path,
            VideosFolder::Default if Path::new(DEFAULT_VIDEOS).is_dir() => Path::new(DEFAULT_VIDEOS),
            VideosFolder::Default => {
                log::info!("no folder \"{DEFAULT_VIDEOS}\" here: running without videos; name one with --videos DIR");
                return Ok(Self::None);
            }
            VideosFolder::None => return Ok(Self::None),
        };
        let compat = env::current_exe().map(Compat::by).unwrap_or_default();
        let source = LiveFolder::open_with(path, compat)
            .with_context(|| format!("the videos folder {} cannot be read", path.display()))
            .or_refuse(Code::DataUnusable, "name a folder that is there with --videos DIR, or run with --no-videos")?;
        Ok(Self::Folder(Arc::new(source)))
    }

    pub(super) fn source(&self) -> Arc<dyn VideoSource> {
        match self {
            Self::Folder(folder) => Arc::clone(folder) as _,
            Self::None => Arc::new(MemorySource::new([])),
        }
    }

    /// Reads the folder again.
    pub(super) fn reload(&self) -> Result<Reloaded, AdminError> {
        let Self::Folder(folder) = self else { return Ok(Reloaded::default()) };
        match folder.reload() {
            Ok(catalog) => Ok(found(&catalog)),
            Err(error) => {
                let message = format!("the videos folder cannot be read, what was on offer stays: {error}");
                Err(AdminError::new(Code::DataUnusable, message, "see whether it is still there, and try again"))
            }
        }
    }
}

/// What an operator is told of a catalogue; remarks go to the log.
pub(super) fn catalog_event(catalog: &Catalog) -> HubEvent {
    let Reloaded { titles, skipped, .. } = found(catalog);
    HubEvent::Catalog { titles, skipped }
}

fn found(catalog: &Catalog) -> Reloaded {
    for remark in catalog.remarks() {
        log::info!("{}: {}", Printable(&remark.file), Printable(&remark.text));
    }
    let skipped = catalog.skipped().iter();
    let skipped = skipped.map(|skipped| SkippedFile { file: skipped.file.clone(), reason: skipped.reason.to_string() });
    Reloaded { titles: catalog.titles().len(), skipped: skipped.collect(), fingerprint: None }
}
