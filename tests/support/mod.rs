//! What both binaries of tests share.

pub(crate) mod events;
pub(crate) mod schema;
