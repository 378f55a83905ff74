//! What stands in a cue besides its words: taken out, since all of it is shown in one way.

/// The words of a cue: without tags (`<i>`, `<c.yellow>`, `<00:01.000>`, `{\an8}`), with what entities stand for,
/// without control characters, in lines without blanks at their ends, none of them empty.
pub(super) fn plain(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (shown, length) = match first {
            '<' => tag(rest),
            '{' => braces(rest),
            '&' => entity(rest),
            '\\' if rest.starts_with("\\N") => (Some('\n'), 2),
            '\\' if rest.starts_with("\\h") => (Some(' '), 2),
            other => (Some(other), other.len_utf8()),
        };
        words.extend(shown.map(harmless).filter(|shown| *shown != '\0'));
        rest = rest.get(length..).unwrap_or_default();
    }
    let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// What is drawn for a character; NUL for nothing.
fn harmless(c: char) -> char {
    match c {
        '\n' | '\u{2028}' | '\u{2029}' => '\n',
        '\t' => ' ',
        // The mark of byte orders, and what escape sequences begin with.
        '\u{feff}' => '\0',
        other if other.is_control() => '\0',
        other => other,
    }
}

/// What is shown for a text that begins with `<`, and how much of it that was.
fn tag(text: &str) -> (Option<char>, usize) {
    let inner = text.find('>').and_then(|end| text.get(1..end));
    let is_tag = |inner: &&str| {
        let begins = inner.strip_prefix('/').unwrap_or(inner).starts_with(|c: char| c.is_ascii_alphabetic());
        let is_time = inner.len() >= 5 && inner.bytes().all(|b| b.is_ascii_digit() || b == b':' || b == b'.');
        (begins || is_time || *inner == "/") && !inner.contains(['<', '\n'])
    };
    match inner.filter(is_tag) {
        // `<br>` is not in either format, and in many files.
        Some(inner) if inner.trim_end_matches(['/', ' ']).eq_ignore_ascii_case("br") => (Some('\n'), inner.len() + 2),
        Some(inner) => (None, inner.len() + 2),
        None => (Some('<'), 1),
    }
}

/// The same for `{`: only what begins with a backslash is an instruction (of Advanced SubStation, found in SubRip).
fn braces(text: &str) -> (Option<char>, usize) {
    match text.find('}') {
        Some(end) if text.starts_with("{\\") => (None, end + 1),
        _ => (Some('{'), 1),
    }
}

/// The same for `&`.
fn entity(text: &str) -> (Option<char>, usize) {
    // None is longer than this: the search has an end.
    let end = text.bytes().take(12).position(|byte| byte == b';');
    let Some(name) = end.and_then(|end| text.get(1..end)) else { return (Some('&'), 1) };
    let number = || {
        let digits = name.strip_prefix('#')?;
        let number = match digits.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => digits.parse(),
        };
        char::from_u32(number.ok()?)
    };
    let stands_for = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        "lrm" => Some('\u{200e}'),
        "rlm" => Some('\u{200f}'),
        _ => number(),
    };
    match stands_for {
        Some(character) => (Some(character), name.len() + 2),
        None => (Some('&'), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_their_words_stay() {
        let cases = [
            ("<i>Hello</i>", "Hello"),
            ("<c.yellow.bg_blue>one</c> <v Roger Bingham>two</v>", "one two"),
            ("<00:00:01.000>kara<00:02.500>oke", "karaoke"),
            ("{\\an8}above", "above"),
            ("{\\i1}slanted{\\i0}", "slanted"),
            ("one<br/>two\\Nthree\\hfour", "one\ntwo\nthree four"),
            ("<font color=\"#ff0000\">red</font>", "red"),
            ("</>end", "end"),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_tag_stays() {
        for text in [
            "I <3 you",
            "2 < 3 > 1",
            "{sighs}",
            "a < b",
            "<",
            "{",
            "{\\an8",
            "<i",
            "AT&T",
            "& then",
            "&nosuch;",
            "1 <2> 3",
        ] {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn entities_are_what_they_stand_for() {
        assert_eq!(plain("a &lt;b&gt; &amp;amp; &#39;c&#39; &#x4f60; &quot;"), "a <b> &amp; 'c' 你 \"");
        assert_eq!(plain("&#x110000; &#; &#27;[2J"), "&#x110000; &#; [2J", "no such character; none that acts");
    }

    #[test]
    fn controls_never_get_through() {
        let text = plain("\u{1b}[31mred\u{7}\u{9b}2J\u{0}\u{feff}\ta\r\u{7f}b\u{2028}c");
        assert_eq!(text, "[31mred2J ab\nc");
        assert_eq!(plain(" \n\n <i> </i>\n "), "");
    }
}
