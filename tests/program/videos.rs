//! Plays of processes, and what they leave on the disk: nothing.

use serde_json::json;

use crate::{
    home::Home,
    process::{guest, hub, samples},
};
#[cfg(feature = "player")]
use crate::{process::Process, support::schema::Schema};

#[cfg(feature = "player")]
#[test]
fn a_play_of_a_guest_writes_no_file() {
    let home = Home::new();
    // What the hub remembers of its directory is the hub's.
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = elsewhere.path().join("hub");
    let (_hub, url) = hub(&home, &["--videos", &samples(), "--data-dir", folder.to_str().unwrap()]);
    let before = home.content();
    let mut alice = guest(&home, &url, "alice", &[]);
    alice.say("play mandelbrot mode=240 speed=max checksum=1\npause\nresume");
    alice.wait(json!({"event": "play_started"}));
    assert_eq!(home.content(), before, "while it plays");
    let ended = alice.finished().with(0, "");
    let end = ended.events.iter().find(|event| event["event"] == "play_ended").unwrap();
    assert_eq!(end["frames"], 300);
    assert_eq!(home.content(), before, "and afterwards");
}

/// Qt's platform `offscreen` opens windows that nobody sees, so this runs anywhere.
#[cfg(feature = "player")]
#[test]
fn plays_in_windows_run_side_by_side_to_their_ends() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let mut command = home.command(&["connect", &url, "--name", "alice", "--ephemeral", "--json"]);
    command.env("QT_QPA_PLATFORM", "offscreen");
    let mut alice = Process::start(command, "alice", Schema::Member);
    alice.say("play mandelbrot mode=tour display=window end=1 id=one\nplay mandelbrot mode=240 display=window start=11 id=two");
    for id in ["one", "two"] {
        alice.wait(json!({"event": "display", "id": id, "kind": "window"}));
        alice.wait(json!({"event": "play_started", "id": id}));
    }
    alice.say("pause two\nseek 11.5 two\nresume two");
    let ended = alice.finished().with(0, "");
    for id in ["one", "two"] {
        let end = ended.events.iter().find(|event| event["event"] == "play_ended" && event["id"] == id).unwrap();
        assert_eq!(end["reason"], "finished", "{end}");
        assert!(end["shown"].as_u64().unwrap() > 0, "{end}");
    }
}

#[cfg(not(feature = "player"))]
#[test]
fn a_build_without_a_player_says_so() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let mut alice = guest(&home, &url, "alice", &[]);
    alice.say("videos\nplay mandelbrot");
    let ended = alice.finished();
    assert_eq!(ended.exit, 1);
    let error = ended.events.iter().find(|event| event["event"] == "error").unwrap();
    assert!(error["message"].as_str().unwrap().contains("no player"), "{error}");
}

#[test]
fn the_hub_lists_what_is_in_its_folder() {
    let home = Home::new();
    let (hub, url) = hub(&home, &["--videos", &samples()]);
    hub.wait(json!({"event": "catalog", "titles": 1, "skipped": []}));
    let mut alice = guest(&home, &url, "alice", &[]);
    alice.say("videos");
    let renditions =
        json!([{"label": "240p", "width": 426, "height": 240, "codec": "h264"}, {"height": 720}, {"height": 1080}]);
    alice.wait(json!({"event": "videos", "titles": [{"title": "mandelbrot", "renditions": renditions}]}));
    alice.finished().with(0, "");
}
