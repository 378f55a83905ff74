//! Going on in another rendition in the middle of a play.
//!
//! ```text
//!   sent already        still to be sent
//!   240p  ■···■···■·····|··■··         cut at K: of the rest only what pictures before K need
//!   720p             ·  ■·····■····    from its keyframe with pts K on
//!                    K ≥ what is asked for
//!
//!   1080p ■···■···■·····|·······■··    down: the rest of its GOP would be more to send
//!   240p                ·····■·····    than this one from its keyframe before K on
//! ```

use std::{collections::VecDeque, ops::Range, sync::Arc};

use super::{Segment, tolerance};
use crate::{types::MediaTime, video::catalog::Rendition};

/// What a switch changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switched {
    /// Where the segment that has begun ends now, earlier than was said when it began.
    pub cut: Option<MediaTime>,
}

/// Replaces what is planned from some picture of `to` on, mostly a keyframe, by that rendition, so that every picture is
/// shown once whether or not keyframes align. `begun` is the position of the first packet of the first segment that was
/// not sent, when that segment has begun. Without `from` nothing is replaced that was sent. `end` is where the play
/// ends, if before its title does.
///
/// Where `to` waits to be begun already, and nothing else behind it, there is nothing to change.
///
/// Returns nothing, and changes nothing, when `to` cannot be entered any more.
pub fn switch(
    segments: &mut VecDeque<Segment>,
    begun: Option<usize>,
    to: &Arc<Rendition>,
    from: Option<MediaTime>,
    end: Option<MediaTime>,
) -> Option<Switched> {
    let first = segments.front()?;
    let end = end.unwrap_or(MediaTime(i64::MAX));
    let start = first.show.start;
    let Some(sent) = begun else {
        if from.is_some_and(|from| from > start) {
            return enter(segments, None, to, from?, end);
        }
        // Nothing was sent: what comes before the first picture is decoded and not shown, as after a seek.
        *segments = VecDeque::from([Segment::new(to, start..end)?]);
        return Some(Switched { cut: None });
    };
    let edge = tolerance(&first.rendition.index, &to.index);
    let from = from.unwrap_or_else(|| first.last_sent(sent).map_or(start, |pts| pts + edge));
    enter(segments, Some(sent), to, from, end)
}

/// Begins with `to` where the plan begins, as after a seek to there: for a plan whose first segment was told already, and
/// of which no packet was sent. `end` as for [`switch`].
///
/// Returns nothing, and changes nothing, when `to` has nothing to show there.
pub fn begin_with(segments: &mut VecDeque<Segment>, to: &Arc<Rendition>, end: Option<MediaTime>) -> Option<Switched> {
    let is_all = segments.len() == 1;
    let first = segments.front_mut()?;
    if is_all && Arc::ptr_eq(&first.rendition, to) {
        return Some(Switched { cut: None });
    }
    let start = first.show.start;
    let next = Segment::new(to, start..end.unwrap_or(MediaTime(i64::MAX)))?;
    let cut = (start < first.show.end).then_some(start);
    first.cut(start, None);
    segments.truncate(1);
    segments.push_back(next);
    Some(Switched { cut })
}

/// Cuts the plan where `to` is entered at or after `from`, and goes on there.
fn enter(
    segments: &mut VecDeque<Segment>,
    begun: Option<usize>,
    to: &Arc<Rendition>,
    from: MediaTime,
    end: MediaTime,
) -> Option<Switched> {
    let edge = |segment: &Segment| tolerance(&segment.rendition.index, &to.index);
    let first = segments.front()?;
    let entry = entry(segments, begun, to, from.max(first.show.start - edge(first))..end)?;
    if segments.len() > usize::from(begun.is_some())
        && let Some(last) = segments.back()
        && Arc::ptr_eq(&last.rendition, to)
        && last.show.start <= entry
    {
        return Some(Switched { cut: None });
    }
    // What was to come behind the keyframe is dropped; the segment around it shows what lies before.
    let kept = segments.iter().take_while(|segment| segment.show.start < entry - edge(segment)).count();
    let last = kept.checked_sub(1).and_then(|last| segments.get(last));
    // Where the old one ended before, the new one has to show what is between.
    let gap = last.filter(|last| last.show.end + edge(last) + edge(last) < entry);
    let next = Segment::new(to, gap.map_or(entry, |last| last.show.end - edge(last))..end)?;
    let keep = kept.max(usize::from(begun.is_some()));
    segments.truncate(keep);
    let mut cut = None;
    if let Some(last) = segments.back_mut() {
        let sent = begun.filter(|_| keep == 1);
        let at = (entry - edge(last)).max(last.show.start);
        cut = (sent.is_some() && at < last.show.end).then_some(at);
        last.cut(at, sent);
    }
    segments.push_back(next);
    Some(Switched { cut })
}

/// The first picture of `to` behind a switch: its first keyframe in `within`, unless less has to be sent when it is the
/// first picture in there and those from the keyframe before it on are only decoded. That is so in a GOP that a link does
/// not carry.
fn entry(
    segments: &VecDeque<Segment>,
    begun: Option<usize>,
    to: &Arc<Rendition>,
    within: Range<MediaTime>,
) -> Option<MediaTime> {
    let keyframe = to.index.entry_from(within.start).filter(|keyframe| *keyframe < within.end);
    let picture = to.index.picture_from(within.start).filter(|picture| *picture < within.end)?;
    if keyframe == Some(picture) {
        return keyframe;
    }
    let until = keyframe.unwrap_or(within.end);
    let leaves = to.index.bytes(to.index.entry_before(picture)..to.index.packets().len(), until);
    // A member may ask for this as often as it likes: what both would send is not looked at, which can be most of the
    // title, nor more of what lies between than decides.
    let mut stays = segments.iter().enumerate().flat_map(|(place, segment)| {
        let index = &segment.rendition.index;
        let from = begun.filter(|_| place == 0).unwrap_or(segment.packets.start);
        let between = index.decoded_until(from, picture)..index.decoded_until(from, until).min(segment.packets.end);
        index.packets().get(between).unwrap_or_default().iter().map(|packet| u64::from(packet.size))
    });
    let is_less = stays.try_fold(leaves, u64::checked_sub).is_none();
    if is_less { Some(picture) } else { keyframe }
}

impl Segment {
    /// Shows nothing from `at` on, and sends no more than that needs; what was sent, up to `sent`, stays sent.
    fn cut(&mut self, at: MediaTime, sent: Option<usize>) {
        self.show.end = self.show.end.min(at).max(self.show.start);
        let index = &self.rendition.index;
        let is_empty = self.show.is_empty();
        let needed = if is_empty { self.packets.start } else { index.decoded_until(self.packets.start, self.show.end) };
        self.packets.end = needed.max(sent.unwrap_or(needed)).min(self.packets.end);
    }

    /// The last picture in what was sent of it: up to this position.
    fn last_sent(&self, until: usize) -> Option<MediaTime> {
        self.rendition.index.last_within(self.packets.start..until, self.show.end)
    }
}
