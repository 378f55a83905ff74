//! A hub on a thread of this process, honest members and hostile ones, over every kind of link.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "player")]
mod adaptive;
mod bench;
mod bindings;
mod hostile;
mod hub;
mod member;
mod raw;
mod tap;
mod videos;

mod catalog;
mod door;
mod membership;
mod memory;
mod paused;
#[cfg(feature = "player")]
mod player;
mod plays;
mod posts;
mod records;
mod registration;
mod relay;
mod seals;
#[cfg(feature = "player")]
mod shaped;
mod simulation;
mod slow;
mod subtitles;
mod tls;
