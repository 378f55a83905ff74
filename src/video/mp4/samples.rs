//! The sample table of a track (ISO/IEC 14496-12, 8.6 and 8.7), read out row by row.
//!
//! ```text
//!   stsz   count and sizes                          size of each sample
//!   stco   offset of each chunk (co64: 64 bits)  ┐
//!   stsc   runs: from chunk n on, m samples each ┴─► offset of each sample
//!   stts   runs: m samples that last d ticks        ► dts of each sample
//!   ctts   runs: m samples shown o ticks after dts  ► cts of each sample
//!   stss   numbers of samples that are keyframes      (absent: all are)
//! ```

use super::{
    boxes::{Fields, find, require, rows, table},
    error::IndexError,
    limits::MAX_PACKETS,
};

/// One packet as the file describes it, times in ticks of the track's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// From the start of the file, in bytes.
    pub(super) offset: u64,
    pub(super) size: u32,
    pub(super) dts: i64,
    /// When it is shown, before the edit list.
    pub(super) cts: i64,
    /// Until the next one in decode order.
    pub(super) duration: u32,
    pub(super) keyframe: bool,
}

/// All samples of a sample table in decode order. `file_size` in bytes bounds how many it can rightly claim.
pub(super) fn samples(stbl: &[u8], file_size: u64) -> Result<Vec<Sample>, IndexError> {
    let mut samples = sizes(stbl, file_size)?;
    if !samples.is_empty() {
        place(stbl, &mut samples)?;
        time(stbl, &mut samples)?;
        mark_keyframes(stbl, &mut samples)?;
    }
    Ok(samples)
}

/// Sizes of all samples; everything else of them is still to be filled in.
fn sizes(stbl: &[u8], file_size: u64) -> Result<Vec<Sample>, IndexError> {
    let (_, _, mut fields) = Fields::full(require(stbl, *b"stsz", "it has no sizes (stsz)")?)?;
    let (common, count) = (fields.u32()?, fields.u32()?);
    if u64::from(count) > MAX_PACKETS as u64 {
        return Err(IndexError::TooManyPackets(count.into()));
    }
    let sample = |size| Sample { offset: 0, size, dts: 0, cts: 0, duration: 0, keyframe: false };
    if common == 0 {
        return Ok(rows::<1>(fields.rest(), count)?.map(|[size]| sample(size)).collect());
    }
    // Nothing but this count stands behind the claim, so it is held against the file itself.
    if u64::from(common) * u64::from(count) > file_size {
        return Err(IndexError::TooManyPackets(count.into()));
    }
    Ok(vec![sample(common); count as usize])
}

/// Gives each sample its offset: chunks have offsets, samples lie in chunks one behind the other.
fn place(stbl: &[u8], samples: &mut [Sample]) -> Result<(), IndexError> {
    let chunk_offsets = chunk_offsets(stbl)?;
    let runs = table::<3>(require(stbl, *b"stsc", "it has no chunks (stsc)")?)?;
    let mut left = samples.iter_mut();
    // A run lasts until the chunk with which the next one begins; chunks count from 1.
    let ends = runs.clone().skip(1).map(|[first, ..]| first).chain([u32::MAX]);
    for ([first, per_chunk, description], end) in runs.zip(ends) {
        if first == 0 || end <= first {
            return Err(IndexError::Malformed("its chunks (stsc) are out of order"));
        }
        if description != 1 {
            return Err(IndexError::SeveralFormats);
        }
        let chunks = chunk_offsets.get(first as usize - 1..).unwrap_or_default();
        for &chunk in chunks.iter().take((end - first) as usize) {
            let mut offset = chunk;
            for sample in left.by_ref().take(per_chunk as usize) {
                sample.offset = offset;
                offset = offset.saturating_add(sample.size.into());
            }
        }
    }
    if left.next().is_some() {
        return Err(IndexError::Malformed("it has more packets than places for them (stsc, stco)"));
    }
    Ok(())
}

fn chunk_offsets(stbl: &[u8]) -> Result<Vec<u64>, IndexError> {
    if let Some(stco) = find(stbl, *b"stco")? {
        return Ok(table::<1>(stco)?.map(|[offset]| offset.into()).collect());
    }
    let co64 = require(stbl, *b"co64", "it has no offsets (stco, co64)")?;
    Ok(table::<2>(co64)?.map(|[high, low]| u64::from(high) << 32 | u64::from(low)).collect())
}

/// Gives each sample its times. Where a table ends early its last duration goes on, and no offset is added to
/// the times of decoding.
fn time(stbl: &[u8], samples: &mut [Sample]) -> Result<(), IndexError> {
    let deltas = table::<2>(require(stbl, *b"stts", "it has no times (stts)")?)?;
    let [_, last] = deltas.clone().last().ok_or(IndexError::Malformed("its times (stts) are empty"))?;
    let deltas = expand(deltas).chain(std::iter::repeat(last));
    let offsets = find(stbl, *b"ctts")?.map(table::<2>).transpose()?.into_iter().flatten();
    let offsets = expand(offsets).chain(std::iter::repeat(0));
    let mut dts = 0_i64;
    for (sample, (delta, offset)) in samples.iter_mut().zip(deltas.zip(offsets)) {
        if i32::try_from(delta).is_err() {
            return Err(IndexError::Malformed("its times (stts) run backwards"));
        }
        sample.dts = dts;
        // Signed in version 1, and in version 0 written so by many all the same.
        sample.cts = dts + i64::from(offset.cast_signed());
        sample.duration = delta;
        dts += i64::from(delta);
    }
    Ok(())
}

/// Writes out a table of (count, value).
fn expand(runs: impl Iterator<Item = [u32; 2]>) -> impl Iterator<Item = u32> {
    runs.flat_map(|[count, value]| std::iter::repeat_n(value, count as usize))
}

/// Marks the samples that stss lists, and those of stps, where `QuickTime` lists keyframes that earlier pictures
/// follow. Without either every sample is one.
fn mark_keyframes(stbl: &[u8], samples: &mut [Sample]) -> Result<(), IndexError> {
    let lists = [find(stbl, *b"stss")?, find(stbl, *b"stps")?];
    if lists == [None, None] {
        for sample in samples.iter_mut() {
            sample.keyframe = true;
        }
    }
    for list in lists.into_iter().flatten() {
        for [number] in table::<1>(list)? {
            let sample = (number as usize).checked_sub(1).and_then(|position| samples.get_mut(position));
            if let Some(sample) = sample {
                sample.keyframe = true;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &[u8], body: &[u8]) -> Vec<u8> {
        [&u32::try_from(body.len() + 8).unwrap().to_be_bytes()[..], name, body].concat()
    }

    /// A full box of 32-bit words.
    fn words(name: &[u8], words: &[u32]) -> Vec<u8> {
        let body: Vec<u8> = [0].iter().chain(words).flat_map(|word| word.to_be_bytes()).collect();
        boxed(name, &body)
    }

    /// Five packets of 10 to 14 bytes: two in each of the first two chunks, then one.
    fn tables() -> Vec<Vec<u8>> {
        vec![
            words(b"stsz", &[0, 5, 10, 11, 12, 13, 14]),
            words(b"stsc", &[2, 1, 2, 1, 3, 1, 1]),
            words(b"co64", &[3, 0, 100, 1, 200, 0, 300]),
            words(b"stts", &[2, 2, 512, 1, 256]),
            words(b"ctts", &[2, 1, 1024, 2, (-512_i32).cast_unsigned()]),
            words(b"stss", &[2, 1, 4]),
            words(b"stps", &[1, 3]),
        ]
    }

    fn read(tables: &[Vec<u8>]) -> Result<Vec<Sample>, IndexError> {
        samples(&tables.concat(), 1 << 40)
    }

    #[test]
    fn rows_of_all_tables_come_together() {
        let samples = read(&tables()).unwrap();
        let places: Vec<_> = samples.iter().map(|sample| (sample.offset, sample.size)).collect();
        let second = (1 << 32) + 200;
        assert_eq!(places, [(100, 10), (110, 11), (second, 12), (second + 12, 13), (300, 14)]);
        // The last duration goes on where stts ends early, and offsets are 0 where ctts does.
        let times: Vec<_> = samples.iter().map(|sample| (sample.dts, sample.cts, sample.duration)).collect();
        assert_eq!(times, [(0, 1024, 512), (512, 0, 512), (1024, 512, 256), (1280, 1280, 256), (1536, 1536, 256)]);
        let keyframes: Vec<_> = samples.iter().map(|sample| sample.keyframe).collect();
        assert_eq!(keyframes, [true, false, true, true, false]);
    }

    #[test]
    fn one_size_for_all_and_no_list_of_keyframes() {
        let mut tables = tables();
        tables.truncate(4);
        tables[0] = words(b"stsz", &[20, 5]);
        let samples = read(&tables).unwrap();
        assert_eq!(samples.iter().map(|sample| sample.offset % 1000).collect::<Vec<_>>(), [100, 120, 496, 516, 300]);
        assert!(samples.iter().all(|sample| sample.keyframe && sample.cts == sample.dts));
    }

    #[test]
    fn bad_input_47_a_table_that_is_missing_or_points_nowhere() {
        for (missing, name) in ["stsz", "stsc", "stco", "stts"].iter().enumerate() {
            let mut tables = tables();
            tables.remove(missing);
            let error = read(&tables).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        for (place, table) in [
            (1, words(b"stsc", &[1, 4, 2, 1])),
            (1, words(b"stsc", &[2, 2, 2, 1, 1, 1, 1])),
            (1, words(b"stsc", &[1, u32::MAX, u32::MAX, 1])),
            (2, words(b"stco", &[1, 100])),
            (5, words(b"stss", &[u32::MAX, 1, 4])),
        ] {
            let mut tables = tables();
            tables[place] = table;
            assert!(matches!(read(&tables), Err(IndexError::Malformed(_))), "{:?}", tables[place]);
        }
        let mut tables = tables();
        tables[5] = words(b"stss", &[3, 0, u32::MAX, 2]);
        assert!(read(&tables).unwrap()[1].keyframe, "numbers beyond the table are passed over");
    }

    #[test]
    fn bad_input_50_runs_of_billions_cost_nothing() {
        let mut tables = tables();
        tables[1] = words(b"stsc", &[1, 1, u32::MAX, 1]);
        tables[3] = words(b"stts", &[2, u32::MAX, 1, u32::MAX, 1]);
        tables[4] = words(b"ctts", &[1, u32::MAX, 7]);
        assert_eq!(read(&tables).unwrap().len(), 5);
    }
}
