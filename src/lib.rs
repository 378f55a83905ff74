//! securestream.

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
