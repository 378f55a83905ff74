//! Words for video: times, codecs, renditions, ways to play.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::wire::{Text, numbered, wire_struct};

/// A point in a title or a length of it, in microseconds; negative before the title's first picture, as
/// decoding times can be. One unit for every file, so that renditions can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaTime(pub i64);

impl MediaTime {
    /// The start of a title.
    pub const ZERO: Self = Self(0);

    /// From `ticks` of a clock with `timescale` ticks a second, rounded to the nearest microsecond. A
    /// timescale of 0 counts as 1.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the range of i64 just before")]
    pub fn from_ticks(ticks: i64, timescale: u64) -> Self {
        let scale = i128::from(timescale.max(1));
        let micros = (i128::from(ticks) * 1_000_000 + scale.signum() * scale / 2).div_euclid(scale);
        Self(micros.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// As a duration; nothing when negative.
    #[must_use]
    pub fn as_duration(self) -> Duration {
        Duration::from_micros(self.0.try_into().unwrap_or(0))
    }

    /// `m:ss`, or `h:mm:ss` from an hour on, as players show it; the fraction is left out.
    #[must_use]
    pub fn clock(self) -> String {
        let seconds = self.as_duration().as_secs();
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
    }

    /// In seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for display; exact up to 285 years")]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl std::ops::Add for MediaTime {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for MediaTime {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// The height that a rendition is known by, in pixels: `240` is shown as `240p`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RenditionLabel(pub u32);

impl fmt::Display for RenditionLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}p", self.0)
    }
}

impl std::str::FromStr for RenditionLabel {
    type Err = std::num::ParseIntError;

    /// Reads `240` or `240p`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_suffix('p').unwrap_or(text).parse().map(Self)
    }
}

numbered! {
    /// Why a play ended.
    pub enum EndReason {
        /// All of it was sent or shown.
        0 => Finished "finished",
        /// The member stopped it.
        1 => Stopped "stopped",
        /// The member closed its window.
        2 => Closed "closed",
        /// The link broke.
        3 => Lost "lost",
        /// It could not be decoded or read.
        4 => Unplayable "unplayable",
        /// The file on the hub is not what was indexed.
        5 => FileChanged "file_changed",
        /// The hub is going down.
        6 => HubClosing "hub_closing",
    }
}

/// Which renditions a play shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlayMode {
    /// What the link carries: the member changes it while it plays.
    #[default]
    Auto,
    /// Each rendition in turn, lowest first, an equal share of the title each.
    Tour,
    /// One rendition.
    Fixed(RenditionLabel),
    /// A mode of a newer version: to be refused, and no reason to close the link.
    Unknown,
}

wire_struct! {
    struct WirePlayMode { kind: Text, label: Option<RenditionLabel> }
}

impl Serialize for PlayMode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, label) = match self {
            Self::Auto => ("auto", None),
            Self::Tour => ("tour", None),
            Self::Fixed(label) => ("fixed", Some(*label)),
            Self::Unknown => ("unknown", None),
        };
        WirePlayMode { kind: kind.into(), label }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PlayMode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = WirePlayMode::deserialize(deserializer)?;
        match (wire.kind.as_str(), wire.label) {
            ("auto", _) => Ok(Self::Auto),
            ("tour", _) => Ok(Self::Tour),
            ("fixed", Some(label)) => Ok(Self::Fixed(label)),
            ("fixed", None) => Err(serde::de::Error::custom("fixed needs a label")),
            _ => Ok(Self::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_round_to_the_nearest_microsecond() {
        assert_eq!(MediaTime::from_ticks(1001, 30_000), MediaTime(33_367));
        assert_eq!(MediaTime::from_ticks(-1, 3), MediaTime(-333_333));
        assert_eq!(MediaTime::from_ticks(5, 0), MediaTime(5_000_000));
        assert_eq!(MediaTime::from_ticks(i64::MAX, 1), MediaTime(i64::MAX));
    }

    #[test]
    fn a_time_reads_as_on_a_clock() {
        let clock = |seconds: f64| MediaTime::from_ticks((seconds * 1e6).round() as i64, 1_000_000).clock();
        assert_eq!([0.0, 59.9, 83.0].map(clock), ["0:00", "0:59", "1:23"]);
        assert_eq!([3_599.0, 3_600.0, 36_061.0, -5.0].map(clock), ["59:59", "1:00:00", "10:01:01", "0:00"]);
    }

    #[test]
    fn a_label_reads_with_and_without_its_p() {
        assert_eq!("240p".parse(), Ok(RenditionLabel(240)));
        assert_eq!("240".parse(), Ok(RenditionLabel(240)));
        assert!("p".parse::<RenditionLabel>().is_err());
        assert_eq!(RenditionLabel(1080).to_string(), "1080p");
    }

    #[test]
    fn play_modes_survive_the_wire() {
        for mode in [PlayMode::Auto, PlayMode::Tour, PlayMode::Fixed(RenditionLabel(720))] {
            let bytes = super::super::wire::to_bytes(&mode);
            assert_eq!(super::super::wire::from_bytes::<PlayMode>(&bytes).unwrap(), mode);
        }
        let read = super::super::wire::from_bytes::<PlayMode>;
        assert_eq!(read(b"\x92\xa5lower\xc0").unwrap(), PlayMode::Unknown, "of a newer version");
        assert!(read(b"\x92\xa5fixed\xc0").is_err());
    }
}
