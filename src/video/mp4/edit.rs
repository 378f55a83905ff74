//! The edit list of a track (ISO/IEC 14496-12, 8.6.6): what of it is shown, and when.
//!
//! ```text
//!   track's clock     │■ · · · · ■ · · ·│· ■ ·      decoded from the keyframe before `start` on
//!                     0        start    end
//!   title         │ delay │· ■ · · ·│               shown: start ≤ cts < end, `delay` after the title's start
//! ```

use super::{
    boxes::{Fields, find},
    error::IndexError,
};

/// What an edit list says, in ticks of the track's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// Nothing is shown for so long at first.
    pub(super) delay: i64,
    /// What is shown begins here.
    pub(super) start: i64,
    /// And ends before here.
    pub(super) end: i64,
}

impl Edit {
    /// All of a track.
    pub(super) const NONE: Self = Self { delay: 0, start: i64::MIN, end: i64::MAX };

    /// Whether a picture is shown at all.
    pub(super) fn shows(self, cts: i64) -> bool {
        (self.start..self.end).contains(&cts)
    }
}

/// Reads the edit list of a track. Lengths in it are in ticks of the movie's clock, of which `movie_scale` are
/// a second, as `media_scale` are of the track's.
///
/// Pauses at the start and then one part of the track are understood; that is what encoders and recorders
/// write. The speed of the part is ignored, as FFmpeg does.
pub(super) fn edit(trak: &[u8], movie_scale: u32, media_scale: u32) -> Result<Edit, IndexError> {
    let list = match find(trak, *b"edts")? {
        Some(edts) => find(edts, *b"elst")?,
        None => None,
    };
    let Some(list) = list else { return Ok(Edit::NONE) };
    let (version, _, mut fields) = Fields::full(list)?;
    let count = fields.u32()?;
    let (mut delay, mut part) = (0_i64, None);
    for _ in 0..count {
        let length = rescale(fields.u32_or_u64(version)?, movie_scale, media_scale);
        let start = if version == 1 { fields.u64()?.cast_signed() } else { i64::from(fields.i32()?) };
        fields.u32()?;
        match start {
            // Behind the part, a pause shows nothing that is not already over.
            ..=-1 => delay = delay.saturating_add(if part.is_none() { length } else { 0 }),
            _ if part.is_some() => return Err(IndexError::SeveralEdits),
            // A length of zero stands in files whose length was not known when it was written.
            _ => part = Some((start, if length == 0 { i64::MAX } else { start.saturating_add(length) })),
        }
    }
    let (start, end) = part.unwrap_or((i64::MIN, i64::MAX));
    Ok(Edit { delay, start, end })
}

/// `ticks` of a clock with `from` ticks a second on one with `to`, rounded to the nearest: as FFmpeg rounds, so
/// that the same pictures are within.
fn rescale(ticks: u64, from: u32, to: u32) -> i64 {
    let from = u128::from(from.max(1));
    let scaled = (u128::from(ticks) * u128::from(to) + from / 2) / from;
    i64::try_from(scaled).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A track with an edit list of version 1 with these (length, start).
    fn trak(entries: &[(u64, i64)]) -> Vec<u8> {
        let mut elst = vec![1, 0, 0, 0];
        elst.extend(u32::try_from(entries.len()).unwrap().to_be_bytes());
        for (length, start) in entries {
            elst.extend(length.to_be_bytes());
            elst.extend(start.to_be_bytes());
            elst.extend([0, 1, 0, 0]);
        }
        let boxed = |name: &[u8], inner: &[u8]| {
            [&u32::try_from(inner.len() + 8).unwrap().to_be_bytes()[..], name, inner].concat()
        };
        boxed(b"edts", &boxed(b"elst", &elst))
    }

    #[test]
    fn a_pause_and_one_part_are_brought_to_the_tracks_clock() {
        assert_eq!(edit(b"", 1000, 12_800).unwrap(), Edit::NONE);
        let part = edit(&trak(&[(3000, 1024)]), 1000, 12_800).unwrap();
        assert_eq!(part, Edit { delay: 0, start: 1024, end: 1024 + 38_400 });
        assert!(part.shows(1024) && !part.shows(1023) && !part.shows(part.end));
        let rounded = edit(&trak(&[(2, 0)]), 3, 1).unwrap();
        assert_eq!(rounded.end, 1, "two thirds of a tick are nearer to one than to none");
        let paused = edit(&trak(&[(500, -1), (0, 0), (9, -1)]), 1000, 12_800).unwrap();
        assert_eq!(paused, Edit { delay: 6400, start: 0, end: i64::MAX });
    }

    #[test]
    fn several_parts_are_refused_and_extreme_numbers_stay_in_range() {
        assert!(matches!(edit(&trak(&[(1, 0), (1, 9)]), 1000, 1000), Err(IndexError::SeveralEdits)));
        let extreme = edit(&trak(&[(u64::MAX, i64::MIN), (u64::MAX, i64::MAX)]), 0, u32::MAX).unwrap();
        assert_eq!(extreme, Edit { delay: i64::MAX, start: i64::MAX, end: i64::MAX });
        let mut cut = trak(&[(1, 0)]);
        cut[23] = 2;
        assert!(edit(&cut, 1, 1).is_err(), "a second entry that is not there");
    }
}
