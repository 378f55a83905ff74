//! Asks a person for their name.

use super::{Prompt, PromptKind, Typed};
use crate::types::MemberName;

/// The question before all others. Asks again until a name keeps the rules.
#[derive(Debug, Default)]
pub struct NameQuestion {
    interrupted: bool,
}

/// What follows from an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum NameAnswer {
    Name(MemberName),
    /// Print this and ask again.
    Again(String),
    /// They would rather leave.
    Leave,
}

impl NameQuestion {
    /// What to ask.
    #[must_use]
    pub fn prompt() -> Prompt {
        Prompt { text: "Your name> ".to_owned(), kind: PromptKind::Name }
    }

    /// Takes what was typed.
    pub fn handle_typed(&mut self, typed: Typed) -> NameAnswer {
        let interrupted = std::mem::replace(&mut self.interrupted, typed == Typed::Interrupt);
        match typed {
            Typed::End => NameAnswer::Leave,
            Typed::Interrupt if interrupted => NameAnswer::Leave,
            Typed::Interrupt => NameAnswer::Again("(Ctrl-C again leaves)".to_owned()),
            Typed::Line(line) => match line.trim().parse() {
                Ok(name) => NameAnswer::Name(name),
                Err(error) => NameAnswer::Again(format!("! That cannot be your name: {error}. Choose another.")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_name_is_asked_for_again() {
        let mut question = NameQuestion::default();
        for bad in ["", "  ", "a b", "123", "all", "\u{1b}[2J"] {
            let answer = question.handle_typed(Typed::Line(bad.to_owned()));
            assert!(
                matches!(&answer, NameAnswer::Again(text) if text.contains("a name")|| text.contains("kept for")),
                "{answer:?}"
            );
        }
        assert_eq!(question.handle_typed(Typed::Line(" bob ".to_owned())), NameAnswer::Name("bob".parse().unwrap()));
    }

    #[test]
    fn the_usual_ways_to_leave() {
        let mut question = NameQuestion::default();
        assert!(matches!(question.handle_typed(Typed::Interrupt), NameAnswer::Again(_)));
        assert!(matches!(question.handle_typed(Typed::Line(String::new())), NameAnswer::Again(_)));
        assert!(matches!(question.handle_typed(Typed::Interrupt), NameAnswer::Again(_)));
        assert_eq!(question.handle_typed(Typed::Interrupt), NameAnswer::Leave);
        assert_eq!(question.handle_typed(Typed::End), NameAnswer::Leave);
    }
}
