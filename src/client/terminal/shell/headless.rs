//! An answer of the terminal whose Escape the editor took for that of a key: of Escape, Escape and an answer it makes
//! Alt-Escape, and would type the rest.

use std::sync::{Mutex, PoisonError};

use rustyline::{KeyCode, KeyEvent, Modifiers};

/// What follows the Escape.
const ANSWER: &str = "[2;2R";

/// Knows the characters of such an answer from what is typed.
#[derive(Debug, Default)]
pub(super) struct Headless {
    /// How many of them came, while more are to come.
    came: Mutex<Option<usize>>,
}

/// What a key is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Of an answer that goes on.
    Begun,
    /// The end of one.
    Last,
    /// None; the characters before it, and this one, were typed.
    Typed(String),
}

impl Headless {
    /// What that key is while so many answers are to come; `None` where it has nothing to do with them.
    pub(super) fn take(&self, key: KeyEvent, unanswered: u32) -> Option<Part> {
        let mut slot = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        if key == KeyEvent(KeyCode::Esc, Modifiers::ALT) && unanswered > 0 {
            *slot = Some(0);
            return Some(Part::Begun);
        }
        let came = slot.take()?;
        let KeyEvent(KeyCode::Char(character), Modifiers::NONE) = key else { return None };
        let more = came + 1;
        match () {
            () if !ANSWER[came..].starts_with(character) && came == 0 => None,
            () if !ANSWER[came..].starts_with(character) => {
                let mut text = ANSWER[..came].to_owned();
                text.push(character);
                Some(Part::Typed(text))
            }
            () if more == ANSWER.len() => Some(Part::Last),
            () => {
                *slot = Some(more);
                Some(Part::Begun)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ESCAPE: KeyEvent = KeyEvent(KeyCode::Esc, Modifiers::ALT);

    fn read(headless: &Headless, text: &str) -> Vec<Option<Part>> {
        text.chars().map(|character| headless.take(KeyEvent(KeyCode::Char(character), Modifiers::NONE), 1)).collect()
    }

    fn begun(count: usize) -> impl Iterator<Item = Option<Part>> {
        std::iter::repeat_with(|| Some(Part::Begun)).take(count)
    }

    #[test]
    fn an_answer_behind_two_escapes_is_none_of_the_keys() {
        let headless = Headless::default();
        assert_eq!(headless.take(ESCAPE, 0), None, "no answer is to come");
        assert_eq!(read(&headless, "[2"), [None, None]);
        assert_eq!(headless.take(ESCAPE, 1), Some(Part::Begun));
        assert_eq!(read(&headless, "[2;2R"), begun(4).chain([Some(Part::Last)]).collect::<Vec<_>>());
        assert!(read(&headless, "[2;2R").iter().all(Option::is_none), "one answer");
    }

    #[test]
    fn what_only_begins_like_an_answer_is_typed() {
        let headless = Headless::default();
        for (came, typed) in [("a", None), ("[a", Some("[a")), ("[2;2é", Some("[2;2é"))] {
            assert_eq!(headless.take(ESCAPE, 1), Some(Part::Begun));
            let last = typed.map(|typed| Part::Typed(typed.to_owned()));
            assert_eq!(read(&headless, came), begun(came.chars().count() - 1).chain([last]).collect::<Vec<_>>());
            assert_eq!(read(&headless, "["), [None]);
        }
    }
}
