//! A hub, a link, a member's credit and buffer, step by step, under traces of bandwidth: what came of it.
//!
//! ```text
//!   hub: plan ─▶ lane 128 KiB ─▶ link: so many bits a second, 30 ms ─▶ member: buffer ─▶ picture
//!     ▲                                                                  │
//!     └──────────────── credit, switches ◀── meter, selector ◀───────────┘
//! ```

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::{Meter, Refill, Selector, Situation, Switch};
use crate::{
    types::{
        MediaTime, PlayMode, RenditionLabel,
        limits::{CREDIT_WINDOW, MEDIA_LANE, PART},
    },
    video::{
        Rung, Segment, Title, first_rung,
        plan::{Plan, switch},
        testing::FRAME,
    },
};

/// One step, in microseconds.
const STEP: i64 = 5_000;

/// From one end of the link to the other, in steps.
const DELAY: usize = 6;

/// Bits a second from these times in milliseconds on.
pub(super) type Trace = Vec<(u64, u64)>;

/// What goes over the link.
#[derive(Clone, Copy, Debug)]
enum Sent {
    Info { label: RenditionLabel, from: MediaTime, until: MediaTime },
    Cut(MediaTime),
    Part { pts: MediaTime, bytes: usize, last: bool },
    End,
}

/// What came of a play.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// When the picture stood still, and for how long, in milliseconds.
    pub(super) stalls: Vec<(u64, u64)>,
    /// When which rendition was begun to be received.
    pub(super) switches: Vec<(u64, u32)>,
    /// Frames shown by height, in the order of frames.
    pub(super) shown: Vec<u32>,
    pub(super) first_frame: u64,
    pub(super) received: u64,
    pub(super) lasted: u64,
    pub(super) estimate: Option<u64>,
}

impl Outcome {
    /// Average height of what was shown, in percent of `height`.
    pub(super) fn quality(&self, height: u32) -> u64 {
        let sum: u64 = self.shown.iter().map(|shown| u64::from(*shown)).sum();
        sum * 100 / (self.shown.len() as u64 * u64::from(height))
    }

    /// When the first rendition of at least, or at most, a height was begun, from `after` on.
    pub(super) fn first_after(&self, after: u64, wanted: impl Fn(u32) -> bool) -> Option<u64> {
        self.switches.iter().find(|(at, height)| *at >= after && wanted(*height)).map(|(at, _)| *at)
    }
}

struct Hub {
    title: Arc<Title>,
    segments: VecDeque<Segment>,
    next: Option<usize>,
    /// Bytes sent of the packet that has its turn.
    partly: usize,
    sent: u64,
    credit: u64,
    lane: VecDeque<Sent>,
    lane_bytes: usize,
    /// The segment that was sent last.
    over: Option<Segment>,
    ended: bool,
}

impl Hub {
    /// All of a title is to be sent, in this rendition at first.
    fn new(title: &Arc<Title>, first: RenditionLabel) -> Self {
        let planned = Plan::new(title, PlayMode::Fixed(first), MediaTime::ZERO, None).unwrap();
        Self {
            title: Arc::clone(title),
            segments: planned.segments.into(),
            next: None,
            partly: 0,
            sent: 0,
            credit: 0,
            lane: VecDeque::new(),
            lane_bytes: 0,
            over: None,
            ended: false,
        }
    }

    fn put(&mut self, sent: Sent) {
        if let Sent::Part { bytes, .. } = sent {
            self.lane_bytes += bytes;
        }
        self.lane.push_back(sent);
    }

    fn fill(&mut self) {
        while self.lane_bytes < MEDIA_LANE && !self.ended {
            let Some(front) = self.segments.front().cloned() else {
                self.put(Sent::End);
                self.ended = true;
                return;
            };
            let Some(next) = self.next else {
                let label = front.rendition.label;
                self.put(Sent::Info { label, from: front.show.start, until: front.show.end });
                self.next = Some(front.packets.start);
                continue;
            };
            if next >= front.packets.end && self.partly == 0 {
                self.over = self.segments.pop_front();
                self.next = None;
                continue;
            }
            let packet = front.rendition.index.packets()[next];
            let bytes = (packet.size as usize - self.partly).min(PART);
            if self.sent + bytes as u64 > self.credit {
                return;
            }
            self.partly += bytes;
            self.sent += bytes as u64;
            let last = self.partly == packet.size as usize;
            self.put(Sent::Part { pts: packet.pts, bytes, last });
            if last {
                (self.partly, self.next) = (0, Some(next + 1));
            }
        }
    }

    fn switch(&mut self, to: Switch) -> bool {
        let rendition = Arc::clone(self.title.rendition(to.to).unwrap());
        let mut begun = self.next.map(|next| next + usize::from(self.partly > 0));
        if self.segments.is_empty() {
            self.segments.extend(self.over.clone());
            begun = self.segments.front().map(|over| over.packets.end);
            (self.next, self.ended) = (begun, false);
        }
        let Some(switched) = switch(&mut self.segments, begun, &rendition, to.from, None) else { return false };
        if let Some(cut) = switched.cut {
            self.put(Sent::Cut(cut));
        }
        true
    }
}

struct Member {
    selector: Selector,
    meter: Meter,
    refill: Refill,
    rungs: Vec<Rung>,
    current: RenditionLabel,
    asked: Option<RenditionLabel>,
    /// Segments received: label, what they show.
    segments: Vec<(u32, MediaTime, MediaTime)>,
    /// Frames that can be shown.
    frames: BTreeSet<(MediaTime, u32)>,
    newest: MediaTime,
    received: u64,
    granted: u64,
    ended: bool,
    /// The number of the frame that is shown next, and when it is due, in microseconds.
    frame: i64,
    due: Option<i64>,
    dry_since: Option<i64>,
    outcome: Outcome,
}

impl Member {
    fn new(rungs: Vec<Rung>, first: RenditionLabel, estimate: Option<u64>) -> Self {
        Self {
            selector: Selector::new(&rungs),
            meter: Meter::remembering(estimate),
            refill: Refill::default(),
            rungs,
            current: first,
            asked: None,
            segments: Vec::new(),
            frames: BTreeSet::new(),
            newest: MediaTime::ZERO,
            received: 0,
            granted: 0,
            ended: false,
            frame: 0,
            due: None,
            dry_since: None,
            outcome: Outcome::default(),
        }
    }

    fn at(&self) -> MediaTime {
        MediaTime((self.frame - 1).max(0) * FRAME.0)
    }

    fn buffered(&self) -> MediaTime {
        (self.newest - self.at()).max(MediaTime::ZERO)
    }

    fn take(&mut self, now: i64, sent: Sent) {
        let clock = Duration::from_micros(now.unsigned_abs());
        match sent {
            Sent::Info { label, from, until } => {
                (self.current, self.ended) = (label, false);
                self.asked = self.asked.filter(|asked| *asked != label);
                self.segments.push((label.0, from, until));
                self.outcome.switches.push((clock.as_millis().try_into().unwrap(), label.0));
            }
            Sent::Cut(until) => {
                self.segments.last_mut().unwrap().2 = until;
                self.newest = self.newest.min(until);
                self.frames.retain(|(pts, _)| *pts < until);
            }
            Sent::Part { pts, bytes, last } => {
                self.received += bytes as u64;
                self.meter.arrived(clock, bytes, self.granted - self.received);
                let &(height, from, until) = self.segments.last().unwrap();
                if last && (from..until).contains(&pts) {
                    self.frames.insert((pts, height));
                    self.newest = self.newest.max(pts + FRAME);
                }
            }
            Sent::End => {
                self.ended = true;
                self.meter.interrupted();
            }
        }
    }

    /// What it asks the hub for.
    fn ask(&mut self, now: i64, end: MediaTime) -> (Option<u64>, Option<Switch>) {
        let clock = Duration::from_micros(now.unsigned_abs());
        let rate = self.rungs.iter().find(|rung| rung.label == self.current).map_or(8_000_000, |rung| rung.peak);
        let target = self.selector.target(self.current);
        let buffered = self.buffered();
        let credit = self.refill.allowance(buffered, target, rate, self.received).and_then(|allowance| {
            let offset = self.received + allowance.min(CREDIT_WINDOW);
            (offset >= self.granted + allowance / 4).then_some(offset)
        });
        self.granted = credit.unwrap_or(self.granted);
        let throughput = self.meter.throughput(clock);
        let situation = Situation {
            now: clock,
            current: self.current,
            throughput,
            at: self.at(),
            buffered: self.buffered(),
            end,
            all_came: self.ended,
        };
        let may_ask = self.asked.is_none() && self.frame > 0;
        let switch = if may_ask { self.selector.decide(&situation) } else { None };
        self.asked = self.asked.or(switch.map(|switch| switch.to));
        (credit, switch)
    }

    /// Shows what is due.
    fn show(&mut self, now: i64) {
        let ready = self.frames.iter().find(|(pts, _)| (pts.0 + FRAME.0 / 2) / FRAME.0 == self.frame).copied();
        let due = *self.due.get_or_insert(now);
        match ready {
            Some(_) if due > now => {}
            Some((pts, height)) => {
                if self.frame == 0 {
                    self.outcome.first_frame = (now / 1000).unsigned_abs();
                }
                if let Some(since) = self.dry_since.take()
                    && self.frame > 0
                    && now - since > FRAME.0
                {
                    self.outcome.stalls.push(((since / 1000).unsigned_abs(), ((now - since) / 1000).unsigned_abs()));
                }
                self.outcome.shown.push(height);
                self.frames.retain(|(other, _)| *other > pts);
                self.frame += 1;
                self.due = Some(due.max(now - STEP) + FRAME.0);
            }
            None if due <= now => {
                self.dry_since.get_or_insert(now);
            }
            None => {}
        }
    }
}

/// Plays all of a title over a link.
pub(super) fn simulate(title: &Arc<Title>, trace: &Trace, estimate: Option<u64>) -> Outcome {
    let rungs = title.ladder();
    let first = first_rung(&rungs, false).unwrap();
    let mut hub = Hub::new(title, first);
    let mut member = Member::new(rungs, first, estimate);
    let frames = title.duration.0 / FRAME.0;
    let (mut down, mut up) = (VecDeque::new(), VecDeque::new());
    let mut carried: i64 = 0;
    for step in 0.. {
        let now = step * STEP;
        assert!(now < 4 * title.duration.0 + 60_000_000, "it never ends: {:?}", member.outcome);
        let moment = (now / 1000).unsigned_abs();
        let rate = trace.iter().rfind(|(from, _)| *from <= moment).map_or(0, |(_, rate)| *rate);
        up.push_back(member.ask(now, title.duration));
        if up.len() > DELAY
            && let Some(asked) = up.pop_front()
        {
            answer(&mut hub, &mut member, now, asked);
        }
        hub.fill();
        // What the link carries in this step.
        carried += i64::try_from(rate).unwrap() * STEP / 8_000_000;
        down.push_back(carry(&mut hub, &mut member, &mut carried));
        if down.len() > DELAY {
            down.pop_front().unwrap().into_iter().for_each(|sent| member.take(now, sent));
        }
        if member.frame > 0 || !member.frames.is_empty() {
            member.show(now);
        }
        if member.frame == frames {
            member.outcome.lasted = moment;
            member.outcome.estimate = member.meter.throughput(Duration::from_micros(now.unsigned_abs()));
            break;
        }
    }
    member.outcome
}

/// The hub does what it was asked for: credit, a switch.
fn answer(hub: &mut Hub, member: &mut Member, now: i64, (credit, switch): (Option<u64>, Option<Switch>)) {
    hub.credit = credit.unwrap_or(hub.credit);
    if let Some(switch) = switch
        && !hub.switch(switch)
    {
        member.asked = None;
        member.selector.refused(Duration::from_micros(now.unsigned_abs()));
    }
}

/// What the link takes out of the hub's lane with so many bytes to carry; what it could not use is lost.
fn carry(hub: &mut Hub, member: &mut Member, carried: &mut i64) -> Vec<Sent> {
    let mut taken = Vec::new();
    while let Some(&sent) = hub.lane.front() {
        let bytes = if let Sent::Part { bytes, .. } = sent { bytes } else { 0 };
        if i64::try_from(bytes).unwrap() > *carried {
            break;
        }
        *carried -= i64::try_from(bytes).unwrap();
        hub.lane.pop_front();
        hub.lane_bytes -= bytes;
        member.outcome.received += bytes as u64;
        taken.push(sent);
        hub.fill();
    }
    if hub.lane.is_empty() {
        *carried = 0;
    }
    taken
}
