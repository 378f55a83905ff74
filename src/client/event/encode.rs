//! How values of other modules stand in JSON.

use std::{fmt::Display, time::Duration};

use serde::{Serialize, Serializer};

use crate::types::{ExitCode, MediaTime};

/// What is a number or bytes on the wire is text here.
pub(super) fn as_text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(super) fn all_as_text<T: Display, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(ToString::to_string))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
pub(super) fn as_seconds<S: Serializer>(time: &MediaTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_seconds())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
pub(super) fn as_status<S: Serializer>(exit: &ExitCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(*exit as u8)
}

#[expect(clippy::ref_option, reason = "the signature that serde calls")]
pub(super) fn as_optional_millis<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
}
