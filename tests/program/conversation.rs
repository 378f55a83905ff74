//! A hub and members as processes: the example of the contract, names, relays.

use serde_json::json;

use crate::{
    home::Home,
    process::{exchange, guest, hub, joined, run, samples},
};

/// The example at the end of the contract, as far as this build can play it.
fn example() -> &'static str {
    if cfg!(feature = "player") {
        "wait joined name=bob\nsend bob meet at noon\nwait delivered id=last\n\
         play mandelbrot mode=tour speed=max\nwait play_ended id=last timeout=60"
    } else {
        "wait joined name=bob\nsend bob meet at noon\nwait delivered id=last"
    }
}

#[test]
fn the_example_works_twice_in_a_row_whichever_member_comes_first() {
    let home = Home::new();
    let (hub, url) = hub(&home, &["--videos", &samples()]);
    for alice_is_first in [false, true] {
        let mut early = None;
        if alice_is_first {
            let mut alice = guest(&home, &url, "alice", &[]);
            alice.say(example());
            alice.wait(json!({"event": "directory", "members": [{"name": "alice"}]}));
            early = Some(alice);
        }
        let bob = joined(&home, &url, "bob");
        for alice in [early, None] {
            let alice = alice.unwrap_or_else(|| {
                let mut alice = guest(&home, &url, "alice", &[]);
                alice.say(example());
                alice
            });
            let ended = alice.finished().with(0, "");
            bob.wait(json!({"event": "message", "from": "alice", "text": "meet at noon"}));
            bob.wait(json!({"event": "left", "name": "alice", "reason": "quit"}));
            if cfg!(feature = "player") {
                let end = ended.events.iter().find(|event| event["event"] == "play_ended").unwrap();
                assert_eq!((&end["reason"], &end["frames"]), (&json!("finished"), &json!(300)));
                assert_eq!(end["frames_by_height"], json!({"240": 100, "720": 100, "1080": 100}));
            }
        }
        bob.finished().with(0, "");
    }
    assert_eq!(hub.events.count(&json!({"event": "member_joined", "name": "alice", "guest": true})), 4);
}

#[test]
fn bad_input_21_a_second_bob_ends_with_4_and_the_first_is_undisturbed() {
    let home = Home::new();
    let (hub, url) = hub(&home, &["--no-videos"]);
    let (mut alice, mut bob) = (joined(&home, &url, "alice"), joined(&home, &url, "bob"));
    guest(&home, &url, "Bob", &[]).ended().with(4, "name_taken");
    hub.wait(json!({"event": "refused", "code": "name_taken"}));
    exchange(&mut alice, &mut bob);
    assert_eq!(alice.events.count(&json!({"event": "left"})), 0);
    bob.finished().with(0, "");
}

#[test]
fn a_hub_that_relays_directly_delivers_all_the_same() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos", "--relay", "direct"]);
    let (mut alice, mut bob) = (joined(&home, &url, "alice"), joined(&home, &url, "bob"));
    alice.wait(json!({"event": "welcome", "relay": "direct"}));
    exchange(&mut alice, &mut bob);
    alice.say("all and everybody");
    bob.wait(json!({"event": "message", "text": "and everybody", "to_all": true}));
    alice.wait(json!({"event": "delivered", "by": "bob", "remaining": 0}));
}

#[test]
fn a_full_hub_says_so() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos", "--max-members", "1"]);
    let _alice = joined(&home, &url, "alice");
    guest(&home, &url, "bob", &[]).ended().with(4, "hub_full");
}

#[test]
fn without_json_events_are_told_in_words_with_nothing_that_acts_on_a_terminal() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let mut bob = joined(&home, &url, "bob");
    bob.say(&json!({"cmd": "wait", "event": "joined", "name": "alice"}).to_string());
    // bad_input_20: what bob writes must not act on alice's terminal.
    bob.say(&json!({"cmd": "send", "to": "alice", "text": "a\u{1b}]52;c;ZXZpbA==\u{7}b"}).to_string());
    let script = "wait message from=bob\n";
    let arguments = ["connect", &url, "--name", "alice", "--ephemeral", "--script", "-"];
    let (exit, output, errors) = run(&home, &arguments, script);
    assert_eq!(exit, 0, "{output}{errors}");
    assert!(output.contains("bob") && output.contains("ZXZpbA=="), "{output}");
    assert!(!output.chars().any(|c| c.is_control() && c != '\n'), "{output:?}");
}
