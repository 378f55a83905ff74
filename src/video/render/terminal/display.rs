//! The player's end of a terminal: one play's frames, as many as the terminal absorbs.

use std::{sync::Arc, time::Duration};

use super::{
    absorb::Absorption,
    easel::{Cost, Easel},
};
use crate::{
    types::Printable,
    video::{
        clock::{Clock as _, SystemClock},
        frame::Frame,
        render::{Closer, Display, DisplayGone, DisplayKind, Status, status::bits},
    },
};

/// Rows for captions at most; a line too many is left out.
const MOST_CAPTIONS: usize = 3;

/// Draws one play. The screen is parted with its first frame and whole again when this is dropped.
pub(super) struct TerminalDisplay {
    easel: Arc<Easel>,
    id: u64,
    title: String,
    closer: Option<Closer>,
    began: bool,
    clock: SystemClock,
    absorption: Absorption,
    figures: Figures,
    status: Status,
    /// As many lines as any caption so far had: the picture is not to move with each.
    captions: Vec<String>,
}

/// What went to the terminal in the second before the last.
#[derive(Default)]
struct Figures {
    since: Duration,
    frames: u32,
    bytes: usize,
    told: String,
}

impl TerminalDisplay {
    pub(super) fn new(easel: Arc<Easel>, title: &str) -> Self {
        let (id, title) = (easel.enter(), Printable(title).to_string());
        let (closer, clock) = (None, SystemClock::start());
        let (absorption, figures) = (Absorption::default(), Figures::default());
        let (status, captions) = (Status::default(), Vec::new());
        Self { easel, id, title, closer, began: false, clock, absorption, figures, status, captions }
    }

    fn draw(&mut self, frame: &Frame) -> Result<(), DisplayGone> {
        let Some(cost) = self.easel.draw(self.id, frame, self.lines())? else { return Ok(()) };
        let now = self.clock.now();
        self.absorption.wrote(now.saturating_sub(cost.writing), now);
        self.figures.count(now, &cost);
        Ok(())
    }

    /// The lines below the picture: captions, then the status.
    fn lines(&self) -> Vec<String> {
        let told = status_line(&self.title, &self.status);
        let more = if self.easel.has_statistics() { self.statistics() } else { "  Alt-? keys".to_owned() };
        let status = format!("\x1b[7m {told}{more} \x1b[0m");
        self.captions.iter().cloned().chain([status]).collect()
    }

    fn statistics(&self) -> String {
        let Status { size: (width, height), shown, dropped, throughput, .. } = self.status;
        let rate = throughput.map_or_else(String::new, |rate| format!("  {}", bits(rate)));
        let Figures { told, .. } = &self.figures;
        format!("  {width}×{height}{rate}  {shown} shown, {dropped} dropped  {}{told}", self.easel.graphics())
    }
}

impl Display for TerminalDisplay {
    fn kind(&self) -> DisplayKind {
        DisplayKind::Terminal
    }

    fn drops_late(&self) -> bool {
        true
    }

    fn takes(&mut self) -> bool {
        self.absorption.takes(self.clock.now()) && self.easel.takes()
    }

    fn attach(&mut self, closer: Closer) {
        self.closer = Some(closer);
    }

    fn inform(&mut self, status: &Status) {
        let before = std::mem::replace(&mut self.status, status.clone());
        // The next frame comes with it, when one comes; whoever shows that hears when the terminal is gone. The one that a
        // seek leads to is drawn before it is known to be that.
        let is_still = status.paused || status.seeking || before.seeking;
        if self.began && is_still {
            let _ = self.easel.tell(self.id, self.lines());
        }
    }

    fn caption(&mut self, text: Option<&str>, still: Option<&Frame>) -> Result<(), DisplayGone> {
        let lines = text.unwrap_or_default().lines().take(MOST_CAPTIONS).map(|line| Printable(line).to_string());
        let lines: Vec<String> = lines.collect();
        let rows = self.captions.len().max(lines.len());
        self.captions = vec![String::new(); rows - lines.len()];
        self.captions.extend(lines);
        still.map_or(Ok(()), |frame| self.draw(frame))
    }

    fn show(&mut self, frame: &Frame) -> Result<(), DisplayGone> {
        if !self.began
            && let Some(closer) = &self.closer
        {
            self.easel.take(self.id, closer);
            self.began = true;
        }
        (self.status.position, self.status.label) = (frame.pts, Some(frame.label));
        self.draw(frame)
    }
}

impl Drop for TerminalDisplay {
    fn drop(&mut self) {
        self.easel.leave(self.id);
    }
}

impl Figures {
    fn count(&mut self, now: Duration, cost: &Cost) {
        self.frames += 1;
        self.bytes += cost.bytes;
        let passed = now.saturating_sub(self.since);
        if passed >= Duration::from_secs(1) {
            let rate = |count: f64| count / passed.as_secs_f64();
            let kilobytes = rate(u32::try_from(self.bytes).map_or(f64::MAX, f64::from) / 1000.0);
            self.told = format!("  {:.0} frames/s  {kilobytes:.0} kB/s", rate(self.frames.into()));
            (self.since, self.frames, self.bytes) = (now, 0, 0);
        }
    }
}

/// Title, position, rendition, state and what is to come, as far as they are known.
fn status_line(title: &str, status: &Status) -> String {
    let sound = match status.volume {
        _ if status.muted => Some("muted".to_owned()),
        Some(volume) if volume != 100 => Some(format!("volume {volume} %")),
        _ => None,
    };
    let seconds_ahead = status.buffered.0 / 1_000_000;
    let position = status.position.clock();
    let position = match status.duration {
        Some(duration) => format!("{position} / {}", duration.clock()),
        None => position,
    };
    let parts = [
        Some(title.to_owned()),
        Some(position),
        status.rendition(),
        status.seeking.then(|| "seeking".to_owned()),
        status.paused.then(|| "paused".to_owned()),
        sound,
        (seconds_ahead > 0).then(|| format!("{seconds_ahead} s ahead")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use std::{io, sync::Mutex};

    use super::*;
    use crate::{
        types::MediaTime,
        video::{
            render::terminal::{
                answers::Answers,
                graphics::{Depth, Graphics},
                layout::Size,
                tty::Tty,
            },
            testing::frame,
        },
    };

    /// A terminal that remembers what is written to it.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl Tty for Paper {
        fn size(&self) -> Option<(Size, Option<(u16, u16)>)> {
            Some((Size { columns: 80, rows: 20 }, None))
        }

        fn write(&self, bytes: &[u8]) -> io::Result<()> {
            self.0.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(())
        }
    }

    #[test]
    fn a_seek_is_told_while_it_lasts_and_no_longer() {
        let paper = Paper::default();
        let easel = Easel::new(Box::new(paper.clone()), Graphics::HalfBlocks(Depth::True), Answers::default(), false);
        let mut display = TerminalDisplay::new(Arc::new(easel), "film");
        display.attach(Closer::new(crossbeam_channel::unbounded().0));
        display.show(&frame(90, 0)).unwrap();
        let mut written = |seeking| {
            paper.0.lock().unwrap().clear();
            display.inform(&Status { seeking, ..Status::default() });
            paper.0.lock().unwrap().clone()
        };
        assert_eq!(written(false), "", "the next frame comes with it");
        assert!(written(true).contains("seeking"), "none comes");
        let landed = written(false);
        assert!(landed.contains("film") && !landed.contains("seeking"), "{landed:?}");
        assert_eq!(written(false), "");
    }

    #[test]
    fn the_status_says_what_is_known() {
        let mut status = Status { position: MediaTime(7_900_000), ..Status::default() };
        assert_eq!(status_line("a film", &status), "a film  0:07");
        status.duration = Some(MediaTime(12_000_000));
        status.label = Some(crate::types::RenditionLabel(720));
        (status.paused, status.muted, status.buffered) = (true, true, MediaTime(3_500_000));
        assert_eq!(status_line("a film", &status), "a film  0:07 / 0:12  720p  paused  muted  3 s ahead");
    }

    #[test]
    fn figures_are_of_about_a_second() {
        let mut figures = Figures::default();
        for number in 0..=25 {
            figures.count(Duration::from_millis(40 * number), &Cost { writing: Duration::ZERO, bytes: 1000 });
        }
        assert_eq!(figures.told, "  26 frames/s  26 kB/s");
    }
}
