//! The member's side.

pub mod keyring;
