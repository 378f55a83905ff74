//! Deadlines of all links in one heap.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Instant,
};

use crate::types::LinkId;

/// When each link wants to be called. A deadline that moved leaves its old entry in the heap, which is skipped
/// when its time comes: cheaper than finding it, for a keep-alive that moves with every read.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, LinkId)>>,
    current: BTreeMap<LinkId, Instant>,
}

impl Timers {
    pub(super) fn set(&mut self, link: LinkId, at: Option<Instant>) {
        match at {
            None => drop(self.current.remove(&link)),
            Some(at) => {
                // A later deadline needs no entry yet: the earlier one looks again when it comes up.
                let earlier = self.current.insert(link, at).is_some_and(|before| before <= at);
                if !earlier {
                    self.heap.push(Reverse((at, link)));
                }
            }
        }
    }

    /// When to look next; perhaps for nothing.
    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one link whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant) -> Option<LinkId> {
        while let Some(&Reverse((at, link))) = self.heap.peek()
            && at <= now
        {
            self.heap.pop();
            match self.current.get(&link) {
                Some(&current) if current <= now => {
                    self.current.remove(&link);
                    return Some(link);
                }
                Some(&current) => self.heap.push(Reverse((current, link))),
                None => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_deadline_that_moved_expires_at_its_new_time_only() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut timers = Timers::default();
        timers.set(LinkId(1), Some(at(5)));
        timers.set(LinkId(2), Some(at(6)));
        timers.set(LinkId(1), Some(at(9)));
        assert_eq!(timers.expire(at(5)), None);
        assert_eq!(timers.expire(at(8)), Some(LinkId(2)));
        assert_eq!(timers.expire(at(8)), None);
        timers.set(LinkId(1), Some(at(8)));
        assert_eq!(timers.expire(at(8)), Some(LinkId(1)));
        assert_eq!(timers.expire(at(20)), None);
    }

    #[test]
    fn a_link_that_is_gone_never_expires() {
        let now = Instant::now();
        let mut timers = Timers::default();
        timers.set(LinkId(1), Some(now));
        timers.set(LinkId(1), None);
        assert_eq!(timers.expire(now), None);
        assert_eq!(timers.next(), None);
    }
}
