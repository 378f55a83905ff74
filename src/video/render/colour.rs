//! From yuv420p to the blue, green, red that OpenCV draws.

use opencv::{
    Result,
    core::{self, Mat, MatTraitConst as _, Rect},
    imgproc,
};

use crate::video::frame::{Colour, Frame, Matrix, Range};

/// The frame as a matrix of 8-bit blue, green, red. OpenCV's own conversion knows BT.601 in limited range and
/// even sizes; what differs from that is brought to it before, or put right after.
pub(super) fn to_bgr(frame: &Frame) -> Result<Mat> {
    let (width, height) = (pixels(frame.width()), pixels(frame.height()));
    let (even_width, even_height) = (width + width % 2, height + height % 2);
    let mut samples = None;
    if (even_width, even_height) != (width, height) {
        samples = Some(padded(frame));
    }
    if frame.colour.range == Range::Full {
        let luma = even_width as usize * even_height as usize;
        limit(samples.get_or_insert_with(|| frame.yuv420p().to_vec()), luma);
    }
    let samples = samples.as_deref().unwrap_or(frame.yuv420p());
    let planes = Mat::new_rows_cols_with_bytes::<u8>(even_height / 2 * 3, even_width, samples)?;
    let mut bgr = Mat::default();
    imgproc::cvt_color_def(&planes, &mut bgr, imgproc::COLOR_YUV2BGR_I420)?;
    if let Some(correction) = correction(frame.colour) {
        let mut corrected = Mat::default();
        core::transform(&bgr, &mut corrected, &Mat::from_slice_2d(&correction)?)?;
        bgr = corrected;
    }
    if (even_width, even_height) != (width, height) {
        bgr = Mat::roi(&bgr, Rect::new(0, 0, width, height))?.try_clone()?;
    }
    Ok(bgr)
}

fn pixels(size: u32) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

/// The planes with the last luma column and row doubled where their number is odd. Chroma is rounded up
/// already.
fn padded(frame: &Frame) -> Vec<u8> {
    let [luma, u, v] = frame.planes();
    let mut samples = Vec::with_capacity(frame.yuv420p().len() * 2);
    let add_row = |samples: &mut Vec<u8>, row: &[u8]| {
        samples.extend_from_slice(row);
        samples.extend(row.last().filter(|_| row.len() % 2 == 1));
    };
    let rows = luma.data.chunks_exact(luma.width.max(1));
    let last = rows.clone().last().filter(|_| frame.height() % 2 == 1);
    rows.chain(last).for_each(|row| add_row(&mut samples, row));
    samples.extend_from_slice(u.data);
    samples.extend_from_slice(v.data);
    samples
}

/// Brings full-range samples, `luma` of them luma, to the limited range.
fn limit(samples: &mut [u8], luma: usize) {
    let (luma, chroma) = samples.split_at_mut(luma.min(samples.len()));
    let scaled = |value: u8, steps: u16| ((u16::from(value) * steps + 127) / 255).to_le_bytes()[0];
    let luma_table: [u8; 256] = std::array::from_fn(|value| 16 + scaled(value.to_le_bytes()[0], 219));
    let chroma_table: [u8; 256] = std::array::from_fn(|value| 16 + scaled(value.to_le_bytes()[0], 224));
    luma.iter_mut().for_each(|sample| *sample = luma_table[usize::from(*sample)]);
    chroma.iter_mut().for_each(|sample| *sample = chroma_table[usize::from(*sample)]);
}

/// What turns blue, green, red that were computed with BT.601 into what they should have been.
fn correction(colour: Colour) -> Option<[[f32; 3]; 3]> {
    // ITU-R BT.601, BT.709 and BT.2020: weights of red and blue in luma.
    let (red, blue) = match colour.matrix {
        Matrix::Bt601 => return None,
        Matrix::Bt709 => (0.2126, 0.0722),
        Matrix::Bt2020 => (0.2627, 0.0593),
    };
    let column = |bgr| from_yuv(to_yuv(bgr, 0.299, 0.114), red, blue);
    let columns = [column([1.0, 0.0, 0.0]), column([0.0, 1.0, 0.0]), column([0.0, 0.0, 1.0])];
    Some(std::array::from_fn(|row| std::array::from_fn(|index| columns[index][row])))
}

fn to_yuv([b, g, r]: [f32; 3], red: f32, blue: f32) -> [f32; 3] {
    let y = red * r + (1.0 - red - blue) * g + blue * b;
    [y, (b - y) / (1.0 - blue), (r - y) / (1.0 - red)]
}

fn from_yuv([y, u, v]: [f32; 3], red: f32, blue: f32) -> [f32; 3] {
    let (b, r) = (y + u * (1.0 - blue), y + v * (1.0 - red));
    [b, (y - red * r - blue * b) / (1.0 - red - blue), r]
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
        let bgr = to_bgr(frame).unwrap();
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
    fn odd_sizes_are_drawn_to_the_last_pixel() {
        for size in [(1, 1), (5, 3), (4, 3), (5, 4), (641, 271)] {
            assert_bgr(&flat(size, [235, 128, 128], Matrix::Bt601, Range::Limited), [255, 255, 255]);
            assert_bgr(&flat(size, [255, 128, 128], Matrix::Bt709, Range::Full), [255, 255, 255]);
        }
    }
}
