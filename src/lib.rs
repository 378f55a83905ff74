//! securestream.

pub mod client;
pub mod crypto;
pub mod storage;
pub mod types;
