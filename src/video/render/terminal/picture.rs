//! From yuv420p of any size to red, green, blue of the size that is drawn.

use opencv::{
    Result,
    boxed_ref::BoxedRef,
    core::{self, Mat, MatTraitConst as _, MatTraitConstManual as _, Scalar, Size, Vector, VectorToVec as _},
    imgcodecs, imgproc,
};

use super::super::colour::{upright, weights};
use crate::video::frame::{Frame, Plane};

/// A picture of 8-bit red, green and blue, row by row.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) data: Vec<u8>,
}

impl Picture {
    /// A frame, upright and scaled. Its planes are scaled each by itself, so that all arithmetic with colours is done on
    /// the few pixels that are drawn, and so is turning them.
    pub(super) fn of_frame(frame: &Frame, size: (u32, u32)) -> Result<Self> {
        // Turned back, as it lies in the frame.
        let (width, height) = frame.rotation.of_size(size);
        let size = Size::new(pixels(width), pixels(height));
        let mut yuv = Mat::new_rows_cols_with_default(size.height, size.width, core::CV_8UC3, Scalar::default())?;
        for (channel, plane) in (0..).zip(frame.planes()) {
            core::insert_channel(&scaled(plane, size)?, &mut yuv, channel)?;
        }
        let [blue, green, red] = weights(frame.colour);
        let mut rgb = Mat::default();
        core::transform(&yuv, &mut rgb, &Mat::from_slice_2d(&[red, green, blue])?)?;
        Self::of_mat(&upright(rgb, frame.rotation)?)
    }

    /// The same picture in another size.
    pub(super) fn scaled(&self, (width, height): (u32, u32)) -> Result<Self> {
        let size = Size::new(pixels(width), pixels(height));
        let mut other = Mat::default();
        imgproc::resize(
            &self.mat()?.reshape(3, as_i32(self.height))?,
            &mut other,
            size,
            0.0,
            0.0,
            imgproc::INTER_AREA,
        )?;
        Self::of_mat(&other)
    }

    /// As a file: `.png`, packed quickly rather than small, or `.jpg`.
    pub(super) fn file(&self, extension: &str) -> Result<Vec<u8>> {
        let mut bgr = Mat::default();
        imgproc::cvt_color_def(&self.mat()?.reshape(3, as_i32(self.height))?, &mut bgr, imgproc::COLOR_RGB2BGR)?;
        let options = [imgcodecs::IMWRITE_PNG_COMPRESSION, 1, imgcodecs::IMWRITE_JPEG_QUALITY, 80];
        let mut file = Vector::new();
        imgcodecs::imencode(extension, &bgr, &mut file, &Vector::from_slice(&options))?;
        Ok(file.to_vec())
    }

    /// Its bytes as OpenCV sees them: one channel, to be reshaped.
    fn mat(&self) -> Result<BoxedRef<'_, Mat>> {
        Mat::new_rows_cols_with_bytes::<u8>(as_i32(self.height), as_i32(self.width * 3), &self.data)
    }

    fn of_mat(mat: &Mat) -> Result<Self> {
        let side = |pixels: i32| usize::try_from(pixels).unwrap_or(0);
        Ok(Self { width: side(mat.cols()), height: side(mat.rows()), data: mat.data_bytes()?.to_vec() })
    }

    /// The pixels of a row, three bytes each.
    pub(super) fn row(&self, row: usize) -> &[[u8; 3]] {
        let bytes = self.data.get(row * self.width * 3..(row + 1) * self.width * 3).unwrap_or_default();
        bytes.as_chunks().0
    }
}

fn scaled(plane: Plane<'_>, size: Size) -> Result<Mat> {
    let rows = plane.data.len() / plane.width.max(1);
    let mut small = Mat::default();
    let large = Mat::new_rows_cols_with_bytes::<u8>(as_i32(rows), as_i32(plane.width), plane.data)?;
    // Averages what a pixel stands for; where the picture grows it is as good as any other.
    imgproc::resize(&large, &mut small, size, 0.0, 0.0, imgproc::INTER_AREA)?;
    Ok(small)
}

fn pixels(size: u32) -> i32 {
    i32::try_from(size.max(1)).unwrap_or(i32::MAX)
}

fn as_i32(size: usize) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        types::{MediaTime, RenditionLabel},
        video::{
            frame::{Colour, Matrix, Range},
            rotation::Rotation,
        },
    };

    /// The left half red, the right half white, of BT.601.
    fn halves(width: u32, height: u32) -> Frame {
        let plane = |width: u32, height: u32, left: u8, right: u8| {
            let row = (0..width).map(move |x| if x < width / 2 { left } else { right });
            (0..height).flat_map(|_| row.clone()).collect::<Vec<u8>>()
        };
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let chroma = |left| plane(half_width, half_height, left, 128);
        let data = [plane(width, height, 81, 235), chroma(90), chroma(240)].concat();
        let colour = Colour { matrix: Matrix::Bt601, range: Range::Limited };
        Frame::new(RenditionLabel(height), MediaTime::ZERO, (width, height), colour, data).unwrap()
    }

    fn is_near(pixel: [u8; 3], wanted: [u8; 3]) -> bool {
        pixel.iter().zip(wanted).all(|(got, wanted)| got.abs_diff(wanted) <= 4)
    }

    #[test]
    fn colours_and_places_survive_every_scaling() {
        for size in [(2, 2), (16, 9), (53, 30), (640, 360), (641, 361), (1000, 10)] {
            let picture = Picture::of_frame(&halves(640, 360), size).unwrap();
            assert_eq!((picture.width, picture.height), (size.0 as usize, size.1 as usize));
            for row in [0, picture.height - 1] {
                let row = picture.row(row);
                assert!(
                    is_near(row[0], [255, 0, 0]) && is_near(row[row.len() - 1], [255, 255, 255]),
                    "{size:?} {row:?}"
                );
            }
        }
        let again = Picture::of_frame(&halves(640, 360), (64, 36)).unwrap().scaled((20, 50)).unwrap();
        assert!((again.width, again.height) == (20, 50) && is_near(again.row(49)[0], [255, 0, 0]));
        assert!(Picture::of_frame(&halves(1, 1), (4, 4)).is_ok() && Picture::of_frame(&halves(5, 3), (1, 1)).is_ok());
    }

    #[test]
    fn a_picture_is_turned_clockwise_by_its_rotation() {
        let is_red = |picture: &Picture, x: usize, y: usize| is_near(picture.row(y)[x], [255, 0, 0]);
        for (rotation, size, red, white) in [
            (Rotation::None, (16, 9), (0, 4), (15, 4)),
            (Rotation::Right, (9, 16), (4, 0), (4, 15)),
            (Rotation::Over, (16, 9), (15, 4), (0, 4)),
            (Rotation::Left, (9, 16), (4, 15), (4, 0)),
        ] {
            let picture = Picture::of_frame(&halves(640, 360).turned(rotation), size).unwrap();
            assert_eq!((picture.width, picture.height), (size.0 as usize, size.1 as usize), "{rotation:?}");
            assert!(is_red(&picture, red.0, red.1) && !is_red(&picture, white.0, white.1), "{rotation:?}");
        }
    }

    #[test]
    fn files_hold_the_same_pixels() {
        let picture = Picture::of_frame(&halves(64, 36), (64, 36)).unwrap();
        for extension in [".png", ".jpg"] {
            let file = Vector::from_slice(&picture.file(extension).unwrap());
            let bgr = imgcodecs::imdecode(&file, imgcodecs::IMREAD_COLOR).unwrap();
            let first = bgr.at_2d::<core::Vec3b>(0, 0).unwrap();
            assert!(is_near([first[2], first[1], first[0]], [255, 0, 0]), "{extension} {first:?}");
        }
    }
}
