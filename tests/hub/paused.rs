//! Plays that stand still: the hub does nothing for them, counted and not timed.

use securestream::{
    driver::hub::MediaMeter,
    proto::{
        Message,
        message::{Credit, Play},
    },
    types::{MediaTime, PlayEpoch, PlayId, PlayMode, RenditionLabel, limits::PART},
};

use crate::{
    hub::{TestHub, Wire, over_every_link},
    member::{TestMember, exchange},
    raw::Raw,
    videos::hub_over,
};

over_every_link!(plays_that_wait_for_credit_are_not_looked_at_while_others_chat);

const VIEWERS: usize = 25;
const PLAYS_OF_EACH: u32 = 8;
/// More than the largest part and less than the whole title.
const CREDIT: u64 = 40_000;

/// Starts plays whose credit is used up as far as parts reach.
fn paused_viewer(hub: &TestHub, wire: Wire, number: usize) -> Raw {
    let mut viewer = Raw::join(hub, wire, &format!("viewer{number}"));
    for play in 1..=PLAYS_OF_EACH {
        viewer.send(Play {
            play: PlayId(play),
            title: "mandelbrot".into(),
            mode: PlayMode::Fixed(RenditionLabel(240)),
            start: MediaTime::ZERO,
            end: None,
            max_height: None,
            sound: false,
            full_speed: false,
            decodes: Vec::new(),
        });
        viewer.send(Credit { play: PlayId(play), epoch: PlayEpoch(0), offset: CREDIT });
    }
    let mut expected = u64::from(PLAYS_OF_EACH) * (CREDIT - PART as u64);
    while expected > 0 {
        let part = viewer.wait(|message| if let Message::Packet(packet) = message { Some(packet.data) } else { None });
        expected = expected.saturating_sub(part.len() as u64);
    }
    viewer
}

/// Waits until nothing is looked at any more while members write to each other.
fn settled(meter: &MediaMeter, one: &TestMember, other: &TestMember) -> u64 {
    for _ in 0..100 {
        let before = meter.looks();
        exchange(one, other);
        if meter.looks() == before {
            return before;
        }
    }
    panic!("the hub looks at plays that have nothing to do");
}

fn plays_that_wait_for_credit_are_not_looked_at_while_others_chat(wire: Wire) {
    let (hub, _) = hub_over("videos");
    let mut viewers: Vec<Raw> = (0..VIEWERS).map(|number| paused_viewer(&hub, wire, number)).collect();
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    let before = settled(&hub.meter, &alice, &bob);
    for _ in 0..10 {
        exchange(&alice, &bob);
    }
    assert_eq!(hub.meter.looks(), before, "200 plays stand still");

    viewers[0].send(Credit { play: PlayId(3), epoch: PlayEpoch(0), offset: CREDIT + 2 * PART as u64 });
    let mut moved = 0;
    while moved <= PART {
        moved += viewers[0].wait(|message| match message {
            Message::Packet(packet) if packet.play == PlayId(3) => Some(packet.data.len()),
            _ => None,
        });
    }
    let looks = settled(&hub.meter, &alice, &bob) - before;
    assert!((1..50).contains(&looks), "one link was looked at, {looks} times");
}
