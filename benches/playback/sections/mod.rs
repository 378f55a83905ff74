//! One section of the report each.

pub mod chat;
pub mod first;
pub mod seeks;
pub mod squeeze;
pub mod still;
