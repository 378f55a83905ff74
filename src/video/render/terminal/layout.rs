//! Where the picture goes: the upper rows, as large as they allow; the lines of the conversation stay below.

/// Width and height of a character when the terminal does not say, in pixels: about what they have anywhere.
pub(super) const USUAL_CELL: (u16, u16) = (8, 16);

/// Rows that stay for the conversation at least: a third of the screen, but this many.
const FEWEST_ROWS_OF_TEXT: u16 = 5;

/// The same when the picture was asked to fill the screen: the line that is typed and two above it.
const ROWS_OF_TEXT_BELOW_A_FULL_SCREEN: u16 = 3;

/// A picture with fewer rows or columns is none.
const SMALLEST: (u16, u16) = (8, 2);

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: u16,
    pub(super) rows: u16,
}

/// What the rows are for, counted from 1 at the top: the picture, captions, one line of status, the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) size: Size,
    /// The first column of the picture, from 1: it stands in the middle.
    pub(super) left: u16,
    /// Columns and rows that the picture covers.
    pub(super) columns: u16,
    pub(super) rows: u16,
    /// Rows between picture and status.
    pub(super) captions: u16,
    /// Width and height of a character, in pixels.
    pub(super) cell: (u16, u16),
}

/// What a layout is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Width and height of the picture, in square pixels.
    pub(super) picture: (u32, u32),
    pub(super) captions: u16,
    pub(super) is_full: bool,
}

impl Layout {
    /// The largest picture of its shape that fits; none when the terminal is too small for any.
    pub(super) fn new(size: Size, cell: (u16, u16), wanted: Wanted) -> Option<Self> {
        let of_text =
            if wanted.is_full { ROWS_OF_TEXT_BELOW_A_FULL_SCREEN } else { FEWEST_ROWS_OF_TEXT.max(size.rows / 3) };
        let rows = size.rows.checked_sub(of_text + 1 + wanted.captions)?;
        if size.columns < SMALLEST.0 || rows < SMALLEST.1 {
            return None;
        }
        let (columns, rows) = fit((size.columns, rows), cell, wanted.picture);
        let left = (size.columns - columns) / 2 + 1;
        Some(Self { size, left, columns, rows, captions: wanted.captions, cell })
    }

    /// The row of the status line.
    pub(super) fn status(&self) -> u16 {
        self.rows + self.captions + 1
    }

    /// The first row of the conversation; the last is the terminal's.
    pub(super) fn text(&self) -> u16 {
        self.status() + 1
    }

    /// Width and height of the area of the picture, in pixels.
    pub(super) fn pixels(&self) -> (u32, u32) {
        (u32::from(self.columns) * u32::from(self.cell.0), u32::from(self.rows) * u32::from(self.cell.1))
    }
}

/// The most columns and rows within `room` that have the shape of a picture.
fn fit(room: (u16, u16), cell: (u16, u16), picture: (u32, u32)) -> (u16, u16) {
    let [width, height] = [picture.0, picture.1].map(|side| u64::from(side.max(1)));
    let [cell_width, cell_height] = [cell.0, cell.1].map(|side| u64::from(side.max(1)));
    let divide = |dividend: u64, divisor: u64| u16::try_from((dividend + divisor / 2) / divisor).unwrap_or(u16::MAX);
    let columns = divide(u64::from(room.1) * cell_height * width, height * cell_width);
    if columns <= room.0 {
        return (columns.max(1), room.1);
    }
    let rows = divide(u64::from(room.0) * cell_width * height, width * cell_height);
    (room.0, rows.clamp(1, room.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layout(columns: u16, rows: u16, wanted: Wanted) -> Option<Layout> {
        Layout::new(Size { columns, rows }, USUAL_CELL, wanted)
    }

    const WIDE: Wanted = Wanted { picture: (1280, 720), captions: 0, is_full: false };

    #[test]
    fn a_picture_keeps_its_shape_and_leaves_room_below() {
        let usual = layout(80, 24, WIDE).unwrap();
        assert_eq!((usual.columns, usual.rows, usual.left), (53, 15, 14));
        assert_eq!((usual.status(), usual.text()), (16, 17));
        let (width, height) = usual.pixels();
        assert!((width * 9).abs_diff(height * 16) <= 16 * 16, "{width}×{height}");
        let narrow = layout(40, 50, WIDE).unwrap();
        assert_eq!((narrow.columns, narrow.rows), (40, 11), "the width bounds it");
        let upright = layout(80, 24, Wanted { picture: (720, 1280), ..WIDE }).unwrap();
        assert_eq!((upright.columns, upright.rows), (17, 15));
    }

    #[test]
    fn full_screen_and_captions_take_rows_of_the_conversation_and_the_picture() {
        let full = layout(80, 24, Wanted { is_full: true, ..WIDE }).unwrap();
        assert_eq!((full.rows, 24 - full.status()), (20, 3));
        let captioned = layout(80, 24, Wanted { captions: 2, ..WIDE }).unwrap();
        assert_eq!((captioned.rows, captioned.status(), captioned.text()), (13, 16, 17));
    }

    #[test]
    fn a_terminal_too_small_for_a_picture_gets_none() {
        for (columns, rows) in [(7, 24), (80, 7), (0, 0), (80, 1)] {
            assert_eq!(layout(columns, rows, WIDE), None, "{columns}×{rows}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_sizes_everything_is_on_the_screen(
            columns in 0u16..500, rows in 0u16..300, cell in (0u16..50, 0u16..50),
            picture in (0u32..9000, 0u32..9000), captions in 0u16..4, is_full: bool,
        ) {
            let wanted = Wanted { picture, captions, is_full };
            if let Some(layout) = Layout::new(Size { columns, rows }, cell, wanted) {
                prop_assert!(layout.left >= 1 && layout.left + layout.columns <= columns + 1);
                prop_assert!(layout.rows >= 1 && layout.text() + 2 <= rows);
            }
        }
    }
}
