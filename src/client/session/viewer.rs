//! What a viewer asks for by keys or the mouse: done as the commands do it, and answered to nobody.

use std::time::Instant;

use super::{
    Output,
    plays::{MemberPlays, Outputs},
    rendition::told_over,
};
use crate::{
    types::{MediaTime, PlayId},
    video::{input::Input, subtitles::SubtitleChange, viewer::ViewerAction},
};

/// How far before the end of a title a jump beyond it lands.
const BEFORE_THE_END: MediaTime = MediaTime(1_000_000);

/// How long a frame is taken to last where the hub does not say.
const USUAL_FRAME: MediaTime = MediaTime(40_000);

impl MemberPlays {
    /// A viewer wants something of a play.
    pub(super) fn asked(&mut self, id: PlayId, action: ViewerAction, now: Instant) -> Outputs {
        let Some(play) = self.plays.get(&id) else { return Vec::new() };
        match action {
            ViewerAction::SeekBy(_) | ViewerAction::PreviousFrame if play.steering.is_over => told_over(play),
            ViewerAction::TogglePause if play.is_paused => vec![Output::Player(id, Input::Resume)],
            ViewerAction::TogglePause => vec![Output::Player(id, Input::Pause)],
            ViewerAction::SeekBy(by) => {
                let last = (play.end() - BEFORE_THE_END).max(MediaTime::ZERO);
                let to = (play.at + by).clamp(MediaTime::ZERO, last);
                // Nobody is thrown back by a jump forward.
                let is_at_the_end = by > MediaTime::ZERO && to <= play.at;
                if is_at_the_end { Vec::new() } else { self.go_to(id, to) }
            }
            ViewerAction::VolumeBy(percent) => vec![Output::Player(id, Input::VolumeBy(percent))],
            ViewerAction::ToggleMute => vec![Output::Player(id, Input::ToggleMute)],
            ViewerAction::NextFrame => vec![Output::Player(id, Input::Step)],
            ViewerAction::PreviousFrame => self.step_back(id),
            ViewerAction::NextRendition => self.next_rendition(id, now),
            ViewerAction::NextSubtitles => vec![Output::Player(id, Input::Subtitles(SubtitleChange::Next))],
            ViewerAction::ToggleSubtitles => vec![Output::Player(id, Input::Subtitles(SubtitleChange::Toggle))],
            ViewerAction::Stop => vec![Output::Player(id, Input::Stop)],
            ViewerAction::StopAndRemember => self.stop_and_remember(id),
            _ => Vec::new(),
        }
    }

    /// How long the frames of a play last usually.
    pub(super) fn frames_last(&mut self, id: PlayId, duration: MediaTime) {
        if let Some(play) = self.plays.get_mut(&id) {
            play.frame_duration = duration;
        }
    }

    /// Pauses, and goes to the frame before the one that is shown.
    fn step_back(&mut self, id: PlayId) -> Outputs {
        let Some(play) = self.plays.get(&id) else { return Vec::new() };
        let usual = if play.frame_duration > MediaTime::ZERO { play.frame_duration } else { USUAL_FRAME };
        // In the middle between the frame before and the one before that: times are rounded.
        let back = MediaTime(usual.0 + usual.0 / 2);
        let mut outputs = Vec::new();
        if !play.is_paused {
            outputs.push(Output::Player(id, Input::Pause));
        }
        outputs.extend(self.look_back(id, play.at, back));
        outputs
    }

    fn look_back(&mut self, id: PlayId, from: MediaTime, back: MediaTime) -> Outputs {
        if from <= MediaTime::ZERO {
            return Vec::new();
        }
        let outputs = self.go_to(id, (from - back).max(MediaTime::ZERO));
        if let Some(play) = self.plays.get_mut(&id) {
            play.stepping_back = Some((from, back));
        }
        outputs
    }

    /// A seek has led to this time. Where frames last longer than usual, a step back can lead to the frame that it came
    /// from; then it is tried from further back, and this was not it.
    pub(super) fn landed(&mut self, id: PlayId, at: MediaTime) -> Option<Outputs> {
        let play = self.plays.get_mut(&id)?;
        let (from, back) = play.stepping_back.take()?;
        if at < from || back >= from || play.steering.is_over {
            return None;
        }
        Some(self.look_back(id, from, back + back))
    }
}

#[cfg(test)]
mod tests;
