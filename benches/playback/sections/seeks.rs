//! How long a seek takes, and whether it shows the frame that it should: all frames that were shown are compared, by one
//! hash, with those that ffmpeg decodes.

use std::{fs::File, os::unix::fs::FileExt as _, path::Path, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use securestream::{
    types::MediaTime,
    video::{FolderSource, Index, Rendition, VideoSource as _},
};
use sha2::{Digest as _, Sha256};

use crate::rig::{Figures, Hub, Member, Sizes, ffmpeg, samples};

/// Seeks in a title with longer ones must decode more.
const LONGEST_GOP: MediaTime = MediaTime(2_000_000);

/// Seconds of a GOP that takes long.
const LONG_GOP: u32 = 10;

/// What seeks did.
struct Seeks {
    took: Vec<Duration>,
    /// Those that showed the keyframe before.
    previews: Vec<Duration>,
    /// How many told the time of the right frame.
    on_time: usize,
    /// Whether what was shown, whole, is what ffmpeg has.
    is_exact: bool,
}

pub(crate) fn report(sizes: &Sizes) {
    let hub = Hub::start(make_slow);
    let source = FolderSource::open(hub.video("").as_path()).expect("the titles");
    let catalog = source.catalog();
    let renditions = &catalog.title("mandelbrot").expect("the sample").renditions;
    let quick: Vec<_> = renditions.iter().filter(|rendition| longest_gop(&rendition.index) <= LONGEST_GOP).collect();
    let mut all = Vec::new();
    for rendition in &quick {
        let seeks = seek(&hub, "mandelbrot", rendition, sizes.seeks.div_ceil(quick.len()));
        tell(&rendition.label.to_string(), &seeks);
        all.extend(seeks.took);
    }
    println!("seeks in all renditions with GOPs up to 2 s: {}", Figures::new(all));
    let slow = &catalog.title("slow").expect("made").renditions[0];
    let seeks = seek(&hub, "slow", slow, sizes.seeks.div_ceil(quick.len()));
    tell(&format!("{} with GOPs of {LONG_GOP} s", slow.label), &seeks);
    println!("  the keyframe before: {}", Figures::new(seeks.previews));
}

fn tell(what: &str, seeks: &Seeks) {
    let count = seeks.took.len();
    let hash = if seeks.is_exact { "the frames that ffmpeg has" } else { "OTHER FRAMES than ffmpeg has" };
    println!(
        "seeks in {what}: {}; {} of {count} told the right time, all showed {hash}",
        Figures::new(seeks.took.clone()),
        seeks.on_time
    );
}

fn make_slow(videos: &Path) {
    let (from, to) = (samples().join("mandelbrot_1080p.mp4"), videos.join("slow_1080p.mp4"));
    let gop = (LONG_GOP * 25).to_string();
    let made = ffmpeg(
        &[
            &["-i", from.to_str().expect("text"), "-c:v", "libx264", "-preset", "veryfast", "-an"][..],
            &["-g", &gop, "-keyint_min", &gop, "-sc_threshold", "0", to.to_str().expect("text")],
        ]
        .concat(),
    );
    assert!(made, "ffmpeg with libx264 is needed for this section");
}

fn longest_gop(index: &Index) -> MediaTime {
    let pts = |position: &usize| index.packets()[*position].pts;
    let starts: Vec<_> = index.entry_points().iter().map(pts).chain([index.shown().end]).collect();
    starts.windows(2).map(|pair| pair[1] - pair[0]).max().expect("an entry point")
}

/// Random seeks in a play of one rendition that is paused: what is told is the frame that is shown.
fn seek(hub: &Hub, title: &str, rendition: &Rendition, count: usize) -> Seeks {
    let (index, label) = (&rendition.index, rendition.label.0);
    let mut rng = StdRng::seed_from_u64(label.into());
    let mut frames: Vec<i64> = index.packets().iter().map(|packet| packet.pts.0).collect();
    frames.retain(|pts| index.shown().contains(&MediaTime(*pts)));
    frames.sort_unstable();
    let mut viewer = Member::join(&hub.url, &format!("{title}{label}"));
    viewer.say(&format!("play {title} mode={label} display=none checksum=1"));
    viewer.wait("play_started");
    viewer.say("pause");
    let (_, line) = viewer.wait("play_paused");
    // Up to here it played by itself.
    let mut shown: Vec<usize> = (0..=number_of(&frames, &line)).collect();
    let mut seeks = Seeks { took: Vec::new(), previews: Vec::new(), on_time: 0, is_exact: false };
    for _ in 0..count {
        // Whole milliseconds, as commands have them, up to the last frame.
        let to = rng.random_range(0..=frames[frames.len() - 1] / 1000);
        let begin = viewer.say(&format!("seek {}.{:03}", to / 1000, to % 1000));
        let (end, line) = viewer.wait("play_seeked");
        seeks.took.push(end - begin);
        seeks.previews.extend(line["preview_ms"].as_u64().map(Duration::from_millis));
        let lands = frames.iter().position(|pts| *pts >= to * 1000).expect("a frame");
        seeks.on_time += usize::from(number_of(&frames, &line) == lands);
        shown.push(lands);
    }
    viewer.say("stop");
    let (_, end) = viewer.wait("play_ended");
    let file = hub.video(&format!("{title}_{label}p.mp4"));
    seeks.is_exact = end["sha256"] == hash_of(&file, frames.len(), &shown).as_str();
    seeks
}

/// Which frame was shown at the time that is told, to the millisecond.
fn number_of(frames: &[i64], line: &serde_json::Value) -> usize {
    let at = line["at"].as_f64().expect("a time") * 1e6;
    frames.iter().position(|pts| (at - *pts as f64).abs() < 1000.0).expect("the time of a frame")
}

/// The SHA-256 of these frames one after the other, as ffmpeg decodes them.
fn hash_of(file: &Path, frames: usize, shown: &[usize]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let raw = folder.path().join("frames.yuv");
    let (from, to) = (file.to_str().expect("text"), raw.to_str().expect("text"));
    assert!(ffmpeg(&["-i", from, "-an", "-fps_mode", "passthrough", "-pix_fmt", "yuv420p", "-f", "rawvideo", to]));
    let raw = File::open(raw).expect("frames");
    let size = raw.metadata().expect("a size").len() / frames as u64;
    let mut frame = vec![0; usize::try_from(size).expect("memory for a frame")];
    let mut hash = Sha256::new();
    for number in shown {
        raw.read_exact_at(&mut frame, *number as u64 * size).expect("a frame");
        hash.update(&frame);
    }
    hash.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
