//! What the window system says of keys and the mouse, as highgui passes it on.
//!
//! highgui gives one number for a key, and each of its backends numbers as it likes. GTK gives the key symbol of X11 with
//! shift and its kin in the upper half. Qt gives lower-case ASCII or the key symbol, without shift, which is
//! asked for elsewhere. Cocoa gives Unicode, with arrows in its private use area.

use opencv::highgui;

use crate::video::viewer::{Key, ViewerAction};

/// Leaves the full screen, as everywhere.
pub(super) const ESCAPE: i32 = 27;

/// Louder or softer with each notch of the wheel, in percent.
const WHEEL_STEP: i8 = 2;

/// The key of a number of `waitKeyEx`. `shift` says that shift is held, where the number does not.
pub(super) fn key(code: i32, shift: bool) -> Option<Key> {
    let shift = shift || code & (1 << 16) != 0;
    Some(match code & 0xffff {
        0xff51 | 0xf702 if shift => Key::ShiftLeft,
        0xff53 | 0xf703 if shift => Key::ShiftRight,
        0xff51 | 0xf702 => Key::Left,
        0xff52 | 0xf700 => Key::Up,
        0xff53 | 0xf703 => Key::Right,
        0xff54 | 0xf701 => Key::Down,
        ascii @ 0x20..=0x7e => {
            let typed = char::from(u8::try_from(ascii).ok()?);
            Key::Char(if shift { typed.to_ascii_uppercase() } else { typed })
        }
        _ => return None,
    })
}

/// What a viewer did with the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mouse {
    /// Moved it, or did what means nothing.
    Moved,
    /// Asked for something.
    Asked(ViewerAction),
    /// Turned the wheel, and wants this.
    Turned(ViewerAction),
}

/// Reads what highgui gives a mouse callback.
pub(super) fn mouse(event: i32, flags: i32) -> Mouse {
    match event {
        highgui::EVENT_LBUTTONDBLCLK => Mouse::Asked(ViewerAction::ToggleFullScreen),
        highgui::EVENT_RBUTTONDOWN => Mouse::Asked(ViewerAction::TogglePause),
        // The distance stands in the upper half, with its sign; some backends turn it by a notch of 1, others of 120.
        highgui::EVENT_MOUSEWHEEL if flags >> 16 > 0 => Mouse::Turned(ViewerAction::VolumeBy(WHEEL_STEP)),
        highgui::EVENT_MOUSEWHEEL if flags >> 16 < 0 => Mouse::Turned(ViewerAction::VolumeBy(-WHEEL_STEP)),
        _ => Mouse::Moved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{types::MediaTime, video::viewer::bindings};

    fn action(code: i32, shift: bool) -> Option<ViewerAction> {
        key(code, shift)?.action()
    }

    #[expect(clippy::unnecessary_wraps, reason = "compared with what a key gives")]
    const fn seek(seconds: i64) -> Option<ViewerAction> {
        Some(ViewerAction::SeekBy(MediaTime(seconds * 1_000_000)))
    }

    #[test]
    fn arrows_seek_in_every_backend() {
        let (qt, gtk, cocoa) = ([0xff51, 0xff52, 0xff53, 0xff54], 0x10_0000, [0xf702, 0xf700, 0xf703, 0xf701]);
        for [left, up, right, down] in [qt, qt.map(|code| code | gtk), cocoa] {
            assert_eq!([left, right].map(|code| action(code, false)), [seek(-5), seek(5)]);
            assert_eq!([down, up].map(|code| action(code, false)), [seek(-60), seek(60)]);
            assert_eq!([left, right].map(|code| action(code, true)), [seek(-1), seek(1)]);
        }
        assert_eq!([0x1_ff51, 0x1_ff53].map(|code| action(code, false)), [seek(-1), seek(1)], "GTK tells of shift");
    }

    #[test]
    fn every_key_of_the_list_can_be_typed() {
        for (listed, _) in bindings() {
            let Key::Char(typed) = listed else { continue };
            let code = u32::from(typed).try_into().unwrap();
            assert_eq!(key(code, false), Some(listed), "as GTK says it: {typed:?}");
            // Qt says lower case and shift apart.
            let lower = u32::from(typed.to_ascii_lowercase()).try_into().unwrap();
            assert_eq!(key(lower, typed.is_ascii_uppercase()), Some(listed), "as Qt says it: {typed:?}");
        }
        assert_eq!(action(0x1_0051, false), Some(ViewerAction::StopAndRemember), "GTK, with its shift");
        assert_eq!(action('?'.into_code(), true), Some(ViewerAction::ToggleHelp), "shift is on many layouts in it");
    }

    trait Code {
        fn into_code(self) -> i32;
    }

    impl Code for char {
        fn into_code(self) -> i32 {
            u32::from(self).try_into().unwrap()
        }
    }

    #[test]
    fn keys_that_mean_nothing_do_nothing() {
        for code in [-1, 0, 27, 0xffe1, 0xffbe, 'x'.into_code(), i32::MIN, i32::MAX] {
            assert_eq!(action(code, false), None, "{code:#x}");
        }
    }

    #[test]
    fn the_mouse_fills_the_screen_pauses_and_turns_the_volume() {
        assert_eq!(mouse(highgui::EVENT_LBUTTONDBLCLK, 0), Mouse::Asked(ViewerAction::ToggleFullScreen));
        assert_eq!(mouse(highgui::EVENT_RBUTTONDOWN, 2), Mouse::Asked(ViewerAction::TogglePause));
        assert_eq!(mouse(highgui::EVENT_MOUSEWHEEL, 120 << 16), Mouse::Turned(ViewerAction::VolumeBy(2)));
        assert_eq!(mouse(highgui::EVENT_MOUSEWHEEL, -120 << 16), Mouse::Turned(ViewerAction::VolumeBy(-2)));
        assert_eq!(mouse(highgui::EVENT_MOUSEWHEEL, 0), Mouse::Moved);
        assert_eq!(mouse(highgui::EVENT_LBUTTONDOWN, 1), Mouse::Moved);
    }
}
