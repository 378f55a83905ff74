//! Which rendition a play receives, and how much of it ahead of the picture.
//!
//! ```text
//!   parts, keyframes ──▶ Steering ──▶ credit, as much as is missing to what is to wait
//!   position ─────────▶     │
//!   `rendition`, keys ─▶    └───────▶ SwitchRendition, one at a time; StreamInfo or PlayRefused answers it
//! ```

use std::time::Duration;

use super::play::MemberPlay;
use crate::{
    proto::message,
    types::{EndReason, MediaTime, PlayMode, RenditionLabel},
    video::{
        Rung, input,
        selector::{Meter, Refill, Selector, Situation, Switch},
    },
};

/// Bits a second of a rendition of which nothing is known.
const UNKNOWN_RATE: u64 = 8_000_000;

/// How far ahead of the picture a rendition begins that the viewer asked for.
const SOON: MediaTime = MediaTime(1_000_000);

/// A rendition that the viewer asked for begins within this. What was received reaches further, but only the segment that came
/// last can be cut: where that begins later, as in a tour, the play goes on from where it is.
const NOT_FAR: MediaTime = MediaTime(2_000_000);

/// How often the viewer is told what the link carries.
const NEWS_EVERY: Duration = Duration::from_secs(1);

/// Who chooses the rendition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Helm {
    /// The selector.
    Auto,
    /// The viewer, or the hub's plan of a tour.
    Held,
}

/// What the viewer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) label: RenditionLabel,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// What it means that the hub refuses to go on in another rendition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The viewer's wish is given up; who waits for it.
    Wish(Vec<Option<String>>),
    /// What the viewer wants is there, and is not left any more; who waits for it.
    Needless(Vec<Option<String>>),
    /// The selector's choice, or a wish from before a seek, which is made again.
    Choice,
}

/// How one play stands.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(super) struct Steering {
    pub(super) helm: Helm,
    pub(super) ladder: Vec<Rung>,
    selector: Selector,
    meter: Meter,
    refill: Refill,
    /// Whether frames come as fast as they are decoded: then nothing is waited for, and nothing is chosen.
    full_speed: bool,
    /// What is being received.
    current: Option<RenditionLabel>,
    pub(super) shown: Option<Shown>,
    /// The hub was asked to go on in this, and has not answered.
    awaited: Option<RenditionLabel>,
    /// It was asked so before a seek that it has not followed yet: a refusal that comes before it has is of that.
    is_answer_late: bool,
    /// The rendition that the viewer asked for last, until it is shown, and who is told then.
    pub(super) wanted: Option<RenditionLabel>,
    /// Who chose before the viewer asked for that.
    pub(super) before: Helm,
    pub(super) asking: Vec<Option<String>>,
    /// The hub goes from one rendition to the next by itself.
    is_tour: bool,
    /// The hub was not asked for what is wanted, and it may begin too late where the segment that came last is cut.
    is_new: bool,
    /// Where the segment that came last begins.
    begins: MediaTime,
    /// The end of what was received and is to be shown.
    newest: MediaTime,
    until: MediaTime,
    all_came: bool,
    /// When the player was told last what the link carries.
    told_at: Duration,
    /// What it was told last that the viewer wants.
    told_mode: Option<PlayMode>,
    /// Whether a frame of this epoch was shown: before that the player knows only where it was.
    pub(super) has_landed: bool,
    /// The hub was asked to go elsewhere, and nothing of there has begun.
    pub(super) is_sought: bool,
    /// The hub ended the play itself, with some of it still to be shown: it can be asked for nothing any more.
    pub(super) is_over: bool,
}

impl Steering {
    /// `estimate` is what the link carried last, in bits a second.
    pub(super) fn new(mode: PlayMode, full_speed: bool, estimate: Option<u64>) -> Self {
        let helm = if mode == PlayMode::Auto { Helm::Auto } else { Helm::Held };
        Self {
            helm,
            before: helm,
            ladder: Vec::new(),
            selector: Selector::new(&[]),
            meter: Meter::remembering(estimate),
            refill: Refill::default(),
            full_speed,
            current: None,
            shown: None,
            awaited: None,
            is_answer_late: false,
            wanted: None,
            asking: Vec::new(),
            is_tour: mode == PlayMode::Tour,
            is_new: false,
            begins: MediaTime(i64::MIN),
            newest: MediaTime(i64::MIN),
            until: MediaTime(i64::MAX),
            all_came: false,
            told_at: Duration::ZERO,
            told_mode: None,
            has_landed: false,
            is_sought: false,
            is_over: false,
        }
    }

    /// The hub says what there is.
    pub(super) fn take_ladder(&mut self, ladder: &[message::Rung]) {
        let rung = |rung: &message::Rung| {
            let message::Rung { label, bitrate: average, peak, end, adaptive } = *rung;
            Rung { label, average, peak, end, adaptive }
        };
        self.ladder = ladder.iter().map(rung).collect();
        self.selector = Selector::new(&self.ladder);
    }

    /// Media of a new epoch follows. What the hub was asked before the seek it did before the seek.
    pub(super) fn begin_epoch(&mut self) {
        self.newest = MediaTime(i64::MIN);
        (self.begins, self.is_new) = (MediaTime(i64::MIN), false);
        (self.all_came, self.has_landed, self.is_sought) = (false, false, true);
        self.is_answer_late |= self.awaited.take().is_some();
        self.selector.moved();
        self.meter.interrupted();
    }

    /// A rendition begins.
    pub(super) fn begin_segment(&mut self, segment: &input::Segment) {
        self.current = Some(segment.label);
        if self.awaited == Some(segment.label) {
            (self.awaited, self.is_tour) = (None, false);
        }
        self.begins = segment.from;
        self.until = segment.until.unwrap_or(MediaTime(i64::MAX));
        self.all_came = false;
        self.has_followed();
    }

    /// What was received is shown up to here only.
    pub(super) fn cut(&mut self, until: MediaTime) {
        self.until = self.until.min(until);
        self.newest = self.newest.min(until);
    }

    /// A part came, of pictures or sound; `left` is the credit that the hub has left.
    pub(super) fn part_came(&mut self, now: Duration, bytes: usize, left: u64) {
        self.meter.arrived(now, bytes, left);
    }

    /// A packet is whole.
    pub(super) fn packet_came(&mut self, packet: &input::Packet) {
        if packet.pts < self.until {
            self.newest = self.newest.max(packet.pts + packet.duration);
        }
    }

    /// No picture follows, so there is nothing to choose; sound may, and tells of the link.
    pub(super) fn last_picture_came(&mut self) {
        self.all_came = true;
    }

    /// Nothing follows in this epoch.
    pub(super) fn all_came(&mut self, reason: EndReason) {
        self.all_came = true;
        self.has_followed();
        self.is_over |= reason != EndReason::Finished;
        self.meter.interrupted();
    }

    /// The hub is where it was asked to be; what it refused before that was told before that.
    fn has_followed(&mut self) {
        (self.is_sought, self.is_answer_late) = (false, false);
    }

    /// Whether the hub can be asked to go on in another rendition now: it answers one request after the other.
    fn may_ask(&self) -> bool {
        self.awaited.is_none() && !self.is_answer_late && !self.is_over
    }

    /// What the link carries.
    pub(super) fn throughput(&self, now: Duration) -> Option<u64> {
        self.meter.throughput(now)
    }

    /// What the player is told for its viewer, now and then.
    pub(super) fn news(&mut self, now: Duration) -> Option<input::Input> {
        let mode = Some(self.mode()).filter(|mode| self.told_mode != Some(*mode));
        let throughput = self.meter.throughput(now).filter(|_| now >= self.told_at + NEWS_EVERY);
        if throughput.is_some() {
            self.told_at = now;
        }
        self.told_mode = mode.or(self.told_mode);
        let about = input::About { throughput, mode, ..input::About::default() };
        (mode.is_some() || throughput.is_some()).then_some(input::Input::About(about))
    }

    /// What `auto` goes on in at a time at which the rendition that comes is over: the lowest that lasts so long.
    pub(super) fn lasting(&self, at: MediaTime) -> Option<RenditionLabel> {
        let is_free = self.helm == Helm::Auto && self.awaited.is_none();
        let ends = |label| self.ladder.iter().find(|rung| Some(rung.label) == label).map(|rung| rung.end);
        ends(self.current).filter(|end| is_free && *end <= at)?;
        let lasting = || self.ladder.iter().filter(|rung| rung.end > at);
        lasting().find(|rung| rung.adaptive).or_else(|| lasting().next()).map(|rung| rung.label)
    }

    /// The hub ended the play. A wish of which nothing came will not be followed; who waits for it.
    pub(super) fn give_up(&mut self) -> Option<Vec<Option<String>>> {
        self.wanted.take_if(|wanted| self.current != Some(*wanted))?;
        self.helm = self.before;
        Some(std::mem::take(&mut self.asking))
    }

    /// Where the rendition ends that the viewer has chosen, if it is known.
    pub(super) fn end_of_held(&self) -> Option<MediaTime> {
        let PlayMode::Fixed(held) = self.mode() else { return None };
        self.ladder.iter().find(|rung| rung.label == held).map(|rung| rung.end)
    }

    /// Which renditions the viewer sees as things stand.
    fn mode(&self) -> PlayMode {
        match (self.helm, self.wanted.or(self.current)) {
            (Helm::Held, _) if self.is_tour && self.wanted.is_none() => PlayMode::Tour,
            (Helm::Held, Some(label)) => PlayMode::Fixed(label),
            (Helm::Held, None) | (Helm::Auto, _) => PlayMode::Auto,
        }
    }

    /// What waits to be shown when this is.
    pub(super) fn buffered(&self, at: MediaTime) -> MediaTime {
        (self.newest - at).max(MediaTime::ZERO)
    }

    /// Whether another rendition than this is being received, or is about to be.
    pub(super) fn is_leaving(&self, label: RenditionLabel) -> bool {
        self.awaited.or(self.current) != Some(label)
    }

    fn rate(&self) -> u64 {
        let rung = self.ladder.iter().find(|rung| Some(rung.label) == self.current).or_else(|| self.ladder.first());
        rung.map_or(UNKNOWN_RATE, |rung| rung.peak)
    }

    /// Bytes beyond those received that the hub may send now, at normal speed; nothing while enough waits.
    fn allowance(&mut self, at: MediaTime, received: u64, all_taken: bool) -> Option<u64> {
        let target = match (self.helm, self.current) {
            (Helm::Auto, Some(current)) => self.selector.target(current),
            _ => Selector::fixed_target(),
        };
        // When the player has taken all, nothing waits, whatever times the packets bear.
        let buffered = if all_taken { MediaTime::ZERO } else { self.buffered(at) };
        let rate = self.rate();
        self.refill.allowance(buffered, target, rate, received)
    }

    /// What the selector wants to do, if it is asked at all.
    fn decide(&mut self, now: Duration, at: MediaTime, end: MediaTime) -> Option<Switch> {
        let is_asked = self.helm == Helm::Auto && !self.full_speed && self.may_ask();
        let current = self.current.filter(|_| is_asked && self.has_landed)?;
        let (throughput, buffered) = (self.meter.throughput(now), self.buffered(at));
        let situation = Situation { now, current, throughput, at, buffered, end, all_came: self.all_came };
        self.selector.decide(&situation)
    }

    /// The viewer wants this from now on.
    pub(super) fn hold(&mut self, label: RenditionLabel) {
        if self.wanted.is_none() {
            self.before = self.helm;
        }
        (self.helm, self.wanted, self.is_new) = (Helm::Held, Some(label), true);
    }

    /// What the viewer wants and, with the picture at this time, is not to wait for until the segment that came last begins.
    /// The hub is to be asked for it in a new epoch. What it was asked before decides which segment that is.
    pub(super) fn take_far(&mut self, at: MediaTime) -> Option<RenditionLabel> {
        let to = self.wanted.filter(|_| self.is_new && self.may_ask())?;
        self.is_new = false;
        (!self.full_speed && self.begins > at + NOT_FAR).then_some(to)
    }

    /// The hub is asked to go on in this.
    pub(super) fn await_switch(&mut self, to: RenditionLabel) {
        self.awaited = Some(to);
    }

    /// What the viewer wants is asked for, once the hub has answered what was asked before. In a tour also what is there: it
    /// is not to be left.
    fn next_wanted(&self, at: MediaTime) -> Option<Switch> {
        let is_news = |wanted: &RenditionLabel| self.is_tour || Some(*wanted) != self.current;
        let to = self.wanted.filter(|_| self.may_ask()).filter(is_news)?;
        // At full speed the picture is where it is told to be by the time that this arrives.
        let from = Some(if self.full_speed { at } else { at + SOON });
        Some(Switch { to, from })
    }

    /// The hub cannot do what it was asked, and the play goes on as it was.
    pub(super) fn refused(&mut self, now: Duration) -> Refused {
        if std::mem::take(&mut self.is_answer_late) {
            return Refused::Choice;
        }
        let asked = self.awaited.take();
        let is_wish = self.wanted.is_some() && asked == self.wanted;
        if !is_wish {
            self.selector.refused(now);
        }
        if self.is_there(self.wanted) && (is_wish || !self.is_tour) {
            self.wanted = None;
            return Refused::Needless(std::mem::take(&mut self.asking));
        }
        if !is_wish {
            return Refused::Choice;
        }
        (self.helm, self.wanted) = (self.before, None);
        Refused::Wish(std::mem::take(&mut self.asking))
    }

    /// Whether this rendition is both shown and received.
    fn is_there(&self, label: Option<RenditionLabel>) -> bool {
        label.is_some() && self.current == label && self.shown.map(|shown| shown.label) == label
    }
}

impl MemberPlay {
    /// To go on in another rendition, because the viewer or the selector wants to.
    pub(super) fn next_switch(&mut self, now: Duration) -> Option<Switch> {
        let (at, end) = (self.at, self.end());
        let switch = self.steering.next_wanted(at).or_else(|| self.steering.decide(now, at, end))?;
        self.steering.await_switch(switch.to);
        Some(switch)
    }

    /// Credit at normal speed: by what waits, and never more than the player has to take.
    pub(super) fn timed_credit(&mut self, most: u64) -> Option<(u64, u64)> {
        let (at, all_taken) = (self.at, self.has_taken_all());
        let allowance = self.steering.allowance(at, self.received(), all_taken)?;
        let offset = self.received().saturating_add(allowance).min(most);
        Some((offset, allowance / 4))
    }
}
