//! A private hub in one binary: members write to each other through a hub that cannot read them, and watch its
//! videos. The binary is a thin layer over this crate, which is public for tests, benches and tools.
//!
//! ```text
//!                         pure: bytes, messages and time in, what to do out
//!              ┌──────────────────────────────────────────────────────────────────┐
//!   hub        │  proto::Connection ──▶ server::Relay, server::Plays              │
//!   member     │  proto::Connection ──▶ client::session::Session ──▶ script, menu │
//!              └───────▲──────────────────────────┬───────────────────────────────┘
//!                bytes │                          │ messages, jobs, players, events
//!              ┌───────┴──────────────────────────▼───────────────────────────────┐
//!              │  driver: one mio loop, the clock, signals, pools of threads      │
//!              └───▲──────────────▲──────────────▲──────────────▲─────────────────┘
//!                  │              │              │              │
//!   the world   transport      storage      video source     windows, terminal
//!               tls tcp unix   disk         folder           OpenCV
//!               memory         memory       memory           none
//! ```
//!
//! Below the line everything has a stand-in without effects, so that whole conversations run in tests in memory,
//! under virtual time. `ARCHITECTURE.md` has the threads, the queues and their bounds, and who may import whom;
//! `docs/protocol.md` the bytes; `docs/security.md` what is protected from whom.
//!
//! | module | what it is |
//! |---|---|
//! | [`types`] | the words that all share: names, fingerprints, codes, [limits](types::limits), strict MessagePack |
//! | [`proto`] | records, messages, versions, [the state of one connection](proto::Connection) |
//! | [`crypto`] | identities, [sealing](crypto::seal) and [opening](crypto::open), receipts, replay marks |
//! | [`directory`] | [who is here](directory::Directory), on the hub |
//! | [`storage`] | [small private files](storage::Storage) that survive crashes |
//! | [`transport`] | [links](transport::Transport) over TCP, Unix sockets and memory, and TLS over these |
//! | [`video`] | catalogue, index and plan on the hub; decoding and showing at the member |
//! | [`server`] | the hub's decisions: [who gets what](server::Relay), [what a play sends](server::Plays) |
//! | [`client`] | the member: [session](client::session::Session), keyring, script, terminal |
//! | [`driver`] | the [hub](driver::hub::Hub) and the [member](driver::member::Member) on their loops |
//! | [`cli`] | the command line |
//! | [`mod@run`] | puts the parts together |
//!
//! # Features
//!
//! `player` (default): decoding with FFmpeg and windows with OpenCV. Without it a hub loses nothing, and a member
//! chats.

pub mod cli;
pub mod client;
pub mod crypto;
pub mod directory;
pub mod driver;
pub mod proto;
pub mod run;
pub mod server;
pub mod storage;
pub mod transport;
pub mod types;
pub mod video;

#[cfg(test)]
mod architecture_tests;
