//! Words of a line: white space parts them, quotes keep them together, `#` ends the line.

use super::{CommandName, InputError};

/// One word: `value`, `"a value"`, `key=value` or `key="a value"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Of small letters and underscores; only where it was not in quotes.
    pub(super) key: Option<String>,
    pub(super) value: String,
}

impl Word {
    /// The word as one value again, for an argument that only looks like a field.
    pub(super) fn into_whole(self) -> String {
        match self.key {
            Some(key) => format!("{key}={}", self.value),
            None => self.value,
        }
    }
}

/// Parts the next word from what follows it; none at the end of the line or at a comment.
pub(super) fn next_word(text: &str, command: CommandName) -> Result<Option<(Word, &str)>, InputError> {
    let text = text.trim_start();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let (key, text) = match text.split_once('=') {
        Some((key, rest)) if !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
            (Some(key.to_owned()), rest)
        }
        _ => (None, text),
    };
    let (value, rest) = if let Some(quoted) = text.strip_prefix('"') {
        unquote(quoted).ok_or(InputError::OpenQuote { command })?
    } else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        (text[..end].to_owned(), &text[end..])
    };
    Ok(Some((Word { key, value }, rest)))
}

/// Reads up to the closing quote; `\"` and `\\` stand for what follows the backslash.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' if text[at + 1..].starts_with(['"', '\\']) => value.extend(chars.next().map(|(_, c)| c)),
            _ => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(mut text: &str) -> Result<Vec<(Option<String>, String)>, InputError> {
        let mut words = Vec::new();
        while let Some((word, rest)) = next_word(text, CommandName::Play)? {
            words.push((word.key, word.value));
            text = rest;
        }
        Ok(words)
    }

    fn pair(key: &str, value: &str) -> (Option<String>, String) {
        (Some(key.to_owned()).filter(|key| !key.is_empty()), value.to_owned())
    }

    #[test]
    fn words_keys_quotes_and_comments() {
        assert_eq!(
            words(r#""my holiday"  mode=tour id="a b" # rest"#).unwrap(),
            [pair("", "my holiday"), pair("mode", "tour"), pair("id", "a b")]
        );
        assert_eq!(
            words(r#""a=b" 12"x A=1 =2"#).unwrap(),
            [pair("", "a=b"), pair("", "12\"x"), pair("", "A=1"), pair("", "=2")]
        );
        assert_eq!(words(r#""say \"hi\" c:\\x \n""#).unwrap(), [pair("", r#"say "hi" c:\x \n"#)]);
        assert_eq!(words("  # nothing").unwrap(), []);
    }

    #[test]
    fn an_open_quote_is_an_error() {
        for text in ["\"a", "id=\"", r#""a\""#] {
            assert_eq!(words(text), Err(InputError::OpenQuote { command: CommandName::Play }), "{text}");
        }
    }
}
