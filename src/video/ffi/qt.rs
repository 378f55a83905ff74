//! What Qt knows and highgui does not pass on: whether shift is held, which window has the focus; and how to take from
//! its windows what they do with keys and the wheel by themselves.
//!
//! highgui may be built on Qt 5, on Qt 6 or on something else, and none of them is linked here: a function is
//! looked up by its name among the libraries that the process has loaded anyway. Where it is not there, there is no
//! answer, and the caller does without.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

/// `Qt::ShiftModifier`.
const SHIFT: c_int = 0x0200_0000;

/// `Qt::NoFocus`.
const NO_FOCUS: c_int = 0;

/// `Qt::DirectConnection`.
const DIRECT: c_int = 1;

/// Where the system's loader looks among all libraries: `RTLD_DEFAULT`.
const ANYWHERE: isize = if cfg!(target_os = "macos") { -2 } else { 0 };

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
}

/// `QGenericArgument`, and `QGenericReturnArgument` which adds nothing to it.
#[repr(C)]
#[derive(Clone, Copy)]
struct Argument {
    data: *const c_void,
    name: *const c_char,
}

type Widget = *mut c_void;

/// `QMetaObject::invokeMethod`.
type Invoke = extern "C" fn(
    Widget,
    *const c_char,
    c_int,
    Argument,
    Argument,
    Argument,
    Argument,
    Argument,
    Argument,
    Argument,
    Argument,
    Argument,
    Argument,
    Argument,
) -> bool;

/// The address of a function of the process.
fn find(symbol: &CStr) -> Option<*mut c_void> {
    // SAFETY: `symbol` ends with a zero; a lookup has no other precondition and may be done from any thread.
    let found = unsafe { dlsym(std::ptr::without_provenance_mut(ANYWHERE.cast_unsigned()), symbol.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// Whether shift was held at the last thing that happened in a window.
pub(in crate::video) fn is_shift_held() -> bool {
    // QGuiApplication::keyboardModifiers()
    let Some(function) = find(c"_ZN15QGuiApplication17keyboardModifiersEv") else { return false };
    // SAFETY: the name has the signature in it: static, without parameters. What it returns is a QFlags, which is an
    // int and trivial to copy, so it comes back like one. It reads a variable, also when there is no application yet.
    let modifiers = unsafe { std::mem::transmute::<*mut c_void, extern "C" fn() -> c_int>(function)() };
    modifiers & SHIFT != 0
}

/// Whether the window that highgui knows by this name has the focus; `None` when nobody can tell. For the thread of the
/// windows, while that window is open.
pub(in crate::video) fn has_focus(name: &str) -> Option<bool> {
    // QApplication::activeWindow()
    let active = find(c"_ZN12QApplication12activeWindowEv")?;
    let window = widget(name)?;
    // SAFETY: static, without parameters, returns a pointer that is compared and never followed.
    let active = unsafe { std::mem::transmute::<*mut c_void, extern "C" fn() -> Widget>(active)() };
    Some(active == window)
}

/// Undoes the zoom that a window of highgui on Qt does with every turn of the wheel. For the thread of the windows, while
/// that window is open.
pub(in crate::video) fn reset_zoom(name: &str) {
    // Without Qt there is no zoom.
    let _ = try_reset_zoom(name);
}

fn try_reset_zoom(name: &str) -> Option<()> {
    // QMetaObject::invokeMethod(QObject*, char const*, Qt::ConnectionType, QGenericReturnArgument, 10 × QGenericArgument)
    let invoke = find(
        c"_ZN11QMetaObject12invokeMethodEP7QObjectPKcN2Qt14ConnectionTypeE22QGenericReturnArgument16QGenericArgumentS7_S7_S7_S7_S7_S7_S7_S7_S7_",
    )?;
    let unset_cursor = find(c"_ZN7QWidget11unsetCursorEv")?;
    let view = view(name)?;
    let none = Argument { data: std::ptr::null(), name: std::ptr::null() };
    // SAFETY: the names have the signatures in them. `view` is a live widget, which is a QObject at the same address. Qt
    // looks up the method by its name: an object that has none is left alone.
    unsafe {
        let invoke = std::mem::transmute::<*mut c_void, Invoke>(invoke);
        let method = c"resetZoom".as_ptr();
        invoke(view, method, DIRECT, none, none, none, none, none, none, none, none, none, none, none);
        std::mem::transmute::<*mut c_void, extern "C" fn(Widget)>(unset_cursor)(view);
    }
    Some(())
}

/// Keeps the view inside a window from taking arrow keys to scroll by, which it does once it was clicked. For the thread of
/// the windows, while that window is open.
pub(in crate::video) fn keep_keys(name: &str) {
    // Without Qt nothing takes them.
    let _ = try_keep_keys(name);
}

fn try_keep_keys(name: &str) -> Option<()> {
    // QWidget::setFocusPolicy(Qt::FocusPolicy)
    let set_policy = find(c"_ZN7QWidget14setFocusPolicyEN2Qt11FocusPolicyE")?;
    let view = view(name)?;
    // SAFETY: the name has the signature in it; an enumeration of C++ is an int here; `view` is a live widget.
    unsafe { std::mem::transmute::<*mut c_void, extern "C" fn(Widget, c_int)>(set_policy)(view, NO_FOCUS) };
    Some(())
}

/// What scrolls and zooms the picture inside the window of this name.
fn view(name: &str) -> Option<Widget> {
    // QWidget::childAt(QPoint const&) const, QWidget::focusProxy() const
    let child_at = find(c"_ZNK7QWidget7childAtERK6QPoint")?;
    let focus_proxy = find(c"_ZNK7QWidget10focusProxyEv")?;
    let window = widget(name)?;
    // SAFETY: the names have the signatures in them. `window` is a live widget, as `widget` says, and so is what the
    // methods return unless it is null, which is looked for. A QPoint is two ints.
    let view = unsafe {
        let child_at = std::mem::transmute::<*mut c_void, extern "C" fn(Widget, *const [c_int; 2]) -> Widget>(child_at);
        let focus_proxy = std::mem::transmute::<*mut c_void, extern "C" fn(Widget) -> Widget>(focus_proxy);
        // The picture fills the window; what lies in it passes the focus on to the view.
        let within = child_at(window, &[2, 2]);
        if within.is_null() {
            return None;
        }
        focus_proxy(within)
    };
    (!view.is_null()).then_some(view)
}

/// The window of this name, when highgui is built on Qt.
fn widget(name: &str) -> Option<Widget> {
    // Only with Qt is what highgui gives a QWidget.
    find(c"_ZN12QApplication12activeWindowEv")?;
    let handle = find(c"cvGetWindowHandle")?;
    let name = CString::new(name).ok()?;
    // SAFETY: a C function of one string, which ends with a zero and outlives the call; only a null one makes it throw.
    // With Qt it returns the QWidget of the window or null.
    let widget =
        unsafe { std::mem::transmute::<*mut c_void, extern "C" fn(*const c_char) -> Widget>(handle)(name.as_ptr()) };
    (!widget.is_null()).then_some(widget)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_loaded_is_not_found() {
        assert!(find(c"malloc").is_some());
        assert!(find(c"_ZN12NoSuchThing3runEv").is_none());
    }

    #[test]
    fn of_a_window_that_is_not_there_nothing_is_told_and_nothing_is_done() {
        let name = "no window has this name";
        // With Qt the window is looked for and the focus is nobody's, without it there is nobody to ask.
        assert_eq!(has_focus(name), None);
        assert_eq!((try_reset_zoom(name), try_keep_keys(name)), (None, None));
        assert_eq!(widget("a name with \0 in it"), None);
    }
}
