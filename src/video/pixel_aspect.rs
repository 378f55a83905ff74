//! The shape of a picture's pixels: those of DVDs and old cameras are not square.

/// Furthest that a pixel may be from a square. What says more is damaged, or meant as a joke.
const MOST_STRETCH: u32 = 10;

/// A hundredth is what scaling to whole pixels leaves: 426×240 of 16:9 has pixels of 640:639. Nobody sees it.
const NEARLY_SQUARE: u64 = 100;

/// How wide a pixel is for its height, before the picture is turned: 64:45 makes 720×576 a picture of 16:9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelAspect {
    width: u32,
    height: u32,
}

impl PixelAspect {
    /// Pixels as wide as high.
    pub const SQUARE: Self = Self { width: 1, height: 1 };

    /// A ratio as a file has it; `None` where that says nothing, or nothing that can be meant: a part is 0, or one more than
    /// ten times the other.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let is_possible = |one: u32, other: u32| one > 0 && one.div_ceil(MOST_STRETCH) <= other;
        let is_square = u64::from(width.abs_diff(height)) * NEARLY_SQUARE <= u64::from(width.max(height));
        let given = if is_square { Self::SQUARE } else { Self { width, height } };
        (is_possible(width, height) && is_possible(height, width)).then_some(given)
    }

    /// Its two parts.
    #[must_use]
    pub fn ratio(self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// A size in such pixels, in as many square ones: the width changes, so that no row is invented.
    #[must_use]
    pub fn of_size(self, (width, height): (u32, u32)) -> (u32, u32) {
        let (times, by) = (u64::from(self.width), u64::from(self.height));
        let seen = (u64::from(width) * times + by / 2) / by;
        (u32::try_from(seen).unwrap_or(u32::MAX).max(width.min(1)), height)
    }
}

impl Default for PixelAspect {
    fn default() -> Self {
        Self::SQUARE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_seen_in_square_pixels() {
        let seen = |width, height, size| PixelAspect::new(width, height).unwrap().of_size(size);
        assert_eq!(seen(64, 45, (720, 576)), (1024, 576));
        assert_eq!(seen(8, 9, (720, 480)), (640, 480));
        assert_eq!(seen(1, 1, (641, 3)), (641, 3));
        assert_eq!((seen(640, 639, (426, 240)), seen(99, 100, (200, 1))), ((426, 240), (200, 1)));
        assert_eq!(seen(49, 48, (96, 54)), (98, 54), "two hundredths are seen");
        assert_eq!((seen(1, 10, (1, 1)), seen(10, 1, (u32::MAX, 7))), ((1, 1), (u32::MAX, 7)));
        assert_eq!(seen(4_000_000_000, 3_000_000_000, (1440, 1080)), (1920, 1080));
    }

    #[test]
    fn a_shape_that_cannot_be_meant_is_none() {
        for (width, height) in [(0, 0), (0, 1), (1, 0), (101, 10), (10, 101), (u32::MAX, 1), (1, u32::MAX)] {
            assert_eq!(PixelAspect::new(width, height), None, "{width}:{height}");
        }
        assert!(PixelAspect::new(100, 10).is_some() && PixelAspect::new(u32::MAX, u32::MAX).is_some());
    }
}
