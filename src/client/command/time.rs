//! TIME: seconds (`7.25`) or `[h:]m:ss`.

use std::time::Duration;

use crate::types::MediaTime;

/// Why text is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeError {
    /// Neither of the forms.
    Form,
    /// Below zero or beyond any title.
    Range,
}

/// No title is longer than a year; the bound keeps every later sum far from overflow.
const MAX_SECONDS: u64 = 366 * 24 * 3600;

/// Reads a time that is not negative.
pub(crate) fn read_time(text: &str) -> Result<MediaTime, TimeError> {
    if let Some(positive) = text.strip_prefix('-') {
        return Err(if read_time(positive).is_ok() { TimeError::Range } else { TimeError::Form });
    }
    let mut parts: Vec<&str> = text.split(':').collect();
    let seconds = parts.pop().ok_or(TimeError::Form)?;
    if parts.len() > 2 {
        return Err(TimeError::Form);
    }
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    parts.push(whole);
    let mut total: u64 = 0;
    for (index, part) in parts.iter().enumerate() {
        let value = digits(part)?;
        if index > 0 && (value >= 60 || part.len() > 2) {
            return Err(TimeError::Form);
        }
        total = total.checked_mul(60).and_then(|sum| sum.checked_add(value)).ok_or(TimeError::Range)?;
    }
    if total > MAX_SECONDS {
        return Err(TimeError::Range);
    }
    let micros = total * 1_000_000 + micros(fraction)?;
    i64::try_from(micros).map(MediaTime).map_err(|_| TimeError::Range)
}

/// Reads a length of time in the same forms.
pub(crate) fn read_seconds(text: &str) -> Result<Duration, TimeError> {
    read_time(text).map(MediaTime::as_duration)
}

fn digits(part: &str) -> Result<u64, TimeError> {
    if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TimeError::Form);
    }
    part.parse().map_err(|_| TimeError::Range)
}

/// A fraction of a second in microseconds; finer digits are cut off.
fn micros(fraction: &str) -> Result<u64, TimeError> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TimeError::Form);
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    Ok(digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_exactly() {
        for (text, micros) in [
            ("7.25", 7_250_000),
            ("0", 0),
            ("90", 90_000_000),
            ("1:02", 62_000_000),
            ("100:00", 6_000_000_000),
            ("1:02:03.5", 3_723_500_000),
            ("0.0000019", 1),
            ("5.", 5_000_000),
        ] {
            assert_eq!(read_time(text), Ok(MediaTime(micros)), "{text}");
        }
        assert_eq!(read_seconds("0.2"), Ok(Duration::from_millis(200)));
    }

    #[test]
    fn bad_input_51_times_that_are_none() {
        for text in ["", "NaN", "inf", "1e3", "x", ".", ".5", "1:", ":1", "1:60", "1:2:3:4", "+1", "1.-2", "--1", "٣"]
        {
            assert_eq!(read_time(text), Err(TimeError::Form), "{text}");
        }
        for text in ["-1", "-0:30", "99999999999999999999", "31622401", "9999999999:00:00"] {
            assert_eq!(read_time(text), Err(TimeError::Range), "{text}");
        }
    }
}
