//! Boxes inside a header, and the fields in them (ISO/IEC 14496-12, 4.2).
//!
//! Everything is a view into one slice: a box cannot reach out of the one around it, nothing is followed by
//! offset, so there are no cycles, and nothing is allocated.

use super::error::IndexError;

/// A box's four-character type.
pub(super) type BoxType = [u8; 4];

/// The boxes in `rest`, one behind the other. Ends after the first error.
pub(super) struct Boxes<'a> {
    rest: &'a [u8],
}

/// The boxes in `body`.
pub(super) fn boxes(body: &[u8]) -> Boxes<'_> {
    Boxes { rest: body }
}

/// The first box of a type in `body`.
pub(super) fn find(body: &[u8], name: BoxType) -> Result<Option<&[u8]>, IndexError> {
    for entry in boxes(body) {
        let (found, inner) = entry?;
        if found == name {
            return Ok(Some(inner));
        }
    }
    Ok(None)
}

/// The first box of a type in `body`, or an error that says which is missing.
pub(super) fn require<'a>(body: &'a [u8], name: BoxType, missing: &'static str) -> Result<&'a [u8], IndexError> {
    find(body, name)?.ok_or(IndexError::Malformed(missing))
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<(BoxType, &'a [u8]), IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        // QuickTime ends some lists with zeros.
        if self.rest.len() < 8 || self.rest.starts_with(&[0; 8]) {
            return None;
        }
        let split = split(self.rest);
        match &split {
            Some((_, _, rest)) => self.rest = rest,
            None => self.rest = &[],
        }
        let damaged = IndexError::Malformed("a box in it does not fit into the one around it");
        Some(split.map(|(name, inner, _)| (name, inner)).ok_or(damaged))
    }
}

/// The first box of `bytes`: its type, what is in it, and what follows.
fn split(bytes: &[u8]) -> Option<(BoxType, &[u8], &[u8])> {
    let mut fields = Fields::new(bytes);
    let short = fields.u32().ok()?;
    let name = fields.u32().ok()?.to_be_bytes();
    // 0, to the end of the file, is for boxes at the top only; here it is too short for its own head.
    let size = match short {
        1 => fields.u64().ok()?,
        size => u64::from(size),
    };
    let head = bytes.len() - fields.rest.len();
    let (this, rest) = bytes.split_at_checked(usize::try_from(size).ok()?)?;
    Some((name, this.get(head..)?, rest))
}

/// Big-endian numbers, one behind the other.
#[derive(Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The version and flags that begin a full box, and the fields behind them.
    pub(super) fn full(bytes: &'a [u8]) -> Result<(u8, u32, Self), IndexError> {
        let mut fields = Self::new(bytes);
        let [version, flags @ ..] = fields.u32()?.to_be_bytes();
        Ok((version, u32::from_be_bytes([0, flags[0], flags[1], flags[2]]), fields))
    }

    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], IndexError> {
        let (bytes, rest) =
            self.rest.split_first_chunk().ok_or(IndexError::Malformed("a box in it is too short for its fields"))?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, IndexError> {
        self.take().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, IndexError> {
        self.take().map(u32::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, IndexError> {
        self.take().map(i32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, IndexError> {
        self.take().map(u64::from_be_bytes)
    }

    /// 64 bits in version 1 of a box, 32 in version 0.
    pub(super) fn u32_or_u64(&mut self, version: u8) -> Result<u64, IndexError> {
        if version == 1 { self.u64() } else { self.u32().map(u64::from) }
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// The rows of a table: a full box with a count and rows of `N` words of 32 bits. A count that does not fit
/// the box is an error before a row is read.
pub(super) fn table<const N: usize>(
    body: &[u8],
) -> Result<impl ExactSizeIterator<Item = [u32; N]> + Clone + '_, IndexError> {
    let (_, _, mut fields) = Fields::full(body)?;
    let count = fields.u32()?;
    rows(fields.rest(), count)
}

/// `count` rows of `N` words of 32 bits at the start of `bytes`.
pub(super) fn rows<const N: usize>(
    bytes: &[u8],
    count: u32,
) -> Result<impl ExactSizeIterator<Item = [u32; N]> + Clone + '_, IndexError> {
    let rows = usize::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(4 * N))
        .and_then(|length| bytes.get(..length))
        .ok_or(IndexError::Malformed("a table in it claims more rows than it has"))?;
    Ok(rows.chunks_exact(4 * N).map(|row| {
        let (words, _) = row.as_chunks::<4>();
        std::array::from_fn(|column| words.get(column).map_or(0, |word| u32::from_be_bytes(*word)))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_follow_one_another_and_large_sizes_are_read() {
        let bytes = [
            &[0, 0, 0, 9, b'o', b'n', b'e', b' ', 7][..],
            &[0, 0, 0, 1, b't', b'w', b'o', b' ', 0, 0, 0, 0, 0, 0, 0, 17, 8],
            &[0; 9],
        ]
        .concat();
        let found: Vec<_> = boxes(&bytes).map(Result::unwrap).collect();
        assert_eq!(found, [(*b"one ", &[7][..]), (*b"two ", &[8][..])]);
        assert_eq!(find(&bytes, *b"two ").unwrap(), Some(&[8][..]));
        assert!(find(&bytes, *b"none").unwrap().is_none());
    }

    #[test]
    fn bad_input_47_a_box_of_size_zero_to_seven_or_beyond_its_parent_is_an_error_and_the_end() {
        for head in [[0; 4], [0, 0, 0, 7], [0, 0, 0, 2], [0, 0, 0, 17], [0xff; 4], [0, 0, 0, 1]] {
            let bytes = [&head[..], b"evil", &[0xff; 8]].concat();
            let found: Vec<_> = boxes(&bytes).collect();
            assert!(matches!(found[..], [Err(IndexError::Malformed(_))]), "{head:?}: {found:?}");
        }
    }

    #[test]
    fn bad_input_50_a_table_that_claims_more_than_it_has_is_refused_before_it_is_read() {
        let body = [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4];
        assert!(table::<1>(&body).is_err());
        let body = [0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4];
        assert_eq!(table::<1>(&body).unwrap().collect::<Vec<_>>(), [[0x0102_0304]]);
        assert!(table::<2>(&body).is_err());
    }
}
