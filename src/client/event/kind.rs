//! The kinds of events and their fields, for what waits for them by name.

/// A kind of event, known by its name and by the fields that a wait can compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventKind {
    pub(crate) name: &'static str,
    /// Fields that hold one value. Lists cannot be waited for.
    pub(crate) fields: &'static [&'static str],
}

impl EventKind {
    /// Every kind, in the order of the documentation.
    pub(crate) const ALL: &'static [Self] = &[
        kind("hello", &["schema", "version", "protocol"]),
        kind("connected", &["hub"]),
        kind("welcome", &["name", "fingerprint", "guest", "members", "relay"]),
        kind("directory", &["epoch"]),
        kind("who", &[]),
        kind("whoami", &["name", "fingerprint", "guest"]),
        kind("help", &[]),
        kind("joined", &["name", "fingerprint", "guest"]),
        kind("left", &["name", "reason"]),
        kind("ok", &["command"]),
        kind("queued", &["id", "to"]),
        kind("accepted", &["id"]),
        kind("delivered", &["id", "by", "remaining"]),
        kind("failed", &["id", "to", "code"]),
        kind("message", &["id", "from", "fingerprint", "text", "to_all", "verified", "key_changed", "time"]),
        kind("videos", &[]),
        kind("videos_changed", &[]),
        kind("play_started", &["id", "title", "first_frame_ms"]),
        kind("display", &["id", "kind", "why"]),
        kind("rendition", &["id", "label", "width", "height", "from"]),
        kind("stalled", &["id", "ms"]),
        kind("play_paused", &["id", "at"]),
        kind("play_resumed", &["id", "at"]),
        kind("play_seeked", &["id", "at", "preview_ms"]),
        kind("play_ended", &["id", "title", "reason", "frames", "shown", "dropped", "stalls", "sha256"]),
        kind("key_changed", &["name", "old", "new", "was_verified", "held"]),
        kind("gap", &["from", "missing"]),
        kind("safety_number", &["name", "digits", "verified"]),
        kind("notice", &["code", "text"]),
        kind("reconnecting", &["attempt", "in_ms", "code"]),
        kind("error", &["code", "message", "hint", "retryable", "retry_after_ms", "command"]),
        kind("bye", &["reason", "exit"]),
    ];

    /// The kind with this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|kind| kind.name == name)
    }
}

const fn kind(name: &'static str, fields: &'static [&'static str]) -> EventKind {
    EventKind { name, fields }
}
