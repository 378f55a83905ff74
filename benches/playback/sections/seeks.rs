//! How long a seek takes, and whether it lands on the frame that it should.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use securestream::{
    types::MediaTime,
    video::{FolderSource, Index, VideoSource as _},
};

use crate::rig::{Figures, Hub, Member, Sizes, samples};

/// Seeks in a title with longer ones must decode more.
const LONGEST_GOP: MediaTime = MediaTime(2_000_000);

pub(crate) fn report(sizes: &Sizes) {
    let hub = Hub::start(|_| {});
    let source = FolderSource::open(samples()).expect("the sample");
    let catalog = source.catalog();
    let title = catalog.title("mandelbrot").expect("the sample");
    let renditions: Vec<_> =
        title.renditions.iter().filter(|rendition| longest_gop(&rendition.index) <= LONGEST_GOP).collect();
    let mut all = Vec::new();
    for rendition in &renditions {
        let count = sizes.seeks.div_ceil(renditions.len());
        let (took, exact) = seeks(&hub, &rendition.index, rendition.label.0, count);
        all.extend(&took);
        println!("seeks in {}: {}; {exact} of {count} landed on the exact frame", rendition.label, Figures::new(took));
    }
    println!("seeks in all renditions with GOPs up to 2 s: {}", Figures::new(all));
}

fn longest_gop(index: &Index) -> MediaTime {
    let pts = |position: &usize| index.packets()[*position].pts;
    let starts: Vec<_> = index.entry_points().iter().map(pts).chain([index.shown().end]).collect();
    starts.windows(2).map(|pair| pair[1] - pair[0]).max().expect("an entry point")
}

/// Random seeks in a play of one rendition that is paused: what is told is the frame that is shown.
fn seeks(hub: &Hub, index: &Index, label: u32, count: usize) -> (Vec<std::time::Duration>, usize) {
    let mut rng = StdRng::seed_from_u64(label.into());
    let mut frames: Vec<i64> = index.packets().iter().map(|packet| packet.pts.0).collect();
    frames.retain(|pts| index.shown().contains(&MediaTime(*pts)));
    frames.sort_unstable();
    let mut viewer = Member::join(&hub.url, &format!("viewer{label}"));
    viewer.say(&format!("play mandelbrot mode={label} display=none"));
    viewer.wait("play_started");
    viewer.say("pause");
    viewer.wait("play_paused");
    let (mut took, mut exact) = (Vec::new(), 0);
    for _ in 0..count {
        // Whole milliseconds, as commands have them, up to the last frame.
        let to = rng.random_range(0..=frames[frames.len() - 1] / 1000);
        let begin = viewer.say(&format!("seek {}.{:03}", to / 1000, to % 1000));
        let (end, line) = viewer.wait("play_seeked");
        took.push(end - begin);
        let lands = frames.iter().find(|pts| **pts >= to * 1000).expect("a frame");
        let at = line["at"].as_f64().expect("a time") * 1e6;
        exact += usize::from((at - *lands as f64).abs() < 1000.0);
    }
    (took, exact)
}
