//! Signals to hubs and members.

use serde_json::json;

use crate::{
    home::Home,
    process::{Process, hub, joined, samples},
};

/// Starts a play that lasts until something ends it, where this build has a player.
fn play(member: &mut Process) {
    if cfg!(feature = "player") {
        member.say("play mandelbrot mode=240");
        member.wait(json!({"event": "play_started"}));
        member.say("pause");
        member.wait(json!({"event": "play_paused"}));
    }
}

#[test]
fn a_hub_that_is_interrupted_while_playing_says_goodbye() {
    for signal in ["INT", "TERM"] {
        let home = Home::new();
        let (hub, url) = hub(&home, &["--videos", &samples()]);
        let mut bob = joined(&home, &url, "bob");
        let alice = joined(&home, &url, "alice");
        play(&mut bob);
        hub.signal(signal);
        let hub_told = hub.ended().with(0, "");
        let bob_told = bob.ended().with(3, "hub_closing");
        alice.ended().with(3, "hub_closing");
        let bye = bob_told.events.last().unwrap();
        assert_eq!(bye["reason"], "hub_closing");
        if cfg!(feature = "player") {
            let is_end =
                |event: &&serde_json::Value| event["event"] == "play_ended" && event["reason"] == "hub_closing";
            assert!(bob_told.events.iter().any(|event| is_end(&event)), "{bob_told:?}");
            assert!(hub_told.events.iter().any(|event| is_end(&event)), "{hub_told:?}");
        }
    }
}

#[test]
fn a_second_signal_ends_a_hub_at_once() {
    let home = Home::new();
    let (hub, url) = hub(&home, &["--no-videos"]);
    let alice = joined(&home, &url, "alice");
    // It cannot read its goodbye, so the hub would wait for it.
    alice.signal("STOP");
    hub.signal("INT");
    hub.signal("INT");
    hub.ended().with(0, "");
    alice.signal("CONT");
    assert_eq!(alice.ended().exit, 3);
}

#[test]
fn a_member_that_is_told_to_end_leaves_and_ends_with_128_and_the_signal() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let witness = joined(&home, &url, "witness");
    for (signal, exit) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let mut alice = joined(&home, &url, "alice");
        play(&mut alice);
        alice.signal(signal);
        let ended = alice.ended();
        assert_eq!(ended.exit, exit, "{ended:?}");
        let bye = ended.events.last().unwrap();
        assert_eq!((&bye["event"], &bye["reason"], &bye["exit"]), (&json!("bye"), &json!("signal"), &json!(exit)));
        witness.wait(json!({"event": "left", "name": "alice", "reason": "quit"}));
    }
}
