//! Subtitles of a play, put together from their parts.

use bytes::{Bytes, BytesMut};

use super::{
    Output,
    plays::{MemberPlays, Outputs},
};
use crate::{
    client::event::Event,
    proto::message,
    types::{
        Code, PlayId,
        limits::{MAX_LANGUAGES, MAX_SUBTITLES, MAX_SUBTITLES_OF_TITLE},
        wire::Text,
    },
    video::{
        input::Input,
        subtitles::{SubtitleChange, is_language, spoken},
    },
};

/// What a hub may still send of a play's subtitles: each language that it named, once.
#[derive(Debug, Default)]
pub(super) struct SubtitleParts {
    awaited: Vec<String>,
    /// The file whose parts come now.
    language: String,
    data: BytesMut,
    /// Bytes of all files so far.
    total: usize,
}

impl SubtitleParts {
    /// Subtitles in these languages, as far as they have proper names.
    fn of(languages: &[Text]) -> Self {
        let mut awaited: Vec<String> = Vec::new();
        for language in languages.iter().map(|language| language.0.as_str()).filter(|language| is_language(language)) {
            if awaited.len() < MAX_LANGUAGES && !awaited.iter().any(|known| known.eq_ignore_ascii_case(language)) {
                awaited.push(language.to_owned());
            }
        }
        Self { awaited, ..Self::default() }
    }

    /// Takes in a part; the file when this was its last one. A part that nobody asked for is dropped, and so is a
    /// file that another one interrupts or that is too large.
    fn take(&mut self, part: &message::Subtitles) -> Option<(String, Bytes)> {
        let place = self.awaited.iter().position(|language| *language == part.language.as_str())?;
        if self.language != part.language.as_str() {
            part.language.as_str().clone_into(&mut self.language);
            self.data.clear();
        }
        let size = self.data.len() + part.data.len();
        if size > MAX_SUBTITLES || self.total + size > MAX_SUBTITLES_OF_TITLE {
            log::debug!("subtitles in {} are too large", self.language);
            self.awaited.remove(place);
            self.data = BytesMut::new();
            return None;
        }
        self.data.extend_from_slice(&part.data);
        if !part.last {
            return None;
        }
        self.total += size;
        self.language.clear();
        Some((self.awaited.remove(place), self.data.split().freeze()))
    }
}

impl MemberPlays {
    /// A play has subtitles in these languages: its player is told, and its viewer when the one that was asked for is
    /// not among them.
    pub(super) fn offered(&mut self, id: PlayId, languages: &[Text]) -> Outputs {
        let Some(play) = self.plays.get_mut(&id) else { return Vec::new() };
        play.subtitles = SubtitleParts::of(languages);
        let languages = play.subtitles.awaited.clone();
        let wanted = play.request.subtitles.as_deref();
        let chosen = wanted.and_then(|wanted| spoken(&languages, wanted)).map(str::to_owned);
        let mut outputs = Vec::new();
        if let (Some(wanted), None) = (wanted, &chosen) {
            let there = if languages.is_empty() { "none".to_owned() } else { languages.join(", ") };
            let text = format!("\"{}\" has no subtitles in {wanted}; there are: {there}", play.title);
            let notice = Event::Notice { code: Code::SubtitlesMissing, text };
            outputs.push(Output::Event(notice, play.reference.clone()));
        }
        if !languages.is_empty() {
            let offered = SubtitleChange::Offered { languages, chosen };
            outputs.push(Output::Player(id, Input::Subtitles(offered)));
        }
        outputs
    }

    /// A part of a file.
    pub(super) fn subtitles(&mut self, part: &message::Subtitles) -> Outputs {
        let Some(play) = self.plays.get_mut(&part.play) else { return Vec::new() };
        let arrived = play.subtitles.take(part).map(|(language, data)| SubtitleChange::Arrived { language, data });
        arrived.into_iter().map(|arrived| Output::Player(part.play, Input::Subtitles(arrived))).collect()
    }
}

#[cfg(test)]
mod tests;
