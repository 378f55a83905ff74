//! The hub's decisions, without sockets, clock or threads.
//!
//! [`Relay`] is who is here and who gets what; it never sees media. [`Plays`] is what one link watches. Sealed
//! bytes are opaque to both. [`Door`] lets links come in, and [`Rates`] lets posts through.

pub mod admin;
pub mod bindings;
mod bucket;
pub mod door;
mod invite;
pub mod listing;
mod lookalike;
mod play;
mod plays;
mod rates;
mod relay;
pub mod report;
mod requests;
mod roster;

pub use bindings::Bindings;
pub use door::Door;
pub use invite::{InviteCode, InviteHash};
pub use play::{Batch, Play, Request, Step};
pub use plays::{PlayOutput, Plays, ReadJob, ReadResult};
pub use rates::Rates;
pub use relay::{Admission, Command, CommitId, OperatorError, Relay, RelayOptions};
pub use requests::Requests;
