//! The boxes at the top of a file: finds the header and reads it into memory, within bounds.

use super::{
    boxes::BoxType,
    error::IndexError,
    input::Input,
    limits::{MAX_BOXES, MAX_HEADER},
};

/// What a file begins with when it is one of ours.
const FIRST: [&BoxType; 11] =
    [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid", b"moof", b"sidx"];

/// The parts of a file that say where its packets are.
pub(super) struct Layout {
    /// What is in the moov box.
    pub(super) moov: Vec<u8>,
    /// What is in each moof box, with where the box begins in the file.
    pub(super) fragments: Vec<(u64, Vec<u8>)>,
}

/// One box at the top of a file.
struct TopBox {
    name: BoxType,
    /// Of its contents.
    start: u64,
    end: u64,
}

/// Walks over the top of a file.
pub(super) fn layout(input: &(impl Input + ?Sized)) -> Result<Layout, IndexError> {
    let size = input.size();
    if size == 0 {
        return Err(IndexError::Empty);
    }
    let (mut moov, mut fragments) = (None, Vec::new());
    let (mut offset, mut held) = (0, 0);
    for count in 0.. {
        // A few bytes at the end are no box; players ignore them.
        if size - offset < 8 {
            break;
        }
        if count == MAX_BOXES {
            return Err(IndexError::TooManyBoxes);
        }
        let found = top_box(input, offset)?;
        if offset == 0 && !FIRST.contains(&&found.name) {
            return Err(IndexError::NotMp4);
        }
        if found.end > size {
            if moov.is_some() && !matches!(&found.name, b"mdat" | b"moof") {
                break;
            }
            return Err(IndexError::Truncated { have: size, need: found.end });
        }
        match &found.name {
            b"moov" if moov.is_none() => moov = Some(contents(input, &found, &mut held)?),
            b"moof" => fragments.push((offset, contents(input, &found, &mut held)?)),
            _ => {}
        }
        offset = found.end;
    }
    moov.map(|moov| Layout { moov, fragments }).ok_or(IndexError::NoHeader)
}

fn top_box(input: &(impl Input + ?Sized), offset: u64) -> Result<TopBox, IndexError> {
    let mut head = [0; 8];
    input.read_at(offset, &mut head)?;
    let [s0, s1, s2, s3, name @ ..] = head;
    let (head_size, size) = match u32::from_be_bytes([s0, s1, s2, s3]) {
        0 => (8, input.size() - offset),
        1 => {
            let mut large = [0; 8];
            if input.size() - offset < 16 {
                return Err(IndexError::Truncated { have: input.size(), need: offset + 16 });
            }
            input.read_at(offset + 8, &mut large)?;
            (16, u64::from_be_bytes(large))
        }
        size => (8, u64::from(size)),
    };
    if size < head_size {
        let first = offset == 0;
        return Err(if first {
            IndexError::NotMp4
        } else {
            IndexError::Malformed("a box in it is smaller than its own head")
        });
    }
    Ok(TopBox { name, start: offset + head_size, end: offset.saturating_add(size) })
}

/// Reads what is in a box. `held` counts what is in memory already.
fn contents(input: &(impl Input + ?Sized), found: &TopBox, held: &mut u64) -> Result<Vec<u8>, IndexError> {
    let length = found.end - found.start;
    *held += length;
    if *held > MAX_HEADER {
        return Err(IndexError::HeaderTooLarge(*held));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| IndexError::HeaderTooLarge(length))?];
    input.read_at(found.start, &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &[u8], contents: &[u8]) -> Vec<u8> {
        let size = u32::try_from(contents.len() + 8).unwrap();
        [&size.to_be_bytes()[..], name, contents].concat()
    }

    fn error(bytes: &[u8]) -> String {
        layout(bytes).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn the_header_is_found_before_and_behind_the_media() {
        let (ftyp, mdat, moov) = (boxed(b"ftyp", b"isom"), boxed(b"mdat", &[7; 99]), boxed(b"moov", b"header"));
        for order in [[&ftyp, &mdat, &moov], [&ftyp, &moov, &mdat], [&moov, &ftyp, &mdat]] {
            assert_eq!(layout(&order.map(Vec::as_slice).concat()[..]).unwrap().moov, b"header");
        }
        let trailing = [&ftyp[..], &moov, b"junk"].concat();
        assert_eq!(layout(&trailing[..]).unwrap().moov, b"header");
    }

    #[test]
    fn fragments_are_read_with_their_place() {
        let bytes =
            [boxed(b"moov", b""), boxed(b"moof", b"one"), boxed(b"mdat", b"x"), boxed(b"moof", b"two")].concat();
        assert_eq!(layout(&bytes[..]).unwrap().fragments, [(8, b"one".to_vec()), (28, b"two".to_vec())]);
    }

    #[test]
    fn bad_input_47_no_moov_and_cut_files_say_what_is_missing() {
        let ftyp = boxed(b"ftyp", b"isom");
        assert!(error(&ftyp).contains("no moov box"));
        let mut cut = [&ftyp[..], &boxed(b"mdat", &[0; 100])].concat();
        cut.truncate(50);
        assert_eq!(error(&cut), "it ends after 50 bytes of 120 bytes: still being copied?");
        let huge = [&ftyp[..], &[0, 0, 0, 1], b"mdat", &[0xff; 8]].concat();
        assert!(error(&huge).contains("still being copied"));
        assert!(error(&huge[..24]).contains("still being copied"));
    }

    #[test]
    fn bad_input_47_a_box_of_size_zero_or_one_ends_the_walk() {
        let ftyp = boxed(b"ftyp", b"isom");
        assert!(error(&[&ftyp[..], &[0; 4], b"mdat", b"to the end of the file"].concat()).contains("no moov box"));
        let open_end = [&ftyp[..], &[0; 4], b"moov", b"header"].concat();
        assert_eq!(layout(&open_end[..]).unwrap().moov, b"header");
        for size in [2_u32, 7] {
            assert!(error(&[&ftyp[..], &size.to_be_bytes(), b"mdat", &[0; 20]].concat()).contains("damaged"));
        }
        assert!(error(&[&ftyp[..], &[0, 0, 0, 1], b"mdat", &[0; 20]].concat()).contains("damaged"));
    }

    #[test]
    fn bad_input_48_an_empty_file_and_one_that_is_none_of_ours() {
        assert!(error(b"").contains("empty"));
        for bytes in [&b"<!DOCTYPE html><html>"[..], &[0; 64], &[0xff; 64], b"\x1aE\xdf\xa3webm and so on"] {
            assert!(error(bytes).contains("not an MP4"), "{bytes:?}");
        }
    }

    #[test]
    fn bad_input_50_a_huge_header_is_not_read() {
        struct Endless;
        impl Input for Endless {
            fn size(&self) -> u64 {
                u64::MAX
            }
            fn read_at(&self, _: u64, buffer: &mut [u8]) -> std::io::Result<()> {
                assert!(buffer.len() <= 8, "reads a header of {} bytes", buffer.len());
                buffer.copy_from_slice(&b"\xff\xff\xff\xffmoov"[..buffer.len()]);
                Ok(())
            }
        }
        let error = layout(&Endless).map(|_| ()).unwrap_err();
        assert!(matches!(error, IndexError::HeaderTooLarge(_)), "{error}");
    }
}
