//! The built binary as users run it: processes, signals, files, pipes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod home;
mod process;

mod admin;
mod conversation;
mod ends;
mod guide;
mod identities;
mod keys;
mod listeners;
mod names;
mod pins;
mod screen;
mod shortage;
mod signals;
mod trust;
mod usage;
mod videos;
#[cfg(feature = "player")]
mod window;
