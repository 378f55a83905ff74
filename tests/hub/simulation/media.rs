//! What a member makes of media that a hub should not have sent.

use securestream::{
    client::{
        command::{Command, PlayRequest},
        session::Output,
    },
    proto::{
        Message,
        message::{Packet, PlayStarted, StreamEnd},
    },
    types::{
        EndReason, MediaTime, PlayEpoch, PlayId, RenditionLabel,
        limits::{CREDIT_WINDOW, MAX_PACKET, MAX_PART},
    },
    video::{
        input::Input,
        render::{Choice, DisplayKind},
    },
};
use serde_json::json;

use super::world::World;

/// A member whose play was just started.
fn playing() -> (World, usize) {
    let mut world = World::new(1);
    let alice = world.join("alice");
    world.ask(alice, Command::Play(PlayRequest { full_speed: true, ..PlayRequest::of("film") }));
    assert!(matches!(world.nodes[alice].others.pop(), Some(Output::ChooseDisplay(PlayId(1), _))));
    world.nodes[alice].session.display_chosen(PlayId(1), Ok(Choice { kind: DisplayKind::None, why: None }));
    world.settle();
    assert!(matches!(world.nodes[alice].sent.last(), Some(Message::Play(play)) if play.title.as_str() == "film"));
    world.inject(
        alice,
        PlayStarted {
            play: PlayId(1),
            title: "film".into(),
            duration: MediaTime(10_000_000),
            ladder: Vec::new(),
            languages: Vec::new(),
        },
    );
    let begun = std::mem::take(&mut world.nodes[alice].others);
    assert!(matches!(begun.first(), Some(Output::StartPlayer(PlayId(1), ..))), "{begun:?}");
    assert_eq!(granted(&world, alice), CREDIT_WINDOW);
    (world, alice)
}

/// The highest credit that was given.
fn granted(world: &World, place: usize) -> u64 {
    let credit = |message: &Message| if let Message::Credit(credit) = message { Some(credit.offset) } else { None };
    world.nodes[place].sent.iter().filter_map(credit).max().unwrap_or(0)
}

fn part(seq: u32, part: u16, last: bool, size: usize) -> Packet {
    Packet {
        play: PlayId(1),
        epoch: PlayEpoch(0),
        seq,
        part,
        last,
        rendition: RenditionLabel(240),
        pts: MediaTime::ZERO,
        dts: MediaTime::ZERO,
        duration: MediaTime(40_000),
        flags: 1,
        data: vec![0; size].into(),
    }
}

/// The sizes of packets that reached the player, and whether it was told that no more can come.
fn fed(world: &mut World, place: usize) -> (Vec<usize>, bool) {
    let (mut sizes, mut given_up) = (Vec::new(), false);
    for output in std::mem::take(&mut world.nodes[place].others) {
        match output {
            Output::Player(PlayId(1), Input::Packet(packet)) => sizes.push(packet.data.len()),
            Output::Player(PlayId(1), Input::End { reason: EndReason::Unplayable }) => given_up = true,
            // What displays are told is not of the media.
            Output::Player(PlayId(1), Input::About(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    (sizes, given_up)
}

#[test]
fn parts_are_put_together() {
    let (mut world, alice) = playing();
    for packet in
        [part(0, 0, false, 10), part(0, 1, false, 10), part(0, 2, true, 5), part(1, 0, true, 7), part(2, 0, true, 0)]
    {
        world.inject(alice, packet);
    }
    assert_eq!(fed(&mut world, alice), (vec![25, 7, 0], false));
}

#[test]
fn bad_input_63_media_beyond_the_credit_is_refused() {
    let (mut world, alice) = playing();
    let parts = usize::try_from(CREDIT_WINDOW).unwrap() / MAX_PART;
    for seq in 0..parts {
        world.inject(alice, part(u32::try_from(seq).unwrap(), 0, true, MAX_PART));
    }
    let (sizes, given_up) = fed(&mut world, alice);
    assert_eq!((sizes.len(), given_up), (parts, false), "up to the last byte of credit");
    world.inject(alice, part(u32::try_from(parts).unwrap(), 0, true, 1));
    assert_eq!(fed(&mut world, alice), (vec![], true));
    assert_eq!(world.count(alice, &json!({"event": "notice", "code": "unplayable"})), 1);
    assert_eq!(granted(&world, alice), CREDIT_WINDOW, "nothing was consumed, so nothing more is granted");
}

#[test]
fn bad_input_63_parts_out_of_order_and_packets_without_end_are_refused() {
    for wrong in [part(0, 1, true, 1), part(1, 0, true, 1)] {
        let (mut world, alice) = playing();
        world.inject(alice, wrong);
        assert_eq!(fed(&mut world, alice), (vec![], true));
    }
    let (mut world, alice) = playing();
    let parts = MAX_PACKET / MAX_PART;
    for number in 0..=parts {
        world.inject(alice, part(0, u16::try_from(number).unwrap(), false, MAX_PART));
    }
    assert_eq!(fed(&mut world, alice), (vec![], true), "a packet has an end");
}

#[test]
fn bad_input_63_media_that_nobody_asked_for_is_dropped() {
    let (mut world, alice) = playing();
    let other_play = Packet { play: PlayId(9), ..part(0, 0, true, 10) };
    let other_epoch = Packet { epoch: PlayEpoch(3), ..part(0, 0, true, 10) };
    world.inject(alice, other_play);
    world.inject(alice, other_epoch);
    world.inject(alice, StreamEnd { play: PlayId(1), epoch: PlayEpoch(3), reason: EndReason::Finished });
    world.inject(
        alice,
        PlayStarted {
            play: PlayId(9),
            title: "?".into(),
            duration: MediaTime::ZERO,
            ladder: Vec::new(),
            languages: Vec::new(),
        },
    );
    assert_eq!(fed(&mut world, alice), (vec![], false));
}
