//! When packets are decoded and shown, from what a demuxer says of them. Containers leave out much of it.
//!
//! What is shown when is taken from the container as far as it says so; when it is decoded follows from that: packet
//! n is decoded when the n-th picture is shown, as much earlier as the pictures that overtake it call for.

/// What a demuxer says of one packet. Times in µs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said {
    pub(crate) pts: Option<i64>,
    pub(crate) dts: Option<i64>,
    /// 0 when it does not say.
    pub(crate) duration: i64,
    #[cfg_attr(not(feature = "player"), expect(dead_code, reason = "the demuxer reads it"))]
    pub(crate) keyframe: bool,
    /// The order of display within a coded sequence (H.264 and HEVC: the picture order count), where it was looked
    /// for, and whether the sequence begins here.
    pub(crate) order: Option<(i32, bool)>,
}

/// When a packet is decoded and shown, in µs, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) pts: i64,
    pub(crate) dts: i64,
    pub(crate) duration: i64,
}

/// Forward or backward, a larger step from one packet to the next in order of decoding is a new clock.
pub(crate) const MAX_STEP: i64 = 10_000_000;

/// Times of decoding never run back by more than this on one clock.
const MAX_BACK: i64 = 100_000;

/// A picture whose length nobody says: 25 a second.
const USUAL: i64 = 40_000;

/// What a container's clock may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// It is one from begin to end, however long a picture stands still.
    Steady,
    /// It may begin anew anywhere: in what is broadcast, or was joined.
    Jumps,
}

/// Works the times out; `reorders` says whether pictures may be shown in another order than they are decoded in.
pub(crate) fn times(said: &[Said], clock: Clock, reorders: bool) -> Vec<Times> {
    let usual = usual_duration(said);
    let said = on_one_clock(said, clock, usual);
    let pts = shown(&said, reorders, usual);
    let dts = decoded(&pts);
    let pairs = pts.iter().zip(&dts);
    let nexts = dts.iter().skip(1).map(Some).chain([None]);
    let times = pairs.zip(&said).zip(nexts).map(|(((&pts, &dts), said), next)| {
        let gap = next.map_or(0, |next| next.saturating_sub(dts));
        let duration = [said.duration, gap, usual].into_iter().find(|duration| (1..=MAX_STEP).contains(duration));
        Times { pts, dts, duration: duration.unwrap_or(usual) }
    });
    times.collect()
}

/// The median of the steps that the demuxer says, else of what it says how long pictures last.
fn usual_duration(said: &[Said]) -> i64 {
    let mut clock: Vec<i64> = said.iter().filter_map(|one| one.dts).collect();
    if clock.len() < said.len() {
        clock = said.iter().filter_map(|one| one.pts).collect();
        clock.sort_unstable();
    }
    let steps = clock.windows(2).filter_map(|pair| pair.get(1)?.checked_sub(*pair.first()?));
    let mut steps: Vec<i64> = steps.filter(|step| (1..=MAX_STEP).contains(step)).collect();
    if steps.is_empty() {
        steps = said.iter().map(|one| one.duration).filter(|duration| (1..=MAX_STEP).contains(duration)).collect();
    }
    let middle = steps.len() / 2;
    if steps.is_empty() { USUAL } else { *steps.select_nth_unstable(middle).1 }
}

/// By how much what stands behind each jump of the clock is moved, so that it goes on; the first is what comes before any.
pub(crate) fn moves(said: &[Said], clock: Clock) -> Vec<i64> {
    if clock == Clock::Steady {
        return vec![0];
    }
    let mut clock = OneClock::new(usual_duration(said));
    for one in said {
        clock.moved(one);
    }
    clock.moves
}

/// Where the clock jumps, all that follows is moved so that it goes on.
fn on_one_clock(said: &[Said], clock: Clock, usual: i64) -> Vec<Said> {
    if clock == Clock::Steady {
        return said.to_vec();
    }
    let mut clock = OneClock::new(usual);
    let one = |one: &Said| {
        let moved = clock.moved(one);
        let at = |time: Option<i64>| time.map(|time| time.saturating_add(moved));
        Said { pts: at(one.pts), dts: at(one.dts), ..*one }
    };
    said.iter().map(one).collect()
}

/// Notices where a clock jumps.
pub(crate) struct OneClock {
    /// From one to the next, usually.
    usual: i64,
    moves: Vec<i64>,
    /// The time before, and whether it is one of decoding.
    last: Option<(i64, bool)>,
}

impl OneClock {
    pub(crate) fn new(usual: i64) -> Self {
        Self { usual, moves: vec![0], last: None }
    }

    /// How often it has jumped.
    #[cfg_attr(not(feature = "player"), expect(dead_code, reason = "sound is read by the demuxer"))]
    pub(crate) fn jumps(&self) -> usize {
        self.moves.len() - 1
    }

    /// By how much this is to be moved, which comes next.
    pub(crate) fn moved(&mut self, one: &Said) -> i64 {
        let Some(clock) = one.dts.or(one.pts) else { return self.now() };
        if let Some((last, was_decoding)) = self.last {
            let back = if was_decoding && one.dts.is_some() { MAX_BACK } else { MAX_STEP };
            // From where the next one would usually be; but they may follow one another at any distance.
            let back = back.saturating_sub(self.usual).max(0);
            let step = clock.saturating_add(self.now()).saturating_sub(last);
            if !(-back..=MAX_STEP + self.usual).contains(&step) {
                self.moves.push(last.saturating_add(self.usual).saturating_sub(clock));
            }
        }
        self.last = Some((clock.saturating_add(self.now()), one.dts.is_some()));
        self.now()
    }

    fn now(&self) -> i64 {
        self.moves.last().copied().unwrap_or_default()
    }
}

/// When each is shown.
fn shown(said: &[Said], reorders: bool, usual: i64) -> Vec<i64> {
    if said.iter().all(|one| one.pts.is_none()) && said.iter().any(|one| one.order.is_some()) {
        return by_order(said, usual);
    }
    let mut times = vec![0; said.len()];
    // AVI says when pictures are decoded, and which of them are shown at once. Those without a time wait for others
    // to overtake them, until the next one that waits is decoded; the last until all are.
    let end = said.iter().filter_map(|one| one.dts).max().map(|last| last.saturating_add(usual));
    let mut next = end;
    for (time, one) in times.iter_mut().zip(said).rev() {
        let waits = reorders && one.pts.is_none_or(|pts| one.dts.is_some_and(|dts| pts > dts));
        *time = match (one.pts, one.dts) {
            (Some(pts), _) => pts,
            (None, Some(dts)) if waits => next.unwrap_or(dts.saturating_add(usual)),
            (None, Some(dts)) => dts,
            (None, None) => i64::MIN,
        };
        next = one.dts.filter(|_| waits).or(next);
    }
    let mut last = None;
    for time in &mut times {
        if *time == i64::MIN {
            *time = last.map_or(0, |last: i64| last.saturating_add(usual));
        }
        last = Some(*time);
    }
    times
}

/// Within each coded sequence the n-th picture in order of display is shown when the n-th is decoded.
fn by_order(said: &[Said], usual: i64) -> Vec<i64> {
    let mut clock = 0;
    let decoded: Vec<i64> = said
        .iter()
        .map(|one| {
            let now = one.dts.unwrap_or(clock);
            clock = now.saturating_add(usual);
            now
        })
        .collect();
    let mut times = decoded.clone();
    let mut sequence = 0;
    let mut places: Vec<(usize, i32, usize)> = Vec::new();
    for (place, one) in said.iter().enumerate() {
        let (order, begins) = one.order.unwrap_or((i32::MAX, false));
        sequence += usize::from(begins);
        places.push((sequence, order, place));
    }
    places.sort_unstable();
    for (&slot, (_, _, place)) in decoded.iter().zip(&places) {
        if let Some(time) = times.get_mut(*place) {
            *time = slot;
        }
    }
    times
}

/// When each is decoded: in rising order, and none after it is shown.
fn decoded(pts: &[i64]) -> Vec<i64> {
    let mut sorted = pts.to_vec();
    sorted.sort_unstable();
    let lag = sorted.iter().zip(pts).map(|(slot, pts)| slot.saturating_sub(*pts)).max().unwrap_or(0);
    sorted.into_iter().map(|slot| slot.saturating_sub(lag)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(said: &[Said], reorders: bool) -> Vec<(i64, i64)> {
        let times = times(said, Clock::Jumps, reorders);
        times.iter().map(|times| (times.pts / 40_000, times.dts / 40_000)).collect()
    }

    fn said(pts: Option<i64>, dts: Option<i64>) -> Said {
        Said { pts: pts.map(|pts| pts * 40_000), dts: dts.map(|dts| dts * 40_000), ..Said::default() }
    }

    #[test]
    fn where_the_container_says_when_pictures_are_shown_decoding_follows() {
        let order = [0, 4, 2, 1, 3, 8, 6, 5, 7];
        let told = order.map(|pts| said(Some(pts), None));
        let decoded: Vec<_> = order.into_iter().zip(-2..).collect();
        assert_eq!(frames(&told, true), decoded);
        assert!(
            times(&told, Clock::Jumps, true).iter().all(|times| times.duration == 40_000 && times.dts <= times.pts)
        );
    }

    #[test]
    fn pictures_without_a_time_are_shown_when_the_next_such_is_decoded() {
        // I P B P B: AVI says when each is decoded, and of B that it is shown then.
        let told = [(None, 0), (None, 1), (Some(2), 2), (None, 3), (Some(4), 4)].map(|(pts, dts)| said(pts, Some(dts)));
        let shown: Vec<_> = frames(&told, true).into_iter().map(|(pts, _)| pts).collect();
        assert_eq!(shown, [1, 3, 2, 5, 4]);
        let in_order: Vec<_> = frames(&told, false).into_iter().map(|(pts, _)| pts).collect();
        assert_eq!(in_order, [0, 1, 2, 3, 4]);
        // An MPEG program stream says it of some.
        let told = [(None, 0), (Some(4), 1), (Some(2), 2), (Some(3), 3), (None, 4), (Some(5), 5), (None, 6)];
        let shown: Vec<_> = frames(&told.map(|(pts, dts)| said(pts, Some(dts))), true);
        assert_eq!(shown.into_iter().map(|(pts, _)| pts).collect::<Vec<_>>(), [1, 4, 2, 3, 6, 5, 7]);
    }

    #[test]
    fn the_order_of_display_serves_where_no_time_is_said() {
        let order = [(0, true), (8, false), (4, false), (2, false), (6, false), (0, true), (4, false), (2, false)];
        let told: Vec<_> =
            (0..).zip(order).map(|(dts, order)| Said { order: Some(order), ..said(None, Some(dts)) }).collect();
        let shown: Vec<_> = frames(&told, true).into_iter().map(|(pts, _)| pts).collect();
        assert_eq!(shown, [0, 4, 2, 1, 3, 5, 7, 6]);
    }

    #[test]
    fn a_clock_that_jumps_goes_on() {
        let told: Vec<_> = [0, 1, 2, 90_000, 90_001, 5, 6].map(|time| said(Some(time), Some(time))).into();
        assert_eq!(frames(&told, false).into_iter().map(|(pts, _)| pts).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
        let twice = [(0, 1), (1, 3), (2, 2), (0, 1), (1, 3), (2, 2)].map(|(dts, pts)| said(Some(pts), Some(dts)));
        let shown = frames(&twice, true).into_iter().map(|(pts, _)| pts);
        assert_eq!(shown.collect::<Vec<_>>(), [1, 3, 2, 4, 6, 5], "a recording and then another");
        assert_eq!(
            moves(&told, Clock::Jumps).iter().map(|moved| moved / 40_000).collect::<Vec<_>>(),
            [0, 3 - 90_000, 0]
        );
        let pause = [0, 1, 200, 201].map(|time| said(Some(time), Some(time)));
        assert_eq!(frames(&pause, false)[2], (200, 200), "eight seconds without a picture are a pause");
    }

    #[test]
    fn on_a_steady_clock_a_picture_stands_as_long_as_it_is_said_to() {
        let still = [0, 1, 75, 400, 401].map(|time| said(Some(time), Some(time)));
        let times = times(&still, Clock::Steady, false);
        assert_eq!(times.iter().map(|times| times.pts / 40_000).collect::<Vec<_>>(), [0, 1, 75, 400, 401]);
        assert_eq!(moves(&still, Clock::Steady), [0]);
    }

    #[test]
    fn pictures_at_uneven_distances_are_on_one_clock() {
        // Most of them half a second apart, some one after the other: a film of slides, or of a screen.
        let at = [0, 12, 24, 25, 26, 38, 50, 51, 63, 75, 87, 88, 100];
        for told in [at.map(|time| said(Some(time), Some(time))), at.map(|time| said(Some(time), None))] {
            assert_eq!(frames(&told, false).into_iter().map(|(pts, _)| pts).collect::<Vec<_>>(), at);
        }
    }

    #[test]
    fn nonsense_stays_in_range() {
        let times = times(&[said(None, None); 3], Clock::Steady, true);
        assert_eq!(times.iter().map(|times| times.pts).collect::<Vec<_>>(), [0, 40_000, 80_000]);
        let extreme = [i64::MIN, i64::MAX, 0].map(|time| Said {
            pts: Some(time),
            dts: Some(time),
            duration: i64::MIN,
            ..Said::default()
        });
        for clock in [Clock::Steady, Clock::Jumps] {
            let times = super::times(&extreme, clock, true);
            assert!(times.iter().all(|times| (1..=MAX_STEP).contains(&times.duration)));
            assert!(super::times(&[], clock, true).is_empty());
        }
    }
}
