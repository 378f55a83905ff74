//! Where pictures go: a window, the terminal, or nowhere.

#[cfg(feature = "player")]
mod colour;
#[cfg(feature = "player")]
mod composer;
#[cfg(feature = "player")]
mod host;
#[cfg(feature = "player")]
mod keys;
mod kind;
#[cfg(feature = "player")]
mod letterbox;
mod null;
#[cfg(feature = "player")]
mod osd;
#[cfg(feature = "player")]
mod overlay;
#[cfg(feature = "player")]
mod pane;
mod probe;
mod status;
#[cfg(feature = "player")]
mod subtitle;
#[cfg(feature = "player")]
mod terminal;
#[cfg(feature = "player")]
mod text;
#[cfg(not(feature = "player"))]
mod unbuilt;
#[cfg(feature = "player")]
mod window;

use crossbeam_channel::Sender;

use super::{clock::Event, frame::Frame, viewer::ViewerAction};

#[cfg(feature = "player")]
pub use host::{WindowHost, Windows, windows};
pub use kind::{Choice, DisplayKind, NoDisplay, NoTerminal, Setting, choose};
pub use null::NullDisplay;
pub use probe::{NoWindows, PROBE_COMMAND, probe, probe_main};
pub use status::Status;
#[cfg(feature = "player")]
pub use terminal::Screen;
#[cfg(feature = "player")]
pub use text::{Anchor, Canvas, Extent, TextPainter};
#[cfg(not(feature = "player"))]
pub use unbuilt::{Screen, WindowHost, Windows, windows};

/// Keeps the window system's own messages (Qt's) off standard error, which is the terminal's. To be called
/// first of all in `main`: it changes nothing once a second thread runs, nor what the user has set.
#[cfg(feature = "player")]
pub fn quiet() {
    if !super::ffi::set_variable_while_alone("QT_LOGGING_RULES", "*=false") {
        log::debug!("messages of the window system may show up");
    }
}

/// There is no window system in this build to be quiet.
#[cfg(not(feature = "player"))]
pub fn quiet() {}

/// The viewer closed the window, or the window system is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisplayGone;

/// Where the frames of one play go. Lives on the play's thread.
pub trait Display: Send {
    /// What it is.
    fn kind(&self) -> DisplayKind;

    /// Shows a frame now; may wait until the one before is through.
    ///
    /// # Errors
    /// When nobody can see it any more. The play ends.
    fn show(&mut self, frame: &Frame) -> Result<(), DisplayGone>;

    /// Shows other subtitles from now on, in lines, or none. The next frame comes with them; where none is about to
    /// come, `still` is the one that is on the display, to be drawn again with them.
    ///
    /// # Errors
    /// As for [`Display::show`].
    fn caption(&mut self, text: Option<&str>, still: Option<&Frame>) -> Result<(), DisplayGone> {
        let _ = (text, still);
        Ok(())
    }

    /// Whether frames that come late are left out: a viewer wants the time to be right. Where nobody looks,
    /// all of them count.
    fn drops_late(&self) -> bool {
        false
    }

    /// Tells it how the play stands: when that changed, at most a few times a second. A display that has no use for it
    /// does nothing.
    fn inform(&mut self, status: &Status) {
        let _ = status;
    }

    /// Whether it takes a frame now. What it does not take is left out, and counts as one that came late. It is
    /// not asked about the first frame of a play, of a seek or of a rendition.
    fn takes(&mut self) -> bool {
        true
    }

    /// Called once before the first frame, with what to call when the viewer closes the display.
    fn attach(&mut self, closer: Closer) {
        drop(closer);
    }
}

/// Tells a play what its viewer did with the display, between frames and in a pause as well.
#[derive(Clone, Debug)]
pub struct Closer(Sender<Event>);

impl Closer {
    #[cfg(any(test, feature = "player"))]
    pub(super) fn new(events: Sender<Event>) -> Self {
        Self(events)
    }

    /// Tells it. Nothing comes of it once the play has ended.
    pub fn close(&self) {
        // A play that has ended has nobody to tell.
        let _ = self.0.send(Event::Closed);
    }

    /// Passes on what the viewer wants.
    pub fn ask(&self, action: ViewerAction) {
        // As above.
        let _ = self.0.send(Event::Asked(action));
    }
}
