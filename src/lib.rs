//! securestream.

pub mod client;
pub mod crypto;
pub mod directory;
pub mod proto;
pub mod storage;
pub mod transport;
pub mod types;
pub mod video;
