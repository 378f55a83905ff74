//! Subtitles over a picture of OpenCV's.

use opencv::{
    Result,
    core::{Mat, MatTraitConst as _, MatTraitManual as _},
};

use super::{Anchor, Canvas, TextPainter};

/// Height of the text by that of the picture: what television and mpv have, about.
const SIZE: f32 = 1.0 / 18.0;

/// Draws lines at the bottom of a picture of 8-bit blue, green, red, leaving so many rows below them free.
pub(super) fn draw(painter: &mut TextPainter, picture: &mut Mat, text: &str, free: i32) -> Result<()> {
    let size = picture.size()?;
    let extent = usize::try_from(size.width).ok().zip(usize::try_from(size.height - free).ok());
    let lines: Vec<&str> = text.lines().collect();
    #[expect(clippy::cast_precision_loss, reason = "heights of pictures are small")]
    let height = size.height as f32 * SIZE;
    if let Some((width, rows)) = extent
        && let Some(pixels) = picture.data_bytes_mut()?.get_mut(..width * rows * 3)
        && let Some(mut canvas) = Canvas::new(pixels, width, rows)
    {
        painter.draw(&mut canvas, &lines, height, Anchor::Bottom);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{CV_8UC3, MatTraitConstManual as _, Scalar};

    #[test]
    fn lines_stand_in_the_lower_part_of_the_picture() {
        let mut picture = Mat::new_rows_cols_with_default(270, 480, CV_8UC3, Scalar::all(100.0)).unwrap();
        draw(&mut TextPainter::embedded(), &mut picture, "What is said,\nin two lines", 0).unwrap();
        let bytes = picture.data_bytes().unwrap();
        let (above, below) = bytes.split_at(480 * 3 * 200);
        assert!(above.iter().all(|byte| *byte == 100), "nothing above");
        assert!(below.contains(&255) && below.contains(&0), "white with a black edge");
    }
}
