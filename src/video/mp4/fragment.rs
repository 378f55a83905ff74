//! Movie fragments (ISO/IEC 14496-12, 8.8): packets that are listed piece by piece behind the header.
//!
//! ```text
//!   moov └ mvex └ trex     what holds for a track unless a fragment says otherwise
//!   moof ┬ mfhd
//!        └ traf ┬ tfhd     whose samples, where their bytes begin, what holds for this fragment
//!               ├ tfdt     when the first is decoded
//!               └ trun     count and, as its flags say, for each: duration, size, flags, offset to pts
//!   mdat                   the bytes
//! ```

use super::{
    boxes::{Fields, boxes, find, require},
    error::IndexError,
    limits::MAX_PACKETS,
    samples::Sample,
};

/// What a fragment does not say of a sample.
#[derive(Clone, Copy, Default)]
struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

/// Goes over all fragments and collects the samples of one track.
pub(super) struct Fragments<'a> {
    track: u32,
    movie_defaults: Option<&'a [u8]>,
    samples: Vec<Sample>,
    file_size: u64,
}

/// Where one track's part of a fragment stands.
struct Cursor {
    base: u64,
    offset: u64,
    dts: i64,
    defaults: Defaults,
}

impl<'a> Fragments<'a> {
    /// `moov` is the header, `samples` what it lists itself: none in most fragmented files.
    pub(super) fn new(track: u32, moov: &'a [u8], samples: Vec<Sample>, file_size: u64) -> Result<Self, IndexError> {
        Ok(Self { track, movie_defaults: find(moov, *b"mvex")?, samples, file_size })
    }

    /// Takes in the contents of one moof box that begins at `start` in the file.
    pub(super) fn add(&mut self, start: u64, moof: &[u8]) -> Result<(), IndexError> {
        // Where the data of the part before ends: there the next begins when it does not say.
        let mut end = start;
        for entry in boxes(moof) {
            if let (name, traf) = entry?
                && name == *b"traf"
            {
                end = self.track_part(start, end, traf)?;
            }
        }
        Ok(())
    }

    /// All samples in decode order.
    pub(super) fn finish(self) -> Vec<Sample> {
        self.samples
    }

    fn track_part(&mut self, moof_start: u64, previous_end: u64, traf: &[u8]) -> Result<u64, IndexError> {
        let (_, flags, mut fields) = Fields::full(require(traf, *b"tfhd", "a fragment has no head (tfhd)")?)?;
        let track = fields.u32()?;
        let base = if flags & 0x1 != 0 {
            fields.u64()?
        } else if flags & 0x2_0000 != 0 {
            moof_start
        } else {
            previous_end
        };
        if flags & 0x2 != 0 && fields.u32()? != 1 && track == self.track {
            return Err(IndexError::SeveralFormats);
        }
        let mut defaults = self.defaults(track)?;
        for (flag, field) in [(0x8, &mut defaults.duration), (0x10, &mut defaults.size), (0x20, &mut defaults.flags)] {
            if flags & flag != 0 {
                *field = fields.u32()?;
            }
        }
        let dts = self.decode_time(traf)?;
        let mut cursor = Cursor { base, offset: base, dts, defaults };
        for entry in boxes(traf) {
            if let (name, trun) = entry?
                && name == *b"trun"
            {
                self.run(trun, &mut cursor, track == self.track)?;
            }
        }
        Ok(cursor.offset)
    }

    /// What trex says of a track.
    fn defaults(&self, track: u32) -> Result<Defaults, IndexError> {
        for entry in boxes(self.movie_defaults.unwrap_or_default()) {
            let (name, trex) = entry?;
            if name != *b"trex" {
                continue;
            }
            let (_, _, mut fields) = Fields::full(trex)?;
            if fields.u32()? == track {
                fields.u32()?;
                return Ok(Defaults { duration: fields.u32()?, size: fields.u32()?, flags: fields.u32()? });
            }
        }
        Ok(Defaults::default())
    }

    /// When a part begins to be decoded: as it says, else where the one before ended.
    fn decode_time(&self, traf: &[u8]) -> Result<i64, IndexError> {
        let Some(tfdt) = find(traf, *b"tfdt")? else {
            return Ok(self.samples.last().map_or(0, |last| last.dts + i64::from(last.duration)));
        };
        let (version, _, mut fields) = Fields::full(tfdt)?;
        // Room to add 2,000,000 durations of 32 bits without a check at each.
        let time = i64::try_from(fields.u32_or_u64(version)?).ok().filter(|time| *time < i64::MAX / 4);
        time.ok_or(IndexError::Malformed("a fragment begins at an impossible time (tfdt)"))
    }

    fn run(&mut self, trun: &[u8], cursor: &mut Cursor, ours: bool) -> Result<(), IndexError> {
        let (_, flags, mut fields) = Fields::full(trun)?;
        let count = fields.u32()?;
        // Where the run has no sizes, nothing stands behind its count but the file itself.
        let common = if flags & 0x200 == 0 { u64::from(cursor.defaults.size.max(1)) } else { 0 };
        if count as usize > MAX_PACKETS - self.samples.len() || common * u64::from(count) > self.file_size {
            return Err(IndexError::TooManyPackets(self.samples.len() as u64 + u64::from(count)));
        }
        if flags & 0x1 != 0 {
            cursor.offset = cursor.base.saturating_add_signed(fields.i32()?.into());
        }
        let first_flags = if flags & 0x4 != 0 { Some(fields.u32()?) } else { None };
        for number in 0..count {
            let mut field = |flag, default| if flags & flag != 0 { fields.u32() } else { Ok(default) };
            let duration = field(0x100, cursor.defaults.duration)?;
            let size = field(0x200, cursor.defaults.size)?;
            let sample_flags = field(0x400, cursor.defaults.flags)?;
            let shift = field(0x800, 0)?.cast_signed();
            let sample_flags = first_flags.filter(|_| number == 0).unwrap_or(sample_flags);
            if ours {
                self.samples.push(Sample {
                    offset: cursor.offset,
                    size,
                    dts: cursor.dts,
                    cts: cursor.dts + i64::from(shift),
                    duration,
                    // Neither "is no sync sample" nor "depends on others".
                    keyframe: sample_flags & 0x0101_0000 == 0,
                });
            }
            cursor.offset = cursor.offset.saturating_add(size.into());
            cursor.dts += i64::from(duration);
        }
        Ok(())
    }
}
