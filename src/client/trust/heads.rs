//! The heads of the directory's hash chain as this member computed them, and what others say against them.

use std::collections::{BTreeSet, VecDeque};

use crate::{
    directory::{Link, advance},
    types::{DirectoryHead, DirectorySequence, Head},
};

/// Epochs whose heads are remembered: letters that were under way for longer say nothing.
const MAX_HEADS: usize = 4096;

/// Stamps kept that are ahead of this member's directory.
const MAX_AHEAD: usize = 256;

/// What a stamp says beside what this member knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Its sender has the same directory.
    Same,
    /// It is from before this visit, or from too long ago.
    TooOld,
    /// It is from an epoch that this member has not come to; it is to be kept and judged then.
    Ahead,
    /// Its sender was shown another directory. `ours` is the head here, or nothing when there was no such epoch.
    Different { ours: Option<Head> },
}

/// The last heads of this visit. `T` is what is kept of a stamp that is ahead.
#[derive(Debug)]
pub struct HeadLog<T> {
    /// In ascending order of epochs.
    known: VecDeque<DirectoryHead>,
    ahead: VecDeque<(DirectoryHead, T)>,
    /// Epochs that the user was told about.
    told: BTreeSet<DirectorySequence>,
    /// Whether every head follows from the one before.
    whole: bool,
}

impl<T> Default for HeadLog<T> {
    fn default() -> Self {
        Self { known: VecDeque::new(), ahead: VecDeque::new(), told: BTreeSet::new(), whole: true }
    }
}

impl<T> HeadLog<T> {
    /// The directory has changed.
    pub fn push(&mut self, head: DirectoryHead) {
        if self.known.back().is_some_and(|last| last.epoch >= head.epoch) {
            return;
        }
        if self.known.len() >= MAX_HEADS {
            self.known.pop_front();
        }
        self.known.push_back(head);
    }

    /// This member's copy is not the hub's directory and it says so itself: its heads prove nothing from here on.
    pub fn give_up(&mut self) {
        self.whole = false;
        self.known.clear();
        self.ahead.clear();
    }

    /// Whether heads can be compared.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// The first and the last head that are known.
    #[must_use]
    pub fn ends(&self) -> Option<(DirectoryHead, DirectoryHead)> {
        Some((*self.known.front()?, *self.known.back()?))
    }

    /// The head at an epoch of this visit.
    #[must_use]
    pub fn at(&self, epoch: DirectorySequence) -> Option<Head> {
        let at = self.known.binary_search_by_key(&epoch, |head| head.epoch).ok()?;
        self.known.get(at).map(|known| known.head)
    }

    /// Compares a stamp.
    #[must_use]
    pub fn judge(&self, stamp: DirectoryHead) -> Agreement {
        let Some((first, last)) = self.ends() else {
            return if self.whole { Agreement::Ahead } else { Agreement::TooOld };
        };
        match self.at(stamp.epoch) {
            Some(ours) if ours == stamp.head => Agreement::Same,
            Some(ours) => Agreement::Different { ours: Some(ours) },
            None if stamp.epoch < first.epoch => Agreement::TooOld,
            None if stamp.epoch > last.epoch => Agreement::Ahead,
            None => Agreement::Different { ours: None },
        }
    }

    /// Keeps a stamp that is ahead, in place of the oldest when there are too many.
    pub fn keep(&mut self, stamp: DirectoryHead, what: T) {
        if self.ahead.len() >= MAX_AHEAD {
            self.ahead.pop_front();
        }
        self.ahead.push_back((stamp, what));
    }

    /// Stamps that were ahead and are no longer.
    pub fn take_reached(&mut self) -> Vec<(DirectoryHead, T)> {
        let Some((_, last)) = self.ends() else { return Vec::new() };
        let (reached, ahead) =
            std::mem::take(&mut self.ahead).into_iter().partition(|(stamp, _)| stamp.epoch <= last.epoch);
        self.ahead = ahead;
        Vec::from(reached)
    }

    /// Whether the user has not been told about this epoch; after this it counts as told.
    pub fn is_news(&mut self, epoch: DirectorySequence) -> bool {
        self.told.len() < MAX_HEADS && self.told.insert(epoch)
    }
}

/// What came of asking the hub how its directory came to be since the visit before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconciled {
    /// It came from what it was.
    Proven,
    /// The hub does not know any more.
    Unproven,
    /// It did not: at this epoch the chain that began at the last visit ends elsewhere than ours, which is nothing
    /// when there was no such epoch.
    Different { at: DirectoryHead, ours: Option<Head> },
}

/// Follows `links` from the head that was `stored` and looks whether they lead through what `log` has.
#[must_use]
pub fn reconcile<T>(stored: DirectoryHead, links: &[Link], complete: bool, log: &HeadLog<T>) -> Reconciled {
    let Some((first, _)) = log.ends() else { return Reconciled::Unproven };
    if stored.epoch > first.epoch {
        // The hub has gone back behind what it showed.
        return Reconciled::Different { at: stored, ours: log.at(stored.epoch) };
    }
    if stored.epoch < first.epoch && !complete {
        return Reconciled::Unproven;
    }
    let (mut head, mut has_met) = (stored, false);
    let mut links = links.iter().filter(|(epoch, _)| *epoch > stored.epoch);
    loop {
        has_met |= head.epoch == first.epoch;
        if let Some(ours) = log.at(head.epoch).filter(|ours| *ours != head.head) {
            return Reconciled::Different { at: head, ours: Some(ours) };
        }
        let Some((epoch, state)) = links.next() else { break };
        head = advance(head.head, *epoch, *state);
    }
    if has_met { Reconciled::Proven } else { Reconciled::Different { at: head, ours: None } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::StateHash;

    fn link(epoch: u64, state: u8) -> Link {
        (DirectorySequence(epoch), StateHash([state; 32]))
    }

    /// The heads after each of these links.
    fn heads(links: &[Link]) -> Vec<DirectoryHead> {
        let follow = |head: &mut DirectoryHead, (epoch, state): &Link| {
            *head = advance(head.head, *epoch, *state);
            Some(*head)
        };
        links.iter().scan(DirectoryHead::FIRST, follow).collect()
    }

    fn log(heads: &[DirectoryHead]) -> HeadLog<u8> {
        let mut log = HeadLog::default();
        for head in heads {
            log.push(*head);
        }
        log
    }

    const TRUE: fn(u64) -> Link = |epoch| link(epoch, u8::try_from(epoch).unwrap());

    #[test]
    fn attack_06_another_head_for_an_epoch_that_is_known() {
        let links: Vec<Link> = (1..=5).map(TRUE).collect();
        let log = log(&heads(&links)[2..]);
        let stamp = |epoch: usize| heads(&links)[epoch - 1];
        assert_eq!(log.judge(stamp(4)), Agreement::Same);
        assert_eq!(log.judge(stamp(2)), Agreement::TooOld);
        let lie = DirectoryHead { head: Head([9; 32]), ..stamp(4) };
        assert_eq!(log.judge(lie), Agreement::Different { ours: Some(stamp(4).head) });
        let ahead = DirectoryHead { epoch: DirectorySequence(6), ..lie };
        assert_eq!(log.judge(ahead), Agreement::Ahead);
    }

    #[test]
    fn an_epoch_that_this_member_was_not_shown_is_another_directory() {
        let log = log(&heads(&[TRUE(1), TRUE(3)]));
        let skipped = heads(&[TRUE(1), TRUE(2)])[1];
        assert_eq!(log.judge(skipped), Agreement::Different { ours: None });
    }

    #[test]
    fn bad_input_63_what_is_ahead_is_kept_within_bounds_and_judged_in_time() {
        let links: Vec<Link> = (1..=5).map(TRUE).collect();
        let heads = heads(&links);
        let mut log = log(&heads[..2]);
        for number in 0..=255_u8 {
            log.keep(heads[3], number);
        }
        log.keep(heads[4], 7);
        log.push(heads[2]);
        assert!(log.take_reached().is_empty());
        log.push(heads[3]);
        let reached = log.take_reached();
        assert_eq!(reached.len(), MAX_AHEAD - 1, "the oldest made room");
        assert_eq!(reached[0], (heads[3], 1));
        log.push(heads[4]);
        assert_eq!(log.take_reached(), [(heads[4], 7)]);
        for epoch in 6..10_000 {
            log.push(DirectoryHead { epoch: DirectorySequence(epoch), head: Head::FIRST });
            log.is_news(DirectorySequence(epoch));
        }
        assert_eq!((log.known.len(), log.told.len()), (MAX_HEADS, MAX_HEADS));
        assert_eq!(log.judge(heads[4]), Agreement::TooOld);
    }

    #[test]
    fn a_hub_that_went_on_from_the_last_visit_is_proven() {
        let links: Vec<Link> = [1, 2, 3, 70_000, 70_001].into_iter().map(|epoch| link(epoch, 1)).collect();
        let heads = heads(&links);
        let log = log(&heads[3..]);
        assert_eq!(reconcile(heads[1], &links[2..], true, &log), Reconciled::Proven);
        // Links may run beyond what this member has, and begin where it was when it comes back at once.
        assert_eq!(reconcile(heads[3], &links[4..], true, &self::log(&heads[3..4])), Reconciled::Proven);
        assert_eq!(reconcile(heads[4], &[], true, &self::log(&heads[4..])), Reconciled::Proven);
        assert_eq!(reconcile(heads[1], &[], false, &log), Reconciled::Unproven);
    }

    #[test]
    fn a_hub_that_went_back_or_elsewhere_is_caught() {
        let links: Vec<Link> = (1..=5).map(TRUE).collect();
        let heads = heads(&links);
        let back = reconcile(heads[4], &[], true, &log(&heads[2..4]));
        assert_eq!(back, Reconciled::Different { at: heads[4], ours: None });
        // It claims not to know, which helps only one that has gone on.
        assert_eq!(reconcile(heads[4], &[], false, &log(&heads[2..4])), back);
        // One change in between is another one.
        let other: Vec<Link> = [TRUE(1), link(2, 9), TRUE(3)].to_vec();
        let theirs = self::heads(&other);
        let told = reconcile(heads[1], &other[2..], true, &log(&theirs[2..]));
        assert_eq!(told, Reconciled::Different { at: heads[2], ours: Some(theirs[2].head) });
        // The same epoch with another head.
        let same = reconcile(heads[1], &[], true, &log(&theirs[1..2]));
        assert_eq!(same, Reconciled::Different { at: heads[1], ours: Some(theirs[1].head) });
        // Links that pass by where this member came in.
        let past = reconcile(heads[1], &[TRUE(4)], true, &log(&heads[2..3]));
        assert!(matches!(past, Reconciled::Different { ours: None, .. }));
    }
}
