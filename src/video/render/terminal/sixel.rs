//! Sixel (DEC STD 070): strips of six rows of pixels, in each of them one pass for each colour.
//!
//! The colours are always the same, an even grid, and what lies between them is dithered by a fixed pattern: choosing
//! the best colours for each picture takes ten times as long as all the rest, and makes still areas flicker.

use std::io::Write as _;

use super::picture::Picture;

/// Thresholds of an ordered dither (Bayer's matrix of 4×4), in 16ths.
const DITHER: [[u32; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

/// Draws pictures with a grid of colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sixel {
    /// Steps of red, green and blue.
    levels: [u32; 3],
}

impl Sixel {
    /// With at most so many colours: the most for green, which eyes see best.
    pub(super) fn new(colours: u16) -> Self {
        let levels = match colours {
            252.. => [6, 7, 6],
            64.. => [4, 4, 4],
            16.. => [2, 4, 2],
            8.. => [2, 2, 2],
            _ => [1, 2, 1],
        };
        Self { levels }
    }

    /// Appends a picture; its upper left is where the cursor stands.
    pub(super) fn draw(self, picture: &Picture, out: &mut Vec<u8>) {
        // A vector takes every write.
        let _ = write!(out, "\x1bP0;1;0q\"1;1;{};{}", picture.width, picture.height);
        self.define_colours(out);
        let mut strip = Strip::new(self.levels.iter().product::<u32>() as usize, picture.width);
        for top in (0..picture.height).step_by(6) {
            for row in top..(top + 6).min(picture.height) {
                for (x, pixel) in picture.row(row).iter().enumerate() {
                    strip.set(self.colour(*pixel, x, row), x, row - top);
                }
            }
            strip.put_out(out);
        }
        out.extend_from_slice(b"\x1b\\");
    }

    fn define_colours(self, out: &mut Vec<u8>) {
        let [reds, greens, blues] = self.levels;
        let percent = |step: u32, levels: u32| if levels > 1 { step * 100 / (levels - 1) } else { 50 };
        for number in 0..reds * greens * blues {
            let (red, green, blue) = (number / (greens * blues), number / blues % greens, number % blues);
            let [red, green, blue] = [percent(red, reds), percent(green, greens), percent(blue, blues)];
            let _ = write!(out, "#{number};2;{red};{green};{blue}");
        }
    }

    /// The number of the colour of a pixel: of the two steps that it lies between, the place decides.
    fn colour(self, pixel: [u8; 3], x: usize, y: usize) -> usize {
        let threshold = DITHER[y % 4][x % 4] * 16 + 8;
        let number = pixel.iter().zip(self.levels).fold(0, |number, (value, levels)| {
            let scaled = u32::from(*value) * (levels - 1);
            let (step, rest) = (scaled / 255, scaled % 255);
            number * levels + step + u32::from(rest > threshold)
        });
        number as usize
    }
}

/// Six rows of pixels: for each colour, which of them have it.
struct Strip {
    width: usize,
    /// Six bits for each column, colour by colour.
    bits: Vec<u8>,
    /// Colours that occur, in the order in which they did first.
    used: Vec<usize>,
    is_used: Vec<bool>,
}

impl Strip {
    fn new(colours: usize, width: usize) -> Self {
        Self { width, bits: vec![0; colours * width], used: Vec::new(), is_used: vec![false; colours] }
    }

    fn set(&mut self, colour: usize, x: usize, row: usize) {
        if let Some(is_used) = self.is_used.get_mut(colour)
            && !std::mem::replace(is_used, true)
        {
            self.used.push(colour);
        }
        if let Some(bits) = self.bits.get_mut(colour * self.width + x) {
            *bits |= 1 << row;
        }
    }

    /// Appends the strip and makes it empty.
    fn put_out(&mut self, out: &mut Vec<u8>) {
        for colour in self.used.drain(..) {
            self.is_used[colour] = false;
            let bits = &mut self.bits[colour * self.width..(colour + 1) * self.width];
            let _ = write!(out, "#{colour}");
            for run in bits.chunk_by(|one, other| one == other) {
                // Characters from `?` on stand for six bits each; `!` says how often the next one comes.
                let character = b'?' + run[0];
                match run.len() {
                    length @ 4.. => drop(write!(out, "!{length}{}", char::from(character))),
                    length => out.extend(std::iter::repeat_n(character, length)),
                }
            }
            bits.fill(0);
            // Back to the beginning of the strip, for the next colour.
            out.push(b'$');
        }
        out.push(b'-');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads Sixel as a terminal does: a picture in percent of each colour.
    fn read(bytes: &[u8]) -> Vec<Vec<[u32; 3]>> {
        let text = std::str::from_utf8(bytes).unwrap();
        let text = text.strip_prefix("\x1bP0;1;0q\"1;1;").unwrap().strip_suffix("\x1b\\").unwrap();
        let (width, rest) = text.split_once(';').unwrap();
        let (height, rest) = rest.split_once('#').unwrap();
        let (width, height): (usize, usize) = (width.parse().unwrap(), height.parse().unwrap());
        let mut picture = vec![vec![[999; 3]; width]; height];
        let (mut colours, mut colour) = (std::collections::BTreeMap::new(), 0);
        let (mut x, mut top, mut repeat) = (0, 0, 1);
        let rest = format!("#{rest}");
        let mut chars = rest.chars().peekable();
        while let Some(c) = chars.next() {
            let mut number = || {
                let mut digits = String::new();
                while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                    digits.push(digit);
                }
                let more = chars.next_if_eq(&';').is_some();
                (digits.parse::<u32>().unwrap(), more)
            };
            match c {
                '#' => {
                    let (register, defines) = number();
                    colour = register;
                    if defines {
                        assert_eq!(number(), (2, true));
                        colours.insert(register, [number().0, number().0, number().0]);
                    }
                }
                '!' => repeat = number().0,
                '$' => x = 0,
                '-' => (x, top) = (0, top + 6),
                '?'..='~' => {
                    for _ in 0..std::mem::replace(&mut repeat, 1) {
                        for row in (0..6).filter(|row| (c as u32 - 63) >> row & 1 == 1) {
                            picture[top + row][x] = colours[&colour];
                        }
                        x += 1;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        picture
    }

    fn flat(width: usize, height: usize, pixel: [u8; 3]) -> Picture {
        Picture { width, height, data: pixel.repeat(width * height) }
    }

    #[test]
    fn pure_colours_are_drawn_as_they_are_to_the_last_pixel() {
        for colours in [256, 64, 16, 8] {
            for (width, height) in [(1, 1), (7, 6), (20, 13)] {
                for pixel in [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]] {
                    let mut out = Vec::new();
                    Sixel::new(colours).draw(&flat(width, height, pixel), &mut out);
                    let expected = pixel.map(|value| u32::from(value) * 100 / 255);
                    assert!(read(&out).iter().flatten().all(|got| *got == expected), "{colours} {pixel:?}");
                }
            }
        }
    }

    #[test]
    fn what_lies_between_two_colours_is_right_on_average() {
        for value in [10u8, 60, 100, 128, 200, 250] {
            let mut out = Vec::new();
            Sixel::new(256).draw(&flat(32, 32, [value; 3]), &mut out);
            let picture = read(&out);
            let mean = picture.iter().flatten().map(|pixel| pixel[1]).sum::<u32>() / (32 * 32);
            assert!(mean.abs_diff(u32::from(value) * 100 / 255) <= 3, "{value}: {mean} %");
        }
    }

    #[test]
    fn the_grid_never_has_more_colours_than_the_terminal() {
        for colours in 2..=256u16 {
            let used: u32 = Sixel::new(colours).levels.iter().product();
            assert!((2..=u32::from(colours)).contains(&used), "{used} of {colours}");
        }
    }

    #[test]
    fn a_run_is_said_once() {
        let mut out = Vec::new();
        Sixel::new(8).draw(&flat(500, 60, [0; 3]), &mut out);
        assert!(out.len() < 400, "{}", out.len());
    }
}
