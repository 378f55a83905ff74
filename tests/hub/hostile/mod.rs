//! Hubs that lie. Each test plays the hub's side of a link by hand, message by message.

mod directories;
mod floods;
mod keys;
mod puppet;
mod records;
