//! A picture that is drawn on.

use super::Extent;

/// Bytes of a pixel.
const CHANNELS: usize = 3;

/// A picture of 3 bytes a pixel, rows without padding. In which order the colours come does not matter: nothing
/// but black, white and grey is drawn.
#[derive(Debug)]
pub struct Canvas<'a> {
    pixels: &'a mut [u8],
    extent: Extent,
}

impl<'a> Canvas<'a> {
    /// Over the bytes of a picture; `None` when they are not as many as its size says.
    #[must_use]
    pub fn new(pixels: &'a mut [u8], width: usize, height: usize) -> Option<Self> {
        let size = width.checked_mul(height)?.checked_mul(CHANNELS)?;
        (pixels.len() == size).then_some(Self { pixels, extent: Extent { width, height } })
    }

    /// Its size.
    #[must_use]
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Mixes a mask of `width` pixels a row into the picture, with its upper left corner at (`x`, `y`); what lies
    /// outside is left out. 0 of `mask` changes nothing, 255 makes a pixel as bright as `light` says.
    pub(super) fn blend(&mut self, (x, y): (i32, i32), width: usize, mask: &[u8], light: impl Fn(usize) -> u8) {
        if width == 0 {
            return;
        }
        let column = usize::try_from(x).unwrap_or(0);
        let (from, until) = visible(x, width, self.extent.width);
        for (row, covered) in mask.chunks_exact(width).enumerate() {
            let Some(line) = i32::try_from(row).ok().and_then(|row| usize::try_from(y.checked_add(row)?).ok()) else {
                continue;
            };
            if line >= self.extent.height || from >= until {
                continue;
            }
            let start = (line * self.extent.width + column) * CHANNELS;
            let Some(pixels) = self.pixels.get_mut(start..start + (until - from) * CHANNELS) else { continue };
            let Some(covered) = covered.get(from..until) else { continue };
            for (place, (pixel, alpha)) in pixels.chunks_exact_mut(CHANNELS).zip(covered).enumerate() {
                if *alpha > 0 {
                    let light = light(row * width + from + place);
                    for value in pixel {
                        *value = mix(*value, light, *alpha);
                    }
                }
            }
        }
    }
}

/// Which columns of a mask lie on a canvas.
fn visible(x: i32, width: usize, canvas: usize) -> (usize, usize) {
    let from = usize::try_from(-i64::from(x)).unwrap_or(0);
    let room = i64::try_from(canvas).unwrap_or(i64::MAX).saturating_sub(x.into());
    (from, width.min(usize::try_from(room).unwrap_or(0)))
}

fn mix(below: u8, above: u8, alpha: u8) -> u8 {
    let (below, above, alpha) = (u32::from(below), u32::from(above), u32::from(alpha));
    // Below 256, since it lies between the two.
    u8::try_from((below * (255 - alpha) + above * alpha + 127) / 255).unwrap_or(u8::MAX)
}
