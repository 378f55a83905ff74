//! How many posts are passed on: each costs every other member a look, and a seal costs it an RSA operation.

use std::{collections::HashMap, time::Instant};

use super::bucket::{Bucket, Rate};
use crate::types::{Fingerprint, SealKind};

/// Seals and group records of one sender. Nobody writes faster for long; a script that does is told, and paces itself.
const SEALS_OF_SENDER: Rate = Rate::per_second(5, 20);

/// Seals and group records in all. Opening one takes a member about 1.5 ms of one core, so these take it a tenth.
const SEALS: Rate = Rate::per_second(50, 100);

/// What of [`SEALS`] is for who has hardly written anything: a crowd that floods does not silence the others.
const RESERVED: u32 = 40;

/// Who may still send so many at once has hardly written anything.
const HARDLY_ANY: u32 = 15;

/// Beginnings of sessions by one sender: one goes to each peer, so the first message to a classroom is a burst of them.
const HELLOS_OF_SENDER: Rate = Rate::per_second(20, 60);

/// Senders whose rates are kept before those at rest are forgotten.
const SENDERS: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct Sender {
    seals: Bucket,
    hellos: Bucket,
}

/// The rates of all who post.
#[derive(Debug)]
pub struct Rates {
    seals: Bucket,
    senders: HashMap<Fingerprint, Sender>,
    /// With so many, those at rest are forgotten.
    forget_at: usize,
}

impl Rates {
    /// Nothing was posted.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { seals: Bucket::new(now), senders: HashMap::new(), forget_at: SENDERS }
    }

    /// Counts a post; whether it may be passed on.
    #[must_use]
    pub fn allow(&mut self, from: Fingerprint, kind: SealKind, now: Instant) -> bool {
        match kind {
            SealKind::Seal | SealKind::Group => {
                let mut sender = self.sender(from, now);
                if !sender.seals.has_one(SEALS_OF_SENDER, now) {
                    return false;
                }
                let needed = if sender.seals.has(HARDLY_ANY, SEALS_OF_SENDER, now) { 1 } else { 1 + RESERVED };
                // A try counts for its sender, or a crowd that floods would pass for one that is quiet.
                sender.seals.take_one(SEALS_OF_SENDER, now);
                self.senders.insert(from, sender);
                let is_allowed = self.seals.has(needed, SEALS, now);
                if is_allowed {
                    self.seals.take_one(SEALS, now);
                }
                is_allowed
            }
            SealKind::Hello => {
                let mut sender = self.sender(from, now);
                let is_allowed = sender.hellos.has_one(HELLOS_OF_SENDER, now);
                if is_allowed {
                    sender.hellos.take_one(HELLOS_OF_SENDER, now);
                    self.senders.insert(from, sender);
                }
                is_allowed
            }
            // Whoever it is not for sees that by its tag; the lane of who does not read bounds the bytes.
            SealKind::Tagged | SealKind::Other(_) => true,
        }
    }

    fn sender(&mut self, from: Fingerprint, now: Instant) -> Sender {
        if let Some(sender) = self.senders.get(&from) {
            return *sender;
        }
        if self.senders.len() >= self.forget_at {
            self.senders.retain(|_, sender| !(sender.seals.is_full(now) && sender.hellos.is_full(now)));
            self.forget_at = SENDERS.max(self.senders.len() * 2);
        }
        Sender { seals: Bucket::new(now), hellos: Bucket::new(now) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ALICE: Fingerprint = Fingerprint([1; 32]);

    /// How many of `each` posts per millisecond pass in a second.
    fn passed(rates: &mut Rates, start: Instant, from: Fingerprint, kind: SealKind) -> usize {
        (0..1000).filter(|ms| rates.allow(from, kind, start + Duration::from_millis(*ms))).count()
    }

    #[test]
    fn attack_10_one_sender_passes_a_burst_and_then_five_seals_a_second() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        assert_eq!(passed(&mut rates, start, ALICE, SealKind::Seal), 20 + 4);
        let later = start + Duration::from_secs(1);
        assert_eq!(passed(&mut rates, later, ALICE, SealKind::Group), 5, "groups count as seals");
        assert!(rates.allow(Fingerprint([2; 32]), SealKind::Seal, later), "others are not concerned");
        assert_eq!(passed(&mut rates, later, ALICE, SealKind::Hello), 60 + 19);
        assert_eq!(passed(&mut rates, later, ALICE, SealKind::Tagged), 1000);
    }

    #[test]
    fn attack_10_many_senders_pass_fifty_seals_a_second() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        let count = |rates: &mut Rates, at| {
            (0..200).filter(|number| rates.allow(Fingerprint([*number; 32]), SealKind::Seal, at)).count()
        };
        assert_eq!(count(&mut rates, start), 100);
        assert_eq!((1..=10).map(|s| count(&mut rates, start + Duration::from_secs(s))).sum::<usize>(), 500);
    }

    #[test]
    fn attack_10_a_crowd_that_floods_leaves_some_for_who_is_quiet() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        let mut said = 0;
        for tenth in 0..100 {
            let now = start + Duration::from_millis(100) * tenth;
            for number in 2..42 {
                for _ in 0..3 {
                    let _ = rates.allow(Fingerprint([number; 32]), SealKind::Seal, now);
                }
            }
            said += u32::from(tenth >= 20 && tenth % 10 == 0 && rates.allow(ALICE, SealKind::Seal, now));
        }
        assert_eq!(said, 8, "once a second after the crowd is known");
    }

    #[test]
    fn senders_at_rest_are_forgotten() {
        let mut now = Instant::now();
        let mut rates = Rates::new(now);
        for number in 0..100_000_u32 {
            now += Duration::from_millis(20);
            let mut from = [0; 32];
            from[..4].copy_from_slice(&number.to_be_bytes());
            assert!(rates.allow(Fingerprint(from), SealKind::Seal, now));
        }
        assert!(rates.senders.len() <= 2 * SENDERS, "{}", rates.senders.len());
    }
}
