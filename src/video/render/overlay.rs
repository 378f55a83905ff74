//! A few words over the picture.

use opencv::{
    Result,
    core::{Mat, MatTraitConst as _, Point, Scalar},
    imgproc,
};

const FONT: i32 = imgproc::FONT_HERSHEY_SIMPLEX;

/// Height of a line of text at scale 1, in pixels, with what separates it from the next.
const LINE: f64 = 34.0;

/// Lines that fit below each other on a picture: the size of text grows with the picture.
const LINES_ON_A_PICTURE: f64 = 14.0;

/// Draws `lines` at the bottom right, where videos seldom have words of their own, white with a black edge so
/// that they can be read on anything. The font has ASCII only: other characters come out as question marks.
pub(super) fn draw(picture: &mut Mat, lines: &[&str]) -> Result<()> {
    let scale = f64::from(picture.rows()) / LINES_ON_A_PICTURE / LINE;
    let margin = 0.4 * LINE * scale;
    let mut y = f64::from(picture.rows()) - margin;
    for line in lines.iter().rev() {
        let text: String = line.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect();
        let size = imgproc::get_text_size(&text, FONT, scale, stroke(scale), &mut 0)?;
        let (width, room) = (f64::from(size.width.max(1)), f64::from(picture.cols()) - 2.0 * margin);
        let shrink = (room / width).clamp(0.0, 1.0);
        let fitting = shrink * scale;
        let origin = Point::new(round(margin + room - shrink * width), round(y));
        let thin = stroke(fitting);
        for (colour, thickness) in [(Scalar::all(0.0), 3 * thin), (Scalar::all(255.0), thin)] {
            imgproc::put_text(picture, &text, origin, FONT, fitting, colour, thickness, imgproc::LINE_AA, false)?;
        }
        y -= LINE * scale;
    }
    Ok(())
}

fn stroke(scale: f64) -> i32 {
    round(1.3 * scale).max(1)
}

#[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates")]
fn round(pixels: f64) -> i32 {
    pixels.round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{CV_8UC3, MatTraitConstManual as _, Vec3b};

    fn drawn(width: i32, height: i32, lines: &[&str]) -> Mat {
        let mut picture = Mat::new_rows_cols_with_default(height, width, CV_8UC3, Scalar::all(100.0)).unwrap();
        draw(&mut picture, lines).unwrap();
        picture
    }

    fn touched(picture: &Mat) -> (usize, usize) {
        let pixels: Vec<Vec3b> = picture.data_typed::<Vec3b>().unwrap().to_vec();
        let width = usize::try_from(picture.cols()).unwrap();
        let changed = |row: &[Vec3b]| row.iter().filter(|pixel| pixel[0] != 100).count();
        (changed(&pixels), pixels.chunks(width).map(|row| changed(&row[width - 1..])).sum())
    }

    #[test]
    fn a_long_title_is_made_to_fit() {
        let (all, in_last_column) =
            touched(&drawn(426, 240, &["a title that is much longer than the picture is wide"]));
        assert!(all > 500 && in_last_column == 0, "{all} {in_last_column}");
    }

    #[test]
    fn every_size_and_text_can_be_drawn() {
        for (width, height) in [(1, 1), (2, 2000), (2000, 2), (426, 240), (3840, 2160)] {
            drawn(width, height, &["", "\u{1b}[31m \u{202e} Füße", "720p"]);
        }
    }
}
