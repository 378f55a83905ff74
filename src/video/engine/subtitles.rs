//! The subtitles of a play: which are shown, and what is said in the picture that is there.

use bytes::Bytes;

use super::{End, Engine};
use crate::{
    types::MediaTime,
    video::{
        frame::Frame,
        render::DisplayGone,
        subtitles::{Cues, SubtitleChange, parse},
    },
};

/// The subtitles of one play.
#[derive(Default)]
pub(super) struct Subtitles {
    /// Each language, with its file once that has come.
    tracks: Vec<(String, Option<Bytes>)>,
    /// Which of them is shown.
    chosen: Option<usize>,
    /// Which was, before the viewer hid it.
    hidden: Option<usize>,
    /// Of the chosen one: read when it is chosen, since most never are.
    cues: Cues,
    /// The places of the cues that are on the display.
    shown: Vec<usize>,
}

impl Subtitles {
    fn change(&mut self, change: SubtitleChange) {
        match change {
            SubtitleChange::Offered { languages, chosen } => {
                let place = languages.iter().position(|language| Some(language) == chosen.as_ref());
                self.tracks = languages.into_iter().map(|language| (language, None)).collect();
                self.choose(place);
            }
            SubtitleChange::Arrived { language, data } => {
                let place = self.tracks.iter().position(|(known, _)| *known == language);
                if let Some((_, file)) = place.and_then(|place| self.tracks.get_mut(place)) {
                    *file = Some(data);
                    if place == self.chosen {
                        self.choose(place);
                    }
                }
            }
            SubtitleChange::Next => {
                let next = self.chosen.map_or(0, |place| place + 1);
                self.choose((next < self.tracks.len()).then_some(next));
            }
            SubtitleChange::Toggle if self.chosen.is_some() => {
                self.hidden = self.chosen;
                self.choose(None);
            }
            SubtitleChange::Toggle => {
                let first = (!self.tracks.is_empty()).then_some(0);
                self.choose(self.hidden.or(first));
            }
        }
    }

    fn choose(&mut self, place: Option<usize>) {
        self.chosen = place;
        let track = place.and_then(|place| self.tracks.get(place));
        let cues = track.and_then(|(language, data)| Some(parse(data.as_ref()?, language)));
        self.cues = Cues::new(cues.unwrap_or_default());
    }

    /// Turns to the cues of a time; whether they are others than those on the display.
    fn turn_to(&mut self, time: MediaTime) -> bool {
        let places = self.cues.at(time);
        let is_new = places != self.shown;
        self.shown = places;
        is_new
    }

    /// What is said in the cues that were turned to last.
    fn said(&self) -> Option<String> {
        self.cues.text(&self.shown)
    }
}

impl Engine {
    /// Something about subtitles is another way; the picture that the viewer sees shows it at once.
    pub(super) fn change_subtitles(&mut self, change: SubtitleChange) -> Result<(), End> {
        let was_silent = self.subtitles.shown.is_empty();
        self.subtitles.change(change);
        let Some(still) = &self.still else { return Ok(()) };
        // The same places may be other words now.
        self.subtitles.turn_to(still.pts);
        let said = self.subtitles.said();
        if said.is_none() && was_silent {
            return Ok(());
        }
        self.parts.display.caption(said.as_deref(), Some(still)).map_err(|DisplayGone| End::Closed)
    }

    /// Tells the display what is said in the frame that is to be shown next.
    pub(super) fn caption(&mut self, frame: &Frame) -> Result<(), End> {
        if !self.subtitles.turn_to(frame.pts) {
            return Ok(());
        }
        self.parts.display.caption(self.subtitles.said().as_deref(), None).map_err(|DisplayGone| End::Closed)
    }
}

#[cfg(test)]
#[path = "subtitles_tests.rs"]
mod tests;
