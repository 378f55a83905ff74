//! What members are called.

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization as _;

use super::{limits::MAX_NAME, printable::is_hidden, wire::Text};

/// A name that keeps the rules below, shown as it was typed (in NFC) and compared after NFKC and full case
/// folding ([UAX 15](https://www.unicode.org/reports/tr15/)), so that `Zoë`, `ZOË` and `Zoe` + U+0308 are one.
///
/// 1 to 64 bytes; no control, bidirectional or zero-width characters; no white space, `=`, `,`, `/` or `\`; no
/// leading `-`, `@`, `#`, `+` or `.`; not digits only; not `all`, `everyone`, `hub` or `me`.
#[derive(Clone, Debug)]
pub struct MemberName {
    shown: String,
    folded: String,
}

/// Which rule a name breaks. The text is fit to be shown to the one who chose the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name needs at least one character")]
    Empty,
    #[error("a name has at most {MAX_NAME} bytes")]
    TooLong,
    #[error("a name has no spaces")]
    Space,
    #[error("a name has no control, invisible or direction-changing characters")]
    Hidden,
    #[error("a name has no '{0}'")]
    Forbidden(char),
    #[error("a name does not begin with '{0}'")]
    Leading(char),
    #[error("a name is not made of digits only")]
    Digits,
    #[error("this name is kept for commands")]
    Reserved,
}

impl MemberName {
    /// The form that names are compared by, which also is fit for a folder's name.
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// The name as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }
}

impl FromStr for MemberName {
    type Err = NameError;

    fn from_str(typed: &str) -> Result<Self, NameError> {
        if typed.len() > MAX_NAME {
            return Err(NameError::TooLong);
        }
        let shown: String = typed.nfc().collect();
        // Folding may take a name out of NFKC and NFKC may bring in what can be folded: twice settles both.
        let folded: String = caseless::default_case_fold_str(&shown.nfkc().collect::<String>());
        let folded: String = caseless::default_case_fold_str(&folded.nfkc().collect::<String>()).nfkc().collect();
        // Both forms keep the rules: a full-width space or digit must not slip in as what it folds to.
        check(&shown)?;
        check(&folded)?;
        Ok(Self { shown, folded })
    }
}

fn check(name: &str) -> Result<(), NameError> {
    let first = name.chars().next().ok_or(NameError::Empty)?;
    if name.len() > 4 * MAX_NAME {
        return Err(NameError::TooLong);
    }
    for c in name.chars() {
        match c {
            _ if c.is_whitespace() => return Err(NameError::Space),
            _ if is_hidden(c) => return Err(NameError::Hidden),
            '=' | ',' | '/' | '\\' => return Err(NameError::Forbidden(c)),
            _ => {}
        }
    }
    if matches!(first, '-' | '@' | '#' | '+' | '.') {
        return Err(NameError::Leading(first));
    }
    if name.chars().all(char::is_numeric) {
        return Err(NameError::Digits);
    }
    if matches!(name, "all" | "everyone" | "hub" | "me") {
        return Err(NameError::Reserved);
    }
    Ok(())
}

impl fmt::Display for MemberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown)
    }
}

impl PartialEq for MemberName {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for MemberName {}

impl PartialOrd for MemberName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MemberName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded.cmp(&other.folded)
    }
}

impl Hash for MemberName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded.hash(state);
    }
}

impl Serialize for MemberName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

impl<'de> Deserialize<'de> for MemberName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<MemberName, NameError> {
        text.parse()
    }

    #[test]
    fn usual_names_of_many_scripts_are_fine() {
        for text in ["bob", "Zoë", "太郎", "Владимир", "o'neil", "x", "a_b-c.d", "user2", &"n".repeat(64)] {
            assert_eq!(name(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn bad_input_15_empty_long_blank_and_path_like_names() {
        assert_eq!(name(""), Err(NameError::Empty));
        assert_eq!(name(&"n".repeat(65)), Err(NameError::TooLong));
        for blank in [" ", "a b", "a\u{a0}b", "\u{3000}"] {
            assert_eq!(name(blank), Err(NameError::Space), "{blank:?}");
        }
        assert_eq!(name("."), Err(NameError::Leading('.')));
        assert_eq!(name(".."), Err(NameError::Leading('.')));
        assert_eq!(name("a/b"), Err(NameError::Forbidden('/')));
        assert_eq!(name("／"), Err(NameError::Forbidden('/')), "a full-width slash folds to one");
        assert_eq!(name("-v"), Err(NameError::Leading('-')));
        assert_eq!(name("123"), Err(NameError::Digits));
        assert_eq!(name("１２"), Err(NameError::Digits));
        for reserved in ["all", "Everyone", "HUB", "me", "ＡＬＬ"] {
            assert_eq!(name(reserved), Err(NameError::Reserved), "{reserved}");
        }
    }

    #[test]
    fn bad_input_16_control_characters() {
        for text in ["a\u{1b}[2Jb", "a\u{7}", "a\u{9b}1m", "a\u{7f}"] {
            assert_eq!(name(text), Err(NameError::Hidden), "{text:?}");
        }
        assert_eq!(name("a\rb"), Err(NameError::Space));
    }

    #[test]
    fn bad_input_17_bidirectional_and_zero_width_characters() {
        for text in ["a\u{202e}b", "a\u{200b}b", "a\u{2066}b", "a\u{feff}", "a\u{200d}b", "a\u{3164}", "a\u{fe0f}"] {
            assert_eq!(name(text), Err(NameError::Hidden), "{text:?}");
        }
    }

    #[test]
    fn bad_input_19_twins_are_one_name() {
        for (one, other) in
            [("Zoë", "Zoe\u{308}"), ("BOB", "bob"), ("straße", "STRASSE"), ("ｂｏｂ", "bob"), ("ﬁn", "FIN")]
        {
            assert_eq!(name(one).unwrap(), name(other).unwrap(), "{one} {other}");
        }
        assert_ne!(name("bob").unwrap(), name("rob").unwrap());
    }
}
