//! The player's keys while a line is edited.

use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::{
    Cmd, ConditionalEventHandler, Event, EventContext, KeyCode, KeyEvent, Modifiers, Movement, RepeatCount,
};

use crate::video::{render::Screen, viewer::Key};

/// Gives the player the keys that are its own while it shows something in this terminal, and tells it of the terminal's
/// answers, which come among them.
pub(super) struct PlayKeys {
    screen: Screen,
    /// The last key began a search.
    begins_search: AtomicBool,
    /// An answer came between Escape and the key that belongs to it.
    is_escaped: AtomicBool,
    /// A search goes on for as long as letters come.
    is_searching: AtomicBool,
}

impl PlayKeys {
    pub(super) fn new(screen: Screen) -> Self {
        let unset = || AtomicBool::new(false);
        Self { screen, begins_search: unset(), is_escaped: unset(), is_searching: unset() }
    }

    /// The terminal has drawn a picture. For the editor that is no key, and it must not end what the last one began.
    fn answered(&self, modifiers: Modifiers, line_is_empty: bool) -> Cmd {
        self.screen.answered();
        if modifiers.contains(Modifiers::ALT) {
            self.is_escaped.store(true, Ordering::Relaxed);
        }
        if line_is_empty && self.begins_search.load(Ordering::Relaxed) {
            // Goes on with the search, of which nothing is typed that could be deleted.
            return Cmd::Kill(Movement::BackwardChar(1));
        }
        Cmd::Noop
    }

    /// Whether the terminal must not answer behind that key.
    fn holds(&self, key: KeyEvent) -> bool {
        let searches = begins_search(key) || (self.is_searching.load(Ordering::Relaxed) && goes_on(key));
        self.is_searching.store(searches, Ordering::Relaxed);
        searches || has_second(key)
    }

    /// As it would be had no answer come between.
    fn note(&self, key: KeyEvent) -> KeyEvent {
        self.begins_search.store(key == KeyEvent::ctrl('R'), Ordering::Relaxed);
        self.screen.hold_questions(self.holds(key));
        let KeyEvent(code, modifiers) = key;
        let is_escaped = self.is_escaped.swap(false, Ordering::Relaxed);
        if is_escaped { KeyEvent(code, modifiers | Modifiers::ALT) } else { key }
    }
}

impl ConditionalEventHandler for PlayKeys {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let key = *event.get(0)?;
        if key.0 == KeyCode::UnknownEscSeq && self.screen.can_ask() {
            return Some(self.answered(key.1, context.line().is_empty()));
        }
        let key = self.note(key);
        if !self.screen.is_playing() {
            return None;
        }
        if key == KeyEvent::ctrl('L') {
            // The editor would clear the picture as well, and go on in the midst of it.
            self.screen.redraw();
            return Some(Cmd::Noop);
        }
        let key = of_player(key, context.line().is_empty())?;
        self.screen.press(key).then_some(Cmd::Noop)
    }
}

/// Whether the editor searches from now on. An answer of the terminal would end that.
fn begins_search(key: KeyEvent) -> bool {
    key == KeyEvent::ctrl('R')
}

/// Whether a search goes on with it.
fn goes_on(key: KeyEvent) -> bool {
    let KeyEvent(code, modifiers) = key;
    let edits = matches!(code, KeyCode::Char(_) | KeyCode::Backspace) && modifiers == Modifiers::NONE;
    edits || key == KeyEvent::ctrl('S') || key == KeyEvent::ctrl('H')
}

/// Whether the editor takes the next key in another way: it waits for a second Tab to list what a word could become, or types
/// a key as it is. An answer would be taken for that key. While it lists, an answer does nothing.
fn has_second(key: KeyEvent) -> bool {
    matches!(
        key,
        KeyEvent(KeyCode::Tab, Modifiers::NONE) | KeyEvent(KeyCode::Char('I' | 'V' | 'Q' | 'X'), Modifiers::CTRL)
    )
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

    fn keys() -> PlayKeys {
        PlayKeys::new(Screen::none(crate::video::render::NoTerminal::Plain))
    }

    #[test]
    fn an_answer_of_the_terminal_does_not_come_between_keys_that_belong_together() {
        let keys = keys();
        let p = KeyEvent(KeyCode::Char('p'), Modifiers::NONE);
        assert_eq!(keys.note(p), p);
        assert_eq!(keys.answered(Modifiers::ALT, true), Cmd::Noop);
        assert_eq!(keys.answered(Modifiers::NONE, true), Cmd::Noop, "another one");
        assert_eq!(keys.note(p), KeyEvent::alt('p'), "Escape, two answers, p");
        assert_eq!(keys.note(p), p);
    }

    #[test]
    fn an_answer_of_the_terminal_does_not_end_a_search_and_deletes_nothing() {
        let (keys, delete) = (keys(), Cmd::Kill(Movement::BackwardChar(1)));
        keys.note(KeyEvent::ctrl('R'));
        assert_eq!(keys.answered(Modifiers::NONE, true), delete, "which in a search without letters is nothing");
        assert_eq!(keys.answered(Modifiers::NONE, false), Cmd::Noop, "there is something to be deleted");
        keys.note(KeyEvent(KeyCode::Char('a'), Modifiers::NONE));
        assert_eq!(keys.answered(Modifiers::NONE, true), Cmd::Noop);
    }

    #[test]
    fn a_search_lasts_until_another_key_than_a_letter_and_a_tab_until_the_next_key() {
        let (keys, plain) = (keys(), |code| KeyEvent(code, Modifiers::NONE));
        let holds = |key| keys.holds(key);
        let letter = plain(KeyCode::Char('a'));
        assert!(holds(plain(KeyCode::Tab)) && holds(plain(KeyCode::Tab)) && !holds(letter) && !holds(letter));
        assert!(!holds(plain(KeyCode::Backspace)) && !holds(KeyEvent::ctrl('S')), "nothing has begun");
        for ends in [plain(KeyCode::Enter), KeyEvent::ctrl('G'), KeyEvent::ctrl('C')] {
            let goes_on = [KeyEvent::ctrl('R'), letter, plain(KeyCode::Backspace), KeyEvent::ctrl('S'), letter];
            assert!(goes_on.into_iter().all(holds) && !holds(ends) && !holds(letter));
        }
    }

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
