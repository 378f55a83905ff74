//! The member: what it is told, what it tells, and how a person or a script drives it.

pub mod command;
#[cfg(test)]
mod documentation;
pub mod event;
pub mod front;
pub mod hub_address;
pub mod keyring;
pub mod known_hubs;
pub mod lines;
pub mod places;
pub mod script;
pub mod scripted;
pub mod session;
pub mod terminal;
pub mod trust;
mod wait;
pub mod work;
