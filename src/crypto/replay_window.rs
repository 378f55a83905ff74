//! The numbers that one sender has used: the highest, and which of the 1024 up to it.
//!
//! Numbers below the window count as used, as in the anti-replay windows of ESP
//! ([RFC 4303 § 3.4.3](https://www.rfc-editor.org/rfc/rfc4303#section-3.4.3)).

/// Numbers that may still come late. A sender posts at most 50 in a second, so this is 20 s of disorder at least.
const WIDTH: u64 = 1024;
const WORDS: usize = 16;

/// See the module. Holds at least one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    high: u64,
    /// Bit `n`, counted from the lowest bit of the first word: `high - n` was used.
    seen: [u64; WORDS],
}

impl Window {
    pub(super) fn new(sequence: u64) -> Self {
        let mut seen = [0; WORDS];
        seen[0] = 1;
        Self { high: sequence, seen }
    }

    pub(super) fn contains(&self, sequence: u64) -> bool {
        match self.high.checked_sub(sequence) {
            None => false,
            Some(back) if back >= WIDTH => true,
            Some(back) => {
                let (word, bit) = place(back);
                self.seen[word] & bit != 0
            }
        }
    }

    pub(super) fn mark(&mut self, sequence: u64) {
        if sequence > self.high {
            self.advance(sequence - self.high);
            self.high = sequence;
        }
        let back = self.high - sequence;
        if back < WIDTH {
            let (word, bit) = place(back);
            self.seen[word] |= bit;
        }
    }

    /// The highest number, and the bits as bytes, lowest first, without zeros at the end.
    pub(super) fn encode(&self) -> (u64, Vec<u8>) {
        let mut bytes: Vec<u8> = self.seen.iter().flat_map(|word| word.to_le_bytes()).collect();
        let length = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        bytes.truncate(length);
        (self.high, bytes)
    }

    /// `None` when there are more bits than a window has, or the highest number is not among them.
    pub(super) fn decode(high: u64, bytes: &[u8]) -> Option<Self> {
        let mut all = [0; WORDS * 8];
        all.get_mut(..bytes.len())?.copy_from_slice(bytes);
        let mut seen = [0; WORDS];
        for (word, bytes) in seen.iter_mut().zip(all.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        (seen[0] & 1 == 1).then_some(Self { high, seen })
    }

    /// Moves every bit `by` places up; what leaves the window is forgotten.
    fn advance(&mut self, by: u64) {
        if by >= WIDTH {
            self.seen = [0; WORDS];
            return;
        }
        let words = usize::try_from(by / 64).unwrap_or(WORDS);
        let bits = by % 64;
        for at in (0..WORDS).rev() {
            let from = |back: usize| at.checked_sub(words + back).map_or(0, |at| self.seen[at]);
            // A shift by 64 would overflow, so the part that crosses a word moves in two steps.
            self.seen[at] = from(0) << bits | (from(1) >> 1) >> (63 - bits);
        }
    }
}

fn place(back: u64) -> (usize, u64) {
    (usize::try_from(back / 64).unwrap_or(WORDS - 1), 1 << (back % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_below_the_window_counts_as_used() {
        let mut window = Window::new(5000);
        assert!(!window.contains(5001) && window.contains(5000) && !window.contains(4999));
        assert!(!window.contains(5000 - 1023) && window.contains(5000 - 1024));
        window.mark(3000);
        assert!(!window.contains(4999), "a mark below the window changes nothing");
        window.mark(5000 - 1023);
        assert!(window.contains(5000 - 1023));
    }

    #[test]
    fn the_ends_of_the_numbers_do_no_harm() {
        let mut window = Window::new(0);
        window.mark(u64::MAX);
        assert!(window.contains(u64::MAX) && window.contains(0) && !window.contains(u64::MAX - 1));
        window.mark(u64::MAX - 1);
        assert!(window.contains(u64::MAX - 1));
    }

    #[test]
    fn bytes_that_are_no_window_are_refused() {
        assert_eq!(Window::decode(9, &[]), None);
        assert_eq!(Window::decode(9, &[2]), None);
        assert_eq!(Window::decode(9, &[1; 129]), None);
        assert_eq!(Window::decode(9, &[1]), Some(Window::new(9)));
    }

    proptest! {
        /// Against a plain set of numbers.
        #[test]
        fn a_window_is_a_set_with_a_horizon(steps in prop::collection::vec((0u64..3000, any::<bool>()), 1..200)) {
            let start = 10_000;
            let mut window = Window::new(start);
            let (mut used, mut high) = (BTreeSet::from([start]), start);
            for (step, up) in steps {
                let sequence = if up { high + step } else { high.saturating_sub(step) };
                let expected = used.contains(&sequence) || sequence + WIDTH <= high;
                prop_assert_eq!(window.contains(sequence), expected, "{}", sequence);
                window.mark(sequence);
                used.insert(sequence);
                high = high.max(sequence);
                let (high, bytes) = window.encode();
                prop_assert_eq!(Window::decode(high, &bytes), Some(window.clone()));
            }
        }
    }
}
