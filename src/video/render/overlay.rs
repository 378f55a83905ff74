//! Draws what stands over the picture.

use opencv::{
    Result,
    core::{self, Mat, MatTraitConst as _, MatTraitManual as _, Rect, Scalar},
    imgproc,
};

use super::{
    osd::{Look, Position},
    subtitle,
    text::{Anchor, Canvas, Extent, TextPainter},
};

/// Height of text by that of the window, and its bounds in pixels.
const TEXT: f32 = 1.0 / 26.0;
const SMALLEST: f32 = 11.0;
const LARGEST: f32 = 44.0;

/// Width of the window by the height of text, so that a narrow one has room for words.
const NARROWEST: f32 = 40.0;

/// How much of the picture is left behind words.
const DIMMED: f64 = 0.42;

/// Grey of the bar: its ground, what is here, what was shown.
const BAR: [f64; 3] = [90.0, 150.0, 255.0];

/// Draws overlays; keeps the glyphs.
#[derive(Debug)]
pub(super) struct Overlay {
    painter: TextPainter,
    plain: Mat,
}

impl Overlay {
    pub(super) fn new(painter: TextPainter) -> Self {
        Self { painter, plain: Mat::default() }
    }

    /// Draws a look over a picture of 8-bit blue, green, red.
    pub(super) fn draw(&mut self, picture: &mut Mat, look: &Look) -> Result<()> {
        let size = text_size(picture.cols(), picture.rows());
        if let Some(text) = &look.subtitles {
            let free = if look.position.is_some() { band(picture.rows(), size) } else { 0 };
            subtitle::draw(&mut self.painter, picture, text, free)?;
        }
        if !look.statistics.is_empty() && look.help.is_empty() {
            let lines: Vec<&str> = look.statistics.iter().map(String::as_str).collect();
            self.block(picture, &lines, size, Anchor::TopLeft)?;
        }
        if !look.help.is_empty() {
            self.help(picture, &look.help, size)?;
        }
        // The list of keys takes all the room.
        if let Some((position, opacity)) = look.position.as_ref().filter(|_| look.help.is_empty()) {
            let share = opacity.share();
            if share < 1.0 {
                picture.copy_to(&mut self.plain)?;
            }
            self.position(picture, position, size)?;
            if share < 1.0 {
                let drawn = picture.try_clone()?;
                core::add_weighted(&drawn, share, &self.plain, 1.0 - share, 0.0, picture, -1)?;
            }
        }
        Ok(())
    }

    /// A dark band at the bottom: title and state, the bar, times and how the stream comes.
    fn position(&mut self, picture: &mut Mat, position: &Position, size: f32) -> Result<()> {
        let (width, height) = (picture.cols(), picture.rows());
        let unit = round(size);
        let band = band(height, size);
        dim(picture, Rect::new(0, height - band, width, band))?;
        let margin = unit;
        let room = (width - 2 * margin).max(1);
        let middle = height - band / 2;
        self.row(picture, [&position.title, &position.state], size, (margin, middle - unit * 2))?;
        self.row(picture, [&position.time, &position.stream], size, (margin, middle + unit / 2))?;
        let Some((shown, here)) = position.bar else { return Ok(()) };
        let thickness = (unit / 4).max(2);
        for (share, grey) in [1.0, here, shown].into_iter().zip(BAR) {
            let part = Rect::new(margin, middle - thickness / 2, portion(room, share), thickness);
            let part = part & Rect::new(0, 0, width, height);
            imgproc::rectangle(picture, part, Scalar::all(grey), imgproc::FILLED, imgproc::LINE_8, 0)?;
        }
        Ok(())
    }

    /// Words at the left and at the right of a line. What has no room is shortened at the left, and left out at the
    /// right.
    fn row(&mut self, picture: &mut Mat, [left, right]: [&str; 2], size: f32, (x, y): (i32, i32)) -> Result<()> {
        let (width, gap) = (picture.cols(), round(size));
        let extent = Extent { width: usize::MAX / 4, height: usize::MAX / 4 };
        let measured = self.painter.measure(extent, &[right], size, Anchor::TopLeft).width;
        let right_width = if right.is_empty() { 0 } else { i32::try_from(measured).unwrap_or(i32::MAX / 4) };
        let room = width - 2 * x;
        let has_right = right_width > 0 && right_width < room * 2 / 3;
        let left_room = if has_right { room - right_width - gap } else { room };
        let left = self.shortened(left, left_room, size);
        self.write(picture, &[&left], size, Anchor::At { x, y })?;
        if has_right {
            self.write(picture, &[right], size, Anchor::At { x: x + room - right_width, y })?;
        }
        Ok(())
    }

    /// As much of a text as has room, with an ellipsis for the rest.
    fn shortened(&mut self, text: &str, room: i32, size: f32) -> String {
        let extent = Extent { width: usize::MAX / 4, height: usize::MAX / 4 };
        let room = usize::try_from(room).unwrap_or(0);
        let mut width = |text: &str| self.painter.measure(extent, &[text], size, Anchor::TopLeft).width;
        if width(text) <= room {
            return text.to_owned();
        }
        let characters: Vec<char> = text.chars().collect();
        let cut = |length: usize| characters[..length].iter().chain(['…'].iter()).collect::<String>();
        // The longest that fits lies between these two.
        let (mut fits, mut exceeds) = (0, characters.len());
        while fits + 1 < exceeds {
            let length = usize::midpoint(fits, exceeds);
            if width(&cut(length)) <= room { fits = length } else { exceeds = length }
        }
        cut(fits)
    }

    /// Keys in one column, what they do in another, as many columns of both as needed.
    fn help(&mut self, picture: &mut Mat, lines: &[(String, &str)], size: f32) -> Result<()> {
        let (width, height) = (picture.cols(), picture.rows());
        dim(picture, Rect::new(0, 0, width, height))?;
        let line = round(size * 1.4).max(1);
        let rows = usize::try_from((height - line) / line).unwrap_or(1).clamp(1, lines.len());
        let columns = lines.len().div_ceil(rows);
        let column = i32::try_from(usize::try_from(width).unwrap_or(0) / columns.max(1)).unwrap_or(0);
        // Even columns look better than one that is full and one that is not.
        let rows = lines.len().div_ceil(columns);
        let top = (height - line * i32::try_from(rows).unwrap_or(0)) / 2;
        for (place, (keys, about)) in lines.iter().enumerate() {
            let at = |place: usize| i32::try_from(place).unwrap_or(0);
            let x = at(place / rows) * column + round(size);
            let y = top + at(place % rows) * line;
            let split = x + round(size * 4.5);
            self.write(picture, &[keys], size, Anchor::At { x, y })?;
            let about = self.shortened(about, (x - round(size) + column - split).max(0), size);
            self.write(picture, &[&about], size, Anchor::At { x: split, y })?;
        }
        Ok(())
    }

    /// Lines on dimmed ground.
    fn block(&mut self, picture: &mut Mat, lines: &[&str], size: f32, anchor: Anchor) -> Result<()> {
        let extent = Extent { width: unsigned(picture.cols()), height: unsigned(picture.rows()) };
        let covered = self.painter.measure(extent, lines, size, anchor);
        let signed = |pixels: usize| i32::try_from(pixels).unwrap_or(i32::MAX / 4);
        let (width, height) = (signed(covered.width) + round(size * 2.0), signed(covered.height) + round(size * 1.6));
        dim(picture, Rect::new(0, 0, width, height))?;
        self.write(picture, lines, size, anchor)
    }

    fn write(&mut self, picture: &mut Mat, lines: &[&str], size: f32, anchor: Anchor) -> Result<()> {
        let (width, height) = (unsigned(picture.cols()), unsigned(picture.rows()));
        if let Some(mut canvas) = Canvas::new(picture.data_bytes_mut()?, width, height) {
            self.painter.draw(&mut canvas, lines, size, anchor);
        }
        Ok(())
    }
}

/// Rows that the position takes.
fn band(height: i32, size: f32) -> i32 {
    (round(size) * 5).min(height)
}

fn text_size(width: i32, height: i32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "sizes of windows are small")]
    let (width, height) = (width as f32, height as f32);
    (height * TEXT).min(width / NARROWEST).clamp(SMALLEST, LARGEST)
}

/// Takes light from a part of a picture, so that words can be read on it.
fn dim(picture: &mut Mat, part: Rect) -> Result<()> {
    let part = part & Rect::new(0, 0, picture.cols(), picture.rows());
    if part.width <= 0 || part.height <= 0 {
        return Ok(());
    }
    let dimmed = {
        let bright = Mat::roi(picture, part)?;
        let mut dimmed = Mat::default();
        bright.convert_to(&mut dimmed, -1, DIMMED, 0.0)?;
        dimmed
    };
    dimmed.copy_to(&mut Mat::roi_mut(picture, part)?)
}

fn unsigned(pixels: i32) -> usize {
    usize::try_from(pixels).unwrap_or(0)
}

#[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates")]
fn round(pixels: f32) -> i32 {
    pixels.round() as i32
}

#[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates")]
fn portion(pixels: i32, share: f64) -> i32 {
    (f64::from(pixels) * share).round() as i32
}
