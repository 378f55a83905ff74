//! Plays of processes, and what they leave on the disk: nothing.

use serde_json::json;

use crate::{
    home::Home,
    process::{guest, hub, samples},
};
#[cfg(feature = "player")]
use crate::{
    process::{Process, run},
    support::schema::Schema,
};

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
fn what_comes_into_the_folder_and_goes_is_noticed_without_being_told() {
    let home = Home::new();
    let videos = tempfile::tempdir().unwrap();
    let sample = std::path::Path::new(&samples()).join("mandelbrot_240p.mp4");
    let place = |name: &str| videos.path().join(name);
    std::fs::copy(&sample, place("old_240p.mp4")).unwrap();
    let (hub, url) = hub(&home, &["--videos", videos.path().to_str().unwrap()]);
    hub.wait(json!({"event": "catalog", "titles": 1}));
    let mut alice = guest(&home, &url, "alice", &[]);
    alice.wait(json!({"event": "directory"}));
    for number in 0..5 {
        std::fs::copy(&sample, place(&format!("new{number}_240p.mp4"))).unwrap();
    }
    std::fs::copy(&sample, place("half_240p.mp4.part")).unwrap();
    alice.wait(json!({"event": "videos_changed"}));
    alice.say("videos");
    // On a machine that is busy elsewhere, copies can be further apart than what counts as one.
    while alice.wait(json!({"event": "videos"}))["titles"].as_array().unwrap().len() < 6 {
        alice.wait(json!({"event": "videos_changed"}));
        alice.say("videos");
    }
    std::fs::remove_file(place("old_240p.mp4")).unwrap();
    alice.wait(json!({"event": "videos_changed"}));
    hub.wait(json!({"event": "catalog", "titles": 5}));
    alice.finished().with(0, "");
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

/// The files in `tests/data` that are none of the hub's own reader.
#[cfg(feature = "player")]
const OTHERS: [&str; 11] = [
    "matroska.mkv",
    "webm.webm",
    "transport.ts",
    "bluray.m2ts",
    "flash.flv",
    "h264.avi",
    "mpeg4.avi",
    "theora.ogv",
    "program.mpg",
    "windows.wmv",
    "other_codec.mp4",
];

#[cfg(feature = "player")]
fn other(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

#[cfg(feature = "player")]
#[test]
fn other_containers_are_listed_with_compat_played_and_sought_in() {
    let home = Home::new();
    let videos = tempfile::tempdir().unwrap();
    for name in OTHERS {
        std::fs::write(videos.path().join(name), other(name)).unwrap();
    }
    let (hub, url) = hub(&home, &["--videos", videos.path().to_str().unwrap()]);
    hub.wait(json!({"event": "catalog", "titles": OTHERS.len(), "skipped": []}));
    let mut alice = guest(&home, &url, "alice", &[]);
    alice.say("videos");
    let listed = alice.wait(json!({"event": "videos"}));
    let titles = listed["titles"].as_array().unwrap();
    assert!(titles.len() == OTHERS.len() && titles.iter().all(|title| title["compat"] == true), "{listed}");
    // 25 frames a second: what begins at 0.6 s has the rest of them, whichever way its packets lie in the file.
    for (title, frames) in [("matroska", 35), ("transport", 35), ("h264", 35), ("mpeg4", 10), ("program", 10)] {
        alice.say(&format!("play {title} start=0.6 speed=max"));
        let started = alice.wait(json!({"event": "play_started", "title": title}));
        let end = alice.wait(json!({"event": "play_ended", "id": started["id"]}));
        assert_eq!((&end["reason"], &end["frames"]), (&json!("finished"), &json!(frames)), "{title}: {end}");
    }
    alice.finished().with(0, "");
}

/// What is only passed over for as long as it takes.
#[cfg(feature = "player")]
const WAITS: &str = "it is still being taken apart: try again in a while";

#[cfg(feature = "player")]
#[test]
fn attack_a_file_with_which_libavformat_comes_to_no_end_holds_up_no_hub() {
    let home = Home::new();
    let videos = tempfile::tempdir().unwrap();
    std::fs::write(videos.path().join("good.mp4"), other("wide.mp4")).unwrap();
    std::fs::write(videos.path().join("small.webm"), other("webm.webm")).unwrap();
    // A terabyte without a sync word, which is looked for byte by byte.
    let endless = videos.path().join("endless.mkv");
    std::fs::write(&endless, &other("matroska.mkv")[..9000]).unwrap();
    std::fs::OpenOptions::new().append(true).open(&endless).unwrap().set_len(1 << 40).unwrap();
    let (hub, url) = hub(&home, &["--videos", videos.path().to_str().unwrap()]);
    let skipped = json!([{"file": "endless.mkv", "reason": WAITS}]);
    hub.wait(json!({"event": "catalog", "titles": 2, "skipped": skipped}));
    // What comes while it is taken apart is noticed, and an operator who asks is answered.
    std::fs::write(videos.path().join("new.mp4"), other("wide.mp4")).unwrap();
    hub.wait(json!({"event": "catalog", "titles": 3, "skipped": skipped}));
    let (exit, answer, _) = run(&home, &["hub", "--json", "reload"], "");
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((exit, &answer["titles"], &answer["skipped"]), (0, &json!(3), &skipped), "{answer}");
    let mut alice = guest(&home, &url, "alice", &[]);
    for title in ["good", "small"] {
        alice.say(&format!("play {title} speed=max"));
        let started = alice.wait(json!({"event": "play_started", "title": title}));
        let end = alice.wait(json!({"event": "play_ended", "id": started["id"]}));
        assert_eq!(end["reason"], "finished", "{end}");
    }
    alice.say("play endless speed=max");
    alice.wait(json!({"event": "error", "code": "try_later", "retryable": true}));
    alice.finished().with(1, "try_later");
}

#[cfg(feature = "player")]
#[test]
fn bad_input_47_damaged_files_of_other_containers_are_skipped_or_played_and_the_hub_goes_on() {
    let home = Home::new();
    let videos = tempfile::tempdir().unwrap();
    let mut count = 0;
    for (number, name) in OTHERS.iter().enumerate() {
        let whole = other(name);
        let (stem, ending) = name.rsplit_once('.').unwrap();
        let mut flipped = whole.clone();
        let mut dice = 0x9e37_79b9_u32.wrapping_mul(u32::try_from(number).unwrap() + 1);
        for _ in 0..40 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let place = dice as usize % flipped.len().min(4000);
            flipped[place] ^= dice.to_le_bytes()[3] | 1;
        }
        for (how, bytes) in [("cut", &whole[..whole.len() / 3]), ("flipped", &flipped[..])] {
            std::fs::write(videos.path().join(format!("{stem}-{ending}-{how}.{ending}")), bytes).unwrap();
            count += 1;
        }
    }
    // A playlist by another name would have a demuxer open other files.
    let playlist = format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}/secret.ts\n", videos.path().display());
    std::fs::write(videos.path().join("playlist.ts"), playlist).unwrap();
    std::fs::write(videos.path().join("empty.mkv"), "").unwrap();
    std::fs::write(videos.path().join("sound.mp4"), other("wide.mp4")).unwrap();
    let (hub, url) = hub(&home, &["--videos", videos.path().to_str().unwrap()]);
    let waits = |catalog: &serde_json::Value| {
        catalog["skipped"].as_array().unwrap().iter().any(|skipped| skipped["reason"] == WAITS)
    };
    let mut catalog = hub.wait(json!({"event": "catalog"}));
    while waits(&catalog) {
        catalog = hub.wait(json!({"event": "catalog"}));
    }
    let skipped = catalog["skipped"].as_array().unwrap();
    let reason = |name: &str| skipped.iter().find(|file| file["file"] == name).map(|file| file["reason"].clone());
    assert!(reason("playlist.ts").is_some() && reason("empty.mkv").is_some(), "{catalog}");
    let titles = usize::try_from(catalog["titles"].as_u64().unwrap()).unwrap();
    assert_eq!(titles + skipped.len(), count + 3, "{catalog}");
    let mut alice = guest(&home, &url, "alice", &[]);
    alice.say("play sound speed=max checksum=1");
    let end = alice.wait(json!({"event": "play_ended"}));
    assert_eq!((&end["reason"], &end["frames"]), (&json!("finished"), &json!(50)), "{end}");
    alice.finished().with(0, "");
}
