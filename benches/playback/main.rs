//! How playing feels, over TLS on loopback with members that are processes of the binary and show nothing: first frames,
//! seeks, chat beside video, members that stand still, a link that is squeezed. Not a micro-benchmark: it takes some
//! minutes and prints one report. Needs the feature `player`, and ffmpeg for longer samples.
//!
//!     cargo bench --bench playback                                  all of it
//!     cargo bench --bench playback -- first seeks                   some sections: first seeks chat still squeeze
//!     cargo bench --bench playback -- first members=20 seeks=100    smaller
//!     cargo bench --bench playback -- first nice=19                 the members beside it at a low priority

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a report to read"
)]

mod rig;
mod sections;
mod shaper;

use std::env;

/// Measures something and prints what came out.
type Section = fn(&rig::Sizes);

/// What can be asked for by name.
const SECTIONS: [(&str, Section); 5] = [
    ("first", sections::first::report),
    ("seeks", sections::seeks::report),
    ("chat", sections::chat::report),
    ("still", sections::still::report),
    ("squeeze", sections::squeeze::report),
];

fn main() {
    let words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    // `cargo test --benches` only wants to know that this builds.
    if words.iter().any(|word| word == "--test") {
        return;
    }
    let sizes = rig::Sizes::from(&words);
    let is_named = |name: &str| words.iter().any(|word| word == name);
    let all = !SECTIONS.iter().any(|(name, _)| is_named(name));
    for (name, report) in SECTIONS {
        if all || is_named(name) {
            report(&sizes);
        }
    }
}
