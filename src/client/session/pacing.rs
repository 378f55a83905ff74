//! Posts that the hub would not take so fast. They go again, the same bytes in the order in which they were written,
//! and what is written meanwhile waits behind them.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{proto::message::Post, types::MessageId};

/// Before the first of them goes again; twice as long after each time that it is refused.
const FIRST_DELAY: Duration = Duration::from_millis(500);

/// No pause is longer: by then the hub takes several more.
const LONGEST_DELAY: Duration = Duration::from_secs(8);

/// When nothing was taken for this long, nothing will be.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);

/// What waits to be posted again.
#[derive(Debug)]
pub(super) struct Pacing {
    /// By their place among all posts.
    waiting: BTreeMap<u64, Post>,
    delay: Duration,
    /// When the first goes again; nothing while it is not known yet, or on its way.
    next: Option<Instant>,
    /// The first is on its way.
    trying: Option<MessageId>,
    /// Since when nothing was taken.
    refused_since: Option<Instant>,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Post(Post),
    /// These have failed.
    GiveUp(Vec<MessageId>),
}

impl Default for Pacing {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), delay: FIRST_DELAY, next: None, trying: None, refused_since: None }
    }
}

impl Pacing {
    /// Whether a new post has to wait as well.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A post waits for those before it.
    pub(super) fn wait(&mut self, number: u64, post: Post) {
        self.waiting.insert(number, post);
    }

    /// The hub refused a post; [`Pacing::due`] has to be asked soon.
    pub(super) fn refused(&mut self, number: u64, post: Post) {
        self.trying = None;
        self.wait(number, post);
    }

    /// The hub took a post; what follows it.
    pub(super) fn accepted(&mut self, id: MessageId) -> Option<Post> {
        (self.delay, self.refused_since) = (FIRST_DELAY, None);
        if self.trying != Some(id) {
            return None;
        }
        self.trying = None;
        self.waiting.pop_first();
        self.post_first()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.next
    }

    /// What has to be done at this time.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        if self.waiting.is_empty() || self.trying.is_some() {
            return Due::Nothing;
        }
        match self.next {
            Some(next) if now < next => Due::Nothing,
            Some(_) => self.post_first().map_or(Due::Nothing, Due::Post),
            None if now - *self.refused_since.get_or_insert(now) >= GIVE_UP_AFTER => {
                let given_up = std::mem::take(self).waiting.into_values().map(|post| post.mid);
                Due::GiveUp(given_up.collect())
            }
            None => {
                self.next = Some(now + self.delay);
                self.delay = (self.delay * 2).min(LONGEST_DELAY);
                Due::Nothing
            }
        }
    }

    fn post_first(&mut self) -> Option<Post> {
        self.next = None;
        let first = self.waiting.first_key_value().map(|(_, post)| post.clone())?;
        self.trying = Some(first.mid);
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SealKind;

    fn post(number: u8) -> Post {
        Post { mid: MessageId([number; 16]), audience: None, kind: SealKind::Seal, sealed: vec![number; 3].into() }
    }

    #[test]
    fn the_same_bytes_go_again_after_growing_pauses_until_that_is_hopeless() {
        let start = Instant::now();
        let mut pacing = Pacing::default();
        pacing.refused(1, post(1));
        pacing.wait(2, post(2));
        assert_eq!(pacing.due(start), Due::Nothing);
        let mut tried = Vec::new();
        let given_up = loop {
            let now = pacing.deadline().unwrap();
            assert_eq!(pacing.due(now), Due::Post(post(1)));
            tried.push((now - start).as_millis());
            assert_eq!(pacing.due(now), Due::Nothing, "it is on its way");
            pacing.refused(1, post(1));
            if let Due::GiveUp(posts) = pacing.due(now) {
                break posts;
            }
        };
        assert_eq!(tried, [500, 1500, 3500, 7500, 15_500, 23_500, 31_500]);
        assert_eq!(given_up, [post(1).mid, post(2).mid]);
        assert!(!pacing.is_waiting() && pacing.deadline().is_none());
    }

    #[test]
    fn once_one_is_taken_the_next_follows_in_order() {
        let start = Instant::now();
        let mut pacing = Pacing::default();
        for number in [3, 2, 4] {
            pacing.refused(u64::from(number), post(number));
        }
        assert_eq!(pacing.due(start), Due::Nothing);
        assert_eq!(pacing.accepted(post(1).mid), None, "one from before");
        assert_eq!(pacing.due(start + FIRST_DELAY), Due::Post(post(2)));
        assert_eq!(pacing.accepted(post(2).mid), Some(post(3)));
        pacing.refused(3, post(3));
        assert_eq!(pacing.due(start + FIRST_DELAY), Due::Nothing);
        assert_eq!(pacing.deadline(), Some(start + 2 * FIRST_DELAY), "the pause is short again");
        assert_eq!(pacing.due(start + 2 * FIRST_DELAY), Due::Post(post(3)));
        assert_eq!(pacing.accepted(post(3).mid), Some(post(4)));
        assert_eq!(pacing.accepted(post(4).mid), None);
        assert!(!pacing.is_waiting());
    }
}
