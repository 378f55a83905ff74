//! Which rendition `auto` plays: a pure function of what the link carries and what waits to be shown.
//!
//! ```text
//!   buffered ─────────┐
//!   throughput ───────┼──▶ Selector ──▶ stay, or switch: to which rendition, from where
//!   ladder, position ─┘
//!
//!   up     replace           ░░│▓▓▓▓▓▓▓▓▓▓      on a quick link better pictures take the place of what waits
//!          replace half      ░░░░│▓▓▓▓▓▓▓▓      on another it keeps some for a dip
//!   down   behind what came  ▓▓▓▓▓▓▓▓│░░░░      in the middle of a GOP, where that is less to send
//! ```
//!
//! It starts low and rises, so that the first frame is there at once.

mod credit;
mod meter;
#[cfg(test)]
mod simulation;

use std::time::Duration;

pub use self::{credit::Refill, meter::Meter};
use super::ladder::Rung;
use crate::types::{MediaTime, RenditionLabel};

/// What is to wait at the member while there is a better rendition to change to: enough for a dip of the link, little
/// enough to see the better one soon.
const LOW_TARGET: MediaTime = MediaTime(8_000_000);

/// What is to wait at the member in the best rendition, or in the only one.
const HIGH_TARGET: MediaTime = MediaTime(16_000_000);

/// Below this the next keyframe may come too late.
const LOW_WATER: MediaTime = MediaTime(2_000_000);

/// Once there was this much, less than [`LOW_WATER`] says that the link does not carry the rendition.
const FILLED: MediaTime = MediaTime(4_000_000);

/// How far ahead of the picture what waits is replaced: by then the better pictures have come.
const AHEAD: MediaTime = MediaTime(2_000_000);

/// When less than this is missing of a play, all of it came.
const ALL_BUT: MediaTime = MediaTime(200_000);

/// A buffer that runs dry later than this is no reason to go down yet: most dips of a link are shorter.
const HORIZON: MediaTime = MediaTime(20_000_000);

/// How long it stays in a rendition before it goes up from it.
const CALM: Duration = Duration::from_secs(4);

/// The longest that it waits before going up once more to where the link failed it.
const MOST_CALM: Duration = Duration::from_secs(32);

/// A fall so soon after a rise says that the rise was a mistake.
const SOON: Duration = Duration::from_secs(20);

/// How a play stands.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Since the play began.
    pub now: Duration,
    /// The rendition that is being received.
    pub current: RenditionLabel,
    /// Bits a second that the link carries, once that is known.
    pub throughput: Option<u64>,
    /// The frame that is shown.
    pub at: MediaTime,
    /// What waits to be shown.
    pub buffered: MediaTime,
    /// Where the play ends.
    pub end: MediaTime,
    /// No picture follows, wherever what is received ends.
    pub all_came: bool,
}

/// To go on in another rendition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    pub to: RenditionLabel,
    /// At or after this, see [`switch`](super::switch); without it, behind all that was sent.
    pub from: Option<MediaTime>,
}

/// Decides for one play.
#[derive(Clone, Debug)]
pub struct Selector {
    /// Those that take part, the lowest first.
    rungs: Vec<Rung>,
    /// No rise before this.
    calm_until: Duration,
    /// How long it waits after a fall.
    calm: Duration,
    rose_at: Option<Duration>,
    /// No fall before this: the hub would refuse it once more.
    refused_until: Duration,
    /// Whether enough waited since the last change.
    was_filled: bool,
}

impl Selector {
    /// For a title of this ladder.
    #[must_use]
    pub fn new(ladder: &[Rung]) -> Self {
        let rungs = ladder.iter().filter(|rung| rung.adaptive).copied().collect();
        Self {
            rungs,
            calm_until: Duration::ZERO,
            calm: CALM,
            rose_at: None,
            refused_until: Duration::ZERO,
            was_filled: false,
        }
    }

    /// How much is to wait at the member while it receives this rendition and may change.
    #[must_use]
    pub fn target(&self, current: RenditionLabel) -> MediaTime {
        let is_low = self.rungs.last().is_some_and(|best| current < best.label);
        if is_low { LOW_TARGET } else { HIGH_TARGET }
    }

    /// How much is to wait when the rendition is given.
    #[must_use]
    pub fn fixed_target() -> MediaTime {
        HIGH_TARGET
    }

    /// Packets come from another place: what waited before says nothing any more.
    pub fn moved(&mut self) {
        self.was_filled = false;
        self.refused_until = Duration::ZERO;
    }

    /// The hub did not follow: there is no keyframe left to change at, for now.
    pub fn refused(&mut self, now: Duration) {
        self.calm_until = now + CALM + CALM;
        self.refused_until = self.calm_until;
    }

    /// What to do now; whoever asks does it.
    pub fn decide(&mut self, situation: &Situation) -> Option<Switch> {
        self.was_filled |= situation.buffered >= FILLED;
        let place = self.rungs.iter().position(|rung| rung.label == situation.current);
        let switch = match (place, situation.throughput) {
            (Some(place), Some(throughput)) => {
                self.fall(place, throughput, situation).or_else(|| self.rise(place, throughput, situation))
            }
            (Some(_), None) => None,
            (None, throughput) => self.enter(throughput, situation),
        };
        if switch.is_some() {
            self.was_filled = false;
        }
        switch
    }

    fn fall(&mut self, place: usize, throughput: u64, situation: &Situation) -> Option<Switch> {
        let current = self.rungs.get(place).filter(|_| situation.now >= self.refused_until)?;
        let below = self.rungs.get(..place).filter(|below| !below.is_empty())?;
        let runs_dry = runs_dry_in(situation.buffered, current.average, throughput);
        let left = situation.end - situation.at;
        if situation.all_came || situation.buffered + ALL_BUT >= left {
            return None;
        }
        let is_failing = runs_dry.is_some_and(|dry| dry < HORIZON.min(left));
        let is_low = self.was_filled && situation.buffered < LOW_WATER && situation.buffered < left;
        if !is_failing && !is_low {
            return None;
        }
        let fits = |rung: &&Rung| throughput >= percent(rung.average, 120);
        let to = below.iter().rev().find(fits).or_else(|| below.first())?.label;
        let mistook = self.rose_at.take().is_some_and(|rose| situation.now.saturating_sub(rose) < SOON);
        self.calm = if mistook { (self.calm * 2).min(MOST_CALM) } else { CALM };
        self.calm_until = situation.now + self.calm;
        Some(Switch { to, from: None })
    }

    /// From a rendition that takes no part, which a viewer had chosen: it may end early, or not be left later.
    fn enter(&mut self, throughput: Option<u64>, situation: &Situation) -> Option<Switch> {
        if situation.now < self.refused_until {
            return None;
        }
        let carries = |rung: &&Rung| rung.is_carried_by(throughput.unwrap_or(0));
        let to = self.rungs.iter().rev().find(carries).or_else(|| self.rungs.first())?.label;
        self.calm_until = situation.now + CALM;
        Some(Switch { to, from: Some(situation.at + AHEAD) })
    }

    fn rise(&mut self, place: usize, throughput: u64, situation: &Situation) -> Option<Switch> {
        let is_first = self.rose_at.is_none() && self.calm_until.is_zero();
        // The first rise need not wait: the sooner, the less is fetched twice.
        let is_fine = is_first || situation.buffered >= LOW_WATER;
        if situation.now < self.calm_until || !is_fine {
            return None;
        }
        let above = self.rungs.get(place + 1..)?;
        let carries = |rung: &&Rung| rung.is_carried_by(throughput);
        // Only on a link that fetches them again much faster than they are shown.
        let is_quick = |rung: &&Rung| throughput >= percent(rung.average, 300).max(percent(rung.peak, 150));
        let best = above.iter().rev().find(carries)?;
        // What would be seen only behind all that waits comes later than a smaller step that is seen at once.
        let quick = || above.iter().rev().find(is_quick);
        let at_once = if is_first && situation.buffered < FILLED {
            // Little waits yet: its place is taken by whatever the link carries.
            Some(best)
        } else {
            quick().filter(|quick| quick.label == best.label || situation.buffered > AHEAD)
        };
        let rung = at_once.unwrap_or(best);
        // Else half of what waits stays: it is a dip's worth, and all of it would be long to wait for.
        let ahead = if at_once.is_some() { AHEAD } else { AHEAD.max(MediaTime(situation.buffered.0 / 2)) };
        let from = situation.at + ahead;
        if from + LOW_WATER >= situation.end {
            return None;
        }
        self.rose_at = Some(situation.now);
        // The link was seen to carry more: another step follows as soon as this one is seen.
        self.calm_until = situation.now + if rung.label == best.label { CALM } else { AHEAD.as_duration() };
        Some(Switch { to: rung.label, from: Some(from) })
    }
}

impl Rung {
    /// Whether a link of so many bits a second carries it, and other things beside it.
    fn is_carried_by(&self, throughput: u64) -> bool {
        throughput >= percent(self.average, 150).max(percent(self.peak, 90))
    }
}

/// When nothing waits any more, if `throughput` does not carry what is shown.
fn runs_dry_in(buffered: MediaTime, rate: u64, throughput: u64) -> Option<MediaTime> {
    let lacking = rate.checked_sub(throughput).filter(|lacking| *lacking > 0)?;
    let micros = i128::from(buffered.0.max(0)) * i128::from(rate) / i128::from(lacking);
    Some(MediaTime(micros.try_into().unwrap_or(i64::MAX)))
}

fn percent(of: u64, percent: u64) -> u64 {
    u64::try_from(u128::from(of) * u128::from(percent) / 100).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
