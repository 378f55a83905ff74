//! What `auto` chooses from: the renditions of a title, what each costs, and whether it can be entered and left.

use std::ops::Range;

use crate::types::{MediaTime, RenditionLabel};

use super::{catalog::Title, index::Packet};

/// Longest stretch without a place to begin in a rendition that takes part in `auto`. An encoder that is told
/// nothing puts a keyframe after 250 frames, which are 10.43 s at 23.976 frames a second.
const LONGEST_GOP: MediaTime = MediaTime(10_500_000);

/// How much earlier than its title a rendition may end that takes part. Encoders differ by a picture or two.
const EARLY_END: MediaTime = MediaTime(500_000);

/// Shortest stretch that a peak is taken over: where a film is cut quickly, single GOPs are as short as a frame.
const PEAK_OVER: MediaTime = MediaTime(1_000_000);

/// One rendition, as a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    pub label: RenditionLabel,
    /// Average bits a second.
    pub average: u64,
    /// Most bits a second over a second or more, from one keyframe to another.
    pub peak: u64,
    /// Where its last picture ends.
    pub end: MediaTime,
    /// Whether it has keyframes often enough to be entered and left, and lasts as long as its title.
    pub adaptive: bool,
}

/// What the keyframes of an index say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gops {
    /// Bits a second, see [`Rung::peak`].
    pub(super) peak: u64,
    /// Whether no stretch without a place to begin is too long, and there is more than one such place.
    pub(super) are_short: bool,
}

impl Gops {
    /// From packets in decode order and the positions of entry points among them.
    pub(super) fn of(packets: &[Packet], entry_points: &[usize], shown: &Range<MediaTime>) -> Self {
        let start = |position: usize| packets.get(position).map_or(shown.end, |packet| packet.pts);
        let edges: Vec<usize> = entry_points.iter().copied().chain([packets.len()]).collect();
        let (mut peak, mut bytes, mut since) = (0, 0, None);
        let mut longest = MediaTime::ZERO;
        for pair in edges.windows(2) {
            let &[from, until] = pair else { continue };
            let (begins, ends) = (start(from).max(shown.start), start(until).min(shown.end));
            longest = longest.max(ends - begins);
            bytes +=
                packets.get(from..until).unwrap_or_default().iter().map(|packet| u64::from(packet.size)).sum::<u64>();
            let began = *since.get_or_insert(begins);
            if ends - began >= PEAK_OVER || until == packets.len() && peak == 0 {
                peak = peak.max(bits_a_second(bytes, ends - began));
                (bytes, since) = (0, None);
            }
        }
        let places = entry_points.iter().filter(|&&position| shown.contains(&start(position))).count();
        Self { peak, are_short: places > 1 && longest <= LONGEST_GOP }
    }
}

/// How many bits a second so many bytes in such a time are.
fn bits_a_second(bytes: u64, time: MediaTime) -> u64 {
    let micros = u128::from(time.0.unsigned_abs().max(1));
    u64::try_from(u128::from(bytes) * 8_000_000 / micros).unwrap_or(u64::MAX)
}

impl Title {
    /// Its renditions as choices, the lowest first.
    #[must_use]
    pub fn ladder(&self) -> Vec<Rung> {
        let rung = |rendition: &std::sync::Arc<super::Rendition>| {
            let (index, label) = (&rendition.index, rendition.label);
            let lasts = self.duration - index.duration() <= EARLY_END;
            let gops = index.gops();
            let average = index.bitrate();
            Rung {
                label,
                average,
                peak: gops.peak.max(average),
                end: index.duration(),
                adaptive: gops.are_short && lasts,
            }
        };
        self.renditions.iter().map(rung).collect()
    }
}

/// Where `auto` begins: in the lowest rendition, so that the first frame is there at once; at full speed, where nobody
/// waits for a frame, in the highest, and stays there. Among those that take part; when none does, among all.
#[must_use]
pub fn first_rung(ladder: &[Rung], full_speed: bool) -> Option<RenditionLabel> {
    let any = ladder.iter().any(|rung| rung.adaptive);
    let mut choices = ladder.iter().filter(|rung| rung.adaptive || !any);
    let first = if full_speed { choices.next_back() } else { choices.next() };
    first.map(|rung| rung.label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::testing::{index, title};

    fn ladder_of(renditions: Vec<crate::video::Index>) -> Vec<(u32, bool)> {
        title(renditions).ladder().iter().map(|rung| (rung.label.0, rung.adaptive)).collect()
    }

    #[test]
    fn a_rendition_takes_part_when_it_can_be_entered_and_left_and_lasts() {
        let ladder = ladder_of(vec![
            index(120, 500, 250, 10),
            index(240, 500, 500, 10),
            index(360, 500, 262, 10),
            index(480, 600, 300, 10),
            index(720, 600, 25, 10),
        ]);
        // 120 to 360 end 4 s before the title; 480 has a keyframe every 12 s.
        assert_eq!(ladder, [(120, false), (240, false), (360, false), (480, false), (720, true)]);
        let one_keyframe = ladder_of(vec![index(240, 50, 50, 10), index(480, 50, 25, 10)]);
        assert_eq!(one_keyframe, [(240, false), (480, true)]);
        assert_eq!(ladder_of(vec![index(240, 750, 250, 10)]), [(240, true)], "an encoder's 250 frames");
    }

    #[test]
    fn the_peak_is_taken_over_a_second_or_more() {
        // 25 packets of 1,000 bytes a second, wherever keyframes are.
        for gop in [1, 5, 25, 30, 60] {
            let rung = title(vec![index(240, 120, gop, 1000)]).ladder()[0];
            assert_eq!((rung.average, rung.peak), (200_000, 200_000), "a keyframe every {gop} frames");
        }
        let short = title(vec![index(240, 10, 10, 1000)]).ladder()[0];
        assert_eq!(short.peak, 200_000, "less than a second in all");
    }

    #[test]
    fn auto_begins_low_and_at_full_speed_high() {
        let ladder =
            title(vec![index(240, 100, 25, 1000), index(480, 100, 25, 2000), index(720, 100, 100, 9000)]).ladder();
        let first = |ladder, full_speed| first_rung(ladder, full_speed).map(|label| label.0);
        assert_eq!((first(&ladder, false), first(&ladder, true)), (Some(240), Some(480)), "720 does not take part");
        assert_eq!((first(&ladder[2..], false), first(&ladder[2..], true)), (Some(720), Some(720)), "the only one");
        assert_eq!((first(&[], false), first(&[], true)), (None, None));
    }
}
