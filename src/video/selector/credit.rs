//! How much a play may be sent: as much as is missing to what is to wait.

use crate::types::{MediaTime, limits::MAX_PART};

/// The least that is granted while anything is missing, in bytes: two parts, so that one is on its way while the other
/// is taken in, and a packet of any size arrives.
const LEAST: u64 = 2 * MAX_PART as u64;

/// The least that is granted at first, so that it is known what the link carries: two samples of the meter, and a part
/// on either side of them. A small rendition would be half over otherwise before it can be left.
const FIRST_BURST: u64 = 6 * MAX_PART as u64;

/// The most that is granted at once, in bytes, and as a part of what is shown in a second: enough to keep a link of
/// 100 ms busy with three times the rendition's rate, little enough that it lasts not long in a lower rendition.
const MOST: u64 = 6 * MAX_PART as u64;
const MOST_OF_A_SECOND: u64 = 2;

/// How much less than enough waits before more is granted. Bursts tell what a link carries; drop by drop, credit alone
/// would be measured.
const REFILL: MediaTime = MediaTime(1_500_000);

/// Whether a play is being filled up.
#[derive(Clone, Copy, Debug)]
pub struct Refill {
    is_filling: bool,
}

impl Default for Refill {
    fn default() -> Self {
        Self { is_filling: true }
    }
}

impl Refill {
    /// Bytes beyond those received that the hub may send, when `buffered` waits to be shown and `target` should;
    /// nothing while enough waits. `rate` is in bits a second, `received` since the last seek.
    pub fn allowance(&mut self, buffered: MediaTime, target: MediaTime, rate: u64, received: u64) -> Option<u64> {
        let missing = (target - buffered.max(MediaTime::ZERO)).0;
        self.is_filling = missing > if self.is_filling { 0 } else { REFILL.0 };
        let missing = u64::try_from(missing).ok().filter(|_| self.is_filling)?;
        let bytes = u64::try_from(u128::from(missing) * u128::from(rate) / 8_000_000).unwrap_or(u64::MAX);
        // Less at the end of a burst would slow the link down to the pace of the picture, and the burst would not end.
        let least = LEAST.max(FIRST_BURST.saturating_sub(received));
        let least = least.max(rate / 8 / MOST_OF_A_SECOND);
        Some(bytes.clamp(least, MOST.max(least)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_granted_and_nothing_when_nothing_is() {
        let allowance = |buffered, target, rate| Refill::default().allowance(buffered, target, rate, FIRST_BURST);
        let seconds = |seconds: i64| MediaTime(seconds * 1_000_000);
        assert_eq!(allowance(seconds(9), seconds(10), 800_000), Some(100_000));
        assert_eq!(allowance(seconds(9), seconds(10), 32_000_000), Some(2_000_000), "nor too little");
        assert_eq!(allowance(seconds(2), seconds(10), 800_000), Some(MOST), "not all of it at once");
        assert_eq!(allowance(seconds(9), seconds(10), 8_000), Some(LEAST), "never less than a packet can begin with");
        assert_eq!(allowance(seconds(-5), seconds(10), 32_000_000), Some(2_000_000));
        assert_eq!(
            (allowance(seconds(10), seconds(10), 1), allowance(MediaTime(i64::MAX), seconds(8), 1)),
            (None, None)
        );
        let first = Refill::default().allowance(seconds(9), seconds(10), 800_000, 0);
        assert_eq!(first, Some(FIRST_BURST), "enough to measure the link");
        assert!(allowance(MediaTime(i64::MIN), MediaTime(i64::MAX), u64::MAX).is_some());
    }

    #[test]
    fn once_enough_waits_it_waits_until_a_burst_is_worth_it() {
        let mut refill = Refill::default();
        let mut is_granted =
            |ms: i64| refill.allowance(MediaTime(ms * 1_000), MediaTime(8_000_000), 1, FIRST_BURST).is_some();
        let steps = [7_999, 8_000, 7_999, 6_501, 6_499, 7_999, 8_001, 7_000];
        assert_eq!(steps.map(&mut is_granted), [true, false, false, false, true, true, false, false]);
    }
}
