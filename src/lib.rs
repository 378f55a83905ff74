//! securestream.

pub mod types;
