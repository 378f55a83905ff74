//! Where a picture goes in a window of another shape.

/// A place in a window, in pixels from its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// Width and height in pixels.
pub(super) type Size = (i32, i32);

/// The largest size of the shape of `picture` within `room`; at least a pixel.
pub(super) fn largest_within(picture: Size, room: Size) -> Size {
    let (width, height) = (i64::from(picture.0.max(1)), i64::from(picture.1.max(1)));
    let (most_width, most_height) = (i64::from(room.0.max(1)), i64::from(room.1.max(1)));
    let size = if width * most_height >= height * most_width {
        (most_width, (height * most_width / width).max(1))
    } else {
        ((width * most_height / height).max(1), most_height)
    };
    let fitted = |pixels: i64| i32::try_from(pixels).unwrap_or(1);
    (fitted(size.0), fitted(size.1))
}

/// Where `picture` goes in `window`: as large as it can be in its own shape, in the middle. What is left is black. A
/// pixel of black on each side is not worth a picture of another size.
pub(super) fn fit(picture: Size, window: Size) -> Place {
    let (width, height) = largest_within(picture, window);
    let snap = |size: i32, room: i32| if room - size <= 2 { room.max(1) } else { size };
    let (width, height) = (snap(width, window.0), snap(height, window.1));
    Place { x: (window.0 - width) / 2, y: (window.1 - height) / 2, width, height }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(x: i32, y: i32, width: i32, height: i32) -> Place {
        Place { x, y, width, height }
    }

    #[test]
    fn a_picture_keeps_its_shape_in_every_window() {
        assert_eq!(fit((1920, 1080), (960, 540)), place(0, 0, 960, 540));
        assert_eq!(fit((1920, 1080), (1000, 540)), place(20, 0, 960, 540));
        assert_eq!(fit((1920, 1080), (960, 600)), place(0, 30, 960, 540));
        assert_eq!(fit((1080, 1920), (1920, 1080)), place(656, 0, 607, 1080));
        assert_eq!(fit((426, 240), (960, 540)), place(0, 0, 960, 540), "240p is 1.775 and not 16:9");
    }

    #[test]
    fn a_picture_lies_within_its_window_whatever_their_sizes() {
        let sizes = [(1, 1), (1, 5000), (5000, 1), (426, 240), (641, 271), (3840, 2160), (7, 3)];
        for picture in sizes {
            for window in sizes {
                let Place { x, y, width, height } = fit(picture, window);
                assert!(x >= 0 && y >= 0 && width >= 1 && height >= 1, "{picture:?} in {window:?}");
                assert!(x + width <= window.0 && y + height <= window.1, "{picture:?} in {window:?}");
                assert!(window.0 - width <= 1 || window.1 - height <= 1, "{picture:?} in {window:?} could be larger");
            }
        }
    }

    #[test]
    fn a_new_window_has_the_shape_of_the_picture() {
        let room = (960, 540);
        assert_eq!(largest_within((1920, 1080), room), (960, 540));
        assert_eq!(largest_within((426, 240), room), (958, 540));
        assert_eq!(largest_within((640, 272), room), (960, 408));
        assert_eq!(largest_within((1080, 1920), room), (303, 540));
        assert_eq!(largest_within((0, i32::MAX), room), (1, 540));
    }
}
