//! One glyph: its face, and the black edge around it.

use cosmic_text::{SwashContent, SwashImage};

use super::{Canvas, pixels};

/// Width of the edge by the height of the text.
const EDGE: f32 = 0.07;

/// A glyph as it is drawn. One that shows nothing, like a blank, has no pixels.
#[derive(Debug, Default)]
pub(super) struct Glyph {
    face: Mask,
    /// How bright each pixel of the face is where that differs: a coloured picture in grey.
    light: Option<Vec<u8>>,
    edge: Mask,
}

/// How much of each pixel is covered, row by row, and where the upper left one is from the glyph's origin.
#[derive(Debug, Default)]
struct Mask {
    left: i32,
    top: i32,
    width: usize,
    cover: Vec<u8>,
}

/// Width of the edge around text of this height, in pixels.
pub(super) fn edge_of(size: f32) -> usize {
    usize::try_from(pixels(size * EDGE)).unwrap_or(0).max(1)
}

impl Glyph {
    /// From what a rasteriser gave, with an edge of so many pixels.
    pub(super) fn new(image: &SwashImage, edge: usize) -> Self {
        let width = image.placement.width as usize;
        let (cover, light) = match image.content {
            SwashContent::Mask => (image.data.clone(), None),
            SwashContent::Color | SwashContent::SubpixelMask => {
                let pixel = |pixel: &[u8]| (pixel.get(3).copied().unwrap_or(0), grey(pixel));
                let (cover, light): (Vec<_>, Vec<_>) = image.data.chunks_exact(4).map(pixel).unzip();
                (cover, Some(light))
            }
        };
        let face = Mask { left: image.placement.left, top: -image.placement.top, width, cover };
        let edge = face.grown(edge);
        Self { face, light, edge }
    }

    /// What it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        let light = self.light.as_ref().map_or(0, Vec::len);
        size_of::<Self>() + self.face.cover.len() + light + self.edge.cover.len()
    }

    /// Draws the edge, for a glyph whose origin is at (`x`, `y`).
    pub(super) fn draw_edge(&self, canvas: &mut Canvas<'_>, x: i32, y: i32) {
        let Mask { left, top, width, cover } = &self.edge;
        canvas.blend((x + left, y + top), *width, cover, |_| 0);
    }

    /// Draws the face.
    pub(super) fn draw_face(&self, canvas: &mut Canvas<'_>, x: i32, y: i32) {
        let Mask { left, top, width, cover } = &self.face;
        match &self.light {
            None => canvas.blend((x + left, y + top), *width, cover, |_| u8::MAX),
            Some(light) => {
                canvas.blend((x + left, y + top), *width, cover, |place| light.get(place).copied().unwrap_or(u8::MAX));
            }
        }
    }
}

impl Mask {
    /// The mask as if it were drawn with a round brush of this radius.
    fn grown(&self, radius: usize) -> Self {
        if self.width == 0 || self.cover.is_empty() {
            return Self::default();
        }
        let (width, rows) = (self.width + 2 * radius, self.cover.len() / self.width + 2 * radius);
        let mut cover = vec![0; width * rows];
        let brush = brush(radius);
        for (place, alpha) in self.cover.iter().enumerate().filter(|(_, alpha)| **alpha > 0) {
            let (x, y) = (place % self.width, place / self.width);
            for (row, weights) in brush.chunks_exact(2 * radius + 1).enumerate() {
                let start = (y + row) * width + x;
                let Some(line) = cover.get_mut(start..start + weights.len()) else { continue };
                for (value, weight) in line.iter_mut().zip(weights) {
                    let reached = u16::from(*alpha) * u16::from(*weight) / 255;
                    *value = (*value).max(u8::try_from(reached).unwrap_or(u8::MAX));
                }
            }
        }
        let grown = i32::try_from(radius).unwrap_or(0);
        Self { left: self.left - grown, top: self.top - grown, width, cover }
    }
}

/// A disc, soft at its rim: how much of each pixel it covers, in a square of twice the radius and one.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
fn brush(radius: usize) -> Vec<u8> {
    let side = 2 * radius + 1;
    let weight = |place: usize| {
        let (x, y) = ((place % side).abs_diff(radius) as f32, (place / side).abs_diff(radius) as f32);
        let cover = radius as f32 + 1.0 - x.hypot(y);
        (cover.clamp(0.0, 1.0) * 255.0) as u8
    };
    (0..side * side).map(weight).collect()
}

/// How bright a pixel of red, green and blue is, by ITU-R BT.601.
fn grey(pixel: &[u8]) -> u8 {
    let weighed = pixel.iter().zip([299_u32, 587, 114]).map(|(value, weight)| u32::from(*value) * weight);
    u8::try_from(weighed.sum::<u32>() / 1000).unwrap_or(u8::MAX)
}
