//! Which rendition a play shows: where it begins, and going on in another one.

use std::sync::Arc;

use super::{Play, Request};
use crate::{
    proto::{
        Message,
        message::{self, StreamCut},
    },
    types::{Code, Codec, MediaTime, PlayEpoch, PlayMode, RenditionLabel},
    video::{PlanError, Rung, Title, begin_with, first_rung, switch},
};

/// Most segments that a play is to send, if its plan had no more: a member that grants no credit cannot pile them up.
const MAX_SEGMENTS: usize = 32;

/// Why a play does not go on in another rendition; it goes on as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    #[error("there is no {0} to switch to")]
    NoSuchRendition(RenditionLabel),
    #[error("{0} has no keyframe between here and the end")]
    NoKeyframe(RenditionLabel),
    #[error("{MAX_SEGMENTS} changes of rendition are still to be sent; wait for them, or seek")]
    TooMany,
}

impl SwitchError {
    /// What the member is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NoSuchRendition(_) | Self::NoKeyframe(_) => Code::NoSuchRendition,
            Self::TooMany => Code::TryLater,
        }
    }
}

impl Play {
    /// Goes on in another rendition, at or after `from`, see [`switch`]; without one, behind all that was
    /// sent, or where the play begins if nothing was. What is meant for another epoch is late and changes nothing.
    ///
    /// # Errors
    /// When that rendition cannot be gone on in.
    pub fn switch(&mut self, epoch: PlayEpoch, to: RenditionLabel, from: Option<MediaTime>) -> Result<(), SwitchError> {
        if epoch != self.epoch {
            return Ok(());
        }
        let rendition = self.title.rendition(to).cloned().ok_or(SwitchError::NoSuchRendition(to))?;
        let was_over = self.segments.is_empty();
        let mut segments = self.segments.clone();
        if was_over {
            segments.extend(self.over.clone());
        }
        let begun = if was_over { segments.front().map(|over| over.packets.end) } else { self.sent_until() };
        // How a play begins may be told before anything is sent of it: then nothing has to be gone on behind.
        let switched = if from.is_none() && begun.is_some() && self.has_sent_nothing() {
            begin_with(&mut segments, &rendition, self.end)
        } else {
            switch(&mut segments, begun, &rendition, from, self.end)
        };
        let switched = switched.ok_or(SwitchError::NoKeyframe(to))?;
        if segments.len() > MAX_SEGMENTS.max(self.segments.len()) {
            return Err(SwitchError::TooMany);
        }
        self.segments = segments;
        if was_over {
            (self.next, self.ended) = (begun, false);
        }
        self.mode = PlayMode::Fixed(to);
        // Of two that were not told yet the later one is not behind the earlier one.
        self.cut = switched.cut.or(self.cut);
        self.forget_what_was_cut();
        Ok(())
    }

    /// What the member is to be told before anything else.
    pub(super) fn next_cut(&mut self) -> Option<Message> {
        let show_until = self.cut.take()?;
        Some(StreamCut { play: self.id, epoch: self.epoch, show_until }.into())
    }

    /// The position of the first packet of the first segment of which nothing was sent, once that has begun.
    fn sent_until(&self) -> Option<usize> {
        let next = self.next?;
        Some(self.ready.front().map_or(next, |front| front.index + usize::from(front.sent > 0)))
    }

    /// Whether no picture of this epoch was sent, nor a part of one.
    fn has_sent_nothing(&self) -> bool {
        self.seq == 0 && self.ready.front().is_none_or(|front| front.sent == 0)
    }

    /// Drops what was read and is not needed any more.
    fn forget_what_was_cut(&mut self) {
        let Some(next) = self.next else { return self.ready.clear() };
        let end = self.segments.front().map_or(next, |front| front.packets.end);
        self.ready.retain(|packet| packet.index < end);
        self.next = Some(next.min(end));
    }
}

/// The title as far as a play may show it: neither too high nor what the member cannot decode.
pub(super) fn playable(title: Arc<Title>, request: &Request) -> Result<Arc<Title>, PlanError> {
    let title = capped(title, request.max_height)?;
    let decodes = |codec: Codec| request.decodes.is_empty() || request.decodes.contains(&codec);
    let codec_of = |label| title.rendition(label).map(|rendition| rendition.index.format().codec);
    if let PlayMode::Fixed(label) = request.mode
        && let Some(codec) = codec_of(label).filter(|codec| !decodes(*codec))
    {
        return Err(PlanError::Undecodable { codec });
    }
    if title.renditions.iter().all(|rendition| decodes(rendition.index.format().codec)) {
        return Ok(title);
    }
    let left = title.with(|rendition| decodes(rendition.index.format().codec)).map(Arc::new);
    let lowest = title.renditions.first().map(|rendition| rendition.index.format().codec);
    left.ok_or_else(|| lowest.map_or(PlanError::NoPicture, |codec| PlanError::Undecodable { codec }))
}

fn capped(title: Arc<Title>, max: Option<u32>) -> Result<Arc<Title>, PlanError> {
    let Some(max) = max.map(RenditionLabel) else { return Ok(title) };
    let below = title.up_to(max).map(Arc::new);
    below.ok_or_else(|| PlanError::NoneUpTo { max, have: title.labels().collect() })
}

/// How a play begins: `auto` is one rendition until the member switches.
pub(super) fn first_mode(title: &Title, request: &Request) -> PlayMode {
    match request.mode {
        PlayMode::Auto => first_rung(&title.ladder(), request.full_speed).map_or(PlayMode::Auto, PlayMode::Fixed),
        mode => mode,
    }
}

/// What a member may choose from.
pub(in crate::server) fn ladder(title: &Title) -> Vec<message::Rung> {
    let rung = |rung: Rung| {
        let Rung { label, average: bitrate, peak, end, adaptive } = rung;
        message::Rung { label, bitrate, peak, end, adaptive }
    };
    title.ladder().into_iter().map(rung).collect()
}

/// Why `auto` or a tour has less to show than the title, for each rendition that is left out. `playable` is what of
/// it the play may show.
pub(in crate::server) fn left_out(title: &Title, playable: &Title, request: &Request) -> Vec<String> {
    if !matches!(request.mode, PlayMode::Auto | PlayMode::Tour) {
        return Vec::new();
    }
    let name = &title.name;
    let too_high = |label: RenditionLabel| request.max_height.is_some_and(|max| label.0 > max);
    let undecodable = title
        .renditions
        .iter()
        .filter(|rendition| !too_high(rendition.label) && playable.rendition(rendition.label).is_none());
    let mut reasons: Vec<String> = undecodable
        .map(|rendition| {
            let codec = rendition.index.format().codec;
            format!("{} of \"{name}\" is left out: this member does not decode {codec}", rendition.label)
        })
        .collect();
    let ladder = playable.ladder();
    if request.mode == PlayMode::Auto && ladder.len() > 1 {
        let first = first_rung(&ladder, request.full_speed);
        let rigid = ladder.iter().filter(|rung| !rung.adaptive && Some(rung.label) != first);
        reasons.extend(rigid.map(|rung| {
            let label = rung.label;
            format!("{label} of \"{name}\" is left out of auto: its keyframes are too far apart, or it ends too early")
        }));
    }
    reasons
}

#[cfg(test)]
mod tests;
