//! The keys of the player at a terminal, in words: with Alt, because the line editor has the others.

use crate::video::viewer::{Key, bindings};

/// Columns that the list may take: less than any terminal that draws.
const WIDTH: usize = 72;

/// What each key does. The line editor counts with Alt and digits, so the volume is on mpv's other two keys.
pub(super) fn list() -> String {
    let mut text = "  With Alt at any time; space, ← and → also alone while nothing is typed:".to_owned();
    let mut width = WIDTH;
    for (key, about) in bindings() {
        let entry = format!("{} {about}", name(key));
        let length = entry.chars().count();
        if width + 2 + length > WIDTH {
            text.push_str("\n  ");
            width = 2;
        } else {
            text.push_str(", ");
            width += 2;
        }
        text.push_str(&entry);
        width += length;
    }
    text
}

fn name(key: Key) -> String {
    match key {
        Key::Char('9') => "/".to_owned(),
        Key::Char('0') => "*".to_owned(),
        key => key.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_listed_within_the_width() {
        let list = list();
        for part in ["space pause", "← 5 s back", "shift-→ 1 s on", "/ softer", "Q stop and remember", "? keys"] {
            assert!(list.contains(part), "{part} in {list}");
        }
        assert!(list.lines().all(|line| line.chars().count() <= WIDTH + 8), "{list}");
    }
}
