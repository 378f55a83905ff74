//! Hides the length of what is encrypted: Padmé, with a floor.
//!
//! Padmé (Nikitin et al., [Reducing Metadata Leakage from Encrypted Files and Communication with
//! PURBs](https://doi.org/10.2478/popets-2019-0056), § 4) rounds a length up so that only its leading bits
//! tell: at most 12 % are added, less for longer texts, and a length of n bits tells O(log log n) bits.
//!
//! ```text
//!  ┌────────────┬───────────┬──────────────────────┐
//!  │ length u32 │  content  │ zeros up to Padmé(n) │      n = 4 + length, at least 1024
//!  └────────────┴───────────┴──────────────────────┘
//! ```

use zeroize::Zeroizing;

/// Shortest padded length in bytes. A letter without its text has about 610, so that this hides whether the text is
/// one character or four hundred.
const FLOOR: usize = 1024;
const LENGTH: usize = 4;

/// Length in bytes after padding of `length` bytes of content.
pub(super) fn padded_length(length: usize) -> usize {
    padme((LENGTH + length).max(FLOOR))
}

/// Whether `length` is one that padding gives.
pub(super) fn is_padded_length(length: usize) -> bool {
    length >= FLOOR && padme(length) == length
}

/// Bytes of the longest content whose padded length is at most `room`; `None` when there is none.
pub(super) fn longest_content(room: usize) -> Option<usize> {
    (room >= FLOOR).then(|| (room & !fill(room)) - LENGTH)
}

fn padme(length: usize) -> usize {
    let fill = fill(length);
    (length + fill) & !fill
}

/// The bits that are rounded away, for a length of at least 2.
fn fill(length: usize) -> usize {
    let exponent = length.ilog2();
    let significant = exponent.ilog2() + 1;
    (1usize << (exponent - significant)) - 1
}

/// Pads `content`, which has less than 4 GiB. `spare` bytes of room are left for a tag.
pub(super) fn pad(content: &[u8], spare: usize) -> Zeroizing<Vec<u8>> {
    let length = padded_length(content.len());
    let mut padded = Zeroizing::new(Vec::with_capacity(length + spare));
    padded.extend_from_slice(&u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
    padded.extend_from_slice(content);
    padded.resize(length, 0);
    padded
}

/// The content of `padded`; `None` unless it is what [`pad`] gives, to the last zero.
pub(super) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (length, rest) = padded.split_first_chunk::<LENGTH>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (content, zeros) = rest.split_at_checked(length)?;
    let canonical = padded_length(length) == padded.len() && zeros.iter().all(|byte| *byte == 0);
    canonical.then_some(content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_those_of_the_paper_above_the_floor() {
        // 9 is the paper's own example: it becomes 10.
        assert_eq!(padme(9), 10);
        for (content, padded) in [(0, 1024), (1020, 1024), (1021, 1088), (5000, 5120), (1_000_600, 1_015_808)] {
            assert_eq!(padded_length(content), padded, "{content}");
            assert!(is_padded_length(padded));
        }
        assert!(!is_padded_length(0) && !is_padded_length(512) && !is_padded_length(1025));
    }

    #[test]
    fn anything_but_canonical_padding_is_refused() {
        let padded = pad(b"text", 16);
        assert_eq!(unpad(&padded), Some(&b"text"[..]));
        let mut longer = padded.to_vec();
        longer.resize(1088, 0);
        let mut dirty = padded.to_vec();
        *dirty.last_mut().unwrap() = 1;
        let mut lying = padded.to_vec();
        lying[..4].copy_from_slice(&u32::MAX.to_be_bytes());
        for wrong in [&longer[..], &dirty, &lying, &padded[..1023], &padded[..3], &[]] {
            assert_eq!(unpad(wrong), None);
        }
    }

    proptest! {
        #[test]
        fn every_length_comes_back_and_costs_at_most_an_eighth(length in 0usize..70_000) {
            let padded = pad(&vec![0xab; length], 0);
            prop_assert!(is_padded_length(padded.len()));
            prop_assert!(padded.len() <= FLOOR.max((length + LENGTH) * 9 / 8));
            prop_assert_eq!(unpad(&padded).map(<[u8]>::len), Some(length));
        }

        #[test]
        fn the_longest_content_fits_and_one_more_byte_does_not(room in FLOOR..2_000_000) {
            let longest = longest_content(room).unwrap();
            prop_assert!(padded_length(longest) <= room);
            prop_assert!(padded_length(longest + 1) > room);
        }
    }
}
