//! One play, step by step: takes what came, decodes a little ahead, shows what is due.
//!
//! Nothing here knows FFmpeg, windows or the system's clock; all of them are behind traits.

mod ahead;
mod cut;
mod seeking;
pub(crate) mod sound;
mod status;
mod step;
mod subtitles;

use std::{collections::VecDeque, time::Duration};

use crossbeam_channel::Receiver;

use crate::types::{EndReason, MediaTime, PlayEpoch, RenditionLabel, limits::CREDIT_WINDOW};

use self::{
    ahead::{MOST_READY, Progress, Stage},
    seeking::Seeking,
    sound::{Overfed, PlaySound},
    status::Knowledge,
    subtitles::Subtitles,
};
use super::{
    clock::{Clock, Event, Wake},
    decode::Decoders,
    feed::{Entry, Feed},
    frame::Frame,
    input::Input,
    pace::{Pace, Verdict},
    render::{Display, DisplayGone},
    report::Report,
    tally::Tally,
    viewer::ViewerAction,
};

/// What a play is made of.
pub(crate) struct Parts {
    /// What time it is.
    pub(crate) clock: Box<dyn Clock>,
    /// What makes pictures of packets.
    pub(crate) decoders: Box<dyn Decoders>,
    /// Where pictures go.
    pub(crate) display: Box<dyn Display>,
    /// When they are due.
    pub(crate) pace: Pace,
    /// What is counted.
    pub(crate) tally: Tally,
    /// Who is told.
    pub(crate) reports: Box<dyn Fn(Report) + Send>,
}

/// A play that runs. Its invariants:
///
/// 1. Frames leave `ready` in the order of their times, each once, shown or left out.
/// 2. A segment's decoder is drained before the next segment is opened.
/// 3. What the viewer wants is taken between any two frames, before whatever waits in `feed`.
/// 4. While nothing is due and nothing can be decoded the thread sleeps.
pub(crate) struct Engine {
    parts: Parts,
    /// What came and was not decoded yet.
    feed: Feed,
    stage: Option<Stage>,
    /// What was decoded and is not due yet.
    ready: VecDeque<Ready>,
    /// The epoch of the last flush.
    epoch: PlayEpoch,
    /// Segments opened so far: tells the first frame of each.
    segments: u64,
    last_shown: Option<Shown>,
    /// The picture itself, to be drawn again with other subtitles.
    still: Option<Frame>,
    subtitles: Subtitles,
    /// The time of the picture decoded last, since the last flush.
    last_decoded: MediaTime,
    /// How long that picture lasts, usually.
    last_length: MediaTime,
    /// A flush whose first frame was not shown yet.
    seeking: Option<Seeking>,
    /// Since when nothing is left to show while more is to come.
    dry: Option<Duration>,
    /// From where the segment that came last is shown no more, until the next one comes.
    cut: Option<MediaTime>,
    /// That nothing follows, and why, once all before it was decoded.
    ended: Option<EndReason>,
    /// The viewer waits for the next frame, in a pause.
    stepping: bool,
    /// For the display.
    knowledge: Knowledge,
    sound: PlaySound,
}

/// A picture that waits for its time.
struct Ready {
    frame: Frame,
    segment: u64,
    duration: MediaTime,
}

/// The picture that the viewer sees.
#[derive(Clone, Copy)]
struct Shown {
    pts: MediaTime,
    until: MediaTime,
    segment: u64,
    label: RenditionLabel,
    size: (u32, u32),
}

/// How a play ends.
enum End {
    Reason(EndReason),
    Unplayable(String),
    Closed,
}

/// What to do after a step.
enum Next {
    Again,
    Wait(Option<Duration>),
}

impl Engine {
    /// A play that has been given nothing yet.
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            parts,
            feed: Feed::default(),
            stage: None,
            ready: VecDeque::with_capacity(MOST_READY),
            epoch: PlayEpoch::default(),
            segments: 0,
            last_shown: None,
            still: None,
            subtitles: Subtitles::default(),
            last_decoded: MediaTime(i64::MIN),
            last_length: MediaTime::ZERO,
            seeking: None,
            dry: None,
            cut: None,
            ended: None,
            stepping: false,
            knowledge: Knowledge::default(),
            sound: PlaySound::none(),
        }
    }

    /// Plays until the end and reports it.
    pub(crate) fn run(mut self, events: &Receiver<Event>) {
        let end = loop {
            if let Err(end) = self.turn(events) {
                break end;
            }
        };
        let Parts { display, reports, tally, .. } = self.parts;
        drop(display);
        let reason = match end {
            End::Reason(reason) => reason,
            End::Closed => {
                reports(Report::Closed);
                EndReason::Closed
            }
            End::Unplayable(text) => {
                reports(Report::Unplayable { text });
                EndReason::Unplayable
            }
        };
        reports(Report::Ended(tally.summary(reason)));
    }

    /// One step, then all that has come meanwhile: what the viewer wants never waits for more than a frame.
    fn turn(&mut self, events: &Receiver<Event>) -> Result<(), End> {
        let mut until = match self.step()? {
            Next::Again => Some(Duration::ZERO),
            Next::Wait(until) => until,
        };
        for due in [self.inform(), self.tend_sound()].into_iter().flatten() {
            until = Some(until.map_or(due, |until| until.min(due)));
        }
        loop {
            match self.parts.clock.wait(events, until) {
                Wake::Event(event) => self.take(event)?,
                Wake::Due => return Ok(()),
                Wake::Gone => return Err(End::Reason(EndReason::Stopped)),
            }
            until = Some(Duration::ZERO);
        }
    }

    /// Does at once what acts at once, and queues the rest.
    fn take(&mut self, event: Event) -> Result<(), End> {
        let input = match event {
            Event::Input(input) => input,
            Event::Closed => return Err(End::Closed),
            Event::Asked(action) => {
                if action == ViewerAction::ToggleStatistics {
                    self.knowledge.tell_again();
                }
                (self.parts.reports)(Report::Asked(action));
                return Ok(());
            }
        };
        let now = self.parts.clock.now();
        match input {
            Input::Segment(segment) => {
                self.drop_what_was_cut();
                self.push(Entry::Segment(segment))?;
            }
            Input::Packet(packet) => {
                self.knowledge.received(packet.pts + packet.duration);
                self.push(Entry::Packet(packet))?;
            }
            Input::LastPicture => self.push(Entry::LastPicture)?,
            Input::End { reason } => {
                self.sound.end();
                self.push(Entry::End(reason))?;
            }
            Input::SoundTrack { format, heard } => self.sound.begin(format, heard),
            Input::Sound(piece) => self.sound.push(piece).map_err(|Overfed| overfed())?,
            Input::VolumeBy(percent) => self.sound.change_volume(percent),
            Input::ToggleMute => self.sound.toggle_mute(),
            Input::Cut { until } => self.cut(until),
            Input::Flush { epoch } => self.flush(epoch),
            Input::Subtitles(change) => self.change_subtitles(change)?,
            Input::Pause => {
                // Told also when nothing changes: whoever asked waits for an answer.
                self.parts.pace.pause(now);
                (self.parts.reports)(Report::Paused { at: self.position() });
            }
            Input::Resume => {
                self.stepping = false;
                if self.parts.pace.resume(now) {
                    self.dry = self.dry.map(|_| now);
                }
                (self.parts.reports)(Report::Resumed { at: self.position() });
            }
            Input::Step => self.step_on(),
            Input::About(about) => self.knowledge.learn(&about),
            Input::Stop => return Err(End::Reason(EndReason::Stopped)),
        }
        Ok(())
    }

    fn push(&mut self, entry: Entry) -> Result<(), End> {
        self.feed.push(entry).map_err(|_| overfed())
    }

    fn flush(&mut self, epoch: PlayEpoch) {
        self.feed.clear();
        self.sound.flush();
        self.knowledge.flushed();
        // The frame that was asked for does not come any more; the pause stays.
        self.stepped();
        self.stage = None;
        self.ready.clear();
        self.parts.pace.reset();
        self.epoch = epoch;
        self.seeking = Some(Seeking::since(self.parts.clock.now(), epoch));
        self.last_decoded = MediaTime(i64::MIN);
        self.dry = None;
        self.cut = None;
        self.ended = None;
    }

    /// The time of the frame that the viewer sees.
    fn position(&self) -> MediaTime {
        self.last_shown.map_or(MediaTime::ZERO, |shown| shown.pts)
    }

    /// Shows or leaves out one frame, or decodes a little, or says how long there is nothing to do.
    fn step(&mut self) -> Result<Next, End> {
        let now = self.parts.clock.now();
        if self.stepping && self.seeking.is_none() && self.last_shown.is_some() {
            return self.step_to_next();
        }
        // The first frame, and the one that a seek leads to, are shown in a pause too: there is something to see.
        let is_held = self.parts.pace.is_paused() && self.seeking.is_none() && self.last_shown.is_some();
        if self.ready.is_empty() || is_held {
            return match self.advance()? {
                Progress::Moved => Ok(Next::Again),
                Progress::Full => Ok(Next::Wait(None)),
                Progress::Dry => self.run_dry(now, is_held),
            };
        }
        self.end_stall(now);
        if let Some(until) = self.awaits_sound(now) {
            return match self.advance()? {
                Progress::Moved => Ok(Next::Again),
                Progress::Full | Progress::Dry => Ok(Next::Wait(Some(until))),
            };
        }
        let Some(Ready { frame, duration, .. }) = self.ready.front() else { return Ok(Next::Again) };
        let successor = self.ready.get(1).map(|ready| ready.frame.pts);
        match self.parts.pace.judge(now, frame.pts, successor, *duration) {
            Verdict::Show => self.show(),
            Verdict::Drop => Ok(self.leave_out()),
            Verdict::Wait(due) => match self.advance()? {
                Progress::Moved => Ok(Next::Again),
                Progress::Full | Progress::Dry => Ok(Next::Wait(Some(due))),
            },
            Verdict::Undecided => match self.advance()? {
                Progress::Moved => Ok(Next::Again),
                Progress::Full | Progress::Dry => self.show(),
            },
        }
    }

    /// Nothing is left to show or to decode: the end, or a wait for packets.
    fn run_dry(&mut self, now: Duration, is_held: bool) -> Result<Next, End> {
        if is_held {
            return Ok(Next::Wait(None));
        }
        if let Some(reason) = self.ended {
            // The last frame has its time as well.
            let over = self.last_shown.and_then(|shown| self.parts.pace.due(shown.until));
            return match over {
                Some(over) if now < over => Ok(Next::Wait(Some(over))),
                _ if !self.is_sound_over() => Ok(Next::Wait(None)),
                _ => Err(End::Reason(reason)),
            };
        }
        self.dry = self.dry.or(Some(now));
        Ok(Next::Wait(None))
    }

    /// Tells of a stall when the frame that is there now should have been shown a frame's length ago or more.
    fn end_stall(&mut self, now: Duration) {
        let (Some(since), Some(next)) = (self.dry.take(), self.ready.front()) else { return };
        let Some(due) = self.parts.pace.due(next.frame.pts) else { return };
        let lasted = now.saturating_sub(due.max(since));
        // Sound that was not held went on without pictures, for there are none beside it.
        if self.sound.is_leading() || lasted < next.duration.as_duration() || lasted.is_zero() {
            return;
        }
        self.parts.pace.shift(now.saturating_sub(due));
        self.parts.tally.stalled();
        (self.parts.reports)(Report::Stalled { lasted });
    }

    fn show(&mut self) -> Result<Next, End> {
        if self.may_leave_out() && !self.parts.display.takes() {
            return Ok(self.leave_out());
        }
        let Some(Ready { frame, segment, duration }) = self.ready.pop_front() else { return Ok(Next::Again) };
        self.caption(&frame)?;
        self.parts.display.show(&frame).map_err(|DisplayGone| End::Closed)?;
        self.parts.tally.shown(&frame);
        let size = frame.shown_size();
        let shown = Shown { pts: frame.pts, until: frame.pts + duration, segment, label: frame.label, size };
        let before = self.last_shown.replace(shown);
        if before.is_none() {
            (self.parts.reports)(Report::FirstFrame);
        }
        if before.is_none_or(|before| before.segment != segment) {
            let Frame { label, pts: from, .. } = frame;
            let (epoch, (width, height)) = (self.epoch, size);
            (self.parts.reports)(Report::Rendition { epoch, label, width, height, from });
        }
        if let Some(seeking) = self.seeking.take() {
            (self.parts.reports)(seeking.landed(frame.pts));
        }
        self.still = Some(frame);
        Ok(Next::Again)
    }

    /// Whether nobody waits for the next frame in particular, as for the first of a play, a seek or a rendition, and one that was asked for by itself.
    fn may_leave_out(&self) -> bool {
        let next = self.ready.front().map(|ready| ready.segment);
        !self.stepping && self.seeking.is_none() && self.last_shown.is_some_and(|shown| Some(shown.segment) == next)
    }

    fn leave_out(&mut self) -> Next {
        if let Some(ready) = self.ready.pop_front() {
            self.parts.tally.dropped(&ready.frame);
        }
        Next::Again
    }
}

fn overfed() -> End {
    End::Unplayable(format!("the hub sent far more than the {CREDIT_WINDOW} bytes asked for"))
}

#[cfg(test)]
mod sound_tests;
#[cfg(test)]
mod tests;
