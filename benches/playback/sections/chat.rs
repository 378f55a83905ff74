//! How long messages take over a link that video fills.

use crate::{
    rig::{Hub, Member, Sizes, chat},
    shaper::Shaper,
};

/// Bits a second: less than the play below takes.
const RATE: u64 = 5_000_000;

pub(crate) fn report(sizes: &Sizes) {
    let hub = Hub::start(|_| {});
    let shaper = Shaper::start(&hub.url, RATE);
    let mut alice = Member::join(&hub.url, "alice");
    let mut bob = Member::join(&shaper.url, "bob");
    // The first message between two is another kind of message.
    chat(&mut alice, &bob, "bob", 3);
    println!("messages over an empty link of 5 Mb/s: {}", chat(&mut alice, &bob, "bob", sizes.messages));
    for play in 0..8 {
        bob.say(&format!("play mandelbrot mode=1080 speed=max display=none id=play{play}"));
    }
    bob.wait("play_started");
    let before = shaper.carried();
    let begin = std::time::Instant::now();
    let figures = chat(&mut alice, &bob, "bob", sizes.messages);
    let rate = (shaper.carried() - before) as f64 * 8e-6 / begin.elapsed().as_secs_f64();
    println!("messages over the same link beside 8 plays that fill it ({rate:.1} Mb/s): {figures}");
}
