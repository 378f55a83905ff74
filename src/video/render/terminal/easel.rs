//! The one place in a terminal where a play is drawn, and whose play it is.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError},
    thread,
    time::Duration,
};

use super::{
    answers::Answers,
    backlog::{self, Backlog},
    canvas::Canvas,
    graphics::Graphics,
    keys,
    layout::{Layout, USUAL_CELL, Wanted},
    picture::Picture,
    tty::Tty,
};
use crate::video::{
    clock::{Clock as _, SystemClock},
    frame::Frame,
    render::{Closer, DisplayGone},
    viewer::{Key, ViewerAction},
};

/// Lines of the conversation that are kept to be written again. No terminal has many more rows.
const MOST_RECENT: usize = 100;

/// What prompts the line editor to draw its line again: a text that leaves the screen as it is. Up, and the line
/// end that the editor adds leads down again.
const NOTHING: &str = "\x1b[A";

/// How often it is looked whether a terminal that owes answers is to be waited for any longer, while there is something to
/// draw.
const LOOK: Duration = Duration::from_millis(250);

type Print = Box<dyn Fn(String) + Send>;

/// Who sees the picture, and what they want. Locked for moments only: keys must not wait for the terminal.
#[derive(Default)]
struct Viewer {
    /// The display that is shown.
    shown: Option<(u64, Closer)>,
    displays: u64,
    print: Option<Print>,
    recent: VecDeque<String>,
    typed: Vec<u8>,
    is_full: bool,
    /// The screen is somebody else's for a while.
    is_away: bool,
    behind: Behind,
    has_statistics: bool,
    backlog: Backlog,
}

/// What the terminal has not seen yet.
#[derive(Default)]
struct Behind {
    /// Everything is to be drawn anew, by whoever draws next.
    must_redraw: bool,
    /// A frame that is to be seen although the terminal does not take it yet.
    late: Option<Late>,
    /// A thread waits for the terminal to take them.
    catches_up: bool,
}

/// A frame for which a terminal far away had no room.
struct Late {
    display: u64,
    frame: Frame,
    lines: Vec<String>,
}

/// What is on the terminal. Locked while it is written to.
struct Drawing {
    canvas: Canvas,
    /// The last frame as drawn, to be drawn again in another size, and the size that it was decoded in.
    last: Picture,
    decoded: (u32, u32),
    lines: Vec<String>,
    bytes: Vec<u8>,
}

pub(super) struct Easel {
    tty: Box<dyn Tty>,
    graphics: Graphics,
    /// Width and height of a character in pixels, as the terminal said when it was asked; for when it says so no
    /// more.
    cell: (u16, u16),
    clock: SystemClock,
    viewer: Mutex<Viewer>,
    /// The terminal may take more than before.
    changed: Condvar,
    drawing: Mutex<Drawing>,
}

/// What drawing a frame cost.
pub(super) struct Cost {
    pub(super) writing: Duration,
    pub(super) bytes: usize,
}

impl std::fmt::Debug for Easel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Easel({})", self.graphics)
    }
}

impl Easel {
    /// A place in a terminal that answered so. One that is far away is asked behind each picture, if it answers that.
    pub(super) fn new(tty: Box<dyn Tty>, graphics: Graphics, answers: Answers, is_far: bool) -> Self {
        let Answers { cell, synchronized, typed, finds_cursor, .. } = answers;
        let (cell, backlog) = (cell.unwrap_or(USUAL_CELL), Backlog::new(is_far && finds_cursor));
        let canvas = Canvas::new(graphics, synchronized);
        let (last, decoded) = (Picture::default(), (0, 0));
        let drawing = Drawing { canvas, last, decoded, lines: Vec::new(), bytes: Vec::new() };
        let viewer = Viewer { typed, backlog, ..Viewer::default() };
        let (clock, viewer, drawing) = (SystemClock::start(), Mutex::new(viewer), Mutex::new(drawing));
        Self { tty, graphics, cell, clock, viewer, changed: Condvar::new(), drawing }
    }

    pub(super) fn graphics(&self) -> Graphics {
        self.graphics
    }

    pub(super) fn is_taken(&self) -> bool {
        self.viewer().shown.is_some()
    }

    /// A number for a display.
    pub(super) fn enter(&self) -> u64 {
        let mut viewer = self.viewer();
        viewer.displays += 1;
        viewer.displays
    }

    /// Shows this display from now on; the play that was shown is closed.
    pub(super) fn take(&self, display: u64, closer: &Closer) {
        if let Some((_, before)) = self.viewer().shown.replace((display, closer.clone())) {
            before.close();
        }
    }

    pub(super) fn is_shown(&self, display: u64) -> bool {
        self.viewer().shown.as_ref().is_some_and(|(shown, _)| *shown == display)
    }

    pub(super) fn has_statistics(&self) -> bool {
        self.viewer().has_statistics
    }

    /// Whether the terminal, however far away, has drawn enough of what it was sent.
    pub(super) fn takes(&self) -> bool {
        self.viewer().backlog.takes(self.clock.now())
    }

    /// Whether the terminal is asked how far it is.
    pub(super) fn can_ask(&self) -> bool {
        self.viewer().backlog.can_ask()
    }

    /// How many answers are still to come.
    pub(super) fn unanswered(&self) -> u32 {
        self.viewer().backlog.unanswered()
    }

    /// How long they are worth waiting for.
    pub(super) fn patience(&self) -> Duration {
        self.viewer().backlog.patience()
    }

    /// Asks for nothing while an answer would be taken for a key, or again.
    pub(super) fn hold_questions(&self, is_held: bool) {
        self.viewer().backlog.hold(is_held);
        self.changed.notify_all();
    }

    /// Asks for nothing while a second key may come.
    pub(super) fn hold_for_a_key(&self) {
        self.viewer().backlog.hold_for_a_key(self.clock.now());
    }

    /// An answer came.
    pub(super) fn answered(&self) {
        self.viewer().backlog.answered(self.clock.now());
        self.changed.notify_all();
    }

    /// Does what a key means.
    pub(super) fn press(self: &Arc<Self>, key: Key) -> bool {
        let mut viewer = self.viewer();
        let (Some((_, closer)), Some(action)) = (&viewer.shown, key.action()) else { return false };
        match action {
            ViewerAction::ToggleFullScreen => {
                viewer.is_full = !viewer.is_full;
                drop(viewer);
                self.redraw();
            }
            ViewerAction::ToggleStatistics => {
                // In a pause no frame comes to bring them: the play tells its status once more.
                closer.ask(action);
                viewer.has_statistics = !viewer.has_statistics;
            }
            // The position always stands below the picture.
            ViewerAction::ShowPosition => {}
            ViewerAction::ToggleHelp => {
                let list = keys::list();
                if let Some(print) = &viewer.print {
                    print(list.clone());
                }
                viewer.note(&list);
            }
            action => closer.ask(action),
        }
        true
    }

    pub(super) fn note(&self, text: &str) {
        self.viewer().note(text);
    }

    pub(super) fn print_by(&self, print: Print) {
        self.viewer().print = Some(print);
    }

    pub(super) fn take_typed(&self) -> String {
        let typed = std::mem::take(&mut self.viewer().typed);
        String::from_utf8_lossy(&typed).into_owned()
    }

    /// Draws a frame with lines below it: captions, then the status. One that the terminal does not take yet is drawn
    /// later, unless another comes before: nothing is returned then.
    pub(super) fn draw(
        self: &Arc<Self>,
        display: u64,
        frame: &Frame,
        lines: Vec<String>,
    ) -> Result<Option<Cost>, DisplayGone> {
        let drawing = self.drawing();
        // Looked at only now: while this waited, the screen may have been given back.
        if !self.is_shown(display) {
            return Err(DisplayGone);
        }
        if self.viewer().is_away || !self.takes() {
            self.viewer().behind.late = Some(Late { display, frame: frame.clone(), lines });
            self.catch_up();
            return Ok(None);
        }
        self.viewer().behind.late = None;
        self.draw_now(drawing, frame, lines).map(Some)
    }

    fn draw_now(
        &self,
        mut drawing: MutexGuard<'_, Drawing>,
        frame: &Frame,
        lines: Vec<String>,
    ) -> Result<Cost, DisplayGone> {
        if self.takes_redraw() {
            drawing.canvas.spoil();
        }
        drawing.decoded = frame.shown_size();
        drawing.lines = lines;
        let parted = self.part(&mut drawing);
        if let Some(layout) = drawing.canvas.layout() {
            let pixels = drawing.canvas.pixels(layout, drawing.decoded);
            drawing.last = Picture::of_frame(frame, pixels).map_err(|error| {
                log::error!("a picture could not be drawn: {error}");
                DisplayGone
            })?;
        }
        self.draw_last(&mut drawing);
        let cost = self.put_out(&mut drawing);
        drop(drawing);
        if parted {
            self.draw_line_again();
        }
        cost
    }

    /// Writes the lines below the picture alone, while that stands still.
    pub(super) fn tell(&self, display: u64, lines: Vec<String>) -> Result<Cost, DisplayGone> {
        let mut drawing = self.drawing();
        if let Some(late) = &mut self.viewer().behind.late
            && late.display == display
        {
            late.lines.clone_from(&lines);
        }
        if self.viewer().is_away {
            return Ok(Cost { writing: Duration::ZERO, bytes: 0 });
        }
        if self.is_shown(display) && lines.len() == drawing.lines.len() {
            drawing.lines = lines;
            let Drawing { canvas, lines, bytes, .. } = &mut *drawing;
            canvas.tell(lines, bytes);
        }
        self.put_out(&mut drawing)
    }

    /// Has everything drawn anew, with the next frame or, in a pause, without one. Does not wait for the terminal: keys
    /// come here.
    pub(super) fn redraw(self: &Arc<Self>) {
        {
            let mut viewer = self.viewer();
            viewer.behind.must_redraw = viewer.shown.is_some();
            if !viewer.behind.must_redraw {
                return;
            }
        }
        self.catch_up();
    }

    /// Draws what could not be drawn before, by a thread of its own, as soon as the terminal takes it.
    fn catch_up(self: &Arc<Self>) {
        if std::mem::replace(&mut self.viewer().behind.catches_up, true) {
            return;
        }
        let easel = Arc::clone(self);
        let drawn = thread::Builder::new().name("redraw".to_owned()).spawn(move || {
            while easel.is_to_catch_up() {
                easel.draw_behind();
            }
        });
        if let Err(error) = drawn {
            log::debug!("no thread to draw the screen anew, so the next frame does: {error}");
            self.viewer().behind.catches_up = false;
        }
    }

    /// Waits until the terminal takes what could not be drawn before; false when that is drawn, or not wanted any more.
    fn is_to_catch_up(&self) -> bool {
        let mut viewer = self.viewer();
        while viewer.is_behind() && !viewer.backlog.takes(self.clock.now()) {
            (viewer, _) = self.changed.wait_timeout(viewer, LOOK).unwrap_or_else(PoisonError::into_inner);
        }
        viewer.behind.catches_up = viewer.is_behind();
        viewer.behind.catches_up
    }

    /// Draws the frame that came too early for the terminal, or everything anew, unless another frame did meanwhile.
    fn draw_behind(&self) {
        let mut drawing = self.drawing();
        // Looked at only now, as for a frame.
        if !self.viewer().is_behind() || !self.takes() {
            return;
        }
        // Whoever shows the next frame hears of a terminal that is gone.
        let late = self.viewer().behind.late.take();
        if let Some(Late { frame, lines, .. }) = late.filter(|late| self.is_shown(late.display)) {
            let _ = self.draw_now(drawing, &frame, lines);
            return;
        }
        if !self.takes_redraw() {
            return;
        }
        drawing.canvas.spoil();
        self.part(&mut drawing);
        drawing.scale_last();
        self.draw_last(&mut drawing);
        let _ = self.put_out(&mut drawing);
        drop(drawing);
        self.draw_line_again();
    }

    /// The play of this display has ended: the conversation gets the whole screen, unless another play has it.
    pub(super) fn leave(&self, display: u64) {
        {
            let mut viewer = self.viewer();
            if viewer.shown.as_ref().is_none_or(|(shown, _)| *shown != display) {
                return;
            }
            (viewer.shown, viewer.behind.late) = (None, None);
        }
        let mut drawing = self.drawing();
        self.clear(&mut drawing);
    }

    /// As [`Self::leave`], whatever is shown; but does not wait for a terminal that takes nothing.
    pub(super) fn give_back_now(&self) {
        self.viewer().shown = None;
        match self.drawing.try_lock() {
            Ok(mut drawing) => self.clear(&mut drawing),
            Err(TryLockError::Poisoned(drawing)) => self.clear(&mut drawing.into_inner()),
            Err(TryLockError::WouldBlock) => log::debug!("the terminal takes nothing, so it is left as it is"),
        }
    }

    /// Leaves the screen to somebody else for a while.
    pub(super) fn suspend(&self) {
        self.viewer().is_away = true;
        let mut drawing = self.drawing();
        self.clear(&mut drawing);
    }

    /// Takes it again, and draws everything anew.
    pub(super) fn resume(self: &Arc<Self>) {
        {
            let mut viewer = self.viewer();
            viewer.is_away = false;
            viewer.backlog.forget();
        }
        self.redraw();
    }

    fn clear(&self, drawing: &mut Drawing) {
        let Drawing { canvas, bytes, .. } = drawing;
        canvas.give_back(bytes);
        let _ = self.put_out(drawing);
    }

    /// Parts the screen when its size, the shape of the picture or what is wanted has changed. Whether it was.
    fn part(&self, drawing: &mut Drawing) -> bool {
        let is_full = self.viewer().is_full;
        let captions = u16::try_from(drawing.lines.len().saturating_sub(1)).unwrap_or(0);
        let wanted = Wanted { picture: drawing.decoded, captions, is_full };
        let Drawing { canvas, bytes, .. } = drawing;
        let layout = self.tty.size().and_then(|(size, cell)| Layout::new(size, cell.unwrap_or(self.cell), wanted));
        match layout {
            Some(layout) if canvas.layout() == Some(&layout) && !canvas.is_spoilt() => false,
            Some(layout) => {
                let recent: Vec<String> = self.viewer().recent.iter().cloned().collect();
                canvas.part(layout, &recent, bytes);
                true
            }
            None => {
                canvas.give_back(bytes);
                false
            }
        }
    }

    /// Draws the last frame; a terminal far away is asked behind it.
    fn draw_last(&self, drawing: &mut Drawing) {
        drawing.draw_last();
        if self.viewer().backlog.ask(self.clock.now()) {
            drawing.bytes.extend_from_slice(backlog::QUESTION);
        }
    }

    /// Writes what was drawn, in one go, and says how long that took.
    fn put_out(&self, drawing: &mut Drawing) -> Result<Cost, DisplayGone> {
        let bytes = std::mem::take(&mut drawing.bytes);
        let began = self.clock.now();
        let written = self.tty.write(&bytes);
        let cost = Cost { writing: self.clock.now().saturating_sub(began), bytes: bytes.len() };
        drawing.bytes = bytes;
        drawing.bytes.clear();
        written.map(|()| cost).map_err(|error| {
            log::debug!("the terminal is gone: {error}");
            DisplayGone
        })
    }

    /// Whether everything is to be drawn anew; whoever asks has to.
    fn takes_redraw(&self) -> bool {
        std::mem::take(&mut self.viewer().behind.must_redraw)
    }

    fn draw_line_again(&self) {
        if let Some(print) = &self.viewer().print {
            print(NOTHING.to_owned());
        }
    }

    fn viewer(&self) -> MutexGuard<'_, Viewer> {
        self.viewer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drawing(&self) -> MutexGuard<'_, Drawing> {
        self.drawing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Viewer {
    /// Whether something is to be drawn of which the terminal has not seen the newest.
    fn is_behind(&self) -> bool {
        self.shown.is_some() && !self.is_away && (self.behind.must_redraw || self.behind.late.is_some())
    }

    fn note(&mut self, text: &str) {
        self.recent.extend(text.lines().map(str::to_owned));
        let surplus = self.recent.len().saturating_sub(MOST_RECENT);
        self.recent.drain(..surplus);
    }
}

impl Drawing {
    fn draw_last(&mut self) {
        let Self { canvas, last, lines, bytes, .. } = self;
        canvas.draw(last, lines, bytes);
    }

    /// Brings the last frame into the size that is wanted now.
    fn scale_last(&mut self) {
        let Some(layout) = self.canvas.layout() else { return };
        // One that cannot be scaled is not drawn: it would not fit.
        self.last = self.last.scaled(self.canvas.pixels(layout, self.decoded)).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
