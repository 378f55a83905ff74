//! How much a play may be sent: as much as is missing to what is to wait.

use crate::types::{MediaTime, limits::MAX_PART};

/// The least that is granted while anything is missing, in bytes: two parts, so that one is on its way while the other
/// is taken in, and a packet of any size arrives.
const LEAST: u64 = 2 * MAX_PART as u64;

/// Bytes beyond those received that the hub may send, when `buffered` waits to be shown and `target` should; nothing
/// while enough waits. `rate` is in bits a second.
#[must_use]
pub fn allowance(buffered: MediaTime, target: MediaTime, rate: u64) -> Option<u64> {
    let missing = (target - buffered.max(MediaTime::ZERO)).0;
    let missing = u64::try_from(missing).ok().filter(|missing| *missing > 0)?;
    let bytes = u128::from(missing) * u128::from(rate) / 8_000_000;
    Some(u64::try_from(bytes).unwrap_or(u64::MAX).max(LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_granted_and_nothing_when_nothing_is() {
        let seconds = |seconds: i64| MediaTime(seconds * 1_000_000);
        assert_eq!(allowance(seconds(2), seconds(10), 1_000_000), Some(1_000_000));
        assert_eq!(allowance(seconds(9), seconds(10), 8_000), Some(LEAST), "never less than a packet can begin with");
        assert_eq!(allowance(seconds(-5), seconds(10), 8_000_000), Some(10_000_000));
        assert_eq!(
            (allowance(seconds(10), seconds(10), 1), allowance(MediaTime(i64::MAX), seconds(8), 1)),
            (None, None)
        );
        assert!(allowance(MediaTime(i64::MIN), MediaTime(i64::MAX), u64::MAX).is_some());
    }
}
