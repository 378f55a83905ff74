//! A rate with a burst, kept as one point in time: the generic cell rate algorithm (ITU-T I.371), which is a token
//! bucket that never has to be filled.

use std::time::{Duration, Instant};

/// How often something may happen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// Between two, on average.
    interval: Duration,
    /// As many may come at once after a rest.
    burst: u32,
}

impl Rate {
    pub(super) const fn per_second(count: u32, burst: u32) -> Self {
        Self { interval: Duration::from_nanos(1_000_000_000 / count as u64), burst }
    }
}

/// What is left of a rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Whether one more may happen now.
    pub(super) fn has_one(&self, rate: Rate, now: Instant) -> bool {
        self.has(1, rate, now)
    }

    /// Whether so many more may happen now, of a burst at most.
    pub(super) fn has(&self, count: u32, rate: Rate, now: Instant) -> bool {
        let missing = self.full_at.saturating_duration_since(now);
        missing <= rate.interval * rate.burst.saturating_sub(count)
    }

    /// One more happened.
    pub(super) fn take_one(&mut self, rate: Rate, now: Instant) {
        self.full_at = self.full_at.max(now) + rate.interval;
    }

    /// Whether nothing would be lost by forgetting it.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let rate = Rate::per_second(5, 20);
        let mut now = Instant::now();
        let mut bucket = Bucket::new(now);
        let mut take = |now| {
            let has_one = bucket.has_one(rate, now);
            if has_one {
                bucket.take_one(rate, now);
            }
            has_one
        };
        assert_eq!((0..100).filter(|_| take(now)).count(), 20);
        let taken = (0..10_000).filter(|_| {
            now += Duration::from_millis(1);
            take(now)
        });
        assert_eq!(taken.count(), 50, "in ten seconds");
        now += Duration::from_hours(1);
        assert_eq!((0..100).filter(|_| take(now)).count(), 20, "no more is saved up than a burst");
    }
}
