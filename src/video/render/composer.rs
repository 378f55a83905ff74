//! What a window shows: the picture in its own shape, black around it, words over it.

use opencv::{
    Result,
    core::{CV_8UC3, Mat, MatTrait as _, MatTraitConst as _, Rect, Scalar, Size},
    imgproc,
};

use super::{
    letterbox::{self, Place, fit},
    osd::Look,
    overlay::Overlay,
    text::TextPainter,
};

/// A picture as it was decoded, turned upright, and in how many square pixels it is seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) picture: Mat,
    pub(super) size: letterbox::Size,
}

/// Composes what windows show. One for all of them: it keeps glyphs, and the memory of the last picture.
#[derive(Debug)]
pub(super) struct Composer {
    overlay: Overlay,
    shown: Mat,
}

impl Composer {
    pub(super) fn new(painter: TextPainter) -> Self {
        Self { overlay: Overlay::new(painter), shown: Mat::default() }
    }

    /// A picture for a window of this size in pixels: exactly as large, so that no window system stretches it.
    pub(super) fn compose(&mut self, seen: &Seen, window: letterbox::Size, look: &Look) -> Result<&Mat> {
        let Place { x, y, width, height } = fit(seen.size, window);
        let picture = &seen.picture;
        if (self.shown.cols(), self.shown.rows()) != window {
            self.shown = Mat::new_rows_cols_with_default(window.1, window.0, CV_8UC3, Scalar::all(0.0))?;
        } else if (width, height) != window {
            self.shown.set_to_def(&Scalar::all(0.0))?;
        }
        let shrinks = width < picture.cols();
        let method = if shrinks { imgproc::INTER_AREA } else { imgproc::INTER_LINEAR };
        {
            let mut place = Mat::roi_mut(&mut self.shown, Rect::new(x, y, width, height))?;
            imgproc::resize(picture, &mut place, Size::new(width, height), 0.0, 0.0, method)?;
        }
        self.overlay.draw(&mut self.shown, look)?;
        Ok(&self.shown)
    }
}

#[cfg(test)]
mod tests;
