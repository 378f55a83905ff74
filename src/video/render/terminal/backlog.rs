//! How many pictures are on their way to a terminal far away: a pure function of when they were drawn and the terminal
//! answered.
//!
//! Over ssh a write returns long before the terminal has drawn what was written. So behind each picture the terminal is
//! asked for something that it can only answer when it has come so far:
//!
//! ```text
//!   picture, question ──▶ sshd, network, ssh ──▶ terminal
//!        ▲                                          │
//!        └── at most 2 without an answer ◀── answer ┘
//! ```

use std::{collections::VecDeque, time::Duration};

/// Where is the cursor (DSR 6)? Asked with the cursor put into row 2 and column 2, so that the answer is `CSI 2;2R`, whatever is typed: a
/// sequence that the line editor reads to its end and knows no key for. One from row 1 could be Shift-F3.
pub(super) const QUESTION: &[u8] = b"\x1b7\x1b[2;2H\x1b[6n\x1b8";

/// The answer; no key sends it.
pub(super) const ANSWER: &[u8] = b"\x1b[2;2R";

/// Pictures on their way at most: one is drawn while the next one comes.
const MOST: usize = 2;

/// How long a terminal may owe an answer. Two pictures of 500 kB take that long at 100 kB/s.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the last answers are waited for when nothing is to be drawn any more, if none has come so far; and at most.
const LAST_PATIENCE: Duration = Duration::from_millis(500);
const MOST_PATIENCE: Duration = Duration::from_secs(3);

/// How long pictures may go on without a moment in which all are answered: an answer that was lost would otherwise stand for
/// one on its way for the rest of the play.
const UNSETTLED: Duration = Duration::from_secs(10);

/// How far apart pictures are at least about which nothing may be asked.
const HELD_PACE: Duration = Duration::from_secs(1);

/// How long a key waits for a second one that belongs to it: whoever wants one has typed it by then.
const SECOND_KEY: Duration = Duration::from_secs(1);

/// What a terminal has not answered yet.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// The terminal is far away, and answers.
    can_ask: bool,
    /// Nothing is to be asked for now: the answer would be taken for a key.
    is_held: bool,
    /// Until then, if there is an end to it.
    held_until: Option<Duration>,
    /// It stopped answering, until it answers again.
    is_silent: bool,
    /// When the pictures were drawn for which answers have not come.
    asked: VecDeque<Duration>,
    /// How long the last answer took.
    took: Option<Duration>,
    /// When the oldest of them was asked, or the one before it was answered.
    since: Duration,
    /// When nothing was on its way last, as far as is known.
    settled: Duration,
    /// When the last picture was written.
    drawn: Option<Duration>,
}

impl Backlog {
    /// Of a terminal that is to be asked, or never.
    pub(super) fn new(can_ask: bool) -> Self {
        Self { can_ask, ..Self::default() }
    }

    /// Whether the terminal is asked at all.
    pub(super) fn can_ask(&self) -> bool {
        self.can_ask
    }

    /// Answers that have not come.
    pub(super) fn unanswered(&self) -> u32 {
        u32::try_from(self.asked.len()).unwrap_or(u32::MAX)
    }

    /// How long they are worth waiting for.
    pub(super) fn patience(&self) -> Duration {
        if self.is_silent {
            return Duration::ZERO;
        }
        self.took.map_or(LAST_PATIENCE, |took| (took * 2).clamp(LAST_PATIENCE, MOST_PATIENCE))
    }

    /// Asks for nothing, or again.
    pub(super) fn hold(&mut self, is_held: bool) {
        (self.is_held, self.held_until) = (is_held, None);
    }

    /// Asks for nothing while a second key may come.
    pub(super) fn hold_for_a_key(&mut self, now: Duration) {
        (self.is_held, self.held_until) = (true, Some(now + SECOND_KEY));
    }

    fn is_held(&self, now: Duration) -> bool {
        self.is_held && self.held_until.is_none_or(|until| now < until)
    }

    /// Whether a picture may be written now. A terminal that owes an answer for too long is not waited for any more. One that
    /// must not be asked gets few: nobody knows how far it is, and a link that is full stays so for long.
    pub(super) fn takes(&mut self, now: Duration) -> bool {
        if self.is_silent {
            return true;
        }
        if self.settles(now) {
            return false;
        }
        if self.asked.len() < MOST {
            let is_unknown = self.can_ask && self.is_held(now);
            let pace = self.took.map_or(HELD_PACE, |took| took.max(HELD_PACE));
            return !is_unknown || self.drawn.is_none_or(|drawn| now.saturating_sub(drawn) >= pace);
        }
        self.is_silent = now.saturating_sub(self.since) > PATIENCE;
        self.is_silent
    }

    /// Whether nothing more is to be asked until all that is on its way was answered, which every now and then shows what was
    /// lost: an answer stands for the oldest question, so the lost one is always the newest.
    fn settles(&mut self, now: Duration) -> bool {
        let Some(took) = self.took else { return false };
        if self.asked.is_empty() || now.saturating_sub(self.settled) <= UNSETTLED {
            return false;
        }
        if now.saturating_sub(self.since) <= (took * 2).clamp(LAST_PATIENCE, PATIENCE) {
            return true;
        }
        self.asked.clear();
        false
    }

    /// A picture is about to be written; whether a question belongs behind it. One that is silent is asked now and then.
    pub(super) fn ask(&mut self, now: Duration) -> bool {
        self.drawn = Some(now);
        if !self.can_ask || self.is_held(now) {
            return false;
        }
        if now.saturating_sub(self.since) > PATIENCE {
            // Lost, as what a terminal answers while the program is stopped.
            self.asked.clear();
        }
        if self.is_silent && !self.asked.is_empty() {
            return false;
        }
        if self.asked.is_empty() {
            (self.since, self.settled) = (now, now);
        }
        self.asked.push_back(now);
        true
    }

    /// Nothing is on its way any more: what was to be answered was read by somebody else, or is lost.
    pub(super) fn forget(&mut self) {
        self.asked.clear();
        self.is_silent = false;
    }

    /// An answer came.
    pub(super) fn answered(&mut self, now: Duration) {
        if let Some(asked) = self.asked.pop_front() {
            self.took = Some(now.saturating_sub(asked));
        }
        self.since = now;
        if self.asked.is_empty() {
            self.settled = now;
        }
        self.is_silent &= !self.asked.is_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// A link that takes everything at once, and a terminal behind it that draws a picture in so many milliseconds. The most
    /// pictures that wait, and how many were drawn, of 25 a second in 20 s.
    fn play(backlog: Backlog, takes: u64) -> (usize, usize) {
        let (most, drawn, _) = play_losing(backlog, takes, usize::MAX);
        (most, drawn)
    }

    /// The same, where one answer is lost; and the most that wait in the last 8 s.
    fn play_losing(mut backlog: Backlog, takes: u64, lost: usize) -> (usize, usize, usize) {
        let (mut waiting, mut most, mut drawn, mut most_late) = (Vec::new(), 0, 0, 0);
        for now in 0..20_000 {
            while waiting.first().is_some_and(|done| *done <= now) {
                waiting.remove(0);
                if drawn != lost {
                    backlog.answered(ms(now));
                }
                drawn += 1;
            }
            if now % 40 == 0 && backlog.takes(ms(now)) {
                backlog.ask(ms(now));
                waiting.push(waiting.last().copied().unwrap_or(now).max(now) + takes);
                most = most.max(waiting.len());
                most_late = if now < 12_000 { 0 } else { most_late.max(waiting.len()) };
            }
        }
        (most, drawn, most_late)
    }

    #[test]
    fn no_more_than_two_pictures_wait_for_a_terminal_far_away() {
        assert_eq!(play(Backlog::new(true), 10), (1, 500), "one that keeps up gets all");
        assert_eq!(play(Backlog::new(true), 200), (2, 99), "a slow one is never idle");
        let (most, _) = play(Backlog::new(false), 200);
        assert!(most > 300, "without questions nobody knows: {most}");
    }

    #[test]
    fn one_answer_that_is_lost_costs_a_moment_and_not_the_rest_of_the_play() {
        for takes in [100, 200, 700] {
            let (most, drawn, most_late) = play_losing(Backlog::new(true), takes, 5);
            assert_eq!((most, most_late), (2, 2), "{takes} ms each");
            let (_, usual) = play(Backlog::new(true), takes);
            assert!(drawn + 25 >= usual, "{drawn} of {usual}, {takes} ms each");
        }
        let mut backlog = Backlog::new(true);
        assert!(backlog.ask(ms(0)) && backlog.ask(ms(0)));
        // The first is lost, and answers go on.
        for now in (40..10_040).step_by(40).map(ms) {
            backlog.answered(now);
            assert!(backlog.ask(now) && backlog.unanswered() == 2);
        }
        backlog.answered(ms(10_040));
        assert!(!backlog.takes(ms(10_040)) && !backlog.takes(ms(10_540)), "all may still come");
        assert!(backlog.takes(ms(10_541)) && backlog.unanswered() == 0);
    }

    #[test]
    fn a_terminal_that_stops_answering_gets_pictures_again() {
        let mut backlog = Backlog::new(true);
        assert!(backlog.ask(ms(0)) && backlog.takes(ms(0)) && backlog.ask(ms(100)));
        assert!(!backlog.takes(ms(200)) && !backlog.takes(ms(10_000)));
        assert!(backlog.takes(ms(10_001)));
        let asked = |backlog: &mut Backlog, times: std::ops::Range<u64>| {
            times.step_by(40).filter(|now| backlog.takes(ms(*now)) && backlog.ask(ms(*now))).count()
        };
        assert_eq!(asked(&mut backlog, 10_001..60_000), 5, "and is asked once in 10 s");
        backlog.answered(ms(60_000));
        assert_eq!(asked(&mut backlog, 60_000..60_400), 2, "until it answers");
        assert!(!backlog.takes(ms(60_400)));
    }

    #[test]
    fn an_answer_that_is_lost_is_written_off() {
        let mut backlog = Backlog::new(true);
        assert!(backlog.ask(ms(0)) && backlog.ask(ms(0)));
        backlog.answered(ms(40));
        assert_eq!(backlog.unanswered(), 1);
        // As after a pause.
        assert!(backlog.ask(ms(20_000)) && backlog.takes(ms(20_000)), "two may be on their way again");
        backlog.answered(ms(20_040));
        assert_eq!(backlog.unanswered(), 0);
    }

    #[test]
    fn each_answer_gives_it_time_for_the_next() {
        let mut backlog = Backlog::new(true);
        assert!(backlog.ask(ms(0)) && backlog.ask(ms(0)));
        backlog.answered(ms(9_000));
        assert!(backlog.takes(ms(9_000)) && backlog.ask(ms(9_000)));
        assert!(!backlog.takes(ms(18_000)), "9 s for each");
    }

    #[test]
    fn while_an_answer_would_be_taken_for_a_key_nothing_is_asked() {
        let mut backlog = Backlog::new(true);
        backlog.hold(true);
        assert!(!backlog.ask(ms(0)));
        backlog.hold(false);
        assert!(backlog.ask(ms(0)));
        assert!(!Backlog::new(false).ask(ms(0)));
    }

    #[test]
    fn a_second_key_is_waited_for_for_a_second_and_then_the_film_goes_on() {
        let mut backlog = Backlog::new(true);
        backlog.hold_for_a_key(ms(0));
        let drawn = (0..5_000).step_by(40).map(ms).filter(|now| {
            let is_drawn = backlog.takes(*now);
            if is_drawn && backlog.ask(*now) {
                backlog.answered(*now);
            }
            is_drawn
        });
        assert_eq!(drawn.count(), 101, "one in the first second, all of the other four");
        backlog.hold_for_a_key(ms(5_000));
        backlog.hold(true);
        assert!(!backlog.ask(ms(9_000)), "a search has no end");
    }

    #[test]
    fn while_nothing_may_be_asked_a_picture_a_second_is_drawn() {
        let held = |took| {
            let mut backlog = Backlog::new(true);
            backlog.ask(ms(0));
            backlog.hold(true);
            backlog.answered(ms(took));
            backlog
        };
        let drawn = |backlog: &mut Backlog| {
            let times = (0..10_000).step_by(40).map(ms);
            times.filter(|now| backlog.takes(*now) && !backlog.ask(*now)).count()
        };
        assert_eq!(drawn(&mut held(20)), 9, "of 250, in 10 s");
        assert_eq!(drawn(&mut held(3_000)), 3, "no more than it drew before");
        let mut near = Backlog::new(false);
        near.hold(true);
        assert_eq!(drawn(&mut near), 250, "one that is never asked gets all");
    }

    #[test]
    fn the_last_answers_are_waited_for_twice_as_long_as_one_took() {
        let took = |milliseconds| {
            let mut backlog = Backlog::new(true);
            // The second is on its way together with the first.
            assert!(backlog.ask(ms(0)) && backlog.ask(ms(40)));
            backlog.answered(ms(milliseconds));
            backlog.answered(ms(milliseconds + 40));
            backlog.patience()
        };
        assert_eq!(Backlog::new(true).patience(), ms(500));
        assert_eq!([20, 700, 9_000].map(took), [500, 1_400, 3_000].map(ms));
        let mut silent = Backlog::new(true);
        assert!(silent.ask(ms(0)) && silent.ask(ms(0)) && silent.takes(ms(10_001)));
        assert_eq!(silent.patience(), ms(0));
    }

    #[test]
    fn answers_that_nobody_asked_for_change_nothing() {
        let mut backlog = Backlog::new(true);
        backlog.answered(ms(0));
        assert!(backlog.ask(ms(0)) && backlog.ask(ms(0)) && !backlog.takes(ms(0)));
    }
}
