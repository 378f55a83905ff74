//! Reads where the packets of an MP4 or MOV file are and when they are shown (ISO/IEC 14496-12).
//!
//! ```text
//!   layout ── header bytes ──► track: format (stsd) · samples (stbl) · edit (elst) · fragments (moof)
//!                              sound: the same of the first track of sound
//! ```
//!
//! A file can claim anything: what is read into memory is bounded before it is read, every table is a view
//! into those bytes, counts are held against what is there, and there is no recursion. That is why this is
//! written here: the crate `re_mp4` 0.5.1 runs for ever on a box of size 0 inside a header, makes room for as
//! many samples as a header claims (and the process ends), panics on some others, and does not apply edit
//! lists. It serves in the tests, as a second opinion on sound files.

mod boxes;
mod edit;
mod error;
mod format;
mod fragment;
mod input;
mod layout;
pub(super) mod limits;
mod samples;
mod sound;
mod track;

#[cfg(test)]
mod hostile_tests;

pub use error::IndexError;
pub(crate) use input::FileInput;
#[cfg(any(test, feature = "player"))]
pub(crate) use input::Input;
pub(crate) use track::read;
