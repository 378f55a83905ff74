//! The catalogue as members are told of it.

use crate::{
    proto::message::{VideoRendition, VideoTitle, Videos},
    types::{MediaTime, limits::VIDEOS_PAGE},
    video::{Catalog, Rendition, Title},
};

/// The list of videos, in as many pages as it needs; at least one.
#[must_use]
pub fn pages(catalog: &Catalog) -> Vec<Videos> {
    let playable = catalog.titles().iter().map(|title| describe(title));
    let unplayable = catalog.unplayable().map(|(title, reason)| VideoTitle {
        title: title.into(),
        duration: MediaTime::ZERO,
        compat: false,
        renditions: Vec::new(),
        missing: Vec::new(),
        unplayable: reason.into(),
        languages: Vec::new(),
    });
    let titles: Vec<_> = playable.chain(unplayable).collect();
    let mut pages: Vec<_> =
        titles.chunks(VIDEOS_PAGE).map(|page| Videos { titles: page.to_vec(), last: false }).collect();
    match pages.last_mut() {
        Some(last) => last.last = true,
        None => pages.push(Videos { titles: Vec::new(), last: true }),
    }
    pages
}

fn describe(title: &Title) -> VideoTitle {
    VideoTitle {
        title: title.name.as_str().into(),
        duration: title.duration,
        compat: title.renditions.iter().any(|rendition| rendition.index.is_compat()),
        renditions: title.renditions.iter().map(|rendition| describe_rendition(rendition)).collect(),
        missing: title.missing.iter().map(|missing| missing.label).collect(),
        unplayable: String::new().into(),
        languages: title.languages(),
    }
}

fn describe_rendition(rendition: &Rendition) -> VideoRendition {
    let (width, height) = rendition.index.shown_size();
    VideoRendition {
        label: rendition.label,
        width,
        height,
        bitrate: rendition.index.bitrate(),
        codec: rendition.index.format().codec,
    }
}
