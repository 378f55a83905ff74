//! When many come at once, most of them are only counted.

use std::time::Duration;

/// How many joins are told one by one within [`WINDOW`].
const TOLD: u32 = 20;

/// How close together joins count as "at once".
const WINDOW: Duration = Duration::from_secs(2);

/// Counts the joins of the current window.
#[derive(Debug, Default)]
pub(super) struct Joins {
    since: Option<Duration>,
    count: u32,
}

impl Joins {
    /// Takes note of a join; whether it is to be told by itself.
    pub(super) fn joined(&mut self, now: Duration) -> bool {
        self.since.get_or_insert(now);
        self.count += 1;
        self.count <= TOLD
    }

    /// When [`Joins::summary`] is due.
    pub(super) fn due(&self) -> Option<Duration> {
        self.since.map(|since| since + WINDOW)
    }

    /// At the end of a window: how many were not told, if any.
    pub(super) fn summary(&mut self, now: Duration) -> Option<u32> {
        if self.due().is_none_or(|due| now < due) {
            return None;
        }
        let untold = self.count.saturating_sub(TOLD);
        *self = Self::default();
        Some(untold).filter(|untold| *untold > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_twenty_at_once_are_summed_up() {
        let mut joins = Joins::default();
        let told = (0..200).filter(|_| joins.joined(Duration::from_secs(5))).count();
        assert_eq!((told, joins.due()), (20, Some(Duration::from_secs(7))));
        assert_eq!(joins.summary(Duration::from_secs(6)), None);
        assert_eq!(joins.summary(Duration::from_secs(7)), Some(180));
        assert_eq!((joins.due(), joins.summary(Duration::from_secs(9))), (None, None));
    }

    #[test]
    fn few_at_a_time_are_all_told() {
        let mut joins = Joins::default();
        for second in (0..200).step_by(2) {
            assert!(joins.joined(Duration::from_secs(second)));
            assert_eq!(joins.summary(Duration::from_secs(second + 2)), None);
        }
    }
}
