//! securestream.

pub mod types;
pub mod video;
