//! The hub's decisions, without sockets, clock or threads.
//!
//! [`Relay`] is who is here and who gets what; it never sees media. [`Plays`] is what one link watches. Sealed
//! bytes are opaque to both.

pub mod bindings;
mod invite;
pub mod listing;
mod lookalike;
mod play;
mod plays;
mod relay;
pub mod report;
mod requests;
mod roster;

pub use bindings::Bindings;
pub use invite::{InviteCode, InviteHash};
pub use play::{Batch, Play, Request, Step};
pub use plays::{PlayOutput, Plays, ReadJob, ReadResult};
pub use relay::{Admission, Command, CommitId, OperatorError, Relay, RelayOptions};
pub use requests::Requests;
