//! How long a play takes to its first frame while others play.

use crate::rig::{Figures, Hub, Member, Sizes, join_many, make_long};

pub(crate) fn report(sizes: &Sizes) {
    let hub = Hub::start(make_long);
    let mut viewer = Member::join(&hub.url, "viewer");
    println!("first frame, nobody else plays: {}", first_frames(&mut viewer, sizes.firsts));
    let mut others = join_many(&hub.url, "other", sizes.members, sizes.nice);
    for other in &mut others {
        other.say("play long mode=240 display=none");
    }
    for other in &others {
        other.wait("play_started");
    }
    let (cpu, begin) = (hub.cpu_ticks(), std::time::Instant::now());
    let figures = first_frames(&mut viewer, sizes.firsts);
    let (ticks, took) = (hub.cpu_ticks() - cpu, begin.elapsed().as_secs_f64());
    println!(
        "first frame beside {} who play: {figures}; the hub spent {:.1} % of a core",
        sizes.members,
        ticks as f64 / took
    );
}

/// From the command to the event, the member's own work included.
fn first_frames(viewer: &mut Member, count: usize) -> Figures {
    let mut took = Vec::new();
    for _ in 0..count {
        let begin = viewer.say("play mandelbrot display=none");
        let (end, _) = viewer.wait("play_started");
        took.push(end - begin);
        viewer.say("stop");
        viewer.wait("play_ended");
    }
    Figures::new(took)
}
