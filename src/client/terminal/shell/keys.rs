//! The player's keys while a line is edited.

use rustyline::{Cmd, ConditionalEventHandler, Event, EventContext, KeyCode, KeyEvent, Modifiers, RepeatCount};

use crate::video::{render::Screen, viewer::Key};

/// Gives the player the keys that are its own while it shows something in this terminal.
pub(super) struct PlayKeys {
    pub(super) screen: Screen,
}

impl ConditionalEventHandler for PlayKeys {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let key = event.get(0)?;
        if !self.screen.is_playing() {
            return None;
        }
        if *key == KeyEvent(KeyCode::Char('L'), Modifiers::CTRL) {
            // The editor would clear the picture as well, and go on in the midst of it.
            self.screen.redraw();
            return Some(Cmd::Noop);
        }
        let key = of_player(*key, context.line().is_empty())?;
        self.screen.press(key).then_some(Cmd::Noop)
    }
}

/// The key that the player knows: with Alt at any time, the space bar and ← → also alone where they would do
/// nothing to the line. The editor counts with Alt and digits, so the volume is on mpv's other two keys for it.
fn of_player(KeyEvent(code, modifiers): KeyEvent, line_is_empty: bool) -> Option<Key> {
    let alone = line_is_empty && modifiers == Modifiers::NONE;
    let shifted = modifiers == Modifiers::ALT | Modifiers::SHIFT;
    if !alone && !shifted && modifiers != Modifiers::ALT {
        return None;
    }
    match code {
        KeyCode::Left if shifted => Some(Key::ShiftLeft),
        KeyCode::Right if shifted => Some(Key::ShiftRight),
        KeyCode::Left => Some(Key::Left),
        KeyCode::Right => Some(Key::Right),
        KeyCode::Char(' ') => Some(Key::Char(' ')),
        _ if alone => None,
        KeyCode::Up => Some(Key::Up),
        KeyCode::Down => Some(Key::Down),
        KeyCode::Char('/') => Some(Key::Char('9')),
        KeyCode::Char('*') => Some(Key::Char('0')),
        KeyCode::Char(character) => Some(Key::Char(character)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_alt_all_keys_are_the_players_and_alone_only_those_that_type_nothing() {
        let key = |code, modifiers, empty| of_player(KeyEvent(code, modifiers), empty);
        let alt = Modifiers::ALT;
        for empty in [true, false] {
            assert_eq!(key(KeyCode::Char('m'), alt, empty), Some(Key::Char('m')));
            assert_eq!(key(KeyCode::Char('Q'), alt, empty), Some(Key::Char('Q')));
            assert_eq!(key(KeyCode::Up, alt, empty), Some(Key::Up));
            assert_eq!(key(KeyCode::Left, alt | Modifiers::SHIFT, empty), Some(Key::ShiftLeft));
            assert_eq!(key(KeyCode::Char('/'), alt, empty), Some(Key::Char('9')));
            for typed in [KeyCode::Char('m'), KeyCode::Up, KeyCode::Enter, KeyCode::Char('/')] {
                assert_eq!(key(typed, Modifiers::NONE, empty), None);
            }
            assert_eq!(key(KeyCode::Char('R'), Modifiers::CTRL, empty), None);
        }
        assert_eq!(key(KeyCode::Char(' '), Modifiers::NONE, true), Some(Key::Char(' ')));
        assert_eq!(key(KeyCode::Right, Modifiers::NONE, true), Some(Key::Right));
        assert_eq!(key(KeyCode::Char(' '), Modifiers::NONE, false), None);
        assert_eq!(key(KeyCode::Left, Modifiers::NONE, false), None);
    }
}
