//! Half blocks: each character shows two pixels, one above the other, as its colours of foreground and background.

use std::io::Write as _;

use super::{graphics::Depth, layout::Layout, picture::Picture};

/// Differences of a colour up to this are left as they are on the screen: coding makes such noise in what stands
/// still, and each character costs some 40 bytes.
const NOISE: u8 = 3;

/// Draws pictures as half blocks, and of each only what differs from the one before.
#[derive(Debug)]
pub(super) struct HalfBlocks {
    depth: Depth,
    /// What is on the screen, row by row; nothing when that is not known.
    shown: Vec<Cell>,
}

/// The colours of a character: the upper pixel and the lower.
type Cell = [Ink; 2];

/// A colour as the terminal is told: 24 bits, or a number of the 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ink {
    True([u8; 3]),
    Indexed(u8),
}

impl HalfBlocks {
    pub(super) fn new(depth: Depth) -> Self {
        Self { depth, shown: Vec::new() }
    }

    /// The pixels that a picture needs: one for each column, two for each row.
    pub(super) fn pixels(layout: &Layout) -> (u32, u32) {
        (u32::from(layout.columns), 2 * u32::from(layout.rows))
    }

    /// What is on the screen is not known any more.
    pub(super) fn forget(&mut self) {
        self.shown.clear();
    }

    /// Appends what turns the picture on the screen into this one, which has the size of [`Self::pixels`].
    pub(super) fn draw(&mut self, picture: &Picture, layout: &Layout, out: &mut Vec<u8>) {
        let cells = self.cells(picture);
        let all = self.shown.len() != cells.len();
        let mut inks = None;
        for (row, line) in (0u16..).zip(cells.chunks(picture.width.max(1))) {
            // Where the cursor stands, if it stands in this row.
            let mut cursor = None;
            for (column, cell) in line.iter().enumerate() {
                let place = usize::from(row) * picture.width + column;
                if !all && self.shown.get(place).is_some_and(|shown| is_close(*shown, *cell)) {
                    continue;
                }
                if cursor != Some(column) {
                    let _ = write!(out, "\x1b[{};{}H", row + 1, usize::from(layout.left) + column);
                }
                change_inks(&mut inks, *cell, out);
                out.extend_from_slice(if cell[0] == cell[1] { b" " } else { "▀".as_bytes() });
                cursor = Some(column + 1);
                if let Some(shown) = self.shown.get_mut(place) {
                    *shown = *cell;
                }
            }
        }
        if all {
            self.shown = cells;
        }
        out.extend_from_slice(b"\x1b[0m");
    }

    fn cells(&self, picture: &Picture) -> Vec<Cell> {
        let rows = 0..picture.height / 2;
        let ink = |pixel: &[u8; 3]| match self.depth {
            Depth::True => Ink::True(*pixel),
            Depth::Indexed => Ink::Indexed(nearest_of_256(*pixel)),
        };
        let pairs = rows.flat_map(|row| picture.row(2 * row).iter().zip(picture.row(2 * row + 1)));
        pairs.map(|(upper, lower)| [ink(upper), ink(lower)]).collect()
    }
}

fn is_close(shown: Cell, wanted: Cell) -> bool {
    shown.iter().zip(wanted).all(|(shown, wanted)| match (shown, wanted) {
        (Ink::True(shown), Ink::True(wanted)) => {
            shown.iter().zip(wanted).all(|(shown, wanted)| shown.abs_diff(wanted) <= NOISE)
        }
        (shown, wanted) => *shown == wanted,
    })
}

/// Says which colours the next character has, as far as they are not those of the last. A character of one colour
/// is a space, of which the foreground does not matter.
fn change_inks(inks: &mut Option<Cell>, [upper, lower]: Cell, out: &mut Vec<u8>) {
    let (was_upper, was_lower) = inks.map_or((None, None), |[upper, lower]| (Some(upper), Some(lower)));
    let keeps_upper = was_upper == Some(upper) || (upper == lower && was_upper.is_some());
    if !keeps_upper {
        select(38, upper, out);
    }
    if was_lower != Some(lower) {
        select(48, lower, out);
    }
    *inks = Some([if keeps_upper { was_upper.unwrap_or(upper) } else { upper }, lower]);
}

/// Select Graphic Rendition; 38 is the foreground, 48 the background.
fn select(ground: u8, ink: Ink, out: &mut Vec<u8>) {
    // A vector takes every write.
    let _ = match ink {
        Ink::True([red, green, blue]) => write!(out, "\x1b[{ground};2;{red};{green};{blue}m"),
        Ink::Indexed(number) => write!(out, "\x1b[{ground};5;{number}m"),
    };
}

/// Of xterm's 256 colours: the nearest of the cube of 6×6×6 and of the 24 greys.
fn nearest_of_256(pixel: [u8; 3]) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |value: u8| (0u8..6).min_by_key(|step| STEPS[usize::from(*step)].abs_diff(value)).unwrap_or(0);
    let distance = |other: [u8; 3]| -> u32 {
        pixel.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(other)).pow(2)).sum()
    };
    let [red, green, blue] = pixel.map(step);
    let in_cube = [red, green, blue].map(|step| STEPS[usize::from(step)]);
    let mean = pixel.iter().map(|value| u16::from(*value)).sum::<u16>() / 3;
    let grey = u8::try_from(mean.saturating_sub(3) / 10).unwrap_or(23).min(23);
    if distance([8 + 10 * grey; 3]) < distance(in_cube) { 232 + grey } else { 16 + 36 * red + 6 * green + blue }
}

#[cfg(test)]
mod tests {
    use super::{
        super::layout::{Size, USUAL_CELL, Wanted},
        *,
    };

    fn layout() -> Layout {
        let wanted = Wanted { picture: (16, 9), captions: 0, is_full: false };
        Layout::new(Size { columns: 40, rows: 20 }, USUAL_CELL, wanted).unwrap()
    }

    /// A picture for the layout: rows of red, green and blue in turn, from a number on.
    fn stripes(from: usize) -> Picture {
        let (width, height) = HalfBlocks::pixels(&layout());
        let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255]];
        let row = |row: usize| colours[(row + from) % 3].repeat(width as usize);
        Picture { width: width as usize, height: height as usize, data: (0..height as usize).flat_map(row).collect() }
    }

    fn screen_of(blocks: &mut HalfBlocks, pictures: &[Picture]) -> vt100::Parser {
        let mut screen = vt100::Parser::new(20.try_into().unwrap(), 40.try_into().unwrap(), 0);
        for picture in pictures {
            let mut out = Vec::new();
            blocks.draw(picture, &layout(), &mut out);
            screen.process(&out);
        }
        screen
    }

    fn assert_shows(screen: &vt100::Parser, picture: &Picture, colour: impl Fn([u8; 3]) -> vt100::Color) {
        let layout = layout();
        for row in 0..layout.rows {
            for column in 0..layout.columns {
                let cell = screen.screen().cell(row, layout.left - 1 + column).unwrap();
                let [upper, lower] = [0, 1].map(|half| colour(picture.row(usize::from(2 * row) + half)[0]));
                assert_eq!((cell.contents(), cell.fgcolor(), cell.bgcolor()), ("▀", upper, lower), "{row} {column}");
            }
        }
    }

    #[test]
    fn each_character_shows_two_pixels() {
        let screen = screen_of(&mut HalfBlocks::new(Depth::True), &[stripes(0), stripes(1)]);
        assert_shows(&screen, &stripes(1), |[red, green, blue]| vt100::Color::Rgb(red, green, blue));
        let screen = screen_of(&mut HalfBlocks::new(Depth::Indexed), &[stripes(0)]);
        let index = |pixel: [u8; 3]| vt100::Color::Idx(nearest_of_256(pixel));
        assert_shows(&screen, &stripes(0), index);
    }

    #[test]
    fn only_what_changed_is_drawn_until_the_screen_is_forgotten() {
        let mut blocks = HalfBlocks::new(Depth::True);
        let mut drawn = |picture: &Picture, forget: bool| {
            if forget {
                blocks.forget();
            }
            let mut out = Vec::new();
            blocks.draw(picture, &layout(), &mut out);
            out.len()
        };
        let whole = drawn(&stripes(0), false);
        assert_eq!(drawn(&stripes(0), false), b"\x1b[0m".len());
        let mut noisy = stripes(0);
        noisy.data[0] -= NOISE;
        assert_eq!(drawn(&noisy, false), b"\x1b[0m".len());
        noisy.data[0] = 100;
        let one = drawn(&noisy, false);
        assert!((20..60).contains(&one), "{one}");
        assert!(drawn(&stripes(0), true) >= whole - 60);
    }

    #[test]
    fn the_256_colours_are_xterms() {
        for (pixel, number) in [
            ([0, 0, 0], 16),
            ([255, 255, 255], 231),
            ([255, 0, 0], 196),
            ([0, 255, 0], 46),
            ([0, 0, 255], 21),
            ([118, 118, 118], 243),
            ([8, 8, 8], 232),
            ([238, 238, 238], 255),
        ] {
            assert_eq!(nearest_of_256(pixel), number, "{pixel:?}");
        }
    }
}
