//! Messages of sessions that have not come although later ones did: told once they had their time.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::{
    crypto::session::{Position, SessionId},
    types::Fingerprint,
};

/// What came out of order has come by then.
const PATIENCE: Duration = Duration::from_secs(3);

/// Gaps that are waited for at the same time: more are not looked at.
const MAX_GAPS: usize = 1024;

/// Messages that one later message showed to be missing.
#[derive(Debug)]
struct Gap {
    due: Instant,
    from: Fingerprint,
    session: SessionId,
    missing: BTreeSet<u32>,
}

/// All gaps that may still close.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    open: Vec<Gap>,
}

impl Gaps {
    /// A message came, and stood here.
    pub(super) fn came(&mut self, from: Fingerprint, position: Position, now: Instant) {
        let Position { session, index, missing } = position;
        for gap in self.open.iter_mut().filter(|gap| gap.session == session) {
            gap.missing.remove(&index);
        }
        self.open.retain(|gap| !gap.missing.is_empty());
        if !missing.is_empty() && self.open.len() < MAX_GAPS {
            let missing = missing.into_iter().collect();
            self.open.push(Gap { due: now + PATIENCE, from, session, missing });
        }
    }

    /// When one is to be told.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.open.iter().map(|gap| gap.due).min()
    }

    /// Whose messages are missing for good, and how many.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(Fingerprint, u64)> {
        let due = self.open.extract_if(.., |gap| gap.due <= now);
        due.map(|gap| (gap.from, gap.missing.len() as u64)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: Fingerprint = Fingerprint([0xa; 32]);

    fn at(session: u8, index: u32, missing: &[u32]) -> Position {
        Position { session: SessionId([session; 16]), index, missing: missing.to_vec() }
    }

    #[test]
    fn a_gap_is_told_once_after_three_seconds() {
        let (mut gaps, start) = (Gaps::default(), Instant::now());
        gaps.came(ALICE, at(1, 0, &[]), start);
        assert_eq!(gaps.deadline(), None);
        gaps.came(ALICE, at(1, 4, &[1, 2, 3]), start);
        assert_eq!(gaps.deadline(), Some(start + PATIENCE));
        gaps.came(ALICE, at(1, 2, &[]), start + PATIENCE / 2);
        gaps.came(ALICE, at(2, 1, &[]), start + PATIENCE / 2);
        assert!(gaps.due(start + Duration::from_millis(2999)).is_empty());
        assert_eq!(gaps.due(start + PATIENCE), [(ALICE, 2)]);
        assert!(gaps.due(start + PATIENCE * 2).is_empty());
    }

    #[test]
    fn a_gap_that_closes_is_not_told() {
        let (mut gaps, start) = (Gaps::default(), Instant::now());
        gaps.came(ALICE, at(1, 2, &[0, 1]), start);
        gaps.came(ALICE, at(1, 1, &[]), start);
        gaps.came(ALICE, at(1, 0, &[]), start);
        assert_eq!(gaps.deadline(), None);
        assert!(gaps.due(start + PATIENCE).is_empty());
    }

    #[test]
    fn a_hostile_sender_cannot_fill_the_memory() {
        let (mut gaps, start) = (Gaps::default(), Instant::now());
        for index in 0..5000 {
            gaps.came(ALICE, at(1, 2 * index + 1, &[2 * index]), start);
        }
        assert_eq!(gaps.open.len(), MAX_GAPS);
    }
}
