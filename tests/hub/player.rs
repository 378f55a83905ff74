//! Titles played through hub and member: every frame once, as FFmpeg has it, while others come and write.

use securestream::{types::ExitCode, video::VideoSource as _};
use serde_json::{Value, json};

use crate::{
    hub::{TestHub, Wire, over_every_link},
    member::{TestMember, exchange},
    videos::{folder, hub_over, hub_with},
};

over_every_link!(
    bad_input_43_who_joins_during_a_play_is_there_and_no_frame_is_lost,
    one_member_plays_several_titles_and_several_play_one,
);

/// What FFmpeg counts in a file and the SHA-256 of its pictures, by the table in `tests/data/README.md`.
struct Expected {
    frames: u64,
    sha256: String,
}

fn expected(file: &str) -> Expected {
    let table = std::fs::read_to_string(folder("tests/data").join("README.md")).unwrap();
    let row = table.lines().find(|line| line.starts_with(&format!("| {file} |")));
    let cells: Vec<_> = row.unwrap_or_else(|| panic!("{file} is not in the table")).split('|').map(str::trim).collect();
    Expected { frames: cells[2].parse().unwrap(), sha256: cells[3].to_owned() }
}

/// Plays a title as fast as can be; how it ended.
fn play(member: &TestMember, title: &str, options: &str) -> Value {
    member.ask(&format!("play \"{title}\" speed=max checksum=1 {options}"));
    let started = member.wait(json!({"event": "play_started", "title": title}));
    member.wait(json!({"event": "play_ended", "id": started["id"]}))
}

fn is_whole(end: &Value, file: &str) {
    let expected = expected(file);
    assert_eq!((&end["reason"], &end["dropped"]), (&json!("finished"), &json!(0)), "{file}: {end}");
    assert_eq!((&end["frames"], &end["sha256"]), (&json!(expected.frames), &json!(expected.sha256)), "{file}: {end}");
}

fn every_rendition_is_whole(folder: &str) {
    let (hub, videos) = hub_over(folder);
    let alice = TestMember::join(&hub, Wire::Tcp, "alice");
    assert!(videos.catalog().skipped().is_empty(), "{:?}", videos.catalog().skipped());
    for title in videos.catalog().titles() {
        for rendition in &title.renditions {
            let end = play(&alice, &title.name, &format!("mode={}", rendition.label));
            is_whole(&end, &rendition.file);
            let (_, height) = rendition.index.shown_size();
            assert_eq!(end["frames_by_height"], json!({height.to_string(): end["frames"]}));
        }
    }
}

#[test]
fn every_frame_of_every_test_video_comes_once() {
    every_rendition_is_whole("tests/data");
}

#[test]
fn every_frame_of_the_sample_comes_once_in_each_rendition() {
    every_rendition_is_whole("videos");
}

#[test]
fn a_tour_shows_every_frame_once_whether_or_not_keyframes_align() {
    let (hub, _) = hub_over("tests/data");
    let alice = TestMember::join(&hub, Wire::Unix, "alice");
    for title in ["unaligned", "opengop"] {
        let end = play(&alice, title, "mode=tour");
        assert_eq!((&end["reason"], &end["frames"], &end["shown"]), (&json!("finished"), &json!(75), &json!(75)));
        let by_height = &end["frames_by_height"];
        let count = |height: &str| by_height[height].as_u64().unwrap();
        assert!(count("120") > 0 && count("180") > 0 && count("120") + count("180") == 75, "{by_height}");
    }
    let renditions = alice.events.count(&json!({"event": "rendition"}));
    assert_eq!(renditions, 4, "each change is told");
}

#[test]
fn a_tour_of_the_sample_shows_a_third_in_each_rendition() {
    let (hub, _) = hub_over("videos");
    let alice = TestMember::join(&hub, Wire::Memory, "alice");
    let end = play(&alice, "mandelbrot", "mode=tour");
    assert_eq!((&end["reason"], &end["frames"]), (&json!("finished"), &json!(300)));
    assert_eq!(end["frames_by_height"], json!({"240": 100, "720": 100, "1080": 100}));
    for (width, height) in [(426, 240), (1280, 720), (1920, 1080)] {
        hub.events.wait(json!({"event": "rendition", "name": "alice", "width": width, "height": height}));
    }
    let auto = play(&alice, "mandelbrot", "mode=auto max=300");
    is_whole(&auto, "mandelbrot_240p.mp4");
}

#[test]
fn a_video_of_pixels_that_are_not_square_is_listed_and_told_as_it_is_seen_and_summed_as_it_is_decoded() {
    let hub = hub_with(&[("stretched.mp4", "stretched.mp4")], &[]);
    let alice = TestMember::join(&hub, Wire::Memory, "alice");
    alice.ask("videos");
    let seen = json!({"label": "72p", "width": 128, "height": 72});
    alice.wait(json!({"event": "videos", "titles": [{"title": "stretched", "renditions": [seen]}]}));
    // Of the other one the container alone knows it.
    let (other, _) = hub_over("tests/data");
    let bob = TestMember::join(&other, Wire::Memory, "bob");
    for (member, name, file) in [(alice, "stretched", "stretched.mp4"), (bob, "widened", "widened.mkv")] {
        let end = play(&member, name, "");
        member.wait(json!({"event": "rendition", "width": 128, "height": 72}));
        is_whole(&end, file);
    }
}

#[test]
fn a_turned_video_is_listed_told_and_counted_as_it_is_shown_and_summed_as_it_is_decoded() {
    let hub = hub_with(&[("turned.mp4", "turned.mp4")], &[]);
    let alice = TestMember::join(&hub, Wire::Memory, "alice");
    alice.ask("videos");
    let upright = json!({"label": "120p", "width": 120, "height": 160});
    alice.wait(json!({"event": "videos", "titles": [{"title": "turned", "renditions": [upright]}]}));
    let end = play(&alice, "turned", "");
    alice.wait(upright_event(json!({"label": "120p"})));
    hub.events.wait(upright_event(json!({"name": "alice"})));
    assert_eq!(end["frames_by_height"], json!({"160": end["frames"]}));
    is_whole(&end, "turned.mp4");
}

#[test]
fn bad_input_47_a_rate_of_no_pictures_a_second_is_played_to_its_end() {
    let mut file = std::fs::read(folder("tests/data").join("one_keyframe.mp4")).unwrap();
    let place = file.windows(4).position(|name| name == b"stts").unwrap();
    // Version, count of runs and frames of the first one stand before how long each of these lasts.
    file[place + 16..place + 20].fill(0);
    let hub = hub_with(&[], &[("standing.mp4", &file)]);
    let alice = TestMember::join(&hub, Wire::Memory, "alice");
    for options in ["", "speed=max"] {
        alice.ask(&format!("play standing {options}"));
        let started = alice.wait(json!({"event": "play_started"}));
        let end = alice.wait(json!({"event": "play_ended", "id": started["id"]}));
        assert_eq!(end["reason"], json!("finished"), "{end}");
        assert!(end["frames"].as_u64().unwrap() > 0, "{end}");
    }
}

/// That a rendition of 120×160 pixels is shown.
fn upright_event(mut event: Value) -> Value {
    for (key, value) in [("event", json!("rendition")), ("width", json!(120)), ("height", json!(160))] {
        event[key] = value;
    }
    event
}

fn bad_input_43_who_joins_during_a_play_is_there_and_no_frame_is_lost(wire: Wire) {
    let hub = hub_with(&[("wide.mp4", "wide.mp4")], &[]);
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    bob.ask("play wide checksum=1");
    bob.wait(json!({"event": "play_started"}));
    // Paused, so that all of this happens during the play, however slow the machine is.
    bob.ask("pause");
    bob.wait(json!({"event": "play_paused"}));
    let dave = TestMember::join(&hub, wire, "dave");
    bob.wait(json!({"event": "joined", "name": "dave"}));
    exchange(&bob, &dave);
    exchange(&alice, &dave);
    dave.leave();
    bob.wait(json!({"event": "left", "name": "dave"}));
    assert_eq!(bob.events.count(&json!({"event": "play_ended"})), 0);
    bob.ask("resume");
    is_whole_but_for_lateness(&bob.wait(json!({"event": "play_ended"})), "wide.mp4");
}

/// As [`is_whole`], but a slow machine may show some frames too late and drop them.
fn is_whole_but_for_lateness(end: &Value, file: &str) {
    let expected = expected(file);
    assert_eq!((&end["reason"], &end["frames"]), (&json!("finished"), &json!(expected.frames)), "{end}");
    assert_eq!(end["sha256"], json!(expected.sha256), "{end}");
}

fn one_member_plays_several_titles_and_several_play_one(wire: Wire) {
    let (hub, _) = hub_over("tests/data");
    let members = ["alice", "bob", "carol"].map(|name| TestMember::join(&hub, wire, name));
    let titles = [("wide", "wide.mp4"), ("edited", "edited.mp4"), ("delayed", "delayed.mp4")];
    for member in &members {
        for (title, _) in titles {
            member.ask(&format!("play {title} speed=max checksum=1 id={title}"));
        }
    }
    exchange(&members[0], &members[1]);
    for member in &members {
        for (title, file) in titles {
            is_whole(&member.wait(json!({"event": "play_ended", "id": title})), file);
        }
    }
}

#[test]
fn a_stopped_play_ends_as_stopped_and_the_others_go_on() {
    let (hub, _) = hub_over("tests/data");
    let alice = TestMember::join(&hub, Wire::Tcp, "alice");
    for id in ["first", "second"] {
        alice.ask(&format!("play unaligned id={id}"));
        alice.wait(json!({"event": "play_started", "id": id}));
        alice.ask(&format!("pause {id}"));
        alice.wait(json!({"event": "play_paused", "id": id}));
    }
    alice.ask("stop first");
    let end = alice.wait(json!({"event": "play_ended", "id": "first", "reason": "stopped"}));
    assert_eq!(end["frames"].as_u64(), Some(end["shown"].as_u64().unwrap() + end["dropped"].as_u64().unwrap()));
    // All of it was sent already: that the viewer saw less is none of the hub's business.
    hub.events.wait(json!({"event": "play_ended", "name": "alice", "play": "1", "reason": "finished"}));
    for (line, code) in
        [("stop first", "no_such_play"), ("seek 99 second", "out_of_range"), ("play nothing", "no_such_title")]
    {
        alice.ask(line);
        alice.wait(json!({"event": "error", "code": code}));
    }
    alice.ask("seek 2.9 second");
    alice.wait(json!({"event": "play_seeked", "id": "second"}));
    alice.ask("resume second");
    alice.wait(json!({"event": "play_ended", "id": "second", "reason": "finished"}));
}

#[test]
fn a_hub_that_closes_ends_plays_as_that() {
    let (hub, _) = hub_over("tests/data");
    let alice = TestMember::join(&hub, Wire::Tcp, "alice");
    alice.ask("play unaligned");
    alice.wait(json!({"event": "play_started"}));
    alice.ask("pause");
    alice.wait(json!({"event": "play_paused"}));
    TestHub::stop(&hub);
    alice.wait(json!({"event": "play_ended", "reason": "hub_closing"}));
    alice.wait(json!({"event": "bye", "reason": "hub_closing", "exit": 3}));
    hub.events.wait(json!({"event": "play_ended", "name": "alice", "reason": "hub_closing"}));
    assert_eq!(alice.ended(), ExitCode::Network);
}
