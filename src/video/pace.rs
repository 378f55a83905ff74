//! When a frame is due: a pure function of the clock and of what was shown before.

use std::time::Duration;

use crate::types::MediaTime;

/// Frames left out one after the other before one is shown however late it is: a machine that is too slow
/// shows a picture now and then instead of none.
const MOST_DROPS_IN_A_ROW: u32 = 3;

/// Lateness from which the timeline slips instead of being caught up with: after the machine slept, nobody
/// wants the missed minutes in a rush.
const SLIP_FROM: Duration = Duration::from_secs(1);

/// How fast a play runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speed {
    /// Each frame at its time.
    #[default]
    Normal,
    /// Each frame as soon as it is decoded.
    Max,
}

/// What to do with a frame that is late because drawing the ones before took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenLate {
    /// Show it all the same.
    Show,
    /// Leave it out when the one after it is due as well.
    Drop,
}

/// What to do with the next frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Show it.
    Show,
    /// Leave it out.
    Drop,
    /// Its time is at this point of the clock.
    Wait(Duration),
    /// So late that the frame after it decides; that one is not known yet.
    Undecided,
}

/// The timeline of a play: which time of the title belongs to which time of the clock.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    speed: Speed,
    late: WhenLate,
    anchor: Option<Anchor>,
    paused: Option<Duration>,
    drops: u32,
}

/// The frame at `pts` belongs at this time of the clock.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    at: Duration,
    pts: MediaTime,
}

impl Pace {
    /// A timeline that starts with the first frame.
    #[must_use]
    pub fn new(speed: Speed, late: WhenLate) -> Self {
        Self { speed, late, anchor: None, paused: None, drops: 0 }
    }

    /// Says what to do at `now` with the frame at `pts`. `successor` is the time of the frame after it when
    /// that is known, `duration` its own length. The first frame starts the timeline.
    pub fn judge(
        &mut self,
        now: Duration,
        pts: MediaTime,
        successor: Option<MediaTime>,
        duration: MediaTime,
    ) -> Verdict {
        let Some(due) = self.due(pts) else {
            self.start(now, pts);
            return Verdict::Show;
        };
        let Some(lateness) = now.checked_sub(due) else { return Verdict::Wait(due) };
        if lateness > SLIP_FROM {
            self.shift(lateness);
        }
        let verdict = self.judge_late(now, successor, pts + duration);
        match verdict {
            Verdict::Drop => self.drops += 1,
            Verdict::Show => self.drops = 0,
            Verdict::Wait(_) | Verdict::Undecided => {}
        }
        verdict
    }

    /// For a frame of which the time has come.
    fn judge_late(&self, now: Duration, successor: Option<MediaTime>, expected: MediaTime) -> Verdict {
        let is_over = |pts| self.due(pts).is_some_and(|due| due <= now);
        if self.late == WhenLate::Show || self.drops >= MOST_DROPS_IN_A_ROW {
            return Verdict::Show;
        }
        match successor {
            Some(pts) if is_over(pts) => Verdict::Drop,
            None if is_over(expected) => Verdict::Undecided,
            _ => Verdict::Show,
        }
    }

    /// When the frame at `pts` is due; `None` when there is no timeline: at once.
    #[must_use]
    pub fn due(&self, pts: MediaTime) -> Option<Duration> {
        let Anchor { at, pts: start } = self.anchor?;
        let ahead = i128::from(pts.0) - i128::from(start.0);
        let magnitude = Duration::from_micros(ahead.unsigned_abs().try_into().unwrap_or(u64::MAX));
        Some(if ahead < 0 { at.saturating_sub(magnitude) } else { at.saturating_add(magnitude) })
    }

    /// The place in the title that belongs to this time of the clock.
    #[must_use]
    pub fn place(&self, at: Duration) -> Option<MediaTime> {
        let anchor = self.anchor?;
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        Some(anchor.pts + MediaTime(micros(at).saturating_sub(micros(anchor.at))))
    }

    /// The frame with which the timeline began.
    #[must_use]
    pub fn start_pts(&self) -> Option<MediaTime> {
        self.anchor.map(|anchor| anchor.pts)
    }

    /// Moves all that is still to come by this much, also to earlier times.
    pub fn nudge(&mut self, by: MediaTime) {
        if let Some(anchor) = &mut self.anchor {
            let magnitude = Duration::from_micros(by.0.unsigned_abs());
            anchor.at =
                if by.0 < 0 { anchor.at.saturating_sub(magnitude) } else { anchor.at.saturating_add(magnitude) };
        }
    }

    fn start(&mut self, now: Duration, pts: MediaTime) {
        if self.speed == Speed::Normal {
            self.anchor = Some(Anchor { at: now, pts });
            self.paused = self.paused.map(|_| now);
        }
    }

    /// The frame at `pts` belongs to this time, whatever was before; a pause goes on from it.
    pub fn go_on_from(&mut self, now: Duration, pts: MediaTime) {
        self.start(now, pts);
    }

    /// Moves all that is still to come by this much.
    pub fn shift(&mut self, by: Duration) {
        if let Some(anchor) = &mut self.anchor {
            anchor.at = anchor.at.saturating_add(by);
        }
    }

    /// Forgets the timeline; the next frame starts another. A pause stays one.
    pub fn reset(&mut self) {
        self.anchor = None;
        self.drops = 0;
    }

    /// Stops the timeline. Whether it was running before.
    pub fn pause(&mut self, now: Duration) -> bool {
        let was_running = self.paused.is_none();
        self.paused = self.paused.or(Some(now));
        was_running
    }

    /// Goes on where it was paused. Whether it was.
    pub fn resume(&mut self, now: Duration) -> bool {
        let Some(since) = self.paused.take() else { return false };
        self.shift(now.saturating_sub(since));
        true
    }

    /// Whether it is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: MediaTime = MediaTime(40_000);

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn pts(frame: i64) -> MediaTime {
        MediaTime(frame * FRAME.0)
    }

    /// A timeline that shows frame 10 at 100 ms.
    fn started(late: WhenLate) -> Pace {
        let mut pace = Pace::new(Speed::Normal, late);
        assert_eq!(pace.judge(ms(100), pts(10), None, FRAME), Verdict::Show);
        pace
    }

    #[test]
    fn the_first_frame_starts_the_timeline() {
        let mut pace = started(WhenLate::Drop);
        assert_eq!(pace.judge(ms(100), pts(12), None, FRAME), Verdict::Wait(ms(180)));
        assert_eq!(pace.judge(ms(180), pts(12), None, FRAME), Verdict::Show);
    }

    #[test]
    fn at_full_speed_there_is_no_timeline() {
        let mut pace = Pace::new(Speed::Max, WhenLate::Drop);
        for frame in 0..5 {
            assert_eq!(pace.judge(ms(0), pts(frame), Some(pts(frame + 1)), FRAME), Verdict::Show);
        }
        assert_eq!(pace.due(pts(1)), None);
    }

    #[test]
    fn a_late_frame_is_left_out_only_when_the_next_is_due_as_well() {
        let mut pace = started(WhenLate::Drop);
        assert_eq!(pace.judge(ms(179), pts(11), Some(pts(12)), FRAME), Verdict::Show);
        assert_eq!(pace.judge(ms(180), pts(11), Some(pts(12)), FRAME), Verdict::Drop);
        assert_eq!(pace.judge(ms(180), pts(11), None, FRAME), Verdict::Undecided);
        assert_eq!(started(WhenLate::Show).judge(ms(900), pts(11), Some(pts(12)), FRAME), Verdict::Show);
    }

    #[test]
    fn a_slow_machine_still_shows_every_fourth_frame() {
        let mut pace = started(WhenLate::Drop);
        let verdicts: Vec<_> =
            (11..19).map(|frame| pace.judge(ms(700), pts(frame), Some(pts(frame + 1)), FRAME)).collect();
        let drops = verdicts.iter().filter(|verdict| **verdict == Verdict::Drop).count();
        assert_eq!((drops, verdicts[3], verdicts[7]), (6, Verdict::Show, Verdict::Show));
    }

    #[test]
    fn after_a_long_sleep_the_timeline_slips() {
        let mut pace = started(WhenLate::Drop);
        assert_eq!(pace.judge(ms(60_000), pts(11), Some(pts(12)), FRAME), Verdict::Show);
        assert_eq!(pace.due(pts(12)), Some(ms(60_040)));
    }

    #[test]
    fn a_pause_moves_what_follows() {
        let mut pace = started(WhenLate::Drop);
        assert!(pace.pause(ms(110)));
        assert!(!pace.pause(ms(120)));
        assert!(pace.resume(ms(1110)));
        assert!(!pace.resume(ms(1200)));
        assert_eq!(pace.due(pts(11)), Some(ms(1140)));
    }

    #[test]
    fn a_timeline_that_starts_in_a_pause_goes_on_from_its_end() {
        let mut pace = started(WhenLate::Drop);
        pace.pause(ms(110));
        pace.reset();
        assert_eq!(pace.judge(ms(500), pts(50), None, FRAME), Verdict::Show);
        pace.resume(ms(900));
        assert_eq!(pace.due(pts(51)), Some(ms(940)));
    }

    #[test]
    fn times_at_the_ends_of_their_range_do_no_harm() {
        let mut pace = started(WhenLate::Drop);
        assert_eq!(pace.due(MediaTime(i64::MIN)), Some(Duration::ZERO));
        assert!(matches!(pace.judge(ms(0), MediaTime(i64::MAX), None, FRAME), Verdict::Wait(_)));
        pace.shift(Duration::MAX);
        assert_eq!(pace.due(MediaTime(i64::MAX)), Some(Duration::MAX));
    }
}
