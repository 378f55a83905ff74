//! Plays that change their rendition, by themselves and by command, over a link that a test narrows and widens.
//!
//! Nothing here is asserted about time: each step waits for what the one before brings about.

use std::sync::Arc;

use securestream::{
    types::MediaTime,
    video::{FolderSource, Index, MemorySource, VideoSource as _},
};
use serde_json::{Value, json};

use crate::{
    hub::{TestHub, Wire},
    member::{TestMember, exchange},
    shaped::Narrow,
    videos::{folder, hub_over, hub_with},
};

/// More than the best rendition of the sample needs to be begun, 0.87 Mb/s half as much again; less than would fill the
/// buffer in no time.
const WIDE: u64 = 4_000_000;

/// More than 240p needs, and less than 720p.
const NARROW: u64 = 350_000;

/// A hub with the sample ten times in a row, as one title.
fn long() -> TestHub {
    const TIMES: i64 = 10;
    let source = FolderSource::open(&folder("videos")).unwrap();
    let catalog = source.catalog();
    let renditions = &catalog.title("mandelbrot").unwrap().renditions;
    let files = renditions.iter().map(|rendition| {
        let (index, length) = (&rendition.index, rendition.index.duration());
        let moved = |time: MediaTime, round: i64| time + MediaTime(length.0 * round);
        let round = |round| {
            let again = move |packet: &securestream::video::Packet| {
                let (pts, dts) = (moved(packet.pts, round), moved(packet.dts, round));
                securestream::video::Packet { pts, dts, ..*packet }
            };
            index.packets().iter().map(again)
        };
        let packets = (0..TIMES).flat_map(round).collect();
        let whole =
            Index::new(index.format().clone(), packets, MediaTime::ZERO..moved(MediaTime::ZERO, TIMES)).unwrap();
        let bytes = std::fs::read(folder("videos").join(&rendition.file)).unwrap();
        (format!("long_{}.mp4", rendition.label), whole, bytes.into())
    });
    let source = MemorySource::indexed(files);
    TestHub::with(|parts| parts.videos = Arc::new(source))
}

fn rendition(label: &str) -> Value {
    json!({"event": "rendition", "label": label})
}

#[test]
fn auto_rises_and_falls_with_the_link_and_leaves_it_to_the_viewer() {
    let hub = long();
    let other = TestMember::join(&hub, Wire::Tcp, "other");
    let (narrow, link) = Narrow::link(&hub, WIDE);
    let viewer = TestMember::join_over(link, "viewer");
    let told = |height: u32| hub.events.wait(json!({"event": "rendition", "name": "viewer", "height": height}));

    viewer.ask("play long");
    viewer.wait(json!({"event": "play_started"}));
    viewer.wait(rendition("240p"));
    told(240);
    viewer.wait(rendition("1080p"));
    told(1080);

    narrow.set(NARROW);
    told(240);
    let low = viewer.wait(rendition("240p"));
    assert!(low["from"].as_f64().unwrap() > 0.0, "it went down on its way: {low}");
    exchange(&viewer, &other);

    narrow.set(WIDE);
    viewer.wait(rendition("1080p"));
    told(1080);

    viewer.ask(r#"{"cmd": "rendition", "rendition": "720", "ref": "7"}"#);
    let shown = viewer.wait(json!({"event": "rendition", "label": "720p", "ref": "7"}));
    assert_eq!((&shown["width"], &shown["height"]), (&json!(1280), &json!(720)));
    viewer.wait(json!({"event": "ok", "command": "rendition", "ref": "7"}));
    told(720);
    viewer.ask("rendition 480");
    viewer.wait(json!({"event": "error", "code": "no_such_rendition", "command": "rendition"}));
    viewer.ask("rendition auto");
    viewer.wait(json!({"event": "ok", "command": "rendition"}));
    viewer.wait(rendition("1080p"));

    viewer.ask("stop");
    let end = viewer.wait(json!({"event": "play_ended", "reason": "stopped"}));
    let heights: Vec<_> = end["frames_by_height"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(heights, ["1080", "240", "720"]);

    // The next title goes with its second keyframe to where the link was.
    viewer.ask("play long id=next");
    viewer.wait(json!({"event": "play_started", "id": "next"}));
    let next = || viewer.wait(json!({"event": "rendition", "id": "next"}));
    let (first, second) = (next(), next());
    assert_eq!((&first["label"], &second["label"]), (&json!("240p"), &json!("1080p")));
    assert!(second["from"].as_f64().unwrap() < 4.5, "{second}");
    viewer.ask("stop next");
    viewer.wait(json!({"event": "play_ended", "id": "next"}));
    // A cap holds, whatever the link carries.
    viewer.ask("play long id=saver max=700");
    viewer.wait(json!({"event": "play_started", "id": "saver"}));
    assert_eq!(viewer.wait(json!({"event": "rendition", "id": "saver"}))["label"], "240p");
    viewer.ask("rendition 720 saver");
    viewer.wait(json!({"event": "error", "code": "no_such_rendition", "command": "rendition"}));
    viewer.ask("stop saver");
    viewer.wait(json!({"event": "play_ended", "id": "saver"}));
}

#[test]
fn a_tour_is_left_where_the_picture_is_though_all_of_it_is_on_its_way() {
    let (hub, _) = hub_over("videos");
    let viewer = TestMember::join(&hub, Wire::Tcp, "viewer");
    viewer.ask("play mandelbrot mode=tour sound=none");
    viewer.wait(json!({"event": "play_started"}));
    // The last third of the title begins to be sent while the first one is shown.
    hub.events.wait(json!({"event": "rendition", "name": "viewer", "height": 1080}));
    viewer.ask("rendition 1080");
    let shown = viewer.wait(rendition("1080p"));
    assert!(shown["from"].as_f64().unwrap() < 7.5, "it would come to that at 8 s by itself: {shown}");
    viewer.wait(json!({"event": "ok", "command": "rendition"}));
    viewer.ask("stop");
    viewer.wait(json!({"event": "play_ended", "reason": "stopped"}));
    let told = viewer.leave();
    assert!(told.iter().all(|event| event["event"] != "play_seeked"), "nobody wanted to go anywhere: {told:?}");
}

#[test]
fn a_play_that_is_switched_where_keyframes_do_not_align_shows_every_frame_once() {
    let files: Vec<_> = ["unaligned_120p.mp4", "unaligned_180p.mp4", "opengop_120p.mp4", "opengop_180p.mp4"]
        .map(|file| (file, file))
        .into();
    let hub = hub_with(&files, &[]);
    let viewer = TestMember::join(&hub, Wire::Tls, "viewer");
    for title in ["unaligned", "opengop"] {
        viewer.ask(&format!("play {title} mode=120 checksum=1 id={title}"));
        viewer.wait(json!({"event": "play_started", "id": title}));
        viewer.ask(&format!("rendition 180 {title}"));
        viewer.wait(json!({"event": "rendition", "id": title, "label": "180p"}));
        viewer.wait(json!({"event": "ok", "command": "rendition"}));
        let end = viewer.wait(json!({"event": "play_ended", "id": title}));
        assert_eq!((&end["reason"], &end["frames"]), (&json!("finished"), &json!(75)), "{end}");
        let count = |height: &str| end["frames_by_height"][height].as_u64().unwrap();
        assert!(count("120") > 0 && count("180") > 0, "{end}");
    }
}

#[test]
fn a_rendition_that_cannot_be_switched_is_left_out_of_auto_with_a_notice() {
    let hub = hub_with(&[("t_120p.mp4", "unaligned_120p.mp4"), ("t_360p.mp4", "one_keyframe.mp4")], &[]);
    let viewer = TestMember::join(&hub, Wire::Memory, "viewer");
    viewer.ask("play t speed=max");
    let notice = viewer.wait(json!({"event": "notice", "code": "rendition_left_out"}));
    assert!(notice["text"].as_str().unwrap().contains("360p"), "{notice}");
    let end = viewer.wait(json!({"event": "play_ended"}));
    assert_eq!(end["frames_by_height"], json!({"120": 75}));
    viewer.ask("play t speed=max mode=360 id=fixed");
    assert_eq!(viewer.wait(json!({"event": "play_ended", "id": "fixed"}))["frames"], 60, "by name it plays");
}
