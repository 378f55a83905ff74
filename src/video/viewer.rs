//! What a viewer asks for by keys and mouse while a title plays.
//!
//! The keys are mpv's, so that nobody has to learn them anew.

use std::fmt;

use crate::types::MediaTime;

/// What a viewer wants of the play that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewerAction {
    /// Pause, or go on.
    TogglePause,
    /// Go on from another place, so far from here.
    SeekBy(MediaTime),
    /// Pause, and show the next frame.
    NextFrame,
    /// Pause, and show the frame before.
    PreviousFrame,
    /// Louder or softer, in percent of full volume.
    VolumeBy(i8),
    /// Sound off or on.
    ToggleMute,
    /// The next language of subtitles.
    NextSubtitles,
    /// Subtitles off or on.
    ToggleSubtitles,
    /// The next rendition; after the last, `auto`.
    NextRendition,
    /// End the play.
    Stop,
    /// End the play and go on from here when the title is played again.
    StopAndRemember,
    /// Fill the screen, or no more. A display does this and those below by itself.
    ToggleFullScreen,
    /// Show where the play is.
    ShowPosition,
    /// Show figures, or no more.
    ToggleStatistics,
    /// Show what the keys do, or no more.
    ToggleHelp,
}

/// A key, whatever a window system or terminal calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// As typed: upper case with shift.
    Char(char),
    Left,
    Right,
    Up,
    Down,
    ShiftLeft,
    ShiftRight,
}

/// One key, what it does, and how that is said.
struct Binding {
    key: Key,
    action: ViewerAction,
    about: &'static str,
}

const fn seconds(seconds: i64) -> ViewerAction {
    ViewerAction::SeekBy(MediaTime(seconds * 1_000_000))
}

/// In the order in which they are listed for a viewer.
const BINDINGS: &[Binding] = &[
    Binding { key: Key::Char(' '), action: ViewerAction::TogglePause, about: "pause" },
    Binding { key: Key::Char('p'), action: ViewerAction::TogglePause, about: "pause" },
    Binding { key: Key::Left, action: seconds(-5), about: "5 s back" },
    Binding { key: Key::Right, action: seconds(5), about: "5 s on" },
    Binding { key: Key::Down, action: seconds(-60), about: "60 s back" },
    Binding { key: Key::Up, action: seconds(60), about: "60 s on" },
    Binding { key: Key::ShiftLeft, action: seconds(-1), about: "1 s back" },
    Binding { key: Key::ShiftRight, action: seconds(1), about: "1 s on" },
    Binding { key: Key::Char('.'), action: ViewerAction::NextFrame, about: "next frame" },
    Binding { key: Key::Char(','), action: ViewerAction::PreviousFrame, about: "frame before" },
    Binding { key: Key::Char('9'), action: ViewerAction::VolumeBy(-2), about: "softer" },
    Binding { key: Key::Char('0'), action: ViewerAction::VolumeBy(2), about: "louder" },
    Binding { key: Key::Char('m'), action: ViewerAction::ToggleMute, about: "mute" },
    Binding { key: Key::Char('j'), action: ViewerAction::NextSubtitles, about: "next subtitles" },
    Binding { key: Key::Char('v'), action: ViewerAction::ToggleSubtitles, about: "hide subtitles" },
    Binding { key: Key::Char('_'), action: ViewerAction::NextRendition, about: "next rendition" },
    Binding { key: Key::Char('f'), action: ViewerAction::ToggleFullScreen, about: "full screen" },
    Binding { key: Key::Char('o'), action: ViewerAction::ShowPosition, about: "position" },
    Binding { key: Key::Char('i'), action: ViewerAction::ToggleStatistics, about: "statistics" },
    Binding { key: Key::Char('?'), action: ViewerAction::ToggleHelp, about: "keys" },
    Binding { key: Key::Char('q'), action: ViewerAction::Stop, about: "stop" },
    Binding { key: Key::Char('Q'), action: ViewerAction::StopAndRemember, about: "stop and remember the place" },
];

impl Key {
    /// What it asks for, if anything.
    #[must_use]
    pub fn action(self) -> Option<ViewerAction> {
        BINDINGS.iter().find(|binding| binding.key == self).map(|binding| binding.action)
    }
}

/// As a viewer reads it on a keyboard.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Char(' ') => "space",
            Self::Char(typed) => return write!(f, "{typed}"),
            Self::Left => "←",
            Self::Right => "→",
            Self::Up => "↑",
            Self::Down => "↓",
            Self::ShiftLeft => "shift-←",
            Self::ShiftRight => "shift-→",
        })
    }
}

/// All keys and what they do, for a list of them.
pub fn bindings() -> impl Iterator<Item = (Key, &'static str)> {
    BINDINGS.iter().map(|binding| (binding.key, binding.about))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_mpvs() {
        assert_eq!(Key::Char(' ').action(), Key::Char('p').action());
        assert_eq!(Key::ShiftLeft.action(), Some(ViewerAction::SeekBy(MediaTime(-1_000_000))));
        assert_eq!((Key::Char('q').action(), Key::Char('x').action()), (Some(ViewerAction::Stop), None));
    }

    #[test]
    fn keys_have_the_names_that_keyboards_have_for_them() {
        let names = [Key::Char(' '), Key::Char('Q'), Key::Up, Key::ShiftLeft].map(|key| key.to_string());
        assert_eq!(names, ["space", "Q", "↑", "shift-←"]);
    }

    #[test]
    fn each_key_does_one_thing() {
        let keys: Vec<Key> = bindings().map(|(key, _)| key).collect();
        for (number, key) in keys.iter().enumerate() {
            assert!(!keys[..number].contains(key), "{key:?}");
        }
    }
}
