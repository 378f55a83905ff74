//! Plays over synthetic and recorded links. All is computed: the same comes out on every machine.

use std::sync::Arc;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{
    simulation::{Outcome, Trace, simulate},
    *,
};
use crate::video::{
    Title,
    testing::{index, title},
};

/// In bits a second.
const MEGABIT: u64 = 1_000_000;

/// Two minutes in 0.3, 1.5, 4 and 8 Mb/s, with a keyframe every 2 s.
fn film() -> Arc<Title> {
    title(vec![
        index(240, 3000, 50, 1_500),
        index(480, 3000, 50, 7_500),
        index(720, 3000, 50, 20_000),
        index(1080, 3000, 50, 40_000),
    ])
}

/// The same with keyframes that do not align.
fn unaligned() -> Arc<Title> {
    title(vec![
        index(240, 3000, 48, 1_500),
        index(480, 3000, 61, 7_500),
        index(720, 3000, 37, 20_000),
        index(1080, 3000, 100, 40_000),
    ])
}

fn played(film: &Arc<Title>, trace: &Trace) -> Outcome {
    let outcome = simulate(film, trace, None);
    assert_eq!(outcome.shown.len(), 3000, "every frame once");
    outcome
}

#[test]
fn on_a_quick_link_it_starts_low_at_once_and_rises_to_the_top() {
    for film in [film(), unaligned()] {
        let outcome = played(&film, &vec![(0, 50 * MEGABIT)]);
        assert_eq!((outcome.switches[0].1, outcome.stalls.len()), (240, 0));
        assert!(outcome.first_frame < 100, "{}", outcome.first_frame);
        assert!(outcome.switches.len() <= 3, "{:?}", outcome.switches);
        let top = outcome.first_after(0, |height| height == 1080).unwrap();
        assert!(top < 1_500, "{:?}", outcome.switches);
        assert!(outcome.quality(1080) >= 96, "{}", outcome.quality(1080));
    }
}

#[test]
fn it_goes_with_the_first_keyframe_to_where_the_link_was_last_time() {
    let trace = vec![(0, 20 * MEGABIT)];
    let first = played(&film(), &trace);
    let estimate = first.estimate.unwrap();
    assert!((15 * MEGABIT..=21 * MEGABIT).contains(&estimate), "{estimate}");
    for estimate in [estimate, 12 * MEGABIT] {
        let trace = vec![(0, estimate)];
        let second = simulate(&film(), &trace, Some(estimate));
        assert_eq!(second.switches.iter().map(|(_, height)| *height).collect::<Vec<_>>(), [240, 1080]);
        assert_eq!((second.first_frame, second.stalls.len()), (first.first_frame, 0), "begun low all the same");
        assert!(second.shown[50..].iter().all(|height| *height == 1080), "from its second keyframe on");
    }
}

#[test]
fn a_link_that_is_worse_than_last_time_costs_one_stall_at_most() {
    for film in [film(), unaligned()] {
        for rate in [MEGABIT, 2 * MEGABIT, 5 * MEGABIT] {
            let outcome = simulate(&film, &vec![(0, rate)], Some(50 * MEGABIT));
            assert!(
                outcome.first_frame < 200 && outcome.stalls.len() <= 1,
                "{rate}: {:?} {:?}",
                outcome.stalls,
                outcome.switches
            );
            let stood: u64 = outcome.stalls.iter().map(|(_, lasted)| lasted).sum();
            assert!(stood < 2_000, "{rate}: {:?} {:?}", outcome.stalls, outcome.switches);
        }
    }
}

#[test]
fn a_short_film_of_small_renditions_is_not_over_before_it_rises() {
    let film = title(vec![index(240, 300, 25, 500), index(720, 300, 25, 2_540), index(1080, 300, 25, 4_253)]);
    for rate in [5, 20, 1_000] {
        let outcome = simulate(&film, &vec![(0, rate * MEGABIT)], None);
        let top = outcome.first_after(0, |height| height == 1080);
        assert!(top.is_some_and(|at| at < 4_000), "{rate} Mb/s: {:?}", outcome.switches);
        assert!(outcome.stalls.is_empty() && outcome.shown.len() == 300);
    }
}

#[test]
fn a_squeeze_from_20_to_1_megabit_and_back_costs_no_stall() {
    for film in [film(), unaligned()] {
        let trace = vec![(0, 20 * MEGABIT), (30_000, MEGABIT), (60_000, 20 * MEGABIT)];
        let outcome = played(&film, &trace);
        assert!(outcome.stalls.is_empty(), "{:?} {:?}", outcome.stalls, outcome.switches);
        let down = outcome.first_after(30_000, |height| height < 1080).unwrap();
        assert!(down < 30_000 + 2 * 2_000 + 2_500, "two GOPs, and what was on the link: {:?}", outcome.switches);
        let up = outcome.first_after(60_000, |height| height > 480);
        assert!(up.is_some_and(|up| up < 70_000), "{:?}", outcome.switches);
        assert!(outcome.switches.len() <= 7, "{:?}", outcome.switches);
        assert!(
            outcome.first_after(60_000, |height| height == 1080).is_some_and(|at| at < 75_000),
            "{:?}",
            outcome.switches
        );
    }
}

#[test]
fn a_squeeze_before_much_is_buffered_stalls_once_at_most() {
    for at in [500, 1_000, 1_500, 2_000, 3_000, 5_000] {
        let outcome = played(&film(), &vec![(0, 20 * MEGABIT), (at, MEGABIT)]);
        assert!(outcome.stalls.len() <= 1, "at {at}: {:?} {:?}", outcome.stalls, outcome.switches);
        let stood: u64 = outcome.stalls.iter().map(|(_, lasted)| lasted).sum();
        assert!(stood < 3_000, "at {at}: {:?} {:?}", outcome.stalls, outcome.switches);
    }
}

#[test]
fn a_squeeze_in_a_long_gop_does_not_wait_for_its_end() {
    let film = title(vec![index(240, 3000, 250, 1_500), index(480, 3000, 250, 7_500), index(1080, 3000, 250, 40_000)]);
    for at in [1_000, 12_000, 15_000, 19_000, 22_000] {
        let outcome = played(&film, &vec![(0, 20 * MEGABIT), (at, MEGABIT)]);
        let stood: u64 = outcome.stalls.iter().map(|(_, lasted)| lasted).sum();
        assert!(outcome.stalls.len() <= 1 && stood < 2_000, "at {at}: {:?} {:?}", outcome.stalls, outcome.switches);
    }
}

#[test]
fn each_step_of_a_link_finds_its_rendition() {
    for (rate, height) in
        [(600_000, 240), (2 * MEGABIT, 240), (3 * MEGABIT, 480), (8 * MEGABIT, 720), (15 * MEGABIT, 1080)]
    {
        let outcome = played(&film(), &vec![(0, rate)]);
        assert_eq!(outcome.switches.last().unwrap().1, height, "{rate}: {:?}", outcome.switches);
        assert!(outcome.stalls.is_empty() && outcome.switches.len() <= 3, "{rate}: {:?}", outcome.switches);
        let same = outcome.shown.iter().filter(|shown| **shown == height).count();
        assert!(same > 2400, "{rate}: {same}");
    }
}

#[test]
fn a_sawtooth_makes_it_switch_seldom() {
    // 2 to 10 Mb/s within 8 s, then back at once, all the time.
    let trace = (0..240).map(|half| (half * 500, (2 + half % 16 / 2) * MEGABIT)).collect();
    let outcome = played(&film(), &trace);
    assert!(outcome.stalls.is_empty(), "{:?}", outcome.stalls);
    assert!(outcome.switches.len() <= 16, "{:?}", outcome.switches);
    assert!(outcome.quality(720) >= 60, "{}: {:?}", outcome.quality(720), outcome.switches);
}

#[test]
fn a_link_on_the_edge_of_a_rendition_does_not_make_it_flap() {
    // Around what 720p needs to be entered, every second.
    let trace =
        (0..120).map(|second| (second * 1_000, if second % 2 == 0 { 5 * MEGABIT } else { 7 * MEGABIT })).collect();
    let outcome = played(&film(), &trace);
    assert!(outcome.stalls.is_empty() && outcome.switches.len() <= 6, "{:?}", outcome.switches);
}

#[test]
fn a_mobile_link_is_played_with_few_stalls() {
    let (mut stalls, mut stood) = (0, 0);
    for seed in 0..20 {
        let mut rng = StdRng::seed_from_u64(seed);
        // As 3G is: 0.2 to 4 Mb/s, another rate every second or so, near the one before.
        let mut rate = 1_500_000.0;
        let trace = (0..200)
            .map(|second| {
                rate = f64::clamp(rate * rng.random_range(0.6..1.65), 200_000.0, 4_000_000.0);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within what was clamped")]
                (second * 1_000, rate as u64)
            })
            .collect();
        let outcome = played(&film(), &trace);
        assert!(outcome.switches.len() <= 24, "seed {seed}: {:?}", outcome.switches);
        stalls += outcome.stalls.len();
        stood += outcome.stalls.iter().map(|(_, lasted)| lasted).sum::<u64>();
    }
    assert!(stalls <= 20 && stood < 40_000, "{stalls} stalls, {stood} ms in 40 minutes");
}

#[test]
fn when_nothing_comes_for_six_seconds_the_picture_goes_on() {
    let outcome = played(&film(), &vec![(0, 20 * MEGABIT), (40_000, 0), (46_000, 20 * MEGABIT)]);
    assert!(outcome.stalls.is_empty(), "{:?}", outcome.stalls);
    assert!(outcome.switches.len() <= 6, "{:?}", outcome.switches);
    let outcome = played(&film(), &vec![(0, 20 * MEGABIT), (40_000, 0), (70_000, 20 * MEGABIT)]);
    assert_eq!(outcome.stalls.len(), 1, "30 s are more than waits: {:?}", outcome.stalls);
    assert!(
        outcome.first_after(70_000, |height| height == 1080).is_some_and(|at| at < 85_000),
        "{:?}",
        outcome.switches
    );
}

#[test]
fn what_a_link_carries_is_used() {
    for rate in [3, 8, 15] {
        let outcome = played(&film(), &vec![(0, rate * MEGABIT)]);
        let used = outcome.received * 8 * 1000 / outcome.lasted * 100 / (rate * MEGABIT);
        assert!((40..=100).contains(&used), "{used} % of {rate} Mb/s");
    }
}

#[test]
fn a_recorded_link_is_played_without_a_stall() {
    let recorded = include_str!("../../../tests/data/bandwidth/tbf.txt");
    let lines = recorded.lines().filter(|line| !line.starts_with('#'));
    let trace: Trace = lines
        .map(|line| {
            let (at, rate) = line.split_once(' ').unwrap();
            (at.parse().unwrap(), rate.parse().unwrap())
        })
        .collect();
    assert!(trace.len() > 100);
    let outcome = played(&film(), &trace);
    assert!(outcome.stalls.len() <= 1, "{:?}", outcome.stalls);
    assert!(outcome.switches.len() <= 12, "{:?}", outcome.switches);
    assert!(outcome.quality(1080) >= 40, "{}", outcome.quality(1080));
}

fn situation(current: u32, throughput: u64, buffered: i64) -> Situation {
    Situation {
        now: Duration::from_secs(100),
        current: RenditionLabel(current),
        throughput: Some(throughput),
        at: MediaTime(10_000_000),
        buffered: MediaTime(buffered * 1_000_000),
        end: MediaTime(120_000_000),
        all_came: false,
    }
}

#[test]
fn it_goes_down_behind_what_came() {
    let mut selector = Selector::new(&film().ladder());
    let to = |to| Some(Switch { to: RenditionLabel(to), from: None });
    assert_eq!(selector.decide(&situation(1080, 7 * MEGABIT, 3)), None, "it lasts for 24 s");
    assert_eq!(selector.decide(&situation(1080, 7 * MEGABIT, 1)), to(720));
    assert_eq!(selector.decide(&situation(1080, MEGABIT, 5)), to(240));
    let at_the_end = Situation { end: MediaTime(12_000_000), ..situation(1080, MEGABIT, 2) };
    assert_eq!(selector.decide(&at_the_end), None, "all of it is there");
    assert_eq!(selector.decide(&situation(240, 1, 0)), None, "there is nothing below");
    let ends_early = |all_came| Situation { end: MediaTime(12_400_000), all_came, ..situation(1080, MEGABIT, 2) };
    assert_eq!(selector.decide(&ends_early(true)), None, "all of a rendition that ends before its title");
    assert!(selector.decide(&ends_early(false)).is_some());
}

#[test]
fn without_renditions_to_choose_from_it_stays() {
    let rigid = title(vec![index(240, 500, 500, 10), index(480, 500, 500, 20)]);
    let mut selector = Selector::new(&rigid.ladder());
    assert_eq!(selector.decide(&situation(240, 50 * MEGABIT, 8)), None);
    assert_eq!(selector.target(RenditionLabel(240)), Selector::fixed_target());
    let unknown = Situation { throughput: None, ..situation(240, 0, 8) };
    assert_eq!(Selector::new(&film().ladder()).decide(&unknown), None);
}

#[test]
fn it_leaves_what_takes_no_part_as_soon_as_it_may_choose() {
    let title = title(vec![index(240, 3000, 50, 1_500), index(480, 3000, 50, 7_500), index(720, 3000, 3000, 20_000)]);
    let decided = |throughput| {
        let situation = Situation { throughput, ..situation(720, 0, 8) };
        Selector::new(&title.ladder()).decide(&situation).map(|switch| (switch.to.0, switch.from.unwrap().0))
    };
    assert_eq!(decided(Some(20 * MEGABIT)), Some((480, 12_000_000)));
    assert_eq!(decided(Some(MEGABIT)), Some((240, 12_000_000)));
    assert_eq!(decided(None), Some((240, 12_000_000)), "it may end before the link is known");
}

#[test]
fn a_late_first_rise_does_not_throw_away_what_waits() {
    let rise = |buffered| Selector::new(&film().ladder()).decide(&situation(240, 3 * MEGABIT, buffered));
    assert_eq!(rise(8), Some(Switch { to: RenditionLabel(480), from: Some(MediaTime(14_000_000)) }));
    assert_eq!(rise(1), Some(Switch { to: RenditionLabel(480), from: Some(MediaTime(12_000_000)) }));
}

#[test]
fn a_fall_that_was_refused_is_not_asked_again_at_once() {
    let mut selector = Selector::new(&film().ladder());
    let situation = |ms| Situation {
        now: Duration::from_millis(ms),
        current: RenditionLabel(1080),
        throughput: Some(MEGABIT),
        at: MediaTime(10_000_000),
        buffered: MediaTime(1_000_000),
        end: MediaTime(120_000_000),
        all_came: false,
    };
    assert!(selector.decide(&situation(1_000)).is_some());
    selector.refused(Duration::from_secs(1));
    assert!((1_000..9_000).step_by(10).all(|ms| selector.decide(&situation(ms)).is_none()));
    assert!(selector.decide(&situation(9_000)).is_some(), "there may be a keyframe by now");
    selector.refused(Duration::from_secs(9));
    selector.moved();
    assert!(selector.decide(&situation(9_010)).is_some(), "there are others at another place");
}

#[test]
fn a_rise_may_follow_when_all_of_a_low_rendition_came() {
    let mut selector = Selector::new(&film().ladder());
    let all = Situation { end: MediaTime(20_000_000), all_came: true, ..situation(240, 50 * MEGABIT, 10) };
    let switch = Switch { to: RenditionLabel(1080), from: Some(MediaTime(12_000_000)) };
    assert_eq!(selector.decide(&all), Some(switch));
}

#[test]
fn a_squeeze_at_any_moment_is_followed_up_again_within_ten_seconds() {
    let film = title(vec![index(240, 2400, 50, 1_500), index(480, 2400, 50, 7_500), index(720, 2400, 50, 20_000)]);
    let mut late = Vec::new();
    for offset in (0..4_000).step_by(100) {
        let (narrow, wide) = (20_000 + offset, 45_000 + offset);
        let outcome = simulate(&film, &vec![(0, 20 * MEGABIT), (narrow, MEGABIT), (wide, 20 * MEGABIT)], None);
        let up = outcome.first_after(wide, |height| height > 240);
        // It is seen two seconds later.
        if up.is_none_or(|up| up > wide + 8_000) {
            late.push((offset, up, outcome.switches.clone()));
        }
    }
    assert!(late.is_empty(), "{late:#?}");
}
