//! Keys that are kept, keys that are not, and folders that cannot be used.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use serde_json::{Value, json};

use crate::{
    home::Home,
    process::{Process, exchange, guest, hub, joined, member},
};

fn fingerprint(member: &Process) -> Value {
    member.wait(json!({"event": "welcome", "guest": false}))["fingerprint"].clone()
}

#[test]
fn keys_are_the_same_in_the_next_run_and_private() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let first = member(&home, &url, "Bob", &[]);
    let fingerprint_then = fingerprint(&first);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(home.identity("bob")), 0o600);
    assert_eq!(mode(home.identity("bob").parent().unwrap().to_owned()), 0o700);
    first.finished().with(0, "");
    let second = member(&home, &url, "Bob", &[]);
    assert_eq!(fingerprint(&second), fingerprint_then);
    let elsewhere = home.path("elsewhere");
    let third = member(&home, &url, "bob2", &["--data-dir", elsewhere.to_str().unwrap()]);
    assert_ne!(fingerprint(&third), fingerprint_then);
    assert!(elsewhere.join("members/bob2/identity.pem").is_file());
}

#[test]
fn a_guest_leaves_no_file() {
    let home = Home::new();
    // What the hub remembers of its directory is the hub's.
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = elsewhere.path().join("hub");
    let (_hub, url) = hub(&home, &["--no-videos", "--data-dir", folder.to_str().unwrap()]);
    let before = home.content();
    let mut bob = joined(&home, &url, "bob");
    let mut alice = joined(&home, &url, "alice");
    exchange(&mut alice, &mut bob);
    assert_eq!(home.content(), before);
    alice.finished().with(0, "");
    bob.finished().with(0, "");
    assert_eq!(home.content(), before);
}

#[test]
fn bad_input_60_an_identity_that_cannot_be_used_ends_with_7_and_is_left_alone() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    member(&home, &url, "bob", &[]).finished().with(0, "");
    let path = home.identity("bob");
    let good = fs::read(&path).unwrap();
    let refused = |what: &str| {
        let ended = member(&home, &url, "bob", &[]).ended().with(7, "data_unusable");
        assert_eq!(ended.events.len(), 3, "{what}: {:?}", ended.events);
        let error = &ended.events[1];
        assert!(error["message"].as_str().unwrap().contains("bob"), "{what}: where it lies is said: {error}");
    };
    for (what, content) in [("empty", &[][..]), ("truncated", &good[..good.len() / 2]), ("another file", b"hello")] {
        fs::write(&path, content).unwrap();
        refused(what);
        assert_eq!(fs::read(&path).unwrap(), content, "{what}: not overwritten");
    }
    fs::write(&path, &good).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    refused("mode 0644");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&path, home.path("moved")).unwrap();
    symlink(home.path("moved"), &path).unwrap();
    refused("a symlink");
    fs::remove_file(&path).unwrap();
    fs::rename(home.path("moved"), &path).unwrap();
    member(&home, &url, "bob", &[]).finished().with(0, "");
}

#[test]
fn bad_input_61_a_second_process_with_the_same_keys_is_told() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let mut bob = member(&home, &url, "bob", &[]);
    bob.wait(json!({"event": "directory"}));
    member(&home, &url, "bob", &[]).ended().with(7, "identity_in_use");
    let mut alice = joined(&home, &url, "alice");
    exchange(&mut alice, &mut bob);
    // A guest of that name has keys of its own; the name is in use all the same.
    guest(&home, &url, "bob", &[]).ended().with(4, "name_taken");
}
