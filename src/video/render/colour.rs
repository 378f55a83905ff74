//! From yuv420p to the blue, green, red that OpenCV draws.

use opencv::{
    Result,
    core::{self, Mat, MatTraitConst as _, Rect, Scalar, Size},
    imgproc,
};

use crate::video::{
    frame::{Colour, Frame, Matrix, Plane, Range},
    rotation::Rotation,
};

/// Turns frames into matrices of 8-bit blue, green, red. OpenCV's one-step conversion knows BT.601 in limited
/// range and even sizes only, and clips what a correction afterwards would need; so chroma is enlarged and the
/// weights of the frame's own standard are applied.
#[derive(Debug, Default)]
pub(super) struct Converter {
    // Kept for their memory: fresh pages for each frame cost more than the arithmetic.
    chroma: Mat,
    yuv: Mat,
}

impl Converter {
    /// A frame as a viewer is to see it, turned upright.
    pub(super) fn convert(&mut self, frame: &Frame) -> Result<Mat> {
        let (width, height) = (pixels(frame.width()), pixels(frame.height()));
        if (self.yuv.cols(), self.yuv.rows()) != (width, height) {
            self.yuv = Mat::new_rows_cols_with_default(height, width, core::CV_8UC3, Scalar::default())?;
        }
        let [luma, u, v] = frame.planes();
        let luma = Mat::new_rows_cols_with_bytes::<u8>(height, width, luma.data)?;
        core::insert_channel(&luma, &mut self.yuv, 0)?;
        for (channel, chroma) in [(1, u), (2, v)] {
            enlarge(chroma, &mut self.chroma, width, height)?;
            // The last row and column of an odd picture have half a chroma sample.
            let used = Mat::roi(&self.chroma, Rect::new(0, 0, width, height))?;
            core::insert_channel(&used, &mut self.yuv, channel)?;
        }
        let mut bgr = Mat::default();
        core::transform(&self.yuv, &mut bgr, &Mat::from_slice_2d(&weights(frame.colour))?)?;
        upright(bgr, frame.rotation)
    }
}

/// A matrix turned clockwise; the same one where nothing is to be turned. A picture of 1080 lines takes less than
/// a millisecond, a tenth of what its conversion takes.
pub(super) fn upright(lying: Mat, rotation: Rotation) -> Result<Mat> {
    let how = match rotation {
        Rotation::None => return Ok(lying),
        Rotation::Right => core::ROTATE_90_CLOCKWISE,
        Rotation::Over => core::ROTATE_180,
        Rotation::Left => core::ROTATE_90_COUNTERCLOCKWISE,
    };
    let mut upright = Mat::default();
    core::rotate(&lying, &mut upright, how)?;
    Ok(upright)
}

fn pixels(size: u32) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

/// Doubles a chroma plane in both directions: a sample for each pixel of a picture of this size, and one more
/// where the size is odd.
fn enlarge(chroma: Plane<'_>, large: &mut Mat, width: i32, height: i32) -> Result<()> {
    let (width, height) = (width / 2 + width % 2, height / 2 + height % 2);
    let small = Mat::new_rows_cols_with_bytes::<u8>(height, width, chroma.data)?;
    imgproc::resize(&small, large, Size::new(width * 2, height * 2), 0.0, 0.0, imgproc::INTER_LINEAR)
}

/// Rows for blue, green and red; columns for Y, U, V and a constant, all for samples of 0 to 255.
pub(super) fn weights(Colour { matrix, range }: Colour) -> [[f32; 4]; 3] {
    // Weights of red and blue in luma, as ITU-R BT.601, BT.709 and BT.2020 have them.
    let (red, blue) = match matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
        Matrix::Bt2020 => (0.2627, 0.0593),
    };
    let green = 1.0 - red - blue;
    let (luma, chroma, black) = match range {
        Range::Limited => (255.0 / 219.0, 255.0 / 224.0, 16.0),
        Range::Full => (1.0, 1.0, 0.0),
    };
    let (from_u, from_v) = (2.0 * (1.0 - blue) * chroma, 2.0 * (1.0 - red) * chroma);
    let rows = [[from_u, 0.0], [-from_u * blue / green, -from_v * red / green], [0.0, from_v]];
    rows.map(|[u, v]| [luma, u, v, -luma * black - 128.0 * (u + v)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{MediaTime, RenditionLabel};
    use opencv::core::Vec3b;

    fn flat((width, height): (u32, u32), [y, u, v]: [u8; 3], matrix: Matrix, range: Range) -> Frame {
        let chroma = (width.div_ceil(2) * height.div_ceil(2)) as usize;
        let luma = (width * height) as usize;
        let data = [vec![y; luma], vec![u; chroma], vec![v; chroma]].concat();
        Frame::new(RenditionLabel(height), MediaTime::ZERO, (width, height), Colour { matrix, range }, data).unwrap()
    }

    fn assert_bgr(frame: &Frame, expected: [u8; 3]) {
        let bgr = Converter::default().convert(frame).unwrap();
        assert_eq!((bgr.cols(), bgr.rows()), (pixels(frame.width()), pixels(frame.height())));
        let last = *bgr.at_2d::<Vec3b>(bgr.rows() - 1, bgr.cols() - 1).unwrap();
        let close = last.iter().zip(expected).all(|(got, wanted)| got.abs_diff(wanted) <= 3);
        assert!(close, "{last:?} for {expected:?} with {:?}", frame.colour);
    }

    #[test]
    fn colours_come_out_in_each_matrix_and_range() {
        use {Matrix::*, Range::*};
        let size = (16, 8);
        // Values of the standards for pure colours.
        assert_bgr(&flat(size, [81, 90, 240], Bt601, Limited), [0, 0, 255]);
        assert_bgr(&flat(size, [63, 102, 240], Bt709, Limited), [0, 0, 255]);
        assert_bgr(&flat(size, [74, 97, 240], Bt2020, Limited), [0, 0, 255]);
        assert_bgr(&flat(size, [32, 240, 118], Bt709, Limited), [255, 0, 0]);
        assert_bgr(&flat(size, [76, 85, 255], Bt601, Full), [0, 0, 255]);
        for matrix in [Bt601, Bt709, Bt2020] {
            assert_bgr(&flat(size, [16, 128, 128], matrix, Limited), [0, 0, 0]);
            assert_bgr(&flat(size, [235, 128, 128], matrix, Limited), [255, 255, 255]);
            assert_bgr(&flat(size, [0, 128, 128], matrix, Full), [0, 0, 0]);
            assert_bgr(&flat(size, [255, 128, 128], matrix, Full), [255, 255, 255]);
        }
    }

    #[test]
    fn a_picture_is_turned_clockwise_by_its_rotation() {
        // Bright in its upper left corner, of an odd size.
        let (width, height) = (5, 3);
        let colour = Colour { matrix: Matrix::Bt601, range: Range::Limited };
        let chroma = vec![128; 2 * 3 * 2];
        let luma = (0..width * height).map(|place| if place == 0 { 235 } else { 16 }).collect();
        let data = [luma, chroma].concat();
        let frame = Frame::new(RenditionLabel(height), MediaTime::ZERO, (width, height), colour, data).unwrap();
        for (rotation, size, bright) in [
            (Rotation::None, (5, 3), (0, 0)),
            (Rotation::Right, (3, 5), (2, 0)),
            (Rotation::Over, (5, 3), (4, 2)),
            (Rotation::Left, (3, 5), (0, 4)),
        ] {
            let frame = frame.clone().turned(rotation);
            let bgr = Converter::default().convert(&frame).unwrap();
            assert_eq!((bgr.cols(), bgr.rows()), size, "{rotation:?}");
            assert_eq!(frame.shown_size(), (size.0.unsigned_abs(), size.1.unsigned_abs()), "{rotation:?}");
            let places = (0..size.1).flat_map(|y| (0..size.0).map(move |x| (x, y)));
            let is_bright = |(x, y): &(i32, i32)| bgr.at_2d::<Vec3b>(*y, *x).unwrap()[1] > 128;
            assert_eq!(places.filter(is_bright).collect::<Vec<_>>(), [bright], "{rotation:?}");
        }
    }

    #[test]
    fn odd_sizes_are_drawn_to_the_last_pixel() {
        for size in [(1, 1), (5, 3), (4, 3), (5, 4), (641, 271)] {
            assert_bgr(&flat(size, [235, 128, 128], Matrix::Bt601, Range::Limited), [255, 255, 255]);
            assert_bgr(&flat(size, [255, 128, 128], Matrix::Bt709, Range::Full), [255, 255, 255]);
        }
    }
}
