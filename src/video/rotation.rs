//! How a picture is to be turned before it is looked at: cameras held upright store it lying.

/// By how much a picture is turned clockwise to stand upright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rotation {
    /// It stands upright.
    #[default]
    None,
    /// By 90°.
    Right,
    /// By 180°.
    Over,
    /// By 270°.
    Left,
}

impl Rotation {
    /// In degrees clockwise: 0, 90, 180 or 270.
    #[must_use]
    pub fn degrees(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Right => 90,
            Self::Over => 180,
            Self::Left => 270,
        }
    }

    /// From degrees clockwise; `None` for what is no quarter of a turn.
    #[must_use]
    pub fn from_degrees(degrees: u16) -> Option<Self> {
        [Self::None, Self::Right, Self::Over, Self::Left].into_iter().find(|one| one.degrees() == degrees)
    }

    /// A size in pixels as it is after turning.
    #[must_use]
    pub fn of_size(self, (width, height): (u32, u32)) -> (u32, u32) {
        match self {
            Self::None | Self::Over => (width, height),
            Self::Right | Self::Left => (height, width),
        }
    }

    /// From the display matrix of a track (ISO/IEC 14496-12, 6.2.2): `a b u c d v x y w`. What is mirrored, slanted or
    /// only scaled is left as it is.
    pub(crate) fn from_matrix(matrix: [i32; 9]) -> Self {
        let [a, b, _, c, d, ..] = matrix.map(i32::signum);
        match (a, b, c, d) {
            (0, 1, -1, 0) => Self::Right,
            (-1, 0, 0, -1) => Self::Over,
            (0, -1, 1, 0) => Self::Left,
            _ => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i32 = 0x1_0000;

    #[test]
    fn quarters_of_a_turn_are_read_from_a_matrix() {
        let matrix = |a, b, c, d| Rotation::from_matrix([a, b, 0, c, d, 0, 77, -9, 0x4000_0000]).degrees();
        assert_eq!(matrix(ONE, 0, 0, ONE), 0);
        assert_eq!(matrix(0, ONE, -ONE, 0), 90);
        assert_eq!(matrix(-ONE, 0, 0, -ONE), 180);
        assert_eq!(matrix(0, -ONE, ONE, 0), 270);
        assert_eq!((matrix(-ONE, 0, 0, ONE), matrix(ONE, ONE, -ONE, ONE), matrix(0, 0, 0, 0)), (0, 0, 0));
        assert_eq!(matrix(i32::MIN, i32::MAX, i32::MIN, i32::MIN), 0);
    }

    #[test]
    fn only_quarters_have_degrees() {
        for degrees in 0..=720 {
            let rotation = Rotation::from_degrees(degrees);
            assert_eq!(rotation.is_some(), [0, 90, 180, 270].contains(&degrees), "{degrees}");
            assert!(rotation.is_none_or(|rotation| rotation.degrees() == degrees));
        }
    }
}
