//! The player's keys while a line is edited.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use nix::sys::termios::_POSIX_VDISABLE;
use rustyline::{
    At, CharSearch, Cmd, ConditionalEventHandler, Event, EventContext, KeyCode, KeyEvent, Modifiers, Movement,
    RepeatCount, Word,
};

use super::{
    headless::{Headless, Part},
    modes::StoppedModes,
};
use crate::video::{render::Screen, viewer::Key};

/// Gives the player the keys that are its own while it shows something in this terminal, and tells it of the terminal's
/// answers, which come among them.
pub(super) struct PlayKeys {
    screen: Screen,
    /// The terminal while the process is stopped.
    stopped: Option<StoppedModes>,
    /// The key that stops it.
    suspend_key: Option<KeyEvent>,
    /// An answer came between Escape and the key that belongs to it.
    is_escaped: AtomicBool,
    /// A search goes on for as long as letters come.
    is_searching: AtomicBool,
    /// A search is to begin with the last answer that is under way.
    searches_soon: AtomicBool,
    /// The first one of two keys.
    first: Mutex<Option<KeyEvent>>,
    headless: Headless,
}

impl PlayKeys {
    pub(super) fn new(screen: Screen, stopped: Option<StoppedModes>) -> Self {
        let unset = || AtomicBool::new(false);
        let suspend_key = stopped.as_ref().and_then(StoppedModes::suspend_key);
        Self {
            screen,
            stopped,
            suspend_key: suspend_key.map(|key| KeyEvent::new(key, Modifiers::NONE)),
            is_escaped: unset(),
            is_searching: unset(),
            searches_soon: unset(),
            first: Mutex::default(),
            headless: Headless::default(),
        }
    }

    /// The terminal has drawn a picture and owes so many answers more. For the editor that is no key, and it must not end
    /// what the last one began.
    fn answered(&self, modifiers: Modifiers, unanswered: u32) -> Cmd {
        if modifiers.contains(Modifiers::ALT) {
            self.is_escaped.store(true, Ordering::Relaxed);
        }
        if unanswered == 0 && self.searches_soon.swap(false, Ordering::Relaxed) {
            self.is_searching.store(true, Ordering::Relaxed);
            return Cmd::ReverseSearchHistory;
        }
        Cmd::Noop
    }

    /// What two keys mean together. The editor would take an answer for the second.
    fn put_together(&self, key: KeyEvent) -> Option<Cmd> {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        match first.take() {
            Some(first) => Some(together(first, key)),
            None if is_first(key) => {
                *first = Some(key);
                Some(Cmd::Noop)
            }
            None => None,
        }
    }

    /// Whether the editor is to hear of that key only when nothing is under way any more: an answer would end the search. Who
    /// does not want to wait presses it again.
    fn waits(&self, key: KeyEvent, unanswered: u32) -> bool {
        let waits = begins_search(key)
            && unanswered > 0
            && !self.is_searching.load(Ordering::Relaxed)
            && !self.searches_soon.load(Ordering::Relaxed);
        self.searches_soon.store(waits, Ordering::Relaxed);
        waits
    }

    /// Whether the terminal must not answer behind that key.
    fn holds(&self, key: KeyEvent) -> bool {
        let searches = begins_search(key) || (self.is_searching.load(Ordering::Relaxed) && goes_on(key));
        self.is_searching.store(searches, Ordering::Relaxed);
        searches
    }

    /// As it would be had no answer come between.
    fn note(&self, key: KeyEvent) -> KeyEvent {
        let KeyEvent(code, modifiers) = key;
        let is_escaped = self.is_escaped.swap(false, Ordering::Relaxed);
        if is_escaped { KeyEvent(code, modifiers | Modifiers::ALT) } else { key }
    }

    /// What the editor is to do with a key that the player takes.
    fn of_play(&self, key: KeyEvent, line_is_empty: bool) -> Option<Cmd> {
        if !self.screen.is_playing() {
            return None;
        }
        if key == KeyEvent::ctrl('L') {
            // The editor would clear the picture as well, and go on in the midst of it.
            self.screen.redraw();
            return Some(Cmd::Noop);
        }
        let key = of_player(key, line_is_empty)?;
        self.screen.press(key).then_some(Cmd::Noop)
    }

    fn suspends(&self, key: KeyEvent) -> bool {
        Some(key) == self.suspend_key
    }

    /// Stops the process: whatever comes next has the whole terminal, as it was found, and nothing is typed into it.
    fn stop(&self) -> Option<Cmd> {
        let stopped = self.stopped.as_ref()?;
        self.screen.suspend();
        if let Err(error) = stopped.stop() {
            log::debug!("the process cannot be stopped: {error}");
        }
        self.screen.resume();
        Some(Cmd::Repaint)
    }

    /// What the editor is to do in place of what it would do with that key.
    fn begun(&self, key: KeyEvent) -> Option<Cmd> {
        if let Some(command) = self.put_together(key) {
            return Some(command);
        }
        if begins_search(key) {
            // First, so that no question comes after it was seen that all are answered.
            self.screen.hold_questions(true);
        }
        if self.waits(key, self.screen.unanswered()) {
            return Some(Cmd::Noop);
        }
        self.screen.hold_questions(self.holds(key));
        if has_second(key) {
            self.screen.hold_for_a_key();
        }
        None
    }
}

impl ConditionalEventHandler for PlayKeys {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let key = *event.get(0)?;
        if key.0 == KeyCode::UnknownEscSeq && self.screen.can_ask() {
            self.screen.answered();
            return Some(self.answered(key.1, self.screen.unanswered()));
        }
        match self.headless.take(key, self.screen.unanswered()) {
            Some(Part::Begun) => return Some(Cmd::Noop),
            Some(Part::Typed(text)) => return Some(Cmd::Insert(1, text)),
            Some(Part::Last) => {
                self.screen.answered();
                return Some(self.answered(Modifiers::NONE, self.screen.unanswered()));
            }
            None => {}
        }
        if key == unset_key() {
            return Some(unset());
        }
        let as_read = key;
        let key = self.note(key);
        if self.screen.can_ask()
            && let Some(command) = self.begun(key)
        {
            return Some(command);
        }
        if self.suspends(key) {
            return self.stop();
        }
        let command = self.of_play(key, context.line().is_empty());
        // The editor has heard of no Escape before it.
        if key == as_read { command } else { command.or_else(|| escaped(key)) }
    }
}

/// The key that the editor suspends with while none is set, for it takes the mark of that for a character.
fn unset_key() -> KeyEvent {
    KeyEvent::new(char::from(_POSIX_VDISABLE), Modifiers::NONE)
}

/// What it is to do in place of that.
fn unset() -> Cmd {
    match unset_key() {
        KeyEvent(KeyCode::Char(character), Modifiers::NONE) => Cmd::Insert(1, character.into()),
        _ => Cmd::Noop,
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

/// Whether the editor takes the next key in another way: it waits for a second Tab to list what a word could become. An
/// answer would be taken for that key. While it lists, an answer does nothing.
fn has_second(key: KeyEvent) -> bool {
    key == KeyEvent(KeyCode::Tab, Modifiers::NONE)
}

/// Whether the editor would read the next key itself, as it is, and show it to nobody.
fn is_first(KeyEvent(code, modifiers): KeyEvent) -> bool {
    match code {
        KeyCode::Char('V' | 'Q' | 'X') => modifiers == Modifiers::CTRL,
        KeyCode::Char(']') => modifiers.contains(Modifiers::CTRL),
        _ => false,
    }
}

/// The editor's command for two keys.
fn together(KeyEvent(first, modifiers): KeyEvent, second: KeyEvent) -> Cmd {
    match (first, second) {
        // Not `SelfInsert`, which from a binding types what was typed last.
        (KeyCode::Char('V' | 'Q'), key) => typed(key).map_or(Cmd::Noop, |character| Cmd::Insert(1, character.into())),
        (KeyCode::Char('X'), KeyEvent(KeyCode::Char('U'), Modifiers::CTRL)) => Cmd::Undo(1),
        (KeyCode::Char('X'), KeyEvent(KeyCode::Backspace, Modifiers::NONE)) => Cmd::Kill(Movement::BeginningOfLine),
        (KeyCode::Char(']'), KeyEvent(KeyCode::Char(character), Modifiers::NONE)) => {
            let backward = modifiers.contains(Modifiers::ALT);
            let search = if backward { CharSearch::Backward } else { CharSearch::ForwardBefore };
            Cmd::Move(Movement::ViCharSearch(1, search(character)))
        }
        _ => Cmd::Noop,
    }
}

/// The editor's command for a key with Alt. One with Ctrl as well it does as without: an interrupt stays one.
fn escaped(KeyEvent(code, modifiers): KeyEvent) -> Option<Cmd> {
    if modifiers.contains(Modifiers::CTRL) {
        return None;
    }
    let forward = Movement::ForwardWord(1, At::AfterEnd, Word::Emacs);
    let backward = Movement::BackwardWord(1, Word::Emacs);
    Some(match code {
        KeyCode::Char('b' | 'B') | KeyCode::Left => Cmd::Move(backward),
        KeyCode::Char('f' | 'F') | KeyCode::Right => Cmd::Move(forward),
        KeyCode::Char('d' | 'D') => Cmd::Kill(forward),
        KeyCode::Backspace => Cmd::Kill(backward),
        KeyCode::Char('c' | 'C') => Cmd::CapitalizeWord,
        KeyCode::Char('l' | 'L') => Cmd::DowncaseWord,
        KeyCode::Char('u' | 'U') => Cmd::UpcaseWord,
        KeyCode::Char('t' | 'T') => Cmd::TransposeWords(1),
        KeyCode::Char('y' | 'Y') => Cmd::YankPop,
        KeyCode::Char('<') => Cmd::BeginningOfHistory,
        KeyCode::Char('>') => Cmd::EndOfHistory,
        _ => Cmd::Noop,
    })
}

/// The character that a key sends.
fn typed(KeyEvent(code, modifiers): KeyEvent) -> Option<char> {
    match (code, modifiers) {
        (KeyCode::Char(character), Modifiers::NONE) => Some(character),
        (KeyCode::Char(character @ '@'..='_'), Modifiers::CTRL) => {
            u8::try_from(character).ok().map(|byte| char::from(byte & 0x1f))
        }
        (KeyCode::Tab, Modifiers::NONE) => Some('\t'),
        (KeyCode::Enter, Modifiers::NONE) => Some('\r'),
        (KeyCode::Backspace, Modifiers::NONE) => Some('\x7f'),
        (KeyCode::Esc, Modifiers::NONE) => Some('\x1b'),
        _ => None,
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

    fn keys() -> PlayKeys {
        PlayKeys::new(Screen::none(crate::video::render::NoTerminal::Plain), None)
    }

    #[test]
    fn an_answer_of_the_terminal_does_not_come_between_keys_that_belong_together() {
        let keys = keys();
        let p = KeyEvent(KeyCode::Char('p'), Modifiers::NONE);
        assert_eq!(keys.note(p), p);
        assert_eq!(keys.answered(Modifiers::ALT, 1), Cmd::Noop);
        assert_eq!(keys.answered(Modifiers::NONE, 0), Cmd::Noop, "another one");
        assert_eq!(keys.note(p), KeyEvent::alt('p'), "Escape, two answers, p");
        assert_eq!(keys.note(p), p);
    }

    #[test]
    fn a_search_begins_with_the_last_answer_that_is_under_way() {
        let (keys, search, letter) = (keys(), KeyEvent::ctrl('R'), KeyEvent(KeyCode::Char('a'), Modifiers::NONE));
        assert!(!keys.waits(search, 0), "at once when none is");
        assert!(keys.waits(search, 2));
        assert_eq!(keys.answered(Modifiers::NONE, 1), Cmd::Noop);
        assert_eq!(keys.answered(Modifiers::NONE, 0), Cmd::ReverseSearchHistory);
        assert_eq!(keys.answered(Modifiers::NONE, 0), Cmd::Noop, "once");
        assert!(!keys.waits(letter, 0) && keys.holds(letter), "it goes on");
        assert!(!keys.waits(search, 1), "with another place");
        assert!(!keys.holds(KeyEvent::ctrl('G')));
        assert!(keys.waits(search, 1) && !keys.waits(letter, 1) && !keys.holds(letter), "a letter is typed");
        assert_eq!(keys.answered(Modifiers::NONE, 0), Cmd::Noop, "and nothing searched for");
        assert!(keys.waits(search, 1) && !keys.waits(search, 1), "whoever presses it again does not wait");
    }

    #[test]
    fn the_process_is_stopped_by_the_key_that_was_set_for_it() {
        let stopping = |character: u8| {
            let modes = StoppedModes::with_suspend_key(character);
            let keys = PlayKeys::new(Screen::none(crate::video::render::NoTerminal::Plain), Some(modes));
            ['Y', 'Z', '@'].into_iter().filter(|key| keys.suspends(KeyEvent::ctrl(*key))).collect::<String>()
        };
        assert_eq!([0x1a, 0x19, _POSIX_VDISABLE].map(stopping), ["Z", "Y", ""]);
    }

    #[test]
    fn the_mark_of_no_suspend_key_is_no_suspend_key() {
        // As in the editor, which has `Cmd::Suspend` for it: Ctrl-Space, or ÿ.
        assert!([KeyEvent::ctrl('@'), KeyEvent(KeyCode::Char('ÿ'), Modifiers::NONE)].contains(&unset_key()));
        assert!([Cmd::Noop, Cmd::Insert(1, "ÿ".into())].contains(&unset()));
    }

    #[test]
    fn after_an_escape_of_its_own_the_editor_gets_a_command_and_no_letter() {
        let alt = |code| escaped(KeyEvent(code, Modifiers::ALT));
        assert_eq!(alt(KeyCode::Char('b')), Some(Cmd::Move(Movement::BackwardWord(1, Word::Emacs))));
        assert_eq!(alt(KeyCode::Backspace), Some(Cmd::Kill(Movement::BackwardWord(1, Word::Emacs))));
        assert_eq!(alt(KeyCode::Char('d')), Some(Cmd::Kill(Movement::ForwardWord(1, At::AfterEnd, Word::Emacs))));
        assert_eq!([alt(KeyCode::Char('z')), alt(KeyCode::Enter)], [Some(Cmd::Noop), Some(Cmd::Noop)]);
        assert_eq!(escaped(KeyEvent(KeyCode::Char('C'), Modifiers::CTRL_ALT)), None, "an interrupt stays one");
    }

    #[test]
    fn keys_that_belong_together_are_put_together_whatever_comes_between() {
        let plain = |code| KeyEvent(code, Modifiers::NONE);
        let back = plain(KeyCode::Backspace);
        let both = |first, second| {
            let keys = keys();
            assert_eq!(keys.put_together(first), Some(Cmd::Noop));
            assert_eq!(keys.answered(Modifiers::NONE, 0), Cmd::Noop);
            let command = keys.put_together(second);
            assert_eq!(keys.put_together(plain(KeyCode::Char('a'))), None, "two keys");
            command.unwrap()
        };
        for quote in ['V', 'Q'].map(KeyEvent::ctrl) {
            for (key, typed) in [(plain(KeyCode::Char('é')), 'é'), (quote, '\x16'), (plain(KeyCode::Tab), '\t')] {
                let typed = if key == KeyEvent::ctrl('Q') { '\x11' } else { typed };
                assert_eq!(both(quote, key), Cmd::Insert(1, typed.into()));
            }
            assert_eq!(both(quote, plain(KeyCode::Up)), Cmd::Noop);
        }
        assert_eq!(both(KeyEvent::ctrl('X'), KeyEvent::ctrl('U')), Cmd::Undo(1));
        assert_eq!(both(KeyEvent::ctrl('X'), back), Cmd::Kill(Movement::BeginningOfLine));
        assert_eq!(both(KeyEvent::ctrl('X'), KeyEvent::ctrl('C')), Cmd::Noop);
        let jump = |search| Cmd::Move(Movement::ViCharSearch(1, search));
        let letter = plain(KeyCode::Char('e'));
        assert_eq!(both(KeyEvent::ctrl(']'), letter), jump(CharSearch::ForwardBefore('e')));
        let other_way = KeyEvent(KeyCode::Char(']'), Modifiers::CTRL_ALT);
        assert_eq!(both(other_way, letter), jump(CharSearch::Backward('e')));
        assert_eq!(both(other_way, back), Cmd::Noop);
    }

    #[test]
    fn a_search_lasts_until_another_key_than_a_letter() {
        let (keys, plain) = (keys(), |code| KeyEvent(code, Modifiers::NONE));
        let holds = |key| keys.holds(key);
        let letter = plain(KeyCode::Char('a'));
        assert!(!holds(plain(KeyCode::Tab)) && has_second(plain(KeyCode::Tab)) && !has_second(letter));
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
