//! A link that is squeezed from 20 to 1 Mb/s and let go again, under a play in mode auto.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    rig::{Hub, Member, Sizes, ffmpeg},
    shaper::Shaper,
};

const WIDE: u64 = 20_000_000;
const NARROW: u64 = 1_000_000;

/// Seconds of the title, and of each rate.
const LENGTH: u32 = 75;
const WIDE_FOR: Duration = Duration::from_secs(20);
const NARROW_FOR: Duration = Duration::from_secs(25);

/// Heights with their widths and kilobits a second.
const LADDER: [(u32, u32, u32); 3] = [(240, 426, 300), (480, 854, 1500), (720, 1280, 4000)];

/// Seconds from one keyframe to the next.
const GOP: u32 = 2;

pub(crate) fn report(_: &Sizes) {
    let hub = Hub::start(make_ladder);
    let shaper = Shaper::start(&hub.url, WIDE);
    let mut viewer = Member::join(&shaper.url, "viewer");
    let begin = viewer.say("play ladder mode=auto display=none");
    viewer.wait("play_started");
    thread::sleep(WIDE_FOR);
    let mut told = viewer.told();
    let before = last_height(&told);
    let squeezed = Instant::now();
    shaper.set_rate(NARROW);
    thread::sleep(NARROW_FOR);
    let narrow = viewer.told();
    let released = Instant::now();
    shaper.set_rate(WIDE);
    thread::sleep(WIDE_FOR);
    let wide = viewer.told();
    let down = first_switch(&narrow, squeezed, |height| height < before);
    let sent = first_switch(&hub.told(), squeezed, |height| height < before);
    let low = last_height(&narrow);
    let up = first_switch(&wide, released, |height| height > low);
    let top = first_switch(&wide, released, |height| height == before);
    told.extend(narrow.into_iter().chain(wide));
    let stalls = told.iter().filter(|(_, line)| line["event"] == "stalled").count();
    println!("squeezed from 20 to 1 Mb/s and back: {stalls} stalls, {before} lines before, {low} while it is narrow");
    println!(
        "  sent lower after {}, that is {}; shown after {}, when what waited was over",
        seconds(sent),
        gops(sent),
        seconds(down)
    );
    println!("  shown higher after {}, at {before} lines again after {}", seconds(up), seconds(top));
    for (at, line) in &told {
        if matches!(line["event"].as_str(), Some("rendition" | "stalled" | "play_ended")) {
            println!("  {:6.2} s  {line}", (*at - begin).as_secs_f64());
        }
    }
}

fn make_ladder(videos: &Path) {
    for (height, width, rate) in LADDER {
        let source = format!("testsrc2=size={width}x{height}:rate=25:duration={LENGTH},noise=alls=30:allf=t");
        let (rate, buffer) = (format!("{rate}k"), format!("{}k", rate * 2));
        let to = videos.join(format!("ladder_{height}p.mp4"));
        let gop = (GOP * 25).to_string();
        let made = ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            &source,
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
            "-b:v",
            &rate,
            "-maxrate",
            &rate,
            "-bufsize",
            &buffer,
            "-g",
            &gop,
            "-keyint_min",
            &gop,
            "-sc_threshold",
            "0",
            to.to_str().expect("text"),
        ]);
        assert!(made, "ffmpeg with libx264 is needed for this section");
    }
}

fn height(line: &Value) -> Option<u64> {
    (line["event"] == "rendition").then(|| line["height"].as_u64()).flatten()
}

fn last_height(told: &[(Instant, Value)]) -> u64 {
    told.iter().rev().find_map(|(_, line)| height(line)).unwrap_or_default()
}

/// From a moment to the first rendition that is as it should be.
fn first_switch(told: &[(Instant, Value)], from: Instant, is_it: impl Fn(u64) -> bool) -> Option<Duration> {
    told.iter().find(|(at, line)| *at > from && height(line).is_some_and(&is_it)).map(|(at, _)| *at - from)
}

fn seconds(duration: Option<Duration>) -> String {
    duration.map_or_else(|| "never".to_owned(), |duration| format!("{:.1} s", duration.as_secs_f64()))
}

fn gops(duration: Option<Duration>) -> String {
    duration.map_or_else(
        || "never".to_owned(),
        |duration| format!("{:.1} GOPs of {GOP} s", duration.as_secs_f64() / f64::from(GOP)),
    )
}
