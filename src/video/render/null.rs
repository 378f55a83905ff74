//! No display: every frame counts as shown, at its time.

use super::{Display, DisplayGone, DisplayKind};
use crate::video::frame::Frame;

/// Shows nothing, and leaves nothing out.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullDisplay;

impl Display for NullDisplay {
    fn kind(&self) -> DisplayKind {
        DisplayKind::None
    }

    fn show(&mut self, _: &Frame) -> Result<(), DisplayGone> {
        Ok(())
    }
}
