//! Where the pure parts meet the world: the mio loop, the clock, the pools.

pub mod admin;
pub mod clock;
mod event_loop;
pub mod hub;
pub mod ledger;
pub mod member;
mod players;
mod pool;
mod pump;
mod reserve;
mod signals;
mod timers;
pub mod watcher;

pub use event_loop::{Accept, EventLoop, Occurrence};
pub use signals::{DefaultSignals, ResizeWatch};

#[cfg(test)]
#[cfg(feature = "player")]
mod sound_tests;
