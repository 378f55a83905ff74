//! securestream.

pub mod directory;
pub mod proto;
pub mod transport;
pub mod types;
