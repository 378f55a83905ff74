//! Where the pure parts meet the world: the mio loop, the clock, the pools.

pub mod clock;
mod event_loop;
pub mod hub;
pub mod ledger;
pub mod member;
mod players;
mod pool;
mod pump;
mod signals;
mod timers;

pub use event_loop::{EventLoop, Occurrence};
pub use signals::DefaultSignals;
