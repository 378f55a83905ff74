//! Text from others, safe to write to a terminal.

use std::fmt::{self, Write as _};

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Shows text that someone else wrote: control characters, escape sequences, bidirectional and zero-width
/// characters come out as `\u{…}`, a newline or tab as `\n` or `\t`, all else as it is.
///
/// ```
/// use securestream::types::Printable;
/// assert_eq!(Printable("a\u{1b}]52;c;evil\u{7}b").to_string(), r"a\u{1b}]52;c;evil\u{7}b");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                _ if is_hidden(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Whether a character acts on the text around it or on the terminal instead of being seen. Joiners and
/// selectors that emoji are made of count as well: in a name they would make look-alikes.
pub(super) fn is_hidden(c: char) -> bool {
    matches!(
        c.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
    ) || matches!(c,
        // Default-ignorable code points outside of those categories (Unicode DerivedCoreProperties).
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}
