//! One section of the report each.

pub(crate) mod chat;
pub(crate) mod first;
pub(crate) mod seeks;
pub(crate) mod squeeze;
pub(crate) mod still;
