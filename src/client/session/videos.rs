//! The list of videos, as the hub sends it in pages.

use std::collections::VecDeque;

use super::Session;
use crate::{
    client::{
        command::CommandName,
        event::{Event, RenditionEntry, TitleEntry},
    },
    proto::message::{self, ListVideos, VideoTitle},
};

/// Titles that a list of videos may have: far above what a folder holds, and a bound for our memory.
const MAX_TITLES: usize = 100_000;

/// Lists that were asked for, and the pages so far.
#[derive(Default)]
pub(super) struct VideoLists {
    requests: VecDeque<Option<String>>,
    pages: Vec<VideoTitle>,
}

impl Session {
    pub(super) fn list_videos(&mut self, reference: Option<String>) {
        self.video_lists.requests.push_back(reference);
        self.tell_hub(ListVideos {});
    }

    pub(super) fn videos(&mut self, videos: message::Videos) {
        if self.video_lists.requests.is_empty() {
            return;
        }
        let room = MAX_TITLES.saturating_sub(self.video_lists.pages.len());
        self.video_lists.pages.extend(videos.titles.into_iter().take(room));
        if !videos.last {
            return;
        }
        let titles = std::mem::take(&mut self.video_lists.pages).into_iter().map(title_entry).collect();
        if let Some(reference) = self.video_lists.requests.pop_front() {
            self.answer(Event::Videos { titles }, CommandName::Videos, reference);
        }
    }
}

fn title_entry(title: VideoTitle) -> TitleEntry {
    let rendition = |rendition: message::VideoRendition| RenditionEntry {
        label: rendition.label,
        width: rendition.width,
        height: rendition.height,
        bitrate: rendition.bitrate,
        codec: rendition.codec,
    };
    TitleEntry {
        title: title.title.0,
        duration: title.duration,
        compat: title.compat,
        renditions: title.renditions.into_iter().map(rendition).collect(),
        missing: title.missing,
        subtitles: title.languages.into_iter().map(|language| language.0).collect(),
        unplayable: Some(title.unplayable.0).filter(|why| !why.is_empty()),
    }
}
