//! The hub's decisions, without sockets, clock or threads.
//!
//! [`Relay`] is who is here and who gets what; it never sees media. [`Plays`] is what one link watches. Sealed
//! bytes are opaque to both. [`Door`] lets links come in, and [`Rates`] lets posts through.

pub mod admin;
mod bucket;
pub mod door;
pub mod listing;
mod play;
mod plays;
mod rates;
mod relay;
pub mod report;
mod requests;
mod roster;

pub use door::Door;
pub use play::{Batch, Play, Request, Step};
pub use plays::{PlayOutput, Plays, ReadJob, ReadResult};
pub use rates::Rates;
pub use relay::{Command, Relay, RelayOptions};
pub use requests::Requests;
