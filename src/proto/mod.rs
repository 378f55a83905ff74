//! The sans-IO core: records, messages, versions and the state of one connection.
//!
//! ```text
//!   bytes in ──▶ Deframer ──▶ Message ──▶ Connection ──▶ Event      (to relay or session)
//!   bytes out ◀── Outbox ◀── record ◀──── Connection ◀── send, close (from relay or session)
//! ```
//!
//! Nothing here calls a clock, a socket or a random source: `now` and bytes come in as arguments. The contract
//! of [`Connection`]:
//!
//! 1. `receive`, `send…`, `close` and `timeout` are the mutations; after any of them drain `poll_event`, then
//!    write out what `outbox` holds, then ask `deadline` when to call `timeout`.
//! 2. An error of the peer ends the connection by itself: the event says how, the outbox holds what the peer is told.
//! 3. After `is_closed` nothing is read or written any more.

mod connection;
#[cfg(test)]
mod documentation_tests;
mod error;
pub mod message;
mod outbox;
mod record;
mod timer;
mod version;

pub use connection::{Connection, Ending, Event, State};
pub use error::{Closing, InvalidMessage, ProtocolError};
pub use message::Message;
pub use outbox::Outbox;
pub use record::{Deframer, encode};
pub use version::{VERSIONS, negotiate};
