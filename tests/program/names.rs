//! Names that belong to keys: across a restart of the hub, and when the same keys come twice.

use std::{fs, path::Path};

use serde_json::json;

use crate::{
    home::Home,
    process::{Ended, Process, guest, hub, member, start_hub},
};

fn hint(ended: &Ended) -> String {
    let error = ended.events.iter().find(|event| event["event"] == "error").unwrap();
    format!("{}. {}", error["message"].as_str().unwrap(), error["hint"].as_str().unwrap())
}

fn is_in(member: &Process) {
    member.wait(json!({"event": "welcome", "guest": false}));
}

#[test]
fn attack_01_a_name_keeps_its_owner_over_a_kill_of_the_hub() {
    let home = Home::new();
    let elsewhere = home.path("elsewhere");
    let other = ["--data-dir", elsewhere.to_str().unwrap()];
    let (first, url) = hub(&home, &["--no-videos"]);
    let bob = member(&home, &url, "bob", &[]);
    is_in(&bob);
    member(&home, &url, "bob", &other).ended().with(4, "name_taken");
    // Killed without a word, with bob in it.
    drop(first);
    drop(bob);

    let (_second, url) = hub(&home, &["--no-videos"]);
    let refused = member(&home, &url, "bob", &other).ended().with(4, "name_reserved");
    let text = hint(&refused);
    for part in ["\"bob\" belongs to another key on this hub", "keys import FILE", "securestream hub release bob"] {
        assert!(text.contains(part), "{text}");
    }
    guest(&home, &url, "bob", &[]).ended().with(4, "name_reserved");
    let bob = member(&home, &url, "bob", &[]);
    is_in(&bob);
    bob.finished().with(0, "");
}

#[test]
fn bad_input_22_a_copy_of_the_keys_takes_over_and_the_first_ends_with_4() {
    let home = Home::new();
    let (hub, url) = hub(&home, &["--no-videos"]);
    let first = member(&home, &url, "bob", &[]);
    is_in(&first);
    let elsewhere = home.path("elsewhere");
    copy(home.identity("bob").parent().unwrap(), &elsewhere.join("members/bob"));
    let second = member(&home, &url, "bob", &["--data-dir", elsewhere.to_str().unwrap()]);
    is_in(&second);
    hub.wait(json!({"event": "member_left", "name": "bob", "reason": "taken_over"}));
    let first = first.ended().with(4, "taken_over");
    assert_eq!(first.events.iter().filter(|event| event["event"] == "error").count(), 1, "{first:?}");
    second.finished().with(0, "");
}

/// Copies the private files of a folder; its lock is not one of them.
fn copy(from: &Path, to: &Path) {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_name() != ".lock" {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn a_hub_that_takes_the_invited_only_says_so_and_turns_strangers_away() {
    let home = Home::new();
    let (hub, url) = hub(&home, &["--no-videos", "--admit", "invite"]);
    let refused = guest(&home, &url, "eve", &[]).ended().with(4, "not_invited");
    assert!(hint(&refused).contains("securestream hub invite eve"), "{refused:?}");
    let with_invite = format!("{url}?invite=0000-0000-0000-0000");
    member(&home, &with_invite, "eve", &[]).ended().with(4, "not_invited");
    hub.signal("TERM");
    let log = hub.ended().with(0, "").errors;
    assert!(log.contains("takes new members by invite only") && log.contains("securestream hub invite NAME"), "{log}");
}

#[test]
fn bad_input_59_a_hub_whose_bindings_are_damaged_does_not_start_and_says_what_to_do() {
    let home = Home::new();
    let (first, url) = hub(&home, &["--no-videos"]);
    member(&home, &url, "bob", &[]).finished().with(0, "");
    drop(first);
    let file = home.path("data/securestream/hub/bindings");
    let good = fs::read(&file).unwrap();
    let mut bad = good.clone();
    bad[33] ^= 1;
    fs::write(&file, &bad).unwrap();
    let refused = start_hub(&home, &["--listen", "tcp://127.0.0.1:0", "--no-videos"]).ended().with(7, "data_unusable");
    assert!(hint(&refused).contains("bindings"), "{refused:?}");
    assert_eq!(fs::read(&file).unwrap(), bad, "left alone");
    // An addition that was cut off is no damage.
    fs::write(&file, [&good[..], &good[32..41]].concat()).unwrap();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    guest(&home, &url, "bob", &[]).ended().with(4, "name_reserved");
}
