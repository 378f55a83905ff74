//! What a member knows of others, from one run to the next.

use serde_json::json;

use crate::{
    home::Home,
    process::{hub, member},
};

#[test]
fn who_was_verified_in_one_run_is_known_in_the_next() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let mut bob = member(&home, &url, "bob", &[]);
    bob.wait(json!({"event": "directory"}));
    let mut alice = member(&home, &url, "alice", &[]);
    alice.say("wait joined name=bob\nverify bob yes");
    let number = alice.wait(json!({"event": "safety_number", "name": "bob", "verified": true}))["digits"].clone();
    alice.finished().with(0, "");
    bob.wait(json!({"event": "left", "name": "alice"}));

    let mut alice = member(&home, &url, "alice", &[]);
    alice.say("wait joined name=bob\nverify bob");
    let again = alice.wait(json!({"event": "safety_number", "name": "bob", "verified": true}));
    assert_eq!(again["digits"], number);
    bob.say("wait joined name=alice\nverify alice\nsend alice it is me");
    assert_eq!(bob.wait(json!({"event": "safety_number", "verified": false}))["digits"], number, "the same for both");
    alice.wait(json!({"event": "message", "text": "it is me", "verified": true}));
    alice.finished().with(0, "");
    bob.finished().with(0, "");
}

#[test]
fn a_key_that_is_not_known_ends_a_careful_script_with_5() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let bob = member(&home, &url, "bob", &[]);
    bob.wait(json!({"event": "directory"}));
    let careful = |script: &str| {
        let mut alice = member(&home, &url, "alice", &["--trust-members", "known"]);
        alice.say(script);
        alice.finished()
    };
    careful("wait joined name=bob\nsend bob hello").with(5, "not_trusted");
    careful("wait joined name=bob\ntrust bob\nsend bob hello").with(0, "");
    careful("wait joined name=bob\nsend bob hello again\nwait delivered id=last").with(0, "");
    bob.finished().with(0, "");
}

#[test]
fn pins_that_are_damaged_are_not_taken_for_none() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let bob = member(&home, &url, "bob", &[]);
    bob.wait(json!({"event": "directory"}));
    let mut alice = member(&home, &url, "alice", &[]);
    alice.say("wait joined name=bob\nverify bob yes");
    alice.finished().with(0, "");
    let folder = home.identity("alice").parent().unwrap().to_owned();
    let is_pins = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("pins-");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).filter(is_pins).collect();
    let [pins] = files.as_slice() else { panic!("{files:?}") };
    std::fs::write(pins, "nonsense").unwrap();
    member(&home, &url, "alice", &[]).ended().with(7, "data_unusable");
    assert_eq!(std::fs::read(pins).unwrap(), b"nonsense");
    bob.finished().with(0, "");
}
