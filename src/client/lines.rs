//! Reads lines without ever holding more than one of bounded length.

use std::io::{self, BufRead, Read as _};

use super::command::InputError;
use crate::types::limits::MAX_TEXT;

/// Longest line of a script in bytes: a text of [`MAX_TEXT`] whose every byte JSON writes as `\u0000`, and room
/// for the rest of its object.
pub const MAX_LINE: usize = 6 * MAX_TEXT + 64 * 1024;

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputLine {
    /// A line without its end.
    Text(String),
    /// A line that is too long or no text; the next one can be read.
    Refused(InputError),
    /// There is no more.
    End,
    /// There may be more, which cannot be read: what the system says.
    Broken(String),
}

/// Reads one line. The last one needs no end. Of a line longer than `limit` bytes the rest is skipped, not kept.
pub fn read_bounded(input: &mut impl BufRead, limit: usize) -> io::Result<InputLine> {
    let mut line = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    if input.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
        return Ok(InputLine::End);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > limit {
        input.skip_until(b'\n')?;
        return Ok(InputLine::Refused(InputError::LineTooLarge { limit }));
    }
    Ok(String::from_utf8(line).map_or(InputLine::Refused(InputError::NotUtf8), InputLine::Text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: &[u8], limit: usize) -> Vec<InputLine> {
        let mut input = bytes;
        std::iter::from_fn(|| match read_bounded(&mut input, limit).unwrap() {
            InputLine::End | InputLine::Broken(_) => None,
            line => Some(line),
        })
        .collect()
    }

    #[test]
    fn lines_end_with_their_end_or_the_end_of_the_input() {
        let text = |text: &str| InputLine::Text(text.to_owned());
        assert_eq!(read_all(b"a\n\nb\r\nc", 9), [text("a"), text(""), text("b\r"), text("c")]);
        assert_eq!(read_all(b"", 9), []);
    }

    #[test]
    fn a_line_too_long_or_no_text_is_refused_and_the_next_is_read() {
        let refused = InputLine::Refused;
        assert_eq!(
            read_all(b"1234\n12345\n\xff\nx\n", 4),
            [
                InputLine::Text("1234".into()),
                refused(InputError::LineTooLarge { limit: 4 }),
                refused(InputError::NotUtf8),
                InputLine::Text("x".into())
            ]
        );
        assert_eq!(read_all(b"12345", 4), [refused(InputError::LineTooLarge { limit: 4 })]);
    }
}
