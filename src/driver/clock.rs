//! The only place that asks what time it is.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Now, on the monotonic clock that all deadlines use.
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since 1970, for what people read; never for a deadline. 0 when the clock stands before.
#[must_use]
pub fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(u64::MAX)
}
