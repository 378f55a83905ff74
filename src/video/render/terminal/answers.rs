//! What a terminal says about itself when it is asked, read out of what comes from its keyboard.

/// Would you draw this pixel? (Kitty) Not for a multiplexer: it has no such pictures, and tmux takes what it asks in for
/// the title of a pane.
const OF_KITTY: &str = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\";

/// The questions, all at once.
pub(super) fn questions(is_multiplexed: bool) -> String {
    [if is_multiplexed { "" } else { OF_KITTY }, OF_ALL].concat()
}

/// The last is answered by every terminal, so its answer ends the wait; those before are answered in order or not at all.
const OF_ALL: &str = concat!(
    // What are you called? (XTVERSION)
    "\x1b[>0q",
    // How large is a character, in pixels? (XTWINOPS 16)
    "\x1b[16t",
    // Can you show a change all at once? (DECRQM 2026)
    "\x1b[?2026$p",
    // How many colours has a Sixel picture? (XTSMGRAPHICS)
    "\x1b[?1;1;0S",
    // Where is the cursor? (DSR 6)
    "\x1b[6n",
    // What can you do? (DA1)
    "\x1b[c",
);

/// What a terminal answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent answers, each a yes or no")]
pub(super) struct Answers {
    /// It draws pictures by Kitty's protocol.
    pub(super) kitty: bool,
    /// It draws Sixel.
    pub(super) sixel: bool,
    /// Colours that a Sixel picture may have.
    pub(super) registers: Option<u16>,
    /// Its name and version.
    pub(super) name: Option<String>,
    /// Width and height of a character, in pixels.
    pub(super) cell: Option<(u16, u16)>,
    /// It shows what stands between two marks all at once (mode 2026).
    pub(super) synchronized: bool,
    /// It says where its cursor is.
    pub(super) finds_cursor: bool,
    /// The last question was answered: nothing more will come.
    pub(super) complete: bool,
    /// What is no answer: somebody typed it meanwhile.
    pub(super) typed: Vec<u8>,
}

impl Answers {
    /// Reads all that came so far.
    pub(super) fn read(mut bytes: &[u8]) -> Self {
        let mut answers = Self::default();
        while let Some((&first, rest)) = bytes.split_first() {
            if first != 0x1b {
                answers.typed.push(first);
                bytes = rest;
                continue;
            }
            let length = sequence_length(rest);
            let (sequence, after) = rest.split_at(length.min(rest.len()));
            answers.take(&String::from_utf8_lossy(sequence));
            bytes = after;
        }
        answers
    }

    /// Takes one sequence, without the escape that begins it.
    fn take(&mut self, sequence: &str) {
        if let Some(text) = sequence.strip_prefix("_G") {
            self.kitty |= text.starts_with("i=31") && text.contains(";OK");
        } else if let Some(name) = sequence.strip_prefix("P>|") {
            self.name = Some(name.trim_end_matches("\x1b\\").to_owned());
        } else if let Some(attributes) = sequence.strip_prefix("[?").and_then(|rest| rest.strip_suffix('c')) {
            self.sixel = attributes.split(';').skip(1).any(|attribute| attribute == "4");
            self.complete = true;
        } else if let Some(state) = sequence.strip_prefix("[?2026;").and_then(|rest| rest.strip_suffix("$y")) {
            // 1 and 2: on and off; 0 and 4: not known and never on.
            self.synchronized = state == "1" || state == "2";
        } else if let Some(size) = sequence.strip_prefix("[6;").and_then(|rest| rest.strip_suffix('t')) {
            self.cell = size.split_once(';').and_then(|(height, width)| {
                let pixels = |text: &str| text.parse().ok().filter(|pixels| (1..=200).contains(pixels));
                Some((pixels(width)?, pixels(height)?))
            });
        } else if let Some(registers) = sequence.strip_prefix("[?1;0;").and_then(|rest| rest.strip_suffix('S')) {
            self.registers = registers.parse().ok();
        } else if let Some(place) = sequence.strip_prefix('[').and_then(|rest| rest.strip_suffix('R')) {
            let is_number = |text: &str| text.parse::<u16>().is_ok();
            self.finds_cursor |= place.split_once(';').is_some_and(|(row, column)| is_number(row) && is_number(column));
        }
    }
}

/// How long the sequence is that begins here, behind its escape (ECMA-48: control sequences end with a byte of
/// 0x40 to 0x7e, strings with ST). One that has not come whole reaches to the end.
fn sequence_length(rest: &[u8]) -> usize {
    let end = match rest.first() {
        Some(b'[') => rest.iter().skip(1).position(|byte| (0x40..=0x7e).contains(byte)).map(|at| at + 2),
        Some(b'_' | b'P' | b']') => rest.windows(2).position(|pair| pair == b"\x1b\\").map(|at| at + 2),
        Some(_) => Some(1),
        None => Some(0),
    };
    end.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multiplexer_is_not_asked_for_what_it_takes_for_a_title() {
        let (alone, multiplexed) = (questions(false), questions(true));
        assert_eq!((alone.matches("\x1b_").count(), multiplexed.matches("\x1b_").count()), (1, 0));
        assert!(alone.ends_with(&multiplexed) && multiplexed.ends_with("\x1b[6n\x1b[c"));
    }
    use proptest::prelude::*;

    #[test]
    fn kitty_answers_all() {
        let answers = Answers::read(
            b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.35.2)\x1b\\\x1b[6;20;10t\x1b[?2026;2$y\x1b[7;1R\x1b[?62;c",
        );
        let name = Some("kitty(0.35.2)".to_owned());
        let expected = Answers {
            kitty: true,
            name,
            cell: Some((10, 20)),
            synchronized: true,
            finds_cursor: true,
            complete: true,
            ..Answers::default()
        };
        assert_eq!(answers, expected);
    }

    #[test]
    fn xterm_as_a_vt340_draws_sixel() {
        let answers =
            Answers::read(b"\x1bP>|XTerm(379)\x1b\\\x1b[6;13;6t\x1b[?2026;0$y\x1b[?1;0;16S\x1b[?63;1;2;4;6;9;15;22c");
        assert!(answers.sixel && answers.complete && !answers.kitty && !answers.synchronized);
        assert_eq!((answers.registers, answers.cell), (Some(16), Some((6, 13))));
    }

    #[test]
    fn what_was_typed_meanwhile_is_kept() {
        let answers = Answers::read(b"he\x1b[?64;1c\x1b[Allo\r");
        assert_eq!((answers.typed.as_slice(), answers.complete, answers.sixel), (&b"hello\r"[..], true, false));
    }

    #[test]
    fn an_answer_that_is_cut_or_absurd_says_nothing() {
        for text in [
            "\x1b_Gi=31;OK",
            "\x1b[6;20;10",
            "\x1b",
            "\x1b[?2026;2",
            "\x1b[6;0;10t",
            "\x1b[6;99999;1t",
            "\x1b[6;t",
            "\x1b[7;R",
        ] {
            let answers = Answers::read(text.as_bytes());
            assert!(!answers.complete && answers.cell.is_none() && !answers.synchronized, "{text:?}");
            assert!(!answers.finds_cursor, "{text:?}");
        }
        assert!(!Answers::read(b"\x1b_Gi=31;ENOTSUPP\x1b\\").kitty);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let kept = Answers::read(&bytes).typed.len();
            prop_assert!(kept <= bytes.len());
        }
    }
}
