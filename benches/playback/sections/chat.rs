//! How long messages take over a link that video fills.

use std::{path::Path, time::Instant};

use crate::{
    rig::{Hub, Member, Sizes, chat, ffmpeg},
    shaper::Shaper,
};

/// Megabits a second.
const RATES: [u64; 2] = [20, 5];

/// Plays at full speed, each with more to send than passes meanwhile.
const PLAYS: usize = 2;

pub(crate) fn report(sizes: &Sizes) {
    let hub = Hub::start(make_dense);
    for rate in RATES {
        over(&hub, rate, sizes.messages);
    }
}

fn over(hub: &Hub, rate: u64, messages: usize) {
    let shaper = Shaper::start(&hub.url, rate * 1_000_000);
    let (mut alice, name) = (Member::join(&hub.url, &format!("alice{rate}")), format!("bob{rate}"));
    let mut bob = Member::join(&shaper.url, &name);
    // The first message between two is another kind of message.
    chat(&mut alice, &bob, &name, 3);
    println!("messages over an empty link of {rate} Mb/s: {}", chat(&mut alice, &bob, &name, messages));
    for play in 0..PLAYS {
        bob.say(&format!("play dense speed=max display=none id=play{play}"));
        bob.wait("play_started");
    }
    let (before, begin) = (shaper.carried(), Instant::now());
    let figures = chat(&mut alice, &bob, &name, messages);
    let carried = (shaper.carried() - before) as f64 * 8e-6 / begin.elapsed().as_secs_f64();
    let ended = bob.told().iter().filter(|(_, line)| line["event"] == "play_ended").count();
    assert_eq!(ended, 0, "the plays were to fill it to the end");
    println!("  beside {PLAYS} plays that fill it ({carried:.1} Mb/s): {figures}");
}

/// Puts beside the sample what fills a link before it keeps a decoder busy.
fn make_dense(videos: &Path) {
    let source = "testsrc2=size=640x360:rate=25:duration=60,noise=alls=60:allf=t";
    let to = videos.join("dense_360p.mp4");
    let made = ffmpeg(
        &[
            &["-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"][..],
            &["-b:v", "10M", "-g", "50", to.to_str().expect("text")],
        ]
        .concat(),
    );
    assert!(made, "ffmpeg with libx264 is needed for this section");
}
