//! A relay, sessions and their workers wired together in memory: no thread, no socket, and time that only these tests
//! move.

mod flood;
mod grace;
mod leaving;
mod letters;
mod media;
mod names;
mod one_time;
mod random;
mod relay;
mod sessions;
mod world;
