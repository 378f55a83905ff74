//! Two members under any schedule of messages, losses, delays and crashes: what arrives opens once and says what was sent,
//! and once the schedule is over they can talk.

use proptest::{prelude::*, test_runner::RngAlgorithm};

use super::{
    Step,
    tests::{Member, Posted},
};

/// What happens next; `end` is whose turn it is.
#[derive(Clone, Debug)]
enum Event {
    Send {
        end: usize,
    },
    /// The hub gives one of the records on their way, and perhaps keeps it to give it again.
    Deliver {
        end: usize,
        place: usize,
        again: bool,
    },
    Lose {
        end: usize,
        place: usize,
    },
    Acknowledge {
        end: usize,
    },
    /// Kill −9 between two steps.
    Crash {
        end: usize,
    },
    /// Kill −9 after a step was kept, before the record left.
    CrashSending {
        end: usize,
    },
    /// Kill −9 while a record was being opened: before its step was kept, or after and before it was shown.
    CrashReceiving {
        end: usize,
        place: usize,
        kept: bool,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let (end, place) = (0..2usize, 0..8usize);
    prop_oneof![
        6 => end.clone().prop_map(|end| Event::Send { end }),
        6 => (end.clone(), place.clone(), prop::bool::weighted(0.2))
            .prop_map(|(end, place, again)| Event::Deliver { end, place, again }),
        1 => (end.clone(), place.clone()).prop_map(|(end, place)| Event::Lose { end, place }),
        3 => end.clone().prop_map(|end| Event::Acknowledge { end }),
        1 => end.clone().prop_map(|end| Event::Crash { end }),
        1 => end.clone().prop_map(|end| Event::CrashSending { end }),
        1 => (end, place, any::<bool>()).prop_map(|(end, place, kept)| Event::CrashReceiving { end, place, kept }),
    ]
}

struct World {
    members: [Member; 2],
    /// On their way to each end, with the text in them.
    on_their_way: [Vec<(Posted, String)>; 2],
    /// Texts that each end showed, in order.
    shown: [Vec<String>; 2],
    /// Messages that each end showed and has not acknowledged.
    to_acknowledge: [Vec<u64>; 2],
    sent: [u64; 2],
}

impl World {
    fn new() -> Self {
        Self {
            members: [Member::new("alice"), Member::new("bob")],
            on_their_way: Default::default(),
            shown: Default::default(),
            to_acknowledge: Default::default(),
            sent: [0; 2],
        }
    }

    fn next_text(&mut self, end: usize) -> String {
        self.sent[end] += 1;
        self.sent[end].to_string()
    }

    fn send(&mut self, end: usize) {
        let text = self.next_text(end);
        let to = self.members[1 - end].record();
        let sealed = self.members[end].seal(&to, &text);
        self.members[end].keep(sealed.step);
        self.on_their_way[1 - end].push((Posted { kind: sealed.kind, bytes: sealed.bytes }, text));
    }

    /// The letter in a record, as a client takes it: shown unless its number was, and a hello that was is dropped.
    fn open(&self, end: usize, posted: &Posted, text: &str) -> Option<(u64, Step)> {
        let sender = self.members[1 - end].record();
        let (letter, step) = self.members[end].open(&sender, posted)?;
        assert_eq!(letter.text, text, "what opens is what was sent");
        (!self.shown[end].contains(&letter.text)).then_some((letter.sequence, step))
    }

    fn deliver(&mut self, end: usize, place: usize, again: bool) {
        let Some((posted, text)) = self.on_their_way[end].get(place).cloned() else { return };
        if !again {
            self.on_their_way[end].remove(place);
        }
        if let Some((sequence, step)) = self.open(end, &posted, &text) {
            self.members[end].keep(step);
            self.shown[end].push(text);
            self.to_acknowledge[end].push(sequence);
        }
    }

    fn acknowledge(&mut self, end: usize) {
        for message in std::mem::take(&mut self.to_acknowledge[end]) {
            let (one, other) = self.members.split_at_mut(1);
            let (me, peer) = if end == 0 { (&one[0], &mut other[0]) } else { (&other[0], &mut one[0]) };
            peer.acknowledged(me, message);
        }
    }

    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Send { end } => self.send(end),
            Event::Deliver { end, place, again } => self.deliver(end, place, again),
            Event::Lose { end, place } if place < self.on_their_way[end].len() => {
                self.on_their_way[end].remove(place);
            }
            Event::Lose { .. } => {}
            Event::Acknowledge { end } => self.acknowledge(end),
            Event::Crash { end } => self.members[end].restart(),
            Event::CrashSending { end } => {
                let text = self.next_text(end);
                let to = self.members[1 - end].record();
                let sealed = self.members[end].seal(&to, &text);
                self.members[end].keep(sealed.step);
                self.members[end].restart();
            }
            Event::CrashReceiving { end, place, kept } => self.crash_receiving(end, place, kept),
        }
    }

    fn crash_receiving(&mut self, end: usize, place: usize, kept: bool) {
        let Some((posted, text)) = self.on_their_way[end].get(place).cloned() else { return };
        if let Some((_, step)) = self.open(end, &posted, &text)
            && kept
        {
            self.members[end].keep(step);
            self.on_their_way[end].remove(place);
        }
        self.members[end].restart();
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_they_can_talk_again_and_nothing_is_shown_twice(
        events in prop::collection::vec(event(), 0..120),
    ) {
        let mut world = World::new();
        for event in &events {
            world.happen(event);
        }
        for shown in &world.shown {
            let distinct: std::collections::BTreeSet<_> = shown.iter().collect();
            prop_assert_eq!(distinct.len(), shown.len());
        }
        // What is still on its way is lost; the next message of each arrives and is answered.
        world.on_their_way = Default::default();
        for _ in 0..2 {
            for end in 0..2 {
                world.send(end);
                let before = world.shown[1 - end].len();
                world.deliver(1 - end, 0, false);
                prop_assert_eq!(world.shown[1 - end].len(), before + 1, "to {}", 1 - end);
                world.acknowledge(1 - end);
            }
        }
    }

    #[test]
    fn without_losses_everything_arrives_in_any_order_of_both_ends(
        events in prop::collection::vec((0..2usize, any::<bool>(), prop::bool::weighted(0.1)), 0..100),
    ) {
        let mut world = World::new();
        for (end, is_sending, crashes) in events {
            if is_sending { world.send(end) } else { world.deliver(end, 0, false) }
            world.acknowledge(end);
            if crashes {
                world.members[end].restart();
            }
        }
        for end in 0..2 {
            while !world.on_their_way[end].is_empty() {
                world.deliver(end, 0, false);
            }
            let sent: Vec<_> = (1..=world.sent[1 - end]).map(|number| number.to_string()).collect();
            prop_assert_eq!(&world.shown[end], &sent);
        }
    }
}
