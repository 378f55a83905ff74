//! Which packets a play sends, and which of their pictures are shown.
//!
//! ```text
//!   240p   ■···■···■···■··|·      sent up to the last packet that is shown before K, with all it refers to
//!   720p             ■····■····   sent from the keyframe with pts K on
//!                    K ≥ boundary
//! ```
//!
//! Pictures before K come from the old rendition and those from K on from the new one, so that each picture of
//! the title is shown once whether or not keyframes align, and with B-frames. Two renditions may round times
//! differently: what is less than half a frame before K is taken for the picture at K.

mod switch;

use std::{ops::Range, sync::Arc};

pub use self::switch::{Switched, begin_with, switch};

use crate::types::{Code, Codec, MediaTime, PlayMode, RenditionLabel};

use super::{
    catalog::{Rendition, Title},
    index::{Index, Packet},
};

/// How much earlier than its title the last rendition of a tour may end. Encoders differ by a picture or two.
const EARLY_END: MediaTime = MediaTime(500_000);

/// What a play sends, in order.
#[derive(Clone, Debug)]
pub struct Plan {
    /// At least one for what is begun; none after a seek behind the last picture of what is played.
    pub segments: Vec<Segment>,
    /// Renditions that a tour does not show, and why.
    pub left_out: Vec<LeftOut>,
}

/// Packets of one rendition.
#[derive(Clone, Debug)]
pub struct Segment {
    pub rendition: Arc<Rendition>,
    /// Positions in its index: decode order, from a packet at which decoding can begin, or on from a segment
    /// before of the same rendition.
    pub packets: Range<usize>,
    /// Pictures with pts in here are shown; others are decoded because these refer to them.
    pub show: Range<MediaTime>,
}

/// A rendition that a tour does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub label: RenditionLabel,
    pub reason: LeftOutReason,
}

/// Why a tour does not show a rendition; the one before it plays on instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeftOutReason {
    #[error("it has no keyframe between {:.2} s and {:.2} s, where its turn would be", .0.as_seconds(), .1.as_seconds())]
    NoKeyframe(MediaTime, MediaTime),
    #[error("it ends at {:.2} s, before its turn would be over", .0.as_seconds())]
    TooShort(MediaTime),
}

/// Why there is nothing to play.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The start is before 0 or not before the end of what would be played, or the end is not after the start.
    #[error("start and end must lie in this order between 0 and {:.2} s", .duration.as_seconds())]
    OutOfRange { duration: MediaTime },
    #[error("no picture begins between start and end")]
    NoPicture,
    #[error("this hub knows no such mode; it knows auto, tour and one rendition")]
    UnknownMode,
    /// Nothing that is asked for is of a codec that the member has.
    #[error("it is of codec {codec}, which this member does not decode")]
    Undecodable { codec: Codec },
    #[error("there is no {label}; there is {}", List(.have))]
    NoSuchRendition { label: RenditionLabel, have: Vec<RenditionLabel> },
    /// All renditions are higher than what is asked for at most.
    #[error("there is nothing up to {max}; there is {}", List(.have))]
    NoneUpTo { max: RenditionLabel, have: Vec<RenditionLabel> },
}

impl PlanError {
    /// What the one who asked is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::OutOfRange { .. } | Self::NoPicture => Code::OutOfRange,
            Self::UnknownMode => Code::NotYet,
            Self::Undecodable { .. } => Code::Unplayable,
            Self::NoSuchRendition { .. } | Self::NoneUpTo { .. } => Code::NoSuchRendition,
        }
    }
}

/// A rendition in its turn of a tour.
struct Turn {
    rendition: Arc<Rendition>,
    /// Shown from here: the pts of a keyframe, or the start of the title.
    from: MediaTime,
    /// Where the rendition before stops: half a frame before `from`.
    cut: MediaTime,
}

impl Plan {
    /// What to send of a title. `start` ≤ pts < `end` is shown; without an end, up to the title's own.
    ///
    /// Costs one look at each packet of the renditions shown, and no reading.
    ///
    /// A tour gives every rendition an equal share of the title, the lowest first, wherever the play starts: a
    /// seek lands in the rendition whose turn it is there. Auto is the highest rendition: whoever lets a member choose
    /// asks for one rendition instead, and goes on in another by [`switch`].
    ///
    /// # Errors
    /// See [`PlanError`]; a plan without a picture is one.
    pub fn new(title: &Title, mode: PlayMode, start: MediaTime, end: Option<MediaTime>) -> Result<Self, PlanError> {
        let (turns, left_out) = chosen(title, mode)?;
        let duration = ending(&turns);
        let end = end.unwrap_or(duration);
        if start < MediaTime::ZERO || start >= duration || end <= start {
            return Err(PlanError::OutOfRange { duration });
        }
        let segments = segments(&turns, start..end);
        if segments.is_empty() { Err(PlanError::NoPicture) } else { Ok(Self { segments, left_out }) }
    }

    /// What to send when a play goes on at `to`. Behind the last picture that is that picture; what is played may
    /// end before its title does, and a seek to where it has ended finds nothing more to send.
    ///
    /// # Errors
    /// When `to` is not within the title or not before `end`.
    pub fn sought(title: &Title, mode: PlayMode, to: MediaTime, end: Option<MediaTime>) -> Result<Self, PlanError> {
        let (turns, left_out) = chosen(title, mode)?;
        let duration = title.duration;
        if to < MediaTime::ZERO || to >= end.unwrap_or(duration).min(duration) {
            return Err(PlanError::OutOfRange { duration });
        }
        if to >= ending(&turns) {
            return Ok(Self { segments: Vec::new(), left_out });
        }
        let end = end.unwrap_or(duration);
        let mut sought = segments(&turns, to..end);
        if sought.is_empty()
            && let Some(last) = last_picture(&turns, end)
        {
            sought = segments(&turns, last..end);
        }
        Ok(Self { segments: sought, left_out })
    }
}

/// The turns of a play, and the renditions that it leaves out.
fn chosen(title: &Title, mode: PlayMode) -> Result<(Vec<Turn>, Vec<LeftOut>), PlanError> {
    Ok(match mode {
        PlayMode::Tour => tour(title),
        PlayMode::Auto => (title.renditions.last().map(whole).into_iter().collect(), Vec::new()),
        PlayMode::Fixed(label) => (vec![whole(fixed(title, label)?)], Vec::new()),
        PlayMode::Unknown => return Err(PlanError::UnknownMode),
    })
}

/// Where the last of these turns ends.
fn ending(turns: &[Turn]) -> MediaTime {
    turns.last().map_or(MediaTime::ZERO, |turn| turn.rendition.index.duration())
}

fn segments(turns: &[Turn], show: Range<MediaTime>) -> Vec<Segment> {
    let cuts = turns.iter().skip(1).map(|turn| turn.cut).chain([show.end]);
    let shares = turns.iter().zip(cuts).map(|(turn, cut)| (turn, turn.from.max(show.start)..cut.min(show.end)));
    shares.filter_map(|(turn, share)| Segment::new(&turn.rendition, share)).collect()
}

/// When the last picture that is shown before `end` begins.
fn last_picture(turns: &[Turn], end: MediaTime) -> Option<MediaTime> {
    let ends = turns.iter().skip(1).map(|turn| turn.cut.min(end)).chain([end]);
    let last = |(turn, end): (&Turn, MediaTime)| turn.rendition.index.last_before(end).filter(|pts| *pts >= turn.from);
    turns.iter().zip(ends).filter_map(last).max()
}

impl Segment {
    /// The packets that show `show` of a rendition; nothing when no picture is in it.
    fn new(rendition: &Arc<Rendition>, show: Range<MediaTime>) -> Option<Self> {
        let index = &rendition.index;
        let shown = index.shown();
        let show = show.start.max(shown.start)..show.end.min(shown.end);
        let from = index.entry_before(show.start);
        let packets = from..index.decoded_until(from, show.end);
        let segment = Self { rendition: Arc::clone(rendition), packets, show };
        segment.sent().iter().any(|packet| segment.shows(packet)).then_some(segment)
    }

    /// Whether a packet's picture is shown; the others are decoded only.
    #[must_use]
    pub fn shows(&self, packet: &Packet) -> bool {
        self.show.contains(&packet.pts)
    }

    /// The packets themselves.
    #[must_use]
    pub fn sent(&self) -> &[Packet] {
        self.rendition.index.packets().get(self.packets.clone()).unwrap_or_default()
    }
}

/// One rendition from start to end.
fn whole(rendition: &Arc<Rendition>) -> Turn {
    Turn { rendition: Arc::clone(rendition), from: MediaTime::ZERO, cut: MediaTime::ZERO }
}

fn fixed(title: &Title, label: RenditionLabel) -> Result<&Arc<Rendition>, PlanError> {
    let missing = || PlanError::NoSuchRendition { label, have: title.labels().collect() };
    title.rendition(label).ok_or_else(missing)
}

/// The turns of a title's renditions, and those that have none.
fn tour(title: &Title) -> (Vec<Turn>, Vec<LeftOut>) {
    let mut short = Vec::new();
    loop {
        let (turns, mut left_out) = turns(title, &short);
        // Without it the others' turns are different ones, so they are all worked out anew.
        if let Some(without) = too_short(title, &turns) {
            short.push(without);
            continue;
        }
        left_out.append(&mut short);
        left_out.sort_by_key(|without| without.label);
        return (turns, left_out);
    }
}

/// The turns of all renditions but those in `without`, and which have none because no keyframe begins it.
fn turns(title: &Title, without: &[LeftOut]) -> (Vec<Turn>, Vec<LeftOut>) {
    let shares = i64::try_from(title.renditions.len()).unwrap_or(i64::MAX);
    let share = |place: usize| MediaTime(longest(title).0 / shares * i64::try_from(place).unwrap_or(0));
    let (mut turns, mut left_out): (Vec<Turn>, _) = (Vec::new(), Vec::new());
    for (place, rendition) in title.renditions.iter().enumerate() {
        if without.iter().any(|other| other.label == rendition.label) {
            continue;
        }
        let Some(last) = turns.last() else {
            turns.push(whole(rendition));
            continue;
        };
        let tolerance = tolerance(&last.rendition.index, &rendition.index);
        let (boundary, next) = (share(place), share(place + 1));
        // Later than the one before begins, or nothing of that one would be shown.
        let earliest = (boundary - tolerance).max(last.from + tolerance + MediaTime(1));
        let from = rendition.index.entry_from(earliest).filter(|from| *from < next - tolerance);
        if let Some(from) = from {
            turns.push(Turn { rendition: Arc::clone(rendition), from, cut: from - tolerance });
        } else {
            let reason = LeftOutReason::NoKeyframe(boundary, next);
            left_out.push(LeftOut { label: rendition.label, reason });
        }
    }
    (turns, left_out)
}

/// The first rendition that ends before its turn is over. The longest never does.
fn too_short(title: &Title, turns: &[Turn]) -> Option<LeftOut> {
    let ends = turns.iter().skip(1).map(|turn| turn.cut).chain([longest(title) - EARLY_END]);
    turns.iter().zip(ends).find(|(turn, end)| turn.rendition.index.duration() < *end).map(|(turn, _)| LeftOut {
        label: turn.rendition.label,
        reason: LeftOutReason::TooShort(turn.rendition.index.duration()),
    })
}

/// How long the longest of the renditions lasts, which may be fewer than the title has.
fn longest(title: &Title) -> MediaTime {
    title.renditions.iter().map(|rendition| rendition.index.duration()).max().unwrap_or_default()
}

/// Half a frame of the quicker one.
fn tolerance(one: &Index, other: &Index) -> MediaTime {
    MediaTime(one.frame_duration().min(other.frame_duration()).0 / 2)
}

/// "240p, 720p and 1080p".
struct List<'a>(&'a [RenditionLabel]);

impl std::fmt::Display for List<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, label) in self.0.iter().enumerate() {
            match place {
                0 => {}
                _ if place + 1 == self.0.len() => f.write_str(" and ")?,
                _ => f.write_str(", ")?,
            }
            write!(f, "{label}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
