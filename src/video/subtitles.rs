//! Subtitles: what is said in a title, as text with times.
//!
//! ```text
//!   hub:     folder ──▶ files ──▶ bytes of each language of a title, passed on as they are
//!   member:  bytes ──▶ text (whatever it is encoded in) ──▶ cues (SubRip, WebVTT) ──▶ those of a moment
//! ```

mod files;
#[cfg(any(test, feature = "player"))]
mod markup;
#[cfg(any(test, feature = "player"))]
mod parse;
#[cfg(any(test, feature = "player"))]
mod text;

use bytes::Bytes;

pub use files::is_language;
pub(super) use files::{SubtitleError, SubtitleFile, attach, is_subtitles, read_all};
#[cfg(any(test, feature = "player"))]
pub(super) use parse::{Cue, parse};

#[cfg(any(test, feature = "player"))]
use crate::types::MediaTime;

/// Cues of one moment that are shown, each below the one that began before it.
#[cfg(any(test, feature = "player"))]
const MOST_AT_ONCE: usize = 4;

/// The subtitles of a title in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtitles {
    /// As the file's name has it: a tag of BCP 47 (`de`, `pt-BR`), or `und` where the name has none.
    pub language: String,
    /// The file as it is, in one of several formats and encodings.
    pub data: Bytes,
}

/// Which of some languages serves somebody who wants one: that one, or else one of another region.
#[must_use]
pub fn spoken<'a>(languages: &'a [String], wanted: &str) -> Option<&'a str> {
    let main = |tag: &'_ str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let exact = languages.iter().find(|language| language.eq_ignore_ascii_case(wanted));
    exact.or_else(|| languages.iter().find(|language| main(language) == main(wanted))).map(String::as_str)
}

/// News of a play's subtitles, for its player.
#[derive(Clone, Debug)]
pub enum SubtitleChange {
    /// There are these, and one of them is to be shown from the start, or none.
    Offered { languages: Vec<String>, chosen: Option<String> },
    /// The file of one language has come.
    Arrived { language: String, data: Bytes },
    /// The viewer wants the next language; after the last, none.
    Next,
    /// The viewer wants none, or again what there was before.
    Toggle,
}

/// The cues of one file, to be looked up by time.
#[cfg(any(test, feature = "player"))]
#[derive(Debug, Default)]
pub(super) struct Cues {
    /// In the order of their beginnings.
    cues: Vec<Cue>,
    /// The latest end of each cue and all before it: tells how far back a look-up has to go.
    latest_end: Vec<MediaTime>,
}

#[cfg(any(test, feature = "player"))]
impl Cues {
    /// From cues in any order.
    pub(super) fn new(mut cues: Vec<Cue>) -> Self {
        cues.sort_by_key(|cue| cue.from);
        let latest_end = cues
            .iter()
            .scan(MediaTime(i64::MIN), |latest, cue| {
                *latest = cue.until.max(*latest);
                Some(*latest)
            })
            .collect();
        Self { cues, latest_end }
    }

    /// The places of the cues that are shown at a time, in the order of their beginnings.
    pub(super) fn at(&self, time: MediaTime) -> Vec<usize> {
        let begun = self.cues.partition_point(|cue| cue.from <= time);
        let candidates = self.cues.iter().zip(&self.latest_end).enumerate().take(begun).rev();
        let mut places: Vec<usize> = candidates
            .take_while(|(_, (_, latest_end))| **latest_end > time)
            .filter(|(_, (cue, _))| cue.until > time)
            .map(|(place, _)| place)
            .take(MOST_AT_ONCE)
            .collect();
        places.reverse();
        places
    }

    /// What is said in the cues at these places, a line for each line.
    pub(super) fn text(&self, places: &[usize]) -> Option<String> {
        let lines: Vec<&str> =
            places.iter().filter_map(|place| self.cues.get(*place)).map(|cue| cue.text.as_str()).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

#[cfg(test)]
mod tests;
