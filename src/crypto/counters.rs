//! The numbers that this member's own messages get: ascending for each audience, never one twice.
//!
//! Numbers begin at the clock's milliseconds when the program starts, or where the last run ended if that is
//! higher: an identity restored from a backup does not repeat numbers, which others would take for replays, and a
//! clock set back does no harm. Numbers are reserved in blocks, so that a write is needed for one message in 256 only;
//! what a crash leaves of a block is skipped.

use std::collections::HashMap;

use crate::types::Fingerprint;

/// Numbers reserved at once. Fewer than a replay window has, so that skipping them loses nothing on its way.
const BLOCK: u64 = 256;

const MAGIC: &[u8] = b"securestream counters 1\n";

/// Who gets a message: each has a row of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// One member, alone.
    Member(Fingerprint),
    /// All members.
    Group,
}

/// The file is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the count of sent messages is damaged")]
pub struct CountersError;

/// See the module.
#[derive(Clone, Debug)]
pub struct Counters {
    /// First number of every row in this run.
    floor: u64,
    /// What the file says: every number given out is below.
    ceiling: u64,
    next: HashMap<Audience, u64>,
}

impl Counters {
    /// Goes on after what an earlier run left in `file`, if any. `now` is in milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// When `file` is not what this wrote.
    pub fn resume(file: Option<&[u8]>, now: u64) -> Result<Self, CountersError> {
        let stored = file.map(decode).transpose()?.unwrap_or(0);
        let floor = stored.max(now);
        Ok(Self { floor, ceiling: floor, next: HashMap::new() })
    }

    /// The next number for this audience. `save` is given the file's new content when more numbers have to be
    /// reserved.
    ///
    /// # Errors
    /// What `save` gave; no number is used up then.
    pub fn take<E>(&mut self, audience: Audience, save: impl FnOnce(&[u8]) -> Result<(), E>) -> Result<u64, E> {
        let number = self.next.get(&audience).copied().unwrap_or(self.floor);
        if number >= self.ceiling {
            let ceiling = number.saturating_add(BLOCK);
            save(&encode(ceiling))?;
            self.ceiling = ceiling;
        }
        self.next.insert(audience, number.saturating_add(1));
        Ok(number)
    }
}

fn encode(ceiling: u64) -> Vec<u8> {
    [MAGIC, ceiling.to_string().as_bytes(), b"\n"].concat()
}

fn decode(file: &[u8]) -> Result<u64, CountersError> {
    let digits = file.strip_prefix(MAGIC).and_then(|rest| rest.strip_suffix(b"\n")).ok_or(CountersError)?;
    let digits = str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or(CountersError)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const BOB: Audience = Audience::Member(Fingerprint([0xb; 32]));

    /// Takes numbers and remembers what was saved.
    struct Run {
        counters: Counters,
        file: Option<Vec<u8>>,
        saves: usize,
    }

    fn run(file: Option<Vec<u8>>, now: u64) -> Run {
        Run { counters: Counters::resume(file.as_deref(), now).unwrap(), file, saves: 0 }
    }

    impl Run {
        fn take(&mut self, audience: Audience) -> u64 {
            let taken: Result<u64, Infallible> = self.counters.take(audience, |content| {
                self.file = Some(content.to_vec());
                self.saves += 1;
                Ok(())
            });
            taken.unwrap()
        }
    }

    #[test]
    fn each_audience_counts_for_itself_from_the_clock_on() {
        let mut run = run(None, 1000);
        assert_eq!([run.take(BOB), run.take(BOB), run.take(Audience::Group), run.take(BOB)], [1000, 1001, 1000, 1002]);
        assert_eq!(run.saves, 1);
        (0..300).for_each(|_| _ = run.take(BOB));
        assert_eq!(run.saves, 2);
    }

    #[test]
    fn after_a_crash_no_number_comes_again_whatever_the_clock_says() {
        for now in [1000, 0, 999_999] {
            let mut first = run(None, 1000);
            let used: Vec<u64> = (0..700).map(|_| first.take(BOB)).collect();
            let mut second = run(first.file, now);
            let next = second.take(BOB);
            assert!(used.iter().all(|number| *number < next), "{next} with the clock at {now}");
            assert!(next >= now);
        }
    }

    #[test]
    fn a_number_that_could_not_be_reserved_is_not_given_out() {
        let mut counters = Counters::resume(None, 5).unwrap();
        assert_eq!(counters.take(BOB, |_| Err("disk full")), Err("disk full"));
        assert_eq!(counters.take(BOB, |_| Ok::<_, ()>(())), Ok(5));
    }

    #[test]
    fn a_damaged_file_is_told() {
        let good = encode(77);
        assert_eq!(Counters::resume(Some(&good), 0).unwrap().floor, 77);
        for length in 0..good.len() {
            assert_eq!(Counters::resume(Some(&good[..length]), 0).unwrap_err(), CountersError, "{length}");
        }
        for file in ["securestream counters 1\n\n", "securestream counters 1\n-1\n", "securestream counters 2\n1\n"] {
            assert!(Counters::resume(Some(file.as_bytes()), 0).is_err(), "{file:?}");
        }
    }
}
