//! What a link carries, measured while it was the link that held packets up.
//!
//! ```text
//!   credit   ├────────────────┤            ├─────────┤
//!   parts      ■  ■  ■  ■  ■  ■              ■  ■  ■
//!   counted       ─────────────                 ────      from part to part, while the hub might have sent more
//! ```

use std::time::Duration;

use crate::types::limits::MAX_PART;

/// Bytes that make a sample: a few parts.
const SAMPLE: u64 = 48 * 1024;

/// A slow link gives a sample after this time with whatever came.
const LONGEST: Duration = Duration::from_millis(500);

/// Less than this cannot be told from nothing.
const SHORTEST: Duration = Duration::from_millis(1);

/// Silence that says something about a link.
const SILENCE: Duration = Duration::from_millis(400);

/// Of a new sample, in the quick and in the slow average. The lower of the two counts, so that a fall is seen at once
/// and a rise when it lasts.
const WEIGHTS: [f64; 2] = [0.5, 0.25];

/// Samples without which nothing is said.
const FEWEST: u32 = 2;

/// Measures one play.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// When the last part came, if more was to come.
    last: Option<Duration>,
    /// A hub sends on while one more as large as this fits its credit.
    largest: u64,
    busy: Duration,
    bytes: u64,
    averages: Option<[f64; 2]>,
    samples: u32,
    /// Bits a second, from an earlier play.
    remembered: Option<u64>,
}

impl Meter {
    /// Until there is enough to tell, the link is taken to carry what it carried the last time.
    #[must_use]
    pub fn remembering(remembered: Option<u64>) -> Self {
        Self { remembered, ..Self::default() }
    }

    /// A part of `bytes` came at `now`; the hub has credit for `left` more. When that may be too little for the next part,
    /// the hub may be what holds it up, and not the link.
    pub fn arrived(&mut self, now: Duration, bytes: usize, left: u64) {
        if let Some(last) = self.last {
            self.busy += now.saturating_sub(last);
            self.bytes += bytes as u64;
            if self.bytes >= SAMPLE || self.busy >= LONGEST {
                self.sample();
            }
        }
        self.largest = self.largest.max(bytes as u64);
        self.last = (left >= self.largest).then_some(now);
    }

    /// What came does not belong to what comes next: another place, or a pause of the hub's.
    pub fn interrupted(&mut self) {
        self.last = None;
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn sample(&mut self) {
        let rate = self.bytes as f64 * 8.0 / self.busy.max(SHORTEST).as_secs_f64();
        let averages = self.averages.get_or_insert([rate; 2]);
        for (average, weight) in averages.iter_mut().zip(WEIGHTS) {
            *average += weight * (rate - *average);
        }
        self.samples += 1;
        (self.busy, self.bytes) = (Duration::ZERO, 0);
    }

    /// Bits a second at `now`; nothing before there was enough to tell, if nothing is remembered.
    #[must_use]
    pub fn throughput(&self, now: Duration) -> Option<u64> {
        let carries = self.measured().or(self.remembered)?;
        Some(self.silent(now).map_or(carries, |at_most| carries.min(at_most)))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an average of rates is one")]
    fn measured(&self) -> Option<u64> {
        let [quick, slow] = self.averages.filter(|_| self.samples >= FEWEST)?;
        Some(quick.min(slow) as u64)
    }

    /// What the link carries at most, when nothing came for a while although more was to come.
    fn silent(&self, now: Duration) -> Option<u64> {
        let silence = self.busy + now.saturating_sub(self.last?);
        let micros = silence.as_micros();
        let bits = u128::from(self.bytes + MAX_PART as u64) * 8_000_000;
        (silence >= SILENCE).then(|| u64::try_from(bits / micros.max(1)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MORE: u64 = u64::MAX;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn time_without_credit_does_not_count() {
        let mut meter = Meter::default();
        assert_eq!(meter.throughput(ms(0)), None);
        // Parts of 10 kB every 10 ms are 8 Mb/s; then the hub waits for credit for ten seconds.
        for burst in 0..4 {
            for part in 0..20 {
                meter.arrived(ms(burst * 10_000 + part * 10), 10_000, (19 - part) * 10_000);
            }
        }
        assert_eq!(meter.throughput(ms(60_000)), Some(8_000_000));
    }

    #[test]
    fn credit_for_less_than_a_part_is_none() {
        // Parts of 10 kB every 10 ms, and each time the hub waits for half of that at the end.
        let measured = |left: u64| {
            let mut meter = Meter::default();
            for burst in 0..4 {
                for part in 0..20 {
                    meter.arrived(ms(burst * 10_000 + part * 10), 10_000, (19 - part) * 10_000 + left);
                }
            }
            meter.throughput(ms(60_000)).unwrap()
        };
        assert_eq!(measured(9_999), 8_000_000);
        assert!(measured(10_000) < 100_000, "it might have sent one more");
    }

    #[test]
    fn what_is_remembered_counts_until_it_is_known_better() {
        let mut meter = Meter::remembering(Some(50_000_000));
        assert_eq!(meter.throughput(ms(0)), Some(50_000_000));
        (0..20).for_each(|part| meter.arrived(ms(part * 100), 10_000, MORE));
        let known = meter.throughput(ms(1_900)).unwrap();
        assert!((790_000..=810_000).contains(&known), "{known}");
    }

    #[test]
    fn a_fall_is_seen_at_once_and_a_rise_when_it_lasts() {
        let mut meter = Meter::default();
        let mut now = 0;
        let mut feed = |meter: &mut Meter, parts: u64, every: u64| {
            (0..parts).for_each(|_| {
                now += every;
                meter.arrived(ms(now), 32_768, MORE);
            });
            meter.throughput(ms(now)).unwrap()
        };
        assert!(feed(&mut meter, 40, 13) > 19_000_000);
        assert!(feed(&mut meter, 10, 262) < 2_500_000, "1 Mb/s, after 2.6 s");
        let back = feed(&mut meter, 4, 13);
        assert!(back < 12_000_000, "52 ms of a quick link are no reason yet: {back}");
        assert!(feed(&mut meter, 40, 13) > 15_000_000);
    }

    #[test]
    fn silence_is_slow_unless_nothing_was_to_come() {
        let mut meter = Meter::default();
        (0..40).for_each(|part| meter.arrived(ms(part * 13), 32_768, MORE));
        assert!(meter.throughput(ms(600)).unwrap() > 19_000_000);
        assert!(meter.throughput(ms(5_000)).unwrap() < 200_000);
        meter.interrupted();
        assert!(meter.throughput(ms(5_000)).unwrap() > 19_000_000);
    }

    #[test]
    fn what_comes_all_at_once_is_quick_and_no_more_than_that() {
        let mut meter = Meter::default();
        (0..40).for_each(|_| meter.arrived(ms(1), 32_768, MORE));
        let throughput = meter.throughput(ms(1)).unwrap();
        assert!((300_000_000..1_000_000_000).contains(&throughput), "{throughput}");
    }
}
