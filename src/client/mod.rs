//! The member's side: what it keeps.

pub mod keyring;
