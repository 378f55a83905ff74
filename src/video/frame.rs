//! One decoded picture.

use super::{pixel_aspect::PixelAspect, rotation::Rotation};
use crate::types::{MediaTime, RenditionLabel};

/// A picture in yuv420p: 8 bits a sample, one chroma sample for 2×2 of luma, the planes Y, U, V one after the
/// other without padding. Chroma planes of an odd size are rounded up. It is as the decoder gave it: whoever draws it
/// turns it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The rendition that it is from.
    pub label: RenditionLabel,
    /// When it is due.
    pub pts: MediaTime,
    /// What its samples mean.
    pub colour: Colour,
    /// How it is turned to be shown.
    pub rotation: Rotation,
    /// The shape of its pixels, before it is turned.
    pub pixels: PixelAspect,
    width: u32,
    height: u32,
    data: Vec<u8>,
}

/// How YUV samples are to be turned into red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Which weights.
    pub matrix: Matrix,
    /// Which values are black and white.
    pub range: Range,
}

/// The weights of red, green and blue in luma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// ITU-R BT.601: standard definition.
    Bt601,
    /// ITU-R BT.709: high definition.
    Bt709,
    /// ITU-R BT.2020, non-constant luminance.
    Bt2020,
}

impl Matrix {
    /// What is meant when the stream does not say: high definition starts at 720 lines.
    #[must_use]
    pub fn usual_for(height: u32) -> Self {
        if height < 720 { Self::Bt601 } else { Self::Bt709 }
    }
}

/// Which sample values are black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Luma from 16 to 235, chroma from 16 to 240.
    Limited,
    /// All of 0 to 255.
    Full,
}

/// One component of a picture, row by row.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// Samples, `width × height` of them.
    pub data: &'a [u8],
    /// Samples in a row.
    pub width: usize,
}

/// Sizes of the three planes of a picture of `width × height`, in samples: (in a row, rows).
#[must_use]
pub fn plane_sizes(width: u32, height: u32) -> [(usize, usize); 3] {
    let (luma, chroma) = ((width as usize, height as usize), (width.div_ceil(2) as usize, height.div_ceil(2) as usize));
    [luma, chroma, chroma]
}

impl Frame {
    /// A picture out of the bytes of its planes, or `None` when they are too few or too many.
    #[must_use]
    pub fn new(
        label: RenditionLabel,
        pts: MediaTime,
        (width, height): (u32, u32),
        colour: Colour,
        data: Vec<u8>,
    ) -> Option<Self> {
        let size = plane_sizes(width, height).iter().map(|(width, rows)| width * rows).sum::<usize>();
        let (rotation, pixels) = (Rotation::None, PixelAspect::SQUARE);
        (data.len() == size).then_some(Self { label, pts, colour, rotation, pixels, width, height, data })
    }

    /// The same picture, to be turned when it is shown.
    #[must_use]
    pub fn turned(self, rotation: Rotation) -> Self {
        Self { rotation, ..self }
    }

    /// The same picture, with pixels of another shape.
    #[must_use]
    pub fn stretched(self, pixels: PixelAspect) -> Self {
        Self { pixels, ..self }
    }

    /// Width and height in square pixels of what a viewer sees, turned upright.
    #[must_use]
    pub fn shown_size(&self) -> (u32, u32) {
        self.rotation.of_size(self.pixels.of_size((self.width, self.height)))
    }

    /// In pixels, as decoded.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// In pixels, as decoded.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All three planes: what `ffmpeg -f rawvideo -pix_fmt yuv420p` writes for this picture.
    #[must_use]
    pub fn yuv420p(&self) -> &[u8] {
        &self.data
    }

    /// The planes Y, U, V.
    #[must_use]
    pub fn planes(&self) -> [Plane<'_>; 3] {
        let mut rest = self.data.as_slice();
        plane_sizes(self.width, self.height).map(|(width, rows)| {
            let (data, after) = rest.split_at(width * rows);
            rest = after;
            Plane { data, width }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOUR: Colour = Colour { matrix: Matrix::Bt601, range: Range::Limited };

    #[test]
    fn odd_sizes_round_chroma_up() {
        let data: Vec<u8> = (0..15 + 6 + 6).collect();
        let frame = Frame::new(RenditionLabel(3), MediaTime::ZERO, (5, 3), COLOUR, data).unwrap();
        let [y, u, v] = frame.planes();
        assert_eq!((y.data.len(), u.data.len(), v.data.len()), (15, 6, 6));
        assert_eq!((y.width, u.width, v.data[0]), (5, 3, 21));
        assert_eq!(frame.yuv420p().len(), 27);
    }

    #[test]
    fn what_is_seen_is_stretched_and_then_turned() {
        let frame = |rotation, width, height| {
            let frame = Frame::new(RenditionLabel(72), MediaTime::ZERO, (90, 72), COLOUR, vec![0; 90 * 72 * 3 / 2]);
            frame.unwrap().turned(rotation).stretched(PixelAspect::new(width, height).unwrap()).shown_size()
        };
        assert_eq!(frame(Rotation::None, 64, 45), (128, 72));
        assert_eq!(frame(Rotation::Right, 64, 45), (72, 128));
        assert_eq!(frame(Rotation::Over, 8, 9), (80, 72));
    }

    #[test]
    fn bytes_that_do_not_fit_the_size_are_no_frame() {
        for bytes in [0, 5, 7] {
            assert!(Frame::new(RenditionLabel(2), MediaTime::ZERO, (2, 2), COLOUR, vec![0; bytes]).is_none());
        }
        assert!(Frame::new(RenditionLabel(2), MediaTime::ZERO, (2, 2), COLOUR, vec![0; 6]).is_some());
    }
}
