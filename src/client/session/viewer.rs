//! What a viewer asks for by keys or the mouse: done as the commands do it, and answered to nobody.

use std::time::Instant;

use super::{
    Output,
    plays::{MemberPlays, Outputs},
};
use crate::{
    types::{MediaTime, PlayId},
    video::{input::Input, subtitles::SubtitleChange, viewer::ViewerAction},
};

/// How far before the end of a title a jump beyond it lands.
const BEFORE_THE_END: MediaTime = MediaTime(1_000_000);

impl MemberPlays {
    /// A viewer wants something of a play.
    pub(super) fn asked(&mut self, id: PlayId, action: ViewerAction, now: Instant) -> Outputs {
        let Some(play) = self.plays.get(&id) else { return Vec::new() };
        match action {
            ViewerAction::TogglePause if play.is_paused => vec![Output::Player(id, Input::Resume)],
            ViewerAction::TogglePause => vec![Output::Player(id, Input::Pause)],
            ViewerAction::SeekBy(by) => {
                let last = (play.end() - BEFORE_THE_END).max(MediaTime::ZERO);
                let to = (play.at + by).clamp(MediaTime::ZERO, last);
                self.go_to(id, to)
            }
            ViewerAction::VolumeBy(percent) => vec![Output::Player(id, Input::VolumeBy(percent))],
            ViewerAction::ToggleMute => vec![Output::Player(id, Input::ToggleMute)],
            ViewerAction::NextRendition => self.next_rendition(id, now),
            ViewerAction::Stop => vec![Output::Player(id, Input::Stop)],
            ViewerAction::NextSubtitles => vec![Output::Player(id, Input::Subtitles(SubtitleChange::Next))],
            ViewerAction::ToggleSubtitles => vec![Output::Player(id, Input::Subtitles(SubtitleChange::Toggle))],
            _ => Vec::new(),
        }
    }
}
